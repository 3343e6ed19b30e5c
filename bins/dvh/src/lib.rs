//! Driver of the dvh stage: doses, contours and masks of a course become `dvh/dvh_metrics.parquet`, `dvh_curves.parquet` and `dvh_qc.json`.
//!
//! A drawn structure is evaluated from its contours, every other from its mask. Every region of every source has a row; one that cannot
//! be computed has its status and code. Reads `course.json`, `images/dose*.nii` (mapped), `contours/*.parquet`,
//! `structures/masks.*`; no DICOM file. Sources: `design/architecture.md` 7, `spec/analysis.md` 1, `spec/dvh-algorithms.md`.

mod columns;
mod doses;
mod evaluation;
pub mod files;
mod regions;
mod rows;
mod summary;

use camino::Utf8PathBuf;
use rt_cli::{Input, Stage, StageContext, StageReport};
use rt_course::CourseDir;
use rt_course::manifest::CourseRecord;
use rt_dvh::DvhConfig;

/// The dvh stage.
#[derive(Debug, Clone, Copy, Default)]
pub struct Dvh;

impl Stage for Dvh {
    const NAME: &'static str = "dvh";
    const FORMAT: u32 = 1;
    const SECTIONS: &'static [&'static str] = &["dvh"];
    type Config = DvhConfig;

    fn inputs(&self, course: &CourseDir, _config: &DvhConfig) -> Vec<Input> {
        let facts = [
            "/patient_id",
            "/course_id",
            "/images",
            "/structure_sets",
            "/plans",
            "/dose",
            "/prescription",
        ];
        let mut inputs = vec![Input::json(course.course_json(), "organize", &facts)];
        let Ok(record) = course.read_record() else { return inputs };
        let dose = record.dose.iter().flat_map(|d| [&d.nifti, &d.sidecar]);
        let parts = record.dose.iter().flat_map(|d| &d.components).flat_map(|c| [&c.nifti, &c.sidecar]);
        let contours = record.structure_sets.iter().filter(|s| s.is_primary).map(|s| &s.contours);
        let images = record.images.iter().map(|i| &i.sidecar);
        let files = dose
            .chain(parts)
            .chain(contours)
            .chain(images)
            .filter_map(|path| course.file(path).ok());
        inputs.extend(files.map(|path| Input::required(path, "organize")));
        inputs.push(Input::optional(course.masks_json()));
        inputs.push(Input::optional(course.masks()));
        inputs
    }

    fn outputs(&self, course: &CourseDir, _config: &DvhConfig) -> Vec<Utf8PathBuf> {
        let evaluable = course.read_record().is_ok_and(|r| r.dose.is_some());
        let made = course.dvh_metrics().exists();
        if evaluable && made {
            vec![course.dvh_metrics(), course.dvh_curves(), course.dvh_qc()]
        } else {
            Vec::new()
        }
    }

    fn run(&self, cx: &StageContext<'_>, config: &DvhConfig) -> Result<StageReport, anyhow::Error> {
        let record = cx.record()?;
        let Some(decision) = &record.dose else {
            return Ok(StageReport::skipped("the course has no dose that can be evaluated"));
        };
        let regions = regions::read(cx.place, &record)?;
        if regions.is_empty() {
            return Ok(StageReport::skipped("the course has no structures"));
        }
        let loaded = doses::load(cx.place, decision, config)?;
        let mut report = StageReport::new();
        let mut all = Vec::new();
        for evaluated in doses::evaluated(&record, decision, &loaded, config)? {
            let rx: Vec<Option<f64>> = regions.iter().map(|r| rx_of(&record, &evaluated, r)).collect();
            let found = evaluation::evaluate(&evaluated, &regions, &rx, config, cx.progress)?;
            for e in &found {
                evaluation::tell(&mut report, e);
            }
            all.extend(found);
        }
        rows::write(cx.place, &record, decision, &all, config)?;
        summary::write(cx.place, &record, decision, &all)?;
        for path in [cx.place.dvh_metrics(), cx.place.dvh_curves(), cx.place.dvh_qc()] {
            report.wrote(path);
        }
        Ok(report)
    }
}

/// The level of a target that the plan names, else the prescription of the dose.
fn rx_of(record: &CourseRecord, dose: &doses::Evaluated<'_>, region: &regions::Region) -> Option<f64> {
    let primary = record.primary_structures().is_some_and(|s| s.id == region.origin);
    let own = record
        .prescription
        .levels
        .iter()
        .find(|l| l.roi_number.is_some() && l.roi_number == region.number);
    own.filter(|_| dose.by_target && primary).map(|l| l.gy).or(dose.rx)
}
