//! Driver of the qc stage: gathers what the other stages wrote as facts, lets `rt_qc` judge them, writes `qc/*`.
//!
//! Reads `course.json`, sidecars, headers of volumes, contours, `masks.json`, the DVH table and the stamps of the stages before it. A finding is
//! a result: the stage succeeds whatever it finds, unless `qc.fail_on` says otherwise; the reports are written in any case. What could not be
//! looked at because a file is damaged is a failed item. Source: `design/architecture.md` 7, `spec/analysis.md` 3.

use camino::Utf8PathBuf;
use rt_cli::exit::code_of;
use rt_cli::{Failure, Input, Stage, StageContext, StageReport};
use rt_course::manifest::SCHEMA_VERSION;
use rt_course::{CourseDir, WriteError, write_atomic, write_bytes, write_json};
use rt_qc::{QcConfig, QcReport, QcStatus, check, render};
use rt_records::Table;
use serde::Serialize;

pub mod comparison;
mod gather;
mod pictures;
mod stages;
mod table;

/// The qc stage.
#[derive(Debug, Clone, Copy, Default)]
pub struct Qc;

/// `qc/qc.json`.
#[derive(Serialize)]
struct ReportFile<'a> {
    schema_version: u32,
    #[serde(flatten)]
    report: &'a QcReport,
}

impl Stage for Qc {
    const NAME: &'static str = "qc";
    const FORMAT: u32 = 1;
    const SECTIONS: &'static [&'static str] = &["qc"];
    type Config = QcConfig;

    fn inputs(&self, course: &CourseDir, _config: &QcConfig) -> Vec<Input> {
        // Not the list of files: their times change when someone touches them.
        let facts = [
            "/patient_id",
            "/course_id",
            "/warnings",
            "/images",
            "/structure_sets",
            "/plans",
            "/doses",
            "/dose",
            "/prescription",
        ];
        let mut inputs = vec![Input::json(course.course_json(), "organize", &facts)];
        // What organize made is listed file by file below: its stamp changes when a file is only touched.
        let later = stages::BEFORE_QC.iter().filter(|name| **name != "organize");
        inputs.extend(later.map(|name| Input::optional(course.stage(name).stamp)));
        // A file that vanishes changes no stamp.
        inputs.push(Input::value("missing outputs", &stages::missing(course)));
        inputs.extend(gather::files(course).into_iter().map(Input::optional));
        inputs
    }

    fn outputs(&self, course: &CourseDir, config: &QcConfig) -> Vec<Utf8PathBuf> {
        let mut outputs = vec![course.qc_json(), course.qc_table(), course.comparison()];
        if config.html {
            outputs.push(course.report());
        }
        outputs
    }

    fn run(&self, cx: &StageContext<'_>, config: &QcConfig) -> Result<StageReport, anyhow::Error> {
        let mut items = StageReport::new();
        let record = cx.record()?;
        let facts = gather::facts(cx.place, &record, &mut items);
        let report = check(&facts, config);
        write_json(
            cx.place.qc_json(),
            &ReportFile {
                schema_version: SCHEMA_VERSION,
                report: &report,
            },
        )?;
        write_table(cx.place.qc_table(), &table::rows(&report)?)?;
        // What cannot be read is a finding, not the end of the other checks.
        let masks = pictures::masks(cx.place).unwrap_or_else(|error| {
            items.failed("comparison", code_of(&error), format!("{error:#}"));
            Vec::new()
        });
        let compared = comparison::table(cx.place, &record, &masks).unwrap_or_else(|error| {
            items.failed("comparison", code_of(&error), format!("{error:#}"));
            Table::empty(&rt_records::tables::comparison::schema())
        });
        write_table(cx.place.comparison(), &compared)?;
        if config.html {
            let (slices, legend) = pictures::of_course(cx.place, &record, &masks);
            write_bytes(cx.place.report(), render(&report, &facts, (&slices, &legend))?.as_bytes())?;
        }
        for result in &report.checks {
            tell(result, &mut items);
        }
        if config.fail_on.applies_to(report.status) {
            let message = format!("quality control of {} ends with {}", cx.place.token(), report.status.as_str());
            let hint = format!("read {}; `qc.fail_on = \"never\"` takes findings as results", cx.place.report());
            return Err(Failure::new("qc.findings", message).hint(hint).into());
        }
        Ok(items)
    }
}

fn write_table(path: Utf8PathBuf, table: &Table) -> Result<(), anyhow::Error> {
    let info = rt_records::FileInfo::new(env!("CARGO_PKG_VERSION"));
    let written: Result<(), WriteError> = write_atomic(path, |file| {
        rt_records::parquet::write(file, table, &info)
            .map(drop)
            .map_err(std::io::Error::other)
    });
    Ok(written?)
}

/// A check that ran is done, whatever it found; findings that a person should see are warnings in the log.
fn tell(result: &rt_qc::CheckResult, items: &mut StageReport) {
    match result.status {
        QcStatus::Skip => items.skip(&result.id, "qc.nothing_to_check", &result.message),
        QcStatus::Pass | QcStatus::Info => items.done(&result.id),
        QcStatus::Warning | QcStatus::Fail => {
            tracing::warn!(
                event = "qc.finding",
                item = result.id,
                code = result.code,
                "{} {}: {}",
                result.status.as_str(),
                result.id,
                result.message
            );
            items.done(&result.id);
        }
    }
}
