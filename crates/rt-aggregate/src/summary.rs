//! What a cohort looks like in a few numbers: per structure counts and spreads, per column how much is there.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use rt_core::float::sum;
use rt_records::tables::{COURSE_ID, ERROR_CODE, PATIENT_ID, STATUS, dvh, status};
use rt_records::{Kind, Row, Table, WriteError};
use serde::Serialize;

use crate::merge::TableSink;

/// Spread of a set of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// How many.
    pub n: usize,
    /// Smallest.
    pub min: f64,
    /// 10th percentile.
    pub p10: f64,
    /// 25th percentile.
    pub p25: f64,
    /// Median.
    pub median: f64,
    /// 75th percentile.
    pub p75: f64,
    /// 90th percentile.
    pub p90: f64,
    /// Largest.
    pub max: f64,
    /// Arithmetic mean.
    pub mean: f64,
}

impl Spread {
    /// The spread of these numbers, percentiles with linear interpolation between order statistics (Hyndman and Fan 1996, type 7);
    /// `None` without any. Values that are not finite do not count.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().filter(|x| x.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        Some(Self {
            n: sorted.len(),
            min,
            p10: quantile(&sorted, 0.1),
            p25: quantile(&sorted, 0.25),
            median: quantile(&sorted, 0.5),
            p75: quantile(&sorted, 0.75),
            p90: quantile(&sorted, 0.9),
            max,
            mean: sum(sorted.iter().copied()) / sorted.len() as f64,
        })
    }
}

/// Quantile of sorted numbers, type 7. There must be one at least.
pub(crate) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let below = position.floor();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index below the length")]
    let i = below as usize;
    let next = sorted[(i + 1).min(sorted.len() - 1)];
    sorted[i] + (next - sorted[i]) * (position - below)
}

/// One structure over all courses.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StructureSummary {
    /// Its key (`roi_key`).
    pub key: String,
    /// The name it has most often; the first in alphabet of several.
    pub name: String,
    /// Its source.
    pub source: String,
    /// Courses that have it.
    pub courses: usize,
    /// Rows by status.
    pub statuses: BTreeMap<String, usize>,
    /// Spread of each metric asked for; `None` where no row has a value.
    pub metrics: Vec<Option<Spread>>,
}

/// Structures of `dvh_metrics` with at least `min_courses` courses, by name and source; rows of single plans (`dose` other than `course`)
/// do not count.
pub fn structures(table: &Table, metrics: &[&str], min_courses: usize) -> Vec<StructureSummary> {
    let mut groups: BTreeMap<(String, String), Group<'_>> = BTreeMap::new();
    for row in table.iter().filter(|row| is_course_row(*row)) {
        let name = row.text(&dvh::ROI_NAME).unwrap_or_default();
        let key = row.text(&dvh::ROI_KEY).map_or_else(|| crate::roi_key(name), str::to_owned);
        let source = row.text(&dvh::SEGMENTATION_SOURCE).unwrap_or_default().to_owned();
        groups
            .entry((key, source))
            .or_insert_with(|| Group::new(metrics.len()))
            .add(row, name, metrics);
    }
    let summaries = groups.into_iter().map(|((key, source), group)| group.finish(key, source));
    summaries.filter(|s| s.courses >= min_courses).collect()
}

/// Whether a row is of the dose that a course is evaluated with.
pub(crate) fn is_course_row(row: Row<'_>) -> bool {
    row.text(&dvh::DOSE).is_none_or(|dose| dose == "course")
}

struct Group<'a> {
    names: BTreeMap<&'a str, usize>,
    courses: BTreeSet<(&'a str, &'a str)>,
    statuses: BTreeMap<String, usize>,
    values: Vec<Vec<f64>>,
}

impl<'a> Group<'a> {
    fn new(metrics: usize) -> Self {
        Self {
            names: BTreeMap::new(),
            courses: BTreeSet::new(),
            statuses: BTreeMap::new(),
            values: vec![Vec::new(); metrics],
        }
    }

    fn add(&mut self, row: Row<'a>, name: &'a str, metrics: &[&str]) {
        *self.names.entry(name).or_default() += 1;
        let course = (row.text(&PATIENT_ID).unwrap_or_default(), row.text(&COURSE_ID).unwrap_or_default());
        self.courses.insert(course);
        let status = row.text(&STATUS).unwrap_or("ok").to_owned();
        *self.statuses.entry(status).or_default() += 1;
        for (values, metric) in self.values.iter_mut().zip(metrics) {
            values.extend(row.named(metric).as_float());
        }
    }

    fn finish(self, key: String, source: String) -> StructureSummary {
        let most = self.names.values().copied().max().unwrap_or(0);
        let name = self.names.iter().find(|(_, n)| **n == most).map_or("", |(name, _)| *name);
        StructureSummary {
            key,
            name: name.to_owned(),
            source,
            courses: self.courses.len(),
            statuses: self.statuses,
            metrics: self.values.into_iter().map(Spread::of).collect(),
        }
    }
}

/// How much of a column is there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnFill {
    /// Name.
    pub column: String,
    /// Rows with a value, of those that were computed.
    pub present: usize,
    /// Smallest and largest value.
    pub range: Option<(f64, f64)>,
}

impl ColumnFill {
    /// All values are one and the same number, in two rows at least.
    pub fn is_constant(&self) -> bool {
        self.present > 1 && self.range.is_some_and(|(min, max)| min.total_cmp(&max).is_eq())
    }
}

/// A table of features in numbers; a sink of a merge.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Overview {
    /// Rows.
    pub rows: usize,
    /// Rows that were computed: status `ok` or `partial`.
    pub computed: usize,
    /// Rows by status.
    pub statuses: BTreeMap<String, usize>,
    /// Rows by code and status.
    pub codes: BTreeMap<(String, String), usize>,
    /// The columns of numbers, in the order of the table.
    pub columns: Vec<ColumnFill>,
}

impl TableSink for Overview {
    fn write(&mut self, rows: &Table) -> Result<(), WriteError> {
        let numbers = || {
            rows.schema()
                .columns()
                .iter()
                .zip(rows.columns())
                .filter(|(def, _)| def.kind == Kind::Float)
        };
        if self.columns.is_empty() {
            let empty = |name: &str| ColumnFill {
                column: name.to_owned(),
                present: 0,
                range: None,
            };
            self.columns = numbers().map(|(def, _)| empty(&def.name)).collect();
        }
        let mut computed = Vec::new();
        for row in rows.iter() {
            let status = row.text(&STATUS).unwrap_or(status::OK);
            *self.statuses.entry(status.to_owned()).or_default() += 1;
            if let Some(code) = row.text(&ERROR_CODE) {
                *self.codes.entry((code.to_owned(), status.to_owned())).or_default() += 1;
            }
            if matches!(status, status::OK | status::PARTIAL) {
                computed.push(row.number());
            }
        }
        for ((_, column), fill) in numbers().zip(&mut self.columns) {
            for x in computed.iter().filter_map(|&row| column.value(row).as_float()) {
                fill.present += 1;
                let (min, max) = fill.range.unwrap_or((x, x));
                fill.range = Some((min.min(x), max.max(x)));
            }
        }
        self.rows += rows.rows();
        self.computed += computed.len();
        Ok(())
    }
}
