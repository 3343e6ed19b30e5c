//! The lowest and highest dose on a closed region, not over samples.
//!
//! Trilinear dose is linear along each axis, so on a prism its extremes lie on planes: at slab faces and dose planes. On such a plane
//! the dose is bilinear in each grid cell and has its extremes on the outline of the region, where it is quadratic along a straight
//! piece, or at grid nodes inside. Looking at exactly these candidates gives the true extremes when the dose grid has the axes of the
//! region; for other grids outline points at most half a sample apart are taken and the inside is left to the cells of the integral.

use rt_image::{Point2, Region};

use crate::field::{FrameField, Row, RowSpec};
use crate::solid::{Slab, Solid};

/// Lowest and highest value seen so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extremes {
    /// Lowest, Gy; infinite when nothing was seen.
    pub min: f64,
    /// Highest, Gy; negative infinite when nothing was seen.
    pub max: f64,
}

impl Default for Extremes {
    fn default() -> Self {
        Self {
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }
}

impl Extremes {
    /// Takes a value in.
    #[inline]
    pub fn see(&mut self, value: f64) {
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// Extremes of both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }

    /// Whether any value was seen.
    pub fn is_known(&self) -> bool {
        self.min <= self.max
    }
}

/// Exact extremes of an aligned field on the covered part of some slabs.
pub fn exact(slabs: &[Slab], field: &FrameField<'_>) -> Extremes {
    let hulls = [0, 1, 2].map(|a| field.common_hull(a));
    let knots = [0, 1, 2].map(|a| within(&field.knots(a), hulls[a]));
    let mut plane = Plane::default();
    slabs.iter().fold(Extremes::default(), |all, slab| {
        all.join(slab_extremes(slab, field, &knots, &mut plane))
    })
}

/// The positions inside a range; all grid lines that matter, the ends of coverage among them.
fn within(knots: &[f64], [lo, hi]: [f64; 2]) -> Vec<f64> {
    knots.iter().copied().filter(|k| *k >= lo - 1e-9 && *k <= hi + 1e-9).collect()
}

fn slab_extremes(slab: &Slab, field: &FrameField<'_>, knots: &[Vec<f64>; 3], plane: &mut Plane) -> Extremes {
    let mut found = Extremes::default();
    let Some([lo, hi]) = slab.region.bounds() else { return found };
    if !plane.place(&knots[0], &knots[1], lo, hi) {
        return found;
    }
    plane.cut_outline(slab);
    plane.find_nodes(&slab.region);
    for z in levels(slab.range_mm, &knots[2]) {
        plane.fill(field, z);
        plane.look(&mut found);
    }
    found
}

/// Heights at which extremes can lie: both faces and every grid plane between, as far as covered.
fn levels([lo, hi]: [f64; 2], knots: &[f64]) -> Vec<f64> {
    let (Some(first), Some(last)) = (knots.first(), knots.last()) else {
        return Vec::new();
    };
    let (a, b) = (lo.max(*first), hi.min(*last));
    if a > b {
        return Vec::new();
    }
    let mut all = vec![a];
    all.extend(knots.iter().copied().filter(|k| *k > a && *k < b));
    if b > a {
        all.push(b);
    }
    all
}

/// A straight piece of the outline inside one grid cell: corner indices, and end points in parts of the cell.
#[derive(Debug, Clone, Copy)]
struct Piece {
    cell: [usize; 2],
    a: Point2,
    b: Point2,
}

/// Dose on one plane at the grid lines around a region, and where to look.
#[derive(Debug, Default)]
struct Plane {
    xs: Vec<f64>,
    ys: Vec<f64>,
    dose: Vec<f64>,
    pieces: Vec<Piece>,
    /// Runs of nodes inside: row, first and one-past-last column.
    nodes: Vec<[usize; 3]>,
    line: Vec<f64>,
    scratch: Vec<[f64; 3]>,
}

impl Plane {
    /// Picks the grid lines around a box; `false` when the box is not covered.
    fn place(&mut self, xs: &[f64], ys: &[f64], lo: Point2, hi: Point2) -> bool {
        let pick = |knots: &[f64], lo: f64, hi: f64| {
            let from = knots.partition_point(|k| *k <= lo).saturating_sub(1);
            let to = (knots.partition_point(|k| *k < hi) + 1).min(knots.len());
            knots[from.min(to)..to].to_vec()
        };
        self.xs = pick(xs, lo[0], hi[0]);
        self.ys = pick(ys, lo[1], hi[1]);
        let covers = |k: &[f64], lo: f64, hi: f64| k.len() > 1 && k[0] <= hi && k[k.len() - 1] >= lo;
        covers(&self.xs, lo[0], hi[0]) && covers(&self.ys, lo[1], hi[1])
    }

    /// Cuts the outline at the grid lines.
    fn cut_outline(&mut self, slab: &Slab) {
        self.pieces.clear();
        let mut cuts = Vec::new();
        for [a, b] in &slab.outline {
            cuts.clear();
            crossings(&self.xs, a[0], b[0], &mut cuts);
            crossings(&self.ys, a[1], b[1], &mut cuts);
            cuts.sort_by(f64::total_cmp);
            cuts.push(1.0);
            let mut from = 0.0;
            for &to in &cuts {
                if to > from {
                    self.push_piece(*a, *b, from, to);
                    from = to;
                }
            }
        }
    }

    /// Adds the part `from..to` of a side, when it is covered.
    fn push_piece(&mut self, a: Point2, b: Point2, from: f64, to: f64) {
        let at = |t: f64| [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t];
        let middle = at(0.5 * (from + to));
        let (Some(i), Some(j)) = (cell_of(&self.xs, middle[0]), cell_of(&self.ys, middle[1])) else {
            return;
        };
        let local = |p: Point2| {
            [
                ((p[0] - self.xs[i]) / (self.xs[i + 1] - self.xs[i])).clamp(0.0, 1.0),
                ((p[1] - self.ys[j]) / (self.ys[j + 1] - self.ys[j])).clamp(0.0, 1.0),
            ]
        };
        let piece = Piece {
            cell: [i, j],
            a: local(at(from)),
            b: local(at(to)),
        };
        self.pieces.push(piece);
    }

    /// Finds the grid nodes inside the region.
    fn find_nodes(&mut self, region: &Region) {
        self.nodes.clear();
        let mut rows: Vec<Vec<f64>> = vec![Vec::new(); self.ys.len()];
        for e in region.edges() {
            let (lo, hi) = (e.a[1].min(e.b[1]), e.a[1].max(e.b[1]));
            let from = self.ys.partition_point(|y| *y < lo);
            for (row, &y) in rows.iter_mut().zip(&self.ys).skip(from).take_while(|(_, y)| **y < hi) {
                row.push(e.a[0] + (y - e.a[1]) * (e.b[0] - e.a[0]) / (e.b[1] - e.a[1]));
            }
        }
        for (j, row) in rows.iter_mut().enumerate() {
            row.sort_by(f64::total_cmp);
            for pair in row.chunks_exact(2) {
                let from = self.xs.partition_point(|x| *x < pair[0]);
                let to = self.xs.partition_point(|x| *x <= pair[1]);
                if from < to {
                    self.nodes.push([j, from, to]);
                }
            }
        }
    }

    /// Reads the dose at the grid lines of a plane.
    fn fill(&mut self, field: &FrameField<'_>, z: f64) {
        self.dose.clear();
        for &y in &self.ys {
            field.line([y, z], &self.xs, &mut self.scratch, &mut self.line);
            self.dose.extend_from_slice(&self.line);
        }
    }

    /// Looks at all candidates of the plane.
    fn look(&self, found: &mut Extremes) {
        let n = self.xs.len();
        for &[row, from, to] in &self.nodes {
            self.dose[row * n + from..row * n + to].iter().for_each(|d| found.see(*d));
        }
        for piece in &self.pieces {
            let base = piece.cell[1] * n + piece.cell[0];
            let (p, q) = (&self.dose[base..base + 2], &self.dose[base + n..base + n + 2]);
            let at = |[x, y]: Point2| {
                let (low, high) = (p[0] + (p[1] - p[0]) * x, q[0] + (q[1] - q[0]) * x);
                low + (high - low) * y
            };
            let (first, last) = (at(piece.a), at(piece.b));
            found.see(first);
            found.see(last);
            let middle = at([0.5 * (piece.a[0] + piece.b[0]), 0.5 * (piece.a[1] + piece.b[1])]);
            see_vertex(first, middle, last, found);
        }
    }
}

/// Takes in the extreme of the parabola through three equally spaced values, when it lies between them.
fn see_vertex(first: f64, middle: f64, last: f64, found: &mut Extremes) {
    let bend = 2.0 * (first - 2.0 * middle + last);
    let slope = -3.0 * first + 4.0 * middle - last;
    if bend != 0.0 {
        let t = -slope / (2.0 * bend);
        if t > 0.0 && t < 1.0 {
            found.see(first + t * (slope + t * bend));
        }
    }
}

/// Parts (0 to 1) of the way from `a` to `b` at which lines are crossed.
fn crossings(lines: &[f64], a: f64, b: f64, out: &mut Vec<f64>) {
    let (lo, hi) = (a.min(b), a.max(b));
    let from = lines.partition_point(|l| *l <= lo);
    let to = lines.partition_point(|l| *l < hi);
    if from < to {
        out.extend(lines[from..to].iter().map(|l| (l - a) / (b - a)));
    }
}

/// Interval between two lines that holds a position; `None` beyond the first and last.
fn cell_of(lines: &[f64], x: f64) -> Option<usize> {
    let last = lines.len().checked_sub(2)?;
    (x >= lines[0] && x <= lines[last + 1]).then(|| (lines.partition_point(|l| *l <= x).max(1) - 1).min(last))
}

/// Extremes over points of the outlines at the slab faces, for a field on any grid; points are at most half a sample apart.
pub fn on_outline(solid: &Solid, field: &FrameField<'_>) -> Extremes {
    let mut found = Extremes::default();
    let mut row = Row::default();
    let apart = 0.5 * (0..3).map(|a| field.spacing(a)).fold(f64::INFINITY, f64::min);
    for slab in &solid.slabs {
        for z in slab.range_mm {
            for [a, b] in &slab.outline {
                let length = (b[0] - a[0]).hypot(b[1] - a[1]);
                let parts = (length / apart).ceil().clamp(1.0, 1e4);
                let mut t = 0.0;
                while t < parts {
                    let at = |axis: usize| a[axis] + (b[axis] - a[axis]) * (t / parts);
                    let spec = RowSpec {
                        first: [at(0), at(1), z],
                        size: [1e-6; 3],
                        count: 1,
                    };
                    if field.row(&spec, &mut row) && row.inside.first().is_none_or(|s| *s >= 0.5) {
                        found.see(row.dose[0]);
                    }
                    t += 1.0;
                }
            }
        }
    }
    found
}
