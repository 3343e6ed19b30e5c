//! `rt-structures COURSE`.

use std::process::ExitCode;

use clap::Parser;
use rt_cli::{CourseArgs, run_stage};
use rt_structures_cli::Structures;

/// Masks of all structures of one course: contours, segmentations and derived structures
#[derive(Parser)]
#[command(name = "rt-structures", version)]
struct Cli {
    #[command(flatten)]
    course: CourseArgs,
}

fn main() -> ExitCode {
    run_stage(&Structures, &Cli::parse().course)
}
