//! Geometry agreement: volumes stand where organize recorded them, masks on the image, contours and dose over it.

use rt_core::{Bounds, Grid, GridTolerance};

use super::{Check, Texts, conclude};
use crate::config::QcConfig;
use crate::facts::CourseFacts;
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
    for set in facts.structure_sets.iter().filter(|s| s.is_primary) {
        let same_frame = set.frame_of_reference.is_empty() || set.frame_of_reference == image.frame_of_reference;
        if let Some(extent) = set.extent.filter(|_| same_frame) {
            findings.extend(outside_image(&set.id, extent, &image.recorded, cfg.thresholds.outside_image_voxels));
        }
    }
    conclude(&CHECK, facts.images.len(), findings, &TEXTS)
}

fn grids_differ(item: &str, stored: &Grid, recorded: &Grid, tolerance: GridTolerance) -> Option<Finding> {
    stored
        .difference(recorded, tolerance)
        .map(|d| fail(item, format!("its grid is not the recorded one: {d}")))
}

/// How far contours leave the image, in voxels along the axis where it is worst.
fn outside_image(set: &str, extent: Bounds, image: &Grid, limit: f64) -> Option<Finding> {
    let corners = (0..8).map(|c| {
        let pick = |axis: usize| if c >> axis & 1 == 1 { extent.hi[axis] } else { extent.lo[axis] };
        image.world_to_index(rt_core::Vec3::new(pick(0), pick(1), pick(2)))
    });
    let size = image.size();
    let beyond = corners
        .flat_map(|p| (0..3).map(move |a| (-p[a]).max(p[a] - (size[a] as f64 - 1.0))))
        .fold(f64::NEG_INFINITY, f64::max)
        - 0.5;
    (beyond > limit).then(|| Finding {
        status: QcStatus::Warning,
        item: set.to_owned(),
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
