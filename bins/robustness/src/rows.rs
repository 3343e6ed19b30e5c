//! From measured perturbations to the two tables of a course.

use std::io;

use camino::Utf8PathBuf;
use rt_course::manifest::CourseRecord;
use rt_course::{CourseDir, write_atomic};
use rt_radiomics::ExtractError;
use rt_radiomics::robustness::{Geometry, Measured, Perturbation};
use rt_records::tables::robustness as t;
use rt_records::{FileInfo, Table, TableBuilder, TableError, parquet};

use crate::regions::Region;
use crate::{of_geometry, table};

/// What became of one structure.
pub(crate) enum Outcome {
    /// Its altered masks, and what was measured at each noise level so far.
    Ready { states: Vec<Geometry>, levels: Vec<Vec<Measured>> },
    /// Why it could not be perturbed or measured.
    Refused { code: &'static str, message: String },
}

impl Outcome {
    /// Measures one more noise level.
    pub(crate) fn add(&mut self, measure: impl FnOnce(&[Geometry]) -> Result<Vec<Measured>, ExtractError>) {
        let Self::Ready { states, levels } = self else { return };
        match measure(states) {
            Ok(level) => levels.push(level),
            Err(e) => {
                *self = Self::Refused {
                    code: e.code(),
                    message: e.to_string(),
                };
            }
        }
    }

    fn done(&self) -> usize {
        match self {
            Self::Ready { levels, .. } => levels.iter().map(Vec::len).sum(),
            Self::Refused { .. } => 0,
        }
    }
}

/// Writes both tables; the first only when something was measured.
pub(crate) fn write(
    course: &CourseDir,
    record: &CourseRecord,
    chosen: &[Region],
    outcomes: &[Outcome],
    ids: &[Perturbation],
) -> Result<Vec<Utf8PathBuf>, anyhow::Error> {
    let mut out = Vec::new();
    let status = course.robustness_status();
    save(&status, &status_rows(record, chosen, outcomes, ids)?)?;
    out.push(status);
    if outcomes.iter().any(|o| o.done() > 0) {
        let path = table(course);
        save(&path, &value_rows(record, chosen, outcomes, ids)?)?;
        out.push(path);
    } else if table(course).exists() {
        // A table of an earlier run would stand beside a status that says otherwise.
        std::fs::remove_file(table(course))?;
    }
    Ok(out)
}

fn save(path: &Utf8PathBuf, table: &Table) -> Result<(), anyhow::Error> {
    let info = FileInfo::new(env!("CARGO_PKG_VERSION"));
    write_atomic(path, |file| parquet::write(file, table, &info).map(drop).map_err(io::Error::other))?;
    Ok(())
}

/// One row a structure, perturbation and feature.
fn value_rows(record: &CourseRecord, chosen: &[Region], outcomes: &[Outcome], ids: &[Perturbation]) -> Result<Table, TableError> {
    let mut rows = TableBuilder::new(&t::schema());
    for (region, outcome) in chosen.iter().zip(outcomes) {
        let Outcome::Ready { levels, .. } = outcome else { continue };
        for perturbation in ids {
            let level = levels.get(perturbation.level).map_or(&[][..], Vec::as_slice);
            let Some(measured) = of_geometry(level, perturbation.geometry) else {
                continue;
            };
            for (feature, value) in measured.features.iter() {
                rows.row()
                    .set(&t::PATIENT_ID, record.patient_id.as_str())
                    .set(&t::COURSE_ID, record.course_id.as_str())
                    .set(&t::MODALITY, "CT")
                    .set(&t::SEGMENTATION_SOURCE, region.entry.source.as_str())
                    .set(&t::STRUCTURE, region.entry.name.as_str())
                    .set(&t::PERTURBATION_ID, perturbation.id.as_str())
                    .set(&t::FEATURE_NAME, feature)
                    .set(&t::VALUE, value.is_finite().then_some(value));
            }
        }
    }
    rows.finish()
}

/// One row a structure.
fn status_rows(record: &CourseRecord, chosen: &[Region], outcomes: &[Outcome], ids: &[Perturbation]) -> Result<Table, TableError> {
    let mut rows = TableBuilder::new(&t::status_schema());
    for (region, outcome) in chosen.iter().zip(outcomes) {
        let mut row = rows.row();
        row.set(&t::PATIENT_ID, record.patient_id.as_str())
            .set(&t::COURSE_ID, record.course_id.as_str())
            .set(&t::SEGMENTATION_SOURCE, region.entry.source.as_str())
            .set(&t::STRUCTURE, region.entry.name.as_str())
            .set(&t::VOXELS_NATIVE, region.mask.count())
            .set(&t::N_EXPECTED, ids.len())
            .set(&t::N_DONE, outcome.done());
        match outcome {
            Outcome::Ready { states, .. } => {
                let drawn: Vec<String> = contour_draws(states).iter().map(|mm| format!("{mm:.3}")).collect();
                row.set(&t::CONTOUR_CHANGES_MM, drawn.join(";").as_str()).set(&t::STATUS, "ok");
            }
            Outcome::Refused { code, message } => {
                row.set(&t::STATUS, "failed")
                    .set(&t::ERROR_CODE, *code)
                    .set(&t::MESSAGE, message.as_str());
            }
        }
    }
    rows.finish()
}

/// Signed changes of the random contours in the order of the geometric states, each once.
fn contour_draws(states: &[Geometry]) -> Vec<f64> {
    let mut out: Vec<f64> = states.iter().map(|s| s.contour_mm).collect();
    out.dedup_by_key(|mm| mm.to_bits());
    out.retain(|mm| *mm != 0.0);
    out
}
