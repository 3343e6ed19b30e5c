//! Two delineations of one structure: overlap, distances between the surfaces, and how much would have to be drawn again.
//!
//! Surfaces are marching-cubes meshes in mm; every figure over a surface is weighted by area, so anisotropic voxels do not count twice.
//! A and B below are the reference (manual, first observer) and the other mask; d(x, S) is the distance from x to the nearest point
//! of S. Surfaces of voxels have steps, and the nearest point is the step that stands out: distances between smooth surfaces come out
//! up to a quarter of a voxel too small (20 and 25 mm spheres on 1 x 1 x 2 mm voxels: 4.74 mm on average). Sources: Dice 1945; Huttenlocher et al. 1993 (Hausdorff); Nikolov et al. 2021 (surface Dice); Vaassen et al. 2020 (added path
//! length); Podobnik and Vrtovec 2023 (why surfaces must be weighted); `spec/user-experience.md` section 7.
//!
//! ```
//! use std::sync::Arc;
//! use ndarray::Array3;
//! use rt_core::{Grid, Vec3};
//! use rt_image::Mask;
//! use rt_qc::compare::compare;
//! let grid = Arc::new(Grid::axis_aligned([40, 30, 20], Vec3::new(0.0, 0.0, 0.0), [1.0, 1.0, 2.0])?);
//! let cuboid = |x: usize| Mask::from_block(&grid, [x, 5, 5], Array3::ones((10, 10, 20)));
//! let found = compare(&cuboid(5)?, &cuboid(9)?)?;
//! assert_eq!(found.dice, Some(0.8)); // 16 of 20 columns are common
//! assert_eq!(found.centre_shift_mm, Some([4.0, 0.0, 0.0]));
//! assert!((found.hausdorff_mm.unwrap() - 4.0).abs() < 0.5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use rayon::prelude::*;
use rt_core::float::Sum;
use rt_core::{Grid, GridTolerance, Vec3};
use rt_image::Mask;
use rt_image::mesh::{BitGrid, SurfaceIndex, facet_area, facet_centre, facets};

/// Tolerances of the surface Dice, mm.
pub const SURFACE_TOLERANCES_MM: [f64; 3] = [1.0, 2.0, 3.0];

/// Far below any voxel, far above the rounding of coordinates in mm.
const TOUCHING_MM: f64 = 1e-9;

/// What two masks differ in. Distances are empty when one of the masks is; the overlap when both are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Comparison {
    /// Volume of A, cm3.
    pub reference_cc: f64,
    /// Volume of B, cm3.
    pub other_cc: f64,
    /// B - A, cm3.
    pub difference_cc: f64,
    /// B / A; empty when A is.
    pub volume_ratio: Option<f64>,
    /// 2 |A and B| / (|A| + |B|).
    pub dice: Option<f64>,
    /// |A and B| / |A or B|.
    pub jaccard: Option<f64>,
    /// Largest distance of a point of one surface from the other, both directions, mm.
    pub hausdorff_mm: Option<f64>,
    /// The distance that 95 % of a surface's area stays below, the larger of both directions, mm.
    pub hd95_mm: Option<f64>,
    /// The same for 99 %.
    pub hd99_mm: Option<f64>,
    /// Mean of d over both surfaces together, mm.
    pub mean_surface_distance_mm: Option<f64>,
    /// Share of both surfaces that lies within each of [`SURFACE_TOLERANCES_MM`] of the other.
    pub surface_dice: Option<[f64; 3]>,
    /// Length of A's outline, slice by slice, where B has none: what would have to be drawn again, mm.
    pub added_path_length_mm: Option<f64>,
    /// Centre of B - centre of A, `[x, y, z]` in patient coordinates (LPS), mm.
    pub centre_shift_mm: Option<[f64; 3]>,
}

/// Two masks that cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// Their voxels are not the same places.
    #[error("the masks lie on different grids ({0}); resample one onto the grid of the other first")]
    Grids(String),
    /// Distances along the axes are no distances in space.
    #[error("the grid is sheared or unevenly spaced; resample both masks onto a right-angled grid first")]
    Skew,
}

impl CompareError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Grids(_) => "compare.grid_mismatch",
            Self::Skew => "compare.grid_skew",
        }
    }
}

/// Compares two masks on one grid.
///
/// # Errors
/// [`CompareError`] when the grids differ, or are sheared or uneven.
pub fn compare(reference: &Mask, other: &Mask) -> Result<Comparison, CompareError> {
    let grid = reference.grid();
    if let Some(difference) = grid.difference(other.grid(), GridTolerance::default()) {
        return Err(CompareError::Grids(difference.to_string()));
    }
    if !grid.is_right_angled(0.01) || !grid.is_uniform() {
        return Err(CompareError::Skew);
    }
    let common = common_voxels(reference, other) as f64;
    let (a, b) = (reference.count() as f64, other.count() as f64);
    let (reference_cc, other_cc) = (reference.volume().value(), other.volume().value());
    let share = |part: f64, of: f64| (of > 0.0).then(|| part / of);
    let mut found = Comparison {
        reference_cc,
        other_cc,
        difference_cc: other_cc - reference_cc,
        volume_ratio: share(other_cc, reference_cc),
        dice: share(2.0 * common, a + b),
        jaccard: share(common, a + b - common),
        ..Comparison::default()
    };
    if reference.is_empty() || other.is_empty() {
        return Ok(found);
    }
    let (from, to) = (centre(reference), centre(other));
    found.centre_shift_mm = Some([to.x - from.x, to.y - from.y, to.z - from.z]);
    found.added_path_length_mm = Some(added_path_length(reference, other));
    surfaces(reference, other, &mut found);
    Ok(found)
}

fn common_voxels(a: &Mask, b: &Mask) -> usize {
    let own = a.block();
    // The box of `a` lies within the grid, so this cannot fail; an empty answer would count nothing.
    b.block_in(a.lo(), a.size())
        .map_or(0, |there| own.iter().zip(&there).filter(|(x, y)| **x != 0 && **y != 0).count())
}

fn centre(mask: &Mask) -> Vec3 {
    let lo = mask.lo();
    let (mut i, mut j, mut k) = (0u64, 0u64, 0u64);
    for ((dk, dj, di), _) in mask.block().indexed_iter().filter(|(_, v)| **v != 0) {
        i += (lo[0] + di) as u64;
        j += (lo[1] + dj) as u64;
        k += (lo[2] + dk) as u64;
    }
    let n = mask.count() as f64;
    mask.grid().index_to_world(Vec3::new(i as f64 / n, j as f64 / n, k as f64 / n))
}

/// Distances of one surface from another, with the area that each stands for, nearest first.
struct Distances {
    /// (distance, area) of each facet's centre.
    of: Vec<(f64, f64)>,
    area: f64,
    /// Over the corners of the facets too.
    largest: f64,
}

fn surfaces(reference: &Mask, other: &Mask, found: &mut Comparison) {
    let (a, b) = (surface_of(reference), surface_of(other));
    let both = [Distances::between(&a, &b), Distances::between(&b, &a)];
    let area = both[0].area + both[1].area;
    let worst = |f: &dyn Fn(&Distances) -> f64| f64::max(f(&both[0]), f(&both[1]));
    found.hausdorff_mm = Some(worst(&|d| d.largest));
    found.hd95_mm = Some(worst(&|d| d.percentile(0.95)));
    found.hd99_mm = Some(worst(&|d| d.percentile(0.99)));
    found.mean_surface_distance_mm = Some(both.iter().map(Distances::integral).sum::<f64>() / area);
    found.surface_dice = Some(SURFACE_TOLERANCES_MM.map(|t| both.iter().map(|d| d.area_within(t)).sum::<f64>() / area));
}

/// The surface in mm along the axes of the grid.
fn surface_of(mask: &Mask) -> SurfaceIndex {
    let spacing = mask.grid().spacing();
    let lo = mask.lo();
    let mut all = facets(&BitGrid::new(mask.block()), spacing);
    for corner in all.iter_mut().flatten() {
        for axis in 0..3 {
            corner[axis] += lo[axis] as f64 * spacing[axis];
        }
    }
    SurfaceIndex::new(all)
}

impl Distances {
    fn between(from: &SurfaceIndex, to: &SurfaceIndex) -> Self {
        // Chunks of fixed size: the same sums for every number of threads.
        let parts: Vec<(Vec<(f64, f64)>, f64)> = from.facets().par_chunks(4096).map(|chunk| measure(chunk, to)).collect();
        let largest = parts.iter().map(|(_, largest)| *largest).fold(0.0, f64::max);
        let mut of: Vec<(f64, f64)> = parts.into_iter().flat_map(|(of, _)| of).collect();
        of.sort_by(|x, y| x.0.total_cmp(&y.0).then(x.1.total_cmp(&y.1)));
        let area = of.iter().map(|(_, area)| *area).collect::<Sum>().value();
        Self { of, area, largest }
    }

    fn percentile(&self, share: f64) -> f64 {
        let mut below = 0.0;
        for (distance, area) in &self.of {
            below += area;
            if below >= share * self.area {
                return *distance;
            }
        }
        self.largest
    }

    fn integral(&self) -> f64 {
        self.of.iter().map(|(distance, area)| distance * area).collect::<Sum>().value()
    }

    fn area_within(&self, mm: f64) -> f64 {
        // A distance that is the tolerance but for rounding lies within it.
        let within = self.of.iter().take_while(|(distance, _)| *distance <= mm + TOUCHING_MM);
        within.map(|(_, area)| *area).collect::<Sum>().value()
    }
}

fn measure(chunk: &[[[f64; 3]; 3]], to: &SurfaceIndex) -> (Vec<(f64, f64)>, f64) {
    let mut hint = usize::MAX;
    let mut largest = 0.0_f64;
    let mut out = Vec::with_capacity(chunk.len());
    for facet in chunk {
        let mut at = |point| {
            let (distance, facet) = to.nearest(point, hint).unwrap_or((f64::INFINITY, usize::MAX));
            hint = facet;
            // A point of the surface itself is off it by rounding alone.
            if distance < TOUCHING_MM { 0.0 } else { distance }
        };
        let middle = facet_centre(facet);
        let distance = at(middle);
        largest = largest.max(distance);
        // Nowhere on the facet is it farther than from its centre and then to the corner.
        let reach = facet.iter().map(|corner| gap(*corner, middle)).fold(0.0, f64::max);
        if distance + reach > largest {
            largest = facet.map(&mut at).into_iter().fold(largest, f64::max);
        }
        out.push((distance, facet_area(facet)));
    }
    (out, largest)
}

fn gap(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|x| (a[x] - b[x]).powi(2)).sum::<f64>().sqrt()
}

/// Outline pixels of A that are none of B, times the side of a pixel. A pixel is on the outline when it lies inside and one of its four
/// neighbours in the slice does not.
fn added_path_length(reference: &Mask, other: &Mask) -> f64 {
    let lo = reference.lo();
    let block = reference.block();
    let is_outline = |mask: &Mask, i: usize, j: usize, k: usize| {
        let inside = |i: Option<usize>, j: Option<usize>| i.zip(j).is_some_and(|(i, j)| mask.contains(i, j, k));
        mask.contains(i, j, k)
            && !(inside(i.checked_sub(1), Some(j))
                && inside(Some(i + 1), Some(j))
                && inside(Some(i), j.checked_sub(1))
                && inside(Some(i), Some(j + 1)))
    };
    let missing = block.indexed_iter().filter(|((dk, dj, di), v)| {
        let (i, j, k) = (lo[0] + di, lo[1] + dj, lo[2] + dk);
        **v != 0 && is_outline(reference, i, j, k) && !is_outline(other, i, j, k)
    });
    missing.count() as f64 * pixel_side(reference.grid())
}

fn pixel_side(grid: &Grid) -> f64 {
    let [dx, dy, _] = grid.spacing();
    (dx * dy).sqrt()
}

#[cfg(test)]
mod tests;
