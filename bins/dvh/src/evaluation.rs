//! Regions in a dose: figures, or the reason why there are none.

use rt_cli::StageReport;
use rt_core::{Gy, Progress, RoiName};
use rt_dvh::{DvhConfig, DvhError, FrameMismatch, NamedRoi, RoiDvh, RoiShape, Status, course, is_target, volume_of};

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

/// Evaluates all regions in one dose, each with its prescription in Gy.
///
/// # Errors
/// When the user stops the run.
pub(crate) fn evaluate(
    dose: &Evaluated<'_>,
    regions: &[Region],
    rx: &[Option<f64>],
    config: &DvhConfig,
    progress: &dyn Progress,
) -> Result<Vec<Evaluation>, anyhow::Error> {
    let refused: Vec<Option<Outcome>> = regions.iter().map(|r| refusal(r, dose, config)).collect();
    let mut results = Vec::new();
    if let Some(field) = &dose.field {
        let open = regions.iter().zip(rx).zip(&refused).filter(|(_, refused)| refused.is_none());
        let named = open
            .map(|((r, rx), _)| named_roi(r, *rx))
            .collect::<Result<Vec<_>, anyhow::Error>>()?;
        results = course(field, &named, config, progress);
    }
    anyhow::ensure!(!progress.cancelled(), "stopped by the user; run again to go on");
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
        rows.push(Evaluation {
            region: region.clone(),
            dose: dose.name.clone(),
            rx: *rx,
            outcome,
        });
    }
    Ok(rows)
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
fn refusal(region: &Region, dose: &Evaluated<'_>, config: &DvhConfig) -> Option<Outcome> {
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
        Outcome::Computed(found) => {
            let percent = 100.0 * found.dvh.covered_fraction();
            report.partial(name, "dvh.partial_coverage", format!("{percent:.2} % of it lies in the dose grid"));
        }
        Outcome::Refused { status, code, message, .. } if *status == Status::Failed.as_str() => report.failed(name, code, message.clone()),
        Outcome::Refused { code, message, .. } => report.skip(name, code, message.clone()),
    }
}
