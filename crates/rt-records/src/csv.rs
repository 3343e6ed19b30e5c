//! Tables as CSV (RFC 4180): UTF-8, LF, numbers in the shortest form that reads back to the same bits.
//!
//! Text that a spreadsheet would take for a formula is guarded with a leading `'` (`spec/reliability.md` section 4, after OWASP's
//! "CSV Injection"); numbers never are. The Parquet twin keeps the true text.

use std::borrow::Cow;
use std::io::Write;
use std::path::Path;

use crate::error::{ReadError, WriteError};
use crate::schema::{ColumnDef, Kind, TableSchema};
use crate::table::{Table, TableBuilder};
use crate::value::Value;

/// How a CSV file is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CsvEncoding {
    /// UTF-8 without a byte order mark.
    #[default]
    Plain,
    /// UTF-8 with a byte order mark, which Excel needs to see that it is UTF-8.
    Excel,
}

/// Writes rows as they come.
pub struct CsvWriter<W: Write> {
    inner: csv::Writer<W>,
    schema: TableSchema,
}

impl<W: Write> CsvWriter<W> {
    /// Begins a file with its header line.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn new(mut output: W, schema: &TableSchema, encoding: CsvEncoding) -> Result<Self, WriteError> {
        if encoding == CsvEncoding::Excel {
            output.write_all("\u{feff}".as_bytes()).map_err(|source| WriteError::Io {
                table: schema.name().to_owned(),
                source,
            })?;
        }
        let mut inner = csv::WriterBuilder::new().buffer_capacity(1 << 16).from_writer(output);
        inner
            .write_record(schema.columns().iter().map(|c| guard(&c.name).into_owned()))
            .map_err(|e| failed(schema, e))?;
        Ok(Self {
            inner,
            schema: schema.clone(),
        })
    }

    /// Adds rows; they must have the columns of the file.
    ///
    /// # Errors
    /// [`WriteError::Table`] when a column is of another kind, [`WriteError::Io`] when the output fails.
    pub fn write(&mut self, rows: &Table) -> Result<(), WriteError> {
        let conformed;
        let rows = if *rows.schema() == self.schema {
            rows
        } else {
            conformed = rows.clone().conform(&self.schema)?;
            &conformed
        };
        for row in 0..rows.rows() {
            for column in rows.columns() {
                self.inner
                    .write_field(cell_text(column.value(row)).as_bytes())
                    .map_err(|e| failed(&self.schema, e))?;
            }
            self.inner.write_record(None::<&[u8]>).map_err(|e| failed(&self.schema, e))?;
        }
        Ok(())
    }

    /// Ends the file and gives the output back.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn finish(self) -> Result<W, WriteError> {
        let Self { inner, schema } = self;
        inner.into_inner().map_err(|e| WriteError::Io {
            table: schema.name().to_owned(),
            source: std::io::Error::new(e.error().kind(), e.error().to_string()),
        })
    }
}

fn failed(schema: &TableSchema, error: csv::Error) -> WriteError {
    let table = schema.name().to_owned();
    match error.into_kind() {
        csv::ErrorKind::Io(source) => WriteError::Io { table, source },
        other => WriteError::Encode {
            table,
            format: "CSV",
            reason: format!("{other:?}"),
        },
    }
}

/// Writes one table as a whole file.
///
/// # Errors
/// As [`CsvWriter::write`].
pub fn write<W: Write>(output: W, table: &Table, encoding: CsvEncoding) -> Result<W, WriteError> {
    let mut writer = CsvWriter::new(output, table.schema(), encoding)?;
    writer.write(table)?;
    writer.finish()
}

/// Reads a CSV file of a user, whose first line names the columns. A column is of numbers when all its cells are and none has a leading
/// zero (`00123` is an id); those named in `text_columns` are text. An empty cell is missing; a byte order mark is skipped.
///
/// # Errors
/// [`ReadError`] when the file cannot be read, is not UTF-8, has lines of unequal length or two columns of one name.
pub fn read(path: &Path, text_columns: &[&str]) -> Result<Table, ReadError> {
    let text = std::fs::read(path).map_err(|source| ReadError::Io {
        path: path.to_owned(),
        source,
    })?;
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text);
    let damaged = |reason: String| ReadError::Format {
        path: path.to_owned(),
        reason,
    };
    let mut reader = csv::Reader::from_reader(text);
    let header = reader.headers().map_err(|e| damaged(e.to_string()))?.clone();
    let lines: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().map_err(|e| damaged(e.to_string()))?;
    let is_number = |i: usize| {
        let mut cells = lines.iter().filter_map(|l| l.get(i)).filter(|c| !c.is_empty()).peekable();
        cells.peek().is_some() && cells.all(|c| plain_number(c).is_some())
    };
    let defs = header.iter().enumerate().map(|(i, name)| {
        let number = !text_columns.contains(&name) && is_number(i);
        ColumnDef::new(name, if number { Kind::Float } else { Kind::Text }, "", "")
    });
    let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let wrong = |source| ReadError::Table {
        path: path.to_owned(),
        source,
    };
    let schema = TableSchema::new(&name, defs).map_err(wrong)?;
    let mut rows = TableBuilder::new(&schema);
    for line in &lines {
        let mut row = rows.row();
        for (def, cell) in schema.columns().iter().zip(line) {
            match def.kind {
                Kind::Float => row.set(def, plain_number(cell)),
                _ => row.set(def, cell),
            };
        }
    }
    rows.finish().map_err(wrong)
}

/// The number that a cell is, unless it looks like an id.
fn plain_number(cell: &str) -> Option<f64> {
    let digits = cell.trim_start_matches('-');
    let is_id = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    if is_id { None } else { cell.parse().ok() }
}

/// A number as text: the shortest that reads back to the same bits (`60.0`, `0.1`, `1e-7`).
pub fn float_text(x: f64) -> String {
    format!("{x:?}")
}

/// A cell as CSV text, guarded.
pub(crate) fn cell_text(value: Value<'_>) -> Cow<'_, str> {
    match value {
        Value::Missing => Cow::Borrowed(""),
        Value::Text(text) => guard(text),
        Value::Int(n) => Cow::Owned(n.to_string()),
        Value::Float(x) => Cow::Owned(float_text(x)),
        Value::Bool(true) => Cow::Borrowed("True"),
        Value::Bool(false) => Cow::Borrowed("False"),
        Value::Floats(list) => Cow::Owned(list_text(list.iter().copied())),
        Value::Singles(list) => Cow::Owned(single_text(list)),
    }
}

/// A list as a JSON array; what is no number becomes `null`.
fn list_text(list: impl Iterator<Item = f64>) -> String {
    let parts: Vec<String> = list
        .map(|x| if x.is_finite() { float_text(x) } else { "null".to_owned() })
        .collect();
    format!("[{}]", parts.join(","))
}

fn single_text(list: &[f32]) -> String {
    let parts: Vec<String> = list
        .iter()
        .map(|x| if x.is_finite() { format!("{x:?}") } else { "null".to_owned() })
        .collect();
    format!("[{}]", parts.join(","))
}

/// A leading `'` on every line whose first character after blanks starts a formula in a spreadsheet.
pub fn guard(text: &str) -> Cow<'_, str> {
    let lines = || text.split_inclusive(['\n', '\r']);
    if !lines().any(starts_formula) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 2);
    for line in lines() {
        if starts_formula(line) {
            out.push('\'');
        }
        out.push_str(line);
    }
    Cow::Owned(out)
}

fn starts_formula(line: &str) -> bool {
    let first = line.chars().find(|c| !matches!(c, ' ' | '\u{a0}'));
    matches!(first, Some('=' | '+' | '-' | '@' | '\t' | '\r'))
}
