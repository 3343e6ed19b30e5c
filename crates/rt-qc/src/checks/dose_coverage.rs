//! Dose coverage: how much of each structure lies inside the dose grid. Dose outside the grid is unknown, not zero.

use super::{Check, Texts, conclude};
use crate::config::{QcConfig, Thresholds};
use crate::facts::{CourseFacts, RoiFact};
use crate::report::{CheckResult, Finding, QcStatus};

pub(super) const CHECK: Check = Check {
    id: "dose_coverage",
    code: "qc.dose_coverage",
    about: "targets and organs lie inside the dose grid",
    run,
};

const TEXTS: Texts = Texts {
    pass: "targets and organs lie inside the dose grid",
    skip: "no dose was evaluated",
    remedy: "calculate the dose on a grid that holds the structure, or leave its figures out: they describe the covered part only",
};

fn run(facts: &CourseFacts, cfg: &QcConfig) -> CheckResult {
    // Empty structures, and those drawn elsewhere, are the matter of other checks.
    let here = facts.rois.iter().filter(|r| r.voxels > 0 && !facts.is_elsewhere(r));
    let judged: Vec<(&RoiFact, f64)> = here.filter_map(|r| r.covered_fraction.map(|c| (r, c))).collect();
    let findings = judged
        .iter()
        .filter_map(|(roi, covered)| judge(roi, *covered, &cfg.thresholds))
        .collect();
    conclude(&CHECK, judged.len(), findings, &TEXTS)
}

fn judge(roi: &RoiFact, covered: f64, limits: &Thresholds) -> Option<Finding> {
    let (limit, status) = if roi.is_target() && covered < limits.target_coverage_fail {
        (limits.target_coverage_fail, QcStatus::Fail)
    } else if roi.is_target() {
        (limits.target_coverage_warning, QcStatus::Warning)
    } else if !roi.is_drawn() || roi.is_external() || covered <= 0.0 {
        // The outline of the patient, automatic structures and organs far from the beam leave the grid in most plans.
        (limits.organ_coverage_warning, QcStatus::Info)
    } else {
        (limits.organ_coverage_warning, QcStatus::Warning)
    };
    (covered < limit).then(|| Finding {
        status,
        item: roi.label(),
        message: format!("{:.1} % of its volume lies inside the dose grid", 100.0 * covered),
        value: Some(covered),
        limit: Some(limit),
    })
}
