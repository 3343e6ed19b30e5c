//! Biological dose: BED, EQD2 and equivalent uniform dose; the constants come from the caller.
//!
//! Sources: Fowler, Br J Radiol 62:679 (1989) for BED; Niemierko, Med Phys 26:1100 (1999) for gEUD.

use crate::histogram::Distribution;

/// Dose below which a voxel counts as this much when the exponent is negative, Gy: zero dose would make the gEUD zero.
pub const GEUD_FLOOR_GY: f64 = 1e-6;

/// Biologically effective dose of a total dose given in `fractions` equal parts, Gy: `D (1 + (D/n) / (a/b))`.
pub fn bed(total_gy: f64, fractions: f64, alpha_beta: f64) -> f64 {
    total_gy * (1.0 + total_gy / fractions / alpha_beta)
}

/// Total dose in 2 Gy fractions of equal effect, Gy: `BED / (1 + 2 / (a/b))`.
pub fn eqd2(total_gy: f64, fractions: f64, alpha_beta: f64) -> f64 {
    bed(total_gy, fractions, alpha_beta) / (1.0 + 2.0 / alpha_beta)
}

/// What is added up when doses are combined.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Response {
    /// The dose itself.
    #[default]
    Physical,
    /// [`eqd2`] of the dose; interpolated first, transformed then.
    Eqd2 {
        /// Fractions of this dose's plan, above 0.
        fractions: f64,
        /// Alpha/beta ratio, Gy, above 0.
        alpha_beta: f64,
    },
    /// [`bed`] of the dose; interpolated first, transformed then.
    Bed {
        /// Fractions of this dose's plan, above 0.
        fractions: f64,
        /// Alpha/beta ratio, Gy, above 0.
        alpha_beta: f64,
    },
}

impl Response {
    /// Value and derivative at a dose in Gy.
    pub fn at(self, dose: f64) -> (f64, f64) {
        match self {
            Self::Physical => (dose, 1.0),
            Self::Eqd2 { fractions, alpha_beta } => {
                let slope = (1.0 + 2.0 * dose / fractions / alpha_beta) / (1.0 + 2.0 / alpha_beta);
                (eqd2(dose, fractions, alpha_beta), slope)
            }
            Self::Bed { fractions, alpha_beta } => (bed(dose, fractions, alpha_beta), 1.0 + 2.0 * dose / fractions / alpha_beta),
        }
    }
}

/// Generalised equivalent uniform dose, Gy: `(mean of D^a)^(1/a)`; 1 is the mean, large is the maximum, negative weighs cold spots.
///
/// `a` must not be 0. Computed in logarithms, so that any exponent is safe; for `a < 0` doses are raised to [`GEUD_FLOOR_GY`].
pub fn geud(distribution: &Distribution, a: f64) -> f64 {
    // Powers of D / Dmax keep the sum between 0 and 1 for a > 0; for a < 0 the smallest dose takes that part.
    let floor = if a < 0.0 { GEUD_FLOOR_GY } else { 0.0 };
    let reference = if a > 0.0 {
        distribution.max()
    } else {
        distribution.min().max(floor)
    };
    if reference <= 0.0 {
        return 0.0;
    }
    let mean = distribution.mean_of(|d| (a * (d.max(floor) / reference).ln()).exp());
    reference * (mean.ln() / a).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Accumulator;

    #[test]
    fn fractionation_changes_the_effect() {
        // 60 Gy in 20 fractions of 3 Gy, a/b = 3: BED 60 * 2 = 120, EQD2 = 120 / (5/3) = 72.
        assert!((bed(60.0, 20.0, 3.0) - 120.0).abs() < 1e-12);
        assert!((eqd2(60.0, 20.0, 3.0) - 72.0).abs() < 1e-12);
        // 2 Gy fractions change nothing.
        assert!((eqd2(50.0, 25.0, 10.0) - 50.0).abs() < 1e-12);
        let r = Response::Eqd2 {
            fractions: 20.0,
            alpha_beta: 3.0,
        };
        let numeric = (r.at(60.001).0 - r.at(59.999).0) / 0.002;
        assert!((r.at(60.0).1 - numeric).abs() < 1e-6);
        let r = Response::Bed {
            fractions: 20.0,
            alpha_beta: 3.0,
        };
        assert!((r.at(60.0).0 - 120.0).abs() < 1e-12 && (r.at(60.0).1 - 3.0).abs() < 1e-12);
    }

    #[test]
    fn geud_of_an_even_spread_has_a_closed_form() {
        // D evenly from 10 to 20: mean of D^a = (20^(a+1) - 10^(a+1)) / (10 (a+1)).
        let mut acc = Accumulator::new(10.0, 20.0);
        acc.add(15.0, 10.0, 1.0);
        let d = acc.distribution(10.0, 20.0).unwrap();
        for a in [1.0, 8.0, -10.0, 30.0] {
            let want = ((20f64.powf(a + 1.0) - 10f64.powf(a + 1.0)) / (10.0 * (a + 1.0))).powf(1.0 / a);
            assert!((geud(&d, a) - want).abs() < 1e-6, "a = {a}: {} against {want}", geud(&d, a));
        }
    }

    #[test]
    fn no_dose_is_no_effect_and_nothing_explodes() {
        let mut acc = Accumulator::new(0.0, 0.0);
        acc.add(0.0, 0.0, 1.0);
        let d = acc.distribution(0.0, 0.0).unwrap();
        assert_eq!(geud(&d, 8.0).to_bits(), 0.0_f64.to_bits());
        assert!((geud(&d, -10.0) - GEUD_FLOOR_GY).abs() < 1e-12);
    }
}
