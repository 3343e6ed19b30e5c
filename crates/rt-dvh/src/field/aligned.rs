//! Dose grids whose axes are those of the frame.

use ndarray::{ArrayView1, ArrayView3, Axis as ArrayAxis};
use rt_core::{Grid, Vec3};
use rt_image::{PlaneFrame, VolumeView};

use super::{DoseTerm, Rim, Row, RowSpec, whole};
use crate::bio::Response;

/// Dose at the samples of a row of a grid, and its derivatives along the second and third axis.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnotRow {
    dose: Vec<f64>,
    second: Vec<f64>,
    third: Vec<f64>,
}

/// Sample positions along one axis of the frame, ascending.
#[derive(Debug, Clone)]
pub struct Axis {
    /// Positions, mm.
    pub knots: Vec<f64>,
    /// First and last covered position, mm.
    pub hull: [f64; 2],
    /// 1 / spacing when even.
    even: Option<f64>,
}

impl Axis {
    fn new(knots: Vec<f64>, spacing: f64, rim: Rim) -> Self {
        let (n, lo, hi) = (knots.len(), knots[0], knots[knots.len() - 1]);
        let reach = if rim == Rim::HalfVoxel || n == 1 { spacing / 2.0 } else { 0.0 };
        let step = (hi - lo) / (n.max(2) - 1) as f64;
        let even = n > 1 && knots.iter().enumerate().all(|(k, p)| (p - lo - k as f64 * step).abs() < 1e-6);
        Self {
            hull: [lo - reach, hi + reach],
            even: even.then(|| 1.0 / step),
            knots,
        }
    }

    /// Distance of samples when it is the same everywhere, mm.
    pub fn even_spacing(&self) -> Option<f64> {
        self.even.map(f64::recip)
    }

    pub(super) fn smallest_gap(&self) -> f64 {
        let gaps = self.knots.windows(2).map(|w| w[1] - w[0]);
        let smallest = gaps.fold(f64::INFINITY, f64::min);
        if smallest.is_finite() {
            smallest
        } else {
            self.hull[1] - self.hull[0]
        }
    }

    /// Interval that holds a position, the part of it below the position (0 to 1), and 1 / its length (0 beyond the samples).
    fn locate(&self, x: f64) -> (usize, f64, f64) {
        let n = self.knots.len();
        if n == 1 {
            return (0, 0.0, 0.0);
        }
        let (at, inverse) = if let Some(inverse) = self.even {
            let at = (x - self.knots[0]) * inverse;
            (whole(at).min(n - 2), inverse)
        } else {
            let at = self.knots.partition_point(|k| *k <= x).saturating_sub(1).min(n - 2);
            (at, 1.0 / (self.knots[at + 1] - self.knots[at]))
        };
        let part = (x - self.knots[at]) * inverse;
        let beyond = !(-1e-9..=1.0 + 1e-9).contains(&part);
        (at, part.clamp(0.0, 1.0), if beyond { 0.0 } else { inverse })
    }

    /// Share of an interval that is covered.
    fn share(&self, middle: f64, size: f64) -> f64 {
        let (a, b) = (middle - size / 2.0, middle + size / 2.0);
        let inside = b.min(self.hull[1]) - a.max(self.hull[0]);
        // Rounding of lattice lines against the hull is not coverage lost.
        if inside >= size * (1.0 - 1e-9) {
            1.0
        } else {
            (inside / size).max(0.0)
        }
    }
}

/// A dose grid whose axes are those of the frame, its samples turned to `[n][v][u]`, ascending.
#[derive(Debug, Clone)]
pub struct AlignedGrid<'a> {
    /// Axes u, v, n of the frame.
    pub axes: [Axis; 3],
    samples: ArrayView3<'a, f32>,
}

/// An axis of the grid may lean against the frame so far over its whole length that samples move by this much, mm.
const LEAN_MM: f64 = 1e-3;

impl<'a> AlignedGrid<'a> {
    pub(super) fn new(dose: &VolumeView<'a, f32>, frame: &PlaneFrame, rim: Rim) -> Option<Self> {
        let grid = dose.grid();
        let of_frame = [frame.u, frame.v, frame.n];
        let directions = [grid.direction().x_axis, grid.direction().y_axis, grid.direction().z_axis];
        let fits = |f: Vec3, g: usize| {
            let length = offset_along(grid, g, grid.size()[g] - 1).max(grid.spacing()[g]);
            f.cross(directions[g]).length() * length <= LEAN_MM
        };
        let of_grid = of_frame.map(|f| (0..3).find(|&g| fits(f, g)));
        let [gu, gv, gn] = [of_grid[0]?, of_grid[1]?, of_grid[2]?];
        let mut samples = dose.data().permuted_axes([2 - gn, 2 - gv, 2 - gu]);
        let mut turned = |slot: usize, f: Vec3, g: usize| {
            let sign = f.dot(directions[g]).signum();
            let base = f.dot(grid.origin());
            let mut knots: Vec<f64> = (0..grid.size()[g]).map(|i| base + sign * offset_along(grid, g, i)).collect();
            if sign < 0.0 {
                knots.reverse();
                samples.invert_axis(ArrayAxis(2 - slot));
            }
            Axis::new(knots, grid.spacing()[g], rim)
        };
        let axes = [turned(0, frame.u, gu), turned(1, frame.v, gv), turned(2, frame.n, gn)];
        Some(Self { axes, samples })
    }

    /// Whether any cell of the row is covered; writes the shares when not all are whole.
    pub(super) fn inside(&self, spec: &RowSpec, inside: &mut Vec<f64>) -> bool {
        let across = self.axes[1].share(spec.first[1], spec.size[1]) * self.axes[2].share(spec.first[2], spec.size[2]);
        let along = |c: usize| self.axes[0].share(spec.first[0] + c as f64 * spec.size[0], spec.size[0]);
        let whole = across >= 1.0 && along(0) >= 1.0 && along(spec.count - 1) >= 1.0;
        if across <= 0.0 || whole {
            return across > 0.0;
        }
        inside.extend((0..spec.count).map(|c| across * along(c)));
        inside.iter().any(|s| *s > 0.0)
    }

    /// Trilinear value at a point.
    pub(super) fn sample(&self, p: [f64; 3]) -> f64 {
        let [(i, tx, _), (j, ty, _), (k, tz, _)] = [0, 1, 2].map(|a| self.axes[a].locate(p[a]));
        let next = |at: usize, a: usize| (at + 1).min(self.axes[a].knots.len() - 1);
        let v = |k: usize, j: usize, i: usize| f64::from(self.samples[[k, j, i]]);
        let mix = |a: f64, b: f64, t: f64| a + (b - a) * t;
        let row = |k: usize, j: usize| mix(v(k, j, i), v(k, j, next(i, 0)), tx);
        let plane = |k: usize| mix(row(k, j), row(k, next(j, 1)), ty);
        mix(plane(k), plane(next(k, 2)), tz)
    }

    /// Samples of one grid row.
    fn line(&self, k: usize, j: usize) -> ArrayView1<'_, f32> {
        self.samples.index_axis(ArrayAxis(0), k).index_axis_move(ArrayAxis(0), j)
    }

    /// Dose along a line of knots at (y, z), for knots `from..=to` of the first axis.
    fn knot_row(&self, y: f64, z: f64, from: usize, to: usize, out: &mut KnotRow) {
        let (j, ty, iy) = self.axes[1].locate(y);
        let (k, tz, iz) = self.axes[2].locate(z);
        let j1 = (j + 1).min(self.axes[1].knots.len() - 1);
        let k1 = (k + 1).min(self.axes[2].knots.len() - 1);
        let (a, b, c, d) = (self.line(k, j), self.line(k, j1), self.line(k1, j), self.line(k1, j1));
        let n = to + 1 - from;
        for buffer in [&mut out.dose, &mut out.second, &mut out.third] {
            buffer.clear();
            buffer.resize(n, 0.0);
        }
        let combine = |a: f32, b: f32, c: f32, d: f32| {
            let (a, b, c, d) = (f64::from(a), f64::from(b), f64::from(c), f64::from(d));
            let (below, above) = (b - a, d - c);
            let (low, high) = (a + below * ty, c + above * ty);
            (low + (high - low) * tz, (below + (above - below) * tz) * iy, (high - low) * iz)
        };
        if let (Some(a), Some(b), Some(c), Some(d)) = (a.to_slice(), b.to_slice(), c.to_slice(), d.to_slice()) {
            let (a, b, c, d) = (&a[from..=to], &b[from..=to], &c[from..=to], &d[from..=to]);
            let (dose, second, third) = (&mut out.dose[..n], &mut out.second[..n], &mut out.third[..n]);
            for i in 0..n {
                (dose[i], second[i], third[i]) = combine(a[i], b[i], c[i], d[i]);
            }
        } else {
            for i in 0..n {
                let at = from + i;
                (out.dose[i], out.second[i], out.third[i]) = combine(a[at], b[at], c[at], d[at]);
            }
        }
    }

    pub(super) fn add_row(&self, term: &DoseTerm<'_>, spec: &RowSpec, row: &mut Row) {
        let axis = &self.axes[0];
        let last = spec.first[0] + (spec.count - 1) as f64 * spec.size[0];
        let from = axis.locate(spec.first[0]).0;
        let to = (axis.locate(last).0 + 1).min(axis.knots.len() - 1);
        let mut knots = std::mem::take(&mut row.scratch.knots);
        self.knot_row(spec.first[1], spec.first[2], from, to, &mut knots);
        let plain = term.response == Response::Physical;
        let mut add = |c: usize, i: usize, t: f64, inverse: f64| {
            let j = (i + 1).min(knots.dose.len() - 1);
            let along = knots.dose[j] - knots.dose[i];
            let sample = knots.dose[i] + along * t;
            let second = knots.second[i] + (knots.second[j] - knots.second[i]) * t;
            let third = knots.third[i] + (knots.third[j] - knots.third[i]) * t;
            let (value, slope) = if plain {
                (sample * term.scale, term.scale)
            } else {
                term.value(sample)
            };
            row.dose[c] += value;
            let g = &mut row.gradient[c];
            *g = [g[0] + slope * along * inverse, g[1] + slope * second, g[2] + slope * third];
        };
        let inner = spec.first[0] >= axis.knots[0] && last <= axis.knots[axis.knots.len() - 1];
        if let (Some(inverse), true) = (axis.even, inner) {
            let start = (spec.first[0] - axis.knots[from]) * inverse;
            let step = spec.size[0] * inverse;
            let most = (to - from).max(1) - 1;
            for c in 0..spec.count {
                let at = start + c as f64 * step;
                let i = whole(at).min(most);
                add(c, i, at - i as f64, inverse);
            }
        } else {
            for c in 0..spec.count {
                let (i, t, inverse) = axis.locate(spec.first[0] + c as f64 * spec.size[0]);
                add(c, i - from, t, inverse);
            }
        }
        row.scratch.knots = knots;
    }

    /// Adds the dose at positions `xs` (ascending) of the line (y, z).
    pub(super) fn add_line(&self, term: &DoseTerm<'_>, [y, z]: [f64; 2], xs: &[f64], scratch: &mut KnotRow, out: &mut [f64]) {
        let (Some(first), Some(last)) = (xs.first(), xs.last()) else {
            return;
        };
        let axis = &self.axes[0];
        let from = axis.locate(*first).0;
        let to = (axis.locate(*last).0 + 1).min(axis.knots.len() - 1);
        self.knot_row(y, z, from, to, scratch);
        for (x, out) in xs.iter().zip(out) {
            let (i, t, _) = axis.locate(*x);
            let (p, q) = (scratch.dose[i - from], scratch.dose[(i + 1 - from).min(scratch.dose.len() - 1)]);
            *out += term.value(p + (q - p) * t).0;
        }
    }

    pub(super) fn range_in(&self, lo: [f64; 3], hi: [f64; 3]) -> [f64; 2] {
        let span = |a: usize| {
            let last = self.axes[a].knots.len() - 1;
            self.axes[a].locate(lo[a]).0..(self.axes[a].locate(hi[a]).0 + 2).min(last + 1)
        };
        let part = self.samples.slice(ndarray::s![span(2), span(1), span(0)]);
        part.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], v| {
            [a.min(f64::from(*v)), b.max(f64::from(*v))]
        })
    }
}

/// Distance of sample `i` from sample 0 along grid axis `axis`, mm.
fn offset_along(grid: &Grid, axis: usize, i: usize) -> f64 {
    if axis == 2 {
        grid.offset(i)
    } else {
        i as f64 * grid.spacing()[axis]
    }
}
