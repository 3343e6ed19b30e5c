//! What a row says whatever it comes from: identity, figures and status of a region.

use rt_dvh::{DvhConfig, HalfRange, Metric, RoiDvh, Status};
use rt_records::table::RowMut;
use rt_records::tables::dvh as t;

use crate::evaluation::{Evaluation, Outcome};

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

/// Every figure of a region under its column, indices of targets last; `None` where it is not defined or not known.
pub(crate) fn columns(found: &RoiDvh) -> Vec<(String, Option<f64>)> {
    let metrics = found
        .values
        .iter()
        .filter_map(|(metric, value)| Some((column_of(*metric)?, *value)));
    let halves = half_ranges(found).into_iter().filter(|(metric, _)| is_shown(*metric));
    let halves = halves.filter_map(|(metric, value)| Some((t::half_range_column(&metric.to_string())?.name.into_owned(), value)));
    let indices = found.indices;
    let of_target = [
        (&t::CI_RTOG, indices.map(|i| i.ci_rtog)),
        (&t::CI_PADDICK, indices.and_then(|i| i.ci_paddick)),
        (&t::GI, indices.and_then(|i| i.gradient)),
    ];
    let of_target = of_target.into_iter().map(|(c, v)| (c.name.to_string(), v));
    metrics.chain(halves).chain(of_target).collect()
}

/// The figures of the predecessor under its columns.
pub(crate) fn reference_columns(values: &[(Metric, Option<f64>)]) -> Vec<(String, Option<f64>)> {
    values
        .iter()
        .filter_map(|(metric, value)| Some((column_of(*metric)?, *value)))
        .collect()
}

/// Every metric with its half-range, which is empty without the other reading of the contours.
fn half_ranges(found: &RoiDvh) -> Vec<(Metric, Option<f64>)> {
    let half = |at: usize| found.half_range.get(at).copied().flatten();
    found
        .values
        .iter()
        .enumerate()
        .map(|(at, (metric, _))| (*metric, half(at)))
        .collect()
}

/// Whether the half-range of a metric has a column: not of the families of standard dose steps.
fn is_shown(metric: Metric) -> bool {
    !rt_dvh::standard_metrics().contains(&metric) || t::HALF_RANGES.contains(&metric.to_string().as_str())
}

/// Columns of the metrics that the user names, each with its half-range behind it.
pub(crate) fn extra_columns(config: &DvhConfig) -> Vec<rt_records::ColumnDef> {
    let columns = |m: &Metric| {
        let half = (config.half_range != HalfRange::None)
            .then(|| t::half_range_column(&m.to_string()))
            .flatten();
        column_def(*m).into_iter().chain(half)
    };
    config.metrics.iter().flat_map(columns).collect()
}

/// The column of a metric that is not among the fixed ones.
fn column_def(metric: Metric) -> Option<rt_records::ColumnDef> {
    t::metric_column(&metric.to_string())
}

/// Sets who a row is about.
pub(crate) fn identity(out: &mut RowMut<'_>, row: &Evaluation) {
    let region = &row.region;
    let key = region.original_name.to_lowercase();
    let key: Vec<&str> = key.split([' ', '_', '-']).filter(|w| !w.is_empty()).collect();
    out.set(&t::ROI_NUMBER, region.number.unwrap_or(-1))
        .set(&t::ROI_NAME, region.name.as_str())
        .set(&t::ROI_ORIGINAL_NAME, region.original_name.as_str())
        .set(&t::SEGMENTATION_SOURCE, region.source.as_str())
        .set(&t::STRUCTURE_CROPPED, region.cropped)
        .set(&t::INTERPRETED_TYPE, region.interpreted_type.as_str())
        .set(&t::ROI_KEY, key.join("_").as_str())
        .set(&t::DOSE, row.dose.as_str())
        .set(&t::RX_GY, row.rx.gy)
        .set(&t::RX_SOURCE, row.rx.source.as_str())
        .set(&t::ALPHA_BETA_GY, row.alpha_beta)
        .set(&t::STANDARD_NAME, region.standard_name.as_deref())
        .set(
            &t::SAMPLING,
            if matches!(row.outcome, Outcome::Reference(..)) {
                "reference"
            } else {
                "exact"
            },
        );
    if let Some(wall) = &row.surface {
        out.set(&t::SURFACE_CM2, wall.area_mm2 / 100.0)
            .set(&t::SURFACE_DMEAN_GY, wall.distribution.mean());
    }
    if let Some(response) = &row.response {
        out.set(&t::NTCP_PERCENT, response.ntcp)
            .set(&t::TCP_PERCENT, response.tcp)
            .set(&t::RESPONSE_MODEL, response.model.as_str());
    }
}

/// Sets the figures and the status of a row.
pub(crate) fn figures(out: &mut RowMut<'_>, outcome: &Outcome) {
    match outcome {
        Outcome::Computed(found) => computed(out, found),
        Outcome::Reference(_, values) => {
            for (column, value) in reference_columns(values) {
                out.set_named(&column, value);
            }
            out.set(&t::STATUS, Status::Ok.as_str());
        }
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

fn computed(out: &mut RowMut<'_>, found: &RoiDvh) {
    for (column, value) in columns(found) {
        out.set_named(&column, value);
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
