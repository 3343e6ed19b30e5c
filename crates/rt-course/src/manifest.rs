//! What stages tell each other in JSON: the cohort manifest and the facts of one course.
//!
//! Readers refuse another `schema_version` and ignore unknown keys; writers keep the order of the fields, so that equal facts give
//! equal bytes. Paths are relative: in [`CourseRecord`] to the course folder, `source` to the input folder, in
//! [`Manifest`] to the output folder. Dates are `YYYY-MM-DD`, times `HH:MM:SS`. Positions are LPS mm.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version of every JSON form in this module and in [`crate::sidecar`].
pub const SCHEMA_VERSION: u32 = 1;

/// `_COHORT/manifest.json`: every course that organize found, now or in an earlier run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of the program that wrote it.
    pub code_version: String,
    /// Courses, sorted by patient and course.
    pub courses: Vec<CourseEntry>,
    /// How the files found divide into classes; the counts add up to `files_found`.
    pub balance: FileBalance,
}

/// One line of the manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseEntry {
    /// Patient as named in tables.
    pub patient_id: String,
    /// Course as named in tables, unique within the patient.
    pub course_id: String,
    /// What holds the course together ([`CourseRecord::key`]): with the patient its identity over all runs.
    pub key: String,
    /// Course folder `<patient>/<course>` relative to the output folder.
    pub path: String,
    /// Whether later stages take it.
    pub status: CourseStatus,
    /// Why it failed or was withdrawn; empty otherwise.
    #[serde(default)]
    pub reason: String,
    /// DICOM files of the course.
    pub n_files: usize,
    /// Estimated memory that one stage of the course needs, bytes.
    pub est_bytes: u64,
    /// What the course holds.
    pub has: Holdings,
    /// Digest of all that the course was made from ([`CourseRecord::fingerprint`]).
    pub fingerprint: String,
}

/// Whether a course takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CourseStatus {
    /// Organised: later stages run on it.
    Active,
    /// Could not be organised; it stays in the manifest with its reason.
    Failed,
    /// Its files are no longer in the input (withdrawn consent): folder kept, out of all cohort tables.
    Withdrawn,
}

/// Which kinds of objects a course has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "one flag a modality, as JSON names them")]
pub struct Holdings {
    /// A planning CT.
    pub ct: bool,
    /// At least one MR series.
    pub mr: bool,
    /// At least one PET series.
    pub pet: bool,
    /// A dose that can be evaluated.
    pub dose: bool,
    /// A plan.
    pub plan: bool,
    /// A structure set.
    pub structures: bool,
}

/// Files found in the input by class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileBalance {
    /// All files found.
    pub files_found: u64,
    /// Files that can be used, in a course or in none.
    pub used: u64,
    /// Those of them that belong to no course, by reason code.
    #[serde(default)]
    pub unlinked: IndexMap<String, u64>,
    /// Files left aside, by reason code.
    pub ignored: IndexMap<String, u64>,
    /// Files that could not be read, by reason code.
    pub failed: IndexMap<String, u64>,
}

/// `course.json`: all facts of one course that later stages need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseRecord {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Patient as named in tables.
    pub patient_id: String,
    /// Course as named in tables.
    pub course_id: String,
    /// What holds the course together, for instance `plan:<uid>` or `frame:<uid>`.
    pub key: String,
    /// First date of the course.
    pub start: Option<String>,
    /// Frames of reference of its objects, that of the planning CT first.
    pub frame_of_reference: Vec<String>,
    /// Digest of the files and settings that the course was made from.
    pub fingerprint: String,
    /// What a person should know, in order of finding.
    pub warnings: Vec<Warning>,
    /// Images; at most one has the role [`ImageRole::PlanningCt`], and it comes first.
    pub images: Vec<ImageRecord>,
    /// Structure sets, the primary one first.
    pub structure_sets: Vec<StructureSetRecord>,
    /// Plans, those that were chosen first.
    pub plans: Vec<PlanRecord>,
    /// Every dose object of the course, used or not.
    pub doses: Vec<DoseRecord>,
    /// The dose that is evaluated, and why; `None` without a usable dose.
    pub dose: Option<DoseDecision>,
    /// Prescription of the chosen plans.
    pub prescription: Prescription,
    /// Fractions delivered, from treatment records; columns of the `fractions` table.
    #[serde(default)]
    pub fractions: Vec<IndexMap<String, Value>>,
    /// Frames of reference that registrations map to others.
    #[serde(default)]
    pub registrations: Vec<RegistrationRecord>,
    /// One row of `case_metadata`: column name to value, missing values absent.
    #[serde(default)]
    pub case: IndexMap<String, Value>,
    /// DICOM files of the course.
    pub files: Vec<FileRecord>,
}

impl CourseRecord {
    /// The planning CT.
    pub fn planning_ct(&self) -> Option<&ImageRecord> {
        self.images.iter().find(|i| i.role == ImageRole::PlanningCt)
    }

    /// The structure set that the course is evaluated with.
    pub fn primary_structures(&self) -> Option<&StructureSetRecord> {
        self.structure_sets.iter().find(|s| s.is_primary)
    }
}

/// Something a person should know about a course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Stable code, `area.reason`.
    pub code: String,
    /// What was seen and what it means.
    pub detail: String,
}

/// What an image is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageRole {
    /// The CT that structures and dose were planned on.
    PlanningCt,
    /// Another CT of the course.
    Ct,
    /// Magnetic resonance.
    Mr,
    /// Positron emission tomography.
    Pet,
}

/// One image series of a course.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// What it is for.
    pub role: ImageRole,
    /// Modality (0008,0060).
    pub modality: String,
    /// `SeriesInstanceUID`.
    pub series_uid: String,
    /// `StudyInstanceUID`.
    pub study_uid: String,
    /// `FrameOfReferenceUID`, empty when missing.
    pub frame_of_reference: String,
    /// Volume, for instance `images/ct.nii`.
    pub nifti: String,
    /// Its [`crate::sidecar::ImageSidecar`], for instance `images/ct.json`.
    pub sidecar: String,
    /// Folder of its DICOM files, empty with `organize.place = "none"`.
    pub dicom_dir: String,
    /// Number of slices read.
    pub n_slices: usize,
    /// How it came into the course: `referenced`, `same_frame`, `same_study`, ...
    pub link: String,
}

/// One structure set of a course.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StructureSetRecord {
    /// `rs_01`, `rs_02`, ...
    pub id: String,
    /// Contours as read, for instance `contours/rs_01.parquet`.
    pub contours: String,
    /// DICOM file in the course folder, empty with `organize.place = "none"`.
    pub dicom: String,
    /// `SOPInstanceUID`.
    pub sop_uid: String,
    /// `StructureSetLabel`.
    pub label: String,
    /// `ApprovalStatus`, empty when missing.
    pub approval: String,
    /// `StructureSetDate`.
    pub date: Option<String>,
    /// Evaluated by later stages.
    pub is_primary: bool,
    /// A chosen plan refers to it.
    pub is_plan_referenced: bool,
    /// How it was linked: `plan_reference`, `same_frame`, `same_study`, ...
    pub link: String,
    /// Series that it was drawn on, as referenced.
    pub referenced_series: Vec<String>,
    /// Frame of reference of its contours.
    pub frame_of_reference: String,
    /// Regions in stored order.
    pub rois: Vec<RoiRecord>,
}

/// One region of a structure set, without its contours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoiRecord {
    /// `ROINumber`: the identity of the region within its set.
    pub number: i32,
    /// `ROIName`; may repeat.
    pub name: String,
    /// `RTROIInterpretedType`, empty when missing.
    pub interpreted_type: String,
    /// `ROIDisplayColor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<[u8; 3]>,
    /// Contours of any kind.
    pub n_contours: usize,
}

/// One plan of a course.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanRecord {
    /// DICOM file in the course folder, empty with `organize.place = "none"`.
    pub dicom: String,
    /// `SOPInstanceUID`.
    pub sop_uid: String,
    /// `RTPlanLabel`, else `RTPlanName`.
    pub label: String,
    /// `RTPlanDate`.
    pub date: Option<String>,
    /// `ApprovalStatus`.
    pub approval: String,
    /// `PlanIntent`.
    pub intent: String,
    /// Part of the evaluated dose.
    pub is_selected: bool,
    /// `primary`, `boost`, `replan`, `superseded`, ...: the decision of organize.
    pub role: String,
    /// Structure set that it refers to.
    pub structure_set: Option<String>,
    /// Fractions planned, all fraction groups.
    pub fractions_planned: Option<u32>,
    /// Treatment beams (setup beams not counted).
    pub n_treatment_beams: usize,
    /// Prescription of this plan, Gy.
    pub rx_gy: Option<f64>,
}

/// One dose object of a course.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DoseRecord {
    /// DICOM file in the course folder, empty with `organize.place = "none"`.
    pub dicom: String,
    /// `SOPInstanceUID`.
    pub sop_uid: String,
    /// `DoseSummationType`.
    pub summation: String,
    /// `DoseUnits`.
    pub units: String,
    /// `DoseType`.
    pub dose_type: String,
    /// Plans that it refers to.
    pub plans: Vec<String>,
    /// Frame of reference.
    pub frame_of_reference: String,
    /// Largest value, Gy; `None` when the units are not Gy.
    pub max_gy: Option<f64>,
    /// Part of the evaluated dose.
    pub is_selected: bool,
    /// Why it was taken or left: `selected`, `duplicate_of_plan`, `replan`, `relative`, ...
    pub why: String,
}

/// Which dose is evaluated, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DoseDecision {
    /// Evaluated dose on its own grid, Gy, `f32`: `images/dose.nii`.
    pub nifti: String,
    /// [`crate::sidecar::DoseSidecar`] of it.
    pub sidecar: String,
    /// Components when it is a sum: `images/dose_01.nii`, ...; empty for a single dose.
    pub components: Vec<DoseComponent>,
    /// Class of `spec/analysis.md` 1.4, for instance `single_plan_dose`, `plan_sum`, `beam_sum`.
    pub classification: String,
    /// The reason in words.
    pub reason: String,
    /// `DoseUnits` of the chosen objects: `GY` or `RELATIVE`.
    pub units: String,
    /// `DoseType` of the chosen objects.
    pub dose_type: String,
    /// Summation type of the result: that of the file, or `PLAN_SUM`, `BEAM_SUM`.
    pub summation: String,
    /// UIDs of the chosen dose objects.
    pub source_doses: Vec<String>,
    /// Their summation types.
    pub source_summations: Vec<String>,
    /// UIDs of the plans that they belong to.
    pub source_plans: Vec<String>,
    /// Frame of reference.
    pub frame_of_reference: String,
}

/// One component of a dose sum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DoseComponent {
    /// `images/dose_01.nii`
    pub nifti: String,
    /// [`crate::sidecar::DoseSidecar`] of it.
    pub sidecar: String,
    /// UID of the dose object.
    pub sop_uid: String,
    /// UID of its plan, empty when unknown.
    pub plan_uid: String,
    /// Factor that the stored values were multiplied with before they were written (1 unless a fraction dose was scaled).
    pub weight: f64,
    /// Fractions of its plan.
    pub fractions: Option<u32>,
}

/// One frame of reference that a registration maps to its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegistrationRecord {
    /// `SOPInstanceUID` of the registration.
    pub sop_uid: String,
    /// `RIGID`, `RIGID_SCALE`, `AFFINE` or `DEFORMABLE`; only rigid ones are ever applied.
    pub kind: String,
    /// Frame whose points are mapped, empty for a deformable one.
    pub from: String,
    /// Frame that they are mapped to.
    pub to: String,
    /// Sixteen numbers, row by row, mm; empty for a deformable one.
    pub matrix: Vec<f64>,
}

/// Prescribed dose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Prescription {
    /// Total over the chosen plans, Gy.
    pub total_gy: Option<f64>,
    /// `rtplan_dicom`, `explicit` or `none`.
    pub source: String,
    /// Dose levels by target.
    pub levels: Vec<DoseLevel>,
    /// Fractions planned, all chosen plans.
    pub fractions_planned: Option<u32>,
}

/// Prescribed dose of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DoseLevel {
    /// `ReferencedROINumber`, when the plan names one.
    pub roi_number: Option<i32>,
    /// Name of the region, or the description of the dose reference.
    pub name: String,
    /// `TargetPrescriptionDose`, Gy, summed over the chosen plans.
    pub gy: f64,
}

/// One DICOM file of a course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Path in the course folder; empty with `organize.place = "none"`.
    pub path: String,
    /// Path below the input folder.
    pub source: String,
    /// `SOPInstanceUID`.
    pub sop_uid: String,
    /// Size in bytes.
    pub size: u64,
    /// Time of last change, nanoseconds since 1970: a hint to skip hashing, never an order.
    pub mtime_ns: i64,
    /// BLAKE3 of the whole file, hexadecimal: tells a touched file from a changed one; empty when unknown.
    #[serde(default)]
    pub digest: String,
}
