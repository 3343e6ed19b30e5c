//! What the checks found.

use serde::{Deserialize, Serialize};

/// Result of a check or a report; the order is that of severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum QcStatus {
    /// Nothing to check in this course.
    Skip,
    /// In order.
    Pass,
    /// Worth knowing, nothing to do.
    Info,
    /// A person should look.
    Warning,
    /// Results of this course should not be used before it is settled.
    Fail,
}

impl QcStatus {
    /// The word in tables and pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "SKIP",
            Self::Pass => "PASS",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Fail => "FAIL",
        }
    }
}

/// One thing a check found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad.
    pub status: QcStatus,
    /// What it is about: a region, a file, a stage.
    pub item: String,
    /// What was seen.
    pub message: String,
    /// The value that was judged, where there is one.
    pub value: Option<f64>,
    /// The limit it was held against.
    pub limit: Option<f64>,
}

/// One check and all it found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// Stable id, for instance `dose_coverage`.
    pub id: String,
    /// Stable code of its findings, for instance `qc.dose_coverage`.
    pub code: String,
    /// The worst of its findings; PASS without findings, SKIP when there was nothing to look at.
    pub status: QcStatus,
    /// The result in one sentence.
    pub message: String,
    /// What to do about it; empty when nothing is to do.
    pub remedy: String,
    /// Every finding, in the order of the facts.
    pub findings: Vec<Finding>,
}

/// The report of one course.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QcReport {
    /// Patient as named in tables.
    pub patient_id: String,
    /// Course as named in tables.
    pub course_id: String,
    /// The worst of all checks.
    #[serde(rename = "overall_status")]
    pub status: QcStatus,
    /// Checks in fixed order.
    pub checks: Vec<CheckResult>,
}

impl QcReport {
    /// Joins checks; INFO and SKIP count as PASS for the whole.
    pub fn new(patient_id: &str, course_id: &str, checks: Vec<CheckResult>) -> Self {
        let worst = checks.iter().map(|c| c.status).max().unwrap_or(QcStatus::Pass);
        Self {
            patient_id: patient_id.to_owned(),
            course_id: course_id.to_owned(),
            status: if worst < QcStatus::Warning { QcStatus::Pass } else { worst },
            checks,
        }
    }

    /// Codes of the checks that warn or fail.
    pub fn raised_codes(&self) -> Vec<&str> {
        self.checks
            .iter()
            .filter(|c| c.status >= QcStatus::Warning)
            .map(|c| c.code.as_str())
            .collect()
    }
}
