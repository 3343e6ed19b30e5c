//! `aggregation_status`: one row per course and table: whether its rows are in the cohort table.

use crate::schema::TableSchema;
pub use crate::tables::{COURSE_ID, PATIENT_ID, STATUS};
use crate::tables::{IDS, contract};

columns! {
    /// Columns after the ids.
    COLUMNS:
    TABLE = Text "table" [""] "Cohort table";
    REASON = Text "reason" [""] "Why there are no rows, or fewer";
    ROWS = Int "rows" [""] "Rows of the course in the table";
}

/// The statuses that a course's part of a table can have.
pub mod part {
    /// Read and merged.
    pub const OK: &str = "ok";
    /// The course has no such table, and should.
    pub const MISSING: &str = "missing";
    /// The file is there and cannot be read, or its stage failed.
    pub const FAILED: &str = "failed";
    /// The course has nothing that the table would describe, or the stage is off.
    pub const SKIPPED: &str = "skipped";
}

static MIDDLE: &[&crate::schema::ColumnDef] = &[&TABLE, &STATUS, &REASON, &ROWS];

/// The table.
pub fn schema() -> TableSchema {
    contract("aggregation_status", &[IDS, MIDDLE, COLUMNS])
}
