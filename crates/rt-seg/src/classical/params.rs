//! The numbers of the classical engine; they go into every result.

use serde::Serialize;
use serde_json::{Map, Value, to_value};

use crate::task::ClassicalTask;

/// All parameters; distances in mm, grey values in HU, volumes in mL. The defaults are those of `spec/segmentation.md` section 4.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct Parameters {
    /// Outline and couch.
    pub body: BodyParams,
    /// Lungs.
    pub lung: LungParams,
    /// Trachea and main bronchi.
    pub airway: AirwayParams,
    /// Bones.
    pub bone: BoneParams,
}

impl Parameters {
    /// The parameters that decide the result of a task, as results record them.
    pub fn of(&self, task: ClassicalTask) -> Map<String, Value> {
        let body = ("body", to_value(&self.body));
        let lung = ("lung", to_value(&self.lung));
        let airway = ("airway", to_value(&self.airway));
        let bone = ("bone", to_value(&self.bone));
        let groups = match task {
            ClassicalTask::Body => vec![body],
            ClassicalTask::Lungs => vec![body, lung, airway],
            ClassicalTask::Bones => vec![body, lung, airway, bone],
        };
        // Structs of numbers always become JSON.
        let json = |(name, value): (&str, Result<Value, _>)| Some((name.to_owned(), value.ok()?));
        groups.into_iter().filter_map(json).collect()
    }
}

/// Outline and couch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BodyParams {
    /// Voxels above this are tissue.
    pub threshold_hu: i16,
    /// Thinner things than twice this are cut off: shells of couches, clothes.
    pub opening_mm: f64,
    /// Tissue within this of the core closes thin walls before holes are filled.
    pub seal_mm: f64,
    /// Tissue within this of the opened body is taken back.
    pub regrow_mm: f64,
    /// Gaps of up to twice this between slices are closed.
    pub closing_z_mm: f64,
    /// Further components of at least this share of the largest belong to the body.
    pub part_share: f64,
    /// A couch plate is at most so thick.
    pub plate_thickness_mm: f64,
    /// And at least so wide in sight.
    pub plate_width_mm: f64,
    /// And lies in the same row in more than this share of the slices.
    pub plate_share: f64,
    /// Nothing is cut when more than this share of all tissue would go.
    pub plate_max_share: f64,
    /// The couch is looked for beyond this distance from the body.
    pub couch_gap_mm: f64,
    /// And runs along more than this share of the slices.
    pub couch_share: f64,
}

impl Default for BodyParams {
    fn default() -> Self {
        Self {
            threshold_hu: -300,
            opening_mm: 4.0,
            seal_mm: 6.0,
            regrow_mm: 2.0,
            closing_z_mm: 5.0,
            part_share: 0.1,
            plate_thickness_mm: 6.0,
            plate_width_mm: 150.0,
            plate_share: 0.8,
            plate_max_share: 0.35,
            couch_gap_mm: 3.0,
            couch_share: 0.8,
        }
    }
}

/// Lungs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LungParams {
    /// Voxels below this are gas or lung.
    pub threshold_hu: i16,
    /// Only this far below the surface of the body.
    pub inset_mm: f64,
    /// Median of a component of lung.
    pub median_hu: (i32, i32),
    /// The same for components above `large_ml` (emphysema).
    pub median_large_hu: (i32, i32),
    /// Smaller components are gas.
    pub min_ml: f64,
    /// Smaller components must be cut by the first or last slice, or lie near a larger one.
    pub alone_ml: f64,
    /// Larger ones are lung beyond doubt.
    pub large_ml: f64,
    /// Share of voxels below -950 HU in a component below `alone_ml`; above it is a gas bubble.
    pub max_air_share: f64,
    /// Components below this in front of the centre of the body by `anterior_share` are bowel gas.
    pub bowel_ml: f64,
    /// Share of the depth of the body.
    pub anterior_share: f64,
    /// Components closer than this to a large one belong to it.
    pub near_mm: f64,
    /// Vessels up to twice this belong to the lung.
    pub closing_mm: f64,
    /// Step of erosion that parts joined lungs, and the most steps.
    pub split_step_mm: f64,
    /// Most steps.
    pub split_steps: usize,
}

impl Default for LungParams {
    fn default() -> Self {
        Self {
            threshold_hu: -400,
            inset_mm: 4.0,
            median_hu: (-930, -450),
            median_large_hu: (-970, -450),
            min_ml: 5.0,
            alone_ml: 200.0,
            large_ml: 800.0,
            max_air_share: 0.3,
            bowel_ml: 50.0,
            anterior_share: 0.2,
            near_mm: 10.0,
            closing_mm: 6.0,
            split_step_mm: 4.0,
            split_steps: 4,
        }
    }
}

/// Trachea and main bronchi.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AirwayParams {
    /// A cross-section of the trachea is below this.
    pub seed_hu: i16,
    /// Its area.
    pub area_mm2: (f64, f64),
    /// Its circularity, `4 pi A / P^2`.
    pub circularity: f64,
    /// Its distance from the midline of the body.
    pub midline_mm: f64,
    /// It is looked for from this far above the lungs.
    pub above_lung_mm: f64,
    /// Threshold of growth, from and to, in steps.
    pub grow_hu: (i16, i16),
    /// Step.
    pub grow_step_hu: i16,
    /// A step that makes it more than so many times larger has leaked into the lung.
    pub leak_factor: f64,
    /// No airway is larger.
    pub max_ml: f64,
    /// No airway is smaller.
    pub min_ml: f64,
    /// Lung closer than this to the airway is its wall.
    pub wall_mm: f64,
}

impl Default for AirwayParams {
    fn default() -> Self {
        Self {
            seed_hu: -900,
            area_mm2: (80.0, 700.0),
            circularity: 0.6,
            midline_mm: 60.0,
            above_lung_mm: 40.0,
            grow_hu: (-950, -850),
            grow_step_hu: 10,
            leak_factor: 2.0,
            max_ml: 200.0,
            min_ml: 3.0,
            wall_mm: 2.0,
        }
    }
}

/// Bones.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BoneParams {
    /// Voxels above this that are joined to one above `high_hu` are bone.
    pub low_hu: i16,
    /// Every bone has a voxel above this.
    pub high_hu: i16,
    /// And no bone voxel is further than this from such a one: enhanced organs that touch a bone stay out.
    pub reach_mm: f64,
    /// Smaller components are not bone.
    pub min_ml: f64,
    /// Gaps of up to twice this are closed.
    pub closing_mm: f64,
    /// Holes of a slice up to this are marrow and filled; larger ones (a skull, a closed ring of ribs) are not.
    pub max_hole_cm2: f64,
    /// Components without a voxel above this may be contrast medium.
    pub surely_bone_hu: i32,
    /// When their voxels of 150 to 500 HU are more than this, the result is flagged.
    pub contrast_ml: f64,
}

impl Default for BoneParams {
    fn default() -> Self {
        Self {
            low_hu: 120,
            high_hu: 250,
            reach_mm: 12.0,
            min_ml: 1.0,
            closing_mm: 5.0,
            max_hole_cm2: 20.0,
            surely_bone_hu: 600,
            contrast_ml: 50.0,
        }
    }
}
