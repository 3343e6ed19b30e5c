//! `rtpipeline config show | check | explain`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use rt_cli::command::{run_with, say};
use rt_cli::exit::describe;
use rt_cli::{CommonArgs, Exit, Explanation, Failure, Machine, Resources, Settings, Step, logging};
use rt_config::names::{SECTIONS, SectionKind};
use rt_config::{Document, section_digest};
use rt_course::digest::digest_file;
use rt_course::{Cohort, CourseDir};
use serde::Serialize;
use serde_json::Value;

use crate::graph::Graph;
use crate::text::{row, table};

/// Arguments of `rtpipeline config`.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do with the configuration.
#[derive(Debug, Clone, Subcommand)]
pub enum Verb {
    /// Print every section and key with its value and where that was set
    Show(OutputArgs),
    /// Read every section and look for every file that is named; exit code 2 if something is wrong
    Check(OutputArgs),
    /// Print the graph of stages, or one stage: inputs, outputs and what its key is made of
    Explain(ExplainArgs),
}

/// Which cohort's saved configuration to use.
#[derive(Debug, Clone, Args)]
pub struct OutputArgs {
    /// Output folder, whose saved configuration is used when no other is found
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// Arguments of `rtpipeline config explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// Stage to explain; without it the whole graph
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<String>,
    /// Course folder, or output folder for organize and aggregate: why the stage would run there
    #[arg(long, value_name = "DIR", requires = "stage")]
    pub at: Option<PathBuf>,
    /// Whose saved configuration to use.
    #[command(flatten)]
    pub output: OutputArgs,
    /// One JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub fn run(args: &ConfigArgs, common: &CommonArgs) -> ExitCode {
    run_with(common, || {
        let output = match &args.verb {
            Verb::Show(o) | Verb::Check(o) => o.output.clone(),
            Verb::Explain(e) => e.output.output.clone(),
        };
        let cohort = output.map(Cohort::new).transpose()?;
        let settings = Settings::load(common, cohort.as_ref(), &[])?;
        logging::init(settings.logging);
        let graph = Graph::new();
        match &args.verb {
            Verb::Show(_) => show(&graph, &settings),
            Verb::Check(_) => check(&graph, &settings),
            Verb::Explain(args) => explain(&graph, &settings, args),
        }
    })
}

/// Every value of every section that this version reads, by section.
fn all_values(graph: &Graph, settings: &Settings) -> Result<BTreeMap<&'static str, Value>, anyhow::Error> {
    let document = &settings.document;
    let mut sections = graph.organize.values(document)?;
    sections.extend(graph.aggregate.values(document)?);
    for node in &graph.course {
        sections.extend(node.step.values(document)?);
    }
    sections.insert("cohort", serde_json::to_value(&settings.cohort)?);
    sections.insert("resources", serde_json::to_value(settings.resources)?);
    sections.insert("logging", serde_json::to_value(settings.logging)?);
    Ok(sections)
}

fn show(graph: &Graph, settings: &Settings) -> Result<Exit, anyhow::Error> {
    let values = all_values(graph, settings)?;
    let document = &settings.document;
    for (section, kind) in SECTIONS {
        let Some(Value::Object(keys)) = values.get(section) else { continue };
        say(&format!("[{section}]"))?;
        if let SectionKind::Stage(_) = kind {
            say(&line(
                "enabled",
                &document.enabled(section)?.into(),
                &origin(document, section, "enabled"),
            ))?;
        }
        for (key, value) in keys {
            say(&line(key, value, &origin(document, section, key)))?;
        }
        say("")?;
    }
    let machine = Machine::detect();
    let one = Resources::for_one(&settings.resources, machine);
    let gib = |bytes: Option<u64>| bytes.map_or_else(|| "unknown".to_owned(), |b| format!("{:.1} GiB", b as f64 / f64::from(1 << 30)));
    say(&format!("# this machine: {} cores, {}", machine.cores, gib(machine.memory_bytes)))?;
    let many = Resources::for_courses(&settings.resources, machine, &[1; 1000]);
    say(&format!(
        "# one course alone: {} threads; many courses: {} at once with {} threads each, {} together",
        one.threads,
        many.workers,
        many.threads,
        gib(many.memory_bytes)
    ))?;
    Ok(Exit::Done)
}

fn origin(document: &Document, section: &str, key: &str) -> String {
    document
        .origin(&format!("{section}.{key}"))
        .map_or_else(|| "default".to_owned(), ToString::to_string)
}

fn line(key: &str, value: &Value, origin: &str) -> String {
    match rt_config::section::toml_value(value) {
        Some(text) => format!("{:<40} # {origin}", format!("{key} = {text}")),
        None => format!("{:<40} # {origin}: not set", format!("# {key} =")),
    }
}

fn check(graph: &Graph, settings: &Settings) -> Result<Exit, anyhow::Error> {
    let document = &settings.document;
    let steps = graph.course.iter().map(|node| node.step.values(document));
    let cohort = [graph.organize.values(document), graph.aggregate.values(document)];
    let mut faults: Vec<String> = Vec::new();
    let mut read: Vec<&'static str> = vec!["cohort", "resources", "logging"];
    for result in cohort.into_iter().chain(steps) {
        match result {
            Ok(values) => read.extend(values.keys()),
            Err(error) => faults.push(describe(&error.into())),
        }
    }
    for (section, _) in SECTIONS {
        faults.extend(document.enabled(section).err().map(|error| describe(&error.into())));
    }
    for (name, path, at) in document.paths() {
        if !["cohort.output", "segmentation.lease_dir"].contains(&name) && !path.exists() {
            faults.push(format!("error[config.file]: {at}: `{name}`: {} does not exist", path.display()));
        }
    }
    faults.sort();
    faults.dedup();
    faults.iter().try_for_each(|fault| say(fault))?;
    if faults.is_empty() {
        for section in document.present().into_iter().filter(|section| !read.contains(section)) {
            tracing::warn!(event = "config.unread", "no stage of this version reads [{section}]");
        }
        let source = settings
            .file
            .as_ref()
            .map_or_else(|| "no file".to_owned(), |file| file.display().to_string());
        say(&format!("the configuration is valid ({source})"))?;
        return Ok(Exit::Done);
    }
    Ok(Exit::Usage)
}

/// One stage in the graph, for people and for workflow engines.
#[derive(Serialize)]
struct StageInfo {
    name: &'static str,
    command: String,
    scope: &'static str,
    after: Vec<&'static str>,
    sections: &'static [&'static str],
    enabled: bool,
    /// Changes when a value or a named file that the result depends on changes.
    digest: String,
}

#[derive(Serialize)]
struct GraphInfo {
    stages: Vec<StageInfo>,
    resources: Resources,
    /// `section.key`: how many of a stage may run at once.
    limits: BTreeMap<String, Value>,
}

fn explain(graph: &Graph, settings: &Settings, args: &ExplainArgs) -> Result<Exit, anyhow::Error> {
    let Some(stage) = &args.stage else {
        return whole_graph(graph, settings, args.json);
    };
    graph.select(std::slice::from_ref(stage))?;
    let document = &settings.document;
    let node = graph.course.iter().find(|node| node.step.name() == stage);
    let info = match node {
        Some(node) => info(graph, node.step, "course", document)?,
        None => info(graph, cohort_step(graph, stage)?, "cohort", document)?,
    };
    let explanation = match (&args.at, node) {
        (None, _) => None,
        (Some(at), Some(node)) => Some(node.step.explain(&CourseDir::open(at)?, document)?),
        (Some(at), None) => Some(cohort_step(graph, stage)?.explain(&Cohort::new(at)?, document)?),
    };
    if args.json {
        say(&serde_json::to_string_pretty(
            &serde_json::json!({"stage": info, "here": explanation}),
        )?)?;
    } else {
        tell_stage(&info, explanation.as_ref())?;
    }
    Ok(Exit::Done)
}

fn cohort_step(graph: &Graph, name: &str) -> Result<&'static dyn Step<Cohort>, Failure> {
    let found = [graph.organize, graph.aggregate].into_iter().find(|step| step.name() == name);
    found.ok_or_else(|| Failure::usage("usage.stage", format!("there is no stage `{name}`")))
}

fn info<P: rt_cli::Place>(graph: &Graph, step: &dyn Step<P>, scope: &'static str, document: &Document) -> Result<StageInfo, anyhow::Error> {
    let own = step.sections().first().copied().unwrap_or_default();
    let enabled = document.enabled(own)?;
    let mut parts = vec![format!("enabled {enabled}")];
    parts.extend(step.values(document)?.iter().map(|(section, value)| section_digest(section, value)));
    for (name, path, _) in document.paths() {
        let ours = name
            .split_once('.')
            .is_some_and(|(section, _)| step.sections().contains(&section) && section != "cohort");
        if let Some(path) = camino::Utf8Path::from_path(&path).filter(|path| ours && path.is_file()) {
            parts.push(format!("{name} {}", digest_file(path)?.blake3));
        }
    }
    let digest = section_digest("graph", &Value::from(parts));
    Ok(StageInfo {
        name: step.name(),
        command: format!("rt-{}", step.name()),
        scope,
        after: graph.after(step.name()),
        sections: step.sections(),
        enabled,
        digest,
    })
}

fn whole_graph(graph: &Graph, settings: &Settings, json: bool) -> Result<Exit, anyhow::Error> {
    let document = &settings.document;
    let mut stages = vec![info(graph, graph.organize, "cohort", document)?];
    for node in &graph.course {
        stages.push(info(graph, node.step, "course", document)?);
    }
    stages.push(info(graph, graph.aggregate, "cohort", document)?);
    let values = all_values(graph, settings)?;
    let limit = |section: &str| values.get(section).and_then(|v| v.get("workers")).cloned().unwrap_or(Value::Null);
    let limits = ["segmentation", "custom_models"].map(|section| (format!("{section}.workers"), limit(section)));
    let resources = Resources::for_courses(&settings.resources, Machine::detect(), &[1; 1000]);
    let whole = GraphInfo {
        stages,
        resources,
        limits: limits.into(),
    };
    if json {
        say(&serde_json::to_string_pretty(&whole)?)?;
        return Ok(Exit::Done);
    }
    let mut rows = vec![row([&"stage", &"command", &"of a", &"after", &"sections"])];
    rows.extend(
        whole
            .stages
            .iter()
            .map(|s| row([&s.name, &s.command, &s.scope, &s.after.join(" "), &s.sections.join(" ")])),
    );
    say(&table(&rows))?;
    Ok(Exit::Done)
}

fn tell_stage(info: &StageInfo, here: Option<&Explanation>) -> Result<(), anyhow::Error> {
    let enabled = if info.enabled { "" } else { " (switched off)" };
    say(&format!("{}: {} of a {}{enabled}", info.name, info.command, info.scope))?;
    say(&format!(
        "after: {}",
        if info.after.is_empty() {
            "nothing".to_owned()
        } else {
            info.after.join(", ")
        }
    ))?;
    say(&format!("sections: {}", info.sections.join(", ")))?;
    let Some(here) = here else { return Ok(()) };
    say("inputs:")?;
    for (path, from) in &here.inputs {
        say(&format!(
            "  {path}{}",
            from.map(|stage| format!("  (required, from {stage})")).unwrap_or_default()
        ))?;
    }
    say("outputs:")?;
    here.outputs.iter().try_for_each(|path| say(&format!("  {path}")))?;
    say(&format!("key: {}", here.key.as_deref().unwrap_or("not known yet")))?;
    here.key_parts
        .iter()
        .try_for_each(|(name, value)| say(&format!("  {name} = {value}")))?;
    say(&here
        .stale
        .as_ref()
        .map_or_else(|| "fresh: nothing would run".to_owned(), |why| format!("would run: {why}")))
}
