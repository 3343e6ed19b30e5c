//! Result tables: what their columns mean, and how they become Parquet, XLSX and CSV.
//!
//! Knows: the column contract of every table ([`tables`]), three file formats. Must not know: courses, folders, how a number was
//! computed. No Arrow, Parquet or spreadsheet type leaves this crate. Sources: `design/contract.md` "Tables", `spec/analysis.md` 1.11, 2.2,
//! 4.2, `spec/reliability.md` 4, `peers/io.md` 3 and 4.
//!
//! ```
//! use rt_records::{FileInfo, TableBuilder, parquet, tables::dvh};
//! let mut rows = TableBuilder::new(&dvh::schema());
//! rows.row().set(&dvh::PATIENT_ID, "00123").set(&dvh::COURSE_ID, "C1").set(&dvh::ROI_NAME, "PTV").set(&dvh::DMEAN_GY, 60.1);
//! let table = rows.finish()?;
//!
//! let file = tempfile::NamedTempFile::new()?;
//! parquet::write(file.as_file(), &table, &FileInfo::new("0.1.0"))?;
//! let again = parquet::read(file.path())?;
//! assert_eq!(again, table);
//! assert_eq!(again.row(0).text(&dvh::PATIENT_ID), Some("00123"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arrow;
pub mod column;
pub mod csv;
pub mod error;
pub mod packed;
pub mod parquet;
pub mod read_xlsx;
pub mod schema;
pub mod table;
pub mod tables;
pub mod value;
pub mod xlsx;

pub use column::Column;
pub use error::{ReadError, TableError, WriteError};
pub use packed::{Packed, PackedBuilder};
pub use parquet::{FileInfo, ParquetFile, ParquetWriter, SCHEMA_VERSION};
pub use schema::{ColumnDef, Kind, TableSchema};
pub use table::{Row, RowMut, Table, TableBuilder};
pub use value::Value;
