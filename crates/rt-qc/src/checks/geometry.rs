//! Geometry agreement: volumes stand where organize recorded them, masks on the image, contours and dose over it.

use rt_core::{Grid, GridTolerance};

use super::{Check, Texts, conclude};
use crate::config::QcConfig;
use crate::facts::{CourseFacts, RoiFact};
use crate::report::{CheckResult, Finding, QcStatus};

pub(super) const CHECK: Check = Check {
    id: "geometry",
    code: "qc.geometry",
    about: "image, masks, contours and dose agree about where the patient is",
    run,
};

const TEXTS: Texts = Texts {
    pass: "image, masks, contours and dose agree",
    skip: "there is no image to compare with",
    remedy: "run organize and structures again for this course; if it stays, the objects were exported from different images",
};

fn run(facts: &CourseFacts, cfg: &QcConfig) -> CheckResult {
    let tolerance = GridTolerance {
        position_mm: cfg.thresholds.position_mm,
        ..GridTolerance::default()
    };
    let mut findings = Vec::new();
    for image in &facts.images {
        findings.extend(grids_differ(&image.path, &image.stored, &image.recorded, tolerance));
    }
    let Some(image) = facts.images.first() else {
        return conclude(&CHECK, 0, findings, &TEXTS);
    };
    if let Some(masks) = &facts.mask_grid {
        findings.extend(grids_differ("structures/masks.nii.gz", masks, &image.recorded, tolerance));
    }
    if let Some(dose) = &facts.dose {
        // An uneven dose grid cannot be said in a NIfTI header: only the recorded one counts then.
        if dose.recorded.is_uniform() {
            findings.extend(grids_differ(&dose.path, &dose.stored, &dose.recorded, tolerance));
        }
        let same_frame = dose.frame_of_reference == image.frame_of_reference;
        if same_frame && dose.recorded.bounds().intersection(&image.recorded.bounds()).is_none() {
            findings.push(fail(&dose.path, "the dose grid does not touch the image".to_owned()));
        }
    }
    let limit = cfg.thresholds.outside_image_voxels;
    findings.extend(
        facts
            .rois
            .iter()
            .filter_map(|roi| outside_image(facts, roi, &image.recorded, limit)),
    );
    conclude(&CHECK, facts.images.len(), findings, &TEXTS)
}

fn grids_differ(item: &str, stored: &Grid, recorded: &Grid, tolerance: GridTolerance) -> Option<Finding> {
    stored
        .difference(recorded, tolerance)
        .map(|d| fail(item, format!("its grid is not the recorded one: {d}")))
}

/// A drawn region that leaves the image, or lies wholly beside it.
fn outside_image(facts: &CourseFacts, roi: &RoiFact, image: &Grid, limit: f64) -> Option<Finding> {
    let extent = roi.extent?;
    let beyond = extent.beyond(image.size());
    if extent.misses(image.size()) {
        // In another frame of reference positions mean nothing; that is the frame check's matter.
        let set = facts.structure_sets.iter().find(|s| s.id == roi.origin);
        let frame = set.map_or("", |s| s.frame_of_reference.as_str());
        let anchor = facts.planning_image().map_or("", |i| i.frame_of_reference.as_str());
        return (!CourseFacts::frames_differ(frame, anchor)).then(|| fail(&roi.label(), "its contours lie beside the image".to_owned()));
    }
    (beyond > limit).then(|| Finding {
        status: QcStatus::Warning,
        item: roi.label(),
        message: format!("its contours leave the image by {beyond:.1} voxels"),
        value: Some(beyond),
        limit: Some(limit),
    })
}

fn fail(item: &str, message: String) -> Finding {
    Finding {
        status: QcStatus::Fail,
        item: item.to_owned(),
        message,
        value: None,
        limit: None,
    }
}
