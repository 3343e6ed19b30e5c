//! Cohorts: several courses, written to a folder in parallel; and the presets of the optimisation brief.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::analytic::Truth;
use crate::course::Course;
use crate::seed::Seed;

mod presets;
pub use presets::Preset;

/// Why a cohort could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A folder or file could not be made.
    #[error("cannot write `{}`: {source}; choose another output folder or make room", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The truth could not be put into words.
    #[error("cannot write the truth as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl WriteError {
    /// Stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "testdata.write",
            Self::Json(_) => "testdata.json",
        }
    }
}

/// A cohort being described.
#[derive(Clone)]
pub struct Cohort {
    seed: u64,
    courses: Vec<Course>,
}

/// A cohort without courses, seed 42.
pub fn cohort() -> Cohort {
    Cohort {
        seed: 42,
        courses: Vec::new(),
    }
}

impl Cohort {
    /// Sets the seed; courses described afterwards depend on it.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Adds a course: `|c| c.ct([64, 64, 20]).sphere("PTV", 15.0)`.
    #[must_use]
    pub fn course(mut self, describe: impl FnOnce(Course) -> Course) -> Self {
        let number = self.courses.len() + 1;
        let seed = Seed::new(self.seed).child("course", number as u64);
        self.courses.push(describe(Course::new(seed, number)));
        self
    }

    /// The courses described so far.
    pub fn courses(&self) -> &[Course] {
        &self.courses
    }

    /// What is true of the cohort.
    pub fn truth(&self) -> Truth {
        Truth {
            seed: self.seed,
            courses: self.courses.par_iter().map(Course::truth).collect(),
        }
    }

    /// Writes every file below `folder` and `truth.json` into it. The bytes depend on the description and the seed alone.
    ///
    /// # Errors
    /// [`WriteError`] when a folder or file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<Truth, WriteError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source| WriteError::File { path, source }
        };
        self.courses.par_iter().try_for_each(|course| {
            course.jobs().into_par_iter().try_for_each(|job| {
                course.build(job).iter().try_for_each(|object| {
                    let path = folder.join(&object.path);
                    let parent = path.parent().unwrap_or(folder);
                    std::fs::create_dir_all(parent).map_err(failed(parent))?;
                    std::fs::write(&path, object.file.to_bytes()).map_err(failed(&path))
                })
            })
        })?;
        let truth = self.truth();
        let path = folder.join("truth.json");
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
        let mut text = serde_json::to_string_pretty(&truth)?;
        text.push('\n');
        std::fs::write(&path, text).map_err(failed(&path))?;
        Ok(truth)
    }
}
