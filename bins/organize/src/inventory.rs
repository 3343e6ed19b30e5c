//! `_RESULTS/inventory`: one row for every file found, so that nothing disappears without a word.

use std::io;

use rt_course::{Cohort, TableFormat, WriteError, write_atomic};
use rt_dicom::FileClass;
use rt_dicom::account::FileAccount;
use rt_dicom::link::confidence;
use rt_dicom::scan::{Index, ScannedFile};
use rt_records::csv::{self, CsvEncoding};
use rt_records::parquet::{self, FileInfo};
use rt_records::table::{Table, TableBuilder};
use rt_records::tables::inventory as t;

/// The files with what became of each, and the names of the courses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accounts<'a> {
    /// The files.
    pub(crate) index: &'a Index,
    /// One for each file.
    pub(crate) files: &'a [FileAccount],
    /// Patient and name of each course of the linkage.
    pub(crate) courses: &'a [(String, String)],
}

/// Writes the inventory as Parquet and CSV.
///
/// # Errors
/// [`WriteError`] naming the file.
pub(crate) fn write_inventory(cohort: &Cohort, accounts: Accounts<'_>) -> Result<(), WriteError> {
    write_atomic(cohort.table("inventory", TableFormat::Parquet), |file| {
        let table = table(accounts)?;
        parquet::write(file, &table, &FileInfo::new(env!("CARGO_PKG_VERSION"))).map_err(io::Error::other)?;
        Ok(())
    })?;
    write_atomic(cohort.table("inventory", TableFormat::Csv), |file| {
        let table = table(accounts)?;
        csv::write(file, &table, CsvEncoding::default()).map_err(io::Error::other)?;
        Ok(())
    })
}

fn table(accounts: Accounts<'_>) -> io::Result<Table> {
    let mut builder = TableBuilder::new(&t::schema());
    for (file, account) in accounts.index.files.iter().zip(accounts.files) {
        add(&mut builder, file, account, accounts.courses);
    }
    builder.finish().map_err(io::Error::other)
}

/// The reason of a file in words: why it is not used, what was tolerated, why it is in no course; nothing for a used one without faults.
pub(crate) fn detail(file: &ScannedFile, account: &FileAccount) -> String {
    let mut parts = Vec::new();
    let quiet = file.verdict.class == FileClass::NotDicom || file.verdict.code() == "ok" && file.verdict.class != FileClass::Seg;
    if !quiet {
        parts.push(file.verdict.explain());
    }
    if let Some((code, words)) = account.unlinked {
        parts.push(format!("{code}: {words}"));
    }
    escaped(&parts.join("; "))
}

/// Patient and course of a file; courses that share it are joined by `;`.
pub(crate) fn home(account: &FileAccount, courses: &[(String, String)]) -> (String, String) {
    let own: Vec<&(String, String)> = account.courses.iter().filter_map(|n| courses.get(*n)).collect();
    let patient = own.first().map(|(patient, _)| patient.clone()).unwrap_or_default();
    let names: Vec<&str> = own.iter().map(|(_, course)| course.as_str()).collect();
    (patient, names.join(";"))
}

fn add(builder: &mut TableBuilder, file: &ScannedFile, account: &FileAccount, courses: &[(String, String)]) {
    let entry = &file.entry;
    let (patient, course) = home(account, courses);
    let reason = file.verdict.reason();
    let path = escaped(&entry.path);
    let mut row = builder.row();
    row.set(&t::PATIENT_ID, patient.as_str())
        .set(&t::COURSE_ID, course.as_str())
        .set(&t::PATH, path.as_str())
        .set(&t::BYTES, i64::try_from(entry.size).unwrap_or(i64::MAX))
        .set(&t::CLASS, file.verdict.class.name())
        .set(&t::REASON, reason.as_str())
        .set(&t::USE, file.verdict.usage.name())
        .set(&t::DETAIL, detail(file, account).as_str())
        .set(&t::ROLE, account.role)
        .set(&t::LINK, account.link)
        .set(&t::LINK_CONFIDENCE, confidence(account.link))
        .set(&t::REFERS_TO, escaped(&account.refers_to.join(";")).as_str())
        .set(&t::MISSING_REFERENCES, escaped(&account.missing.join(";")).as_str());
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
