//! The regions of a course, as rt-structures left them.

use anyhow::Context;
use camino::Utf8Path;
use rt_cli::Failure;
use rt_course::sidecar::{MaskEntry, MaskIndex};
use rt_course::{CourseDir, read_json};
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

fn read(index_path: &Utf8Path, volume_path: &Utf8Path) -> Result<Regions, anyhow::Error> {
    let index: MaskIndex = read_json(index_path)?;
    let mut masks: Vec<Option<Mask>> = vec![None; index.rois.len()];
    let damaged = |e: rt_nifti::ReadError| Failure::damaged(volume_path, "structures", e.code(), e);
    if index.n_layers > 0 {
        let layers = rt_nifti::read_layers::<u8>(volume_path.as_std_path()).map_err(damaged)?;
        for (number, layer) in layers.enumerate() {
            let layer = layer.map_err(damaged)?;
            let view = layer.view();
            for (entry, out) in index.rois.iter().zip(&mut masks).filter(|(e, _)| e.layer == Some(number)) {
                let part = view
                    .crop(entry.lo, entry.size)
                    .with_context(|| format!("{index_path}: the box of {:?} does not lie in {volume_path}", entry.name))?;
                let block = part.data().map(|v| u8::from(*v == entry.label));
                *out = Some(Mask::from_block(layer.grid(), entry.lo, block)?);
            }
        }
    }
    let empty = Mask::empty(&std::sync::Arc::new(index.grid.clone()));
    let mut out = Vec::with_capacity(index.rois.len());
    for (entry, mask) in index.rois.into_iter().zip(masks) {
        let mask = mask.unwrap_or_else(|| empty.clone());
        if entry.layer.is_some() && mask.count() != entry.voxels {
            let message = format!(
                "{volume_path} holds {} voxels of {:?}, {index_path} says {}",
                mask.count(),
                entry.name,
                entry.voxels
            );
            return Err(Failure::new("structures.masks_disagree", message)
                .hint("run rt-structures again with --force")
                .into());
        }
        out.push(Region { entry, mask });
    }
    Ok(Regions(out))
}
