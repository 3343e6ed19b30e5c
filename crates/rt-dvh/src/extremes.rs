//! The lowest and highest dose on a closed region, not over samples.
//!
//! Trilinear dose is linear along each axis, so on a prism its extremes lie on planes: at slab faces and dose planes. On such a plane
//! the dose is bilinear in each grid cell and has its extremes on the outline of the region, where it is quadratic along a straight
//! piece, or at grid nodes inside. Looking at exactly these candidates gives the true extremes when the dose grid has the axes of the
//! region; for other grids outline points at most half a sample apart are taken and the inside is left to the cells of the integral.

use rt_image::{Point2, Region};

use crate::field::{DoseField, FrameField, KnotRow, Row, RowSpec};
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

/// Exact extremes of an aligned field on the covered part of the slabs `which` of a solid.
pub fn exact(slabs: &[Slab], which: std::ops::Range<usize>, field: &FrameField<'_>) -> Extremes {
    let hulls = [0, 1, 2].map(|a| field.common_hull(a));
    let knots = [0, 1, 2].map(|a| within(&field.knots(a), hulls[a]));
    let mut search = Search {
        field,
        knots: &knots,
        found: Extremes::default(),
        pieces: Vec::new(),
        line: Vec::new(),
        scratch: KnotRow::default(),
    };
    if knots.iter().all(|k| k.len() > 1) {
        let nodes = |slab: Option<&Slab>| slab.map_or_else(Vec::new, |s| nodes_inside(&s.region, &knots[0], &knots[1]));
        let mut below = (which.start.checked_sub(1), nodes(which.start.checked_sub(1).map(|i| &slabs[i])));
        let mut here = nodes(slabs.get(which.start));
        for i in which {
            let above = nodes(slabs.get(i + 1));
            let touches = |j: Option<usize>, face: f64, end: usize| {
                j.and_then(|j| slabs.get(j)).is_some_and(|s| (s.range_mm[end] - face).abs() < 1e-9)
            };
            let [lo, hi] = slabs[i].range_mm;
            let free = [
                if touches(below.0, lo, 1) {
                    without(&here, &below.1)
                } else {
                    here.clone()
                },
                if touches(Some(i + 1), hi, 0) {
                    without(&here, &above)
                } else {
                    here.clone()
                },
            ];
            search.slab(&slabs[i], &here, &free);
            below = (Some(i), std::mem::replace(&mut here, above));
        }
    }
    search.found
}

/// The positions inside a range: all grid lines that matter, the ends of coverage among them.
fn within(knots: &[f64], [lo, hi]: [f64; 2]) -> Vec<f64> {
    knots.iter().copied().filter(|k| *k >= lo - 1e-9 && *k <= hi + 1e-9).collect()
}

/// A run of grid nodes: row, first and one-past-last column.
type Run = [usize; 3];

/// Runs of nodes inside a region, by row.
fn nodes_inside(region: &Region, xs: &[f64], ys: &[f64]) -> Vec<Run> {
    let Some([lo, hi]) = region.bounds() else { return Vec::new() };
    let (first, end) = (ys.partition_point(|y| *y < lo[1]), ys.partition_point(|y| *y <= hi[1]));
    let mut rows: Vec<Vec<f64>> = vec![Vec::new(); end.saturating_sub(first)];
    for e in region.edges() {
        let (lo, hi) = (e.a[1].min(e.b[1]), e.a[1].max(e.b[1]));
        let slope = (e.b[0] - e.a[0]) / (e.b[1] - e.a[1]);
        let from = ys.partition_point(|y| *y < lo).max(first);
        let to = ys.partition_point(|y| *y < hi).min(end);
        for j in from..to {
            rows[j - first].push(e.a[0] + (ys[j] - e.a[1]) * slope);
        }
    }
    let mut runs = Vec::new();
    for (j, row) in rows.iter_mut().enumerate() {
        row.sort_by(f64::total_cmp);
        for pair in row.chunks_exact(2) {
            let (from, to) = (xs.partition_point(|x| *x < pair[0]), xs.partition_point(|x| *x <= pair[1]));
            if from < to {
                runs.push([first + j, from, to]);
            }
        }
    }
    runs
}

/// The parts of some runs that are in none of the others; both sorted by row.
fn without(runs: &[Run], others: &[Run]) -> Vec<Run> {
    let mut left = Vec::new();
    for &[row, from, to] in runs {
        let mut start = from;
        let after = others.partition_point(|o| o[0] < row);
        for &[_, a, b] in others[after..].iter().take_while(|o| o[0] == row) {
            if a > start && start < to {
                left.push([row, start, a.min(to)]);
            }
            start = start.max(b);
        }
        if start < to {
            left.push([row, start, to]);
        }
    }
    left
}

/// Heights at which extremes can lie inside a slab, both faces apart.
fn levels([lo, hi]: [f64; 2], knots: &[f64]) -> (Option<[f64; 2]>, &[f64]) {
    let (a, b) = (lo.max(knots[0]), hi.min(knots[knots.len() - 1]));
    if a > b {
        return (None, &[]);
    }
    let from = knots.partition_point(|k| *k <= a);
    let to = knots.partition_point(|k| *k < b);
    (Some([a, b]), &knots[from.min(to)..to])
}

/// A straight piece of the outline inside one grid cell: corner indices, and end points in parts of the cell.
#[derive(Debug, Clone, Copy)]
struct Piece {
    cell: [usize; 2],
    a: Point2,
    b: Point2,
}

struct Search<'s, 'd> {
    field: &'s FrameField<'d>,
    knots: &'s [Vec<f64>; 3],
    found: Extremes,
    pieces: Vec<Piece>,
    line: Vec<f64>,
    scratch: KnotRow,
}

impl Search<'_, '_> {
    /// Looks at one slab: nodes inside at grid planes, nodes that end at a face there, the outline at all heights.
    fn slab(&mut self, slab: &Slab, nodes: &[Run], free: &[Vec<Run>; 2]) {
        let (faces, planes) = levels(slab.range_mm, &self.knots[2]);
        let Some(faces) = faces else { return };
        self.cut_outline(slab);
        for &z in planes {
            self.look_at_nodes(nodes, z);
            self.look_at_outline(z);
        }
        for (face, z) in faces.into_iter().enumerate() {
            // A face moved to the end of coverage is not shared with the neighbour, and on a grid plane doses may peak inside it.
            let moved = (z - slab.range_mm[face]).abs() > 1e-9;
            let nearest = self.knots[2].partition_point(|k| *k < z - 1e-6);
            let own = !moved && self.knots[2].get(nearest).is_none_or(|k| *k > z + 1e-6);
            self.look_at_nodes(if own { &free[face] } else { nodes }, z);
            self.look_at_outline(z);
        }
    }

    fn look_at_nodes(&mut self, runs: &[Run], z: f64) {
        for &[row, from, to] in runs {
            let y = self.knots[1][row];
            self.field.line([y, z], &self.knots[0][from..to], &mut self.scratch, &mut self.line);
            self.line.iter().for_each(|d| self.found.see(*d));
        }
    }

    /// Cuts the outline at the grid lines, as far as covered.
    fn cut_outline(&mut self, slab: &Slab) {
        self.pieces.clear();
        let [xs, ys, _] = self.knots;
        let mut cuts = Vec::new();
        for &[a, b] in &slab.outline {
            cuts.clear();
            crossings(xs, a[0], b[0], &mut cuts);
            crossings(ys, a[1], b[1], &mut cuts);
            cuts.sort_by(f64::total_cmp);
            cuts.push(1.0);
            let mut from = 0.0;
            for &to in &cuts {
                if to > from {
                    self.pieces.extend(piece(xs, ys, a, b, [from, to]));
                    from = to;
                }
            }
        }
    }

    fn look_at_outline(&mut self, z: f64) {
        let mut corners = [0.0; 4];
        let mut cell = None;
        for piece in &self.pieces {
            if cell != Some(piece.cell) {
                cell = Some(piece.cell);
                corners = self.field.corners(self.knots, piece.cell, z);
            }
            let at = |[x, y]: Point2| {
                let [a, b, c, d] = corners;
                let (low, high) = (a + (b - a) * x, c + (d - c) * x);
                low + (high - low) * y
            };
            let (first, last) = (at(piece.a), at(piece.b));
            self.found.see(first);
            self.found.see(last);
            let middle = at([0.5 * (piece.a[0] + piece.b[0]), 0.5 * (piece.a[1] + piece.b[1])]);
            see_vertex(first, middle, last, &mut self.found);
        }
    }
}

/// The part `from..to` of a side in its grid cell; `None` where it is not covered.
fn piece(xs: &[f64], ys: &[f64], a: Point2, b: Point2, [from, to]: [f64; 2]) -> Option<Piece> {
    let at = |t: f64| [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t];
    let middle = at(0.5 * (from + to));
    let (i, j) = (cell_of(xs, middle[0])?, cell_of(ys, middle[1])?);
    let local = |p: Point2| {
        [
            ((p[0] - xs[i]) / (xs[i + 1] - xs[i])).clamp(0.0, 1.0),
            ((p[1] - ys[j]) / (ys[j + 1] - ys[j])).clamp(0.0, 1.0),
        ]
    };
    Some(Piece {
        cell: [i, j],
        a: local(at(from)),
        b: local(at(to)),
    })
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
    let crossed = lines[from..].iter().take_while(|l| **l < hi);
    out.extend(crossed.map(|l| (l - a) / (b - a)));
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
    for slab in solid.surface() {
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

/// Extremes over the samples of all grids that lie inside the solid.
pub fn at_nodes(solid: &Solid, field: &DoseField<'_>, seen: &FrameField<'_>) -> Extremes {
    let mut found = Extremes::default();
    let Some([lo, hi]) = solid.bounds() else { return found };
    let mut row = Row::default();
    for term in field.terms() {
        let grid = term.dose.grid();
        let [ni, nj, nk] = grid.size();
        let nodes = (0..nk).flat_map(|k| (0..nj).flat_map(move |j| (0..ni).map(move |i| (i, j, k))));
        for (i, j, k) in nodes {
            let first = solid.frame.project(grid.centre(i, j, k));
            if (0..3).any(|a| first[a] < lo[a] || first[a] > hi[a]) {
                continue;
            }
            let spec = RowSpec {
                first,
                size: [1e-6; 3],
                count: 1,
            };
            let covered = seen.row(&spec, &mut row) && row.inside.first().is_none_or(|s| *s >= 0.25);
            // Only a new extreme is worth asking whether it is inside.
            if covered && (row.dose[0] < found.min || row.dose[0] > found.max) && holds(solid, first) {
                found.see(row.dose[0]);
            }
        }
    }
    found
}

/// Whether a point in frame coordinates lies in one of the slabs.
fn holds(solid: &Solid, [x, y, z]: [f64; 3]) -> bool {
    let after = solid.slabs.partition_point(|s| s.range_mm[0] <= z);
    let slab = solid.slabs[..after].last();
    slab.is_some_and(|s| z <= s.range_mm[1] && s.region.contains([x, y]))
}
