use std::sync::Arc;

use rt_core::{Grid, Mat3, Vec3};

use super::*;
use crate::{Contour, ContourKind};

fn grid(size: [usize; 3], spacing: [f64; 3]) -> Arc<Grid> {
    Arc::new(Grid::axis_aligned(size, Vec3::ZERO, spacing).unwrap())
}

fn contour(points: &[[f64; 2]], z: f64) -> Contour {
    Contour {
        kind: ContourKind::ClosedPlanar,
        points: points.iter().map(|[x, y]| Vec3::new(*x, *y, z)).collect(),
    }
}

fn rect(x: [f64; 2], y: [f64; 2], z: f64) -> Contour {
    contour(&[[x[0], y[0]], [x[1], y[0]], [x[1], y[1]], [x[0], y[1]]], z)
}

fn circle(r: f64, c: [f64; 2], z: f64) -> Contour {
    let points: Vec<[f64; 2]> = (0..360)
        .map(|a| f64::from(a).to_radians())
        .map(|a| [c[0] + r * a.cos(), c[1] + r * a.sin()])
        .collect();
    contour(&points, z)
}

fn raster(contours: Vec<Contour>, grid: &Arc<Grid>) -> Raster {
    rasterize(&ContourSet { contours }, grid, RasterOptions::default()).unwrap()
}

fn rows(m: &Mask, k: usize) -> Vec<String> {
    let [ni, nj, _] = m.grid().size();
    (0..nj)
        .map(|j| (0..ni).map(|i| if m.contains(i, j, k) { '#' } else { '.' }).collect())
        .collect()
}

#[test]
fn edges_on_centres_count_once() {
    // Two rectangles that share the line x = 3, which runs through pixel centres: left in, right out.
    let g = grid([7, 4, 1], [1.0; 3]);
    let left = raster(vec![rect([1.0, 3.0], [1.0, 3.0], 0.0)], &g);
    let right = raster(vec![rect([3.0, 5.0], [1.0, 3.0], 0.0)], &g);
    assert_eq!(rows(&left.mask, 0), [".......", ".##....", ".##....", "......."]);
    assert_eq!(rows(&right.mask, 0), [".......", "...##..", "...##..", "......."]);
}

#[test]
fn ring_with_hole_and_island_in_hole() {
    let g = grid([9, 9, 1], [1.0; 3]);
    let square = |h: f64| rect([4.0 - h, 4.0 + h], [4.0 - h, 4.0 + h], 0.0);
    let out = raster(vec![square(3.5), square(2.5), square(0.5)], &g);
    // 49 - 25 + 1 = 25.
    assert_eq!(out.mask.count(), 25);
    assert!(out.mask.contains(4, 4, 0) && !out.mask.contains(4, 6, 0) && out.mask.contains(4, 7, 0));
}

#[test]
fn a_keyhole_reads_as_the_hole_that_it_means() {
    let g = grid([9, 9, 1], [1.0; 3]);
    let keyhole = contour(
        &[
            [0.5, 0.5],
            [7.5, 0.5],
            [7.5, 4.0],
            [5.5, 4.0],
            [5.5, 2.5],
            [2.5, 2.5],
            [2.5, 5.5],
            [5.5, 5.5],
            [5.5, 4.0],
            [7.5, 4.0],
            [7.5, 7.5],
            [0.5, 7.5],
        ],
        0.0,
    );
    let inner = raster(vec![rect([0.5, 7.5], [0.5, 7.5], 0.0), rect([2.5, 5.5], [2.5, 5.5], 0.0)], &g);
    assert_eq!(raster(vec![keyhole], &g).mask, inner.mask);
    assert_eq!(inner.mask.count(), 49 - 9);
}

#[test]
fn overlapping_polygons_by_choice() {
    let g = grid([16, 16, 1], [1.0; 3]);
    let pair = ContourSet {
        contours: vec![rect([0.5, 8.5], [0.5, 8.5], 0.0), rect([4.5, 12.5], [4.5, 12.5], 0.0)],
    };
    let count = |overlap| {
        let options = RasterOptions {
            overlap,
            ..RasterOptions::default()
        };
        rasterize(&pair, &g, options).unwrap().mask.count()
    };
    assert_eq!((count(Overlap::Xor), count(Overlap::Union)), (64 + 64 - 32, 64 + 64 - 16));
}

#[test]
fn a_polygon_without_a_centre_marks_the_pixel_it_covers_most() {
    let g = grid([6, 6, 1], [1.0; 3]);
    let out = raster(vec![rect([2.3, 2.8], [3.1, 3.4], 0.0)], &g);
    // x 2.3..2.5 lies in pixel 2, 2.5..2.8 in pixel 3; y in row 3.
    assert_eq!((rows(&out.mask, 0)[3].as_str(), out.mask.count(), out.marked), ("...#..", 1, 1));
    // As a hole in a larger polygon it changes nothing.
    let hole = raster(vec![rect([0.5, 4.5], [0.5, 4.5], 0.0), rect([2.3, 2.8], [3.1, 3.4], 0.0)], &g);
    assert_eq!((hole.mask.count(), hole.marked), (16, 0));
}

#[test]
fn a_structure_between_two_slices_goes_to_the_nearer_one() {
    // Planes 0.2 mm apart around z = 4.1 on slices of 3 mm: no slice centre lies in their slabs.
    let g = grid([6, 6, 4], [1.0, 1.0, 3.0]);
    let out = raster(vec![rect([0.5, 3.5], [0.5, 3.5], 4.0), rect([0.5, 2.5], [0.5, 3.5], 4.2)], &g);
    assert_eq!((out.mask.lo(), out.mask.size(), out.mask.count()), ([1, 1, 1], [3, 3, 1], 9));
}

#[test]
fn slices_take_the_plane_whose_slab_holds_them() {
    // Contours on every third slice of 1 mm at 3 and 6; slabs 1.5..4.5 and 4.5..7.5: slices 2 to 4 and 5 to 7.
    let g = grid([6, 6, 10], [1.0; 3]);
    let out = raster(vec![rect([0.5, 3.5], [0.5, 3.5], 3.0), rect([0.5, 2.5], [0.5, 2.5], 6.0)], &g);
    let counts: Vec<usize> = (0..10).map(|k| rows(&out.mask, k).concat().matches('#').count()).collect();
    assert_eq!(counts, [0, 0, 9, 9, 9, 4, 4, 4, 0, 0]);
    assert!((out.contour_volume_mm3 - 39.0).abs() < 1e-9);
}

#[test]
fn a_single_plane_is_as_thick_as_a_slice() {
    let g = grid([6, 6, 4], [1.0, 1.0, 3.0]);
    let out = raster(vec![rect([0.5, 3.5], [0.5, 3.5], 4.4)], &g);
    assert_eq!((out.mask.size(), out.mask.lo()[2]), ([3, 3, 1], 1));
    assert!((out.contour_volume_mm3 - 27.0).abs() < 1e-9);
}

#[test]
fn points_and_lines_are_counted_and_contours_off_the_grid_are_empty() {
    let g = grid([6, 6, 4], [1.0; 3]);
    let mut point = contour(&[[1.0, 1.0]], 0.0);
    point.kind = ContourKind::Point;
    let e = rasterize(
        &ContourSet {
            contours: vec![point.clone()],
        },
        &g,
        RasterOptions::default(),
    )
    .unwrap_err();
    assert_eq!(e.code(), "structures.empty");
    let out = raster(vec![point, rect([100.0, 120.0], [0.0, 5.0], 1.0)], &g);
    assert!(out.mask.is_empty() && out.leaves_grid);
    assert_eq!(out.notes.open_contours, 1);
    let above = raster(vec![rect([0.5, 2.5], [0.5, 2.5], 90.0)], &g);
    assert!(above.mask.is_empty() && above.leaves_grid);
}

#[test]
fn contours_beyond_the_grid_are_cut_and_said_so() {
    let g = grid([6, 6, 4], [1.0; 3]);
    let out = raster(vec![rect([-3.0, 2.5], [-3.0, 9.0], 1.0)], &g);
    assert_eq!((out.mask.count(), out.leaves_grid), (3 * 6, true));
    let inside = raster(vec![rect([-0.5, 5.5], [-0.5, 5.5], 1.0)], &g);
    assert_eq!((inside.mask.count(), inside.leaves_grid), (36, false));
}

#[test]
fn a_cylinder_has_its_volume_on_any_orientation_of_the_grid() {
    // Radius 15 mm, planes z = 0, 2, .., 20: 22 mm high. Rows bottom-up, slices from the head down.
    let contours: Vec<Contour> = (0..11).map(|n| circle(15.0, [3.3, -4.2], f64::from(n) * 2.0)).collect();
    let truth = std::f64::consts::PI * 225.0 * 22.0 / 1000.0;
    for (direction, origin) in [
        (Mat3::IDENTITY, Vec3::new(-20.0, -25.0, -4.0)),
        (Mat3::from_cols(Vec3::X, Vec3::NEG_Y, Vec3::Z), Vec3::new(-20.0, 20.0, -4.0)),
        (Mat3::from_cols(Vec3::Y, Vec3::X, Vec3::NEG_Z), Vec3::new(-20.0, -25.0, 26.0)),
    ] {
        let g = Arc::new(Grid::new([90, 90, 16], origin, [0.5, 0.5, 2.0], direction).unwrap());
        let out = raster(contours.clone(), &g);
        // Counting pixel centres in a circle of 30 pixels is off by up to a dozen of 2,827.
        assert!((out.mask.volume().value() / truth - 1.0).abs() < 5e-3, "{}", out.mask.volume());
    }
}

#[test]
fn sagittal_contours_on_axial_slices() {
    // The same box drawn in planes of constant x, 2 mm apart from 10 to 18: x 9..19, y 5..15, z 4..16.
    let contours: Vec<Contour> = (0..5)
        .map(|n| 10.0 + 2.0 * f64::from(n))
        .map(|x| Contour {
            kind: ContourKind::ClosedPlanar,
            points: [[5.0, 4.0], [15.0, 4.0], [15.0, 16.0], [5.0, 16.0]]
                .map(|[y, z]| Vec3::new(x, y, z))
                .to_vec(),
        })
        .collect();
    let g = Arc::new(Grid::axis_aligned([30, 30, 10], Vec3::new(0.25, 0.25, 1.0), [1.0, 1.0, 2.0]).unwrap());
    let out = raster(contours, &g);
    assert_eq!((out.mask.lo(), out.mask.size(), out.mask.count()), ([9, 5, 2], [10, 10, 6], 600));
    assert!((out.contour_volume_mm3 - 1200.0).abs() < 1e-9);
}

#[test]
fn a_tilted_grid_takes_contours_of_its_own_planes() {
    // Gantry tilt: slices stay axial, their origins move along y. A prism of contours stays upright in the patient.
    let w = Vec3::new(0.0, 0.3, 0.91_f64.sqrt());
    let g = Arc::new(
        Grid::new(
            [20, 30, 8],
            Vec3::ZERO,
            [1.0, 1.0, 2.0 / 0.91_f64.sqrt()],
            Mat3::from_cols(Vec3::X, Vec3::Y, w),
        )
        .unwrap(),
    );
    let out = raster((0..8).map(|n| rect([4.5, 9.5], [9.5, 14.5], 2.0 * f64::from(n))).collect(), &g);
    assert_eq!(out.mask.count(), 8 * 25);
    for k in 0..8 {
        let first = (0..30).find(|j| out.mask.contains(5, *j, k)).unwrap();
        assert!(g.centre(5, first, k).y >= 9.5 && g.centre(5, first, k).y < 10.5, "slice {k}");
    }
}
