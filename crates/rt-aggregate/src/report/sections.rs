//! What each section of the page shows, as text that is ready to print, and the data for the page's script.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rt_records::Table;
use rt_records::tables::{COURSE_ID, ERROR_CODE, PATIENT_ID, STATUS, dvh, qc};
use serde::Serialize;

use super::checks::{CheckRow, FindingRow, check_matrix, findings};
use super::curves::by_structure;
use super::embed::{number, number_or_blank};
use super::goals::{GoalRow, MissedGoal, goal_rows, missed_goals};
use super::stages::{Stages, stages};
use super::stored::{StoredRow, stored_rows};
use super::svg::{Strip, curve_panel, strips};
use super::{METRICS, ReportInput, TOLERANCE_PERCENT};
use crate::summary::{Spread, StructureSummary, is_course_row, structures};

/// Panels of curves that are drawn on the page itself; the explorer has all.
const MAX_PANELS: usize = 24;
/// Structures in the drawing of volumes.
const MAX_STRIPS: usize = 60;
/// Findings that are listed; the table `qc_reports` has all.
const MAX_FINDINGS: usize = 2000;

/// All sections.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    facts: Vec<(String, String)>,
    counts: Vec<(String, String)>,
    problems: Vec<Problem>,
    stage_names: Vec<String>,
    courses: Vec<Course>,
    check_names: Vec<String>,
    checks: Vec<CheckRow>,
    findings: Vec<FindingRow>,
    findings_left_out: usize,
    panels: Vec<Panel>,
    panels_left_out: usize,
    curves: usize,
    tolerance: f64,
    volumes: String,
    volumes_left_out: usize,
    metric_names: Vec<String>,
    structures: Vec<StructureRow>,
    goals: Vec<GoalRow>,
    missed: Vec<MissedGoal>,
    missed_left_out: usize,
    stored: Vec<StoredRow>,
    stored_rows: usize,
    rows: usize,
    radiomics: Vec<Radiomics>,
    stages: Stages,
    gaps: Vec<Gap>,
}

#[derive(Debug, Serialize)]
struct Problem {
    code: String,
    count: usize,
    courses: usize,
    example: String,
}

#[derive(Debug, Serialize)]
struct Course {
    name: String,
    page: String,
    holdings: String,
    slices: String,
    spacing: String,
    rx: String,
    fractions: String,
    stages: Vec<String>,
    qc: String,
    structures: usize,
    note: String,
}

#[derive(Debug, Serialize)]
struct Panel {
    name: String,
    source: String,
    courses: usize,
    svg: String,
}

#[derive(Debug, Serialize)]
struct StructureRow {
    name: String,
    source: String,
    courses: usize,
    statuses: String,
    cells: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct Radiomics {
    table: String,
    rows: usize,
    statuses: String,
    features: usize,
    incomplete: usize,
    constant: Vec<String>,
    codes: Vec<(String, String, usize)>,
}

#[derive(Debug, Serialize)]
struct Gap {
    course: String,
    table: String,
    status: String,
    reason: String,
}

pub(super) fn course_name(patient: &str, course: &str) -> String {
    format!("{patient} / {course}")
}

pub(super) fn name_of(row: rt_records::Row<'_>) -> String {
    course_name(row.text(&PATIENT_ID).unwrap_or_default(), row.text(&COURSE_ID).unwrap_or_default())
}

pub(super) fn page(input: &ReportInput<'_>) -> Page {
    let summaries = structures(input.dvh, &METRICS, input.min_courses);
    let groups = by_structure(input.curves);
    let (check_names, checks) = check_matrix(input);
    let overall: HashMap<&str, &str> = checks.iter().map(|c| (c.course.as_str(), c.overall.as_str())).collect();
    let findings = findings(input.checks);
    let missed = missed_goals(input.goals);
    let (volumes, volumes_left_out) = volumes(input.dvh, &summaries);
    let panels: Vec<Panel> = groups
        .iter()
        .take(MAX_PANELS)
        .map(|((_, source), curves)| Panel {
            name: curves.first().map(|c| c.name.clone()).unwrap_or_default(),
            source: source.clone(),
            courses: curves.len(),
            svg: curve_panel(curves.first().map_or("", |c| c.name.as_str()), curves),
        })
        .collect();
    Page {
        facts: input.facts.to_vec(),
        counts: counts(input, summaries.len()),
        problems: problems(input),
        stage_names: stage_names(input),
        courses: courses(input, &overall),
        check_names,
        findings_left_out: findings.len().saturating_sub(MAX_FINDINGS),
        findings: findings.into_iter().take(MAX_FINDINGS).collect(),
        checks,
        panels_left_out: groups.len() - panels.len(),
        panels,
        curves: input.curves.len(),
        tolerance: TOLERANCE_PERCENT,
        volumes,
        volumes_left_out,
        metric_names: METRICS.iter().map(|m| column_title(input.dvh, m)).collect(),
        structures: summaries.iter().map(structure_row).collect(),
        goals: goal_rows(input.goals),
        missed_left_out: missed.len().saturating_sub(MAX_FINDINGS),
        missed: missed.into_iter().take(MAX_FINDINGS).collect(),
        stored: stored_rows(input.stored),
        stored_rows: input.stored.rows(),
        rows: input.dvh.rows(),
        radiomics: radiomics(input),
        stages: stages(input.provenance),
        gaps: gaps(input.parts),
    }
}

/// A column's name, with its unit where the name does not tell it.
pub(super) fn column_title(table: &Table, column: &str) -> String {
    match table.schema().column(column) {
        Some(def) if !def.unit.is_empty() && def.unit != "1" && !column.contains(def.unit.as_ref()) && !column.contains('(') => {
            format!("{column} ({})", def.unit)
        }
        _ => column.to_owned(),
    }
}

fn counts(input: &ReportInput<'_>, structures: usize) -> Vec<(String, String)> {
    let patients: BTreeSet<&str> = input.courses.iter().map(|c| c.patient_id.as_str()).collect();
    let with_dose = input.dvh.iter().map(name_of).collect::<BTreeSet<_>>().len();
    let rows_ok = input.dvh.iter().filter(|r| r.text(&STATUS) == Some("ok")).count();
    [
        ("patients", patients.len()),
        ("courses", input.courses.len()),
        ("courses with DVH", with_dose),
        ("structures by name and source", structures),
        ("DVH rows", input.dvh.rows()),
        ("of them complete", rows_ok),
    ]
    .map(|(label, n)| (label.to_owned(), n.to_string()))
    .to_vec()
}

/// What most courses have trouble with: codes of checks that warn or fail, and of rows that are not whole; the five most frequent.
fn problems(input: &ReportInput<'_>) -> Vec<Problem> {
    let raised = input
        .checks
        .iter()
        .filter(|r| matches!(r.text(&qc::RESULT), Some(qc::result::WARNING | qc::result::FAIL)));
    let mut table: BTreeMap<String, (usize, BTreeSet<String>, String)> = BTreeMap::new();
    for row in raised.filter(|r| r.text(&qc::ITEM).is_some()) {
        add(&mut table, row.text(&qc::CODE), name_of(row), row.text(&qc::FINDING));
    }
    for row in input.dvh.iter() {
        add(&mut table, row.text(&ERROR_CODE), name_of(row), row.text(&dvh::ROI_NAME));
    }
    let mut problems: Vec<Problem> = table
        .into_iter()
        .map(|(code, (count, courses, example))| Problem {
            code,
            count,
            courses: courses.len(),
            example,
        })
        .collect();
    problems.sort_by(|a, b| {
        b.courses
            .cmp(&a.courses)
            .then(b.count.cmp(&a.count))
            .then_with(|| a.code.cmp(&b.code))
    });
    problems.truncate(5);
    problems
}

fn add(table: &mut BTreeMap<String, (usize, BTreeSet<String>, String)>, code: Option<&str>, course: String, example: Option<&str>) {
    let Some(code) = code else { return };
    let entry = table
        .entry(code.to_owned())
        .or_insert_with(|| (0, BTreeSet::new(), example.unwrap_or_default().to_owned()));
    entry.0 += 1;
    entry.1.insert(course);
}

fn stage_names(input: &ReportInput<'_>) -> Vec<String> {
    let longest = input.courses.iter().max_by_key(|c| c.stages.len());
    longest
        .map(|c| c.stages.iter().map(|(name, _)| name.clone()).collect())
        .unwrap_or_default()
}

fn courses(input: &ReportInput<'_>, overall: &HashMap<&str, &str>) -> Vec<Course> {
    let mut rois: HashMap<String, BTreeSet<(&str, &str)>> = HashMap::new();
    for row in input.dvh.iter() {
        let roi = (
            row.text(&dvh::ROI_NAME).unwrap_or_default(),
            row.text(&dvh::SEGMENTATION_SOURCE).unwrap_or_default(),
        );
        rois.entry(name_of(row)).or_default().insert(roi);
    }
    let names = stage_names(input);
    let line = |c: &super::CourseLine| {
        let name = course_name(&c.patient_id, &c.course_id);
        let status = |stage: &String| c.stages.iter().find(|(n, _)| n == stage).map_or("never", |(_, s)| s).to_owned();
        Course {
            page: c.page.clone(),
            holdings: c.holdings.clone(),
            slices: c.slices.map(|n| n.to_string()).unwrap_or_default(),
            spacing: c.spacing.clone(),
            rx: number_or_blank(c.rx_gy),
            fractions: c.fractions.map(|n| n.to_string()).unwrap_or_default(),
            stages: names.iter().map(status).collect(),
            qc: overall.get(name.as_str()).copied().unwrap_or_default().to_owned(),
            structures: rois.get(&name).map_or(0, BTreeSet::len),
            note: c
                .warnings
                .iter()
                .map(String::as_str)
                .chain((!c.reason.is_empty()).then_some(c.reason.as_str()))
                .collect::<Vec<_>>()
                .join("; "),
            name,
        }
    };
    input.courses.iter().map(line).collect()
}

fn volumes(dvh_table: &Table, summaries: &[StructureSummary]) -> (String, usize) {
    let mut values: HashMap<(&str, &str), Vec<f64>> = HashMap::new();
    for row in dvh_table.iter().filter(|r| is_course_row(*r)) {
        if let (Some(key), Some(cc)) = (row.text(&dvh::ROI_KEY), row.float(&dvh::VOLUME_CM3)) {
            values
                .entry((key, row.text(&dvh::SEGMENTATION_SOURCE).unwrap_or_default()))
                .or_default()
                .push(cc);
        }
    }
    let rows: Vec<Strip> = summaries
        .iter()
        .filter_map(|s| {
            let spread = s.metrics.first().copied().flatten()?;
            let values = values.remove(&(s.key.as_str(), s.source.as_str()))?;
            let detail = format!("({})", s.source);
            Some(Strip {
                name: s.name.clone(),
                detail,
                values,
                median: spread.median,
                band: (spread.p10, spread.p90),
            })
        })
        .collect();
    let shown = &rows[..rows.len().min(MAX_STRIPS)];
    (strips(shown, "volume (cm³)"), rows.len() - shown.len())
}

fn structure_row(s: &StructureSummary) -> StructureRow {
    let cell = |spread: &Option<Spread>| match spread {
        None => (String::new(), String::new()),
        Some(s) if s.n == 1 => (number(s.median), "one value".to_owned()),
        Some(s) => (
            number(s.median),
            format!(
                "{} values, {} to {}; 10-90 %: {} to {}",
                s.n,
                number(s.min),
                number(s.max),
                number(s.p10),
                number(s.p90)
            ),
        ),
    };
    let statuses: Vec<String> = s.statuses.iter().map(|(status, n)| format!("{n} {status}")).collect();
    StructureRow {
        name: s.name.clone(),
        source: s.source.clone(),
        courses: s.courses,
        statuses: statuses.join(", "),
        cells: s.metrics.iter().map(cell).collect(),
    }
}

fn radiomics(input: &ReportInput<'_>) -> Vec<Radiomics> {
    let own = rt_records::tables::radiomics::schema("");
    let is_feature = |name: &str| own.index_of(name).is_none() && !name.starts_with("diagnostics_");
    let overview = |r: &super::RadiomicsOverview| {
        let all = &r.overview;
        let features: Vec<_> = all.columns.iter().filter(|f| is_feature(&f.column)).collect();
        let statuses: Vec<String> = all.statuses.iter().map(|(status, n)| format!("{n} {status}")).collect();
        Radiomics {
            table: r.table.clone(),
            rows: all.rows,
            statuses: statuses.join(", "),
            features: features.len(),
            incomplete: features.iter().filter(|f| f.present < all.computed).count(),
            constant: features.iter().filter(|f| f.is_constant()).map(|f| f.column.clone()).collect(),
            codes: all
                .codes
                .iter()
                .map(|((code, status), n)| (code.clone(), status.clone(), *n))
                .collect(),
        }
    };
    input.radiomics.iter().map(overview).collect()
}

fn gaps(parts: &Table) -> Vec<Gap> {
    use rt_records::tables::aggregation::{REASON, TABLE, part};
    let text = |row: rt_records::Row<'_>, column| row.text(column).unwrap_or_default().to_owned();
    let bad = parts.iter().filter(|r| !matches!(r.text(&STATUS), Some(part::OK | part::SKIPPED)));
    bad.map(|r| Gap {
        course: name_of(r),
        table: text(r, &TABLE),
        status: text(r, &STATUS),
        reason: text(r, &REASON),
    })
    .collect()
}
