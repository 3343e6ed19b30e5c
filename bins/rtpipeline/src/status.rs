//! `rtpipeline status`: every course and stage of an output folder, and why something is not done.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use rt_cli::command::{run_with, say};
use rt_cli::{CommonArgs, Exit, Explanation, Settings, logging};
use rt_config::Document;
use rt_course::manifest::{CourseEntry, CourseStatus};
use rt_course::{Cohort, Lease, StageFiles, Stamp, Status};
use serde::Serialize;

use crate::graph::Graph;
use crate::select::select;
use crate::text::{count, table};

/// Arguments of `rtpipeline status`.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// Output folder of a run
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Only these courses: PATIENT/COURSE, PATIENT, with * and ?, or @FILE; may repeat
    #[arg(long, value_name = "P/C")]
    pub course: Vec<String>,
    /// Only this stage; may repeat
    #[arg(long, value_name = "STAGE")]
    pub stage: Vec<String>,
    /// One JSON document on standard output
    #[arg(long, conflicts_with = "list")]
    pub json: bool,
    /// Only the names of the active courses, one a line, for scripts
    #[arg(long)]
    pub list: bool,
}

/// State of one stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Done and up to date.
    Ok,
    /// Up to date; some items failed.
    Partial,
    /// Up to date; nothing to do.
    Skipped,
    /// Done, but something that it depends on changed.
    Stale,
    /// At work now.
    Running,
    /// Began and did not finish.
    Failed,
    /// Did not run yet.
    Never,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Partial => "partial",
            Self::Skipped => "skipped",
            Self::Stale => "stale",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Never => "never",
        }
    }
}

#[derive(Serialize)]
struct StageState {
    state: State,
    why: Option<String>,
}

#[derive(Serialize)]
struct CourseState<'a> {
    course: &'a str,
    patient_id: &'a str,
    course_id: &'a str,
    status: CourseStatus,
    reason: &'a str,
    stages: BTreeMap<&'static str, StageState>,
}

#[derive(Serialize)]
struct Report<'a> {
    output: &'a str,
    cohort: BTreeMap<&'static str, StageState>,
    courses: Vec<CourseState<'a>>,
}

/// Runs the command.
pub fn run(args: &StatusArgs, common: &CommonArgs) -> ExitCode {
    run_with(common, || {
        let cohort = Cohort::new(&args.output)?;
        let settings = Settings::load(common, Some(&cohort), &[])?;
        logging::init(settings.logging);
        let manifest = cohort.read_manifest()?;
        let active = |c: &&CourseEntry| c.status == CourseStatus::Active;
        if args.list {
            let paths: Vec<&str> = manifest.courses.iter().filter(active).map(|c| c.path.as_str()).collect();
            select(&paths, &args.course)?.into_iter().try_for_each(say)?;
            return Ok(Exit::Done);
        }
        let graph = Graph::new();
        let stages = graph.select(&args.stage)?;
        let paths: Vec<&str> = manifest.courses.iter().map(|c| c.path.as_str()).collect();
        let chosen = select(&paths, &args.course)?;
        let wanted = manifest.courses.iter().filter(|c| chosen.contains(&c.path.as_str()));
        let document = &settings.document;
        let report = Report {
            output: cohort.root().as_str(),
            cohort: cohort_states(&graph, &stages, &cohort, document)?,
            courses: wanted
                .map(|entry| course_state(&graph, &stages, &cohort, entry, document))
                .collect::<Result<_, _>>()?,
        };
        if args.json {
            say(&serde_json::to_string_pretty(&report)?)?;
        } else {
            tell(&report, &stages)?;
        }
        Ok(Exit::Done)
    })
}

fn cohort_states(
    graph: &Graph,
    stages: &[&str],
    cohort: &Cohort,
    document: &Document,
) -> Result<BTreeMap<&'static str, StageState>, anyhow::Error> {
    let steps = [graph.organize, graph.aggregate]
        .into_iter()
        .filter(|step| stages.contains(&step.name()));
    steps
        .map(|step| Ok((step.name(), state(&cohort.stage(step.name()), &step.explain(cohort, document)?))))
        .collect()
}

fn course_state<'a>(
    graph: &Graph,
    stages: &[&str],
    cohort: &Cohort,
    entry: &'a CourseEntry,
    document: &Document,
) -> Result<CourseState<'a>, anyhow::Error> {
    let place = cohort.course_at(&entry.path)?;
    let steps = graph
        .course
        .iter()
        .map(|node| node.step)
        .filter(|step| entry.status == CourseStatus::Active && stages.contains(&step.name()));
    let stages = steps.map(|step| Ok((step.name(), state(&place.stage(step.name()), &step.explain(&place, document)?))));
    Ok(CourseState {
        course: &entry.path,
        patient_id: &entry.patient_id,
        course_id: &entry.course_id,
        status: entry.status,
        reason: &entry.reason,
        stages: stages.collect::<Result<_, anyhow::Error>>()?,
    })
}

fn state(files: &StageFiles, explanation: &Explanation) -> StageState {
    let stamp = Stamp::read(&files.stamp).ok().flatten();
    let state = match (&explanation.stale, stamp) {
        _ if Lease::is_held(&files.lease) => State::Running,
        (None, Some(stamp)) => match stamp.status {
            Status::Ok => State::Ok,
            Status::Partial => State::Partial,
            Status::Skipped => State::Skipped,
        },
        (Some(_), Some(_)) => State::Stale,
        (_, None) if Stamp::is_unfinished(files) => State::Failed,
        (_, None) => State::Never,
    };
    let failure = || logging::last_failure(files).filter(|_| state == State::Failed);
    let why = failure().or_else(|| explanation.stale.clone());
    StageState { state, why }
}

fn tell(report: &Report<'_>, stages: &[&'static str]) -> Result<(), anyhow::Error> {
    for (stage, state) in &report.cohort {
        let why = state.why.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
        say(&format!("{stage}: {}{why}", state.state.word()))?;
    }
    let columns: Vec<&'static str> = stages
        .iter()
        .filter(|s| report.courses.iter().any(|c| c.stages.contains_key(*s)))
        .copied()
        .collect();
    let mut rows = vec![
        std::iter::once("course")
            .chain(columns.iter().copied())
            .map(str::to_owned)
            .collect::<Vec<_>>(),
    ];
    for course in &report.courses {
        let mut cells = vec![course.course.to_owned()];
        match course.status {
            CourseStatus::Active => cells.extend(
                columns
                    .iter()
                    .map(|s| course.stages.get(s).map_or("", |s| s.state.word()).to_owned()),
            ),
            CourseStatus::Failed => cells.push(format!("not organised: {}", course.reason)),
            CourseStatus::Withdrawn => cells.push("withdrawn".to_owned()),
        }
        rows.push(cells);
    }
    say(&table(&rows))?;
    let open = |s: &&StageState| matches!(s.state, State::Stale | State::Failed | State::Never);
    let undone = report.courses.iter().filter(|c| c.stages.values().any(|s| open(&s))).count();
    say(&format!("{}, {undone} with something to do", count(report.courses.len(), "course")))?;
    for course in &report.courses {
        let reasons = course
            .stages
            .iter()
            .filter(|(_, s)| matches!(s.state, State::Failed | State::Stale));
        for (stage, state) in reasons {
            say(&format!(
                "  {} {stage}: {}",
                course.course,
                state.why.as_deref().unwrap_or("its result is older than its inputs")
            ))?;
        }
    }
    Ok(())
}
