//! From the tables of courses to the tables and the report of a cohort.
//!
//! Knows: how schemas meet ([`schema`]), how parts become one table in several formats with bounded memory ([`merge`]), what a cohort
//! looks like ([`summary`]), the page that shows it ([`report`]). Must not know: folders, stamps, configuration files. Sources:
//! `spec/analysis.md` 4.4, `spec/user-experience.md` 3 and 4, `spec/reliability.md` 4.
//!
//! ```
//! use rt_aggregate::{merge, union_schema};
//! use rt_records::csv::{CsvEncoding, CsvWriter};
//! use rt_records::{ColumnDef, Kind, TableBuilder, TableSchema};
//!
//! let course = |id: &str, metric: &'static str, value: f64| {
//!     let schema = TableSchema::new("dvh", [ColumnDef::fixed("patient_id", Kind::Text, "", ""), ColumnDef::fixed(metric, Kind::Float, "Gy", "")])?;
//!     let mut b = TableBuilder::new(&schema);
//!     b.row().set_named("patient_id", id).set_named(metric, value);
//!     b.finish()
//! };
//! let parts = [course("00123", "DmeanGy", 60.0)?, course("00124", "DmaxGy", 63.5)?];
//! let schema = union_schema("dvh", parts.iter().map(|p| ("course", p.schema())))?;
//! let mut csv = CsvWriter::new(Vec::new(), &schema, CsvEncoding::Plain)?;
//! let report = merge(parts.into_iter().map(Ok), &schema, &mut csv)?;
//! assert_eq!(report.rows(), 2);
//! assert_eq!(String::from_utf8(csv.finish()?)?, "patient_id,DmaxGy,DmeanGy\n00123,,60.0\n00124,63.5,\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod config;
pub mod dictionary;
pub mod merge;
pub mod preferred;
pub mod report;
pub mod schema;
pub mod summary;

pub use config::{AggregationConfig, TableFormat};
pub use dictionary::columns_md;
pub use merge::{Fan, Keep, MergeError, MergeReport, PartOutcome, PartProblem, TableSink, merge};
pub use preferred::{RoiColumns, roi_key};
pub use report::{ReportInput, render};
pub use schema::{SchemaError, SchemaUnion, union_schema};
