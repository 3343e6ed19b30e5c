//! Contours drawn in planes that are not parallel to the slices: every voxel centre is tested in the frame of the contours.

use std::sync::Arc;

use ndarray::parallel::prelude::*;
use ndarray::{Array3, Axis};
use rt_core::{Bounds, Grid, Vec3};

use crate::contour::region::Edge;
use crate::{Mask, PlaneStack, Region};

/// The voxels whose centres the solid holds.
pub(super) fn fill(stack: &PlaneStack, grid: &Arc<Grid>) -> Mask {
    let Some((lo, size)) = index_box(stack, grid) else {
        return Mask::empty(grid);
    };
    let strips: Vec<Strips> = stack.planes.iter().map(|p| Strips::new(&p.region)).collect();
    let mut block = Array3::<u8>::zeros((size[2], size[1], size[0]));
    block.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(k, mut plane)| {
        for ((j, i), out) in plane.indexed_iter_mut() {
            let [u, v, n] = stack.frame.project(grid.centre(lo[0] + i, lo[1] + j, lo[2] + k));
            let after = stack.planes.partition_point(|p| p.slab_mm[0] <= n);
            if let Some(at) = after.checked_sub(1).filter(|at| n < stack.planes[*at].slab_mm[1]) {
                *out = u8::from(strips[at].contains(u, v));
            }
        }
    });
    Mask::from_tight_or_loose(grid, lo, block)
}

/// The box of voxels around the slabs of all planes, inside the grid.
fn index_box(stack: &PlaneStack, grid: &Grid) -> Option<([usize; 3], [usize; 3])> {
    let corners = stack
        .planes
        .iter()
        .filter_map(|p| p.region.bounds().map(|b| (b, p.slab_mm)))
        .flat_map(|(b, slab)| (0..8usize).map(move |c| [b[c & 1][0], b[c >> 1 & 1][1], slab[c >> 2]]));
    let around = Bounds::of(corners.map(|c| grid.world_to_index(stack.frame.lift(c))))?;
    let last = Vec3::from_array(grid.size().map(|n| n as f64 - 1.0));
    let within = Bounds { lo: Vec3::ZERO, hi: last };
    let common = Bounds {
        lo: around.lo.floor(),
        hi: around.hi.ceil(),
    }
    .intersection(&within)?;
    let lo = common.lo.to_array().map(index);
    let hi = common.hi.to_array().map(index);
    Some((lo, [0, 1, 2].map(|a| hi[a] + 1 - lo[a])))
}

/// The boundary of a region, sorted into strips of v for point tests.
struct Strips {
    low: f64,
    height: f64,
    edges: Vec<Vec<Edge>>,
}

impl Strips {
    fn new(region: &Region) -> Self {
        let Some([lo, hi]) = region.bounds() else {
            return Self {
                low: 0.0,
                height: 1.0,
                edges: Vec::new(),
            };
        };
        let n = region.edges().len().clamp(1, 4096);
        let height = ((hi[1] - lo[1]) / n as f64).max(1e-9);
        let mut strips = vec![Vec::new(); n];
        for e in region.edges() {
            let [a, b] = [e.a[1].min(e.b[1]), e.a[1].max(e.b[1])].map(|v| index((v - lo[1]) / height).min(n - 1));
            for strip in &mut strips[a..=b] {
                strip.push(*e);
            }
        }
        Self {
            low: lo[1],
            height,
            edges: strips,
        }
    }

    /// Even-odd, half-open.
    fn contains(&self, u: f64, v: f64) -> bool {
        if v < self.low {
            return false;
        }
        let last = self.edges.len().saturating_sub(1);
        let Some(strip) = self.edges.get(index((v - self.low) / self.height).min(last)) else {
            return false;
        };
        let left = strip
            .iter()
            .filter(|e| (e.a[1] <= v) != (e.b[1] <= v) && e.a[0] + (v - e.a[1]) * (e.b[0] - e.a[0]) / (e.b[1] - e.a[1]) <= u);
        left.count() % 2 == 1
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and limited by the caller"
)]
fn index(v: f64) -> usize {
    v as usize
}
