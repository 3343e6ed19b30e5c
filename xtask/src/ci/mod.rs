//! `cargo xtask ci`: all that CI runs, in order of cost, with the time of each step.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::{root, shell, test, tidy};

mod orchestrations;
mod tree;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run these steps only (all when none is given)
    #[arg(long, value_enum)]
    only: Vec<Step>,
    /// Fail when Snakemake or the shared reference data is missing, instead of going on without
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Step {
    /// Every file is formatted
    Fmt,
    /// House rules
    Tidy,
    /// Lints, all of them errors
    Clippy,
    /// Every test
    Test,
    /// The demo cohort through `rtpipeline run`, make and Snakemake: equal bytes, and a second run that does nothing
    EndToEnd,
}

/// Cheap steps first: a tab should not cost ten minutes.
const STEPS: [(Step, &str); 5] = [
    (Step::Fmt, "fmt"),
    (Step::Tidy, "tidy"),
    (Step::Clippy, "clippy"),
    (Step::Test, "test"),
    (Step::EndToEnd, "end-to-end"),
];

/// Runs the steps; the first that fails ends it.
///
/// # Errors
/// What the step found.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let mut times: Vec<(&str, Duration)> = Vec::new();
    let mut outcome = Ok(());
    for (step, name) in STEPS {
        if !options.only.is_empty() && !options.only.contains(&step) {
            continue;
        }
        println!("\n== {name}");
        let start = Instant::now();
        outcome = step.run(options.strict);
        times.push((name, start.elapsed()));
        if outcome.is_err() {
            break;
        }
    }
    println!("\n{}", summary(&times));
    outcome
}

impl Step {
    fn run(self, strict: bool) -> anyhow::Result<()> {
        match self {
            Self::Fmt => shell::run(shell::cargo().args(["fmt", "--all", "--check"])),
            Self::Tidy => tidy::run(&root()),
            Self::Clippy => {
                let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
                shell::run(shell::cargo().args(arguments))
            }
            Self::Test => test::run(&test::Options::all(strict)),
            Self::EndToEnd => orchestrations::run(strict),
        }
    }
}

fn summary(times: &[(&str, Duration)]) -> String {
    let line = |(name, time): &(&str, Duration)| format!("{name:<12} {:>7.1} s\n", time.as_secs_f64());
    let total: Duration = times.iter().map(|t| t.1).sum();
    let lines: String = times.iter().map(line).collect();
    lines + &line(&("ci", total))
}

/// Where CI keeps what it makes: below the build folder.
fn workspace_dir() -> PathBuf {
    shell::target_dir().join("ci")
}
