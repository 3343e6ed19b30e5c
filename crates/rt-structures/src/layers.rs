//! Masks that may overlap, sorted into layers in which they do not.

use rt_image::{Mask, overlaps};

/// Where a mask stands: layer from 0 and value from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Layer, from 0.
    pub layer: usize,
    /// Value in the layer, 1 to 255.
    pub label: u8,
}

/// Puts each mask into the first layer in which it overlaps no other (first fit in the given order); empty masks have no place.
///
/// Boxes are compared first, voxels only where boxes meet. All masks must be on one grid.
pub fn pack(masks: &[&Mask]) -> Vec<Option<Place>> {
    let mut layers: Vec<Vec<&Mask>> = Vec::new();
    masks
        .iter()
        .map(|mask| {
            if mask.is_empty() {
                return None;
            }
            let fits = |members: &Vec<&Mask>| members.len() < usize::from(u8::MAX) && !members.iter().any(|m| overlaps(m, mask));
            let layer = layers.iter().position(fits).unwrap_or_else(|| {
                layers.push(Vec::new());
                layers.len() - 1
            });
            layers[layer].push(mask);
            let label = u8::try_from(layers[layer].len()).ok()?;
            Some(Place { layer, label })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;
    use proptest::prelude::*;
    use rt_core::{Grid, Vec3};
    use std::sync::Arc;

    #[test]
    fn disjoint_masks_share_a_layer() {
        let g = Arc::new(Grid::axis_aligned([10, 10, 10], Vec3::ZERO, [1.0; 3]).unwrap());
        let m = |lo: [usize; 3], n| Mask::from_block(&g, lo, Array3::ones((n, n, n))).unwrap();
        let (body, a, b, inside_a, none) = (m([0; 3], 10), m([1; 3], 3), m([5; 3], 3), m([2; 3], 1), Mask::empty(&g));
        let places = pack(&[&body, &a, &none, &b, &inside_a]);
        let expected = [(0, 1), (1, 1), (9, 9), (1, 2), (2, 1)].map(|(layer, label)| (layer != 9).then_some(Place { layer, label }));
        assert_eq!(places, expected);
    }

    #[test]
    fn a_layer_holds_255_masks_at_most() {
        let g = Arc::new(Grid::axis_aligned([300, 1, 1], Vec3::ZERO, [1.0; 3]).unwrap());
        let masks: Vec<Mask> = (0..300)
            .map(|i| Mask::from_block(&g, [i, 0, 0], Array3::ones((1, 1, 1))).unwrap())
            .collect();
        let places = pack(&masks.iter().collect::<Vec<_>>());
        assert_eq!(places[254], Some(Place { layer: 0, label: 255 }));
        assert_eq!(places[255], Some(Place { layer: 1, label: 1 }));
    }

    proptest! {
        #[test]
        fn no_two_masks_of_a_layer_overlap(boxes in prop::collection::vec(([0usize..7, 0usize..7, 0usize..7], 1usize..4), 1..20)) {
            let g = Arc::new(Grid::axis_aligned([10, 10, 10], Vec3::ZERO, [1.0; 3]).unwrap());
            let masks: Vec<Mask> = boxes.iter().map(|(lo, n)| Mask::from_block(&g, *lo, Array3::ones((*n, *n, *n))).unwrap()).collect();
            let places = pack(&masks.iter().collect::<Vec<_>>());
            for a in 0..masks.len() {
                for b in 0..a {
                    let (x, y) = (places[a].unwrap(), places[b].unwrap());
                    prop_assert!(x.layer != y.layer || (x.label != y.label && !overlaps(&masks[a], &masks[b])));
                }
            }
        }
    }
}
