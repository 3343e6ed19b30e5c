//! Local intensity peaks (IBSI manual 3.2).

use super::prepare::{PEAK_RADIUS_MM, Region};

/// Tags, in the order of [`features`].
pub(super) const TAGS: &[&str] = &["loc_peak_loc", "loc_peak_glob"];

/// The mean in a sphere of 1 cm3 around the highest intensity of the region, and the highest such mean around any of its voxels. All voxels
/// of the image whose centres lie in the sphere count, inside the region or not.
pub(super) fn features(region: &Region) -> Vec<f64> {
    let field = &region.field;
    let [ni, nj, nk] = field.size;
    let reach: [isize; 3] = field.spacing.map(|s| steps(PEAK_RADIUS_MM / s));
    // Rows of the sphere: offsets along k and j and the half width along i.
    let mut rows = Vec::new();
    for k in -reach[2]..=reach[2] {
        for j in -reach[1]..=reach[1] {
            let (y, z) = (j as f64 * field.spacing[1], k as f64 * field.spacing[2]);
            let left = PEAK_RADIUS_MM * PEAK_RADIUS_MM - y * y - z * z;
            if left >= 0.0 {
                rows.push((k, j, steps(left.sqrt() / field.spacing[0])));
            }
        }
    }
    // Sums along rows make the mean of a sphere a sum over its rows.
    let mut running = vec![0.0; (ni + 1) * nj * nk];
    for (row, sums) in field.data.chunks(ni).zip(running.chunks_mut(ni + 1)) {
        for (i, v) in row.iter().enumerate() {
            sums[i + 1] = sums[i] + v;
        }
    }
    let mean = |at: [usize; 3]| {
        let (mut sum, mut count) = (0.0, 0usize);
        for (k, j, half) in &rows {
            let (Some(k), Some(j)) = (at[2].checked_add_signed(*k), at[1].checked_add_signed(*j)) else {
                continue;
            };
            if k >= nk || j >= nj {
                continue;
            }
            let first = at[0].saturating_add_signed(-half);
            let end = (at[0] + half.unsigned_abs() + 1).min(ni);
            let sums = &running[(k * nj + j) * (ni + 1)..];
            sum += sums[end] - sums[first];
            count += end - first;
        }
        sum / count as f64
    };
    let highest = region.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut local, mut global) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    let mut values = region.values.iter();
    for run in &region.intensity.runs {
        for i in run.i..run.i + run.len {
            let peak = mean([region.at[0] + i, region.at[1] + run.j, region.at[2] + run.k]);
            global = global.max(peak);
            if values.next().is_some_and(|v| *v >= highest) {
                local = local.max(peak);
            }
        }
    }
    vec![local, global]
}

/// Whole voxels in a length.
#[expect(clippy::cast_possible_truncation, reason = "a few voxels")]
fn steps(voxels: f64) -> isize {
    // A centre that lies on the sphere but for rounding is inside.
    (voxels + 1e-9).floor() as isize
}
