//! Values of a volume under a mask, and what describes them.

use rt_core::GridTolerance;
use rt_core::float::sum;

use crate::{Mask, MaskError, VolumeView};

/// Moments and extremes of values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Number of values.
    pub count: usize,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// Mean.
    pub mean: f64,
    /// Variance about the mean, divided by the number of values.
    pub variance: f64,
}

impl Summary {
    /// Of finite values; `None` without any.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let count = values.len();
        let mean = sum(values.iter().copied()) / count as f64;
        Some(Self {
            count,
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            mean,
            variance: sum(values.iter().map(|v| (v - mean).powi(2))) / count as f64,
        })
    }

    /// Standard deviation.
    pub fn sd(&self) -> f64 {
        self.variance.sqrt()
    }
}

/// The values of the voxels inside a mask, in order of storage (slice, row, column).
///
/// # Errors
/// [`MaskError::OtherGrid`] when volume and mask are not on the same grid.
pub fn values<T>(volume: VolumeView<'_, T>, mask: &Mask) -> Result<Vec<f64>, MaskError>
where
    T: Copy + Into<f64>,
{
    if let Some(difference) = volume.grid().difference(mask.grid(), GridTolerance::default()) {
        return Err(MaskError::OtherGrid(difference.to_string()));
    }
    let (lo, size) = (mask.lo(), mask.size());
    let data = volume.data();
    let part = data.slice(ndarray::s![lo[2]..lo[2] + size[2], lo[1]..lo[1] + size[1], lo[0]..lo[0] + size[0]]);
    let mut out = Vec::with_capacity(mask.count());
    for (row, inside) in part.rows().into_iter().zip(mask.block().rows()) {
        out.extend(row.iter().zip(inside).filter(|(_, m)| **m != 0).map(|(v, _)| (*v).into()));
    }
    Ok(out)
}

/// Percentile (0 to 100) of ascending values, linear between ranks (numpy's default, Hyndman and Fan 1996 type 7); `None` without
/// values.
pub fn percentile(sorted: &[f64], percent: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let rank = (percent / 100.0).clamp(0.0, 1.0) * last as f64;
    let low = whole(rank.floor());
    let t = rank - low as f64;
    let high = sorted[(low + 1).min(last)];
    Some(sorted[low] + t * (high - sorted[low]))
}

/// Number of values in each bin `[low + n * width, low + (n + 1) * width)`, the last bin closed; values outside are not counted.
pub fn histogram(values: &[f64], low: f64, width: f64, bins: usize) -> Vec<u64> {
    let mut counts = vec![0; bins];
    let high = low + width * bins as f64;
    for v in values.iter().filter(|v| **v >= low && **v <= high) {
        let bin = whole((v - low) / width).min(bins.saturating_sub(1));
        if let Some(count) = counts.get_mut(bin) {
            *count += 1;
        }
    }
    counts
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and below the number of values or bins"
)]
fn whole(v: f64) -> usize {
    v as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Volume;
    use ndarray::Array3;
    use rt_core::{Grid, Vec3};
    use std::sync::Arc;

    #[test]
    fn values_under_a_mask_and_their_moments() {
        let grid = Arc::new(Grid::axis_aligned([4, 3, 2], Vec3::ZERO, [1.0; 3]).unwrap());
        let data = Array3::from_shape_fn((2, 3, 4), |(k, j, i)| (k * 100 + j * 10 + i) as f32);
        let volume = Volume::new(Arc::clone(&grid), data).unwrap();
        let mut b = Array3::<u8>::zeros((2, 3, 4));
        for at in [[0, 1, 1], [0, 2, 3], [1, 1, 2]] {
            b[at] = 1;
        }
        let mask = Mask::from_block(&grid, [0; 3], b).unwrap();
        let v = values(volume.view(), &mask).unwrap();
        assert!(v.iter().zip([11.0, 23.0, 112.0]).all(|(a, b)| (a - b).abs() < 1e-12) && v.len() == 3);
        // Mean 146/3; squares 121 + 529 + 12544 = 13194; variance 13194/3 - (146/3)^2 = 2029.555...
        let s = Summary::of(&v).unwrap();
        assert!((s.mean - 146.0 / 3.0).abs() < 1e-12 && (s.variance - (4398.0 - (146.0f64 / 3.0).powi(2))).abs() < 1e-9);
        assert!((s.min - 11.0).abs() < 1e-12 && (s.max - 112.0).abs() < 1e-12 && s.count == 3);
        assert!(Summary::of(&[]).is_none() && values(volume.view(), &Mask::empty(&grid)).unwrap().is_empty());
        let other = Arc::new(Grid::axis_aligned([4, 3, 3], Vec3::ZERO, [1.0; 3]).unwrap());
        assert!(values(volume.view(), &Mask::empty(&other)).is_err());
    }

    #[test]
    fn percentiles_lie_between_ranks() {
        let v = [1.0, 2.0, 4.0, 8.0];
        // Rank 0.25 * 3 = 0.75: 1 + 0.75.
        for (p, expected) in [(0.0, 1.0), (25.0, 1.75), (50.0, 3.0), (100.0, 8.0), (120.0, 8.0)] {
            assert!((percentile(&v, p).unwrap() - expected).abs() < 1e-12, "{p}");
        }
        assert_eq!(percentile(&[], 50.0), None);
    }

    #[test]
    fn the_last_bin_is_closed() {
        assert_eq!(histogram(&[-0.1, 0.0, 0.99, 1.0, 2.0, 3.0, 3.1], 0.0, 1.0, 3), [2, 1, 2]);
    }
}
