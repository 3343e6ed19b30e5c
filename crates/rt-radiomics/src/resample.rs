//! Resampling of image and mask to a new voxel spacing around a region, in the arithmetic of PyRadiomics and ITK.
//!
//! New voxels share the outer corner of the old grid (`spec/radiomics-conventions.md` section 2). Positions are found as ITK finds them: the
//! ends of a row through index, point and index again, the voxels between by division. Nearest voxels are often ties (2.5 mm to 1 mm), and
//! the last bit of a position decides them.

mod bspline;
mod linear;

/// The parts of the spline that filters use too.
pub(crate) mod spline {
    pub(crate) use super::bspline::{mirrored, prefilter, weights};
}

use ndarray::Array3;
use rayon::prelude::*;
use rt_core::{Grid, Mat3, Vec3};

use crate::error::ExtractError;
use crate::image::{Field, Scaling, crop};
use crate::prepare::Placed;
use crate::sample::{SampleKind, Samples};
use crate::settings::{Interpolator, Resampling, Rounding};

/// Where the new voxels lie.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The new grid.
    pub(crate) grid: Grid,
    /// Position of each new voxel along each axis, as continuous index of the old grid.
    positions: [Vec<f64>; 3],
}

/// The new grid around the box of a region, or `None` when the spacing is the wanted one already: then there is nothing to interpolate.
pub(crate) fn target(grid: &Grid, placed: &Placed, wanted: [f64; 3], pad: usize) -> Result<Option<Target>, ExtractError> {
    let old = grid.spacing();
    let extent = placed.size();
    let new: [f64; 3] = std::array::from_fn(|a| if wanted[a] == 0.0 || extent[a] == 1 { old[a] } else { wanted[a] });
    if (0..3).all(|a| (old[a] - new[a]).abs() <= 1e-8 + 1e-5 * new[a].abs()) {
        return Ok(None);
    }
    let pad = pad as f64;
    let (mut first, mut size) = ([0.0; 3], [0usize; 3]);
    for a in 0..3 {
        let ratio = old[a] / new[a];
        let begin = placed.lo[a] as f64 - 0.5;
        let end = placed.lo[a] as f64 + extent[a] as f64 - 0.5;
        let low = (begin * ratio - pad).floor().max(0.0);
        let high = (end * ratio + pad).ceil().min((grid.size()[a] as f64 * ratio).ceil() - 1.0);
        first[a] = low;
        size[a] = voxel_count(high - low + 1.0)?;
    }
    let to_point = scaled(grid.direction(), old);
    let index = std::array::from_fn(|a| 0.5 * (new[a] - old[a]) / old[a] + first[a] / (old[a] / new[a]));
    let origin = add(product(&to_point, index), grid.origin().into());
    let positions = positions(grid, new, origin, size);
    let grid = Grid::new(size, Vec3::from(origin), new, grid.direction()).map_err(|e| ExtractError::Setting(e.to_string()))?;
    Ok(Some(Target { grid, positions }))
}

/// Most voxels that a resampled box may have along one axis.
const MAX_SIDE: f64 = 65_536.0;

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be from 1 to 65,536"
)]
fn voxel_count(n: f64) -> Result<usize, ExtractError> {
    if (1.0..=MAX_SIDE).contains(&n) {
        Ok(n as usize)
    } else {
        Err(ExtractError::Setting(format!(
            "resampledPixelSpacing would make {n} voxels along an axis of the region; 1 to {MAX_SIDE} are possible"
        )))
    }
}

/// Rows of a 3x3 matrix.
type Rows = [[f64; 3]; 3];

fn rows(m: Mat3) -> Rows {
    std::array::from_fn(|r| std::array::from_fn(|c| m.col(c)[r]))
}

/// Direction times spacing: from index steps to mm.
fn scaled(direction: Mat3, spacing: [f64; 3]) -> Rows {
    rows(direction).map(|row| std::array::from_fn(|c| row[c] * spacing[c]))
}

/// Sum over the columns in order, starting from 0.
fn product(m: &Rows, v: [f64; 3]) -> [f64; 3] {
    m.map(|row| (0..3).fold(0.0, |sum, c| sum + row[c] * v[c]))
}

fn add(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|i| a[i] + b[i])
}

/// From mm to index steps; exact reciprocals where the axes are those of the patient.
fn inverse(direction: Mat3, spacing: [f64; 3]) -> Rows {
    let d = rows(direction);
    let aligned = d.iter().flatten().all(|v| *v == 0.0 || (v.abs() - 1.0).abs() < f64::EPSILON);
    if aligned {
        return std::array::from_fn(|r| std::array::from_fn(|c| if d[c][r] == 0.0 { 0.0 } else { d[c][r].signum() / spacing[r] }));
    }
    let s = Vec3::from(spacing);
    rows((direction * Mat3::from_diagonal(s)).inverse())
}

/// Continuous old index of the new voxels along each axis.
fn positions(grid: &Grid, new: [f64; 3], origin: [f64; 3], size: [usize; 3]) -> [Vec<f64>; 3] {
    let to_point = scaled(grid.direction(), new);
    let to_index = inverse(grid.direction(), grid.spacing());
    let old_origin: [f64; 3] = grid.origin().into();
    let index = |axis: usize, n: usize| {
        let mut at = [0.0; 3];
        at[axis] = n as f64;
        let point = add(product(&to_point, at), origin);
        product(&to_index, std::array::from_fn(|a| point[a] - old_origin[a]))[axis]
    };
    let (begin, end) = (index(0, 0), index(0, size[0]));
    let along_row = (0..size[0]).map(|n| begin + n as f64 / size[0] as f64 * (end - begin)).collect();
    [
        along_row,
        (0..size[1]).map(|n| index(1, n)).collect(),
        (0..size[2]).map(|n| index(2, n)).collect(),
    ]
}

/// Whether a continuous index lies in an axis of `n` voxels, outer half voxels included at the lower end.
fn inside(p: f64, n: usize) -> bool {
    p >= -0.5 && p < n as f64 - 0.5
}

/// The nearest voxel along each axis; `None` outside.
fn nearest(positions: &[f64], n: usize) -> Vec<Option<usize>> {
    positions
        .iter()
        .map(|p| inside(*p, n).then(|| whole((p + 0.5).floor()).min(n - 1)))
        .collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a voxel index inside an axis")]
fn whole(v: f64) -> usize {
    v.max(0.0) as usize
}

/// The mask on the new grid, nearest voxel; `None` when nothing is left of it.
pub(crate) fn mask(grid: &Grid, placed: &Placed, target: &Target) -> Option<Placed> {
    let at: [Vec<Option<usize>>; 3] = std::array::from_fn(|a| {
        let inner = |v: usize| v.checked_sub(placed.lo[a]).filter(|v| *v < placed.size()[a]);
        let all = nearest(&target.positions[a], grid.size()[a]);
        all.into_iter().map(|v| v.and_then(inner)).collect()
    });
    let (nk, nj, ni) = target.grid.shape();
    let mut block = Array3::<u8>::zeros((nk, nj, ni));
    for (k, plane_at) in at[2].iter().enumerate() {
        let Some(from_k) = *plane_at else { continue };
        for (j, row_at) in at[1].iter().enumerate() {
            let Some(from_j) = *row_at else { continue };
            for (i, from_i) in at[0].iter().enumerate() {
                if let Some(from_i) = *from_i {
                    block[[k, j, i]] = placed.block[[from_k, from_j, from_i]];
                }
            }
        }
    }
    Placed::tight([0; 3], block)
}

/// Voxels beyond which a B-spline coefficient no longer depends on a sample, to the last bit with near certainty: the filter's pole to this
/// power is 1e-37.
const REACH: usize = 64;

/// The image on the new grid.
pub(crate) fn image(samples: &Samples<'_>, scaling: Option<Scaling>, target: &Target, how: Resampling) -> Field {
    let grid = samples.grid();
    let n = grid.size();
    let reach = if how.interpolator == Interpolator::BSpline { REACH } else { 2 };
    // The part of the input that the values depend on.
    let range: [(usize, usize); 3] = std::array::from_fn(|a| {
        let ends = target.positions[a]
            .iter()
            .copied()
            .fold((f64::INFINITY, 0.0f64), |(lo, hi), p| (lo.min(p), hi.max(p)));
        let first = whole(ends.0.floor()).saturating_sub(reach);
        (first, (whole(ends.1.floor()) + reach + 1).min(n[a]))
    });
    let lo = range.map(|r| r.0);
    let size = range.map(|r| r.1 - r.0);
    let mut part = crop(samples, scaling, lo, size);
    let axes: [Axis<'_>; 3] = std::array::from_fn(|a| Axis {
        positions: &target.positions[a],
        first: lo[a],
        whole: n[a],
    });
    let kind = part.kind;
    let rounding = how.rounding;
    let store = |v: f64| store(v, kind, rounding);
    let data = match how.interpolator {
        Interpolator::Nearest => by_slice(&target.grid, |k, out| linear::nearest_slice(&part, &axes, k, out)),
        Interpolator::Linear => by_slice(&target.grid, |k, out| linear::slice(&part, &axes, k, &store, out)),
        Interpolator::BSpline => {
            bspline::prefilter(&mut part);
            let exact = kind.integer_range().is_some();
            let evaluator = bspline::Evaluator::new(&part, &axes, exact);
            by_slice(&target.grid, |k, out| evaluator.slice(k, &store, out))
        }
    };
    Field {
        size: target.grid.size(),
        spacing: target.grid.spacing(),
        kind,
        data,
    }
}

/// One axis of a resampling: new positions as old indices, and which part of the old axis is at hand.
#[derive(Debug, Clone, Copy)]
struct Axis<'a> {
    positions: &'a [f64],
    /// First old voxel at hand.
    first: usize,
    /// Length of the whole old axis.
    whole: usize,
}

/// What the sample type makes of an interpolated value.
fn store(value: f64, kind: SampleKind, rounding: Rounding) -> f64 {
    match (kind.integer_range(), rounding) {
        (Some((lo, hi)), Rounding::Nearest) => value.clamp(lo, hi).round(),
        _ => kind.store(value),
    }
}

/// Fills a volume slice by slice, on all threads.
fn by_slice(grid: &Grid, fill: impl Fn(usize, &mut [f64]) + Sync) -> Vec<f64> {
    let (nk, nj, ni) = grid.shape();
    let mut data = vec![0.0; nk * nj * ni];
    data.par_chunks_mut(nj * ni).enumerate().for_each(|(k, out)| fill(k, out));
    data
}

/// A box of the input around the region and its padding, when there is nothing to interpolate.
pub(crate) fn padded(
    samples: &Samples<'_>,
    scaling: Option<Scaling>,
    placed: &Placed,
    pad: usize,
) -> Result<(Field, Placed, Grid), ExtractError> {
    let grid = samples.grid();
    let lo = placed.lo.map(|v| v.saturating_sub(pad));
    let size: [usize; 3] = std::array::from_fn(|a| (placed.lo[a] + placed.size()[a] + pad).min(grid.size()[a]) - lo[a]);
    let part = grid.crop(lo, size).map_err(|e| ExtractError::Setting(e.to_string()))?;
    let inner = Placed {
        lo: std::array::from_fn(|a| placed.lo[a] - lo[a]),
        block: placed.block.clone(),
    };
    Ok((crop(samples, scaling, lo, size), inner, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(lo: [usize; 3], size: [usize; 3]) -> Placed {
        Placed {
            lo,
            block: Array3::ones((size[2], size[1], size[0])),
        }
    }

    #[test]
    fn new_voxels_share_the_corner_of_the_old_grid() {
        // 2 mm to 1 mm along i: a region from voxel 10 to 14 begins at (10 - 0.5) x 2 - 5 = 14 and ends at ceil(14.5 x 2 + 5) = 34.
        let grid = Grid::axis_aligned([100, 100, 30], Vec3::new(5.0, 0.0, 0.0), [2.0, 1.0, 3.0]).unwrap();
        let region = placed([10, 20, 8], [5, 5, 1]);
        let t = target(&grid, &region, [1.0, 0.0, 1.0], 5).unwrap().unwrap();
        // One slice and a spacing of 0 keep theirs.
        assert!(t.grid.spacing().iter().zip([1.0, 1.0, 3.0]).all(|(a, b)| (a - b).abs() < 1e-15));
        assert_eq!(t.grid.size()[0], 21);
        // The corner of voxel 0 at 4 mm is the origin of the new lattice: voxel 14 has its centre at 4 + 14.5.
        assert!((t.grid.origin().x - 18.5).abs() < 1e-12);
        assert!((t.positions[0][0] - 6.75).abs() < 1e-12);
        let new = mask(&grid, &region, &t).unwrap();
        assert_eq!((new.lo[0], new.size()), (6, [10, 5, 1]));
        assert!(new.block.iter().all(|v| *v == 1));
        assert!(target(&grid, &region, [2.0, 1.0, 3.0], 5).unwrap().is_none());
        assert!(target(&grid, &region, [1e-9, 1.0, 3.0], 5).is_err());
    }
}
