//! What a stage leaves behind when it has finished: the key of what it was made from, and what it made.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use crate::atomic::{WriteError, write_bytes, write_json};
use crate::layout::StageFiles;

/// Stands in place of the key from the moment a stage begins until it has finished.
const UNFINISHED: &str = "unfinished";

/// Version of the stamp's JSON form.
const SCHEMA_VERSION: u32 = 1;

/// How a stage ended. A failed stage leaves no stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Everything was done.
    Ok,
    /// Outputs were written, some items failed.
    Partial,
    /// There was nothing to do, for a stated reason.
    Skipped,
}

impl Status {
    /// `ok`, `partial` or `skipped`, as `.ok` files and tables name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Partial => "partial",
            Self::Skipped => "skipped",
        }
    }
}

/// How many items ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Done completely.
    pub done: usize,
    /// Done in part, for instance a structure that leaves the dose grid.
    pub partial: usize,
    /// Left out for a stated reason.
    pub skipped: usize,
    /// Failed.
    pub failed: usize,
}

/// One file that a stage made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Relative to [`StageFiles::root`].
    pub path: String,
    /// BLAKE3 of its content, hex.
    pub blake3: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// The record of a finished stage. Equal work gives equal bytes: no time, host or absolute path stands in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    schema_version: u32,
    /// Name of the stage.
    pub stage: String,
    /// [`key`] of `key_parts`.
    pub key: String,
    /// What the result depends on, by name: stage format, configuration values, digests of the inputs.
    pub key_parts: BTreeMap<String, String>,
    /// How it ended.
    pub status: Status,
    /// Why it was skipped; empty otherwise.
    pub reason: String,
    /// Its items.
    pub items: Counts,
    /// Its files, sorted by path.
    pub outputs: Vec<Output>,
}

/// Whether a stage has to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Freshness {
    /// Its stamp has the same key and all its files are there.
    Fresh(Box<Stamp>),
    /// It has to run; why, in words.
    Stale(String),
}

/// The staleness key: BLAKE3 of all parts by name.
pub fn key(parts: &BTreeMap<String, String>) -> String {
    let mut hasher = blake3::Hasher::new();
    for (name, value) in parts {
        for piece in [name.as_str(), "\0", value, "\n"] {
            hasher.update(piece.as_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}

impl Stamp {
    /// The record of a stage that ended now.
    pub fn new(
        stage: &str,
        key_parts: BTreeMap<String, String>,
        status: Status,
        reason: &str,
        items: Counts,
        mut outputs: Vec<Output>,
    ) -> Self {
        outputs.sort_by(|a, b| a.path.cmp(&b.path));
        Self {
            schema_version: SCHEMA_VERSION,
            stage: stage.to_owned(),
            key: key(&key_parts),
            key_parts,
            status,
            reason: reason.to_owned(),
            items,
            outputs,
        }
    }

    /// Reads a stamp: `None` when there is none, `Err` with the reason when it cannot be used.
    ///
    /// # Errors
    /// Why the file is no stamp, in words: such a stage runs again.
    pub fn read(path: &Utf8Path) -> Result<Option<Self>, String> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("its stamp cannot be read ({error})")),
        };
        let stamp: Self = serde_json::from_slice(&text).map_err(|error| format!("its stamp is damaged ({error})"))?;
        if stamp.schema_version != SCHEMA_VERSION {
            return Err("its stamp is of another version".to_owned());
        }
        if stamp.key == UNFINISHED {
            return Err("an earlier run of it did not finish".to_owned());
        }
        if stamp.key != key(&stamp.key_parts) {
            return Err("its stamp contradicts itself".to_owned());
        }
        Ok(Some(stamp))
    }

    /// Writes the stamp, then the `.ok` file that workflow engines wait for.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn publish(&self, files: &StageFiles) -> Result<(), WriteError> {
        write_json(&files.stamp, self)?;
        self.publish_ok(files)
    }

    /// Marks the stage as running: `.ok` goes, and the stamp, kept for the list of files that the stage owns, is no stamp any more.
    /// From here until [`Stamp::publish`] a crash leaves a stage that runs again.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn begin(files: &StageFiles) -> Result<(), WriteError> {
        match fs::remove_file(&files.ok) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(WriteError::Io {
                    step: "remove",
                    path: files.ok.clone(),
                    source,
                });
            }
            _ => {}
        }
        let fresh = || Self::new(&files.stage, BTreeMap::new(), Status::Skipped, "", Counts::default(), Vec::new());
        let old = Self::parse(&files.stamp).unwrap_or_else(fresh);
        write_json(
            &files.stamp,
            &Self {
                key: UNFINISHED.to_owned(),
                ..old
            },
        )
    }

    /// Whether a run of the stage began and did not finish (or is at work now).
    pub fn is_unfinished(files: &StageFiles) -> bool {
        Self::parse(&files.stamp).is_some_and(|stamp| stamp.key == UNFINISHED)
    }

    /// Files that the last run recorded, also when it did not finish: what a new run does not make again is removed.
    pub fn recorded_outputs(files: &StageFiles) -> Vec<String> {
        Self::parse(&files.stamp)
            .map(|stamp| stamp.outputs.into_iter().map(|o| o.path).collect())
            .unwrap_or_default()
    }

    fn parse(path: &Utf8Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// Writes only the `.ok` file: `ok|partial|skipped <key>`.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn publish_ok(&self, files: &StageFiles) -> Result<(), WriteError> {
        write_bytes(&files.ok, format!("{} {}\n", self.status.name(), self.key).as_bytes())
    }
}

/// Compares what a stage would be made from now with its stamp; never looks at times.
pub fn freshness(files: &StageFiles, parts: &BTreeMap<String, String>) -> Freshness {
    let stamp = match Stamp::read(&files.stamp) {
        Ok(Some(stamp)) => stamp,
        Ok(None) => return Freshness::Stale("never finished before".to_owned()),
        Err(reason) => return Freshness::Stale(reason),
    };
    if let Some(change) = first_change(&stamp.key_parts, parts) {
        return Freshness::Stale(change);
    }
    for output in &stamp.outputs {
        match fs::metadata(files.root.join(&output.path)) {
            Ok(meta) if meta.len() == output.bytes => {}
            Ok(meta) => {
                return Freshness::Stale(format!(
                    "output {} has {} bytes instead of {}",
                    output.path,
                    meta.len(),
                    output.bytes
                ));
            }
            Err(_) => return Freshness::Stale(format!("output {} is missing", output.path)),
        }
    }
    Freshness::Fresh(Box::new(stamp))
}

fn first_change(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Option<String> {
    let changed = new.iter().find_map(|(name, value)| match old.get(name) {
        Some(before) if before == value => None,
        Some(before) if before.len() + value.len() <= 80 => Some(format!("{name}: {before} -> {value}")),
        Some(_) => Some(format!("{name} changed")),
        None => Some(format!("{name} is new")),
    });
    changed.or_else(|| {
        old.keys()
            .find(|name| !new.contains_key(*name))
            .map(|name| format!("{name} is gone"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Cohort;

    fn parts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_stage_is_fresh_until_a_part_or_an_output_changes() {
        let dir = tempfile::tempdir().unwrap();
        let files = Cohort::new(dir.path()).unwrap().course("P01", "C1").unwrap().stage("dvh");
        let made_from = parts(&[("config dvh.bin_width_gy", "0.01"), ("input images/dose.nii", "abc")]);
        assert_eq!(freshness(&files, &made_from), Freshness::Stale("never finished before".into()));

        write_bytes(files.root.join("dvh/t.parquet"), b"1234").unwrap();
        let output = Output {
            path: "dvh/t.parquet".into(),
            blake3: "d".into(),
            bytes: 4,
        };
        let stamp = Stamp::new(
            "dvh",
            made_from.clone(),
            Status::Partial,
            "",
            Counts {
                done: 2,
                failed: 1,
                ..Counts::default()
            },
            vec![output],
        );
        stamp.publish(&files).unwrap();
        assert_eq!(fs::read_to_string(&files.ok).unwrap(), format!("partial {}\n", stamp.key));
        assert_eq!(freshness(&files, &made_from), Freshness::Fresh(Box::new(stamp)));

        let now = parts(&[("config dvh.bin_width_gy", "0.1"), ("input images/dose.nii", "abc")]);
        assert_eq!(
            freshness(&files, &now),
            Freshness::Stale("config dvh.bin_width_gy: 0.01 -> 0.1".into())
        );
        let now = parts(&[("config dvh.bin_width_gy", "0.01")]);
        assert_eq!(freshness(&files, &now), Freshness::Stale("input images/dose.nii is gone".into()));

        write_bytes(files.root.join("dvh/t.parquet"), b"123").unwrap();
        assert!(matches!(freshness(&files, &made_from), Freshness::Stale(why) if why.contains("3 bytes instead of 4")));
        fs::remove_file(files.root.join("dvh/t.parquet")).unwrap();
        assert!(matches!(freshness(&files, &made_from), Freshness::Stale(why) if why.contains("missing")));
    }

    #[test]
    fn a_damaged_stamp_is_no_stamp() {
        let dir = tempfile::tempdir().unwrap();
        let files = Cohort::new(dir.path()).unwrap().stage("aggregate");
        let stamp = Stamp::new("aggregate", parts(&[("a", "1")]), Status::Ok, "", Counts::default(), vec![]);
        stamp.publish(&files).unwrap();
        let good = fs::read_to_string(&files.stamp).unwrap();
        for bad in [
            "",
            "{}",
            &good[..good.len() / 2],
            &good.replace("\"1\"", "\"2\""),
            &good.replace("\"schema_version\": 1", "\"schema_version\": 9"),
        ] {
            fs::write(&files.stamp, bad).unwrap();
            assert!(Stamp::read(&files.stamp).is_err(), "{bad}");
            assert!(matches!(freshness(&files, &parts(&[("a", "1")])), Freshness::Stale(_)));
        }
    }

    #[test]
    fn a_stage_that_began_and_did_not_finish_runs_again_and_still_knows_its_files() {
        let dir = tempfile::tempdir().unwrap();
        let files = Cohort::new(dir.path()).unwrap().stage("aggregate");
        Stamp::begin(&files).unwrap();
        write_bytes(files.root.join("t.csv"), b"1").unwrap();
        let output = Output {
            path: "t.csv".into(),
            blake3: String::new(),
            bytes: 1,
        };
        let stamp = Stamp::new("aggregate", parts(&[("a", "1")]), Status::Ok, "", Counts::default(), vec![output]);
        stamp.publish(&files).unwrap();
        Stamp::begin(&files).unwrap();
        assert!(!files.ok.exists());
        assert_eq!(
            freshness(&files, &parts(&[("a", "1")])),
            Freshness::Stale("an earlier run of it did not finish".into())
        );
        assert_eq!(Stamp::recorded_outputs(&files), ["t.csv"]);
    }

    #[test]
    fn parts_cannot_be_confused_by_moving_a_boundary() {
        assert_ne!(key(&parts(&[("a", "bc")])), key(&parts(&[("ab", "c")])));
    }
}
