//! The `[aggregation]` section.

use rt_config::{AutoOr, ConfigIssue, Validate};
use serde::{Deserialize, Serialize};

/// Settings of the aggregate stage (`[aggregation]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AggregationConfig {
    /// Threads of aggregation; results do not depend on it.
    pub threads: AutoOr<usize>,
    /// Files written for each table. Parquet is always written: it is the truth, the others are views of it.
    pub formats: Vec<TableFormat>,
    /// CSV files begin with a byte order mark, which Excel needs to see that they are UTF-8.
    pub csv_excel: bool,
    /// Courses that a structure needs to be summarised in the report.
    pub min_courses: usize,
    /// A table of the user (CSV with a header; a column `patient_id`, perhaps `course_id`) whose columns are joined to `case_metadata`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clinical_table: Option<String>,
}

/// A format of table files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TableFormat {
    /// Apache Parquet.
    Parquet,
    /// Excel.
    Xlsx,
    /// Comma-separated text.
    Csv,
}

impl Default for AggregationConfig {
    fn default() -> Self {
        Self {
            threads: AutoOr::Auto,
            formats: vec![TableFormat::Parquet, TableFormat::Xlsx, TableFormat::Csv],
            csv_excel: false,
            min_courses: 1,
            clinical_table: None,
        }
    }
}

impl Validate for AggregationConfig {
    fn validate(&self) -> Result<(), ConfigIssue> {
        if self.threads == AutoOr::Given(0) {
            return Err(ConfigIssue::new("threads", "must be at least 1, or \"auto\""));
        }
        if !self.formats.contains(&TableFormat::Parquet) {
            return Err(ConfigIssue::new(
                "formats",
                "must hold \"parquet\": the other formats are views of it",
            ));
        }
        Ok(())
    }
}
