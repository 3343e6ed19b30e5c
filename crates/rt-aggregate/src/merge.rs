//! A stream of course tables becomes one cohort table in as many formats as asked, with memory bounded by one row group.

use std::io::Write;

use rayon::prelude::*;
use rt_records::csv::CsvWriter;
use rt_records::parquet::{GROUP_CELLS, ParquetWriter, group_rows};
use rt_records::xlsx::XlsxWriter;
use rt_records::{ReadError, Table, TableError, TableSchema, WriteError};

/// Where merged rows go. Rows come in order, a row group at a time, always under the schema of the merge.
pub trait TableSink: Send {
    /// Takes the next rows.
    ///
    /// # Errors
    /// [`WriteError`] when they cannot be kept; the merge then ends.
    fn write(&mut self, rows: &Table) -> Result<(), WriteError>;
}

impl<W: Write + Send> TableSink for ParquetWriter<W> {
    fn write(&mut self, rows: &Table) -> Result<(), WriteError> {
        Self::write(self, rows)
    }
}

impl<W: Write + Send> TableSink for CsvWriter<W> {
    fn write(&mut self, rows: &Table) -> Result<(), WriteError> {
        Self::write(self, rows)
    }
}

impl TableSink for XlsxWriter {
    fn write(&mut self, rows: &Table) -> Result<(), WriteError> {
        Self::write(self, rows)
    }
}

/// Keeps some columns of all rows in memory, for the report.
#[derive(Debug)]
pub struct Keep {
    table: Table,
}

impl Keep {
    /// Keeps those of the named columns that the rows have.
    pub fn new(schema: &TableSchema, columns: &[&str]) -> Self {
        let kept = schema.columns().iter().filter(|c| columns.contains(&c.name.as_ref())).cloned();
        Self {
            table: Table::empty(&TableSchema::first_wins(schema.name(), kept)),
        }
    }

    /// What was kept.
    pub fn into_table(self) -> Table {
        self.table
    }
}

impl TableSink for Keep {
    fn write(&mut self, rows: &Table) -> Result<(), WriteError> {
        let kept = rows.project(self.table.schema());
        Ok(self.table.append(kept)?)
    }
}

/// Hands the same rows to several sinks at once, each on a thread of the pool.
pub struct Fan<'s> {
    sinks: Vec<&'s mut dyn TableSink>,
}

impl<'s> Fan<'s> {
    /// Sinks that all get every row.
    pub fn new(sinks: Vec<&'s mut dyn TableSink>) -> Self {
        Self { sinks }
    }
}

impl TableSink for Fan<'_> {
    fn write(&mut self, rows: &Table) -> Result<(), WriteError> {
        let results: Vec<_> = self.sinks.par_iter_mut().map(|sink| sink.write(rows)).collect();
        results.into_iter().collect()
    }
}

/// Why the merge ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// A sink refused rows.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl MergeError {
    /// Stable code of the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Write(source) => source.code(),
        }
    }
}

/// What became of one part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartOutcome {
    /// Rows taken.
    pub rows: usize,
    /// Why none were taken.
    pub problem: Option<PartProblem>,
}

/// Why a part is not in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartProblem {
    /// Stable code.
    pub code: &'static str,
    /// In words, with the file's name.
    pub reason: String,
}

impl From<&ReadError> for PartProblem {
    fn from(error: &ReadError) -> Self {
        Self {
            code: error.code(),
            reason: error.to_string(),
        }
    }
}

impl From<&TableError> for PartProblem {
    fn from(error: &TableError) -> Self {
        Self {
            code: error.code(),
            reason: error.to_string(),
        }
    }
}

/// What became of all parts, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MergeReport {
    /// One outcome a part.
    pub parts: Vec<PartOutcome>,
}

impl MergeReport {
    /// Rows of the merged table.
    pub fn rows(&self) -> usize {
        self.parts.iter().map(|p| p.rows).sum()
    }
}

/// Merges parts in their order. A part that cannot be read, or has a column of another kind, is left out and told in the report; the
/// others go on. Sinks get full row groups, so what they write does not depend on how the parts were read.
///
/// # Errors
/// [`MergeError`] when a sink fails.
pub fn merge(
    parts: impl Iterator<Item = Result<Table, ReadError>>,
    schema: &TableSchema,
    sink: &mut dyn TableSink,
) -> Result<MergeReport, MergeError> {
    let mut report = MergeReport::default();
    let mut waiting = Table::empty(schema);
    for part in parts {
        let outcome = match part.map(|t| t.conform(schema)) {
            Err(error) => left_out((&error).into()),
            Ok(Err(error)) => left_out((&error).into()),
            Ok(Ok(rows)) => {
                let outcome = PartOutcome {
                    rows: rows.rows(),
                    problem: None,
                };
                match waiting.append(rows) {
                    Ok(()) => outcome,
                    Err(error) => left_out((&error).into()),
                }
            }
        };
        report.parts.push(outcome);
        drain(&mut waiting, sink)?;
    }
    if !waiting.is_empty() {
        sink.write(&waiting)?;
    }
    Ok(report)
}

fn left_out(problem: PartProblem) -> PartOutcome {
    PartOutcome {
        rows: 0,
        problem: Some(problem),
    }
}

/// Writes what fills a row group.
fn drain(waiting: &mut Table, sink: &mut dyn TableSink) -> Result<(), MergeError> {
    let full = group_rows(waiting.schema());
    while waiting.rows() >= full {
        let rest = waiting.split_off(full);
        sink.write(waiting)?;
        *waiting = rest;
    }
    if waiting.weight() >= GROUP_CELLS {
        sink.write(waiting)?;
        *waiting = Table::empty(waiting.schema());
    }
    Ok(())
}
