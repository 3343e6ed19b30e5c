//! What every command shares: arguments, configuration, logging, progress, signals, exit codes, and the runner of stages.
//!
//! Knows: the [`Stage`] contract and how a stage is run safely ([`run_stage`]). Must not know: what any stage computes.
//! Sources: `design/architecture.md` sections 7 to 9, `design/contract.md`, `spec/reliability.md` section 5, `spec/user-experience.md` 2.
//!
//! A stage is a type with a name, a configuration, inputs, outputs and a `run`; the runner does the rest:
//!
//! ```
//! use camino::Utf8PathBuf;
//! use rt_cli::{Environment, Input, Outcome, Stage, StageContext, StageReport, execute};
//! use rt_config::{ConfigIssue, Document, Validate};
//! use rt_course::{Cohort, CourseDir, write_bytes};
//!
//! #[derive(Default, serde::Serialize, serde::Deserialize)]
//! #[serde(default, deny_unknown_fields)]
//! struct Config {
//!     html: bool,
//! }
//! impl Validate for Config {
//!     fn validate(&self) -> Result<(), ConfigIssue> {
//!         Ok(())
//!     }
//! }
//!
//! struct CountBytes;
//! impl Stage for CountBytes {
//!     const NAME: &'static str = "qc";
//!     const FORMAT: u32 = 1;
//!     const SECTIONS: &'static [&'static str] = &["qc"];
//!     type Config = Config;
//!     fn inputs(&self, course: &CourseDir, _: &Config) -> Vec<Input> {
//!         vec![Input::required(course.ct(), "organize")]
//!     }
//!     fn outputs(&self, course: &CourseDir, _: &Config) -> Vec<Utf8PathBuf> {
//!         vec![course.qc_json()]
//!     }
//!     fn run(&self, cx: &StageContext<'_>, _: &Config) -> Result<StageReport, anyhow::Error> {
//!         let bytes = std::fs::metadata(cx.place.ct())?.len();
//!         write_bytes(cx.place.qc_json(), format!("{{\"bytes\": {bytes}}}").as_bytes())?;
//!         let mut report = StageReport::new();
//!         report.done("ct");
//!         Ok(report)
//!     }
//! }
//!
//! # fn main() -> Result<(), anyhow::Error> {
//! let dir = tempfile::tempdir()?;
//! let course = Cohort::new(dir.path())?.course("P01", "C1")?;
//! write_bytes(course.course_json(), b"{}")?;
//! write_bytes(course.ct(), b"1234")?;
//! let document = Document::default();
//! let environment = Environment::for_tests(&document)?;
//! assert!(matches!(execute(&CountBytes, &course, &environment)?, Outcome::Ran { .. }));
//! assert!(matches!(execute(&CountBytes, &course, &environment)?, Outcome::Fresh { .. }));
//! # Ok(())
//! # }
//! ```
//!
//! The `main.rs` of a stage, here one with a `files` door beside the course:
//!
//! ```no_run
//! use std::process::ExitCode;
//! use clap::{Args, Parser, Subcommand};
//! use rt_cli::{CommonArgs, CourseArgs, Exit, run_command, run_stage};
//! # use camino::Utf8PathBuf;
//! # use rt_cli::{Input, Stage, StageContext, StageReport};
//! # use rt_course::CourseDir;
//! # #[derive(Default, serde::Serialize, serde::Deserialize)]
//! # struct Config {}
//! # impl rt_config::Validate for Config { fn validate(&self) -> Result<(), rt_config::ConfigIssue> { Ok(()) } }
//! # struct Dvh;
//! # impl Stage for Dvh {
//! #     const NAME: &'static str = "dvh"; const FORMAT: u32 = 1; const SECTIONS: &'static [&'static str] = &["dvh"];
//! #     type Config = Config;
//! #     fn inputs(&self, _: &CourseDir, _: &Config) -> Vec<Input> { vec![] }
//! #     fn outputs(&self, _: &CourseDir, _: &Config) -> Vec<Utf8PathBuf> { vec![] }
//! #     fn run(&self, _: &StageContext<'_>, _: &Config) -> Result<StageReport, anyhow::Error> { Ok(StageReport::new()) }
//! # }
//!
//! /// Dose-volume histograms and metrics of one course
//! #[derive(Parser)]
//! #[command(name = "rt-dvh", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
//! struct Cli {
//!     #[command(flatten)]
//!     course: CourseArgs,
//!     #[command(subcommand)]
//!     verb: Option<Verb>,
//! }
//!
//! #[derive(Subcommand)]
//! enum Verb {
//!     /// The same on plain DICOM files
//!     Files(FilesArgs),
//! }
//!
//! #[derive(Args)]
//! struct FilesArgs {
//!     #[command(flatten)]
//!     common: CommonArgs,
//! }
//!
//! fn main() -> ExitCode {
//!     let cli = Cli::parse();
//!     match cli.verb {
//!         None => run_stage(&Dvh, &cli.course),
//!         Some(Verb::Files(args)) => run_command(&args.common, |_settings| Ok(Exit::Done)),
//!     }
//! }
//! ```

pub mod args;
pub mod command;
pub mod exit;
pub mod input;
pub mod logging;
pub mod masks;
pub mod progress;
pub mod report;
pub mod resources;
pub mod runner;
pub mod settings;
pub mod signals;
pub mod stage;

pub use args::{CohortArgs, CommonArgs, CourseArgs, LogFormat};
pub use command::{run_cohort_stage, run_command, run_stage};
pub use exit::{Exit, Failure};
pub use input::Input;
pub use report::{Item, ItemStatus, StageReport};
pub use resources::{Machine, Resources, ResourcesConfig};
pub use runner::{Environment, Mode, Outcome, Waiting, execute};
pub use settings::Settings;
pub use stage::{Explanation, Place, Stage, StageContext, Step};
