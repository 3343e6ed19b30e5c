//! What a stage reads, as its staleness key sees it.

use std::collections::BTreeMap;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use rt_course::digest::{digest_json_parts, digest_listing};
use rt_course::provenance::FileUse;
use rt_course::{DigestError, Memo, StageFiles};
use serde::Serialize;

use crate::exit::Failure;

/// Something that a stage's result depends on, beside its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The file or folder; empty for a value.
    pub path: Utf8PathBuf,
    /// Stage that makes it, when the stage cannot run without it.
    pub required_from: Option<&'static str>,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    File,
    JsonParts(Vec<&'static str>),
    Listing,
    Value { name: String, canonical: String },
}

impl Input {
    /// A file without which the stage cannot run; `from` is the stage that makes it.
    pub fn required(path: impl Into<Utf8PathBuf>, from: &'static str) -> Self {
        Self {
            path: path.into(),
            required_from: Some(from),
            kind: Kind::File,
        }
    }

    /// A file that may be absent or unreadable; that it is so counts, and the stage meets it when it reads.
    pub fn optional(path: impl Into<Utf8PathBuf>) -> Self {
        Self {
            path: path.into(),
            required_from: None,
            kind: Kind::File,
        }
    }

    /// Parts of a JSON file, by JSON pointer (`/dose`, `/plans`): the stage does not run again when other parts change. The file must
    /// exist; `from` is the stage that makes it.
    pub fn json(path: impl Into<Utf8PathBuf>, from: &'static str, pointers: &[&'static str]) -> Self {
        Self {
            path: path.into(),
            required_from: Some(from),
            kind: Kind::JsonParts(pointers.to_vec()),
        }
    }

    /// Parts of a JSON file that may be absent, unreadable or damaged; that it is so counts. For a stage that gathers from many places
    /// and must not fail as a whole over one of them.
    pub fn optional_json(path: impl Into<Utf8PathBuf>, pointers: &[&'static str]) -> Self {
        Self {
            path: path.into(),
            required_from: None,
            kind: Kind::JsonParts(pointers.to_vec()),
        }
    }

    /// All files of a folder by name, size and time, without opening them: for input trees that the stage itself tracks by content.
    pub fn listing(path: impl Into<Utf8PathBuf>) -> Self {
        Self {
            path: path.into(),
            required_from: None,
            kind: Kind::Listing,
        }
    }

    /// A value that the configuration does not hold, for instance the version of an external program.
    pub fn value<T: Serialize + ?Sized>(name: &str, value: &T) -> Self {
        let json = serde_json::to_value(value).unwrap_or(serde_json::Value::Null);
        let kind = Kind::Value {
            name: name.to_owned(),
            canonical: rt_config::canonical_json(&json),
        };
        Self {
            path: Utf8PathBuf::new(),
            required_from: None,
            kind,
        }
    }

    /// Name in the staleness key and in messages.
    pub fn name(&self, files: &StageFiles) -> String {
        match &self.kind {
            Kind::Value { name, .. } => name.clone(),
            // The place of an input tree does not count, only what is in it.
            Kind::Listing if !self.path.starts_with(&files.root) => "input folder".to_owned(),
            Kind::File if !self.path.starts_with(&files.root) => format!("input {}", self.path.file_name().unwrap_or_default()),
            Kind::File | Kind::Listing | Kind::JsonParts(_) => format!("input {}", files.relative(&self.path)),
        }
    }
}

/// Digests of all inputs: entries of the staleness key, and the files for provenance.
pub(crate) fn digest_inputs(
    inputs: &[Input],
    files: &StageFiles,
    memo: &mut Memo,
) -> Result<(BTreeMap<String, String>, Vec<FileUse>), anyhow::Error> {
    let mut parts = BTreeMap::new();
    let mut used = Vec::new();
    for input in inputs {
        let value = match &input.kind {
            Kind::Value { canonical, .. } => canonical.clone(),
            Kind::Listing => digest_listing(input.path.as_std_path())?,
            Kind::JsonParts(pointers) => match digest_json_parts(&input.path, pointers) {
                Err(error) if input.required_from.is_none() => state(&error, &input.path).to_owned(),
                other => present(input, files, other)?,
            },
            Kind::File => {
                let (digest, value) = match memo.file(&input.path) {
                    Err(error) if input.required_from.is_none() => (None, state(&error, &input.path).to_owned()),
                    other => {
                        let digest = present(input, files, other)?;
                        (Some(digest.clone()), digest.blake3)
                    }
                };
                used.push(FileUse {
                    path: files.relative(&input.path),
                    digest,
                });
                value
            }
        };
        parts.insert(input.name(files), value);
    }
    Ok((parts, used))
}

/// What stands in the key for a file that may be missing.
fn state(error: &DigestError, path: &Utf8Path) -> &'static str {
    match error {
        error if is_absent(error, path) => "absent",
        DigestError::Json { .. } => "damaged",
        _ => "unreadable",
    }
}

fn is_absent(error: &DigestError, path: &Utf8Path) -> bool {
    matches!(error, DigestError::Read { source, .. } if source.kind() == io::ErrorKind::NotFound) && !path.is_symlink()
}

fn present<T>(input: &Input, files: &StageFiles, digest: Result<T, DigestError>) -> Result<T, anyhow::Error> {
    digest.map_err(|error| match input.required_from {
        Some(from) if is_absent(&error, &input.path) => {
            let message = format!("{} is missing: the {} stage needs it", input.path, files.stage);
            Failure::new("stage.input_missing", message)
                .hint(format!("run the {from} stage first: it makes this file"))
                .into()
        }
        _ => error.into(),
    })
}
