//! XLSX -> Table: older results and workbooks of the Python pipeline, for comparison. Ours are read from Parquet.

use std::path::Path;

use calamine::{Data, Reader, Xlsx, open_workbook};

use crate::column::Column;
use crate::error::ReadError;
use crate::schema::{ColumnDef, Kind, TableSchema};
use crate::table::Table;
use crate::value::Value;

/// Reads a sheet (the first without a name) whose first line names the columns.
///
/// A column is of numbers, truth values or text, as all its cells are; mixed columns and those named in `text_columns` are text, numbers
/// in them in their shortest form (`123`, not `123.0`). Duplicate and empty names get a number.
///
/// # Errors
/// [`ReadError`] when the file or the sheet cannot be read.
pub fn read(path: &Path, sheet: Option<&str>, text_columns: &[&str]) -> Result<Table, ReadError> {
    let damaged = |reason: String| ReadError::Format {
        path: path.to_owned(),
        reason,
    };
    let mut book: Xlsx<_> = open_workbook(path).map_err(|e: calamine::XlsxError| match e {
        calamine::XlsxError::Io(source) => ReadError::Io {
            path: path.to_owned(),
            source,
        },
        other => damaged(other.to_string()),
    })?;
    let name = match sheet {
        Some(name) => name.to_owned(),
        None => book.sheet_names().first().cloned().ok_or_else(|| damaged("no sheet".to_owned()))?,
    };
    let range = book.worksheet_range(&name).map_err(|e| damaged(e.to_string()))?;
    let mut lines = range.rows();
    let header: Vec<String> = lines.next().unwrap_or_default().iter().map(ToString::to_string).collect();
    let lines: Vec<&[Data]> = lines.collect();
    let mut defs: Vec<ColumnDef> = Vec::with_capacity(header.len());
    let mut columns = Vec::with_capacity(header.len());
    for (i, title) in header.iter().enumerate() {
        let column_name = unique(title, i, &defs);
        let kind = if text_columns.contains(&title.as_str()) {
            Kind::Text
        } else {
            kind_of(&lines, i)
        };
        columns.push(fill(&lines, i, kind));
        defs.push(ColumnDef::new(column_name, kind, "", ""));
    }
    let schema = TableSchema::new(&name, defs).map_err(|source| ReadError::Table {
        path: path.to_owned(),
        source,
    })?;
    Ok(Table::from_columns(schema, columns, lines.len()))
}

fn unique(title: &str, place: usize, taken: &[ColumnDef]) -> String {
    if title.is_empty() {
        return format!("column_{}", place + 1);
    }
    if taken.iter().any(|c| c.name == title) {
        format!("{title}.{}", place + 1)
    } else {
        title.to_owned()
    }
}

fn kind_of(lines: &[&[Data]], column: usize) -> Kind {
    let mut kind = None;
    for line in lines {
        let found = match line.get(column) {
            None | Some(Data::Empty | Data::Error(_)) => continue,
            Some(Data::Float(_) | Data::Int(_)) => Kind::Float,
            Some(Data::Bool(_)) => Kind::Bool,
            Some(_) => return Kind::Text,
        };
        if kind.is_some_and(|k| k != found) {
            return Kind::Text;
        }
        kind = Some(found);
    }
    kind.unwrap_or(Kind::Text)
}

fn fill(lines: &[&[Data]], column: usize, kind: Kind) -> Column {
    let mut filled = Column::missing(kind, lines.len());
    for (row, line) in lines.iter().enumerate() {
        let Some(cell) = line.get(column) else { continue };
        match (kind, cell) {
            (_, Data::Empty | Data::Error(_)) => {}
            (Kind::Text, Data::Bool(b)) => {
                filled.set(row, Value::Text(if *b { "True" } else { "False" }));
            }
            (Kind::Text, other) => {
                filled.set(row, Value::Text(&other.to_string()));
            }
            (_, Data::Float(x)) => {
                filled.set(row, Value::Float(*x));
            }
            (_, Data::Int(n)) => {
                filled.set(row, Value::Int(*n));
            }
            (_, Data::Bool(b)) => {
                filled.set(row, Value::Bool(*b));
            }
            _ => {}
        }
    }
    filled
}
