//! Contours to a mask: the only rasteriser of the pipeline.
//!
//! Contours are read as [`PlaneStack`] reads them, so that masks and DVH see one solid: a slice takes the contour plane whose slab
//! holds it, a voxel is inside when its centre is, by even-odd over all polygons of the plane, half-open (`y0 <= y < y1`,
//! `x_left <= x < x_right`) so that a shared edge counts once. A polygon that holds no centre marks the pixel that it covers most:
//! small structures do not vanish. Planes that are not parallel to the slices are tested centre by centre in their own frame.
//! (`design/contract.md` "Structures and numbers", `spec/segmentation.md` 5.5.)

mod oblique;
mod scan;

use std::sync::Arc;

use ndarray::parallel::prelude::*;
use ndarray::{Array3, Axis};
use rt_core::geometry::angle_deg;
use rt_core::{Grid, Vec3};

use crate::contour::planes::NORMAL_TOLERANCE_DEG;
use crate::{ContourPlane, ContourSet, Mask, Overlap, PlaneError, PlaneStack, StackNotes, StackOptions};
use scan::SlicePlane;

/// Which slices a contour plane fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reading {
    /// All slices that its slab holds: drawn on every third slice, the slices between are filled too.
    #[default]
    Slabs,
    /// Only the slice that it lies on, within half a slice: contours that were traced from a mask.
    OwnSlice,
}

/// How contours are rasterised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RasterOptions {
    /// Which slices a plane fills.
    pub reading: Reading,
    /// Reading of polygons that overlap without nesting.
    pub overlap: Overlap,
}

/// A mask and what was seen while it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Raster {
    /// The voxels; empty when the contours lie outside the grid.
    pub mask: Mask,
    /// What was seen while the contours were sorted.
    pub notes: StackNotes,
    /// Polygons (one count a slice) without a voxel centre that marked the pixel they cover most.
    pub marked: usize,
    /// Part of the contours lies beyond the outer faces of the grid.
    pub leaves_grid: bool,
    /// Volume of the slabs of all planes, mm3, also of what lies beyond the grid.
    pub contour_volume_mm3: f64,
}

/// Why contours give no mask.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RasterError {
    /// The contours are no solid.
    #[error(transparent)]
    Planes(#[from] PlaneError),
}

impl RasterError {
    /// Stable code for tables and events.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Planes(PlaneError::Empty { .. }) => "structures.empty",
            Self::Planes(PlaneError::MixedPlanes { .. }) => "structures.mixed_planes",
            Self::Planes(PlaneError::ThicknessUnknown) => "structures.thickness_unknown",
        }
    }
}

/// The voxels of a grid that contours (LPS, mm) enclose.
///
/// ```
/// use std::sync::Arc;
/// use rt_core::{Grid, Vec3};
/// use rt_image::{Contour, ContourKind, ContourSet, RasterOptions, rasterize};
///
/// let grid = Arc::new(Grid::axis_aligned([20, 20, 3], Vec3::ZERO, [1.0, 1.0, 3.0])?);
/// let square = |z: f64| Contour {
///     kind: ContourKind::ClosedPlanar,
///     points: [[4.5, 4.5], [14.5, 4.5], [14.5, 9.5], [4.5, 9.5]].map(|[x, y]| Vec3::new(x, y, z)).to_vec(),
/// };
/// let contours = ContourSet { contours: vec![square(0.0), square(3.0)] };
/// let raster = rasterize(&contours, &grid, RasterOptions::default())?;
/// assert_eq!((raster.mask.count(), raster.mask.lo()), (2 * 10 * 5, [5, 5, 0]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`RasterError::Planes`] when no contour encloses an area or the planes are not parallel. Contours outside the grid are no error.
pub fn rasterize(contours: &ContourSet, grid: &Arc<Grid>, options: RasterOptions) -> Result<Raster, RasterError> {
    let stack = PlaneStack::new(contours, &stack_options(grid, contours, options.overlap))?;
    Ok(rasterize_stack(&stack, grid, options))
}

/// [`rasterize`] for contours that have been sorted into planes already; `options.overlap` is that of the stack.
pub fn rasterize_stack(stack: &PlaneStack, grid: &Arc<Grid>, options: RasterOptions) -> Raster {
    let angle = angle_deg(stack.frame.n, grid.normal());
    let parallel = angle.min(180.0 - angle) <= NORMAL_TOLERANCE_DEG;
    let (mask, marked) = if parallel {
        parallel_planes(stack, grid, options)
    } else {
        (oblique::fill(stack, grid), 0)
    };
    Raster {
        mask,
        marked,
        notes: stack.notes.clone(),
        leaves_grid: leaves(stack, grid),
        contour_volume_mm3: stack.volume_mm3(),
    }
}

/// A lone plane is as thick as the voxels are along its normal; the largest contour gives the normal.
fn stack_options(grid: &Grid, contours: &ContourSet, overlap: Overlap) -> StackOptions {
    let largest = contours
        .contours
        .iter()
        .filter(|c| c.kind.is_closed())
        .map(|c| {
            let base = c.points.first().copied().unwrap_or_default();
            let area: Vec3 = c.points.windows(2).map(|w| (w[0] - base).cross(w[1] - base)).sum();
            area
        })
        .fold(
            Vec3::ZERO,
            |best, a| if a.length_squared() > best.length_squared() { a } else { best },
        );
    let normal = largest.try_normalize().unwrap_or(grid.normal());
    let spacing = grid.spacing();
    let thickness = (0..3)
        .map(|a| (grid.direction().col(a).dot(normal) * spacing[a]).abs())
        .fold(0.0, f64::max);
    StackOptions {
        single_plane_thickness_mm: Some(thickness),
        overlap,
        ..StackOptions::default()
    }
}

/// The plane that each slice takes, by slice; empty outside the stack.
fn planes_by_slice<'a>(stack: &'a PlaneStack, grid: &Grid, reading: Reading) -> Vec<Vec<&'a ContourPlane>> {
    let positions: Vec<f64> = (0..grid.size()[2]).map(|k| stack.frame.n.dot(grid.centre(0, 0, k))).collect();
    let mut taken: Vec<Vec<&ContourPlane>> = match reading {
        Reading::Slabs => positions.iter().map(|p| stack.plane_at(*p).into_iter().collect()).collect(),
        Reading::OwnSlice => {
            let mut own = vec![Vec::new(); positions.len()];
            for plane in &stack.planes {
                if let Some(k) = nearest_slice(&positions, plane.position_mm, grid.spacing()[2]) {
                    own[k].push(plane);
                }
            }
            own
        }
    };
    if taken.iter().all(Vec::is_empty) {
        // Thinner than the slices and between two of them: the largest plane goes to the slice next to it.
        let largest = stack.planes.iter().fold(None::<&ContourPlane>, |best, p| match best {
            Some(b) if b.region.area_mm2() >= p.region.area_mm2() => best,
            _ => Some(p),
        });
        if let Some((plane, k)) = largest.and_then(|p| nearest_slice(&positions, p.position_mm, grid.spacing()[2]).map(|k| (p, k))) {
            taken[k].push(plane);
        }
    }
    taken
}

/// The slice nearest to a position, when it is within half a slice.
fn nearest_slice(positions: &[f64], at: f64, spacing: f64) -> Option<usize> {
    let off = |k: usize| (positions[k] - at).abs();
    let nearest = (0..positions.len()).min_by(|a, b| off(*a).total_cmp(&off(*b)))?;
    (off(nearest) <= 0.5 * spacing + 1e-6).then_some(nearest)
}

/// Fills slice by slice; also the number of pixels marked for polygons without a centre.
fn parallel_planes(stack: &PlaneStack, grid: &Arc<Grid>, options: RasterOptions) -> (Mask, usize) {
    let taken = planes_by_slice(stack, grid, options.reading);
    let slices: Vec<(usize, SlicePlane)> = taken
        .par_iter()
        .enumerate()
        .flat_map_iter(|(k, planes)| planes.iter().map(move |p| (k, SlicePlane::new(p, stack, grid, k, options.overlap))))
        .collect();
    let Some((lo, size)) = slices
        .iter()
        .filter_map(|(k, s)| s.pixels(grid.size()).map(|[lo, hi]| ([lo[0], lo[1], *k], [hi[0], hi[1], *k])))
        .reduce(|(a, b), (lo, hi)| ([0, 1, 2].map(|x| a[x].min(lo[x])), [0, 1, 2].map(|x| b[x].max(hi[x]))))
        .map(|(lo, hi)| (lo, [0, 1, 2].map(|x| hi[x] + 1 - lo[x])))
    else {
        return (Mask::empty(grid), 0);
    };
    let mut block = Array3::<u8>::zeros((size[2], size[1], size[0]));
    let marked = block
        .axis_iter_mut(Axis(0))
        .into_par_iter()
        .enumerate()
        .map(|(at, mut plane)| {
            let own = slices.iter().filter(|(k, _)| *k == lo[2] + at);
            own.map(|(_, s)| s.fill(&mut plane, [lo[0], lo[1]], grid.size())).sum::<usize>()
        })
        .sum();
    (Mask::from_tight_or_loose(grid, lo, block), marked)
}

/// Whether a part of the solid lies beyond the outer faces of the grid.
fn leaves(stack: &PlaneStack, grid: &Grid) -> bool {
    let size = grid.size().map(|n| n as f64);
    let rounding = 1e-6;
    let beyond = |p: Vec3| {
        let at = grid.world_to_index(p);
        (0..3).any(|a| at[a] < -0.5 - rounding || at[a] > size[a] - 0.5 + rounding)
    };
    stack.planes.iter().any(|plane| {
        let points = plane.polygons.iter().flatten();
        points
            .flat_map(|[u, v]| plane.slab_mm.map(|n| stack.frame.lift([*u, *v, n])))
            .any(beyond)
    })
}

#[cfg(test)]
mod tests;
