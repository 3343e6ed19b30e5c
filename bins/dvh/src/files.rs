//! `rt-dvh files`: the figures of plain DICOM files, on standard output.
//!
//! The same engine, the same columns and the same rules as in a course; only the way in and out differs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, ValueEnum};
use indexmap::IndexMap;
use rt_cli::{CommonArgs, Exit, Failure, Machine, Resources, Settings};
use rt_core::Silent;
use rt_course::sidecar::StoredHistogram;
use rt_dicom::{Dose, DoseUnits, MetaCache, Plan, ScanOptions, StructureSet};
use rt_dvh::{DvhConfig, FrameMismatch, Status};
use rt_records::csv::{CsvEncoding, CsvWriter};
use rt_records::table::TableBuilder;
use rt_records::tables::dvh as t;
use serde::Serialize;

use crate::columns::{columns, extra_columns, figures, identity, reference_columns};
use crate::doses::{Evaluated, Part};
use crate::evaluation::{Evaluation, Outcome, Setting, evaluate};
use crate::goals::{Judged, judge};
use crate::prescription::{Level, Prescribed};
use crate::regions::{Region, Shape};
use crate::settings::Extras;
use crate::stored::{StoredResult, compared};

/// Form of the result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One object with figures and curve of each structure.
    #[default]
    Json,
    /// The rows of `dvh_metrics`.
    Csv,
}

/// Arguments of `rt-dvh files`.
#[derive(Debug, Clone, Args)]
pub struct FilesArgs {
    /// Structure set (RTSTRUCT)
    #[arg(long, value_name = "FILE")]
    pub structures: PathBuf,
    /// Dose (RTDOSE); repeat it to add doses
    #[arg(long, value_name = "FILE", required = true)]
    pub dose: Vec<PathBuf>,
    /// Plan (RTPLAN) that the prescription is taken from
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Folder of the image that the structures were drawn on: thickness of structures drawn on one slice
    #[arg(long, value_name = "DIR")]
    pub image: Option<PathBuf>,
    /// Name or number of a structure; repeat it for more [default: all]
    #[arg(long, value_name = "NAME")]
    pub roi: Vec<String>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// Arguments of every command.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// One structure of the JSON form.
#[derive(Debug, Clone, Serialize)]
pub struct RoiResult {
    /// `ROIName`.
    pub name: String,
    /// `ROINumber`.
    pub number: Option<i32>,
    /// `course EQD2` or `course BED`; nothing for the dose itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dose: Option<String>,
    /// `ok`, `partial`, `skipped` or `failed`.
    pub status: &'static str,
    /// The reason when it is not `ok`.
    pub error_code: Option<&'static str>,
    /// Volume of the whole structure, cm3.
    pub volume_cc: Option<f64>,
    /// Share of it inside the dose grid.
    pub covered_fraction: Option<f64>,
    /// Figures by column of `dvh_metrics`; empty when there are none.
    pub metrics: IndexMap<String, Option<f64>>,
    /// Bin edges of the curve, Gy.
    pub dose_gy: Vec<f64>,
    /// Share of the covered volume with at least the dose of the edge.
    pub volume_fraction: Vec<f64>,
    /// What is worth knowing, `code: detail`.
    pub warnings: Vec<String>,
}

/// The JSON form.
#[derive(Debug, Clone, Serialize)]
pub struct FilesResult {
    /// Structures in stored order, once for each dose.
    pub rois: Vec<RoiResult>,
    /// Clinical goals, when `dvh.goals` names some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub goals: Vec<GoalResult>,
    /// Histograms that the planning system stored in the dose, beside ours.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stored_dvhs: Vec<StoredResult>,
}

/// One goal held against one structure, as in the table `dvh_goals`.
#[derive(Debug, Clone, Serialize)]
pub struct GoalResult {
    /// Name of the set of goals.
    pub goals: String,
    /// Structure that the goal names.
    pub goal_roi: String,
    /// `ROIName` of the structure; none when no structure fits.
    pub name: Option<String>,
    /// `ROINumber`.
    pub number: Option<i32>,
    /// Figure, side and limit.
    pub goal: String,
    /// Unit of value, limit, margin and half-range.
    pub unit: &'static str,
    /// The weaker limit.
    pub acceptable_limit: Option<f64>,
    /// What the structure has.
    pub value: Option<f64>,
    /// `pass`, `acceptable`, `fail` or `not_evaluable`.
    pub result: &'static str,
    /// Distance to the limit, positive on the good side.
    pub margin: Option<f64>,
    /// Half the distance between the two readings of the contours.
    pub half_range: Option<f64>,
    /// Why it is not evaluable.
    pub reason: &'static str,
    /// What is to be avoided or reached.
    pub endpoint: String,
    /// Publication.
    pub source: String,
}

/// Evaluates the files and prints the result.
///
/// # Errors
/// Files that cannot be read or do not belong together, a `--roi` that no structure has, each with its code.
pub fn run(args: &FilesArgs, settings: &Settings) -> Result<Exit, anyhow::Error> {
    let config: DvhConfig = settings.document.section("dvh")?;
    let threads = Resources::for_one(&settings.resources, Machine::detect()).threads;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .context("cannot start threads")?;
    let measured = pool.install(|| measure(args, &config))?;
    let text = match args.format {
        Format::Csv => csv(&measured.rows, &config)?,
        Format::Json => serde_json::to_string(&result(&measured, &config)).context("cannot write the result as JSON")?,
    };
    rt_cli::command::say(text.trim_end())?;
    let failed = |row: &Evaluation| matches!(row.outcome, Outcome::Refused { status, .. } if status == Status::Failed.as_str());
    Ok(if measured.rows.iter().any(failed) {
        Exit::Partial
    } else {
        Exit::Done
    })
}

/// The JSON form of plain files, for callers in the same process.
///
/// # Errors
/// As [`run`].
pub fn evaluated(args: &FilesArgs, config: &DvhConfig) -> Result<FilesResult, anyhow::Error> {
    Ok(result(&measure(args, config)?, config))
}

fn measure(args: &FilesArgs, config: &DvhConfig) -> Result<Measured, anyhow::Error> {
    let ((structures, doses), plan) = rayon::join(
        || rayon::join(|| read_structures(&args.structures), || read_doses(&args.dose, config)),
        || args.plan.as_deref().map(read_plan).transpose(),
    );
    let (structures, doses, plan) = (structures?, doses?, plan?);
    let slice_mm = args
        .image
        .as_deref()
        .map(|dir| slice_spacing(dir, &structures))
        .transpose()?
        .flatten();
    let extras = Extras::load(config)?;
    let mut regions = regions(args, structures, slice_mm)?;
    for region in &mut regions {
        region.standard_name = extras.standard_name(&region.original_name);
    }
    let regions: Vec<Arc<Region>> = regions.into_iter().map(Arc::new).collect();
    let dose = summed(&doses, plan.as_ref(), config);
    let setting = Setting {
        config,
        extras: &extras,
        by_number: &|_| true,
        progress: &Silent,
    };
    let mut rows = Vec::new();
    for dose in dose.with_biological(config) {
        rows.extend(evaluate(&dose, &regions, setting)?);
    }
    let goals = judge(&extras, &rows, config).iter().map(goal_result).collect();
    let stored = match doses.as_slice() {
        [only] => only.header.stored_dvhs.iter().map(histogram).collect(),
        _ => Vec::new(),
    };
    let stored = compared(&stored, &rows, &|_| true).iter().map(StoredResult::from).collect();
    Ok(Measured { rows, goals, stored })
}

/// Rows of all doses, and the goals held against them.
struct Measured {
    rows: Vec<Evaluation>,
    goals: Vec<GoalResult>,
    stored: Vec<StoredResult>,
}

fn histogram(stored: &rt_dicom::StoredDvh) -> StoredHistogram {
    StoredHistogram {
        rois: stored.rois.clone(),
        excludes: stored.excludes,
        dose_units: stored.dose_units.clone(),
        volume_units: stored.volume_units.clone(),
        dose: stored.dose.clone(),
        volume: stored.volume.clone(),
    }
}

fn goal_result(judged: &Judged<'_>) -> GoalResult {
    let (goal, j) = (judged.goal, &judged.judgement);
    GoalResult {
        goals: judged.set.to_owned(),
        goal_roi: goal.roi.as_str().to_owned(),
        name: judged.row.map(|r| r.region.original_name.clone()),
        number: judged.row.and_then(|r| r.region.number),
        goal: goal.goal.to_string(),
        unit: goal.goal.metric.unit(),
        acceptable_limit: goal.acceptable,
        value: j.value,
        result: j.verdict.as_str(),
        margin: j.margin,
        half_range: j.half_range,
        reason: j.reason,
        endpoint: goal.endpoint.clone(),
        source: goal.source.clone(),
    }
}
fn read_structures(path: &Path) -> Result<StructureSet, anyhow::Error> {
    rt_dicom::read_structures(path).map_err(|e| {
        Failure::new(e.code(), e.to_string())
            .hint("give an RTSTRUCT file with --structures")
            .into()
    })
}

fn read_plan(path: &Path) -> Result<Plan, anyhow::Error> {
    rt_dicom::read_plan(path).map_err(|e| Failure::new(e.code(), e.to_string()).hint("give an RTPLAN file with --plan").into())
}

/// The doses that are added: each object once, and no beam dose whose plan's dose is there too.
fn read_doses(paths: &[PathBuf], config: &DvhConfig) -> Result<Vec<Dose>, anyhow::Error> {
    let mut doses: Vec<Dose> = Vec::new();
    for path in paths {
        let dose = rt_dicom::read_dose(path).map_err(|e| Failure::new(e.code(), e.to_string()).hint("give an RTDOSE file with --dose"))?;
        if doses
            .iter()
            .any(|d| !d.header.sop_uid.is_empty() && d.header.sop_uid == dose.header.sop_uid)
        {
            tracing::warn!(
                event = "warn",
                code = "dose.duplicate",
                "{}: the same dose object again, counted once",
                path.display()
            );
        } else {
            doses.push(dose);
        }
    }
    let whole: Vec<String> = doses
        .iter()
        .filter(|d| d.header.summation.starts_with("PLAN"))
        .flat_map(|d| d.header.plans.iter().cloned())
        .collect();
    doses.retain(|d| {
        let part = matches!(
            d.header.summation.as_str(),
            "BEAM" | "BEAM_SESSION" | "CONTROL_POINT" | "FRACTION" | "FRACTION_SESSION"
        );
        let held = part && !d.header.plans.is_empty() && d.header.plans.iter().all(|p| whole.contains(p));
        if held {
            let (kind, uid) = (&d.header.summation, &d.header.sop_uid);
            tracing::warn!(
                event = "warn",
                code = "dose.part_of_plan",
                "{kind} dose {uid} left out: the dose of its plan is there and holds it"
            );
        }
        !held
    });
    one_frame(&doses, config)?;
    Ok(doses)
}

/// Doses of different frames of reference are not added.
fn one_frame(doses: &[Dose], config: &DvhConfig) -> Result<(), anyhow::Error> {
    let mut frames: Vec<&str> = doses
        .iter()
        .map(|d| d.header.frame_uid.as_str())
        .filter(|f| !f.is_empty())
        .collect();
    frames.sort_unstable();
    frames.dedup();
    if frames.len() > 1 && config.frame_mismatch == FrameMismatch::Refuse {
        let message = format!("the doses stand in different frames of reference: {}", frames.join(", "));
        return Err(Failure::new("dvh.frame_mismatch", message)
            .hint("add doses of one frame, or use --set dvh.frame_mismatch=same_patient when their positions are known to agree")
            .into());
    }
    Ok(())
}

fn slice_spacing(folder: &Path, structures: &StructureSet) -> Result<Option<f64>, anyhow::Error> {
    let index = rt_dicom::scan(&[folder.to_path_buf()], &mut MetaCache::default(), &ScanOptions::default(), &Silent)
        .map_err(|e| Failure::new(e.code(), e.to_string()).hint("give the folder of the image's DICOM files with --image"))?;
    let spacing = rt_dicom::slice_spacing_mm(&index, &structures.series);
    if spacing.is_none() {
        tracing::warn!(
            event = "warn",
            code = "dvh.no_image",
            "{}: no image series with two slices",
            folder.display()
        );
    }
    Ok(spacing)
}

fn regions(args: &FilesArgs, set: StructureSet, slice_mm: Option<f64>) -> Result<Vec<Region>, anyhow::Error> {
    let wanted = |roi: &rt_dicom::Roi, name: &str| roi.name == name || roi.number.to_string() == name;
    for name in &args.roi {
        if !set.rois.iter().any(|r| wanted(r, name)) {
            let names: Vec<&str> = set.rois.iter().map(|r| r.name.as_str()).collect();
            let message = format!("{}: no structure \"{name}\"", args.structures.display());
            return Err(Failure::usage("dvh.unknown_roi", message)
                .hint(format!("there are: {}", names.join(", ")))
                .into());
        }
    }
    let sop_uid = set.sop_uid;
    let chosen = set
        .rois
        .into_iter()
        .filter(|r| args.roi.is_empty() || args.roi.iter().any(|n| wanted(r, n)));
    let region = |roi: rt_dicom::Roi| {
        let name = if roi.name.is_empty() {
            format!("ROI {}", roi.number)
        } else {
            roi.name
        };
        Region {
            source: "Manual".to_owned(),
            origin: sop_uid.clone(),
            number: Some(roi.number),
            original_name: name.clone(),
            standard_name: None,
            name,
            interpreted_type: roi.interpreted_type,
            frame_of_reference: roi.frame_uid,
            cropped: false,
            is_plan_referenced: false,
            shape: Shape::Contours(roi.contours),
            slice_mm,
        }
    };
    Ok(chosen.map(region).collect())
}

/// The sum of the doses with its prescription. Fractions are those of the plan, for doses that refer to it or to nothing.
fn summed<'a>(doses: &'a [Dose], plan: Option<&Plan>, config: &DvhConfig) -> Evaluated<'a> {
    let relative = doses.iter().any(|d| d.header.units == DoseUnits::Relative);
    let scale = |dose: &Dose| match dose.header.units {
        DoseUnits::Gy => 1.0,
        DoseUnits::Relative => config.relative_reference_gy.unwrap_or(100.0) / 100.0,
    };
    let fractions = |dose: &Dose| {
        let own = plan.filter(|p| dose.header.plans.is_empty() || dose.header.plans.contains(&p.sop_uid));
        own.and_then(Plan::fractions).filter(|n| *n > 0).map(f64::from)
    };
    let part = |dose: &'a Dose| Part {
        dose: dose.volume.view(),
        scale: scale(dose),
        fractions: fractions(dose),
        scaling: Some(dose.header.scaling),
    };
    let usable = !relative || config.relative_reference_gy.is_some();
    let rx = plan.map(Plan::rx);
    let level = |l: &rt_dicom::RxLevel| Level {
        roi: l.roi,
        name: l.description.clone(),
        gy: l.gy,
    };
    Evaluated {
        name: "course".to_owned(),
        parts: usable.then(|| doses.iter().map(part).collect()),
        biological: None,
        prescribed: Prescribed {
            total_gy: rx.as_ref().and_then(|r| r.total_gy),
            source: rx.as_ref().map_or("none", |r| r.source.name()).to_owned(),
            levels: rx.iter().flat_map(|r| &r.levels).map(level).collect(),
        },
        frame_of_reference: doses
            .iter()
            .map(|d| d.header.frame_uid.clone())
            .find(|f| !f.is_empty())
            .unwrap_or_default(),
    }
}

fn result(measured: &Measured, config: &DvhConfig) -> FilesResult {
    FilesResult {
        rois: measured.rows.iter().map(|row| roi_result(row, config)).collect(),
        goals: measured.goals.clone(),
        stored_dvhs: measured.stored.clone(),
    }
}

fn roi_result(row: &Evaluation, config: &DvhConfig) -> RoiResult {
    let mut out = RoiResult {
        name: row.region.original_name.clone(),
        number: row.region.number,
        dose: row.alpha_beta.map(|_| row.dose.clone()),
        status: Status::Ok.as_str(),
        error_code: None,
        volume_cc: None,
        covered_fraction: None,
        metrics: IndexMap::new(),
        dose_gy: Vec::new(),
        volume_fraction: Vec::new(),
        warnings: Vec::new(),
    };
    match &row.outcome {
        Outcome::Computed(found) => {
            let dvh = &found.dvh;
            out.status = dvh.status().as_str();
            out.error_code = (dvh.status() == Status::Partial).then_some("dvh.partial_coverage");
            out.volume_cc = Some(dvh.volume.value());
            out.covered_fraction = Some(dvh.covered_fraction());
            out.metrics = columns(found).into_iter().collect();
            if let Some(wall) = &row.surface {
                let mean = (t::SURFACE_DMEAN_GY.name.to_string(), Some(wall.distribution.mean()));
                out.metrics
                    .extend([(t::SURFACE_CM2.name.to_string(), Some(wall.area_mm2 / 100.0)), mean]);
            }
            if let Some(response) = &row.response {
                let figures = [(&t::NTCP_PERCENT, response.ntcp), (&t::TCP_PERCENT, response.tcp)];
                let given = figures.into_iter().filter(|(_, v)| v.is_some());
                out.metrics.extend(given.map(|(column, v)| (column.name.to_string(), v)));
            }
            let curve = dvh.distribution.curve_cc(config.bin_width_gy);
            let whole = dvh.distribution.volume_mm3() / 1000.0;
            out.dose_gy = (0..curve.len()).map(|k| k as f64 * config.bin_width_gy).collect();
            out.volume_fraction = curve.iter().map(|v| v / whole).collect();
            out.warnings = dvh.warnings.iter().map(|w| format!("{}: {}", w.code, w.detail)).collect();
        }
        Outcome::Reference(found, values) => {
            out.volume_cc = Some(found.volume_cc());
            out.metrics = reference_columns(values).into_iter().collect();
            let curve = found.cumulative_cc();
            out.dose_gy = (0..curve.len()).map(|k| k as f64 * 0.01).collect();
            out.volume_fraction = curve.iter().map(|v| v / found.volume_cc()).collect();
        }
        Outcome::Refused {
            status,
            code,
            message,
            volume_cc,
            covered_fraction,
        } => {
            out.status = status;
            out.error_code = Some(code);
            out.volume_cc = *volume_cc;
            out.covered_fraction = *covered_fraction;
            out.warnings.push(format!("{code}: {message}"));
        }
    }
    out
}

fn csv(rows: &[Evaluation], config: &DvhConfig) -> Result<String, anyhow::Error> {
    let schema = t::schema_with(extra_columns(config));
    let mut builder = TableBuilder::new(&schema);
    for row in rows {
        let mut out = builder.row();
        identity(&mut out, row);
        figures(&mut out, &row.outcome);
    }
    let mut writer = CsvWriter::new(Vec::new(), &schema, CsvEncoding::default())?;
    writer.write(&builder.finish()?)?;
    String::from_utf8(writer.finish()?).context("the table is no text")
}
