//! `rt-dvh COURSE`: dose-volume histograms of one course. See `rt_dvh_cli`.

use std::process::ExitCode;

use clap::Parser;
use rt_cli::{CourseArgs, run_stage};
use rt_dvh_cli::Dvh;

/// Dose-volume histograms and metrics of every structure of a course
#[derive(Parser)]
#[command(name = "rt-dvh", version)]
struct Cli {
    #[command(flatten)]
    course: CourseArgs,
}

fn main() -> ExitCode {
    run_stage(&Dvh, &Cli::parse().course)
}
