//! Tables as Apache Parquet: zstd, column meanings in the key-value metadata, the same bytes for the same table.
//!
//! The Arrow schema is not embedded (its metadata has no stable order); names, kinds, units and sentences of the columns stand as JSON
//! under `rtpipeline.columns`, which any reader of Parquet shows. Numbers carry no statistics and no dictionary: tables are small and
//! wide, and most of the cost of a wide file is per column (`peers/io.md` section 3).

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::arrow;
use crate::error::{ReadError, WriteError};
use crate::schema::{ColumnDef, Kind, TableSchema};
use crate::table::Table;

/// Version of the meaning of all tables; raised when a column changes its meaning. Readers refuse newer files.
pub const SCHEMA_VERSION: u32 = 1;

const KEY_TABLE: &str = "rtpipeline.table";
const KEY_VERSION: &str = "rtpipeline.schema_version";
const KEY_CODE: &str = "rtpipeline.code_version";
const KEY_COLUMNS: &str = "rtpipeline.columns";

/// Cells that a row group holds, elements of lists counted; bounds the memory of a merge to about 40 MB.
pub const GROUP_CELLS: usize = 4_000_000;

/// What a file says about itself beside its columns.
#[derive(Debug, Clone, Default)]
pub struct FileInfo {
    /// Version of the program that writes.
    pub code_version: String,
    /// More facts, key and value, in the order given; keys of ours begin with `rtpipeline.`.
    pub more: Vec<(String, String)>,
}

impl FileInfo {
    /// A file written by this version of the program.
    pub fn new(code_version: &str) -> Self {
        Self {
            code_version: code_version.to_owned(),
            more: Vec::new(),
        }
    }

    /// The same with one more fact.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.more.push((key.to_owned(), value.into()));
        self
    }
}

/// Writes rows in row groups of bounded size as they come.
pub struct ParquetWriter<W: Write + Send> {
    inner: ArrowWriter<W>,
    schema: TableSchema,
    arrow: arrow_schema::SchemaRef,
    /// Cells since the last row group ended.
    pending: usize,
}

impl<W: Write + Send> ParquetWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// [`WriteError::Encode`] when the output fails at once.
    pub fn new(output: W, schema: &TableSchema, info: &FileInfo) -> Result<Self, WriteError> {
        let arrow = arrow::to_arrow(schema);
        let options = ArrowWriterOptions::new()
            .with_skip_arrow_metadata(true)
            .with_properties(properties(schema, info)?);
        let inner = ArrowWriter::try_new_with_options(output, arrow.clone(), options).map_err(|e| encode(schema, &e))?;
        Ok(Self {
            inner,
            schema: schema.clone(),
            arrow,
            pending: 0,
        })
    }

    /// Adds rows; they must have the schema of the file.
    ///
    /// # Errors
    /// [`WriteError::Table`] when a column is of another kind, [`WriteError::Encode`] when the output fails.
    pub fn write(&mut self, rows: &Table) -> Result<(), WriteError> {
        let conformed;
        let rows = if *rows.schema() == self.schema {
            rows
        } else {
            conformed = rows.clone().conform(&self.schema)?;
            &conformed
        };
        if rows.is_empty() {
            return Ok(());
        }
        let batch = arrow::to_batch(rows, &self.arrow).map_err(|reason| WriteError::Encode {
            table: self.schema.name().to_owned(),
            format: "Parquet",
            reason,
        })?;
        self.inner.write(&batch).map_err(|e| encode(&self.schema, &e))?;
        self.pending += rows.weight();
        if self.pending >= GROUP_CELLS {
            self.pending = 0;
            self.inner.flush().map_err(|e| encode(&self.schema, &e))?;
        }
        Ok(())
    }

    /// Ends the file and gives the output back; bytes are complete, flushing and syncing is the caller's.
    ///
    /// # Errors
    /// [`WriteError::Encode`] when the output fails.
    pub fn finish(self) -> Result<W, WriteError> {
        let Self { inner, schema, .. } = self;
        inner.into_inner().map_err(|e| encode(&schema, &e))
    }
}

/// Keeps the system's reason (a full disk) when there is one.
fn encode(schema: &TableSchema, error: &(dyn std::error::Error + 'static)) -> WriteError {
    let table = schema.name().to_owned();
    let mut cause = Some(error);
    while let Some(e) = cause {
        if let Some(io) = e.downcast_ref::<std::io::Error>() {
            let source = std::io::Error::new(io.kind(), error.to_string());
            return WriteError::Io { table, source };
        }
        cause = e.source();
    }
    WriteError::Encode {
        table,
        format: "Parquet",
        reason: error.to_string(),
    }
}

/// Rows of a row group of this table.
pub fn group_rows(schema: &TableSchema) -> usize {
    (GROUP_CELLS / schema.len().max(1)).clamp(1024, 1 << 20)
}

fn properties(schema: &TableSchema, info: &FileInfo) -> Result<WriterProperties, WriteError> {
    let columns = serde_json::to_string(schema.columns()).map_err(|e| encode(schema, &e))?;
    let version = SCHEMA_VERSION.to_string();
    let mut facts: Vec<KeyValue> = [
        (KEY_TABLE, schema.name()),
        (KEY_VERSION, version.as_str()),
        (KEY_CODE, info.code_version.as_str()),
        (KEY_COLUMNS, columns.as_str()),
    ]
    .into_iter()
    .map(|(k, v)| KeyValue::new(k.to_owned(), v.to_owned()))
    .collect();
    facts.extend(info.more.iter().map(|(k, v)| KeyValue::new(k.clone(), v.clone())));
    let level = ZstdLevel::try_new(3).map_err(|e| encode(schema, &e))?;
    let mut p = WriterProperties::builder()
        .set_created_by(format!("rtpipeline {}", info.code_version))
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_dictionary_enabled(false)
        .set_max_row_group_row_count(Some(group_rows(schema)))
        .set_key_value_metadata(Some(facts));
    for column in schema.columns() {
        if column.kind == Kind::Text {
            p = p.set_column_dictionary_enabled(ColumnPath::new(vec![column.name.to_string()]), true);
        }
    }
    Ok(p.build())
}

/// Writes one table as a whole file.
///
/// # Errors
/// As [`ParquetWriter::write`].
pub fn write<W: Write + Send>(output: W, table: &Table, info: &FileInfo) -> Result<W, WriteError> {
    let mut writer = ParquetWriter::new(output, table.schema(), info)?;
    writer.write(table)?;
    writer.finish()
}

/// An open file: what it says about itself, and its rows in batches.
pub struct ParquetFile {
    path: PathBuf,
    builder: ParquetRecordBatchReaderBuilder<File>,
    schema: TableSchema,
}

impl ParquetFile {
    /// Opens a file of ours, or a foreign one with plain columns; reads its footer only.
    ///
    /// # Errors
    /// [`ReadError`] when it cannot be read, is damaged, is newer than this program, or has columns of other types.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(|source| ReadError::Io {
            path: path.to_owned(),
            source,
        })?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| damaged(path, &e))?;
        let schema = read_schema(path, &builder)?;
        Ok(Self {
            path: path.to_owned(),
            builder,
            schema,
        })
    }

    /// What the columns mean, as the writer said; for foreign files names and kinds only.
    pub fn schema(&self) -> &TableSchema {
        &self.schema
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        usize::try_from(self.builder.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// A fact of the key-value metadata.
    pub fn fact(&self, key: &str) -> Option<&str> {
        fact(&self.builder, key)
    }

    /// Version of the program that wrote it.
    pub fn code_version(&self) -> Option<&str> {
        self.fact(KEY_CODE)
    }

    /// The rows, at most `batch_rows` at a time; with `columns`, those alone, in the order of the file.
    ///
    /// # Errors
    /// [`ReadError::Format`] when the file is damaged.
    pub fn batches(self, batch_rows: usize, columns: Option<&[&str]>) -> Result<Batches, ReadError> {
        let Self { path, builder, schema } = self;
        let wanted: Vec<usize> = (0..schema.len())
            .filter(|&i| columns.is_none_or(|names| names.contains(&schema.columns()[i].name.as_ref())))
            .collect();
        let schema = TableSchema::first_wins(schema.name(), wanted.iter().map(|&i| schema.columns()[i].clone()));
        let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
        let inner = builder
            .with_projection(mask)
            .with_batch_size(batch_rows.max(1))
            .build()
            .map_err(|e| damaged(&path, &e))?;
        Ok(Batches { path, schema, inner })
    }

    /// The whole table, or some of its columns.
    ///
    /// # Errors
    /// As [`ParquetFile::batches`].
    pub fn table(self, columns: Option<&[&str]>) -> Result<Table, ReadError> {
        let path = self.path.clone();
        let batches = self.batches(usize::MAX >> 1, columns)?;
        let mut whole = Table::empty(&batches.schema);
        for batch in batches {
            whole.append(batch?).map_err(|source| ReadError::Table {
                path: path.clone(),
                source,
            })?;
        }
        Ok(whole)
    }
}

/// Rows of a file, some at a time.
pub struct Batches {
    path: PathBuf,
    schema: TableSchema,
    inner: ParquetRecordBatchReader,
}

impl Batches {
    /// The columns that are read.
    pub fn schema(&self) -> &TableSchema {
        &self.schema
    }
}

impl Iterator for Batches {
    type Item = Result<Table, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.inner.next()?;
        Some(
            batch
                .map_err(|e| damaged(&self.path, &e))
                .and_then(|b| arrow::from_batch(&b, &self.schema, &self.path)),
        )
    }
}

/// Reads a whole file.
///
/// # Errors
/// As [`ParquetFile::open`] and [`ParquetFile::batches`].
pub fn read(path: &Path) -> Result<Table, ReadError> {
    ParquetFile::open(path)?.table(None)
}

fn damaged(path: &Path, error: &impl std::fmt::Display) -> ReadError {
    ReadError::Format {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

/// A fact of the key-value metadata; of several under one key the last one holds.
fn fact<'b>(builder: &'b ParquetRecordBatchReaderBuilder<File>, key: &str) -> Option<&'b str> {
    let list = builder.metadata().file_metadata().key_value_metadata()?;
    list.iter().rev().find(|kv| kv.key == key)?.value.as_deref()
}

fn read_schema(path: &Path, builder: &ParquetRecordBatchReaderBuilder<File>) -> Result<TableSchema, ReadError> {
    let fact = |key: &str| fact(builder, key);
    if let Some(found) = fact(KEY_VERSION) {
        let found: u32 = found.parse().map_err(|e| damaged(path, &e))?;
        if found > SCHEMA_VERSION {
            return Err(ReadError::Version {
                path: path.to_owned(),
                found,
                known: SCHEMA_VERSION,
            });
        }
    }
    let said: Vec<ColumnDef> = match fact(KEY_COLUMNS) {
        Some(text) => serde_json::from_str(text).map_err(|e| damaged(path, &e))?,
        None => Vec::new(),
    };
    let mut columns = Vec::new();
    for field in builder.schema().fields() {
        let kind = arrow::kind_of(field.data_type()).ok_or_else(|| ReadError::ColumnType {
            path: path.to_owned(),
            column: field.name().clone(),
            kind: field.data_type().to_string(),
        })?;
        let known = said.iter().find(|c| c.name == *field.name() && c.kind == kind);
        columns.push(known.cloned().unwrap_or_else(|| ColumnDef::new(field.name(), kind, "", "")));
    }
    let name = fact(KEY_TABLE).map_or_else(
        || path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default(),
        str::to_owned,
    );
    TableSchema::new(&name, columns).map_err(|source| ReadError::Table {
        path: path.to_owned(),
        source,
    })
}
