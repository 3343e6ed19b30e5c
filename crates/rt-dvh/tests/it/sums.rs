//! Several doses.

use rt_core::{Grid, Vec3};
use rt_dvh::{DoseField, DoseTerm, DvhOptions, Response, Rim, RoiShape, SumMissing, dvh_in, eqd2};

use crate::phantom::{cuboid, dose_on, grid};

fn other_grid() -> Grid {
    Grid::axis_aligned([34, 30, 25], Vec3::new(-51.3, -43.7, -37.1), [3.1, 2.9, 3.0]).unwrap()
}

#[test]
fn doses_on_different_grids_add_at_the_point() {
    let (a, b) = (dose_on(grid(), |p| 40.0 + 0.4 * p.x), dose_on(other_grid(), |p| 12.0 + 0.3 * p.z));
    let terms = vec![DoseTerm::physical(a.view()), DoseTerm::physical(b.view())];
    let field = DoseField::new(terms, Rim::None, SumMissing::Partial).unwrap();
    let roi = cuboid(Vec3::new(-10.0, -6.0, -8.0), Vec3::new(10.0, 6.0, 8.0), 2.0);
    let r = dvh_in(&field, RoiShape::Contours(&roi), &DvhOptions::default()).unwrap();
    let d = &r.distribution;
    assert!((d.mean() - 52.0).abs() < 1e-4);
    assert!((d.max() - (52.0 + 4.0 + 2.4)).abs() < 1e-4 && (d.min() - (52.0 - 6.4)).abs() < 1e-4);
    // Sum of two even spreads of 8 and 4.8 Gy: lower tail t < 4.8 holds t^2 / (2 * 8 * 4.8).
    let t = (0.02 * 2.0 * 8.0 * 4.8f64).sqrt();
    assert!((d.dose_at_share(0.98) - (45.6 + t)).abs() < 3e-3, "{}", d.dose_at_share(0.98));
}

#[test]
fn eqd2_is_taken_before_adding() {
    let (a, b) = (dose_on(grid(), |_| 40.0), dose_on(other_grid(), |_| 12.0));
    let term = |dose, fractions| DoseTerm {
        dose,
        scale: 1.0,
        response: Response::Eqd2 {
            fractions,
            alpha_beta: 3.0,
        },
    };
    let field = DoseField::new(vec![term(a.view(), 20.0), term(b.view(), 3.0)], Rim::None, SumMissing::Partial).unwrap();
    let roi = cuboid(Vec3::splat(-5.0), Vec3::splat(5.0), 2.0);
    let r = dvh_in(&field, RoiShape::Contours(&roi), &DvhOptions::default()).unwrap();
    // 40 Gy in 20: 40; 12 Gy in 3: 12 (1 + 4/3) / (1 + 2/3) = 16.8.
    assert!((eqd2(40.0, 20.0, 3.0) + eqd2(12.0, 3.0, 3.0) - 56.8).abs() < 1e-12);
    assert!((r.distribution.mean() - 56.8).abs() < 1e-5 && (r.distribution.dose_at_share(0.5) - 56.8).abs() < 1e-5);
}

#[test]
fn points_that_one_dose_misses_follow_the_setting() {
    // The second dose ends at z = 34.9.
    let (a, b) = (dose_on(grid(), |_| 40.0), dose_on(other_grid(), |_| 10.0));
    let roi = cuboid(Vec3::new(-5.0, -5.0, 30.9), Vec3::new(5.0, 5.0, 38.9), 1.0);
    let run = |missing| {
        let terms = vec![DoseTerm::physical(a.view()), DoseTerm::physical(b.view())];
        let field = DoseField::new(terms, Rim::None, missing).unwrap();
        dvh_in(&field, RoiShape::Contours(&roi), &DvhOptions::default())
    };
    let partial = run(SumMissing::Partial).unwrap();
    assert!((partial.covered_fraction() - 0.5).abs() < 1e-6 && (partial.distribution.mean() - 50.0).abs() < 1e-5);
    let zero = run(SumMissing::Zero).unwrap();
    assert!((zero.covered_fraction() - 1.0).abs() < 1e-9 && (zero.distribution.mean() - 45.0).abs() < 1e-4);
    assert!((zero.distribution.min() - 40.0).abs() < 1e-6 && (zero.distribution.max() - 50.0).abs() < 1e-6);
    assert_eq!(run(SumMissing::Null).unwrap_err().code(), "dvh.sum_incomplete");
}
