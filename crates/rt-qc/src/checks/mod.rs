//! One file per check; [`ALL`] is the list in the order of the report.

mod cropping;
mod dose_coverage;
mod empty_structures;
mod frame_of_reference;
mod geometry;
mod objects;
mod outputs;

use crate::config::QcConfig;
use crate::facts::CourseFacts;
use crate::report::{CheckResult, Finding, QcStatus};

/// A check: its id, its code, and the function from facts to result.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Stable id, the word in `qc.checks`.
    pub id: &'static str,
    /// Stable code of its findings.
    pub code: &'static str,
    /// One line for people: what it looks at.
    pub about: &'static str,
    pub(crate) run: fn(&CourseFacts, &QcConfig) -> CheckResult,
}

/// Every check, in the order of the report.
pub const ALL: &[Check] = &[
    objects::CHECK,
    outputs::CHECK,
    frame_of_reference::CHECK,
    geometry::CHECK,
    dose_coverage::CHECK,
    empty_structures::CHECK,
    cropping::CHECK,
];

/// Sentences of one check for each outcome.
struct Texts {
    pass: &'static str,
    skip: &'static str,
    remedy: &'static str,
}

/// The result of a check from its findings; `looked_at` counts what there was to judge.
fn conclude(check: &Check, looked_at: usize, findings: Vec<Finding>, texts: &Texts) -> CheckResult {
    let worst = findings.iter().map(|f| f.status).max();
    let status = match worst {
        Some(status) => status,
        None if looked_at == 0 => QcStatus::Skip,
        None => QcStatus::Pass,
    };
    let message = match (status, findings.as_slice()) {
        (QcStatus::Skip, _) => texts.skip.to_owned(),
        (QcStatus::Pass, _) => texts.pass.to_owned(),
        (_, [one]) => format!("{}: {}", one.item, one.message),
        (_, all) => {
            let lead = all.iter().find(|f| f.status == status).unwrap_or(&all[0]);
            format!("{}: {} ({} findings in all)", lead.item, lead.message, all.len())
        }
    };
    CheckResult {
        id: check.id.to_owned(),
        code: check.code.to_owned(),
        status,
        message,
        remedy: if status >= QcStatus::Warning {
            texts.remedy.to_owned()
        } else {
            String::new()
        },
        findings,
    }
}

#[cfg(test)]
mod tests;
