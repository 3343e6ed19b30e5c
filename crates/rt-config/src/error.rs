//! What can be wrong with a configuration.

use std::io;
use std::path::PathBuf;

use crate::node::Origin;

/// A configuration that cannot be used. Messages begin with `file:line:column:` where the fault stands in a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Not TOML, an unknown name, a value of the wrong kind, or a value out of range.
    #[error("{at}: {message}")]
    At {
        /// Where it stands.
        at: Origin,
        /// What is wrong, and what would be right.
        message: String,
        /// Stable code.
        code: &'static str,
    },
    /// No preset has this name.
    #[error("unknown preset `{name}`; there are {}", crate::source::preset_names())]
    UnknownPreset {
        /// The name.
        name: String,
    },
    /// A `section.key=value` that is none.
    #[error("{origin} `{text}` is not of the form section.key=value")]
    BadAssignment {
        /// `--set` or `RT_SET`.
        origin: &'static str,
        /// The text.
        text: String,
    },
}

impl ConfigError {
    /// Stable code: `config.read`, `config.syntax`, `config.unknown`, `config.value`, `config.preset`, `config.assignment`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "config.read",
            Self::At { code, .. } => code,
            Self::UnknownPreset { .. } => "config.preset",
            Self::BadAssignment { .. } => "config.assignment",
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Read { .. } => "check the path given with --config",
            Self::At { .. } | Self::UnknownPreset { .. } => "`rtpipeline config show` prints every section and key with its value",
            Self::BadAssignment { .. } => "for instance --set dvh.bin_width_gy=0.05",
        }
    }
}

/// A value that a section refuses although its kind is right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {message}")]
pub struct ConfigIssue {
    /// The key within the section, with dots for nested tables.
    pub key: String,
    /// What is wrong with its value, for instance `must be above 0 Gy`.
    pub message: String,
}

impl ConfigIssue {
    /// An issue with one key.
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            message: message.into(),
        }
    }

    /// The same issue seen from outside: `prefix` stands before the key. For configurations made of several sections.
    #[must_use]
    pub fn within(mut self, prefix: &str) -> Self {
        self.key = format!("{prefix}.{}", self.key);
        self
    }
}

/// Checks that a section's values make sense together; called after every load.
pub trait Validate {
    /// Finds the first value that cannot be used.
    ///
    /// # Errors
    /// The issue, naming the key.
    fn validate(&self) -> Result<(), ConfigIssue>;
}
