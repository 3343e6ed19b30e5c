//! A table in memory: columns of equal length under a schema.

use crate::column::Column;
use crate::error::TableError;
use crate::schema::{ColumnDef, Kind, TableSchema};
use crate::value::Value;

/// Columns of equal length; every column has the kind that the schema says.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    schema: TableSchema,
    columns: Vec<Column>,
    rows: usize,
}

impl Table {
    /// A table without rows.
    pub fn empty(schema: &TableSchema) -> Self {
        Self::missing(schema, 0)
    }

    /// A table whose cells are all missing.
    fn missing(schema: &TableSchema, rows: usize) -> Self {
        let columns = schema.columns().iter().map(|c| Column::missing(c.kind, rows)).collect();
        Self {
            schema: schema.clone(),
            columns,
            rows,
        }
    }

    /// Columns as read from a file, in the order of the schema.
    pub(crate) fn from_columns(schema: TableSchema, columns: Vec<Column>, rows: usize) -> Self {
        debug_assert_eq!(schema.len(), columns.len());
        Self { schema, columns, rows }
    }

    /// What the columns mean.
    pub fn schema(&self) -> &TableSchema {
        &self.schema
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Columns in the order of the schema.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// A column by name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.schema.index_of(name).map(|i| &self.columns[i])
    }

    /// A cell by row and place of the column; missing outside the table.
    pub fn value(&self, row: usize, column: usize) -> Value<'_> {
        self.columns.get(column).map_or(Value::Missing, |c| c.value(row))
    }

    /// One row, to be read by column definitions.
    pub fn row(&self, row: usize) -> Row<'_> {
        Row { table: self, row }
    }

    /// All rows in order.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.rows).map(|row| Row { table: self, row })
    }

    /// The same rows under another schema: columns in its order, absent ones missing, whole numbers widened to floats where it says so.
    /// Columns that the schema does not have are left out.
    ///
    /// # Errors
    /// [`TableError::KindClash`] when a column is of another kind; nothing is ever cast silently. A column without any value fits every kind.
    pub fn conform(mut self, schema: &TableSchema) -> Result<Self, TableError> {
        if self.schema == *schema {
            return Ok(self);
        }
        let mut columns = Vec::with_capacity(schema.len());
        for def in schema.columns() {
            let column = match self.schema.index_of(&def.name) {
                None => Column::missing(def.kind, self.rows),
                Some(i) => {
                    let found = std::mem::replace(&mut self.columns[i], Column::missing(Kind::Bool, 0));
                    self.fit(found, def)?
                }
            };
            columns.push(column);
        }
        Ok(Self {
            schema: schema.clone(),
            columns,
            rows: self.rows,
        })
    }

    fn fit(&self, column: Column, def: &ColumnDef) -> Result<Column, TableError> {
        if column.kind() == def.kind {
            return Ok(column);
        }
        let found = column.kind();
        if column.count_present() == 0 {
            return Ok(Column::missing(def.kind, self.rows));
        }
        let mut wide = Column::missing(def.kind, 0);
        if wide.append(column) {
            return Ok(wide);
        }
        Err(TableError::KindClash {
            table: self.schema.name().to_owned(),
            column: def.name.to_string(),
            expected: def.kind.name(),
            found: found.name(),
        })
    }

    /// The columns of `schema` that this table has, under their own definitions here; columns it does not have are left out.
    #[must_use]
    pub fn project(&self, schema: &TableSchema) -> Self {
        let wanted: Vec<usize> = schema.columns().iter().filter_map(|c| self.schema.index_of(&c.name)).collect();
        let definitions = wanted.iter().map(|&i| self.schema.columns()[i].clone());
        Self {
            schema: TableSchema::first_wins(schema.name(), definitions),
            columns: wanted.iter().map(|&i| self.columns[i].clone()).collect(),
            rows: self.rows,
        }
    }

    /// The same table with more columns at the end, all their cells missing.
    #[must_use]
    pub fn with_columns(mut self, more: impl IntoIterator<Item = ColumnDef>) -> Self {
        let schema = self.schema.extended(more);
        for def in &schema.columns()[self.columns.len()..] {
            self.columns.push(Column::missing(def.kind, self.rows));
        }
        self.schema = schema;
        self
    }

    /// Adds the rows of `other` at the end, after bringing them under this schema.
    ///
    /// # Errors
    /// As [`Table::conform`].
    pub fn append(&mut self, other: Self) -> Result<(), TableError> {
        let other = other.conform(&self.schema)?;
        self.rows += other.rows;
        for (mine, theirs) in self.columns.iter_mut().zip(other.columns) {
            mine.append(theirs);
        }
        Ok(())
    }

    /// Keeps the first `rows` rows and returns the rest.
    #[must_use]
    pub fn split_off(&mut self, rows: usize) -> Self {
        let rows = rows.min(self.rows);
        let columns = self.columns.iter_mut().map(|c| c.split_off(rows)).collect();
        let rest = Self {
            schema: self.schema.clone(),
            columns,
            rows: self.rows - rows,
        };
        self.rows = rows;
        rest
    }

    /// Size in cells, elements of lists counted: what a batch costs in memory.
    pub fn weight(&self) -> usize {
        self.columns.iter().map(Column::weight).sum()
    }

    /// Sets one cell, for instance a mark that needs the whole table.
    ///
    /// # Errors
    /// [`TableError::UnknownColumn`], also for a row that is not there, or [`TableError::WrongKind`].
    pub fn set<'v>(&mut self, row: usize, column: &ColumnDef, value: impl Into<Value<'v>>) -> Result<(), TableError> {
        let value = value.into();
        let Some(i) = self.schema.index_of(&column.name).filter(|_| row < self.rows) else {
            return Err(TableError::unknown(&self.schema, &column.name));
        };
        if self.columns[i].set(row, value) {
            Ok(())
        } else {
            Err(TableError::wrong_kind(&self.schema, i, value))
        }
    }

    /// Gives every row this value in one column: ids from the manifest.
    ///
    /// # Errors
    /// [`TableError::UnknownColumn`] or [`TableError::WrongKind`].
    pub fn fill<'v>(&mut self, column: &ColumnDef, value: impl Into<Value<'v>>) -> Result<(), TableError> {
        let value = value.into();
        (0..self.rows).try_for_each(|row| self.set(row, column, value))
    }
}

/// One row of a table.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    table: &'a Table,
    row: usize,
}

impl<'a> Row<'a> {
    /// Place of the row, from 0.
    pub fn number(self) -> usize {
        self.row
    }

    /// The cell of a column; missing when the table does not have it.
    pub fn get(self, column: &ColumnDef) -> Value<'a> {
        self.named(&column.name)
    }

    /// The cell of a column by name; missing when the table does not have it.
    pub fn named(self, column: &str) -> Value<'a> {
        self.table.column(column).map_or(Value::Missing, |c| c.value(self.row))
    }

    /// Text of a column.
    pub fn text(self, column: &ColumnDef) -> Option<&'a str> {
        self.get(column).as_text()
    }

    /// Number of a column, whole or not.
    pub fn float(self, column: &ColumnDef) -> Option<f64> {
        self.get(column).as_float()
    }

    /// Whole number of a column.
    pub fn int(self, column: &ColumnDef) -> Option<i64> {
        self.get(column).as_int()
    }

    /// Truth value of a column.
    pub fn flag(self, column: &ColumnDef) -> Option<bool> {
        self.get(column).as_bool()
    }
}

/// Fills a table row by row; the first mistake is kept and told at the end, so that rows read as plain lists of facts.
///
/// ```
/// use rt_records::{TableBuilder, tables::dvh};
/// let mut b = TableBuilder::new(&dvh::schema());
/// b.row().set(&dvh::PATIENT_ID, "00123").set(&dvh::ROI_NAME, "PTV").set(&dvh::D95_GY, 57.3).set(&dvh::HI, None::<f64>);
/// let table = b.finish()?;
/// assert_eq!(table.row(0).text(&dvh::PATIENT_ID), Some("00123"));
/// assert_eq!(table.row(0).float(&dvh::HI), None);
/// # Ok::<(), rt_records::TableError>(())
/// ```
#[derive(Debug)]
pub struct TableBuilder {
    table: Table,
    error: Option<TableError>,
}

impl TableBuilder {
    /// A builder without rows.
    pub fn new(schema: &TableSchema) -> Self {
        Self {
            table: Table::empty(schema),
            error: None,
        }
    }

    /// Begins a row; every cell is missing until it is set.
    pub fn row(&mut self) -> RowMut<'_> {
        for column in &mut self.table.columns {
            column.push_missing();
        }
        self.table.rows += 1;
        RowMut {
            row: self.table.rows - 1,
            builder: self,
        }
    }

    /// The table.
    ///
    /// # Errors
    /// The first [`TableError`] of any `set`: a column that the schema does not have, or a value of another kind.
    pub fn finish(self) -> Result<Table, TableError> {
        match self.error {
            None => Ok(self.table),
            Some(error) => Err(error),
        }
    }
}

/// One row being filled.
#[derive(Debug)]
pub struct RowMut<'b> {
    builder: &'b mut TableBuilder,
    row: usize,
}

impl RowMut<'_> {
    /// Sets a cell. An empty text and NaN are missing; a whole number widens in a column of floats.
    pub fn set<'v>(&mut self, column: &ColumnDef, value: impl Into<Value<'v>>) -> &mut Self {
        self.set_named(&column.name, value)
    }

    /// Sets a cell by the name of its column: for columns known only at run time.
    pub fn set_named<'v>(&mut self, column: &str, value: impl Into<Value<'v>>) -> &mut Self {
        let value = value.into();
        let table = &mut self.builder.table;
        let error = match table.schema.index_of(column) {
            None => Some(TableError::unknown(&table.schema, column)),
            Some(i) if table.columns[i].set(self.row, value) => None,
            Some(i) => Some(TableError::wrong_kind(&table.schema, i, value)),
        };
        if self.builder.error.is_none() {
            self.builder.error = error;
        }
        self
    }
}
