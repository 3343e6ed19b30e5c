//! Driver of the segment stage: reads the planning CT, lets an engine of rt-seg work, writes one label map and its names per task.
//!
//! Knows: where images and label maps lie, in which form. Must not know: how regions are found. Outputs of a task are
//! `seg/<engine>-<task>/labels.nii.gz` and `labels.json` ([`rt_course::sidecar::LabelIndex`]); they exist after every run, also when nothing was found or the
//! engine refused the image: then without labels and with the reason among the warnings.
//!
//! ```
//! use rt_cli::Stage;
//! use rt_segment_cli::Segment;
//! let dir = tempfile::tempdir()?;
//! let course = rt_course::Cohort::new(dir.path())?.course("P01", "C1")?;
//! let outputs = Segment.outputs(&course, &Default::default());
//! assert!(outputs[0].ends_with("P01/C1/seg/classical-body/labels.nii.gz"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod files;
mod image;
mod process;
mod slots;
mod total;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use rt_cli::{Failure, Input, Stage, StageContext, StageReport};
use rt_course::manifest::{CourseRecord, SCHEMA_VERSION, Warning};
use rt_course::sidecar::{LabelEntry, LabelIndex};
use rt_course::{CourseDir, write_atomic, write_json};
use rt_image::{LabelMap, Volume, VolumeView};
use rt_nifti::{Encoding, WriteOptions, label_table};
use rt_seg::{
    ClassicalTask, Devices, Embedded, Engine, Finding, ImageFact, RunError, SegConfig, SegPlan, SegSections, Segmentation, Step,
    StepOutcome, classical, execute, harvest, plan,
};
use total::{Program, Total};

/// The segment stage.
#[derive(Debug, Clone, Copy)]
pub struct Segment;

impl Stage for Segment {
    const NAME: &'static str = "segment";
    const FORMAT: u32 = 1;
    const SECTIONS: &'static [&'static str] = &["segmentation", "custom_models"];
    type Config = SegSections;

    fn inputs(&self, course: &CourseDir, config: &SegSections) -> Vec<Input> {
        let engine = match config.segmentation.engine {
            Engine::TotalSegmentator => Input::value("totalsegmentator", &Program::identity(&config.segmentation)),
            _ => Input::value("classical engine", classical::VERSION),
        };
        vec![
            Input::json(course.course_json(), "organize", &["/images"]),
            Input::optional(course.ct()),
            engine,
        ]
    }

    fn outputs(&self, course: &CourseDir, config: &SegSections) -> Vec<Utf8PathBuf> {
        let config = &config.segmentation;
        // Without an engine, or without a CT, the stage is skipped and has none of these.
        let tasks: Vec<&str> = match config.engine {
            Engine::TotalSegmentator => config.total_tasks().into_iter().map(|t| t.name).collect(),
            _ => config.classical_tasks().into_iter().map(ClassicalTask::name).collect(),
        };
        tasks
            .iter()
            .filter_map(|task| course.seg_task(config.engine.name(), task).ok())
            .flat_map(|folder| [CourseDir::seg_labels(&folder), CourseDir::seg_names(&folder)])
            .collect()
    }

    fn threads(&self, config: &SegSections, available: usize) -> usize {
        config
            .segmentation
            .threads_per_worker
            .given()
            .map_or(available, |n| n.min(available))
    }

    fn run(&self, cx: &StageContext<'_>, config: &SegSections) -> Result<StageReport, anyhow::Error> {
        let record = cx.record()?;
        let devices = slots::devices(&config.segmentation.devices);
        let plan = plan(&config.segmentation, &images(&record), &devices)?;
        let steps = match &plan {
            SegPlan::Nothing(why) => return Ok(StageReport::skipped(why.clone())),
            SegPlan::Steps(steps) => steps,
        };
        let Some(ct) = record.planning_ct() else {
            return Ok(StageReport::skipped("the course has no planning CT"));
        };
        let path = cx.place.file(&ct.nifti)?;
        let ct = image::read_ct(path.as_std_path()).map_err(|error| {
            let code = error.code();
            Failure::damaged(&path, "organize", code, error)
        })?;
        let outcomes = match config.segmentation.engine {
            Engine::TotalSegmentator => external(cx, &config.segmentation, devices, ct.view(), &path, &plan)?,
            _ => execute(&plan, &mut Embedded::new(ct.view(), &plan), cx.progress)?,
        };
        let mut report = StageReport::new();
        for (step, outcome) in steps.iter().zip(outcomes) {
            let folder = cx.place.seg_task(step.engine.name(), step.task.name())?;
            publish(&folder, step, outcome, ct.view().grid(), &mut report)?;
        }
        Ok(report)
    }
}

/// Runs the steps of an external engine: everything it needs is looked for before the first of them begins.
fn external(
    cx: &StageContext<'_>,
    config: &SegConfig,
    devices: Devices,
    ct: VolumeView<'_, i16>,
    image: &Utf8Path,
    plan: &SegPlan,
) -> Result<Vec<Result<StepOutcome, RunError>>, anyhow::Error> {
    let program = Program::find(config)?;
    let scratch = tempfile::Builder::new().prefix(".tmp-segment-").tempdir_in(cx.place.root())?;
    let mut runner = Total {
        program,
        config,
        devices,
        ct,
        image,
        scratch: scratch.path(),
        logs: &cx.place.root().join("logs"),
        threads: config.threads_per_worker.unwrap_or_else(rayon::current_num_threads),
        who: cx.place.token(),
    };
    Ok(execute(plan, &mut runner, cx.progress)?)
}

/// The images of a course, as a plan sees them.
fn images(record: &CourseRecord) -> Vec<ImageFact> {
    let planning = record.planning_ct().map(|i| i.nifti.as_str());
    let fact = |image: &rt_course::manifest::ImageRecord| ImageFact {
        name: image.nifti.clone(),
        modality: image.modality.clone(),
        is_planning_ct: planning == Some(image.nifti.as_str()),
    };
    record.images.iter().map(fact).collect()
}

/// Checks what a step gave and writes label map and names; a refusal of the embedded engine becomes an empty label map that says why.
fn publish(
    folder: &Utf8Path,
    step: &Step,
    outcome: Result<StepOutcome, RunError>,
    grid: &std::sync::Arc<rt_core::Grid>,
    report: &mut StageReport,
) -> Result<(), anyhow::Error> {
    let name = step.task.name();
    let mut index = LabelIndex {
        schema_version: SCHEMA_VERSION,
        engine: step.engine.name().into(),
        engine_version: String::new(),
        task: name.into(),
        image: step.image.clone(),
        source: "AutoRTS".into(),
        parameters: indexmap::IndexMap::new(),
        labels: Vec::new(),
        warnings: Vec::new(),
    };
    let result = outcome.map_err(|e| (e.code(), e.to_string())).and_then(|outcome| {
        index.engine_version = outcome.engine_version;
        index.parameters = outcome.parameters.into_iter().collect();
        index.warnings = outcome.findings.iter().map(warning).collect();
        harvest(step, outcome.labels, grid).map_err(|e| (e.code(), e.to_string()))
    });
    let empty = || LabelMap {
        volume: Volume::filled(std::sync::Arc::clone(grid), 0),
        labels: Vec::new(),
    };
    match result {
        Ok(segmentation) => {
            index.labels = entries(&segmentation);
            write_labels(&CourseDir::seg_labels(folder), &segmentation.labels)?;
            for w in &index.warnings {
                tracing::info!(event = "note", item = name, code = w.code, "{}", w.detail);
            }
            report.done(name);
        }
        // An external engine may succeed the next time: nothing is marked as done.
        Err((code, message)) if step.engine != Engine::Classical => return Err(Failure::new(code, message).into()),
        Err((code, message)) => {
            index.warnings.push(Warning {
                code: code.into(),
                detail: message.clone(),
            });
            write_labels(&CourseDir::seg_labels(folder), &empty())?;
            report.failed(name, code, message);
        }
    }
    write_json(CourseDir::seg_names(folder), &index)?;
    Ok(())
}

fn warning(finding: &Finding) -> Warning {
    Warning {
        code: finding.code.into(),
        detail: finding.detail.clone(),
    }
}

fn entries(segmentation: &Segmentation) -> Vec<LabelEntry> {
    let entry = |r: &rt_seg::Region| LabelEntry {
        value: r.value,
        name: r.name.clone(),
        voxels: r.voxels,
        volume_cc: r.volume_cc,
    };
    segmentation.regions.iter().map(entry).collect()
}

/// Writes a label map by the publish protocol: `u8` where the values allow it, names in the header too.
fn write_labels(path: &Utf8Path, map: &LabelMap) -> Result<(), anyhow::Error> {
    let names: Vec<(u16, &str)> = map.labels.iter().map(|l| (l.value, l.name.as_str())).collect();
    let options = WriteOptions {
        encoding: Encoding::of_path(path.as_std_path()),
        extensions: vec![label_table(&names)],
        ..WriteOptions::default()
    };
    let small: Option<Volume<u8>> = names
        .iter()
        .all(|(value, _)| u8::try_from(*value).is_ok())
        .then(|| map.volume.map(|v| u8::try_from(*v).unwrap_or(u8::MAX)));
    write_atomic(path, |file| {
        let written = match &small {
            Some(volume) => rt_nifti::write_to(file, volume.view(), &options),
            None => rt_nifti::write_to(file, map.volume.view(), &options),
        };
        written.map_err(std::io::Error::other)
    })
    .with_context(|| format!("cannot write the label map {path}"))
}
