//! The embedded engine: body, couch, lungs, airway and bones of a CT from grey values and shape. No weights, no GPU, no network.
//!
//! Steps and numbers follow `spec/segmentation.md` section 4; where this engine goes further it says so in the module. Results depend on the image
//! and the [`Parameters`] alone, not on the number of threads. Names carry the prefix `classical_`, so that nobody takes
//! them for the result of a trained model.

mod airway;
mod ball;
mod body;
mod bone;
mod canonical;
mod lung;
mod measure;
mod params;
mod plane;

use std::sync::Arc;

use ndarray::{Array3, Zip};
use rt_core::{Grid, Progress};
use rt_image::{Label, LabelMap, Volume, VolumeView};

use crate::task::ClassicalTask;
use canonical::Canonical;
use measure::{Extent, HU_RANGE};
pub use params::{AirwayParams, BodyParams, BoneParams, LungParams, Parameters};

/// Version of the algorithm: raised when results change.
pub const VERSION: &str = "1";

/// Why an image cannot be segmented.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClassicalError {
    /// Nothing dense and thick enough to be a patient.
    #[error("no body found: nothing in the image is denser than {threshold} HU and thicker than {thickness_mm} mm; are the samples HU?")]
    NoBody {
        /// Threshold in HU.
        threshold: i16,
        /// Thickness in mm.
        thickness_mm: f64,
    },
    /// Slices that are not evenly spaced.
    #[error("the slices are not evenly spaced: resample the image first")]
    UnevenSlices,
    /// A gantry tilt that no gantry has.
    #[error("the slices lean by {0:.1} degrees against their normal, more than 45: resample the image first")]
    TooTilted(f64),
    /// Stopped by the user.
    #[error("stopped on request")]
    Cancelled,
}

impl ClassicalError {
    /// Stable reason code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoBody { .. } => "seg.no_body",
            Self::UnevenSlices => "seg.uneven_slices",
            Self::TooTilted(_) => "seg.too_tilted",
            Self::Cancelled => "seg.cancelled",
        }
    }
}

/// Something a person should know about a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable code.
    pub code: &'static str,
    /// What was seen and what it means.
    pub detail: String,
}

/// An image in patient axes, as the steps take it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene<'a> {
    /// Grey values `[z, y, x]`, cut to -1024 .. 3071.
    hu: &'a Array3<i16>,
    /// Spacing along x, y, z in mm.
    spacing: [f64; 3],
}

impl Scene<'_> {
    /// Volume of `n` voxels in mL.
    fn ml(&self, n: usize) -> f64 {
        n as f64 * self.spacing.iter().product::<f64>() / 1000.0
    }

    /// Voxels that a volume in mL has, rounded up.
    fn voxels(&self, ml: f64) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "volumes of a few mL")]
        let n = (ml * 1000.0 / self.spacing.iter().product::<f64>()).ceil() as usize;
        n
    }
}

/// Regions found in one CT, in patient axes until they are asked for.
#[derive(Debug, Clone)]
pub struct Anatomy {
    grid: Arc<Grid>,
    frame: Canonical,
    outline: body::Outline,
    lungs: Option<lung::Lungs>,
    bones: Option<bone::Bones>,
    findings: Vec<(ClassicalTask, Finding)>,
}

/// Finds the regions of `tasks` in a CT in HU; samples above 3071 and below -1024 (outside the scan circle) are cut.
///
/// Takes any orientation and gantry tilts up to 45 degrees; needs about ten bytes a voxel. The body is always found, because everything else
/// lies in it.
///
/// # Errors
/// [`ClassicalError`] when there is no body, the slices are uneven or lean too much, or the user stopped it.
pub fn segment(
    ct: VolumeView<'_, i16>,
    tasks: &[ClassicalTask],
    p: &Parameters,
    progress: &dyn Progress,
) -> Result<Anatomy, ClassicalError> {
    let frame = Canonical::of(ct.grid())?;
    let mut hu = frame.take(ct.data(), HU_RANGE.0);
    hu.par_mapv_inplace(|v| v.clamp(HU_RANGE.0, HU_RANGE.1));
    let spacing = frame.spacing;
    let go_on = || {
        if progress.cancelled() {
            Err(ClassicalError::Cancelled)
        } else {
            Ok(())
        }
    };
    go_on()?;
    let outline = body::outline(&hu, spacing, &p.body).ok_or(ClassicalError::NoBody {
        threshold: p.body.threshold_hu,
        thickness_mm: 2.0 * p.body.opening_mm,
    })?;
    progress.inc(1);
    let mut anatomy = Anatomy {
        grid: Arc::clone(ct.grid()),
        frame,
        outline,
        lungs: None,
        bones: None,
        findings: Vec::new(),
    };
    anatomy.judge_body(&p.body);
    if tasks.iter().any(|t| *t != ClassicalTask::Body) {
        go_on()?;
        anatomy.find_inside(&hu, tasks, p, &go_on, progress)?;
    }
    Ok(anatomy)
}

impl Anatomy {
    /// Regions inside the body, in its box.
    fn find_inside(
        &mut self,
        hu: &Array3<i16>,
        tasks: &[ClassicalTask],
        p: &Parameters,
        go_on: &dyn Fn() -> Result<(), ClassicalError>,
        progress: &dyn Progress,
    ) -> Result<(), ClassicalError> {
        let Some(extent) = Extent::of(&self.outline.body) else {
            return Ok(());
        };
        let dim = hu.dim();
        let (hu, body) = (extent.cut(hu), extent.cut(&self.outline.body));
        let scene = Scene {
            hu: &hu,
            spacing: self.frame.spacing,
        };
        // Bones leave out the lungs, so that lungs are looked for in either case.
        let lungs = match lung::find(&scene, &body, &p.lung, &p.airway) {
            Ok(lungs) => Some(lungs),
            Err(gas_ml) => {
                self.find(
                    ClassicalTask::Lungs,
                    "seg.no_lungs",
                    format!(
                        "no lungs found: the largest gas in the body has {gas_ml:.1} mL and is not lung by size, place and grey values"
                    ),
                );
                None
            }
        };
        progress.inc(1);
        go_on()?;
        if tasks.contains(&ClassicalTask::Bones) {
            let not_bone: Vec<&Array3<u8>> = lungs
                .iter()
                .flat_map(|l| [&l.left, &l.right].into_iter().chain(&l.airway))
                .collect();
            let mut bones = bone::find(&scene, &body, &not_bone, &p.bone);
            if bones.doubtful_ml > p.bone.contrast_ml {
                let detail = format!(
                    "contrast_suspected: {:.0} mL of 150 to 500 HU without any voxel above {} HU count as bone; they may be vessels, kidneys or bowel with contrast medium",
                    bones.doubtful_ml, p.bone.surely_bone_hu
                );
                self.find(ClassicalTask::Bones, "seg.contrast_suspected", detail);
            }
            bones.bone = extent.put(&bones.bone, dim);
            self.bones = Some(bones);
            progress.inc(1);
        }
        self.lungs = lungs.map(|l| lung::Lungs {
            left: extent.put(&l.left, dim),
            right: extent.put(&l.right, dim),
            airway: l.airway.map(|a| extent.put(&a, dim)),
        });
        Ok(())
    }

    fn find(&mut self, task: ClassicalTask, code: &'static str, detail: String) {
        self.findings.push((task, Finding { code, detail }));
    }

    /// Quality findings of the outline.
    fn judge_body(&mut self, p: &BodyParams) {
        let litres = self.frame.spacing.iter().product::<f64>() / 1e6 * self.outline.body.iter().filter(|v| **v != 0).count() as f64;
        let task = ClassicalTask::Body;
        if self.outline.truncated {
            let detail = "the body reaches a side of the image: the field of view may cut it".into();
            self.find(task, "seg.body_truncated", detail);
        }
        if !(5.0..=200.0).contains(&litres) {
            self.find(
                task,
                "seg.body_volume",
                format!("the body has {litres:.2} litres; 5 to 200 are usual"),
            );
        }
        if self.outline.parts > 1 {
            let detail = format!(
                "the body was put together from {} separate parts of at least {:.0} % of the largest",
                self.outline.parts,
                100.0 * p.part_share
            );
            self.find(task, "seg.body_parts", detail);
        }
        if self.frame.is_straightened() {
            let detail =
                "the slices lean against their normal (gantry tilt): their rows were shifted by whole pixels for the segmentation".into();
            self.find(task, "seg.tilt_straightened", detail);
        }
    }

    /// What a person should know about the regions of a task.
    pub fn findings(&self, task: ClassicalTask) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |(t, _)| *t == task).map(|(_, f)| f)
    }

    /// The regions of a task on the grid of the image. A region that was not found has no label.
    pub fn labels(&self, task: ClassicalTask) -> LabelMap {
        let nothing = Vec::new();
        let regions: Vec<(&str, &Array3<u8>)> = match task {
            ClassicalTask::Body => vec![("classical_body", &self.outline.body), ("classical_couch", &self.outline.couch)],
            ClassicalTask::Lungs => self.lungs.as_ref().map_or(nothing, |l| {
                let sides = [("classical_lung_left", &l.left), ("classical_lung_right", &l.right)];
                sides
                    .into_iter()
                    .chain(l.airway.as_ref().map(|a| ("classical_airway", a)))
                    .collect()
            }),
            ClassicalTask::Bones => self.bones.as_ref().map_or(nothing, |b| vec![("classical_bone", &b.bone)]),
        };
        let mut values = Array3::<u16>::zeros(self.outline.body.dim());
        let mut labels = Vec::new();
        for (name, block) in regions {
            if block.iter().all(|v| *v == 0) {
                continue;
            }
            let value = u16::try_from(labels.len() + 1).unwrap_or(u16::MAX);
            Zip::from(&mut values).and(block).par_for_each(|out, inside| {
                if *inside != 0 {
                    *out = value;
                }
            });
            labels.push(Label {
                value,
                name: name.to_owned(),
            });
        }
        let mut volume = Volume::filled(Arc::clone(&self.grid), 0u16);
        volume.data_mut().assign(&self.frame.give(&values));
        LabelMap { volume, labels }
    }
}
