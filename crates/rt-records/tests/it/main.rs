//! Behaviour of the tables as their users see it: round trips, the column contract, hostile text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp, reason = "tests")]

mod contract;
mod csv;
mod packed;
mod parquet;
mod table;
mod xlsx;

use rt_records::{ColumnDef, Kind, Table, TableBuilder, TableSchema, Value};

/// Names that break spreadsheets, parsers and pages (`spec/reliability.md` section 4), and texts that look like numbers or nothing.
pub(crate) const HOSTILE: &[&str] = &[
    "00123",
    "1e5",
    "NA",
    "null",
    "True",
    "=1+1",
    "@SUM(A1)",
    "-2+3",
    "+cmd|' /C calc'!A0",
    "\t=1",
    " =1",
    "\u{a0}=1",
    "ok\n=1+1",
    "a,b\"c",
    "\u{1b}[31m",
    "\u{202e}gnp",
    "</script><img src=x onerror=alert(1)>",
    "{{7*7}}",
    "%s",
    "smörgås 漢字 🙂",
    "../../x",
    "http://example.org/",
    "'quoted",
    "Volume (cm³)",
];

/// A schema with a column of every kind.
pub(crate) fn mixed_schema() -> TableSchema {
    TableSchema::new(
        "mixed",
        [
            ColumnDef::fixed("patient_id", Kind::Text, "", "Patient"),
            ColumnDef::fixed("n", Kind::Int, "", "Count"),
            ColumnDef::fixed("x", Kind::Float, "Gy", "Dose"),
            ColumnDef::fixed("flag", Kind::Bool, "", "Flag"),
            ColumnDef::fixed("list", Kind::Floats, "mm", "Points"),
            ColumnDef::fixed("curve", Kind::Singles, "cm3", "Curve"),
        ],
    )
    .unwrap()
}

/// Two rows: one with every cell, one with none but the id.
pub(crate) fn mixed_table() -> Table {
    let schema = mixed_schema();
    let mut b = TableBuilder::new(&schema);
    b.row()
        .set_named("patient_id", "00123")
        .set_named("n", 7_i64)
        .set_named("x", 0.1 + 0.2)
        .set_named("flag", true)
        .set_named("list", Value::Floats(&[1.5, -2.0, 1e-300]))
        .set_named("curve", Value::Singles(&[3.0, 0.1]));
    b.row().set_named("patient_id", "NA");
    b.finish().unwrap()
}
