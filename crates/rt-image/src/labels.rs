//! Many disjoint regions in one volume.

use std::sync::Arc;

use ndarray::{Array3, s};
use rt_core::Grid;

use crate::mask::{Mask, MaskError};
use crate::volume::Volume;

/// One value of a label map and the name it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Voxel value, 1 and up.
    pub value: u16,
    /// Name of the region.
    pub name: String,
}

/// A volume of label values and their names; 0 is background.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelMap {
    /// Values `[k, j, i]`.
    pub volume: Volume<u16>,
    /// The labels in order of value; a label may have no voxel.
    pub labels: Vec<Label>,
}

impl LabelMap {
    /// From masks of one grid, label 1 for the first; where masks overlap the later one wins.
    pub fn from_masks<'a>(grid: &Arc<Grid>, masks: impl IntoIterator<Item = (&'a str, &'a Mask)>) -> Self {
        let mut volume = Volume::filled(Arc::clone(grid), 0u16);
        let mut labels = Vec::new();
        for (value, (name, mask)) in (1u16..).zip(masks) {
            paint(volume.data_mut(), mask, value);
            labels.push(Label {
                value,
                name: name.to_owned(),
            });
        }
        Self { volume, labels }
    }

    /// The mask of every label, in the order of [`LabelMap::labels`], from two passes over the volume.
    ///
    /// # Errors
    /// Never for a volume on its own grid.
    pub fn to_masks(&self) -> Result<Vec<Mask>, MaskError> {
        let highest = self.labels.iter().map(|l| usize::from(l.value)).max().unwrap_or(0);
        let mut boxes: Vec<Option<([usize; 3], [usize; 3])>> = vec![None; highest + 1];
        for ((k, j, i), &v) in self.volume.data().indexed_iter() {
            if v == 0 || usize::from(v) > highest {
                continue;
            }
            let entry = boxes[usize::from(v)].get_or_insert(([i, j, k], [i, j, k]));
            for (a, at) in [i, j, k].into_iter().enumerate() {
                entry.0[a] = entry.0[a].min(at);
                entry.1[a] = entry.1[a].max(at);
            }
        }
        let grid = self.volume.grid();
        self.labels
            .iter()
            .map(|label| match boxes[usize::from(label.value)] {
                None => Ok(Mask::empty(grid)),
                Some((lo, hi)) => {
                    let part = self.volume.data().slice(s![lo[2]..=hi[2], lo[1]..=hi[1], lo[0]..=hi[0]]);
                    Mask::from_block(grid, lo, part.map(|v| u8::from(*v == label.value)))
                }
            })
            .collect()
    }
}

fn paint(data: &mut Array3<u16>, mask: &Mask, value: u16) {
    let (lo, size) = (mask.lo(), mask.size());
    let mut part = data.slice_mut(s![lo[2]..lo[2] + size[2], lo[1]..lo[1] + size[1], lo[0]..lo[0] + size[0]]);
    ndarray::Zip::from(&mut part).and(mask.block()).for_each(|out, inside| {
        if *inside != 0 {
            *out = value;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt_core::Vec3;

    #[test]
    fn masks_survive_the_way_through_a_label_map() {
        let grid = Arc::new(Grid::axis_aligned([5, 4, 3], Vec3::ZERO, [1.0; 3]).unwrap());
        let a = Mask::from_block(&grid, [0, 0, 0], Array3::ones((2, 2, 2))).unwrap();
        let b = Mask::from_block(&grid, [3, 2, 1], Array3::ones((2, 2, 2))).unwrap();
        let none = Mask::empty(&grid);
        let map = LabelMap::from_masks(&grid, [("a", &a), ("none", &none), ("b", &b)]);
        assert_eq!(map.labels[2].value, 3);
        assert_eq!(map.to_masks().unwrap(), vec![a, none, b]);
    }
}
