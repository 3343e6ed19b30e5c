//! Reference mode against values that the Python pipeline itself computed.

use std::f64::consts::TAU;
use std::sync::Arc;

use ndarray::Array3;
use rt_core::{Grid, Gy, Vec3};
use rt_dvh::{Metric, ReferenceDvh, Snapping, standard_metrics};
use rt_image::{ContourSet, Volume};
use serde_json::Value;

use crate::phantom::contour;

const SCALING: f64 = 0.001;

/// The phantom of `data/golden/dvh_reference.json`.
fn dose() -> Volume<f32> {
    let grid = Arc::new(Grid::axis_aligned([40, 40, 20], Vec3::ZERO, [2.5; 3]).unwrap());
    let stored = |k: usize, i: usize| (1000.0 * (10.0 + 1.25 * i as f64 + 0.4 * k as f64)).round();
    let data = Array3::from_shape_fn(grid.shape(), |(k, _, i)| (stored(k, i) * SCALING) as f32);
    Volume::new(grid, data).unwrap()
}

fn square(lo: f64, hi: f64) -> [[f64; 2]; 4] {
    [[lo, lo], [hi, lo], [hi, hi], [lo, hi]]
}

fn rois() -> Vec<(&'static str, ContourSet)> {
    let round = |x: f64| (x * 1e4).round() / 1e4;
    let ring = |i: i32| {
        let t = TAU * f64::from(i) / 180.0;
        [round(50.3 + 19.7 * t.cos()), round(49.6 + 19.7 * t.sin())]
    };
    let heights = || (0..12).map(|k| 5.0 + 2.5 * f64::from(k));
    let hollow = |z| [contour(z, square(21.0, 79.0)), contour(z, square(41.0, 59.0))];
    vec![
        (
            "PTV",
            ContourSet {
                contours: heights().map(|z| contour(z, (0..180).map(ring))).collect(),
            },
        ),
        (
            "BoxHole",
            ContourSet {
                contours: heights().flat_map(hollow).collect(),
            },
        ),
        (
            "ZInt",
            ContourSet {
                contours: (0..8).map(|k| contour(6.1 + 3.0 * f64::from(k), square(31.0, 69.0))).collect(),
            },
        ),
    ]
}

#[test]
fn every_value_of_the_predecessor() {
    let Some(path) = rt_testdata::shared("data/golden/dvh_reference.json") else {
        return;
    };
    let golden: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let dose = dose();
    let mut compared = 0;
    for (key, snapping) in [("metrics", Snapping::ToDosePlanes), ("metrics_without_snapping", Snapping::None)] {
        for (name, set) in rois() {
            let Some(values) = golden[key][name].as_object() else { continue };
            let found = ReferenceDvh::of_contours(dose.view(), &set, Some(SCALING), snapping).unwrap();
            for (metric, expected) in named(values) {
                let value = found.value(metric, Some(Gy(40.0)));
                let (Some(a), Some(b)) = (value, expected) else {
                    assert_eq!(value, expected, "{name} {metric}");
                    continue;
                };
                assert!((a - b).abs() <= 1e-9 * b.abs(), "{name} {metric}: {a} against {b}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 4 * 146);
}

/// The first 146 standard metrics stand in the order of the predecessor's columns.
fn named(values: &serde_json::Map<String, Value>) -> Vec<(Metric, Option<f64>)> {
    assert_eq!(values.len(), 146);
    let column = |m: &Metric| match *m {
        Metric::Spread => "SpreadGy".to_owned(),
        Metric::RelativeSpread => "Spread%".to_owned(),
        Metric::RelativeHomogeneity => "HI%".to_owned(),
        Metric::WholeVolume => "Volume (cm³)".to_owned(),
        Metric::IntegralDose => "IntegralDose_Gycm3".to_owned(),
        Metric::Homogeneity => "HI".to_owned(),
        Metric::Dose(_) => format!("{}Gy", m.to_string().replace('%', "")),
        Metric::RelativeDose(_) => format!("{}%", m.to_string().replace("/Rx", "").replace('%', "")),
        _ => match m.to_string().strip_suffix("_cc") {
            Some(volume) => format!("{volume} (cm³)"),
            None => format!("{m} (%)"),
        },
    };
    standard_metrics()
        .into_iter()
        .take(146)
        .map(|m| (m, values[&column(&m)].as_f64()))
        .collect()
}

#[test]
fn a_single_contour_has_no_row_there() {
    let set = ContourSet {
        contours: vec![contour(10.0, square(20.0, 40.0))],
    };
    let error = ReferenceDvh::of_contours(dose().view(), &set, Some(SCALING), Snapping::ToDosePlanes).unwrap_err();
    assert_eq!(error.code(), "dvh.reference_dropped");
}

#[test]
fn a_mask_takes_the_dose_at_its_voxel_centres() {
    // Voxels of 1 mm at x = 10.5, 11.5: dose 10 + 0.5 x + 0.16 z at z = 20; 0 Gy counts outside the grid.
    let grid = Arc::new(Grid::axis_aligned([120, 40, 30], Vec3::new(0.5, 20.0, 20.0), [1.0; 3]).unwrap());
    let block = Array3::ones((1, 1, 2));
    let inside = rt_image::Mask::from_block(&grid, [10, 0, 0], block.clone()).unwrap();
    let found = ReferenceDvh::of_mask(dose().view(), &inside, Some(SCALING)).unwrap();
    let of = |d: &ReferenceDvh, m: &str| d.value(m.parse().unwrap(), None).unwrap();
    assert!((of(&found, "Dmin") - 18.45).abs() < 1e-9 && (of(&found, "Dmax") - 18.95).abs() < 1e-9);
    assert!((of(&found, "Dmean") - 18.7).abs() < 1e-9 && (found.volume_cc() - 0.002).abs() < 1e-12);
    let outside = rt_image::Mask::from_block(&grid, [110, 0, 0], block).unwrap();
    assert_eq!(of(&ReferenceDvh::of_mask(dose().view(), &outside, None).unwrap(), "Dmax"), 0.0);
}
