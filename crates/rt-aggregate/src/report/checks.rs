//! The section on quality control: a matrix of courses and checks, and the list of findings.

use std::collections::{BTreeMap, HashMap};

use rt_records::tables::qc;
use rt_records::{Row, Table};
use serde::Serialize;

use super::ReportInput;
use super::embed::number_or_blank;
use super::sections::{course_name, name_of};

#[derive(Debug, Serialize)]
pub(super) struct CheckRow {
    pub(super) course: String,
    pub(super) overall: String,
    cells: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
pub(super) struct FindingRow {
    result: String,
    course: String,
    check: String,
    code: String,
    item: String,
    finding: String,
    value: String,
    limit: String,
}

/// Checks in the order of their first appearance, and a row for each course that has any.
pub(super) fn check_matrix(input: &ReportInput<'_>) -> (Vec<String>, Vec<CheckRow>) {
    let mut names: Vec<String> = Vec::new();
    let mut cells: BTreeMap<String, HashMap<&str, (&str, &str)>> = BTreeMap::new();
    for row in input.checks.iter().filter(|r| r.text(&qc::ITEM).is_none()) {
        let check = row.text(&qc::CHECK).unwrap_or_default();
        if !names.iter().any(|n| n == check) {
            names.push(check.to_owned());
        }
        let cell = (
            row.text(&qc::RESULT).unwrap_or_default(),
            row.text(&qc::FINDING).unwrap_or_default(),
        );
        cells.entry(name_of(row)).or_default().insert(check, cell);
    }
    let order = input.courses.iter().map(|c| course_name(&c.patient_id, &c.course_id));
    let rows = order.filter_map(|course| {
        let found = cells.get(&course)?;
        let cells: Vec<(String, String)> = names
            .iter()
            .map(|n| {
                found
                    .get(n.as_str())
                    .map_or((String::new(), String::new()), |(r, f)| ((*r).to_owned(), (*f).to_owned()))
            })
            .collect();
        let overall = worst(cells.iter().map(|(result, _)| result.as_str()));
        Some(CheckRow {
            course,
            overall: overall.to_owned(),
            cells,
        })
    });
    let rows: Vec<CheckRow> = rows.collect();
    (names, rows)
}

/// The worst of some results; what only informs counts as passed.
fn worst<'a>(results: impl Iterator<Item = &'a str>) -> &'static str {
    let severity = |result: &str| match result {
        qc::result::FAIL => 2,
        qc::result::WARNING => 1,
        _ => 0,
    };
    [qc::result::PASS, qc::result::WARNING, qc::result::FAIL][results.map(severity).max().unwrap_or(0)]
}

pub(super) fn findings(checks: &Table) -> Vec<FindingRow> {
    let text = |row: Row<'_>, column| row.text(column).unwrap_or_default().to_owned();
    let mut rows: Vec<FindingRow> = checks
        .iter()
        .filter(|r| r.text(&qc::ITEM).is_some() && r.text(&qc::RESULT) != Some(qc::result::PASS))
        .map(|r| FindingRow {
            result: text(r, &qc::RESULT),
            course: name_of(r),
            check: text(r, &qc::CHECK),
            code: text(r, &qc::CODE),
            item: text(r, &qc::ITEM),
            finding: text(r, &qc::FINDING),
            value: number_or_blank(r.float(&qc::VALUE)),
            limit: number_or_blank(r.float(&qc::LIMIT)),
        })
        .collect();
    // Failures first; within one severity the order of courses stays.
    rows.sort_by_key(|r| match r.result.as_str() {
        qc::result::FAIL => 0,
        qc::result::WARNING => 1,
        _ => 2,
    });
    rows
}
