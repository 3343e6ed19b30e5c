//! Contours, distances, margins, components and resampling on a CT of 512 x 512 x 160 voxels (0.98 x 0.98 x 2.5 mm).
#![allow(missing_docs, clippy::expect_used, reason = "a bench")]

use std::f64::consts::TAU;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ndarray::Array3;
use rt_core::{Grid, Vec3};
use rt_image::interp::{Kernel, Rim};
use rt_image::morphology::{Margin, MarginOptions, margin};
use rt_image::{
    Connectivity, Contour, ContourKind, ContourSet, Mask, RasterOptions, ResampleOptions, TraceOptions, Volume, components, edt, rasterize,
    resample, trace,
};

fn grid() -> Arc<Grid> {
    let origin = Vec3::new(-250.0, -250.0, -200.0);
    Arc::new(Grid::axis_aligned([512, 512, 160], origin, [0.976_562_5, 0.976_562_5, 2.5]).expect("a valid grid"))
}

/// An ellipsoid drawn on every slice, `n` points a contour.
fn ellipsoid(centre: Vec3, radii: Vec3, n: u32) -> ContourSet {
    let slices = (0..160)
        .map(|k| f64::from(k) * 2.5 - 200.0)
        .filter(|z| ((z - centre.z) / radii.z).abs() < 0.999);
    let contour = |z: f64| {
        let scale = (1.0 - ((z - centre.z) / radii.z).powi(2)).sqrt();
        let turn = (0..n).map(|a| TAU * f64::from(a) / f64::from(n));
        Contour {
            kind: ContourKind::ClosedPlanar,
            points: turn
                .map(|a| Vec3::new(centre.x + scale * radii.x * a.cos(), centre.y + scale * radii.y * a.sin(), z))
                .collect(),
        }
    };
    ContourSet {
        contours: slices.map(contour).collect(),
    }
}

fn filled(contours: &ContourSet, grid: &Arc<Grid>) -> Mask {
    rasterize(contours, grid, RasterOptions::default())
        .expect("contours with area")
        .mask
}

fn contours_and_masks(c: &mut Criterion) {
    let grid = grid();
    let body = ellipsoid(Vec3::ZERO, Vec3::new(180.0, 120.0, 240.0), 600);
    let organ = ellipsoid(Vec3::new(20.0, 10.0, 0.0), Vec3::new(35.0, 30.0, 40.0), 200);
    let mut group = c.benchmark_group("contours");
    for (name, set) in [("body", &body), ("organ", &organ)] {
        let mask = filled(set, &grid);
        group.throughput(Throughput::Elements(mask.count() as u64));
        group.bench_function(format!("rasterize_{name}"), |b| b.iter(|| filled(black_box(set), &grid)));
        group.bench_function(format!("trace_{name}"), |b| {
            b.iter(|| trace(black_box(&mask), TraceOptions::default()));
        });
    }
    group.finish();
}

fn morphology(c: &mut Criterion) {
    let grid = grid();
    let body = filled(&ellipsoid(Vec3::ZERO, Vec3::new(180.0, 120.0, 240.0), 600), &grid);
    let organ = filled(&ellipsoid(Vec3::new(20.0, 10.0, 0.0), Vec3::new(35.0, 30.0, 40.0), 200), &grid);
    let uneven = Margin {
        superior: 15.0,
        anterior: 10.0,
        ..Margin::uniform(7.0)
    };
    let mut group = c.benchmark_group("margin");
    group.sample_size(10);
    for (name, mask, by) in [
        ("organ_5mm", &organ, Margin::uniform(5.0)),
        ("organ_20mm", &organ, Margin::uniform(20.0)),
        ("organ_uneven", &organ, uneven),
        ("organ_shrink_3mm", &organ, Margin::uniform(-3.0)),
        ("body_shrink_5mm", &body, Margin::uniform(-5.0)),
    ] {
        group.bench_function(name, |b| b.iter(|| margin(black_box(mask), &by, MarginOptions::default())));
    }
    group.bench_function("organ_5mm_voxel", |b| {
        b.iter(|| margin(black_box(&organ), &Margin::uniform(5.0), MarginOptions::voxel()));
    });
    group.finish();
    let mut group = c.benchmark_group("distance");
    group.sample_size(10);
    group.throughput(Throughput::Elements(organ.block().len() as u64));
    group.bench_function("organ", |b| {
        b.iter(|| edt::squared_distance(black_box(organ.block()), grid.spacing()));
    });
    group.bench_function("components_body", |b| {
        b.iter(|| components::components(black_box(&body), Connectivity::TwentySix).count());
    });
    group.finish();
}

fn resampling(c: &mut Criterion) {
    let source = Arc::new(Grid::axis_aligned([256, 256, 100], Vec3::ZERO, [1.5, 1.5, 3.0]).expect("a valid grid"));
    let data = Array3::from_shape_fn(source.shape(), |(k, j, i)| ((k * 7 + j * 3 + i) % 101) as f32);
    let volume = Volume::new(Arc::clone(&source), data).expect("samples that fit the grid");
    let onto = Arc::new(Grid::axis_aligned([192, 192, 150], Vec3::splat(2.0), [2.0; 3]).expect("a valid grid"));
    let mut group = c.benchmark_group("resample");
    group.sample_size(10);
    group.throughput(Throughput::Elements(onto.len() as u64));
    for (name, kernel) in [("nearest", Kernel::Nearest), ("linear", Kernel::Linear), ("cubic", Kernel::Cubic)] {
        let options = ResampleOptions {
            kernel,
            outside: 0.0,
            rim: Rim::HalfVoxel,
        };
        group.bench_function(name, |b| b.iter(|| resample(black_box(volume.view()), &onto, options)));
    }
    group.finish();
}

criterion_group!(benches, contours_and_masks, morphology, resampling);
criterion_main!(benches);
