//! The sampling lattice of a volume: where voxel (i, j, k) lies in the patient.
//!
//! The position of a voxel centre is `origin + i*spacing[0]*u + j*spacing[1]*v + offset(k)*w` with unit directions
//! `u`, `v`, `w` (columns of [`Grid::direction`]). `u` and `v` are perpendicular; `w` may lean (gantry tilt: the shear is kept) and
//! may point either way (any handedness). `offset(k)` is `k*spacing[2]`, or a list of positions (RTDOSE with an uneven
//! `GridFrameOffsetVector` only). Sources: DICOM PS3.3 C.7.6.2.1.1 and C.8.8.3.2.

use serde::{Deserialize, Serialize};

use crate::geometry::{Bounds, Mat3, Vec3};

/// Why a grid cannot be built.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GridError {
    /// A dimension of zero voxels.
    #[error("grid size {0:?} has an empty dimension")]
    EmptySize([usize; 3]),
    /// Spacing that is zero, negative or not finite.
    #[error("grid spacing {0:?} mm must be positive and finite")]
    BadSpacing([f64; 3]),
    /// Directions that do not span space, or origin not finite.
    #[error("grid directions do not span space (determinant {0})")]
    Singular(f64),
    /// Row and column direction that are not perpendicular within 1e-3.
    #[error("row and column direction are not perpendicular (cosine {0})")]
    NotPerpendicular(f64),
    /// A list of slice offsets of the wrong length, not starting at 0, or not strictly ascending.
    #[error("slice offsets must start at 0, ascend strictly and number {expected}; {reason}")]
    BadOffsets {
        /// Number of slices of the grid.
        expected: usize,
        /// What is wrong with them.
        reason: String,
    },
    /// A crop or index outside the grid.
    #[error("box {lo:?} + {size:?} does not lie inside the grid of {within:?}")]
    OutOfRange {
        /// First index of the wanted box.
        lo: [usize; 3],
        /// Size of the wanted box.
        size: [usize; 3],
        /// Size of the grid.
        within: [usize; 3],
    },
}

/// How far two grids may differ and still count as the same (`spec/ingest.md` 7.1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GridTolerance {
    /// Largest distance between origins, and between slice positions, in mm.
    pub position_mm: f64,
    /// Largest difference of a direction cosine.
    pub cosine: f64,
    /// Largest relative difference of a spacing.
    pub spacing_rel: f64,
}

impl Default for GridTolerance {
    fn default() -> Self {
        Self {
            position_mm: 0.01,
            cosine: 1e-4,
            spacing_rel: 1e-3,
        }
    }
}

/// The first property in which two grids differ, with both values.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GridDifference {
    /// Number of voxels.
    #[error("size {0:?} against {1:?}")]
    Size([usize; 3], [usize; 3]),
    /// Position of the first voxel.
    #[error("origin {0} against {1} mm ({2:.4} mm apart)")]
    Origin(Vec3, Vec3, f64),
    /// Voxel spacing.
    #[error("spacing {0:?} against {1:?} mm")]
    Spacing([f64; 3], [f64; 3]),
    /// Direction cosines.
    #[error("direction cosines differ by {0:.6}")]
    Direction(f64),
    /// Slice positions.
    #[error("slice {slice} at {a:.3} against {b:.3} mm")]
    Slices {
        /// Slice index.
        slice: usize,
        /// Offset in the first grid, mm.
        a: f64,
        /// Offset in the second grid, mm.
        b: f64,
    },
}

/// A sampling lattice in patient space (LPS, mm). Built only through checked constructors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "GridParts", into = "GridParts")]
pub struct Grid {
    size: [usize; 3],
    origin: Vec3,
    spacing: [f64; 3],
    direction: Mat3,
    offsets: Option<Vec<f64>>,
    inverse: Mat3,
}

/// The stored form of a [`Grid`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct GridParts {
    size: [usize; 3],
    origin: [f64; 3],
    spacing: [f64; 3],
    /// Unit directions of i, j, k, each in LPS.
    direction: [[f64; 3]; 3],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offsets: Option<Vec<f64>>,
}

impl TryFrom<GridParts> for Grid {
    type Error = GridError;
    fn try_from(p: GridParts) -> Result<Self, GridError> {
        let direction = Mat3::from_cols_array_2d(&p.direction);
        let grid = Self::new(p.size, p.origin.into(), p.spacing, direction)?;
        match p.offsets {
            Some(offsets) => grid.with_offsets(offsets),
            None => Ok(grid),
        }
    }
}

impl From<Grid> for GridParts {
    fn from(g: Grid) -> Self {
        Self {
            size: g.size,
            origin: g.origin.into(),
            spacing: g.spacing,
            direction: g.direction.to_cols_array_2d(),
            offsets: g.offsets,
        }
    }
}

impl Grid {
    /// A grid from size `[ni, nj, nk]`, centre of voxel (0,0,0) in LPS mm, spacing in mm and unit directions (columns u, v, w).
    ///
    /// Directions are normalised; `u` and `v` must be perpendicular within 1e-3, `w` may lean.
    ///
    /// # Errors
    /// [`GridError`] for an empty size, a spacing that is not positive, or directions that do not span space.
    pub fn new(size: [usize; 3], origin: Vec3, spacing: [f64; 3], direction: Mat3) -> Result<Self, GridError> {
        if size.contains(&0) {
            return Err(GridError::EmptySize(size));
        }
        if !spacing.iter().all(|s| s.is_finite() && *s > 0.0) {
            return Err(GridError::BadSpacing(spacing));
        }
        let det = direction.determinant();
        if !origin.is_finite() || !det.is_finite() || det.abs() < 1e-6 {
            return Err(GridError::Singular(det));
        }
        let unit = Mat3::from_cols(
            normalised(direction.x_axis),
            normalised(direction.y_axis),
            normalised(direction.z_axis),
        );
        let cosine = unit.x_axis.dot(unit.y_axis);
        if cosine.abs() > 1e-3 {
            return Err(GridError::NotPerpendicular(cosine));
        }
        Ok(Self {
            size,
            origin,
            spacing,
            direction: unit,
            offsets: None,
            inverse: unit.inverse(),
        })
    }

    /// A grid whose axes are the patient's axes (+x, +y, +z).
    ///
    /// # Errors
    /// As [`Grid::new`].
    pub fn axis_aligned(size: [usize; 3], origin: Vec3, spacing: [f64; 3]) -> Result<Self, GridError> {
        Self::new(size, origin, spacing, Mat3::IDENTITY)
    }

    /// The same grid with its slices at the given offsets in mm along `w` from the origin.
    ///
    /// Offsets that are uniform within 1e-6 mm give a uniform grid. `spacing[2]` becomes the mean gap.
    ///
    /// # Errors
    /// [`GridError::BadOffsets`] when they do not start at 0, do not ascend strictly or are not one per slice.
    pub fn with_offsets(mut self, offsets: Vec<f64>) -> Result<Self, GridError> {
        let bad = |reason: String| GridError::BadOffsets {
            expected: self.size[2],
            reason,
        };
        if offsets.len() != self.size[2] {
            return Err(bad(format!("{} given", offsets.len())));
        }
        if offsets[0].abs() > 1e-9 {
            return Err(bad(format!("the first is {}", offsets[0])));
        }
        if let Some(k) = offsets
            .windows(2)
            .position(|w| w[1] <= w[0] || !w[1].is_finite() || !w[0].is_finite())
        {
            return Err(bad(format!("number {} is {} after {}", k + 1, offsets[k + 1], offsets[k])));
        }
        let n = offsets.len();
        if n > 1 {
            let mean = offsets[n - 1] / (n - 1) as f64;
            self.spacing[2] = mean;
            let uniform = offsets.iter().enumerate().all(|(k, o)| (o - k as f64 * mean).abs() <= 1e-6);
            self.offsets = (!uniform).then_some(offsets);
        }
        Ok(self)
    }

    /// Voxels along i, j, k.
    pub fn size(&self) -> [usize; 3] {
        self.size
    }

    /// Shape of the array that holds the samples: `(nk, nj, ni)`.
    pub fn shape(&self) -> (usize, usize, usize) {
        (self.size[2], self.size[1], self.size[0])
    }

    /// Number of voxels.
    pub fn len(&self) -> usize {
        self.size.iter().product()
    }

    /// Never true: a grid has at least one voxel.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Centre of voxel (0,0,0), LPS mm.
    pub fn origin(&self) -> Vec3 {
        self.origin
    }

    /// Spacing along i, j, k in mm; with uneven slices `[2]` is the mean gap along `w`.
    pub fn spacing(&self) -> [f64; 3] {
        self.spacing
    }

    /// Unit directions of i, j, k as columns.
    pub fn direction(&self) -> Mat3 {
        self.direction
    }

    /// Unit normal of the slices, `u x v` (not `w` when the grid is sheared or left-handed).
    pub fn normal(&self) -> Vec3 {
        self.direction.x_axis.cross(self.direction.y_axis).normalize()
    }

    /// Offset of slice `k` from slice 0 along `w`, mm.
    pub fn offset(&self, k: usize) -> f64 {
        match &self.offsets {
            Some(list) => list[k],
            None => k as f64 * self.spacing[2],
        }
    }

    /// The list of slice offsets when they are uneven.
    pub fn offsets(&self) -> Option<&[f64]> {
        self.offsets.as_deref()
    }

    /// Whether the slice direction is perpendicular to the slices within `angle_deg` degrees.
    pub fn is_right_angled(&self, angle_deg: f64) -> bool {
        let w = self.direction.z_axis;
        let lean = w.cross(self.normal()).length().atan2(w.dot(self.normal()).abs());
        lean.to_degrees() <= angle_deg
    }

    /// Whether all slices are evenly spaced.
    pub fn is_uniform(&self) -> bool {
        self.offsets.is_none()
    }

    /// Volume of one voxel in mm3 (of the mean voxel when slices are uneven).
    pub fn voxel_volume_mm3(&self) -> f64 {
        self.direction.determinant().abs() * self.spacing.iter().product::<f64>()
    }

    /// Patient position (LPS, mm) of a continuous index (i, j, k).
    pub fn index_to_world(&self, index: Vec3) -> Vec3 {
        let w = match &self.offsets {
            None => index.z * self.spacing[2],
            Some(list) => interpolate_offset(list, index.z),
        };
        self.origin + self.direction * Vec3::new(index.x * self.spacing[0], index.y * self.spacing[1], w)
    }

    /// Continuous index (i, j, k) of a patient position (LPS, mm); outside the grid it extrapolates linearly.
    pub fn world_to_index(&self, p: Vec3) -> Vec3 {
        let q = self.inverse * (p - self.origin);
        let k = match &self.offsets {
            None => q.z / self.spacing[2],
            Some(list) => locate_offset(list, q.z),
        };
        Vec3::new(q.x / self.spacing[0], q.y / self.spacing[1], k)
    }

    /// Patient position of the centre of a voxel.
    pub fn centre(&self, i: usize, j: usize, k: usize) -> Vec3 {
        self.index_to_world(Vec3::new(i as f64, j as f64, k as f64))
    }

    /// Box around all voxel centres, LPS mm.
    pub fn bounds(&self) -> Bounds {
        let last = [self.size[0] - 1, self.size[1] - 1, self.size[2] - 1];
        let corners = (0..8).map(|c| {
            let at = |axis: usize| if c >> axis & 1 == 1 { last[axis] } else { 0 };
            self.centre(at(0), at(1), at(2))
        });
        let first = self.centre(0, 0, 0);
        Bounds::of(corners).unwrap_or(Bounds { lo: first, hi: first })
    }

    /// The part of the grid that starts at voxel `lo` and has `size` voxels.
    ///
    /// # Errors
    /// [`GridError::OutOfRange`] when it does not lie inside.
    pub fn crop(&self, lo: [usize; 3], size: [usize; 3]) -> Result<Self, GridError> {
        let fits = (0..3).all(|a| size[a] > 0 && lo[a].checked_add(size[a]).is_some_and(|e| e <= self.size[a]));
        if !fits {
            return Err(GridError::OutOfRange {
                lo,
                size,
                within: self.size,
            });
        }
        let mut out = self.clone();
        out.origin = self.centre(lo[0], lo[1], lo[2]);
        out.size = size;
        if let Some(list) = &self.offsets {
            let part: Vec<f64> = list[lo[2]..lo[2] + size[2]].iter().map(|o| o - list[lo[2]]).collect();
            out.offsets = None;
            out = out.with_offsets(part)?;
        }
        Ok(out)
    }

    /// The first property in which `other` differs by more than `tol`, or `None` when the grids are the same.
    pub fn difference(&self, other: &Self, tol: GridTolerance) -> Option<GridDifference> {
        if self.size != other.size {
            return Some(GridDifference::Size(self.size, other.size));
        }
        let apart = (self.origin - other.origin).length();
        if apart > tol.position_mm {
            return Some(GridDifference::Origin(self.origin, other.origin, apart));
        }
        let rel = |a: usize| (self.spacing[a] - other.spacing[a]).abs() / self.spacing[a];
        if (0..3).any(|a| rel(a) > tol.spacing_rel) {
            return Some(GridDifference::Spacing(self.spacing, other.spacing));
        }
        let (a, b) = (self.direction.to_cols_array(), other.direction.to_cols_array());
        let cosine = a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
        if cosine > tol.cosine {
            return Some(GridDifference::Direction(cosine));
        }
        (0..self.size[2])
            .find(|&k| (self.offset(k) - other.offset(k)).abs() > tol.position_mm.max(tol.spacing_rel * self.spacing[2]))
            .map(|slice| GridDifference::Slices {
                slice,
                a: self.offset(slice),
                b: other.offset(slice),
            })
    }

    /// Whether two grids are the same within the tolerance.
    pub fn same_as(&self, other: &Self, tol: GridTolerance) -> bool {
        self.difference(other, tol).is_none()
    }
}

/// Unit vector; keeps a vector that is unit length within rounding bit for bit.
fn normalised(v: Vec3) -> Vec3 {
    let n = v.length();
    if (n - 1.0).abs() < 1e-12 { v } else { v / n }
}

/// Offset in mm at a continuous slice index, linear between and beyond the listed slices.
fn interpolate_offset(list: &[f64], k: f64) -> f64 {
    let n = list.len();
    if n == 1 {
        return list[0];
    }
    let lower = slice_below(k.floor(), n);
    let gap = list[lower + 1] - list[lower];
    list[lower] + (k - lower as f64) * gap
}

/// Continuous slice index of an offset in mm: the inverse of [`interpolate_offset`].
fn locate_offset(list: &[f64], offset: f64) -> f64 {
    let n = list.len();
    if n == 1 {
        return 0.0;
    }
    let above = list.partition_point(|o| *o <= offset);
    let lower = above.saturating_sub(1).min(n - 2);
    lower as f64 + (offset - list[lower]) / (list[lower + 1] - list[lower])
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the slices of the grid before the cast"
)]
fn slice_below(k: f64, n: usize) -> usize {
    k.clamp(0.0, (n - 2) as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn position_of_a_voxel_follows_the_directions() {
        // Sagittal: i runs to the posterior (+y), j to the feet (-z), k to the left (+x).
        let direction = Mat3::from_cols(Vec3::Y, Vec3::NEG_Z, Vec3::X);
        let g = Grid::new([4, 5, 6], Vec3::new(1.0, 2.0, 3.0), [2.0, 3.0, 4.0], direction).unwrap();
        assert_eq!(g.centre(1, 1, 1), Vec3::new(1.0 + 4.0, 2.0 + 2.0, 3.0 - 3.0));
        assert_eq!(g.shape(), (6, 5, 4));
    }

    #[test]
    fn uneven_offsets_interpolate_and_invert() {
        let g = Grid::axis_aligned([2, 2, 4], Vec3::ZERO, [1.0; 3]).unwrap();
        let g = g.with_offsets(vec![0.0, 1.0, 4.0, 5.0]).unwrap();
        assert!((g.index_to_world(Vec3::new(0.0, 0.0, 1.5)).z - 2.5).abs() < 1e-12);
        for z in [-1.0, 0.0, 0.5, 3.9, 4.0, 5.0, 6.5] {
            let p = Vec3::new(0.3, 0.4, z);
            assert!((g.index_to_world(g.world_to_index(p)) - p).length() < 1e-12, "z = {z}");
        }
    }

    #[test]
    fn bad_grids_are_refused_with_the_reason() {
        let d = Mat3::IDENTITY;
        assert!(matches!(
            Grid::new([0, 1, 1], Vec3::ZERO, [1.0; 3], d),
            Err(GridError::EmptySize(_))
        ));
        assert!(matches!(
            Grid::new([1, 1, 1], Vec3::ZERO, [1.0, -1.0, 1.0], d),
            Err(GridError::BadSpacing(_))
        ));
        let flat = Mat3::from_cols(Vec3::X, Vec3::Y, Vec3::X);
        assert!(matches!(
            Grid::new([1, 1, 1], Vec3::ZERO, [1.0; 3], flat),
            Err(GridError::Singular(_))
        ));
        let g = Grid::axis_aligned([2, 2, 2], Vec3::ZERO, [1.0; 3]).unwrap();
        assert!(matches!(g.with_offsets(vec![0.0, 0.0]), Err(GridError::BadOffsets { .. })));
    }

    #[test]
    fn a_sheared_grid_is_not_right_angled_and_keeps_its_volume() {
        let tilt = 10.0_f64.to_radians();
        let w = Vec3::new(0.0, tilt.sin(), tilt.cos());
        let g = Grid::new([3, 3, 3], Vec3::ZERO, [1.0, 1.0, 2.0], Mat3::from_cols(Vec3::X, Vec3::Y, w)).unwrap();
        assert!(!g.is_right_angled(0.1));
        assert!((g.voxel_volume_mm3() - 2.0 * tilt.cos()).abs() < 1e-12);
    }

    #[test]
    fn json_round_trip_keeps_every_bit() {
        let g = Grid::axis_aligned([3, 4, 5], Vec3::new(0.1, -0.2, 0.3), [0.7, 0.8, 2.5]).unwrap();
        let parts = GridParts::from(g.clone());
        assert_eq!(Grid::try_from(parts).unwrap(), g);
    }

    proptest! {
        #[test]
        fn world_and_index_are_inverse(
            angle in -3.0f64..3.0, tilt in -0.4f64..0.4, left in any::<bool>(),
            i in -5.0f64..50.0, j in -5.0f64..50.0, k in -5.0f64..50.0,
        ) {
            let (s, c) = angle.sin_cos();
            let u = Vec3::new(c, s, 0.0);
            let v = Vec3::new(-s, c, 0.0);
            let w = Vec3::new(tilt.sin(), 0.0, tilt.cos()) * if left { -1.0 } else { 1.0 };
            let g = Grid::new([10, 11, 12], Vec3::new(-100.0, 50.0, 3.0), [0.9, 1.1, 3.0], Mat3::from_cols(u, v, w)).unwrap();
            let index = Vec3::new(i, j, k);
            prop_assert!((g.world_to_index(g.index_to_world(index)) - index).length() < 1e-9);
        }
    }
}
