//! `cargo xtask bench cohort`: makes a synthetic cohort, runs the pipeline over it stage by stage in release, and prints what each
//! stage cost: the five metrics of the optimisation brief (total, per stage, CPU %, peak memory, disk).

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use procfs::process::Process;
use rt_testdata::Preset;

use crate::shell;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Which cohort: tiny, demo, small (10 x 50), medium (50 x 100) or large (200 x 150 structures)
    #[arg(long, default_value = "small")]
    size: Preset,
    /// Folder for cohort and output; what it holds of an earlier bench is used again (cohort) or made anew (output)
    #[arg(long, default_value = "target/bench-cohort")]
    folder: PathBuf,
    /// Further settings for every stage: section.key=value; may repeat
    #[arg(long = "set")]
    set: Vec<String>,
}

/// Names of the stages, in the order of the graph.
fn stages() -> anyhow::Result<Vec<String>> {
    let graph =
        shell::answer(Command::new(binary()).args(["config", "explain", "--json"])).context("`rtpipeline config explain` failed")?;
    let graph: serde_json::Value = serde_json::from_str(&graph)?;
    let stages = graph["stages"].as_array().context("`rtpipeline config explain` names no stage")?;
    let name = |stage: &serde_json::Value| stage["name"].as_str().map(str::to_owned).context("a stage without a name");
    stages.iter().map(name).collect()
}

fn binary() -> PathBuf {
    shell::target_dir().join("release/rtpipeline")
}

/// What one process cost.
#[derive(Debug, Clone, Default)]
struct Cost {
    name: String,
    wall_s: f64,
    cpu_s: f64,
    peak_rss_mb: f64,
    read_mb: f64,
    written_mb: f64,
}

/// Builds, makes the cohort, runs stage by stage, prints the table.
///
/// # Errors
/// When something cannot be built, made or run.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    shell::run(shell::cargo().args(["build", "--release", "--locked", "--package", "rtpipeline"]))?;
    let folder = crate::root().join(&options.folder).join(options.size.to_string());
    let (input, output) = (folder.join("dicom"), folder.join("out"));
    if !input.join("truth.json").exists() {
        let truth = options.size.cohort(42).write(&input)?;
        println!("{} cohort: {} courses in {}", options.size, truth.courses.len(), input.display());
    }
    if output.exists() {
        std::fs::remove_dir_all(&output).with_context(|| format!("cannot remove `{}`", output.display()))?;
    }
    let mut costs = Vec::new();
    for stage in stages()? {
        let mut command = Command::new(binary());
        command
            .args(["run", "--stage", &stage, "--input"])
            .arg(&input)
            .arg("--output")
            .arg(&output);
        for set in &options.set {
            command.args(["--set", set]);
        }
        let mut cost = measured(&mut command)?;
        cost.name = stage;
        costs.push(cost);
    }
    println!("\n{}", table(&costs));
    Ok(())
}

/// Runs a command to its end and says what it cost. Its memory and bytes are looked at every 20 ms, so the last moments may be missed.
fn measured(command: &mut Command) -> anyhow::Result<Cost> {
    println!("$ {}", shell::typed(command));
    let before = children_cpu_s()?;
    let start = Instant::now();
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start `{}`", shell::typed(command)))?;
    let mut cost = Cost::default();
    let status = loop {
        look(&child, &mut cost);
        match child.try_wait()? {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    cost.wall_s = start.elapsed().as_secs_f64();
    cost.cpu_s = children_cpu_s()? - before;
    anyhow::ensure!(status.success(), "`{}` ended with {status}", shell::typed(command));
    Ok(cost)
}

/// Keeps the highest figures; a child that has just ended has none.
fn look(child: &Child, cost: &mut Cost) {
    let Some(process) = i32::try_from(child.id()).ok().and_then(|id| Process::new(id).ok()) else {
        return;
    };
    if let Some(kb) = process.status().ok().and_then(|s| s.vmhwm) {
        cost.peak_rss_mb = cost.peak_rss_mb.max(kb as f64 / 1e3);
    }
    if let Ok(io) = process.io() {
        cost.read_mb = cost.read_mb.max(io.rchar as f64 / 1e6);
        cost.written_mb = cost.written_mb.max(io.wchar as f64 / 1e6);
    }
}

/// CPU time of all children that have ended.
fn children_cpu_s() -> anyhow::Result<f64> {
    let stat = Process::myself()?.stat()?;
    let ticks = stat.cutime.saturating_add(stat.cstime);
    Ok(ticks as f64 / procfs::ticks_per_second() as f64)
}

fn table(costs: &[Cost]) -> String {
    let mut text = String::from("| stage | wall s | CPU s | CPU % | peak MB | read MB | written MB | disk MB/s |\n");
    text.push_str("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    let sum = |f: fn(&Cost) -> f64| costs.iter().map(f).sum();
    let total = Cost {
        name: "total".to_owned(),
        wall_s: sum(|c| c.wall_s),
        cpu_s: sum(|c| c.cpu_s),
        peak_rss_mb: costs.iter().map(|c| c.peak_rss_mb).fold(0.0, f64::max),
        read_mb: sum(|c| c.read_mb),
        written_mb: sum(|c| c.written_mb),
    };
    for cost in costs.iter().chain([&total]) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {:.1} | {:.1} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} |",
            cost.name,
            cost.wall_s,
            cost.cpu_s,
            100.0 * cost.cpu_s / cost.wall_s,
            cost.peak_rss_mb,
            cost.read_mb,
            cost.written_mb,
            (cost.read_mb + cost.written_mb) / cost.wall_s,
        );
    }
    text
}
