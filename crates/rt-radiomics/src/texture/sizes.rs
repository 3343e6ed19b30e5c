//! Counts by grey level and size (run length, zone size, dependence), and what their matrices are summarised from.

/// Counts of (level code, size), sizes from 1: a table for small sizes, a list for the rest.
#[derive(Debug)]
pub(crate) struct SizeCounts {
    width: usize,
    table: Vec<u32>,
    beyond: Vec<(u16, u32)>,
}

/// Cells of the table at most; larger sizes go to the list.
const MAX_CELLS: usize = 1 << 20;

impl SizeCounts {
    /// For `n` levels (codes 1 to n) and sizes that are mostly at most `likely`.
    pub(crate) fn new(n: usize, likely: usize) -> Self {
        let width = (likely + 1).min((MAX_CELLS / (n + 1)).max(8));
        Self {
            width,
            table: vec![0; (n + 1) * width],
            beyond: Vec::new(),
        }
    }

    /// One more of this level code and size.
    #[inline]
    pub(crate) fn add(&mut self, code: u16, size: u32) {
        if (size as usize) < self.width {
            self.table[usize::from(code) * self.width + size as usize] += 1;
        } else {
            self.beyond.push((code, size));
        }
    }

    /// All counts by code, then size.
    pub(crate) fn into_entries(mut self) -> Vec<SizeEntry> {
        self.beyond.sort_unstable();
        let mut rest = self.beyond.chunk_by(|a, b| a == b).peekable();
        let mut out = Vec::new();
        for (code, row) in self.table.chunks(self.width).enumerate() {
            let code = u16::try_from(code).unwrap_or(u16::MAX);
            let small = row.iter().enumerate().filter(|(_, count)| **count > 0);
            out.extend(small.map(|(size, count)| SizeEntry {
                code,
                size: u32::try_from(size).unwrap_or(u32::MAX),
                count: f64::from(*count),
            }));
            while let Some(same) = rest.next_if(|same| same[0].0 == code) {
                out.push(SizeEntry {
                    code,
                    size: same[0].1,
                    count: same.len() as f64,
                });
            }
        }
        out
    }

    /// When every voxel was added with its position in its run: the number of runs of each length. A run of length L has one voxel at each
    /// of the positions 1 to L, so the runs of exactly L are those that reach L but not L + 1.
    pub(crate) fn into_run_lengths(self) -> Vec<SizeEntry> {
        let reaching = self.into_entries();
        let mut out = Vec::with_capacity(reaching.len());
        for (n, entry) in reaching.iter().enumerate() {
            let longer = reaching
                .get(n + 1)
                .filter(|next| next.code == entry.code && next.size == entry.size + 1)
                .map_or(0.0, |next| next.count);
            if entry.count > longer {
                out.push(SizeEntry {
                    count: entry.count - longer,
                    ..*entry
                });
            }
        }
        out
    }
}

/// A non-zero cell of a size matrix; counts may be weighted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SizeEntry {
    /// 1 + position of the level.
    pub(crate) code: u16,
    /// Run length, zone size or dependence.
    pub(crate) size: u32,
    /// Count, or weight.
    pub(crate) count: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_become_run_lengths() {
        // Level 1: runs of 3, 1 and 1; level 2: one run of 12, beyond the table.
        let mut counts = SizeCounts::new(2, 7);
        for position in [1, 2, 3, 1, 1] {
            counts.add(1, position);
        }
        (1..=12).for_each(|position| counts.add(2, position));
        let entry = |code, size, count| SizeEntry { code, size, count };
        assert_eq!(counts.into_run_lengths(), [entry(1, 1, 2.0), entry(1, 3, 1.0), entry(2, 12, 1.0)]);
    }
}
