//! rtpipeline: see the crate documentation.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rt_cli::CommonArgs;
use rtpipeline::{anonymize, compare, config, convert, doctor, init, inspect, run, status};

const AFTER: &str = "Exit codes: 0 done or nothing to do, 1 failed, 2 usage or configuration, 3 done in part, 130 and 143 interrupted.

Examples:
  rtpipeline run --input /data/dicom --output /data/out
  rtpipeline run -o /data/out --input /data/dicom --course 'P0*' --stage dvh --dry-run
  rtpipeline inspect /data/dicom
  rtpipeline status -o /data/out
  rtpipeline config show --preset server";

/// From a folder of radiotherapy DICOM to tables of dose and radiomics for a cohort
#[derive(Parser)]
#[command(name = "rtpipeline", version, after_help = AFTER)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run every stage that has something to do
    Run(run::RunArgs),
    /// Show what a folder of DICOM holds and what would be made of it; nothing is written
    Inspect(inspect::InspectArgs),
    /// Show which stage of which course is done, and why not
    Status(status::StatusArgs),
    /// Write a configuration to begin with, from what a folder of DICOM holds, to standard output
    Init(init::InitArgs),
    /// Bring the tables and the report of a cohort up to date, and name the page
    Report(run::ReportArgs),
    /// Compare delineations: manual with automatic ones of a course, two courses, or two label maps
    Compare(compare::CompareArgs),
    /// Show, check or explain the configuration
    Config(config::ConfigArgs),
    /// Say what this installation is; with --verify check its figures against closed forms
    Doctor(doctor::DoctorArgs),
    /// Convert DICOM images, structures, doses and segmentations to NIfTI, and masks back to DICOM
    Convert(convert::ConvertArgs),
    /// Write DICOM files without identities, and prove it
    Anonymize(anonymize::AnonymizeArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.verb {
        Verb::Run(args) => run::run(&args, &cli.common),
        Verb::Inspect(args) => inspect::run(&args, &cli.common),
        Verb::Status(args) => status::run(&args, &cli.common),
        Verb::Init(args) => init::run(&args, &cli.common),
        Verb::Report(args) => run::report(&args, &cli.common),
        Verb::Compare(args) => compare::run(&args, &cli.common),
        Verb::Config(args) => config::run(&args, &cli.common),
        Verb::Doctor(args) => doctor::run(&args, &cli.common),
        Verb::Convert(args) => convert::run(&args, &cli.common),
        Verb::Anonymize(args) => anonymize::run(&args, &cli.common),
    }
}
