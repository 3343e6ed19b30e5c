//! The report as a table: a row for each check with its result, then a row for each thing it found.

use rt_qc::{CheckResult, Finding, QcReport};
use rt_records::tables::qc;
use rt_records::{RowMut, Table, TableBuilder, TableError};

/// `qc/qc.parquet`.
pub(crate) fn rows(report: &QcReport) -> Result<Table, TableError> {
    let mut builder = TableBuilder::new(&qc::schema());
    for check in &report.checks {
        check_row(start(&mut builder, report, check), check);
        for finding in &check.findings {
            finding_row(start(&mut builder, report, check), check, finding);
        }
    }
    builder.finish()
}

fn start<'b>(builder: &'b mut TableBuilder, report: &QcReport, check: &CheckResult) -> RowMut<'b> {
    let mut row = builder.row();
    row.set(&qc::PATIENT_ID, &report.patient_id)
        .set(&qc::COURSE_ID, &report.course_id)
        .set(&qc::CHECK, &check.id);
    row
}

fn check_row(mut row: RowMut<'_>, check: &CheckResult) {
    let found = !check.findings.is_empty();
    row.set(&qc::RESULT, check.status.as_str())
        .set(&qc::CODE, found.then_some(check.code.as_str()))
        .set(&qc::FINDING, &check.message)
        .set(&qc::ADVICE, advice(check));
}

fn finding_row(mut row: RowMut<'_>, check: &CheckResult, finding: &Finding) {
    row.set(&qc::RESULT, finding.status.as_str())
        .set(&qc::CODE, &check.code)
        .set(&qc::ITEM, &finding.item)
        .set(&qc::FINDING, &finding.message)
        .set(&qc::VALUE, finding.value)
        .set(&qc::LIMIT, finding.limit)
        .set(&qc::ADVICE, advice(check));
}

fn advice(check: &CheckResult) -> Option<&str> {
    Some(check.remedy.as_str()).filter(|text| !text.is_empty())
}
