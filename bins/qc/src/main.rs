//! `rt-qc COURSE`: quality control of one course. See `rt_qc_cli`.

use std::process::ExitCode;

use clap::Parser;
use rt_cli::{CourseArgs, run_stage};
use rt_qc_cli::Qc;

/// Quality control of one course: checks with a code, a text and a remedy each, and a page
#[derive(Parser)]
#[command(name = "rt-qc", version)]
struct Cli {
    #[command(flatten)]
    course: CourseArgs,
}

fn main() -> ExitCode {
    run_stage(&Qc, &Cli::parse().course)
}
