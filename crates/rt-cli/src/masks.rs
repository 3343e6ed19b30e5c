//! The masks that the structures stage made, read back for the stages after it.

use std::sync::Arc;

use anyhow::Context as _;
use camino::Utf8Path;
use rt_course::read_json;
use rt_course::sidecar::{MaskEntry, MaskIndex};
use rt_image::Mask;

use crate::exit::Failure;

/// The structures of `masks.json` that `wanted` takes, each with its mask, in the order of the index. One layer is in memory at a time.
///
/// # Errors
/// [`Failure`] when a file is missing or damaged, or when the two do not belong together.
pub fn read_masks(
    index: &Utf8Path,
    volume: &Utf8Path,
    wanted: impl Fn(&MaskEntry) -> bool,
) -> Result<Vec<(MaskEntry, Mask)>, anyhow::Error> {
    let listed: MaskIndex = read_json(index)?;
    let none = Mask::empty(&Arc::new(listed.grid));
    let mut out: Vec<(MaskEntry, Mask)> = listed.rois.into_iter().filter(wanted).map(|entry| (entry, none.clone())).collect();
    if out.iter().all(|(entry, _)| entry.layer.is_none()) {
        return Ok(out);
    }
    let damaged = |e: rt_nifti::ReadError| Failure::damaged(volume, "structures", e.code(), e);
    for (number, layer) in rt_nifti::read_layers::<u8>(volume.as_std_path()).map_err(damaged)?.enumerate() {
        let layer = layer.map_err(damaged)?;
        for (entry, mask) in out.iter_mut().filter(|(entry, _)| entry.layer == Some(number)) {
            let part = layer
                .view()
                .crop(entry.lo, entry.size)
                .with_context(|| format!("{index}: the box of {:?} does not lie in {volume}", entry.name))?;
            let block = part.data().map(|v| u8::from(*v == entry.label));
            *mask = Mask::from_block(layer.grid(), entry.lo, block)?;
        }
    }
    match out
        .iter()
        .find(|(entry, mask)| entry.layer.is_some() && mask.count() != entry.voxels)
    {
        None => Ok(out),
        Some((entry, mask)) => Err(disagreement(index, volume, entry, mask).into()),
    }
}

fn disagreement(index: &Utf8Path, volume: &Utf8Path, entry: &MaskEntry, mask: &Mask) -> Failure {
    let message = format!(
        "{volume} holds {} voxels of {:?}, {index} says {}",
        mask.count(),
        entry.name,
        entry.voxels
    );
    Failure::new("structures.masks_disagree", message).hint("run rt-structures again with --force")
}
