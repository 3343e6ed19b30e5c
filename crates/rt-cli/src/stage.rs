//! The contract of a stage: a function of (course folder, configuration section) to files.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use rt_config::{ConfigError, Document, Validate};
use rt_core::Progress;
use rt_course::manifest::CourseRecord;
use rt_course::{Cohort, CourseDir, Freshness, Memo, Provenance, ReadError, StageFiles};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::input::Input;
use crate::report::StageReport;
use crate::runner::{Environment, Outcome, execute, explain};

/// Where a stage works: a course ([`CourseDir`]) or the whole cohort ([`Cohort`]).
pub trait Place: Sync {
    /// What the stage keeps about itself here.
    fn stage_files(&self, stage: &str) -> StageFiles;
    /// Why no stage may run here, in words.
    fn refusal(&self) -> Option<String>;
    /// Digests that were recorded in places within this one.
    fn recall(&self, memo: &mut Memo) {
        let _ = memo;
    }
}

impl Place for CourseDir {
    fn stage_files(&self, stage: &str) -> StageFiles {
        self.stage(stage)
    }

    fn refusal(&self) -> Option<String> {
        let withdrawn = self.withdrawn().exists();
        withdrawn.then(|| format!("course {} was withdrawn: its files are no longer in the input", self.token()))
    }
}

impl Place for Cohort {
    fn stage_files(&self, stage: &str) -> StageFiles {
        self.stage(stage)
    }

    fn refusal(&self) -> Option<String> {
        None
    }

    fn recall(&self, memo: &mut Memo) {
        let Ok(manifest) = self.read_manifest() else { return };
        for course in manifest.courses.iter().filter_map(|entry| self.course_at(&entry.path).ok()) {
            let Some(record) = Provenance::read(&course.stage("organize").provenance) else {
                continue;
            };
            let known = record.outputs.into_iter().filter_map(|file| Some((file.path, file.digest?)));
            known.for_each(|(path, digest)| memo.remember(course.root().join(path), digest));
        }
    }
}

/// One step of the workflow. `impl Stage for X` is a stage of a course, `impl Stage<Cohort> for X` one of the cohort.
///
/// A stage must be idempotent and write every file by the publish protocol ([`rt_course::write_atomic`]); the runner does leases,
/// freshness, stamps, provenance and exit codes.
pub trait Stage<P: Place = CourseDir>: Sync {
    /// Name in commands, paths and logs: `dvh`.
    const NAME: &'static str;
    /// Raised when the meaning of the output changes: every course then runs again.
    const FORMAT: u32;
    /// Sections of the configuration that the result depends on, the stage's own first.
    const SECTIONS: &'static [&'static str];
    /// One section: its own struct. Several: a struct with a field for each, named as the section.
    /// (`enabled` of a stage's section belongs to the runner and is not in the struct.)
    type Config: Serialize + DeserializeOwned + Default + Validate + Send + Sync;
    /// Everything that is read. Called before every run, also when nothing will run: it must be quick.
    fn inputs(&self, place: &P, config: &Self::Config) -> Vec<Input>;
    /// Files that exist after a run. Called after it too; what only the run can know goes to [`StageReport::wrote`].
    fn outputs(&self, place: &P, config: &Self::Config) -> Vec<Utf8PathBuf>;
    /// Threads that the stage wants of those `available`; a section may limit them (`radiomics.thread_limit`).
    fn threads(&self, config: &Self::Config, available: usize) -> usize {
        let _ = config;
        available
    }
    /// Does the work, inside the stage's thread pool.
    ///
    /// # Errors
    /// Only when nothing usable was made; failures of items go into the report.
    fn run(&self, cx: &StageContext<'_, P>, config: &Self::Config) -> Result<StageReport, anyhow::Error>;
}

/// What a running stage is given.
pub struct StageContext<'a, P = CourseDir> {
    /// The course, or the cohort.
    pub place: &'a P,
    /// Progress to report, and whether to stop: look at `cancelled()` between items and return an error then.
    pub progress: &'a dyn Progress,
    /// Threads of the pool that the stage runs in; rayon uses it by itself.
    pub threads: usize,
    /// Memory that the stage should stay below, bytes, where known.
    pub memory_bytes: Option<u64>,
}

impl StageContext<'_, CourseDir> {
    /// Reads `course.json`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn record(&self) -> Result<CourseRecord, ReadError> {
        self.place.read_record()
    }
}

/// Why a stage would run or not, in full.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// Name of the stage.
    pub stage: &'static str,
    /// Whether the configuration switches it on.
    pub enabled: bool,
    /// Inputs: path relative to the course or cohort, and the stage that must have made it.
    pub inputs: Vec<(String, Option<&'static str>)>,
    /// Outputs, relative.
    pub outputs: Vec<String>,
    /// The staleness key, when all required inputs are there.
    pub key: Option<String>,
    /// What the key is made of.
    pub key_parts: BTreeMap<String, String>,
    /// Why it would run; `None` when it is fresh.
    pub stale: Option<String>,
}

/// A stage without its type, for graphs: every [`Stage`] is one.
pub trait Step<P: Place = CourseDir>: Sync {
    /// [`Stage::NAME`].
    fn name(&self) -> &'static str;
    /// [`Stage::SECTIONS`].
    fn sections(&self) -> &'static [&'static str];
    /// Every value of its sections, defaults included.
    ///
    /// # Errors
    /// [`ConfigError`] when a section is not valid.
    fn values(&self, document: &Document) -> Result<BTreeMap<&'static str, serde_json::Value>, ConfigError>;
    /// Runs it: [`execute`].
    ///
    /// # Errors
    /// As [`execute`].
    fn execute(&self, place: &P, environment: &Environment<'_>) -> Result<Outcome, anyhow::Error>;
    /// Says what it would do and why: [`explain`].
    ///
    /// # Errors
    /// As [`explain`].
    fn explain(&self, place: &P, document: &Document) -> Result<Explanation, anyhow::Error>;
}

impl<P: Place, S: Stage<P>> Step<P> for S {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn sections(&self) -> &'static [&'static str] {
        S::SECTIONS
    }

    fn values(&self, document: &Document) -> Result<BTreeMap<&'static str, serde_json::Value>, ConfigError> {
        let config: S::Config = document.sections(S::SECTIONS)?;
        Ok(section_values::<P, S>(&config))
    }

    fn execute(&self, place: &P, environment: &Environment<'_>) -> Result<Outcome, anyhow::Error> {
        execute(self, place, environment)
    }

    fn explain(&self, place: &P, document: &Document) -> Result<Explanation, anyhow::Error> {
        explain(self, place, document)
    }
}

/// The values of a configuration by section.
pub(crate) fn section_values<P: Place, S: Stage<P>>(config: &S::Config) -> BTreeMap<&'static str, serde_json::Value> {
    let value = serde_json::to_value(config).unwrap_or(serde_json::Value::Null);
    match S::SECTIONS {
        [only] => BTreeMap::from([(*only, value)]),
        several => several
            .iter()
            .map(|name| (*name, value.get(*name).cloned().unwrap_or(serde_json::Value::Null)))
            .collect(),
    }
}

/// Whether a stage is fresh, for callers that only ask.
pub(crate) fn stale_reason(freshness: &Freshness) -> Option<String> {
    match freshness {
        Freshness::Fresh(_) => None,
        Freshness::Stale(why) => Some(why.clone()),
    }
}
