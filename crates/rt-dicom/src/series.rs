//! The files of one series, how to read them, and why that can fail.

use std::path::PathBuf;
use std::sync::Arc;

use rt_core::GridError;
use serde::{Deserialize, Serialize};

use crate::entry::{FileEntry, ImageFacts, ObjectKind};
use crate::gate::Limits;
use crate::pixels::PixelError;
use crate::value::Date;

/// What to do about slices that are not evenly spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SliceGap {
    /// Resample to the median spacing up to a gap of twice the median, refuse above.
    #[default]
    Auto,
    /// Refuse.
    Fail,
    /// Resample whatever the gap.
    Resample,
}

/// How to read a series.
#[derive(Debug, Clone, Copy, Default)]
pub struct SeriesOptions {
    /// Caps of the parsers.
    pub limits: Limits,
    /// Uneven spacing.
    pub slice_gap: SliceGap,
}

/// Why a series gives no volume.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeriesError {
    /// No file of it has geometry.
    #[error("series {series} has no slice with position, orientation and spacing")]
    NoSlices {
        /// Series UID.
        series: String,
    },
    /// Directions that are no directions.
    #[error("series {series}: ImageOrientationPatient {orientation:?} is not two perpendicular unit vectors")]
    Orientation {
        /// Series UID.
        series: String,
        /// The stored value.
        orientation: [f64; 6],
    },
    /// Slices at the same position that nothing tells apart.
    #[error(
        "series {series}: {count} slices share their position with another one and nothing tells the stacks apart; export one reconstruction"
    )]
    DuplicatePosition {
        /// Series UID.
        series: String,
        /// Slices too many.
        count: usize,
    },
    /// Missing slices.
    #[error(
        "series {series}: gap of {gap_mm:.3} mm at {at_mm:.2} mm, the others are {median_mm:.3} mm; complete the export, or set organize.slice_gap = \"resample\""
    )]
    SliceGap {
        /// Series UID.
        series: String,
        /// Largest gap.
        gap_mm: f64,
        /// Median gap.
        median_mm: f64,
        /// Position of the slice before the gap along the normal.
        at_mm: f64,
    },
    /// Slice origins that do not lie on one line.
    #[error("series {series}: slice origins leave their common line by {off_mm:.2} mm; it is no volume")]
    Misaligned {
        /// Series UID.
        series: String,
        /// Largest distance from the line.
        off_mm: f64,
    },
    /// A lattice that cannot be.
    #[error("series {series}: {source}")]
    Grid {
        /// Series UID.
        series: String,
        /// The reason.
        source: GridError,
    },
    /// Samples that cannot be read.
    #[error("{path}: {source}")]
    Pixels {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: PixelError,
    },
}

impl SeriesError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSlices { .. } => "series.no_slices",
            Self::Orientation { .. } => "series.orientation",
            Self::DuplicatePosition { .. } => "series.duplicate_position",
            Self::SliceGap { .. } => "series.slice_gap",
            Self::Misaligned { .. } => "series.misaligned",
            Self::Grid { .. } => "series.grid",
            Self::Pixels { source, .. } => source.code(),
        }
    }
}

/// One file of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesFile {
    /// Where it lies.
    pub path: PathBuf,
    /// What is known of it.
    pub entry: Arc<FileEntry>,
}

/// The files of one `SeriesInstanceUID`, sorted by path.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesEntry {
    /// `SeriesInstanceUID`.
    pub series_uid: String,
    /// `StudyInstanceUID` of the first file.
    pub study_uid: String,
    /// `FrameOfReferenceUID` of the first file, empty when missing.
    pub frame_uid: String,
    /// `Modality` of the first file.
    pub modality: String,
    /// `SeriesDescription` of the first file.
    pub description: String,
    /// `Manufacturer` and `ManufacturerModelName` of the first file.
    pub device: String,
    /// `SeriesDate`, else `StudyDate`, of the first file.
    pub date: Option<Date>,
    /// The files.
    pub files: Vec<SeriesFile>,
}

impl SeriesEntry {
    /// From files of one series, in the order given.
    pub fn new(files: Vec<SeriesFile>) -> Option<Self> {
        let first = files.first()?.entry.object()?;
        Some(Self {
            series_uid: first.series_uid.clone(),
            study_uid: first.study_uid.clone(),
            frame_uid: first.frame_uid.clone(),
            modality: first.modality.clone(),
            description: first.series_description.clone(),
            device: first.device.clone(),
            date: first.series_date.or(first.study_date),
            files,
        })
    }

    /// Frames with geometry, localizers apart.
    pub fn slice_count(&self) -> usize {
        self.images()
            .filter(|(_, image)| !is_localizer(image))
            .map(|(_, image)| image.planes.len())
            .sum()
    }

    pub(crate) fn images(&self) -> impl Iterator<Item = (&SeriesFile, &ImageFacts)> {
        self.files.iter().filter_map(|file| match &file.entry.object()?.kind {
            ObjectKind::Image(image) => Some((file, image.as_ref())),
            _ => None,
        })
    }
}

/// Whether `ImageType` says that the image is a scout.
pub(crate) fn is_localizer(image: &ImageFacts) -> bool {
    image.image_type.split('\\').any(|v| v.eq_ignore_ascii_case("LOCALIZER"))
}
