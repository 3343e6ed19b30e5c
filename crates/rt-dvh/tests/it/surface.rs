//! Dose-surface histograms of walls with known area.

use rt_core::Vec3;
use rt_dvh::{DoseField, DvhOptions, surface};

use crate::phantom::{contour, cuboid, cylinder, dose_on, grid};

#[test]
fn a_tube_has_its_circumference_times_its_length() {
    // Radius 20 mm, 30 mm long, dose 40 + 0.5 z: evenly from 32.5 to 47.5 Gy over the wall.
    let dose = dose_on(grid(), |p| 40.0 + 0.5 * p.z);
    let field = DoseField::single(dose.view()).unwrap();
    let tube = cylinder(Vec3::ZERO, 20.0, 30.0, 3.0);
    let found = surface(&field, &tube, &DvhOptions::default()).unwrap();
    let expected = std::f64::consts::TAU * 20.0 * 30.0;
    assert!((found.area_mm2 / expected - 1.0).abs() < 1e-3, "{}", found.area_mm2);
    assert!((found.distribution.mean() - 40.0).abs() < 1e-6);
    for (share, gy) in [(0.95, 33.25), (0.5, 40.0), (0.1, 46.0)] {
        let ours = found.distribution.dose_at_share(share);
        assert!((ours - gy).abs() < 0.02, "{share}: {ours}");
    }
}

#[test]
fn a_cone_has_its_slanted_wall_and_a_box_four_sides() {
    let dose = dose_on(grid(), |p| 40.0 + 0.5 * p.x);
    let field = DoseField::single(dose.view()).unwrap();
    // Squares of 20 and 10 mm, 12 mm apart: four trapezoids of height sqrt(144 + 25) = 13, half-gap walls of 6 mm at both ends.
    let square = |z: f64, h: f64| contour(z, [[-h, -h], [h, -h], [h, h], [-h, h]]);
    let frustum = rt_image::ContourSet {
        contours: vec![square(0.0, 10.0), square(12.0, 5.0)],
    };
    let found = surface(&field, &frustum, &DvhOptions::default()).unwrap();
    let expected = 4.0 * 0.5 * (20.0 + 10.0) * 13.0 + 80.0 * 6.0 + 40.0 * 6.0;
    assert!((found.area_mm2 - expected).abs() < 1e-6, "{}", found.area_mm2);
    let walls = surface(&field, &cuboid(Vec3::splat(-10.0), Vec3::splat(10.0), 2.0), &DvhOptions::default()).unwrap();
    assert!((walls.area_mm2 - 1600.0).abs() < 1e-6);
    // Half of the walls stand at x = 10 and -10: 45 and 35 Gy on a quarter each.
    assert!((walls.distribution.dose_at_share(0.1) - 45.0).abs() < 0.01);
    assert!((walls.distribution.dose_at_share(0.9) - 35.0).abs() < 0.01);
}

#[test]
fn what_has_no_dose_is_area_without_a_place_in_the_histogram() {
    let dose = dose_on(grid(), |_| 40.0);
    let field = DoseField::single(dose.view()).unwrap();
    let half = cylinder(Vec3::new(50.0, 0.0, 0.0), 10.0, 20.0, 2.0);
    let found = surface(&field, &half, &DvhOptions::default()).unwrap();
    let covered = found.distribution.volume_mm3() / found.area_mm2;
    assert!((covered - 0.5).abs() < 0.03, "{covered}");
    let away = cylinder(Vec3::new(90.0, 0.0, 0.0), 10.0, 20.0, 2.0);
    assert_eq!(surface(&field, &away, &DvhOptions::default()).unwrap_err().code(), "dvh.no_overlap");
}
