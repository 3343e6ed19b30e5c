//! `masks.nii.gz`, `masks.json` and `partial.json`.

use std::io;
use std::sync::Arc;

use ndarray::{Array3, s};
use rt_core::Grid;
use rt_course::manifest::SCHEMA_VERSION;
use rt_course::sidecar::MaskIndex;
use rt_course::{CourseDir, write_atomic, write_json};
use rt_image::Mask;
use rt_nifti::{Encoding, WriteOptions, write_layers};
use rt_structures::{Place, pack};
use serde::{Deserialize, Serialize};

use crate::region::Region;

/// `structures/partial.json`: structures that the image cuts or that lack an operand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartialIndex {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What the list means.
    pub note: String,
    /// The structures, in the order of `masks.json`.
    pub structures: Vec<PartialStructure>,
}

/// One line of [`PartialIndex`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartialStructure {
    /// Source, as in `masks.json`.
    pub source: String,
    /// `ROINumber` of a manual structure.
    pub number: Option<i32>,
    /// Name in tables.
    pub name: String,
    /// Name as drawn or defined.
    pub original_name: String,
    /// Faces of the image that it touches, by patient direction.
    pub cut_faces: Vec<String>,
    /// Operands that a union went on without.
    pub missing: Vec<String>,
    /// Reason code.
    pub code: String,
}

/// Gives every region its layer and label and writes the three files. Layers are made and written one at a time.
///
/// # Errors
/// When a file cannot be written.
pub fn write(course: &CourseDir, image: &str, grid: &Arc<Grid>, regions: &mut [Region]) -> Result<(), anyhow::Error> {
    let places = pack(&regions.iter().map(|r| &r.mask).collect::<Vec<_>>());
    for (region, place) in regions.iter_mut().zip(&places) {
        region.entry.layer = place.map(|p| p.layer);
        region.entry.label = place.map_or(0, |p| p.label);
    }
    // A course without any voxel still has a file of the right shape.
    let n_layers = places.iter().flatten().map(|p| p.layer + 1).max().unwrap_or(1);
    let members: Vec<(&Mask, Place)> = regions.iter().zip(&places).filter_map(|(r, p)| p.map(|p| (&r.mask, p))).collect();
    let options = WriteOptions {
        encoding: Encoding::GZIP,
        ..WriteOptions::default()
    };
    write_atomic(course.masks(), |file| {
        let layers = (0..n_layers).map(|layer| painted(grid, layer, &members));
        write_layers::<u8, _>(file, grid, n_layers, layers, &options).map_err(io::Error::other)
    })?;
    let index = MaskIndex {
        schema_version: SCHEMA_VERSION,
        image: image.to_owned(),
        grid: (**grid).clone(),
        n_layers,
        rois: regions.iter().map(|r| r.entry.clone()).collect(),
    };
    write_json(course.masks_json(), &index)?;
    write_json(course.partial(), &partial(regions))?;
    Ok(())
}

/// One layer: the labels of its masks, 0 elsewhere.
fn painted(grid: &Grid, layer: usize, members: &[(&Mask, Place)]) -> Array3<u8> {
    let mut out = Array3::<u8>::zeros(grid.shape());
    for (mask, place) in members.iter().filter(|(_, p)| p.layer == layer) {
        let (lo, size) = (mask.lo(), mask.size());
        let part = s![lo[2]..lo[2] + size[2], lo[1]..lo[1] + size[1], lo[0]..lo[0] + size[0]];
        out.slice_mut(part).zip_mut_with(&mask.block(), |v, inside| {
            if *inside != 0 {
                *v = place.label;
            }
        });
    }
    out
}

fn partial(regions: &[Region]) -> PartialIndex {
    let line = |r: &Region| PartialStructure {
        source: r.entry.source.clone(),
        number: r.entry.number,
        name: r.entry.name.clone(),
        original_name: r.entry.original_name.clone(),
        cut_faces: r.cut_faces.iter().map(|f| (*f).to_owned()).collect(),
        missing: r.missing.clone(),
        code: r.entry.error_code.clone(),
    };
    PartialIndex {
        schema_version: SCHEMA_VERSION,
        note: "Structures that the image cuts, or that were made without an operand: volumes and doses are those of the part".to_owned(),
        structures: regions.iter().filter(|r| r.entry.status == "partial").map(line).collect(),
    }
}
