//! Writes all tables of the cohort and says what is missing from them.

use rayon::prelude::*;
use rt_aggregate::report::{Curve, RadiomicsOverview};
use rt_aggregate::{TableSink, columns_md};
use rt_cli::{StageContext, StageReport};
use rt_course::layout::TableFormat;
use rt_course::{Cohort, write_bytes};
use rt_records::tables::aggregation::{self, part};
use rt_records::tables::{inventory, provenance, qc, structures};
use rt_records::{ParquetFile, Table, TableBuilder, TableError, TableSchema, parquet};

use crate::Sections;
use crate::clinical::Clinical;
use crate::courses::{Course, Found};
use crate::jobs::{Extra, Part, Written, failed, file_of, jobs, read, skipped};
use crate::output::{Files, Formats};
use crate::rows;

/// What the report needs of the tables.
pub(crate) struct Merged {
    pub(crate) dvh: Table,
    pub(crate) goals: Table,
    pub(crate) stored: Table,
    pub(crate) curves: Vec<Curve>,
    pub(crate) checks: Table,
    pub(crate) provenance: Table,
    pub(crate) parts: Table,
    pub(crate) radiomics: Vec<RadiomicsOverview>,
}

/// Writes every table of the cohort and `columns.md`.
pub(crate) fn write_all(
    cx: &StageContext<'_, Cohort>,
    config: &Sections,
    courses: &[Course],
    clinical: Option<&Clinical>,
    report: &mut StageReport,
) -> Result<Merged, anyhow::Error> {
    let cohort = cx.place;
    let formats = Formats::of(&config.aggregation);
    let jobs = jobs();
    cx.progress.begin("tables", jobs.len() as u64 + 5);
    let results: Vec<_> = jobs
        .par_iter()
        .map(|job| {
            let formats = if job.is_for_people() { formats.clone() } else { Formats::parquet() };
            let result = job.run(cohort, &formats, courses);
            cx.progress.inc(1);
            result
        })
        .collect::<Result<_, anyhow::Error>>()?;
    let mut merged = Merged {
        dvh: Table::empty(&rt_records::tables::dvh::schema()),
        goals: Table::empty(&rt_records::tables::goals::schema()),
        stored: Table::empty(&rt_records::tables::stored::schema()),
        curves: Vec::new(),
        checks: Table::empty(&qc::schema()),
        provenance: Table::empty(&provenance::schema()),
        parts: Table::empty(&aggregation::schema()),
        radiomics: Vec::new(),
    };
    let mut written = Vec::new();
    let mut summary = None;
    for (job, result) in jobs.iter().zip(results) {
        let Some((table, extra)) = result else { continue };
        match extra {
            Extra::Rows(keep) => merged.dvh = keep.into_table(),
            Extra::Goals(keep) => merged.goals = keep.into_table(),
            Extra::Stored(keep) => merged.stored = keep.into_table(),
            Extra::Curves(collector) => merged.curves = collector.into_curves(),
            Extra::Overview(overview) => merged.radiomics.push(RadiomicsOverview {
                table: job.table.to_owned(),
                overview,
            }),
            Extra::Nothing => {}
            Extra::Robustness(collector) => summary = Some(collector.into_table(&config.robustness)?),
        }
        written.push(table);
    }
    let small = Small {
        cohort,
        formats: &formats,
        courses,
    };
    if let Some(summary) = summary {
        let about = "How stable each feature of each structure is under perturbation: one row per structure, source and feature.";
        written.push(small.write(&summary, about, Vec::new())?);
    }
    written.extend(small.records(clinical)?);
    written.push(small.structures()?);
    let (reports, checks) = small.qc_reports()?;
    written.push(reports);
    merged.checks = checks;
    let (costs, table) = small.provenance()?;
    merged.provenance = table;
    cx.progress.inc(4);
    merged.parts = parts_table(courses, &written)?;
    written.push(costs);
    written.push(small.write(&merged.parts, "Which course has rows in which table, and why not.", Vec::new())?);
    if let Some(inventory) = small.inventory()? {
        written.push(inventory);
    }
    cx.progress.inc(1);
    let sections: Vec<(TableSchema, &str)> = written.iter().map(|w| (w.schema.clone(), w.about)).collect();
    write_bytes(cohort.columns(), columns_md(&sections).as_bytes())?;
    written.iter().flat_map(|w| &w.files).for_each(|path| report.wrote(path));
    tell(courses, &written, report);
    Ok(merged)
}

/// Tables that are small enough to be built in memory.
struct Small<'a> {
    cohort: &'a Cohort,
    formats: &'a Formats,
    courses: &'a [Course],
}

impl Small<'_> {
    fn found(&self) -> Vec<(&Course, &Found)> {
        self.courses.iter().filter_map(|c| Some((c, c.found.as_ref().ok()?))).collect()
    }

    fn write(&self, table: &Table, about: &'static str, parts: Vec<Part>) -> Result<Written, anyhow::Error> {
        let mut files = Files::create(self.cohort, table.schema(), self.formats)?;
        files.write(table)?;
        Ok(Written {
            schema: table.schema().clone(),
            about,
            files: files.publish()?,
            parts,
        })
    }

    /// `case_metadata` and `fractions`, which organize has put into `course.json`.
    fn records(&self, clinical: Option<&Clinical>) -> Result<[Written; 2], anyhow::Error> {
        let found = self.found();
        let mut cases = rows::case_metadata(&found)?;
        if let Some(clinical) = clinical {
            cases = clinical.join(cases)?;
        }
        let fractions = rows::fraction_rows(&found)?;
        let part_of = |course: &Course, rows: &dyn Fn(&Found) -> usize| match &course.found {
            Err(reason) => failed("course.failed", reason.clone()),
            Ok(found) => match rows(found) {
                0 => skipped("the course has no treatment records".to_owned()),
                rows => read(rows),
            },
        };
        let case_parts = self.courses.iter().map(|c| part_of(c, &|_| 1)).collect();
        let fraction_parts = self.courses.iter().map(|c| part_of(c, &|f| f.record.fractions.len())).collect();
        Ok([
            self.write(
                &cases,
                "Facts of plan, prescription, image and structures: one row per course.",
                case_parts,
            )?,
            self.write(
                &fractions,
                "Fractions delivered, from treatment records: one row per plan and fraction.",
                fraction_parts,
            )?,
        ])
    }

    /// One table from a file of each course; a course whose file cannot be used is left out and told.
    fn gather(
        &self,
        schema: &TableSchema,
        make: impl Fn(&Course) -> Result<Table, Part> + Sync + Send,
    ) -> Result<(Table, Vec<Part>), TableError> {
        let tables: Vec<Result<Table, Part>> = self.courses.par_iter().map(make).collect();
        let mut all = Table::empty(schema);
        let mut parts = Vec::new();
        for table in tables {
            parts.push(match table {
                Err(part) => part,
                Ok(rows) => {
                    let n = rows.rows();
                    all.append(rows)?;
                    read(n)
                }
            });
        }
        Ok((all, parts))
    }

    fn structures(&self) -> Result<Written, anyhow::Error> {
        let make = |course: &Course| {
            file_of(course, "structures", "structures", &rt_course::CourseDir::masks_json)?;
            let found = course.found.as_ref().map_err(|reason| failed("course.failed", reason.clone()))?;
            rows::structure_rows(course, found).map_err(|e| failed("structures.index", format!("{e:#}; run rt-structures again")))
        };
        let (table, parts) = self.gather(&structures::schema(), make)?;
        self.write(
            &table,
            "Structures of every source: where they come from and how large they are.",
            parts,
        )
    }

    /// `qc_reports`, and all checks for the report.
    fn qc_reports(&self) -> Result<(Written, Table), anyhow::Error> {
        let make = |course: &Course| {
            let path = file_of(course, "qc", "qc_reports", &rt_course::CourseDir::qc_table)?;
            let wrong = |e: TableError| failed(e.code(), format!("{path}: {e}"));
            let mut checks = parquet::read(path.as_std_path())
                .map_err(|e| failed(e.code(), e.to_string()))?
                .conform(&qc::schema())
                .map_err(wrong)?;
            checks.fill(&qc::PATIENT_ID, &course.entry.patient_id).map_err(wrong)?;
            checks.fill(&qc::COURSE_ID, &course.entry.course_id).map_err(wrong)?;
            Ok(checks)
        };
        let (checks, mut parts) = self.gather(&qc::schema(), make)?;
        let mut reports = Table::empty(&qc::reports_schema());
        let mut rest = checks.clone();
        for (course, part) in self.courses.iter().zip(&mut parts).filter(|(_, p)| p.status == part::OK) {
            let tail = rest.split_off(part.rows);
            reports.append(rows::qc_report(course, &rest)?)?;
            rest = tail;
            part.rows = 1;
        }
        let written = self.write(&reports, "Quality control: one row per course with all its checks.", parts)?;
        Ok((written, checks))
    }

    fn provenance(&self) -> Result<(Written, Table), anyhow::Error> {
        let table = rows::provenance_rows(self.cohort, &self.found())?;
        let about =
            "What each stage of each course cost, and with which program it was made. Holds times: not part of the promise of equal bytes.";
        Ok((self.write(&table, about, Vec::new())?, table))
    }

    /// The views of `inventory` that organize does not write.
    fn inventory(&self) -> Result<Option<Written>, anyhow::Error> {
        let path = self.cohort.table(inventory::schema().name(), TableFormat::Parquet);
        if !path.exists() {
            return Ok(None);
        }
        let file = ParquetFile::open(path.as_std_path())?;
        let schema = file.schema().renamed(inventory::schema().name());
        let mut files = Files::create(self.cohort, &schema, &self.formats.only(TableFormat::Xlsx))?;
        for batch in file.batches(20_000, None)? {
            files.write(&batch?.conform(&schema)?)?;
        }
        Ok(Some(Written {
            schema,
            about: "Every file that was found in the input, used or not, and why.",
            files: files.publish()?,
            parts: Vec::new(),
        }))
    }
}

fn parts_table(courses: &[Course], written: &[Written]) -> Result<Table, TableError> {
    let mut rows = TableBuilder::new(&aggregation::schema());
    for table in written {
        for (course, part) in courses.iter().zip(&table.parts) {
            rows.row()
                .set(&aggregation::PATIENT_ID, &course.entry.patient_id)
                .set(&aggregation::COURSE_ID, &course.entry.course_id)
                .set(&aggregation::TABLE, table.schema.name())
                .set(&aggregation::STATUS, part.status)
                .set(&aggregation::REASON, &part.reason)
                .set(&aggregation::ROWS, part.rows);
        }
    }
    rows.finish()
}

/// One item a course: failed when a table misses it that it should be in.
fn tell(courses: &[Course], written: &[Written], report: &mut StageReport) {
    for (i, course) in courses.iter().enumerate() {
        let parts = written.iter().filter_map(|w| Some((w.schema.name(), w.parts.get(i)?)));
        let bad: Vec<(&str, &Part)> = parts.filter(|(_, p)| matches!(p.status, part::MISSING | part::FAILED)).collect();
        let Some((_, first)) = bad.first() else {
            report.done(course.name());
            continue;
        };
        let tables: Vec<&str> = bad.iter().map(|(table, _)| *table).collect();
        report.failed(course.name(), first.code, format!("not in {}: {}", tables.join(", "), first.reason));
    }
}
