//! Radiomics of one course in a file of a few columns: one list of values a row, feature names once in the metadata.
//!
//! The bench `records` decides the form: 100 rows of 1,200 features took 6 ms to write and 10 ms to read and pivot packed, 114 and 68 ms
//! wide, 48 and 78 ms long (2 shared cores, unoptimised build of this crate), because Parquet's cost is per column chunk (`peers/io.md`
//! section 3). The cohort table is wide; it is made once, at the merge, by [`Packed::wide`].

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use serde_json::Value as Json;

use crate::column::{Cells, Column};
use crate::error::{ReadError, TableError, WriteError};
use crate::parquet::{FileInfo, ParquetFile, write};
use crate::schema::{ColumnDef, Kind, TableSchema};
use crate::table::{RowMut, Table, TableBuilder};
use crate::tables::case::set_json;
use crate::value::Value;

const KEY_FEATURES: &str = "rtpipeline.features";
const KEY_DIAGNOSTICS: &str = "rtpipeline.diagnostics";

static VALUES: ColumnDef = ColumnDef::fixed(
    "values",
    Kind::Floats,
    "",
    "Features in the order of rtpipeline.features; NaN where missing",
);
static DIAGNOSTICS: ColumnDef = ColumnDef::fixed("diagnostics", Kind::Text, "", "Diagnostics by name, JSON");

/// Rows of one course: their own columns, and features and diagnostics packed.
#[derive(Debug, Clone, PartialEq)]
pub struct Packed {
    table: Table,
    features: Vec<String>,
    diagnostics: Vec<ColumnDef>,
}

impl Packed {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.table.rows()
    }

    /// The rows without features: ids, structure, status.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Names of the features, in order.
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// Features of a row in the order of [`Packed::features`], NaN where missing; `None` when nothing was computed.
    pub fn values(&self, row: usize) -> Option<&[f64]> {
        self.table.row(row).get(&VALUES).as_floats()
    }

    /// Writes the file.
    ///
    /// # Errors
    /// As [`crate::parquet::write`].
    pub fn write<W: Write + Send>(&self, output: W, info: &FileInfo) -> Result<W, WriteError> {
        let json = |value: Result<String, serde_json::Error>| {
            value.map_err(|e| WriteError::Encode {
                table: self.table.schema().name().to_owned(),
                format: "Parquet",
                reason: e.to_string(),
            })
        };
        let info = info
            .clone()
            .with(KEY_FEATURES, json(serde_json::to_string(&self.features))?)
            .with(KEY_DIAGNOSTICS, json(serde_json::to_string(&self.diagnostics))?);
        write(output, &self.table, &info)
    }

    /// Reads a file that [`Packed::write`] made.
    ///
    /// # Errors
    /// [`ReadError`]; a file without feature names is [`ReadError::Format`].
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let file = ParquetFile::open(path)?;
        let damaged = |reason: String| ReadError::Format {
            path: path.to_owned(),
            reason,
        };
        let (features, diagnostics) = announced(&file, path)?;
        let table = file.table(None)?;
        let lengths_agree = table
            .iter()
            .all(|r| r.get(&VALUES).as_floats().is_none_or(|v| v.len() == features.len()));
        if !lengths_agree {
            return Err(damaged("a row has another number of features than there are names".to_owned()));
        }
        Ok(Self {
            table,
            features,
            diagnostics,
        })
    }

    /// Columns of the wide table: ids, diagnostics, features, then the other columns of the rows.
    pub fn wide_schema(&self) -> TableSchema {
        wide_schema(self.table.schema(), &self.features, &self.diagnostics)
    }

    /// Columns of the wide table of a file; reads its footer only.
    ///
    /// # Errors
    /// As [`Packed::read`].
    pub fn read_wide_schema(path: &Path) -> Result<TableSchema, ReadError> {
        let file = ParquetFile::open(path)?;
        let (features, diagnostics) = announced(&file, path)?;
        Ok(wide_schema(file.schema(), &features, &diagnostics))
    }

    /// The wide table, one column a feature.
    ///
    /// # Errors
    /// [`TableError`] when a feature or diagnostic has the name of another column.
    pub fn wide(self) -> Result<Table, TableError> {
        let schema = self.wide_schema();
        let rows = self.rows();
        let mut features: Vec<Vec<f64>> = vec![vec![f64::NAN; rows]; self.features.len()];
        for row in 0..rows {
            for (column, &x) in features.iter_mut().zip(self.values(row).unwrap_or_default()) {
                column[row] = x;
            }
        }
        let mut diagnostics = self.wide_diagnostics()?;
        let mut by_name: HashMap<&str, Column> = HashMap::new();
        for (name, cells) in self.features.iter().zip(features) {
            by_name.insert(name, Column::from_cells(Cells::Float(cells)));
        }
        for (i, def) in self.table.schema().columns().iter().enumerate() {
            by_name.insert(&def.name, self.table.columns()[i].clone());
        }
        for (def, column) in self.diagnostics.iter().zip(diagnostics.drain(..)) {
            by_name.insert(&def.name, column);
        }
        let mut columns = Vec::with_capacity(schema.len());
        for def in schema.columns() {
            let column = by_name.remove(def.name.as_ref()).filter(|c| c.kind() == def.kind);
            columns.push(column.ok_or_else(|| TableError::DuplicateColumn {
                table: schema.name().to_owned(),
                column: def.name.to_string(),
            })?);
        }
        Ok(Table::from_columns(schema, columns, rows))
    }

    fn wide_diagnostics(&self) -> Result<Vec<Column>, TableError> {
        let schema = TableSchema::new(self.table.schema().name(), self.diagnostics.iter().cloned())?;
        let mut b = TableBuilder::new(&schema);
        for row in self.table.iter() {
            let mut wide = b.row();
            let found: Option<Json> = row.text(&DIAGNOSTICS).and_then(|text| serde_json::from_str(text).ok());
            for def in &self.diagnostics {
                if let Some(value) = found.as_ref().and_then(|f| f.get(def.name.as_ref())) {
                    set_json(&mut wide, def, value);
                }
            }
        }
        Ok(b.finish()?.columns().to_vec())
    }
}

/// Names of features and definitions of diagnostics that a file announces.
fn announced(file: &ParquetFile, path: &Path) -> Result<(Vec<String>, Vec<ColumnDef>), ReadError> {
    let damaged = |reason: String| ReadError::Format {
        path: path.to_owned(),
        reason,
    };
    let features = file
        .fact(KEY_FEATURES)
        .ok_or_else(|| damaged("it has no feature names".to_owned()))?;
    let features = serde_json::from_str(features).map_err(|e| damaged(e.to_string()))?;
    let diagnostics = serde_json::from_str(file.fact(KEY_DIAGNOSTICS).unwrap_or("[]")).map_err(|e| damaged(e.to_string()))?;
    Ok((features, diagnostics))
}

fn wide_schema(own: &TableSchema, features: &[String], diagnostics: &[ColumnDef]) -> TableSchema {
    let kept: Vec<&ColumnDef> = own
        .columns()
        .iter()
        .filter(|c| c.name != VALUES.name && c.name != DIAGNOSTICS.name)
        .collect();
    let (ids, rest) = kept.split_at(kept.len().min(crate::tables::IDS.len()));
    let features = features.iter().map(|name| ColumnDef::new(name.as_str(), Kind::Float, "", ""));
    let columns = ids
        .iter()
        .map(|&c| c.clone())
        .chain(diagnostics.iter().cloned())
        .chain(features)
        .chain(rest.iter().map(|&c| c.clone()));
    TableSchema::first_wins(own.name(), columns)
}

/// Fills a [`Packed`] row by row; the first mistake is told at the end.
#[derive(Debug)]
pub struct PackedBuilder {
    rows: TableBuilder,
    table: String,
    features: Vec<String>,
    diagnostics: Vec<ColumnDef>,
    place: HashMap<String, usize>,
    error: Option<TableError>,
}

impl PackedBuilder {
    /// A builder for rows of a schema (`tables::radiomics::schema("radiomics_ct")`), with all features and diagnostics that any row may
    /// have, in the order that the wide table gets.
    pub fn new(schema: &TableSchema, features: Vec<String>, diagnostics: Vec<ColumnDef>) -> Self {
        let place = features.iter().enumerate().map(|(i, name)| (name.clone(), i)).collect();
        let packed = schema.extended([DIAGNOSTICS.clone(), VALUES.clone()]);
        Self {
            rows: TableBuilder::new(&packed),
            table: schema.name().to_owned(),
            features,
            diagnostics,
            place,
            error: None,
        }
    }

    /// Adds a row: its own columns by `fill`, then diagnostics and features by name. Features that are not given are missing; a row without
    /// any (skipped, failed) has no list at all.
    pub fn row<'f>(
        &mut self,
        fill: impl FnOnce(&mut RowMut<'_>),
        diagnostics: impl IntoIterator<Item = (&'f str, Value<'f>)>,
        features: impl IntoIterator<Item = (&'f str, f64)>,
    ) {
        let mut values = Vec::new();
        for (name, x) in features {
            match self.place.get(name) {
                Some(&i) => {
                    values.resize(self.features.len(), f64::NAN);
                    values[i] = x;
                }
                None => self.refuse(name),
            }
        }
        let mut found = serde_json::Map::new();
        for (name, value) in diagnostics {
            if self.diagnostics.iter().any(|c| c.name == name) {
                found.insert(name.to_owned(), json(value));
            } else {
                self.refuse(name);
            }
        }
        let text = (!found.is_empty()).then(|| Json::Object(found).to_string());
        let mut row = self.rows.row();
        fill(&mut row);
        row.set(&DIAGNOSTICS, text.as_deref())
            .set(&VALUES, (!values.is_empty()).then_some(values.as_slice()));
    }

    fn refuse(&mut self, column: &str) {
        if self.error.is_none() {
            self.error = Some(TableError::UnknownColumn {
                table: self.table.clone(),
                column: column.to_owned(),
            });
        }
    }

    /// The rows.
    ///
    /// # Errors
    /// The first [`TableError`]: a column, feature or diagnostic that was not announced, or a value of another kind.
    pub fn finish(self) -> Result<Packed, TableError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        Ok(Packed {
            table: self.rows.finish()?,
            features: self.features,
            diagnostics: self.diagnostics,
        })
    }
}

fn json(value: Value<'_>) -> Json {
    match value {
        Value::Missing => Json::Null,
        Value::Text(text) => text.into(),
        Value::Int(n) => n.into(),
        Value::Float(x) => x.into(),
        Value::Bool(b) => b.into(),
        Value::Floats(list) => list.iter().map(|&x| Json::from(x)).collect(),
        Value::Singles(list) => list.iter().map(|&x| Json::from(x)).collect(),
    }
}
