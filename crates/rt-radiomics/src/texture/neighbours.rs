//! One pass over the neighbourhood of every voxel: dependence counts (GLDM) and grey tone differences (NGTDM).

use rayon::prelude::*;

use super::LevelField;
use crate::roi::{Roi, Run};

/// Sums over all neighbours of all voxels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Neighbourhood {
    /// Most neighbours a voxel can have, plus one: the length of a row of the tables.
    pub(crate) width: usize,
    /// `[code][d]`: voxels of a level with d dependent neighbours (the voxel itself not counted).
    pub(crate) dependent: Vec<u64>,
    /// `[code][c]`: over the voxels of a level with c neighbours, the sum of |c x level - sum of the neighbours' levels|.
    pub(crate) difference: Vec<u64>,
    /// `[code]`: voxels of a level without any neighbour.
    pub(crate) isolated: Vec<u64>,
}

impl Neighbourhood {
    fn new(field: &LevelField, offsets: &[isize]) -> Self {
        let width = offsets.len() + 1;
        Self {
            width,
            dependent: vec![0; (field.n() + 1) * width],
            difference: vec![0; (field.n() + 1) * width],
            isolated: vec![0; field.n() + 1],
        }
    }

    /// Adds the sums over other voxels of the same levels.
    pub(crate) fn add(mut self, other: &Self) -> Self {
        let pairs = self.dependent.iter_mut().zip(&other.dependent);
        pairs
            .chain(self.difference.iter_mut().zip(&other.difference))
            .chain(self.isolated.iter_mut().zip(&other.isolated))
            .for_each(|(a, b)| *a += b);
        self
    }
}

/// Looks at the neighbours at `offsets` (both directions) of every voxel; neighbours whose levels differ by at most `alpha` are dependent.
pub(crate) fn scan(field: &LevelField, roi: &Roi, offsets: &[isize], alpha: u32) -> Neighbourhood {
    let count = |runs: &[Run]| {
        let mut counter = Counter::new(field, offsets, alpha, roi.size[0]);
        for run in runs {
            counter.add_run(field, run);
        }
        counter.total
    };
    if !roi.is_large() {
        return count(&roi.runs);
    }
    let parts: Vec<Neighbourhood> = roi.chunks().into_par_iter().map(|range| count(&roi.runs[range])).collect();
    parts.iter().fold(Neighbourhood::new(field, offsets), Neighbourhood::add)
}

/// Sums of one row at a time, kept apart so that the inner loops run over plain slices.
struct Counter<'a> {
    offsets: &'a [isize],
    alpha: u16,
    sum: Vec<u32>,
    present: Vec<u16>,
    dependent: Vec<u16>,
    total: Neighbourhood,
}

impl<'a> Counter<'a> {
    fn new(field: &LevelField, offsets: &'a [isize], alpha: u32, row: usize) -> Self {
        Self {
            offsets,
            alpha: u16::try_from(alpha).unwrap_or(u16::MAX),
            sum: vec![0; row],
            present: vec![0; row],
            dependent: vec![0; row],
            total: Neighbourhood::new(field, offsets),
        }
    }

    fn add_run(&mut self, field: &LevelField, run: &Run) {
        let values = field.values();
        let at = field.lattice.position([run.i, run.j, run.k]);
        let here = &values[at..at + run.len];
        let (sum, present, dependent) = (
            &mut self.sum[..run.len],
            &mut self.present[..run.len],
            &mut self.dependent[..run.len],
        );
        sum.fill(0);
        present.fill(0);
        dependent.fill(0);
        for offset in self.offsets {
            let from = at.wrapping_add_signed(*offset);
            let other = &values[from..from + run.len];
            for n in 0..run.len {
                let inside = other[n] != 0;
                sum[n] += u32::from(other[n]);
                present[n] += u16::from(inside);
            }
            if self.alpha == 0 {
                // A voxel of the region never has level 0, so equal levels are both inside.
                for n in 0..run.len {
                    dependent[n] += u16::from(other[n] == here[n]);
                }
            } else {
                for n in 0..run.len {
                    dependent[n] += u16::from(other[n] != 0 && other[n].abs_diff(here[n]) <= self.alpha);
                }
            }
        }
        let codes = &field.codes[at..at + run.len];
        for n in 0..run.len {
            let row = usize::from(codes[n]) * self.total.width;
            self.total.dependent[row + usize::from(dependent[n])] += 1;
            self.total.isolated[usize::from(codes[n])] += u64::from(present[n] == 0);
            let own = u64::from(here[n]) * u64::from(present[n]);
            self.total.difference[row + usize::from(present[n])] += own.abs_diff(u64::from(sum[n]));
        }
    }
}
