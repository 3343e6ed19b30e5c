//! Zones: connected voxels of equal grey level (GLSZM).

use std::sync::LazyLock;

use super::sizes::{SizeCounts, SizeEntry};
use super::{LevelField, half_steps};
use crate::roi::Roi;

/// For each set of equal neighbours (a bit per step), the neighbours that must be joined. Neighbours that touch each other were joined when
/// the later of them was visited, so one of each touching group is enough.
fn joins(steps: &[[isize; 3]]) -> Vec<u16> {
    let touch = |a: [isize; 3], b: [isize; 3]| (0..3).all(|x| (a[x] - b[x]).abs() <= 1);
    (0..1usize << steps.len())
        .map(|set| {
            let mut open = set;
            let mut chosen = 0u16;
            for first in 0..steps.len() {
                if open >> first & 1 == 0 {
                    continue;
                }
                chosen |= 1 << first;
                // Everything reachable from this neighbour through the set is in its group.
                let mut group = vec![first];
                open &= !(1 << first);
                while let Some(a) = group.pop() {
                    for b in 0..steps.len() {
                        if open >> b & 1 == 1 && touch(steps[a], steps[b]) {
                            open &= !(1 << b);
                            group.push(b);
                        }
                    }
                }
            }
            chosen
        })
        .collect()
}

/// The table for the 13 steps of three dimensions.
static JOINS_3D: LazyLock<Vec<u16>> = LazyLock::new(|| joins(&half_steps(&[1], [2; 3], None)));

/// Labels of the voxels of two slices, and the forest of joined labels.
struct Forest {
    parent: Vec<u32>,
    size: Vec<u32>,
    code: Vec<u16>,
}

impl Forest {
    fn root(&mut self, mut label: u32) -> u32 {
        while self.parent[label as usize] != label {
            let up = self.parent[self.parent[label as usize] as usize];
            self.parent[label as usize] = up;
            label = up;
        }
        label
    }

    fn join(&mut self, a: u32, b: u32) -> u32 {
        let (a, b) = (self.root(a), self.root(b));
        let (low, high) = (a.min(b), a.max(b));
        self.parent[high as usize] = low;
        low
    }

    fn new_label(&mut self, code: u16) -> u32 {
        let label = u32::try_from(self.parent.len()).unwrap_or(u32::MAX);
        self.parent.push(label);
        self.size.push(0);
        self.code.push(code);
        label
    }
}

/// Zones by level and size. `flat` is an axis across which voxels do not touch.
pub(crate) fn scan(field: &LevelField, roi: &Roi, flat: Option<usize>) -> Vec<SizeEntry> {
    let steps = half_steps(&[1], [2; 3], flat);
    let own_table;
    let table: &[u16] = if flat.is_none() {
        &JOINS_3D
    } else {
        own_table = joins(&steps);
        &own_table
    };
    let offsets: Vec<usize> = steps.iter().map(|s| field.lattice.offset(*s).unsigned_abs()).collect();
    // Labels are kept for two slices: steps reach back one slice at most.
    let ring = (2 * field.lattice.plane).next_power_of_two();
    let mut labels = vec![0u32; ring];
    let mut forest = Forest {
        parent: Vec::new(),
        size: Vec::new(),
        code: Vec::new(),
    };
    let mut equal = vec![0u16; roi.size[0]];
    for run in &roi.runs {
        let at = field.lattice.position([run.i, run.j, run.k]);
        let here = &field.codes[at..at + run.len];
        let equal = &mut equal[..run.len];
        equal.fill(0);
        for (bit, offset) in offsets.iter().enumerate() {
            let before = &field.codes[at - offset..at - offset + run.len];
            for n in 0..run.len {
                equal[n] |= u16::from(here[n] == before[n]) << bit;
            }
        }
        for n in 0..run.len {
            let mut set = table[usize::from(equal[n])];
            let mut label = None;
            while set != 0 {
                let before = labels[(at + n - offsets[set.trailing_zeros() as usize]) & (ring - 1)];
                set &= set - 1;
                label = Some(label.map_or(before, |l| forest.join(l, before)));
            }
            let label = label.unwrap_or_else(|| forest.new_label(here[n]));
            labels[(at + n) & (ring - 1)] = label;
            forest.size[label as usize] += 1;
        }
    }
    collect(forest, field.n())
}

fn collect(mut forest: Forest, n: usize) -> Vec<SizeEntry> {
    let mut counts = SizeCounts::new(n, 255);
    // A label's parent is never higher: going down adds every label to its root before the root is read.
    for label in (0..forest.parent.len()).rev() {
        let parent = forest.parent[label] as usize;
        if parent == label {
            counts.add(forest.code[label], forest.size[label]);
        } else {
            forest.size[parent] += forest.size[label];
        }
    }
    counts.into_entries()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_each_touching_group_is_joined() {
        let steps = half_steps(&[1], [2; 3], None);
        let bit = |step: [isize; 3]| 1usize << steps.iter().position(|s| *s == step).unwrap();
        // West and north-west touch; the two corners of the slice below on opposite sides do not.
        assert_eq!(JOINS_3D[bit([1, 0, 0]) | bit([1, 1, 0])].count_ones(), 1);
        assert_eq!(JOINS_3D[bit([1, 1, 1]) | bit([-1, -1, 1])].count_ones(), 2);
        assert_eq!(JOINS_3D[(1 << 13) - 1].count_ones(), 1);
        assert_eq!(JOINS_3D[0], 0);
    }
}
