//! Slices between slices, for grids that are much coarser along one axis.
//!
//! On 1 x 1 x 3 mm voxels a smooth surface shows as terraces wider than any local average. The shape between two slices is
//! interpolated from their signed distances (Raya and Udupa 1990), and where a part of the structure ends between two slices it is
//! closed: by a dome when its cross-section shrinks so that it would end there (the squared radius falls linearly, exact for
//! ellipsoids), else flat at half the gap, as contours of a prism are read.

use ndarray::parallel::prelude::*;
use ndarray::{Array2, Array3, ArrayView2, ArrayView3, ArrayViewMut2, Axis, Zip};

use crate::components::{Components, Connectivity};
use crate::edt::{Envelope, transform_plane};

/// Coarsest axis against the finer of the others from which slices are inserted.
const RATIO: f64 = 1.5;
/// Most slices made out of one.
const MOST: usize = 8;
/// Slices done in one piece of work.
const BATCH: usize = 16;
/// Stands for a distance in a slice without a boundary, mm.
const FAR: f64 = 1e9;

/// How many slices to make out of one for samples `spacing` mm apart, the coarsest axis last.
pub(super) fn factor(spacing: [f64; 3]) -> usize {
    let ratio = spacing[2] / spacing[0].min(spacing[1]);
    (1..=MOST)
        .take_while(|n| *n == 1 || ratio >= *n as f64 - (2.0 - RATIO))
        .last()
        .unwrap_or(1)
}

/// The block with `factor - 1` slices inserted between each two; slice `k` becomes slice `k * factor`.
pub(super) fn refine(block: ArrayView3<'_, u8>, spacing: [f64; 3], factor: usize) -> Array3<u8> {
    let (nk, nj, ni) = block.dim();
    if factor == 1 || nk < 2 {
        return block.to_owned();
    }
    let mut out = Array3::zeros(((nk - 1) * factor + 1, nj, ni));
    out.axis_chunks_iter_mut(Axis(0), BATCH * factor)
        .into_par_iter()
        .enumerate()
        .for_each(|(chunk, mut part)| {
            let first = chunk * BATCH;
            let last = (first + BATCH).min(nk - 1);
            // One slice more on either side: the way a cross-section shrinks is read off the slice before.
            let from = first.saturating_sub(1);
            let mut work = Envelope::default();
            let slices: Vec<Slice<'_>> = (from..=(last + 1).min(nk - 1))
                .map(|k| Slice::new(block.index_axis_move(Axis(0), k), [spacing[0], spacing[1]], &mut work))
                .collect();
            for (at, mut plane) in part.outer_iter_mut().enumerate() {
                let (k, t) = (first + at / factor, at % factor);
                if t == 0 {
                    plane.assign(&slices[k - from].inside);
                } else {
                    between(&mut plane, &slices, k - from, t as f64 / factor as f64);
                }
            }
        });
    out
}

/// One slice, its signed distance in mm (negative inside) and its parts.
struct Slice<'a> {
    inside: ArrayView2<'a, u8>,
    distance: Array2<f64>,
    parts: Components,
}

impl<'a> Slice<'a> {
    fn new(inside: ArrayView2<'a, u8>, step: [f64; 2], work: &mut Envelope) -> Self {
        let half_pixel = 0.5 * step[0].min(step[1]);
        let mut distance = |value: u8| {
            let mut map = inside.map(|v| if *v == value { 0.0 } else { f64::INFINITY });
            transform_plane(&mut map.view_mut(), step, work);
            map.mapv_into(|v: f64| v.sqrt().min(FAR))
        };
        let mut signed = distance(1);
        let depth = distance(0);
        Zip::from(&mut signed).and(&depth).for_each(|d, depth| {
            *d = if *depth > 0.0 { half_pixel - *depth } else { *d - half_pixel };
        });
        Self {
            inside,
            distance: signed,
            parts: Components::find(inside.insert_axis(Axis(0)), Connectivity::Eighteen, |v| v != 0),
        }
    }

    /// Whether slices have anything to interpolate.
    fn is_empty(&self) -> bool {
        self.parts.count() == 0
    }
}

/// The slice at the share `f` of the way from slice `at` to the next.
fn between(plane: &mut ArrayViewMut2<'_, u8>, slices: &[Slice<'_>], at: usize, f: f64) {
    let (lower, upper) = (&slices[at], &slices[at + 1]);
    if lower.is_empty() && upper.is_empty() {
        return;
    }
    Zip::from(&mut *plane)
        .and(&lower.distance)
        .and(&upper.distance)
        .for_each(|out, a, b| *out = u8::from((1.0 - f) * a + f * b <= 0.0));
    let below = at.checked_sub(1).map(|k| &slices[k]);
    close_ends(plane, lower, upper, below, f);
    close_ends(plane, upper, lower, slices.get(at + 2), 1.0 - f);
}

/// Closes the parts of a slice that have nothing in the `next` one, `f` of the way there; `before` is the slice on the other side.
fn close_ends(plane: &mut ArrayViewMut2<'_, u8>, slice: &Slice<'_>, next: &Slice<'_>, before: Option<&Slice<'_>>, f: f64) {
    let mut ends = vec![true; slice.parts.count()];
    let mut deepest = vec![(0.0, [0usize; 2]); slice.parts.count()];
    for run in slice.parts.runs() {
        for i in run.columns() {
            ends[run.component] &= next.inside[[run.j, i]] == 0;
            let depth = -slice.distance[[run.j, i]];
            if depth > deepest[run.component].0 {
                deepest[run.component] = (depth, [run.j, i]);
            }
        }
    }
    let heights: Vec<Option<f64>> = deepest
        .iter()
        .map(|(depth, at)| dome_height(*depth, before.map_or(FAR, |b| -b.distance[*at])))
        .collect();
    for run in slice.parts.runs().filter(|run| ends[run.component]) {
        let whole = deepest[run.component].0;
        for i in run.columns() {
            let share = -slice.distance[[run.j, i]] / whole;
            let height = heights[run.component].map_or(0.5, |h| h * share * (2.0 - share));
            plane[[run.j, i]] |= u8::from(f <= height);
        }
    }
}

/// Height of the dome over a cross-section of radius `here` whose neighbour on the other side has `before`, as a share of the
/// gap; `None` when the cross-section does not shrink enough to end within the gap.
fn dome_height(here: f64, before: f64) -> Option<f64> {
    let fall = before * before - here * here;
    (before < FAR && fall > 0.0 && here * here <= fall).then(|| here * here / fall)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::s;

    #[test]
    fn the_number_of_slices_follows_the_spacing() {
        let counts = [1.0, 1.4, 1.5, 2.4, 2.5, 3.0, 12.0].map(|dz| factor([1.0, 1.1, dz]));
        assert_eq!(counts, [1, 1, 2, 2, 3, 3, 8]);
    }

    #[test]
    fn a_prism_ends_flat_at_half_the_gap() {
        let mut b = Array3::<u8>::zeros((6, 9, 9));
        b.slice_mut(s![2..4, 2..7, 2..7]).fill(1);
        let fine = refine(b.view(), [1.0, 1.0, 4.0], 4);
        // Slices 2 and 3 are 8 and 12; half a gap is two fine slices.
        let counts: Vec<usize> = fine.outer_iter().map(|p| p.iter().filter(|v| **v != 0).count()).collect();
        assert_eq!(counts, [0, 0, 0, 0, 0, 0, 25, 25, 25, 25, 25, 25, 25, 25, 25, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_sphere_of_coarse_slices_gets_its_round_shape_back() {
        // Radius 20 mm on 1 x 1 x 4 mm; the fine slices are 1 mm apart, so that voxels count mm3.
        let r: f64 = 20.0;
        for shift in [0.0, 0.7, 1.9, 3.1] {
            let inside = |i: f64, j: f64, z: f64| (i - 24.2).powi(2) + (j - 24.7).powi(2) + (z - 24.0 - shift).powi(2) <= r * r;
            let coarse = Array3::from_shape_fn((13, 50, 50), |(k, j, i)| u8::from(inside(i as f64, j as f64, 4.0 * k as f64)));
            let fine = refine(coarse.view(), [1.0, 1.0, 4.0], 4);
            let volume = fine.iter().filter(|v| **v != 0).count() as f64;
            let truth = 4.0 / 3.0 * std::f64::consts::PI * r.powi(3);
            assert!((volume / truth - 1.0).abs() < 0.01, "shift {shift}: {:+.4}", volume / truth - 1.0);
            let wrong = fine
                .indexed_iter()
                .filter(|((k, j, i), v)| (**v != 0) != inside(*i as f64, *j as f64, *k as f64))
                .count();
            let area = 4.0 * std::f64::consts::PI * r * r;
            assert!(
                (wrong as f64) < 0.3 * area,
                "shift {shift}: {wrong} voxels differ on {area:.0} mm2 of surface"
            );
        }
    }
}
