//! `_RESULTS/inventory`: one row for every file found, so that nothing disappears without a word.

use std::collections::HashMap;
use std::io;

use rt_course::{Cohort, TableFormat, WriteError, write_atomic};
use rt_dicom::scan::{Index, ScannedFile};
use rt_records::csv::{self, CsvEncoding};
use rt_records::parquet::{self, FileInfo};
use rt_records::table::{Table, TableBuilder};
use rt_records::tables::inventory as t;

/// Patient and course that each file is used in, by root and path.
pub(crate) type Membership = HashMap<(u16, String), (String, String)>;

/// Writes the inventory as Parquet and CSV.
///
/// # Errors
/// [`WriteError`] naming the file.
pub(crate) fn write_inventory(cohort: &Cohort, index: &Index, members: &Membership) -> Result<(), WriteError> {
    write_atomic(cohort.table("inventory", TableFormat::Parquet), |file| {
        let table = table(index, members)?;
        parquet::write(file, &table, &FileInfo::new(env!("CARGO_PKG_VERSION"))).map_err(io::Error::other)?;
        Ok(())
    })?;
    write_atomic(cohort.table("inventory", TableFormat::Csv), |file| {
        let table = table(index, members)?;
        csv::write(file, &table, CsvEncoding::default()).map_err(io::Error::other)?;
        Ok(())
    })
}

fn table(index: &Index, members: &Membership) -> io::Result<Table> {
    let mut builder = TableBuilder::new(&t::schema());
    for file in &index.files {
        add(&mut builder, file, members);
    }
    builder.finish().map_err(io::Error::other)
}

fn add(builder: &mut TableBuilder, file: &ScannedFile, members: &Membership) {
    let entry = &file.entry;
    let (patient, course) = members.get(&(entry.root, entry.path.clone())).cloned().unwrap_or_default();
    let reason = file.verdict.reason();
    let path = escaped(&entry.path);
    let mut row = builder.row();
    row.set(&t::PATIENT_ID, patient.as_str())
        .set(&t::COURSE_ID, course.as_str())
        .set(&t::PATH, path.as_str())
        .set(&t::BYTES, i64::try_from(entry.size).unwrap_or(i64::MAX))
        .set(&t::CLASS, file.verdict.class.name())
        .set(&t::REASON, reason.as_str())
        .set(&t::USE, file.verdict.usage.name());
    if let Some(object) = entry.object() {
        row.set(&t::MODALITY, object.modality.as_str())
            .set(&t::SOP_CLASS_UID, object.sop_class.as_str())
            .set(&t::SOP_INSTANCE_UID, object.sop_uid.as_str())
            .set(&t::STUDY_INSTANCE_UID, object.study_uid.as_str())
            .set(&t::SERIES_INSTANCE_UID, object.series_uid.as_str())
            .set(&t::FRAME_OF_REFERENCE_UID, object.frame_uid.as_str())
            .set(&t::TRANSFER_SYNTAX_UID, object.syntax.as_str());
    }
}

/// Control characters as escapes: one line a file, whatever its name.
pub(crate) fn escaped(path: &str) -> String {
    path.chars()
        .flat_map(|c| {
            let plain: Vec<char> = if c.is_control() { c.escape_default().collect() } else { vec![c] };
            plain
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_line_feed_stays_on_one_line() {
        assert_eq!(escaped("a\nb\u{1b}[31m/ä.dcm"), "a\\nb\\u{1b}[31m/ä.dcm");
    }
}
