//! Trilinear and nearest interpolation.
#![allow(
    clippy::similar_names,
    clippy::many_single_char_names,
    reason = "axes, indices and weights carry the letters of the formulas"
)]

use super::{Axis, inside, whole};
use crate::image::Field;

/// Lower neighbour, upper neighbour (as places in the part at hand) and the way between them; beyond the outermost centres the edge holds.
fn neighbours(axis: &Axis<'_>, p: f64) -> (usize, usize, f64) {
    let base = p.floor();
    let low = whole(base).min(axis.whole - 1);
    let way = if base < 0.0 { 0.0 } else { p - base };
    let high = (low + 1).min(axis.whole - 1);
    (low - axis.first, high - axis.first, way)
}

/// Fills slice `k` of the new grid, in the order of ITK: along i, then j, then k, each as a + (b - a) x.
#[expect(clippy::many_single_char_names, reason = "x, y and z are the ways along i, j and k")]
pub(super) fn slice(field: &Field, axes: &[Axis<'_>; 3], k: usize, store: &dyn Fn(f64) -> f64, out: &mut [f64]) {
    let [ni, nj, _] = field.size;
    let p = axes[2].positions[k];
    if !inside(p, axes[2].whole) {
        return;
    }
    let (k0, k1, z) = neighbours(&axes[2], p);
    let between = |a: f64, b: f64, way: f64| if way <= 0.0 { a } else { a + (b - a) * way };
    for (py, out) in axes[1].positions.iter().zip(out.chunks_mut(axes[0].positions.len())) {
        if !inside(*py, axes[1].whole) {
            continue;
        }
        let (j0, j1, y) = neighbours(&axes[1], *py);
        for (px, out) in axes[0].positions.iter().zip(out) {
            if !inside(*px, axes[0].whole) {
                continue;
            }
            let (i0, i1, x) = neighbours(&axes[0], *px);
            let row = |j: usize, k: usize| {
                let at = (k * nj + j) * ni;
                between(field.data[at + i0], field.data[at + i1], x)
            };
            let plane = |k: usize| between(row(j0, k), row(j1, k), y);
            *out = store(between(plane(k0), plane(k1), z));
        }
    }
}

/// Fills slice `k` of the new grid with nearest voxels.
pub(super) fn nearest_slice(field: &Field, axes: &[Axis<'_>; 3], k: usize, out: &mut [f64]) {
    let [ni, nj, _] = field.size;
    let place = |axis: &Axis<'_>, p: f64| inside(p, axis.whole).then(|| whole((p + 0.5).floor()).min(axis.whole - 1) - axis.first);
    let Some(k) = place(&axes[2], axes[2].positions[k]) else { return };
    for (py, out) in axes[1].positions.iter().zip(out.chunks_mut(axes[0].positions.len())) {
        let Some(j) = place(&axes[1], *py) else { continue };
        for (px, out) in axes[0].positions.iter().zip(out) {
            if let Some(i) = place(&axes[0], *px) {
                *out = field.data[(k * nj + j) * ni + i];
            }
        }
    }
}
