//! Samples on a grid.

use std::sync::Arc;

use ndarray::{Array3, ArrayView3, s};
use rt_core::{Grid, GridError};

/// Why samples and grid do not make a volume.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum VolumeError {
    /// Array shape and grid size disagree.
    #[error("array of shape {array:?} (z, y, x) does not fit a grid of shape {grid:?}")]
    Shape {
        /// Shape of the array.
        array: (usize, usize, usize),
        /// Shape the grid asks for.
        grid: (usize, usize, usize),
    },
    /// A crop outside the grid.
    #[error(transparent)]
    Grid(#[from] GridError),
}

/// An array `[k, j, i]` in C order on a [`Grid`].
#[derive(Debug, Clone, PartialEq)]
pub struct Volume<T> {
    grid: Arc<Grid>,
    data: Array3<T>,
}

/// A borrowed [`Volume`]: what algorithms take.
#[derive(Debug, Clone, Copy)]
pub struct VolumeView<'a, T> {
    grid: &'a Arc<Grid>,
    data: ArrayView3<'a, T>,
}

impl<T> Volume<T> {
    /// Joins samples of shape `(nk, nj, ni)` and their grid.
    ///
    /// # Errors
    /// [`VolumeError::Shape`] when they do not fit.
    pub fn new(grid: impl Into<Arc<Grid>>, data: Array3<T>) -> Result<Self, VolumeError> {
        let grid = grid.into();
        if data.dim() == grid.shape() {
            let data = if data.is_standard_layout() {
                data
            } else {
                let (shape, items) = (data.dim(), data.into_iter().collect::<Vec<T>>());
                Array3::from_shape_vec(shape, items).map_err(|_| VolumeError::Shape {
                    array: shape,
                    grid: grid.shape(),
                })?
            };
            Ok(Self { grid, data })
        } else {
            Err(VolumeError::Shape {
                array: data.dim(),
                grid: grid.shape(),
            })
        }
    }

    /// The lattice.
    pub fn grid(&self) -> &Arc<Grid> {
        &self.grid
    }

    /// Samples `[k, j, i]`.
    pub fn data(&self) -> &Array3<T> {
        &self.data
    }

    /// Samples `[k, j, i]`, to change in place.
    pub fn data_mut(&mut self) -> &mut Array3<T> {
        &mut self.data
    }

    /// The samples alone.
    pub fn into_data(self) -> Array3<T> {
        self.data
    }

    /// A view for algorithms.
    pub fn view(&self) -> VolumeView<'_, T> {
        VolumeView {
            grid: &self.grid,
            data: self.data.view(),
        }
    }

    /// A volume of the same grid with each sample mapped.
    pub fn map<U>(&self, f: impl FnMut(&T) -> U) -> Volume<U> {
        Volume {
            grid: Arc::clone(&self.grid),
            data: self.data.map(f),
        }
    }
}

impl<T: Clone> Volume<T> {
    /// A volume of one value.
    pub fn filled(grid: impl Into<Arc<Grid>>, value: T) -> Self {
        let grid = grid.into();
        let data = Array3::from_elem(grid.shape(), value);
        Self { grid, data }
    }
}

impl<'a, T> VolumeView<'a, T> {
    /// Joins borrowed samples of shape `(nk, nj, ni)` and their grid (for instance a mapped file).
    ///
    /// # Errors
    /// [`VolumeError::Shape`] when they do not fit.
    pub fn new(grid: &'a Arc<Grid>, data: ArrayView3<'a, T>) -> Result<Self, VolumeError> {
        if data.dim() == grid.shape() {
            Ok(Self { grid, data })
        } else {
            Err(VolumeError::Shape {
                array: data.dim(),
                grid: grid.shape(),
            })
        }
    }

    /// The lattice.
    pub fn grid(&self) -> &'a Arc<Grid> {
        self.grid
    }

    /// Samples `[k, j, i]`.
    pub fn data(&self) -> ArrayView3<'a, T> {
        self.data
    }

    /// An owned copy of the box that starts at voxel `lo = [i, j, k]` and has `size` voxels.
    ///
    /// # Errors
    /// [`VolumeError::Grid`] when the box leaves the grid.
    pub fn crop(&self, lo: [usize; 3], size: [usize; 3]) -> Result<Volume<T>, VolumeError>
    where
        T: Clone,
    {
        let grid = self.grid.crop(lo, size)?;
        let part = self
            .data
            .slice(s![lo[2]..lo[2] + size[2], lo[1]..lo[1] + size[1], lo[0]..lo[0] + size[0]]);
        Ok(Volume {
            grid: Arc::new(grid),
            data: part.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt_core::Vec3;

    fn grid() -> Grid {
        Grid::axis_aligned([4, 3, 2], Vec3::ZERO, [1.0, 2.0, 3.0]).unwrap()
    }

    #[test]
    fn shape_must_fit_the_grid() {
        assert!(Volume::new(grid(), Array3::<f32>::zeros((2, 3, 4))).is_ok());
        assert!(matches!(
            Volume::new(grid(), Array3::<f32>::zeros((4, 3, 2))),
            Err(VolumeError::Shape { array: (4, 3, 2), .. })
        ));
    }

    #[test]
    fn a_crop_keeps_positions() {
        let data = Array3::from_shape_fn((2, 3, 4), |(k, j, i)| k * 100 + j * 10 + i);
        let v = Volume::new(grid(), data).unwrap();
        let part = v.view().crop([1, 1, 1], [2, 2, 1]).unwrap();
        assert_eq!(part.data()[[0, 1, 1]], 122);
        assert_eq!(part.grid().centre(0, 0, 0), v.grid().centre(1, 1, 1));
        assert!(v.view().crop([3, 0, 0], [2, 1, 1]).is_err());
    }
}
