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

pub mod args;
pub mod command;
pub mod exit;
pub mod input;
pub mod logging;
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
