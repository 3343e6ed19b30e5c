use rt_aggregate::{SchemaError, SchemaUnion, union_schema};
use rt_records::{ColumnDef, Kind, TableSchema};

fn schema(columns: &[(&'static str, Kind, &'static str)]) -> TableSchema {
    TableSchema::new("t", columns.iter().map(|&(n, k, u)| ColumnDef::fixed(n, k, u, ""))).unwrap()
}

fn names(schema: &TableSchema) -> Vec<String> {
    schema.columns().iter().map(|c| c.name.to_string()).collect()
}

#[test]
fn new_columns_go_behind_the_one_that_precedes_them() {
    let a = schema(&[
        ("id", Kind::Text, ""),
        ("f1", Kind::Float, ""),
        ("f3", Kind::Float, ""),
        ("status", Kind::Text, ""),
    ]);
    let b = schema(&[
        ("id", Kind::Text, ""),
        ("f0", Kind::Float, ""),
        ("f1", Kind::Float, ""),
        ("f2", Kind::Float, ""),
        ("f3", Kind::Float, ""),
    ]);
    let c = schema(&[
        ("zero", Kind::Text, ""),
        ("id", Kind::Text, ""),
        ("last", Kind::Text, ""),
        ("status", Kind::Text, ""),
        ("end", Kind::Text, ""),
    ]);
    let union = union_schema("t", [("A", &a), ("B", &b), ("C", &c)]).unwrap();
    assert_eq!(names(&union), ["zero", "id", "last", "f0", "f1", "f2", "f3", "status", "end"]);
}

#[test]
fn whole_numbers_and_floats_meet_as_floats_and_meanings_are_kept() {
    let mut union = SchemaUnion::new("t");
    union.add("A", &schema(&[("x", Kind::Int, "")])).unwrap();
    union.add("B", &schema(&[("x", Kind::Float, "Gy")])).unwrap();
    union.add("C", &schema(&[("x", Kind::Int, "")])).unwrap();
    assert_eq!(union.schema().columns()[0].kind, Kind::Float);
    assert_eq!(union.schema().columns()[0].unit, "Gy");
}

#[test]
fn a_clash_names_file_and_column_and_leaves_the_union_as_it_was() {
    let mut union = SchemaUnion::new("t");
    union
        .add("P1/C1", &schema(&[("id", Kind::Text, ""), ("x", Kind::Float, "Gy")]))
        .unwrap();
    let before = union.schema();
    let error = union
        .add("P2/C1", &schema(&[("new", Kind::Text, ""), ("x", Kind::Text, "")]))
        .unwrap_err();
    assert!(matches!(&error, SchemaError::KindClash { .. }));
    assert_eq!(error.code(), "table.kind_clash");
    assert!(
        error.to_string().starts_with("P2/C1: column `x` holds text, but float elsewhere"),
        "{error}"
    );
    let error = union.add("P3/C1", &schema(&[("x", Kind::Float, "cGy")])).unwrap_err();
    assert_eq!(error.code(), "table.unit_clash");
    assert_eq!(union.schema(), before);
}
