//! Cropping: structures cut by the faces of the image. What was not scanned has no volume, no dose and no features.

use super::{Check, Texts, conclude};
use crate::config::QcConfig;
use crate::facts::{CourseFacts, Cut, RoiFact};
use crate::report::{CheckResult, Finding, QcStatus};

pub(super) const CHECK: Check = Check {
    id: "structure_cropping",
    code: "qc.cut_structure",
    about: "no structure is cut by the border of the image",
    run,
};

const TEXTS: Texts = Texts {
    pass: "no structure touches the border of the image",
    skip: "there are no structures with voxels",
    remedy: "the field of view of the image is too small for this structure: leave its volume and features out, or use an image that holds it",
};

fn run(facts: &CourseFacts, _cfg: &QcConfig) -> CheckResult {
    let judged: Vec<&RoiFact> = facts.rois.iter().filter(|r| r.voxels > 0).collect();
    let findings = judged.iter().filter_map(|roi| judge(roi)).collect();
    conclude(&CHECK, judged.len(), findings, &TEXTS)
}

fn judge(roi: &RoiFact) -> Option<Finding> {
    let (status, message) = match roi.cut {
        Cut::Free => return None,
        Cut::Ends => (QcStatus::Info, "goes on beyond the first or last slice"),
        // The table is wider than any field of view; automatic structures are no reason to distrust the course.
        Cut::Sides if roi.is_support() || !roi.is_drawn() => (QcStatus::Info, "is cut by a side of the image"),
        Cut::Sides => (QcStatus::Warning, "is cut by a side of the image"),
    };
    Some(Finding {
        status,
        item: roi.label(),
        message: message.to_owned(),
        value: None,
        limit: None,
    })
}
