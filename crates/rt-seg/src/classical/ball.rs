//! Dilation and erosion by a ball in mm, exact on anisotropic grids and without a distance transform.
//!
//! Along each row every voxel gets its distance to the nearest set voxel of that row (in voxels, capped). A voxel lies within the
//! ball of a set voxel when in one of the rows around it that distance is at most the half chord of the ball there. Rows are
//! compared whole, so that the work is a few byte comparisons a voxel: a ball of 6 mm takes a tenth of an exact distance transform.
//! The result is that of the threshold `distance <= radius` between voxel centres. Beyond the image there is nothing to dilate from and
//! nothing to erode from: a structure cut by the border is not shortened.

use ndarray::{Array3, ArrayView1, Axis};
use rayon::prelude::*;

/// Voxels within a radius of a voxel, as chords of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ball {
    /// Row offset (dk, dj) and half chord in voxels along i, from the innermost row outwards.
    chords: Vec<(isize, isize, u8)>,
}

/// Row distances are capped here; a ball may reach one less.
const FAR: u8 = u8::MAX;

impl Ball {
    /// A ball of `radius` mm on spacing `[i, j, k]` mm.
    pub(crate) fn new(radius: f64, spacing: [f64; 3]) -> Self {
        Self::with(radius, spacing, steps(radius, spacing[1]), steps(radius, spacing[2]))
    }

    /// A disc within a slice.
    pub(crate) fn disc(radius: f64, spacing: [f64; 3]) -> Self {
        Self::with(radius, spacing, steps(radius, spacing[1]), 0)
    }

    /// A line across slices.
    pub(crate) fn line_k(radius: f64, spacing: [f64; 3]) -> Self {
        let n = steps(radius, spacing[2]);
        Self {
            chords: (-n..=n).map(|dk| (dk, 0, 0)).collect(),
        }
    }

    fn with(radius: f64, spacing: [f64; 3], nj: isize, nk: isize) -> Self {
        let mut chords = Vec::new();
        for dk in -nk..=nk {
            for dj in -nj..=nj {
                let rest = radius * radius - (dk as f64 * spacing[2]).powi(2) - (dj as f64 * spacing[1]).powi(2);
                if rest >= -1e-9 {
                    let reach = (rest.max(0.0).sqrt() / spacing[0] + 1e-9).floor().min(f64::from(FAR - 1));
                    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 254")]
                    chords.push((dk, dj, reach as u8));
                }
            }
        }
        chords.sort_by_key(|(dk, dj, _)| (dk.abs() + dj.abs(), *dk, *dj));
        Self { chords }
    }

    /// Voxels within the ball of a set voxel.
    pub(crate) fn dilate(&self, block: &Array3<u8>) -> Array3<u8> {
        self.near(block, 1)
    }

    /// Voxels whose whole ball is set, as far as it lies in the block.
    pub(crate) fn erode(&self, block: &Array3<u8>) -> Array3<u8> {
        let mut out = self.near(block, 0);
        invert(&mut out);
        out
    }

    /// Dilation, then erosion: fills what the ball cannot enter.
    pub(crate) fn close(&self, block: &Array3<u8>) -> Array3<u8> {
        self.erode(&self.dilate(block))
    }

    /// Erosion, then dilation: removes what cannot hold the ball.
    pub(crate) fn open(&self, block: &Array3<u8>) -> Array3<u8> {
        self.dilate(&self.erode(block))
    }

    /// 1 where a voxel of value `site` lies within the ball.
    #[expect(clippy::expect_used, reason = "the result is allocated with the length of the block")]
    fn near(&self, block: &Array3<u8>, site: u8) -> Array3<u8> {
        let (nk, nj, ni) = block.dim();
        let mut distance = vec![0u8; block.len()];
        let mut occupied = vec![false; nk * nj];
        if block.is_empty() {
            return Array3::zeros(block.dim());
        }
        distance
            .par_chunks_mut(nj * ni)
            .zip(occupied.par_chunks_mut(nj))
            .zip(block.axis_iter(Axis(0)))
            .for_each(|((plane, any), source)| {
                for ((out, any), row) in plane.chunks_mut(ni).zip(any).zip(source.rows()) {
                    *any = row_distance(row, site, out);
                }
            });
        let mut result = vec![0u8; block.len()];
        result.par_chunks_mut(nj * ni).enumerate().for_each(|(k, plane)| {
            for (j, row) in plane.chunks_mut(ni).enumerate() {
                for (dk, dj, reach) in &self.chords {
                    let (Some(k), Some(j)) = (within(k, *dk, nk), within(j, *dj, nj)) else {
                        continue;
                    };
                    let at = k * nj + j;
                    if occupied[at] {
                        mark_within(row, &distance[at * ni..(at + 1) * ni], *reach);
                    }
                }
            }
        });
        Array3::from_shape_vec(block.dim(), result).expect("as many bytes as the block has voxels")
    }
}

/// Sets the voxels whose distance is at most `reach`; a loop of byte comparisons that compilers turn into vector instructions.
fn mark_within(row: &mut [u8], distance: &[u8], reach: u8) {
    for (out, d) in row.iter_mut().zip(distance) {
        *out |= u8::from(*d <= reach);
    }
}

fn within(at: usize, by: isize, n: usize) -> Option<usize> {
    at.checked_add_signed(by).filter(|x| *x < n)
}

/// Whole steps that fit into a radius.
fn steps(radius: f64, spacing: f64) -> isize {
    #[expect(clippy::cast_possible_truncation, reason = "radii of a few mm over spacings of tenths of mm")]
    let n = (radius / spacing + 1e-9).floor() as isize;
    n
}

/// Distance in voxels from each voxel of a row to the nearest one of value `site`; false when there is none.
fn row_distance(row: ArrayView1<'_, u8>, site: u8, out: &mut [u8]) -> bool {
    let mut last = FAR;
    for (d, v) in out.iter_mut().zip(row) {
        last = if *v == site { 0 } else { last.saturating_add(1) };
        *d = last;
    }
    if !row.iter().any(|v| *v == site) {
        return false;
    }
    last = FAR;
    for (d, v) in out.iter_mut().rev().zip(row.iter().rev()) {
        last = if *v == site { 0 } else { last.saturating_add(1) };
        *d = last.min(*d);
    }
    true
}

/// 1 becomes 0 and 0 becomes 1.
pub(crate) fn invert(block: &mut Array3<u8>) {
    block.par_mapv_inplace(|v| 1 - v);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, one_in: u32) -> Vec<u8> {
        let mut x = 12_345u32;
        (0..n)
            .map(|_| {
                x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                u8::from((x >> 8).is_multiple_of(one_in))
            })
            .collect()
    }

    #[test]
    fn dilation_is_the_threshold_of_the_exact_distance() {
        let block = Array3::from_shape_vec((7, 11, 13), noise(7 * 11 * 13, 60)).unwrap();
        let spacing = [0.7, 1.1, 2.5];
        let exact = rt_image::edt::squared_distance(block.view(), spacing);
        for radius in [0.5, 1.1, 2.5, 3.7, 6.0] {
            let ball = Ball::new(radius, spacing).dilate(&block);
            let disc = exact.map(|d| u8::from(*d <= radius * radius + 1e-9));
            assert_eq!(ball, disc, "radius {radius}");
        }
    }

    #[test]
    fn erosion_is_the_dilation_of_the_outside() {
        let block = Array3::from_shape_vec((5, 9, 17), noise(5 * 9 * 17, 9)).unwrap().mapv(|v| 1 - v);
        let ball = Ball::new(2.0, [1.0, 1.0, 2.0]);
        let mut outside = block.clone();
        invert(&mut outside);
        let mut expected = ball.dilate(&outside);
        invert(&mut expected);
        assert_eq!(ball.erode(&block), expected);
    }

    #[test]
    fn a_full_block_is_not_eroded_from_its_border() {
        let full = Array3::<u8>::ones((3, 4, 5));
        assert_eq!(Ball::new(3.0, [1.0; 3]).erode(&full), full);
    }

    #[test]
    fn long_rows_are_measured_beyond_the_cap() {
        let mut block = Array3::<u8>::zeros((1, 1, 600));
        block[[0, 0, 0]] = 1;
        let out = Ball::disc(3.0, [1.0; 3]).dilate(&block);
        assert_eq!(out.iter().map(|v| usize::from(*v)).sum::<usize>(), 4);
    }

    #[test]
    fn a_line_closes_a_gap_between_slices() {
        let mut block = Array3::<u8>::ones((7, 2, 2));
        block.index_axis_mut(Axis(0), 3).fill(0);
        assert_eq!(Ball::line_k(2.0, [1.0, 1.0, 2.0]).close(&block), Array3::<u8>::ones((7, 2, 2)));
    }
}
