//! What the course page shows of the planning CT.

use rt_cli::masks::read_masks;
use rt_course::CourseDir;
use rt_course::manifest::CourseRecord;
use rt_course::sidecar::MaskEntry;
use rt_image::Mask;
use rt_qc::{Drawn, LegendEntry, Picture, montage};

/// Every structure of a course with its mask; none when the course has no masks.
///
/// # Errors
/// When they are there and cannot be read.
pub(crate) fn masks(course: &CourseDir) -> Result<Vec<(MaskEntry, Mask)>, anyhow::Error> {
    if !course.masks_json().exists() {
        return Ok(Vec::new());
    }
    read_masks(&course.masks_json(), &course.masks(), |_| true)
}

/// Slices with outlines and the legend; nothing without a planning CT of whole HU, or without masks.
pub(crate) fn of_course(course: &CourseDir, record: &CourseRecord, masks: &[(MaskEntry, Mask)]) -> (Vec<Picture>, Vec<LegendEntry>) {
    let volume = record
        .planning_ct()
        .and_then(|ct| course.file(&ct.nifti).ok())
        // A file that cannot be read has been told by the checks.
        .and_then(|path| rt_nifti::map::<i16>(path.as_std_path()).ok());
    let Some(volume) = volume else {
        return (Vec::new(), Vec::new());
    };
    let drawn: Vec<Drawn<'_>> = masks
        .iter()
        .map(|(entry, mask)| Drawn {
            name: &entry.name,
            is_manual: entry.source == "Manual",
            is_target: entry.source == "Manual" && is_target(entry),
            mask,
        })
        .collect();
    montage(volume.view(), &drawn)
}

/// By `RTROIInterpretedType`, or by the name that targets have.
fn is_target(entry: &MaskEntry) -> bool {
    let name = entry.original_name.to_ascii_uppercase();
    ["PTV", "CTV", "GTV"].contains(&entry.interpreted_type.as_str()) || name.starts_with("PTV")
}
