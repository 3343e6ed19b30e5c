//! A mask as one bit per voxel, padded by one empty voxel on every side.

use ndarray::ArrayView3;

/// Bits of a mask block `[k, j, i]`, padded by one voxel of 0 on each side; bit `b` of word `w` of a row is padded column `64 w + b`.
#[derive(Debug, Clone)]
pub struct BitGrid {
    size: [usize; 3],
    words_per_row: usize,
    words: Vec<u64>,
}

impl BitGrid {
    /// Packs a block `[k, j, i]` (non-zero = inside).
    pub fn new(block: ArrayView3<'_, u8>) -> Self {
        let (nk, nj, ni) = block.dim();
        let size = [ni + 2, nj + 2, nk + 2];
        let words_per_row = size[0].div_ceil(64);
        let mut words = vec![0u64; words_per_row * size[1] * size[2]];
        for (k, plane) in block.outer_iter().enumerate() {
            for (j, row) in plane.outer_iter().enumerate() {
                let start = ((k + 1) * size[1] + j + 1) * words_per_row;
                let out = &mut words[start..start + words_per_row];
                for (i, value) in row.iter().enumerate() {
                    out[(i + 1) / 64] |= u64::from(*value != 0) << ((i + 1) % 64);
                }
            }
        }
        Self {
            size,
            words_per_row,
            words,
        }
    }

    /// Size with the padding, `[ni, nj, nk]`.
    pub fn padded_size(&self) -> [usize; 3] {
        self.size
    }

    /// The words of the padded row (j, k).
    pub fn row(&self, j: usize, k: usize) -> &[u64] {
        let start = (k * self.size[1] + j) * self.words_per_row;
        &self.words[start..start + self.words_per_row]
    }

    /// Number of bits set.
    pub fn count(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }
}

/// Lowest and highest set bit of a row of words produced on the fly.
pub(super) fn extremes(words: impl Iterator<Item = u64>) -> Option<(usize, usize)> {
    let mut found: Option<(usize, usize)> = None;
    for (w, word) in words.enumerate() {
        if word != 0 {
            let low = w * 64 + word.trailing_zeros() as usize;
            let high = w * 64 + 63 - word.leading_zeros() as usize;
            found = Some((found.map_or(low, |f| f.0), high));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;

    #[test]
    fn bits_are_padded_and_counted() {
        let mut block = Array3::<u8>::zeros((2, 3, 70));
        block[[1, 2, 69]] = 1;
        block[[1, 2, 0]] = 9;
        let bits = BitGrid::new(block.view());
        assert_eq!((bits.padded_size(), bits.count()), ([72, 5, 4], 2));
        assert_eq!(extremes(bits.row(3, 2).iter().copied()), Some((1, 70)));
        assert_eq!(extremes(bits.row(0, 0).iter().copied()), None);
    }
}
