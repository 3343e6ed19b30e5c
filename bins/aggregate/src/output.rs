//! The files of one cohort table: every format gets the same rows, and all are published together or not at all.

use anyhow::Context;
use camino::Utf8PathBuf;
use rt_aggregate::{AggregationConfig, Fan, TableSink};
use rt_course::layout::TableFormat;
use rt_course::{AtomicFile, Cohort};
use rt_records::csv::{CsvEncoding, CsvWriter};
use rt_records::xlsx::{XlsxOptions, XlsxWriter};
use rt_records::{FileInfo, ParquetWriter, Table, TableSchema, WriteError};

/// Leading columns that identify a row: patient and course.
const IDS: u16 = 2;

/// The formats that are written.
#[derive(Debug, Clone)]
pub(crate) struct Formats {
    list: Vec<TableFormat>,
    csv: CsvEncoding,
}

impl Formats {
    pub(crate) fn of(config: &AggregationConfig) -> Self {
        let all = [
            (rt_aggregate::TableFormat::Parquet, TableFormat::Parquet),
            (rt_aggregate::TableFormat::Xlsx, TableFormat::Xlsx),
            (rt_aggregate::TableFormat::Csv, TableFormat::Csv),
        ];
        let wanted = all.into_iter().filter(|(theirs, _)| config.formats.contains(theirs));
        Self {
            list: wanted.map(|(_, ours)| ours).collect(),
            csv: if config.csv_excel { CsvEncoding::Excel } else { CsvEncoding::Plain },
        }
    }

    /// Parquet alone.
    pub(crate) fn parquet() -> Self {
        Self {
            list: vec![TableFormat::Parquet],
            csv: CsvEncoding::Plain,
        }
    }

    /// Only the views for people, for a table whose Parquet file another stage has written.
    pub(crate) fn only(&self, format: TableFormat) -> Self {
        let mut list = self.list.clone();
        list.retain(|f| *f == format);
        Self { list, csv: self.csv }
    }

    /// Files of a table.
    pub(crate) fn paths(&self, cohort: &Cohort, table: &str) -> Vec<Utf8PathBuf> {
        self.list.iter().map(|f| cohort.table(table, *f)).collect()
    }
}

/// A table being written.
pub(crate) struct Files {
    parquet: Option<ParquetWriter<AtomicFile>>,
    csv: Option<CsvWriter<AtomicFile>>,
    xlsx: Option<(XlsxWriter, AtomicFile)>,
    paths: Vec<Utf8PathBuf>,
}

impl Files {
    /// Begins the files of a table with these columns.
    pub(crate) fn create(cohort: &Cohort, schema: &TableSchema, formats: &Formats) -> Result<Self, anyhow::Error> {
        let info = FileInfo::new(&rt_cli::runner::program().version);
        let mut files = Self {
            parquet: None,
            csv: None,
            xlsx: None,
            paths: formats.paths(cohort, schema.name()),
        };
        for (format, path) in formats.list.iter().zip(&files.paths) {
            let file = AtomicFile::create(path)?;
            match format {
                TableFormat::Parquet => files.parquet = Some(ParquetWriter::new(file, schema, &info)?),
                TableFormat::Csv => files.csv = Some(CsvWriter::new(file, schema, formats.csv)?),
                TableFormat::Xlsx => files.xlsx = Some((XlsxWriter::new(schema, XlsxOptions::new(IDS, &info))?, file)),
            }
        }
        Ok(files)
    }

    /// Ends and publishes the files; returns their paths.
    pub(crate) fn publish(self) -> Result<Vec<Utf8PathBuf>, anyhow::Error> {
        let told = |path: &Utf8PathBuf| format!("cannot write {path}");
        let Self { parquet, csv, xlsx, paths } = self;
        let first = paths.first().cloned().unwrap_or_default();
        let finish_text = || -> Result<Vec<AtomicFile>, WriteError> {
            let parquet = parquet.map(ParquetWriter::finish).transpose()?;
            let csv = csv.map(CsvWriter::finish).transpose()?;
            Ok(parquet.into_iter().chain(csv).collect())
        };
        let finish_book = || -> Result<Option<AtomicFile>, WriteError> {
            let Some((book, mut file)) = xlsx else { return Ok(None) };
            book.finish(&mut file)?;
            Ok(Some(file))
        };
        let (text, book) = rayon::join(finish_text, finish_book);
        for file in text
            .with_context(|| told(&first))?
            .into_iter()
            .chain(book.with_context(|| told(&first))?)
        {
            file.commit()?;
        }
        Ok(paths)
    }
}

impl TableSink for Files {
    fn write(&mut self, rows: &Table) -> Result<(), WriteError> {
        let mut sinks: Vec<&mut dyn TableSink> = Vec::new();
        if let Some(parquet) = &mut self.parquet {
            sinks.push(parquet);
        }
        if let Some(csv) = &mut self.csv {
            sinks.push(csv);
        }
        if let Some((xlsx, _)) = &mut self.xlsx {
            sinks.push(xlsx);
        }
        Fan::new(sinks).write(rows)
    }
}
