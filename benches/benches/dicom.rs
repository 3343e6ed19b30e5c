//! rt-dicom: the walk over a cohort without and with a cache, linking, and reading of a CT, a structure set and a dose.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rt_core::{Silent, Vec3};
use rt_dicom::{Index, LinkRules, Linkage, MetaCache, ScanOptions, SeriesOptions, link, read_dose, read_series, read_structures, scan};
use rt_testdata::{Scratch, cohort};

/// Two courses of 256 x 256 x 100 with 50 structures and a dose.
fn written() -> Scratch {
    let folder = Scratch::new("bench-dicom");
    let course = |c: rt_testdata::Course| {
        c.ct([256, 256, 100])
            .organs()
            .fill(50)
            .dose_gradient(60.0, Vec3::new(0.0, 0.0, 0.1))
    };
    let made = cohort().seed(1).course(course).course(course).write(folder.path());
    made.unwrap_or_else(|e| unreachable!("{e}"));
    folder
}

fn scanned(roots: &[PathBuf], cache: &mut MetaCache) -> Index {
    scan(roots, cache, &ScanOptions::default(), &Silent).unwrap_or_else(|e| unreachable!("{e}"))
}

fn bench(c: &mut Criterion) {
    let folder = written();
    let roots = [folder.path().to_path_buf()];
    let mut warm = MetaCache::default();
    let index = scanned(&roots, &mut warm);
    let linkage: Linkage = link(&index, &LinkRules::default());
    let course = linkage.courses.first().unwrap_or_else(|| unreachable!("no course"));
    let mut group = c.benchmark_group("dicom");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    group.throughput(Throughput::Elements(index.files.len() as u64));
    group.bench_function("scan, no cache", |b| {
        b.iter(|| black_box(scanned(&roots, &mut MetaCache::default())));
    });
    group.bench_function("scan, all cached", |b| b.iter(|| black_box(scanned(&roots, &mut warm))));
    group.bench_function("link", |b| b.iter(|| black_box(link(&index, &LinkRules::default()))));
    if let Some(ct) = course.planning_ct() {
        let bytes = ct.series.files.iter().map(|f| f.entry.size).sum();
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function("read a CT of 256 x 256 x 100", |b| {
            b.iter(|| black_box(read_series(&ct.series, &SeriesOptions::default())));
        });
    }
    if let Some(set) = course.primary_structures() {
        let file = &set.object.file;
        group.throughput(Throughput::Bytes(file.entry.size));
        group.bench_function("read 50 structures", |b| b.iter(|| black_box(read_structures(&file.path))));
    }
    if let Some(dose) = course.doses.first() {
        group.throughput(Throughput::Bytes(dose.file.entry.size));
        group.bench_function("read a dose", |b| b.iter(|| black_box(read_dose(&dose.file.path))));
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
