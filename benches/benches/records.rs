//! Tables of one course, each way: radiomics packed, wide and long (the numbers that decide the form of the course file), DVH metrics.
#![allow(missing_docs, clippy::expect_used, reason = "a bench")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rt_records::tables::{dvh, radiomics};
use rt_records::{ColumnDef, FileInfo, Kind, Packed, PackedBuilder, Table, TableBuilder, TableSchema, parquet};

const ROWS: usize = 100;
const FEATURES: usize = 1200;

/// Numbers over nine decades, as features are.
fn feature(row: usize, column: usize) -> f64 {
    let mixed = (row * 7919 + column * 104_729) % 100_003;
    (mixed as f64 / 100_003.0 - 0.3) * 10_f64.powi(i32::try_from(column % 9).expect("small") - 3)
}

fn names() -> Vec<String> {
    (0..FEATURES).map(|i| format!("wavelet-LLH_glcm_Feature{i}")).collect()
}

fn packed() -> Packed {
    let names = names();
    let mut b = PackedBuilder::new(&radiomics::schema("radiomics_ct"), names.clone(), Vec::new());
    for row in 0..ROWS {
        let values = names.iter().enumerate().map(|(i, n)| (n.as_str(), feature(row, i)));
        let name = format!("ROI_{row}");
        b.row(
            |r| {
                r.set(&radiomics::PATIENT_ID, "00123")
                    .set(&radiomics::ROI_NAME, &name)
                    .set(&radiomics::STATUS, "ok");
            },
            [],
            values,
        );
    }
    b.finish().expect("packed")
}

fn long() -> Table {
    let schema = TableSchema::new(
        "long",
        [
            radiomics::PATIENT_ID.clone(),
            radiomics::ROI_NAME.clone(),
            ColumnDef::fixed("feature", Kind::Text, "", ""),
            ColumnDef::fixed("value", Kind::Float, "", ""),
        ],
    )
    .expect("schema");
    let names = names();
    let mut b = TableBuilder::new(&schema);
    for row in 0..ROWS {
        let roi = format!("ROI_{row}");
        for (i, name) in names.iter().enumerate() {
            b.row()
                .set_named("patient_id", "00123")
                .set_named("roi_name", &roi)
                .set_named("feature", name)
                .set_named("value", feature(row, i));
        }
    }
    b.finish().expect("long")
}

fn metrics() -> Table {
    let schema = dvh::schema();
    let mut b = TableBuilder::new(&schema);
    for row in 0..ROWS {
        let mut filled = b.row();
        for (i, column) in schema.columns().iter().enumerate() {
            match column.kind {
                Kind::Float => filled.set(column, feature(row, i)),
                Kind::Text => filled.set(column, "text"),
                _ => &mut filled,
            };
        }
    }
    b.finish().expect("metrics")
}

fn course_tables(c: &mut Criterion) {
    let info = FileInfo::new("bench");
    let dir = tempfile::tempdir().expect("folder");
    let packed = packed();
    let tables = [("wide", packed.clone().wide().expect("wide")), ("long", long()), ("dvh", metrics())];

    let mut group = c.benchmark_group("course_write");
    group.throughput(Throughput::Elements((ROWS * FEATURES) as u64));
    group.bench_function("radiomics_packed", |b| b.iter(|| packed.write(Vec::new(), &info).expect("written")));
    for (name, table) in &tables {
        group.bench_with_input(BenchmarkId::from_parameter(name), table, |b, table| {
            b.iter(|| parquet::write(Vec::new(), table, &info).expect("written"));
        });
    }
    group.finish();

    let path = dir.path().join("packed.parquet");
    std::fs::write(&path, packed.write(Vec::new(), &info).expect("written")).expect("file");
    let mut group = c.benchmark_group("course_read");
    group.throughput(Throughput::Elements((ROWS * FEATURES) as u64));
    group.bench_function("radiomics_packed_to_wide", |b| {
        b.iter(|| black_box(Packed::read(&path).expect("read").wide().expect("wide")));
    });
    for (name, table) in &tables {
        let path = dir.path().join(format!("{name}.parquet"));
        std::fs::write(&path, parquet::write(Vec::new(), table, &info).expect("written")).expect("file");
        group.bench_with_input(BenchmarkId::from_parameter(name), &path, |b, path| {
            b.iter(|| black_box(parquet::read(path).expect("read")));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = course_tables
}
criterion_main!(benches);
