use std::fs;

use proptest::prelude::*;
use rt_records::parquet::{self, FileInfo, ParquetFile, ParquetWriter};
use rt_records::{ColumnDef, Kind, Table, TableBuilder, TableSchema, Value};

use crate::{HOSTILE, mixed_schema, mixed_table};

fn bytes(table: &Table) -> Vec<u8> {
    parquet::write(Vec::new(), table, &FileInfo::new("9.9.9").with("rtpipeline.note", "n")).unwrap()
}

fn reread(bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    fs::write(&path, bytes).unwrap();
    (dir, path)
}

#[test]
fn every_kind_and_missing_come_back_with_meaning_and_facts() {
    let table = mixed_table();
    let (_dir, path) = reread(&bytes(&table));
    let file = ParquetFile::open(&path).unwrap();
    assert_eq!(file.rows(), 2);
    assert_eq!(file.code_version(), Some("9.9.9"));
    assert_eq!(file.fact("rtpipeline.note"), Some("n"));
    assert_eq!(file.schema(), table.schema());
    assert_eq!(file.table(None).unwrap(), table);
}

#[test]
fn hostile_text_is_kept_to_the_letter() {
    let mut b = TableBuilder::new(&mixed_schema());
    for name in HOSTILE {
        b.row().set_named("patient_id", *name);
    }
    let (_dir, path) = reread(&bytes(&b.finish().unwrap()));
    let again = parquet::read(&path).unwrap();
    let found: Vec<&str> = again.iter().map(|r| r.named("patient_id").as_text().unwrap()).collect();
    assert_eq!(found, HOSTILE);
}

#[test]
fn the_same_table_gives_the_same_bytes_however_it_is_cut_into_batches() {
    let schema = mixed_schema();
    let mut b = TableBuilder::new(&schema);
    for i in 0..5000_usize {
        b.row()
            .set_named("patient_id", HOSTILE[i % HOSTILE.len()])
            .set_named("x", i as f64 * 0.1);
    }
    let table = b.finish().unwrap();
    let whole = parquet::write(Vec::new(), &table, &FileInfo::new("1")).unwrap();
    assert_eq!(whole, parquet::write(Vec::new(), &table, &FileInfo::new("1")).unwrap());
    for step in [1777, 5000] {
        let mut rest = table.clone();
        let mut writer = ParquetWriter::new(Vec::new(), &schema, &FileInfo::new("1")).unwrap();
        while !rest.is_empty() {
            let tail = rest.split_off(step);
            writer.write(&rest).unwrap();
            rest = tail;
        }
        let (_dir, path) = reread(&writer.finish().unwrap());
        assert_eq!(parquet::read(&path).unwrap(), table);
    }
}

#[test]
fn some_columns_can_be_read_alone_and_in_batches() {
    let (_dir, path) = reread(&bytes(&mixed_table()));
    let table = ParquetFile::open(&path).unwrap().table(Some(&["x", "patient_id"])).unwrap();
    let names: Vec<&str> = table.schema().columns().iter().map(|c| c.name.as_ref()).collect();
    assert_eq!(names, ["patient_id", "x"]);
    let batches: Vec<Table> = ParquetFile::open(&path)
        .unwrap()
        .batches(1, None)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(batches.len(), 2);
    assert_eq!(batches[1].row(0).named("patient_id"), Value::Text("NA"));
}

#[test]
fn a_damaged_a_missing_and_a_newer_file_each_say_so() {
    let good = bytes(&mixed_table());
    let (dir, path) = reread(&good[..good.len() - 7]);
    let error = parquet::read(&path).unwrap_err();
    assert_eq!(error.code(), "table.damaged");
    assert!(error.to_string().contains("t.parquet"), "{error}");
    assert_eq!(
        parquet::read(&dir.path().join("none.parquet")).unwrap_err().code(),
        "table.unreadable"
    );
    let newer = FileInfo::new("1").with("rtpipeline.schema_version", "99");
    fs::write(&path, parquet::write(Vec::new(), &mixed_table(), &newer).unwrap()).unwrap();
    assert_eq!(parquet::read(&path).unwrap_err().code(), "table.newer_version");
}

#[test]
fn an_empty_table_keeps_its_columns() {
    let empty = Table::empty(&mixed_schema());
    let (_dir, path) = reread(&bytes(&empty));
    assert_eq!(parquet::read(&path).unwrap(), empty);
}

fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("\\PC{0,12}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_row_comes_back_bit_for_bit(
        rows in proptest::collection::vec((text(), any::<Option<i64>>(), any::<f64>(), any::<Option<bool>>()), 0..20)
    ) {
        let schema = TableSchema::new("p", [
            ColumnDef::fixed("t", Kind::Text, "", ""),
            ColumnDef::fixed("i", Kind::Int, "", ""),
            ColumnDef::fixed("f", Kind::Float, "", ""),
            ColumnDef::fixed("b", Kind::Bool, "", ""),
        ]).unwrap();
        let mut b = TableBuilder::new(&schema);
        for (t, i, f, flag) in &rows {
            b.row().set_named("t", t.as_ref()).set_named("i", *i).set_named("f", *f).set_named("b", *flag);
        }
        let table = b.finish().unwrap();
        let (_dir, path) = reread(&bytes(&table));
        prop_assert_eq!(parquet::read(&path).unwrap(), table);
    }
}
