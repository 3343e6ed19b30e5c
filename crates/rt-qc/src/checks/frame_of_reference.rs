//! Frame of reference: image, structures and dose must share (0020,0052), else their coordinates mean different things.

use super::{Check, Texts, conclude};
use crate::config::QcConfig;
use crate::facts::CourseFacts;
use crate::report::{CheckResult, Finding, QcStatus};

pub(super) const CHECK: Check = Check {
    id: "frame_of_reference",
    code: "qc.frame_mismatch",
    about: "planning image, structures and dose share one FrameOfReferenceUID",
    run,
};

const TEXTS: Texts = Texts {
    pass: "planning image, structures and dose share one frame of reference",
    skip: "there are no two objects to compare",
    remedy: "find the registration (REG) between the frames, or export the objects of one plan together; positions of different frames must not be combined",
};

fn run(facts: &CourseFacts, _cfg: &QcConfig) -> CheckResult {
    let image = facts.images.first().map(|i| (i.path.as_str(), i.frame_of_reference.as_str()));
    let structures = facts
        .structure_sets
        .iter()
        .find(|s| s.is_primary)
        .map(|s| (s.id.as_str(), s.frame_of_reference.as_str()));
    let left = left_out(facts);
    let dose = facts.dose.as_ref().map(|d| (d.path.as_str(), d.frame_of_reference.as_str()));
    let objects: Vec<(&str, &str)> = [image, structures, dose].into_iter().flatten().collect();
    let looked_at = objects.len().saturating_sub(1) + left.len();
    let Some(&(anchor, frame)) = objects.iter().find(|(_, frame)| !frame.is_empty()) else {
        return conclude(&CHECK, 0, Vec::new(), &TEXTS);
    };
    let mut findings: Vec<Finding> = objects
        .iter()
        .filter(|(_, f)| !f.is_empty() && *f != frame)
        .map(|(name, f)| Finding {
            status: QcStatus::Fail,
            item: (*name).to_owned(),
            message: format!("is in frame of reference {f}, {anchor} is in {frame}"),
            value: None,
            limit: None,
        })
        .collect();
    findings.extend(left);
    conclude(&CHECK, looked_at, findings, &TEXTS)
}

/// Dose objects that were not evaluated because they lie in another frame than the image: a failure when no other dose took their place.
fn left_out(facts: &CourseFacts) -> Vec<Finding> {
    let Some(image) = facts.planning_image() else { return Vec::new() };
    let status = if facts.dose.is_some() { QcStatus::Warning } else { QcStatus::Fail };
    let elsewhere = |frame: &str| CourseFacts::frames_differ(frame, &image.frame_of_reference);
    facts
        .dose_objects
        .iter()
        .filter(|d| !d.is_selected && elsewhere(&d.frame_of_reference))
        .map(|d| Finding {
            status,
            item: d.name.clone(),
            message: format!(
                "is in frame of reference {}, {} is in {}; it was not evaluated",
                d.frame_of_reference, image.path, image.frame_of_reference
            ),
            value: None,
            limit: None,
        })
        .collect()
}
