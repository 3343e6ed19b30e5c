//! Driver of the dvh stage: doses, contours and masks of a course become `dvh/dvh_metrics.parquet`, `dvh_curves.parquet` and `dvh_qc.json`.
//!
//! A drawn structure is evaluated from its contours, every other from its mask. Every region of every source has a row; one that cannot
//! be computed has its status and code. Reads `course.json`, `images/dose*.nii` (mapped), `contours/*.parquet`,
//! `structures/masks.*`; no DICOM file. Sources: `design/architecture.md` 7, `spec/analysis.md` 1, `spec/dvh-algorithms.md`.

mod columns;
mod doses;
mod evaluation;
pub mod files;
mod goals;
mod prescription;
mod regions;
mod rows;
mod settings;
mod stored;
mod summary;

use std::sync::Arc;

use camino::Utf8PathBuf;
use rt_cli::{Input, Stage, StageContext, StageReport};
use rt_course::CourseDir;
use rt_dvh::DvhConfig;

use crate::evaluation::Setting;
use crate::regions::Region;
use crate::settings::Extras;

/// The dvh stage.
#[derive(Debug, Clone, Copy, Default)]
pub struct Dvh;

impl Stage for Dvh {
    const NAME: &'static str = "dvh";
    const FORMAT: u32 = 1;
    const SECTIONS: &'static [&'static str] = &["dvh"];
    type Config = DvhConfig;

    fn inputs(&self, course: &CourseDir, config: &DvhConfig) -> Vec<Input> {
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
        inputs.extend(settings::inputs(config));
        inputs.push(Input::optional(course.masks_json()));
        inputs.push(Input::optional(course.masks()));
        inputs
    }

    fn outputs(&self, course: &CourseDir, _config: &DvhConfig) -> Vec<Utf8PathBuf> {
        let evaluable = course.read_record().is_ok_and(|r| r.dose.is_some());
        let made = course.dvh_metrics().exists();
        if evaluable && made {
            let some = [course.dvh_goals(), course.dvh_compare()].into_iter().filter(|path| path.exists());
            [course.dvh_metrics(), course.dvh_curves(), course.dvh_qc()]
                .into_iter()
                .chain(some)
                .collect()
        } else {
            Vec::new()
        }
    }

    fn run(&self, cx: &StageContext<'_>, config: &DvhConfig) -> Result<StageReport, anyhow::Error> {
        // What the user asked for is read first: a fault in it is heard before any work.
        let extras = Extras::load(config)?;
        let record = cx.record()?;
        let Some(decision) = &record.dose else {
            return Ok(StageReport::skipped("the course has no dose that can be evaluated"));
        };
        let mut regions = regions::read(cx.place, &record)?;
        if regions.is_empty() {
            return Ok(StageReport::skipped("the course has no structures"));
        }
        for region in &mut regions {
            region.standard_name = extras.standard_name(&region.original_name);
        }
        let regions: Vec<Arc<Region>> = regions.into_iter().map(Arc::new).collect();
        let primary = record.primary_structures().map(|s| s.id.clone());
        let by_number = |region: &Region| primary.as_deref() == Some(region.origin.as_str());
        let setting = Setting {
            config,
            extras: &extras,
            by_number: &by_number,
            progress: cx.progress,
        };
        let loaded = doses::load(cx.place, decision, config.mode)?;
        let mut report = StageReport::new();
        let mut all = Vec::new();
        for dose in doses::evaluated(&record, decision, &loaded, config)? {
            let found = evaluation::evaluate(&dose, &regions, setting)?;
            for e in &found {
                evaluation::tell(&mut report, e);
            }
            all.extend(found);
        }
        let judged = goals::judge(&extras, &all, config);
        rows::write(cx.place, &record, decision, &all, config)?;
        if rows::write_goals(cx.place, &record, &judged)? {
            report.wrote(cx.place.dvh_goals());
        }
        // A stored histogram is that of its own dose: of a sum there is none.
        let stored = match loaded.as_slice() {
            [only] => only.stored.as_slice(),
            _ => &[],
        };
        let compared = stored::compared(stored, &all, &|r| by_number(&r.region));
        if rows::write_compared(cx.place, &record, &compared)? {
            report.wrote(cx.place.dvh_compare());
        }
        summary::write(cx.place, &record, decision, &all, &judged)?;
        for path in [cx.place.dvh_metrics(), cx.place.dvh_curves(), cx.place.dvh_qc()] {
            report.wrote(path);
        }
        Ok(report)
    }
}
