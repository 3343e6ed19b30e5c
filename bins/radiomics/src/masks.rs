//! The regions of a course, as rt-structures left them.

use camino::Utf8Path;
use rt_cli::masks::read_masks;
use rt_course::CourseDir;
use rt_course::sidecar::MaskEntry;
use rt_image::Mask;

use crate::images::Subject;

/// One region: what is known about it, and its voxels.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    pub(crate) entry: MaskEntry,
    /// Empty where the entry has no layer.
    pub(crate) mask: Mask,
}

/// The regions that belong to one image, in the order of their index.
#[derive(Debug, Clone)]
pub(crate) struct Regions(pub(crate) Vec<Region>);

/// The regions of the planning CT; `None` when the course has none.
pub(crate) fn read_course(course: &CourseDir) -> Result<Option<Regions>, anyhow::Error> {
    if !course.masks_json().exists() {
        return Ok(None);
    }
    read(&course.masks_json(), &course.masks()).map(Some)
}

/// The regions for an image: its own, or those of the planning CT when both are in one frame of reference.
pub(crate) fn for_subject(subject: &Subject, drawn: Option<&Regions>) -> Result<Option<Regions>, anyhow::Error> {
    match &subject.own_masks {
        Some(files) => read(&files.index, &files.volume).map(Some),
        None => Ok(drawn.filter(|_| subject.in_ct_frame).cloned()),
    }
}

fn read(index: &Utf8Path, volume: &Utf8Path) -> Result<Regions, anyhow::Error> {
    let all = read_masks(index, volume, |_| true)?;
    Ok(Regions(all.into_iter().map(|(entry, mask)| Region { entry, mask }).collect()))
}
