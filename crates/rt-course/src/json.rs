//! Reading the JSON forms of [`crate::manifest`] and [`crate::sidecar`].

use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::course_dir::CourseDir;
use crate::layout::Cohort;
use crate::manifest::{CourseRecord, Manifest, SCHEMA_VERSION};

/// A JSON file of ours could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Missing or unreadable.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Not the JSON that it should be.
    #[error("{path} is damaged")]
    Json {
        /// The file.
        path: Utf8PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// Written by another version.
    #[error("{path} has schema version {found}, this program reads {SCHEMA_VERSION}")]
    Version {
        /// The file.
        path: Utf8PathBuf,
        /// The version that it names.
        found: u32,
    },
}

impl ReadError {
    /// Stable code: `json.missing`, `json.read`, `json.damaged` or `json.version`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => "json.missing",
            Self::Io { .. } => "json.read",
            Self::Json { .. } => "json.damaged",
            Self::Version { .. } => "json.version",
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> &'static str {
        match self.code() {
            "json.read" => "check the permissions of the file",
            _ => "run rt-organize again: it writes the file anew",
        }
    }
}

/// Reads a value that has a `schema_version`, refusing another version before looking at anything else.
///
/// # Errors
/// [`ReadError`] with the path.
pub fn read_json<T: DeserializeOwned>(path: &Utf8Path) -> Result<T, ReadError> {
    #[derive(Deserialize)]
    struct Version {
        schema_version: u32,
    }
    let damaged = |source| ReadError::Json {
        path: path.to_owned(),
        source,
    };
    let text = fs::read(path).map_err(|source| ReadError::Io {
        path: path.to_owned(),
        source,
    })?;
    let Version { schema_version: found } = serde_json::from_slice(&text).map_err(damaged)?;
    if found != SCHEMA_VERSION {
        return Err(ReadError::Version {
            path: path.to_owned(),
            found,
        });
    }
    serde_json::from_slice(&text).map_err(damaged)
}

impl Cohort {
    /// Reads `_COHORT/manifest.json`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read_manifest(&self) -> Result<Manifest, ReadError> {
        read_json(&self.manifest())
    }
}

impl CourseDir {
    /// Reads `course.json`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read_record(&self) -> Result<CourseRecord, ReadError> {
        read_json(&self.course_json())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::FileBalance;
    use crate::write_json;

    #[test]
    fn a_manifest_comes_back_and_another_version_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let cohort = Cohort::new(dir.path()).unwrap();
        assert_eq!(cohort.read_manifest().unwrap_err().code(), "json.missing");
        let mut manifest = Manifest {
            schema_version: SCHEMA_VERSION,
            code_version: "1".into(),
            courses: vec![],
            balance: FileBalance::default(),
        };
        write_json(cohort.manifest(), &manifest).unwrap();
        assert_eq!(cohort.read_manifest().unwrap(), manifest);
        manifest.schema_version = 99;
        write_json(cohort.manifest(), &manifest).unwrap();
        assert_eq!(cohort.read_manifest().unwrap_err().code(), "json.version");
        fs::write(cohort.manifest(), "{\"schema_version\": 1").unwrap();
        let error = cohort.read_manifest().unwrap_err();
        assert_eq!(error.code(), "json.damaged");
        assert!(error.to_string().contains("manifest.json"));
    }
}
