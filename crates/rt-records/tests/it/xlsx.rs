use std::fs;
use std::io::{Cursor, Read};

use calamine::{Data, Reader, Xlsx};
use rt_records::xlsx::{self, SheetLimits, XlsxOptions};
use rt_records::{ColumnDef, FileInfo, Kind, Table, TableBuilder, TableSchema, read_xlsx};

use crate::{HOSTILE, mixed_schema, mixed_table};

fn options() -> XlsxOptions {
    XlsxOptions::new(1, &FileInfo::new("9.9.9"))
}

fn book(table: &Table, options: XlsxOptions) -> Vec<u8> {
    let mut buffer = Cursor::new(Vec::new());
    xlsx::write(&mut buffer, table, options).unwrap();
    buffer.into_inner()
}

fn open(bytes: &[u8]) -> Xlsx<Cursor<Vec<u8>>> {
    Xlsx::new(Cursor::new(bytes.to_vec())).unwrap()
}

#[test]
fn kinds_stay_kinds_and_the_data_sheet_is_the_first() {
    let mut book = open(&book(&mixed_table(), options()));
    assert_eq!(book.sheet_names(), ["mixed", "dictionary", "readme"]);
    let range = book.worksheet_range("mixed").unwrap();
    let rows: Vec<Vec<Data>> = range.rows().map(<[Data]>::to_vec).collect();
    assert_eq!(rows[0][2], Data::String("x".into()));
    assert_eq!(rows[1][0], Data::String("00123".into()));
    assert_eq!(rows[1][1], Data::Float(7.0));
    assert_eq!(rows[1][2], Data::Float(0.1 + 0.2));
    assert_eq!(rows[1][3], Data::Bool(true));
    assert_eq!(rows[2][0], Data::String("NA".into()));
    assert_eq!(rows[2][2], Data::Empty);
    let dictionary = book.worksheet_range("dictionary").unwrap();
    let dose: Vec<String> = dictionary.rows().nth(3).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(dose, ["x", "Gy", "float", "Dose"]);
}

#[test]
fn hostile_text_is_text_and_no_cell_is_a_formula_or_a_link() {
    let mut b = TableBuilder::new(&mixed_schema());
    for name in HOSTILE {
        b.row().set_named("patient_id", *name);
    }
    let bytes = book(&b.finish().unwrap(), options());
    let mut open = open(&bytes);
    let range = open.worksheet_range("mixed").unwrap();
    let found: Vec<String> = range.rows().skip(1).map(|r| r[0].to_string()).collect();
    assert_eq!(found, HOSTILE);
    assert!(open.worksheet_formula("mixed").unwrap().is_empty(), "a formula");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("b.xlsx");
    fs::write(&path, &bytes).unwrap();
    let mut zip = Vec::new();
    fs::File::open(&path).unwrap().read_to_end(&mut zip).unwrap();
    assert!(!zip.windows(9).any(|w| w == b"hyperlink"), "a link part");
}

#[test]
fn the_same_table_gives_the_same_bytes() {
    assert_eq!(book(&mixed_table(), options()), book(&mixed_table(), options()));
}

#[test]
fn a_table_that_does_not_fit_one_sheet_goes_on_in_others_with_its_ids() {
    let schema = TableSchema::new("wide", (0..5).map(|i| ColumnDef::new(format!("c{i}"), Kind::Int, "", ""))).unwrap();
    let mut b = TableBuilder::new(&schema);
    for r in 0..5_i64 {
        let mut row = b.row();
        for (i, column) in (0_i64..).zip(schema.columns()) {
            row.set(column, r * 10 + i);
        }
    }
    let limits = SheetLimits { rows: 4, columns: 3 };
    let mut book = open(&book(&b.finish().unwrap(), XlsxOptions { limits, ..options() }));
    // 5 columns, 3 a sheet with c0 repeated: c0 c1 c2 | c0 c3 c4. 5 rows, 3 a sheet: two bands.
    assert_eq!(
        book.sheet_names(),
        ["wide", "wide (2)", "wide (3)", "wide (4)", "dictionary", "readme"]
    );
    let text = |book: &mut Xlsx<_>, sheet: &str| -> Vec<String> {
        book.worksheet_range(sheet)
            .unwrap()
            .rows()
            .map(|r| r.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            .collect()
    };
    assert_eq!(text(&mut book, "wide"), ["c0 c1 c2", "0 1 2", "10 11 12", "20 21 22"]);
    assert_eq!(text(&mut book, "wide (4)"), ["c0 c3 c4", "30 33 34", "40 43 44"]);
    assert!(
        text(&mut book, "readme")
            .iter()
            .any(|l| l.starts_with("split ") && l.contains("4 sheets"))
    );
}

#[test]
fn a_text_too_long_for_a_cell_is_cut_and_told() {
    let mut b = TableBuilder::new(&mixed_schema());
    let long = "é".repeat(32_768);
    b.row().set_named("patient_id", &long);
    b.row().set_named("patient_id", &"🙂".repeat(16_384));
    b.row().set_named("patient_id", &"x".repeat(32_767));
    let mut book = open(&book(&b.finish().unwrap(), options()));
    let range = book.worksheet_range("mixed").unwrap();
    let lengths: Vec<usize> = range.rows().skip(1).map(|r| r[0].to_string().encode_utf16().count()).collect();
    // 16,382 pairs and "..." make 32,767; a pair is never torn.
    assert_eq!(lengths, [32_767, 32_767, 32_767]);
    let readme = book.worksheet_range("readme").unwrap();
    assert!(readme.rows().any(|r| r[0] == "cut" && r[1].to_string().starts_with("2 texts")));
}

#[test]
fn our_workbook_reads_back_with_ids_as_text() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.xlsx");
    fs::write(&path, book(&mixed_table(), options())).unwrap();
    let table = read_xlsx::read(&path, None, &["n"]).unwrap();
    assert_eq!(table.row(0).named("patient_id").as_text(), Some("00123"));
    assert_eq!(table.row(0).named("x").as_float(), Some(0.1 + 0.2));
    assert_eq!(
        table.row(0).named("n").as_text(),
        Some("7"),
        "a number in a text column keeps its short form"
    );
    assert!(table.row(1).named("x").is_missing());
    assert_eq!(read_xlsx::read(&path, Some("nope"), &[]).unwrap_err().code(), "table.damaged");
    assert_eq!(
        read_xlsx::read(&dir.path().join("none.xlsx"), None, &[]).unwrap_err().code(),
        "table.unreadable"
    );
}
