//! Local binary patterns on a sphere (Banerjee et al. 2013), as PyRadiomics has them: the volume is sampled on the vertices of an icosphere
//! around each voxel; the signs against the centre are projected on spherical harmonics, one image per degree; the kurtosis of the samples is
//! the last image.

use std::f64::consts::PI;

use rayon::prelude::*;

use super::Derived;
use crate::features::pairwise;
use crate::image::{Base, Field};
use crate::resample::spline::{mirrored, prefilter, weights};
use crate::roi::Roi;
use crate::sample::SampleKind;

/// Radius in voxels, times of subdivision of the icosahedron, and number of degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sphere {
    pub(super) levels: usize,
    pub(super) radius: f64,
    pub(super) subdivision: usize,
}

/// Names of the images.
pub(crate) fn image_names(levels: usize) -> Vec<String> {
    (1..=levels)
        .map(|n| format!("lbp-3D-m{n}"))
        .chain(["lbp-3D-k".to_owned()])
        .collect()
}

/// Samples beyond which a spline coefficient does not matter.
const REACH: usize = 48;

/// Hands the images of all degrees and of the kurtosis to `measure`.
pub(super) fn derive(base: &Base<'_, '_>, lo: [usize; 3], roi: &Roi, sphere: Sphere, measure: &mut dyn FnMut(Derived)) {
    let margin = whole(sphere.radius.ceil()) + 2;
    let (image, at) = base.window(lo, roi.size, [margin + REACH; 3]);
    let whole = base.size();
    let first: [usize; 3] = std::array::from_fn(|a| lo[a] - at[a]);
    let mut spline = image.clone();
    prefilter(&mut spline);
    let sampler = Sampler {
        image: &image,
        spline: &spline,
        whole,
        first,
        points: icosphere(sphere.subdivision, sphere.radius),
        harmonics: Vec::new(),
    };
    let sampler = Sampler {
        harmonics: (0..sphere.levels).map(|n| Degree::new(n, &sampler.points, sphere.radius)).collect(),
        ..sampler
    };
    let voxels: Vec<[usize; 3]> = roi
        .runs
        .iter()
        .flat_map(|run| (run.i..run.i + run.len).map(|i| [lo[0] + i, lo[1] + run.j, lo[2] + run.k]))
        .collect();
    let rows: Vec<Vec<f64>> = voxels.par_iter().map(|v| sampler.voxel(*v)).collect();
    for (n, name) in image_names(sphere.levels).into_iter().enumerate() {
        measure(Derived {
            name,
            values: rows.iter().map(|row| row[n]).collect(),
            kind: SampleKind::F64,
        });
    }
}

/// What is needed at every voxel.
struct Sampler<'a> {
    image: &'a Field,
    spline: &'a Field,
    whole: [usize; 3],
    first: [usize; 3],
    /// Vertices: offsets along k, j, i.
    points: Vec<[f64; 3]>,
    harmonics: Vec<Degree>,
}

impl Sampler<'_> {
    /// Norms of the degrees, then the excess kurtosis.
    fn voxel(&self, voxel: [usize; 3]) -> Vec<f64> {
        let kind = self.image.kind;
        let samples: Vec<f64> = self.points.iter().map(|p| stored(self.sample(voxel, *p), kind)).collect();
        let [i, j, k]: [usize; 3] = std::array::from_fn(|a| voxel[a] - self.first[a]);
        let centre = self.image.data[(k * self.image.size[1] + j) * self.image.size[0] + i];
        let above: Vec<bool> = samples.iter().map(|s| *s >= centre).collect();
        let mut out: Vec<f64> = self.harmonics.iter().map(|d| d.norm(&above)).collect();
        out.push(excess_kurtosis(&samples, kind));
        out
    }

    /// The spline at a vertex; 0 outside the centres of the outermost voxels.
    fn sample(&self, voxel: [usize; 3], [dk, dj, di]: [f64; 3]) -> f64 {
        let position: [f64; 3] = std::array::from_fn(|a| voxel[a] as f64 + [di, dj, dk][a]);
        if (0..3).any(|a| position[a] < 0.0 || position[a] > self.whole[a] as f64 - 1.0) {
            return 0.0;
        }
        let taps: [([usize; 4], [f64; 4]); 3] = std::array::from_fn(|a| {
            let base = position[a].floor();
            let place = std::array::from_fn(|t| mirrored(base + t as f64 - 1.0, self.whole[a]) - self.first[a]);
            (place, weights(position[a] - base))
        });
        let [ni, nj, _] = self.spline.size;
        let mut value = 0.0;
        for (k, wk) in taps[2].0.iter().zip(taps[2].1) {
            for (j, wj) in taps[1].0.iter().zip(taps[1].1) {
                let row = (k * nj + j) * ni;
                let along: f64 = taps[0].0.iter().zip(taps[0].1).map(|(i, wi)| wi * self.spline.data[row + i]).sum();
                value += wk * wj * along;
            }
        }
        value
    }
}

/// What the sampler of the reference gives back for the type of the image: integers are rounded.
fn stored(value: f64, kind: SampleKind) -> f64 {
    match kind.integer_range() {
        Some((lo, hi)) => value.round().clamp(lo, hi),
        None => kind.store(value),
    }
}

/// Kurtosis of the samples minus 3, in the precision of the image; NaN without spread.
fn excess_kurtosis(samples: &[f64], kind: SampleKind) -> f64 {
    if kind == SampleKind::F32 {
        let samples: Vec<f32> = samples.iter().map(|v| single(*v)).collect();
        let n = single(samples.len() as f64);
        let mean = pairwise::sum(samples.len(), &|i| samples[i]) / n;
        let square = |i: usize| (samples[i] - mean) * (samples[i] - mean);
        let m2 = pairwise::sum(samples.len(), &square) / n;
        let m4 = pairwise::sum(samples.len(), &|i| square(i) * square(i)) / n;
        let flat = m2 <= (1e-6 * mean) * (1e-6 * mean);
        return f64::from(if flat { f32::NAN } else { m4 / (m2 * m2) - 3.0 });
    }
    let n = samples.len() as f64;
    let mean = pairwise::sum(samples.len(), &|i| samples[i]) / n;
    let square = |i: usize| (samples[i] - mean) * (samples[i] - mean);
    let m2 = pairwise::sum(samples.len(), &square) / n;
    let m4 = pairwise::sum(samples.len(), &|i| square(i) * square(i)) / n;
    if m2 <= (1e-15 * mean).powi(2) {
        f64::NAN
    } else {
        m4 / (m2 * m2) - 3.0
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a radius in voxels, checked when read"
)]
fn whole(v: f64) -> usize {
    v as usize
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the purpose")]
fn single(v: f64) -> f32 {
    v as f32
}

/// Spherical harmonics of one degree at the vertices, real and imaginary parts by order.
struct Degree {
    orders: Vec<Vec<[f64; 2]>>,
}

impl Degree {
    /// The reference hands its angles to the library in exchanged places: the polar angle of a vertex is used as azimuth, and the other way
    /// round. So do we.
    fn new(n: usize, points: &[[f64; 3]], radius: f64) -> Self {
        let degree = n as f64;
        let of_order = |m: isize| -> Vec<[f64; 2]> {
            let order = m.unsigned_abs();
            let ratio: f64 = (n - order + 1..=n + order).map(|v| v as f64).product();
            let norm = ((2.0 * degree + 1.0) / (4.0 * PI) / ratio).sqrt();
            let sign = if m < 0 && order % 2 == 1 { -1.0 } else { 1.0 };
            points
                .iter()
                .map(|p| {
                    let azimuth = (p[2] / radius).acos();
                    let polar = p[1].atan2(p[0]);
                    let size = sign * norm * legendre(n, order, polar.cos());
                    let turn = m as f64 * azimuth;
                    [size * turn.cos(), size * turn.sin()]
                })
                .collect()
        };
        let m = n.cast_signed();
        Self {
            orders: (-m..=m).map(of_order).collect(),
        }
    }

    /// Real part of the root of the sum of squares of the projection, at all vertices.
    fn norm(&self, above: &[bool]) -> f64 {
        let mut projected = vec![[0.0; 2]; above.len()];
        for order in &self.orders {
            let (mut re, mut im) = (0.0, 0.0);
            for (y, _) in order.iter().zip(above).filter(|(_, a)| **a) {
                re += y[0];
                im += y[1];
            }
            for (p, y) in projected.iter_mut().zip(order) {
                p[0] += re * y[0] - im * y[1];
                p[1] += re * y[1] + im * y[0];
            }
        }
        let (mut re, mut im) = (0.0, 0.0);
        for [a, b] in projected {
            re += a * a - b * b;
            im += 2.0 * a * b;
        }
        // Real part of the principal root.
        f64::midpoint(re.hypot(im), re).max(0.0).sqrt()
    }
}

/// Associated Legendre function with the Condon-Shortley phase, by upward recursion.
fn legendre(n: usize, m: usize, x: f64) -> f64 {
    let root = (1.0 - x * x).max(0.0).sqrt();
    let mut diagonal = 1.0;
    for k in 0..m {
        diagonal *= -(2.0 * k as f64 + 1.0) * root;
    }
    let (mut before, mut here) = (0.0, diagonal);
    for l in m..n {
        let next = ((2.0 * l as f64 + 1.0) * x * here - (l + m) as f64 * before) / (l - m + 1) as f64;
        (before, here) = (here, next);
    }
    here
}

/// Vertices of an icosahedron whose faces were split in four `subdivision` times, all pushed out to the sphere.
fn icosphere(subdivision: usize, radius: f64) -> Vec<[f64; 3]> {
    let golden = f64::midpoint(1.0, 5.0_f64.sqrt());
    let mut points: Vec<[f64; 3]> = Vec::new();
    for a in [-1.0, 1.0] {
        for b in [-golden, golden] {
            points.extend([[a, b, 0.0], [0.0, a, b], [b, 0.0, a]]);
        }
    }
    let mut edge = 2.0;
    let mut points: Vec<[f64; 3]> = points.into_iter().map(|p| on_sphere(p, radius)).collect();
    edge *= radius / (1.0 + golden * golden).sqrt();
    for _ in 0..subdivision {
        // Neighbours are those at about an edge's length; the midpoint of each pair joins the vertices.
        let old = points.clone();
        for (n, a) in old.iter().enumerate() {
            for b in &old[n + 1..] {
                let apart = (0..3).map(|x| (a[x] - b[x]).powi(2)).sum::<f64>().sqrt();
                if apart < 1.3 * edge {
                    points.push(on_sphere(std::array::from_fn(|x| f64::midpoint(a[x], b[x])), radius));
                }
            }
        }
        edge /= 2.0;
    }
    points
}

fn on_sphere(p: [f64; 3], radius: f64) -> [f64; 3] {
    let length = p.iter().map(|v| v * v).sum::<f64>().sqrt();
    p.map(|v| v / length * radius)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sphere_has_12_42_or_162_vertices() {
        for (subdivision, count) in [(0, 12), (1, 42), (2, 162)] {
            let points = icosphere(subdivision, 2.0);
            assert_eq!(points.len(), count);
            assert!(points.iter().all(|p| (p.iter().map(|v| v * v).sum::<f64>() - 4.0).abs() < 1e-12));
        }
    }

    #[test]
    fn degree_zero_counts_the_samples_above() {
        // Y00 = 1 / sqrt(4 pi): c = n / sqrt(4 pi), the projection n / (4 pi) at each of 42 vertices, its norm sqrt(42) n / (4 pi).
        let points = icosphere(1, 1.0);
        let above: Vec<bool> = (0..42).map(|n| n < 17).collect();
        let norm = Degree::new(0, &points, 1.0).norm(&above);
        assert!((norm - 42.0_f64.sqrt() * 17.0 / (4.0 * PI)).abs() < 1e-12);
        assert!((legendre(2, 1, 0.3) + 3.0 * 0.3 * (1.0 - 0.09_f64).sqrt()).abs() < 1e-15);
    }
}
