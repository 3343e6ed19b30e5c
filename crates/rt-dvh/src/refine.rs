//! Which doses need finer cells, and how far off each quantile may still be.
//!
//! Halving the cells divides the error of a quantile by about four (the spread of dose inside a cell is carried to second order); three
//! is counted on. A quantile depends only on cells whose doses lie on both sides of it, so only those are cut.

use crate::histogram::Distribution;
use crate::integral::Focus;

/// Quantiles that must hold the tolerance: shares of the covered volume.
const SHARES: [f64; 11] = [0.99, 0.98, 0.95, 0.9, 0.7, 0.5, 0.3, 0.1, 0.05, 0.02, 0.01];
/// And the smallest absolute volume whose dose is reported, mm3 (D0.03cc).
const SMALLEST_MM3: f64 = 30.0;
/// Number of quantiles that are watched.
const WATCHED: usize = SHARES.len() + 1;
/// The error falls at least by this factor when cells are halved.
const GAIN: f64 = 3.0;

/// Change from cells five times to three times as wide over the error of the cells themselves, at second order: 25 - 9.
const FORESEEN_GAIN: f64 = 16.0;

/// The state of the refinement of one region.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refinement {
    /// Doses where cells are cut, by quantile.
    doses: [Option<[f64; 2]>; WATCHED],
    /// Parts they are cut into along each axis.
    pub(crate) parts: u32,
}

impl Default for Refinement {
    fn default() -> Self {
        Self {
            doses: [None; WATCHED],
            parts: 1,
        }
    }
}

/// Dose of each watched quantile; a volume below the smallest repeats the first.
fn quantiles(distribution: &Distribution) -> [f64; WATCHED] {
    let volume = distribution.volume_mm3();
    let small = if volume > SMALLEST_MM3 { SMALLEST_MM3 / volume } else { SHARES[0] };
    std::array::from_fn(|q| distribution.dose_at_share(SHARES.get(q).copied().unwrap_or(small)))
}

impl Refinement {
    /// The cells to cut; `None` when all stay as they are.
    pub(crate) fn focus(&self) -> Option<Focus> {
        let doses: Vec<[f64; 2]> = self.doses.iter().flatten().copied().collect();
        (!doses.is_empty()).then_some(Focus { doses, parts: self.parts })
    }

    /// Marks the quantiles whose change between cells five and three times as wide shows that plain cells will not do.
    pub(crate) fn foresee(&mut self, coarsest: Option<&Distribution>, coarse: Option<&Distribution>, tolerance: f64) {
        let (Some(coarsest), Some(coarse)) = (coarsest, coarse) else {
            return;
        };
        let (a, b) = (quantiles(coarsest), quantiles(coarse));
        for q in 0..WATCHED {
            let change = (a[q] - b[q]).abs();
            if change / FORESEEN_GAIN > tolerance {
                self.doses[q] = Some([b[q] - change / GAIN, b[q] + change / GAIN]);
                self.parts = 2;
            }
        }
    }

    /// Estimated error of each quantile, Gy: from the change against uncut cells where cells were cut, else against cells `wider` times as wide.
    pub(crate) fn errors(
        &self,
        wider: f64,
        coarse: Option<&Distribution>,
        uncut: Option<&Distribution>,
        now: &Distribution,
    ) -> [f64; WATCHED] {
        let now = quantiles(now);
        let coarse = coarse.map(quantiles);
        let uncut = uncut.map(quantiles);
        let gain = |ratio: f64| GAIN.powf(ratio.log2()) - 1.0;
        std::array::from_fn(|q| match (self.doses[q], uncut, coarse) {
            (Some(_), Some(uncut), _) => (now[q] - uncut[q]).abs() / gain(f64::from(self.parts)),
            (_, _, Some(coarse)) => (now[q] - coarse[q]).abs() / gain(wider),
            _ => f64::INFINITY,
        })
    }

    /// Cuts further around the quantiles that are not within a quarter of the tolerance.
    pub(crate) fn narrow(&mut self, errors: &[f64; WATCHED], now: &Distribution, tolerance: f64) {
        let now = quantiles(now);
        for q in 0..WATCHED {
            if errors[q] > 0.25 * tolerance {
                let reach = GAIN * errors[q].min(now[q].abs());
                self.doses[q] = Some([now[q] - reach, now[q] + reach]);
            }
        }
        self.parts *= 2;
    }
}
