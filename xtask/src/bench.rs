//! `cargo xtask bench`: runs the criterion benches and prints their medians as one table, beside a saved baseline if asked.

use std::fmt::Write as _;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Context as _;
use serde_json::Value;

use crate::shell;

mod cohort;

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    whole: Option<Whole>,
    /// Keep the figures under this name
    #[arg(long, conflicts_with = "compare")]
    save: Option<String>,
    /// Show the ratio to the figures kept under this name
    #[arg(long)]
    compare: Option<String>,
    /// Bench targets to run (all when none is given): image, dicom, dvh, …
    #[arg(long)]
    target: Vec<String>,
    /// Only benches whose name contains this
    filter: Option<String>,
}

#[derive(clap::Subcommand)]
enum Whole {
    /// The whole pipeline over a synthetic cohort: what each stage costs
    Cohort(cohort::Options),
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    name: String,
    median_ns: f64,
    /// Units (elements or bytes) an iteration, when the bench states them.
    throughput: Option<(f64, &'static str)>,
    /// Median now over median of the baseline.
    ratio: Option<f64>,
}

/// Runs the benches and prints the table.
///
/// # Errors
/// When the benches do not build or run, or their figures cannot be read.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    if let Some(Whole::Cohort(options)) = &options.whole {
        return cohort::run(options);
    }
    let start = SystemTime::now();
    let mut command = shell::cargo();
    command.args(["bench", "--package", "rt-benches"]);
    for target in &options.target {
        command.args(["--bench", target]);
    }
    if options.target.is_empty() {
        command.arg("--benches");
    }
    command.arg("--");
    if let Some(filter) = &options.filter {
        command.arg(filter);
    }
    if let Some(name) = &options.save {
        command.args(["--save-baseline", name]);
    }
    shell::run(&mut command)?;

    let folder = shell::target_dir().join("criterion");
    let kept = options.save.as_deref().unwrap_or("new");
    let mut rows = rows(&folder, kept, options.compare.as_deref(), start)?;
    anyhow::ensure!(!rows.is_empty(), "no bench ran; is the filter right?");
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    println!("\n{}", table(&rows));
    Ok(())
}

/// Reads every figure below criterion's folder that was measured since `start`.
fn rows(folder: &Path, kept: &str, baseline: Option<&str>, start: SystemTime) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.with_context(|| format!("cannot walk `{}`", folder.display()))?;
        let Some(group) = entry.path().parent().filter(|p| p.ends_with(kept)) else {
            continue;
        };
        let fresh = entry.metadata()?.modified()? >= start;
        if entry.file_name() != "estimates.json" || !fresh {
            continue;
        }
        let home = group.parent().unwrap_or(group);
        let about = json(&group.join("benchmark.json"))?;
        let median_ns = median(&json(entry.path())?)?;
        let before = baseline.map(|name| home.join(name).join("estimates.json")).filter(|p| p.exists());
        let ratio = before.map(|p| anyhow::Ok(median_ns / median(&json(&p)?)?)).transpose()?;
        rows.push(Row {
            name: about["full_id"].as_str().unwrap_or("?").to_owned(),
            median_ns,
            throughput: throughput(&about["throughput"]),
            ratio,
        });
    }
    Ok(rows)
}

fn json(path: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("`{}` is no JSON", path.display()))
}

fn median(estimates: &Value) -> anyhow::Result<f64> {
    estimates["median"]["point_estimate"]
        .as_f64()
        .context("no median among criterion's estimates")
}

fn throughput(value: &Value) -> Option<(f64, &'static str)> {
    let one = |key: &str, unit| value[key].as_f64().map(|n| (n, unit));
    one("Elements", "/s").or_else(|| one("Bytes", "B/s"))
}

fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|r| r.name.len()).max().unwrap_or(0).max(5);
    let mut text = format!("{:width$}  {:>12}  {:>14}  {:>8}\n", "bench", "median", "rate", "ratio");
    for row in rows {
        let rate = row
            .throughput
            .map_or_else(String::new, |(n, unit)| format!("{}{unit}", scaled(n / row.median_ns * 1e9)));
        let ratio = row.ratio.map_or_else(String::new, |r| format!("{r:.3}"));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:width$}  {:>12}  {rate:>14}  {ratio:>8}", row.name, duration(row.median_ns));
    }
    text
}

fn duration(ns: f64) -> String {
    match ns {
        _ if ns < 1e3 => format!("{ns:.1} ns"),
        _ if ns < 1e6 => format!("{:.2} us", ns / 1e3),
        _ if ns < 1e9 => format!("{:.2} ms", ns / 1e6),
        _ => format!("{:.2} s", ns / 1e9),
    }
}

fn scaled(n: f64) -> String {
    match n {
        _ if n < 1e3 => format!("{n:.1} "),
        _ if n < 1e6 => format!("{:.1} k", n / 1e3),
        _ if n < 1e9 => format!("{:.1} M", n / 1e6),
        _ => format!("{:.1} G", n / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt_testdata::Scratch;

    #[test]
    fn figures_become_a_table_with_rate_and_ratio() {
        let scratch = Scratch::new("bench");
        let estimates = |ns: f64| format!("{{\"median\": {{\"point_estimate\": {ns}}}}}");
        scratch.write("edt/128/new/estimates.json", estimates(2e6));
        scratch.write(
            "edt/128/new/benchmark.json",
            "{\"full_id\": \"edt/128\", \"throughput\": {\"Elements\": 1000}}",
        );
        scratch.write("edt/128/old/estimates.json", estimates(4e6));
        let rows = rows(scratch.path(), "new", Some("old"), SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(rows.len(), 1);
        let text = table(&rows);
        // 1000 elements in 2 ms are 500 k a second; half the time of before.
        assert!(
            text.contains("2.00 ms") && text.contains("500.0 k/s") && text.contains("0.500"),
            "{text}"
        );
    }
}
