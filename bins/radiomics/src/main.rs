//! `rt-radiomics COURSE` and `rt-radiomics files`: radiomic features. See `rt_radiomics_cli`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rt_cli::{CourseArgs, run_command, run_stage};
use rt_radiomics_cli::{Radiomics, files};

/// Radiomic features of all structures of one course, as PyRadiomics defines them
#[derive(Parser)]
#[command(
    name = "rt-radiomics",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
struct Cli {
    #[command(flatten)]
    course: CourseArgs,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Features of one region of plain NIfTI files, on standard output
    #[command(alias = "extract")]
    Files(files::FilesArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.verb {
        None => run_stage(&Radiomics, &cli.course),
        Some(Verb::Files(args)) => run_command(&args.common, |settings| files::run(&args, settings)),
    }
}
