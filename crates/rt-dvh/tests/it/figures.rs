//! Closed forms.

use std::sync::Arc;

use ndarray::Array3;
use rt_core::{Grid, Gy, Silent, Vec3};
use rt_dvh::{
    DoseField, DvhConfig, DvhOptions, Metric, NamedRoi, RoiShape, Status, VolumeUnit, dvh, geud, isodose_volumes, standard_metrics,
};
use rt_image::{ContourSet, Mask};

use crate::phantom::{contour, cuboid, cylinder, dose_on, grid, hill, lumpy};

fn value(result: &rt_dvh::Dvh, metric: &str, rx: f64) -> f64 {
    metric.parse::<Metric>().unwrap().value(result, Some(Gy(rx))).unwrap()
}

#[test]
fn one_dose_everywhere_is_every_figure() {
    let dose = dose_on(grid(), |_| 40.0);
    let roi = cylinder(Vec3::new(1.3, -2.1, 0.4), 9.0, 12.0, 2.0);
    let r = dvh(dose.view(), RoiShape::Contours(&roi), &DvhOptions::default()).unwrap();
    for m in [
        "Dmean",
        "Dmin",
        "Dmax",
        "D98%",
        "D50%",
        "D2%",
        "D0.03cc",
        "D1cc",
        "gEUD_a8",
        "gEUD_a-10",
    ] {
        assert!((value(&r, m, 40.0) - 40.0).abs() < 1e-9, "{m}");
    }
    for m in ["V40Gy", "V100%Rx", "V1Gy"] {
        assert!((value(&r, m, 40.0) - 100.0).abs() < 1e-9, "{m}");
    }
    assert!(value(&r, "V41Gy", 40.0).abs() < 1e-12 && value(&r, "HI", 40.0).abs() < 1e-12);
    assert!((r.volume.value() - std::f64::consts::PI * 81.0 * 12.0 / 1000.0).abs() < 1e-9);
    assert!(r.sampling.converged && r.warnings.is_empty() && r.status() == Status::Ok);
}

#[test]
fn a_slope_along_the_planes_gives_straight_lines() {
    // Box 20 x 10 x 12 mm, 0.8 Gy/mm along y from 30 Gy at y = -5: even spread over 30..38 Gy.
    let dose = dose_on(grid(), |p| 34.0 + 0.8 * p.y);
    let roi = cuboid(Vec3::new(-7.3, -5.0, -6.0), Vec3::new(12.7, 5.0, 6.0), 2.0);
    let r = dvh(dose.view(), RoiShape::Contours(&roi), &DvhOptions::default()).unwrap();
    let want = [
        ("Dmin", 30.0),
        ("Dmax", 38.0),
        ("Dmean", 34.0),
        ("D95%", 30.4),
        ("D2%", 37.84),
        ("D50%", 34.0),
    ];
    for (m, w) in want {
        assert!((value(&r, m, 60.0) - w).abs() < 2e-3, "{m}: {} against {w}", value(&r, m, 60.0));
    }
    // V(36) = 25 % = 0.6 cm3; CV(36) the rest; D1cc of 2.4 cm3: 38 - 8 / 2.4.
    assert!((value(&r, "V36Gy", 60.0) - 25.0).abs() < 0.02);
    assert!((value(&r, "CV36Gy_cc", 60.0) - 1.8).abs() < 5e-4);
    assert!((value(&r, "D1cc", 60.0) - (38.0 - 8.0 / 2.4)).abs() < 2e-3);
    assert!((value(&r, "V60%Rx", 60.0) - 25.0).abs() < 0.02);
    assert!((value(&r, "Dmean/Rx", 60.0) - 34.0 / 0.6).abs() < 1e-3);
    assert!((value(&r, "IntegralDose", 60.0) - 34.0 * 2.4).abs() < 1e-3);
    // Larger than the structure: no value, not Dmin.
    assert_eq!("D3cc".parse::<Metric>().unwrap().value(&r, None), None);
    assert_eq!("V95%Rx".parse::<Metric>().unwrap().value(&r, None), None);
}

#[test]
fn a_slope_across_the_planes_reaches_the_slab_faces() {
    // Planes every 3 mm: the dose runs to the outer faces, half a gap beyond the outer planes.
    let dose = dose_on(grid(), |p| 40.0 - 0.5 * p.z);
    let roi = cylinder(Vec3::new(0.2, 0.1, 1.0), 8.0, 18.0, 3.0);
    let r = dvh(dose.view(), RoiShape::Contours(&roi), &DvhOptions::default()).unwrap();
    assert!((value(&r, "Dmax", 1.0) - (40.0 - 0.5 * -8.0)).abs() < 1e-5);
    assert!((value(&r, "Dmin", 1.0) - (40.0 - 0.5 * 10.0)).abs() < 1e-5);
    assert!((value(&r, "D99%", 1.0) - (35.0 + 0.09)).abs() < 2e-3);
}

#[test]
fn the_true_maximum_lies_between_samples() {
    // A peak at one dose voxel inside the structure, and the highest point of an edge outside the voxels of the region.
    let mut dose = dose_on(grid(), |_| 10.0);
    dose.data_mut()[[20, 20, 20]] = 50.0;
    let roi = cuboid(Vec3::splat(-6.0), Vec3::splat(6.0), 2.0);
    let r = dvh(dose.view(), RoiShape::Contours(&roi), &DvhOptions::default()).unwrap();
    assert!((value(&r, "Dmax", 1.0) - 50.0).abs() < 1e-6 && (value(&r, "Dmin", 1.0) - 10.0).abs() < 1e-6);
    // The hat of one node: integral of the trilinear hat is one voxel volume times 40 Gy.
    let mean = 10.0 + 40.0 * 2.5f64.powi(3) / 12f64.powi(3);
    assert!((value(&r, "Dmean", 1.0) - mean).abs() < 1e-6);
    // A box whose side runs past the peak at 0.5 mm: 40 * (1 - 0.5 / 2.5) above the ground.
    let beside = cuboid(Vec3::new(0.5, -6.0, -6.0), Vec3::new(9.0, 6.0, 6.0), 2.0);
    let r = dvh(dose.view(), RoiShape::Contours(&beside), &DvhOptions::default()).unwrap();
    assert!((value(&r, "Dmax", 1.0) - 42.0).abs() < 1e-5, "{}", value(&r, "Dmax", 1.0));
}

#[test]
fn a_structure_smaller_than_a_dose_voxel_is_as_right_as_a_large_one() {
    let dose = dose_on(grid(), |p| 40.0 + 2.0 * p.x);
    let roi = cuboid(Vec3::new(0.3, 0.4, 0.1), Vec3::new(1.1, 1.2, 1.1), 0.5);
    let r = dvh(dose.view(), RoiShape::Contours(&roi), &DvhOptions::default()).unwrap();
    assert!((r.volume.value() - 0.8 * 0.8 * 1.0 / 1000.0).abs() < 1e-12);
    for (m, w) in [("D98%", 40.6 + 0.032), ("Dmean", 41.4), ("D2%", 42.2 - 0.032)] {
        assert!((value(&r, m, 1.0) - w).abs() < 1e-3, "{m} {}", value(&r, m, 1.0));
    }
}

#[test]
fn one_contour_takes_the_slice_spacing_of_its_image() {
    let dose = dose_on(grid(), |_| 1.0);
    let set = ContourSet {
        contours: vec![contour(0.3, [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]])],
    };
    let known = DvhOptions {
        slice_thickness_mm: Some(3.0),
        ..DvhOptions::default()
    };
    let r = dvh(dose.view(), RoiShape::Contours(&set), &known).unwrap();
    assert!((r.volume.value() - 0.048).abs() < 1e-12 && r.warnings.is_empty());
    let r = dvh(dose.view(), RoiShape::Contours(&set), &DvhOptions::default()).unwrap();
    assert!((r.volume.value() - 0.040).abs() < 1e-12);
    assert_eq!(r.warnings.iter().map(|w| w.code).collect::<Vec<_>>(), ["dvh.thickness_guessed"]);
}

#[test]
fn a_mask_is_the_boxes_of_its_voxels() {
    let dose = dose_on(grid(), |p| 30.0 + 0.5 * p.x + 0.2 * p.z);
    // 6 x 4 x 3 voxels of 1 x 1.5 x 2 mm: the same box as contours.
    let image = Arc::new(Grid::axis_aligned([30, 30, 30], Vec3::new(-10.0, -12.0, -20.0), [1.0, 1.5, 2.0]).unwrap());
    let mask = Mask::from_block(&image, [5, 6, 7], Array3::ones((3, 4, 6))).unwrap();
    let lo = image.centre(5, 6, 7) - Vec3::new(0.5, 0.75, 1.0);
    let hi = image.centre(10, 9, 9) + Vec3::new(0.5, 0.75, 1.0);
    let options = DvhOptions::default();
    let a = dvh(dose.view(), RoiShape::Mask(&mask), &options).unwrap();
    let b = dvh(dose.view(), RoiShape::Contours(&cuboid(lo, hi, 2.0)), &options).unwrap();
    for m in ["Volume", "Dmean", "Dmin", "Dmax", "D98%", "D2%", "V31Gy"] {
        let (x, y) = (value(&a, m, 1.0), value(&b, m, 1.0));
        assert!((x - y).abs() < 1e-3 * y.abs().max(1.0), "{m} {x} {y}");
    }
    assert!((a.volume.value() - mask.volume().value()).abs() < 1e-12);
}

#[test]
fn finer_tolerances_agree_within_the_coarser_one() {
    let dose = dose_on(grid(), hill);
    let roi = lumpy(Vec3::new(4.0, 2.0, 1.0), 25.0);
    let run = |tolerance_gy: f64| {
        let options = DvhOptions {
            tolerance_gy,
            start_cells: 300.0,
            ..DvhOptions::default()
        };
        dvh(dose.view(), RoiShape::Contours(&roi), &options).unwrap()
    };
    let truth = DvhOptions {
        start_cells: 2e6,
        ..DvhOptions::default()
    };
    let truth = dvh(dose.view(), RoiShape::Contours(&roi), &truth).unwrap();
    for tolerance in [0.1, 0.05, 0.02] {
        let r = run(tolerance);
        assert!(r.sampling.converged, "{:?}", r.sampling);
        for m in [
            "D99%", "D98%", "D95%", "D90%", "D70%", "D50%", "D30%", "D10%", "D5%", "D2%", "D1%", "D0.03cc", "D2cc",
        ] {
            let off = (value(&r, m, 1.0) - value(&truth, m, 1.0)).abs();
            assert!(off <= tolerance, "{m} off by {off} at {tolerance}");
        }
    }
}

#[test]
fn isodose_volumes_of_a_hill_are_spheres() {
    // Dose falls 1 Gy a mm from 60: the 40 Gy isodose is a sphere of 20 mm, less what trilinear interpolation of a curved field loses.
    let fine = Grid::axis_aligned([81, 81, 81], Vec3::splat(-40.0), [1.0; 3]).unwrap();
    let dose = dose_on(fine, |p| 60.0 - p.length());
    let field = DoseField::single(dose.view()).unwrap();
    let v = isodose_volumes(&field, &[Gy(40.0), Gy(30.0), Gy(100.0)]);
    for (v, r) in v.iter().zip([20.0f64, 30.0]) {
        let sphere = 4.0 / 3.0 * std::f64::consts::PI * r.powi(3) / 1000.0;
        assert!((v.value() / sphere - 1.0).abs() < 2e-3, "{v} {sphere}");
    }
    assert!(v[2].value().abs() < 1e-12);
}

#[test]
fn a_course_keeps_order_and_errors_and_gives_targets_their_indices() {
    let dose = dose_on(grid(), |p| 60.0 - p.length());
    let field = DoseField::single(dose.view()).unwrap();
    let (ball, empty, far) = (
        lumpy(Vec3::ZERO, 20.0),
        ContourSet::default(),
        cuboid(Vec3::splat(200.0), Vec3::splat(210.0), 2.0),
    );
    let roi = |name: &str, shape, is_target| NamedRoi {
        name: rt_core::RoiName::new(name).unwrap(),
        shape,
        slice_thickness_mm: None,
        rx: Some(Gy(45.0)),
        is_target,
    };
    let rois = [
        roi("PTV", RoiShape::Contours(&ball), true),
        roi("nothing", RoiShape::Contours(&empty), false),
        roi("far", RoiShape::Contours(&far), true),
        roi("PTV", RoiShape::Contours(&ball), false),
    ];
    let config = DvhConfig {
        metrics: vec!["D33%".parse().unwrap()],
        ..DvhConfig::default()
    };
    let results = rt_dvh::course(&field, &rois, &config, &Silent);
    let names: Vec<&str> = results.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["PTV", "nothing", "far", "PTV"]);
    let first = results[0].1.as_ref().unwrap();
    let i = first.indices.unwrap();
    // Isodose: a sphere of 15 mm, less 2.5^2 / 8 * 2 / 15 = 0.1 Gy = 0.1 mm of radius (2 %) that trilinear samples lose on a curved field.
    let piv = i.ci_rtog * first.dvh.volume.value();
    assert!((piv - 4.0 / 3.0 * std::f64::consts::PI * 3.375 * 0.98).abs() < 0.15, "{piv}");
    assert!(i.ci_paddick.unwrap() <= 1.0 && i.gradient.unwrap() > 1.0);
    assert_eq!(first.values.len(), standard_metrics().len() + 1);
    let codes: Vec<&str> = results[1..3].iter().map(|(_, r)| r.as_ref().unwrap_err().code()).collect();
    assert_eq!(codes, ["dvh.empty", "dvh.no_overlap"]);
    assert_eq!(results[2].1.as_ref().unwrap_err().volume_cc(), Some(1.0));
    assert_eq!(results[3].1.as_ref().unwrap().indices, None);
}

#[test]
fn the_reference_columns_are_all_there_and_print_as_they_parse() {
    let all = standard_metrics();
    // 146 of the predecessor, 16 volumes, 8 + 4 doses, 4 relative volumes, 2 gEUD.
    assert_eq!(all.len(), 146 + 16 + 8 + 4 + 4 + 2);
    for m in &all {
        assert_eq!(m.to_string().parse::<Metric>().unwrap(), *m);
    }
    assert_eq!("V20Gy_cc".parse(), Ok(Metric::Volume(20.0, VolumeUnit::Cc)));
    for bad in [
        "", "D", "D95", "D101%", "V", "V20", "Vcc", "D-1cc", "D0cc", "gEUD_a0", "gEUD_a", "X", "D1e3%", "V20Gy_ml", "D95%/rx",
    ] {
        assert!(bad.parse::<Metric>().is_err(), "{bad}");
    }
}

#[test]
fn geud_weighs_hot_spots() {
    // Even spread over 30..38: closed form as in the library's own test, here through the whole engine.
    let dose = dose_on(grid(), |p| 34.0 + 0.8 * p.y);
    let roi = cuboid(Vec3::new(-7.3, -5.0, -6.0), Vec3::new(12.7, 5.0, 6.0), 2.0);
    let r = dvh(dose.view(), RoiShape::Contours(&roi), &DvhOptions::default()).unwrap();
    let a: f64 = 8.0;
    let want = ((38f64.powf(a + 1.0) - 30f64.powf(a + 1.0)) / (8.0 * (a + 1.0))).powf(1.0 / a);
    assert!((geud(&r.distribution, a) - want).abs() < 1e-3);
}
