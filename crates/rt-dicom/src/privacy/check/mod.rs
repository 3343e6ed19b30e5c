//! Does a cleaned folder still say who its patients are? Nothing here uses the rules of the de-identifier, only the table itself.
//!
//! Objects of both folders are paired by what must not have changed (pixels, numbers, contours); each object is then held against the
//! table, against every identifying value of the input, and against its pair.

mod objects;
mod pairs;
mod search;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rt_core::Progress;

use crate::scan::ScanError;
use objects::{Original, Released, files, look, secrets};
use pairs::paired;
use search::Needles;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckFinding {
    /// Stable code.
    pub code: &'static str,
    /// File of the output, relative to it.
    pub file: String,
    /// Element, `(gggg,eeee)`; empty when it is about the file.
    pub element: String,
    /// What is wrong; never a value of the input.
    pub detail: String,
}

/// What the checker looked at, and what it found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Objects of the input.
    pub originals: usize,
    /// Objects of the output, every one held against the table and searched.
    pub released: usize,
    /// Objects of the output whose pair in the input is known.
    pub paired: usize,
    /// Objects of the input without one in the output.
    pub withheld: usize,
    /// Files of the input that cannot be read: what they hold could not be looked for.
    pub unread: usize,
    /// Identifying values that were looked for.
    pub secrets: usize,
    /// What is wrong, by file.
    pub findings: Vec<CheckFinding>,
}

impl CheckReport {
    /// Nothing was found, and there was something to look at.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.released > 0 && self.originals > 0
    }
}

/// Holds a cleaned folder against the folder that it was made from.
///
/// # Errors
/// [`ScanError`] when a folder cannot be read.
pub fn check(input: &Path, output: &Path, progress: &dyn Progress) -> Result<CheckReport, ScanError> {
    let (inputs, outputs) = (files(input)?, files(output)?);
    progress.begin("check", (inputs.len() + outputs.len()) as u64);
    let originals: Vec<Option<Original>> = inputs
        .par_iter()
        .map(|path| {
            progress.inc(1);
            Original::read(path)
        })
        .collect();
    let unread = originals.iter().filter(|o| o.is_none()).count();
    let originals: Vec<Original> = originals.into_iter().flatten().collect();
    let values: BTreeSet<Vec<u8>> = originals.iter().flat_map(|o| secrets(&o.set, &o.charset)).collect();
    let uids: BTreeSet<&str> = originals.iter().flat_map(|o| o.uids.iter().map(String::as_str)).collect();
    let mut stored: BTreeMap<dicom::core::Tag, BTreeSet<&[u8]>> = BTreeMap::new();
    for (tag, value) in originals.iter().flat_map(|o| &o.texts) {
        stored.entry(*tag).or_default().insert(value);
    }
    let needles = Needles::new(values.iter().map(Vec::as_slice).chain(uids.iter().map(|u| u.as_bytes())));
    let looked: Vec<(Option<Released>, Vec<CheckFinding>)> = outputs
        .par_iter()
        .map(|path| {
            progress.inc(1);
            look(path, &relative(path, output), &needles, &uids, &stored)
        })
        .collect();
    let mut report = CheckReport {
        originals: originals.len(),
        unread,
        secrets: values.len() + uids.len(),
        ..CheckReport::default()
    };
    let mut released = Vec::new();
    for (object, findings) in looked {
        released.extend(object);
        report.findings.extend(findings);
    }
    report.released = released.len();
    let (pairs, findings) = paired(&originals, &released);
    report.paired = pairs;
    report.withheld = report.originals.saturating_sub(report.released);
    report.findings.extend(findings);
    report.findings.sort();
    report.findings.dedup();
    Ok(report)
}

fn relative(path: &Path, root: &Path) -> String {
    let inside: PathBuf = path.strip_prefix(root).unwrap_or(path).into();
    inside.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
