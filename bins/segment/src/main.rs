//! `rt-segment`: regions found in the planning CT of one course, or in one image file.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rt_cli::{CourseArgs, run_command, run_stage};
use rt_segment_cli::Segment;
use rt_segment_cli::files::{self, FilesArgs};

/// Body, lungs and bones of a planning CT as label maps
#[derive(Parser)]
#[command(
    name = "rt-segment",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
struct Cli {
    #[command(flatten)]
    course: CourseArgs,
    /// Devices: auto, cpu or numbers such as 0,1
    #[arg(long, value_name = "DEVICES")]
    seg_devices: Option<String>,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// The same on one image file
    Files(FilesArgs),
}

fn main() -> ExitCode {
    let Cli {
        mut course,
        seg_devices,
        verb,
    } = Cli::parse();
    match verb {
        Some(Verb::Files(args)) => run_command(&args.settings(), |settings| files::run(&args, settings)),
        None => {
            let devices = seg_devices.map(|d| rt_config::text_assignment("segmentation.devices", &d));
            course.common.set.extend(devices);
            run_stage(&Segment, &course)
        }
    }
}
