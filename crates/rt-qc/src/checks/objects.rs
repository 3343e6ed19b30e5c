//! Missing objects: what a course of its kind should have and does not. An empty course is no sound course.

use super::{Check, Texts, conclude};
use crate::config::QcConfig;
use crate::facts::CourseFacts;
use crate::report::{CheckResult, Finding, QcStatus};

pub(super) const CHECK: Check = Check {
    id: "objects",
    code: "qc.missing_object",
    about: "a treated course has a planning image, structures, a plan and a dose",
    run,
};

const TEXTS: Texts = Texts {
    pass: "planning image, structures, plan and dose are there as far as the course needs them",
    skip: "",
    remedy: "export the missing object from the planning system into the input folder and run organize again; the inventory tells what was found and left out",
};

fn run(facts: &CourseFacts, _cfg: &QcConfig) -> CheckResult {
    let treated = facts.plans > 0 || !facts.dose_objects.is_empty();
    let mut findings = Vec::new();
    let mut miss = |status, item: &str, message: &str| {
        findings.push(Finding {
            status,
            item: item.to_owned(),
            message: message.to_owned(),
            value: None,
            limit: None,
        });
    };
    if facts.images.is_empty() {
        miss(QcStatus::Fail, "image", "there is no planning image");
    }
    if facts.structure_sets.is_empty() {
        let status = if treated { QcStatus::Fail } else { QcStatus::Info };
        miss(status, "structures", "there is no structure set");
    }
    if facts.dose_objects.is_empty() {
        let status = if facts.plans > 0 { QcStatus::Fail } else { QcStatus::Info };
        miss(status, "dose", "there is no dose");
    }
    if facts.plans == 0 {
        let status = if treated { QcStatus::Warning } else { QcStatus::Info };
        miss(status, "plan", "there is no plan: no prescription is known");
    }
    if let Some(left) = unusable_dose(facts) {
        miss(QcStatus::Fail, "dose", &left);
    }
    conclude(&CHECK, 1, findings, &TEXTS)
}

/// Dose objects of the image's frame of reference of which none was evaluated. (Those of another frame are the frame check's matter.)
fn unusable_dose(facts: &CourseFacts) -> Option<String> {
    if facts.dose.is_some() {
        return None;
    }
    let frame = facts.planning_image().map_or("", |i| i.frame_of_reference.as_str());
    let mut here = facts
        .dose_objects
        .iter()
        .filter(|d| !CourseFacts::frames_differ(&d.frame_of_reference, frame));
    let first = here.next()?;
    Some(format!("no dose could be evaluated: {} ({})", first.name, first.why))
}
