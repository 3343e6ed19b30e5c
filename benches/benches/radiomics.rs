//! PyRadiomics' setting A on regions of 1e3 to 1e6 voxels of a 512 x 512 x 160 CT, and fifty regions of one course.
#![expect(clippy::panic, reason = "a bench without its data cannot go on")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::Array3;
use rt_core::{Grid, Silent, Vec3};
use rt_image::{Mask, Volume};
use rt_radiomics::{ImageSource, Schedule, Settings, extract, extract_all};

/// Even noise from -0.5 to 0.5 by position.
fn noise(i: usize, j: usize, k: usize) -> f64 {
    let mut h = (i as u64 * 0x9e37_79b9_7f4a_7c15) ^ (j as u64 * 0xc2b2_ae3d_27d4_eb4f) ^ (k as u64 * 0x1656_67b1_9e37_79f9);
    h ^= h >> 29;
    h = h.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h ^= h >> 32;
    f64::from(u32::try_from(h >> 32).unwrap_or(0)) / f64::from(u32::MAX) - 0.5
}

/// A CT with a texture of 70 HU standard deviation in three scales: about 25 grey levels of 25 HU.
#[expect(clippy::cast_possible_truncation, reason = "HU of a phantom")]
fn ct(grid: &Arc<Grid>) -> Volume<i16> {
    let data = Array3::from_shape_fn(grid.shape(), |(k, j, i)| {
        let (x, y, z) = (i as f64, j as f64, k as f64);
        let slow = (x / 17.0).sin() * (y / 23.0).cos() + (z / 5.0).sin();
        let blurred: f64 = [(0, 0), (1, 0), (0, 1), (1, 1)]
            .iter()
            .map(|(a, b)| noise((i + a) / 2, (j + b) / 2, k))
            .sum();
        (40.0 + 50.0 * slow + 55.0 * blurred + 35.0 * noise(i, j, k + 7919)) as i16
    });
    Volume::new(Arc::clone(grid), data).unwrap_or_else(|e| panic!("{e}"))
}

/// An ellipsoid of about `voxels` voxels, round in mm, with a hole.
fn ball(grid: &Arc<Grid>, voxels: f64, centre: [f64; 3]) -> Mask {
    let spacing = grid.spacing();
    let r = (voxels * spacing.iter().product::<f64>() * 3.0 / (4.0 * std::f64::consts::PI)).cbrt();
    let mask = Array3::from_shape_fn(grid.shape(), |(k, j, i)| {
        let at = [i, j, k];
        let d2 = |shift: f64| -> f64 { (0..3).map(|a| ((at[a] as f64 - centre[a] - shift) * spacing[a]).powi(2)).sum() };
        u8::from(d2(0.0) <= r * r && d2(2.0) > 0.02 * r * r)
    });
    Mask::from_block(grid, [0; 3], mask).unwrap_or_else(|e| panic!("{e}"))
}

fn regions(c: &mut Criterion) {
    let Ok(grid) = Grid::axis_aligned([512, 512, 160], Vec3::ZERO, [1.0, 1.0, 3.0]) else {
        return;
    };
    let grid = Arc::new(grid);
    let image = ct(&grid);
    let settings = Settings {
        additional_info: false,
        ..Settings::default()
    };
    let mut group = c.benchmark_group("radiomics");
    group.sample_size(10);
    for voxels in [1e3, 1e4, 1e5, 1e6] {
        let mask = ball(&grid, voxels, [250.3, 248.7, 80.2]);
        group.bench_function(format!("setting A, {voxels:e} voxels"), |b| {
            b.iter(|| extract(image.view(), black_box(&mask), &settings));
        });
    }
    let masks: Vec<Mask> = (0..50u32)
        .map(|n| {
            ball(
                &grid,
                300.0 * 1.17_f64.powi(n.cast_signed()),
                [100.0 + 6.0 * f64::from(n), 250.0, 80.0],
            )
        })
        .collect();
    let picked: Vec<&Mask> = masks.iter().collect();
    group.bench_function("setting A, 50 regions of one course", |b| {
        b.iter(|| {
            extract_all(
                &ImageSource::new(image.view()),
                black_box(&picked),
                &settings,
                Schedule::default(),
                &Silent,
            )
        });
    });
    group.finish();
}

criterion_group!(benches, regions);
criterion_main!(benches);
