//! Shape of a region from its mask alone.

use rt_image::mesh::{BitGrid, diameters, surface};

use crate::registry::Shape as S;
use crate::roi::Roi;

/// Shape features of a region; `bits` is its mask.
pub(crate) fn features(roi: &Roi, bits: &BitGrid) -> [f64; S::COUNT] {
    let mesh = surface(bits, roi.spacing);
    let widths = diameters(bits, roi.spacing);
    let [least, minor, major] = principal_moments(roi);
    let (volume, area) = (mesh.volume_mm3, mesh.area_mm2);
    let sphere = 36.0 * std::f64::consts::PI * volume * volume;
    let mut out = [0.0; S::COUNT];
    let mut set = |feature: S, value: f64| out[feature as usize] = value;
    set(S::Elongation, (minor / major).sqrt());
    set(S::Flatness, (least / major).sqrt());
    set(S::LeastAxisLength, 4.0 * least.sqrt());
    set(S::MajorAxisLength, 4.0 * major.sqrt());
    set(S::Maximum2DDiameterColumn, widths.same_j);
    set(S::Maximum2DDiameterRow, widths.same_i);
    set(S::Maximum2DDiameterSlice, widths.same_k);
    set(S::Maximum3DDiameter, widths.max_3d);
    set(S::MeshVolume, volume);
    set(S::MinorAxisLength, 4.0 * minor.sqrt());
    set(S::Sphericity, sphere.cbrt() / area);
    set(S::SurfaceArea, area);
    set(S::SurfaceVolumeRatio, area / volume);
    set(S::VoxelVolume, roi.count as f64 * roi.voxel_volume());
    set(S::Compactness1, volume / (area.powf(1.5) * std::f64::consts::PI.sqrt()));
    set(S::Compactness2, sphere / area.powi(3));
    set(S::SphericalDisproportion, area / sphere.cbrt());
    out
}

/// Eigenvalues of the covariance of the voxel centres in mm2, ascending; small negative ones from rounding are 0.
pub(crate) fn principal_moments(roi: &Roi) -> [f64; 3] {
    let (mut first, mut second) = ([0i128; 3], [[0i128; 3]; 3]);
    for run in &roi.runs {
        let wide = |v: usize| i128::try_from(v).unwrap_or(i128::MAX);
        let (n, i, j, k) = (wide(run.len), wide(run.i), wide(run.j), wide(run.k));
        // Sums of i and i^2 over the run in closed form.
        let last = n - 1;
        let si = n * i + last * n / 2;
        let sii = n * i * i + i * last * n + last * n * (2 * n - 1) / 6;
        let sums = [si, n * j, n * k];
        (0..3).for_each(|a| first[a] += sums[a]);
        let products = [[sii, si * j, si * k], [0, n * j * j, n * j * k], [0, 0, n * k * k]];
        for a in 0..3 {
            for b in a..3 {
                second[a][b] += products[a][b];
            }
        }
    }
    let n = i128::try_from(roi.count).unwrap_or(i128::MAX);
    let covariance = nalgebra::Matrix3::from_fn(|a, b| {
        let (lo, hi) = (a.min(b), a.max(b));
        // N sum(xy) - sum(x) sum(y) is exact in integers.
        let exact = n * second[lo][hi] - first[lo] * first[hi];
        exact as f64 / (n as f64 * n as f64) * roi.spacing[a] * roi.spacing[b]
    });
    let mut moments: [f64; 3] = covariance.symmetric_eigenvalues().into();
    moments.sort_unstable_by(f64::total_cmp);
    moments.map(|v| if v < 0.0 && v > -1e-10 { 0.0 } else { v })
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;

    #[test]
    fn moments_of_a_box_are_those_of_even_spacing() {
        // n points at even spacing s have variance s^2 (n^2 - 1) / 12.
        let roi = Roi::new(Array3::<u8>::ones((3, 4, 10)).view(), [1.0, 2.0, 0.5]);
        let m = principal_moments(&roi);
        let expected = [0.25 * 8.0 / 12.0, 4.0 * 15.0 / 12.0, 99.0 / 12.0];
        for (a, b) in m.iter().zip(expected) {
            assert!((a - b).abs() < 1e-12, "{m:?}");
        }
    }

    #[test]
    fn a_flat_region_has_no_third_axis() {
        let roi = Roi::new(Array3::<u8>::ones((1, 4, 10)).view(), [1.0, 2.0, 0.5]);
        let f = features(&roi, &BitGrid::new(Array3::<u8>::ones((1, 4, 10)).view()));
        assert!(f[S::LeastAxisLength as usize].abs() < 1e-300 && f[S::Flatness as usize].abs() < 1e-300);
        assert!((f[S::VoxelVolume as usize] - 40.0).abs() < 1e-12);
    }
}
