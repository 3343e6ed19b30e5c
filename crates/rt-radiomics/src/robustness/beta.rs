//! Quantiles of the F distribution, from the incomplete beta function (Abramowitz and Stegun 26.5, 26.6; continued fraction 26.5.8 by
//! Lentz's method).
#![allow(clippy::many_single_char_names, reason = "the letters of the formulas")]

/// Logarithm of the gamma function, by Stirling's series above 15 and recurrence below (A&S 6.1.41).
fn ln_gamma(x: f64) -> f64 {
    let (mut z, mut shift) = (x, 0.0);
    while z < 15.0 {
        shift += z.ln();
        z += 1.0;
    }
    let coefficients = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
    ];
    let inverse = 1.0 / z;
    let series = coefficients.iter().rev().fold(0.0, |sum, c| sum * inverse * inverse + c) * inverse;
    (z - 0.5) * z.ln() - z + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - shift
}

/// Regularised incomplete beta function, with the complement: `(I_x(a, b), 1 - I_x(a, b))`, for `y = 1 - x`.
fn incomplete_beta(a: f64, b: f64, x: f64, y: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    if y <= 0.0 {
        return (1.0, 0.0);
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * y.ln()).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        let v = front * fraction(a, b, x) / a;
        (v, 1.0 - v)
    } else {
        let v = front * fraction(b, a, y) / b;
        (1.0 - v, v)
    }
}

/// The continued fraction of the incomplete beta function.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let tiny = 1e-300;
    let guard = |v: f64| if v.abs() < tiny { tiny } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let mut out = d;
    for m in 1..10_000 {
        let m = f64::from(m);
        for term in [
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        ] {
            d = 1.0 / guard(1.0 + term * d);
            c = guard(1.0 + term / c);
            out *= c * d;
        }
        if (c * d - 1.0).abs() < 1e-16 {
            break;
        }
    }
    out
}

/// The value that an F variable with `d1` and `d2` degrees of freedom stays below with probability `p`.
pub(super) fn f_quantile(p: f64, d1: f64, d2: f64) -> f64 {
    // P(F < f) = I_x(d1/2, d2/2) with x = d1 f / (d1 f + d2); bisection on the logarithm of f, on the tail that is small.
    let below = |f: f64| {
        let sum = d1 * f + d2;
        incomplete_beta(d1 / 2.0, d2 / 2.0, d1 * f / sum, d2 / sum)
    };
    let too_low = |f: f64| {
        let (low, high) = below(f);
        if p <= 0.5 { low < p } else { high > 1.0 - p }
    };
    let (mut low, mut high) = (-700.0_f64, 700.0_f64);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if too_low(middle.exp()) {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_and_beta_have_their_known_values() {
        assert!((ln_gamma(0.5) - std::f64::consts::PI.sqrt().ln()).abs() < 1e-13);
        assert!((ln_gamma(11.0) - 3_628_800.0_f64.ln()).abs() < 1e-13);
        // I_x(2, 3) = 6x^2 - 8x^3 + 3x^4; I_x(1, b) = 1 - (1 - x)^b.
        let x = 0.3_f64;
        let (low, high) = incomplete_beta(2.0, 3.0, x, 1.0 - x);
        let expected = 6.0 * x * x - 8.0 * x.powi(3) + 3.0 * x.powi(4);
        assert!((low - expected).abs() < 1e-13 && (high - 1.0 + expected).abs() < 1e-13);
        assert!((incomplete_beta(1.0, 7.5, 0.2, 0.8).0 - (1.0 - 0.8_f64.powf(7.5))).abs() < 1e-13);
    }

    #[test]
    fn quantiles_are_closed_forms_where_there_are_any() {
        // F(2, 2m): P(F > f) = (1 + f / m)^-m, so the upper 2.5 % point is m (0.025^(-1/m) - 1).
        for m in [1.0, 5.0, 40.0] {
            let expected = m * (0.025_f64.powf(-1.0 / m) - 1.0);
            assert!((f_quantile(0.975, 2.0, 2.0 * m) / expected - 1.0).abs() < 1e-12, "{m}");
        }
        // F(1, 1) is the square of a Cauchy variable: the median is 1, the quantile at p is tan(pi p / 2)^2.
        assert!((f_quantile(0.5, 1.0, 1.0) - 1.0).abs() < 1e-12);
        let expected = (std::f64::consts::PI * 0.975 / 2.0).tan().powi(2);
        assert!((f_quantile(0.975, 1.0, 1.0) / expected - 1.0).abs() < 1e-11);
    }
}
