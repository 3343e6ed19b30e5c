//! Driver of the structures stage: contours and label maps of a course become masks on the planning CT's grid.
//!
//! Knows: where a course keeps its files, which structures are taken. Must not know: how contours are filled (rt-image), how
//! structures are derived (rt-structures). Reads `course.json`, `contours/*.parquet`, `seg/*`; writes `structures/masks.nii.gz`
//! (4-D, one layer for each set of disjoint structures), `masks.json`, `partial.json`, and for other programs `RS_auto.dcm`,
//! `RS_custom.dcm` and `SEG_auto.dcm`.
//! Sources: `design/architecture.md` sections 5 to 7, `design/contract.md` ("Structures and numbers"), `spec/ingest.md` 2.7 to 2.10.

pub mod automatic;
pub mod codes;
pub mod derived;
pub mod export;
pub mod manual;
pub mod output;
pub mod recipes;
pub mod region;

use std::sync::Arc;

use anyhow::Context;
use camino::Utf8PathBuf;
use rt_cli::{Input, Stage, StageContext, StageReport};
use rt_course::sidecar::ImageSidecar;
use rt_course::{CourseDir, read_json};
use rt_structures::StructuresConfig;

use crate::automatic::Segmentation;
use crate::recipes::{Names, RecipeChoice};
use crate::region::Region;

/// The structures stage of a course.
#[derive(Debug, Clone, Copy, Default)]
pub struct Structures;

impl Stage for Structures {
    const NAME: &'static str = "structures";
    const FORMAT: u32 = 2;
    const SECTIONS: &'static [&'static str] = &["structures"];
    type Config = StructuresConfig;

    fn inputs(&self, course: &CourseDir, config: &StructuresConfig) -> Vec<Input> {
        let mut inputs = vec![Input::json(course.course_json(), "organize", &["/images", "/structure_sets"])];
        // A course.json that cannot be read is reported by the input above, or by the run.
        if let Ok(record) = course.read_record() {
            let facts = record.planning_ct().and_then(|ct| course.file(&ct.sidecar).ok());
            let pointers = &["/grid", "/series_uid", "/frame_of_reference", "/slices"];
            let header = facts.as_ref().and_then(|path| read_json::<ImageSidecar>(path).ok());
            inputs.extend(facts.map(|path| Input::json(path, "organize", pointers)));
            let header = header.and_then(|f| export::header_file(course, &record, &f));
            inputs.extend(header.filter(|_| config.writes_dicom()).map(Input::optional));
            let contours = record.primary_structures().and_then(|set| course.file(&set.contours).ok());
            inputs.extend(contours.map(|path| Input::required(path, "organize")));
        }
        for folder in automatic::folders(course) {
            inputs.push(Input::optional(CourseDir::seg_labels(&folder)));
            inputs.push(Input::optional(CourseDir::seg_names(&folder)));
        }
        inputs.extend(RecipeChoice::of(config).inputs());
        inputs.extend(Names::inputs(config));
        inputs
    }

    fn outputs(&self, course: &CourseDir, _config: &StructuresConfig) -> Vec<Utf8PathBuf> {
        vec![course.masks(), course.masks_json(), course.partial()]
    }

    fn run(&self, cx: &StageContext<'_>, config: &StructuresConfig) -> Result<StageReport, anyhow::Error> {
        // What the user asked for is read first: a fault in it is heard before any work.
        let recipe = RecipeChoice::of(config).load()?;
        let names = Names::load(config)?;
        let record = cx.record()?;
        let Some(ct) = record.planning_ct() else {
            return Ok(StageReport::skipped("the course has no planning CT"));
        };
        let facts: ImageSidecar = read_json(&cx.place.file(&ct.sidecar)?)?;
        let grid = Arc::new(facts.grid.clone());
        let mut report = StageReport::new();
        let mut regions: Vec<Region> = Vec::new();
        if let Some(set) = record.primary_structures() {
            let path = cx.place.file(&set.contours)?;
            regions.extend(manual::regions(&path, set, ct, &grid, cx.progress)?);
        }
        for folder in automatic::folders(cx.place) {
            stop_if_asked(cx)?;
            match Segmentation::read(cx.place, &folder).map(|s| s.regions(&grid)) {
                Ok(found) => regions.extend(found),
                Err(e) => report.failed(automatic::origin(&folder), "structures.segmentation_unreadable", format!("{e:#}")),
            }
        }
        if regions.is_empty() && report.items().is_empty() {
            return Ok(StageReport::skipped("the course has neither a structure set nor a segmentation"));
        }
        stop_if_asked(cx)?;
        let made = derived::regions(&recipe, &regions, &grid, names.clone(), config, cx.progress);
        regions.extend(made);
        for region in &mut regions {
            names
                .canonical(&region.entry.original_name)
                .unwrap_or_default()
                .clone_into(&mut region.entry.standard_name);
        }
        stop_if_asked(cx)?;
        output::write(cx.place, &ct.nifti, &grid, &mut regions).context("the masks could not be written")?;
        stop_if_asked(cx)?;
        export::write(cx.place, &record, ct, &facts, &regions, config, &mut report).context("the DICOM objects could not be written")?;
        for region in &regions {
            region.report(&mut report);
        }
        Ok(report)
    }
}

fn stop_if_asked(cx: &StageContext<'_>) -> Result<(), anyhow::Error> {
    anyhow::ensure!(!cx.progress.cancelled(), "stopped before the masks were complete");
    Ok(())
}
