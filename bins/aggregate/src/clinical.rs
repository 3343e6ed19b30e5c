//! A table of the user joined to `case_metadata`: outcomes, stages, whatever the DICOM files do not know.

use std::collections::HashMap;

use camino::Utf8Path;
use rt_cli::Failure;
use rt_records::tables::{COURSE_ID, PATIENT_ID};
use rt_records::{ColumnDef, Row, Table, TableSchema};

/// The user's table by patient, or by patient and course when it names courses.
pub(crate) struct Clinical {
    table: Table,
    by_course: bool,
    rows: HashMap<(String, String), usize>,
}

/// Reads it.
///
/// # Errors
/// When it cannot be read, has no `patient_id`, or names a patient (or course) twice.
pub(crate) fn read(path: &Utf8Path) -> Result<Clinical, anyhow::Error> {
    let table = rt_records::csv::read(path.as_std_path(), &[&PATIENT_ID.name, &COURSE_ID.name])?;
    if table.schema().column(&PATIENT_ID.name).is_none() {
        let message = format!("{path} has no column `patient_id`");
        return Err(Failure::usage("aggregate.clinical_table", message)
            .hint("give the first line of aggregation.clinical_table a column patient_id, with the ids of the tables")
            .into());
    }
    let by_course = table.schema().column(&COURSE_ID.name).is_some();
    let mut rows = HashMap::new();
    for row in table.iter() {
        if let Some(first) = rows.insert(key(row, by_course), row.number()) {
            let message = format!(
                "{path}: lines {} and {} are of the same patient and course",
                first + 2,
                row.number() + 2
            );
            return Err(Failure::usage("aggregate.clinical_table", message)
                .hint("keep one line a patient, or tell lines apart with a column course_id")
                .into());
        }
    }
    Ok(Clinical { table, by_course, rows })
}

fn key(row: Row<'_>, by_course: bool) -> (String, String) {
    let course = if by_course { row.text(&COURSE_ID) } else { None };
    (
        row.text(&PATIENT_ID).unwrap_or_default().to_owned(),
        course.unwrap_or_default().to_owned(),
    )
}

impl Clinical {
    /// The cases with the user's columns at the end; a column that `case_metadata` has already is named `clinical_<name>`.
    pub(crate) fn join(&self, cases: Table) -> Result<Table, rt_records::TableError> {
        let ids = [PATIENT_ID.name.as_ref(), COURSE_ID.name.as_ref()];
        let own = cases.schema().clone();
        let added: Vec<(ColumnDef, &ColumnDef)> = self
            .table
            .schema()
            .columns()
            .iter()
            .filter(|c| !ids.contains(&c.name.as_ref()))
            .map(|c| (renamed(c, &own), c))
            .collect();
        let mut joined = cases.with_columns(added.iter().map(|(new, _)| new.clone()));
        for row in 0..joined.rows() {
            let Some(&found) = self.rows.get(&key(joined.row(row), self.by_course)) else {
                continue;
            };
            for (new, theirs) in &added {
                joined.set(row, new, self.table.row(found).get(theirs))?;
            }
        }
        Ok(joined)
    }
}

fn renamed(column: &ColumnDef, own: &TableSchema) -> ColumnDef {
    let taken = own.column(&column.name).is_some();
    let name = if taken {
        format!("clinical_{}", column.name)
    } else {
        column.name.to_string()
    };
    ColumnDef::new(name, column.kind, "", "From aggregation.clinical_table")
}
