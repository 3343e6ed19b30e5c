//! Errors of tables in memory, of reading and of writing.

use std::path::PathBuf;

use crate::schema::TableSchema;
use crate::value::Value;

/// What is wrong with a table in memory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// A column name stands twice in a schema.
    #[error("table {table}: column `{column}` stands twice")]
    DuplicateColumn {
        /// Table.
        table: String,
        /// Column.
        column: String,
    },
    /// A cell was set in a column that the table does not have.
    #[error("table {table} has no column `{column}`")]
    UnknownColumn {
        /// Table.
        table: String,
        /// Column.
        column: String,
    },
    /// A cell was set to a value of another kind.
    #[error("table {table}, column `{column}` holds {expected}, not {found}")]
    WrongKind {
        /// Table.
        table: String,
        /// Column.
        column: String,
        /// Kind of the column.
        expected: &'static str,
        /// Kind of the value.
        found: &'static str,
    },
    /// Two tables disagree about the kind of a column.
    #[error("table {table}, column `{column}`: {expected} in one place, {found} in another; write both with one version of the program")]
    KindClash {
        /// Table.
        table: String,
        /// Column.
        column: String,
        /// Kind wanted.
        expected: &'static str,
        /// Kind found.
        found: &'static str,
    },
}

impl TableError {
    /// Stable code of the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::DuplicateColumn { .. } => "table.duplicate_column",
            Self::UnknownColumn { .. } => "table.unknown_column",
            Self::WrongKind { .. } => "table.wrong_kind",
            Self::KindClash { .. } => "table.kind_clash",
        }
    }

    pub(crate) fn unknown(schema: &TableSchema, column: &str) -> Self {
        Self::UnknownColumn {
            table: schema.name().to_owned(),
            column: column.to_owned(),
        }
    }

    pub(crate) fn wrong_kind(schema: &TableSchema, column: usize, value: Value<'_>) -> Self {
        let def = &schema.columns()[column];
        Self::WrongKind {
            table: schema.name().to_owned(),
            column: def.name.to_string(),
            expected: def.kind.name(),
            found: value.kind_name(),
        }
    }
}

/// Why a table file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// File.
        path: PathBuf,
        /// Reason.
        source: std::io::Error,
    },
    /// The bytes are no table of this format.
    #[error("{} is damaged or of another format ({reason}); run the stage that writes it again", path.display())]
    Format {
        /// File.
        path: PathBuf,
        /// Reason.
        reason: String,
    },
    /// A newer program wrote it.
    #[error("{} has table version {found}, this program reads up to {known}; use the version that wrote it", path.display())]
    Version {
        /// File.
        path: PathBuf,
        /// Version in the file.
        found: u32,
        /// Newest version that this program knows.
        known: u32,
    },
    /// A column of a type that tables do not have.
    #[error("{}: column `{column}` has the type {kind}, which tables do not have", path.display())]
    ColumnType {
        /// File.
        path: PathBuf,
        /// Column.
        column: String,
        /// Type in the file.
        kind: String,
    },
    /// A column that must be there is missing, or is of another kind.
    #[error("{}: {source}", path.display())]
    Table {
        /// File.
        path: PathBuf,
        /// Reason.
        source: TableError,
    },
}

impl ReadError {
    /// Stable code of the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "table.unreadable",
            Self::Format { .. } => "table.damaged",
            Self::Version { .. } => "table.newer_version",
            Self::ColumnType { .. } => "table.column_type",
            Self::Table { source, .. } => source.code(),
        }
    }
}

/// Why a table could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The output refused the bytes.
    #[error("cannot write table {table}: {source}")]
    Io {
        /// Table.
        table: String,
        /// Reason.
        source: std::io::Error,
    },
    /// The encoder refused the table.
    #[error("cannot encode table {table} as {format}: {reason}")]
    Encode {
        /// Table.
        table: String,
        /// `Parquet`, `XLSX` or `CSV`.
        format: &'static str,
        /// Reason.
        reason: String,
    },
    /// The rows do not fit the columns of the file.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl WriteError {
    /// Stable code of the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "table.write_failed",
            Self::Encode { .. } => "table.encode_failed",
            Self::Table(source) => source.code(),
        }
    }
}

impl From<WriteError> for std::io::Error {
    /// For closures that write a file: the kind of the reason is kept, so that a full disk is still seen as one.
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Io { source, .. } => source,
            other => Self::other(other),
        }
    }
}
