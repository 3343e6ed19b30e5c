//! Against closed forms: shifted and concentric spheres, boxes, a sheet, one voxel.

use std::sync::Arc;

use ndarray::Array3;

use super::*;

const SPACING: [f64; 3] = [1.0, 1.0, 2.0];

fn grid() -> Arc<Grid> {
    Arc::new(Grid::axis_aligned([80, 80, 40], Vec3::new(-40.0, -40.0, -40.0), SPACING).unwrap())
}

fn sphere(centre: Vec3, radius: f64) -> Mask {
    let grid = grid();
    let block = Array3::from_shape_fn(grid.shape(), |(k, j, i)| {
        let p = grid.centre(i, j, k);
        let d = [p.x - centre.x, p.y - centre.y, p.z - centre.z];
        u8::from(d.iter().map(|v| v * v).sum::<f64>() <= radius * radius)
    });
    Mask::from_block(&grid, [0; 3], block).unwrap()
}

fn cuboid(lo: [usize; 3], size: [usize; 3]) -> Mask {
    Mask::from_block(&grid(), lo, Array3::ones((size[2], size[1], size[0]))).unwrap()
}

#[track_caller]
fn near(value: Option<f64>, expected: f64, within: f64) {
    let value = value.unwrap();
    assert!((value - expected).abs() <= within, "{value}, not {expected} within {within}");
}

#[test]
fn a_mask_is_itself() {
    let found = compare(&sphere(Vec3::new(0.0, 0.0, 0.0), 20.0), &sphere(Vec3::new(0.0, 0.0, 0.0), 20.0)).unwrap();
    assert_eq!((found.dice, found.jaccard, found.volume_ratio), (Some(1.0), Some(1.0), Some(1.0)));
    assert_eq!((found.hausdorff_mm, found.mean_surface_distance_mm), (Some(0.0), Some(0.0)));
    assert_eq!((found.surface_dice, found.added_path_length_mm), (Some([1.0; 3]), Some(0.0)));
    assert_eq!((found.centre_shift_mm, found.difference_cc), (Some([0.0; 3]), 0.0));
}

#[test]
fn concentric_spheres_are_their_radii_apart_everywhere() {
    let origin = Vec3::new(0.0, 0.0, 0.0);
    let found = compare(&sphere(origin, 20.0), &sphere(origin, 25.0)).unwrap();
    // Every point of one surface is 5 mm from the other. The steps of voxels of 1 x 1 x 2 mm stand towards each other: a quarter of a
    // millimetre less on average, half a voxel diagonal at the extremes.
    near(found.mean_surface_distance_mm, 5.0, 0.3);
    near(found.hd95_mm, 5.0, 0.8);
    near(found.hausdorff_mm, 5.0, 1.2);
    // 2 r^3 / (r^3 + R^3), and (R / r)^3.
    near(found.dice, 2.0 * 8000.0 / (8000.0 + 15625.0), 0.005);
    near(found.volume_ratio, 15625.0 / 8000.0, 0.02);
    assert_eq!(found.surface_dice.unwrap()[..2], [0.0, 0.0]);
}

#[test]
fn a_shifted_sphere_has_the_lens_in_common() {
    let (r, d) = (20.0_f64, 8.0);
    let found = compare(&sphere(Vec3::new(0.0, 0.0, 0.0), r), &sphere(Vec3::new(d, 0.0, 0.0), r)).unwrap();
    // The lens of two equal spheres: pi (4r + d)(2r - d)^2 / 12; d(x, B) is |r - |x - b||, at most d, on average d/2.
    let lens = std::f64::consts::PI * (4.0 * r + d) * (2.0 * r - d).powi(2) / 12.0;
    near(found.dice, lens / (4.0 / 3.0 * std::f64::consts::PI * r.powi(3)), 0.003);
    near(found.hausdorff_mm, d, 0.1);
    near(found.mean_surface_distance_mm, mean_gap(r, d), 0.3);
    assert_eq!(found.centre_shift_mm, Some([d, 0.0, 0.0]));
    near(found.volume_ratio, 1.0, 1e-12);
}

/// Mean of |r - |x - b|| over a sphere of radius r whose other centre b is d away: an integral over cos(theta), by midpoints.
fn mean_gap(r: f64, d: f64) -> f64 {
    let n = 20_000;
    let at = |m: i32| {
        let c = -1.0 + (f64::from(m) + 0.5) * 2.0 / f64::from(n);
        (r - (r * r + d * d - 2.0 * r * d * c).sqrt()).abs()
    };
    (0..n).map(at).sum::<f64>() / f64::from(n)
}

#[test]
fn a_box_moved_along_z_moves_by_slices() {
    // 10 slices of 2 mm, moved by 3: the faces stay on their planes, the ends are 6 mm away.
    let found = compare(&cuboid([20, 20, 10], [20, 20, 10]), &cuboid([20, 20, 13], [20, 20, 10])).unwrap();
    near(found.dice, 0.7, 1e-12);
    near(found.hausdorff_mm, 6.0, 1e-9);
    assert_eq!(found.centre_shift_mm, Some([0.0, 0.0, 6.0]));
    // Three slices of A have no counterpart: 76 outline pixels of 1 mm each.
    near(found.added_path_length_mm, 3.0 * 76.0, 1e-9);
}

#[test]
fn a_wider_box_leaves_the_outline_to_be_drawn_again() {
    let found = compare(&cuboid([20, 20, 10], [20, 20, 5]), &cuboid([18, 18, 10], [24, 24, 5])).unwrap();
    near(found.added_path_length_mm, 5.0 * 76.0, 1e-9);
    near(Some(found.difference_cc), (24.0 * 24.0 - 400.0) * 10.0 / 1000.0, 1e-9);
    // Sides 2 mm apart, ends on the same planes: all within 3 mm, and within 2 mm all but the rounded rims.
    let [one, two, three] = found.surface_dice.unwrap();
    assert!(one < two && two > 0.9 && three > 1.0 - 1e-12, "{one} {two} {three}");
}

#[test]
fn a_thin_sheet_and_one_voxel() {
    // Sheets one voxel thick, 5 slices apart: every point is 10 mm from the other.
    let found = compare(&cuboid([10, 10, 10], [40, 40, 1]), &cuboid([10, 10, 15], [40, 40, 1])).unwrap();
    assert_eq!(found.dice, Some(0.0));
    near(found.mean_surface_distance_mm, 9.0, 1.1);
    near(found.hausdorff_mm, 10.0, 1e-9);
    // Two single voxels 7 mm apart: octahedra of half-axis 0.5 mm along x; the far tip is 7 mm from the other's far tip's mirror.
    let found = compare(&cuboid([10, 10, 10], [1, 1, 1]), &cuboid([17, 10, 10], [1, 1, 1])).unwrap();
    near(found.hausdorff_mm, 7.0, 1e-9);
    assert_eq!(found.centre_shift_mm, Some([7.0, 0.0, 0.0]));
}

#[test]
fn what_is_empty_has_no_distance() {
    let none = Mask::empty(&grid());
    let found = compare(&cuboid([5, 5, 5], [3, 3, 3]), &none).unwrap();
    assert_eq!((found.dice, found.hd95_mm, found.volume_ratio), (Some(0.0), None, Some(0.0)));
    let found = compare(&none, &none).unwrap();
    assert_eq!((found.dice, found.jaccard, found.volume_ratio), (None, None, None));
}

#[test]
fn another_grid_is_refused_with_the_difference() {
    let shifted = Arc::new(Grid::axis_aligned([80, 80, 40], Vec3::new(-39.0, -40.0, -40.0), SPACING).unwrap());
    let error = compare(&cuboid([5, 5, 5], [3, 3, 3]), &Mask::empty(&shifted)).unwrap_err();
    assert_eq!(error.code(), "compare.grid_mismatch");
}

#[test]
fn the_figures_are_the_same_on_one_and_many_threads() {
    let (a, b) = (sphere(Vec3::new(0.0, 0.0, 0.0), 18.0), sphere(Vec3::new(3.0, -2.0, 4.0), 21.0));
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| compare(&a, &b).unwrap())
    };
    assert_eq!(on(1), on(4));
}
