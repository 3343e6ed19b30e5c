//! Polygons of one contour plane on one slice of the grid: even-odd scan lines through pixel centres.

use ndarray::{ArrayViewMut2, s};
use rt_core::{Grid, Vec3};

use crate::{ContourPlane, Overlap, PlaneStack, Point2, Region};

/// Index coordinates are rounded to this share of a pixel: a vertex drawn on a pixel centre lies on it.
const SNAP: f64 = (1u32 << 20) as f64;

/// The polygons of a plane in index coordinates (i, j) of a slice.
#[derive(Debug)]
pub(super) struct SlicePlane {
    polygons: Vec<Vec<Point2>>,
    /// United boundary pieces, when polygons that overlap count once.
    united: Option<Region>,
}

/// Voxel centres `first..end` of row `j`; may lie outside the grid.
#[derive(Debug, Clone, Copy)]
struct Span {
    j: i64,
    first: i64,
    end: i64,
}

impl SlicePlane {
    /// Projects a plane along the common normal onto slice `k`.
    pub(super) fn new(plane: &ContourPlane, stack: &PlaneStack, grid: &Grid, k: usize, overlap: Overlap) -> Self {
        let frame = &stack.frame;
        let position = frame.n.dot(grid.centre(0, 0, k));
        let to_index = |p: &Point2| {
            let at: Vec3 = grid.world_to_index(frame.lift([p[0], p[1], position]));
            [at.x, at.y].map(|v| (v * SNAP).round() / SNAP)
        };
        let polygons: Vec<Vec<Point2>> = plane.polygons.iter().map(|p| p.iter().map(to_index).collect()).collect();
        let united = (overlap == Overlap::Union && polygons.len() > 1).then(|| Region::from_polygons(&polygons, overlap));
        Self { polygons, united }
    }

    /// First and last pixel `[i, j]` that the polygons may set, inside a grid of `size`; `None` when they lie outside.
    pub(super) fn pixels(&self, size: [usize; 3]) -> Option<[[usize; 2]; 2]> {
        let [lo, hi] = bounds(self.polygons.iter().flatten())?;
        let mut out = [[0; 2]; 2];
        for a in 0..2 {
            let last = size[a] as f64 - 1.0;
            // One pixel more on each side: a polygon without a centre marks a pixel that it only touches.
            let (first, end) = ((lo[a].floor()).max(0.0), (hi[a].ceil()).min(last));
            if hi[a] < -0.5 || lo[a] > last + 0.5 {
                return None;
            }
            out[0][a] = index(first);
            out[1][a] = index(end.max(first));
        }
        Some(out)
    }

    /// Sets the pixels of the polygons in a plane `[j, i]` whose first pixel is `lo = [i, j]`; the number of pixels marked for
    /// polygons without a centre.
    pub(super) fn fill(&self, plane: &mut ArrayViewMut2<'_, u8>, lo: [usize; 2], size: [usize; 3]) -> usize {
        if let Some(region) = &self.united {
            let sides = region.edges().iter().map(|e| [e.a, e.b]);
            for span in spans(sides) {
                paint(plane, lo, span);
            }
        }
        let mut without_centre = Vec::new();
        for (n, polygon) in self.polygons.iter().enumerate() {
            let own = spans(sides(polygon));
            if !own.iter().any(|s| s.first < s.end) {
                without_centre.push(n);
            } else if self.united.is_none() {
                for span in own {
                    paint(plane, lo, span);
                }
            }
        }
        let mut marked = 0;
        for n in without_centre.into_iter().filter(|n| !self.is_hole(*n)) {
            if let Some([i, j]) = most_covered(&self.polygons[n], size)
                && let Some(pixel) = i
                    .checked_sub(lo[0])
                    .zip(j.checked_sub(lo[1]))
                    .and_then(|(i, j)| plane.get_mut([j, i]))
            {
                *pixel = 1;
                marked += 1;
            }
        }
        marked
    }

    /// Whether an odd number of the other polygons holds the polygon.
    fn is_hole(&self, n: usize) -> bool {
        let p = self.polygons[n][0];
        let others = self.polygons.iter().enumerate().filter(|(m, _)| *m != n);
        others.filter(|(_, q)| holds(q, p)).count() % 2 == 1
    }
}

/// The sides of a closed polygon.
fn sides(polygon: &[Point2]) -> impl Iterator<Item = [Point2; 2]> + '_ {
    (0..polygon.len()).map(|a| [polygon[a], polygon[(a + 1) % polygon.len()]])
}

/// Even-odd spans of pixel centres between the sides, half-open in both directions, in order of rows.
fn spans(sides: impl Iterator<Item = [Point2; 2]>) -> Vec<Span> {
    let mut crossings: Vec<(i64, i64)> = Vec::new();
    for [a, b] in sides {
        let (lo, hi) = if a[1] <= b[1] { (a, b) } else { (b, a) };
        let slope = (hi[0] - lo[0]) / (hi[1] - lo[1]);
        // Rows with lo.y <= j < hi.y; the first centre inside is at or right of the crossing.
        for j in ceil(lo[1])..ceil(hi[1]) {
            crossings.push((j, ceil(lo[0] + (j as f64 - lo[1]) * slope)));
        }
    }
    crossings.sort_unstable();
    let pairs = crossings.chunks_exact(2);
    pairs
        .map(|c| Span {
            j: c[0].0,
            first: c[0].1,
            end: c[1].1,
        })
        .collect()
}

/// Toggles the pixels of a span that lie in the plane.
fn paint(plane: &mut ArrayViewMut2<'_, u8>, lo: [usize; 2], span: Span) {
    let (nj, ni) = plane.dim();
    let clip = |v: i64, lo: usize, n: usize| {
        v.saturating_sub_unsigned(lo as u64)
            .clamp(0, i64::try_from(n).unwrap_or(i64::MAX))
            .unsigned_abs()
    };
    let Some(j) = usize::try_from(span.j).ok().and_then(|j| j.checked_sub(lo[1])).filter(|j| *j < nj) else {
        return;
    };
    let (Ok(first), Ok(end)) = (
        usize::try_from(clip(span.first, lo[0], ni)),
        usize::try_from(clip(span.end, lo[0], ni)),
    ) else {
        return;
    };
    if first < end {
        plane.slice_mut(s![j, first..end]).mapv_inplace(|v| v ^ 1);
    }
}

/// Even-odd point test, half-open.
fn holds(polygon: &[Point2], p: Point2) -> bool {
    let left =
        sides(polygon).filter(|[a, b]| (a[1] <= p[1]) != (b[1] <= p[1]) && a[0] + (p[1] - a[1]) * (b[0] - a[0]) / (b[1] - a[1]) <= p[0]);
    left.count() % 2 == 1
}

/// The pixel of the grid of which a polygon covers the largest part; the first of equal ones.
fn most_covered(polygon: &[Point2], size: [usize; 3]) -> Option<[usize; 2]> {
    let [lo, hi] = bounds(polygon.iter())?;
    let first = lo.map(|v| (v + 0.5).floor().max(0.0));
    let last = [0, 1].map(|a| (hi[a] + 0.5).floor().min(size[a] as f64 - 1.0));
    let mut best: Option<([usize; 2], f64)> = None;
    let mut y = first[1];
    while y <= last[1] {
        let mut x = first[0];
        while x <= last[0] {
            let area = covered(polygon, [x, y]);
            if area > best.map_or(0.0, |b| b.1) {
                best = Some(([index(x), index(y)], area));
            }
            x += 1.0;
        }
        y += 1.0;
    }
    best.map(|b| b.0)
}

/// Area of a polygon inside the pixel around a centre: clipped side by side (Sutherland and Hodgman 1974).
fn covered(polygon: &[Point2], centre: Point2) -> f64 {
    let mut points = polygon.to_vec();
    for axis in 0..2 {
        for sign in [1.0, -1.0] {
            let inside = |p: &Point2| 0.5 - sign * (p[axis] - centre[axis]);
            let mut kept = Vec::with_capacity(points.len() + 2);
            for (a, p) in points.iter().enumerate() {
                let q = &points[(a + 1) % points.len()];
                let (dp, dq) = (inside(p), inside(q));
                if dp >= 0.0 {
                    kept.push(*p);
                }
                if (dp >= 0.0) != (dq >= 0.0) {
                    let t = dp / (dp - dq);
                    kept.push([0, 1].map(|x| p[x] + t * (q[x] - p[x])));
                }
            }
            points = kept;
        }
    }
    let twice: f64 = sides(&points)
        .map(|[a, b]| (a[0] - centre[0]) * (b[1] - centre[1]) - (b[0] - centre[0]) * (a[1] - centre[1]))
        .sum();
    0.5 * twice.abs()
}

fn bounds<'a>(points: impl Iterator<Item = &'a Point2>) -> Option<[Point2; 2]> {
    points.fold(None, |acc: Option<[Point2; 2]>, p| match acc {
        None => Some([*p, *p]),
        Some([lo, hi]) => Some([[0, 1].map(|a| lo[a].min(p[a])), [0, 1].map(|a| hi[a].max(p[a]))]),
    })
}

#[expect(clippy::cast_possible_truncation, reason = "saturates; spans are clipped to the grid")]
fn ceil(v: f64) -> i64 {
    v.ceil() as i64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the pixels of the grid before the cast"
)]
fn index(v: f64) -> usize {
    v as usize
}
