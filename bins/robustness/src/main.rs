//! `rt-robustness COURSE`: features of perturbed images and regions. See `rt_robustness_cli`.

use std::process::ExitCode;

use clap::Parser;
use rt_cli::{CourseArgs, run_stage};
use rt_robustness_cli::Robustness;

/// How much the radiomic features of a course change with noise, position, contour and volume
#[derive(Parser)]
#[command(name = "rt-robustness", version)]
struct Cli {
    #[command(flatten)]
    course: CourseArgs,
}

fn main() -> ExitCode {
    run_stage(&Robustness, &Cli::parse().course)
}
