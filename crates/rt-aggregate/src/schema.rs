//! The columns of a cohort table: the union of what its courses have.

use std::collections::HashMap;

use rt_records::{ColumnDef, Kind, TableSchema};

/// Two courses disagree about a column. The union stays as it was before the one that came later.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// Another kind of values.
    #[error(
        "{source_name}: column `{column}` holds {found}, but {expected} elsewhere; run the stage again for this course with one version of the program"
    )]
    KindClash {
        /// Who came later.
        source_name: String,
        /// Column.
        column: String,
        /// Kind so far.
        expected: &'static str,
        /// Kind found.
        found: &'static str,
    },
    /// Another unit: numbers of two units never stand under one name.
    #[error(
        "{source_name}: column `{column}` is in {found:?}, but in {expected:?} elsewhere; run the stage again for this course with one version of the program"
    )]
    UnitClash {
        /// Who came later.
        source_name: String,
        /// Column.
        column: String,
        /// Unit so far.
        expected: String,
        /// Unit found.
        found: String,
    },
}

impl SchemaError {
    /// Stable code of the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::KindClash { .. } => "table.kind_clash",
            Self::UnitClash { .. } => "table.unit_clash",
        }
    }
}

/// Grows a schema course by course.
///
/// Order rule: columns keep the order of the first part that has them; a new column of a later part goes right after the column that
/// precedes it there. So a feature that only the second course has stands among the features, not behind the status.
///
/// ```
/// use rt_aggregate::schema::SchemaUnion;
/// use rt_records::{ColumnDef, Kind, TableSchema};
/// let part = |names: &[&'static str]| TableSchema::new("t", names.iter().map(|&n| ColumnDef::fixed(n, Kind::Float, "", "")));
/// let mut union = SchemaUnion::new("t");
/// union.add("P1/C1", &part(&["id", "mean", "status"])?)?;
/// union.add("P2/C1", &part(&["id", "mean", "median", "status"])?)?;
/// let names: Vec<_> = union.schema().columns().iter().map(|c| c.name.to_string()).collect();
/// assert_eq!(names, ["id", "mean", "median", "status"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SchemaUnion {
    name: String,
    columns: Vec<ColumnDef>,
    place: HashMap<String, usize>,
}

impl SchemaUnion {
    /// No columns yet.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            columns: Vec::new(),
            place: HashMap::new(),
        }
    }

    /// Adds the columns of one part; `source` names it in errors. Whole numbers and floats meet as floats; a meaning or unit that is
    /// missing in one part is taken from the other.
    ///
    /// # Errors
    /// [`SchemaError`]; nothing of the part is then taken.
    pub fn add(&mut self, source: &str, part: &TableSchema) -> Result<(), SchemaError> {
        for column in part.columns() {
            if let Some(&at) = self.place.get(column.name.as_ref()) {
                meet(&self.columns[at], column, source)?;
            }
        }
        let mut next = 0;
        let mut grown = false;
        for column in part.columns() {
            if let Some(&at) = self.place.get(column.name.as_ref()).filter(|_| !grown) {
                self.settle(at, column);
                next = at + 1;
            } else if let Some(at) = self.columns.iter().position(|c| c.name == column.name) {
                self.settle(at, column);
                next = at + 1;
            } else {
                self.columns.insert(next, column.clone());
                next += 1;
                grown = true;
            }
        }
        if grown {
            self.place = self.columns.iter().enumerate().map(|(i, c)| (c.name.to_string(), i)).collect();
        }
        Ok(())
    }

    fn settle(&mut self, at: usize, other: &ColumnDef) {
        let mine = &mut self.columns[at];
        if mine.kind == Kind::Int && other.kind == Kind::Float {
            mine.kind = Kind::Float;
        }
        if mine.unit.is_empty() {
            mine.unit.clone_from(&other.unit);
        }
        if mine.doc.is_empty() {
            mine.doc.clone_from(&other.doc);
        }
    }

    /// The union so far.
    pub fn schema(&self) -> TableSchema {
        TableSchema::first_wins(&self.name, self.columns.iter().cloned())
    }
}

/// Whether two definitions of a column agree.
fn meet(mine: &ColumnDef, other: &ColumnDef, source: &str) -> Result<(), SchemaError> {
    let numbers = |a: Kind, b: Kind| matches!((a, b), (Kind::Int, Kind::Float) | (Kind::Float, Kind::Int));
    if mine.kind != other.kind && !numbers(mine.kind, other.kind) {
        return Err(SchemaError::KindClash {
            source_name: source.to_owned(),
            column: mine.name.to_string(),
            expected: mine.kind.name(),
            found: other.kind.name(),
        });
    }
    if mine.unit != other.unit && !mine.unit.is_empty() && !other.unit.is_empty() {
        return Err(SchemaError::UnitClash {
            source_name: source.to_owned(),
            column: mine.name.to_string(),
            expected: mine.unit.to_string(),
            found: other.unit.to_string(),
        });
    }
    Ok(())
}

/// The union of named parts, in their order.
///
/// # Errors
/// The first [`SchemaError`].
pub fn union_schema<'a>(name: &str, parts: impl IntoIterator<Item = (&'a str, &'a TableSchema)>) -> Result<TableSchema, SchemaError> {
    let mut union = SchemaUnion::new(name);
    for (source, part) in parts {
        union.add(source, part)?;
    }
    Ok(union.schema())
}
