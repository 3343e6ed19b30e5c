//! RTDOSE (PS3.3 C.8.8.3) as a volume in Gy.
//!
//! Frames are placed by `GridFrameOffsetVector` along the normal of the image plane, whichever way and however unevenly it runs;
//! the volume has ascending slices in the voxel order of dcm2niix. Rules: `spec/dvh-algorithms.md` section 1, `spec/ingest.md` 7.1.

use std::path::{Path, PathBuf};

use dicom::core::Tag;
use dicom::dictionary_std::tags;
use ndarray::Array3;
use rt_core::{Grid, GridError, Mat3, Vec3};
use rt_image::Volume;
use serde::{Deserialize, Serialize};

use crate::dataset::Fields;
use crate::entry::PixelFormat;
use crate::gate::Limits;
use crate::header::{pixel_format, unique};
use crate::notice::Notice;
use crate::open::{OpenError, open};
use crate::pixels::{Frames, PixelError};
use crate::reg::{self, Joined, Registration};
use crate::stack::directions;
use crate::stored_dvh::{StoredDvh, stored_dvhs};
use crate::value::{Date, Time};

/// Why a dose cannot be read or added.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DoseError {
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
    /// A scaling that cannot be.
    #[error("{path}: DoseGridScaling is {value}; it must be above 0")]
    Scaling {
        /// The file.
        path: PathBuf,
        /// The stored value.
        value: f64,
    },
    /// `DoseType` ERROR: a difference of doses.
    #[error("{path}: DoseType is ERROR, which is no dose")]
    ErrorType {
        /// The file.
        path: PathBuf,
    },
    /// Units that are neither Gy nor relative.
    #[error("{path}: DoseUnits is {units:?}; only GY, CGY and RELATIVE are known")]
    Units {
        /// The file.
        path: PathBuf,
        /// The stored value.
        units: String,
    },
    /// Frames that cannot be placed.
    #[error("{path}: GridFrameOffsetVector {reason}")]
    Offsets {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A lattice that cannot be.
    #[error("{path}: {source}")]
    Grid {
        /// The file.
        path: PathBuf,
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
    /// Doses that do not add up.
    #[error("doses cannot be added: {reason}")]
    Sum {
        /// The reason.
        reason: String,
    },
}

impl DoseError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open(e) => e.code(),
            Self::Missing { .. } => "dose.missing_attribute",
            Self::Scaling { .. } => "dose.scaling",
            Self::ErrorType { .. } => "dose.error_type",
            Self::Units { .. } => "dose.units",
            Self::Offsets { .. } => "dose.frame_offsets",
            Self::Grid { .. } => "dose.grid",
            Self::Pixels { source, .. } => source.code(),
            Self::Sum { .. } => "dose.sum",
        }
    }
}

/// What the samples mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DoseUnits {
    /// Gray.
    #[serde(rename = "GY")]
    Gy,
    /// A share of some reference: never gray by itself.
    #[serde(rename = "RELATIVE")]
    Relative,
}

impl DoseUnits {
    /// The DICOM defined term.
    pub fn term(self) -> &'static str {
        match self {
            Self::Gy => "GY",
            Self::Relative => "RELATIVE",
        }
    }
}

/// A beam that a dose refers to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BeamReference {
    /// Plan UID.
    pub plan: String,
    /// `ReferencedFractionGroupNumber`.
    pub group: Option<i64>,
    /// `ReferencedBeamNumber`.
    pub beam: i64,
}

/// A dose object.
#[derive(Debug, Clone, PartialEq)]
pub struct Dose {
    /// Gy, or the stored share when the units are relative. `[k][j][i]`, k ascending along the normal.
    pub volume: Volume<f32>,
    /// Header facts.
    pub header: DoseHeader,
    /// Findings.
    pub notices: Vec<Notice>,
}

impl Dose {
    /// The same dose in a frame of reference, when it stands in another one and a rigid registration joins the two; else as it was.
    #[must_use]
    pub fn into_frame(mut self, registrations: &[Registration], frame: &str) -> Self {
        if self.header.frame_uid == frame {
            return self;
        }
        let motion = match reg::join(registrations, &self.header.frame_uid, frame) {
            Joined::Not => return self,
            Joined::Contradicted => None,
            Joined::By(motion) => Some(motion),
        };
        let moved = motion.and_then(|m| m.move_grid(self.volume.grid()).ok());
        let Some(grid) = moved else {
            let text = "registrations contradict each other: none was applied to the dose".to_owned();
            self.notices.push(Notice::new("reg.contradiction", text));
            return self;
        };
        match Volume::new(grid, self.volume.data().clone()) {
            Ok(volume) => self.volume = volume,
            Err(_) => return self,
        }
        let text = format!(
            "dose {} was brought into the frame of the planning CT by a rigid registration",
            self.header.sop_uid
        );
        self.notices.push(Notice::new("dose.registered", text));
        frame.clone_into(&mut self.header.frame_uid);
        self
    }
}

/// Header facts of a dose object.
#[derive(Debug, Clone, PartialEq)]
pub struct DoseHeader {
    /// `SOPInstanceUID`.
    pub sop_uid: String,
    /// `StudyInstanceUID`.
    pub study_uid: String,
    /// `FrameOfReferenceUID`, empty when missing.
    pub frame_uid: String,
    /// What the samples mean.
    pub units: DoseUnits,
    /// `DoseType`: `PHYSICAL`, `EFFECTIVE`.
    pub dose_type: String,
    /// `DoseSummationType`: `PLAN`, `BEAM`, `FRACTION`, `MULTI_PLAN`, ...; `PLAN` when missing.
    pub summation: String,
    /// `DoseComment`.
    pub comment: Option<String>,
    /// `DoseGridScaling`.
    pub scaling: f64,
    /// Plans that it refers to.
    pub plans: Vec<String>,
    /// Structure sets that it refers to.
    pub structures: Vec<String>,
    /// Beams that it refers to.
    pub beams: Vec<BeamReference>,
    /// Histograms that the planning system stored with it.
    pub stored_dvhs: Vec<StoredDvh>,
    /// `InstanceCreationDate` and time.
    pub created: Option<(Date, Option<Time>)>,
    /// Smallest, largest and mean sample.
    pub min: f64,
    /// Largest sample.
    pub max: f64,
    /// Mean over the grid.
    pub mean: f64,
}

const DOSE_TAGS: &[Tag] = &[
    tags::INSTANCE_CREATION_DATE,
    tags::INSTANCE_CREATION_TIME,
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::MODALITY,
    tags::SLICE_THICKNESS,
    tags::STUDY_INSTANCE_UID,
    tags::IMAGE_POSITION_PATIENT,
    tags::IMAGE_ORIENTATION_PATIENT,
    tags::FRAME_OF_REFERENCE_UID,
    tags::SAMPLES_PER_PIXEL,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::PIXEL_SPACING,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::HIGH_BIT,
    tags::PIXEL_REPRESENTATION,
    tags::DOSE_UNITS,
    tags::DOSE_TYPE,
    tags::DOSE_COMMENT,
    tags::DOSE_SUMMATION_TYPE,
    tags::GRID_FRAME_OFFSET_VECTOR,
    tags::DOSE_GRID_SCALING,
    tags::DVH_SEQUENCE,
    tags::REFERENCED_RT_PLAN_SEQUENCE,
    tags::REFERENCED_STRUCTURE_SET_SEQUENCE,
];

/// Reads an RTDOSE file with the default limits.
///
/// # Errors
/// [`DoseError`] when it is none, its frames cannot be placed, or its samples cannot be read.
pub fn read_dose(path: &Path) -> Result<Dose, DoseError> {
    read_dose_with(path, &Limits::default())
}

/// Reads an RTDOSE file.
///
/// # Errors
/// As [`read_dose`].
pub fn read_dose_with(path: &Path, limits: &Limits) -> Result<Dose, DoseError> {
    let opened = open(path, limits, DOSE_TAGS)?;
    let f = opened.fields();
    let class = f.code(tags::SOP_CLASS_UID).unwrap_or_else(|| opened.gated.media_class.clone());
    let modality = f.code(tags::MODALITY).unwrap_or_default();
    if crate::sop::family(&class, &modality) != crate::sop::Family::Dose {
        return Err(OpenError::WrongKind {
            path: path.to_path_buf(),
            expected: "an RTDOSE",
            found: if class.is_empty() { modality } else { class },
        }
        .into());
    }
    crate::open::refuse_cut(path, &opened.gated)?;
    let mut notices = Vec::new();
    let (units, factor) = units(path, f, &mut notices)?;
    let dose_type = f.code(tags::DOSE_TYPE).unwrap_or_else(|| "PHYSICAL".to_owned());
    if dose_type == "ERROR" {
        return Err(DoseError::ErrorType { path: path.to_path_buf() });
    }
    let scaling = f.f64(tags::DOSE_GRID_SCALING).ok_or_else(|| missing(path, "DoseGridScaling"))?;
    if scaling <= 0.0 {
        return Err(DoseError::Scaling {
            path: path.to_path_buf(),
            value: scaling,
        });
    }
    let Ok(Some(format)) = pixel_format(f) else {
        return Err(missing(path, "Rows, Columns or BitsAllocated"));
    };
    if format.signed {
        notices.push(Notice::new(
            "dose.signed",
            "samples are signed (PixelRepresentation 1) and are read as such",
        ));
    }
    let (grid, reversed) = grid(path, f, format, &mut notices)?;
    let pixels = |source| DoseError::Pixels {
        path: path.to_path_buf(),
        source,
    };
    let mut frames = Frames::open(path, &opened.gated, format, limits).map_err(pixels)?;
    let data = samples(&mut frames, format, reversed, scaling * factor).map_err(pixels)?;
    let (min, max, mean) = extremes(&data);
    let array = Array3::from_shape_vec(grid.shape(), data).map_err(|_| missing(path, "PixelData"))?;
    let volume = Volume::new(grid, array).map_err(|_| missing(path, "PixelData"))?;
    let header = DoseHeader {
        sop_uid: f.code(tags::SOP_INSTANCE_UID).unwrap_or_default(),
        study_uid: f.code(tags::STUDY_INSTANCE_UID).unwrap_or_default(),
        frame_uid: f.code(tags::FRAME_OF_REFERENCE_UID).unwrap_or_default(),
        units,
        dose_type,
        summation: f.code(tags::DOSE_SUMMATION_TYPE).unwrap_or_else(|| "PLAN".to_owned()),
        comment: f.text(tags::DOSE_COMMENT),
        scaling,
        plans: unique(f.references(tags::REFERENCED_RT_PLAN_SEQUENCE)),
        structures: f.references(tags::REFERENCED_STRUCTURE_SET_SEQUENCE),
        beams: beams(f),
        stored_dvhs: stored_dvhs(f, &mut notices),
        created: f
            .date(tags::INSTANCE_CREATION_DATE)
            .map(|d| (d, f.time(tags::INSTANCE_CREATION_TIME))),
        min,
        max,
        mean,
    };
    Ok(Dose { volume, header, notices })
}

fn missing(path: &Path, attribute: &'static str) -> DoseError {
    DoseError::Missing {
        path: path.to_path_buf(),
        attribute,
    }
}

/// Units and the factor that makes them gray.
fn units(path: &Path, f: Fields<'_>, notices: &mut Vec<Notice>) -> Result<(DoseUnits, f64), DoseError> {
    let stored = f.code(tags::DOSE_UNITS).unwrap_or_default();
    match stored.to_ascii_uppercase().as_str() {
        "GY" => Ok((DoseUnits::Gy, 1.0)),
        "RELATIVE" => {
            notices.push(Notice::new(
                "dose.relative",
                "dose is RELATIVE; no figure in Gy can be given without dvh.relative_reference_gy",
            ));
            Ok((DoseUnits::Relative, 1.0))
        }
        "CGY" => {
            notices.push(Notice::new("dose.cgy", "dose is in cGy and was divided by 100"));
            Ok((DoseUnits::Gy, 0.01))
        }
        _ => Err(DoseError::Units {
            path: path.to_path_buf(),
            units: stored,
        }),
    }
}

fn beams(f: Fields<'_>) -> Vec<BeamReference> {
    let mut out = Vec::new();
    for plan in f.items(tags::REFERENCED_RT_PLAN_SEQUENCE) {
        let uid = plan.code(tags::REFERENCED_SOP_INSTANCE_UID).unwrap_or_default();
        for group in plan.items(tags::REFERENCED_FRACTION_GROUP_SEQUENCE) {
            let number = group.integer(tags::REFERENCED_FRACTION_GROUP_NUMBER);
            let numbers = group
                .items(tags::REFERENCED_BEAM_SEQUENCE)
                .filter_map(|b| b.integer(tags::REFERENCED_BEAM_NUMBER));
            out.extend(numbers.map(|beam| BeamReference {
                plan: uid.clone(),
                group: number,
                beam,
            }));
        }
    }
    out
}

/// Lattice with ascending slices, and whether the frames have to be reversed for it.
fn grid(path: &Path, f: Fields<'_>, format: PixelFormat, notices: &mut Vec<Notice>) -> Result<(Grid, bool), DoseError> {
    let position: [f64; 3] = f
        .array(tags::IMAGE_POSITION_PATIENT)
        .ok_or_else(|| missing(path, "ImagePositionPatient"))?;
    let orientation: [f64; 6] = f
        .array(tags::IMAGE_ORIENTATION_PATIENT)
        .ok_or_else(|| missing(path, "ImageOrientationPatient"))?;
    let [row_gap, column_gap]: [f64; 2] = f.array(tags::PIXEL_SPACING).ok_or_else(|| missing(path, "PixelSpacing"))?;
    let (u, v) = directions(orientation).ok_or_else(|| missing(path, "ImageOrientationPatient (two perpendicular unit vectors)"))?;
    let normal = u.cross(v).normalize();
    let mut offsets = offsets(path, f, format, position, normal, notices)?;
    let falls = offsets.first() > offsets.last();
    if falls {
        offsets.reverse();
    }
    let first = offsets.first().copied().unwrap_or(0.0);
    let origin = Vec3::from(position) + normal * first + v * (row_gap * f64::from(format.rows.saturating_sub(1)));
    let offsets: Vec<f64> = offsets.iter().map(|o| o - first).collect();
    let wrap = |source| DoseError::Grid {
        path: path.to_path_buf(),
        source,
    };
    let n = offsets.len();
    let thickness = f.f64(tags::SLICE_THICKNESS).filter(|t| *t > 0.0);
    let step = match offsets.last() {
        Some(length) if n > 1 => length / (n - 1) as f64,
        _ => thickness.unwrap_or(row_gap),
    };
    if n == 1 {
        notices.push(Notice::new(
            "dose.single_plane",
            "one dose plane only: its dose holds for one thickness",
        ));
    }
    let size = [format.columns as usize, format.rows as usize, n];
    let grid = Grid::new(size, origin, [column_gap, row_gap, step], Mat3::from_cols(u, -v, normal)).map_err(wrap)?;
    Ok((grid.with_offsets(offsets).map_err(wrap)?, falls))
}

/// Positions of the frames along the normal from `ImagePositionPatient`, in stored order.
fn offsets(
    path: &Path,
    f: Fields<'_>,
    format: PixelFormat,
    position: [f64; 3],
    normal: Vec3,
    notices: &mut Vec<Notice>,
) -> Result<Vec<f64>, DoseError> {
    let bad = |reason: String| DoseError::Offsets {
        path: path.to_path_buf(),
        reason,
    };
    let frames = format.frames as usize;
    let Some(stored) = f.f64s(tags::GRID_FRAME_OFFSET_VECTOR) else {
        if frames == 1 {
            return Ok(vec![0.0]);
        }
        if f.has(tags::GRID_FRAME_OFFSET_VECTOR) && f.text(tags::GRID_FRAME_OFFSET_VECTOR).is_some() {
            return Err(bad("holds something that is no number".to_owned()));
        }
        let thickness = f.f64(tags::SLICE_THICKNESS).filter(|t| *t > 0.0);
        let step = thickness.ok_or_else(|| bad(format!("is missing for {frames} frames, and there is no SliceThickness")))?;
        notices.push(Notice::new(
            "dose.no_frame_offsets",
            format!("GridFrameOffsetVector is missing; frames are placed {step} mm apart (SliceThickness)"),
        ));
        return Ok((0..frames).map(|k| k as f64 * step).collect());
    };
    if stored.len() != frames {
        return Err(bad(format!("has {} values for {frames} frames", stored.len())));
    }
    let rises = stored.iter().zip(stored.iter().skip(1)).all(|(a, b)| b > a);
    let falls = stored.iter().zip(stored.iter().skip(1)).all(|(a, b)| b < a);
    if frames > 1 && !rises && !falls {
        return Err(bad("neither rises nor falls throughout".to_owned()));
    }
    let first = stored.first().copied().unwrap_or(0.0);
    if first.abs() < 1e-9 {
        return Ok(stored);
    }
    // Absolute form: patient z of each frame.
    let [_, _, z] = position;
    if (first - z).abs() > 0.01 {
        notices.push(Notice::new(
            "dose.gfov_inconsistent",
            format!("GridFrameOffsetVector begins at {first} mm, ImagePositionPatient at z = {z} mm; the position is trusted"),
        ));
    }
    let sense = if normal.z < -0.5 { -1.0 } else { 1.0 };
    Ok(stored.iter().map(|g| (g - first) * sense).collect())
}

/// All frames in order of ascending slices, bottom row first, times `factor`.
fn samples(frames: &mut Frames, format: PixelFormat, reversed: bool, factor: f64) -> Result<Vec<f32>, PixelError> {
    let columns = format.columns as usize;
    let mut out = Vec::new();
    let mut plane = Vec::new();
    for k in 0..format.frames {
        let frame = if reversed { format.frames - 1 - k } else { k };
        frames.read(frame, &mut plane)?;
        for row in plane.chunks_exact(columns).rev() {
            out.extend(row.iter().map(|v| single(v * factor)));
        }
    }
    Ok(out)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "scaled in double precision, kept in single: relative error 6e-8"
)]
fn single(v: f64) -> f32 {
    v as f32
}

/// Smallest, largest and mean sample.
pub(crate) fn extremes(data: &[f32]) -> (f64, f64, f64) {
    let min = data.iter().copied().fold(f32::INFINITY, f32::min);
    let max = data.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total = rt_core::float::sum(data.iter().map(|v| f64::from(*v)));
    (f64::from(min), f64::from(max), total / data.len().max(1) as f64)
}
