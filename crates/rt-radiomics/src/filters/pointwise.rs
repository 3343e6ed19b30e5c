//! Filters of single values, scaled by the largest magnitude of the whole image so that the range is kept.

use crate::settings::Filter;

/// Applies a point filter; `largest` is the largest magnitude of the whole pre-processed image.
pub(super) fn apply(filter: &Filter, values: &mut [f64], largest: f64) {
    let f: &dyn Fn(f64) -> f64 = match filter {
        Filter::Square => &|x| {
            let scaled = (1.0 / largest.sqrt()) * x;
            scaled * scaled
        },
        Filter::SquareRoot => &|x| (x.abs() * largest).sqrt().copysign(x),
        Filter::Logarithm => &|x| {
            let range = largest / (largest + 1.0).ln();
            (x.abs() + 1.0).ln().copysign(x) * range
        },
        Filter::Exponential => &|x| (largest.ln() / largest * x).exp(),
        Filter::Original
        | Filter::LoG { .. }
        | Filter::Wavelet { .. }
        | Filter::Gradient { .. }
        | Filter::Lbp2d { .. }
        | Filter::Lbp3d { .. } => &|x| x,
    };
    for v in values {
        *v = f(*v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_value_keeps_its_size() {
        for filter in [Filter::Square, Filter::SquareRoot, Filter::Logarithm, Filter::Exponential] {
            let mut values = [100.0, -25.0, 0.0];
            apply(&filter, &mut values, 100.0);
            assert!((values[0] - 100.0).abs() < 1e-12, "{filter:?}");
            let expected = match filter {
                Filter::Square => [6.25, 0.0],
                Filter::SquareRoot => [-50.0, 0.0],
                Filter::Logarithm => [-100.0 * 26.0_f64.ln() / 101.0_f64.ln(), 0.0],
                _ => [100.0_f64.powf(-0.25), 1.0],
            };
            assert!(
                (values[1] - expected[0]).abs() < 1e-12 && (values[2] - expected[1]).abs() < 1e-12,
                "{filter:?}"
            );
        }
    }
}
