//! Shape of a region of one slice.
//!
//! The outline runs halfway between inside and outside pixels (marching squares; opposite inside corners are parted), so each 2x2 square of
//! pixel centres adds a known piece of area and of perimeter.

use ndarray::{ArrayView2, ArrayView3, Axis};
use rt_image::mesh::{BitGrid, diameters};

use super::shape::principal_moments;
use crate::registry::Shape2D as S;
use crate::roi::Roi;

/// Area and perimeter of the outline of a flat mask with pixel spacing `[row, column]` in mm.
fn outline(mask: ArrayView2<'_, u8>, spacing: [f64; 2]) -> (f64, f64) {
    let (rows, columns) = mask.dim();
    let at = |r: usize, c: usize| r > 0 && c > 0 && r <= rows && c <= columns && mask[[r - 1, c - 1]] != 0;
    let [height, width] = spacing;
    let diagonal = 0.5 * height.hypot(width);
    let (mut eighths, mut perimeter) = (0u64, 0.0);
    for r in 0..=rows {
        for c in 0..=columns {
            let corners = [at(r, c), at(r, c + 1), at(r + 1, c + 1), at(r + 1, c)];
            let inside = corners.iter().filter(|v| **v).count();
            let opposite = corners[0] == corners[2];
            eighths += match inside {
                0 => 0,
                1 => 1,
                2 if opposite => 2,
                2 => 4,
                3 => 7,
                _ => 8,
            };
            perimeter += match inside {
                1 | 3 => diagonal,
                2 if opposite => 2.0 * diagonal,
                // Both corners of the upper row, or of the lower: the outline runs along the row.
                2 if corners[0] == corners[1] => width,
                2 => height,
                _ => 0.0,
            };
        }
    }
    (eighths as f64 / 8.0 * height * width, perimeter)
}

/// Shape features of a region that is one voxel thick along `flat`.
pub(crate) fn features(roi: &Roi, block: ArrayView3<'_, u8>, flat: usize) -> [f64; S::COUNT] {
    let widths = diameters(&BitGrid::new(block), roi.spacing);
    let diameter = [widths.same_i, widths.same_j, widths.same_k][flat];
    // Array axes run k, j, i.
    let plane = block.index_axis(Axis(2 - flat), 0);
    let (row, column) = [(2, 1), (2, 0), (1, 0)][flat];
    let (surface, perimeter) = outline(plane, [roi.spacing[row], roi.spacing[column]]);
    let [_, minor, major] = principal_moments(roi);
    let round = 2.0 * (std::f64::consts::PI * surface).sqrt();
    let mut out = [0.0; S::COUNT];
    let mut set = |feature: S, value: f64| out[feature as usize] = value;
    set(S::Elongation, (minor / major).sqrt());
    set(S::MajorAxisLength, 4.0 * major.sqrt());
    set(S::MaximumDiameter, diameter);
    set(S::MeshSurface, surface);
    set(S::MinorAxisLength, 4.0 * minor.sqrt());
    set(S::Perimeter, perimeter);
    set(S::PerimeterSurfaceRatio, perimeter / surface);
    set(S::PixelSurface, roi.count as f64 * roi.spacing[row] * roi.spacing[column]);
    set(S::Sphericity, round / perimeter);
    set(S::SphericalDisproportion, perimeter / round);
    out
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Array3};

    use super::*;

    #[test]
    fn one_pixel_is_a_rhombus_and_two_make_a_strip() {
        // Half-axes 1 and 1.5: area 2 x 1 x 1.5, sides sqrt(1 + 2.25).
        let (area, perimeter) = outline(Array2::<u8>::ones((1, 1)).view(), [2.0, 3.0]);
        assert!((area - 3.0).abs() < 1e-14 && (perimeter - 4.0 * 3.25_f64.sqrt()).abs() < 1e-14);
        // Two pixels along the row: 2 x 3 between the centres and half a rhombus at each end; two sides of 3.
        let (area, perimeter) = outline(Array2::<u8>::ones((1, 2)).view(), [2.0, 3.0]);
        assert!((area - 9.0).abs() < 1e-14 && (perimeter - 4.0 * 3.25_f64.sqrt() - 6.0).abs() < 1e-14);
    }

    #[test]
    fn the_flat_axis_may_be_any() {
        let spacing = [1.0, 2.0, 3.0];
        for (flat, shape) in [(0, (4, 3, 1)), (1, (4, 1, 3)), (2, (1, 4, 3))] {
            let block = Array3::<u8>::ones(shape);
            let f = features(&Roi::new(block.view(), spacing), block.view(), flat);
            let pixel = 6.0 / spacing[flat];
            assert!((f[S::PixelSurface as usize] - 12.0 * pixel).abs() < 1e-12);
            assert!((f[S::MeshSurface as usize] - (12.0 * pixel - 0.5 * pixel)).abs() < 1e-12);
        }
    }
}
