//! `structures`: one row per course and structure of each source: where it comes from and how large it is.

use crate::schema::{ColumnDef, TableSchema};
pub use crate::tables::dvh::{
    INTERPRETED_TYPE, IS_PLAN_REFERENCED, PREFERRED, ROI_KEY, ROI_NAME, ROI_NUMBER, ROI_ORIGINAL_NAME, SEGMENTATION_ENGINE,
    SEGMENTATION_SOURCE, STRUCTURE_CROPPED,
};
pub use crate::tables::{COURSE_ID, ERROR_CODE, MESSAGE, PATIENT_ID, STATUS};
use crate::tables::{IDS, OUTCOME, contract};

columns! {
    /// Columns of ours after the identity of the structure.
    COLUMNS:
    ORIGIN = Text "origin" [""] "Structure set (rs_01) or label map (seg/classical-body) that it comes from; empty for derived ones";
    EXPRESSION = Text "expression" [""] "Expression of a derived structure";
    IMAGE = Text "image" [""] "Image whose grid the mask is on";
    VOLUME_CC = Float "volume_cc" ["cm3"] "Volume of the mask";
    VOXELS = Int "voxels" ["voxels"] "Voxels of the mask";
    SIZE_I = Int "size_i" ["voxels"] "Extent of the mask along the columns of the image";
    SIZE_J = Int "size_j" ["voxels"] "Extent of the mask along the rows of the image";
    SIZE_K = Int "size_k" ["voxels"] "Extent of the mask along the slices";
    LAYER = Int "layer" [""] "Layer of structures/masks.nii.gz, from 0";
    LABEL = Int "label" [""] "Value in that layer";
}

static WHO: &[&ColumnDef] = &[
    &ROI_NUMBER,
    &ROI_NAME,
    &ROI_ORIGINAL_NAME,
    &SEGMENTATION_SOURCE,
    &STRUCTURE_CROPPED,
    &SEGMENTATION_ENGINE,
    &IS_PLAN_REFERENCED,
    &INTERPRETED_TYPE,
    &ROI_KEY,
    &PREFERRED,
];

/// The table.
pub fn schema() -> TableSchema {
    contract("structures", &[IDS, WHO, COLUMNS, OUTCOME])
}
