//! Exact Euclidean distance transform on anisotropic grids.
//!
//! Squared distances separate by axis: along each line the transform is the lower envelope of parabolas
//! `f(q) + (step (p - q))^2` (Felzenszwalb and Huttenlocher, Theory of Computing 8, 2012). Three passes give the exact
//! squared distance between voxel centres in time proportional to the number of voxels; lines run in parallel, and each
//! line is computed alone, so that the result does not depend on the number of threads.

use ndarray::parallel::prelude::*;
use ndarray::{Array3, ArrayView3, ArrayViewMut2, Axis, s};

use crate::mask::{Mask, MaskError};

/// Why a distance cannot be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DistanceError {
    /// The axes of the grid are not perpendicular (gantry tilt), or its slices are uneven.
    #[error("distances need a right-angled grid with even slices: resample the image first")]
    NotSeparable,
    /// The box leaves the grid.
    #[error(transparent)]
    Mask(#[from] MaskError),
}

impl DistanceError {
    /// Stable code for tables and events.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotSeparable => "image.not_right_angled",
            Self::Mask(_) => "image.out_of_range",
        }
    }
}

/// Working memory of one line; reused from line to line.
#[derive(Debug, Default)]
pub(crate) struct Envelope {
    /// Values of the line before the transform.
    f: Vec<f64>,
    /// Apex of each parabola of the envelope.
    apex: Vec<usize>,
    /// Where each parabola begins to be the lowest, in samples.
    from: Vec<f64>,
}

impl Envelope {
    /// Replaces `line[p]` by the smallest `line[q] + step2 (p - q)^2` over all `q`; infinite samples are no source.
    pub(crate) fn transform(&mut self, line: &mut [f64], step2: f64) {
        self.f.clear();
        self.f.extend_from_slice(line);
        self.apex.clear();
        self.from.clear();
        for (q, &fq) in self.f.iter().enumerate() {
            if fq.is_finite() {
                push(&mut self.apex, &mut self.from, &self.f, q, step2);
            }
        }
        if self.apex.is_empty() {
            return;
        }
        let mut at = 0;
        for (p, out) in line.iter_mut().enumerate() {
            while at + 1 < self.apex.len() && self.from[at + 1] <= p as f64 {
                at += 1;
            }
            let q = self.apex[at];
            let d = p.abs_diff(q) as f64;
            *out = self.f[q] + step2 * d * d;
        }
    }
}

/// Adds the parabola with apex `q` to the envelope and removes those that it hides.
fn push(apex: &mut Vec<usize>, from: &mut Vec<f64>, f: &[f64], q: usize, step2: f64) {
    let mut start = f64::NEG_INFINITY;
    while let (Some(&v), Some(&begin)) = (apex.last(), from.last()) {
        let (x, y) = (q as f64, v as f64);
        start = ((f[q] - f[v]) / step2 + x * x - y * y) / (2.0 * (x - y));
        if start > begin {
            break;
        }
        apex.pop();
        from.pop();
        start = f64::NEG_INFINITY;
    }
    apex.push(q);
    from.push(start);
}

/// Transforms a plane `[j, i]` along both of its axes; steps `[i, j]` in mm.
pub(crate) fn transform_plane(plane: &mut ArrayViewMut2<'_, f64>, step: [f64; 2], work: &mut Envelope) {
    for mut row in plane.rows_mut() {
        match row.as_slice_mut() {
            Some(line) => work.transform(line, step[0] * step[0]),
            None => along(&mut row.insert_axis(Axis(1)), step[0], work),
        }
    }
    along(plane, step[1], work);
}

/// Transforms a plane along its first axis, one column after the other.
fn along(plane: &mut ArrayViewMut2<'_, f64>, step: f64, work: &mut Envelope) {
    let mut line = vec![0.0; plane.nrows()];
    for mut column in plane.columns_mut() {
        if column.iter().all(|v| v.is_infinite()) {
            continue;
        }
        line.iter_mut().zip(&column).for_each(|(a, b)| *a = *b);
        work.transform(&mut line, step * step);
        column.iter_mut().zip(&line).for_each(|(a, b)| *a = *b);
    }
}

/// Squared distance in mm2 from every voxel centre of a block `[k, j, i]` to the nearest centre that is set.
///
/// `spacing` is `[i, j, k]` in mm, axes perpendicular. Set voxels have 0; without any set voxel all are infinite.
pub fn squared_distance(sites: ArrayView3<'_, u8>, spacing: [f64; 3]) -> Array3<f64> {
    let mut field = sites.map(|v| if *v == 0 { f64::INFINITY } else { 0.0 });
    field
        .axis_iter_mut(Axis(0))
        .into_par_iter()
        .for_each_init(Envelope::default, |work, mut plane| {
            transform_plane(&mut plane, [spacing[0], spacing[1]], work);
        });
    field
        .axis_iter_mut(Axis(1))
        .into_par_iter()
        .for_each_init(Envelope::default, |work, mut plane| along(&mut plane, spacing[2], work));
    field
}

/// Distance in mm from every voxel centre of a box of the grid to the nearest voxel centre of the mask.
///
/// The box starts at `lo = [i, j, k]` and has `size` voxels; the mask may lie partly or wholly outside it. An empty mask gives
/// infinite distances. The array is `[k, j, i]`.
///
/// # Errors
/// [`DistanceError::NotSeparable`] on a sheared grid or uneven slices, [`DistanceError::Mask`] when the box leaves the grid.
pub fn distance_mm(mask: &Mask, lo: [usize; 3], size: [usize; 3]) -> Result<Array3<f64>, DistanceError> {
    let grid = mask.grid();
    if !is_separable(grid) {
        return Err(DistanceError::NotSeparable);
    }
    let own = mask.size();
    let (first, whole) = if mask.is_empty() {
        (lo, size)
    } else {
        let first = [0, 1, 2].map(|a| lo[a].min(mask.lo()[a]));
        (first, [0, 1, 2].map(|a| (lo[a] + size[a]).max(mask.lo()[a] + own[a]) - first[a]))
    };
    let mut field = squared_distance(mask.block_in(first, whole)?.view(), grid.spacing());
    field.par_mapv_inplace(f64::sqrt);
    let from = [0, 1, 2].map(|a| lo[a] - first[a]);
    let part = s![from[2]..from[2] + size[2], from[1]..from[1] + size[1], from[0]..from[0] + size[0]];
    Ok(if whole == size { field } else { field.slice(part).to_owned() })
}

/// Whether squared distances separate along the axes of the grid.
pub(crate) fn is_separable(grid: &rt_core::Grid) -> bool {
    grid.is_right_angled(0.05) && grid.is_uniform()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rt_core::{Grid, Vec3};
    use std::sync::Arc;

    fn brute(sites: &Array3<u8>, s: [f64; 3]) -> Array3<f64> {
        let set: Vec<_> = sites.indexed_iter().filter(|(_, v)| **v != 0).map(|(at, _)| at).collect();
        Array3::from_shape_fn(sites.dim(), |(k, j, i)| {
            set.iter()
                .map(|&(c, b, a)| {
                    let d = [i.abs_diff(a), j.abs_diff(b), k.abs_diff(c)];
                    (0..3).map(|x| (d[x] as f64 * s[x]).powi(2)).sum::<f64>()
                })
                .fold(f64::INFINITY, f64::min)
        })
    }

    #[test]
    fn hand_worked_line() {
        // Sites at 1 and 4 of 6 samples, 2 mm apart: distances 2 0 2 2 0 2 mm.
        let mut sites = Array3::<u8>::zeros((1, 1, 6));
        sites[[0, 0, 1]] = 1;
        sites[[0, 0, 4]] = 1;
        let d = squared_distance(sites.view(), [2.0, 1.0, 1.0]);
        assert_eq!(d.into_raw_vec_and_offset().0, vec![4.0, 0.0, 4.0, 4.0, 0.0, 4.0]);
    }

    #[test]
    fn nothing_set_is_infinitely_far() {
        let d = squared_distance(Array3::zeros((2, 3, 4)).view(), [1.0; 3]);
        assert!(d.iter().all(|v| v.is_infinite()));
    }

    #[test]
    fn offsets_of_the_samples_are_honoured() {
        // f = (0, inf, -3): at 0 the second source gives -3 + 4 = 1, at 1 min(1, -2) = -2.
        let mut line = [0.0, f64::INFINITY, -3.0];
        Envelope::default().transform(&mut line, 1.0);
        let expected = [0.0, -2.0, -3.0];
        assert!(
            line.iter().zip(expected).all(|(a, b): (&f64, f64)| (a - b).abs() < 1e-15),
            "{line:?}"
        );
    }

    #[test]
    fn a_box_away_from_the_mask_measures_to_it() {
        let grid = Arc::new(Grid::axis_aligned([10, 4, 3], Vec3::ZERO, [1.5, 1.0, 3.0]).unwrap());
        let m = Mask::from_block(&grid, [1, 1, 1], Array3::ones((1, 1, 1))).unwrap();
        let d = distance_mm(&m, [5, 1, 2], [2, 1, 1]).unwrap();
        // (5-1) * 1.5 = 6 mm across, one slice of 3 mm up.
        assert!((d[[0, 0, 0]] - 45.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(d.dim(), (1, 1, 2));
        assert!(distance_mm(&Mask::empty(&grid), [0; 3], [2; 3]).unwrap()[[0, 0, 0]].is_infinite());
    }

    #[test]
    fn a_sheared_grid_is_refused() {
        let w = Vec3::new(0.0, 0.2, 1.0);
        let d = rt_core::Mat3::from_cols(Vec3::X, Vec3::Y, w);
        let grid = Arc::new(Grid::new([3, 3, 3], Vec3::ZERO, [1.0; 3], d).unwrap());
        let e = distance_mm(&Mask::empty(&grid), [0; 3], [1; 3]).unwrap_err();
        assert_eq!(e.code(), "image.not_right_angled");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn equals_brute_force(bits in proptest::collection::vec(0u8..40, 9 * 10 * 11)) {
            let sites = Array3::from_shape_vec((9, 10, 11), bits).unwrap().mapv(|v| u8::from(v == 0));
            let spacing = [0.7, 1.3, 3.1];
            let (a, b) = (squared_distance(sites.view(), spacing), brute(&sites, spacing));
            for (x, y) in a.iter().zip(&b) {
                prop_assert!((x.is_infinite() && y.is_infinite()) || (x.sqrt() - y.sqrt()).abs() < 1e-9);
            }
        }
    }
}
