//! The voxels of a region as runs along rows, in the coordinates of its tight box.

use std::ops::Range;

use ndarray::ArrayView3;

use crate::error::ExtractError;
use crate::settings::Settings;

/// Voxels `i .. i + len` of row (j, k) of the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) i: usize,
    pub(crate) j: usize,
    pub(crate) k: usize,
    pub(crate) len: usize,
}

/// A region: the size of its box `[i, j, k]`, the voxel spacing in mm, and its voxels in storage order.
#[derive(Debug, Clone)]
pub(crate) struct Roi {
    pub(crate) size: [usize; 3],
    pub(crate) spacing: [f64; 3],
    pub(crate) runs: Vec<Run>,
    pub(crate) count: usize,
}

/// Regions of at least this many voxels are worked on by several threads at once; smaller ones by one.
pub(crate) const LARGE: usize = 60_000;

/// Voxels of one piece of work inside a large region.
const CHUNK: usize = 32_768;

impl Roi {
    /// From a block `[k, j, i]` (non-zero = inside) that is tight around its voxels.
    pub(crate) fn new(block: ArrayView3<'_, u8>, spacing: [f64; 3]) -> Self {
        let (nk, nj, ni) = block.dim();
        let mut runs = Vec::new();
        let mut count = 0;
        for (k, plane) in block.outer_iter().enumerate() {
            for (j, row) in plane.outer_iter().enumerate() {
                let mut i = 0;
                while i < ni {
                    if row[i] == 0 {
                        i += 1;
                        continue;
                    }
                    let len = (i..ni).take_while(|&x| row[x] != 0).count();
                    runs.push(Run { i, j, k, len });
                    count += len;
                    i += len;
                }
            }
        }
        Self {
            size: [ni, nj, nk],
            spacing,
            runs,
            count,
        }
    }

    /// Whether several threads should share the work.
    pub(crate) fn is_large(&self) -> bool {
        self.count >= LARGE
    }

    /// Volume of one voxel, mm3.
    pub(crate) fn voxel_volume(&self) -> f64 {
        self.spacing[0] * self.spacing[1] * self.spacing[2]
    }

    /// Ranges of runs with about the same number of voxels; they depend on the region alone, not on the threads.
    pub(crate) fn chunks(&self) -> Vec<Range<usize>> {
        let mut out = Vec::new();
        let (mut start, mut voxels) = (0, 0);
        for (n, run) in self.runs.iter().enumerate() {
            voxels += run.len;
            if voxels >= CHUNK {
                out.push(start..n + 1);
                (start, voxels) = (n + 1, 0);
            }
        }
        if start < self.runs.len() {
            out.push(start..self.runs.len());
        }
        out
    }
}

/// The size rules of PyRadiomics' mask check, in its order.
pub(crate) fn check_size(size: [usize; 3], count: usize, settings: &Settings) -> Result<(), ExtractError> {
    let found = size.iter().filter(|n| **n > 1).count();
    if count == 0 {
        return Err(ExtractError::Empty);
    }
    if found == 0 {
        return Err(ExtractError::SingleVoxel);
    }
    if found < settings.minimum_dimensions {
        return Err(ExtractError::TooFewDimensions {
            found,
            minimum: settings.minimum_dimensions,
        });
    }
    match settings.minimum_size {
        Some(minimum) if count <= minimum => Err(ExtractError::TooSmall { voxels: count, minimum }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;

    #[test]
    fn runs_follow_storage_order() {
        let mut block = Array3::<u8>::zeros((2, 2, 5));
        for at in [[0, 0, 1], [0, 0, 2], [0, 0, 4], [1, 1, 0]] {
            block[at] = 1;
        }
        let roi = Roi::new(block.view(), [1.0, 2.0, 3.0]);
        let expected = [(1, 0, 0, 2), (4, 0, 0, 1), (0, 1, 1, 1)].map(|(i, j, k, len)| Run { i, j, k, len });
        assert_eq!((roi.runs.as_slice(), roi.count), (&expected[..], 4));
        assert_eq!(roi.chunks(), vec![Range { start: 0, end: 3 }]);
    }

    #[test]
    fn sizes_are_refused_in_the_order_of_the_reference() {
        let mut s = Settings {
            minimum_size: Some(64),
            ..Settings::default()
        };
        assert_eq!(check_size([0; 3], 0, &s), Err(ExtractError::Empty));
        assert_eq!(check_size([1; 3], 1, &s), Err(ExtractError::SingleVoxel));
        assert!(matches!(
            check_size([1, 1, 90], 90, &s),
            Err(ExtractError::TooFewDimensions { found: 1, .. })
        ));
        // The limit itself is too small: 64 asks for 65 voxels.
        assert!(matches!(check_size([8, 8, 1], 64, &s), Err(ExtractError::TooSmall { .. })));
        assert_eq!(check_size([13, 5, 1], 65, &s), Ok(()));
        s.minimum_dimensions = 1;
        assert_eq!(check_size([1, 1, 90], 90, &s), Ok(()));
    }
}
