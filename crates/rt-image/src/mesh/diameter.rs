//! Largest distances between vertices of the surface: in space and within planes of constant i, j or k.
//!
//! Every vertex is the midpoint between an inside voxel and an outside neighbour. The farthest pair lies on the convex hull, so only the
//! extreme vertices of each half-step row are kept, then their hull in each plane; the farthest pair in space is found with a tree of
//! bounding boxes. Exact: only pairs that cannot win are left out.

use super::bits::{BitGrid, extremes};

/// Largest distances between surface vertices, mm; 0 where there is no pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diameters {
    /// Over all pairs.
    pub max_3d: f64,
    /// Over pairs of equal k ("slice").
    pub same_k: f64,
    /// Over pairs of equal j ("column").
    pub same_j: f64,
    /// Over pairs of equal i ("row").
    pub same_i: f64,
}

/// A vertex in half voxel steps `[i, j, k]`.
type Vertex = [i32; 3];

/// The largest distances between vertices of the surface of a mask with voxel spacing `[i, j, k]` in mm.
pub fn diameters(mask: &BitGrid, spacing: [f64; 3]) -> Diameters {
    let half = spacing.map(|s| 0.5 * s);
    let along_i = extremes_along_i(mask);
    let along_j = extremes_along_j(mask);
    let (same_k, hull) = by_plane(&along_i, 2, half);
    let (same_j, _) = by_plane(&along_i, 1, half);
    let (same_i, _) = by_plane(&along_j, 0, half);
    Diameters {
        max_3d: farthest(hull, half),
        same_k,
        same_j,
        same_i,
    }
}

fn half_step(v: usize) -> i32 {
    i32::try_from(v).unwrap_or(i32::MAX)
}

/// First and last vertex of every half-step row along i.
fn extremes_along_i(mask: &BitGrid) -> Vec<Vertex> {
    let [_, nj, nk] = mask.padded_size();
    let mut out = Vec::new();
    for k in 0..nk {
        for j in 0..nj {
            let row = mask.row(j, k);
            if let Some((low, high)) = extremes(row.iter().copied()) {
                // Crossings of the row itself: half a voxel before the first and after the last inside voxel.
                out.push([half_step(2 * low - 1), half_step(2 * j), half_step(2 * k)]);
                out.push([half_step(2 * high + 1), half_step(2 * j), half_step(2 * k)]);
            }
            for (dj, dk) in [(1, 0), (0, 1)] {
                if j + dj >= nj || k + dk >= nk {
                    continue;
                }
                let other = mask.row(j + dj, k + dk);
                let Some((low, high)) = extremes(row.iter().zip(other).map(|(a, b)| a ^ b)) else {
                    continue;
                };
                for i in [low, high] {
                    out.push([half_step(2 * i), half_step(2 * j + dj), half_step(2 * k + dk)]);
                }
            }
        }
    }
    out
}

/// First and last vertex of every half-step row along j.
fn extremes_along_j(mask: &BitGrid) -> Vec<Vertex> {
    let [_, nj, nk] = mask.padded_size();
    let mut out = Vec::new();
    let words = mask.row(0, 0).len();
    for k in 0..nk {
        for forward in [true, false] {
            let mut seen = vec![[0u64; 3]; words];
            for step in 0..nj {
                let j = if forward { step } else { nj - 1 - step };
                let row = mask.row(j, k);
                for w in 0..words {
                    let shifted = (row[w] >> 1) | row.get(w + 1).map_or(0, |n| n << 63);
                    let above = if k + 1 < nk { mask.row(j, k + 1)[w] } else { 0 };
                    // Edges along j (the voxel itself, half a step before or after), along i, along k.
                    let found = [row[w], row[w] ^ shifted, row[w] ^ above];
                    for (kind, bits) in found.into_iter().enumerate() {
                        let mut new = bits & !seen[w][kind];
                        seen[w][kind] |= bits;
                        while new != 0 {
                            let i = w * 64 + new.trailing_zeros() as usize;
                            new &= new - 1;
                            let (i, j, k) = (half_step(2 * i), half_step(2 * j), half_step(2 * k));
                            out.push(match kind {
                                0 => [i, if forward { j - 1 } else { j + 1 }, k],
                                1 => [i + 1, j, k],
                                _ => [i, j, k + 1],
                            });
                        }
                    }
                }
            }
        }
    }
    out
}

/// The largest distance within planes of constant `axis`, and the hull vertices of all planes.
fn by_plane(vertices: &[Vertex], axis: usize, half: [f64; 3]) -> (f64, Vec<Vertex>) {
    let mut sorted = vertices.to_vec();
    let (u, v) = ((axis + 1) % 3, (axis + 2) % 3);
    sorted.sort_unstable_by_key(|p| (p[axis], p[u], p[v]));
    sorted.dedup();
    let mut best = 0.0f64;
    let mut kept = Vec::new();
    for plane in sorted.chunk_by(|a, b| a[axis] == b[axis]) {
        let hull = hull(plane, u, v);
        for (n, a) in hull.iter().enumerate() {
            for b in &hull[n + 1..] {
                best = best.max(distance2(a, b, half));
            }
        }
        kept.extend(hull);
    }
    (best.sqrt(), kept)
}

/// Convex hull in the plane of axes `u`, `v` of vertices sorted by (u, v) (Andrew's monotone chain; collinear vertices dropped).
fn hull(sorted: &[Vertex], u: usize, v: usize) -> Vec<Vertex> {
    if sorted.len() < 3 {
        return sorted.to_vec();
    }
    let turn = |a: &Vertex, b: &Vertex, c: &Vertex| {
        i64::from(b[u] - a[u]) * i64::from(c[v] - a[v]) - i64::from(b[v] - a[v]) * i64::from(c[u] - a[u])
    };
    let chain = |points: &mut dyn Iterator<Item = &Vertex>| {
        let mut out: Vec<Vertex> = Vec::new();
        for p in points {
            while out.len() >= 2 && turn(&out[out.len() - 2], &out[out.len() - 1], p) <= 0 {
                out.pop();
            }
            out.push(*p);
        }
        out.pop();
        out
    };
    let mut lower = chain(&mut sorted.iter());
    lower.extend(chain(&mut sorted.iter().rev()));
    lower
}

fn distance2(a: &Vertex, b: &Vertex, half: [f64; 3]) -> f64 {
    (0..3).map(|x| (f64::from(a[x] - b[x]) * half[x]).powi(2)).sum()
}

/// A box around a run of vertices; leaves hold few.
struct Node {
    lo: Vertex,
    hi: Vertex,
    first: usize,
    len: usize,
    children: Option<(usize, usize)>,
}

const LEAF: usize = 16;

/// The largest distance between any two vertices, mm.
fn farthest(mut vertices: Vec<Vertex>, half: [f64; 3]) -> f64 {
    if vertices.is_empty() {
        return 0.0;
    }
    let mut nodes = Vec::new();
    let len = vertices.len();
    let root = build(&mut vertices, 0, len, half, &mut nodes);
    let mut best = 0.0f64;
    let mut pending = vec![(root, root)];
    while let Some(pair) = pending.pop() {
        let (one, two) = (&nodes[pair.0], &nodes[pair.1]);
        if bound2(one, two, half) <= best {
            continue;
        }
        let split = |node: usize| nodes[node].children.map_or(vec![node], |(left, right)| vec![left, right]);
        if one.children.is_none() && two.children.is_none() {
            for a in &vertices[one.first..one.first + one.len] {
                for b in &vertices[two.first..two.first + two.len] {
                    best = best.max(distance2(a, b, half));
                }
            }
        } else if pair.0 == pair.1 {
            let (left, right) = one.children.unwrap_or(pair);
            push_best_last(&mut pending, &nodes, half, &[(left, left), (right, right), (left, right)]);
        } else {
            let (ones, twos) = (split(pair.0), split(pair.1));
            let pairs: Vec<_> = ones.iter().flat_map(|a| twos.iter().map(move |b| (*a, *b))).collect();
            push_best_last(&mut pending, &nodes, half, &pairs);
        }
    }
    best.sqrt()
}

/// Puts pairs on the stack, the most promising on top.
fn push_best_last(pending: &mut Vec<(usize, usize)>, nodes: &[Node], half: [f64; 3], pairs: &[(usize, usize)]) {
    let start = pending.len();
    pending.extend_from_slice(pairs);
    pending[start..].sort_by(|x, y| bound2(&nodes[x.0], &nodes[x.1], half).total_cmp(&bound2(&nodes[y.0], &nodes[y.1], half)));
}

/// Largest squared distance that a vertex of one box can have from a vertex of the other.
fn bound2(p: &Node, q: &Node, half: [f64; 3]) -> f64 {
    (0..3)
        .map(|x| (f64::from((p.hi[x] - q.lo[x]).max(q.hi[x] - p.lo[x])) * half[x]).powi(2))
        .sum()
}

fn build(vertices: &mut [Vertex], first: usize, len: usize, half: [f64; 3], nodes: &mut Vec<Node>) -> usize {
    let part = &mut vertices[first..first + len];
    let lo = std::array::from_fn(|x| part.iter().map(|p| p[x]).min().unwrap_or(0));
    let hi: Vertex = std::array::from_fn(|x| part.iter().map(|p| p[x]).max().unwrap_or(0));
    let at = nodes.len();
    nodes.push(Node {
        lo,
        hi,
        first,
        len,
        children: None,
    });
    if len > LEAF {
        let extent = |x: usize| f64::from(hi[x] - lo[x]) * half[x];
        let axis = (0..3).max_by(|a, b| extent(*a).total_cmp(&extent(*b))).unwrap_or(0);
        part.select_nth_unstable_by_key(len / 2, |p| (p[axis], *p));
        let left = build(vertices, first, len / 2, half, nodes);
        let right = build(vertices, first + len / 2, len - len / 2, half, nodes);
        nodes[at].children = Some((left, right));
    }
    at
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;
    use proptest::prelude::*;

    use super::*;

    /// All vertices, straight from the definition.
    fn all_vertices(block: &Array3<u8>) -> Vec<Vertex> {
        let (nk, nj, ni) = block.dim();
        let at = |i: i32, j: i32, k: i32| -> bool {
            let index = |v: i32| usize::try_from(v).unwrap_or(usize::MAX);
            block.get([index(k), index(j), index(i)]).is_some_and(|v| *v != 0)
        };
        let (ni, nj, nk) = (half_step(ni), half_step(nj), half_step(nk));
        let mut out = Vec::new();
        for k in -1..=nk {
            for j in -1..=nj {
                for i in -1..=ni {
                    for d in [[1, 0, 0], [0, 1, 0], [0, 0, 1]] {
                        if at(i, j, k) != at(i + d[0], j + d[1], k + d[2]) {
                            out.push([2 * i + d[0] + 2, 2 * j + d[1] + 2, 2 * k + d[2] + 2]);
                        }
                    }
                }
            }
        }
        out
    }

    fn brute(vertices: &[Vertex], half: [f64; 3], same: Option<usize>) -> f64 {
        let mut best = 0.0f64;
        for a in vertices {
            for b in vertices {
                if same.is_none_or(|x| a[x] == b[x]) {
                    best = best.max(distance2(a, b, half));
                }
            }
        }
        best.sqrt()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn diameters_equal_the_search_over_all_pairs(
            seed in prop::collection::vec(0u8..10, 5 * 6 * 7), threshold in 1u8..9,
        ) {
            let block = Array3::from_shape_vec((5, 6, 7), seed).unwrap().mapv(|v| u8::from(v < threshold));
            let spacing = [0.7, 1.1, 2.5];
            let half = spacing.map(|s| 0.5 * s);
            let d = diameters(&BitGrid::new(block.view()), spacing);
            let v = all_vertices(&block);
            prop_assert!((d.max_3d - brute(&v, half, None)).abs() < 1e-12);
            prop_assert!((d.same_k - brute(&v, half, Some(2))).abs() < 1e-12);
            prop_assert!((d.same_j - brute(&v, half, Some(1))).abs() < 1e-12);
            prop_assert!((d.same_i - brute(&v, half, Some(0))).abs() < 1e-12);
        }
    }
}
