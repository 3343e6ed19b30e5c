//! Convolutional filters and their response maps (IBSI chapter 2: Whybra et al., Radiology 310, 2024, and its reference manual).
//!
//! A filter works on a whole interpolated image, slice by slice or in the volume. Lengths are in mm. Convolutions are true ones: the kernel
//! is mirrored, `out(i) = sum over k of h(k) x(i + c - k)`.
#![allow(
    clippy::many_single_char_names,
    reason = "axes, samples and weights carry the letters of the formulas"
)]

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::fft::{C, Way, good_length, transform};
use crate::image::Field;
use crate::settings::SettingsError;

/// What stands beyond the image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Boundary {
    /// Zeros.
    Zero,
    /// The value at the edge.
    Nearest,
    /// The other end of the image.
    Periodic,
    /// The image mirrored, edge values twice.
    #[default]
    Mirror,
}

impl Boundary {
    /// The sample that stands for index `at` of an axis of `n`; `None` for a zero.
    fn index(self, at: isize, n: usize) -> Option<usize> {
        let n = n.cast_signed();
        let inside = match self {
            Self::Zero => (0..n).contains(&at).then_some(at)?,
            Self::Nearest => at.clamp(0, n - 1),
            Self::Periodic => at.rem_euclid(n),
            Self::Mirror => {
                let folded = at.rem_euclid(2 * n);
                folded.min(2 * n - 1 - folded)
            }
        };
        Some(inside.unsigned_abs())
    }
}

/// How responses of rotated filters become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The largest.
    Max,
    /// The mean.
    Mean,
}

/// A filter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Kind {
    /// Mean in a cube or square of this many voxels a side.
    Mean {
        /// Voxels a side, odd.
        support: usize,
    },
    /// Laplacian of a Gaussian, cut at a multiple of its standard deviation.
    LoG {
        /// Standard deviation, mm.
        sigma_mm: f64,
        /// Standard deviations at which it is cut.
        #[serde(default = "four")]
        cutoff: f64,
    },
    /// Laws' kernels, one an axis.
    Laws {
        /// Names along i, j (and k): `E5`, `L5`, `S5`.
        kernels: Vec<String>,
        /// Pooling over right-angled rotations, when wanted.
        #[serde(default)]
        rotations: Option<Pooling>,
        /// Chebyshev distance of the neighbourhood that the energy is the mean of, when wanted.
        #[serde(default)]
        energy: Option<usize>,
    },
    /// Modulus of Gabor's filter in the slices, or in the planes of all three axes.
    Gabor {
        /// Standard deviation of the envelope, mm.
        sigma_mm: f64,
        /// Wavelength, mm.
        lambda_mm: f64,
        /// Aspect ratio.
        gamma: f64,
        /// Angles in rad; their responses are averaged.
        thetas: Vec<f64>,
    },
    /// Separable undecimated wavelets, filters spread at higher levels.
    Separable {
        /// Name in `PyWavelets`.
        wavelet: String,
        /// `L` or `H` along i, j (and k).
        bands: String,
        /// Level, from 1.
        #[serde(default = "one")]
        level: usize,
        /// Pooling over right-angled rotations, when wanted.
        #[serde(default)]
        rotations: Option<Pooling>,
    },
    /// Simoncelli's isotropic wavelet, defined on frequencies; the image is periodic.
    Simoncelli {
        /// Level, from 1.
        level: usize,
    },
}

fn one() -> usize {
    1
}

fn four() -> f64 {
    4.0
}

/// A filter with what stands beyond the image, in slices or in the volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// The filter.
    pub kind: Kind,
    /// What stands beyond the image.
    #[serde(default)]
    pub boundary: Boundary,
    /// Whether slices are filtered one by one (2D) or the volume (3D).
    pub space: Space,
}

/// Whether slices are filtered one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Space {
    /// Slice by slice.
    #[serde(rename = "2d")]
    Slices,
    /// The volume at once.
    #[serde(rename = "3d")]
    Volume,
}

impl Space {
    fn axes(self) -> usize {
        match self {
            Self::Slices => 2,
            Self::Volume => 3,
        }
    }
}

impl Filter {
    /// Voxels along each axis that a response depends on; `None` for the whole image.
    pub(super) fn reach(&self, spacing: [f64; 3]) -> Option<[usize; 3]> {
        let voxels: [usize; 3] = match &self.kind {
            Kind::Mean { support } => [*support; 3],
            Kind::LoG { sigma_mm, cutoff } => spacing.map(|s| whole((cutoff * sigma_mm / s).ceil()).unsigned_abs() + 1),
            Kind::Laws { energy, .. } => [3 + energy.unwrap_or(0); 3],
            Kind::Gabor { sigma_mm, gamma, .. } => {
                spacing.map(|s| whole((ENVELOPE * sigma_mm / gamma.min(1.0) / s).ceil()).unsigned_abs() + 1)
            }
            Kind::Separable { wavelet, level, .. } => {
                let length = crate::filters::Bank::from_name(wavelet).map_or(0, |b| b.analysis().0.len());
                [length << level; 3]
            }
            Kind::Simoncelli { .. } => return None,
        };
        Some(match self.space {
            Space::Slices => [voxels[0], voxels[1], 0],
            Space::Volume => voxels,
        })
    }

    /// Checks what the types leave open.
    ///
    /// # Errors
    /// [`SettingsError`] for sizes and lengths out of range, and for kernels and wavelets that do not exist.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let bad = |key: &str, found: String, wanted: &'static str| {
            Err(SettingsError::BadValue {
                key: key.to_owned(),
                found,
                wanted,
            })
        };
        let positive = |v: f64| v.is_finite() && v > 0.0;
        match &self.kind {
            Kind::Mean { support } if support % 2 == 0 => return bad("support", support.to_string(), "an odd number of voxels"),
            Kind::LoG { sigma_mm, cutoff } if !positive(*sigma_mm) || !positive(*cutoff) => {
                return bad("sigma_mm", sigma_mm.to_string(), "a length above 0, and a cutoff above 0");
            }
            Kind::Gabor {
                sigma_mm,
                lambda_mm,
                gamma,
                thetas,
            } if thetas.is_empty() || ![*sigma_mm, *lambda_mm, *gamma].iter().all(|v| positive(*v)) => {
                return bad(
                    "thetas",
                    format!("{thetas:?}"),
                    "at least one angle, with lengths and an aspect ratio above 0",
                );
            }
            Kind::Simoncelli { level } if !(1..=8).contains(level) => return bad("level", level.to_string(), "a level from 1 to 8"),
            _ => {}
        }
        // A small image tells what is wrong with names and counts.
        let tiny = Field {
            size: [2; 3],
            spacing: [1e9; 3],
            kind: crate::sample::SampleKind::F64,
            data: vec![0.0; 8],
        };
        respond(&tiny, self).map(drop)
    }
}

/// Standard deviations beyond which Gabor's envelope is left out: it is below 1e-7 of its height there.
const ENVELOPE: f64 = 5.7;

/// The response of an image.
///
/// # Errors
/// [`SettingsError`] for kernels and wavelets that do not exist.
pub(super) fn respond(field: &Field, filter: &Filter) -> Result<Field, SettingsError> {
    let Filter { kind, boundary, space } = filter;
    let (boundary, axes) = (*boundary, space.axes());
    Ok(match kind {
        Kind::Mean { support } => {
            let kernel = Kernel::centred(vec![1.0 / *support as f64; *support]);
            separable(field, &vec![kernel; axes], boundary)
        }
        Kind::LoG { sigma_mm, cutoff } => laplacian(field, *sigma_mm, *cutoff, axes, boundary),
        Kind::Laws {
            kernels,
            rotations,
            energy,
        } => {
            let kernels = kernels.iter().map(|name| laws(name)).collect::<Result<Vec<_>, _>>()?;
            check_count(kernels.len(), axes)?;
            let mut out = rotated(field, &kernels, *rotations, &|field, set| separable(field, set, boundary));
            if let Some(delta) = energy {
                for v in &mut out.data {
                    *v = v.abs();
                }
                let side = 2 * delta + 1;
                let kernel = Kernel::centred(vec![1.0 / side as f64; side]);
                out = separable(&out, &vec![kernel; axes], boundary);
            }
            out
        }
        Kind::Gabor {
            sigma_mm,
            lambda_mm,
            gamma,
            thetas,
        } => {
            let planes: &[[usize; 2]] = if axes == 2 { &[[0, 1]] } else { &[[0, 1], [0, 2], [1, 2]] };
            let wave = Wave {
                sigma: *sigma_mm,
                lambda: *lambda_mm,
                gamma: *gamma,
            };
            gabor(field, wave, thetas, planes, boundary)
        }
        Kind::Separable {
            wavelet,
            bands,
            level,
            rotations,
        } => wavelet_response(field, wavelet, bands, *level, *rotations, boundary, axes)?,
        Kind::Simoncelli { level } => simoncelli(field, *level, axes),
    })
}

fn check_count(found: usize, axes: usize) -> Result<(), SettingsError> {
    if found == axes {
        return Ok(());
    }
    Err(SettingsError::BadValue {
        key: "filter".to_owned(),
        found: format!("{found} kernels"),
        wanted: "one kernel an axis: two in slices, three in the volume",
    })
}

/// A kernel along one axis: weights, the place of its centre, and the step between its samples.
#[derive(Debug, Clone, PartialEq)]
struct Kernel {
    weights: Vec<f64>,
    centre: isize,
    step: isize,
    /// Whether the axis was turned round.
    turned: bool,
}

impl Kernel {
    fn centred(weights: Vec<f64>) -> Self {
        let centre = (weights.len() / 2).cast_signed();
        Self {
            weights,
            centre,
            step: 1,
            turned: false,
        }
    }

    fn spread(&self, step: isize) -> Self {
        Self { step, ..self.clone() }
    }

    /// The kernel of the axis turned round.
    fn reversed(&self) -> Self {
        Self {
            weights: self.weights.iter().rev().copied().collect(),
            centre: self.weights.len().cast_signed() - 1 - self.centre,
            step: self.step,
            turned: !self.turned,
        }
    }
}

/// Convolution with one kernel an axis, i first.
fn separable(field: &Field, kernels: &[Kernel], boundary: Boundary) -> Field {
    let mut out = field.clone();
    for (axis, kernel) in kernels.iter().enumerate() {
        out = along(&out, axis, kernel, boundary);
    }
    out
}

/// Convolution along an axis.
fn along(field: &Field, axis: usize, kernel: &Kernel, boundary: Boundary) -> Field {
    let [ni, nj, _] = field.size;
    let n = field.size[axis];
    let taps: Vec<Vec<(usize, f64)>> = (0..n)
        .map(|at| {
            let from = |k: usize| boundary.index(at.cast_signed() + (kernel.centre - k.cast_signed()) * kernel.step, n);
            kernel
                .weights
                .iter()
                .enumerate()
                .filter_map(|(k, w)| Some((from(k)?, *w)))
                .collect()
        })
        .collect();
    let plane = ni * nj;
    let mut out = Field {
        data: vec![0.0; field.data.len()],
        ..*field
    };
    out.data.par_chunks_mut(plane).enumerate().for_each(|(slice, out)| {
        let own = &field.data[slice * plane..(slice + 1) * plane];
        match axis {
            0 => {
                for (out, row) in out.chunks_mut(ni).zip(own.chunks(ni)) {
                    for (v, taps) in out.iter_mut().zip(&taps) {
                        *v = taps.iter().map(|(from, w)| w * row[*from]).sum();
                    }
                }
            }
            1 => {
                for (out, taps) in out.chunks_mut(ni).zip(&taps) {
                    for (from, w) in taps {
                        add(out, &own[from * ni..(from + 1) * ni], *w);
                    }
                }
            }
            _ => {
                for (from, w) in &taps[slice] {
                    add(out, &field.data[from * plane..(from + 1) * plane], *w);
                }
            }
        }
    });
    out
}

fn add(out: &mut [f64], line: &[f64], w: f64) {
    for (sum, x) in out.iter_mut().zip(line) {
        *sum += w * x;
    }
}

/// Every right-angled rotation of a set of kernels: permutations of the axes with reversals, of determinant 1.
fn rotations(kernels: &[Kernel]) -> Vec<Vec<Kernel>> {
    let orders: &[(&[usize], bool)] = if kernels.len() == 2 {
        &[(&[0, 1], true), (&[1, 0], false)]
    } else {
        &[
            (&[0, 1, 2], true),
            (&[1, 2, 0], true),
            (&[2, 0, 1], true),
            (&[0, 2, 1], false),
            (&[2, 1, 0], false),
            (&[1, 0, 2], false),
        ]
    };
    let mut out = Vec::new();
    for (order, even) in orders {
        for flips in 0..1u32 << kernels.len() {
            if (flips.count_ones() % 2 == 0) == *even {
                let turned = |(bit, from): (usize, &usize)| {
                    if flips >> bit & 1 == 1 {
                        kernels[*from].reversed()
                    } else {
                        kernels[*from].clone()
                    }
                };
                out.push(order.iter().enumerate().map(turned).collect());
            }
        }
    }
    out
}

/// The response, or the pooled responses of all rotations.
fn rotated(field: &Field, kernels: &[Kernel], pooling: Option<Pooling>, respond: &dyn Fn(&Field, &[Kernel]) -> Field) -> Field {
    let Some(pooling) = pooling else { return respond(field, kernels) };
    let sets = rotations(kernels);
    let mut out: Option<Field> = None;
    for set in &sets {
        let next = respond(field, set);
        match &mut out {
            None => out = Some(next),
            Some(pool) => {
                for (a, b) in pool.data.iter_mut().zip(&next.data) {
                    *a = match pooling {
                        Pooling::Max => a.max(*b),
                        Pooling::Mean => *a + b,
                    };
                }
            }
        }
    }
    let mut out = out.unwrap_or_else(|| field.clone());
    if pooling == Pooling::Mean {
        for v in &mut out.data {
            *v /= sets.len() as f64;
        }
    }
    out
}

/// Laws' kernel of a name (Laws 1980), of unit norm.
fn laws(name: &str) -> Result<Kernel, SettingsError> {
    let weights: &[f64] = match name {
        "L3" => &[1.0, 2.0, 1.0],
        "E3" => &[-1.0, 0.0, 1.0],
        "S3" => &[-1.0, 2.0, -1.0],
        "L5" => &[1.0, 4.0, 6.0, 4.0, 1.0],
        "E5" => &[-1.0, -2.0, 0.0, 2.0, 1.0],
        "S5" => &[-1.0, 0.0, 2.0, 0.0, -1.0],
        "W5" => &[-1.0, 2.0, 0.0, -2.0, 1.0],
        "R5" => &[1.0, -4.0, 6.0, -4.0, 1.0],
        other => {
            return Err(SettingsError::BadValue {
                key: "kernels".to_owned(),
                found: other.to_owned(),
                wanted: "L3, E3, S3, L5, E5, S5, W5 or R5",
            });
        }
    };
    let norm = weights.iter().map(|w| w * w).sum::<f64>().sqrt();
    Ok(Kernel::centred(weights.iter().map(|w| w / norm).collect()))
}

/// Laplacian of a Gaussian: the sum over axes of its second derivative along one and the Gaussian along the others, each sampled.
fn laplacian(field: &Field, sigma_mm: f64, cutoff: f64, axes: usize, boundary: Boundary) -> Field {
    let kernels: Vec<[Kernel; 2]> = (0..axes)
        .map(|a| {
            let sigma = sigma_mm / field.spacing[a];
            let half = whole((cutoff * sigma + 0.5).floor());
            let gauss = |x: f64| (-x * x / (2.0 * sigma * sigma)).exp() / ((2.0 * std::f64::consts::PI).sqrt() * sigma);
            let at = |f: &dyn Fn(f64) -> f64| Kernel::centred((-half..=half).map(|x| f(x as f64)).collect());
            [at(&gauss), at(&|x| gauss(x) * (x * x / (sigma * sigma) - 1.0) / (sigma * sigma))]
        })
        .collect();
    let mut out = Field {
        data: vec![0.0; field.data.len()],
        ..*field
    };
    for bent in 0..axes {
        let set: Vec<Kernel> = kernels.iter().enumerate().map(|(a, k)| k[usize::from(a == bent)].clone()).collect();
        add(&mut out.data, &separable(field, &set, boundary).data, 1.0);
    }
    out
}

#[expect(clippy::cast_possible_truncation, reason = "a few voxels")]
fn whole(v: f64) -> isize {
    v as isize
}

/// A response of a separable wavelet.
fn wavelet_response(
    field: &Field,
    wavelet: &str,
    bands: &str,
    level: usize,
    pooling: Option<Pooling>,
    boundary: Boundary,
    axes: usize,
) -> Result<Field, SettingsError> {
    let bank = crate::filters::Bank::from_name(wavelet)?;
    let (low, high) = bank.analysis();
    let kernel = |letter: char| match letter {
        'L' => Ok(Kernel::centred(low.to_vec())),
        'H' => Ok(Kernel::centred(high.to_vec())),
        other => Err(SettingsError::BadValue {
            key: "bands".to_owned(),
            found: other.to_string(),
            wanted: "L or H for each axis",
        }),
    };
    let kernels = bands.chars().map(kernel).collect::<Result<Vec<_>, _>>()?;
    check_count(kernels.len(), axes)?;
    if !(1..=8).contains(&level) {
        return Err(SettingsError::BadValue {
            key: "level".to_owned(),
            found: level.to_string(),
            wanted: "a level from 1 to 8",
        });
    }
    Ok(rotated(field, &kernels, pooling, &|field, set| {
        // The low passes of the levels before are turned as the kernels are.
        let mut out = field.clone();
        let plain = Kernel::centred(low.to_vec());
        let smooth: Vec<Kernel> = set
            .iter()
            .map(|k| if k.turned { plain.reversed() } else { plain.clone() })
            .collect();
        for before in 0..level - 1 {
            let spread: Vec<Kernel> = smooth.iter().map(|k| k.spread(1 << before)).collect();
            out = separable(&out, &spread, boundary);
        }
        let last: Vec<Kernel> = set.iter().map(|k| k.spread(1 << (level - 1))).collect();
        separable(&out, &last, boundary)
    }))
}

/// Standard deviation and wavelength in mm, aspect ratio.
#[derive(Debug, Clone, Copy)]
struct Wave {
    sigma: f64,
    lambda: f64,
    gamma: f64,
}

/// Mean over planes and angles of the modulus of Gabor's response.
fn gabor(field: &Field, wave: Wave, thetas: &[f64], planes: &[[usize; 2]], boundary: Boundary) -> Field {
    let mut out = Field {
        data: vec![0.0; field.data.len()],
        ..*field
    };
    let weight = 1.0 / (planes.len() * thetas.len()) as f64;
    for plane in planes {
        for theta in thetas {
            let response = gabor_plane(field, wave, *theta, *plane, boundary);
            add(&mut out.data, &response, weight);
        }
    }
    out
}

/// Modulus of the response in all planes along two axes, by Fourier transform of each padded plane.
fn gabor_plane(field: &Field, wave: Wave, theta: f64, [u, v]: [usize; 2], boundary: Boundary) -> Vec<f64> {
    let size = field.size;
    let scale = [field.spacing[u], field.spacing[v]];
    let reach = ENVELOPE * wave.sigma / wave.gamma.min(1.0);
    let half = scale.map(|s| whole((reach / s).ceil()));
    let n = [size[u], size[v]];
    let padded: [usize; 2] = std::array::from_fn(|a| good_length(n[a] + 2 * half[a].unsigned_abs()));
    let box_of = [padded[0], padded[1], 1];
    let mut kernel = vec![C::default(); padded[0] * padded[1]];
    let (sin, cos) = theta.sin_cos();
    for y in -half[1]..=half[1] {
        for x in -half[0]..=half[0] {
            let (p, q) = (x as f64 * scale[0], y as f64 * scale[1]);
            let (along, across) = (p * cos + q * sin, q * cos - p * sin);
            let envelope = (-(along * along + wave.gamma * wave.gamma * across * across) / (2.0 * wave.sigma * wave.sigma)).exp();
            let phase = 2.0 * std::f64::consts::PI * along / wave.lambda;
            let at =
                y.rem_euclid(padded[1].cast_signed()).unsigned_abs() * padded[0] + x.rem_euclid(padded[0].cast_signed()).unsigned_abs();
            kernel[at] = C::from_polar(envelope, phase);
        }
    }
    transform(&mut kernel, box_of, &[0, 1], Way::Forward);
    let stride = [1, size[0], size[0] * size[1]];
    let w = 3 - u - v;
    let results: Vec<Vec<f64>> = (0..size[w])
        .into_par_iter()
        .map(|at| {
            let base = at * stride[w];
            let mut data = vec![C::default(); padded[0] * padded[1]];
            for y in 0..n[1] + 2 * half[1].unsigned_abs() {
                let Some(from_y) = boundary.index(y.cast_signed() - half[1], n[1]) else {
                    continue;
                };
                for x in 0..n[0] + 2 * half[0].unsigned_abs() {
                    if let Some(from_x) = boundary.index(x.cast_signed() - half[0], n[0]) {
                        data[y * padded[0] + x].re = field.data[base + from_x * stride[u] + from_y * stride[v]];
                    }
                }
            }
            transform(&mut data, box_of, &[0, 1], Way::Forward);
            data.iter_mut().zip(&kernel).for_each(|(a, b)| *a *= b);
            transform(&mut data, box_of, &[0, 1], Way::Inverse);
            let mut out = Vec::with_capacity(n[0] * n[1]);
            for y in 0..n[1] {
                let row = (y + half[1].unsigned_abs()) * padded[0] + half[0].unsigned_abs();
                out.extend(data[row..row + n[0]].iter().map(|c| c.norm()));
            }
            out
        })
        .collect();
    let mut out = vec![0.0; field.data.len()];
    for (at, plane) in results.iter().enumerate() {
        for (place, value) in plane.iter().enumerate() {
            out[at * stride[w] + place % n[0] * stride[u] + place / n[0] * stride[v]] = *value;
        }
    }
    out
}

/// Response of Simoncelli's wavelet (Portilla and Simoncelli 2000): `cos(pi / 2 log2(2 f / m))` for frequencies `f` from `m / 4` to `m`, with
/// `m = 2^(1 - level)` of the Nyquist frequency.
fn simoncelli(field: &Field, level: usize, axes: usize) -> Field {
    let size = field.size;
    let mut data: Vec<C> = field.data.iter().map(|v| C::new(*v, 0.0)).collect();
    let order: Vec<usize> = (0..axes).collect();
    transform(&mut data, size, &order, Way::Forward);
    let top = 0.5_f64.powi(i32::try_from(level).unwrap_or(i32::MAX) - 1);
    // Frequency along an axis as a share of the Nyquist frequency.
    let share = |at: usize, n: usize| 2.0 * at.min(n - at) as f64 / n as f64;
    let plane = size[0] * size[1];
    data.par_chunks_mut(plane).enumerate().for_each(|(k, slice)| {
        for (at, v) in slice.iter_mut().enumerate() {
            let mut square = share(at % size[0], size[0]).powi(2) + share(at / size[0], size[1]).powi(2);
            if axes == 3 {
                square += share(k, size[2]).powi(2);
            }
            let f = square.sqrt();
            let gain = if f > top / 4.0 && f <= top {
                (std::f64::consts::FRAC_PI_2 * (2.0 * f / top).log2()).cos()
            } else {
                0.0
            };
            *v *= gain;
        }
    });
    transform(&mut data, size, &order, Way::Inverse);
    Field {
        data: data.iter().map(|c| c.re).collect(),
        ..*field
    }
}
