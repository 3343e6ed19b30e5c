//! Empty structures: regions without contours, or whose contours enclose nothing on the image.

use super::{Check, Texts, conclude};
use crate::config::QcConfig;
use crate::facts::{CourseFacts, RoiFact};
use crate::report::{CheckResult, Finding, QcStatus};

pub(super) const CHECK: Check = Check {
    id: "empty_structures",
    code: "qc.empty_structure",
    about: "every drawn or derived structure holds voxels",
    run,
};

const TEXTS: Texts = Texts {
    pass: "every structure holds voxels",
    skip: "there are no structures",
    remedy: "delete the empty structure in the planning system or draw it; it has a row without figures in the tables",
};

fn run(facts: &CourseFacts, _cfg: &QcConfig) -> CheckResult {
    let judged: Vec<&RoiFact> = facts.rois.iter().filter(|r| !facts.is_elsewhere(r)).collect();
    let findings = judged.iter().filter(|r| r.voxels == 0).map(|r| judge(r)).collect();
    conclude(&CHECK, judged.len(), findings, &TEXTS)
}

fn judge(roi: &RoiFact) -> Finding {
    let message = match roi.n_contours {
        Some(0) => "it has no contours".to_owned(),
        Some(n) => format!("its {n} contours enclose no voxel of the planning image"),
        None => "it has no voxels".to_owned(),
    };
    Finding {
        // That an automatic engine did not find an organ is a fact about the field of view.
        status: if roi.is_drawn() { QcStatus::Warning } else { QcStatus::Info },
        item: roi.label(),
        message,
        value: Some(0.0),
        limit: Some(1.0),
    }
}
