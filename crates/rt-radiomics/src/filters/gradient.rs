//! Magnitude of the gradient by central differences.

use crate::image::Base;
use crate::roi::Roi;
use crate::sample::SampleKind;

/// Gradient magnitude of a region's voxels, per mm or per voxel; at the border of the image the edge value goes on. `f32`, as ITK's.
pub(super) fn values(base: &Base<'_, '_>, lo: [usize; 3], roi: &Roi, per_mm: bool) -> Vec<f64> {
    let (field, at) = base.window(lo, roi.size, [1; 3]);
    let [ni, nj, nk] = field.size;
    let step = if per_mm { field.spacing } else { [1.0; 3] };
    let value = |i: usize, j: usize, k: usize| field.data[(k * nj + j) * ni + i];
    let mut out = Vec::with_capacity(roi.count);
    for run in &roi.runs {
        let (j, k) = (at[1] + run.j, at[2] + run.k);
        for i in at[0] + run.i..at[0] + run.i + run.len {
            let along: [f64; 3] = [
                value((i + 1).min(ni - 1), j, k) - value(i.saturating_sub(1), j, k),
                value(i, (j + 1).min(nj - 1), k) - value(i, j.saturating_sub(1), k),
                value(i, j, (k + 1).min(nk - 1)) - value(i, j, k.saturating_sub(1)),
            ];
            let squares: f64 = (0..3).map(|a| (0.5 * along[a] / step[a]).powi(2)).sum();
            out.push(SampleKind::F32.store(squares.sqrt()));
        }
    }
    out
}
