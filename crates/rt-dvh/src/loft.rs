//! The other reading of contours: boundaries that run straight from plane to plane.
//!
//! Between two planes whose polygons correspond, each point moves on a straight line to its partner; the area in between is a quadratic
//! function of height. A gap is cut into pairs of thin prisms at the two Gauss positions of a layer, which makes volume and in-plane
//! moments exact; how many depends on how much the section changes. Polygons with the same number of points in the same order
//! correspond point by point, others by their length along the outline. Where contours branch or nothing corresponds, the gap is
//! read as prisms and counted. Ends are half-gap prisms. Source: `spec/dvh-algorithms.md` 4.

use rt_image::{ContourPlane, Overlap, PlaneStack, Point2, Region};

use crate::solid::{Slab, sides};

/// A lofted solid.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lofted {
    /// Thin prisms for integrals, ascending.
    pub(crate) slabs: Vec<Slab>,
    /// What extremes of the dose are looked for on: nodes inside the prisms, outlines at exact heights.
    pub(crate) surface: Vec<Slab>,
    /// Gaps that were read as prisms.
    pub(crate) prism_gaps: usize,
}

/// Most pairs of prisms in a gap.
const MOST_LAYERS: f64 = 24.0;
/// Fewest heights inside a gap at which the outline is looked at.
const LEAST_LEVELS: u32 = 4;
/// Distance of the two Gauss positions of a layer from its middle, in layers: half of 1/sqrt(3).
const GAUSS: f64 = 0.288_675_134_594_812_9;

/// Reads a stack of planes as lofted; `detail` is the share of the volume that may lie at a wrong height.
pub(crate) fn loft(stack: &PlaneStack, overlap: Overlap, detail: f64) -> Lofted {
    let mut out = Lofted::default();
    let mut levels = Vec::new();
    let allowed = (16.0 * detail * stack.volume_mm3()).max(f64::MIN_POSITIVE);
    for (k, plane) in stack.planes.iter().enumerate() {
        let [lo, hi] = plane.slab_mm;
        let z = plane.position_mm;
        let meets = |other: Option<&ContourPlane>, end: f64, side: usize| other.is_some_and(|o| (o.slab_mm[side] - end).abs() < 1e-9);
        let below = k.checked_sub(1).and_then(|b| stack.planes.get(b));
        let above = stack.planes.get(k + 1);
        if !meets(below, lo, 1) {
            out.push_prism(plane, [lo, z]);
        }
        levels.push(level(z, &plane.polygons));
        match above.filter(|a| meets(Some(a), hi, 0)) {
            Some(next) => {
                if let Some(strips) = strips(plane, next, overlap) {
                    out.push_gap(&strips, [z, next.position_mm], allowed, overlap, &mut levels);
                } else {
                    out.prism_gaps += 1;
                    out.push_prism(plane, [z, hi]);
                    out.push_prism(next, [hi, next.position_mm]);
                }
            }
            None => out.push_prism(plane, [z, hi]),
        }
    }
    out.surface.extend(levels);
    out
}

impl Lofted {
    fn push_prism(&mut self, plane: &ContourPlane, range_mm: [f64; 2]) {
        if range_mm[1] - range_mm[0] <= 1e-9 {
            return;
        }
        let slab = Slab {
            range_mm,
            region: plane.region.clone(),
            outline: plane.polygons.iter().flat_map(|p| sides(p)).collect(),
        };
        self.surface.push(slab.clone());
        self.slabs.push(slab);
    }

    /// A gap between two planes as pairs of prisms, and the outlines between them.
    fn push_gap(&mut self, strips: &[Strip], [z0, z1]: [f64; 2], allowed: f64, overlap: Overlap, levels: &mut Vec<Slab>) {
        let gap = z1 - z0;
        let swept: f64 = strips.iter().map(Strip::swept_mm2).sum();
        let layers = (swept * gap / allowed).sqrt().ceil().clamp(1.0, MOST_LAYERS);
        let at = |t: f64| strips.iter().map(|s| s.at(t)).collect::<Vec<_>>();
        let mut layer = 0.0;
        while layer < layers {
            let ends = [layer, layer + 0.5, layer + 1.0].map(|l| z0 + gap * l / layers);
            for (half, offset) in [-GAUSS, GAUSS].into_iter().enumerate() {
                let slab = Slab {
                    range_mm: [ends[half], ends[half + 1]],
                    region: Region::from_polygons(&at((layer + 0.5 + offset) / layers), overlap),
                    outline: Vec::new(),
                };
                self.surface.push(slab.clone());
                self.slabs.push(slab);
            }
            layer += 1.0;
        }
        let steps = f64::from(LEAST_LEVELS).max(layers);
        let mut step = 1.0;
        while step < steps {
            levels.push(level(z0 + gap * step / steps, &at(step / steps)));
            step += 1.0;
        }
    }
}

/// An outline at one height.
fn level(z: f64, polygons: &[Vec<Point2>]) -> Slab {
    Slab {
        range_mm: [z, z],
        region: Region::default(),
        outline: polygons.iter().flat_map(|p| sides(p)).collect(),
    }
}

/// Corresponding points of two polygons.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Strip {
    pub(crate) lower: Vec<Point2>,
    pub(crate) upper: Vec<Point2>,
}

impl Strip {
    /// The polygon at a part of the way up, 0 to 1.
    fn at(&self, t: f64) -> Vec<Point2> {
        self.lower.iter().zip(&self.upper).map(|(a, b)| mix(*a, *b, t)).collect()
    }

    /// About the area that the outline sweeps, mm2.
    fn swept_mm2(&self) -> f64 {
        let n = self.lower.len() as f64;
        let moved: f64 = self.lower.iter().zip(&self.upper).map(|(a, b)| distance(*a, *b)).sum();
        moved / n * 0.5 * (perimeter(&self.lower) + perimeter(&self.upper))
    }
}

fn mix(a: Point2, b: Point2, t: f64) -> Point2 {
    [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t]
}

fn distance(a: Point2, b: Point2) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

fn perimeter(polygon: &[Point2]) -> f64 {
    sides(polygon).map(|[a, b]| distance(a, b)).sum()
}

fn signed_area(polygon: &[Point2]) -> f64 {
    let base = polygon.first().copied().unwrap_or_default();
    let cross = |[a, b]: [Point2; 2]| (a[0] - base[0]) * (b[1] - base[1]) - (b[0] - base[0]) * (a[1] - base[1]);
    0.5 * sides(polygon).map(cross).sum::<f64>()
}

/// Partners for all polygons of two planes; `None` when some have none.
pub(crate) fn strips(lower: &ContourPlane, upper: &ContourPlane, overlap: Overlap) -> Option<Vec<Strip>> {
    let (a, b) = (&lower.polygons, &upper.polygons);
    if a.len() != b.len() {
        return None;
    }
    let pairs = partners(a, b)?;
    let direct = pairs.iter().all(|(i, j)| same_order(&a[*i], &b[*j]));
    let strip = |(i, j): (usize, usize)| {
        if same_order(&a[i], &b[j]) {
            Strip {
                lower: a[i].clone(),
                upper: b[j].clone(),
            }
        } else {
            along_outline(&a[i], &b[j])
        }
    };
    let strips: Vec<Strip> = pairs.into_iter().map(strip).collect();
    if direct {
        return Some(strips);
    }
    // Outlines that cross half way up do not belong together.
    let middle: Vec<Vec<Point2>> = strips.iter().map(|s| s.at(0.5)).collect();
    let drawn: f64 = middle
        .iter()
        .zip(depths(&middle))
        .map(|(p, depth)| {
            if depth % 2 == 0 {
                signed_area(p).abs()
            } else {
                -signed_area(p).abs()
            }
        })
        .sum();
    let filled = Region::from_polygons(&middle, overlap).area_mm2();
    ((filled - drawn).abs() <= 0.01 * drawn.abs()).then_some(strips)
}

/// Whether two polygons have the same points in the same order: as many, the same direction, and no turn fits better.
fn same_order(p: &[Point2], q: &[Point2]) -> bool {
    let n = p.len();
    if n != q.len() || (signed_area(p) > 0.0) != (signed_area(q) > 0.0) {
        return false;
    }
    let cost = |shift: usize| -> f64 {
        p.iter()
            .enumerate()
            .map(|(i, a)| {
                let b = q[(i + shift) % n];
                (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
            })
            .sum()
    };
    let own = cost(0) * (1.0 - 1e-9);
    let step = n.div_ceil(32);
    let nearest = [1, n - 1];
    (step..n).step_by(step).chain(nearest).all(|shift| own <= cost(shift))
}

/// How many other polygons hold each polygon.
fn depths(polygons: &[Vec<Point2>]) -> Vec<usize> {
    let holds = |p: &[Point2], [x, y]: Point2| {
        let crossed = sides(p).filter(|[a, b]| (a[1] <= y) != (b[1] <= y) && a[0] + (y - a[1]) * (b[0] - a[0]) / (b[1] - a[1]) <= x);
        crossed.count() % 2 == 1
    };
    (0..polygons.len())
        .map(|i| {
            let others = (0..polygons.len()).filter(|j| *j != i);
            polygons[i]
                .first()
                .map_or(0, |at| others.filter(|j| holds(&polygons[*j], *at)).count())
        })
        .collect()
}

/// Pairs of polygons of the same kind (outline or hole) whose boxes overlap most; `None` unless each has one partner.
fn partners(a: &[Vec<Point2>], b: &[Vec<Point2>]) -> Option<Vec<(usize, usize)>> {
    let (da, db) = (depths(a), depths(b));
    let mut scores: Vec<(f64, usize, usize)> = Vec::new();
    for i in 0..a.len() {
        for j in (0..b.len()).filter(|j| da[i] % 2 == db[*j] % 2) {
            let score = shared_box(&a[i], &b[j]);
            if score > 0.0 {
                scores.push((score, i, j));
            }
        }
    }
    scores.sort_by(|x, y| y.0.total_cmp(&x.0).then((x.1, x.2).cmp(&(y.1, y.2))));
    let (mut used_a, mut used_b) = (vec![false; a.len()], vec![false; b.len()]);
    let mut pairs = Vec::new();
    for (_, i, j) in scores {
        if !used_a[i] && !used_b[j] {
            (used_a[i], used_b[j]) = (true, true);
            pairs.push((i, j));
        }
    }
    pairs.sort_unstable();
    (pairs.len() == a.len()).then_some(pairs)
}

/// Area that the boxes of two polygons share over the area of the box around both.
fn shared_box(a: &[Point2], b: &[Point2]) -> f64 {
    let bounds = |p: &[Point2]| {
        p.iter().fold([[f64::INFINITY; 2], [f64::NEG_INFINITY; 2]], |[lo, hi], q| {
            [[lo[0].min(q[0]), lo[1].min(q[1])], [hi[0].max(q[0]), hi[1].max(q[1])]]
        })
    };
    let ([al, ah], [bl, bh]) = (bounds(a), bounds(b));
    let inner = |x: usize| (ah[x].min(bh[x]) - al[x].max(bl[x])).max(0.0);
    let outer = |x: usize| ah[x].max(bh[x]) - al[x].min(bl[x]);
    inner(0) * inner(1) / (outer(0) * outer(1)).max(f64::MIN_POSITIVE)
}

/// Places at which the best turn of two outlines against each other is looked for.
const PLACES: usize = 128;

/// Points at equal parts of the length of both outlines, the turn chosen so that they lie closest.
fn along_outline(p: &[Point2], q: &[Point2]) -> Strip {
    let (p, q) = (Outline::new(p), Outline::new(q));
    let places = |o: &Outline| -> Vec<Point2> {
        let points: Vec<Point2> = (0..PLACES).map(|k| o.at(k as f64 / PLACES as f64)).collect();
        let n = PLACES as f64;
        let middle = [0, 1].map(|x| points.iter().map(|c| c[x]).sum::<f64>() / n);
        points.iter().map(|c| [c[0] - middle[0], c[1] - middle[1]]).collect()
    };
    let (a, b) = (places(&p), places(&q));
    let cost = |turn: usize| -> f64 { (0..PLACES).map(|k| distance(a[k], b[(k + turn) % PLACES]).powi(2)).sum() };
    let turn = (0..PLACES).fold((f64::INFINITY, 0), |best, turn| {
        let c = cost(turn);
        if c < best.0 { (c, turn) } else { best }
    });
    let turn = turn.1 as f64 / PLACES as f64;
    let mut parts: Vec<f64> = p
        .parts
        .iter()
        .copied()
        .chain(q.parts.iter().map(|s| (s - turn).rem_euclid(1.0)))
        .collect();
    parts.sort_by(f64::total_cmp);
    parts.dedup_by(|b, a| *b - *a < 1e-12);
    Strip {
        lower: parts.iter().map(|s| p.at(*s)).collect(),
        upper: parts.iter().map(|s| q.at((s + turn).rem_euclid(1.0))).collect(),
    }
}

/// A polygon drawn with its inside on the left, by parts of its length.
struct Outline {
    points: Vec<Point2>,
    /// Part of the length, 0 to 1, at which each point lies.
    parts: Vec<f64>,
}

impl Outline {
    fn new(polygon: &[Point2]) -> Self {
        let mut points = polygon.to_vec();
        if signed_area(&points) < 0.0 {
            points.reverse();
        }
        let whole = perimeter(&points).max(f64::MIN_POSITIVE);
        let mut length = 0.0;
        let parts = sides(&points)
            .map(|[a, b]| {
                let part = length / whole;
                length += distance(a, b);
                part
            })
            .collect();
        Self { points, parts }
    }

    fn at(&self, part: f64) -> Point2 {
        let n = self.points.len();
        let i = self.parts.partition_point(|s| *s <= part).max(1) - 1;
        let (from, to) = (self.parts[i], self.parts.get(i + 1).copied().unwrap_or(1.0));
        let t = if to > from {
            ((part - from) / (to - from)).clamp(0.0, 1.0)
        } else {
            0.0
        };
        mix(self.points[i], self.points[(i + 1) % n], t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt_core::Vec3;
    use rt_image::{Contour, ContourKind, ContourSet, StackOptions};

    fn stack(planes: &[(f64, Vec<Vec<Point2>>)]) -> PlaneStack {
        let contours = planes.iter().flat_map(|(z, polygons)| {
            polygons.iter().map(|p| Contour {
                kind: ContourKind::ClosedPlanar,
                points: p.iter().map(|[x, y]| Vec3::new(*x, *y, *z)).collect(),
            })
        });
        let set = ContourSet {
            contours: contours.collect(),
        };
        PlaneStack::new(&set, &StackOptions::default()).unwrap()
    }

    fn square(half: f64) -> Vec<Point2> {
        vec![[-half, -half], [half, -half], [half, half], [-half, half]]
    }

    fn volume(l: &Lofted) -> f64 {
        l.slabs.iter().map(Slab::volume_mm3).sum()
    }

    #[test]
    fn a_frustum_has_its_textbook_volume_and_half_gap_ends() {
        // Squares of 20 and 10 mm, 6 mm apart: h/3 (A + B + sqrt(AB)) = 2 (400 + 100 + 200) = 1400, ends 3 (400 + 100) = 1500.
        let l = loft(&stack(&[(0.0, vec![square(10.0)]), (6.0, vec![square(5.0)])]), Overlap::Xor, 1e-4);
        assert_eq!(l.prism_gaps, 0);
        assert!((volume(&l) - 2900.0).abs() < 1e-9, "{}", volume(&l));
        assert!(l.slabs.windows(2).all(|w| (w[0].range_mm[1] - w[1].range_mm[0]).abs() < 1e-12));
    }

    #[test]
    fn other_points_on_the_same_outlines_give_the_same_solid() {
        // The upper square starts elsewhere, runs backwards and has points in the middle of its sides.
        let upper = vec![
            [0.0, 5.0],
            [5.0, 5.0],
            [5.0, 0.0],
            [5.0, -5.0],
            [0.0, -5.0],
            [-5.0, -5.0],
            [-5.0, 0.0],
            [-5.0, 5.0],
        ];
        let l = loft(&stack(&[(0.0, vec![square(10.0)]), (6.0, vec![upper])]), Overlap::Xor, 1e-4);
        assert_eq!(l.prism_gaps, 0);
        assert!((volume(&l) - 2900.0).abs() < 1e-6, "{}", volume(&l));
    }

    #[test]
    fn holes_find_their_holes_whatever_the_order() {
        let planes = [(0.0, vec![square(10.0), square(4.0)]), (3.0, vec![square(4.0), square(10.0)])];
        let l = loft(&stack(&planes), Overlap::Xor, 1e-4);
        assert_eq!(l.prism_gaps, 0);
        assert!((volume(&l) - (400.0 - 64.0) * 6.0).abs() < 1e-6, "{}", volume(&l));
    }

    #[test]
    fn a_branching_gap_is_read_as_prisms_and_counted() {
        let moved = |x: f64| square(2.0).into_iter().map(|[a, b]| [a + x, b]).collect::<Vec<_>>();
        let s = stack(&[(0.0, vec![square(5.0)]), (3.0, vec![moved(-3.0), moved(3.0)])]);
        let l = loft(&s, Overlap::Xor, 1e-4);
        assert_eq!(l.prism_gaps, 1);
        assert!((volume(&l) - s.volume_mm3()).abs() < 1e-9);
    }
}
