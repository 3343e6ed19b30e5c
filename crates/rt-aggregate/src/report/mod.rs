//! `report.html`: the whole cohort on one page that needs no network, no server and no script to be read.
//!
//! Everything that a person should be able to print or read with scripts off is drawn here; the script of the page adds filters, sorting
//! and the curve explorer over the same data, which lie in it as JSON. The page carries a Content Security Policy that allows exactly its
//! own style and script. Nothing in it names a person beyond the ids of the tables.

mod checks;
mod curves;
mod data;
mod embed;
mod goals;
mod sections;
mod stages;
mod stored;
mod svg;

use rt_records::Table;
use serde::Serialize;

pub use curves::{Band, Curve, CurveCollector, TOLERANCE_PERCENT, reduce};

use crate::summary::Overview;

static PAGE: &str = include_str!("page.html");
static STYLE: &str = include_str!("page.css");
static SCRIPT: &str = include_str!("page.js");

/// All that the page shows.
#[derive(Debug, Clone, Copy)]
pub struct ReportInput<'a> {
    /// Lines of the head: program version, configuration digest, command.
    pub facts: &'a [(String, String)],
    /// Courses in the order of the manifest.
    pub courses: &'a [CourseLine],
    /// `dvh_metrics`, or the columns of it in [`METRICS`] and the identity of rows.
    pub dvh: &'a Table,
    /// `dvh_goals`; empty without goals.
    pub goals: &'a Table,
    /// `dvh_compare`; empty where no dose holds histograms.
    pub stored: &'a Table,
    /// Reduced curves.
    pub curves: &'a [Curve],
    /// All checks of all courses (`rt_records::tables::qc::schema`).
    pub checks: &'a Table,
    /// `provenance`.
    pub provenance: &'a Table,
    /// `aggregation_status`.
    pub parts: &'a Table,
    /// One overview a radiomics table.
    pub radiomics: &'a [RadiomicsOverview],
    /// Courses that a structure needs to be summarised.
    pub min_courses: usize,
}

/// One course as the page lists it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CourseLine {
    /// Patient.
    pub patient_id: String,
    /// Course.
    pub course_id: String,
    /// Its own page relative to the report, empty when there is none.
    pub page: String,
    /// Status of each stage, by name, in the order of the graph.
    pub stages: Vec<(String, String)>,
    /// Images, dose and plan in words: `CT, dose, plan`.
    pub holdings: String,
    /// Slices of the planning CT.
    pub slices: Option<usize>,
    /// Spacing of the planning CT in words.
    pub spacing: String,
    /// Prescription, Gy.
    pub rx_gy: Option<f64>,
    /// Fractions planned.
    pub fractions: Option<u32>,
    /// Why the course has no results, when it has none.
    pub reason: String,
    /// Warnings of organize, in words.
    pub warnings: Vec<String>,
}

/// A radiomics table in numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RadiomicsOverview {
    /// Name of the table.
    pub table: String,
    /// Its rows and columns.
    pub overview: Overview,
}

/// Metrics of the table of structures and of the table of rows, as columns of `dvh_metrics`.
pub const METRICS: [&str; 11] = [
    "Volume (cm³)",
    "covered_fraction",
    "DmeanGy",
    "DmaxGy",
    "DminGy",
    "D95Gy",
    "D2Gy",
    "D2ccGy",
    "V20Gy (%)",
    "V95%Rx (%)",
    "rx_gy",
];

/// Why the page could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The template failed: a fault of the program, not of the data.
    #[error("cannot make the report page: {0}")]
    Template(#[from] minijinja::Error),
    /// The data have no JSON form: a fault of the program.
    #[error("cannot put the data into the report page: {0}")]
    Data(#[from] serde_json::Error),
}

impl ReportError {
    /// Stable code of the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Template(_) => "report.template",
            Self::Data(_) => "report.data",
        }
    }
}

/// The page as HTML text.
///
/// # Errors
/// [`ReportError`], which no data should be able to cause.
pub fn render(input: &ReportInput<'_>) -> Result<String, ReportError> {
    let mut templates = minijinja::Environment::new();
    // The name decides that every value is escaped.
    templates.add_template("report.html", PAGE)?;
    let page = sections::page(input);
    let data = embed::json_for_script(&data::data(input))?;
    let html = templates.get_template("report.html")?.render(minijinja::context! {
        page => minijinja::value::Serde(&page),
        policy => embed::policy(STYLE, SCRIPT),
        style => minijinja::Value::from_safe_string(STYLE.to_owned()),
        script => minijinja::Value::from_safe_string(SCRIPT.to_owned()),
        data => minijinja::Value::from_safe_string(data),
    })?;
    Ok(html)
}
