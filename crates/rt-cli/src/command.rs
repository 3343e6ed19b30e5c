//! The `main` of every binary: arguments in, exit code out.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use rt_course::{AtomicFile, Cohort, CourseDir, write_bytes};

use crate::args::{CommonArgs, CourseArgs, LogFormat};
use crate::exit::{Exit, Failure, code_of, describe};
use crate::resources::{Machine, Resources};
use crate::runner::{Environment, Mode, Outcome, Waiting};
use crate::settings::{Level, LoggingConfig, Settings};
use crate::stage::{Place, Stage, Step};
use crate::{logging, signals};

/// Runs one stage of one course, from parsed arguments to exit code.
pub fn run_stage<S: Stage>(stage: &S, args: &CourseArgs) -> ExitCode {
    command(&args.common, || {
        let path = args
            .course
            .as_deref()
            .ok_or_else(|| Failure::usage("usage.course", "no course folder was given"))?;
        let course = CourseDir::open(path)?;
        let settings = Settings::load(&args.common, Some(&course.cohort()), &[])?;
        one(stage, &course, &settings, &args.common)
    })
}

/// Runs one stage of a whole cohort. Without `output` the configuration's `cohort.output` is taken. `extra` are assignments that other
/// arguments stand for ([`Settings::input`]); `prepare` checks what the stage needs before anything is written.
pub fn run_cohort_stage<S: Stage<Cohort>>(
    stage: &S,
    output: Option<&Path>,
    extra: &[String],
    args: &CommonArgs,
    prepare: impl FnOnce(&Cohort, &Settings) -> Result<(), anyhow::Error>,
) -> ExitCode {
    command(args, || {
        let given = output.map(Cohort::new).transpose()?;
        let settings = Settings::load(args, given.as_ref(), extra)?;
        let cohort = match (given, &settings.cohort.output) {
            (Some(cohort), _) => cohort,
            (None, Some(path)) => Cohort::new(path)?,
            (None, None) => {
                return Err(Failure::usage("usage.output", "no output folder was given")
                    .hint("give --output DIR")
                    .into());
            }
        };
        prepare(&cohort, &settings)?;
        one(stage, &cohort, &settings, args)
    })
}

/// Runs anything else with the configuration that the common arguments name.
pub fn run_command(args: &CommonArgs, body: impl FnOnce(&Settings) -> Result<Exit, anyhow::Error>) -> ExitCode {
    run_with(args, || {
        let settings = Settings::load(args, None, &[])?;
        logging::init(settings.logging);
        body(&settings)
    })
}

/// Runs a command that loads its configuration itself; signals, logging and the way errors are told are the same for all.
pub fn run_with(args: &CommonArgs, body: impl FnOnce() -> Result<Exit, anyhow::Error>) -> ExitCode {
    command(args, || body().map_err(Told::No))
}

/// Whether an error has been reported as an event already.
enum Told {
    Yes(anyhow::Error),
    No(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Told {
    fn from(error: E) -> Self {
        Self::No(error.into())
    }
}

fn command(args: &CommonArgs, body: impl FnOnce() -> Result<Exit, Told>) -> ExitCode {
    let level = if args.quiet { Level::Error } else { Level::Info };
    logging::init(LoggingConfig {
        level,
        format: args.log_format.unwrap_or(LogFormat::Human),
    });
    signals::listen();
    let exit = match body() {
        Ok(exit) => exit,
        Err(Told::Yes(error)) => Exit::of(&error),
        Err(Told::No(error)) => {
            tracing::error!(event = "failed", code = code_of(&error), "{}", describe(&error));
            Exit::of(&error)
        }
    };
    let exit = if exit == Exit::Partial && args.partial_ok {
        Exit::Done
    } else {
        exit
    };
    signals::received().filter(|_| exit != Exit::Done).unwrap_or(exit).into()
}

/// How arguments ask for a run.
pub fn mode(args: &CommonArgs) -> Mode {
    match (args.dry_run, args.force) {
        (true, _) => Mode::DryRun,
        (false, true) => Mode::Force,
        (false, false) => Mode::IfStale,
    }
}

/// How arguments ask to treat other runs.
pub fn waiting(args: &CommonArgs) -> Waiting {
    if args.no_wait { Waiting::Refuse } else { Waiting::Wait }
}

fn one<P: Place>(stage: &dyn Step<P>, place: &P, settings: &Settings, args: &CommonArgs) -> Result<Exit, Told> {
    logging::init(settings.logging);
    let resources = Resources::for_one(&settings.resources, Machine::detect());
    let mut environment = Environment::new(&settings.document, resources)?;
    environment.mode = mode(args);
    environment.waiting = waiting(args);
    let outcome = stage.execute(place, &environment).map_err(Told::Yes)?;
    if environment.mode == Mode::DryRun {
        say(&match &outcome {
            Outcome::Planned { why } => format!("{} would run: {why}", stage.name()),
            Outcome::Fresh { .. } | Outcome::Ran { .. } => format!("{} is fresh", stage.name()),
        })?;
    }
    Ok(outcome.exit())
}

/// Writes a line of results to standard output. A closed pipe (`| head`) ends quietly.
///
/// # Errors
/// Standard output cannot be written, for instance because the disk is full.
pub fn say(text: &str) -> Result<(), anyhow::Error> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => other.context("cannot write to standard output"),
    }
}

/// Refuses folders that cannot work, before any work: an input that is missing or no folder, an output inside the input, or one that
/// cannot be written.
///
/// # Errors
/// [`Failure`] with code `usage.input`, `usage.folders` or `output.denied`, naming the folder and the remedy.
pub fn check_folders(input: &Path, cohort: &Cohort) -> Result<(), anyhow::Error> {
    let no_input = |error: io::Error| {
        Failure::usage("usage.input", format!("cannot open the input folder {}", input.display()))
            .because(error)
            .hint("check the path and its permissions")
    };
    if !fs::metadata(input).map_err(no_input)?.is_dir() {
        return Err(no_input(io::ErrorKind::NotADirectory.into()).into());
    }
    fs::read_dir(input).map_err(no_input)?;
    let real = input.canonicalize().map_err(no_input)?;
    let output = existing_part(cohort.root().as_std_path());
    if output.starts_with(&real) {
        let message = format!(
            "the output folder {} lies inside the input folder {}",
            cohort.root(),
            input.display()
        );
        return Err(Failure::usage("usage.folders", message)
            .hint("choose an output folder beside the input: inputs are never written to")
            .into());
    }
    check_writable(cohort)
}

/// Begins the work on a cohort: refuses folders that cannot work ([`check_folders`]), then saves what was set in
/// `_COHORT/config.toml`, where later commands on the same output find it. A dry run saves nothing.
///
/// # Errors
/// As [`check_folders`], and when no input folder was given.
pub fn begin_cohort(cohort: &Cohort, settings: &Settings, args: &CommonArgs) -> Result<(), anyhow::Error> {
    let no_input = || Failure::usage("usage.input", "no input folder was given").hint("give --input DIR");
    check_folders(settings.cohort.input.as_deref().ok_or_else(no_input)?, cohort)?;
    if mode(args) == Mode::DryRun {
        return Ok(());
    }
    Ok(write_bytes(cohort.config(), settings.document.to_toml().as_bytes())?)
}

/// Makes the output folder and tries to write there.
///
/// # Errors
/// [`Failure`] with code `output.denied`.
pub fn check_writable(cohort: &Cohort) -> Result<(), anyhow::Error> {
    AtomicFile::create(cohort.cohort_dir().join("probe")).map(drop).map_err(|error| {
        let hint = "choose another --output, or change its permissions";
        Failure::new("output.denied", format!("cannot write to the output folder {}", cohort.root()))
            .because(error)
            .hint(hint)
            .into()
    })
}

/// The path with links resolved as far as it exists.
fn existing_part(path: &Path) -> std::path::PathBuf {
    let mut rest = Vec::new();
    let mut here = path;
    loop {
        if let Ok(real) = here.canonicalize() {
            return rest.iter().rev().fold(real, |full, part| full.join(part));
        }
        match (here.parent(), here.file_name()) {
            (Some(parent), Some(name)) => {
                rest.push(name.to_owned());
                here = parent;
            }
            _ => return path.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_cannot_work_are_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let input = dir.path().join("in");
        fs::create_dir(&input).unwrap();
        let check = |output: &str| check_folders(&input, &Cohort::new(dir.path().join(output)).unwrap());
        assert!(check("out").is_ok());
        for output in ["in", "in/out/deep"] {
            let error = check(output).unwrap_err();
            assert_eq!((code_of(&error), Exit::of(&error)), ("usage.folders", Exit::Usage), "{output}");
        }
        let error = check_folders(&dir.path().join("absent"), &Cohort::new(dir.path().join("out")).unwrap()).unwrap_err();
        assert_eq!((code_of(&error), Exit::of(&error)), ("usage.input", Exit::Usage));
        assert!(describe(&error).contains("absent"));
        fs::write(dir.path().join("file"), "").unwrap();
        let error = check("file/out").unwrap_err();
        assert_eq!((code_of(&error), Exit::of(&error)), ("output.denied", Exit::Failed));
    }
}
