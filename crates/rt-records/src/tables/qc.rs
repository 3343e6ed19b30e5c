//! `qc/qc.parquet` of a course (for each check one row with an empty item and its result, then one row per finding) and `qc_reports` of the cohort (one row per course).

use crate::schema::TableSchema;
pub use crate::tables::{COURSE_ID, ERROR_CODE, MESSAGE, PATIENT_ID, STATUS};
use crate::tables::{IDS, OUTCOME, contract};

columns! {
    /// Columns of a course's checks after the ids.
    CHECKS:
    CHECK = Text "check" [""] "Id of the check: files.required, rs.for_matches_ct, ...";
    RESULT = Text "result" [""] "PASS, INFO, WARNING, FAIL or SKIP";
    CODE = Text "code" [""] "Stable code of the finding; empty when the check passed";
    ITEM = Text "item" [""] "What a finding is about: a structure, a file, a stage; empty in the row of the check itself";
    FINDING = Text "finding" [""] "What was found, in words; in the row of the check its result in one sentence";
    VALUE = Float "value" [""] "Figure that was compared";
    LIMIT = Float "limit" [""] "Limit that it was compared with";
    ADVICE = Text "advice" [""] "What to do about it";
}

columns! {
    /// Columns of `qc_reports` after the ids; the first four are those of the reference.
    REPORTS:
    REPORT_NAME = Text "report_name" [""] "Name of the course's report";
    OVERALL_STATUS = Text "overall_status" [""] "PASS, WARNING or FAIL: the worst of all checks";
    STRUCTURE_CROPPING = Text "structure_cropping" [""] "Check of structures cut by the image border, JSON";
    CHECKS_JSON = Text "checks" [""] "All checks of the course, JSON";
    N_PASS = Int "n_pass" [""] "Checks that passed";
    N_INFO = Int "n_info" [""] "Lines that only inform";
    N_WARNING = Int "n_warning" [""] "Warnings";
    N_FAIL = Int "n_fail" [""] "Failures";
    N_SKIP = Int "n_skip" [""] "Checks that could not apply";
    CODES = Text "codes" [""] "Codes of all findings, each once, joined by ;";
}

/// The results that a check can have, best first.
pub mod result {
    /// As it should be.
    pub const PASS: &str = "PASS";
    /// Worth knowing.
    pub const INFO: &str = "INFO";
    /// A person should look.
    pub const WARNING: &str = "WARNING";
    /// Wrong.
    pub const FAIL: &str = "FAIL";
    /// Does not apply to this course.
    pub const SKIP: &str = "SKIP";
}

/// The checks of one course.
pub fn schema() -> TableSchema {
    contract("qc", &[IDS, CHECKS])
}

/// The cohort table.
pub fn reports_schema() -> TableSchema {
    contract("qc_reports", &[IDS, REPORTS, OUTCOME])
}
