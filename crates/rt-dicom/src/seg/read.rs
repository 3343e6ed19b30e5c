//! Reading a segmentation: binary, fractional (with a stated threshold) and label map.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dicom::core::Tag;
use dicom::dictionary_std::tags;
use ndarray::Array3;
use rayon::prelude::*;
use rt_core::Grid;
use rt_image::{Mask, MaskError};

use crate::dataset::Fields;
use crate::entry::PixelFormat;
use crate::gate::Limits;
use crate::header::{pixel_format, planes, unique};
use crate::notice::Notice;
use crate::open::{OpenError, Opened, open, refuse_cut};
use crate::pixels::{Bits, Frames, PixelError};
use crate::sop::{Family, family};

use super::lattice::{Lattice, SAME_POSITION_MM};

/// Why a segmentation cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SegError {
    /// The file cannot be opened as DICOM.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A needed attribute is missing or no number.
    #[error("{path}: {attribute} is missing or no number")]
    Missing {
        /// The file.
        path: PathBuf,
        /// The attribute.
        attribute: &'static str,
    },
    /// A kind of segmentation that is not read.
    #[error("{path}: SegmentationType is {found:?}; BINARY, FRACTIONAL and LABELMAP are read")]
    Kind {
        /// The file.
        path: PathBuf,
        /// The stored value.
        found: String,
    },
    /// Frames that make no lattice.
    #[error("{path}: its frames make no even stack: {reason}")]
    Frames {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        reason: String,
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

impl SegError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open(e) => e.code(),
            Self::Missing { .. } => "seg.missing_attribute",
            Self::Kind { .. } => "seg.kind",
            Self::Frames { .. } => "seg.frames",
            Self::Pixels { source, .. } => source.code(),
        }
    }
}

/// How a segmentation is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegOptions {
    /// Share of `MaximumFractionalValue` from which a voxel of a fractional segment is inside.
    pub threshold: f64,
    /// Caps of the parser.
    pub limits: Limits,
}

impl Default for SegOptions {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            limits: Limits::default(),
        }
    }
}

/// A segmentation object.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadSegmentation {
    /// `SOPInstanceUID`.
    pub sop_uid: String,
    /// `StudyInstanceUID`.
    pub study_uid: String,
    /// `FrameOfReferenceUID`, empty when missing.
    pub frame_uid: String,
    /// `SegmentationType`.
    pub kind: String,
    /// Series that it refers to.
    pub series: Vec<String>,
    /// The lattice that its frames span, in the voxel order of dcm2niix.
    pub grid: Arc<Grid>,
    /// Segments in order of number.
    pub segments: Vec<ReadSegment>,
    /// Findings.
    pub notices: Vec<Notice>,
}

/// One segment.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadSegment {
    /// `SegmentNumber`.
    pub number: u32,
    /// `SegmentLabel`.
    pub label: String,
    /// `SegmentDescription`.
    pub description: String,
    /// `SegmentAlgorithmType`.
    pub algorithm: String,
    /// Its voxels.
    pub mask: Mask,
}

const SEG_TAGS: &[Tag] = &[
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::MODALITY,
    tags::REFERENCED_SERIES_SEQUENCE,
    tags::STUDY_INSTANCE_UID,
    tags::FRAME_OF_REFERENCE_UID,
    tags::SAMPLES_PER_PIXEL,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::HIGH_BIT,
    tags::PIXEL_REPRESENTATION,
    tags::SEGMENTATION_TYPE,
    tags::SEGMENT_SEQUENCE,
    tags::MAXIMUM_FRACTIONAL_VALUE,
    tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
];

/// How samples become voxels.
#[derive(Debug, Clone, Copy)]
enum Samples {
    Binary,
    /// Inside from this stored value on.
    Fractional(f64),
    Labels,
}

/// Reads a segmentation. Frames are placed by their positions; slices without a frame are empty.
///
/// # Errors
/// [`SegError`] when it is none, its frames make no even stack, or its samples cannot be read.
pub fn read_segmentation(path: &Path, options: &SegOptions) -> Result<ReadSegmentation, SegError> {
    let opened = open(path, &options.limits, SEG_TAGS)?;
    let f = opened.fields();
    let class = f.code(tags::SOP_CLASS_UID).unwrap_or_else(|| opened.gated.media_class.clone());
    let modality = f.code(tags::MODALITY).unwrap_or_default();
    if family(&class, &modality) != Family::Segmentation {
        return Err(OpenError::WrongKind {
            path: path.to_path_buf(),
            expected: "a segmentation",
            found: if class.is_empty() { modality } else { class },
        }
        .into());
    }
    refuse_cut(path, &opened.gated)?;
    let kind = f.code(tags::SEGMENTATION_TYPE).unwrap_or_default();
    let mut notices = Vec::new();
    let samples = match kind.as_str() {
        "BINARY" => Samples::Binary,
        "FRACTIONAL" => {
            let max = f.f64(tags::MAXIMUM_FRACTIONAL_VALUE).unwrap_or(255.0);
            let percent = options.threshold * 100.0;
            notices.push(Notice::new(
                "seg.fractional",
                format!("fractional segments: voxels of at least {percent} % of {max} are inside"),
            ));
            Samples::Fractional(options.threshold * max)
        }
        "LABELMAP" => Samples::Labels,
        _ => {
            return Err(SegError::Kind {
                path: path.to_path_buf(),
                found: kind,
            });
        }
    };
    let missing = |attribute| SegError::Missing {
        path: path.to_path_buf(),
        attribute,
    };
    let format = pixel_format(f)
        .ok()
        .flatten()
        .ok_or_else(|| missing("Rows, Columns or BitsAllocated"))?;
    let planes = planes(f, format.frames).map_err(|reason| SegError::Frames {
        path: path.to_path_buf(),
        reason,
    })?;
    if planes.len() != format.frames as usize {
        return Err(missing("the position, orientation or spacing of a frame"));
    }
    let lattice = Lattice::of(&planes, format, spacing_between(f), &options.limits).map_err(|reason| SegError::Frames {
        path: path.to_path_buf(),
        reason,
    })?;
    let segments = voxels(path, &opened, format, &lattice, samples, options)?;
    Ok(ReadSegmentation {
        sop_uid: f.code(tags::SOP_INSTANCE_UID).unwrap_or_default(),
        study_uid: f.code(tags::STUDY_INSTANCE_UID).unwrap_or_default(),
        frame_uid: f.code(tags::FRAME_OF_REFERENCE_UID).unwrap_or_default(),
        kind,
        series: unique(
            f.items(tags::REFERENCED_SERIES_SEQUENCE)
                .filter_map(|i| i.code(tags::SERIES_INSTANCE_UID))
                .collect(),
        ),
        grid: lattice.grid,
        segments,
        notices,
    })
}

fn spacing_between(f: Fields<'_>) -> Option<f64> {
    let measures = f
        .item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE)?
        .item(tags::PIXEL_MEASURES_SEQUENCE)?;
    let spacing = measures
        .f64(tags::SPACING_BETWEEN_SLICES)
        .or_else(|| measures.f64(tags::SLICE_THICKNESS));
    spacing.map(f64::abs).filter(|s| *s > SAME_POSITION_MM)
}

fn voxels(
    path: &Path,
    opened: &Opened,
    format: PixelFormat,
    lattice: &Lattice,
    samples: Samples,
    options: &SegOptions,
) -> Result<Vec<ReadSegment>, SegError> {
    let f = opened.fields();
    let failed = |source| SegError::Pixels {
        path: path.to_path_buf(),
        source,
    };
    let frames_of = frames_by_segment(f);
    let described: Vec<Fields<'_>> = f.items(tags::SEGMENT_SEQUENCE).collect();
    let named = |item: &Fields<'_>, mask: Mask, number: u32| ReadSegment {
        number,
        label: item.text(tags::SEGMENT_LABEL).unwrap_or_default(),
        description: item.text(tags::SEGMENT_DESCRIPTION).unwrap_or_default(),
        algorithm: item.code(tags::SEGMENT_ALGORITHM_TYPE).unwrap_or_default(),
        mask,
    };
    let number_of = |item: &Fields<'_>| item.unsigned::<u32>(tags::SEGMENT_NUMBER).unwrap_or(0);
    if let (Samples::Binary, 1) = (samples, format.allocated) {
        let bits = Bits::read(path, &opened.gated, format, &options.limits).map_err(failed)?;
        let numbers: Vec<u32> = described.iter().map(number_of).collect();
        let none = Vec::new();
        let masks: Vec<Result<Mask, MaskError>> = numbers
            .par_iter()
            .map(|n| {
                stacked(lattice, format, frames_of.get(n).unwrap_or(&none), |frame, pixel| {
                    bits.is_set(frame, pixel)
                })
            })
            .collect();
        return described
            .iter()
            .zip(numbers)
            .zip(masks)
            .map(|((item, n), mask)| mask.map(|m| named(item, m, n)).map_err(|e| wrong_block(path, &e)))
            .collect();
    }
    let mut reader = Frames::open(path, &opened.gated, format, &options.limits).map_err(failed)?;
    let mut planes: Vec<Vec<f64>> = Vec::with_capacity(format.frames as usize);
    for frame in 0..format.frames {
        let mut plane = Vec::new();
        reader.read(frame, &mut plane).map_err(failed)?;
        planes.push(plane);
    }
    let every: Vec<usize> = (0..planes.len()).collect();
    let value = |frame: usize, pixel: usize| planes.get(frame).and_then(|p| p.get(pixel)).copied().unwrap_or(0.0);
    described
        .iter()
        .map(|item| {
            let n = number_of(item);
            let own = frames_of.get(&n).map_or(&[][..], Vec::as_slice);
            let mask = match samples {
                Samples::Binary => stacked(lattice, format, own, |frame, pixel| value(frame, pixel) > 0.5),
                Samples::Fractional(from) => stacked(lattice, format, own, |frame, pixel| {
                    let v = value(frame, pixel);
                    v > 0.0 && v >= from
                }),
                Samples::Labels => stacked(lattice, format, &every, |frame, pixel| {
                    (value(frame, pixel) - f64::from(n)).abs() < 0.5
                }),
            };
            mask.map(|m| named(item, m, n)).map_err(|e| wrong_block(path, &e))
        })
        // A label map may describe its background.
        .filter(|segment| !matches!((samples, segment), (Samples::Labels, Ok(s)) if s.number == 0))
        .collect()
}

/// The frames of each segment number.
fn frames_by_segment(f: Fields<'_>) -> BTreeMap<u32, Vec<usize>> {
    let mut frames_of: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let shared = f.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE);
    for (frame, own) in f.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE).enumerate() {
        let identity = [Some(own), shared].into_iter().flatten();
        let number = identity
            .filter_map(|g| g.item(tags::SEGMENT_IDENTIFICATION_SEQUENCE))
            .find_map(|i| i.unsigned(tags::REFERENCED_SEGMENT_NUMBER));
        if let Some(number) = number {
            frames_of.entry(number).or_default().push(frame);
        }
    }
    frames_of
}

fn wrong_block(path: &Path, error: &MaskError) -> SegError {
    SegError::Frames {
        path: path.to_path_buf(),
        reason: error.to_string(),
    }
}

/// The mask of some frames, in a block of their slices.
fn stacked(lattice: &Lattice, format: PixelFormat, frames: &[usize], inside: impl Fn(usize, usize) -> bool) -> Result<Mask, MaskError> {
    let (rows, columns) = (format.rows as usize, format.columns as usize);
    let placed = || frames.iter().filter_map(|frame| Some((*frame, *lattice.k.get(*frame)?)));
    let (Some(lo), Some(hi)) = (placed().map(|p| p.1).min(), placed().map(|p| p.1).max()) else {
        return Ok(Mask::empty(&lattice.grid));
    };
    let mut block = Array3::<u8>::zeros((hi - lo + 1, rows, columns));
    for (frame, k) in placed() {
        let mut plane = block.index_axis_mut(ndarray::Axis(0), k - lo);
        for ((j, i), voxel) in plane.indexed_iter_mut() {
            // Rows of the grid run from the last stored one up.
            *voxel |= u8::from(inside(frame, (rows - 1 - j) * columns + i));
        }
    }
    Mask::from_block(&lattice.grid, [0, 0, lo], block)
}
