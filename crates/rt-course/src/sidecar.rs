//! The JSON files beside volumes: what a NIfTI header cannot say.

use indexmap::IndexMap;
use rt_core::Grid;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::manifest::Warning;

/// `images/ct.json`, `images/mr_01.json`: facts of an image volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageSidecar {
    /// [`crate::manifest::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Modality (0008,0060).
    pub modality: String,
    /// `SeriesInstanceUID`.
    pub series_uid: String,
    /// `StudyInstanceUID`.
    pub study_uid: String,
    /// `FrameOfReferenceUID`, empty when missing.
    pub frame_of_reference: String,
    /// SOP class of the slices.
    pub sop_class_uid: String,
    /// Unit of the samples: `HU`, `SUV`, `a.u.`
    pub unit: String,
    /// Lattice of the volume in its stored voxel order.
    pub grid: Grid,
    /// Slices in the order of k.
    pub slices: Vec<SliceRef>,
    /// Slices were resampled to even spacing.
    pub resampled_slices: bool,
    /// Angle between slice normal and slice direction, degrees.
    pub gantry_tilt_deg: f64,
    /// Decoded from a lossy transfer syntax.
    pub lossy: bool,
    /// Findings about this image.
    pub warnings: Vec<Warning>,
}

/// One slice of a volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SliceRef {
    /// `SOPInstanceUID`.
    pub sop_uid: String,
    /// Position along the slice normal, mm.
    pub position_mm: f64,
}

/// `images/dose.json`, `images/dose_01.json`: facts of a dose volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DoseSidecar {
    /// [`crate::manifest::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Lattice of the volume; uneven frames are listed here, a NIfTI header cannot hold them.
    pub grid: Grid,
    /// `GY` or `RELATIVE`.
    pub units: String,
    /// `PHYSICAL` or `EFFECTIVE`.
    pub dose_type: String,
    /// Frame of reference.
    pub frame_of_reference: String,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Mean over the grid.
    pub mean: f64,
    /// `DoseGridScaling` of the file that it is; `None` for a sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<f64>,
    /// Histograms that the planning system stored with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stored_dvhs: Vec<StoredHistogram>,
    /// Findings about this dose.
    pub warnings: Vec<Warning>,
}

/// A cumulative histogram out of an RTDOSE, units as stated there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredHistogram {
    /// `ROINumber`s of the regions in it.
    pub rois: Vec<i64>,
    /// Regions are excluded from it: it is that of no single region.
    pub excludes: bool,
    /// Stated unit of the doses.
    pub dose_units: String,
    /// Stated unit of the volumes.
    pub volume_units: String,
    /// Doses, ascending.
    pub dose: Vec<f64>,
    /// Volume with that dose or more.
    pub volume: Vec<f64>,
}

/// `structures/masks.json`: what each layer and label of `structures/masks.nii.gz` is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MaskIndex {
    /// [`crate::manifest::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Image whose grid the masks are on, `images/ct.nii`.
    pub image: String,
    /// That grid.
    pub grid: Grid,
    /// Layers of the 4-D file.
    pub n_layers: usize,
    /// Every region of every source, also those without voxels.
    pub rois: Vec<MaskEntry>,
}

/// One region of [`MaskIndex`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MaskEntry {
    /// `Manual`, `AutoRTS`, `Custom` or `CustomModel:<name>`.
    pub source: String,
    /// Structure set (`rs_01`) or label map (`seg/classical-body`) that it comes from; empty for derived ones.
    pub origin: String,
    /// `ROINumber` for manual regions.
    pub number: Option<i32>,
    /// Name in tables, with `__partial` where it applies.
    pub name: String,
    /// Name as drawn or defined.
    pub original_name: String,
    /// Standard name that it stands for (TG-263 where there is one); empty when the name is not known.
    #[serde(default)]
    pub standard_name: String,
    /// `RTROIInterpretedType`, empty when unknown.
    #[serde(default)]
    pub interpreted_type: String,
    /// Layer of the 4-D file, 0 and up; `None` without voxels.
    pub layer: Option<usize>,
    /// Value in that layer, 1 to 255.
    pub label: u8,
    /// First voxel of the box, `[i, j, k]`.
    pub lo: [usize; 3],
    /// Size of the box.
    pub size: [usize; 3],
    /// Voxels inside.
    pub voxels: usize,
    /// Volume of these voxels, cm3.
    pub volume_cc: f64,
    /// Touches a face of the image: cut by the field of view.
    pub touches_border: bool,
    /// Expression of a derived region, empty otherwise.
    #[serde(default)]
    pub expression: String,
    /// `ok`, `partial`, `skipped` or `failed`.
    pub status: String,
    /// Reason code when not `ok`.
    #[serde(default)]
    pub error_code: String,
    /// The reason in words.
    #[serde(default)]
    pub message: String,
}

/// `seg/<engine>-<task>/labels.json`: what a label map holds and how it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelIndex {
    /// [`crate::manifest::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Engine name.
    pub engine: String,
    /// Engine version.
    pub engine_version: String,
    /// Task of the engine.
    pub task: String,
    /// Image that was segmented.
    pub image: String,
    /// `AutoRTS` or `CustomModel:<name>`.
    pub source: String,
    /// Settings that decide the result.
    pub parameters: IndexMap<String, Value>,
    /// Labels in order of value.
    pub labels: Vec<LabelEntry>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
}

/// One label of [`LabelIndex`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelEntry {
    /// Voxel value.
    pub value: u16,
    /// Name.
    pub name: String,
    /// Voxels.
    pub voxels: usize,
    /// Volume, cm3.
    pub volume_cc: f64,
}
