//! Analysis filters of `PyWavelets`' discrete families, by their names there.
//!
//! Splines (`bior1.x` to `bior3.x`) are computed here from their closed form (Cohen, Daubechies, Feauveau 1992). The others stand in
//! `lowpass.txt`: the solutions of the equations that define them (orthonormality and vanishing moments, Daubechies 1992; for coiflets the
//! moments of the scaling function too; for `bior4.4`, `5.5` and `6.8` perfect reconstruction, symmetry and vanishing moments), found by
//! Newton's method with 60 digits and rounded to `f64`. `db1` to `db38` are `PyWavelets`' numbers to the last bit, coiflets to the last but one,
//! `sym` and `bior` differ by up to 2e-11, 1e-12, where its tables hold fewer digits.

use std::f64::consts::SQRT_2;

/// A decomposition low pass, and the reconstruction low pass that the high pass mirrors (the same one reversed when orthogonal).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pair {
    pub(super) decompose: Vec<f64>,
    pub(super) reconstruct: Vec<f64>,
    /// What both are to be multiplied by, in the precision of the image.
    pub(super) factor: f64,
}

/// Name and numbers of a filter on each line.
static TABLE: &str = include_str!("lowpass.txt");

/// The families, as a message lists them.
pub(super) const KNOWN: &str = "haar, db1 to db38, sym2 to sym20, coif1 to coif15, bior and rbio 1.1 to 6.8";

/// The filters of a name.
pub(super) fn pair(name: &str) -> Option<Pair> {
    if let Some(order) = name.strip_prefix("rbio") {
        // Roles exchanged, and reversed, as a decomposition filter is the reversed reconstruction filter.
        let Pair {
            mut decompose,
            mut reconstruct,
            factor,
        } = pair(&format!("bior{order}"))?;
        decompose.reverse();
        reconstruct.reverse();
        return Some(Pair {
            decompose: reconstruct,
            reconstruct: decompose,
            factor,
        });
    }
    if let Some((n, m)) = name.strip_prefix("bior").and_then(|order| order.split_once('.'))
        && let (Ok(n), Ok(m)) = (n.parse(), m.parse())
        && let Some(pair) = spline(n, m)
    {
        return Some(pair);
    }
    let orthogonal = |low: Vec<f64>, factor: f64| {
        let reconstruct = low.iter().rev().copied().collect();
        Pair {
            decompose: low,
            reconstruct,
            factor,
        }
    };
    match name {
        "haar" | "db1" => Some(orthogonal(vec![0.5_f64.sqrt(); 2], 1.0)),
        "db2" => Some(orthogonal(daubechies_2(), 1.0)),
        "coif1" => Some(orthogonal(coiflet_1(), SQRT_2)),
        _ if name.starts_with("coif") => Some(orthogonal(row(name)?, SQRT_2)),
        _ if name.starts_with("bior") => Some(Pair {
            decompose: row(name)?,
            reconstruct: row(&format!("{name}r"))?,
            factor: 1.0,
        }),
        _ => Some(orthogonal(row(name)?, 1.0)),
    }
}

fn row(name: &str) -> Option<Vec<f64>> {
    let line = TABLE.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.split(' ').map(|v| v.parse().ok()).collect()
}

/// Daubechies' wavelet with two vanishing moments, in closed form.
fn daubechies_2() -> Vec<f64> {
    let (r, s) = (3.0_f64.sqrt(), 4.0 * SQRT_2);
    [1.0 - r, 3.0 - r, 3.0 + r, 1.0 + r].map(|v| v / s).to_vec()
}

/// The first coiflet divided by the root of 2, in closed form without cancellation.
fn coiflet_1() -> Vec<f64> {
    let r = 7.0_f64.sqrt();
    let outer = -3.0 / (16.0 * (1.0 + r));
    vec![
        -1.0 / (16.0 * (3.0 + r)),
        outer,
        (14.0 - 2.0 * r) / 32.0,
        (14.0 + 2.0 * r) / 32.0,
        (5.0 + r) / 32.0,
        outer,
    ]
}

/// The spline pairs that `PyWavelets` has: a B-spline of order `n` and its dual with `m` vanishing moments,
/// `((1 + z) / 2)^m` times the sum over `k < (n + m) / 2` of `C(l - 1 + k, k) (-(1 - z)^2 / 4z)^k`.
fn spline(n: usize, m: usize) -> Option<Pair> {
    let known: &[usize] = match n {
        1 => &[1, 3, 5],
        2 => &[2, 4, 6, 8],
        3 => &[1, 3, 5, 7, 9],
        _ => return None,
    };
    if !known.contains(&m) {
        return None;
    }
    let l = usize::midpoint(n, m);
    let mut sum = vec![0.0; 2 * l - 1];
    let (mut power, mut binomial) = (vec![1.0], 1.0);
    for k in 0..l {
        let at = l - 1 - k;
        for (out, v) in sum[at..].iter_mut().zip(&power) {
            *out += binomial * v;
        }
        power = product(&power, &[-0.25, 0.5, -0.25]);
        binomial *= (l + k) as f64 / (k + 1) as f64;
    }
    let halves = |order: usize| (0..order).fold(vec![1.0], |p, _| product(&p, &[0.5, 0.5]));
    let dual = product(&sum, &halves(m));
    let primal = halves(n);
    // Both stand around one centre in filters of one even length; of the odd ones the dual stands later by one, the primal earlier.
    let length = dual.len() + dual.len() % 2;
    let mut decompose = vec![0.0; length - dual.len()];
    decompose.extend(dual.iter().map(|v| v * SQRT_2));
    let before = (length - primal.len()) / 2;
    let mut reconstruct = vec![0.0; before];
    reconstruct.extend(primal.iter().map(|v| v * SQRT_2));
    reconstruct.resize(length, 0.0);
    Some(Pair {
        decompose,
        reconstruct,
        factor: 1.0,
    })
}

/// Product of two polynomials.
fn product(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; a.len() + b.len() - 1];
    for (n, x) in a.iter().enumerate() {
        for (m, y) in b.iter().enumerate() {
            out[n + m] += x * y;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every name of the families.
    fn names() -> Vec<String> {
        let numbered = |family: &str, range: std::ops::RangeInclusive<usize>| range.map(|n| format!("{family}{n}")).collect::<Vec<_>>();
        let orders = [
            "1.1", "1.3", "1.5", "2.2", "2.4", "2.6", "2.8", "3.1", "3.3", "3.5", "3.7", "3.9", "4.4", "5.5", "6.8",
        ];
        let mut out = vec!["haar".to_owned()];
        out.extend(numbered("db", 1..=38));
        out.extend(numbered("sym", 2..=20));
        out.extend(numbered("coif", 1..=15));
        for family in ["bior", "rbio"] {
            out.extend(orders.iter().map(|o| format!("{family}{o}")));
        }
        out
    }

    #[test]
    fn decomposition_and_reconstruction_undo_each_other() {
        assert_eq!(names().len(), 1 + 38 + 19 + 15 + 30);
        for name in names() {
            let Pair {
                decompose,
                reconstruct,
                factor,
            } = pair(&name).unwrap();
            let n = decompose.len();
            assert!(n % 2 == 0 && n == reconstruct.len(), "{name}");
            let sum: f64 = decompose.iter().sum::<f64>() * factor;
            assert!((sum - SQRT_2).abs() < 1e-14, "{name}: {sum}");
            // Sum over k of d(k) r(n - 1 - k + 2 m) is 1 for one m and 0 for all others.
            let mut hits = 0;
            for m in -(n.cast_signed())..n.cast_signed() {
                let at = |k: usize| usize::try_from(n.cast_signed() - 1 - k.cast_signed() + 2 * m).ok();
                let s: f64 = (0..n)
                    .filter_map(|k| Some(decompose[k] * reconstruct.get(at(k)?)? * factor * factor))
                    .sum();
                hits += usize::from((s - 1.0).abs() < 1e-13);
                assert!((s - 1.0).abs() < 1e-13 || s.abs() < 1e-13, "{name} {m}: {s}");
            }
            assert_eq!(hits, 1, "{name}");
        }
        assert!(pair("db39").is_none() && pair("bior2.3").is_none() && pair("mexh").is_none());
    }

    #[test]
    fn published_filters_are_met() {
        // Daubechies 1992, table 6.1, N = 3, reversed: 0.3326705529500825, 0.8068915093110924, ...
        let db3 = pair("db3").unwrap().decompose;
        assert!((db3[5] - 0.332_670_552_950_082_5).abs() < 1e-15 && (db3[4] - 0.806_891_509_311_092_4).abs() < 1e-15);
        // Cohen, Daubechies, Feauveau 1992: sqrt 2 times 3/128, -3/64, -1/8, 19/64, 45/64.
        let dual = pair("bior2.4").unwrap().decompose;
        let expected = [3.0 / 128.0, -3.0 / 64.0, -1.0 / 8.0, 19.0 / 64.0, 45.0 / 64.0];
        assert!(
            dual[1..6].iter().zip(expected).all(|(a, b)| (a - SQRT_2 * b).abs() < 1e-15),
            "{dual:?}"
        );
        // The filter of JPEG 2000: 9 taps, the middle one 0.602949018236 times the root of 2.
        let jpeg = pair("bior4.4").unwrap().decompose;
        assert!((jpeg[5] / SQRT_2 - 0.602_949_018_236).abs() < 1e-12);
    }
}
