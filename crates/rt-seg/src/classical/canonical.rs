//! An image in the axes of the patient, so that left, back and head are directions of the array, and the way back.
//!
//! Axes are exchanged and reversed to the nearest patient axes (array `[k, j, i]` towards +z head, +y back, +x left of LPS). A sheared
//! grid (gantry tilt) is straightened by shifting the rows of each slice by whole pixels: slices keep their samples and every
//! voxel has exactly one place to come back from; the error is half a pixel.

use ndarray::{Array3, ArrayView3, Axis, s};
use rt_core::{Grid, Vec3};

use super::ClassicalError;

/// Tilts above this are not straightened: no gantry leans further.
const MAX_TILT_DEG: f64 = 45.0;

/// How an image comes to patient axes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Canonical {
    /// Array axis of the image that runs along z, y, x of the patient.
    axes: [usize; 3],
    /// Whether that axis runs against it.
    reversed: [bool; 3],
    /// Column and row shift of each slice in whole pixels, for sheared grids; all zero or positive.
    shifts: Vec<[usize; 2]>,
    /// Shape `(nk, nj, ni)` of the image, and after straightening.
    shape: (usize, usize, usize),
    straight: (usize, usize, usize),
    /// Spacing in mm along x, y, z of the patient.
    pub(crate) spacing: [f64; 3],
}

impl Canonical {
    /// Reads the directions of a grid.
    ///
    /// # Errors
    /// [`ClassicalError::UnevenSlices`] and [`ClassicalError::TooTilted`].
    pub(crate) fn of(grid: &Grid) -> Result<Self, ClassicalError> {
        if !grid.is_uniform() {
            return Err(ClassicalError::UnevenSlices);
        }
        let (d, spacing, normal) = (grid.direction(), grid.spacing(), grid.normal());
        let along = d.z_axis.dot(normal);
        let tilt = along.abs().clamp(0.0, 1.0).acos().to_degrees();
        if tilt > MAX_TILT_DEG {
            return Err(ClassicalError::TooTilted(tilt));
        }
        let shifts = shifts(grid);
        let most = |a: usize| shifts.iter().map(|s| s[a]).max().unwrap_or(0);
        let (nk, nj, ni) = grid.shape();
        let straight = (nk, nj + most(1), ni + most(0));
        // Directions of array axes 0, 1, 2 = k, j, i.
        let directions = [normal * along.signum(), d.y_axis, d.x_axis];
        let steps = [spacing[2] * along.abs(), spacing[1], spacing[0]];
        let axes = assign(directions);
        let patient = [Vec3::Z, Vec3::Y, Vec3::X];
        let reversed = [0, 1, 2].map(|n| directions[axes[n]].dot(patient[n]) < 0.0);
        Ok(Self {
            axes,
            reversed,
            shifts,
            shape: (nk, nj, ni),
            straight,
            spacing: [steps[axes[2]], steps[axes[1]], steps[axes[0]]],
        })
    }

    /// Whether slices were shifted.
    pub(crate) fn is_straightened(&self) -> bool {
        self.straight != self.shape
    }

    /// The samples in patient axes; places that the image does not cover hold `outside`.
    pub(crate) fn take<T: Copy>(&self, image: ArrayView3<'_, T>, outside: T) -> Array3<T> {
        if !self.is_straightened() {
            return self.turned(image);
        }
        let mut straight = Array3::from_elem(self.straight, outside);
        let (_, nj, ni) = self.shape;
        for (k, [di, dj]) in self.shifts.iter().enumerate() {
            straight
                .slice_mut(s![k, *dj..dj + nj, *di..di + ni])
                .assign(&image.index_axis(Axis(0), k));
        }
        self.turned(straight.view())
    }

    /// The inverse of [`Canonical::take`] for a result of the same shape.
    pub(crate) fn give<T: Copy + Default>(&self, block: &Array3<T>) -> Array3<T> {
        let mut straight = Array3::from_elem(self.straight, T::default());
        let mut view = straight.view_mut().permuted_axes(self.axes);
        for (n, reversed) in self.reversed.into_iter().enumerate() {
            if reversed {
                view.invert_axis(Axis(n));
            }
        }
        view.assign(block);
        if !self.is_straightened() {
            return straight;
        }
        let mut out = Array3::from_elem(self.shape, T::default());
        let (_, nj, ni) = self.shape;
        for (k, [di, dj]) in self.shifts.iter().enumerate() {
            out.index_axis_mut(Axis(0), k)
                .assign(&straight.slice(s![k, *dj..dj + nj, *di..di + ni]));
        }
        out
    }

    fn turned<T: Copy>(&self, image: ArrayView3<'_, T>) -> Array3<T> {
        let mut view = image.permuted_axes(self.axes);
        for (n, reversed) in self.reversed.into_iter().enumerate() {
            if reversed {
                view.invert_axis(Axis(n));
            }
        }
        view.as_standard_layout().into_owned()
    }
}

/// The array axis for each of z, y, x of the patient: of the six assignments the one whose cosines add up highest.
fn assign(directions: [Vec3; 3]) -> [usize; 3] {
    let cosines = |axes: [usize; 3]| directions[axes[0]].z.abs() + directions[axes[1]].y.abs() + directions[axes[2]].x.abs();
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    orders.into_iter().fold(
        [0, 1, 2],
        |best, axes| if cosines(axes) > cosines(best) + 1e-9 { axes } else { best },
    )
}

/// Shift of each slice in whole columns and rows against a right-angled stack, smallest shift zero.
fn shifts(grid: &Grid) -> Vec<[usize; 2]> {
    let (d, spacing) = (grid.direction(), grid.spacing());
    let lean = [d.z_axis.dot(d.x_axis) / spacing[0], d.z_axis.dot(d.y_axis) / spacing[1]];
    let nk = grid.size()[2];
    #[expect(clippy::cast_possible_truncation, reason = "a few hundred pixels: tilts are limited before")]
    let at = |a: usize, k: usize| (lean[a] * grid.offset(k)).round() as i64;
    let least = [0, 1].map(|a| (0..nk).map(|k| at(a, k)).min().unwrap_or(0));
    (0..nk)
        .map(|k| [0, 1].map(|a| usize::try_from(at(a, k) - least[a]).unwrap_or(0)))
        .collect()
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "values are exact by construction")]
mod tests {
    use super::*;
    use rt_core::Mat3;

    fn numbered(grid: &Grid) -> Array3<u16> {
        let (nk, nj, ni) = grid.shape();
        Array3::from_shape_fn((nk, nj, ni), |(k, j, i)| u16::try_from(1 + i + ni * (j + nj * k)).unwrap())
    }

    #[test]
    fn the_order_of_dcm2niix_is_turned_to_the_patient() {
        // i to the right (-x), j to the front (-y), k to the head.
        let d = Mat3::from_cols(Vec3::NEG_X, Vec3::NEG_Y, Vec3::Z);
        let grid = Grid::new([4, 3, 2], Vec3::ZERO, [0.5, 0.6, 3.0], d).unwrap();
        let c = Canonical::of(&grid).unwrap();
        assert_eq!(c.spacing, [0.5, 0.6, 3.0]);
        let turned = c.take(numbered(&grid).view(), 0);
        assert_eq!((turned[[0, 0, 0]], turned[[1, 2, 3]]), (12, 13));
        assert_eq!(c.give(&turned), numbered(&grid));
    }

    #[test]
    fn a_sagittal_stack_is_turned_to_the_patient() {
        // i to the back, j to the feet, k to the left.
        let d = Mat3::from_cols(Vec3::Y, Vec3::NEG_Z, Vec3::X);
        let grid = Grid::new([4, 3, 2], Vec3::ZERO, [0.5, 0.6, 3.0], d).unwrap();
        let c = Canonical::of(&grid).unwrap();
        let turned = c.take(numbered(&grid).view(), 0);
        assert_eq!((turned.dim(), c.spacing), ((3, 4, 2), [3.0, 0.5, 0.6]));
        // Lowest z is the last row (j = 2) of the image; first voxel there has number 1 + 4 * 2.
        assert_eq!(turned[[0, 0, 0]], 9);
        assert_eq!(c.give(&turned), numbered(&grid));
    }

    #[test]
    fn a_tilted_stack_is_straightened_and_comes_back() {
        // 20 degrees towards the back: each slice of 5 mm along w is 1.71 mm further back, 1.71 rows of 1 mm.
        let t = 20f64.to_radians();
        let d = Mat3::from_cols(Vec3::X, Vec3::Y, Vec3::new(0.0, t.sin(), t.cos()));
        let grid = Grid::new([3, 4, 5], Vec3::ZERO, [1.0, 1.0, 5.0], d).unwrap();
        let c = Canonical::of(&grid).unwrap();
        assert_eq!(c.shifts, vec![[0, 0], [0, 2], [0, 3], [0, 5], [0, 7]]);
        assert!((c.spacing[2] - 5.0 * t.cos()).abs() < 1e-12);
        let straight = c.take(numbered(&grid).view(), 0);
        assert_eq!((straight.dim(), straight[[4, 7, 0]], straight[[4, 6, 0]]), ((5, 11, 3), 49, 0));
        assert_eq!(c.give(&straight), numbered(&grid));
    }

    #[test]
    fn what_cannot_be_straightened_is_refused() {
        let t = 50f64.to_radians();
        let d = Mat3::from_cols(Vec3::X, Vec3::Y, Vec3::new(0.0, t.sin(), t.cos()));
        let grid = Grid::new([2, 2, 2], Vec3::ZERO, [1.0; 3], d).unwrap();
        assert!(matches!(Canonical::of(&grid), Err(ClassicalError::TooTilted(a)) if (a - 50.0).abs() < 1e-9));
        let uneven = Grid::axis_aligned([2, 2, 3], Vec3::ZERO, [1.0; 3]).unwrap();
        let uneven = uneven.with_offsets(vec![0.0, 1.0, 3.0]).unwrap();
        assert!(matches!(Canonical::of(&uneven), Err(ClassicalError::UnevenSlices)));
    }
}
