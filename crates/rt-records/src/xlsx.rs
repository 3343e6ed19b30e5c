//! Tables as XLSX for people: streaming, flat memory, the same bytes for the same table.
//!
//! The data come first (scripts read the first sheet), then `dictionary` (every column: unit, kind, meaning) and `readme`. Text is written
//! with `write_string` only, so that no cell becomes a formula or a link. A sheet ends at 1,048,576 rows and 16,384 columns: what is
//! beyond goes on in sheets `name (2)`, ... with the identifying columns repeated, and `readme` says so.

use std::io::{Seek, Write};

use rust_xlsxwriter::{Color, DocProperties, ExcelDateTime, Format, FormatAlign, Note, Workbook, Worksheet, XlsxError};

use crate::csv::cell_text;
use crate::error::WriteError;
use crate::parquet::FileInfo;
use crate::schema::{Kind, TableSchema};
use crate::table::Table;
use crate::value::Value;

/// Most characters that a cell can hold, counted as Excel does: in UTF-16 units.
const MAX_TEXT: usize = 32_767;

/// Notes on header cells are drawn for narrow tables only: each one is a drawing, and a thousand of them make a file slow to open.
const MAX_NOTES: usize = 320;

/// Largest whole number that a cell (a double) holds exactly.
const MAX_EXACT: u64 = 1 << 53;

/// Size of one sheet; smaller in tests only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SheetLimits {
    /// Rows, the header line included.
    pub rows: u32,
    /// Columns.
    pub columns: u16,
}

impl Default for SheetLimits {
    fn default() -> Self {
        Self {
            rows: 1_048_576,
            columns: 16_384,
        }
    }
}

/// What stands around the table.
#[derive(Debug, Clone, Default)]
pub struct XlsxOptions {
    /// Lines of the `readme` sheet: key and value.
    pub facts: Vec<(String, String)>,
    /// Leading columns that stay in sight and are repeated when the columns do not fit one sheet.
    pub frozen_columns: u16,
    /// Size of a sheet.
    pub limits: SheetLimits,
}

impl XlsxOptions {
    /// Options for a table whose first `frozen_columns` columns identify the row, with the facts of a file.
    pub fn new(frozen_columns: u16, info: &FileInfo) -> Self {
        let mut facts = vec![("code version".to_owned(), info.code_version.clone())];
        facts.extend(info.more.iter().cloned());
        Self {
            facts,
            frozen_columns,
            limits: SheetLimits::default(),
        }
    }
}

/// Writes rows as they come; rows already written lie in a temporary file, not in memory.
pub struct XlsxWriter {
    book: Workbook,
    schema: TableSchema,
    options: XlsxOptions,
    /// Columns of each sheet of the current band of rows.
    pages: Vec<Vec<usize>>,
    /// First sheet of the current band.
    first_sheet: usize,
    /// Rows in the current band, header line included.
    filled: u32,
    bands: usize,
    cut_texts: usize,
    header: Format,
}

impl XlsxWriter {
    /// Begins a workbook with the header of the table.
    ///
    /// # Errors
    /// [`WriteError::Encode`].
    pub fn new(schema: &TableSchema, options: XlsxOptions) -> Result<Self, WriteError> {
        let mut book = Workbook::new();
        let date = ExcelDateTime::from_ymd(2000, 1, 1).map_err(|e| encode(schema, &e))?;
        book.set_properties(&DocProperties::new().set_creation_datetime(&date));
        let pages = column_pages(schema.len(), &options);
        let header = Format::new()
            .set_bold()
            .set_text_wrap()
            .set_align(FormatAlign::Top)
            .set_background_color(Color::RGB(0x00DC_E6F1))
            .set_border_bottom(rust_xlsxwriter::FormatBorder::Thin);
        let mut writer = Self {
            book,
            schema: schema.clone(),
            options,
            pages,
            first_sheet: 0,
            filled: 0,
            bands: 0,
            cut_texts: 0,
            header,
        };
        writer.begin_band().map_err(|e| encode(schema, &e))?;
        Ok(writer)
    }

    /// Adds rows; they must have the columns of the workbook.
    ///
    /// # Errors
    /// [`WriteError::Table`] when a column is of another kind, [`WriteError::Encode`] when the temporary file cannot be written.
    pub fn write(&mut self, rows: &Table) -> Result<(), WriteError> {
        let conformed;
        let rows = if *rows.schema() == self.schema {
            rows
        } else {
            conformed = rows.clone().conform(&self.schema)?;
            &conformed
        };
        for row in 0..rows.rows() {
            if self.filled == self.options.limits.rows {
                self.begin_band().map_err(|e| encode(&self.schema, &e))?;
            }
            self.write_row(rows, row).map_err(|e| encode(&self.schema, &e))?;
        }
        Ok(())
    }

    fn write_row(&mut self, rows: &Table, row: usize) -> Result<(), XlsxError> {
        for (page, columns) in self.pages.iter().enumerate() {
            let sheet = self.book.worksheet_from_index(self.first_sheet + page)?;
            for (place, &column) in (0_u16..).zip(columns) {
                self.cut_texts += usize::from(write_cell(sheet, self.filled, place, rows.value(row, column))?);
            }
        }
        self.filled += 1;
        Ok(())
    }

    /// New sheets for the next rows: one for each page of columns.
    fn begin_band(&mut self) -> Result<(), XlsxError> {
        self.end_band()?;
        self.first_sheet = self.bands * self.pages.len();
        for page in 0..self.pages.len() {
            let number = self.first_sheet + page + 1;
            let name = sheet_name(self.schema.name(), number);
            let columns = &self.pages[page];
            let sheet = self.book.add_worksheet_with_constant_memory()?;
            sheet.set_name(name)?;
            for (place, &column) in (0_u16..).zip(columns) {
                let def = &self.schema.columns()[column];
                sheet.set_column_width(place, width(&def.name, def.kind))?;
                sheet.write_string_with_format(0, place, def.name.as_ref(), &self.header)?;
                if self.schema.len() <= MAX_NOTES && number == 1 && !def.doc.is_empty() {
                    sheet.insert_note(0, place, &Note::new(note_text(&def.doc, &def.unit)).add_author_prefix(false))?;
                }
            }
            sheet.set_freeze_panes(1, self.options.frozen_columns)?;
        }
        self.filled = 1;
        self.bands += 1;
        Ok(())
    }

    fn end_band(&mut self) -> Result<(), XlsxError> {
        if self.bands == 0 {
            return Ok(());
        }
        for (page, columns) in self.pages.iter().enumerate() {
            if let Some(last) = columns.len().checked_sub(1).and_then(|n| u16::try_from(n).ok()) {
                self.book
                    .worksheet_from_index(self.first_sheet + page)?
                    .autofilter(0, 0, self.filled - 1, last)?;
            }
        }
        Ok(())
    }

    /// Adds `dictionary` and `readme` and writes the whole file.
    ///
    /// # Errors
    /// [`WriteError::Encode`] when the output fails.
    pub fn finish<W: Write + Seek + Send>(mut self, output: W) -> Result<(), WriteError> {
        let schema = self.schema.clone();
        self.end_band().map_err(|e| encode(&schema, &e))?;
        self.add_dictionary().map_err(|e| encode(&schema, &e))?;
        self.add_readme().map_err(|e| encode(&schema, &e))?;
        self.book.save_to_writer(output).map_err(|e| encode(&schema, &e))
    }

    fn add_dictionary(&mut self) -> Result<(), XlsxError> {
        let sheet = self.book.add_worksheet_with_constant_memory()?;
        sheet.set_name("dictionary")?;
        for (place, (title, width)) in (0_u16..).zip([("column", 38), ("unit", 10), ("kind", 8), ("meaning", 110)]) {
            sheet.set_column_width(place, width)?;
            sheet.write_string_with_format(0, place, title, &self.header)?;
        }
        sheet.set_freeze_panes(1, 1)?;
        for (row, def) in (1_u32..).zip(self.schema.columns()) {
            for (place, text) in (0_u16..).zip([def.name.as_ref(), def.unit.as_ref(), def.kind.name(), def.doc.as_ref()]) {
                write_cell(sheet, row, place, Value::Text(text))?;
            }
        }
        Ok(())
    }

    fn add_readme(&mut self) -> Result<(), XlsxError> {
        let mut lines = vec![("table".to_owned(), self.schema.name().to_owned())];
        lines.extend(self.options.facts.iter().cloned());
        lines.push(("missing".to_owned(), "an empty cell is a missing value, never 0".to_owned()));
        lines.push((
            "meaning of columns".to_owned(),
            "sheet dictionary; the same text stands in columns.md".to_owned(),
        ));
        if self.bands * self.pages.len() > 1 {
            let note = format!(
                "the table does not fit one sheet ({} sheets): read the Parquet file, or all sheets; identifying columns are repeated",
                self.bands * self.pages.len()
            );
            lines.push(("split".to_owned(), note));
        }
        if self.cut_texts > 0 {
            let note = format!(
                "{} texts longer than {MAX_TEXT} characters end in \"...\"; whole in Parquet and CSV",
                self.cut_texts
            );
            lines.push(("cut".to_owned(), note));
        }
        let sheet = self.book.add_worksheet_with_constant_memory()?;
        sheet.set_name("readme")?;
        sheet.set_column_width(0, 24)?;
        sheet.set_column_width(1, 110)?;
        for (row, (key, value)) in (0_u32..).zip(&lines) {
            sheet.write_string_with_format(row, 0, key, &self.header)?;
            write_cell(sheet, row, 1, Value::Text(value))?;
        }
        Ok(())
    }
}

/// Writes one table as a whole workbook.
///
/// # Errors
/// As [`XlsxWriter::write`].
pub fn write<W: Write + Seek + Send>(output: W, table: &Table, options: XlsxOptions) -> Result<(), WriteError> {
    let mut writer = XlsxWriter::new(table.schema(), options)?;
    writer.write(table)?;
    writer.finish(output)
}

fn encode(schema: &TableSchema, error: &XlsxError) -> WriteError {
    let table = schema.name().to_owned();
    match error {
        XlsxError::IoError(io) => WriteError::Io {
            table,
            source: std::io::Error::new(io.kind(), io.to_string()),
        },
        other => WriteError::Encode {
            table,
            format: "XLSX",
            reason: other.to_string(),
        },
    }
}

/// Columns of each sheet; every sheet begins with the identifying ones.
fn column_pages(columns: usize, options: &XlsxOptions) -> Vec<Vec<usize>> {
    let limit = usize::from(options.limits.columns).max(2);
    if columns <= limit {
        return vec![(0..columns).collect()];
    }
    let ids = usize::from(options.frozen_columns).min(limit - 1);
    let rest: Vec<usize> = (ids..columns).collect();
    rest.chunks(limit - ids)
        .map(|chunk| (0..ids).chain(chunk.iter().copied()).collect())
        .collect()
}

/// At most 31 characters, none of `[]:*?/\`; the number from the second sheet on.
fn sheet_name(table: &str, number: usize) -> String {
    let suffix = if number == 1 { String::new() } else { format!(" ({number})") };
    let clean: String = table.chars().map(|c| if "[]:*?/\\'".contains(c) { '_' } else { c }).collect();
    clean.chars().take(31 - suffix.len()).chain(suffix.chars()).collect()
}

fn note_text(doc: &str, unit: &str) -> String {
    if unit.is_empty() {
        doc.to_owned()
    } else {
        format!("{doc} [{unit}]")
    }
}

fn width(name: &str, kind: Kind) -> f64 {
    let least: f64 = if kind == Kind::Text { 16.0 } else { 10.0 };
    let name = name.chars().count().min(36);
    least.max(name as f64 + 2.0)
}

/// Writes one cell; `true` when a text had to be cut.
fn write_cell(sheet: &mut Worksheet, row: u32, place: u16, value: Value<'_>) -> Result<bool, XlsxError> {
    match value {
        Value::Missing | Value::Text("") => {}
        Value::Float(x) if x.is_finite() => {
            sheet.write_number(row, place, x)?;
        }
        Value::Int(n) if n.unsigned_abs() <= MAX_EXACT => {
            sheet.write_number(row, place, n as f64)?;
        }
        Value::Bool(b) => {
            sheet.write_boolean(row, place, b)?;
        }
        Value::Text(text) => return write_text(sheet, row, place, text),
        Value::Float(_) | Value::Int(_) | Value::Floats(_) | Value::Singles(_) => {
            return write_text(sheet, row, place, &cell_text(value));
        }
    }
    Ok(false)
}

fn write_text(sheet: &mut Worksheet, row: u32, place: u16, text: &str) -> Result<bool, XlsxError> {
    if text.len() <= MAX_TEXT || text.encode_utf16().count() <= MAX_TEXT {
        sheet.write_string(row, place, text)?;
        return Ok(false);
    }
    let mut room = MAX_TEXT - 3;
    let fits = |c: &char| {
        let size = c.len_utf16();
        let enough = size <= room;
        room -= size.min(room);
        enough
    };
    let cut: String = text.chars().take_while(fits).chain("...".chars()).collect();
    sheet.write_string(row, place, cut)?;
    Ok(true)
}
