//! The courses of the manifest, with what their stages say about themselves.

use rayon::prelude::*;
use rt_course::manifest::{CourseEntry, CourseRecord, CourseStatus, Manifest};
use rt_course::{Cohort, CourseDir, Stamp, Status};

/// Stages of a course in the order of the graph.
pub(crate) const STAGES: [&str; 7] = ["organize", "segment", "structures", "dvh", "radiomics", "robustness", "qc"];

/// Stages that a course table comes from, as the report lists them (organize has made every course that is listed).
pub(crate) const SHOWN: [&str; 5] = ["segment", "structures", "dvh", "radiomics", "qc"];

/// What a stage left in a course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StageState {
    /// It has not finished; with the reason when its stamp cannot be used.
    Never(String),
    /// It had nothing to do.
    Skipped(String),
    /// It finished.
    Done(Status),
}

impl StageState {
    /// The word in the report.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Never(_) => "missing",
            Self::Skipped(_) => "skipped",
            Self::Done(status) => status.name(),
        }
    }
}

/// One course that belongs to the cohort.
pub(crate) struct Course {
    /// Its line of the manifest.
    pub(crate) entry: CourseEntry,
    /// Its folder; the reason when the course has no results at all.
    pub(crate) found: Result<Found, String>,
}

/// A course with results.
pub(crate) struct Found {
    /// Its folder.
    pub(crate) dir: CourseDir,
    /// `course.json`.
    pub(crate) record: CourseRecord,
    /// State of each of [`STAGES`].
    states: Vec<StageState>,
}

impl Found {
    /// State of a stage.
    pub(crate) fn state(&self, stage: &str) -> StageState {
        let place = STAGES.iter().position(|s| *s == stage);
        place.map_or_else(|| StageState::Never(String::new()), |i| self.states[i].clone())
    }
}

impl Course {
    /// `P01/C1` as people name it.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.entry.patient_id, self.entry.course_id)
    }
}

/// All courses but the withdrawn ones, in the order of the manifest.
pub(crate) fn load(cohort: &Cohort, manifest: &Manifest) -> Vec<Course> {
    let taking_part: Vec<&CourseEntry> = manifest.courses.iter().filter(|c| c.status != CourseStatus::Withdrawn).collect();
    taking_part
        .into_par_iter()
        .map(|entry| Course {
            found: find(cohort, entry),
            entry: entry.clone(),
        })
        .collect()
}

fn find(cohort: &Cohort, entry: &CourseEntry) -> Result<Found, String> {
    if entry.status == CourseStatus::Failed {
        return Err(format!("the course could not be organised: {}", entry.reason));
    }
    let dir = cohort.course_at(&entry.path).map_err(|e| e.to_string())?;
    let record = dir.read_record().map_err(|e| format!("{e}; run rt-organize again"))?;
    let states = STAGES.iter().map(|stage| state(&dir, stage)).collect();
    Ok(Found { dir, record, states })
}

fn state(dir: &CourseDir, stage: &str) -> StageState {
    match Stamp::read(&dir.stage(stage).stamp) {
        Ok(Some(stamp)) if stamp.status == Status::Skipped => StageState::Skipped(stamp.reason),
        Ok(Some(stamp)) => StageState::Done(stamp.status),
        Ok(None) => StageState::Never(format!("the {stage} stage has not finished for this course")),
        Err(why) => StageState::Never(format!("the {stage} stage has not finished for this course: {why}")),
    }
}
