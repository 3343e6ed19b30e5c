//! rt-seg: the embedded engine on a torso of 512 x 512 x 160 voxels.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ndarray::Array3;
use rt_core::{Grid, Silent, Vec3};
use rt_image::Volume;
use rt_seg::ClassicalTask;
use rt_seg::classical::{Parameters, segment};
use rt_testdata::Phantom;
use rt_testdata::seed::Seed;

const SIZE: [usize; 3] = [512, 512, 160];
const SPACING: [f64; 3] = [0.8, 0.8, 2.5];

fn torso() -> Volume<i16> {
    let line = |a: usize| -> Vec<f64> {
        let middle = (SIZE[a] as f64 - 1.0) / 2.0;
        (0..SIZE[a]).map(|n| (n as f64 - middle) * SPACING[a]).collect()
    };
    let (x, y, z) = (line(0), line(1), line(2));
    let seed = Seed::new(5);
    let half = Vec3::new(-x[0], -y[0], -z[0]);
    let phantom = Phantom::torso(half, &mut seed.stream());
    let mut hu = Array3::zeros((SIZE[2], SIZE[1], SIZE[0]));
    for (k, (z, mut plane)) in z.iter().zip(hu.outer_iter_mut()).enumerate() {
        let slice = phantom.render_ct(&x, &y, *z, seed, k as u64);
        for (out, v) in plane.iter_mut().zip(slice) {
            #[expect(clippy::cast_possible_truncation, reason = "HU")]
            let v = v.round() as i16;
            *out = v;
        }
    }
    let grid = Grid::axis_aligned(SIZE, Vec3::new(x[0], y[0], z[0]), SPACING).unwrap_or_else(|e| unreachable!("{e}"));
    Volume::new(grid, hu).unwrap_or_else(|e| unreachable!("{e}"))
}

fn bench(c: &mut Criterion) {
    let ct = torso();
    let parameters = Parameters::default();
    let mut group = c.benchmark_group("seg");
    group.sample_size(10).measurement_time(Duration::from_secs(20));
    group.throughput(Throughput::Elements(ct.grid().len() as u64));
    for (name, tasks) in [
        ("classical body", &[ClassicalTask::Body][..]),
        ("classical all", &ClassicalTask::ALL),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| black_box(segment(ct.view(), tasks, &parameters, &Silent).is_ok()));
        });
    }
    if let Ok(found) = segment(ct.view(), &ClassicalTask::ALL, &parameters, &Silent) {
        group.bench_function("label map of the lungs", |b| {
            b.iter(|| black_box(found.labels(ClassicalTask::Lungs)));
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
