//! Regions in a dose: figures, or the reason why there are none.

use std::collections::BTreeMap;
use std::sync::Arc;

use rt_cli::StageReport;
use rt_core::{Gy, Progress, RoiName};
use rt_dvh::{
    Biological, DoseField, DvhConfig, DvhError, FrameMismatch, Metric, Mode, NamedRoi, ReferenceDvh, ResponseModel, RoiDvh, RoiShape,
    Snapping, Status, SurfaceDvh, course, dvh_in, is_target, standard_metrics, surface, volume_of,
};

use crate::doses::Evaluated;
use crate::prescription::{Rx, rx_of};
use crate::regions::Region;
use crate::settings::Extras;

/// One row: a region in one dose.
pub(crate) struct Evaluation {
    pub(crate) region: Arc<Region>,
    pub(crate) dose: String,
    pub(crate) rx: Rx,
    /// Of a biological dose.
    pub(crate) alpha_beta: Option<f64>,
    pub(crate) response: Option<ResponseFigure>,
    /// The wall, where it is asked for.
    pub(crate) surface: Option<SurfaceDvh>,
    pub(crate) outcome: Outcome,
}

/// What a response model makes of a region.
pub(crate) struct ResponseFigure {
    /// Name of the model and the dose it was fed with.
    pub(crate) model: String,
    /// Probability of complication, percent.
    pub(crate) ntcp: Option<f64>,
    /// Probability of control, percent.
    pub(crate) tcp: Option<f64>,
}

/// How the evaluation of a region ended.
pub(crate) enum Outcome {
    /// With figures.
    Computed(Box<RoiDvh>),
    /// With those of the predecessor.
    Reference(Box<ReferenceDvh>, Vec<(Metric, Option<f64>)>),
    /// Without, for a reason.
    Refused {
        status: &'static str,
        code: &'static str,
        message: String,
        volume_cc: Option<f64>,
        covered_fraction: Option<f64>,
    },
}

/// All that is the same for every region of a run.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) config: &'a DvhConfig,
    pub(crate) extras: &'a Extras,
    /// Whether `ROINumber`s of a plan hold for a region: those of the structure set that it refers to.
    pub(crate) by_number: &'a dyn Fn(&Region) -> bool,
    pub(crate) progress: &'a dyn Progress,
}

/// Evaluates all regions in one dose.
///
/// # Errors
/// When the user stops the run, or a dose holds a value that is no number.
pub(crate) fn evaluate(dose: &Evaluated<'_>, regions: &[Arc<Region>], setting: Setting<'_>) -> Result<Vec<Evaluation>, anyhow::Error> {
    let config = setting.config;
    let mut rows: Vec<Evaluation> = Vec::with_capacity(regions.len());
    // Regions of one alpha/beta ratio see one dose; a physical dose is the same for all.
    let mut groups: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (at, region) in regions.iter().enumerate() {
        let ratio = config
            .alpha_beta
            .of(&region.names(), is_target(&region.original_name, &region.interpreted_type));
        let alpha_beta = dose.biological.map(|_| ratio);
        let rx = rx_of(&dose.prescribed, region, (setting.by_number)(region), config);
        let refused = refusal(region, dose, config);
        if refused.is_none() && config.mode == Mode::Exact {
            groups.entry(alpha_beta.unwrap_or_default().to_bits()).or_default().push(at);
        }
        let outcome = refused.unwrap_or_else(|| match config.mode {
            Mode::Exact => of_error(&DvhError::Cancelled),
            Mode::Reference => reference(dose, region, rx.gy),
        });
        rows.push(Evaluation {
            region: Arc::clone(region),
            dose: dose.name.clone(),
            rx: Rx {
                gy: dose.rx_as_evaluated(rx.gy, ratio),
                ..rx
            },
            alpha_beta,
            response: None,
            surface: None,
            outcome,
        });
    }
    for (ratio, members) in groups {
        let Some(field) = dose.field(f64::from_bits(ratio), config)? else {
            continue;
        };
        let named = members
            .iter()
            .map(|at| named_roi(&regions[*at], rows[*at].rx.gy))
            .collect::<Result<Vec<_>, anyhow::Error>>()?;
        let results = course(&field, &named, config, setting.progress);
        for (at, (_, result)) in members.into_iter().zip(results) {
            rows[at].outcome = match result {
                Ok(found) => Outcome::Computed(Box::new(found)),
                Err(error) => of_error(&error),
            };
            rows[at].surface = wall(&field, &rows[at], config);
        }
    }
    anyhow::ensure!(!setting.progress.cancelled(), "stopped by the user; run again to go on");
    if dose.biological.is_none() && config.mode == Mode::Exact {
        for row in &mut rows {
            row.response = response(dose, row, setting)?;
        }
    }
    Ok(rows)
}

/// The figures of the predecessor: its 146 columns and nothing else.
fn reference(dose: &Evaluated<'_>, region: &Region, rx: Option<f64>) -> Outcome {
    let Some([part]) = dose.parts.as_deref() else {
        return Outcome::Refused {
            status: Status::Failed.as_str(),
            code: "dvh.reference_sum",
            message: "dvh.mode = \"reference\" evaluates one dose; give the summed dose, or use dvh.mode = \"exact\"".to_owned(),
            volume_cc: None,
            covered_fraction: None,
        };
    };
    let found = match region.roi_shape() {
        RoiShape::Contours(set) => ReferenceDvh::of_contours(part.dose, set, part.scaling, Snapping::ToDosePlanes),
        RoiShape::Mask(mask) => ReferenceDvh::of_mask(part.dose, mask, part.scaling),
    };
    match found {
        Ok(found) => {
            let metrics = standard_metrics().into_iter().take(REFERENCE_METRICS);
            let values = metrics.map(|m| (m, found.value(m, rx.map(Gy)))).collect();
            Outcome::Reference(Box::new(found), values)
        }
        Err(error) => of_error(&error),
    }
}

/// Metrics of the predecessor, the first of the standard ones.
const REFERENCE_METRICS: usize = 146;

/// The wall of a drawn region that was computed and that `dvh.surface` names.
fn wall(field: &DoseField<'_>, row: &Evaluation, config: &DvhConfig) -> Option<SurfaceDvh> {
    let (Outcome::Computed(_), RoiShape::Contours(set)) = (&row.outcome, row.region.roi_shape()) else {
        return None;
    };
    let names = row.region.names();
    let wanted = config.surface.iter().any(|p| names.iter().any(|n| p.matches(n)));
    let mut options = config.options();
    options.slice_thickness_mm = row.region.slice_mm;
    // A wall without dose has no histogram; the row says already how much of the region is covered.
    wanted.then(|| surface(field, set, &options).ok()).flatten()
}

/// Complication or control by the model that fits a region, if one does and enough of the region has a dose.
fn response(dose: &Evaluated<'_>, row: &Evaluation, setting: Setting<'_>) -> Result<Option<ResponseFigure>, anyhow::Error> {
    let config = setting.config;
    let (Outcome::Computed(found), Some(model)) = (&row.outcome, setting.extras.models.find(&row.region.names())) else {
        return Ok(None);
    };
    if found.dvh.covered_fraction() < config.min_coverage {
        return Ok(None);
    }
    let figure = |distribution: &rt_dvh::Distribution, fed: String| {
        let ResponseModel { name, ntcp, tcp, .. } = model;
        ResponseFigure {
            model: format!("{name} ({fed})"),
            ntcp: ntcp.map(|m| 100.0 * m.probability(distribution)),
            tcp: tcp.map(|m| 100.0 * m.probability(distribution)),
        }
    };
    let Some(ratio) = model.alpha_beta.filter(|_| dose.knows_fractions()) else {
        return Ok(Some(figure(&found.dvh.distribution, "physical".to_owned())));
    };
    let Some(field) = dose.field_as(Some(Biological::Eqd2), ratio, config)? else {
        return Ok(None);
    };
    let mut options = config.options();
    options.slice_thickness_mm = row.region.slice_mm;
    let eqd2 = dvh_in(&field, row.region.roi_shape(), &options)?;
    Ok(Some(figure(&eqd2.distribution, format!("EQD2, {ratio} Gy"))))
}

fn named_roi(region: &Region, rx: Option<f64>) -> Result<NamedRoi<'_>, anyhow::Error> {
    Ok(NamedRoi {
        name: RoiName::new(&region.name).or_else(|_| RoiName::new("unnamed"))?,
        shape: region.roi_shape(),
        slice_thickness_mm: region.slice_mm,
        rx: rx.map(Gy),
        is_target: is_target(&region.original_name, &region.interpreted_type),
    })
}

/// Why a region is not evaluated at all: relative dose, or another frame of reference.
fn refusal(region: &Region, dose: &Evaluated<'_>, config: &DvhConfig) -> Option<Outcome> {
    let shape = region.roi_shape();
    let mut options = config.options();
    options.slice_thickness_mm = region.slice_mm;
    let volume_cc = || volume_of(shape, &options).ok().map(rt_core::Cc::value);
    if dose.parts.is_none() {
        return Some(of_error(&DvhError::RelativeDose { volume_cc: volume_cc() }));
    }
    if dose.biological.is_some() && !dose.knows_fractions() {
        return Some(Outcome::Refused {
            status: Status::Skipped.as_str(),
            code: "dvh.fractions_unknown",
            message: "the fractions of a plan of this dose are not known, and EQD2 and BED need them; give the plan".to_owned(),
            volume_cc: volume_cc(),
            covered_fraction: None,
        });
    }
    let (own, other) = (&region.frame_of_reference, &dose.frame_of_reference);
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

/// Tells the report how a region ended.
pub(crate) fn tell(report: &mut StageReport, evaluation: &Evaluation) {
    let Evaluation { region, dose, outcome, .. } = evaluation;
    let name = if dose == "course" {
        format!("{} ({})", region.name, region.source)
    } else {
        format!("{} ({}, {dose})", region.name, region.source)
    };
    match outcome {
        Outcome::Computed(found) if found.dvh.status() == Status::Ok => report.done(name),
        Outcome::Reference(..) => report.done(name),
        Outcome::Computed(found) => {
            let percent = 100.0 * found.dvh.covered_fraction();
            report.partial(name, "dvh.partial_coverage", format!("{percent:.2} % of it lies in the dose grid"));
        }
        Outcome::Refused { status, code, message, .. } if *status == Status::Failed.as_str() => report.failed(name, code, message.clone()),
        Outcome::Refused { code, message, .. } => report.skip(name, code, message.clone()),
    }
}
