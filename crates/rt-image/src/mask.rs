//! A set of voxels of a parent grid, stored as the box that holds it.

use std::sync::Arc;

use ndarray::{Array3, ArrayView3, s};
use rt_core::{Cc, Grid};

/// Why a mask cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MaskError {
    /// The block leaves the grid.
    #[error("a block of {size:?} voxels at {lo:?} does not lie inside the grid of {grid:?}")]
    OutOfRange {
        /// First voxel of the block.
        lo: [usize; 3],
        /// Size of the block.
        size: [usize; 3],
        /// Size of the grid.
        grid: [usize; 3],
    },
    /// Two masks that do not belong together.
    #[error("the masks are on different grids: {0}")]
    OtherGrid(String),
}

impl MaskError {
    /// Stable code for tables and events.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OutOfRange { .. } => "image.out_of_range",
            Self::OtherGrid(_) => "image.other_grid",
        }
    }
}

/// Voxels of one region: parent grid, first voxel of the box `[i, j, k]`, and a block `[k, j, i]` of 0 and 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    grid: Arc<Grid>,
    lo: [usize; 3],
    block: Array3<u8>,
}

impl Mask {
    /// A mask without voxels.
    pub fn empty(grid: &Arc<Grid>) -> Self {
        Self {
            grid: Arc::clone(grid),
            lo: [0; 3],
            block: Array3::zeros((0, 0, 0)),
        }
    }

    /// From a block `[k, j, i]` (non-zero = inside) whose first voxel is `lo = [i, j, k]` of the grid; the box is made tight.
    ///
    /// # Errors
    /// [`MaskError::OutOfRange`] when the block leaves the grid.
    pub fn from_block(grid: &Arc<Grid>, lo: [usize; 3], mut block: Array3<u8>) -> Result<Self, MaskError> {
        let (nk, nj, ni) = block.dim();
        let size = [ni, nj, nk];
        if (0..3).any(|a| lo[a] + size[a] > grid.size()[a]) {
            return Err(MaskError::OutOfRange {
                lo,
                size,
                grid: grid.size(),
            });
        }
        block.mapv_inplace(|v| u8::from(v != 0));
        Ok(Self {
            grid: Arc::clone(grid),
            lo,
            block,
        }
        .tightened())
    }

    /// From a block of 0 and 1 that is known to lie inside the grid.
    pub(crate) fn from_tight_or_loose(grid: &Arc<Grid>, lo: [usize; 3], block: Array3<u8>) -> Self {
        Self {
            grid: Arc::clone(grid),
            lo,
            block,
        }
        .tightened()
    }

    /// The mask of the same box with other voxels; `block` has the shape of [`Mask::block`].
    pub(crate) fn with_voxels(&self, block: Array3<u8>) -> Self {
        debug_assert_eq!(block.dim(), self.block.dim(), "the block must have the shape of the mask's own");
        Self::from_tight_or_loose(&self.grid, self.lo, block)
    }

    /// From a full array `[k, j, i]`: voxels for which `inside` holds.
    ///
    /// # Errors
    /// [`MaskError::OutOfRange`] when array and grid differ in shape.
    pub fn from_array<T>(grid: &Arc<Grid>, data: ArrayView3<'_, T>, inside: impl Fn(&T) -> bool) -> Result<Self, MaskError> {
        Self::from_block(grid, [0; 3], data.map(|v| u8::from(inside(v))))
    }

    /// The parent grid.
    pub fn grid(&self) -> &Arc<Grid> {
        &self.grid
    }

    /// First voxel of the box, `[i, j, k]`.
    pub fn lo(&self) -> [usize; 3] {
        self.lo
    }

    /// Size of the box, `[ni, nj, nk]`; all zero when empty.
    pub fn size(&self) -> [usize; 3] {
        let (nk, nj, ni) = self.block.dim();
        [ni, nj, nk]
    }

    /// The block `[k, j, i]` of 0 and 1, tight around the voxels.
    pub fn block(&self) -> ArrayView3<'_, u8> {
        self.block.view()
    }

    /// Whether no voxel is inside.
    pub fn is_empty(&self) -> bool {
        self.block.is_empty()
    }

    /// Number of voxels inside.
    pub fn count(&self) -> usize {
        self.block.iter().filter(|v| **v != 0).count()
    }

    /// Volume of the voxels inside.
    pub fn volume(&self) -> Cc {
        Cc::from_mm3(self.count() as f64 * self.grid.voxel_volume_mm3())
    }

    /// Whether voxel (i, j, k) of the grid is inside.
    pub fn contains(&self, i: usize, j: usize, k: usize) -> bool {
        let size = self.size();
        let at = [i, j, k];
        (0..3).all(|a| at[a] >= self.lo[a] && at[a] < self.lo[a] + size[a])
            && self.block[[k - self.lo[2], j - self.lo[1], i - self.lo[0]]] != 0
    }

    /// The block of the box that starts at `lo` and has `size` voxels of the parent grid, zero where the mask has none.
    ///
    /// The box may leave the mask's own box, not the grid.
    ///
    /// # Errors
    /// [`MaskError::OutOfRange`] when it leaves the grid.
    pub fn block_in(&self, lo: [usize; 3], size: [usize; 3]) -> Result<Array3<u8>, MaskError> {
        if (0..3).any(|a| lo[a] + size[a] > self.grid.size()[a]) {
            return Err(MaskError::OutOfRange {
                lo,
                size,
                grid: self.grid.size(),
            });
        }
        let mut out = Array3::zeros((size[2], size[1], size[0]));
        let own = self.size();
        let from = [0, 1, 2].map(|a| self.lo[a].max(lo[a]));
        let to = [0, 1, 2].map(|a| (self.lo[a] + own[a]).min(lo[a] + size[a]));
        if (0..3).all(|a| from[a] < to[a]) {
            let range = |base: [usize; 3], a: usize| from[a] - base[a]..to[a] - base[a];
            out.slice_mut(s![range(lo, 2), range(lo, 1), range(lo, 0)])
                .assign(&self.block.slice(s![range(self.lo, 2), range(self.lo, 1), range(self.lo, 0)]));
        }
        Ok(out)
    }

    /// Whether a voxel lies on a face of the grid: the structure may be cut by the field of view.
    pub fn touches_border(&self) -> bool {
        let size = self.size();
        !self.is_empty() && (0..3).any(|a| self.lo[a] == 0 || self.lo[a] + size[a] == self.grid.size()[a])
    }

    fn tightened(self) -> Self {
        let (nk, nj, ni) = self.block.dim();
        let (mut first, mut last) = ([usize::MAX; 3], [0usize; 3]);
        for k in 0..nk {
            for j in 0..nj {
                let row = self.block.slice(s![k, j, ..]);
                let Some(start) = row.iter().position(|v| *v != 0) else { continue };
                let end = ni - 1 - row.iter().rev().position(|v| *v != 0).unwrap_or(0);
                for (a, (low, high)) in [(start, end), (j, j), (k, k)].into_iter().enumerate() {
                    first[a] = first[a].min(low);
                    last[a] = last[a].max(high);
                }
            }
        }
        if first[0] == usize::MAX {
            return Self::empty(&self.grid);
        }
        let whole = first == [0; 3] && last == [ni - 1, nj - 1, nk - 1];
        if whole {
            return self;
        }
        let block = self
            .block
            .slice(s![first[2]..=last[2], first[1]..=last[1], first[0]..=last[0]])
            .to_owned();
        let lo = [0, 1, 2].map(|a| self.lo[a] + first[a]);
        Self {
            grid: self.grid,
            lo,
            block,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt_core::Vec3;

    fn grid() -> Arc<Grid> {
        Arc::new(Grid::axis_aligned([6, 5, 4], Vec3::ZERO, [1.0, 1.0, 2.0]).unwrap())
    }

    #[test]
    fn the_box_is_tight_and_counts_are_kept() {
        let mut full = Array3::<u8>::zeros((4, 5, 6));
        full[[1, 2, 3]] = 1;
        full[[2, 2, 4]] = 7;
        let m = Mask::from_array(&grid(), full.view(), |v| *v != 0).unwrap();
        assert_eq!((m.lo(), m.size(), m.count()), ([3, 2, 1], [2, 1, 2], 2));
        assert!(m.contains(4, 2, 2) && !m.contains(3, 2, 2) && !m.contains(0, 0, 0));
        assert!((m.volume().value() - 0.004).abs() < 1e-15);
        assert!(!m.touches_border());
    }

    #[test]
    fn a_block_may_be_taken_beyond_the_own_box() {
        let m = Mask::from_block(&grid(), [5, 4, 3], Array3::ones((1, 1, 1))).unwrap();
        assert!(m.touches_border());
        let b = m.block_in([4, 3, 2], [2, 2, 2]).unwrap();
        assert_eq!(b.iter().map(|v| u32::from(*v)).sum::<u32>(), 1);
        assert_eq!(b[[1, 1, 1]], 1);
        assert!(m.block_in([5, 4, 3], [2, 1, 1]).is_err());
    }

    #[test]
    fn an_empty_mask_is_empty() {
        let m = Mask::from_block(&grid(), [0; 3], Array3::zeros((4, 5, 6))).unwrap();
        assert!(m.is_empty() && m.count() == 0 && !m.touches_border());
        assert_eq!(m.size(), [0; 3]);
    }
}
