//! From evaluations to the tables of a course.

use std::io;

use anyhow::Context;
use rt_course::manifest::{CourseRecord, DoseDecision};
use rt_course::{CourseDir, write_atomic};
use rt_dvh::DvhConfig;
use rt_records::parquet::{self, FileInfo};
use rt_records::table::{RowMut, Table, TableBuilder};
use rt_records::tables::{curves, dvh as t};

use crate::columns::{extra_columns, figures, identity};
use crate::evaluation::{Evaluation, Outcome};
use crate::goals::{self, Judged};
use crate::regions::Region;
use crate::stored::{self, Compared};

/// Writes the comparison with stored histograms; without any, takes away what an earlier run has written.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write_compared(place: &CourseDir, record: &CourseRecord, compared: &[Compared<'_>]) -> Result<bool, anyhow::Error> {
    let path = place.dvh_compare();
    if compared.is_empty() {
        remove(&path)?;
        return Ok(false);
    }
    write_atomic(path, |file| save(file, &stored::table(record, compared).map_err(io::Error::other)?))?;
    Ok(true)
}

/// Writes the goals; without any, takes away what an earlier run has written.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write_goals(place: &CourseDir, record: &CourseRecord, judged: &[Judged<'_>]) -> Result<bool, anyhow::Error> {
    let path = place.dvh_goals();
    if judged.is_empty() {
        remove(&path)?;
        return Ok(false);
    }
    write_atomic(path, |file| save(file, &goals::table(record, judged).map_err(io::Error::other)?))?;
    Ok(true)
}

fn remove(path: &camino::Utf8Path) -> Result<(), anyhow::Error> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e).with_context(|| format!("cannot remove {path}")),
        _ => Ok(()),
    }
}

/// Writes the metrics and the curves.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn write(
    place: &CourseDir,
    record: &CourseRecord,
    decision: &DoseDecision,
    rows: &[Evaluation],
    config: &DvhConfig,
) -> Result<(), anyhow::Error> {
    write_atomic(place.dvh_metrics(), |file| {
        let table = metrics(record, decision, rows, config).map_err(io::Error::other)?;
        save(file, &table)
    })?;
    write_atomic(place.dvh_curves(), |file| {
        let table = curve_table(record, rows, config).map_err(io::Error::other)?;
        save(file, &table)
    })?;
    Ok(())
}

fn save(file: &mut rt_course::AtomicFile, table: &Table) -> io::Result<()> {
    parquet::write(file, table, &FileInfo::new(env!("CARGO_PKG_VERSION"))).map_err(io::Error::other)?;
    Ok(())
}

fn metrics(
    record: &CourseRecord,
    decision: &DoseDecision,
    rows: &[Evaluation],
    config: &DvhConfig,
) -> Result<Table, rt_records::TableError> {
    let mut builder = TableBuilder::new(&t::schema_with(extra_columns(config)));
    for row in rows {
        let mut out = builder.row();
        out.set(&t::PATIENT_ID, record.patient_id.as_str())
            .set(&t::COURSE_ID, record.course_id.as_str());
        identity(&mut out, row);
        provenance(&mut out, record, decision, &row.region);
        figures(&mut out, &row.outcome);
    }
    builder.finish()
}

fn provenance(out: &mut RowMut<'_>, record: &CourseRecord, decision: &DoseDecision, region: &Region) {
    let set = record.structure_sets.iter().find(|s| s.id == region.origin);
    let referenced: Vec<&str> = record.plans.iter().filter_map(|p| p.structure_set.as_deref()).collect();
    let levels: Vec<String> = record.prescription.levels.iter().map(|l| l.gy.to_string()).collect();
    let by_plan = set.is_some_and(|s| s.is_plan_referenced);
    out.set(&t::RTSTRUCT_SOP_INSTANCE_UID, set.map(|s| s.sop_uid.as_str()))
        .set(&t::RTSTRUCT_PATH, set.map(|s| s.dicom.as_str()))
        .set(&t::DOSE_RESOLUTION, decision.classification.as_str())
        .set(&t::DOSE_RESOLUTION_REASON, decision.reason.as_str())
        .set(&t::DOSE_SOP_INSTANCE_UID, only(&decision.source_doses))
        .set(&t::DOSE_SUMMATION_TYPE, decision.summation.as_str())
        .set(&t::SOURCE_DOSE_SOP_INSTANCE_UIDS, decision.source_doses.join(";").as_str())
        .set(&t::SOURCE_DOSE_SUMMATION_TYPES, decision.source_summations.join(";").as_str())
        .set(&t::SOURCE_PLAN_SOP_INSTANCE_UIDS, decision.source_plans.join(";").as_str())
        .set(
            &t::RTSTRUCT_RESOLUTION,
            set.map(|_| if by_plan { "plan_referenced_rtstruct" } else { "course_rtstruct" }),
        )
        .set(&t::RTSTRUCT_RESOLUTION_REASON, set.map(|s| s.link.as_str()))
        .set(&t::PLAN_REFERENCED_RTSTRUCT_UIDS, referenced.join(";").as_str())
        .set(&t::IMAGE_MODALITY, record.planning_ct().map(|ct| ct.modality.as_str()))
        .set(&t::RX_LEVELS_GY, levels.join(";").as_str())
        .set(&t::SEGMENTATION_ENGINE, engine(region))
        .set(&t::IS_PLAN_REFERENCED, region.is_plan_referenced);
}

/// The dose object itself, when the evaluated dose is no sum.
fn only(uids: &[String]) -> Option<&str> {
    match uids {
        [one] => Some(one),
        _ => None,
    }
}

/// `classical` of `seg/classical-body`; nothing for drawn and derived regions.
fn engine(region: &Region) -> Option<&str> {
    let folder = region.origin.strip_prefix("seg/")?;
    Some(folder.split_once('-').map_or(folder, |(engine, _)| engine))
}

fn curve_table(record: &CourseRecord, rows: &[Evaluation], config: &DvhConfig) -> Result<Table, rt_records::TableError> {
    let mut builder = TableBuilder::new(&curves::schema());
    for row in rows {
        let (curve, width, volume, covered) = match &row.outcome {
            Outcome::Computed(found) => (
                found.dvh.distribution.curve_cc(config.bin_width_gy),
                config.bin_width_gy,
                found.dvh.volume.value(),
                Some(found.dvh.covered_fraction()),
            ),
            Outcome::Reference(found, _) => (found.cumulative_cc().to_vec(), 0.01, found.volume_cc(), None),
            Outcome::Refused { .. } => continue,
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "curves are kept in single precision (`spec/analysis.md` 1.14)"
        )]
        let single = |values: &[f64], scale: f64| values.iter().map(|v| (v * scale) as f32).collect::<Vec<f32>>();
        let curve = single(&curve, 1.0);
        // A curve in cm3 of mm2 is a thousandth; ten of them are cm2.
        let wall = row.surface.as_ref().map(|w| single(&w.distribution.curve_cc(width), 10.0));
        builder
            .row()
            .set(&curves::PATIENT_ID, record.patient_id.as_str())
            .set(&curves::COURSE_ID, record.course_id.as_str())
            .set(&curves::ROI_NUMBER, row.region.number.unwrap_or(-1))
            .set(&curves::ROI_NAME, row.region.name.as_str())
            .set(&curves::SEGMENTATION_SOURCE, row.region.source.as_str())
            .set(&curves::DOSE, row.dose.as_str())
            .set(&curves::VOLUME_CC, volume)
            .set(&curves::COVERED_FRACTION, covered)
            .set(&curves::BIN_WIDTH_GY, width)
            .set(&curves::CUMULATIVE_CC, curve.as_slice())
            .set(&curves::SURFACE_CUMULATIVE_CM2, wall.as_deref());
    }
    builder.finish()
}
