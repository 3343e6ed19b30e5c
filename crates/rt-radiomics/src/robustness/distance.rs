//! Signed distance to the border of a mask, mm, positive inside.

use ndarray::{Array3, ArrayView3, s};
use rt_image::edt::squared_distance;

use super::Mode;

/// For every voxel of a block `[k, j, i]` the distance to the border of what is set in it.
///
/// [`Mode::Exact`]: from the centre to the nearest point of the nearest voxel on the other side, so that inside and outside are alike. [`Mode::Reference`]: set voxels with an unset neighbour (of 26) have 0, others the distance to the nearest such voxel.
pub(super) fn signed(block: ArrayView3<'_, u8>, spacing: [f64; 3], mode: Mode) -> Array3<f64> {
    match mode {
        Mode::Exact => exact(block, spacing),
        Mode::Reference => reference(block, spacing),
    }
}

fn exact(block: ArrayView3<'_, u8>, spacing: [f64; 3]) -> Array3<f64> {
    let mut out = to_voxels(block, 0, spacing);
    let outside = to_voxels(block, 1, spacing);
    out.zip_mut_with(&outside, |own, other| *own -= other);
    out
}

/// Distance from every voxel centre to the nearest point of a voxel with the value `of`, 0 for these voxels themselves.
///
/// On a lattice of half the spacing centres have odd indices, and a voxel is the 27 points around its centre: the point of a box nearest to
/// a centre is always one of these.
fn to_voxels(block: ArrayView3<'_, u8>, of: u8, spacing: [f64; 3]) -> Array3<f64> {
    let (nk, nj, ni) = block.dim();
    let mut fine = Array3::<u8>::zeros((2 * nk + 1, 2 * nj + 1, 2 * ni + 1));
    for ((k, j, i), _) in block.indexed_iter().filter(|(_, v)| **v == of) {
        fine.slice_mut(s![2 * k..2 * k + 3, 2 * j..2 * j + 3, 2 * i..2 * i + 3]).fill(1);
    }
    let squares = squared_distance(fine.view(), spacing.map(|v| v / 2.0));
    squares.slice(s![1..;2, 1..;2, 1..;2]).mapv(f64::sqrt)
}

fn reference(block: ArrayView3<'_, u8>, spacing: [f64; 3]) -> Array3<f64> {
    let (nk, nj, ni) = block.dim();
    let mut border = Array3::<u8>::zeros(block.dim());
    for ((k, j, i), _) in block.indexed_iter().filter(|(_, v)| **v != 0) {
        let near = |at: usize, n: usize| at.saturating_sub(1)..(at + 2).min(n);
        let open = near(k, nk).any(|k| near(j, nj).any(|j| near(i, ni).any(|i| block[[k, j, i]] == 0)));
        border[[k, j, i]] = u8::from(open);
    }
    let mut out = squared_distance(border.view(), spacing);
    out.zip_mut_with(&block, |d, inside| *d = if *inside != 0 { d.sqrt() } else { -d.sqrt() });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_and_outside_are_alike_in_exact_mode() {
        let mut block = Array3::<u8>::zeros((1, 1, 8));
        block.slice_mut(ndarray::s![0, 0, 2..6]).fill(1);
        let d = signed(block.view(), [2.0, 50.0, 50.0], Mode::Exact);
        assert_eq!(d.as_slice().unwrap(), [-3.0, -1.0, 1.0, 3.0, 3.0, 1.0, -1.0, -3.0]);
        let r = signed(block.view(), [2.0, 50.0, 50.0], Mode::Reference);
        // Across a corner: half a diagonal of the voxels between.
        let mut corner = Array3::<u8>::zeros((1, 3, 3));
        corner[[0, 0, 0]] = 1;
        let d2 = signed(corner.view(), [2.0, 4.0, 9.0], Mode::Exact);
        assert!((d2[[0, 2, 2]] + (9.0_f64 + 36.0).sqrt()).abs() < 1e-12, "{}", d2[[0, 2, 2]]);
        assert_eq!(r.as_slice().unwrap(), [-4.0, -2.0, 0.0, 2.0, 2.0, 0.0, -2.0, -4.0]);
    }
}
