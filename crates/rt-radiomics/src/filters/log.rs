//! Laplacian of Gaussian by recursive filters (Deriche 1993; Farnebäck and Westin 2006 for the normalisation), as ITK's
//! `LaplacianRecursiveGaussian` with normalisation across scales.
//!
//! Each second derivative is smoothed along the other axes; every pass is stored in `f32`, as the reference does, because bins depend on it.

use rayon::prelude::*;

use crate::image::{Base, Field};
use crate::roi::Roi;
use crate::sample::SampleKind;

/// Feed-forward terms of a filter of order 0 or 2: amplitudes of the cosine and sine parts of its two exponentials.
struct Shape {
    a: [f64; 2],
    b: [f64; 2],
}

const SMOOTHING: Shape = Shape {
    a: [1.3530, -0.3531],
    b: [1.8151, 0.0902],
};
const SECOND: Shape = Shape {
    a: [-1.3563, 0.3446],
    b: [5.2318, -2.2355],
};
/// Frequencies and dampings of the two exponentials.
const FREQUENCY: [f64; 2] = [0.6681, 2.0787];
const DAMPING: [f64; 2] = [-1.3932, -1.3732];

/// Damped oscillations at one scale.
struct Scale {
    cos: [f64; 2],
    sin: [f64; 2],
    exp: [f64; 2],
}

impl Scale {
    fn new(sigma: f64) -> Self {
        Self {
            cos: FREQUENCY.map(|w| (w / sigma).cos()),
            sin: FREQUENCY.map(|w| (w / sigma).sin()),
            exp: DAMPING.map(|l| (l / sigma).exp()),
        }
    }

    /// Feedback terms D1 to D4, common to all orders.
    fn feedback(&self) -> [f64; 4] {
        let ([c1, c2], [e1, e2]) = (self.cos, self.exp);
        [
            -2.0 * (e2 * c2 + e1 * c1),
            4.0 * c2 * c1 * e1 * e2 + e1 * e1 + e2 * e2,
            -2.0 * c1 * e1 * e2 * e2 - 2.0 * c2 * e2 * e1 * e1,
            e1 * e1 * e2 * e2,
        ]
    }

    /// Feed-forward terms N0 to N3.
    fn forward(&self, shape: &Shape) -> [f64; 4] {
        let ([c1, c2], [s1, s2], [e1, e2]) = (self.cos, self.sin, self.exp);
        let ([a1, a2], [b1, b2]) = (shape.a, shape.b);
        [
            a1 + a2,
            e2 * (b2 * s2 - (a2 + 2.0 * a1) * c2) + e1 * (b1 * s1 - (a1 + 2.0 * a2) * c1),
            ((a1 + a2) * c2 * c1 - b1 * c2 * s1 - b2 * c1 * s2) * 2.0 * e1 * e2 + a2 * e1 * e1 + a1 * e2 * e2,
            e2 * e1 * e1 * (b2 * s2 - a2 * c2) + e1 * e2 * e2 * (b1 * s1 - a1 * c1),
        ]
    }
}

/// Order of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Smooth,
    Second,
}

/// A causal and an anticausal filter whose sum is the wanted one; edges go on with their value.
struct Recursive {
    n: [f64; 4],
    d: [f64; 4],
    m: [f64; 4],
    start_n: [f64; 4],
    start_m: [f64; 4],
}

fn weighted(terms: [f64; 4], power: i32) -> f64 {
    (0u32..).zip(terms).map(|(k, term)| f64::from(k).powi(power) * term).sum()
}

impl Recursive {
    /// `sigma` and `spacing` in mm.
    fn new(sigma: f64, spacing: f64, order: Order) -> Self {
        let scale = Scale::new(sigma / spacing);
        let d = scale.feedback();
        let sd = 1.0 + d.iter().sum::<f64>();
        let dd = d[0] + 2.0 * d[1] + 3.0 * d[2] + 4.0 * d[3];
        let ed = d[0] + 4.0 * d[1] + 9.0 * d[2] + 16.0 * d[3];
        let n0 = scale.forward(&SMOOTHING);
        let n = match order {
            Order::Smooth => {
                let alpha = 2.0 * n0.iter().sum::<f64>() / sd - n0[0];
                n0.map(|v| v / alpha)
            }
            Order::Second => {
                let n2 = scale.forward(&SECOND);
                let beta = -(2.0 * n2.iter().sum::<f64>() - sd * n2[0]) / (2.0 * n0.iter().sum::<f64>() - sd * n0[0]);
                let n: [f64; 4] = std::array::from_fn(|k| n2[k] + beta * n0[k]);
                let (sn, dn, en) = (n.iter().sum::<f64>(), weighted(n, 1), weighted(n, 2));
                let alpha = (en * sd * sd - ed * sn * sd - 2.0 * dn * dd * sd + 2.0 * dd * dd * sn) / (sd * sd * sd);
                n.map(|v| v * (sigma * sigma / alpha))
            }
        };
        let m = [n[1] - d[0] * n[0], n[2] - d[1] * n[0], n[3] - d[2] * n[0], -d[3] * n[0]];
        let (sn, sm) = (n.iter().sum::<f64>(), m.iter().sum::<f64>());
        Self {
            n,
            d,
            m,
            start_n: d.map(|v| v * sn / sd),
            start_m: d.map(|v| v * sm / sd),
        }
    }

    /// Filters vectors of `width` values, one after the other in memory, along the long axis; results are rounded to `f32`.
    fn run(&self, data: &mut [f64], width: usize) {
        let count = data.len() / width;
        let line = |i: usize| i * width..(i + 1) * width;
        let mut forward = vec![0.0; data.len()];
        let edges = self.start_n.map(|c| data[..width].iter().map(|v| v * c).collect::<Vec<f64>>());
        for i in 0..count {
            let (done, rest) = forward.split_at_mut(i * width);
            let inputs = [0, 1, 2, 3].map(|back: usize| &data[line(i.saturating_sub(back))]);
            let fed = [1, 2, 3, 4].map(|back| {
                if i >= back {
                    (&done[line(i - back)], self.d[back - 1])
                } else {
                    (&edges[back - 1][..], 1.0)
                }
            });
            recur(&mut rest[..width], inputs, self.n, fed);
        }
        let last = count - 1;
        let mut backward = vec![0.0; data.len()];
        let edges = self.start_m.map(|c| data[line(last)].iter().map(|v| v * c).collect::<Vec<f64>>());
        for i in (0..count).rev() {
            let (rest, done) = backward.split_at_mut((i + 1) * width);
            let inputs = [1, 2, 3, 4].map(|on: usize| &data[line((i + on).min(last))]);
            let fed = [1, 2, 3, 4].map(|on| {
                if i + on <= last {
                    (&done[line(on - 1)], self.d[on - 1])
                } else {
                    (&edges[on - 1][..], 1.0)
                }
            });
            recur(&mut rest[i * width..], inputs, self.m, fed);
        }
        for (out, (a, b)) in data.iter_mut().zip(forward.iter().zip(&backward)) {
            *out = SampleKind::F32.store(a + b);
        }
    }
}

/// out = sum of four weighted inputs minus the sum of four weighted earlier outputs.
fn recur(out: &mut [f64], inputs: [&[f64]; 4], weights: [f64; 4], fed: [(&[f64], f64); 4]) {
    let n = out.len();
    let [x0, x1, x2, x3] = inputs.map(|line| &line[..n]);
    let [y1, y2, y3, y4] = fed.map(|f| &f.0[..n]);
    let [d1, d2, d3, d4] = fed.map(|f| f.1);
    let [w0, w1, w2, w3] = weights;
    for (n, out) in out.iter_mut().enumerate() {
        let sum = x0[n] * w0 + x1[n] * w1 + x2[n] * w2 + x3[n] * w3;
        *out = sum - (y1[n] * d1 + y2[n] * d2 + y3[n] * d3 + y4[n] * d4);
    }
}

/// Columns that are filtered together.
const STRIP: usize = 64;

/// Filters a field along an axis.
fn filter(field: &mut Field, axis: usize, recursive: &Recursive) {
    let [ni, nj, nk] = field.size;
    match axis {
        0 => field.data.par_chunks_mut(ni * STRIP).for_each(|rows| {
            let count = rows.len() / ni;
            let mut turned = vec![0.0; rows.len()];
            for (at, v) in rows.iter().enumerate() {
                turned[(at % ni) * count + at / ni] = *v;
            }
            recursive.run(&mut turned, count);
            for (at, v) in rows.iter_mut().enumerate() {
                *v = turned[(at % ni) * count + at / ni];
            }
        }),
        1 => field.data.par_chunks_mut(ni * nj).for_each(|slice| recursive.run(slice, ni)),
        _ => {
            let plane = ni * nj;
            let starts: Vec<usize> = (0..plane).step_by(STRIP).collect();
            let data = &field.data;
            let strips: Vec<Vec<f64>> = starts
                .par_iter()
                .map(|start| {
                    let width = STRIP.min(plane - start);
                    let slices = (0..nk).flat_map(|k| &data[k * plane + start..k * plane + start + width]);
                    let mut strip: Vec<f64> = slices.copied().collect();
                    recursive.run(&mut strip, width);
                    strip
                })
                .collect();
            for (start, strip) in starts.iter().zip(strips) {
                let width = strip.len() / nk;
                for (k, values) in strip.chunks(width).enumerate() {
                    field.data[k * plane + start..k * plane + start + width].copy_from_slice(values);
                }
            }
        }
    }
}

/// How far from the region the input matters: the slowest exponential has then fallen to 1e-19.
fn reach(sigma: f64, spacing: f64) -> usize {
    whole((32.0 * sigma / spacing).ceil()) + 4
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positive; too large values saturate, and windows are cut to the image"
)]
fn whole(v: f64) -> usize {
    v as usize
}

/// The filtered values of a region, or why there are none: the image is too small for the filter.
pub(super) fn values(base: &Base<'_, '_>, lo: [usize; 3], roi: &Roi, sigma: f64) -> Result<Vec<f64>, String> {
    let (size, spacing) = (base.size(), roi.spacing);
    for axis in 0..3 {
        let needed = whole((sigma / spacing[axis]).ceil() + 1.0).max(4);
        if size[axis] < needed {
            return Err(format!(
                "skipped: the image has {} voxels along one axis, a filter of {sigma} mm needs {needed}; no columns for it",
                size[axis]
            ));
        }
    }
    let (field, at) = base.window(lo, roi.size, spacing.map(|s| reach(sigma, s)));
    let mut total: Vec<f64> = vec![0.0; field.data.len()];
    for axis in 0..3 {
        let mut pass = field.clone();
        filter(&mut pass, axis, &Recursive::new(sigma, spacing[axis], Order::Second));
        for other in (0..3).filter(|a| *a != axis) {
            filter(&mut pass, other, &Recursive::new(sigma, spacing[other], Order::Smooth));
        }
        let factor = 1.0 / (spacing[axis] * spacing[axis]);
        for (sum, v) in total.iter_mut().zip(&pass.data) {
            *sum = SampleKind::F32.store(*sum + *v * factor);
        }
    }
    let filtered = Field { data: total, ..field };
    Ok(filtered.values(at, roi))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_keeps_a_constant_and_the_second_derivative_of_a_parabola_is_two() {
        // In mm: x^2 has second derivative 2, times sigma^2 for the scale normalisation.
        let (sigma, spacing) = (2.0, 0.5);
        let mut line = vec![7.0; 80];
        Recursive::new(sigma, spacing, Order::Smooth).run(&mut line, 1);
        assert!(line.iter().all(|v| (v - 7.0).abs() < 1e-5), "{line:?}");
        let mut parabola: Vec<f64> = (0..200).map(|n| (f64::from(n - 100) * spacing).powi(2)).collect();
        Recursive::new(sigma, spacing, Order::Second).run(&mut parabola, 1);
        let per_voxel = 2.0 * spacing * spacing * sigma * sigma;
        assert!((parabola[100] / per_voxel - 1.0).abs() < 1e-3, "{} {per_voxel}", parabola[100]);
    }
}
