//! Merging 20 courses of 100 structures with 1,200 features (2.4 million numbers) into each format, and drawing the report.
#![allow(missing_docs, clippy::expect_used, reason = "a bench")]

use std::io::Cursor;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rt_aggregate::{TableSink, merge, render};
use rt_records::csv::{CsvEncoding, CsvWriter};
use rt_records::parquet::ParquetWriter;
use rt_records::tables::radiomics;
use rt_records::xlsx::{XlsxOptions, XlsxWriter};
use rt_records::{FileInfo, PackedBuilder, Table, WriteError};

#[path = "../../crates/rt-aggregate/examples/sample/mod.rs"]
mod sample;

const COURSES: usize = 20;
const ROWS: usize = 100;
const FEATURES: usize = 1200;

fn course(number: usize) -> Table {
    let names: Vec<String> = (0..FEATURES).map(|i| format!("wavelet-LLH_glcm_Feature{i}")).collect();
    let mut b = PackedBuilder::new(&radiomics::schema("radiomics_ct"), names.clone(), Vec::new());
    for row in 0..ROWS {
        let value = |i: usize| ((number * 31 + row * 7919 + i * 104_729) % 100_003) as f64 / 997.0;
        let (patient, name) = (format!("{number:05}"), format!("ROI_{row}"));
        b.row(
            |r| {
                r.set(&radiomics::PATIENT_ID, &patient)
                    .set(&radiomics::ROI_NAME, &name)
                    .set(&radiomics::STATUS, "ok");
            },
            [],
            names.iter().enumerate().map(|(i, n)| (n.as_str(), value(i))),
        );
    }
    b.finish().expect("packed").wide().expect("wide")
}

/// Takes rows and forgets them.
struct Nowhere;

impl TableSink for Nowhere {
    fn write(&mut self, _: &Table) -> Result<(), WriteError> {
        Ok(())
    }
}

fn cohort(c: &mut Criterion) {
    let courses: Vec<Table> = (0..COURSES).map(course).collect();
    let schema = courses[0].schema().clone();
    let info = FileInfo::new("bench");
    let run = |sink: &mut dyn TableSink| {
        merge(courses.iter().cloned().map(Ok), &schema, sink).expect("merged");
    };
    let mut group = c.benchmark_group("merge");
    group.throughput(Throughput::Elements((COURSES * ROWS * FEATURES) as u64));
    group.bench_function("rows_alone", |b| b.iter(|| run(&mut Nowhere)));
    group.bench_function("parquet", |b| {
        b.iter(|| {
            let mut sink = ParquetWriter::new(Vec::new(), &schema, &info).expect("begun");
            run(&mut sink);
            sink.finish().expect("ended")
        });
    });
    group.bench_function("csv", |b| {
        b.iter(|| {
            let mut sink = CsvWriter::new(Vec::new(), &schema, CsvEncoding::Plain).expect("begun");
            run(&mut sink);
            sink.finish().expect("ended")
        });
    });
    group.bench_function("xlsx", |b| {
        b.iter(|| {
            let mut sink = XlsxWriter::new(&schema, XlsxOptions::new(2, &info)).expect("begun");
            run(&mut sink);
            let mut book = Cursor::new(Vec::new());
            sink.finish(&mut book).expect("ended");
            book
        });
    });
    group.finish();

    let sample = sample::Sample::new(50, &[]);
    c.bench_function("report_50_courses", |b| b.iter(|| render(&sample.input()).expect("page")));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = cohort
}
criterion_main!(benches);
