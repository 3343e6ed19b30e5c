//! Everything a check may look at, as plain data: gathered once by the driver from what the stages wrote.

use rt_core::Grid;

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
    /// Number of plans.
    pub plans: usize,
    /// Every dose object of the course, evaluated or not.
    pub dose_objects: Vec<DoseObjectFact>,
    /// The evaluated dose.
    pub dose: Option<DoseFact>,
    /// Grid of `structures/masks.nii.gz`, when written.
    pub mask_grid: Option<Grid>,
    /// Every region of every source.
    pub rois: Vec<RoiFact>,
    /// What organize found worth telling: code and words.
    pub notes: Vec<(String, String)>,
}

impl CourseFacts {
    /// The image that everything is compared with: the planning CT.
    pub fn planning_image(&self) -> Option<&ImageFact> {
        self.images.first()
    }

    /// Whether two frames of reference are both known and differ.
    pub(crate) fn frames_differ(a: &str, b: &str) -> bool {
        !a.is_empty() && !b.is_empty() && a != b
    }

    /// Whether a region cannot be judged on the planning image because it was drawn in another frame of reference or wholly beside the
    /// image: one fault, told by its own check.
    pub(crate) fn is_elsewhere(&self, roi: &RoiFact) -> bool {
        let Some(image) = self.planning_image() else { return false };
        let set = self.structure_sets.iter().find(|s| s.id == roi.origin);
        let other_frame = set.is_some_and(|s| Self::frames_differ(&s.frame_of_reference, &image.frame_of_reference));
        other_frame || roi.extent.is_some_and(|e| e.misses(image.recorded.size()))
    }
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
}

/// A dose object as it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct DoseObjectFact {
    /// What a person calls it: its file, else the end of its UID.
    pub name: String,
    /// Frame of reference, empty when missing.
    pub frame_of_reference: String,
    /// Part of the evaluated dose.
    pub is_selected: bool,
    /// Why it was taken or left: `selected`, `relative`, `duplicate_of_plan`, ...
    pub why: String,
}

/// Box around points, in voxel indices (i, j, k) of the planning image; voxel centres have whole numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IndexBox {
    /// Smallest indices.
    pub lo: [f64; 3],
    /// Largest indices.
    pub hi: [f64; 3],
}

impl IndexBox {
    /// The box around points; `None` without points.
    pub fn around(points: impl IntoIterator<Item = [f64; 3]>) -> Option<Self> {
        points.into_iter().fold(None, |acc: Option<Self>, p| {
            let b = acc.unwrap_or(Self { lo: p, hi: p });
            Some(Self {
                lo: std::array::from_fn(|a| b.lo[a].min(p[a])),
                hi: std::array::from_fn(|a| b.hi[a].max(p[a])),
            })
        })
    }

    /// Whether it has no part inside an image of this size (faces half a voxel beyond the outer centres).
    pub fn misses(&self, size: [usize; 3]) -> bool {
        (0..3).any(|a| self.hi[a] < -0.5 || self.lo[a] > size[a] as f64 - 0.5)
    }

    /// How far it reaches beyond the faces of an image of this size, in voxels, where it is worst; negative when it lies inside.
    pub fn beyond(&self, size: [usize; 3]) -> f64 {
        let over = |a: usize| (-0.5 - self.lo[a]).max(self.hi[a] - (size[a] as f64 - 0.5));
        (0..3).map(over).fold(f64::NEG_INFINITY, f64::max)
    }
}

/// Where a mask touches the faces of its image: whatever goes on there was not scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cut {
    /// Nowhere.
    #[default]
    Free,
    /// At the first or last slice only: the scan ends there.
    Ends,
    /// At a side of the slices: the field of view is too small.
    Sides,
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
    /// Volume of these voxels, cm3.
    pub volume_cc: f64,
    /// Where its mask touches the image's faces.
    pub cut: Cut,
    /// Box around its closed contours; `None` without any.
    pub extent: Option<IndexBox>,
    /// Mean dose of its covered part, Gy, where one was evaluated.
    pub mean_gy: Option<f64>,
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

    /// Whether a person or a recipe made it, not a segmentation engine.
    pub fn is_drawn(&self) -> bool {
        matches!(self.source.as_str(), "Manual" | "Custom")
    }

    /// Name and source, as findings show it.
    pub fn label(&self) -> String {
        format!("{} ({})", self.name, self.source)
    }

    /// Whether the region is the table or something that holds the patient.
    pub fn is_support(&self) -> bool {
        let kind = self.interpreted_type.to_ascii_uppercase();
        let name = self.name.to_ascii_lowercase();
        matches!(kind.as_str(), "SUPPORT" | "FIXATION") || ["couch", "table"].iter().any(|n| name.contains(n))
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
