//! Statistics of intensities and levels, and the intensity-volume histogram (IBSI manual 3.3 to 3.5).

use super::prepare::{Levels, extremes};
use super::{IbsiSettings, IvhLevels};
use crate::features::firstorder;
use crate::registry::FirstOrder as F;
use crate::sample::SampleKind;

/// Tags of the intensity statistics, in the order of [`statistics`].
pub(super) const STATISTICS: &[&str] = &[
    "stat_mean",
    "stat_var",
    "stat_skew",
    "stat_kurt",
    "stat_median",
    "stat_min",
    "stat_p10",
    "stat_p90",
    "stat_max",
    "stat_iqr",
    "stat_range",
    "stat_mad",
    "stat_rmad",
    "stat_medad",
    "stat_cov",
    "stat_qcod",
    "stat_energy",
    "stat_rms",
];

/// Tags of the histogram, in the order of [`histogram`].
pub(super) const HISTOGRAM: &[&str] = &[
    "ih_mean",
    "ih_var",
    "ih_skew",
    "ih_kurt",
    "ih_median",
    "ih_min",
    "ih_p10",
    "ih_p90",
    "ih_max",
    "ih_mode",
    "ih_iqr",
    "ih_range",
    "ih_mad",
    "ih_rmad",
    "ih_medad",
    "ih_cov",
    "ih_qcod",
    "ih_entropy",
    "ih_uniformity",
    "ih_max_grad",
    "ih_max_grad_g",
    "ih_min_grad",
    "ih_min_grad_g",
];

/// Tags of the intensity-volume histogram, in the order of [`volume_histogram`].
pub(super) const IVH: &[&str] = &["ivh_v10", "ivh_v90", "ivh_i10", "ivh_i90", "ivh_diff_v10_v90", "ivh_diff_i10_i90"];

/// Moments, order statistics and deviations that both families have.
struct Moments {
    first: [f64; F::COUNT],
    median_deviation: f64,
    quartile_dispersion: f64,
}

impl Moments {
    fn of(values: &[f64], counts: &[u64]) -> Self {
        let first = firstorder::features(values, SampleKind::F64, counts, 0.0, 1.0);
        let median = first[F::Median as usize];
        let n = values.len() as f64;
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let quartile = |q: f64| rt_image::stats::percentile(&sorted, q).unwrap_or(f64::NAN);
        let (low, high) = (quartile(25.0), quartile(75.0));
        Self {
            first,
            median_deviation: rt_core::float::sum(values.iter().map(|v| (v - median).abs())) / n,
            quartile_dispersion: (high - low) / (high + low),
        }
    }

    fn get(&self, feature: F) -> f64 {
        self.first[feature as usize]
    }

    /// Kurtosis above that of a normal distribution; 0 for a flat region.
    fn excess(&self) -> f64 {
        if self.get(F::Variance) == 0.0 {
            0.0
        } else {
            self.get(F::Kurtosis) - 3.0
        }
    }

    fn variation(&self) -> f64 {
        self.get(F::Variance).sqrt() / self.get(F::Mean)
    }
}

/// Intensity statistics.
pub(super) fn statistics(values: &[f64]) -> Vec<f64> {
    let m = Moments::of(values, &[]);
    let mut out = [F::Mean, F::Variance, F::Skewness].map(|f| m.get(f)).to_vec();
    out.push(m.excess());
    let order = [
        F::Median,
        F::Minimum,
        F::Percentile10,
        F::Percentile90,
        F::Maximum,
        F::InterquartileRange,
        F::Range,
        F::MeanAbsoluteDeviation,
        F::RobustMeanAbsoluteDeviation,
    ];
    out.extend(order.map(|f| m.get(f)));
    out.extend([
        m.median_deviation,
        m.variation(),
        m.quartile_dispersion,
        m.get(F::Energy),
        m.get(F::RootMeanSquared),
    ]);
    out
}

/// Features of the histogram of levels.
pub(super) fn histogram(levels: &Levels) -> Vec<f64> {
    let d = &levels.discretised;
    let values: Vec<f64> = d.codes.iter().map(|c| f64::from(d.levels[usize::from(*c) - 1])).collect();
    let m = Moments::of(&values, &d.counts);
    let mut out = [F::Mean, F::Variance, F::Skewness].map(|f| m.get(f)).to_vec();
    out.push(m.excess());
    out.extend([F::Median, F::Minimum, F::Percentile10, F::Percentile90, F::Maximum].map(|f| m.get(f)));
    out.push(mode(levels, m.get(F::Mean)));
    let spread = [
        F::InterquartileRange,
        F::Range,
        F::MeanAbsoluteDeviation,
        F::RobustMeanAbsoluteDeviation,
    ];
    out.extend(spread.map(|f| m.get(f)));
    out.extend([
        m.median_deviation,
        m.variation(),
        m.quartile_dispersion,
        m.get(F::Entropy),
        m.get(F::Uniformity),
    ]);
    out.extend(gradients(levels));
    out
}

/// The most frequent level; of several the one nearest the mean, of those the lower.
fn mode(levels: &Levels, mean: f64) -> f64 {
    let d = &levels.discretised;
    let most = d.counts.iter().copied().max().unwrap_or(0);
    let modes = d
        .levels
        .iter()
        .zip(&d.counts)
        .filter(|(_, n)| **n == most)
        .map(|(l, _)| f64::from(*l));
    modes
        .min_by(|a, b| (a - mean).abs().total_cmp(&(b - mean).abs()))
        .unwrap_or(f64::NAN)
}

/// Largest and smallest slope of the histogram, each with its level: central differences, one-sided at the ends.
fn gradients(levels: &Levels) -> [f64; 4] {
    let d = &levels.discretised;
    let mut counts = vec![0.0; levels.ng as usize];
    for (level, n) in d.levels.iter().zip(&d.counts) {
        counts[*level as usize - 1] = *n as f64;
    }
    let n = counts.len();
    if n < 2 {
        return [0.0, 1.0, 0.0, 1.0];
    }
    let slope = |at: usize| match at {
        0 => counts[1] - counts[0],
        _ if at == n - 1 => counts[at] - counts[at - 1],
        _ => (counts[at + 1] - counts[at - 1]) / 2.0,
    };
    let (mut high, mut low) = ((slope(0), 0), (slope(0), 0));
    for at in 1..n {
        let v = slope(at);
        if v > high.0 {
            high = (v, at);
        }
        if v < low.0 {
            low = (v, at);
        }
    }
    [high.0, high.1 as f64 + 1.0, low.0, low.1 as f64 + 1.0]
}

/// Volume at and intensity at 10 % and 90 %, and their differences.
pub(super) fn volume_histogram(values: &[f64], settings: &IbsiSettings) -> Vec<f64> {
    let (min, max) = extremes(values);
    let [low, high] = settings.range.unwrap_or([min, max]);
    let (low, high) = (if low.is_finite() { low } else { min }, if high.is_finite() { high } else { max });
    // Levels with the share of voxels at or above each, and the fraction of the range at each.
    let mut levels: Vec<f64>;
    let mut sorted: Vec<f64>;
    let (bottom, top);
    match settings.ivh {
        IvhLevels::AsIs => {
            sorted = values.to_vec();
            (bottom, top) = (low, high);
            levels = if settings.round || values.iter().all(|v| v.fract() == 0.0) {
                whole_numbers(low, high)
            } else {
                values.to_vec()
            };
        }
        IvhLevels::Width(width) => {
            let bin = |v: &f64| ((v - low) / width).floor() + 1.0;
            let centre = |bin: f64| low + (bin - 0.5) * width;
            sorted = values.iter().map(|v| centre(bin(v))).collect();
            let last = if settings.range.is_some() {
                (high - low) / width
            } else {
                bin(&max)
            };
            levels = whole_numbers(1.0, last.ceil()).into_iter().map(centre).collect();
            (bottom, top) = (centre(1.0), centre(last.ceil()));
        }
        IvhLevels::Count(n) => {
            let n = f64::from(n);
            let bin = |v: &f64| {
                if max > min {
                    (((v - min) / (max - min) * n).floor() + 1.0).min(n)
                } else {
                    1.0
                }
            };
            sorted = values.iter().map(bin).collect();
            levels = whole_numbers(1.0, n);
            (bottom, top) = (1.0, n);
        }
    }
    sorted.sort_unstable_by(f64::total_cmp);
    levels.sort_unstable_by(f64::total_cmp);
    levels.dedup();
    let n = sorted.len() as f64;
    let share = |level: f64| (sorted.len() - sorted.partition_point(|v| *v < level)) as f64 / n;
    let fraction = |level: f64| if top > bottom { (level - bottom) / (top - bottom) } else { 0.0 };
    // Largest share at a fraction of at least x; lowest intensity that at most a share x reaches.
    let volume = |x: f64| levels.iter().filter(|l| fraction(**l) >= x).map(|l| share(*l)).fold(0.0, f64::max);
    let step = match settings.ivh {
        IvhLevels::Width(width) => width,
        IvhLevels::AsIs | IvhLevels::Count(_) => 1.0,
    };
    let beyond = levels.last().map_or(f64::NAN, |l| l + step);
    let at = |x: f64| levels.iter().copied().find(|l| share(*l) <= x).unwrap_or(beyond);
    let (v10, v90, i10, i90) = (volume(0.1), volume(0.9), at(0.1), at(0.9));
    vec![v10, v90, i10, i90, v10 - v90, i10 - i90]
}

/// Whole numbers from one to another, both included; at most a million.
fn whole_numbers(from: f64, to: f64) -> Vec<f64> {
    let mut out = vec![from];
    while out.len() < 1_000_000 && out[out.len() - 1] + 1.0 <= to {
        out.push(out[out.len() - 1] + 1.0);
    }
    out
}
