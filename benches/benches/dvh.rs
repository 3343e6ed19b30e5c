//! Dose-volume histograms: a small target in a steep dose, and 50 regions of 1 to 1,000 cm3 with a body, from contours and from a mask.
#![allow(missing_docs, clippy::expect_used, clippy::cast_possible_truncation, reason = "a bench")]

use std::f64::consts::TAU;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::Array3;
use rt_core::{Grid, Gy, RoiName, Silent, Vec3};
use rt_dvh::{DoseField, DvhConfig, DvhOptions, NamedRoi, Planes, RoiShape, course, dvh, isodose_volumes};
use rt_image::{Contour, ContourKind, ContourSet, RasterOptions, Volume, rasterize};

/// The dose grid of the scale case: 161 x 105 x 161 samples, 2.5 mm.
fn dose() -> Volume<f32> {
    let grid = Grid::axis_aligned([161, 105, 161], Vec3::new(-200.0, -130.0, -200.0), [2.5; 3]).expect("a valid grid");
    let grid = Arc::new(grid);
    let hill = |p: Vec3| 4.0 + 60.0 * (-(p - Vec3::new(12.0, 5.0, -8.0)).length_squared() / 3200.0).exp();
    let data = Array3::from_shape_fn(grid.shape(), |(k, j, i)| hill(grid.centre(i, j, k)) as f32);
    Volume::new(Arc::clone(&grid), data).expect("data of the grid's shape")
}

/// An ellipsoid drawn every 2.5 mm with a point about each millimetre.
fn ellipsoid(centre: Vec3, half: Vec3) -> ContourSet {
    let planes = (half.z / 2.5).floor() as i32;
    let plane = |k: i32| {
        let z = f64::from(k) * 2.5;
        let shrink = (1.0 - (z / half.z).powi(2)).max(0.01).sqrt();
        let points = (TAU * shrink * half.x.max(half.y)).ceil().max(12.0);
        let point = |i: i32| {
            let (s, c) = (TAU * f64::from(i) / points).sin_cos();
            centre + Vec3::new(shrink * half.x * c, shrink * half.y * s, z)
        };
        Contour {
            kind: ContourKind::ClosedPlanar,
            points: (0..points as i32).map(point).collect(),
        }
    };
    ContourSet {
        contours: (-planes..=planes).map(plane).collect(),
    }
}

/// A body and 49 organs with radii from 6 to 60 mm.
fn patient() -> Vec<ContourSet> {
    let mut all = vec![ellipsoid(Vec3::ZERO, Vec3::new(180.0, 110.0, 190.0))];
    all.extend((0..49).map(|n| {
        let at = f64::from(n);
        let radius = 6.0 * 10f64.powf(at / 49.0);
        let centre = Vec3::new(60.0 * (at * 0.7).sin(), 30.0 * (at * 1.3).cos(), 70.0 * (at * 0.4).sin());
        ellipsoid(centre, Vec3::new(radius, 0.8 * radius, 1.1 * radius))
    }));
    all
}

fn engine(c: &mut Criterion) {
    let dose = dose();
    let options = DvhOptions::default();
    let target = ellipsoid(Vec3::new(10.0, 4.0, -6.0), Vec3::splat(12.0));
    let mut group = c.benchmark_group("dvh");
    group.sample_size(10);
    group.bench_function("target_7cc_prism", |b| {
        b.iter(|| dvh(dose.view(), RoiShape::Contours(black_box(&target)), &options));
    });
    let lofted = DvhOptions {
        planes: Planes::Loft,
        ..options
    };
    group.bench_function("target_7cc_loft", |b| {
        b.iter(|| dvh(dose.view(), RoiShape::Contours(black_box(&target)), &lofted));
    });
    let ct = Grid::axis_aligned([256, 160, 100], Vec3::new(-192.0, -120.0, -125.0), [1.5, 1.5, 2.5]).expect("a valid grid");
    let organ = ellipsoid(Vec3::ZERO, Vec3::new(50.0, 40.0, 45.0));
    let mask = rasterize(&organ, &Arc::new(ct), RasterOptions::default())
        .expect("contours that enclose something")
        .mask;
    group.bench_function("mask_377cc", |b| {
        b.iter(|| dvh(dose.view(), RoiShape::Mask(black_box(&mask)), &options));
    });
    group.finish();
}

fn patients(c: &mut Criterion) {
    let dose = dose();
    let field = DoseField::single(dose.view()).expect("finite doses");
    let sets = patient();
    let rois: Vec<NamedRoi<'_>> = sets
        .iter()
        .enumerate()
        .map(|(n, set)| NamedRoi {
            name: RoiName::new(&format!("roi {n}")).expect("a valid name"),
            shape: RoiShape::Contours(set),
            slice_thickness_mm: None,
            rx: Some(Gy(50.0)),
            is_target: n == 20,
        })
        .collect();
    let config = DvhConfig::default();
    let mut group = c.benchmark_group("dvh_course");
    group.sample_size(10);
    group.bench_function("50_structures", |b| b.iter(|| course(&field, black_box(&rois), &config, &Silent)));
    group.bench_function("isodoses_of_grid", |b| {
        b.iter(|| isodose_volumes(black_box(&field), &[Gy(50.0), Gy(25.0)]));
    });
    group.finish();
}

criterion_group!(benches, engine, patients);
criterion_main!(benches);
