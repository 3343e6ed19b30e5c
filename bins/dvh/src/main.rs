//! `rt-dvh COURSE` and `rt-dvh files`: dose-volume histograms. See `rt_dvh_cli`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rt_cli::{CourseArgs, run_command, run_stage};
use rt_dvh_cli::{Dvh, files};

/// Dose-volume histograms and metrics of every structure of a course
#[derive(Parser)]
#[command(name = "rt-dvh", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Cli {
    #[command(flatten)]
    course: CourseArgs,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// The same on plain DICOM files, on standard output
    Files(files::FilesArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.verb {
        None => run_stage(&Dvh, &cli.course),
        Some(Verb::Files(args)) => run_command(&args.common, |settings| files::run(&args, settings)),
    }
}
