//! The contract: every table, its columns, their units and what they mean. One definition a column.
//!
//! Names that the Python pipeline has are kept to the letter (`spec/analysis.md` 1.11, 2.2, 4.2); ours come after them. Ids come first and
//! are text. `status` is `ok`, `partial`, `skipped` or `failed` in every table.

/// Static definitions of columns and the list of them in table order.
macro_rules! columns {
    ($(#[$doc:meta])* $list:ident: $($name:ident = $kind:ident $column:literal [$unit:literal] $text:literal;)*) => {
        $(
            #[doc = concat!("Column `", $column, "`:\n\n```text\n", $text, "\n```")]
            pub static $name: $crate::schema::ColumnDef =
                $crate::schema::ColumnDef::fixed($column, $crate::schema::Kind::$kind, $unit, $text);
        )*
        $(#[$doc])*
        pub static $list: &[&$crate::schema::ColumnDef] = &[$(&$name),*];
    };
}

pub mod aggregation;
pub mod case;
pub mod comparison;
pub mod contours;
pub mod curves;
pub mod dvh;
pub mod fractions;
pub mod goals;
pub mod inventory;
pub mod metric;
pub mod provenance;
pub mod qc;
pub mod radiomics;
pub mod robustness;
pub mod stored;
pub mod structures;

use crate::schema::{ColumnDef, TableSchema};

columns! {
    /// The ids that stand first in every table of a course or cohort.
    IDS:
    PATIENT_ID = Text "patient_id" [""] "Patient as named in all tables: PatientID (0010,0020) or its pseudonym; always text, leading zeros kept";
    COURSE_ID = Text "course_id" [""] "Course, unique within the patient";
}

columns! {
    /// How the computation of a row ended.
    OUTCOME:
    STATUS = Text "status" [""] "ok, partial, skipped or failed";
    ERROR_CODE = Text "error_code" [""] "Stable code of the reason when status is not ok";
    MESSAGE = Text "message" [""] "The reason in words";
}

/// The statuses that rows have, in every table.
pub mod status {
    /// Computed as asked.
    pub const OK: &str = "ok";
    /// Computed with a restriction, named by the code.
    pub const PARTIAL: &str = "partial";
    /// Left out by a rule, named by the code.
    pub const SKIPPED: &str = "skipped";
    /// Could not be computed, for the reason named by the code.
    pub const FAILED: &str = "failed";
}

fn cloned(list: &'static [&'static ColumnDef]) -> impl Iterator<Item = ColumnDef> {
    list.iter().map(|&c| c.clone())
}

fn contract(name: &str, lists: &[&'static [&'static ColumnDef]]) -> TableSchema {
    TableSchema::first_wins(name, lists.iter().flat_map(|list| cloned(list)))
}

/// Every table of `_RESULTS` whose rows belong to a course and that has fixed columns, in the order of `columns.md`. Radiomics tables have
/// features besides.
pub fn all() -> Vec<TableSchema> {
    vec![
        dvh::schema(),
        curves::schema(),
        goals::schema(),
        stored::schema(),
        radiomics::schema("radiomics_ct"),
        radiomics::schema("radiomics_mr"),
        robustness::schema(),
        case::schema(),
        fractions::schema(),
        structures::schema(),
        qc::reports_schema(),
        comparison::schema(),
        inventory::schema(),
        provenance::schema(),
        aggregation::schema(),
    ]
}
