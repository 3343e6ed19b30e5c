//! From arguments to configuration: finds the file, applies the layers, reads the sections that are not a stage's own.

use std::path::{Path, PathBuf};

use rt_config::{ConfigIssue, Document, Sources, Validate, text_assignment};
use rt_course::Cohort;
use serde::{Deserialize, Serialize};

use crate::args::{CommonArgs, LogFormat};
use crate::resources::ResourcesConfig;

/// Name of the configuration file that is taken from the working folder.
pub const FILE_NAME: &str = "rtpipeline.toml";

/// Section `[logging]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoggingConfig {
    /// What standard error shows.
    pub level: Level,
    /// Form of its lines.
    pub format: LogFormat,
}

/// How much is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Errors only.
    Error,
    /// And warnings.
    Warn,
    /// And one line a stage.
    #[default]
    Info,
    /// And one line an item.
    Debug,
    /// Everything.
    Trace,
}

impl Validate for LoggingConfig {
    fn validate(&self) -> Result<(), ConfigIssue> {
        Ok(())
    }
}

/// Section `[cohort]`: the folders, so that a configuration file can hold a whole run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CohortConfig {
    /// Folder of DICOM files, read only.
    pub input: Option<PathBuf>,
    /// Folder for everything that is made.
    pub output: Option<PathBuf>,
}

impl Validate for CohortConfig {
    fn validate(&self) -> Result<(), ConfigIssue> {
        Ok(())
    }
}

/// The configuration of one command.
#[derive(Debug, Clone)]
pub struct Settings {
    /// All layers.
    pub document: Document,
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// Section `[resources]`, with `--threads`.
    pub resources: ResourcesConfig,
    /// Section `[logging]`, with `-v`, `-q` and `--log-format`.
    pub logging: LoggingConfig,
    /// Section `[cohort]`.
    pub cohort: CohortConfig,
}

impl Settings {
    /// Loads the configuration of a command. `cohort` is the output folder when the command names one: its saved configuration is used
    /// when neither `--config` nor `rtpipeline.toml` is there. `extra` are assignments that other arguments stand for.
    ///
    /// # Errors
    /// [`rt_config::ConfigError`].
    pub fn load(args: &CommonArgs, cohort: Option<&Cohort>, extra: &[String]) -> Result<Self, rt_config::ConfigError> {
        let saved = cohort.map(|c| c.config().into_std_path_buf()).filter(|p| p.is_file());
        let here = || Some(PathBuf::from(FILE_NAME)).filter(|p| p.is_file());
        let file = args.config.clone().or_else(here).or(saved);
        let mut set = args.set.clone();
        set.extend(args.threads.map(|n| format!("resources.threads={n}")));
        set.extend(extra.iter().cloned());
        let environment = std::env::var("RT_SET").ok();
        let document = Sources {
            preset: args.preset.clone(),
            file: file.clone(),
            environment,
            set,
        }
        .load()?;
        let mut logging: LoggingConfig = document.section("logging")?;
        logging.format = args.log_format.unwrap_or(logging.format);
        logging.level = match (args.quiet, args.verbose) {
            (true, _) => Level::Error,
            (_, 0) => logging.level,
            (_, 1) => Level::Debug,
            _ => Level::Trace,
        };
        Ok(Self {
            resources: document.section("resources")?,
            cohort: document.section("cohort")?,
            logging,
            file,
            document,
        })
    }

    /// The assignment that `--input DIR` stands for.
    pub fn input(path: &Path) -> String {
        text_assignment(
            "cohort.input",
            &std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy(),
        )
    }
}
