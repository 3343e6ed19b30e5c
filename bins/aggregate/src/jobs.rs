//! Cohort tables that are merged from a file of each course.

use camino::Utf8PathBuf;
use rayon::prelude::*;
use rt_aggregate::report::{CurveCollector, METRICS};
use rt_aggregate::summary::Overview;
use rt_aggregate::{Fan, Keep, PartOutcome, PartProblem, RoiColumns, SchemaUnion, TableSink, merge, preferred};
use rt_course::{Cohort, CourseDir, Radiomics};
use rt_records::tables::aggregation::part;
use rt_records::tables::{comparison, curves, dvh, goals, radiomics, robustness, stored};
use rt_records::{Packed, ParquetFile, ReadError, Table, TableError, TableSchema, WriteError, parquet};

use crate::courses::{Course, StageState};
use crate::output::{Files, Formats};
use crate::robustness::Collector;

/// How a course's file is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Packed,
}

/// One cohort table that is merged from a file of each course.
pub(crate) struct Job {
    pub(crate) table: &'static str,
    about: &'static str,
    stage: &'static str,
    form: Form,
    keep: fn(&TableSchema) -> Extra,
    file: Box<dyn Fn(&CourseDir) -> Utf8PathBuf + Sync>,
    base: TableSchema,
    marks: Option<RoiColumns>,
    /// Written although no course has it.
    always: bool,
}

/// What became of one course's part of a table.
pub(crate) struct Part {
    pub(crate) status: &'static str,
    pub(crate) code: &'static str,
    pub(crate) reason: String,
    pub(crate) rows: usize,
}

/// One table that was written: its columns, what it is about, its files, one part a course.
pub(crate) struct Written {
    pub(crate) schema: TableSchema,
    pub(crate) about: &'static str,
    pub(crate) files: Vec<Utf8PathBuf>,
    pub(crate) parts: Vec<Part>,
}

/// What the report keeps of a table while it is merged.
pub(crate) enum Extra {
    /// Some columns.
    Rows(Keep),
    /// Clinical goals.
    Goals(Keep),
    /// Comparison with stored histograms.
    Stored(Keep),
    /// Curves, reduced for drawing.
    Curves(CurveCollector),
    /// Counts of features.
    Overview(Overview),
    /// The report shows nothing of it.
    Nothing,
    /// Values of perturbed features, for their summary.
    Robustness(Collector),
}

impl TableSink for Extra {
    fn write(&mut self, rows: &Table) -> Result<(), WriteError> {
        match self {
            Self::Rows(sink) | Self::Goals(sink) | Self::Stored(sink) => sink.write(rows),
            Self::Curves(sink) => sink.write(rows),
            Self::Overview(sink) => sink.write(rows),
            Self::Nothing => Ok(()),
            Self::Robustness(sink) => sink.write(rows),
        }
    }
}

/// The table of all values of perturbed features.
const ROBUSTNESS: &str = "radiomics_robustness_summary_raw_values";

/// All of them, in the order of `columns.md`.
pub(crate) fn jobs() -> Vec<Job> {
    let mut jobs = vec![
        Job {
            table: "dvh_metrics",
            about: "Dose-volume metrics: one row per course and structure of each source; further rows where a course has several plans (column `dose`).",
            stage: "dvh",
            form: Form::Plain,
            keep: |schema| Extra::Rows(Keep::new(schema, &report_columns())),
            file: Box::new(CourseDir::dvh_metrics),
            base: dvh::schema(),
            marks: Some(RoiColumns::dvh()),
            always: true,
        },
        Job {
            table: "dvh_curves",
            about: "Cumulative dose-volume curves: one row per course and structure; Parquet only.",
            stage: "dvh",
            form: Form::Plain,
            keep: |_| Extra::Curves(CurveCollector::default()),
            file: Box::new(CourseDir::dvh_curves),
            base: curves::schema(),
            marks: None,
            always: true,
        },
    ];
    jobs.extend(dvh_details());
    jobs.push(Job {
        table: "comparison",
        about: "Automatic against manual structures: one row a pair of one standard name.",
        stage: "qc",
        form: Form::Plain,
        keep: |_| Extra::Nothing,
        file: Box::new(CourseDir::comparison),
        base: comparison::schema(),
        marks: None,
        always: true,
    });
    for image in Radiomics::ALL {
        let (table, about) = match image {
            Radiomics::Ct => ("radiomics_ct", "Radiomics of the planning CT: one row per course and structure."),
            Radiomics::Mr => ("radiomics_mr", "Radiomics of MR images: one row per course, image and structure."),
            Radiomics::Pet => (
                "radiomics_pet",
                "Radiomics of PET images in SUV: one row per course, image and structure.",
            ),
            Radiomics::Dose => ("radiomics_dose", "Radiomics of the dose in Gy: one row per course and structure."),
        };
        jobs.push(Job {
            table,
            about,
            stage: "radiomics",
            form: Form::Packed,
            keep: |_| Extra::Overview(Overview::default()),
            file: Box::new(move |dir: &CourseDir| dir.radiomics(image)),
            base: radiomics::schema(table),
            marks: Some(RoiColumns::radiomics()),
            always: matches!(image, Radiomics::Ct | Radiomics::Mr),
        });
    }
    jobs.push(robustness_values());
    jobs
}

/// Goals and stored histograms, which few courses have.
fn dvh_details() -> [Job; 2] {
    [
        Job {
            table: "dvh_goals",
            about: "Clinical goals (dvh.goals): one row per goal and structure that it is for.",
            stage: "dvh",
            form: Form::Plain,
            keep: |schema| {
                Extra::Goals(Keep::new(
                    schema,
                    &schema.columns().iter().map(|c| c.name.as_ref()).collect::<Vec<_>>(),
                ))
            },
            file: Box::new(CourseDir::dvh_goals),
            base: goals::schema(),
            marks: None,
            always: false,
        },
        Job {
            table: "dvh_compare",
            about: "Dose-volume histograms that the planning system stored, beside ours: one row per stored histogram.",
            stage: "dvh",
            form: Form::Plain,
            keep: |schema| {
                Extra::Stored(Keep::new(
                    schema,
                    &schema.columns().iter().map(|c| c.name.as_ref()).collect::<Vec<_>>(),
                ))
            },
            file: Box::new(CourseDir::dvh_compare),
            base: stored::schema(),
            marks: None,
            always: false,
        },
    ]
}

fn robustness_values() -> Job {
    Job {
        table: ROBUSTNESS,
        about: "Features of perturbed images and structures: one row per course, structure, perturbation and feature; Parquet only.",
        stage: "robustness",
        form: Form::Plain,
        keep: |_| Extra::Robustness(Collector::default()),
        file: Box::new(|dir: &CourseDir| dir.robustness(Radiomics::Ct)),
        base: robustness::schema(),
        marks: None,
        always: false,
    }
}

impl Job {
    /// Whether people read the table: the others are Parquet alone.
    pub(crate) fn is_for_people(&self) -> bool {
        self.table != ROBUSTNESS && self.table != curves::schema().name()
    }

    /// The file of a course, or why there is none.
    fn source(&self, course: &Course) -> Result<Utf8PathBuf, Part> {
        file_of(course, self.stage, self.table, &self.file)
    }

    fn schema_of(&self, path: &Utf8PathBuf) -> Result<TableSchema, ReadError> {
        match self.form {
            Form::Plain => Ok(ParquetFile::open(path.as_std_path())?.schema().clone()),
            Form::Packed => Packed::read_wide_schema(path.as_std_path()),
        }
    }

    /// Rows of a course, ready to merge: ids from the manifest, preferred rows marked.
    fn read(&self, course: &Course, path: &Utf8PathBuf) -> Result<Table, ReadError> {
        let wrong = |source: TableError| ReadError::Table {
            path: path.as_std_path().to_owned(),
            source,
        };
        let mut table = match self.form {
            Form::Plain => parquet::read(path.as_std_path())?,
            Form::Packed => Packed::read(path.as_std_path())?.wide().map_err(wrong)?,
        };
        table.fill(&dvh::PATIENT_ID, &course.entry.patient_id).map_err(wrong)?;
        table.fill(&dvh::COURSE_ID, &course.entry.course_id).map_err(wrong)?;
        if self.table == dvh::schema().name()
            && let Some(ct) = course.found.as_ref().ok().and_then(|f| f.record.planning_ct())
        {
            table = table.with_columns([dvh::IMAGE_MODALITY.clone()]);
            table.fill(&dvh::IMAGE_MODALITY, &ct.modality).map_err(wrong)?;
        }
        match self.marks {
            None => Ok(table),
            Some(columns) => preferred::mark(table, columns).map_err(wrong),
        }
    }

    /// Merges all courses into the table's files. Without rows and without need for the table, nothing is written.
    pub(crate) fn run(&self, cohort: &Cohort, formats: &Formats, courses: &[Course]) -> Result<Option<(Written, Extra)>, anyhow::Error> {
        let sources: Vec<Result<Utf8PathBuf, Part>> = courses.par_iter().map(|c| self.source(c)).collect();
        if !self.always && sources.iter().all(Result::is_err) {
            return Ok(None);
        }
        let (schema, sources) = self.union(courses, sources);
        let ready: Vec<(&Course, &Utf8PathBuf)> = courses
            .iter()
            .zip(&sources)
            .filter_map(|(c, s)| Some((c, s.as_ref().ok()?)))
            .collect();
        // Some courses at a time are read in parallel and handed on in order: memory stays bounded, bytes do not depend on threads.
        let parts = ready.chunks(2 * rayon::current_num_threads()).flat_map(|some| {
            let tables: Vec<_> = some.par_iter().map(|(course, path)| self.read(course, path)).collect();
            tables
        });
        let mut files = Files::create(cohort, &schema, formats)?;
        let mut extra = (self.keep)(&schema);
        let report = merge(parts, &schema, &mut Fan::new(vec![&mut files, &mut extra]))?;
        let mut outcomes = report.parts.into_iter();
        let parts = sources
            .into_iter()
            .map(|source| match source.map(|_| outcomes.next().unwrap_or_default()) {
                Err(part) => part,
                Ok(PartOutcome {
                    problem: Some(PartProblem { code, reason }),
                    ..
                }) => failed(code, reason),
                Ok(outcome) => read(outcome.rows),
            })
            .collect();
        let written = Written {
            schema,
            about: self.about,
            files: files.publish()?,
            parts,
        };
        Ok(Some((written, extra)))
    }

    /// The columns of the cohort table; a course whose columns clash is left out and told.
    fn union(&self, courses: &[Course], mut sources: Vec<Result<Utf8PathBuf, Part>>) -> (TableSchema, Vec<Result<Utf8PathBuf, Part>>) {
        let mut union = SchemaUnion::new(self.table);
        // The contract comes first: its columns are there even when no course has any.
        let base = union.add("contract", &self.base);
        debug_assert!(base.is_ok(), "the first part cannot clash");
        let schemas: Vec<_> = sources
            .par_iter()
            .map(|s| s.as_ref().ok().map(|path| self.schema_of(path)))
            .collect();
        for ((course, source), schema) in courses.iter().zip(&mut sources).zip(schemas) {
            let problem = match schema {
                None => continue,
                Some(Err(error)) => Some((error.code(), error.to_string())),
                Some(Ok(schema)) => union.add(&course.name(), &schema).err().map(|e| (e.code(), e.to_string())),
            };
            if let Some((code, reason)) = problem {
                *source = Err(failed(code, reason));
            }
        }
        (union.schema(), sources)
    }
}

/// The file that a stage made in a course, or why there is none.
pub(crate) fn file_of(
    course: &Course,
    stage: &'static str,
    table: &str,
    file: &dyn Fn(&CourseDir) -> Utf8PathBuf,
) -> Result<Utf8PathBuf, Part> {
    let found = course.found.as_ref().map_err(|reason| failed("course.failed", reason.clone()))?;
    let path = file(&found.dir);
    if path.exists() {
        return Ok(path);
    }
    Err(match found.state(stage) {
        StageState::Never(reason) => Part {
            status: part::MISSING,
            code: "aggregate.stage_missing",
            reason: format!("{reason}: run rt-{stage} on the course"),
            rows: 0,
        },
        StageState::Skipped(reason) => skipped(reason),
        StageState::Done(_) => skipped(format!("the course has nothing for {table}")),
    })
}

pub(crate) fn failed(code: &'static str, reason: String) -> Part {
    Part {
        status: part::FAILED,
        code,
        reason,
        rows: 0,
    }
}

pub(crate) fn skipped(reason: String) -> Part {
    Part {
        status: part::SKIPPED,
        code: "",
        reason,
        rows: 0,
    }
}

pub(crate) fn read(rows: usize) -> Part {
    Part {
        status: part::OK,
        code: "",
        reason: String::new(),
        rows,
    }
}

/// Columns of `dvh_metrics` that the report shows.
fn report_columns() -> Vec<&'static str> {
    let mut columns = METRICS.to_vec();
    columns.extend([
        dvh::PATIENT_ID.name.as_ref(),
        dvh::COURSE_ID.name.as_ref(),
        dvh::ROI_NAME.name.as_ref(),
        dvh::SEGMENTATION_SOURCE.name.as_ref(),
        dvh::DOSE.name.as_ref(),
        dvh::ROI_KEY.name.as_ref(),
        dvh::STATUS.name.as_ref(),
        dvh::ERROR_CODE.name.as_ref(),
    ]);
    columns
}
