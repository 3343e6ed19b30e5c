//! The demo cohort three ways: one process, make, Snakemake. Same result bytes, same stages done, nothing done twice.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use rt_testdata::Preset;

use super::tree;
use crate::shell;

/// Stages of one course, as commands.
const STAGES: [&str; 6] = ["segment", "structures", "dvh", "radiomics", "robustness", "qc"];
/// Courses of the demo.
const COURSES: usize = 3;

struct Run {
    /// What made it.
    name: &'static str,
    /// Its output folder.
    output: PathBuf,
}

/// Builds the binaries in the test profile and runs the demo cohort.
///
/// # Errors
/// When a run fails, two runs differ, a second run does anything, or (strict) Snakemake is missing.
pub(crate) fn run(strict: bool) -> anyhow::Result<()> {
    shell::run(shell::cargo().args(["build", "--workspace", "--bins", "--locked"]))?;
    let home = super::workspace_dir();
    let input = home.join("demo");
    let _ = std::fs::remove_dir_all(&home);
    let truth = Preset::Demo.cohort(42).write(&input)?;
    ensure!(truth.courses.len() == COURSES, "the demo has {COURSES} courses");

    let one = Run {
        name: "rtpipeline run",
        output: home.join("one-process"),
    };
    one_process(&input, &one.output)?;
    let by_make = Run {
        name: "make",
        output: home.join("make"),
    };
    by_make_cohort(&input, &by_make.output)?;
    make_lists_every_job(&by_make.output)?;
    let mut runs = vec![one, by_make];
    if let Some(snakemake) = snakemake() {
        let run = Run {
            name: "snakemake",
            output: home.join("snakemake"),
        };
        by_snakemake(&snakemake, &input, &run.output)?;
        snakemake_lists_every_job(&snakemake, &input, &run.output)?;
        runs.push(run);
    } else {
        ensure!(!strict, "Snakemake is not installed; `.ci/run` installs it");
        println!("skipped: the comparison with Snakemake, which is not installed (pip install snakemake)");
    }
    compare(&runs)?;
    second_runs(&input, &runs)
}

fn binary(name: &str) -> PathBuf {
    shell::target_dir().join("debug").join(name)
}

fn one_process(input: &Path, output: &Path) -> anyhow::Result<()> {
    let mut command = shell::in_root(binary("rtpipeline"));
    command.arg("run").arg("--input").arg(input).arg("--output").arg(output);
    shell::run(&mut command)
}

fn by_make_cohort(input: &Path, output: &Path) -> anyhow::Result<()> {
    let assign = |name: &str, path: &Path| format!("{name}={}", path.display());
    let bin = shell::target_dir().join("debug");
    let mut command = shell::in_root("make");
    command.args(["-j2", "cohort"]);
    command.args([assign("INPUT", input), assign("OUTPUT", output), assign("BIN", &bin)]);
    shell::run(&mut command)
}

fn make_lists_every_job(output: &Path) -> anyhow::Result<()> {
    let mut command = shell::in_root("make");
    command.args(["-n", "-f", "workflow/course.mk"]);
    command.arg(format!("OUTPUT={}", output.display())).arg("BIN=bin");
    let text = shell::answer(&mut command).context("`make -n` fails")?;
    for stage in STAGES {
        let jobs = text.lines().filter(|l| l.starts_with(&format!("bin/rt-{stage} "))).count();
        ensure!(jobs == COURSES, "`make -n` lists {jobs} jobs of {stage} for {COURSES} courses");
    }
    Ok(())
}

/// Snakemake from the search path, or from where `.ci/run` puts it.
fn snakemake() -> Option<PathBuf> {
    let own = shell::target_dir().join("ci-python/bin/snakemake");
    let candidates = [PathBuf::from("snakemake"), own];
    candidates
        .into_iter()
        .find(|program| shell::answer(Command::new(program).arg("--version")).is_some())
}

fn snakemake_command(program: &Path, input: &Path, output: &Path) -> Command {
    let mut command = shell::in_root(program);
    let bin = shell::target_dir().join("debug");
    command.args(["--cores", "2", "--snakefile", "workflow/Snakefile"]);
    // Its bookkeeping goes beside the results, not into the checkout.
    command.arg("--directory").arg(output.with_extension("work"));
    command.arg("--config");
    for (key, path) in [("input", input), ("output", output), ("bin", &bin)] {
        command.arg(format!("{key}={}", path.display()));
    }
    command
}

fn by_snakemake(program: &Path, input: &Path, output: &Path) -> anyhow::Result<()> {
    shell::run(&mut snakemake_command(program, input, output))
}

fn snakemake_lists_every_job(program: &Path, input: &Path, output: &Path) -> anyhow::Result<()> {
    let mut command = snakemake_command(program, input, output);
    command.args(["--dry-run", "--forcerun"]).args(STAGES);
    let (ok, text) = shell::run_and_read(&mut command)?;
    ensure!(ok, "`snakemake --dry-run` fails");
    for stage in STAGES {
        let row = |line: &&str| line.split_whitespace().collect::<Vec<_>>() == [stage, &COURSES.to_string()];
        ensure!(
            text.lines().any(|l| row(&l)),
            "`snakemake --dry-run` does not list {COURSES} jobs of {stage}"
        );
    }
    Ok(())
}

/// Equal bytes, and equal sets of (course, stage).
fn compare(runs: &[Run]) -> anyhow::Result<()> {
    let Some((first, others)) = runs.split_first() else { return Ok(()) };
    let expected = tree::promised(&first.output)?;
    let stages = stages_done(&first.output)?;
    ensure!(
        stages.len() >= COURSES * STAGES.len(),
        "`{}` left provenance of {} stages only",
        first.name,
        stages.len()
    );
    for other in others {
        let what = format!("`{}` against `{}`", first.name, other.name);
        tree::same(&what, &expected, &tree::promised(&other.output)?)?;
        let done = stages_done(&other.output)?;
        ensure!(
            done == stages,
            "{what}: other stages were done: {:?}",
            done.symmetric_difference(&stages)
        );
        println!("{what}: {} files and {} provenance records agree", expected.len(), stages.len());
    }
    Ok(())
}

fn stages_done(output: &Path) -> anyhow::Result<BTreeSet<String>> {
    Ok(tree::provenance(output)?.into_keys().collect())
}

/// Every way a second time: no result changes, and no stage writes new provenance.
fn second_runs(input: &Path, runs: &[Run]) -> anyhow::Result<()> {
    for run in runs {
        let (results, provenance) = (tree::promised(&run.output)?, tree::provenance(&run.output)?);
        match run.name {
            "make" => by_make_cohort(input, &run.output)?,
            "snakemake" => by_snakemake(&snakemake().context("Snakemake went away")?, input, &run.output)?,
            _ => one_process(input, &run.output)?,
        }
        let what = format!("second run of `{}`", run.name);
        tree::same(&what, &results, &tree::promised(&run.output)?)?;
        tree::same(&what, &provenance, &tree::provenance(&run.output)?)?;
        println!("{what}: nothing was done again");
    }
    Ok(())
}
