//! The triangles of each of the 256 cube states, derived.
//!
//! A state says which of the eight corners of a cube lie inside. The surface cuts the cube's edges between unlike corners; on each face
//! the cuts are joined by segments, on a face with four cuts so that the two inside corners are parted; the segments close to polygons.
//! States in which corner 7 lies inside are the mirror of their complement: same polygons, turned over.
//!
//! Polygons that are not flat can be split into triangles in several ways, with different areas. The classical table
//! (Lorensen and Cline 1987 in the form in common use) follows these rules, checked against every state of `data/radiomics-golden`:
//! pentagon: a fan from one end of its three parallel edges; heptagon: a fan from the only edge along its axis; hexagon with two corners
//! cut off a face diagonal: a fan from the edge that leaves the face at the corner other than 7; twisted hexagon: three ears around an
//! inner triangle, whose choice follows the handedness. Triangles, quadrilaterals and regular hexagons are flat.

use std::sync::LazyLock;

/// Corner offsets `[i, j, k]` in order of their bit in the state.
pub(super) const CORNERS: [[usize; 3]; 8] = [
    [0, 0, 0],
    [1, 0, 0],
    [1, 1, 0],
    [0, 1, 0],
    [0, 0, 1],
    [1, 0, 1],
    [1, 1, 1],
    [0, 1, 1],
];

/// The corner that never lies inside in the states that are derived directly.
const MIRROR_CORNER: usize = 7;

/// An edge of the cube: its two corners, lower number first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    a: usize,
    b: usize,
}

pub(super) type Triangle = [Edge; 3];

/// Triangles of each state, wound so that their normals point from inside to outside.
pub(super) static TABLE: LazyLock<Vec<Vec<Triangle>>> = LazyLock::new(|| (0..256).map(triangles).collect());

impl Edge {
    fn new(a: usize, b: usize) -> Self {
        Self { a: a.min(b), b: a.max(b) }
    }

    fn axis(self) -> usize {
        (0..3).find(|&x| CORNERS[self.a][x] != CORNERS[self.b][x]).unwrap_or(0)
    }

    /// The inside corner and the outside corner of a cut edge.
    fn ends(self, state: usize) -> (usize, usize) {
        if inside(state, self.a) {
            (self.a, self.b)
        } else {
            (self.b, self.a)
        }
    }

    fn touches(self, corner: usize) -> bool {
        self.a == corner || self.b == corner
    }

    /// Midpoint in half voxel steps `[i, j, k]` from corner 0.
    fn half_steps(self) -> [usize; 3] {
        std::array::from_fn(|x| CORNERS[self.a][x] + CORNERS[self.b][x])
    }

    /// Midpoint in mm from corner 0.
    pub(super) fn midpoint(self, spacing: [f64; 3]) -> [f64; 3] {
        let half = self.half_steps();
        std::array::from_fn(|x| half[x] as f64 * 0.5 * spacing[x])
    }
}

fn inside(state: usize, corner: usize) -> bool {
    state >> corner & 1 == 1
}

fn triangles(state: usize) -> Vec<Triangle> {
    if inside(state, MIRROR_CORNER) {
        let mut turned = triangles(255 - state);
        for triangle in &mut turned {
            triangle.swap(1, 2);
        }
        return turned;
    }
    polygons(state).iter().flat_map(|p| split(state, p)).collect()
}

/// Closed polygons of cut edges, wound with the normal from inside to outside.
fn polygons(state: usize) -> Vec<Vec<Edge>> {
    let mut segments = segments(state);
    let mut out = Vec::new();
    while let Some((first, mut last)) = segments.pop() {
        let mut polygon = vec![first];
        while last != first {
            polygon.push(last);
            let Some(at) = segments.iter().position(|(p, q)| *p == last || *q == last) else {
                break;
            };
            let (p, q) = segments.swap_remove(at);
            last = if p == last { q } else { p };
        }
        if points_inwards(state, &polygon) {
            polygon.reverse();
        }
        out.push(polygon);
    }
    out
}

/// The segments on the six faces, each between two cut edges.
fn segments(state: usize) -> Vec<(Edge, Edge)> {
    let mut out = Vec::new();
    for (axis, side) in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)] {
        let corners: Vec<usize> = (0..8).filter(|&c| CORNERS[c][axis] == side).collect();
        let mut cut = Vec::new();
        for (n, &a) in corners.iter().enumerate() {
            for &b in &corners[n + 1..] {
                let apart = (0..3).filter(|&x| CORNERS[a][x] != CORNERS[b][x]).count();
                if apart == 1 && inside(state, a) != inside(state, b) {
                    cut.push(Edge::new(a, b));
                }
            }
        }
        match cut.as_slice() {
            [a, b] => out.push((*a, *b)),
            [_, _, _, _] => {
                // Part the two inside corners: join the two cuts beside each of them.
                for corner in corners.into_iter().filter(|&c| inside(state, c)) {
                    let beside: Vec<Edge> = cut.iter().copied().filter(|e| e.touches(corner)).collect();
                    if let [a, b] = beside.as_slice() {
                        out.push((*a, *b));
                    }
                }
            }
            _ => {}
        }
    }
    out
}

/// Whether the normal of a polygon (Newell) runs from outside to inside corners.
fn points_inwards(state: usize, polygon: &[Edge]) -> bool {
    let mut normal = [0i64; 3];
    let mut outward = [0i64; 3];
    for (n, edge) in polygon.iter().enumerate() {
        let p = edge.half_steps().map(to_i64);
        let q = polygon[(n + 1) % polygon.len()].half_steps().map(to_i64);
        let (from, to) = edge.ends(state);
        for x in 0..3 {
            let (y, z) = ((x + 1) % 3, (x + 2) % 3);
            normal[x] += p[y] * q[z] - p[z] * q[y];
            outward[x] += to_i64(CORNERS[to][x]) - to_i64(CORNERS[from][x]);
        }
    }
    (0..3).map(|x| normal[x] * outward[x]).sum::<i64>() < 0
}

fn to_i64(v: usize) -> i64 {
    i64::try_from(v).unwrap_or(i64::MAX)
}

/// Splits a polygon into triangles by the rules of the module's head.
fn split(state: usize, polygon: &[Edge]) -> Vec<Triangle> {
    let along = |axis: usize| polygon.iter().filter(|e| e.axis() == axis).count();
    match polygon.len() {
        5 => fan(polygon, pentagon_apex(state, polygon)),
        7 => {
            let apex = polygon.iter().position(|e| along(e.axis()) == 1).unwrap_or(0);
            fan(polygon, apex)
        }
        6 if state.count_ones() == 6 => fan(polygon, diagonal_apex(state, polygon)),
        6 if is_twisted(polygon) => ears(state, polygon),
        _ => fan(polygon, 0),
    }
}

fn fan(polygon: &[Edge], apex: usize) -> Vec<Triangle> {
    let n = polygon.len();
    let at = |step: usize| polygon[(apex + step) % n];
    (1..n - 1).map(|step| [at(0), at(step), at(step + 1)]).collect()
}

/// The last of the three parallel edges, walking with the normal away from the three corners that the pentagon cuts off.
fn pentagon_apex(state: usize, polygon: &[Edge]) -> usize {
    let n = polygon.len();
    let axis = |i: usize| polygon[i % n].axis();
    let first = (0..n).find(|&i| axis(i) == axis(i + 1) && axis(i) == axis(i + 2)).unwrap_or(0);
    let mut within: Vec<usize> = polygon.iter().map(|e| e.ends(state).0).collect();
    within.sort_unstable();
    within.dedup();
    if within.len() == 3 { (first + 2) % n } else { first }
}

/// The edge that leaves the face of the two outside corners at the one that is not the mirror corner.
fn diagonal_apex(state: usize, polygon: &[Edge]) -> usize {
    let other = (0..MIRROR_CORNER).find(|&c| !inside(state, c)).unwrap_or(0);
    let common = (0..3).find(|&x| CORNERS[other][x] == CORNERS[MIRROR_CORNER][x]).unwrap_or(0);
    polygon.iter().position(|e| e.touches(other) && e.axis() == common).unwrap_or(0)
}

/// A hexagon around a twisted chain of four corners has neighbouring parallel edges; the flat one around a corner has none.
fn is_twisted(polygon: &[Edge]) -> bool {
    (0..6).any(|i| polygon[i].axis() == polygon[(i + 1) % 6].axis())
}

/// Three ears and the inner triangle of a twisted hexagon.
fn ears(state: usize, polygon: &[Edge]) -> Vec<Triangle> {
    let touching = |i: usize| polygon[i % 6].touches(MIRROR_CORNER);
    let start = (0..6).find(|&i| touching(i) && !touching(i + 5)).unwrap_or(0);
    let first = if is_right_handed(state) { start } else { start + 1 };
    let at = |step: usize| polygon[(first + step) % 6];
    vec![
        [at(0), at(2), at(4)],
        [at(0), at(1), at(2)],
        [at(2), at(3), at(4)],
        [at(4), at(5), at(0)],
    ]
}

/// Handedness of the chain of four inside corners: the sign of the determinant of its three steps (the same from either end).
fn is_right_handed(state: usize) -> bool {
    let corners: Vec<usize> = (0..8).filter(|&c| inside(state, c)).collect();
    let neighbours = |a: usize, b: usize| (0..3).filter(|&x| CORNERS[a][x] != CORNERS[b][x]).count() == 1;
    let degree = |a: usize| corners.iter().filter(|&&b| neighbours(a, b)).count();
    let mut chain: Vec<usize> = corners.iter().copied().filter(|&c| degree(c) == 1).take(1).collect();
    while let Some(&last) = chain.last() {
        match corners.iter().find(|&&c| neighbours(last, c) && !chain.contains(&c)) {
            Some(&next) => chain.push(next),
            None => break,
        }
    }
    let step = |n: usize| -> [i64; 3] { std::array::from_fn(|x| to_i64(CORNERS[chain[n + 1]][x]) - to_i64(CORNERS[chain[n]][x])) };
    if chain.len() != 4 {
        return false;
    }
    let (a, b, c) = (step(0), step(1), step(2));
    let det = a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0]);
    det > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_edge_is_used_and_polygons_close() {
        for (state, triangles) in TABLE.iter().enumerate() {
            let cut = (0..8)
                .flat_map(|a| (a + 1..8).map(move |b| (a, b)))
                .filter(|&(a, b)| (0..3).filter(|&x| CORNERS[a][x] != CORNERS[b][x]).count() == 1)
                .filter(|&(a, b)| inside(state, a) != inside(state, b));
            for (a, b) in cut {
                let edge = Edge::new(a, b);
                assert!(
                    triangles.iter().any(|t| t.contains(&edge)),
                    "state {state}: edge {edge:?} is not used"
                );
            }
        }
    }

    #[test]
    fn complements_are_turned_over() {
        assert_eq!(TABLE[1].len(), 1);
        assert_eq!(TABLE[254].len(), 1);
        assert_eq!((TABLE[1][0][0], TABLE[1][0][1]), (TABLE[254][0][0], TABLE[254][0][2]));
    }

    /// Area and oriented area of a state for one spacing.
    fn facts(triangles: &[[[f64; 3]; 3]]) -> (f64, [f64; 3], f64) {
        let (mut area, mut normal, mut volume) = (0.0, [0.0; 3], 0.0);
        for [a, b, c] in triangles {
            let n = super::super::cross(super::super::sub(*b, *a), super::super::sub(*c, *a));
            area += super::super::dot(n, n).sqrt();
            (0..3).for_each(|x| normal[x] += n[x]);
            volume += super::super::dot(super::super::cross(*a, *b), *c);
        }
        (area, normal, volume)
    }

    /// The reference takes its triple products in (z, y, x), which turns every triangle over.
    const SIGN: f64 = -1.0;

    #[test]
    fn areas_and_volumes_equal_the_reference_table() {
        let root = std::env::var("RT_SHARED").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
        let Ok(text) = std::fs::read_to_string(format!("{root}/data/radiomics-golden/marching_tables.json")) else {
            println!("skipped: {root}/data/radiomics-golden is not there");
            return;
        };
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let number = |v: &serde_json::Value| v.as_u64().unwrap();
        let spacing = [0.7, 1.3, 2.9];
        let midpoint = |edge: u64| -> [f64; 3] {
            let zyx = &json["edge_midpoints_half_steps_zyx"][usize::try_from(edge).unwrap()];
            std::array::from_fn(|x| number(&zyx[2 - x]) as f64 * 0.5 * spacing[x])
        };
        for (state, list) in json["triangle_edges"].as_array().unwrap().iter().enumerate() {
            let theirs: Vec<[[f64; 3]; 3]> = list
                .as_array()
                .unwrap()
                .iter()
                .map(|t| std::array::from_fn(|n| midpoint(number(&t[n]))))
                .collect();
            let ours: Vec<[[f64; 3]; 3]> = TABLE[state].iter().map(|t| t.map(|e| e.midpoint(spacing))).collect();
            let (a, b) = (facts(&ours), facts(&theirs));
            assert!((a.0 - b.0).abs() < 1e-12, "state {state}: area {} against {}", a.0, b.0);
            assert!(
                (0..3).all(|x| (a.1[x] - SIGN * b.1[x]).abs() < 1e-12),
                "state {state}: {:?} {:?}",
                a.1,
                b.1
            );
            assert!((a.2 - SIGN * b.2).abs() < 1e-12, "state {state}: volume {} {}", a.2, b.2);
        }
    }
}
