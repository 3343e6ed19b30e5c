//! Where every file of an output folder lies. No other module builds such a path.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use crate::course_dir::CourseDir;
use crate::naming::is_folder_name;

/// A folder that cannot be an output or course folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// It is not there, or not readable.
    #[error("cannot open the {what} {path}")]
    Open {
        /// `output folder` or `course folder`.
        what: &'static str,
        /// The path as given.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The path is not UTF-8; tables and manifests could not name it.
    #[error("the path {path} is not valid UTF-8")]
    NotUtf8 {
        /// The path, with replacement characters.
        path: String,
    },
    /// A folder name that no folder of ours has.
    #[error("{name:?} is not a patient or course folder name")]
    BadName {
        /// The name.
        name: String,
    },
    /// The folder exists but organize did not make it.
    #[error("{path} is no course folder: it has no course.json")]
    NoCourse {
        /// The folder.
        path: Utf8PathBuf,
    },
}

impl LayoutError {
    /// Stable code: `layout.open`, `layout.not_utf8`, `layout.bad_name`, `layout.no_course`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open { .. } => "layout.open",
            Self::NotUtf8 { .. } => "layout.not_utf8",
            Self::BadName { .. } => "layout.bad_name",
            Self::NoCourse { .. } => "layout.no_course",
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Open { .. } => "check the path and its permissions",
            Self::NotUtf8 { .. } => "rename the folder, or process a link to it with a plain name",
            Self::BadName { .. } => "name the course as `rtpipeline status` lists it: PATIENT/COURSE",
            Self::NoCourse { .. } => "run `rt-organize --input DICOM_DIR --output OUT` first, then give OUT/<patient>/<course>",
        }
    }
}

/// Files that one stage keeps about itself, in a course or in the cohort. See [`CourseDir::stage`] and [`Cohort::stage`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageFiles {
    /// Name of the stage.
    pub stage: String,
    /// Folder that recorded paths are relative to.
    pub root: Utf8PathBuf,
    /// `P01/C1`, or empty for the cohort.
    pub token: String,
    /// Our stamp: `state/<stage>.json`.
    pub stamp: Utf8PathBuf,
    /// What workflow engines wait for: `state/<stage>.ok`.
    pub ok: Utf8PathBuf,
    /// The lock: `state/<stage>.lock`.
    pub lease: Utf8PathBuf,
    /// Cost and versions: `provenance/<stage>.json`.
    pub provenance: Utf8PathBuf,
    /// Events, one JSON object a line.
    pub log: Utf8PathBuf,
}

impl StageFiles {
    pub(crate) fn new(stage: &str, root: &Utf8Path, token: &str, keep: &Utf8Path, logs: &Utf8Path) -> Self {
        let file = |extension: &str| keep.join("state").join(format!("{stage}.{extension}"));
        Self {
            stage: stage.to_owned(),
            root: root.to_owned(),
            token: token.to_owned(),
            stamp: file("json"),
            ok: file("ok"),
            lease: file("lock"),
            provenance: keep.join("provenance").join(format!("{stage}.json")),
            log: logs.join(format!("{stage}.jsonl")),
        }
    }

    /// A path as records name it: relative to [`StageFiles::root`] with `/`, or unchanged when it lies elsewhere.
    pub fn relative(&self, path: &Utf8Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).as_str().to_owned()
    }

    /// The folder of the provenance files of all stages here.
    pub fn provenance_dir(&self) -> &Utf8Path {
        self.provenance.parent().unwrap_or(&self.root)
    }
}

/// Kinds of table files in `_RESULTS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TableFormat {
    /// `.parquet`
    Parquet,
    /// `.xlsx`
    Xlsx,
    /// `.csv`
    Csv,
}

impl TableFormat {
    /// The file extension, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
        }
    }
}

/// A path as the system names it, or from the working folder when nothing is there yet.
pub(crate) fn absolute(path: &std::path::Path, what: &'static str) -> Result<Utf8PathBuf, LayoutError> {
    let open = |source| LayoutError::Open {
        what,
        path: path.display().to_string(),
        source,
    };
    let full = path.canonicalize().or_else(|_| std::path::absolute(path)).map_err(open)?;
    Utf8PathBuf::from_path_buf(full).map_err(|p| LayoutError::NotUtf8 {
        path: p.display().to_string(),
    })
}

/// An output folder: all courses of one study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohort {
    root: Utf8PathBuf,
}

impl Cohort {
    /// The cohort that a course folder lies in.
    pub(crate) fn around(course: &Utf8Path) -> Self {
        Self {
            root: course.parent().and_then(Utf8Path::parent).unwrap_or(course).to_owned(),
        }
    }

    /// The cohort in `root`, which need not exist yet.
    ///
    /// # Errors
    /// [`LayoutError`] when the path is not UTF-8 or cannot be made absolute.
    pub fn new(root: impl AsRef<std::path::Path>) -> Result<Self, LayoutError> {
        absolute(root.as_ref(), "output folder").map(|root| Self { root })
    }

    /// The output folder.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// The course in `<patient>/<course>`, folder names as [`crate::folder_names`] made them. It need not exist yet.
    ///
    /// # Errors
    /// [`LayoutError::BadName`] for a name that could leave the output folder or is reserved.
    pub fn course(&self, patient_folder: &str, course_folder: &str) -> Result<CourseDir, LayoutError> {
        for name in [patient_folder, course_folder] {
            if !is_folder_name(name) {
                return Err(LayoutError::BadName { name: name.to_owned() });
            }
        }
        Ok(CourseDir::new(
            self.root.join(patient_folder).join(course_folder),
            format!("{patient_folder}/{course_folder}"),
        ))
    }

    /// The course at a manifest path `<patient>/<course>`.
    ///
    /// # Errors
    /// [`LayoutError::BadName`] when it is not two folder names.
    pub fn course_at(&self, path: &str) -> Result<CourseDir, LayoutError> {
        let (patient, course) = path.split_once('/').ok_or_else(|| LayoutError::BadName { name: path.to_owned() })?;
        self.course(patient, course)
    }

    /// `_COHORT`
    pub fn cohort_dir(&self) -> Utf8PathBuf {
        self.root.join("_COHORT")
    }

    /// `_COHORT/manifest.json` ([`crate::manifest::Manifest`]).
    pub fn manifest(&self) -> Utf8PathBuf {
        self.cohort_dir().join("manifest.json")
    }

    /// `_COHORT/cache.bin`: parsed headers, safe to delete.
    pub fn cache(&self) -> Utf8PathBuf {
        self.cohort_dir().join("cache.bin")
    }

    /// `_COHORT/config.toml`: the effective configuration of the last run.
    pub fn config(&self) -> Utf8PathBuf {
        self.cohort_dir().join("config.toml")
    }

    /// `_RESULTS`
    pub fn results_dir(&self) -> Utf8PathBuf {
        self.root.join("_RESULTS")
    }

    /// `_RESULTS/<name>.<format>`; `name` is one of the contract's tables.
    pub fn table(&self, name: &str, format: TableFormat) -> Utf8PathBuf {
        self.results_dir().join(format!("{name}.{}", format.extension()))
    }

    /// `_RESULTS/columns.md`: the dictionary of every column.
    pub fn columns(&self) -> Utf8PathBuf {
        self.results_dir().join("columns.md")
    }

    /// `_RESULTS/report.html`
    pub fn report(&self) -> Utf8PathBuf {
        self.results_dir().join("report.html")
    }

    /// `_LOGS`
    pub fn logs_dir(&self) -> Utf8PathBuf {
        self.root.join("_LOGS")
    }

    /// What a stage of the whole cohort (organize, aggregate) keeps about itself.
    pub fn stage(&self, stage: &str) -> StageFiles {
        StageFiles::new(stage, &self.root, "", &self.cohort_dir(), &self.logs_dir())
    }
}
