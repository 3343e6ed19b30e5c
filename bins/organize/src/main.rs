//! `rt-organize`: see the crate documentation and `--help`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use rt_cli::command::begin_cohort;
use rt_cli::{CommonArgs, Settings, run_cohort_stage};

/// Sorts a folder of DICOM files into courses: links plans, doses, structure sets and images, and writes volumes and contours.
#[derive(Parser)]
#[command(name = "rt-organize", version)]
struct Args {
    /// Folder of DICOM files; it is only read
    #[arg(long, value_name = "DIR", required = true)]
    input: PathBuf,
    /// Folder for everything that is made
    #[arg(long, value_name = "DIR", required = true)]
    output: PathBuf,
    /// Look at every byte of the input again: finds files that changed and kept their size and time
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    common: CommonArgs,
}

fn main() -> ExitCode {
    let mut args = Args::parse();
    let mut extra = vec![Settings::input(&args.input)];
    if args.verify {
        // By its times the input is unchanged: the stage must look all the same.
        args.common.force = true;
        extra.push("organize.cache_verify=true".to_owned());
    }
    run_cohort_stage(
        &rt_organize_cli::Organize,
        Some(&args.output),
        &extra,
        &args.common,
        |cohort, settings| begin_cohort(cohort, settings, &args.common),
    )
}
