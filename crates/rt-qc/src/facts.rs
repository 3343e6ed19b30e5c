//! Everything a check may look at, as plain data: gathered once by the driver from what the stages wrote.

use rt_core::{Bounds, Grid};

/// Facts of one course.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CourseFacts {
    /// Patient as named in tables.
    pub patient_id: String,
    /// Course as named in tables.
    pub course_id: String,
    /// Stages before qc, in the order of the graph.
    pub stages: Vec<StageFact>,
    /// The planning CT, then other images.
    pub images: Vec<ImageFact>,
    /// Structure sets, the primary one first.
    pub structure_sets: Vec<StructureSetFact>,
    /// The evaluated dose.
    pub dose: Option<DoseFact>,
    /// Grid of `structures/masks.nii.gz`, when written.
    pub mask_grid: Option<Grid>,
    /// Every region of every source.
    pub rois: Vec<RoiFact>,
}

/// How a stage of this course ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageState {
    /// Done.
    Ok,
    /// Done, some items failed.
    Partial,
    /// Nothing to do on this course.
    Skipped,
    /// Switched off in the configuration.
    Disabled,
    /// Never finished: no stamp.
    Missing,
}

/// One stage and its outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct StageFact {
    /// Stage name.
    pub name: String,
    /// How it ended.
    pub state: StageState,
    /// Outputs that its stamp lists and that are no longer there or have another size, relative to the course.
    pub missing_outputs: Vec<String>,
}

/// One image volume.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageFact {
    /// Path relative to the course.
    pub path: String,
    /// Frame of reference, empty when missing.
    pub frame_of_reference: String,
    /// Grid that the volume file itself says.
    pub stored: Grid,
    /// Grid that organize recorded.
    pub recorded: Grid,
}

/// One structure set.
#[derive(Debug, Clone, PartialEq)]
pub struct StructureSetFact {
    /// `rs_01`, ...
    pub id: String,
    /// Evaluated by later stages.
    pub is_primary: bool,
    /// Frame of reference, empty when missing.
    pub frame_of_reference: String,
    /// Box around all closed contours, LPS mm.
    pub extent: Option<Bounds>,
}

/// The evaluated dose.
#[derive(Debug, Clone, PartialEq)]
pub struct DoseFact {
    /// Path relative to the course.
    pub path: String,
    /// Frame of reference, empty when missing.
    pub frame_of_reference: String,
    /// Grid that the volume file itself says.
    pub stored: Grid,
    /// Grid that organize recorded.
    pub recorded: Grid,
}

/// One region.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RoiFact {
    /// `Manual`, `AutoRTS`, `Custom`, `CustomModel:<name>`.
    pub source: String,
    /// Structure set or label map it comes from.
    pub origin: String,
    /// `ROINumber` of a manual region.
    pub number: Option<i32>,
    /// Name in tables.
    pub name: String,
    /// `RTROIInterpretedType`, empty when unknown.
    pub interpreted_type: String,
    /// Voxels of its mask on the planning CT.
    pub voxels: usize,
    /// Contours of any kind; `None` for regions that do not come from contours.
    pub n_contours: Option<usize>,
    /// Share of its volume inside the dose grid, 0 to 1; `None` when no dose was evaluated.
    pub covered_fraction: Option<f64>,
}

impl RoiFact {
    /// Whether the region is a target volume, by type or by name (PTV, CTV, GTV, ITV at the start).
    pub fn is_target(&self) -> bool {
        let kind = self.interpreted_type.to_ascii_uppercase();
        let name = self.name.to_ascii_uppercase();
        ["PTV", "CTV", "GTV", "ITV"].iter().any(|t| kind == *t || name.starts_with(t))
    }

    /// Whether the region is the outline of the patient or a support: expected to leave the dose grid.
    pub fn is_external(&self) -> bool {
        let kind = self.interpreted_type.to_ascii_uppercase();
        let name = self.name.to_ascii_lowercase();
        matches!(kind.as_str(), "EXTERNAL" | "SUPPORT" | "BOLUS" | "FIXATION")
            || ["body", "external", "skin", "outer contour", "couch", "table"]
                .iter()
                .any(|n| name.starts_with(n))
    }
}
