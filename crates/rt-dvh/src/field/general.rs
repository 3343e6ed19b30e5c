//! Dose grids in any position: through the full affine map, point by point.

use ndarray::ArrayView3;
use rt_core::Vec3;
use rt_image::{PlaneFrame, VolumeView};

use super::{DoseTerm, Rim, Row, RowSpec, whole};

/// A dose grid in any position.
#[derive(Debug, Clone)]
pub(super) struct GeneralGrid<'a> {
    samples: ArrayView3<'a, f32>,
    /// Index of the frame's origin, and change of index per mm along each axis of the frame; k in units of the mean spacing.
    origin: Vec3,
    per_mm: [Vec3; 3],
    /// Slice positions in units of the mean spacing when they are uneven.
    slices: Option<Vec<f64>>,
    size: [usize; 3],
    pub(super) spacing: [f64; 3],
    rim: Rim,
}

impl<'a> GeneralGrid<'a> {
    pub(super) fn new(dose: &VolumeView<'a, f32>, frame: &PlaneFrame, rim: Rim) -> Self {
        let grid = dose.grid();
        let spacing = grid.spacing();
        let inverse = grid.direction().inverse();
        let to_index = |v: Vec3| inverse * v / Vec3::from_array(spacing);
        Self {
            samples: dose.data(),
            origin: to_index(-grid.origin()),
            per_mm: [frame.u, frame.v, frame.n].map(to_index),
            slices: grid.offsets().map(|list| list.iter().map(|o| o / spacing[2]).collect()),
            size: grid.size(),
            spacing,
            rim,
        }
    }

    fn index_of(&self, at: [f64; 3]) -> Vec3 {
        self.origin + self.per_mm[0] * at[0] + self.per_mm[1] * at[1] + self.per_mm[2] * at[2]
    }

    /// First and last covered index along a grid axis (slices in units of the mean spacing).
    fn hull(&self, axis: usize) -> [f64; 2] {
        let last = match &self.slices {
            Some(positions) if axis == 2 => positions[positions.len() - 1],
            _ => (self.size[axis] - 1) as f64,
        };
        let reach = if self.rim == Rim::HalfVoxel || self.size[axis] == 1 {
            0.5
        } else {
            0.0
        };
        [-reach, last + reach]
    }

    pub(super) fn inside(&self, spec: &RowSpec, inside: &mut Vec<f64>) -> bool {
        let reach = [0, 1, 2].map(|a| (0..3).map(|f| (self.per_mm[f][a] * spec.size[f]).abs()).sum::<f64>());
        let hulls = [0, 1, 2].map(|a| self.hull(a));
        let share = |c: usize| {
            let q = self.index_of([spec.first[0] + c as f64 * spec.size[0], spec.first[1], spec.first[2]]);
            let side = |distance: f64, reach: f64| (0.5 + distance / reach).clamp(0.0, 1.0);
            (0..3)
                .map(|a| side(q[a] - hulls[a][0], reach[a]) * side(hulls[a][1] - q[a], reach[a]))
                .product::<f64>()
        };
        // Shares are products of half-spaces along a line: whole at both ends is whole between.
        if share(0) >= 1.0 && share(spec.count - 1) >= 1.0 {
            return true;
        }
        inside.extend((0..spec.count).map(share));
        inside.iter().any(|s| *s > 0.0)
    }

    pub(super) fn add_row(&self, term: &DoseTerm<'_>, spec: &RowSpec, row: &mut Row) {
        for (c, (dose, gradient)) in row.dose.iter_mut().zip(&mut row.gradient).enumerate() {
            let q = self.index_of([spec.first[0] + c as f64 * spec.size[0], spec.first[1], spec.first[2]]);
            let (sample, g) = self.sample(q);
            let (value, slope) = term.value(sample);
            *dose += value;
            for (out, per_mm) in gradient.iter_mut().zip(self.per_mm) {
                *out += slope * g.dot(per_mm);
            }
        }
    }

    /// Interval and part of it along one grid axis, and the derivative of that part (0 beyond the samples).
    fn locate(&self, axis: usize, q: f64) -> (usize, f64, f64) {
        let n = self.size[axis];
        if n == 1 {
            return (0, 0.0, 0.0);
        }
        let (at, part, inverse) = match &self.slices {
            Some(list) if axis == 2 => {
                let at = list.partition_point(|s| *s <= q).saturating_sub(1).min(n - 2);
                let inverse = 1.0 / (list[at + 1] - list[at]);
                (at, (q - list[at]) * inverse, inverse)
            }
            _ => {
                let at = whole(q).min(n - 2);
                (at, q - at as f64, 1.0)
            }
        };
        let beyond = !(-1e-9..=1.0 + 1e-9).contains(&part);
        (at, part.clamp(0.0, 1.0), if beyond { 0.0 } else { inverse })
    }

    /// Sample and gradient (per unit of index) at a continuous index.
    fn sample(&self, q: Vec3) -> (f64, Vec3) {
        let (i, tx, ix) = self.locate(0, q.x);
        let (j, ty, iy) = self.locate(1, q.y);
        let (k, tz, iz) = self.locate(2, q.z);
        let next = |at: usize, axis: usize| (at + 1).min(self.size[axis] - 1);
        let v = |k: usize, j: usize, i: usize| f64::from(self.samples[[k, j, i]]);
        let mix = |a: f64, b: f64, t: f64| a + (b - a) * t;
        let (i1, j1, k1) = (next(i, 0), next(j, 1), next(k, 2));
        let edge = |k: usize, j: usize| (mix(v(k, j, i), v(k, j, i1), tx), v(k, j, i1) - v(k, j, i));
        let (a, b, c, d) = (edge(k, j), edge(k, j1), edge(k1, j), edge(k1, j1));
        let (low, high) = (mix(a.0, b.0, ty), mix(c.0, d.0, ty));
        let gx = mix(mix(a.1, b.1, ty), mix(c.1, d.1, ty), tz);
        let gy = mix(b.0 - a.0, d.0 - c.0, tz);
        (mix(low, high, tz), Vec3::new(gx * ix, gy * iy, (high - low) * iz))
    }

    pub(super) fn range_in(&self, lo: [f64; 3], hi: [f64; 3]) -> [f64; 2] {
        let corner = |c: usize| self.index_of([0, 1, 2].map(|a| if c >> a & 1 == 1 { hi[a] } else { lo[a] }));
        let span = |axis: usize| {
            let (a, b) = (0..8)
                .map(|c| corner(c)[axis])
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
            self.locate(axis, a).0..(self.locate(axis, b).0 + 2).min(self.size[axis])
        };
        let part = self.samples.slice(ndarray::s![span(2), span(1), span(0)]);
        part.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], v| {
            [a.min(f64::from(*v)), b.max(f64::from(*v))]
        })
    }
}
