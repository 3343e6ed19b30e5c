//! rt-aggregate: see the crate documentation.

use std::process::ExitCode;

use clap::Parser;
use rt_aggregate_cli::Aggregate;
use rt_cli::{CohortArgs, run_cohort_stage};

/// Cohort tables (Parquet, XLSX, CSV) and the report, from the tables of all courses
#[derive(Parser)]
#[command(name = "rt-aggregate", version)]
struct Cli {
    #[command(flatten)]
    args: CohortArgs,
}

fn main() -> ExitCode {
    let Cli { args } = Cli::parse();
    run_cohort_stage(&Aggregate, args.output.as_deref(), &[], &args.common, |cohort, _| {
        Aggregate::check(cohort)
    })
}
