//! The structures of a course that are perturbed.

use rt_cli::masks::read_masks;
use rt_course::CourseDir;
use rt_course::sidecar::MaskEntry;
use rt_image::Mask;
use rt_radiomics::robustness::RobustnessConfig;

/// One structure: what is known about it, and its voxels.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    pub(crate) entry: MaskEntry,
    pub(crate) mask: Mask,
}

/// The structures of every source that the configuration names and that have voxels, in the order of their index.
pub(crate) fn read(course: &CourseDir, config: &RobustnessConfig) -> Result<Vec<Region>, anyhow::Error> {
    let named = |e: &MaskEntry| config.applies_to(&e.name) || config.applies_to(&e.original_name) || config.applies_to(&e.standard_name);
    let wanted = |e: &MaskEntry| e.layer.is_some() && e.voxels > 0 && named(e);
    let found = read_masks(&course.masks_json(), &course.masks(), wanted)?;
    Ok(found.into_iter().map(|(entry, mask)| Region { entry, mask }).collect())
}
