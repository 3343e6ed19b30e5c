//! rt-nifti: reading, mapping and writing a CT of 512 x 512 x 100 and a label map of the same size.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ndarray::Array3;
use rt_core::{Grid, Vec3};
use rt_image::Volume;
use rt_nifti::{Encoding, WriteOptions, map, read, write_to};

const SIZE: [usize; 3] = [512, 512, 100];

fn grid() -> Grid {
    Grid::axis_aligned(SIZE, Vec3::ZERO, [0.9, 0.9, 3.0]).unwrap_or_else(|e| unreachable!("{e}"))
}

/// Noise of 20 HU around an ellipse of water in air.
fn ct() -> Volume<i16> {
    let mut state = 1u32;
    let data = Array3::from_shape_fn(grid().shape(), |(_, j, i)| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = i16::from(state.to_be_bytes()[0] % 41) - 20;
        let inside = ((i as f64 - 256.0) / 200.0).hypot((j as f64 - 256.0) / 140.0) < 1.0;
        noise + if inside { 0 } else { -1000 }
    });
    Volume::new(grid(), data).unwrap_or_else(|e| unreachable!("{e}"))
}

fn bench(c: &mut Criterion) {
    let Ok(dir) = tempfile::tempdir() else { return };
    let (raw, gz) = (dir.path().join("ct.nii"), dir.path().join("ct.nii.gz"));
    let volume = ct();
    let labels = volume.map(|v| u8::from(*v > -500));
    for path in [&raw, &gz] {
        rt_nifti::write(path, &volume, &WriteOptions::default()).unwrap_or_else(|e| unreachable!("{e}"));
    }
    let mut group = c.benchmark_group("nifti");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    group.throughput(Throughput::Bytes(2 * volume.grid().len() as u64));
    group.bench_function("read raw i16 as f32", |b| {
        b.iter(|| read::<f32>(&raw).map(|v| v.data()[[50, 256, 256]]));
    });
    group.bench_function("read gzip i16 as i16", |b| {
        b.iter(|| read::<i16>(&gz).map(|v| v.data()[[50, 256, 256]]));
    });
    group.bench_function("map raw i16 and sum", |b| {
        b.iter(|| map::<i16>(&raw).map(|v| v.view().data().iter().map(|x| i64::from(*x)).sum::<i64>()));
    });
    group.bench_function("map raw i16 and look at a box", |b| {
        b.iter(|| map::<i16>(&raw).map(|v| v.view().crop([200, 200, 40], [60, 60, 40]).map(|part| part.data()[[0, 0, 0]])));
    });
    let mut out = Vec::new();
    for (name, level) in [("write CT gzip 1", 1), ("write CT gzip 6", 6)] {
        let options = WriteOptions {
            encoding: Encoding::Gzip(level),
            ..WriteOptions::default()
        };
        group.bench_function(name, |b| {
            b.iter(|| {
                out.clear();
                black_box(write_to(&mut out, volume.view(), &options).is_ok())
            });
        });
    }
    let options = WriteOptions {
        encoding: Encoding::GZIP,
        ..WriteOptions::default()
    };
    group.throughput(Throughput::Bytes(volume.grid().len() as u64));
    group.bench_function("write label map gzip", |b| {
        b.iter(|| {
            out.clear();
            black_box(write_to(&mut out, labels.view(), &options).is_ok())
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
