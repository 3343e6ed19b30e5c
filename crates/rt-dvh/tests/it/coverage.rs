//! Structures that leave the dose grid.

use rt_core::{Grid, Mat3, Silent, Vec3};
use rt_dvh::{
    DoseField, DoseTerm, DvhConfig, DvhError, DvhOptions, Metric, NamedRoi, Outside, Rim, RoiShape, Status, SumMissing, dvh, dvh_in,
};

use crate::phantom::{cuboid, dose_on, grid, turn};

fn codes(r: &rt_dvh::Dvh) -> Vec<&str> {
    r.warnings.iter().map(|w| w.code).collect()
}

#[test]
fn figures_are_of_the_covered_part_and_the_share_is_exact() {
    // The grid ends at 50 mm: a box from 44 to 53 along each axis in turn is covered by two thirds.
    let dose = dose_on(grid(), |p| 20.0 + 0.1 * (p.x + p.y + p.z));
    for axis in 0..3 {
        let (mut lo, mut hi) = (Vec3::splat(-9.0), Vec3::splat(9.0));
        (lo[axis], hi[axis]) = (44.0, 53.0);
        let roi = cuboid(lo, hi, 1.0);
        let r = dvh(dose.view(), RoiShape::Contours(&roi), &DvhOptions::default()).unwrap();
        assert!(
            (r.covered_fraction() - 2.0 / 3.0).abs() < 1e-9,
            "axis {axis}: {}",
            r.covered_fraction()
        );
        assert!((r.volume.value() - 9.0 * 18.0 * 18.0 / 1000.0).abs() < 1e-9);
        assert_eq!((r.status(), codes(&r)), (Status::Partial, vec!["dvh.partial_coverage"]));
        // Centre of the covered part at 47 along the axis.
        assert!((r.distribution.mean() - (20.0 + 4.7)).abs() < 1e-4);
        assert!((r.distribution.max() - (20.0 + 0.1 * (50.0 + 18.0))).abs() < 1e-4);
        assert!((r.distribution.volume_at(0.0) / 1000.0 - r.covered.value()).abs() < 1e-9);
    }
}

#[test]
fn a_turned_dose_grid_covers_the_same_share() {
    // The patient turned with the grid: the box axes are those of the grid, contours no longer axial.
    let d = turn(0.3);
    let g = Grid::new([41, 41, 41], d * Vec3::splat(-50.0), [2.5; 3], d).unwrap();
    let dose = dose_on(g, |p| 20.0 + 0.1 * (d.transpose() * p).x);
    let roi = crate::phantom::moved(&cuboid(Vec3::new(44.0, -9.0, -9.0), Vec3::new(53.0, 9.0, 9.0), 1.0), d, Vec3::ZERO);
    let r = dvh(dose.view(), RoiShape::Contours(&roi), &DvhOptions::default()).unwrap();
    assert!(
        (r.covered_fraction() - 2.0 / 3.0).abs() < 1e-6,
        "{} {:?}",
        r.covered_fraction(),
        r.sampling
    );
    assert!((r.distribution.mean() - 24.7).abs() < 1e-4);
    // And axial contours in a turned grid: a box around the corner of the grid, share by counting points.
    let axial = cuboid(Vec3::new(20.0, 20.0, 20.0), Vec3::new(60.0, 60.0, 60.0), 2.0);
    let r = dvh(dose.view(), RoiShape::Contours(&axial), &DvhOptions::default()).unwrap();
    let n = 80;
    let inside = (0..n * n * n).filter(|c| {
        let at = |i: i32| 20.0 + (f64::from(i) + 0.5) * 0.5;
        let q = d.transpose() * Vec3::new(at(c % n), at(c / n % n), at(c / n / n));
        q.abs().max_element() <= 50.0
    });
    let share = inside.count() as f64 / f64::from(n * n * n);
    assert!((r.covered_fraction() - share).abs() < 2e-3, "{} {share}", r.covered_fraction());
}

#[test]
fn outside_the_grid_there_is_a_row_with_the_volume_and_no_dose() {
    let dose = dose_on(grid(), |_| 20.0);
    let roi = cuboid(Vec3::new(60.0, 0.0, 0.0), Vec3::new(70.0, 10.0, 10.0), 2.0);
    let error = dvh(dose.view(), RoiShape::Contours(&roi), &DvhOptions::default()).unwrap_err();
    assert_eq!(
        (error.code(), error.status(), error.covered_fraction()),
        ("dvh.no_overlap", Status::Skipped, Some(0.0))
    );
    assert!((error.volume_cc().unwrap() - 1.0).abs() < 1e-12);
}

#[test]
fn the_rim_reaches_half_a_voxel_further_and_zero_fills_when_asked() {
    let dose = dose_on(grid(), |_| 20.0);
    let roi = cuboid(Vec3::new(44.0, -9.0, -9.0), Vec3::new(53.0, 9.0, 9.0), 1.0);
    let terms = vec![DoseTerm::physical(dose.view())];
    let field = DoseField::new(terms, Rim::HalfVoxel, SumMissing::Partial).unwrap();
    let r = dvh_in(&field, RoiShape::Contours(&roi), &DvhOptions::default()).unwrap();
    assert!((r.covered_fraction() - 7.25 / 9.0).abs() < 1e-6, "{}", r.covered_fraction());
    assert!((r.distribution.min() - 20.0).abs() < 1e-9);
    let zero = DvhOptions {
        outside: Outside::Zero,
        ..DvhOptions::default()
    };
    let r = dvh(dose.view(), RoiShape::Contours(&roi), &zero).unwrap();
    assert!((r.distribution.mean() - 20.0 * 2.0 / 3.0).abs() < 1e-6 && r.distribution.min().abs() < 1e-12);
    assert!((r.covered_fraction() - 2.0 / 3.0).abs() < 1e-9);
}

#[test]
fn figures_of_the_cold_side_are_empty_with_little_coverage() {
    let dose = dose_on(grid(), |p| 20.0 + 0.1 * p.x);
    let (much, little) = (
        cuboid(Vec3::new(30.0, -9.0, -9.0), Vec3::new(50.5, 9.0, 9.0), 1.0),
        cuboid(Vec3::new(44.0, -9.0, -9.0), Vec3::new(53.0, 9.0, 9.0), 1.0),
    );
    let roi = |set| NamedRoi {
        name: rt_core::RoiName::new("x").unwrap(),
        shape: RoiShape::Contours(set),
        slice_thickness_mm: None,
        rx: None,
        is_target: false,
    };
    let field = DoseField::single(dose.view()).unwrap();
    let found = rt_dvh::course(&field, &[roi(&much), roi(&little)], &DvhConfig::default(), &Silent);
    let value = |i: usize, m: &str| {
        let metric: Metric = m.parse().unwrap();
        let values = &found[i].1.as_ref().unwrap().values;
        values.iter().find(|(have, _)| *have == metric).unwrap().1
    };
    for m in ["Dmin", "D98%", "D95%", "HI", "gEUD_a-10"] {
        assert!(value(0, m).is_some() && value(1, m).is_none(), "{m}");
    }
    for m in ["Dmean", "D50%", "D2%", "Dmax", "V24Gy", "D1cc"] {
        assert!(value(0, m).is_some() && value(1, m).is_some(), "{m}");
    }
}

#[test]
fn a_dose_that_is_not_a_number_is_refused() {
    let mut dose = dose_on(grid(), |_| 20.0);
    dose.data_mut()[[1, 2, 3]] = f32::NAN;
    assert_eq!(DoseField::single(dose.view()).unwrap_err(), DvhError::NotFinite);
}

#[test]
fn a_grid_of_one_plane_has_its_thickness() {
    let g = Grid::new([41, 41, 1], Vec3::new(-50.0, -50.0, 0.0), [2.5, 2.5, 4.0], Mat3::IDENTITY).unwrap();
    let dose = dose_on(g, |p| 20.0 + 0.1 * p.x);
    let roi = cuboid(Vec3::new(-5.0, -5.0, -4.0), Vec3::new(5.0, 5.0, 4.0), 1.0);
    let r = dvh(dose.view(), RoiShape::Contours(&roi), &DvhOptions::default()).unwrap();
    assert!((r.covered_fraction() - 0.5).abs() < 1e-9);
    assert!((r.distribution.max() - 20.5).abs() < 1e-5 && (r.distribution.mean() - 20.0).abs() < 1e-5);
}
