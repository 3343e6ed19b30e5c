//! From regions and a dose to rows of the tables.

use std::io;

use rt_cli::{StageContext, StageReport};
use rt_core::{Gy, RoiName};
use rt_course::manifest::{CourseRecord, DoseDecision};
use rt_course::{CourseDir, write_atomic};
use rt_dvh::{DvhConfig, DvhError, FrameMismatch, Metric, NamedRoi, RoiDvh, RoiShape, RxSetting, Status, course, is_target, volume_of};
use rt_records::parquet::{self, FileInfo};
use rt_records::table::{RowMut, Table, TableBuilder};
use rt_records::tables::{curves, dvh as t};

use crate::doses::Evaluated;
use crate::regions::{Region, Shape};

/// One row: a region in one dose.
pub(crate) struct Evaluation {
    pub(crate) region: Region,
    pub(crate) dose: String,
    pub(crate) rx: Option<f64>,
    pub(crate) outcome: Outcome,
}

/// How the evaluation of a region ended.
pub(crate) enum Outcome {
    /// With figures.
    Computed(Box<RoiDvh>),
    /// Without, for a reason.
    Refused {
        status: &'static str,
        code: &'static str,
        message: String,
        volume_cc: Option<f64>,
        covered_fraction: Option<f64>,
    },
}

/// Evaluates all regions in one dose; what happened to each goes to the report.
///
/// # Errors
/// When the user stops the run.
pub(crate) fn evaluate(
    cx: &StageContext<'_>,
    record: &CourseRecord,
    decision: &DoseDecision,
    dose: &Evaluated<'_>,
    regions: &[Region],
    config: &DvhConfig,
    report: &mut StageReport,
) -> Result<Vec<Evaluation>, anyhow::Error> {
    let rx: Vec<Option<f64>> = regions.iter().map(|r| rx_of(record, dose, r)).collect();
    let refused: Vec<Option<Outcome>> = regions.iter().map(|r| refusal(r, decision, dose, config)).collect();
    let mut results = Vec::new();
    if let Some(field) = &dose.field {
        let open = regions.iter().zip(&rx).zip(&refused).filter(|(_, refused)| refused.is_none());
        let named = open
            .map(|((r, rx), _)| named_roi(r, *rx))
            .collect::<Result<Vec<_>, anyhow::Error>>()?;
        results = course(field, &named, config, cx.progress);
    }
    anyhow::ensure!(!cx.progress.cancelled(), "stopped by the user; run again to go on");
    let mut results = results.into_iter().map(|(_, r)| r);
    let mut rows = Vec::with_capacity(regions.len());
    for ((region, rx), refused) in regions.iter().zip(rx).zip(refused) {
        let outcome = match refused {
            Some(refused) => refused,
            None => match results.next() {
                Some(Ok(found)) => Outcome::Computed(Box::new(found)),
                Some(Err(error)) => of_error(&error),
                None => of_error(&DvhError::Cancelled),
            },
        };
        tell(report, region, &dose.name, &outcome);
        rows.push(Evaluation {
            region: region.clone(),
            dose: dose.name.clone(),
            rx,
            outcome,
        });
    }
    Ok(rows)
}

/// The level of a target that the plan names, else the prescription of the dose.
fn rx_of(record: &CourseRecord, dose: &Evaluated<'_>, region: &Region) -> Option<f64> {
    let primary = record.primary_structures().is_some_and(|s| s.id == region.origin);
    let own = record
        .prescription
        .levels
        .iter()
        .find(|l| l.roi_number.is_some() && l.roi_number == region.number);
    own.filter(|_| dose.by_target && primary).map(|l| l.gy).or(dose.rx)
}

fn named_roi(region: &Region, rx: Option<f64>) -> Result<NamedRoi<'_>, anyhow::Error> {
    Ok(NamedRoi {
        name: RoiName::new(&region.name).or_else(|_| RoiName::new("unnamed"))?,
        shape: match &region.shape {
            Shape::Contours(set) => RoiShape::Contours(set),
            Shape::Mask(mask) => RoiShape::Mask(mask),
        },
        slice_thickness_mm: region.slice_mm,
        rx: rx.map(Gy),
        is_target: is_target(&region.original_name, &region.interpreted_type),
    })
}

/// Why a region is not evaluated at all: relative dose, or another frame of reference.
fn refusal(region: &Region, decision: &DoseDecision, dose: &Evaluated<'_>, config: &DvhConfig) -> Option<Outcome> {
    let shape = match &region.shape {
        Shape::Contours(set) => RoiShape::Contours(set),
        Shape::Mask(mask) => RoiShape::Mask(mask),
    };
    let mut options = config.options();
    options.slice_thickness_mm = region.slice_mm;
    let volume_cc = || volume_of(shape, &options).ok().map(rt_core::Cc::value);
    if dose.field.is_none() {
        return Some(of_error(&DvhError::RelativeDose { volume_cc: volume_cc() }));
    }
    let (own, other) = (&region.frame_of_reference, &decision.frame_of_reference);
    let apart = !own.is_empty() && !other.is_empty() && own != other;
    (apart && config.frame_mismatch == FrameMismatch::Refuse).then(|| Outcome::Refused {
        status: Status::Failed.as_str(),
        code: "dvh.frame_mismatch",
        message: format!(
            "it stands in frame of reference {own}, the dose in {other}; export objects of one frame, or set dvh.frame_mismatch = \"same_patient\" when the positions are known to agree"
        ),
        volume_cc: volume_cc(),
        covered_fraction: None,
    })
}

fn of_error(error: &DvhError) -> Outcome {
    Outcome::Refused {
        status: error.status().as_str(),
        code: error.code(),
        message: error.to_string(),
        volume_cc: error.volume_cc(),
        covered_fraction: error.covered_fraction(),
    }
}

fn tell(report: &mut StageReport, region: &Region, dose: &str, outcome: &Outcome) {
    let name = if dose == "course" {
        format!("{} ({})", region.name, region.source)
    } else {
        format!("{} ({}, {dose})", region.name, region.source)
    };
    match outcome {
        Outcome::Computed(found) if found.dvh.status() == Status::Ok => report.done(name),
        Outcome::Computed(found) => {
            let percent = 100.0 * found.dvh.covered_fraction();
            report.partial(name, "dvh.partial_coverage", format!("{percent:.2} % of it lies in the dose grid"));
        }
        Outcome::Refused { status, code, message, .. } if *status == Status::Failed.as_str() => report.failed(name, code, message.clone()),
        Outcome::Refused { code, message, .. } => report.skip(name, code, message.clone()),
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

/// The column that a metric goes to.
fn column_of(metric: Metric) -> Option<String> {
    let fixed = match metric {
        Metric::Spread => Some(&t::SPREAD_GY),
        Metric::RelativeSpread => Some(&t::SPREAD_PERCENT),
        Metric::RelativeHomogeneity => Some(&t::HI_PERCENT),
        Metric::WholeVolume => Some(&t::VOLUME_CM3),
        Metric::IntegralDose => Some(&t::INTEGRAL_DOSE),
        _ => None,
    };
    fixed
        .map(|c| c.name.to_string())
        .or_else(|| t::metric_column(&metric.to_string()).map(|c| c.name.into_owned()))
}

fn metrics(
    record: &CourseRecord,
    decision: &DoseDecision,
    rows: &[Evaluation],
    config: &DvhConfig,
) -> Result<Table, rt_records::TableError> {
    let extra = config.metrics.iter().filter_map(|m| t::metric_column(&m.to_string()));
    let mut builder = TableBuilder::new(&t::schema_with(extra));
    for row in rows {
        let mut out = builder.row();
        out.set(&t::PATIENT_ID, record.patient_id.as_str())
            .set(&t::COURSE_ID, record.course_id.as_str());
        provenance(&mut out, record, decision, row, config);
        match &row.outcome {
            Outcome::Computed(found) => figures(&mut out, found),
            Outcome::Refused {
                status,
                code,
                message,
                volume_cc,
                covered_fraction,
            } => {
                out.set(&t::STATUS, *status)
                    .set(&t::ERROR_CODE, *code)
                    .set(&t::MESSAGE, message.as_str())
                    .set(&t::VOLUME_CM3, *volume_cc)
                    .set(&t::COVERED_FRACTION, *covered_fraction);
            }
        }
    }
    builder.finish()
}

fn figures(out: &mut RowMut<'_>, found: &RoiDvh) {
    for (metric, value) in &found.values {
        if let Some(column) = column_of(*metric) {
            out.set_named(&column, *value);
        }
    }
    if let Some(indices) = &found.indices {
        out.set(&t::CI_RTOG, indices.ci_rtog)
            .set(&t::CI_PADDICK, indices.ci_paddick)
            .set(&t::GI, indices.gradient);
    }
    let dvh = &found.dvh;
    let whole = dvh.status() == Status::Ok;
    let codes: Vec<&str> = dvh.warnings.iter().map(|w| w.code).collect();
    let details: Vec<&str> = dvh.warnings.iter().map(|w| w.detail.as_str()).collect();
    out.set(&t::VOLUME_IN_GRID_CC, dvh.covered.value())
        .set(&t::COVERED_FRACTION, dvh.covered_fraction())
        .set(&t::STATUS, dvh.status().as_str())
        .set(&t::ERROR_CODE, if whole { "" } else { "dvh.partial_coverage" })
        .set(&t::MESSAGE, details.join("; ").as_str())
        .set(&t::WARNINGS, codes.join(";").as_str());
}

fn provenance(out: &mut RowMut<'_>, record: &CourseRecord, decision: &DoseDecision, row: &Evaluation, config: &DvhConfig) {
    let region = &row.region;
    let set = record.structure_sets.iter().find(|s| s.id == region.origin);
    let referenced: Vec<&str> = record.plans.iter().filter_map(|p| p.structure_set.as_deref()).collect();
    let source = match config.rx {
        RxSetting::Plan => record.prescription.source.as_str(),
        RxSetting::Dose(_) => "explicit",
    };
    let levels: Vec<String> = record.prescription.levels.iter().map(|l| l.gy.to_string()).collect();
    let by_plan = set.is_some_and(|s| s.is_plan_referenced);
    let key = region.original_name.to_lowercase();
    let key: Vec<&str> = key.split([' ', '_', '-']).filter(|w| !w.is_empty()).collect();
    out.set(&t::ROI_NUMBER, region.number.unwrap_or(-1))
        .set(&t::ROI_NAME, region.name.as_str())
        .set(&t::ROI_ORIGINAL_NAME, region.original_name.as_str())
        .set(&t::SEGMENTATION_SOURCE, region.source.as_str())
        .set(&t::STRUCTURE_CROPPED, region.cropped)
        .set(&t::RTSTRUCT_SOP_INSTANCE_UID, set.map(|s| s.sop_uid.as_str()))
        .set(&t::RTSTRUCT_PATH, set.map(|s| s.dicom.as_str()))
        .set(&t::RX_SOURCE, source)
        .set(&t::DOSE_RESOLUTION, decision.classification.as_str())
        .set(&t::DOSE_RESOLUTION_REASON, decision.reason.as_str())
        .set(&t::DOSE_SOP_INSTANCE_UID, decision.source_doses.first().map(String::as_str))
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
        .set(&t::DOSE, row.dose.as_str())
        .set(&t::RX_GY, row.rx)
        .set(&t::RX_LEVELS_GY, levels.join(";").as_str())
        .set(&t::SEGMENTATION_ENGINE, engine(region))
        .set(&t::IS_PLAN_REFERENCED, region.is_plan_referenced)
        .set(&t::INTERPRETED_TYPE, region.interpreted_type.as_str())
        .set(&t::ROI_KEY, key.join("_").as_str())
        .set(&t::SAMPLING, "exact");
}

/// `classical` of `seg/classical-body`; nothing for drawn and derived regions.
fn engine(region: &Region) -> Option<&str> {
    let folder = region.origin.strip_prefix("seg/")?;
    Some(folder.split_once('-').map_or(folder, |(engine, _)| engine))
}

fn curve_table(record: &CourseRecord, rows: &[Evaluation], config: &DvhConfig) -> Result<Table, rt_records::TableError> {
    let mut builder = TableBuilder::new(&curves::schema());
    for row in rows {
        let Outcome::Computed(found) = &row.outcome else { continue };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "curves are kept in single precision (`spec/analysis.md` 1.14)"
        )]
        let curve: Vec<f32> = found
            .dvh
            .distribution
            .curve_cc(config.bin_width_gy)
            .iter()
            .map(|v| *v as f32)
            .collect();
        builder
            .row()
            .set(&curves::PATIENT_ID, record.patient_id.as_str())
            .set(&curves::COURSE_ID, record.course_id.as_str())
            .set(&curves::ROI_NUMBER, row.region.number.unwrap_or(-1))
            .set(&curves::ROI_NAME, row.region.name.as_str())
            .set(&curves::SEGMENTATION_SOURCE, row.region.source.as_str())
            .set(&curves::DOSE, row.dose.as_str())
            .set(&curves::VOLUME_CC, found.dvh.volume.value())
            .set(&curves::COVERED_FRACTION, found.dvh.covered_fraction())
            .set(&curves::BIN_WIDTH_GY, config.bin_width_gy)
            .set(&curves::CUMULATIVE_CC, curve.as_slice());
    }
    builder.finish()
}
