//! The `[qc]` section.

use rt_config::{ConfigIssue, Validate};
use serde::{Deserialize, Serialize};

use crate::checks;
use crate::report::QcStatus;

/// Settings of the qc stage (`[qc]`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QcConfig {
    /// Ids of the checks to run; empty runs all.
    pub checks: Vec<String>,
    /// Limits of the checks.
    pub thresholds: Thresholds,
    /// Write the course page `qc/report.html`.
    pub html: bool,
    /// Make the stage fail (exit 1) when the report is this bad; findings alone never fail it otherwise.
    pub fail_on: FailOn,
}

impl Default for QcConfig {
    fn default() -> Self {
        Self {
            checks: Vec::new(),
            thresholds: Thresholds::default(),
            html: true,
            fail_on: FailOn::Never,
        }
    }
}

/// When findings become a failure of the stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    /// Findings are results: exit 0.
    Never,
    /// A report of status FAIL.
    Fail,
    /// A report of status WARNING or FAIL.
    Warning,
}

impl FailOn {
    /// Whether a report of this status fails the stage.
    pub fn applies_to(self, status: QcStatus) -> bool {
        match self {
            Self::Never => false,
            Self::Fail => status >= QcStatus::Fail,
            Self::Warning => status >= QcStatus::Warning,
        }
    }
}

/// Limits, each with its unit in the name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// Covered fraction of a target below which coverage fails.
    pub target_coverage_fail: f64,
    /// Covered fraction of a target below which coverage warns.
    pub target_coverage_warning: f64,
    /// Covered fraction of another manual or derived structure below which coverage warns.
    pub organ_coverage_warning: f64,
    /// Largest distance between grid positions that should agree, mm.
    pub position_mm: f64,
    /// How far contours may lie outside the image, in voxels, before geometry warns.
    pub outside_image_voxels: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            target_coverage_fail: 0.95,
            target_coverage_warning: 0.99,
            organ_coverage_warning: 0.95,
            position_mm: 0.01,
            outside_image_voxels: 1.0,
        }
    }
}

impl Validate for QcConfig {
    fn validate(&self) -> Result<(), ConfigIssue> {
        if let Some(unknown) = self.checks.iter().find(|id| checks::ALL.iter().all(|c| c.id != id.as_str())) {
            let known: Vec<&str> = checks::ALL.iter().map(|c| c.id).collect();
            let message = format!("names the unknown check `{unknown}`; known are {}", known.join(", "));
            return Err(ConfigIssue::new("checks", message));
        }
        let t = &self.thresholds;
        let shares = [
            ("target_coverage_fail", t.target_coverage_fail),
            ("target_coverage_warning", t.target_coverage_warning),
            ("organ_coverage_warning", t.organ_coverage_warning),
        ];
        for (key, value) in shares {
            if !(0.0..=1.0).contains(&value) {
                let message = format!("is {value}, which is no share between 0 and 1");
                return Err(ConfigIssue::new(format!("thresholds.{key}"), message));
            }
        }
        for (key, value) in [("position_mm", t.position_mm), ("outside_image_voxels", t.outside_image_voxels)] {
            if !value.is_finite() || value < 0.0 {
                return Err(ConfigIssue::new(
                    format!("thresholds.{key}"),
                    format!("is {value}, but must not be negative"),
                ));
            }
        }
        Ok(())
    }
}
