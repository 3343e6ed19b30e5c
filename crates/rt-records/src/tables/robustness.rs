//! `radiomics_robustness_summary_raw_values` (of a course: `robustness_ct`), the status of its structures, and `radiomics_robustness_summary`
//! of the cohort: one row per structure, source and feature.

use crate::schema::{ColumnDef, TableSchema};
pub use crate::tables::radiomics::{MODALITY, SEGMENTATION_SOURCE, VOXELS_NATIVE};
pub use crate::tables::{COURSE_ID, ERROR_CODE, MESSAGE, PATIENT_ID, STATUS};
use crate::tables::{IDS, OUTCOME, contract};

columns! {
    /// Columns of the values, with the names of the reference (`spec/analysis.md` 2R.3).
    VALUES:
    STRUCTURE = Text "structure" [""] "Name of the structure; __partial is appended when it is cut by the border of the image";
    PERTURBATION_ID = Text "perturbation_id" [""] "Perturbation: ntcv, then _n noise, _t translation x_y_z in mm, _c random contour, _v volume change in %";
    FEATURE_NAME = Text "feature_name" [""] "Column of the feature in radiomics_ct";
    VALUE = Float "value" [""] "Value; empty where it is no finite number";
}

columns! {
    /// Columns of a course's status table.
    STATES:
    N_EXPECTED = Int "n_expected" [""] "Perturbations asked for";
    N_DONE = Int "n_done" [""] "Perturbations measured";
    CONTOUR_CHANGES_MM = Text "contour_changes_mm" ["mm"] "Signed changes of the random contours, in the order of the perturbations, joined by ;";
}

columns! {
    /// Columns of the summary, those of the reference first (`spec/analysis.md` 2R.5).
    SUMMARY:
    N_SUBJECTS = Int "n_subjects" [""] "Structures of all courses together";
    N_SUBJECTS_COMPLETE = Int "n_subjects_complete" [""] "Of these, with a value of every perturbation";
    N_SUBJECTS_DROPPED = Int "n_subjects_dropped" [""] "Of these, left out of icc";
    N_COURSES = Int "n_courses" [""] "Courses they come from";
    N_PERTURBATIONS = Int "n_perturbations" [""] "Perturbations of each";
    ICC = Float "icc" [""] "Intraclass correlation over perturbations; empty with fewer than two complete subjects";
    ICC_LOW = Float "icc_ci95_low" [""] "Lower limit of its exact 95 % interval";
    ICC_HIGH = Float "icc_ci95_high" [""] "Upper limit of its exact 95 % interval";
    COV_PCT = Float "cov_pct" ["%"] "Coefficient of variation over perturbations, median of the subjects that have one (all values above 0)";
    COV_Q1 = Float "cov_pct_q1" ["%"] "First quartile of it";
    COV_Q3 = Float "cov_pct_q3" ["%"] "Third quartile of it";
    N_SUBJECTS_COV = Int "n_subjects_cov" [""] "Subjects that have one";
    COV_STATUS = Text "cov_status" [""] "complete, partial or not_evaluable";
    QCD = Float "qcd" [""] "Quartile coefficient of dispersion, median of the subjects that have one";
    QCD_Q1 = Float "qcd_q1" [""] "First quartile of it";
    QCD_Q3 = Float "qcd_q3" [""] "Third quartile of it";
    N_SUBJECTS_QCD = Int "n_subjects_qcd" [""] "Subjects that have one";
    QCD_STATUS = Text "qcd_status" [""] "complete, partial or not_evaluable";
    ROBUSTNESS_LABEL = Text "robustness_label" [""] "robust, acceptable, poor or not_evaluable, by the lower limit of icc and cov_pct";
    PASS = Bool "pass_seg_perturb" [""] "robust or acceptable";
    ICC_TYPE = Text "icc_type" [""] "Kind of intraclass correlation: ICC1, ICC2, ICC3, or of mean ratings ICC1k, ICC2k, ICC3k";
    ICC_LABEL = Text "icc_label" [""] "The label by icc alone: for features that may be negative, which have no coefficient of variation";
    WITHIN_BETWEEN_RATIO = Float "within_between_ratio" [""] "Standard deviation within subjects over that between them";
}

static SOURCE: &[&ColumnDef] = &[&MODALITY, &SEGMENTATION_SOURCE];
static KEY: &[&ColumnDef] = &[&STRUCTURE, &SEGMENTATION_SOURCE, &FEATURE_NAME];
static WHO: &[&ColumnDef] = &[&SEGMENTATION_SOURCE, &STRUCTURE, &VOXELS_NATIVE];

/// The values of a course or cohort.
pub fn schema() -> TableSchema {
    contract("radiomics_robustness_summary_raw_values", &[IDS, SOURCE, VALUES])
}

/// The structures of a course and what became of them.
pub fn status_schema() -> TableSchema {
    contract("robustness_status", &[IDS, WHO, STATES, OUTCOME])
}

/// The summary of the cohort.
pub fn summary_schema() -> TableSchema {
    contract("radiomics_robustness_summary", &[KEY, SUMMARY])
}
