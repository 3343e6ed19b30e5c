//! Cubic B-spline interpolation with the order of operations of ITK.
//!
//! Where a new voxel falls on an old one the spline returns the old integer up to 1e-14, and truncation then gives it or its neighbour; the
//! reference has whichever its rounding gives. So coefficients are computed exactly as there (gain first, truncated start of the causal pass,
//! x, y, then z), and values near an integer are summed again in its order. Unser, Aldroubi and Eden 1993 (filter);
//! `spec/radiomics-conventions.md` 2.1 and 2.2.

use rayon::prelude::*;

use super::Axis;
use crate::image::Field;

/// Samples at which the powers of the pole have fallen to the tolerance: ceil(ln 1e-10 / ln |pole|).
const HORIZON: usize = 18;
const TOLERANCE_OF_INTEGERS: f64 = 1e-6;

/// Pole of the recursive filter.
fn pole() -> f64 {
    3.0_f64.sqrt() - 2.0
}

/// Turns samples into coefficients in place: along i, then j, then k.
pub(crate) fn prefilter(field: &mut Field) {
    let [ni, nj, nk] = field.size;
    // Eight rows at a time: the recursion of one row waits for itself, eight of them fill the gaps.
    field.data.par_chunks_mut(ni * 8).for_each(|rows| filter_rows(rows, ni));
    field.data.par_chunks_mut(ni * nj).for_each(|slice| filter_lines(slice, nj, ni));
    // Slices are far apart along k: work on columns of a strip of each row block.
    if nk > 1 {
        filter_along_k(&mut field.data, ni * nj, nk);
    }
}

/// First coefficient of the causal pass from the scaled samples at distance `k`.
fn causal_start(n: usize, at: impl Fn(usize) -> f64) -> f64 {
    let z = pole();
    if HORIZON < n {
        let (mut power, mut sum) = (z, at(0));
        for k in 1..HORIZON {
            sum += power * at(k);
            power *= z;
        }
        return sum;
    }
    let inverse = 1.0 / z;
    let mut back = z.powi(i32::try_from(n - 1).unwrap_or(i32::MAX));
    let mut sum = at(0) + back * at(n - 1);
    let mirrored = back * inverse;
    back *= mirrored;
    let mut power = z;
    for k in 1..n - 1 {
        sum += (power + back) * at(k);
        power *= z;
        back *= inverse;
    }
    sum / (1.0 - power * power)
}

/// Filters `n` vectors of `width` values, one after the other in memory, along the long axis.
fn filter_lines(data: &mut [f64], n: usize, width: usize) {
    if n < 2 {
        return;
    }
    let z = pole();
    let gain = (1.0 - z) * (1.0 - 1.0 / z);
    for v in data.iter_mut() {
        *v *= gain;
    }
    let first: Vec<f64> = (0..width).map(|x| causal_start(n, |k| data[k * width + x])).collect();
    data[..width].copy_from_slice(&first);
    for k in 1..n {
        let (before, here) = data.split_at_mut(k * width);
        let before = &before[(k - 1) * width..];
        for (c, b) in here[..width].iter_mut().zip(before) {
            *c += z * b;
        }
    }
    let (before, last) = data.split_at_mut((n - 1) * width);
    let factor = z / (z * z - 1.0);
    for (c, b) in last.iter_mut().zip(&before[(n - 2) * width..]) {
        *c = factor * (z * b + *c);
    }
    for k in (0..n - 1).rev() {
        let (here, after) = data.split_at_mut((k + 1) * width);
        for (c, a) in here[k * width..].iter_mut().zip(&after[..width]) {
            *c = z * (a - *c);
        }
    }
}

/// Filters rows of `ni` values each; at most eight of them.
fn filter_rows(rows: &mut [f64], ni: usize) {
    let count = rows.len() / ni;
    let mut turned = vec![0.0; rows.len()];
    for (r, row) in rows.chunks(ni).enumerate() {
        for (i, v) in row.iter().enumerate() {
            turned[i * count + r] = *v;
        }
    }
    filter_lines(&mut turned, ni, count);
    for (r, row) in rows.chunks_mut(ni).enumerate() {
        for (i, v) in row.iter_mut().enumerate() {
            *v = turned[i * count + r];
        }
    }
}

/// Filters along k in strips of 64 columns, each strip copied together and back.
fn filter_along_k(data: &mut [f64], plane: usize, nk: usize) {
    const STRIP: usize = 512;
    let strips: Vec<(usize, Vec<f64>)> = (0..plane)
        .step_by(STRIP)
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|start| {
            let width = STRIP.min(plane - start);
            let mut strip = Vec::with_capacity(width * nk);
            for k in 0..nk {
                strip.extend_from_slice(&data[k * plane + start..k * plane + start + width]);
            }
            filter_lines(&mut strip, nk, width);
            (start, strip)
        })
        .collect();
    for (start, strip) in strips {
        let width = strip.len() / nk;
        for (k, values) in strip.chunks(width).enumerate() {
            data[k * plane + start..k * plane + start + width].copy_from_slice(values);
        }
    }
}

/// The four coefficients that a new position mixes, as places in the part at hand, and their weights.
#[derive(Debug, Clone, Copy)]
struct Taps {
    place: [usize; 4],
    weight: [f64; 4],
}

/// Weights of the four coefficients around a position that lies `w` past the second of them.
pub(crate) fn weights(w: f64) -> [f64; 4] {
    let w3 = (1.0 / 6.0) * w * w * w;
    let w0 = (1.0 / 6.0) + 0.5 * w * (w - 1.0) - w3;
    let w2 = w + w0 - 2.0 * w3;
    [w0, 1.0 - w0 - w2 - w3, w2, w3]
}

fn taps(axis: &Axis<'_>) -> Vec<Option<Taps>> {
    let of = |p: &f64| {
        super::inside(*p, axis.whole).then(|| {
            let base = p.floor();
            Taps {
                place: std::array::from_fn(|t| mirrored(base + t as f64 - 1.0, axis.whole) - axis.first),
                weight: weights(p - base),
            }
        })
    };
    axis.positions.iter().map(of).collect()
}

/// The sample that stands for an index beyond the ends: mirrored without repeating the end.
pub(crate) fn mirrored(index: f64, n: usize) -> usize {
    let last = n as f64 - 1.0;
    if n == 1 {
        return 0;
    }
    let period = 2.0 * last;
    let at = index.abs() % period;
    super::whole(if at > last { period - at } else { at })
}

/// Evaluates a spline slice by slice.
pub(super) struct Evaluator<'a> {
    field: &'a Field,
    taps: [Vec<Option<Taps>>; 3],
    /// Sum again in the reference's order where the value is near an integer.
    exact: bool,
}

impl<'a> Evaluator<'a> {
    /// For coefficients ([`prefilter`]) and the positions of the new voxels.
    pub(super) fn new(field: &'a Field, axes: &[Axis<'_>; 3], exact: bool) -> Self {
        Self {
            field,
            taps: [taps(&axes[0]), taps(&axes[1]), taps(&axes[2])],
            exact,
        }
    }

    /// Fills slice `k` of the new grid.
    pub(super) fn slice(&self, k: usize, store: &dyn Fn(f64) -> f64, out: &mut [f64]) {
        let [ni, nj, _] = self.field.size;
        let width = self.taps[0].len();
        let Some(along_k) = self.taps[2][k] else { return };
        let mut plane = vec![0.0; ni * nj];
        mix(&mut plane, &along_k, |t| &self.field.data[along_k.place[t] * ni * nj..]);
        let mut row = vec![0.0; ni];
        for (along_j, out) in self.taps[1].iter().zip(out.chunks_mut(width)) {
            let Some(along_j) = along_j else { continue };
            mix(&mut row, along_j, |t| &plane[along_j.place[t] * ni..]);
            for (along_i, out) in self.taps[0].iter().zip(out) {
                let Some(along_i) = along_i else { continue };
                let mut value: f64 = (0..4).map(|t| along_i.weight[t] * row[along_i.place[t]]).sum();
                if self.exact && (value - value.round()).abs() < TOLERANCE_OF_INTEGERS {
                    value = self.in_order(along_i, along_j, &along_k);
                }
                *out = store(value);
            }
        }
    }

    /// The sum of 64 terms, x innermost, as ITK adds them.
    fn in_order(&self, along_i: &Taps, along_j: &Taps, along_k: &Taps) -> f64 {
        let [ni, nj, _] = self.field.size;
        let mut value = 0.0;
        for c in 0..4 {
            for b in 0..4 {
                let row = (along_k.place[c] * nj + along_j.place[b]) * ni;
                for a in 0..4 {
                    let weight = along_i.weight[a] * along_j.weight[b] * along_k.weight[c];
                    value += weight * self.field.data[row + along_i.place[a]];
                }
            }
        }
        value
    }
}

/// The weighted sum of four lines.
fn mix<'s>(out: &mut [f64], taps: &Taps, line: impl Fn(usize) -> &'s [f64]) {
    let lines = [0, 1, 2, 3].map(|t| &line(t)[..out.len()]);
    let w = taps.weight;
    for (n, out) in out.iter_mut().enumerate() {
        *out = w[0] * lines[0][n] + w[1] * lines[1][n] + w[2] * lines[2][n] + w[3] * lines[3][n];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::SampleKind;

    #[test]
    fn coefficients_give_the_samples_back_along_all_axes() {
        let size = [21, 9, 25];
        let data: Vec<f64> = (0..size.iter().product::<usize>()).map(|n| ((n * 7919) % 613) as f64).collect();
        let mut field = Field {
            size,
            spacing: [1.0; 3],
            kind: SampleKind::I16,
            data: data.clone(),
        };
        prefilter(&mut field);
        let positions: [Vec<f64>; 3] = std::array::from_fn(|a| (0..size[a]).map(|n| n as f64).collect());
        let axes: [Axis<'_>; 3] = std::array::from_fn(|a| Axis {
            positions: &positions[a],
            first: 0,
            whole: size[a],
        });
        for exact in [true, false] {
            let evaluator = Evaluator::new(&field, &axes, exact);
            let mut out = vec![0.0; size[0] * size[1]];
            for k in 0..size[2] {
                evaluator.slice(k, &|v| v, &mut out);
                let old = &data[k * out.len()..(k + 1) * out.len()];
                // The truncated start of the causal pass leaves 1e-10 of the far samples.
                assert!(out.iter().zip(old).all(|(a, b)| (a - b).abs() < 1e-6), "slice {k}");
            }
        }
    }

    #[test]
    fn a_line_by_hand() {
        // Samples (0, 1, 0): coefficients (-1, 2, -1), from (4 c0 + 2 c1) / 6 = 0 and (c0 + 4 c1 + c2) / 6 = 1.
        let mut line = [0.0, 1.0, 0.0];
        filter_lines(&mut line, 3, 1);
        assert!(line.iter().zip([-1.0, 2.0, -1.0]).all(|(a, b)| (a - b).abs() < 1e-14), "{line:?}");
    }
}
