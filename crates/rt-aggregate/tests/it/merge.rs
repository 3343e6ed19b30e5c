use std::io::Cursor;
use std::path::Path;

use rt_aggregate::{Fan, Keep, TableSink, merge};
use rt_records::csv::{CsvEncoding, CsvWriter};
use rt_records::parquet::{self, FileInfo, GROUP_CELLS, ParquetWriter};
use rt_records::xlsx::{XlsxOptions, XlsxWriter};
use rt_records::{ColumnDef, Kind, ReadError, Table, TableBuilder, TableSchema, WriteError};

fn schema() -> TableSchema {
    let fixed = [
        ColumnDef::fixed("patient_id", Kind::Text, "", ""),
        ColumnDef::fixed("ROI_Name", Kind::Text, "", ""),
        ColumnDef::fixed("x", Kind::Float, "Gy", ""),
    ];
    TableSchema::new("t", fixed).unwrap()
}

/// A course of `rows` structures.
fn part(course: usize, rows: usize) -> Table {
    let mut b = TableBuilder::new(&schema());
    for i in 0..rows {
        b.row()
            .set_named("patient_id", &format!("{course:05}"))
            .set_named("ROI_Name", "NA")
            .set_named("x", (course * 1000 + i) as f64 / 7.0);
    }
    b.finish().unwrap()
}

/// Counts what it gets.
#[derive(Default)]
struct Calls(Vec<usize>);

impl TableSink for Calls {
    fn write(&mut self, rows: &Table) -> Result<(), WriteError> {
        self.0.push(rows.rows());
        Ok(())
    }
}

#[test]
fn all_formats_get_the_same_rows_and_one_thread_gives_the_bytes_of_eight() {
    let make = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut parquet = ParquetWriter::new(Vec::new(), &schema(), &FileInfo::new("1")).unwrap();
            let mut csv = CsvWriter::new(Vec::new(), &schema(), CsvEncoding::Plain).unwrap();
            let mut xlsx = XlsxWriter::new(&schema(), XlsxOptions::new(2, &FileInfo::new("1"))).unwrap();
            let mut fan = Fan::new(vec![&mut parquet, &mut csv, &mut xlsx]);
            let report = merge((0..40).map(|c| Ok(part(c, 30))), &schema(), &mut fan).unwrap();
            assert_eq!(report.rows(), 1200);
            let mut book = Cursor::new(Vec::new());
            xlsx.finish(&mut book).unwrap();
            (parquet.finish().unwrap(), csv.finish().unwrap(), book.into_inner())
        })
    };
    let (one, eight) = (make(1), make(8));
    assert!(one == eight, "bytes depend on the threads");
    let text = String::from_utf8(one.1).unwrap();
    assert_eq!(text.lines().count(), 1201);
    assert!(text.lines().nth(1).unwrap().starts_with("00000,NA,0.0"));
}

#[test]
fn rows_reach_the_sink_in_row_groups_not_course_by_course() {
    let lists = TableSchema::new("c", [ColumnDef::fixed("curve", Kind::Singles, "", "")]).unwrap();
    let heavy = |_| {
        let mut b = TableBuilder::new(&lists);
        b.row().set_named("curve", &vec![1.0_f32; GROUP_CELLS]);
        Ok(b.finish().unwrap())
    };
    let mut calls = Calls::default();
    merge((0..5).map(heavy), &lists, &mut calls).unwrap();
    // Two lists of 4 million singles weigh as much as 4 million doubles: 2 + 2 + 1 rows.
    assert_eq!(calls.0, [2, 2, 1]);
    let mut calls = Calls::default();
    merge((0..100).map(|c| Ok(part(c, 30))), &schema(), &mut calls).unwrap();
    assert_eq!(calls.0, [3000]);
}

#[test]
fn a_part_that_cannot_be_read_or_fitted_is_told_and_the_others_go_on() {
    let missing = || parquet::read(Path::new("no/such.parquet"));
    let mut b = TableBuilder::new(&TableSchema::new("t", [ColumnDef::fixed("x", Kind::Text, "", "")]).unwrap());
    b.row().set_named("x", "not a number");
    let clash: Result<Table, ReadError> = Ok(b.finish().unwrap());
    let mut calls = Calls::default();
    let report = merge(
        [Ok(part(0, 2)), missing(), clash, Ok(part(3, 1))].into_iter(),
        &schema(),
        &mut calls,
    )
    .unwrap();
    let rows: Vec<usize> = report.parts.iter().map(|p| p.rows).collect();
    assert_eq!(rows, [2, 0, 0, 1]);
    let problem = report.parts[1].problem.as_ref().unwrap();
    assert_eq!(problem.code, "table.unreadable");
    assert!(problem.reason.contains("no/such.parquet"), "{}", problem.reason);
    assert_eq!(report.parts[2].problem.as_ref().unwrap().code, "table.kind_clash");
    assert_eq!(calls.0, [3]);
}

#[test]
fn some_columns_can_be_kept_for_the_report() {
    let mut keep = Keep::new(&schema(), &["x", "nope"]);
    merge([Ok(part(1, 2)), Ok(part(2, 1))].into_iter(), &schema(), &mut keep).unwrap();
    let kept = keep.into_table();
    assert_eq!((kept.rows(), kept.schema().len()), (3, 1));
    assert_eq!(kept.row(2).named("x").as_float(), Some(2000.0 / 7.0));
}
