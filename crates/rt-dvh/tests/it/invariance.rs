//! What must not change a figure.

use proptest::prelude::*;
use rt_core::{Grid, Mat3, Vec3};
use rt_dvh::{Dvh, DvhOptions, RoiShape, dvh};
use rt_image::{ContourSet, Volume};

use crate::phantom::{dose_on, grid, hill, lumpy, moved, turn};

const SHARES: [f64; 7] = [0.99, 0.95, 0.7, 0.5, 0.3, 0.05, 0.01];

fn run(dose: &Volume<f32>, roi: &ContourSet) -> Dvh {
    dvh(dose.view(), RoiShape::Contours(roi), &DvhOptions::default()).unwrap()
}

fn same(a: &Dvh, b: &Dvh, gy: f64) {
    assert!((a.volume.value() / b.volume.value() - 1.0).abs() < 1e-6);
    for s in SHARES {
        let (x, y) = (a.distribution.dose_at_share(s), b.distribution.dose_at_share(s));
        assert!((x - y).abs() < gy, "share {s}: {x} against {y}");
    }
    assert!((a.distribution.mean() - b.distribution.mean()).abs() < gy);
    assert!((a.distribution.max() - b.distribution.max()).abs() < gy);
    assert!((a.distribution.min() - b.distribution.min()).abs() < gy);
}

/// The same samples stored along other axes: `order[a]` is the grid axis that becomes axis a, turned round where `flip` says.
fn restored(dose: &Volume<f32>, order: [usize; 3], flip: [bool; 3]) -> Volume<f32> {
    let g = dose.grid();
    let (size, direction) = (g.size(), g.direction());
    let column = |a: usize| direction.col(order[a]) * if flip[a] { -1.0 } else { 1.0 };
    let from = |at: [usize; 3]| {
        let mut index = [0; 3];
        for a in 0..3 {
            index[order[a]] = if flip[a] { size[order[a]] - 1 - at[a] } else { at[a] };
        }
        index
    };
    let first = from([0; 3]);
    let origin = g.centre(first[0], first[1], first[2]);
    let grid = Grid::new(
        order.map(|o| size[o]),
        origin,
        order.map(|o| g.spacing()[o]),
        Mat3::from_cols(column(0), column(1), column(2)),
    )
    .unwrap();
    let data = ndarray::Array3::from_shape_fn(grid.shape(), |(k, j, i)| {
        let [i, j, k] = from([i, j, k]);
        dose.data()[[k, j, i]]
    });
    Volume::new(grid, data).unwrap()
}

#[test]
fn the_storage_order_of_the_dose_changes_nothing() {
    let g = Grid::axis_aligned([41, 35, 29], Vec3::new(-50.0, -42.0, -41.0), [2.5, 2.5, 3.0]).unwrap();
    let dose = dose_on(g, hill);
    let roi = lumpy(Vec3::new(4.0, 2.0, 1.0), 25.0);
    let plain = run(&dose, &roi);
    let orders = [[0, 1, 2], [1, 0, 2], [2, 0, 1], [2, 1, 0], [0, 2, 1]];
    let flips = [[false, true, false], [true, false, true], [true, true, true], [false, false, true]];
    for order in orders {
        for flip in flips {
            same(&plain, &run(&restored(&dose, order, flip), &roi), 1e-6);
        }
    }
}

#[test]
fn uneven_frames_that_repeat_the_field_change_nothing() {
    // A linear field is the same on any set of planes.
    let linear = |p: Vec3| 40.0 + 0.3 * p.x - 0.2 * p.y + 0.4 * p.z;
    let even = dose_on(grid(), linear);
    let offsets: Vec<f64> = (0..41).map(|k| f64::from(k) * 2.5 + if k % 2 == 1 { 0.8 } else { 0.0 }).collect();
    let uneven = dose_on(grid().with_offsets(offsets).unwrap(), linear);
    let roi = lumpy(Vec3::new(4.0, 2.0, 1.0), 25.0);
    same(&run(&even, &roi), &run(&uneven, &roi), 2e-3);
    // And through the general path.
    let d = turn(0.2);
    let offsets: Vec<f64> = (0..41).map(|k| f64::from(k) * 2.5 + if k % 2 == 1 { 0.8 } else { 0.0 }).collect();
    let g = Grid::new([41; 3], d * Vec3::splat(-50.0), [2.5; 3], d)
        .unwrap()
        .with_offsets(offsets)
        .unwrap();
    let turned = dose_on(g, linear);
    same(&run(&even, &roi), &run(&turned, &roi), 1e-2);
}

#[test]
fn reversed_slices_and_points_change_nothing() {
    let dose = dose_on(grid(), hill);
    let roi = lumpy(Vec3::new(4.0, 2.0, 1.0), 25.0);
    let mut other = roi.clone();
    other.contours.reverse();
    for (i, c) in other.contours.iter_mut().enumerate() {
        if i % 2 == 0 {
            c.points.reverse();
        }
        c.points.rotate_left(i);
    }
    same(&run(&dose, &roi), &run(&dose, &other), 1e-6);
}

#[test]
fn the_whole_patient_turned_is_the_same_patient() {
    // The frame of the turned contours has other axes, so cells lie elsewhere: dose within the accuracy of the engine.
    let dose = dose_on(grid(), hill);
    let roi = lumpy(Vec3::new(4.0, 2.0, 1.0), 25.0);
    let plain = run(&dose, &roi);
    for angle in [0.2, 1.1, -2.0] {
        let d = turn(angle);
        let g = Grid::new([41; 3], d * Vec3::splat(-50.0), [2.5; 3], d).unwrap();
        let turned = Volume::new(g, dose.data().clone()).unwrap();
        same(&plain, &run(&turned, &moved(&roi, d, Vec3::ZERO)), 1e-2);
    }
    for quarter in [
        Mat3::from_cols(Vec3::Y, Vec3::Z, Vec3::X),
        Mat3::from_cols(Vec3::NEG_Y, Vec3::X, Vec3::Z),
    ] {
        let g = Grid::new([41; 3], quarter * Vec3::splat(-50.0), [2.5; 3], quarter).unwrap();
        let turned = Volume::new(g, dose.data().clone()).unwrap();
        same(&plain, &run(&turned, &moved(&roi, quarter, Vec3::ZERO)), 1e-4);
    }
}

#[test]
fn results_are_bitwise_equal_on_one_two_and_eight_threads() {
    let dose = dose_on(grid(), hill);
    // Large enough to be cut into several tasks.
    let roi = lumpy(Vec3::new(0.0, 0.0, 0.0), 40.0);
    let options = DvhOptions {
        start_cells: 400_000.0,
        ..DvhOptions::default()
    };
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| dvh(dose.view(), RoiShape::Contours(&roi), &options).unwrap())
    };
    let one = on(1);
    for threads in [2, 8] {
        let other = on(threads);
        assert_eq!(one, other, "{threads} threads");
        let bits = |d: &Dvh| d.distribution.curve_cc(0.01).iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&one), bits(&other));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_shift_of_everything_changes_nothing(x in -300.0f64..300.0, y in -300.0f64..300.0, z in -300.0f64..300.0) {
        let dose = dose_on(grid(), hill);
        let roi = lumpy(Vec3::new(4.0, 2.0, 1.0), 15.0);
        let shift = Vec3::new(x, y, z);
        let g = Grid::axis_aligned([41; 3], Vec3::splat(-50.0) + shift, [2.5; 3]).unwrap();
        let shifted = Volume::new(g, dose.data().clone()).unwrap();
        same(&run(&dose, &roi), &run(&shifted, &moved(&roi, Mat3::IDENTITY, shift)), 1e-4);
    }

    #[test]
    fn an_added_dose_shifts_every_quantile(offset in 0.5f64..40.0) {
        let dose = dose_on(grid(), hill);
        // A multiple of 1/64 Gy adds to single precision samples almost exactly.
        let offset = (offset * 64.0).round() / 64.0;
        let roi = lumpy(Vec3::new(4.0, 2.0, 1.0), 15.0);
        let plain = run(&dose, &roi);
        let more = run(&dose.map(|v| v + offset as f32), &roi);
        for s in SHARES {
            let shift = more.distribution.dose_at_share(s) - plain.distribution.dose_at_share(s);
            prop_assert!((shift - offset).abs() < 1e-4, "share {}: {} against {}", s, shift, offset);
        }
        prop_assert!((more.distribution.mean() - plain.distribution.mean() - offset).abs() < 1e-4);
    }

    #[test]
    fn curves_fall_and_begin_with_the_covered_volume(radius in 5.0f64..30.0, x in -45.0f64..45.0) {
        let dose = dose_on(grid(), hill);
        let roi = lumpy(Vec3::new(x, 0.0, 0.0), radius);
        let r = run(&dose, &roi);
        let curve = r.distribution.curve_cc(0.05);
        prop_assert!(curve.windows(2).all(|w| w[1] <= w[0]));
        prop_assert!((curve[0] - r.covered.value()).abs() < 1e-9);
        prop_assert!(curve[curve.len() - 1].abs() < 1e-300);
        let d = &r.distribution;
        let order = [0.0, 0.02, 0.5, 0.95, 0.98, 1.0].map(|s| d.dose_at_share(s));
        prop_assert!(order.windows(2).all(|w| w[1] <= w[0]));
    }
}
