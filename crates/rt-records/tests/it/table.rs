use rt_records::{ColumnDef, Kind, TableBuilder, TableError, TableSchema, Value};

use crate::{mixed_schema, mixed_table};

#[test]
fn a_misspelt_column_is_an_error_that_names_it() {
    let mut b = TableBuilder::new(&mixed_schema());
    b.row().set_named("patient", "P").set_named("x", 1.0);
    let error = b.finish().unwrap_err();
    assert_eq!(
        error,
        TableError::UnknownColumn {
            table: "mixed".into(),
            column: "patient".into()
        }
    );
    assert_eq!(error.code(), "table.unknown_column");
}

#[test]
fn a_number_does_not_go_into_a_text_column_silently() {
    let mut b = TableBuilder::new(&mixed_schema());
    b.row().set_named("patient_id", 123_i64);
    let message = b.finish().unwrap_err().to_string();
    assert_eq!(message, "table mixed, column `patient_id` holds text, not int");
}

#[test]
fn nan_and_empty_text_are_missing_and_zero_is_not() {
    let mut b = TableBuilder::new(&mixed_schema());
    b.row().set_named("patient_id", "").set_named("x", f64::NAN).set_named("n", 0_i64);
    let table = b.finish().unwrap();
    assert!(table.row(0).named("patient_id").is_missing());
    assert!(table.row(0).named("x").is_missing());
    assert_eq!(table.row(0).named("n"), Value::Int(0));
}

#[test]
fn conforming_orders_fills_widens_and_refuses_a_clash() {
    let narrow = TableSchema::new(
        "t",
        [ColumnDef::fixed("a", Kind::Int, "", ""), ColumnDef::fixed("b", Kind::Text, "", "")],
    )
    .unwrap();
    let mut b = TableBuilder::new(&narrow);
    b.row().set_named("a", 3_i64).set_named("b", "x");
    let table = b.finish().unwrap();
    let wide = |kind_b| {
        TableSchema::new(
            "t",
            [
                ColumnDef::fixed("new", Kind::Float, "", ""),
                ColumnDef::fixed("b", kind_b, "", ""),
                ColumnDef::fixed("a", Kind::Float, "", ""),
            ],
        )
        .unwrap()
    };
    let conformed = table.clone().conform(&wide(Kind::Text)).unwrap();
    assert_eq!(conformed.value(0, 0), Value::Missing);
    assert_eq!(conformed.value(0, 1), Value::Text("x"));
    assert_eq!(conformed.value(0, 2), Value::Float(3.0));
    assert_eq!(table.conform(&wide(Kind::Float)).unwrap_err().code(), "table.kind_clash");
}

#[test]
fn append_and_split_are_inverse() {
    let whole = mixed_table();
    let mut head = whole.clone();
    let tail = head.split_off(1);
    assert_eq!((head.rows(), tail.rows()), (1, 1));
    head.append(tail).unwrap();
    assert_eq!(head, whole);
}

#[test]
fn a_schema_refuses_two_columns_of_one_name() {
    let twice = [ColumnDef::fixed("a", Kind::Int, "", ""), ColumnDef::fixed("a", Kind::Text, "", "")];
    assert_eq!(TableSchema::new("t", twice).unwrap_err().code(), "table.duplicate_column");
}
