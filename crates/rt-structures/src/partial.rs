//! Structures that the image cuts or that lack a part.

use rt_core::Vec3;
use rt_image::Mask;

/// What is appended to the name of an incomplete structure.
pub const PARTIAL_SUFFIX: &str = "__partial";

/// The name of an incomplete structure: with [`PARTIAL_SUFFIX`], once.
pub fn partial_name(name: &str) -> String {
    if name.ends_with(PARTIAL_SUFFIX) {
        name.to_owned()
    } else {
        format!("{name}{PARTIAL_SUFFIX}")
    }
}

/// The faces of the image that a mask touches, by the patient direction that is nearest to their outward normal: `left`, `right`,
/// `anterior`, `posterior`, `superior`, `inferior`; in this order, each once.
pub fn cut_faces(mask: &Mask) -> Vec<&'static str> {
    const SIDES: [(&str, Vec3); 6] = [
        ("left", Vec3::X),
        ("right", Vec3::NEG_X),
        ("anterior", Vec3::NEG_Y),
        ("posterior", Vec3::Y),
        ("superior", Vec3::Z),
        ("inferior", Vec3::NEG_Z),
    ];
    if mask.is_empty() {
        return Vec::new();
    }
    let grid = mask.grid();
    let (lo, size, whole) = (mask.lo(), mask.size(), grid.size());
    let mut touched = [false; 6];
    for a in 0..3 {
        let axis = grid.direction().col(a);
        for (touches, outward) in [(lo[a] == 0, -axis), (lo[a] + size[a] == whole[a], axis)] {
            let nearest = (0..6).fold(0, |best, s| {
                if SIDES[s].1.dot(outward) > SIDES[best].1.dot(outward) + 1e-9 {
                    s
                } else {
                    best
                }
            });
            touched[nearest] |= touches;
        }
    }
    SIDES.iter().zip(touched).filter(|(_, t)| *t).map(|((name, _), _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;
    use rt_core::{Grid, Mat3};
    use std::sync::Arc;

    #[test]
    fn the_suffix_comes_once() {
        assert_eq!(partial_name("liver"), "liver__partial");
        assert_eq!(partial_name("liver__partial"), "liver__partial");
    }

    #[test]
    fn faces_are_named_by_the_patient() {
        // Rows bottom-up: j = 0 is posterior.
        let d = Mat3::from_cols(Vec3::X, Vec3::NEG_Y, Vec3::Z);
        let g = Arc::new(Grid::new([5, 5, 5], Vec3::ZERO, [1.0; 3], d).unwrap());
        let m = |lo, size: (usize, usize, usize)| Mask::from_block(&g, lo, Array3::ones(size)).unwrap();
        assert_eq!(cut_faces(&m([1, 0, 1], (1, 1, 1))), ["posterior"]);
        assert_eq!(cut_faces(&m([4, 1, 0], (5, 1, 1))), ["left", "superior", "inferior"]);
        assert!(cut_faces(&m([2, 2, 2], (1, 1, 1))).is_empty());
        assert!(cut_faces(&Mask::empty(&g)).is_empty());
        assert_eq!(cut_faces(&m([0, 0, 0], (5, 5, 5))).len(), 6);
    }
}
