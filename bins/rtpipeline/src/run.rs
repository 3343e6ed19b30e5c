//! `rtpipeline run`: organize, every stage of every course, aggregate; one process.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use rt_cli::command::{begin_cohort, check_writable, mode, run_with, say, waiting};
use rt_cli::exit::code_of;
use rt_cli::{CommonArgs, Environment, Exit, Failure, Machine, Mode, Outcome, Resources, Settings, Step, logging, signals};
use rt_course::manifest::{CourseStatus, Manifest};
use rt_course::{Cohort, Status};

use crate::graph::{Graph, Node};
use crate::plan::{self, Verdict};
use crate::schedule::{Conditions, CourseRun, End, Task, run_courses};
use crate::select::select;
use crate::text::{count, row, table};

/// Arguments of `rtpipeline run`.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    /// Folder of DICOM files; read, never written to
    #[arg(long, value_name = "DIR", help_heading = "Input and output")]
    pub input: Option<PathBuf>,
    /// Folder for everything that is made
    #[arg(short, long, value_name = "DIR", help_heading = "Input and output")]
    pub output: Option<PathBuf>,
    /// Courses at once [default: as cores and memory allow]
    #[arg(short, long, value_name = "N", help_heading = "Resources")]
    pub jobs: Option<usize>,
    /// Devices for segmentation: 0,1 or cpu or auto
    #[arg(long, value_name = "LIST", help_heading = "Resources")]
    pub seg_devices: Option<String>,
    /// Only these courses: PATIENT/COURSE, PATIENT, with * and ?, or @FILE; may repeat
    #[arg(long, value_name = "P/C", help_heading = "Selection")]
    pub course: Vec<String>,
    /// Only this stage; may repeat
    #[arg(long, value_name = "STAGE", help_heading = "Selection")]
    pub stage: Vec<String>,
}

impl RunArgs {
    /// The assignments that these arguments stand for.
    pub fn assignments(&self) -> Vec<String> {
        let devices = self.seg_devices.as_ref().map(|list| match list.as_str() {
            "cpu" | "auto" => format!("segmentation.devices={list}"),
            numbers => format!("segmentation.devices=[{numbers}]"),
        });
        let input = self.input.as_deref().map(Settings::input);
        let jobs = self.jobs.map(|n| format!("resources.workers={n}"));
        [devices, input, jobs].into_iter().flatten().collect()
    }
}

/// Arguments of `rtpipeline report`.
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// Output folder of a run
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
}

/// Runs `rtpipeline report`: the aggregate stage alone.
pub fn report(args: &ReportArgs, common: &CommonArgs) -> ExitCode {
    let aggregate = RunArgs {
        output: Some(args.output.clone()),
        stage: vec!["aggregate".to_owned()],
        ..RunArgs::default()
    };
    run(&aggregate, common)
}

/// Runs the command.
pub fn run(args: &RunArgs, common: &CommonArgs) -> ExitCode {
    run_with(common, || {
        let graph = Graph::new();
        let given = args.output.as_deref().map(Cohort::new).transpose()?;
        let settings = Settings::load(common, given.as_ref(), &args.assignments())?;
        logging::init(settings.logging);
        let cohort = match (given, &settings.cohort.output) {
            (Some(cohort), _) => cohort,
            (None, Some(path)) => Cohort::new(path)?,
            (None, None) => {
                return Err(Failure::usage("usage.output", "no output folder was given")
                    .hint("give --output DIR")
                    .into());
            }
        };
        let stages = graph.select(&args.stage)?;
        check_config(&graph, &settings)?;
        Run {
            graph,
            settings,
            cohort,
            stages,
            common,
        }
        .start(&args.course)
    })
}

/// Reads every section before any work begins.
fn check_config(graph: &Graph, settings: &Settings) -> Result<(), anyhow::Error> {
    graph.organize.values(&settings.document)?;
    graph.aggregate.values(&settings.document)?;
    for node in &graph.course {
        node.step.values(&settings.document)?;
        settings
            .document
            .enabled(node.step.sections().first().copied().unwrap_or_default())?;
    }
    Ok(())
}

struct Run<'a> {
    graph: Graph,
    settings: Settings,
    cohort: Cohort,
    stages: Vec<&'static str>,
    common: &'a CommonArgs,
}

/// What happened, for the last lines.
#[derive(Default)]
struct Done {
    organize: Option<End>,
    courses: Vec<CourseRun>,
    aggregate: Option<End>,
}

impl Run<'_> {
    fn wants(&self, step: &dyn Step<Cohort>) -> bool {
        self.stages.contains(&step.name())
    }

    fn start(&self, patterns: &[String]) -> Result<Exit, anyhow::Error> {
        if self.wants(self.graph.organize) {
            begin_cohort(&self.cohort, &self.settings, self.common)?;
        }
        if mode(self.common) == Mode::DryRun {
            return self.dry_run(patterns);
        }
        check_writable(&self.cohort)?;
        let mut done = Done::default();
        if self.wants(self.graph.organize) {
            done.organize = Some(self.cohort_step(self.graph.organize)?);
            if !matches!(done.organize, Some(End::Ended(_))) {
                return Ok(signals::received().unwrap_or(Exit::Failed));
            }
        }
        let manifest = self.cohort.read_manifest()?;
        let tasks = self.tasks(&manifest, patterns)?;
        let nodes: Vec<Node> = self
            .graph
            .course
            .iter()
            .filter(|node| self.stages.contains(&node.step.name()))
            .copied()
            .collect();
        if tasks.is_empty() {
            tracing::warn!(
                event = "run.no_course",
                "there is no course to work on: {} tells what was found",
                self.cohort.results_dir().join("inventory.csv")
            );
        }
        let sizes: Vec<u64> = tasks.iter().map(|task| task.est_bytes).collect();
        let resources = Resources::for_courses(&self.settings.resources, Machine::detect(), &sizes);
        let conditions = Conditions {
            document: &self.settings.document,
            resources,
            mode: mode(self.common),
            waiting: waiting(self.common),
        };
        done.courses = run_courses(&nodes, &tasks, conditions)?;
        if self.wants(self.graph.aggregate) && signals::received().is_none() {
            done.aggregate = Some(self.cohort_step(self.graph.aggregate)?);
        }
        self.tell(&done, &manifest, &nodes)?;
        Ok(done.exit(&manifest))
    }

    fn cohort_step(&self, step: &dyn Step<Cohort>) -> Result<End, anyhow::Error> {
        let resources = Resources::for_one(&self.settings.resources, Machine::detect());
        let mut environment = Environment::new(&self.settings.document, resources)?;
        environment.mode = mode(self.common);
        environment.waiting = waiting(self.common);
        Ok(match step.execute(&self.cohort, &environment) {
            Ok(outcome) => End::Ended(outcome),
            Err(_) if signals::received().is_some() => End::NotReached,
            Err(error) => End::Failed {
                code: code_of(&error),
                message: error.to_string(),
            },
        })
    }

    fn tasks(&self, manifest: &Manifest, patterns: &[String]) -> Result<Vec<Task>, anyhow::Error> {
        let active: Vec<_> = manifest.courses.iter().filter(|c| c.status == CourseStatus::Active).collect();
        let paths: Vec<&str> = active.iter().map(|c| c.path.as_str()).collect();
        let chosen = select(&paths, patterns)?;
        let task = |path: &str, est_bytes| {
            Ok(Task {
                course: self.cohort.course_at(path)?,
                est_bytes,
            })
        };
        active
            .iter()
            .filter(|c| chosen.contains(&c.path.as_str()))
            .map(|c| task(&c.path, c.est_bytes))
            .collect()
    }

    fn dry_run(&self, patterns: &[String]) -> Result<Exit, anyhow::Error> {
        let document = &self.settings.document;
        let mut runs = 0;
        let mut fresh = 0;
        let mut tell = |token: &str, stage: &str, verdict: &Verdict| {
            let (word, why) = match verdict {
                Verdict::Fresh => ("fresh", String::new()),
                Verdict::Run(why) => ("run  ", why.clone()),
                Verdict::After(before) => ("run  ", format!("if {before} changes anything")),
            };
            *if *verdict == Verdict::Fresh { &mut fresh } else { &mut runs } += 1;
            say(format!("{word}  {token:<24}  {stage:<10}  {why}").trim_end())
        };
        if self.wants(self.graph.organize) {
            tell(
                "(cohort)",
                self.graph.organize.name(),
                &plan::verdict(&self.graph.organize.explain(&self.cohort, document)?),
            )?;
        }
        if self.cohort.manifest().exists() {
            let nodes: Vec<Node> = self
                .graph
                .course
                .iter()
                .filter(|node| self.stages.contains(&node.step.name()))
                .copied()
                .collect();
            for task in self.tasks(&self.cohort.read_manifest()?, patterns)? {
                for (stage, verdict) in plan::course(&nodes, &task.course, document)? {
                    tell(task.course.token(), stage, &verdict)?;
                }
            }
        } else {
            say("the courses are known after organize")?;
        }
        if self.wants(self.graph.aggregate) {
            tell(
                "(cohort)",
                self.graph.aggregate.name(),
                &plan::verdict(&self.graph.aggregate.explain(&self.cohort, document)?),
            )?;
        }
        say(&format!("{runs} to run, {fresh} fresh; nothing was written"))?;
        Ok(Exit::Done)
    }

    /// The last lines of the terminal: what was done per stage, what went wrong, where the report is, what to type next.
    fn tell(&self, done: &Done, manifest: &Manifest, nodes: &[Node]) -> Result<(), anyhow::Error> {
        let mut rows = vec![row([
            &"stage", &"ran", &"fresh", &"skipped", &"partial", &"failed", &"blocked", &"time s",
        ])];
        if let Some(end) = &done.organize {
            rows.push(Tally::of([end]).row(self.graph.organize.name()));
        }
        for (n, node) in nodes.iter().enumerate() {
            rows.push(Tally::of(done.courses.iter().map(|run| &run.stages[n].1)).row(node.step.name()));
        }
        if let Some(end) = &done.aggregate {
            rows.push(Tally::of([end]).row(self.graph.aggregate.name()));
        }
        say(&table(&rows))?;
        let withdrawn = manifest.courses.iter().filter(|c| c.status == CourseStatus::Withdrawn).count();
        let broken: Vec<_> = manifest.courses.iter().filter(|c| c.status == CourseStatus::Failed).collect();
        let failed = done.courses.iter().filter(|run| run.is_failed()).count() + broken.len();
        let partial = done.courses.iter().filter(|run| !run.is_failed() && run.is_partial()).count();
        let ok = done.courses.len() + broken.len() - failed - partial;
        say(&format!(
            "{}: {ok} ok, {partial} in part, {failed} failed; {withdrawn} withdrawn",
            count(done.courses.len() + broken.len(), "course")
        ))?;
        for course in broken {
            say(&format!("  {} could not be organised: {}", course.path, course.reason))?;
        }
        for (token, stage, code, message) in done.courses.iter().flat_map(CourseRun::failures) {
            say(&format!("  {token} {stage}: {message} [{code}]"))?;
        }
        if self.cohort.report().exists() {
            say(&format!("report: {}", self.cohort.report()))?;
        }
        if failed + partial > 0 {
            say(&format!("next: rtpipeline status --output {}", self.cohort.root()))?;
        }
        Ok(())
    }
}

impl Done {
    fn exit(&self, manifest: &Manifest) -> Exit {
        let is_partial = |end: &Option<End>| matches!(end, Some(End::Ended(outcome)) if outcome.exit() == Exit::Partial);
        if let Some(signal) = signals::received() {
            signal
        } else if matches!(self.aggregate, Some(End::Failed { .. })) {
            Exit::Failed
        } else if self.courses.iter().any(|run| run.is_failed() || run.is_partial())
            || manifest.courses.iter().any(|c| c.status == CourseStatus::Failed)
            || is_partial(&self.organize)
            || is_partial(&self.aggregate)
        {
            Exit::Partial
        } else {
            Exit::Done
        }
    }
}

impl CourseRun {
    fn is_failed(&self) -> bool {
        self.stages.iter().any(|(_, end)| !matches!(end, End::Ended(_)))
    }

    fn is_partial(&self) -> bool {
        self.stages
            .iter()
            .any(|(_, end)| matches!(end, End::Ended(outcome) if outcome.exit() == Exit::Partial))
    }

    fn failures(&self) -> impl Iterator<Item = (&str, &'static str, &'static str, &str)> {
        self.stages.iter().filter_map(|(stage, end)| match end {
            End::Failed { code, message } => Some((self.token.as_str(), *stage, *code, message.as_str())),
            End::Ended(_) | End::Blocked(_) | End::NotReached => None,
        })
    }
}

#[derive(Default)]
struct Tally {
    ran: usize,
    fresh: usize,
    skipped: usize,
    partial: usize,
    failed: usize,
    blocked: usize,
    wall_s: f64,
}

impl Tally {
    fn of<'e>(ends: impl IntoIterator<Item = &'e End>) -> Self {
        let mut tally = Self::default();
        for end in ends {
            match end {
                End::Ended(outcome) => {
                    match outcome {
                        Outcome::Ran { cost, .. } => {
                            tally.ran += 1;
                            tally.wall_s += cost.wall_s;
                        }
                        Outcome::Fresh { .. } => tally.fresh += 1,
                        Outcome::Planned { .. } => {}
                    }
                    tally.skipped += usize::from(outcome.status() == Some(Status::Skipped));
                    tally.partial += usize::from(outcome.status() == Some(Status::Partial));
                }
                End::Failed { .. } => tally.failed += 1,
                End::Blocked(_) | End::NotReached => tally.blocked += 1,
            }
        }
        tally
    }

    fn row(&self, stage: &str) -> Vec<String> {
        let Self {
            ran,
            fresh,
            skipped,
            partial,
            failed,
            blocked,
            wall_s,
        } = self;
        row([&stage, ran, fresh, skipped, partial, failed, blocked, &format!("{wall_s:.1}")])
    }
}
