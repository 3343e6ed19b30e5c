//! What is true of a generated cohort: written as `truth.json` beside it.

use rt_core::{Bounds, Vec3};

use crate::course::{Course, Pose, Structure};
use crate::field::{DoseTruth, Field};
use crate::objects::{Kind, Uids, date, drawn_mm3};
use crate::shape::Shape;

/// Truth of a cohort.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Truth {
    /// Seed of the cohort.
    pub seed: u64,
    /// Its courses, in the order of description.
    pub courses: Vec<CourseTruth>,
}

/// Truth of one course.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CourseTruth {
    /// Patient id.
    pub patient: String,
    /// Folder below the patient's.
    pub label: String,
    /// Study date, `YYYYMMDD`.
    pub study_date: String,
    /// Frame of reference of all its objects.
    pub frame_uid: String,
    /// `SeriesInstanceUID` of the planning CT.
    pub ct_series_uid: String,
    /// `SeriesInstanceUID` of the MR, when there is one.
    pub mr_series_uid: Option<String>,
    /// CT voxels along i, j, k.
    pub ct_size: [usize; 3],
    /// CT spacing in mm.
    pub ct_spacing_mm: [f64; 3],
    /// Where the local frame of all shapes lies in the patient.
    pub pose: Pose,
    /// Plans.
    pub plans: Vec<PlanTruth>,
    /// Structures by ROI number.
    pub structures: Vec<StructureTruth>,
}

/// Truth of one plan.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PlanTruth {
    /// Label.
    pub label: String,
    /// `SOPInstanceUID`.
    pub sop_uid: String,
    /// Prescription, Gy.
    pub rx_gy: f64,
    /// Planned fractions.
    pub fractions: u32,
    /// `SOPInstanceUID` of its dose.
    pub dose_sop_uid: Option<String>,
    /// The dose as a formula in local coordinates.
    pub dose: Option<Field>,
}

/// Truth of one structure.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct StructureTruth {
    /// ROI number.
    pub number: usize,
    /// Name.
    pub name: String,
    /// The solid, local mm.
    pub shape: Shape,
    /// Volume of the solid, cm3.
    pub volume_cc: f64,
    /// Volume of its contours, each a prism of one slice distance, cm3: what a reader of the contours should find.
    pub drawn_cc: f64,
    /// Number of contours.
    pub contours: usize,
    /// Whether the whole solid lies within the CT, outer faces included.
    pub inside_ct: bool,
    /// Whether the whole solid lies between the outer dose points.
    pub inside_dose: bool,
    /// Dose of each plan in the whole solid, by the formula (also where the dose grid does not reach).
    pub plan_doses: Vec<Option<DoseTruth>>,
}

impl Course {
    /// What is true of this course (before any [`Course::edit`]).
    pub fn truth(&self) -> CourseTruth {
        let uids = Uids::of(self);
        let plan = |(n, t): (usize, &crate::course::Treatment)| PlanTruth {
            label: t.label.clone(),
            sop_uid: uids.object(Kind::Plan, n),
            rx_gy: t.rx_gy,
            fractions: t.fractions,
            dose_sop_uid: t.dose.map(|_| uids.object(Kind::Dose, n)),
            dose: t.dose,
        };
        CourseTruth {
            patient: self.patient.clone(),
            label: self.label.clone(),
            study_date: date(self.day),
            frame_uid: uids.frame(),
            ct_series_uid: uids.series(Kind::Ct, 0),
            mr_series_uid: self.mr.map(|_| uids.series(Kind::Mr, 0)),
            ct_size: self.ct.size,
            ct_spacing_mm: self.ct.spacing,
            pose: self.pose,
            plans: self.treatments.iter().enumerate().map(plan).collect(),
            structures: self
                .structures
                .iter()
                .enumerate()
                .map(|(n, s)| self.structure_truth(n, s))
                .collect(),
        }
    }

    fn structure_truth(&self, index: usize, structure: &Structure) -> StructureTruth {
        let shape = structure.shape;
        let within = |half: Vec3, centre: Vec3| {
            let room = Bounds {
                lo: centre - half,
                hi: centre + half,
            };
            room.contains(shape.centre - shape.half) && room.contains(shape.centre + shape.half)
        };
        let dose = self.dose_lattice();
        let points = dose.half() - Vec3::from_array(dose.spacing) / 2.0;
        let (contours, drawn) = drawn_mm3(self, structure);
        StructureTruth {
            number: index + 1,
            name: structure.name.clone(),
            shape,
            volume_cc: shape.volume_mm3() / 1000.0,
            drawn_cc: drawn / 1000.0,
            contours,
            inside_ct: within(self.ct.half(), self.ct.centre),
            inside_dose: within(points, dose.centre),
            plan_doses: self.treatments.iter().map(|t| t.dose.map(|d| d.over(&shape))).collect(),
        }
    }
}
