//! `rt-segment files`: one CT in, one label map and its names out, outside any course.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use camino::Utf8PathBuf;
use clap::Args;
use rt_cli::command::say;
use rt_cli::resources::{Machine, Resources};
use rt_cli::{CommonArgs, Exit, Failure, Settings};
use rt_core::Silent;
use rt_course::manifest::{SCHEMA_VERSION, Warning};
use rt_course::{AtomicFile, write_json};
use rt_image::{Label, LabelMap, Volume};
use rt_seg::{Devices, Embedded, Engine, ImageFact, SegPlan, SegSections, Step, StepOutcome, execute, harvest, plan};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::image::read_ct;
use crate::{warning, write_labels};

/// Arguments of `rt-segment files`.
#[derive(Debug, Args)]
pub struct FilesArgs {
    /// The CT: NIfTI, raw or gzip, in HU
    #[arg(long, value_name = "FILE")]
    pub image: PathBuf,
    /// Who segments [default: that of the configuration, classical]
    #[arg(long, value_name = "NAME")]
    pub engine: Option<String>,
    /// What to find: body, lungs or bones; may repeat [default: all]
    #[arg(long = "task", value_name = "NAME")]
    pub tasks: Vec<String>,
    /// Folder of a model package, for engines that need one
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Label map to write (.nii or .nii.gz); the names go to the same name with .json, and to standard output
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// Devices: auto, cpu or numbers such as 0,1
    #[arg(long, value_name = "DEVICES")]
    pub seg_devices: Option<String>,
    /// Arguments of every command.
    #[command(flatten)]
    pub common: CommonArgs,
}

impl FilesArgs {
    /// The common arguments with those settings that the others stand for.
    pub fn settings(&self) -> CommonArgs {
        let mut common = self.common.clone();
        let text = rt_config::text_assignment;
        common.set.extend(self.engine.as_ref().map(|e| text("segmentation.engine", e)));
        common
            .set
            .extend(self.seg_devices.as_ref().map(|d| text("segmentation.devices", d)));
        common
            .set
            .extend(self.model.as_ref().map(|m| text("segmentation.model_dir", &m.to_string_lossy())));
        if !self.tasks.is_empty() {
            let list: Vec<Value> = self.tasks.iter().map(|t| Value::String(t.clone())).collect();
            common.set.push(format!("segmentation.tasks={}", Value::Array(list)));
        }
        common
    }
}

/// What is written beside the label map, and printed.
#[derive(Debug, Serialize)]
struct FilesIndex {
    schema_version: u32,
    engine: String,
    engine_version: String,
    tasks: Vec<String>,
    image: String,
    parameters: Map<String, Value>,
    labels: Vec<FilesLabel>,
    warnings: Vec<Warning>,
}

/// One region. Regions may lie inside each other, a file of one value a voxel cannot say so: where they do, the later one is in the file, and
/// `includes` lists the values that belong to this region too. `voxels` and `volume_cc` are those of the whole region.
#[derive(Debug, Serialize)]
struct FilesLabel {
    value: u16,
    name: String,
    voxels: usize,
    volume_cc: f64,
    includes: BTreeSet<u16>,
}

/// Segments one image file.
///
/// # Errors
/// When the configuration cannot be used, the image cannot be read or segmented, or the output cannot be written.
pub fn run(args: &FilesArgs, settings: &Settings) -> Result<Exit, anyhow::Error> {
    let sections: SegSections = settings.document.sections(&["segmentation", "custom_models"])?;
    let image = ImageFact {
        name: args.image.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        modality: "CT".into(),
        is_planning_ct: true,
    };
    let plan = plan(&sections.segmentation, &[image], &Devices::default())?;
    let SegPlan::Steps(steps) = &plan else {
        return Err(Failure::usage("usage.engine", "the engine \"none\" segments nothing")
            .hint("give --engine classical")
            .into());
    };
    if sections.segmentation.engine == Engine::TotalSegmentator {
        return Err(Failure::usage("usage.engine", "`rt-segment files` runs the engine \"classical\"")
            .hint("run TotalSegmentator on the file itself, or rt-segment on a course")
            .into());
    }
    if args.common.dry_run {
        for step in steps {
            say(&format!(
                "{} would segment {} of {}",
                step.engine.name(),
                step.task.name(),
                step.image
            ))?;
        }
        return Ok(Exit::Done);
    }
    let names_path = check(args, &sections)?;
    let shown = args.image.display();
    let ct = read_ct(&args.image).map_err(|error| {
        let code = error.code();
        Failure::new(code, format!("cannot read the image {shown}"))
            .because(error)
            .hint("give a 3-D NIfTI file (.nii or .nii.gz) in HU; `rtpipeline convert` makes one of DICOM slices")
    })?;
    let threads = Resources::for_one(&settings.resources, Machine::detect()).threads;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let results = pool.install(|| execute(&plan, &mut Embedded::new(ct.view(), &plan), &Silent))?;
    let outcomes: Vec<StepOutcome> = results.into_iter().collect::<Result<_, _>>().map_err(|error| {
        let code = error.code();
        Failure::new(code, format!("cannot segment {shown}"))
            .because(error)
            .hint("a CT in HU is expected: about -1000 in air and 0 in water")
    })?;
    let (map, index) = pool.install(|| combined(steps, outcomes, ct.view().grid()))?;
    let output = utf8(&args.output)?;
    pool.install(|| write_labels(&output, &map))?;
    write_json(&names_path, &index)?;
    say(&serde_json::to_string_pretty(&index)?)?;
    Ok(Exit::Done)
}

/// Refuses what cannot work before any work; gives the path of the names.
fn check(args: &FilesArgs, sections: &SegSections) -> Result<Utf8PathBuf, anyhow::Error> {
    if args.model.is_some() && sections.segmentation.engine == Engine::Classical {
        let message = "--model has no effect on the engine \"classical\", which needs no model";
        return Err(Failure::usage("usage.model", message).hint("leave --model away").into());
    }
    let output = utf8(&args.output)?;
    let name = output.as_str();
    let Some(stem) = name.strip_suffix(".nii.gz").or_else(|| name.strip_suffix(".nii")) else {
        let message = format!("the output {output} is no NIfTI file name");
        return Err(Failure::usage("usage.output", message).hint("end it in .nii or .nii.gz").into());
    };
    let same = |a: &Path, b: &Path| a == b || a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b));
    if same(&args.image, &args.output) {
        let message = format!("the output {output} is the image itself");
        return Err(Failure::usage("usage.output", message)
            .hint("inputs are never written to: choose another --output")
            .into());
    }
    // The folder is tried before any work; the probe is gone at once.
    AtomicFile::create(&output).map(drop).map_err(|error| {
        Failure::new("output.denied", format!("cannot write {output}"))
            .because(error)
            .hint("choose another --output, or change the permissions of its folder")
    })?;
    Ok(Utf8PathBuf::from(format!("{stem}.json")))
}

fn utf8(path: &Path) -> Result<Utf8PathBuf, anyhow::Error> {
    Utf8PathBuf::from_path_buf(path.to_owned())
        .map_err(|p| Failure::usage("usage.output", format!("the path {} is not UTF-8", p.display())).into())
}

/// One label map of all tasks: later regions lie over earlier ones.
fn combined(
    steps: &[Step],
    outcomes: Vec<StepOutcome>,
    grid: &std::sync::Arc<rt_core::Grid>,
) -> Result<(LabelMap, FilesIndex), anyhow::Error> {
    let mut volume = Volume::filled(std::sync::Arc::clone(grid), 0u16);
    let mut index = FilesIndex {
        schema_version: SCHEMA_VERSION,
        engine: steps.first().map_or_else(String::new, |s| s.engine.name().into()),
        engine_version: String::new(),
        tasks: steps.iter().map(|s| s.task.name().to_owned()).collect(),
        image: steps.first().map_or_else(String::new, |s| s.image.clone()),
        parameters: Map::new(),
        labels: Vec::new(),
        warnings: Vec::new(),
    };
    for (step, outcome) in steps.iter().zip(outcomes) {
        index.engine_version = outcome.engine_version;
        index.parameters.extend(outcome.parameters);
        index.warnings.extend(outcome.findings.iter().map(warning));
        let result = harvest(step, outcome.labels, grid)?;
        let first = index.labels.len();
        for (n, region) in result.regions.iter().enumerate() {
            index.labels.push(FilesLabel {
                value: u16::try_from(first + n + 1).unwrap_or(u16::MAX),
                name: region.name.clone(),
                voxels: region.voxels,
                volume_cc: region.volume_cc,
                includes: BTreeSet::new(),
            });
        }
        let value_of = |v: u16| {
            result
                .regions
                .iter()
                .position(|r| r.value == v)
                .map(|n| index.labels[first + n].value)
        };
        let mut covered = BTreeSet::new();
        ndarray::Zip::from(volume.data_mut())
            .and(result.labels.volume.data())
            .for_each(|out, v| {
                if let Some(value) = (*v != 0).then(|| value_of(*v)).flatten() {
                    if *out != 0 {
                        covered.insert((*out, value));
                    }
                    *out = value;
                }
            });
        for (below, above) in covered {
            if let Some(label) = index.labels.iter_mut().find(|l| l.value == below) {
                label.includes.insert(above);
            }
        }
    }
    let labels = index.labels.iter().map(|l| Label {
        value: l.value,
        name: l.name.clone(),
    });
    let labels = labels.collect();
    Ok((LabelMap { volume, labels }, index))
}
