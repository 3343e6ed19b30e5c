//! Exact distance from points to a surface of facets: a tree of boxes around them.

use super::soup::{Facet, facet_centre};
use super::{dot, sub};

/// Facets of one leaf at the most.
const LEAF: usize = 8;

/// A surface that answers how far a point is from it.
#[derive(Debug, Clone)]
pub struct SurfaceIndex {
    /// In order of the leaves.
    facets: Vec<Facet>,
    nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
struct Node {
    lo: [f64; 3],
    hi: [f64; 3],
    /// First facet of a leaf, or the index of the second child (the first follows its parent).
    at: usize,
    /// Facets of a leaf; 0 marks a branch.
    count: usize,
}

impl SurfaceIndex {
    /// Builds the tree.
    pub fn new(mut facets: Vec<Facet>) -> Self {
        let mut nodes = Vec::with_capacity(2 * facets.len() / LEAF + 1);
        if !facets.is_empty() {
            build(&mut facets, 0, &mut nodes);
        }
        Self { facets, nodes }
    }

    /// The facets, neighbours mostly side by side.
    pub fn facets(&self) -> &[Facet] {
        &self.facets
    }

    /// Distance in mm from `point` to the nearest point of the surface, and the facet that holds it; `None` for an empty surface.
    ///
    /// `hint` is a facet that may be near, for instance the answer for a neighbouring point: it makes the search shorter, never other.
    pub fn nearest(&self, point: [f64; 3], hint: usize) -> Option<(f64, usize)> {
        let first = self.facets.get(hint).or(self.facets.first())?;
        let mut best = (squared_to_facet(point, first), if hint < self.facets.len() { hint } else { 0 });
        let mut open = vec![0usize];
        while let Some(at) = open.pop() {
            let node = &self.nodes[at];
            if squared_to_box(point, node) >= best.0 {
                continue;
            }
            if node.count > 0 {
                for (n, facet) in self.facets[node.at..node.at + node.count].iter().enumerate() {
                    let squared = squared_to_facet(point, facet);
                    if squared < best.0 {
                        best = (squared, node.at + n);
                    }
                }
                continue;
            }
            let (near, far) = (at + 1, node.at);
            let turned = squared_to_box(point, &self.nodes[near]) > squared_to_box(point, &self.nodes[far]);
            open.extend(if turned { [near, far] } else { [far, near] });
        }
        Some((best.0.sqrt(), best.1))
    }
}

/// Builds the node of `facets`, whose first has the index `start`, and everything below it.
fn build(facets: &mut [Facet], start: usize, nodes: &mut Vec<Node>) {
    let (lo, hi) = bounds(facets);
    let here = nodes.len();
    nodes.push(Node {
        lo,
        hi,
        at: start,
        count: facets.len(),
    });
    if facets.len() <= LEAF {
        return;
    }
    let axis = (0..3).fold(0, |best, a| if hi[a] - lo[a] > hi[best] - lo[best] { a } else { best });
    let half = facets.len() / 2;
    facets.select_nth_unstable_by(half, |a, b| facet_centre(a)[axis].total_cmp(&facet_centre(b)[axis]));
    let (left, right) = facets.split_at_mut(half);
    build(left, start, nodes);
    nodes[here].at = nodes.len();
    nodes[here].count = 0;
    build(right, start + half, nodes);
}

fn bounds(facets: &[Facet]) -> ([f64; 3], [f64; 3]) {
    let start = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
    facets.iter().flatten().fold(start, |(lo, hi), p| {
        (
            std::array::from_fn(|a| f64::min(lo[a], p[a])),
            std::array::from_fn(|a| f64::max(hi[a], p[a])),
        )
    })
}

fn squared_to_box(p: [f64; 3], node: &Node) -> f64 {
    (0..3).map(|a| (node.lo[a] - p[a]).max(p[a] - node.hi[a]).max(0.0).powi(2)).sum()
}

/// Squared distance from a point to a triangle, by the region of the plane that the point projects into
/// (Ericson 2004, Real-Time Collision Detection, section 5.1.5).
fn squared_to_facet(p: [f64; 3], [a, b, c]: &Facet) -> f64 {
    let (ab, ac, ap) = (sub(*b, *a), sub(*c, *a), sub(p, *a));
    let (d1, d2) = (dot(ab, ap), dot(ac, ap));
    if d1 <= 0.0 && d2 <= 0.0 {
        return dot(ap, ap);
    }
    let bp = sub(p, *b);
    let (d3, d4) = (dot(ab, bp), dot(ac, bp));
    if d3 >= 0.0 && d4 <= d3 {
        return dot(bp, bp);
    }
    let cp = sub(p, *c);
    let (d5, d6) = (dot(ab, cp), dot(ac, cp));
    if d6 >= 0.0 && d5 <= d6 {
        return dot(cp, cp);
    }
    let along = |from: [f64; 3], edge: [f64; 3], share: f64| {
        let rest: [f64; 3] = std::array::from_fn(|x| from[x] - share * edge[x]);
        dot(rest, rest)
    };
    let vc = d1 * d4 - d3 * d2;
    if vc <= 0.0 && d1 >= 0.0 && d3 <= 0.0 {
        return along(ap, ab, d1 / (d1 - d3));
    }
    let vb = d5 * d2 - d1 * d6;
    if vb <= 0.0 && d2 >= 0.0 && d6 <= 0.0 {
        return along(ap, ac, d2 / (d2 - d6));
    }
    let va = d3 * d6 - d5 * d4;
    if va <= 0.0 && d4 >= d3 && d5 >= d6 {
        return along(bp, sub(*c, *b), (d4 - d3) / ((d4 - d3) + (d5 - d6)));
    }
    let (at_b, at_c) = (vb / (va + vb + vc), vc / (va + vb + vc));
    let rest: [f64; 3] = std::array::from_fn(|x| ap[x] - at_b * ab[x] - at_c * ac[x]);
    dot(rest, rest)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "small whole numbers, and the same sums twice")]
mod tests {
    use super::*;

    const FACET: Facet = [[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [0.0, 3.0, 0.0]];

    #[test]
    fn a_triangle_is_near_by_its_face_its_edges_and_its_corners() {
        let to = |p| squared_to_facet(p, &FACET);
        assert_eq!(to([1.0, 1.0, 2.0]), 4.0); // above the face
        assert_eq!(to([2.0, -1.0, 0.0]), 1.0); // beside an edge
        assert_eq!(to([-3.0, -4.0, 0.0]), 25.0); // beyond a corner
        assert_eq!(to([4.0, -2.0, 1.0]), 5.0);
        // The hypotenuse 3x + 4y = 12: from (4, 3) the distance is 12/5.
        assert!((to([4.0, 3.0, 0.0]) - 5.76).abs() < 1e-12);
    }

    #[test]
    fn the_tree_finds_what_looking_at_every_facet_finds() {
        // Facets on a spiral, points on another: no symmetry helps.
        let at = |t: f64| [t.cos() * t, t.sin() * t, 0.3 * t];
        let facets: Vec<Facet> = (0..300)
            .map(|n| {
                let t = 0.1 * f64::from(n);
                [at(t), at(t + 0.05), [at(t)[0], at(t)[1], at(t)[2] + 0.7]]
            })
            .collect();
        let index = SurfaceIndex::new(facets.clone());
        for n in 0..200 {
            let point = [0.1 * f64::from(n) - 9.0, 3.0 - 0.05 * f64::from(n), 0.04 * f64::from(n)];
            let all = facets
                .iter()
                .map(|f| squared_to_facet(point, f))
                .fold(f64::INFINITY, f64::min)
                .sqrt();
            for hint in [0, 17, 1000] {
                let (distance, facet) = index.nearest(point, hint).unwrap();
                assert_eq!(distance, all);
                assert_eq!(squared_to_facet(point, &index.facets()[facet]).sqrt(), all);
            }
        }
        assert!(SurfaceIndex::new(Vec::new()).nearest([0.0; 3], 0).is_none());
    }
}
