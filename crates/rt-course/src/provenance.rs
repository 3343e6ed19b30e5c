//! What a stage was made from, by what, and at what cost: `provenance/<stage>.json`.
//!
//! These files are outside the promise of equal bytes: they hold times. They also serve as memory of digests ([`known_digests`]), so
//! that a large file is not read again to see that it did not change.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use camino::Utf8Path;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::atomic::{WriteError, write_json};
use crate::cost::Cost;
use crate::digest::{FileDigest, Memo};
use crate::layout::StageFiles;
use crate::stamp::{Counts, Status};

/// Version of the JSON form.
const SCHEMA_VERSION: u32 = 1;

/// The program that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Version of this pipeline.
    pub version: String,
    /// Commit that it was built from, `unknown` outside a repository.
    pub commit: String,
    /// Compiler.
    pub rustc: String,
}

/// The machine, without its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Cores that the process may use.
    pub cores: usize,
    /// Memory that the process may use, bytes.
    pub memory_bytes: Option<u64>,
    /// Operating system and processor.
    pub system: String,
}

/// A file that a stage read or wrote. `digest` is `None` for an optional input that was absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileUse {
    /// Relative to [`StageFiles::root`].
    pub path: String,
    /// Content and identity.
    pub digest: Option<FileDigest>,
}

/// Time spent under one name inside a stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// Name of the span.
    pub name: String,
    /// How often it was entered.
    pub count: u64,
    /// Elapsed time in it, all entries, s.
    pub wall_s: f64,
}

/// One run of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of this form.
    pub schema_version: u32,
    /// Name of the stage.
    pub stage: String,
    /// `P01/C1`, empty for the cohort.
    pub course: String,
    /// The program.
    pub program: Program,
    /// The machine.
    pub host: Host,
    /// Start, RFC 3339, UTC.
    pub started: String,
    /// Threads that it was given.
    pub threads: usize,
    /// How it ended.
    pub status: Status,
    /// What it cost.
    pub cost: Cost,
    /// Staleness key.
    pub key: String,
    /// Parts of the key by name.
    pub key_parts: BTreeMap<String, String>,
    /// Files read.
    pub inputs: Vec<FileUse>,
    /// Files written.
    pub outputs: Vec<FileUse>,
    /// Where the time went.
    pub spans: Vec<Span>,
    /// Its items.
    pub items: Counts,
    /// Versions of external programs and models by name.
    pub tools: IndexMap<String, String>,
}

impl Provenance {
    /// The version that writers put into `schema_version`.
    pub const SCHEMA_VERSION: u32 = SCHEMA_VERSION;

    /// Writes the record.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn publish(&self, files: &StageFiles) -> Result<(), WriteError> {
        write_json(&files.provenance, self)
    }

    /// Reads a record: `None` when there is none or it is not of this version.
    pub fn read(path: &Utf8Path) -> Option<Self> {
        let text = fs::read(path).ok()?;
        serde_json::from_slice::<Self>(&text)
            .ok()
            .filter(|p| p.schema_version == SCHEMA_VERSION)
    }
}

/// Digests that the stages of this course (or of the cohort) recorded. A record that cannot be read only costs time.
///
/// # Errors
/// The folder exists and cannot be listed.
pub fn known_digests(files: &StageFiles) -> io::Result<Memo> {
    let mut memo = Memo::default();
    let entries = match fs::read_dir(files.provenance_dir()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(memo),
        other => other?,
    };
    for entry in entries.flatten() {
        let Ok(path) = camino::Utf8PathBuf::from_path_buf(entry.path()) else {
            continue;
        };
        let Some(record) = Provenance::read(&path) else { continue };
        for file in record.inputs.into_iter().chain(record.outputs) {
            if let Some(digest) = file.digest {
                memo.remember(files.root.join(file.path), digest);
            }
        }
    }
    Ok(memo)
}
