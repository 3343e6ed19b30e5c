//! Rows that are made from JSON files of a course rather than read from a table of it.

use std::collections::BTreeMap;

use rt_aggregate::{RoiColumns, preferred, roi_key};
use rt_course::provenance::Provenance;
use rt_course::sidecar::{MaskEntry, MaskIndex};
use rt_course::{Cohort, CourseDir, stamp};
use rt_records::tables::{case, fractions, provenance as p, qc, status, structures as s};
use rt_records::{ColumnDef, RowMut, Table, TableBuilder, TableError, TableSchema};
use serde_json::{Value as Json, json};

use crate::courses::{Course, Found, STAGES};

/// Patient and course as the manifest names them.
fn ids(row: &mut RowMut<'_>, course: &Course) {
    row.set(&s::PATIENT_ID, &course.entry.patient_id)
        .set(&s::COURSE_ID, &course.entry.course_id);
}

/// `case_metadata`: a row for every course that was organised.
pub(crate) fn case_metadata(courses: &[(&Course, &Found)]) -> Result<Table, TableError> {
    let known = case::schema();
    let pairs = courses.iter().flat_map(|(_, f)| f.record.case.iter().map(|(k, v)| (k.as_str(), v)));
    let schema = known.extended(case::extra_columns(&known, pairs));
    let mut rows = TableBuilder::new(&schema);
    for (course, found) in courses {
        let mut row = rows.row();
        for (key, value) in &found.record.case {
            set(&mut row, &schema, key, value);
        }
        ids(&mut row, course);
    }
    rows.finish()
}

/// `fractions`: the rows that organize read from treatment records.
pub(crate) fn fraction_rows(courses: &[(&Course, &Found)]) -> Result<Table, TableError> {
    let known = fractions::schema();
    let all = || courses.iter().flat_map(|(c, f)| f.record.fractions.iter().map(move |row| (c, row)));
    let pairs = all().flat_map(|(_, row)| row.iter().map(|(k, v)| (k.as_str(), v)));
    let schema = known.extended(case::extra_columns(&known, pairs));
    let mut rows = TableBuilder::new(&schema);
    for (course, values) in all() {
        let mut row = rows.row();
        for (key, value) in values {
            set(&mut row, &schema, key, value);
        }
        ids(&mut row, course);
    }
    rows.finish()
}

fn set(row: &mut RowMut<'_>, schema: &TableSchema, key: &str, value: &Json) {
    if let Some(column) = schema.column(key) {
        case::set_json(row, column, value);
    }
}

/// `structures` of one course, from `masks.json`.
pub(crate) fn structure_rows(course: &Course, found: &Found) -> Result<Table, anyhow::Error> {
    let path = found.dir.masks_json();
    let index: MaskIndex = rt_course::read_json(&path)?;
    let plan_referenced = |entry: &MaskEntry| {
        let set = found.record.structure_sets.iter().find(|set| set.id == entry.origin);
        set.map(|set| set.is_plan_referenced)
    };
    let mut rows = TableBuilder::new(&s::schema());
    for entry in &index.rois {
        let mut row = rows.row();
        ids(&mut row, course);
        row.set(&s::ROI_NUMBER, entry.number.unwrap_or(-1))
            .set(&s::ROI_NAME, &entry.name)
            .set(&s::ROI_ORIGINAL_NAME, &entry.original_name)
            .set(&s::SEGMENTATION_SOURCE, &entry.source)
            .set(&s::STRUCTURE_CROPPED, entry.touches_border)
            .set(&s::SEGMENTATION_ENGINE, engine(&entry.origin))
            .set(&s::IS_PLAN_REFERENCED, plan_referenced(entry))
            .set(&s::INTERPRETED_TYPE, &entry.interpreted_type)
            .set(&s::ROI_KEY, &roi_key(&entry.name))
            .set(&s::ORIGIN, &entry.origin)
            .set(&s::EXPRESSION, &entry.expression)
            .set(&s::IMAGE, &index.image)
            .set(&s::VOLUME_CC, (entry.status != status::FAILED).then_some(entry.volume_cc))
            .set(&s::VOXELS, (entry.status != status::FAILED).then_some(entry.voxels))
            .set(&s::LAYER, entry.layer)
            .set(&s::LABEL, entry.layer.map(|_| entry.label))
            .set(&s::STATUS, &entry.status)
            .set(&s::ERROR_CODE, &entry.error_code)
            .set(&s::MESSAGE, &entry.message);
        if entry.layer.is_some() {
            let [i, j, k] = entry.size;
            row.set(&s::SIZE_I, i).set(&s::SIZE_J, j).set(&s::SIZE_K, k);
        }
    }
    Ok(preferred::mark(rows.finish()?, RoiColumns::structures())?)
}

/// Engine of a label map: `seg/classical-body` was made by `classical`.
fn engine(origin: &str) -> Option<&str> {
    origin.strip_prefix("seg/")?.split('-').next()
}

/// The row of `qc_reports` for one course, from its checks.
pub(crate) fn qc_report(course: &Course, checks: &Table) -> Result<Table, TableError> {
    let mut counts = BTreeMap::new();
    let mut list: Vec<Json> = Vec::new();
    let mut codes: Vec<&str> = Vec::new();
    for check in checks.iter() {
        let result = check.text(&qc::RESULT).unwrap_or_default();
        let finding = json!({
            "item": check.text(&qc::ITEM),
            "status": result,
            "message": check.text(&qc::FINDING),
            "value": check.float(&qc::VALUE),
            "limit": check.float(&qc::LIMIT),
        });
        if check.text(&qc::ITEM).is_none() {
            *counts.entry(result.to_owned()).or_insert(0_usize) += 1;
            list.push(json!({
                "id": check.text(&qc::CHECK),
                "status": result,
                "message": check.text(&qc::FINDING),
                "findings": [],
            }));
            let raised = matches!(result, qc::result::WARNING | qc::result::FAIL);
            codes.extend(check.text(&qc::CODE).filter(|_| raised));
        } else if let Some(findings) = list.last_mut().and_then(|c| c.get_mut("findings")).and_then(Json::as_array_mut) {
            findings.push(finding);
        }
    }
    codes.dedup();
    let n = |result: &str| counts.get(result).copied().unwrap_or(0);
    let overall = [qc::result::FAIL, qc::result::WARNING]
        .into_iter()
        .find(|r| n(r) > 0)
        .unwrap_or(qc::result::PASS);
    let cropping = list
        .iter()
        .find(|c| c.get("id").and_then(Json::as_str).is_some_and(|id| id.contains("crop")));
    let mut rows = TableBuilder::new(&qc::reports_schema());
    let mut row = rows.row();
    ids(&mut row, course);
    row.set(
        &qc::REPORT_NAME,
        &format!("qc_report_{}_{}", course.entry.patient_id, course.entry.course_id),
    )
    .set(&qc::OVERALL_STATUS, overall)
    .set(&qc::STRUCTURE_CROPPING, cropping.map(Json::to_string).as_deref())
    .set(&qc::CHECKS_JSON, &Json::Array(list).to_string())
    .set(&qc::N_PASS, n(qc::result::PASS))
    .set(&qc::N_INFO, n(qc::result::INFO))
    .set(&qc::N_WARNING, n(qc::result::WARNING))
    .set(&qc::N_FAIL, n(qc::result::FAIL))
    .set(&qc::N_SKIP, n(qc::result::SKIP))
    .set(&qc::CODES, &codes.join(";"))
    .set(&qc::STATUS, status::OK);
    rows.finish()
}

/// `provenance`: organize of the cohort, then every stage of every course.
pub(crate) fn provenance_rows(cohort: &Cohort, courses: &[(&Course, &Found)]) -> Result<Table, TableError> {
    let mut rows = TableBuilder::new(&p::schema());
    if let Some(record) = Provenance::read(&cohort.stage("organize").provenance) {
        provenance_row(&mut rows.row(), &record);
    }
    for (course, found) in courses {
        for record in provenance_of(&found.dir) {
            let mut row = rows.row();
            ids(&mut row, course);
            provenance_row(&mut row, &record);
        }
    }
    rows.finish()
}

fn provenance_of(dir: &CourseDir) -> impl Iterator<Item = Provenance> {
    STAGES.iter().filter_map(|stage| Provenance::read(&dir.stage(stage).provenance))
}

fn provenance_row(row: &mut RowMut<'_>, record: &Provenance) {
    let config: BTreeMap<String, String> = record
        .key_parts
        .iter()
        .filter(|(name, _)| name.starts_with("config "))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let output_bytes: u64 = record.outputs.iter().filter_map(|o| o.digest.as_ref()).map(|d| d.bytes).sum();
    let values: [(&ColumnDef, Option<u64>); 3] = [
        (&p::PEAK_RSS_BYTES, record.cost.peak_rss_bytes),
        (&p::READ_BYTES, record.cost.read_bytes),
        (&p::WRITE_BYTES, record.cost.write_bytes),
    ];
    for (column, value) in values {
        row.set(column, value);
    }
    row.set(&p::STAGE, &record.stage)
        .set(&p::STARTED, &record.started)
        .set(&p::WALL_S, record.cost.wall_s)
        .set(&p::CPU_S, record.cost.cpu_s)
        .set(&p::CPU_PERCENT, record.cost.cpu_pct)
        .set(&p::THREADS, record.threads)
        .set(&p::ITEMS_DONE, record.items.done + record.items.partial)
        .set(&p::ITEMS_FAILED, record.items.failed)
        .set(&p::ITEMS_SKIPPED, record.items.skipped)
        .set(&p::CODE_VERSION, &record.program.version)
        .set(&p::COMMIT, &record.program.commit)
        .set(&p::CONFIG_DIGEST, &stamp::key(&config))
        .set(&p::KEY, &record.key)
        .set(&p::INPUTS, record.inputs.len())
        .set(&p::OUTPUTS, record.outputs.len())
        .set(&p::OUTPUT_BYTES, output_bytes)
        .set(&p::STATUS, record.status.name());
}
