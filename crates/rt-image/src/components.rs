//! Connected components of a mask: union-find over runs of voxels along rows (He, Chao and Suzuki 2008).

use ndarray::{Array3, ArrayView3};

use crate::mask::Mask;

/// Which voxels are neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Connectivity {
    /// Voxels that share a face.
    Six,
    /// Voxels that share a face or an edge.
    Eighteen,
    /// Voxels that share a face, an edge or a corner.
    TwentySix,
}

impl Connectivity {
    /// How far apart two runs may be along i and still touch, for rows `dj`, `dk` away; `None` when they never touch.
    fn reach(self, dj: usize, dk: usize) -> Option<usize> {
        match (self, dj + dk) {
            (_, 0) | (Self::Six, 1) => Some(0),
            (Self::Six, _) => None,
            (Self::Eighteen, 1) | (Self::TwentySix, _) => Some(1),
            (Self::Eighteen, _) => Some(0),
        }
    }
}

/// Voxels `start..end` of row (j, k) of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    j: usize,
    k: usize,
    start: usize,
    end: usize,
}

/// Consecutive voxels of one component along a row of the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ComponentRun {
    /// Number of the component.
    pub component: usize,
    /// Slice.
    pub k: usize,
    /// Row.
    pub j: usize,
    /// First column.
    pub start: usize,
    /// Column after the last.
    pub end: usize,
}

impl ComponentRun {
    /// The columns of the run.
    pub fn columns(&self) -> std::ops::Range<usize> {
        self.start..self.end
    }
}

/// The components of a block, numbered from 0 in the order of their first voxel (slice, row, column).
#[derive(Debug, Clone)]
pub struct Components {
    dim: (usize, usize, usize),
    runs: Vec<Run>,
    label: Vec<usize>,
    sizes: Vec<usize>,
}

impl Components {
    /// Finds the components of the voxels of a block `[k, j, i]` for which `inside` holds.
    pub fn find(block: ArrayView3<'_, u8>, connectivity: Connectivity, inside: impl Fn(u8) -> bool) -> Self {
        let (nk, nj, _) = block.dim();
        let mut runs: Vec<Run> = Vec::new();
        let mut row_start = Vec::with_capacity(nk * nj + 1);
        for (k, plane) in block.outer_iter().enumerate() {
            for (j, row) in plane.outer_iter().enumerate() {
                row_start.push(runs.len());
                collect_runs(&mut runs, row.iter().map(|v| inside(*v)), j, k);
            }
        }
        row_start.push(runs.len());
        let mut parent: Vec<usize> = (0..runs.len()).collect();
        // Rows that come before (j, k) in storage order and may touch it.
        let before = [(0isize, -1isize), (-1, -1), (1, -1), (-1, 0)];
        for k in 0..nk {
            for j in 0..nj {
                for (dj, dk) in before {
                    let Some(reach) = connectivity.reach(dj.unsigned_abs(), dk.unsigned_abs()) else {
                        continue;
                    };
                    let (Some(oj), Some(ok)) = (j.checked_add_signed(dj), k.checked_add_signed(dk)) else {
                        continue;
                    };
                    if oj < nj {
                        let (a, b) = (k * nj + j, ok * nj + oj);
                        join_rows(
                            &runs,
                            &mut parent,
                            row_start[a]..row_start[a + 1],
                            row_start[b]..row_start[b + 1],
                            reach,
                        );
                    }
                }
            }
        }
        let (label, sizes) = number(&runs, &mut parent);
        Self {
            dim: block.dim(),
            runs,
            label,
            sizes,
        }
    }

    /// Number of components.
    pub fn count(&self) -> usize {
        self.sizes.len()
    }

    /// Voxels of each component.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// Component numbers from the largest to the smallest; of equal ones the earlier first.
    pub fn by_size(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.count()).collect();
        order.sort_by_key(|c| (std::cmp::Reverse(self.sizes[*c]), *c));
        order
    }

    /// For each component, whether it touches a face of the block.
    pub fn touches_face(&self) -> Vec<bool> {
        let (nk, _, _) = self.dim;
        let mut touches = self.touches_side();
        for (run, label) in self.runs.iter().zip(&self.label) {
            touches[*label] |= run.k == 0 || run.k + 1 == nk;
        }
        touches
    }

    /// For each component, whether it touches the first or last row or column of a slice.
    pub fn touches_side(&self) -> Vec<bool> {
        let (_, nj, ni) = self.dim;
        let mut touches = vec![false; self.count()];
        for (run, label) in self.runs.iter().zip(&self.label) {
            touches[*label] |= run.start == 0 || run.end == ni || run.j == 0 || run.j + 1 == nj;
        }
        touches
    }

    /// The runs of all components, in storage order.
    pub fn runs(&self) -> impl Iterator<Item = ComponentRun> + '_ {
        self.runs.iter().zip(&self.label).map(|(run, component)| ComponentRun {
            component: *component,
            k: run.k,
            j: run.j,
            start: run.start,
            end: run.end,
        })
    }

    /// A block `[k, j, i]` of 0 and 1 with the components for which `keep` holds.
    pub fn to_block(&self, keep: impl Fn(usize) -> bool) -> Array3<u8> {
        let mut out = Array3::zeros(self.dim);
        self.paint(&mut out, keep, 1);
        out
    }

    /// Sets the voxels of the components for which `keep` holds to `value` in a block of the same shape.
    pub fn paint(&self, block: &mut Array3<u8>, keep: impl Fn(usize) -> bool, value: u8) {
        for (run, label) in self.runs.iter().zip(&self.label) {
            if keep(*label) {
                for i in run.start..run.end {
                    block[[run.k, run.j, i]] = value;
                }
            }
        }
    }
}

fn collect_runs(runs: &mut Vec<Run>, row: impl Iterator<Item = bool>, j: usize, k: usize) {
    let mut open = None;
    let mut length = 0;
    for (i, inside) in row.enumerate() {
        length = i + 1;
        match (inside, open) {
            (true, None) => open = Some(i),
            (false, Some(start)) => {
                runs.push(Run { j, k, start, end: i });
                open = None;
            }
            _ => {}
        }
    }
    if let Some(start) = open {
        runs.push(Run { j, k, start, end: length });
    }
}

/// Joins the runs of two rows that touch; both rows are sorted, so one sweep suffices.
fn join_rows(runs: &[Run], parent: &mut [usize], a: std::ops::Range<usize>, b: std::ops::Range<usize>, reach: usize) {
    let (mut x, mut y) = (a.start, b.start);
    while x < a.end && y < b.end {
        if runs[x].start < runs[y].end + reach && runs[y].start < runs[x].end + reach {
            union(parent, x, y);
        }
        if runs[x].end < runs[y].end {
            x += 1;
        } else {
            y += 1;
        }
    }
}

fn root(parent: &mut [usize], mut x: usize) -> usize {
    while parent[x] != x {
        parent[x] = parent[parent[x]];
        x = parent[x];
    }
    x
}

fn union(parent: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(parent, a), root(parent, b));
    let (low, high) = (a.min(b), a.max(b));
    parent[high] = low;
}

/// Consecutive numbers for the roots, in the order of their first run, and the voxels of each.
fn number(runs: &[Run], parent: &mut [usize]) -> (Vec<usize>, Vec<usize>) {
    let mut sizes = Vec::new();
    let mut label = vec![0; runs.len()];
    for x in 0..runs.len() {
        let r = root(parent, x);
        // The root is the earliest run of its component, so it has been numbered.
        label[x] = if r == x {
            sizes.push(0);
            sizes.len() - 1
        } else {
            label[r]
        };
        sizes[label[x]] += runs[x].end - runs[x].start;
    }
    (label, sizes)
}

/// The components of a mask.
pub fn components(mask: &Mask, connectivity: Connectivity) -> Components {
    Components::find(mask.block(), connectivity, |v| v != 0)
}

/// The `n` largest components of a mask together.
pub fn keep_largest(mask: &Mask, connectivity: Connectivity, n: usize) -> Mask {
    let found = components(mask, connectivity);
    select(mask, &found, &found.by_size().into_iter().take(n).collect::<Vec<_>>())
}

/// The `n` smallest components of a mask together.
pub fn keep_smallest(mask: &Mask, connectivity: Connectivity, n: usize) -> Mask {
    let found = components(mask, connectivity);
    select(mask, &found, &found.by_size().into_iter().rev().take(n).collect::<Vec<_>>())
}

/// The mask without its components of fewer than `min_voxels` voxels.
pub fn remove_small(mask: &Mask, connectivity: Connectivity, min_voxels: usize) -> Mask {
    let found = components(mask, connectivity);
    let wanted: Vec<usize> = (0..found.count()).filter(|c| found.sizes()[*c] >= min_voxels).collect();
    select(mask, &found, &wanted)
}

fn select(mask: &Mask, found: &Components, wanted: &[usize]) -> Mask {
    if wanted.len() == found.count() {
        return mask.clone();
    }
    let mut keep = vec![false; found.count()];
    for c in wanted {
        keep[*c] = true;
    }
    mask.with_voxels(found.to_block(|c| keep[c]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rt_core::{Grid, Vec3};
    use std::sync::Arc;

    fn block(points: &[[usize; 3]]) -> Array3<u8> {
        let mut b = Array3::zeros((4, 4, 4));
        for p in points {
            b[[p[2], p[1], p[0]]] = 1;
        }
        b
    }

    fn count(b: &Array3<u8>, c: Connectivity) -> usize {
        Components::find(b.view(), c, |v| v != 0).count()
    }

    #[test]
    fn face_edge_and_corner_neighbours() {
        use Connectivity::{Eighteen, Six, TwentySix};
        let face = block(&[[0, 0, 0], [0, 0, 1]]);
        let edge = block(&[[1, 1, 1], [1, 2, 2]]);
        let edge_in_plane = block(&[[2, 1, 1], [1, 2, 1]]);
        let corner = block(&[[1, 1, 1], [2, 0, 2]]);
        for (b, expected) in [
            (face, [1, 1, 1]),
            (edge, [2, 1, 1]),
            (edge_in_plane, [2, 1, 1]),
            (corner, [2, 2, 1]),
        ] {
            assert_eq!([Six, Eighteen, TwentySix].map(|c| count(&b, c)), expected);
        }
    }

    #[test]
    fn largest_smallest_and_small_ones() {
        let grid = Arc::new(Grid::axis_aligned([4, 4, 4], Vec3::ZERO, [1.0; 3]).unwrap());
        // Components of 1, 3 and 2 voxels.
        let b = block(&[[0, 0, 0], [2, 0, 0], [3, 0, 0], [3, 1, 0], [0, 3, 3], [1, 3, 3]]);
        let m = Mask::from_block(&grid, [0; 3], b).unwrap();
        let found = components(&m, Connectivity::Six);
        assert_eq!((found.sizes(), found.by_size()), (&[1usize, 3, 2][..], vec![1, 2, 0]));
        let runs: Vec<_> = found.runs().map(|r| (r.component, r.k, r.j, r.start, r.end)).collect();
        assert_eq!(runs, vec![(0, 0, 0, 0, 1), (1, 0, 0, 2, 4), (1, 0, 1, 3, 4), (2, 3, 3, 0, 2)]);
        assert_eq!(keep_largest(&m, Connectivity::Six, 1).count(), 3);
        assert_eq!(keep_smallest(&m, Connectivity::Six, 2).count(), 3);
        let rest = remove_small(&m, Connectivity::Six, 2);
        assert!(rest.count() == 5 && !rest.contains(0, 0, 0));
        assert!(keep_largest(&Mask::empty(&grid), Connectivity::Six, 1).is_empty());
    }

    fn flood(b: &Array3<u8>, near: impl Fn([usize; 3]) -> bool) -> usize {
        let mut left: Vec<[usize; 3]> = b.indexed_iter().filter(|(_, v)| **v != 0).map(|((k, j, i), _)| [i, j, k]).collect();
        let mut found = 0;
        while let Some(seed) = left.pop() {
            found += 1;
            let mut open = vec![seed];
            while let Some(p) = open.pop() {
                let close = |q: &[usize; 3]| near([0, 1, 2].map(|a| p[a].abs_diff(q[a])));
                open.extend(left.iter().filter(|q| close(q)));
                left.retain(|q| !close(q));
            }
        }
        found
    }

    proptest! {
        #[test]
        fn equals_flood_fill(bits in proptest::collection::vec(0u8..3, 5 * 6 * 7)) {
            let b = Array3::from_shape_vec((5, 6, 7), bits).unwrap().mapv(|v| u8::from(v == 0));
            let within = |d: [usize; 3], sum: usize| d.iter().all(|x| *x <= 1) && d.iter().sum::<usize>() <= sum;
            prop_assert_eq!(count(&b, Connectivity::Six), flood(&b, |d| within(d, 1)));
            prop_assert_eq!(count(&b, Connectivity::Eighteen), flood(&b, |d| within(d, 2)));
            prop_assert_eq!(count(&b, Connectivity::TwentySix), flood(&b, |d| within(d, 3)));
            let whole = Components::find(b.view(), Connectivity::TwentySix, |v| v != 0);
            prop_assert_eq!(whole.to_block(|_| true), b);
        }
    }
}
