//! One pass along one direction: co-occurring pairs and runs.

use super::LevelField;
use super::sizes::{SizeCounts, SizeEntry};
use crate::roi::{Roi, Run};

/// What to count along a direction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) pairs: bool,
    pub(crate) runs: Runs,
}

/// Whether and when runs are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runs {
    /// Never.
    No,
    /// In directions in which some line holds two voxels of the region, as PyRadiomics has it.
    OfSharedLines,
    /// Always.
    All,
}

/// Counts along one direction.
#[derive(Debug)]
pub(crate) struct DirectionCounts {
    /// Cells (code at a voxel, code one step on, count), ordered; empty when no pair of voxels of the region is one step apart.
    pub(crate) pairs: Vec<(u16, u16, u32)>,
    /// Runs by level and length; empty when the direction counts as degenerate (see [`scan`]).
    pub(crate) runs: Vec<SizeEntry>,
}

/// Counts of pairs: a square table, or a list of keys when the table would be larger than the list.
enum Pairs {
    Table(Vec<u32>),
    Keys(Vec<u32>),
}

/// Counts pairs and runs along `step` (first non-zero of (k, j, i) positive).
///
/// A direction in which no line holds more than one voxel of the region has no runs in the reference.
pub(crate) fn scan(field: &LevelField, roi: &Roi, step: [isize; 3], wanted: Wanted) -> DirectionCounts {
    let side = field.n() + 1;
    let offset = field.lattice.offset(step).unsigned_abs();
    let dense = side * side <= (1usize << 16).max(2 * roi.count);
    let mut pairs = if dense {
        Pairs::Table(vec![0; side * side])
    } else {
        Pairs::Keys(Vec::new())
    };
    let mut lengths = (wanted.runs != Runs::No).then(|| Lengths::new(field, roi, step));
    let mut adjacent = false;
    for run in &roi.runs {
        let at = field.lattice.position([run.i, run.j, run.k]);
        let here = &field.codes[at..at + run.len];
        let before = &field.codes[at - offset..at - offset + run.len];
        if wanted.pairs {
            count_pairs(&mut pairs, here, before, side);
        } else if !adjacent {
            adjacent = before.iter().any(|b| *b != 0);
        }
        if let Some(lengths) = &mut lengths {
            lengths.add_run(run, here, before);
        }
    }
    let pairs = if wanted.pairs { pairs.into_cells(side) } else { Vec::new() };
    adjacent |= !pairs.is_empty();
    let runs = match lengths {
        Some(lengths) if wanted.runs == Runs::All || adjacent || shares_a_line(roi, step) => lengths.counts.into_run_lengths(),
        _ => Vec::new(),
    };
    DirectionCounts { pairs, runs }
}

fn count_pairs(pairs: &mut Pairs, here: &[u16], before: &[u16], side: usize) {
    match pairs {
        Pairs::Table(table) => {
            for (a, b) in here.iter().zip(before) {
                table[usize::from(*b) * side + usize::from(*a)] += 1;
            }
        }
        Pairs::Keys(keys) => {
            let both = here.iter().zip(before).filter(|(_, b)| **b != 0);
            keys.extend(both.map(|(a, b)| u32::from(*b) << 16 | u32::from(*a)));
        }
    }
}

impl Pairs {
    /// Non-zero cells with both voxels inside.
    fn into_cells(self, side: usize) -> Vec<(u16, u16, u32)> {
        let code = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        match self {
            Self::Table(table) => {
                let mut out = Vec::new();
                for (b, row) in table.chunks(side).enumerate().skip(1) {
                    let cells = row.iter().enumerate().filter(|(_, count)| **count > 0);
                    out.extend(cells.map(|(a, count)| (code(b), code(a), *count)));
                }
                out
            }
            Self::Keys(mut keys) => {
                keys.sort_unstable();
                keys.chunk_by(|a, b| a == b)
                    .map(|same| {
                        (
                            code((same[0] >> 16) as usize),
                            code((same[0] & 0xffff) as usize),
                            u32::try_from(same.len()).unwrap_or(u32::MAX),
                        )
                    })
                    .collect()
            }
        }
    }
}

/// Position of each voxel in its run, for the current and the previous slice.
struct Lengths {
    /// Two slices of the padded box; a slice is overwritten when the one after the next is reached. Only entries of voxels inside the region
    /// are ever used: a run continues only from a voxel of the same level.
    slices: Vec<u16>,
    slice_len: usize,
    row: usize,
    step: [isize; 3],
    line: Vec<u16>,
    counts: SizeCounts,
}

impl Lengths {
    fn new(field: &LevelField, roi: &Roi, step: [isize; 3]) -> Self {
        let row = roi.size[0] + 2;
        let slice_len = row * (roi.size[1] + 2);
        let longest = (0..3).filter(|a| step[*a] != 0).map(|a| roi.size[a]).min().unwrap_or(1);
        Self {
            slices: vec![0; 2 * slice_len],
            slice_len,
            row,
            step,
            line: vec![0; roi.size[0]],
            counts: SizeCounts::new(field.n(), longest),
        }
    }

    fn place(&self, [i, j, k]: [isize; 3]) -> usize {
        let slice = k.rem_euclid(2).unsigned_abs() * self.slice_len;
        slice + (j + 1).unsigned_abs() * self.row + (i + 1).unsigned_abs()
    }

    fn add_run(&mut self, run: &Run, here: &[u16], before: &[u16]) {
        let at = [run.i, run.j, run.k].map(usize::cast_signed);
        let own = self.place(at);
        let from = self.place(std::array::from_fn(|a| at[a] - self.step[a]));
        let line = &mut self.line[..run.len];
        if self.step == [1, 0, 0] {
            let mut last = 0;
            for (n, (a, b)) in here.iter().zip(before).enumerate() {
                last = if a == b { last + 1 } else { 1 };
                line[n] = last;
            }
        } else {
            let previous = &self.slices[from..from + run.len];
            for ((out, p), (a, b)) in line.iter_mut().zip(previous).zip(here.iter().zip(before)) {
                *out = if a == b { *p + 1 } else { 1 };
            }
            self.slices[own..own + run.len].copy_from_slice(line);
        }
        for (a, length) in here.iter().zip(&*line) {
            self.counts.add(*a, u32::from(*length));
        }
    }
}

/// Whether two voxels of the region lie on one line along `step`, with or without a gap between them.
fn shares_a_line(roi: &Roi, step: [isize; 3]) -> bool {
    let mut seen = std::collections::HashSet::new();
    for run in &roi.runs {
        for i in run.i..run.i + run.len {
            let at = [i, run.j, run.k];
            // Steps back to the first voxel of the line inside the box.
            let back = (0..3)
                .filter(|a| step[*a] != 0)
                .map(|a| if step[a] > 0 { at[a] } else { roi.size[a] - 1 - at[a] } / step[a].unsigned_abs())
                .min()
                .unwrap_or(0);
            let start: [isize; 3] = std::array::from_fn(|a| at[a].cast_signed() - back.cast_signed() * step[a]);
            if !seen.insert(start) {
                return true;
            }
        }
    }
    false
}
