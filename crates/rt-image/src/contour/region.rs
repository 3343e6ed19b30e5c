//! The region that polygons of one plane enclose, as a boundary without crossings.
//!
//! Filling is even-odd over all polygons: inner contours are holes, an island in a hole is filled again, a channel that runs along
//! itself (keyhole) cancels, and the direction of drawing does not matter (DICOM PS3.3 C.8.8.6.3, `CLOSEDPLANAR_XOR`;
//! `spec/dvh-algorithms.md` 2). A sweep over y cuts the plane into bands in which no two edges cross; in a band the edges in order of
//! x lie alternately on the left and on the right of the region. Area and moments are then line integrals over the boundary, exact
//! for polygons that cross themselves or each other too.

use std::collections::BTreeMap;

use rt_core::float::Sum;

/// A point of a plane in its own coordinates, mm.
pub type Point2 = [f64; 2];

/// Edges whose x differ by less than this on both sides of a band are taken as touching, not crossing (mm).
const TOUCH_MM: f64 = 1e-9;

/// What to do where two polygons overlap without one lying inside the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlap {
    /// The overlap is outside: plain even-odd, as the standard says.
    #[default]
    Xor,
    /// The overlap is inside: polygons that cross are united, nested ones are still holes.
    Union,
}

/// A straight piece of a boundary from `a` to `b`; the region lies on its left hand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// Start.
    pub a: Point2,
    /// End; its y is never that of `a`.
    pub b: Point2,
}

/// A plane region: boundary pieces that do not cross, oriented, horizontal pieces left out (they add nothing to integrals over dy).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Region {
    edges: Vec<Edge>,
    area: f64,
    overlap: f64,
}

impl Region {
    /// The region enclosed by closed polygons (first point not repeated), see the module text.
    ///
    /// Polygons with fewer than three points enclose nothing. Coordinates must be finite.
    pub fn from_polygons(polygons: &[Vec<Point2>], overlap: Overlap) -> Self {
        let lines = lines_of(polygons);
        let alone: Vec<usize> = (0..polygons.len()).collect();
        let mut sweep = Sweep::new(&lines, &alone);
        let edges = sweep.run();
        let crossing = sweep.crossing();
        if crossing.is_empty() {
            return Self::from_edges(edges);
        }
        let groups = join_groups(polygons.len(), &crossing);
        let mut united = Sweep::new(&lines, &groups);
        let joined = united.run();
        let mut region = Self::from_edges(match overlap {
            Overlap::Xor => edges,
            Overlap::Union => joined,
        });
        region.overlap = united.overlap.value();
        region
    }

    /// A region from boundary pieces that are already free of crossings, each with the region on its left hand.
    pub fn from_edges(edges: Vec<Edge>) -> Self {
        let x0 = edges.first().map_or(0.0, |e| e.a[0]);
        let twice: Sum = edges.iter().map(|e| (e.a[0] - x0 + e.b[0] - x0) * (e.b[1] - e.a[1])).collect();
        Self {
            area: 0.5 * twice.value(),
            edges,
            overlap: 0.0,
        }
    }

    /// The boundary.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Area in mm2, exact to rounding.
    pub fn area_mm2(&self) -> f64 {
        self.area
    }

    /// Area in mm2 that two or more crossing polygons share (it is inside or outside by [`Overlap`]); nested polygons do not count.
    pub fn overlap_mm2(&self) -> f64 {
        self.overlap
    }

    /// Lowest and highest corner of the box around the boundary; `None` for an empty region.
    pub fn bounds(&self) -> Option<[Point2; 2]> {
        let first = self.edges.first()?;
        let mut lo = first.a;
        let mut hi = first.a;
        for p in self.edges.iter().flat_map(|e| [e.a, e.b]) {
            for axis in 0..2 {
                lo[axis] = lo[axis].min(p[axis]);
                hi[axis] = hi[axis].max(p[axis]);
            }
        }
        Some([lo, hi])
    }

    /// Whether a point lies inside; half-open in y, left border in, right border out.
    pub fn contains(&self, p: Point2) -> bool {
        let left = self.edges.iter().filter(|e| spans(e, p[1]) && x_at(e, p[1]) <= p[0]).count();
        left % 2 == 1
    }
}

/// Whether the edge crosses the line at `y`: half-open, so that a vertex counts for one of its two edges.
fn spans(e: &Edge, y: f64) -> bool {
    (e.a[1] <= y) != (e.b[1] <= y)
}

/// x of an edge at `y`.
fn x_at(e: &Edge, y: f64) -> f64 {
    e.a[0] + (y - e.a[1]) * (e.b[0] - e.a[0]) / (e.b[1] - e.a[1])
}

/// A polygon side, lower end first.
#[derive(Debug, Clone, Copy)]
struct Line {
    lo: Point2,
    hi: Point2,
    slope: f64,
    polygon: usize,
}

impl Line {
    fn x(&self, y: f64) -> f64 {
        if y >= self.hi[1] {
            self.hi[0]
        } else {
            self.lo[0] + (y - self.lo[1]) * self.slope
        }
    }
}

/// Sides of all polygons that are not horizontal, in order of their lower end.
fn lines_of(polygons: &[Vec<Point2>]) -> Vec<Line> {
    let mut lines = Vec::with_capacity(polygons.iter().map(Vec::len).sum());
    for (polygon, points) in polygons.iter().enumerate().filter(|(_, p)| p.len() > 2) {
        for (i, &p) in points.iter().enumerate() {
            let q = points[(i + 1) % points.len()];
            let (lo, hi) = if p[1] <= q[1] { (p, q) } else { (q, p) };
            if lo[1] < hi[1] {
                let slope = (hi[0] - lo[0]) / (hi[1] - lo[1]);
                lines.push(Line { lo, hi, slope, polygon });
            }
        }
    }
    lines.sort_by(|a, b| a.lo[1].total_cmp(&b.lo[1]));
    lines
}

/// Group of each polygon when those that cross are joined.
fn join_groups(n: usize, crossing: &[(usize, usize)]) -> Vec<usize> {
    let mut group: Vec<usize> = (0..n).collect();
    for &(a, b) in crossing {
        let (keep, drop) = (group[a].min(group[b]), group[a].max(group[b]));
        group.iter_mut().filter(|g| **g == drop).for_each(|g| *g = keep);
    }
    group
}

/// Which side of the region an edge bounds in a band.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Not part of the boundary.
    Inner,
    /// Outside on its left, inside on its right.
    Left,
    /// Inside on its left, outside on its right.
    Right,
}

/// A side that the sweep line crosses at present.
#[derive(Debug, Clone, Copy)]
struct Active {
    line: usize,
    /// x at the lower and upper end of the band.
    x: [f64; 2],
    role: Role,
    /// Where the present role began.
    since: Point2,
}

struct Sweep<'a> {
    lines: &'a [Line],
    group: &'a [usize],
    active: Vec<Active>,
    edges: Vec<Edge>,
    /// How many polygons of each group hold the present interval.
    depth: Vec<u32>,
    /// The polygons that hold the present interval.
    held: Vec<usize>,
    /// Area of each polygon, and area that two polygons share; kept only when there are several.
    own: Vec<f64>,
    shared: BTreeMap<(usize, usize), f64>,
    overlap: Sum,
}

impl<'a> Sweep<'a> {
    fn new(lines: &'a [Line], group: &'a [usize]) -> Self {
        Self {
            lines,
            group,
            active: Vec::new(),
            edges: Vec::with_capacity(lines.len()),
            depth: vec![0; group.len()],
            held: Vec::new(),
            own: vec![0.0; group.len()],
            shared: BTreeMap::new(),
            overlap: Sum::default(),
        }
    }

    /// Pairs of polygons that share area without one holding the other.
    fn crossing(&self) -> Vec<(usize, usize)> {
        let partly = |&(&(p, q), &area): &(&(usize, usize), &f64)| {
            let smaller = self.own[p].min(self.own[q]);
            area > 1e-6 * smaller && area < (1.0 - 1e-6) * smaller
        };
        self.shared.iter().filter(partly).map(|(pair, _)| *pair).collect()
    }

    /// Boundary of the even-odd combination of the groups; inside a group polygons unite.
    fn run(&mut self) -> Vec<Edge> {
        let mut levels: Vec<f64> = self.lines.iter().flat_map(|l| [l.lo[1], l.hi[1]]).collect();
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        let mut next = 0;
        for band in levels.windows(2) {
            self.retire(band[0]);
            while let Some(line) = self.lines.get(next).filter(|l| l.lo[1] <= band[0]) {
                self.active.push(Active {
                    line: next,
                    x: [line.lo[0]; 2],
                    role: Role::Inner,
                    since: line.lo,
                });
                next += 1;
            }
            self.band(band[0], band[1]);
        }
        self.retire(f64::INFINITY);
        std::mem::take(&mut self.edges)
    }

    /// Takes out the sides that end at or below `y`.
    fn retire(&mut self, y: f64) {
        let (lines, edges) = (self.lines, &mut self.edges);
        self.active.retain(|a| {
            let line = &lines[a.line];
            let stays = line.hi[1] > y;
            if !stays {
                emit(edges, a.role, a.since, line.hi);
            }
            stays
        });
    }

    /// One band between neighbouring vertices: cut further where sides cross.
    fn band(&mut self, y0: f64, y1: f64) {
        for a in &mut self.active {
            let line = &self.lines[a.line];
            a.x = [line.x(y0), line.x(y1)];
        }
        if self.sort_is_consistent() {
            self.classify(y0, y1);
            return;
        }
        let mut cuts = self.cuts(y0, y1);
        cuts.push(y1);
        let mut from = y0;
        for to in cuts {
            if to > from {
                for a in &mut self.active {
                    let line = &self.lines[a.line];
                    a.x = [line.x(from), line.x(to)];
                }
                self.sort_is_consistent();
                self.classify(from, to);
                from = to;
            }
        }
    }

    /// Sorts the active sides by their middle; whether no two of them change places within the band.
    fn sort_is_consistent(&mut self) -> bool {
        let middle = |a: &Active| a.x[0] + a.x[1];
        if !self.active.is_sorted_by(|a, b| middle(a) <= middle(b)) {
            self.active.sort_by(|a, b| middle(a).total_cmp(&middle(b)));
        }
        self.active
            .windows(2)
            .all(|w| w[0].x[0] <= w[1].x[0] + TOUCH_MM && w[0].x[1] <= w[1].x[1] + TOUCH_MM)
    }

    /// Heights inside the band at which two active sides cross, ascending.
    fn cuts(&self, y0: f64, y1: f64) -> Vec<f64> {
        let mut cuts = Vec::new();
        for (i, a) in self.active.iter().enumerate() {
            for b in &self.active[i + 1..] {
                let (d0, d1) = (a.x[0] - b.x[0], a.x[1] - b.x[1]);
                if d0 * d1 >= 0.0 || d0.abs() <= TOUCH_MM || d1.abs() <= TOUCH_MM {
                    continue;
                }
                let y = y0 + (y1 - y0) * d0 / (d0 - d1);
                if y > y0 && y < y1 {
                    cuts.push(y);
                }
            }
        }
        cuts.sort_by(f64::total_cmp);
        cuts
    }

    /// Gives each active side its role in a band without crossings.
    fn classify(&mut self, y0: f64, y1: f64) {
        let several = self.group.len() > 1;
        let mut odd = false;
        for i in 0..self.active.len() {
            let line = self.lines[self.active[i].line];
            let before = odd;
            odd ^= self.toggle(line.polygon);
            let role = match (before, odd) {
                (false, true) => Role::Left,
                (true, false) => Role::Right,
                _ => Role::Inner,
            };
            let x = self.active[i].x;
            if let Some(right) = self.active.get(i + 1).filter(|_| several) {
                let area = 0.5 * (y1 - y0) * (right.x[0] - x[0] + right.x[1] - x[1]);
                self.measure(area);
            }
            let a = &mut self.active[i];
            if role != a.role {
                let here = if y0 <= line.lo[1] { line.lo } else { [x[0], y0] };
                emit(&mut self.edges, a.role, a.since, here);
                (a.role, a.since) = (role, here);
            }
        }
    }

    /// Steps over a side of a polygon; whether its group begins or ends there.
    fn toggle(&mut self, polygon: usize) -> bool {
        let depth = &mut self.depth[self.group[polygon]];
        let was = *depth > 0;
        if let Some(at) = self.held.iter().position(|p| *p == polygon) {
            self.held.swap_remove(at);
            *depth -= 1;
        } else {
            self.held.push(polygon);
            *depth += 1;
        }
        was != (*depth > 0)
    }

    /// Books the area of one trapezoid to the polygons that hold it.
    fn measure(&mut self, area: f64) {
        for (i, &p) in self.held.iter().enumerate() {
            self.own[p] += area;
            for &q in &self.held[i + 1..] {
                *self.shared.entry((p.min(q), p.max(q))).or_default() += area;
            }
        }
        if self.depth.iter().any(|d| *d > 1) {
            self.overlap.add(area);
        }
    }
}

/// Adds a finished boundary piece, the region on its left hand.
fn emit(edges: &mut Vec<Edge>, role: Role, lower: Point2, upper: Point2) {
    if upper[1] > lower[1] {
        match role {
            Role::Left => edges.push(Edge { a: upper, b: lower }),
            Role::Right => edges.push(Edge { a: lower, b: upper }),
            Role::Inner => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn square(lo: f64, hi: f64) -> Vec<Point2> {
        vec![[lo, lo], [hi, lo], [hi, hi], [lo, hi]]
    }

    fn area(polygons: &[Vec<Point2>]) -> f64 {
        Region::from_polygons(polygons, Overlap::Xor).area_mm2()
    }

    fn assert_close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9 * b.abs().max(1.0), "{a} against {b}");
    }

    #[test]
    fn an_inner_contour_is_a_hole_whatever_its_winding_or_order() {
        // 10 x 10 with a hole of 4 x 4: 84.
        let (outer, inner) = (square(0.0, 10.0), square(3.0, 7.0));
        let mut turned = inner.clone();
        turned.reverse();
        assert_close(area(&[outer.clone(), inner.clone()]), 84.0);
        assert_close(area(&[outer.clone(), turned]), 84.0);
        assert_close(area(&[inner, outer]), 84.0);
    }

    #[test]
    fn an_island_in_a_hole_is_filled() {
        // 100 - 36 + 4 = 68.
        let region = Region::from_polygons(&[square(0.0, 10.0), square(2.0, 8.0), square(4.0, 6.0)], Overlap::Union);
        assert_close(region.area_mm2(), 68.0);
        assert_close(region.overlap_mm2(), 0.0);
        assert!(region.contains([1.0, 1.0]) && !region.contains([3.0, 3.0]) && region.contains([5.0, 5.0]));
    }

    #[test]
    fn a_keyhole_of_no_width_cancels_and_a_wide_one_is_real() {
        // Outer 10 x 10, hole 4 x 4 in the middle, channel along y = 5 from x = 10 to x = 7 and back.
        let hole = [[7.0, 5.0], [7.0, 3.0], [3.0, 3.0], [3.0, 7.0], [7.0, 7.0], [7.0, 5.0]];
        let mut keyhole = vec![[0.0, 0.0], [10.0, 0.0], [10.0, 5.0]];
        keyhole.extend(hole);
        keyhole.extend([[10.0, 5.0], [10.0, 10.0], [0.0, 10.0]]);
        assert_close(area(&[keyhole.clone()]), 84.0);
        // Channel 0.2 wide and 3 long: 0.6 less.
        keyhole[8] = [7.0, 5.2];
        keyhole[9] = [10.0, 5.2];
        assert_close(area(&[keyhole]), 84.0 - 0.6);
    }

    #[test]
    fn a_polygon_that_crosses_itself_counts_both_lobes() {
        // Bow tie with two triangles of base 2 and height 1: area 2; its signed area is 0.
        assert_close(area(&[vec![[0.0, 0.0], [2.0, 2.0], [2.0, 0.0], [0.0, 2.0]]]), 2.0);
        // Pentagram of radius 1: even-odd leaves its five tips, isosceles triangles on the sides of the pentagon in the middle.
        let star: Vec<Point2> = (0..5)
            .map(|i| (f64::from(i) * 144.0 + 90.0).to_radians())
            .map(|t| [t.cos(), t.sin()])
            .collect();
        let core_radius = 36f64.to_radians().cos().recip() * 72f64.to_radians().cos();
        let tips = 5.0 * 0.5 * (2.0 * core_radius * 36f64.to_radians().sin()) * (1.0 - core_radius * 36f64.to_radians().cos());
        assert_close(area(&[star]), tips);
    }

    #[test]
    fn overlapping_polygons_are_cut_or_united_and_the_overlap_is_measured() {
        // Two 10 x 10 squares shifted by (5, 5): overlap 25, xor 150, union 175.
        let pair = [square(0.0, 10.0), square(5.0, 15.0)];
        let xor = Region::from_polygons(&pair, Overlap::Xor);
        let union = Region::from_polygons(&pair, Overlap::Union);
        assert_close(xor.area_mm2(), 150.0);
        assert_close(union.area_mm2(), 175.0);
        assert_close(xor.overlap_mm2(), 25.0);
        assert!(union.contains([7.0, 7.0]) && !xor.contains([7.0, 7.0]));
        // A hole inside one of them stays a hole.
        let with_hole = [pair[0].clone(), pair[1].clone(), square(1.0, 3.0)];
        assert_close(Region::from_polygons(&with_hole, Overlap::Union).area_mm2(), 171.0);
    }

    #[test]
    fn squares_that_touch_do_not_overlap() {
        let right = vec![[10.0, 0.0], [20.0, 0.0], [20.0, 10.0], [10.0, 10.0]];
        let region = Region::from_polygons(&[square(0.0, 10.0), right], Overlap::Xor);
        assert_close(region.area_mm2(), 200.0);
        assert_close(region.overlap_mm2(), 0.0);
    }

    #[test]
    fn a_simple_polygon_keeps_its_own_sides() {
        let triangle = vec![[0.0, 0.0], [4.0, 1.0], [1.0, 5.0]];
        let region = Region::from_polygons(&[triangle], Overlap::Xor);
        assert_eq!(region.edges().len(), 3);
        assert_close(region.area_mm2(), 0.5 * (4.0 * 5.0 - 1.0));
        assert_eq!(region.bounds(), Some([[0.0, 0.0], [4.0, 5.0]]));
    }

    #[test]
    fn nothing_encloses_nothing() {
        assert_eq!(Region::from_polygons(&[], Overlap::Xor).bounds(), None);
        assert_close(area(&[vec![[0.0, 0.0], [1.0, 1.0]], vec![]]), 0.0);
    }

    /// Area of the even-odd fill by counting crossings on fine rows: independent of the sweep.
    fn area_by_rows(polygons: &[Vec<Point2>], rows: i32) -> f64 {
        let height = 10.0 / f64::from(rows);
        let mut total = 0.0;
        for r in 0..rows {
            let y = (f64::from(r) + 0.5) * height;
            let mut xs = Vec::new();
            for p in polygons {
                for (i, a) in p.iter().enumerate() {
                    let b = p[(i + 1) % p.len()];
                    if (a[1] <= y) != (b[1] <= y) {
                        xs.push(a[0] + (y - a[1]) * (b[0] - a[0]) / (b[1] - a[1]));
                    }
                }
            }
            xs.sort_by(f64::total_cmp);
            total += xs.chunks(2).map(|c| c[1] - c[0]).sum::<f64>() * height;
        }
        total
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn area_agrees_with_fine_rows_for_wild_polygons(
            polygons in prop::collection::vec(prop::collection::vec((0.0f64..10.0, 0.0f64..10.0), 3..9), 1..4)
        ) {
            let polygons: Vec<Vec<Point2>> = polygons.into_iter().map(|p| p.into_iter().map(|(x, y)| [x, y]).collect()).collect();
            let exact = area(&polygons);
            let counted = area_by_rows(&polygons, 20_000);
            prop_assert!((exact - counted).abs() < 0.01, "{} against {}", exact, counted);
            let rotated: Vec<Vec<Point2>> = polygons.iter().map(|p| p.iter().map(|q| [-q[1], q[0]]).collect()).collect();
            prop_assert!((exact - area(&rotated)).abs() < 1e-8 * exact.max(1.0));
        }
    }
}
