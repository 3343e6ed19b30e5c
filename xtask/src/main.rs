//! `cargo xtask`: what developers and CI do with this workspace, as ordinary Rust. See CONTRIBUTING.md.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool that talks to the person who runs it")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod ci;
mod cohort;
mod conformance;
mod shell;
mod test;
mod tidy;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Build, test, check and measure this workspace")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every test of the workspace and its documentation, and say how many ran
    Test(test::Options),
    /// Run all that CI runs, in its order
    Ci(ci::Options),
    /// Check the house rules: layers, owners, sizes, words
    Tidy,
    /// Run the benches and print a table
    Bench(bench::Options),
    /// Write a synthetic cohort
    Cohort(cohort::Options),
    /// Compare with published reference values
    Conformance(conformance::Options),
}

fn main() -> ExitCode {
    let outcome = match Args::parse().task {
        Task::Test(options) => test::run(&options),
        Task::Ci(options) => ci::run(&options),
        Task::Tidy => tidy::run(&root()),
        Task::Bench(options) => bench::run(&options),
        Task::Cohort(options) => cohort::run(&options),
        Task::Conformance(options) => conformance::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace root: the parent of this package.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or_else(|| here.clone(), std::path::Path::to_path_buf)
}
