//! Dilation of a set of surface voxels with the structuring element of a margin.

use ndarray::parallel::prelude::*;
use ndarray::{Array2, Array3, ArrayViewMut2, Axis, Zip};
use rt_core::{Grid, Mat3, Vec3};

use super::depth::SurfaceVoxel;
use super::{Margin, Reference};
use crate::edt::{Envelope, is_separable, transform_plane};

/// Distances are compared with this tolerance, mm: 5 mm reach exactly two slices of 2.5 mm.
pub(super) const TOLERANCE_MM: f64 = 1e-6;
/// Slices whose distance maps are held at once.
const BATCH: usize = 32;
/// Steps of the depth, as a share of the smallest spacing, for margins that differ by direction.
const DEPTH_STEPS: f64 = 16.0;

/// A margin on a lattice: which displacements belong to it. Sources may lie on slices between those that are asked for.
#[derive(Debug)]
pub(super) struct Element {
    margin: Margin,
    /// Step of the source lattice to displacement in mm.
    step: Mat3,
    spacing: [f64; 3],
    /// Source slices for one wanted slice.
    factor: usize,
    /// The one radius when all sides are equal and the axes are perpendicular.
    ball: Option<f64>,
}

impl Element {
    /// A margin for a block whose axes are the axes `axes` of the grid, with `factor` source slices for each slice.
    pub(super) fn new(grid: &Grid, margin: &Margin, axes: [usize; 3], factor: usize) -> Self {
        let mut spacing = axes.map(|a| grid.spacing()[a]);
        spacing[2] /= factor as f64;
        let [u, v, w] = axes.map(|a| grid.direction().col(a));
        let even = margin.sides().iter().all(|v| (v - margin.left).abs() <= TOLERANCE_MM);
        Self {
            margin: *margin,
            step: Mat3::from_cols(u * spacing[0], v * spacing[1], w * spacing[2]),
            spacing,
            factor,
            ball: (even && is_separable(grid)).then_some(margin.left),
        }
    }

    /// Voxels along i, j, k of the grid that a margin can reach.
    pub(super) fn reach(grid: &Grid, margin: &Margin, reference: Reference) -> [usize; 3] {
        let extra = match reference {
            Reference::Voxel => 0.0,
            Reference::Surface => grid.spacing().iter().fold(0.0, |a: f64, b| a.max(*b)),
        };
        Self::new(grid, margin, [0, 1, 2], 1).index_reach(extra)
    }

    /// Largest index steps when each side is `extra` mm longer.
    fn index_reach(&self, extra: f64) -> [usize; 3] {
        let m = &self.margin;
        let longer = Vec3::new(m.left.max(m.right), m.anterior.max(m.posterior), m.superior.max(m.inferior));
        let half = longer + Vec3::splat(extra + TOLERANCE_MM);
        let rows = self.step.inverse().transpose();
        [rows.x_axis, rows.y_axis, rows.z_axis].map(|row| whole((row * half).length()))
    }

    /// Whether a displacement in mm belongs to the element with each open side longer by `extra`.
    fn holds(&self, d: Vec3, extra: f64) -> bool {
        let m = &self.margin;
        let share = |v: f64, plus: f64, minus: f64| {
            let side = if v >= 0.0 { plus } else { minus };
            let side = if side > 0.0 { side + extra } else { side } + TOLERANCE_MM;
            (v / side).powi(2)
        };
        share(d.x, m.left, m.right) + share(d.y, m.posterior, m.anterior) + share(d.z, m.superior, m.inferior) <= 1.0
    }

    /// Runs of the element, slice by slice from `-reach` to `+reach`.
    fn stamp(&self, extra: f64) -> Stamp {
        let reach = self.index_reach(extra).map(|v| isize::try_from(v).unwrap_or(isize::MAX / 4));
        let slices = (-reach[2]..=reach[2])
            .map(|dk| (-reach[1]..=reach[1]).filter_map(|dj| self.run(dj, dk, reach[0], extra)).collect())
            .collect();
        Stamp { reach: reach[2], slices }
    }

    /// The steps along i that belong to the element in one row; it is convex, so they are a run.
    fn run(&self, dj: isize, dk: isize, reach: isize, extra: f64) -> Option<StampRun> {
        let inside = |di: isize| self.holds(self.step * Vec3::new(di as f64, dj as f64, dk as f64), extra);
        let first = (-reach..=reach).find(|di| inside(*di))?;
        let last = (first..=reach).rev().find(|di| inside(*di))?;
        Some(StampRun { dj, first, last })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of voxels, limited before the cast"
)]
fn whole(v: f64) -> usize {
    v.floor().clamp(0.0, 1e6) as usize
}

/// One row of a structuring element.
#[derive(Debug, Clone, Copy)]
struct StampRun {
    dj: isize,
    first: isize,
    last: isize,
}

/// A structuring element as runs of voxels.
#[derive(Debug)]
struct Stamp {
    reach: isize,
    slices: Vec<Vec<StampRun>>,
}

impl Stamp {
    /// The rows that are `dk` slices away from the source.
    fn rows(&self, dk: isize) -> &[StampRun] {
        usize::try_from(dk + self.reach)
            .ok()
            .and_then(|at| self.slices.get(at))
            .map_or(&[], Vec::as_slice)
    }
}

impl Element {
    /// The voxels of a block of shape `dim` that the element reaches from the surface voxels (by source slice).
    pub(super) fn dilate(&self, surface: &[Vec<SurfaceVoxel>], dim: (usize, usize, usize)) -> Array3<u8> {
        match self.ball {
            Some(radius) => self.dilate_by_planes(surface, dim, radius),
            None => self.dilate_by_stamps(surface, dim),
        }
    }

    /// Union of balls of `radius` + depth: squared distances with weights, exact. The third axis is done by thresholds, so that
    /// only a few distance maps exist at a time.
    fn dilate_by_planes(&self, surface: &[Vec<SurfaceVoxel>], dim: (usize, usize, usize), radius: f64) -> Array3<u8> {
        let mut out = Array3::<u8>::zeros(dim);
        let deepest = surface.iter().flatten().map(|v| v.depth).fold(0.0, f64::max);
        let furthest = radius + deepest + TOLERANCE_MM;
        let used: Vec<usize> = (0..surface.len()).filter(|k| !surface[*k].is_empty()).collect();
        for batch in used.chunks(BATCH) {
            let maps: Vec<(usize, Array2<f64>)> = batch
                .par_iter()
                .map_init(Envelope::default, |work, &k| {
                    (k, plane_map(&surface[k], dim, radius, self.spacing, work))
                })
                .collect();
            out.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(k, mut plane)| {
                for (source, map) in &maps {
                    let dz = source.abs_diff(k * self.factor) as f64 * self.spacing[2];
                    if dz <= furthest {
                        mark_below(&mut plane, map, (radius + TOLERANCE_MM).powi(2) - dz * dz);
                    }
                }
            });
        }
        out
    }

    /// Paints the element at every surface voxel: exact for any sides and any grid.
    fn dilate_by_stamps(&self, surface: &[Vec<SurfaceVoxel>], dim: (usize, usize, usize)) -> Array3<u8> {
        let unit = self.spacing.iter().fold(f64::INFINITY, |a, b| a.min(*b)) / DEPTH_STEPS;
        let level = |v: &SurfaceVoxel| whole((v.depth / unit).round());
        let highest = surface.iter().flatten().map(level).max().unwrap_or(0);
        let stamps: Vec<Stamp> = (0..=highest).into_par_iter().map(|n| self.stamp(n as f64 * unit)).collect();
        let mut out = Array3::<u8>::zeros(dim);
        out.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(k, mut plane)| {
            for (source, voxels) in surface.iter().enumerate() {
                let dk = signed(k * self.factor) - signed(source);
                for v in voxels {
                    for run in stamps[level(v)].rows(dk) {
                        paint(&mut plane, v, *run);
                    }
                }
            }
        });
        out
    }
}

/// Smallest `|p - c|^2 - ((radius + depth)^2 - radius^2)` over the surface voxels `c` of one slice.
fn plane_map(voxels: &[SurfaceVoxel], dim: (usize, usize, usize), radius: f64, spacing: [f64; 3], work: &mut Envelope) -> Array2<f64> {
    let mut map = Array2::from_elem((dim.1, dim.2), f64::INFINITY);
    for v in voxels {
        map[[v.j, v.i]] = -v.depth * (2.0 * radius + v.depth);
    }
    transform_plane(&mut map.view_mut(), [spacing[0], spacing[1]], work);
    map
}

fn mark_below(plane: &mut ArrayViewMut2<'_, u8>, map: &Array2<f64>, bound: f64) {
    Zip::from(plane).and(map).for_each(|out, d| *out |= u8::from(*d <= bound));
}

fn paint(plane: &mut ArrayViewMut2<'_, u8>, v: &SurfaceVoxel, run: StampRun) {
    let (nj, ni) = plane.dim();
    let Some(j) = v.j.checked_add_signed(run.dj).filter(|j| *j < nj) else {
        return;
    };
    let first = v.i.saturating_add_signed(run.first);
    let last = signed(v.i) + run.last;
    if last < 0 || first >= ni {
        return;
    }
    let end = last.unsigned_abs().min(ni - 1) + 1;
    plane.slice_mut(ndarray::s![j, first..end]).fill(1);
}

#[expect(clippy::cast_possible_wrap, reason = "voxel indices are far below 2^63")]
fn signed(v: usize) -> isize {
    v as isize
}
