//! Morphological features of the morphological mask (IBSI manual 3.1).

use std::f64::consts::PI;

use rt_image::mesh::{BitGrid, diameters, surface};

use super::hull::hull;
use super::prepare::Region;
use super::spatial::moran_geary;
use crate::features::shape::principal_moments;
use crate::roi::Roi;

/// Tags, in the order of [`features`].
pub(super) const TAGS: &[&str] = &[
    "morph_volume",
    "morph_vol_approx",
    "morph_area_mesh",
    "morph_av",
    "morph_comp_1",
    "morph_comp_2",
    "morph_sph_dispr",
    "morph_sphericity",
    "morph_asphericity",
    "morph_com",
    "morph_diam",
    "morph_pca_maj_axis",
    "morph_pca_min_axis",
    "morph_pca_least_axis",
    "morph_pca_elongation",
    "morph_pca_flatness",
    "morph_vol_dens_aabb",
    "morph_area_dens_aabb",
    "morph_vol_dens_aee",
    "morph_area_dens_aee",
    "morph_vol_dens_conv_hull",
    "morph_area_dens_conv_hull",
    "morph_integ_int",
    "morph_moran_i",
    "morph_geary_c",
];

/// All features of the family.
pub(super) fn features(region: &Region) -> Vec<f64> {
    let roi = &region.morphological;
    let spacing = roi.spacing;
    let bits = BitGrid::new(region.block.view());
    let mesh = surface(&bits, spacing);
    let (v, a) = (mesh.volume_mm3, mesh.area_mm2);
    let sphere = 36.0 * PI * v * v;
    let mut out = vec![v, roi.count as f64 * roi.voxel_volume(), a, a / v];
    out.extend([
        v / (PI.sqrt() * a.powf(1.5)),
        sphere / a.powi(3),
        a / sphere.cbrt(),
        sphere.cbrt() / a,
    ]);
    out.push((a.powi(3) / sphere).cbrt() - 1.0);
    out.push(centre_shift(region));
    out.push(diameters(&bits, spacing).max_3d);
    // The consensus values are those of the sample covariance, which shows in the digital phantom's 74 voxels.
    let n = roi.count as f64;
    let [least, minor, major] = principal_moments(roi).map(|m| m.max(0.0) * n / (n - 1.0).max(1.0));
    out.extend([major, minor, least].map(|m| 4.0 * m.sqrt()));
    out.extend([(minor / major).sqrt(), (least / major).sqrt()]);
    let side: [f64; 3] = std::array::from_fn(|n| roi.size[n] as f64 * spacing[n]);
    let box_area = 2.0 * (side[0] * side[1] + side[0] * side[2] + side[1] * side[2]);
    out.extend([v / (side[0] * side[1] * side[2]), a / box_area]);
    let half = [major, minor, least].map(|m| 2.0 * m.sqrt());
    out.extend([v / (4.0 / 3.0 * PI * half[0] * half[1] * half[2]), a / ellipsoid_area(half)]);
    // The vertices of the mesh lie half a voxel off the centres: a lattice of half the spacing.
    let hull = hull(&vertices(roi), spacing.map(|s| s / 2.0));
    out.extend(hull.map_or([f64::NAN; 2], |h| [v / h.volume, a / h.area]));
    let mean = rt_core::float::sum(region.values.iter().copied()) / region.values.len() as f64;
    out.push(mean * v);
    out.extend(moran_geary(region));
    out
}

/// Distance between the centre of the mask and the centre of the intensities, mm.
fn centre_shift(region: &Region) -> f64 {
    let (mut geometric, mut weighted, mut total) = ([0.0; 3], [0.0; 3], 0.0);
    for run in &region.morphological.runs {
        let n = run.len as f64;
        let middle = run.i as f64 + (n - 1.0) / 2.0;
        for (sum, at) in geometric.iter_mut().zip([middle, run.j as f64, run.k as f64]) {
            *sum += n * at;
        }
    }
    let mut values = region.values.iter();
    for run in &region.intensity.runs {
        for (i, value) in (run.i..run.i + run.len).zip(&mut values) {
            for (sum, at) in weighted.iter_mut().zip([i, run.j, run.k]) {
                *sum += value * at as f64;
            }
            total += value;
        }
    }
    let n = region.morphological.count as f64;
    let apart = (0..3).map(|a| ((geometric[a] / n - weighted[a] / total) * region.morphological.spacing[a]).powi(2));
    apart.sum::<f64>().sqrt()
}

/// Area of an ellipsoid with the given half axes, longest first: 20 terms of the Legendre series of the manual.
fn ellipsoid_area([a, b, c]: [f64; 3]) -> f64 {
    let alpha = (1.0 - (b / a).powi(2)).max(0.0).sqrt();
    let beta = (1.0 - (c / a).powi(2)).max(0.0).sqrt();
    let product = alpha * beta;
    if product == 0.0 {
        // A sphere, or an oblate or prolate body with one vanishing eccentricity: P_n(x) (alpha beta)^n tends to binomial terms of beta.
        let series = |e: f64| {
            let mut term = 1.0;
            (0..=20).fold(0.0, |sum, n| {
                let nu = f64::from(n);
                let value = sum + term / (1.0 - 4.0 * nu * nu);
                // (2n)! / (2^(2n) n!^2) is the leading coefficient over 2^n of P_n.
                term *= e * e * (2.0 * nu + 1.0) / (2.0 * nu + 2.0);
                value
            })
        };
        return 4.0 * PI * a * b * series(alpha.max(beta));
    }
    let x = (alpha * alpha + beta * beta) / (2.0 * product);
    let (mut before, mut now, mut power, mut sum) = (1.0, x, product, 1.0);
    for n in 1..=20 {
        let nu = f64::from(n);
        sum += power * now / (1.0 - 4.0 * nu * nu);
        let after = ((2.0 * nu + 1.0) * x * now - nu * before) / (nu + 1.0);
        (before, now) = (now, after);
        power *= product;
    }
    4.0 * PI * a * b * sum
}

/// Vertices of the mesh that can be corners of the hull, in units of half a voxel: the ends of every row, column and line of slices.
fn vertices(roi: &Roi) -> Vec<[i64; 3]> {
    let wide = |v: usize| i64::try_from(v).unwrap_or(i64::MAX);
    let [ni, nj, nk] = roi.size;
    // First and last voxel along each axis.
    let mut rows = vec![None::<(usize, usize)>; nj * nk];
    let mut columns = vec![None::<(usize, usize)>; ni * nk];
    let mut lines = vec![None::<(usize, usize)>; ni * nj];
    let widen = |slot: &mut Option<(usize, usize)>, low: usize, high: usize| {
        *slot = Some(slot.map_or((low, high), |(a, b)| (a.min(low), b.max(high))));
    };
    for run in &roi.runs {
        widen(&mut rows[run.k * nj + run.j], run.i, run.i + run.len - 1);
        for i in run.i..run.i + run.len {
            widen(&mut columns[run.k * ni + i], run.j, run.j);
            widen(&mut lines[run.j * ni + i], run.k, run.k);
        }
    }
    let mut out = Vec::new();
    let mut ends = |axis: usize, other: [usize; 2], (low, high): (usize, usize)| {
        for v in [2 * wide(low) - 1, 2 * wide(high) + 1] {
            let mut point = [0; 3];
            point[axis] = v;
            let rest: [usize; 2] = if axis == 0 {
                [1, 2]
            } else if axis == 1 {
                [0, 2]
            } else {
                [0, 1]
            };
            point[rest[0]] = 2 * wide(other[0]);
            point[rest[1]] = 2 * wide(other[1]);
            out.push(point);
        }
    };
    for (n, found) in rows.iter().enumerate() {
        if let Some(found) = found {
            ends(0, [n % nj, n / nj], *found);
        }
    }
    for (n, found) in columns.iter().enumerate() {
        if let Some(found) = found {
            ends(1, [n % ni, n / ni], *found);
        }
    }
    for (n, found) in lines.iter().enumerate() {
        if let Some(found) = found {
            ends(2, [n % ni, n / ni], *found);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_of_ellipsoids_follow_the_manual() {
        assert!((ellipsoid_area([2.0, 2.0, 2.0]) - 16.0 * PI).abs() < 1e-12);
        // Half axes 2, 1, 1: alpha = beta, alpha beta = 3/4, P_n(1) = 1, and the sum over x^n / (1 - 4 n^2) is
        // (1 + (1 - x) / sqrt x artanh sqrt x) / 2. (The area of that body is another: the series of the manual is exact for spheres alone,
        // and the consensus values are those of the series.)
        let x = 0.75_f64;
        let series = f64::midpoint(1.0, (1.0 - x) / x.sqrt() * x.sqrt().atanh());
        assert!((ellipsoid_area([2.0, 1.0, 1.0]) / (8.0 * PI * series) - 1.0).abs() < 1e-5);
        // 2, 2, 1: alpha = 0; the limit of the series is met by a nearly vanishing alpha.
        let near = ellipsoid_area([2.0, 2.0 - 1e-9, 1.0]);
        assert!((ellipsoid_area([2.0, 2.0, 1.0]) / near - 1.0).abs() < 1e-6);
    }
}
