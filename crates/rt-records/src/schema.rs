//! What a column means: its name, kind, unit and the sentence that explains it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::TableError;

/// What the cells of a column hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Text, UTF-8. Identifiers are always text.
    Text,
    /// Whole number, 64 bits.
    Int,
    /// Number in double precision.
    Float,
    /// Truth value.
    Bool,
    /// List of numbers in double precision. Parquet only; JSON text in CSV and XLSX.
    Floats,
    /// List of numbers in single precision. Parquet only; JSON text in CSV and XLSX.
    Singles,
}

impl Kind {
    /// The word for it in `columns.md`, in messages and in Parquet metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Floats => "floats",
            Self::Singles => "singles",
        }
    }
}

/// The one definition of a column: Parquet metadata, XLSX notes and `columns.md` come from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnDef {
    /// Name as it stands in every file.
    pub name: Cow<'static, str>,
    /// What the cells hold.
    pub kind: Kind,
    /// Unit (`Gy`, `cm3`, `%`, `s`), empty for none.
    pub unit: Cow<'static, str>,
    /// One sentence: meaning, formula or allowed values.
    pub doc: Cow<'static, str>,
}

impl ColumnDef {
    /// A column of the contract, known when the program is built.
    pub const fn fixed(name: &'static str, kind: Kind, unit: &'static str, doc: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(name),
            kind,
            unit: Cow::Borrowed(unit),
            doc: Cow::Borrowed(doc),
        }
    }

    /// A column that is known only at run time: a feature, a metric the user asked for, a column of a foreign file.
    pub fn new(name: impl Into<String>, kind: Kind, unit: impl Into<String>, doc: impl Into<String>) -> Self {
        Self {
            name: Cow::Owned(name.into()),
            kind,
            unit: Cow::Owned(unit.into()),
            doc: Cow::Owned(doc.into()),
        }
    }
}

/// Name and columns of a table, in order; cheap to clone.
#[derive(Debug, Clone)]
pub struct TableSchema(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    columns: Vec<ColumnDef>,
    index: HashMap<String, usize>,
}

impl TableSchema {
    /// A table with these columns in this order.
    ///
    /// # Errors
    /// [`TableError::DuplicateColumn`] when a name stands twice.
    pub fn new(name: &str, columns: impl IntoIterator<Item = ColumnDef>) -> Result<Self, TableError> {
        let mut kept = Vec::new();
        let mut index = HashMap::new();
        for column in columns {
            if index.insert(column.name.to_string(), kept.len()).is_some() {
                return Err(TableError::DuplicateColumn {
                    table: name.to_owned(),
                    column: column.name.into_owned(),
                });
            }
            kept.push(column);
        }
        Ok(Self(Arc::new(Inner {
            name: name.to_owned(),
            columns: kept,
            index,
        })))
    }

    /// A table with these columns; a name that comes again keeps its first place and definition.
    pub fn first_wins(name: &str, columns: impl IntoIterator<Item = ColumnDef>) -> Self {
        let mut kept: Vec<ColumnDef> = Vec::new();
        let mut index = HashMap::new();
        for column in columns {
            if !index.contains_key(column.name.as_ref()) {
                index.insert(column.name.to_string(), kept.len());
                kept.push(column);
            }
        }
        Self(Arc::new(Inner {
            name: name.to_owned(),
            columns: kept,
            index,
        }))
    }

    /// The same columns and, after them, those of `more` that are not there yet.
    #[must_use]
    pub fn extended(&self, more: impl IntoIterator<Item = ColumnDef>) -> Self {
        Self::first_wins(self.name(), self.columns().iter().cloned().chain(more))
    }

    /// The same columns under another table name.
    #[must_use]
    pub fn renamed(&self, name: &str) -> Self {
        Self::first_wins(name, self.columns().iter().cloned())
    }

    /// Name of the table: `dvh_metrics`.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Columns in order.
    pub fn columns(&self) -> &[ColumnDef] {
        &self.0.columns
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.0.columns.len()
    }

    /// Whether it has no columns.
    pub fn is_empty(&self) -> bool {
        self.0.columns.is_empty()
    }

    /// Place of a column.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.0.index.get(name).copied()
    }

    /// Definition of a column.
    pub fn column(&self, name: &str) -> Option<&ColumnDef> {
        self.index_of(name).map(|i| &self.0.columns[i])
    }
}

impl PartialEq for TableSchema {
    /// Same name, same columns in the same order.
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.columns() == other.columns()
    }
}
