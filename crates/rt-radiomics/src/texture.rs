//! Grey levels on a padded lattice, and the counts that every texture matrix is made of.
//!
//! All counts are integers, so the way the work is cut into pieces cannot change a result.

pub(crate) mod directions;
pub(crate) mod neighbours;
pub(crate) mod sizes;
pub(crate) mod zones;

use crate::discretise::Discretised;
use crate::roi::Roi;

/// The box of a region with `reach` empty voxels before and after every row, row block and slice block, as one line of memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lattice {
    row: usize,
    plane: usize,
    base: usize,
    len: usize,
}

impl Lattice {
    /// For a box `[i, j, k]` and neighbours at most `reach` voxels away along each axis.
    pub(crate) fn new(size: [usize; 3], reach: usize) -> Self {
        // The padding after one row is the padding before the next.
        let row = size[0] + reach;
        let plane = (size[1] + reach) * row;
        let base = reach * (plane + row + 1);
        Self {
            row,
            plane,
            base,
            len: base + (size[2] - 1 + reach) * plane + (size[1] - 1 + reach) * row + size[0] + reach,
        }
    }

    pub(crate) fn position(&self, [i, j, k]: [usize; 3]) -> usize {
        self.base + k * self.plane + j * self.row + i
    }

    /// Distance in memory of a step `[i, j, k]`.
    pub(crate) fn offset(&self, step: [isize; 3]) -> isize {
        step[2] * self.plane.cast_signed() + step[1] * self.row.cast_signed() + step[0]
    }
}

/// Grey levels of a region on its lattice.
#[derive(Debug)]
pub(crate) struct LevelField {
    pub(crate) lattice: Lattice,
    /// 1 + position of the level in `levels`; 0 outside the region.
    pub(crate) codes: Vec<u16>,
    /// The levels themselves, when they are not 1, 2, 3, ...; 0 outside the region.
    values: Option<Vec<u16>>,
    /// Levels that occur.
    pub(crate) levels: Vec<u32>,
}

impl LevelField {
    pub(crate) fn new(roi: &Roi, levels: &Discretised, reach: usize) -> Self {
        let lattice = Lattice::new(roi.size, reach);
        let codes = paint(&lattice, roi, &levels.codes);
        let contiguous = levels.ng() as usize == levels.levels.len();
        let values = (!contiguous).then(|| {
            let level = |code: &u16| u16::try_from(levels.levels[usize::from(*code) - 1]).unwrap_or(u16::MAX);
            let per_voxel: Vec<u16> = levels.codes.iter().map(level).collect();
            paint(&lattice, roi, &per_voxel)
        });
        Self {
            lattice,
            codes,
            values,
            levels: levels.levels.clone(),
        }
    }

    /// Level of each voxel; 0 outside the region.
    pub(crate) fn values(&self) -> &[u16] {
        self.values.as_deref().unwrap_or(&self.codes)
    }

    /// Number of levels that occur.
    pub(crate) fn n(&self) -> usize {
        self.levels.len()
    }
}

fn paint(lattice: &Lattice, roi: &Roi, per_voxel: &[u16]) -> Vec<u16> {
    let mut field = vec![0u16; lattice.len];
    let mut next = 0;
    for run in &roi.runs {
        let at = lattice.position([run.i, run.j, run.k]);
        field[at..at + run.len].copy_from_slice(&per_voxel[next..next + run.len]);
        next += run.len;
    }
    field
}

/// Steps `[i, j, k]` of the given Chebyshev lengths that fit into the box, one of each opposite pair: the first non-zero of (k, j, i) is
/// positive. `flat` is an axis along which no step goes.
pub(crate) fn half_steps(distances: &[usize], size: [usize; 3], flat: Option<usize>) -> Vec<[isize; 3]> {
    let reach = distances.iter().copied().max().unwrap_or(0).cast_signed();
    let mut out = Vec::new();
    for k in 0..=reach {
        for j in -reach..=reach {
            for i in -reach..=reach {
                let step = [i, j, k];
                let length = step.iter().map(|d| d.unsigned_abs()).max().unwrap_or(0);
                let forward = k > 0 || (k == 0 && (j > 0 || (j == 0 && i > 0)));
                let fits = (0..3).all(|a| step[a].unsigned_abs() < size[a]);
                if forward && fits && distances.contains(&length) && flat.is_none_or(|a| step[a] == 0) {
                    out.push(step);
                }
            }
        }
    }
    out
}

#[cfg(test)]
#[path = "texture/tests.rs"]
mod matrices;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_number_13_49_and_4() {
        assert_eq!(half_steps(&[1], [9; 3], None).len(), 13);
        assert_eq!(half_steps(&[1, 2], [9; 3], None).len(), 62);
        assert_eq!(half_steps(&[1], [9, 9, 1], None).len(), 4);
        assert_eq!(half_steps(&[1], [9; 3], Some(2)).len(), 4);
        // Three steps along the short axis, 16 of length 2 across it, half of them.
        assert_eq!(half_steps(&[2], [2, 9, 9], None).len(), 24);
    }

    #[test]
    fn neighbours_beyond_a_row_are_padding() {
        let l = Lattice::new([3, 2, 2], 2);
        let inside: Vec<usize> = (0..12).map(|n| l.position([n % 3, n / 3 % 2, n / 6])).collect();
        for i in 0..3 {
            for step in half_steps(&[1, 2], [9; 3], None) {
                let at = l.position([i, 1, 1]).cast_signed() + l.offset(step);
                let leaves = !(0..3).contains(&(i.cast_signed() + step[0])) || step[1] > 0 || step[2] > 0 || step[1] < -1;
                assert!(at >= 0 && at.unsigned_abs() < l.len);
                assert_eq!(!inside.contains(&at.unsigned_abs()), leaves, "{i} {step:?}");
            }
        }
    }
}
