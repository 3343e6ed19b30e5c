//! Union, intersection, difference and exclusive or of masks of one grid, in the boxes that they touch.

use std::sync::Arc;

use ndarray::{Array3, s};
use rt_core::GridTolerance;

use crate::mask::{Mask, MaskError};

/// A set operation of two masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SetOp {
    /// Voxels of either.
    Union,
    /// Voxels of both.
    Intersect,
    /// Voxels of the first that are not in the second.
    Subtract,
    /// Voxels of exactly one.
    Xor,
}

impl SetOp {
    fn apply(self, a: u8, b: u8) -> u8 {
        match self {
            Self::Union => a | b,
            Self::Intersect => a & b,
            Self::Subtract => a & !b,
            Self::Xor => a ^ b,
        }
    }
}

/// The result of a set operation.
///
/// # Errors
/// [`MaskError::OtherGrid`] when the masks are not on the same grid.
pub fn combine(op: SetOp, a: &Mask, b: &Mask) -> Result<Mask, MaskError> {
    let same = Arc::ptr_eq(a.grid(), b.grid()) || a.grid().same_as(b.grid(), GridTolerance::default());
    if same {
        Ok(combine_on_one_grid(op, a, b))
    } else {
        let difference = a.grid().difference(b.grid(), GridTolerance::default());
        Err(MaskError::OtherGrid(difference.map(|d| d.to_string()).unwrap_or_default()))
    }
}

/// [`combine`] for masks known to be on one grid; the result is on the grid of the first.
pub(crate) fn combine_on_one_grid(op: SetOp, a: &Mask, b: &Mask) -> Mask {
    if let Some(simple) = without_voxels(op, a, b) {
        return simple;
    }
    let end = |m: &Mask, x: usize| m.lo()[x] + m.size()[x];
    let (lo, hi) = match op {
        SetOp::Union | SetOp::Xor => (
            [0, 1, 2].map(|x| a.lo()[x].min(b.lo()[x])),
            [0, 1, 2].map(|x| end(a, x).max(end(b, x))),
        ),
        SetOp::Intersect => (
            [0, 1, 2].map(|x| a.lo()[x].max(b.lo()[x])),
            [0, 1, 2].map(|x| end(a, x).min(end(b, x))),
        ),
        SetOp::Subtract => (a.lo(), [0, 1, 2].map(|x| end(a, x))),
    };
    if (0..3).any(|x| lo[x] >= hi[x]) {
        return Mask::empty(a.grid());
    }
    let size = [0, 1, 2].map(|x| hi[x] - lo[x]);
    let mut block = Array3::zeros((size[2], size[1], size[0]));
    overlay(&mut block, lo, a, |_, v| v);
    // Outside the box of b the second operand is 0, which leaves union, difference and exclusive or as they are;
    // the box of an intersection lies inside both.
    overlay(&mut block, lo, b, |old, v| op.apply(old, v));
    Mask::from_tight_or_loose(a.grid(), lo, block)
}

/// The result when an operand is empty.
fn without_voxels(op: SetOp, a: &Mask, b: &Mask) -> Option<Mask> {
    match (a.is_empty(), b.is_empty()) {
        (false, false) => None,
        (_, true) if op != SetOp::Intersect => Some(a.clone()),
        (true, false) if matches!(op, SetOp::Union | SetOp::Xor) => Some(Mask::from_tight_or_loose(a.grid(), b.lo(), b.block().to_owned())),
        _ => Some(Mask::empty(a.grid())),
    }
}

/// Combines the voxels of a block that starts at `lo` with those of the mask, where the two boxes meet.
fn overlay(block: &mut Array3<u8>, lo: [usize; 3], mask: &Mask, f: impl Fn(u8, u8) -> u8) {
    let (nk, nj, ni) = block.dim();
    let size = [ni, nj, nk];
    let from = [0, 1, 2].map(|x| mask.lo()[x].max(lo[x]));
    let to = [0, 1, 2].map(|x| (mask.lo()[x] + mask.size()[x]).min(lo[x] + size[x]));
    if (0..3).any(|x| from[x] >= to[x]) {
        return;
    }
    let range = |base: [usize; 3], x: usize| from[x] - base[x]..to[x] - base[x];
    let own = mask.block();
    let part = own.slice(s![range(mask.lo(), 2), range(mask.lo(), 1), range(mask.lo(), 0)]);
    block
        .slice_mut(s![range(lo, 2), range(lo, 1), range(lo, 0)])
        .zip_mut_with(&part, |old, v| *old = f(*old, *v));
}

/// Whether two masks of one grid share a voxel; stops at the first.
pub fn overlaps(a: &Mask, b: &Mask) -> bool {
    let from = [0, 1, 2].map(|x| a.lo()[x].max(b.lo()[x]));
    let to = [0, 1, 2].map(|x| (a.lo()[x] + a.size()[x]).min(b.lo()[x] + b.size()[x]));
    if (0..3).any(|x| from[x] >= to[x]) {
        return false;
    }
    let range = |base: [usize; 3], x: usize| from[x] - base[x]..to[x] - base[x];
    let (one, two) = (a.block(), b.block());
    let one = one.slice(s![range(a.lo(), 2), range(a.lo(), 1), range(a.lo(), 0)]);
    let two = two.slice(s![range(b.lo(), 2), range(b.lo(), 1), range(b.lo(), 0)]);
    one.iter().zip(two.iter()).any(|(x, y)| *x & *y != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rt_core::{Grid, Vec3};

    fn grid() -> Arc<Grid> {
        Arc::new(Grid::axis_aligned([6, 5, 4], Vec3::ZERO, [1.0; 3]).unwrap())
    }

    fn mask() -> impl Strategy<Value = Mask> {
        (proptest::collection::vec(0u8..4, 120), 1u8..5).prop_map(|(bits, rare)| {
            let block = Array3::from_shape_vec((4, 5, 6), bits).unwrap();
            Mask::from_block(&grid(), [0; 3], block.mapv(|v| u8::from(v >= rare))).unwrap()
        })
    }

    #[test]
    fn masks_of_another_grid_are_refused() {
        let other = Arc::new(Grid::axis_aligned([6, 5, 4], Vec3::X, [1.0; 3]).unwrap());
        let e = combine(SetOp::Union, &Mask::empty(&grid()), &Mask::empty(&other)).unwrap_err();
        assert!(e.to_string().contains("origin"), "{e}");
    }

    #[test]
    fn boxes_far_apart() {
        let a = Mask::from_block(&grid(), [0, 0, 0], Array3::ones((1, 1, 2))).unwrap();
        let b = Mask::from_block(&grid(), [4, 4, 3], Array3::ones((1, 1, 2))).unwrap();
        assert!(!overlaps(&a, &b) && overlaps(&a, &a));
        assert_eq!(combine(SetOp::Union, &a, &b).unwrap().count(), 4);
        assert!(combine(SetOp::Intersect, &a, &b).unwrap().is_empty());
        assert_eq!(combine(SetOp::Subtract, &a, &b).unwrap(), a);
    }

    proptest! {
        #[test]
        fn every_voxel_follows_the_operation(a in mask(), b in mask()) {
            for op in [SetOp::Union, SetOp::Intersect, SetOp::Subtract, SetOp::Xor] {
                let c = combine(op, &a, &b).unwrap();
                for k in 0..4 {
                    for j in 0..5 {
                        for i in 0..6 {
                            let (x, y) = (a.contains(i, j, k), b.contains(i, j, k));
                            let expected = match op {
                                SetOp::Union => x || y,
                                SetOp::Intersect => x && y,
                                SetOp::Subtract => x && !y,
                                SetOp::Xor => x != y,
                            };
                            prop_assert_eq!(c.contains(i, j, k), expected);
                        }
                    }
                }
            }
            prop_assert_eq!(overlaps(&a, &b), !combine(SetOp::Intersect, &a, &b).unwrap().is_empty());
        }
    }
}
