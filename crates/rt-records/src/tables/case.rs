//! `case_metadata`: one row per course: linkage, plan, image and prescription (`spec/analysis.md` 4.2).
//!
//! Rows come as JSON from `course.json`, `case`; keys that the contract does not know become columns at the end.

use serde_json::Value as Json;

use crate::schema::{ColumnDef, Kind, TableSchema};
use crate::table::RowMut;
pub use crate::tables::{COURSE_ID, PATIENT_ID};
use crate::tables::{IDS, contract};

columns! {
    /// Columns after the ids, those of the reference in its order, then ours; paths are relative to the course folder.
    COLUMNS:
    COURSE_KEY = Text "course_key" [""] "What holds the course together";
    RP_PATH = Text "rp_path" [""] "Plan file";
    RD_PATH = Text "rd_path" [""] "Dose file";
    RS_PATH = Text "rs_path" [""] "Structure set file";
    PLAN_SOP_UID = Text "plan_sop_uid" [""] "SOPInstanceUID of the plan";
    DOSE_SOP_UID = Text "dose_sop_uid" [""] "SOPInstanceUID of the evaluated dose";
    SOURCE_PLAN_UIDS = Text "source_plan_uids" [""] "Plans that it was made from, joined by ;";
    SOURCE_DOSE_UIDS = Text "source_dose_uids" [""] "Doses that it was made from, joined by ;";
    RS_AUTO_PATH = Text "rs_auto_path" [""] "Automatic structure set";
    SEG_DICOM_PATH = Text "seg_dicom_path" [""] "DICOM SEG";
    SEG_DIR = Text "seg_dir" [""] "Folder of label maps";
    SEGMENTATION_ORIGINAL_DIR = Text "segmentation_original_dir" [""] "Folder of the drawn structures as masks";
    SEGMENTATION_TOTALSEG_MANIFESTS = Text "segmentation_totalseg_manifests" [""] "Label indices of automatic segmentations, joined by ;";
    CT_DIR = Text "ct_dir" [""] "Folder of the CT slices";
    PRIMARY_NIFTI = Text "primary_nifti" [""] "Planning CT volume";
    CT_STUDY_UID = Text "ct_study_uid" [""] "StudyInstanceUID of the planning CT";
    DICOM_RELATED_FILES = Text "dicom_related_files" [""] "Other DICOM files of the course, joined by ;";
    DICOM_RELATED_COUNT = Int "dicom_related_count" [""] "Their number";
    NIFTI_FILES = Text "nifti_files" [""] "Volumes of the course, joined by ;";
    PLANNED_FRACTIONS = Int "planned_fractions" [""] "Fractions planned";
    BEAMS_COUNT = Int "beams_count" [""] "Treatment beams";
    BEAM_ENERGIES = Text "beam_energies" ["MV"] "Nominal energies, joined by ;";
    TREATMENT_MACHINE = Text "treatment_machine" [""] "TreatmentMachineName (300A,00B2)";
    TOTAL_PRESCRIPTION_GY = Float "total_prescription_gy" ["Gy"] "Prescribed dose, all chosen plans";
    COURSE_START_DATE = Text "course_start_date" [""] "First date of the course";
    COURSE_END_DATE = Text "course_end_date" [""] "Last date of the course";
    FRACTIONS_COUNT = Int "fractions_count" [""] "Fractions delivered, from treatment records";
    FRACTIONS_FILE = Text "fractions_file" [""] "Where they are listed";
    DOSE_GRID = Text "dose_grid" [""] "Size and spacing of the dose grid";
    CT_MANUFACTURER = Text "ct_manufacturer" [""] "Manufacturer (0008,0070)";
    CT_MODEL = Text "ct_model" [""] "ManufacturerModelName (0008,1090)";
    CT_INSTITUTION = Text "ct_institution" [""] "InstitutionName (0008,0080)";
    CT_KVP = Float "ct_kvp" ["kV"] "KVP (0018,0060)";
    CT_CONVOLUTION_KERNEL = Text "ct_convolution_kernel" [""] "ConvolutionKernel (0018,1210)";
    CT_RECONSTRUCTION_ALGORITHM = Text "ct_reconstruction_algorithm" [""] "ReconstructionAlgorithm (0018,9315)";
    CT_SLICE_THICKNESS = Float "ct_slice_thickness" ["mm"] "SliceThickness (0018,0050)";
    CT_SLICE_INCREMENT = Float "ct_slice_increment" ["mm"] "Distance of slices, from their positions";
    CT_TUBE_CURRENT = Float "ct_tube_current_mA" ["mA"] "XRayTubeCurrent (0018,1151)";
    CT_PITCH_FACTOR = Float "ct_pitch_factor" ["1"] "SpiralPitchFactor (0018,9311)";
    CT_ROTATION_TIME_S = Float "ct_rotation_time_s" ["s"] "RevolutionTime (0018,9305)";
    CT_MATRIX_SIZE = Text "ct_matrix_size" [""] "Rows x Columns";
    CT_FIELD_OF_VIEW_MM = Text "ct_field_of_view_mm" ["mm"] "ReconstructionDiameter (0018,1100), or matrix times spacing";
    CT_PIXEL_SPACING = Text "ct_pixel_spacing" ["mm"] "PixelSpacing (0028,0030): between rows, between columns";
    CT_CONTRAST_AGENT = Text "ct_contrast_agent" [""] "ContrastBolusAgent (0018,0010)";
    CT_CONTRAST_FLOW_RATE = Float "ct_contrast_flow_rate" ["mL/s"] "ContrastFlowRate (0018,1046)";
    CT_CONTRAST_TOTAL_VOLUME = Float "ct_contrast_total_volume" ["mL"] "ContrastBolusVolume (0018,1041)";
    CT_CONTRAST_PHASE = Text "ct_contrast_phase" [""] "Contrast phase, where the series tells";
    PLAN_NAME = Text "plan_name" [""] "RTPlanLabel (300A,0002), else RTPlanName (300A,0003)";
    PLAN_DATE = Text "plan_date" [""] "RTPlanDate (300A,0006)";
    PLAN_TIME = Text "plan_time" [""] "RTPlanTime (300A,0007)";
    PLAN_INTENT = Text "plan_intent" [""] "PlanIntent (300A,000A)";
    APPROVAL = Text "approval" [""] "ApprovalStatus (300E,0002) of the plan";
    APPROVAL_STATUS_DATE = Text "approval_status_date" [""] "Date of the approval";
    APPROVAL_STATUS_TIME = Text "approval_status_time" [""] "Time of the approval";
    REVIEW_DATE = Text "review_date" [""] "ReviewDate (300E,0004)";
    REVIEW_TIME = Text "review_time" [""] "ReviewTime (300E,0005)";
    REVIEWER_NAME = Text "reviewer_name" [""] "ReviewerName (300E,0008); only with privacy.identifiers";
    PATIENT_NAME = Text "patient_name" [""] "PatientName (0010,0010); only with privacy.identifiers";
    PATIENT_SEX = Text "patient_sex" [""] "PatientSex (0010,0040)";
    PATIENT_BIRTH_DATE = Text "patient_birth_date" [""] "PatientBirthDate (0010,0030); only with privacy.identifiers";
    PATIENT_WEIGHT_KG = Float "patient_weight_kg" ["kg"] "PatientWeight (0010,1030)";
    PATIENT_HEIGHT_M = Float "patient_height_m" ["m"] "PatientSize (0010,1020)";
    PATIENT_BMI = Float "patient_bmi" ["kg/m2"] "Weight over height squared";
    PRESCRIPTIONS = Text "prescriptions" ["Gy"] "Dose levels, joined by ;";
    PRESCRIPTIONS_BY_ROI = Text "prescriptions_by_roi" ["Gy"] "Dose levels by structure, JSON";
    PATIENT_AGE_AT_PLAN = Float "patient_age_at_plan" ["a"] "Age in years at the date of the plan; over 89 is given as 90";
    BEAM_GEOMETRY = Text "beam_geometry" [""] "Gantry, collimator and couch angles by beam, JSON";
    BEAM_INFO = Text "beam_info" [""] "Beams, JSON";
    TOTAL_METERSET = Float "total_meterset" ["MU"] "Meterset of one fraction, all beams";
    METERSET_BY_BEAM = Text "meterset_by_beam" ["MU"] "Meterset by beam, JSON";
    PHYSICIANS_OF_RECORD = Text "physicians_of_record" [""] "PhysiciansOfRecord (0008,1048); only with privacy.identifiers";
    REFERRING_PHYSICIAN = Text "referring_physician" [""] "ReferringPhysicianName (0008,0090); only with privacy.identifiers";
    PERFORMING_PHYSICIAN = Text "performing_physician" [""] "PerformingPhysicianName (0008,1050); only with privacy.identifiers";
    OPERATORS_NAME = Text "operators_name" [""] "OperatorsName (0008,1070); only with privacy.identifiers";
    TECHNIQUE_INFERRED = Text "technique_inferred" [""] "VMAT/ARC when a beam is an arc, else STATIC/IMRT";
    STRUCTURES = Text "structures" [""] "Names of the drawn structures, comma list";
    ROI_COUNT = Int "roi_count" [""] "Drawn structures";
    PTV_COUNT = Int "ptv_count" [""] "Of them planning target volumes";
    CTV_COUNT = Int "ctv_count" [""] "Of them clinical target volumes";
    OAR_COUNT = Int "oar_count" [""] "Of them neither PTV, CTV nor GTV";
    DOSE_UNITS = Text "dose_units" [""] "DoseUnits (3004,0002)";
    DOSE_TYPE = Text "dose_type" [""] "DoseType (3004,0004)";
    DOSE_CLASSIFICATION = Text "dose_classification" [""] "Class of the decision which dose is evaluated";
    RX_SOURCE = Text "rx_source" [""] "Where the prescription comes from";
    FRAME_OF_REFERENCE_UID = Text "frame_of_reference_uid" [""] "Frame of reference of the planning CT";
}

/// Columns that name a person: empty unless `privacy.identifiers`.
pub static IDENTIFIERS: &[&ColumnDef] = &[
    &REVIEWER_NAME,
    &PATIENT_NAME,
    &PATIENT_BIRTH_DATE,
    &PHYSICIANS_OF_RECORD,
    &REFERRING_PHYSICIAN,
    &PERFORMING_PHYSICIAN,
    &OPERATORS_NAME,
    &CT_INSTITUTION,
];

/// The table.
pub fn schema() -> TableSchema {
    contract("case_metadata", &[IDS, COLUMNS])
}

/// Columns for keys of `case` that the contract does not have, in the order given; the kind is that of the first value.
pub fn extra_columns<'a>(known: &TableSchema, cases: impl IntoIterator<Item = (&'a str, &'a Json)>) -> Vec<ColumnDef> {
    let mut extra: Vec<ColumnDef> = Vec::new();
    for (key, value) in cases {
        if known.index_of(key).is_some() || extra.iter().any(|c| c.name == key) {
            continue;
        }
        let kind = match value {
            Json::Null => continue,
            Json::Bool(_) => Kind::Bool,
            Json::Number(_) => Kind::Float,
            Json::String(_) | Json::Array(_) | Json::Object(_) => Kind::Text,
        };
        extra.push(ColumnDef::new(key, kind, "", ""));
    }
    extra
}

/// Sets a cell from JSON: numbers, texts and truth values in columns of their kind; in a text column anything, lists of plain values
/// joined by `;`, other structures as JSON. What does not fit the column is kept out.
pub fn set_json(row: &mut RowMut<'_>, column: &ColumnDef, value: &Json) {
    match (column.kind, value) {
        (_, Json::Null) => {}
        (Kind::Float, Json::Number(_)) => {
            row.set(column, value.as_f64());
        }
        (Kind::Float, Json::String(text)) => {
            row.set(column, text.trim().parse::<f64>().ok());
        }
        (Kind::Int, Json::Number(_)) => {
            row.set(column, value.as_i64());
        }
        (Kind::Int, Json::String(text)) => {
            row.set(column, text.trim().parse::<i64>().ok());
        }
        (Kind::Bool, Json::Bool(b)) => {
            row.set(column, *b);
        }
        (Kind::Text, _) => {
            row.set(column, &json_text(value));
        }
        _ => {}
    }
}

fn json_text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) if items.iter().all(|i| !i.is_array() && !i.is_object()) => {
            items.iter().map(json_text).collect::<Vec<_>>().join(";")
        }
        Json::Null => String::new(),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => value.to_string(),
    }
}
