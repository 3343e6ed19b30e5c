//! All regions of a course in one dose.

use rayon::prelude::*;
use rt_core::{Cc, Gy, Progress, RoiName};

use crate::config::{DvhConfig, HalfRange, SMALL_CC};
use crate::error::DvhError;
use crate::field::DoseField;
use crate::indices::{Indices, indices, isodose_volumes};
use crate::metric::{Metric, standard_metrics};
use crate::roi::{Dvh, DvhOptions, Planes, RoiShape, dvh_in};

/// A region to evaluate. Names repeat: results come back in the order given.
#[derive(Debug, Clone)]
pub struct NamedRoi<'a> {
    /// Name, for messages.
    pub name: RoiName,
    /// Where it is.
    pub shape: RoiShape<'a>,
    /// Spacing of the image that it was drawn on, mm: thickness of a region with one contour.
    pub slice_thickness_mm: Option<f64>,
    /// Prescription that its relative figures refer to.
    pub rx: Option<Gy>,
    /// Whether it is a target: conformity indices are for targets.
    pub is_target: bool,
}

/// All figures of one region.
#[derive(Debug, Clone, PartialEq)]
pub struct RoiDvh {
    /// The distribution and how it was reached.
    pub dvh: Dvh,
    /// [`standard_metrics`] and those of the configuration; `None` where not defined or, with little coverage, not known.
    pub values: Vec<(Metric, Option<f64>)>,
    /// The same region with the other reading of its contours (`loft` beside `prism`), where asked for.
    pub loft: Option<Dvh>,
    /// For each of `values` half the distance between the two readings: how far the contours leave it open. Empty without the other reading.
    pub half_range: Vec<Option<f64>>,
    /// Conformity, of targets with a prescription.
    pub indices: Option<Indices>,
}

/// Evaluates every region, in parallel, largest first; results in the order of `rois`.
///
/// An error of one region is its own result. After a cancellation the remaining regions end with [`DvhError::Cancelled`].
pub fn course(
    field: &DoseField<'_>,
    rois: &[NamedRoi<'_>],
    config: &DvhConfig,
    progress: &dyn Progress,
) -> Vec<(RoiName, Result<RoiDvh, DvhError>)> {
    let mut metrics = standard_metrics();
    for extra in &config.metrics {
        if !metrics.contains(extra) {
            metrics.push(*extra);
        }
    }
    let mut order: Vec<usize> = (0..rois.len()).collect();
    order.sort_by(|a, b| cost(&rois[*b]).total_cmp(&cost(&rois[*a])).then(a.cmp(b)));
    progress.begin("structures", rois.len() as u64);
    let mut done: Vec<(usize, Result<RoiDvh, DvhError>)> = order
        .par_iter()
        .with_max_len(1)
        .map(|&i| {
            let result = if progress.cancelled() {
                Err(DvhError::Cancelled)
            } else {
                one(field, &rois[i], config, &metrics)
            };
            progress.inc(1);
            (i, result)
        })
        .collect();
    done.sort_by_key(|(i, _)| *i);
    let mut results: Vec<(RoiName, Result<RoiDvh, DvhError>)> = done.into_iter().map(|(i, r)| (rois[i].name.clone(), r)).collect();
    add_indices(field, rois, &mut results);
    results
}

/// Something that grows with the work of a region.
fn cost(roi: &NamedRoi<'_>) -> f64 {
    match roi.shape {
        RoiShape::Mask(mask) => mask.size().iter().product::<usize>() as f64 * mask.grid().voxel_volume_mm3(),
        RoiShape::Contours(set) => {
            let points = set.contours.iter().flat_map(|c| c.points.iter().copied()).filter(|p| p.is_finite());
            rt_core::Bounds::of(points).map_or(0.0, |b| b.extent().to_array().into_iter().map(|e| e + 1.0).product())
        }
    }
}

fn one(field: &DoseField<'_>, roi: &NamedRoi<'_>, config: &DvhConfig, metrics: &[Metric]) -> Result<RoiDvh, DvhError> {
    let mut options = config.options();
    options.slice_thickness_mm = roi.slice_thickness_mm;
    let dvh = dvh_in(field, roi.shape, &options)?;
    tracing::debug!(roi = %roi.name, cells = dvh.sampling.cells, error_gy = dvh.sampling.error_gy, "dvh");
    let little = dvh.covered_fraction() < config.min_coverage;
    let known = |m: &Metric| !(little && m.is_cold());
    let values: Vec<(Metric, Option<f64>)> = metrics.iter().map(|m| (*m, m.value(&dvh, roi.rx).filter(|_| known(m)))).collect();
    let loft = other_reading(field, roi, config, &options, dvh.volume);
    let half = |(m, value): &(Metric, Option<f64>)| Some(0.5 * (m.value(loft.as_ref()?, roi.rx)? - (*value)?).abs());
    let half_range = if loft.is_some() {
        values.iter().map(half).collect()
    } else {
        Vec::new()
    };
    Ok(RoiDvh {
        dvh,
        values,
        loft,
        half_range,
        indices: None,
    })
}

/// The region with its contours read the other way; `None` when not asked for, for masks, and where that reading makes no solid.
fn other_reading(field: &DoseField<'_>, roi: &NamedRoi<'_>, config: &DvhConfig, options: &DvhOptions, volume: Cc) -> Option<Dvh> {
    let wanted = match config.half_range {
        HalfRange::All => true,
        HalfRange::Small => roi.is_target || volume.value() <= SMALL_CC,
        HalfRange::Targets => roi.is_target,
        HalfRange::None => false,
    };
    let RoiShape::Contours(_) = roi.shape else { return None };
    let planes = match options.planes {
        Planes::Prism | Planes::PrismNocap => Planes::Loft,
        Planes::Loft => Planes::Prism,
    };
    let options = DvhOptions {
        planes,
        tolerance_gy: HALF_RANGE_SLACK * options.tolerance_gy,
        ..*options
    };
    wanted.then(|| dvh_in(field, roi.shape, &options).ok()).flatten()
}

/// The second reading need not be as fine as the first: it tells a range.
const HALF_RANGE_SLACK: f64 = 4.0;

/// Conformity of all targets: the isodoses of all prescriptions in one pass over the dose.
fn add_indices(field: &DoseField<'_>, rois: &[NamedRoi<'_>], results: &mut [(RoiName, Result<RoiDvh, DvhError>)]) {
    let target_rx = |roi: &NamedRoi<'_>| roi.rx.filter(|rx| roi.is_target && rx.value() > 0.0);
    let mut levels: Vec<f64> = rois
        .iter()
        .zip(results.iter())
        .filter(|(_, r)| r.1.is_ok())
        .filter_map(|(roi, _)| target_rx(roi))
        .map(Gy::value)
        .collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    if levels.is_empty() {
        return;
    }
    let doses: Vec<Gy> = levels.iter().flat_map(|l| [Gy(*l), Gy(*l * 0.5)]).collect();
    let volumes: Vec<Cc> = isodose_volumes(field, &doses);
    for (roi, (_, result)) in rois.iter().zip(results) {
        let (Some(rx), Ok(found)) = (target_rx(roi), result) else {
            continue;
        };
        if let Some(at) = levels.iter().position(|l| l.total_cmp(&rx.value()).is_eq()) {
            found.indices = indices(&found.dvh, rx, volumes[2 * at], volumes[2 * at + 1]);
        }
    }
}

/// Whether a region is a target by its `RTROIInterpretedType` or the beginning of its name (PTV, CTV, GTV, ITV).
pub fn is_target(name: &str, interpreted_type: &str) -> bool {
    let first = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .find(|t| !t.is_empty())
        .unwrap_or_default();
    let first = first.to_ascii_uppercase();
    let starts = ["PTV", "CTV", "GTV", "ITV"].iter().any(|t| first.starts_with(t));
    starts || matches!(interpreted_type.trim().to_ascii_uppercase().as_str(), "PTV" | "CTV" | "GTV" | "ITV")
}
