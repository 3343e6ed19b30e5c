//! Interpolation between samples: nearest, linear and cubic B-spline, one axis at a time.
//!
//! A cubic B-spline goes through the samples after they were turned into coefficients by a recursive filter (Unser, Aldroubi and
//! Eden, IEEE Trans. Signal Processing 41, 1993); at the ends the samples are mirrored (whole-sample symmetric), as ITK and `SciPy`'s
//! `mirror` do.

use ndarray::Array3;
use ndarray::Axis;
use ndarray::parallel::prelude::*;

/// How values between samples are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Kernel {
    /// The nearest sample; halfway the higher index.
    Nearest,
    /// Linear between neighbours.
    #[default]
    Linear,
    /// Cubic B-spline through the samples.
    Cubic,
}

/// How far beyond the outermost sample centres values are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Rim {
    /// Not at all: values exist in the hull of the centres.
    None,
    /// Half a voxel, to the outer faces; linear values stay those of the edge there.
    #[default]
    HalfVoxel,
}

/// Samples of one axis and their weights for one position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Taps {
    index: [usize; 4],
    weight: [f64; 4],
    n: usize,
}

impl Taps {
    /// The samples to mix at the continuous index `x` of an axis of `n` samples; `None` outside.
    ///
    /// For [`Kernel::Cubic`] the weights are those of spline coefficients ([`to_spline_coefficients`]).
    pub fn at(kernel: Kernel, x: f64, n: usize, rim: Rim) -> Option<Self> {
        // Index coordinates that went through patient space are off by rounding.
        let slack = 1e-6;
        let reach = match rim {
            Rim::None => slack,
            Rim::HalfVoxel => 0.5 + slack,
        };
        let last = n as f64 - 1.0;
        if n == 0 || x.is_nan() || x < -reach || x > last + reach {
            return None;
        }
        Some(match kernel {
            Kernel::Nearest => Self::single(index((x + 0.5).floor().clamp(0.0, last))),
            Kernel::Linear => {
                let x = x.clamp(0.0, last);
                let low = index(x.floor()).min(n.saturating_sub(2));
                let t = x - low as f64;
                if n == 1 {
                    Self::single(0)
                } else {
                    Self {
                        index: [low, low + 1, 0, 0],
                        weight: [1.0 - t, t, 0.0, 0.0],
                        n: 2,
                    }
                }
            }
            Kernel::Cubic => {
                let low = x.floor();
                let t = x - low;
                let s = 1.0 - t;
                Self {
                    index: [-1.0, 0.0, 1.0, 2.0].map(|d| mirrored(low + d, n)),
                    weight: [
                        s * s * s / 6.0,
                        2.0 / 3.0 - t * t * (1.0 - 0.5 * t),
                        2.0 / 3.0 - s * s * (1.0 - 0.5 * s),
                        t * t * t / 6.0,
                    ],
                    n: 4,
                }
            }
        })
    }

    fn single(at: usize) -> Self {
        Self {
            index: [at, 0, 0, 0],
            weight: [1.0, 0.0, 0.0, 0.0],
            n: 1,
        }
    }

    /// Sample indices and weights; the weights add up to 1.
    pub fn iter(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.index.iter().copied().zip(self.weight.iter().copied()).take(self.n)
    }

    /// Lowest and highest sample index used.
    pub fn range(&self) -> [usize; 2] {
        let used = &self.index[..self.n];
        let lowest = used.iter().copied().fold(usize::MAX, usize::min);
        [lowest, used.iter().copied().fold(0, usize::max)]
    }
}

/// The sample that stands for index `x` beyond the ends.
fn mirrored(x: f64, n: usize) -> usize {
    if n == 1 {
        return 0;
    }
    let period = 2.0 * (n as f64 - 1.0);
    let x = x.rem_euclid(period);
    index(x.min(period - x))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index inside the axis, limited by the caller"
)]
fn index(x: f64) -> usize {
    x as usize
}

/// Pole of the recursive filter, `sqrt(3) - 2`.
const POLE: f64 = -0.267_949_192_431_122_7;
/// Samples after which the pole's powers vanish in double precision.
const HORIZON: usize = 28;

/// Turns samples into cubic B-spline coefficients, in place, along all three axes.
pub fn to_spline_coefficients(samples: &mut Array3<f64>) {
    for axis in 0..3 {
        // Lines along `axis`, grouped by another axis so that groups can run at once.
        let outer = Axis(usize::from(axis == 0));
        let inner = Axis(usize::from(axis == 2));
        samples
            .axis_iter_mut(outer)
            .into_par_iter()
            .for_each_init(Vec::new, |line, mut plane| {
                for mut lane in plane.lanes_mut(inner) {
                    line.clear();
                    line.extend(lane.iter().copied());
                    filter(line);
                    lane.iter_mut().zip(line.iter()).for_each(|(a, b)| *a = *b);
                }
            });
    }
}

/// The filter along one line, mirrored at both ends.
fn filter(c: &mut [f64]) {
    let n = c.len();
    if n < 2 {
        return;
    }
    let gain = (1.0 - POLE) * (1.0 - 1.0 / POLE);
    for v in c.iter_mut() {
        *v *= gain;
    }
    c[0] = first_causal(c);
    for k in 1..n {
        c[k] += POLE * c[k - 1];
    }
    c[n - 1] = POLE / (POLE * POLE - 1.0) * (c[n - 1] + POLE * c[n - 2]);
    for k in (0..n - 1).rev() {
        c[k] = POLE * (c[k + 1] - c[k]);
    }
}

/// First value of the causal pass for a line that goes on mirrored without end.
fn first_causal(c: &[f64]) -> f64 {
    let n = c.len();
    if n > HORIZON {
        let mut power = 1.0;
        return c[..HORIZON]
            .iter()
            .map(|v| {
                let term = power * v;
                power *= POLE;
                term
            })
            .sum();
    }
    let turn = POLE.powi(i32::try_from(n - 1).unwrap_or(i32::MAX));
    let mut sum = c[0] + turn * c[n - 1];
    let (mut there, mut back) = (POLE, turn * turn / POLE);
    for v in &c[1..n - 1] {
        sum += (there + back) * v;
        there *= POLE;
        back /= POLE;
    }
    sum / (1.0 - turn * turn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(kernel: Kernel, samples: &[f64], x: f64) -> f64 {
        let mut c = Array3::from_shape_vec((1, 1, samples.len()), samples.to_vec()).unwrap();
        if kernel == Kernel::Cubic {
            to_spline_coefficients(&mut c);
        }
        let taps = Taps::at(kernel, x, samples.len(), Rim::HalfVoxel).unwrap();
        taps.iter().map(|(i, w)| w * c[[0, 0, i]]).sum()
    }

    #[test]
    fn every_kernel_gives_the_samples_back() {
        for n in [1, 2, 3, 5, 40] {
            let samples: Vec<f64> = (0..n).map(|k| f64::from((k * 7919) % 13)).collect();
            for kernel in [Kernel::Nearest, Kernel::Linear, Kernel::Cubic] {
                for (k, v) in samples.iter().enumerate() {
                    let got = value(kernel, &samples, k as f64);
                    assert!((got - v).abs() < 1e-12, "{kernel:?} {n} {k}: {got} against {v}");
                }
            }
        }
    }

    #[test]
    fn between_samples() {
        let s = [1.0, 3.0, 11.0];
        assert!((value(Kernel::Linear, &s, 1.25) - 5.0).abs() < 1e-12);
        assert!((value(Kernel::Nearest, &s, 0.5) - 3.0).abs() < 1e-12);
        assert!((value(Kernel::Nearest, &s, 0.499) - 1.0).abs() < 1e-12);
        // Within half a voxel of the end the edge goes on.
        assert!((value(Kernel::Linear, &s, 2.4) - 11.0).abs() < 1e-12);
    }

    #[test]
    fn cubic_spline_by_hand() {
        // Coefficients of (0, 1, 0) mirrored: c1 = 3/2 * ... solve (c0 + 2 c1)/... from the interpolation conditions:
        // at 0: (4 c0 + 2 c1) / 6 = 0, at 1: (c0 + 4 c1 + c2) / 6 = 1, c2 = c0. So c0 = -c1 / 2, 3 c1 = 6: c1 = 2, c0 = -1.
        // At 0.5: weights 1/48, 23/48, 23/48, 1/48 on c(-1) = c1, c0, c1, c2: (2 - 23 + 46 - 1) / 48 = 0.5.
        assert!((value(Kernel::Cubic, &[0.0, 1.0, 0.0], 0.5) - 0.5).abs() < 1e-12);
        // A cubic is not reproduced at mirrored ends, but far inside it is.
        let cube: Vec<f64> = (0..60).map(|k| (f64::from(k) - 30.0).powi(3)).collect();
        assert!((value(Kernel::Cubic, &cube, 30.3) - 0.027).abs() < 1e-8);
    }

    #[test]
    fn all_axes_are_filtered() {
        let mut a = Array3::from_shape_fn((6, 7, 8), |(k, j, i)| (k * 3 + j * 5 + i * i) as f64);
        let samples = a.clone();
        to_spline_coefficients(&mut a);
        let taps = |x, n| Taps::at(Kernel::Cubic, x, n, Rim::None).unwrap();
        for ((k, j, i), v) in samples.indexed_iter() {
            let (z, y, x) = (taps(k as f64, 6), taps(j as f64, 7), taps(i as f64, 8));
            let mut got = 0.0;
            for (c, wc) in z.iter() {
                for (b, wb) in y.iter() {
                    for (d, wd) in x.iter() {
                        got += wc * wb * wd * a[[c, b, d]];
                    }
                }
            }
            assert!((got - v).abs() < 1e-10, "{k} {j} {i}");
        }
    }

    #[test]
    fn outside_is_outside() {
        assert!(Taps::at(Kernel::Linear, -0.6, 5, Rim::HalfVoxel).is_none());
        assert!(Taps::at(Kernel::Linear, -0.4, 5, Rim::HalfVoxel).is_some());
        assert!(Taps::at(Kernel::Linear, -0.4, 5, Rim::None).is_none());
        assert!(Taps::at(Kernel::Linear, 4.4, 5, Rim::None).is_none());
        assert!(Taps::at(Kernel::Cubic, f64::NAN, 5, Rim::None).is_none());
        assert!(Taps::at(Kernel::Linear, 0.0, 0, Rim::None).is_none());
    }
}
