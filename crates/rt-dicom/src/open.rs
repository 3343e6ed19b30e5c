//! One RT object or image file through the gate, for the readers of this crate.

use std::path::{Path, PathBuf};

use dicom::core::Tag;

use crate::dataset::{Dataset, Fields};
use crate::gate::{self, GateError, Gated, Limits, Want};

/// Why an object cannot be read, whatever its kind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The gate lets it not through.
    #[error("{path}: {source}")]
    Gate {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: GateError,
    },
    /// An RT object of which the end is missing: nothing of it can be trusted.
    #[error("{path}: the file is cut ({declared} bytes declared, {have} there); copy it again from its source")]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes declared by the cut element.
        declared: u64,
        /// Bytes there.
        have: u64,
    },
    /// Another kind of object.
    #[error("{path}: is not {expected} (SOP class {found})")]
    WrongKind {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        expected: &'static str,
        /// Its SOP class or modality.
        found: String,
    },
}

impl OpenError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Gate { source, .. } => source.code(),
            Self::Truncated { .. } => "dicom.truncated",
            Self::WrongKind { .. } => "dicom.wrong_kind",
        }
    }
}

/// A file that passed the gate, with its elements.
pub(crate) struct Opened {
    pub(crate) gated: Gated,
    pub(crate) dataset: Dataset,
}

impl Opened {
    pub(crate) fn fields(&self) -> Fields<'_> {
        self.dataset.fields()
    }
}

/// Opens a file and collects root elements (ascending list).
pub(crate) fn open(path: &Path, limits: &Limits, want: &'static [Tag]) -> Result<Opened, OpenError> {
    let wrap = |source| OpenError::Gate {
        path: path.to_path_buf(),
        source,
    };
    let gated = gate::open(path, limits, Want::Tags(want)).map_err(wrap)?;
    let dataset = Dataset::of(&gated).map_err(wrap)?;
    Ok(Opened { gated, dataset })
}

/// Refuses a file whose end is missing.
pub(crate) fn refuse_cut(path: &Path, gated: &Gated) -> Result<(), OpenError> {
    match &gated.truncation {
        None => Ok(()),
        Some(cut) => Err(OpenError::Truncated {
            path: path.to_path_buf(),
            declared: cut.declared,
            have: cut.have,
        }),
    }
}
