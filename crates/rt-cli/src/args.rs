//! Command-line arguments that every binary takes.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

/// Form of the lines on standard error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// Arguments of every command. Exit codes: 0 done, 1 failed, 2 usage, 3 partial, 130 and 143 interrupted.
#[derive(Debug, Clone, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is one switch of the command line")]
pub struct CommonArgs {
    /// Configuration file [default: rtpipeline.toml here, else the one saved in the output folder]
    #[arg(short, long, value_name = "FILE", global = true, help_heading = "Configuration")]
    pub config: Option<PathBuf>,
    /// Resources for a kind of machine: workstation, server or hpc
    #[arg(long, value_name = "NAME", global = true, help_heading = "Configuration")]
    pub preset: Option<String>,
    /// One value, for instance `--set dvh.bin_width_gy=0.05`; may repeat
    #[arg(long, value_name = "SECTION.KEY=VALUE", global = true, help_heading = "Configuration")]
    pub set: Vec<String>,
    /// Threads of one course [default: all cores but a reserve]
    #[arg(long, value_name = "N", global = true, help_heading = "Resources")]
    pub threads: Option<usize>,
    /// Run although nothing changed
    #[arg(long, global = true, help_heading = "Selection")]
    pub force: bool,
    /// Say what would run and why; write nothing
    #[arg(short = 'n', long, global = true, help_heading = "Selection")]
    pub dry_run: bool,
    /// End with 0 instead of 3 when some items failed
    #[arg(long, global = true, help_heading = "Selection")]
    pub partial_ok: bool,
    /// Fail instead of waiting when another run works on the same course
    #[arg(long, global = true, help_heading = "Resources")]
    pub no_wait: bool,
    /// Form of the messages on standard error [default: human]
    #[arg(long, value_enum, value_name = "FORMAT", global = true, help_heading = "Logging")]
    pub log_format: Option<LogFormat>,
    /// More messages; twice for every detail
    #[arg(short, long, action = ArgAction::Count, global = true, help_heading = "Logging")]
    pub verbose: u8,
    /// Only errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Logging")]
    pub quiet: bool,
}

/// Arguments of a binary that runs one stage of one course.
#[derive(Debug, Clone, Default, Args)]
pub struct CourseArgs {
    /// Course folder OUT/<patient>/<course>, made by rt-organize
    #[arg(value_name = "COURSE", required = true)]
    pub course: Option<PathBuf>,
    /// Arguments of every command.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Arguments of a binary that runs one stage of a whole cohort.
#[derive(Debug, Clone, Default, Args)]
pub struct CohortArgs {
    /// Output folder, made by rt-organize
    #[arg(value_name = "OUTPUT", required = true)]
    pub output: Option<PathBuf>,
    /// Arguments of every command.
    #[command(flatten)]
    pub common: CommonArgs,
}
