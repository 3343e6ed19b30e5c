//! A series as a volume in the voxel order of dcm2niix (`spec/ingest.md` 1.15), in Hounsfield units or the units of its modality.

use std::path::Path;

use dicom::core::Tag;
use dicom::dictionary_std::tags;
use ndarray::Array3;
use rayon::prelude::*;
use rt_image::Volume;

use crate::dataset::{Dataset, Fields};
use crate::gate::{self, Want};
use crate::header::pixel_format;
use crate::notice::Notice;
use crate::pixels::{Frames, PixelError};
use crate::series::{SeriesEntry, SeriesError, SeriesOptions};
use crate::stack::{Slice, Stack, stack};
use crate::value::Date;

/// Samples of an image.
#[derive(Debug, Clone, PartialEq)]
pub enum ImageData {
    /// Whole numbers: slope and intercept are integral and the same in all slices, and every value fits.
    I16(Volume<i16>),
    /// Anything else.
    F32(Volume<f32>),
}

impl ImageData {
    /// The lattice.
    pub fn grid(&self) -> &std::sync::Arc<rt_core::Grid> {
        match self {
            Self::I16(v) => v.grid(),
            Self::F32(v) => v.grid(),
        }
    }

    /// The same samples on the lattice that a rigid motion brings it to; `None` when that lattice cannot be built.
    #[must_use]
    pub fn moved(&self, by: &crate::reg::Rigid) -> Option<Self> {
        let grid = by.move_grid(self.grid()).ok()?;
        match self {
            Self::I16(v) => Volume::new(grid, v.data().clone()).ok().map(Self::I16),
            Self::F32(v) => Volume::new(grid, v.data().clone()).ok().map(Self::F32),
        }
    }
}

/// A series that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageSeries {
    /// Samples, `[k][j][i]`, k ascending along the slice normal.
    pub data: ImageData,
    /// Facts of its header.
    pub header: SeriesHeader,
    /// Slices that it was made from, in order of k.
    pub slices: Vec<SlicePosition>,
    /// The slices were resampled to even spacing: `slices` are the originals.
    pub resampled_slices: bool,
    /// Angle between slice direction and slice normal, degrees.
    pub gantry_tilt_deg: f64,
    /// Decoded from a lossy syntax, or declared lossy.
    pub lossy: bool,
    /// Findings.
    pub notices: Vec<Notice>,
}

/// One slice of a volume.
#[derive(Debug, Clone, PartialEq)]
pub struct SlicePosition {
    /// `SOPInstanceUID`.
    pub sop_uid: String,
    /// Position of the slice along its normal, mm.
    pub position_mm: f64,
}

/// Header facts of a series, from its first slice along the normal.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SeriesHeader {
    /// `SOPClassUID`.
    pub sop_class: String,
    /// Unit of the samples: `HU`, `a.u.`, or `Units` of a PET image.
    pub unit: String,
    /// `Manufacturer`.
    pub manufacturer: Option<String>,
    /// `ManufacturerModelName`.
    pub model: Option<String>,
    /// `InstitutionName`.
    pub institution: Option<String>,
    /// `StudyDate`.
    pub study_date: Option<Date>,
    /// `SeriesDate`.
    pub series_date: Option<Date>,
    /// `SeriesDescription`.
    pub description: Option<String>,
    /// `KVP`.
    pub kvp: Option<f64>,
    /// `ConvolutionKernel`, values joined by a backslash.
    pub kernel: Option<String>,
    /// `FilterType`.
    pub filter: Option<String>,
    /// `SliceThickness`, mm.
    pub thickness_mm: Option<f64>,
    /// `XRayTubeCurrent`, mA.
    pub tube_current_ma: Option<f64>,
    /// `SpiralPitchFactor`.
    pub pitch: Option<f64>,
    /// `RevolutionTime`, s.
    pub revolution_s: Option<f64>,
    /// `ReconstructionDiameter`, mm.
    pub field_of_view_mm: Option<f64>,
    /// `ContrastBolusAgent`.
    pub contrast_agent: Option<String>,
    /// `ContrastBolusRoute`.
    pub contrast_route: Option<String>,
    /// `ContrastFlowRate`, ml/s.
    pub contrast_flow: Option<f64>,
    /// `ContrastBolusVolume`, ml.
    pub contrast_volume_ml: Option<f64>,
    /// `MagneticFieldStrength`, T.
    pub field_strength_t: Option<f64>,
    /// `EchoTime`, ms.
    pub echo_time_ms: Option<f64>,
    /// `RepetitionTime`, ms.
    pub repetition_time_ms: Option<f64>,
    /// `ScanningSequence`, values joined by a backslash.
    pub scanning_sequence: Option<String>,
}

/// Root elements of the first slice.
const HEADER_TAGS: &[Tag] = &[
    tags::SOP_CLASS_UID,
    tags::STUDY_DATE,
    tags::SERIES_DATE,
    tags::MODALITY,
    tags::MANUFACTURER,
    tags::INSTITUTION_NAME,
    tags::SERIES_DESCRIPTION,
    tags::MANUFACTURER_MODEL_NAME,
    tags::CONTRAST_BOLUS_AGENT,
    tags::SCANNING_SEQUENCE,
    tags::SLICE_THICKNESS,
    tags::KVP,
    tags::REPETITION_TIME,
    tags::ECHO_TIME,
    tags::MAGNETIC_FIELD_STRENGTH,
    tags::CONTRAST_BOLUS_ROUTE,
    tags::CONTRAST_BOLUS_VOLUME,
    tags::CONTRAST_FLOW_RATE,
    tags::RECONSTRUCTION_DIAMETER,
    tags::X_RAY_TUBE_CURRENT,
    tags::FILTER_TYPE,
    tags::CONVOLUTION_KERNEL,
    tags::REVOLUTION_TIME,
    tags::SPIRAL_PITCH_FACTOR,
    tags::UNITS,
];

/// Root elements that every slice needs to unpack its samples.
const FORMAT_TAGS: &[Tag] = &[
    tags::SAMPLES_PER_PIXEL,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::HIGH_BIT,
    tags::PIXEL_REPRESENTATION,
];

/// Reads the slices of a series in parallel into one volume.
///
/// Samples are rescaled per slice. Spacing, order, duplicates, gaps and tilt follow `spec/reliability.md` 3.4; what was done about
/// them stands in the notices.
///
/// # Errors
/// [`SeriesError`] when the slices make no volume, or the samples of one cannot be read.
pub fn read_series(series: &SeriesEntry, opts: &SeriesOptions) -> Result<ImageSeries, SeriesError> {
    let mut stack = stack(series, opts.slice_gap)?;
    let header = first_header(series, &stack, opts)?;
    let normal = stack
        .axes
        .first()
        .zip(stack.axes.get(1))
        .map(|(u, v)| u.cross(*v))
        .unwrap_or_default();
    let position = |s: &Slice| rt_core::Vec3::from(s.plane.position).dot(normal);
    let slices = stack.slices.iter().map(|s| SlicePosition {
        sop_uid: s.sop_uid.clone(),
        position_mm: position(s),
    });
    let slices = slices.collect();
    let lossy = stack.slices.iter().any(|s| s.lossy);
    if lossy {
        stack
            .notices
            .push(Notice::new("image.lossy", "the samples went through lossy compression"));
    }
    let whole = if is_integral(&stack) {
        read_as(series, &stack, opts, to_i16)?
    } else {
        None
    };
    let data = match whole {
        Some(volume) => ImageData::I16(volume),
        None => ImageData::F32(read_as(series, &stack, opts, to_f32)?.ok_or_else(|| SeriesError::NoSlices {
            series: series.series_uid.clone(),
        })?),
    };
    Ok(ImageSeries {
        data,
        header,
        slices,
        resampled_slices: !stack.is_even,
        gantry_tilt_deg: stack.tilt_deg,
        lossy,
        notices: stack.notices,
    })
}

/// What the headers of a series say about its volume; no samples are read.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesGeometry {
    /// Lattice of the volume.
    pub grid: rt_core::Grid,
    /// Slices that it is made from.
    pub n_slices: usize,
    /// Slices would be resampled to even spacing.
    pub resampled_slices: bool,
    /// Angle between slice direction and slice normal, degrees.
    pub gantry_tilt_deg: f64,
    /// Findings.
    pub notices: Vec<Notice>,
}

/// The geometry of a series from what the scan kept: no file is opened.
///
/// # Errors
/// [`SeriesError`] when the slices make no volume.
pub fn series_geometry(series: &SeriesEntry, opts: &SeriesOptions) -> Result<SeriesGeometry, SeriesError> {
    let stack = stack(series, opts.slice_gap)?;
    Ok(SeriesGeometry {
        grid: stack.grid(&series.series_uid)?,
        n_slices: stack.slices.len(),
        resampled_slices: !stack.is_even,
        gantry_tilt_deg: stack.tilt_deg,
        notices: stack.notices,
    })
}

/// Whether slope and intercept are whole numbers, the same in all slices.
fn is_integral(stack: &Stack) -> bool {
    let Some(first) = stack.slices.first() else { return false };
    let near = |a: f64, b: f64| (a - b).abs() < f64::EPSILON;
    let whole = near(first.plane.slope.fract(), 0.0) && near(first.plane.intercept.fract(), 0.0);
    whole
        && stack
            .slices
            .iter()
            .all(|s| near(s.plane.slope, first.plane.slope) && near(s.plane.intercept, first.plane.intercept))
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked before the cast")]
fn to_i16(v: f64) -> Option<i16> {
    let r = v.round();
    (r >= f64::from(i16::MIN) && r <= f64::from(i16::MAX)).then_some(r as i16)
}

#[expect(clippy::cast_possible_truncation, reason = "samples are kept in single precision")]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the conversion of whole numbers can fail; both have one signature"
)]
fn to_f32(v: f64) -> Option<f32> {
    Some(v as f32)
}

/// All slices converted by `convert`; `Ok(None)` when a value does not fit the type.
fn read_as<T: Copy + Default + Send + Sync + Into<f64>>(
    series: &SeriesEntry,
    stack: &Stack,
    opts: &SeriesOptions,
    convert: fn(f64) -> Option<T>,
) -> Result<Option<Volume<T>>, SeriesError> {
    let grid = stack.grid(&series.series_uid)?;
    let Some(format) = stack.slices.first().map(|s| s.format) else {
        return Ok(None);
    };
    let (rows, columns, n) = (format.rows as usize, format.columns as usize, stack.slices.len());
    let mut data = vec![T::default(); rows * columns * n];
    let done: Vec<Result<bool, SeriesError>> = data
        .par_chunks_mut(rows * columns)
        .zip(stack.slices.par_iter())
        .map_init(Vec::new, |samples, (chunk, slice)| {
            let read = read_slice(slice, opts, samples);
            read.map(|()| fill(chunk, samples, columns, slice, convert))
                .map_err(|source| SeriesError::Pixels {
                    path: slice.path.clone(),
                    source,
                })
        })
        .collect();
    for slice in done {
        if !slice? {
            return Ok(None);
        }
    }
    let uid = || series.series_uid.clone();
    if !stack.is_even {
        data = resample(&data, rows * columns, stack, grid.size()[2], grid.spacing()[2], convert);
    }
    let array = Array3::from_shape_vec(grid.shape(), data).map_err(|_| SeriesError::NoSlices { series: uid() })?;
    Volume::new(grid, array)
        .map(Some)
        .map_err(|_| SeriesError::NoSlices { series: uid() })
}

fn read_slice(slice: &Slice, opts: &SeriesOptions, samples: &mut Vec<f64>) -> Result<(), PixelError> {
    let gated = gate::open(&slice.path, &opts.limits, Want::Tags(FORMAT_TAGS))?;
    // The file may have changed since the scan: its own format must be the one that the lattice was made for.
    let now = Dataset::of(&gated)?;
    let format = pixel_format(now.fields())
        .ok()
        .flatten()
        .ok_or(PixelError::Missing { what: "Rows or Columns" })?;
    if format != slice.format {
        return Err(PixelError::Decode {
            reason: "the file has changed since it was scanned; run again".to_owned(),
        });
    }
    Frames::open(&slice.path, &gated, format, &opts.limits)?.read(slice.plane.frame, samples)
}

/// Rescales one slice into its place, bottom row first; `false` when a value does not fit.
fn fill<T>(chunk: &mut [T], samples: &[f64], columns: usize, slice: &Slice, convert: fn(f64) -> Option<T>) -> bool {
    let (slope, intercept) = (slice.plane.slope, slice.plane.intercept);
    for (to, from) in chunk.chunks_exact_mut(columns).zip(samples.chunks_exact(columns).rev()) {
        for (cell, raw) in to.iter_mut().zip(from) {
            let Some(value) = convert(raw * slope + intercept) else {
                return false;
            };
            *cell = value;
        }
    }
    true
}

/// Linear interpolation between neighbouring slices onto an even spacing.
fn resample<T: Copy + Default + Send + Sync + Into<f64>>(
    data: &[T],
    plane: usize,
    stack: &Stack,
    n: usize,
    step: f64,
    convert: fn(f64) -> Option<T>,
) -> Vec<T> {
    let mut out = vec![T::default(); plane * n];
    let slice = |k: usize| data.get(k * plane..(k + 1) * plane).unwrap_or_default();
    for (k, target) in out.chunks_exact_mut(plane).enumerate() {
        let at = k as f64 * step;
        let above = stack.offsets.partition_point(|o| *o <= at);
        let lower = above.saturating_sub(1).min(stack.offsets.len().saturating_sub(2));
        let (from, to) = (
            stack.offsets.get(lower).copied().unwrap_or(0.0),
            stack.offsets.get(lower + 1).copied().unwrap_or(1.0),
        );
        let share = ((at - from) / (to - from)).clamp(0.0, 1.0);
        for ((cell, a), b) in target.iter_mut().zip(slice(lower)).zip(slice(lower + 1)) {
            let (a, b): (f64, f64) = ((*a).into(), (*b).into());
            *cell = convert(a + (b - a) * share).unwrap_or_default();
        }
    }
    out
}

fn first_header(series: &SeriesEntry, stack: &Stack, opts: &SeriesOptions) -> Result<SeriesHeader, SeriesError> {
    let Some(first) = stack.slices.first() else {
        return Err(SeriesError::NoSlices {
            series: series.series_uid.clone(),
        });
    };
    let open = |path: &Path| -> Result<SeriesHeader, PixelError> {
        let gated = gate::open(path, &opts.limits, Want::Tags(HEADER_TAGS))?;
        Ok(header_of(Dataset::of(&gated)?.fields()))
    };
    let mut header = open(&first.path).map_err(|source| SeriesError::Pixels {
        path: first.path.clone(),
        source,
    })?;
    if header.sop_class.is_empty() {
        header.sop_class.clone_from(&first.sop_class);
    }
    header.unit = match series.modality.as_str() {
        "CT" => "HU".to_owned(),
        "PT" if !header.unit.is_empty() => header.unit,
        _ => "a.u.".to_owned(),
    };
    Ok(header)
}

fn header_of(f: Fields<'_>) -> SeriesHeader {
    let joined = |tag| Some(f.texts(tag).join("\\")).filter(|t| !t.is_empty());
    SeriesHeader {
        sop_class: f.code(tags::SOP_CLASS_UID).unwrap_or_default(),
        unit: f.code(tags::UNITS).unwrap_or_default(),
        manufacturer: f.text(tags::MANUFACTURER),
        model: f.text(tags::MANUFACTURER_MODEL_NAME),
        institution: f.text(tags::INSTITUTION_NAME),
        study_date: f.date(tags::STUDY_DATE),
        series_date: f.date(tags::SERIES_DATE),
        description: f.text(tags::SERIES_DESCRIPTION),
        kvp: f.f64(tags::KVP),
        kernel: joined(tags::CONVOLUTION_KERNEL),
        filter: f.text(tags::FILTER_TYPE),
        thickness_mm: f.f64(tags::SLICE_THICKNESS),
        tube_current_ma: f.f64(tags::X_RAY_TUBE_CURRENT),
        pitch: f.f64(tags::SPIRAL_PITCH_FACTOR),
        revolution_s: f.f64(tags::REVOLUTION_TIME),
        field_of_view_mm: f.f64(tags::RECONSTRUCTION_DIAMETER),
        contrast_agent: f.text(tags::CONTRAST_BOLUS_AGENT),
        contrast_route: f.text(tags::CONTRAST_BOLUS_ROUTE),
        contrast_flow: f.f64(tags::CONTRAST_FLOW_RATE),
        contrast_volume_ml: f.f64(tags::CONTRAST_BOLUS_VOLUME),
        field_strength_t: f.f64(tags::MAGNETIC_FIELD_STRENGTH),
        echo_time_ms: f.f64(tags::ECHO_TIME),
        repetition_time_ms: f.f64(tags::REPETITION_TIME),
        scanning_sequence: joined(tags::SCANNING_SEQUENCE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_tags_are_sorted() {
        assert!(HEADER_TAGS.windows(2).all(|w| w[0] < w[1]));
        assert!(FORMAT_TAGS.windows(2).all(|w| w[0] < w[1]));
    }

    #[test]
    fn whole_numbers_fit_or_not() {
        assert_eq!(to_i16(-1024.0), Some(-1024));
        assert_eq!(to_i16(32767.4), Some(32767));
        assert_eq!(to_i16(32768.0), None);
        assert_eq!(to_i16(f64::NAN), None);
    }
}
