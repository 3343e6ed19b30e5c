//! The report as a table: a row per check, or per finding of a check that found something.

use rt_qc::{CheckResult, Finding, QcReport};
use rt_records::tables::qc;
use rt_records::{Table, TableBuilder, TableError};

/// `qc/qc.parquet`.
pub(crate) fn rows(report: &QcReport) -> Result<Table, TableError> {
    let mut builder = TableBuilder::new(&qc::schema());
    for check in &report.checks {
        if check.findings.is_empty() {
            row(&mut builder, report, check, None);
        }
        for finding in &check.findings {
            row(&mut builder, report, check, Some(finding));
        }
    }
    builder.finish()
}

fn row(builder: &mut TableBuilder, report: &QcReport, check: &CheckResult, finding: Option<&Finding>) {
    let status = finding.map_or(check.status, |f| f.status);
    let unit = if check.id == "dose_coverage" { "1" } else { "" };
    builder
        .row()
        .set(&qc::PATIENT_ID, &report.patient_id)
        .set(&qc::COURSE_ID, &report.course_id)
        .set(&qc::CHECK, &check.id)
        .set(&qc::RESULT, status.as_str())
        .set(&qc::CODE, finding.map(|_| check.code.as_str()))
        .set(&qc::ITEM, finding.map(|f| f.item.as_str()))
        .set(&qc::FINDING, finding.map_or(check.message.as_str(), |f| f.message.as_str()))
        .set(&qc::VALUE, finding.and_then(|f| f.value))
        .set(&qc::LIMIT, finding.and_then(|f| f.limit))
        .set(&qc::UNIT, finding.and_then(|f| f.value).map(|_| unit))
        .set(&qc::ADVICE, finding.map(|_| check.remedy.as_str()).filter(|a| !a.is_empty()));
}
