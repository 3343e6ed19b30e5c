//! First-order statistics of the values of a region.

use super::{entropy_term, pairwise};
use crate::registry::FirstOrder as F;
use crate::sample::SampleKind;

/// Sum of `f` over the values.
fn sum_of(values: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    pairwise::sum(values.len(), &|n| f(values[n]))
}

/// First-order features. `level_counts` are the voxels of each grey level, `shift` is `voxelArrayShift`.
pub(crate) fn features(values: &[f64], kind: SampleKind, level_counts: &[u64], shift: f64, voxel_volume: f64) -> [f64; F::COUNT] {
    let n = values.len() as f64;
    let order = Order::new(values, kind);
    let [p10, p25, median, p75, p90] = [0.1, 0.25, 0.5, 0.75, 0.9].map(|q| order.quantile(q));
    let mean = sum_of(values, |v| v) / n;
    let m2 = sum_of(values, |v| (v - mean).powi(2)) / n;
    let m3 = sum_of(values, |v| (v - mean).powi(3)) / n;
    let m4 = sum_of(values, |v| (v - mean).powi(4)) / n;
    let energy = sum_of(values, |v| (v + shift).powi(2));
    let within = |v: f64| v >= p10 && v <= p90;
    let inner = values.iter().filter(|v| within(**v)).count() as f64;
    let inner_mean = sum_of(values, |v| if within(v) { v } else { 0.0 }) / inner;
    let p = |count: &u64| *count as f64 / n;
    let flat = m2 == 0.0;
    let mut out = [0.0; F::COUNT];
    let mut set = |feature: F, value: f64| out[feature as usize] = value;
    set(F::Percentile10, p10);
    set(F::Percentile90, p90);
    set(F::Energy, energy);
    set(F::Entropy, level_counts.iter().map(|c| entropy_term(p(c))).sum());
    set(F::InterquartileRange, p75 - p25);
    set(F::Kurtosis, if flat { 0.0 } else { m4 / (m2 * m2) });
    set(F::Maximum, order.maximum());
    set(F::MeanAbsoluteDeviation, sum_of(values, |v| (v - mean).abs()) / n);
    set(F::Mean, mean);
    set(F::Median, median);
    set(F::Minimum, order.minimum());
    set(F::Range, order.maximum() - order.minimum());
    let deviation = sum_of(values, |v| if within(v) { (v - inner_mean).abs() } else { 0.0 });
    set(F::RobustMeanAbsoluteDeviation, deviation / inner);
    set(F::RootMeanSquared, (energy / n).sqrt());
    set(F::Skewness, if flat { 0.0 } else { m3 / m2.powf(1.5) });
    set(F::TotalEnergy, voxel_volume * energy);
    set(F::Uniformity, level_counts.iter().map(|c| p(c).powi(2)).sum());
    set(F::Variance, m2);
    set(F::StandardDeviation, m2.sqrt());
    out
}

/// Order statistics: a histogram for integers of a limited range, the five quantiles' neighbours by selection otherwise.
enum Order {
    Counts { first: f64, below: Vec<u32> },
    Selected { n: usize, known: Vec<(usize, f64)> },
}

/// Quantiles that are asked for.
const QUANTILES: [f64; 5] = [0.1, 0.25, 0.5, 0.75, 0.9];

/// Widest range of an integer histogram.
const MAX_BINS: f64 = 65_536.0;

impl Order {
    fn new(values: &[f64], kind: SampleKind) -> Self {
        let fold = values
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(*v), hi.max(*v)));
        if kind.integer_range().is_some() && fold.1 - fold.0 < MAX_BINS.min(8.0 * values.len() as f64 + 256.0) {
            return Self::by_counting(values, fold);
        }
        let n = values.len();
        let mut wanted: Vec<usize> = QUANTILES.iter().flat_map(|q| bracket(*q, n).0).chain([0, n - 1]).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut copy = values.to_vec();
        let mut known = Vec::with_capacity(wanted.len());
        select(&mut copy, 0, &wanted, &mut known);
        known.sort_unstable_by_key(|k: &(usize, f64)| k.0);
        Self::Selected { n, known }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "integers from 0 to 65,536")]
    fn by_counting(values: &[f64], (lo, hi): (f64, f64)) -> Self {
        let mut below = vec![0u32; (hi - lo) as usize + 1];
        for v in values {
            below[(v - lo) as usize] += 1;
        }
        let mut running = 0;
        for count in &mut below {
            running += *count;
            *count = running;
        }
        Self::Counts { first: lo, below }
    }

    fn len(&self) -> usize {
        match self {
            Self::Counts { below, .. } => below.last().map_or(0, |n| *n as usize),
            Self::Selected { n, .. } => *n,
        }
    }

    /// The value at a rank, 0 the smallest.
    fn at(&self, rank: usize) -> f64 {
        match self {
            Self::Counts { first, below } => first + below.partition_point(|n| (*n as usize) <= rank) as f64,
            Self::Selected { known, .. } => known.iter().find(|k| k.0 == rank).map_or(f64::NAN, |k| k.1),
        }
    }

    fn minimum(&self) -> f64 {
        self.at(0)
    }

    fn maximum(&self) -> f64 {
        self.at(self.len() - 1)
    }

    /// Linear between ranks, in the arithmetic of numpy: whether a value equals a percentile decides the robust deviation.
    fn quantile(&self, q: f64) -> f64 {
        let ([low, high], t) = bracket(q, self.len());
        let (a, b) = (self.at(low), self.at(high));
        let difference = b - a;
        if t >= 0.5 { b - difference * (1.0 - t) } else { a + difference * t }
    }
}

/// The two ranks around a quantile and the fraction between them.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and n - 1")]
fn bracket(q: f64, n: usize) -> ([usize; 2], f64) {
    let position = q * (n - 1) as f64;
    let low = position.floor() as usize;
    ([low, (low + 1).min(n - 1)], position - position.floor())
}

/// Finds the values at the wanted ranks of `part`, whose first element has rank `first`, by divide and conquer.
fn select(part: &mut [f64], first: usize, wanted: &[usize], known: &mut Vec<(usize, f64)>) {
    if wanted.is_empty() || part.is_empty() {
        return;
    }
    let middle = wanted.len() / 2;
    let rank = wanted[middle];
    let (left, value, right) = part.select_nth_unstable_by(rank - first, f64::total_cmp);
    known.push((rank, *value));
    select(left, first, &wanted[..middle], known);
    select(right, rank + 1, &wanted[middle + 1..], known);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The IBSI-like vector 1..=8, N = 8, hand-worked: mean 4.5, m2 = 5.25, m3 = 0, m4 = 48.5625 - see below.
    #[test]
    fn eight_numbers_by_hand() {
        let x: Vec<f64> = (1..=8).map(f64::from).collect();
        for kind in [SampleKind::I16, SampleKind::F64] {
            let f = features(&x, kind, &[8], 1.0, 2.0);
            let check = |feature: F, expected: f64| {
                let got = f[feature as usize];
                assert!((got - expected).abs() < 1e-12, "{feature:?}: {got} {expected}");
            };
            // Deviations 0.5, 1.5, 2.5, 3.5 twice: squares 0.25, 2.25, 6.25, 12.25 -> mean 5.25; fourth powers 0.0625, 5.0625, 39.0625,
            // 150.0625 -> mean 48.5625.
            check(F::Mean, 4.5);
            check(F::Variance, 5.25);
            check(F::Skewness, 0.0);
            check(F::Kurtosis, 48.5625 / (5.25 * 5.25));
            check(F::MeanAbsoluteDeviation, 2.0);
            // Ranks 0.7, 1.75, 3.5, 5.25, 6.3.
            check(F::Percentile10, 1.7);
            check(F::Median, 4.5);
            check(F::InterquartileRange, 6.25 - 2.75);
            check(F::Percentile90, 7.3);
            // Between 1.7 and 7.3 lie 2..=7: mean 4.5, deviations 2.5 1.5 0.5 0.5 1.5 2.5.
            check(F::RobustMeanAbsoluteDeviation, 1.5);
            // Shift 1: 4 + 9 + ... + 81 = 284.
            check(F::Energy, 284.0);
            check(F::TotalEnergy, 568.0);
            check(F::RootMeanSquared, (284.0_f64 / 8.0).sqrt());
            check(F::Range, 7.0);
            check(F::Uniformity, 1.0);
            check(F::Entropy, -(1.0 + f64::EPSILON).log2());
        }
    }

    #[test]
    fn selection_and_counting_agree() {
        let x: Vec<f64> = (0..5000).map(|n| f64::from((n * 7919) % 1237) - 600.0).collect();
        let (a, b) = (Order::new(&x, SampleKind::I16), Order::new(&x, SampleKind::F64));
        assert!(matches!(a, Order::Counts { .. }) && matches!(b, Order::Selected { .. }));
        for q in QUANTILES {
            assert_eq!(a.quantile(q).to_bits(), b.quantile(q).to_bits());
        }
    }
}
