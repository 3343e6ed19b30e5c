//! How volume is distributed over dose: from pieces with a dose interval each to quantiles, volumes and the curve.
//!
//! A piece of volume whose dose varies over `[a, b]` adds a uniform density there, not a point mass: stairs vanish and the error of a
//! figure falls by an order (`spec/dvh-algorithms.md` 5). The cumulative distribution is kept as a piecewise linear function with
//! [`BINS`] knots between the lowest and the highest dose of the region; each interval end is shared between its two neighbouring
//! knots so that means are kept. Figures come from that function, never from the 0.01 Gy curve.

use rt_core::float::Sum;

/// Number of intervals of the cumulative function.
pub const BINS: usize = 16_384;

/// Relative slack when a dose is compared with a limit: doses are stored as `f32`.
const DOSE_EPS: f64 = 2e-7;

/// Collects pieces of volume. Parts computed apart are joined with [`Accumulator::merge`] in a fixed order.
#[derive(Debug, Clone)]
pub struct Accumulator {
    lo: f64,
    hi: f64,
    step: f64,
    per_step: f64,
    /// Second differences of the cumulative function at the knots.
    bends: Vec<f64>,
    /// Volume, and first and second moment of the dose: of closed blocks of pieces, and of the block that is open.
    sums: [Sum; 3],
    open: [f64; 3],
    pieces: u64,
}

/// Pieces that are summed plainly before they enter the compensated sums.
const BLOCK: u64 = 512;

impl Accumulator {
    /// An empty collection for doses from `lo` to `hi` Gy; doses outside are moved to the nearer end.
    pub fn new(lo: f64, hi: f64) -> Self {
        let flat = hi - lo <= DOSE_EPS * hi.abs().max(1e-3);
        let step = if flat { 0.0 } else { (hi - lo) / BINS as f64 };
        let n = if flat { 0 } else { BINS + 2 };
        Self {
            lo,
            hi,
            step,
            per_step: if flat { 0.0 } else { step.recip() },
            bends: vec![0.0; n],
            sums: [Sum::default(); 3],
            open: [0.0; 3],
            pieces: 0,
        }
    }

    /// Adds `weight` mm3 spread evenly over `width` Gy around `mean`.
    #[inline]
    pub fn add(&mut self, mean: f64, width: f64, weight: f64) {
        self.pieces += 1;
        self.open[0] += weight;
        self.open[1] += weight * mean;
        self.open[2] += weight * (mean * mean + width * width / 12.0);
        if self.pieces.is_multiple_of(BLOCK) {
            self.close_block();
        }
        if self.bends.is_empty() {
            return;
        }
        let mean = mean.max(self.lo).min(self.hi);
        // No wider than the doses there are, no narrower than an interval between knots.
        let half = (0.5 * width).min(mean - self.lo).min(self.hi - mean).max(0.5 * self.step);
        let from = (mean - half).max(self.lo).min(self.hi - 2.0 * half);
        let slope = weight / (2.0 * half);
        self.bend(from, slope);
        self.bend(from + 2.0 * half, -slope);
    }

    fn close_block(&mut self) {
        for (sum, open) in self.sums.iter_mut().zip(&mut self.open) {
            sum.add(*open);
            *open = 0.0;
        }
    }

    /// Totals of volume, first and second moment.
    fn totals(&self) -> [f64; 3] {
        [0, 1, 2].map(|m| self.sums[m].value() + self.open[m])
    }

    /// Adds a bend of the cumulative function, shared by the two knots around a dose between `lo` and `hi`.
    #[inline]
    fn bend(&mut self, dose: f64, slope: f64) {
        let at = (dose - self.lo) * self.per_step;
        let knot = knot(at);
        let upper = slope * (at - knot as f64);
        self.bends[knot] += slope - upper;
        self.bends[knot + 1] += upper;
    }

    /// Adds what another accumulator of the same range holds.
    pub fn merge(&mut self, other: &Self) {
        self.bends.iter_mut().zip(&other.bends).for_each(|(a, b)| *a += b);
        self.sums.iter_mut().zip(other.totals()).for_each(|(sum, part)| sum.add(part));
        self.pieces += other.pieces;
    }

    /// Pieces added so far.
    pub fn pieces(&self) -> u64 {
        self.pieces
    }

    /// Volume added so far, mm3.
    pub fn volume_mm3(&self) -> f64 {
        self.totals()[0]
    }

    /// The distribution of all pieces; `None` when they have no volume.
    ///
    /// `min` and `max` are the true extremes: no quantile lies beyond them.
    pub fn distribution(&self, min: f64, max: f64) -> Option<Distribution> {
        let [total, first, second] = self.totals();
        if !(total > 0.0 && min.is_finite() && max.is_finite()) {
            return None;
        }
        let mean = (first / total).clamp(min, max);
        let variance = (second / total - mean * mean).max(0.0);
        Some(Distribution {
            below: cumulate(&self.bends, self.step, total),
            lo: self.lo,
            step: self.step,
            total,
            min,
            max,
            mean,
            sd: variance.sqrt(),
        })
    }
}

/// Knot at or below a position in steps.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positions lie between 0 and BINS"
)]
#[inline]
fn knot(at: f64) -> usize {
    (at.max(0.0) as u32 as usize).min(BINS)
}

/// Cumulative volume below each knot, from second differences; never falls, ends at `total`.
fn cumulate(bends: &[f64], step: f64, total: f64) -> Vec<f64> {
    let mut below = Vec::with_capacity(BINS + 1);
    let (mut slope, mut sum) = (0.0, 0.0);
    for bend in bends.iter().take(if bends.is_empty() { 0 } else { BINS + 1 }) {
        below.push(sum);
        slope += bend;
        sum += slope.max(0.0) * step;
    }
    if let Some(last) = below.last().copied().filter(|l| *l > 0.0) {
        for b in &mut below {
            *b *= total / last;
        }
    }
    below
}

/// Volume (mm3) against dose (Gy) of one region.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Volume below each knot; empty when the dose is the same everywhere.
    below: Vec<f64>,
    lo: f64,
    step: f64,
    total: f64,
    min: f64,
    max: f64,
    mean: f64,
    sd: f64,
}

impl Distribution {
    /// Volume that has a dose, mm3.
    pub fn volume_mm3(&self) -> f64 {
        self.total
    }

    /// Lowest dose in the region, Gy.
    pub fn min(&self) -> f64 {
        self.min
    }

    /// Highest dose in the region, Gy.
    pub fn max(&self) -> f64 {
        self.max
    }

    /// Mean dose, Gy.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Standard deviation of the dose over the volume, Gy.
    pub fn sd(&self) -> f64 {
        self.sd
    }

    /// Volume with at least `dose` Gy, mm3: all of it up to the lowest dose, none above the highest.
    pub fn volume_at(&self, dose: f64) -> f64 {
        let slack = DOSE_EPS * dose.abs().max(1.0);
        if dose - slack <= self.min {
            return self.total;
        }
        if dose - slack > self.max || self.below.is_empty() {
            return 0.0;
        }
        let at = ((dose - self.lo) / self.step).max(0.0);
        let knot = index(at).min(BINS - 1);
        let (a, b) = (self.below[knot], self.below[knot + 1]);
        (self.total - (a + (b - a) * (at - knot as f64).min(1.0))).clamp(0.0, self.total)
    }

    /// Highest dose that a share (0 to 1) of the volume receives at least, Gy; 0 gives the maximum, 1 the minimum.
    ///
    /// Where a range of doses answers (no volume between them) the lowest is returned.
    pub fn dose_at_share(&self, share: f64) -> f64 {
        if share <= 0.0 {
            return self.max;
        }
        if share >= 1.0 || self.below.is_empty() {
            return self.min;
        }
        let target = (1.0 - share) * self.total;
        let slack = 1e-12 * self.total;
        let knot = self.below.partition_point(|b| *b < target - slack).clamp(1, BINS);
        let (a, b) = (self.below[knot - 1], self.below[knot]);
        let part = if b > a { ((target - a) / (b - a)).clamp(0.0, 1.0) } else { 1.0 };
        (self.lo + ((knot - 1) as f64 + part) * self.step).clamp(self.min, self.max)
    }

    /// Mean of a function of the dose over the volume.
    pub fn mean_of(&self, f: impl Fn(f64) -> f64) -> f64 {
        if self.below.is_empty() {
            return f(self.min);
        }
        let mut sum = Sum::default();
        for (k, w) in self.below.windows(2).enumerate() {
            let volume = w[1] - w[0];
            if volume > 0.0 {
                let dose = self.lo + (k as f64 + 0.5) * self.step;
                sum.add(volume * f(dose.clamp(self.min, self.max)));
            }
        }
        sum.value() / self.total
    }

    /// Cumulative curve: volume in cm3 with at least `k * width` Gy for k = 0, 1, ... up to the first empty bin edge.
    pub fn curve_cc(&self, width: f64) -> Vec<f64> {
        let bins = index((self.max / width).max(0.0)) + 2;
        (0..bins).map(|k| self.volume_at(k as f64 * width) / 1000.0).collect()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "callers pass non-negative finite numbers; the cast saturates"
)]
fn index(x: f64) -> usize {
    x as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(pieces: &[(f64, f64, f64)], lo: f64, hi: f64) -> Distribution {
        let mut acc = Accumulator::new(lo, hi);
        for (mean, width, weight) in pieces {
            acc.add(*mean, *width, *weight);
        }
        acc.distribution(lo, hi).unwrap()
    }

    #[test]
    fn one_dose_everywhere_is_every_figure() {
        let d = of(&[(40.0, 0.0, 1.0), (40.0, 0.0, 3.0)], 40.0, 40.0);
        for share in [0.0, 0.02, 0.5, 0.98, 1.0] {
            assert!((d.dose_at_share(share) - 40.0).abs() < 1e-12);
        }
        assert!((d.volume_at(40.0) - 4.0).abs() < 1e-12 && d.volume_at(40.001) == 0.0);
        assert!((d.mean() - 40.0).abs() < 1e-12 && d.sd() < 1e-6);
        assert_eq!(d.curve_cc(10.0).len(), 6);
        assert!((d.mean_of(|x| x.powi(8)).powf(0.125) - 40.0).abs() < 1e-9);
    }

    #[test]
    fn an_even_spread_gives_straight_lines() {
        // 2 mm3 evenly from 10 to 20 Gy: D98 = 10.2, D50 = 15, V(12.5) = 1.5, sd = 10/sqrt(12).
        let d = of(&[(15.0, 10.0, 2.0)], 10.0, 20.0);
        assert!((d.dose_at_share(0.98) - 10.2).abs() < 1e-9);
        assert!((d.dose_at_share(0.5) - 15.0).abs() < 1e-9);
        assert!((d.volume_at(12.5) - 1.5).abs() < 1e-9);
        assert!((d.sd() - 10.0 / 12f64.sqrt()).abs() < 1e-12);
        assert!((d.volume_at(0.0) - 2.0).abs() < 1e-12 && d.volume_at(20.1) == 0.0);
    }

    #[test]
    fn between_two_doses_the_lower_end_answers() {
        // Half at 10 Gy, half at 30 Gy: exactly half the volume has 10 < D <= 30; D50 is the lower end.
        let d = of(&[(10.0, 0.0, 1.0), (30.0, 0.0, 1.0)], 10.0, 30.0);
        assert!((d.dose_at_share(0.5) - 10.0).abs() < 0.002, "{}", d.dose_at_share(0.5));
        assert!((d.dose_at_share(0.4) - 30.0).abs() < 0.002);
        assert!((d.volume_at(20.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_curve_starts_with_the_volume_and_ends_with_nothing() {
        let curve = of(&[(1.0, 2.0, 5000.0)], 0.0, 2.0).curve_cc(0.5);
        let want = [5.0, 3.75, 2.5, 1.25, 0.0, 0.0];
        assert_eq!(curve.len(), want.len());
        for (c, w) in curve.iter().zip(want) {
            assert!((c - w).abs() < 1e-9, "{curve:?}");
        }
    }

    #[test]
    fn parts_merged_are_the_whole() {
        let pieces = [(12.0, 1.0, 1.0), (14.0, 0.3, 2.0), (19.9, 5.0, 0.5)];
        let whole = of(&pieces, 10.0, 20.0);
        let mut a = Accumulator::new(10.0, 20.0);
        let mut b = a.clone();
        a.add(pieces[0].0, pieces[0].1, pieces[0].2);
        pieces[1..].iter().for_each(|p| b.add(p.0, p.1, p.2));
        a.merge(&b);
        let merged = a.distribution(10.0, 20.0).unwrap();
        for share in [0.1, 0.5, 0.9] {
            assert!((merged.dose_at_share(share) - whole.dose_at_share(share)).abs() < 1e-9);
        }
        assert_eq!(a.pieces(), 3);
    }

    proptest! {
        #[test]
        fn volume_falls_with_dose_and_dose_with_volume(
            pieces in prop::collection::vec((5.0f64..70.0, 0.0f64..20.0, 0.001f64..10.0), 1..40)
        ) {
            let d = of(&pieces, 5.0, 70.0);
            let total: f64 = pieces.iter().map(|p| p.2).sum();
            prop_assert!((d.volume_at(0.0) - total).abs() < 1e-9 * total);
            let curve = d.curve_cc(0.37);
            prop_assert!(curve.windows(2).all(|w| w[1] <= w[0]));
            prop_assert_eq!(curve.last().copied(), Some(0.0));
            let shares: Vec<f64> = (0..=100).map(|p| d.dose_at_share(f64::from(p) / 100.0)).collect();
            prop_assert!(shares.windows(2).all(|w| w[1] <= w[0]));
            prop_assert!(shares[0] <= 70.0 && shares[100] >= 5.0);
            for p in [10.0, 50.0, 90.0] {
                let v = d.volume_at(d.dose_at_share(p / 100.0));
                prop_assert!(v + 1e-6 * total >= p / 100.0 * total, "{} {}", v, p);
            }
        }
    }
}
