use proptest::prelude::*;
use rt_records::csv::{self, CsvEncoding, float_text, guard};
use rt_records::{TableBuilder, Value};

use crate::{HOSTILE, mixed_schema, mixed_table};

fn text(table: &rt_records::Table) -> String {
    String::from_utf8(csv::write(Vec::new(), table, CsvEncoding::Plain).unwrap()).unwrap()
}

#[test]
fn one_header_line_shortest_numbers_and_empty_for_missing() {
    assert_eq!(
        text(&mixed_table()),
        "patient_id,n,x,flag,list,curve\n00123,7,0.30000000000000004,True,\"[1.5,-2.0,1e-300]\",\"[3.0,0.1]\"\nNA,,,,,\n"
    );
}

#[test]
fn formulas_are_guarded_in_text_on_every_line_and_never_in_numbers() {
    for (plain, guarded) in [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("\t=1", "'\t=1"),
        (" =1", "' =1"),
        ("\u{a0}=1", "'\u{a0}=1"),
        ("ok\n=1+1", "ok\n'=1+1"),
        ("ok\r\n+1", "ok\r\n'+1"),
        ("PTV-2", "PTV-2"),
        ("a=b", "a=b"),
    ] {
        assert_eq!(guard(plain), guarded);
    }
    let mut b = TableBuilder::new(&mixed_schema());
    b.row().set_named("patient_id", "-5").set_named("n", -5_i64).set_named("x", -5.0);
    assert_eq!(text(&b.finish().unwrap()).lines().nth(1), Some("'-5,-5,-5.0,,,"));
}

#[test]
fn hostile_names_stay_one_cell_each() {
    let mut b = TableBuilder::new(&mixed_schema());
    for name in HOSTILE {
        b.row().set_named("patient_id", *name);
    }
    let text = text(&b.finish().unwrap());
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let found: Vec<String> = reader.records().map(|r| r.unwrap()[0].to_owned()).collect();
    let wanted: Vec<String> = HOSTILE.iter().map(|n| guard(n).into_owned()).collect();
    assert_eq!(found, wanted);
}

#[test]
fn the_excel_form_differs_by_its_mark_alone() {
    let excel = csv::write(Vec::new(), &mixed_table(), CsvEncoding::Excel).unwrap();
    assert_eq!(excel.strip_prefix("\u{feff}".as_bytes()).unwrap(), text(&mixed_table()).as_bytes());
}

#[test]
fn infinite_numbers_are_told_and_nan_in_a_list_is_null() {
    let mut b = TableBuilder::new(&mixed_schema());
    b.row()
        .set_named("x", f64::NEG_INFINITY)
        .set_named("list", Value::Floats(&[f64::NAN, 1.0]));
    assert_eq!(text(&b.finish().unwrap()).lines().nth(1), Some(",,-inf,,\"[null,1.0]\","));
}

#[test]
fn a_table_of_a_user_is_read_with_ids_as_text_and_numbers_as_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clinical.csv");
    std::fs::write(&path, "\u{feff}patient_id,age,code,note\n123,71.5,007,\"a, b\"\n0124,,12,\n").unwrap();
    let table = csv::read(&path, &["patient_id"]).unwrap();
    assert_eq!(table.row(0).named("patient_id"), Value::Text("123"));
    assert_eq!(table.row(0).named("age"), Value::Float(71.5));
    assert_eq!(table.row(0).named("code"), Value::Text("007"));
    assert_eq!(table.row(0).named("note"), Value::Text("a, b"));
    assert_eq!(table.row(1).named("patient_id"), Value::Text("0124"));
    assert!(table.row(1).named("age").is_missing());
    std::fs::write(&path, "a,b\n1\n").unwrap();
    assert_eq!(csv::read(&path, &[]).unwrap_err().code(), "table.damaged");
}

proptest! {
    #[test]
    fn numbers_read_back_to_the_same_bits(x in any::<f64>().prop_filter("number", |x| !x.is_nan())) {
        prop_assert_eq!(float_text(x).parse::<f64>().unwrap().to_bits(), x.to_bits());
    }
}
