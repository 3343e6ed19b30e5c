//! Driver of the aggregate stage: reads the manifest and the tables of all courses, writes the cohort's tables and its report.
//!
//! Knows: which course files feed which cohort table, what counts as missing. Must not know: how tables are merged or drawn
//! (`rt-aggregate`), what a format looks like (`rt-records`). Sources: `design/contract.md` "Tables", `spec/analysis.md` 4.
//!
//! The result tables depend on the course tables alone, in the order of the manifest: not on threads, time of day or the program that
//! called. `provenance` and the page's section on time hold times.
//!
//! ```no_run
//! use rt_aggregate_cli::Aggregate;
//! use rt_cli::{CohortArgs, run_cohort_stage};
//! let args = CohortArgs::default();
//! run_cohort_stage(&Aggregate, args.output.as_deref(), &[], &args.common, |cohort, _| Aggregate::check(cohort));
//! ```

mod clinical;
mod courses;
mod jobs;
mod output;
mod page;
mod robustness;
mod rows;
mod tables;

use camino::{Utf8Path, Utf8PathBuf};
use rt_aggregate::AggregationConfig;
use rt_cli::{Failure, Input, Stage, StageContext, StageReport};
use rt_config::{ConfigIssue, Validate};
use rt_course::layout::TableFormat;
use rt_course::manifest::CourseStatus;
use rt_course::{Cohort, CourseDir, Radiomics};
use rt_radiomics::robustness::RobustnessConfig;
use serde::{Deserialize, Serialize};

use courses::STAGES;
use output::Formats;

/// The sections that decide the tables.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sections {
    /// `[aggregation]`
    pub aggregation: AggregationConfig,
    /// `[robustness]`: kind of correlation and limits of the labels.
    pub robustness: RobustnessConfig,
}

impl Validate for Sections {
    fn validate(&self) -> Result<(), ConfigIssue> {
        self.aggregation.validate().map_err(|e| e.within("aggregation"))?;
        self.robustness.validate().map_err(|e| e.within("robustness"))
    }
}

/// The aggregate stage.
#[derive(Debug, Clone, Copy, Default)]
pub struct Aggregate;

impl Aggregate {
    /// Refuses a folder that organize has not made, before anything is written into it.
    ///
    /// # Errors
    /// [`Failure`] with the path and what to do.
    pub fn check(cohort: &Cohort) -> Result<(), anyhow::Error> {
        if cohort.manifest().exists() {
            return Ok(());
        }
        let message = format!("{} is no output folder: it has no _COHORT/manifest.json", cohort.root());
        Err(Failure::usage("aggregate.no_cohort", message)
            .hint("run `rt-organize --input DICOM_DIR --output OUT` first, then give OUT")
            .into())
    }
}

/// Tables that are always written, in every format of the configuration, in the order of `columns.md`.
const TABLES: [&str; 10] = [
    "dvh_metrics",
    "radiomics_ct",
    "radiomics_mr",
    "case_metadata",
    "fractions",
    "structures",
    "qc_reports",
    "comparison",
    "provenance",
    "aggregation_status",
];

impl Stage<Cohort> for Aggregate {
    const NAME: &'static str = "aggregate";
    const FORMAT: u32 = 1;
    const SECTIONS: &'static [&'static str] = &["aggregation", "robustness"];
    type Config = Sections;

    fn inputs(&self, cohort: &Cohort, config: &Sections) -> Vec<Input> {
        let mut inputs = vec![
            Input::required(cohort.manifest(), "organize"),
            Input::optional(cohort.table("inventory", TableFormat::Parquet)),
            Input::optional(cohort.stage("organize").provenance),
        ];
        inputs.extend(
            config
                .aggregation
                .clinical_table
                .as_ref()
                .map(|path| Input::optional(path.as_str())),
        );
        // A manifest that cannot be read is told when the stage runs.
        let manifest = cohort.read_manifest().ok();
        for entry in manifest.iter().flat_map(|m| &m.courses) {
            if let (CourseStatus::Active, Ok(course)) = (entry.status, cohort.course_at(&entry.path)) {
                inputs.extend(course_inputs(&course));
            }
        }
        inputs
    }

    fn outputs(&self, cohort: &Cohort, config: &Sections) -> Vec<Utf8PathBuf> {
        let formats = Formats::of(&config.aggregation);
        let tables = TABLES.iter().flat_map(|name| formats.paths(cohort, name));
        let once = [cohort.table("dvh_curves", TableFormat::Parquet), cohort.columns(), cohort.report()];
        tables.chain(once).collect()
    }

    fn threads(&self, config: &Sections, available: usize) -> usize {
        config.aggregation.threads.unwrap_or_else(|| available)
    }

    fn run(&self, cx: &StageContext<'_, Cohort>, config: &Sections) -> Result<StageReport, anyhow::Error> {
        let cohort = cx.place;
        let manifest = cohort.read_manifest()?;
        let clinical = config
            .aggregation
            .clinical_table
            .as_ref()
            .map(|path| clinical::read(Utf8Path::new(path)))
            .transpose()?;
        let courses = courses::load(cohort, &manifest);
        let mut report = StageReport::new();
        let merged = tables::write_all(cx, config, &courses, clinical.as_ref(), &mut report)?;
        if cx.progress.cancelled() {
            return Err(Failure::new("stage.interrupted", "aggregation was interrupted").into());
        }
        page::write(cx, &config.aggregation, &courses, &merged)?;
        Ok(report)
    }
}

/// Everything of one course that the cohort's tables are made from. What is absent counts as absent.
fn course_inputs(course: &CourseDir) -> Vec<Input> {
    let record = course.course_json();
    let facts = [
        "/patient_id",
        "/course_id",
        "/case",
        "/fractions",
        "/images",
        "/prescription",
        "/warnings",
        "/structure_sets",
    ];
    let mut inputs = vec![Input::optional_json(record, &facts)];
    for stage in STAGES {
        let files = course.stage(stage);
        inputs.push(Input::optional(files.stamp));
        inputs.push(Input::optional(files.provenance));
    }
    let tables = [
        course.masks_json(),
        course.dvh_metrics(),
        course.comparison(),
        course.dvh_curves(),
        course.dvh_goals(),
        course.dvh_compare(),
        course.qc_table(),
    ];
    inputs.extend(tables.into_iter().map(Input::optional));
    inputs.extend(Radiomics::ALL.map(|image| Input::optional(course.radiomics(image))));
    inputs.push(Input::optional(course.robustness(Radiomics::Ct)));
    inputs
}
