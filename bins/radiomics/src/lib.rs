//! Driver of the radiomics stage: reads volumes and masks of a course, lets `rt_radiomics` measure them, writes `radiomics/*.parquet`.
//!
//! Reads `course.json`, `images/*.nii` (mapped), `structures/masks.nii.gz` and `masks.json`, and PyRadiomics parameter files; no DICOM file.
//! Every region of every source has a row: a region that was not measured has its status and code. [`files`] measures plain files, outside
//! any course, with the same library calls. Source: `design/architecture.md` 7, `spec/analysis.md` 2.
//!
//! ```
//! use rt_cli::{Environment, Outcome, execute};
//! use rt_config::Document;
//! use rt_course::{Cohort, write_bytes};
//! use rt_radiomics_cli::Radiomics;
//!
//! # fn main() -> Result<(), anyhow::Error> {
//! // A course without images and structures has nothing to measure.
//! let folder = tempfile::tempdir()?;
//! let course = Cohort::new(folder.path())?.course("P01", "C1")?;
//! let record = include_str!("../tests/it/empty_course.json");
//! write_bytes(course.course_json(), record.as_bytes())?;
//! let document = Document::default();
//! let outcome = execute(&Radiomics, &course, &Environment::for_tests(&document)?)?;
//! assert!(matches!(outcome, Outcome::Ran { .. }));
//! assert!(!course.radiomics(rt_course::Radiomics::Ct).exists());
//! # Ok(())
//! # }
//! ```

use camino::{Utf8Path, Utf8PathBuf};
use rt_cli::{Input, Stage, StageContext, StageReport};
use rt_course::manifest::CourseRecord;
use rt_course::{CourseDir, Radiomics as Table};
use rt_radiomics::{ImageKind, RadiomicsConfig};

pub mod files;
mod images;
mod masks;
pub mod params;
mod rows;

use images::Subject;
use masks::Regions;

/// The radiomics stage.
#[derive(Debug, Clone, Copy, Default)]
pub struct Radiomics;

impl Stage for Radiomics {
    const NAME: &'static str = "radiomics";
    const FORMAT: u32 = 1;
    const SECTIONS: &'static [&'static str] = &["radiomics"];
    type Config = RadiomicsConfig;

    fn inputs(&self, course: &CourseDir, config: &RadiomicsConfig) -> Vec<Input> {
        let facts = ["/patient_id", "/course_id", "/images", "/dose"];
        let mut inputs = vec![Input::json(course.course_json(), "organize", &facts)];
        let subjects = course
            .read_record()
            .map(|record| images::subjects(course, &record, config))
            .unwrap_or_default();
        inputs.push(Input::optional(course.masks_json()));
        inputs.push(Input::optional(course.masks()));
        for subject in subjects {
            inputs.push(Input::optional(subject.volume));
            for own in subject.own_masks.into_iter().flat_map(|m| [m.index, m.volume]) {
                inputs.push(Input::optional(own));
            }
        }
        let params = [&config.params, &config.mr_params].into_iter().flatten();
        inputs.extend(params.filter_map(|path| Some(Input::optional(Utf8Path::from_path(path)?))));
        inputs
    }

    fn outputs(&self, course: &CourseDir, config: &RadiomicsConfig) -> Vec<Utf8PathBuf> {
        let ready = config.images.contains(&ImageKind::Ct) && course.ct().exists() && course.masks_json().exists();
        if ready { vec![course.radiomics(Table::Ct)] } else { Vec::new() }
    }

    fn threads(&self, config: &RadiomicsConfig, available: usize) -> usize {
        config.thread_limit.given().unwrap_or(available).min(available)
    }

    fn run(&self, cx: &StageContext<'_>, config: &RadiomicsConfig) -> Result<StageReport, anyhow::Error> {
        let record = cx.record()?;
        let subjects = images::subjects(cx.place, &record, config);
        if subjects.is_empty() {
            return Ok(StageReport::skipped("the course has no image that radiomics is configured for"));
        }
        let drawn = masks::read_course(cx.place)?;
        if drawn.is_none() && subjects.iter().all(|s| s.own_masks.is_none()) {
            return Ok(StageReport::skipped("the course has no structures"));
        }
        measure_all(cx, config, &record, &subjects, drawn.as_ref())
    }
}

/// Measures every image and writes one table per kind of image.
fn measure_all(
    cx: &StageContext<'_>,
    config: &RadiomicsConfig,
    record: &CourseRecord,
    subjects: &[Subject],
    drawn: Option<&Regions>,
) -> Result<StageReport, anyhow::Error> {
    let mut report = StageReport::new();
    for (kind, table) in [
        (ImageKind::Ct, Table::Ct),
        (ImageKind::Mr, Table::Mr),
        (ImageKind::Pet, Table::Pet),
        (ImageKind::Dose, Table::Dose),
    ] {
        let of_kind: Vec<&Subject> = subjects.iter().filter(|s| s.kind == kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        let settings = rows::Plan::new(config, kind)?;
        let mut rows = Vec::new();
        for subject in of_kind {
            let Some(regions) = masks::for_subject(subject, drawn)? else {
                let why = "no structures are on its grid or in its frame of reference";
                report.skip(subject.name(), "radiomics.no_structures", why);
                continue;
            };
            rows.extend(rows::measure(cx, config, &settings, subject, &regions, &mut report)?);
        }
        if !rows.is_empty() {
            let target = cx.place.radiomics(table);
            rows::write(&target, table, record, cx.place, &settings, rows)?;
            report.wrote(target);
        }
    }
    Ok(report)
}
