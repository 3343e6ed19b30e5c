//! Writing a binary segmentation on an image.

use std::io::{self, Write};

use dicom::core::{Tag, VR};
use dicom::dictionary_std::tags;
use rayon::prelude::*;
use rt_core::Grid;
use rt_image::Mask;

use crate::object::{DataSet, EXPLICIT_LITTLE, Layout, NewSeries, Origin, content_uid, derived_uid, distinct_names, write_file};

/// Segmentation Storage.
const CLASS: &str = "1.2.840.10008.5.1.4.1.1.66.4";
/// Frames of one object: beyond this a reader would not take it.
const MAX_FRAMES: usize = 1 << 20;

/// A coded concept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// `CodeValue`, at most 16 characters.
    pub value: String,
    /// `CodingSchemeDesignator`, `SCT` for SNOMED CT.
    pub scheme: String,
    /// `CodeMeaning`.
    pub meaning: String,
}

impl Code {
    /// A concept of SNOMED CT.
    pub fn sct(value: &str, meaning: &str) -> Self {
        Self {
            value: value.to_owned(),
            scheme: "SCT".to_owned(),
            meaning: meaning.to_owned(),
        }
    }

    fn dcm(value: &str, meaning: &str) -> Self {
        Self {
            value: value.to_owned(),
            scheme: "DCM".to_owned(),
            meaning: meaning.to_owned(),
        }
    }

    fn to_item(&self) -> DataSet {
        let mut item = DataSet::new();
        item.text(tags::CODE_VALUE, VR::SH, &self.value)
            .text(tags::CODING_SCHEME_DESIGNATOR, VR::SH, &self.scheme)
            .text(tags::CODE_MEANING, VR::LO, &self.meaning);
        item
    }
}

/// One segment to be written.
#[derive(Debug, Clone)]
pub struct NewSegment<'a> {
    /// Name; cut and told apart where the object needs it.
    pub name: String,
    /// What made it, with its version: `SegmentAlgorithmName`.
    pub algorithm: String,
    /// `SegmentAlgorithmType`: `AUTOMATIC`, `SEMIAUTOMATIC` or `MANUAL`.
    pub algorithm_type: String,
    /// What the segment is; without one, a code of our own scheme that carries its name.
    pub code: Option<Code>,
    /// Side of the body.
    pub laterality: Option<Code>,
    /// Its voxels.
    pub mask: &'a Mask,
}

/// A segmentation to be written.
#[derive(Debug, Clone)]
pub struct NewSegmentation<'a> {
    /// `SeriesDescription` and `ContentDescription`.
    pub description: String,
    /// `SeriesNumber`.
    pub series_number: i64,
    /// Segments; those without voxels are not written.
    pub segments: Vec<NewSegment<'a>>,
}

/// Why a segmentation cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SegWriteError {
    /// No segment has a voxel.
    #[error("no segment has a voxel: a segmentation without frames cannot be written")]
    Empty,
    /// More than the object can hold.
    #[error("{0}")]
    TooLarge(String),
    /// The sink failed.
    #[error("cannot be written: {0}")]
    Io(#[from] io::Error),
}

impl SegWriteError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "seg.empty",
            Self::TooLarge(_) => "seg.too_large",
            Self::Io(_) => "file.unwritable",
        }
    }
}

/// One frame: which segment, which slice, and the place of the slice among those of the object.
#[derive(Debug, Clone, Copy)]
struct FrameAt {
    segment: usize,
    k: usize,
    place: u32,
}

/// Writes masks of one grid as a binary segmentation and returns its `SOPInstanceUID`, which follows from its content.
///
/// Frames are as large as the image and exist only where a segment has voxels; their rows and order are those of the image. A frame
/// refers to the slice in whose plane it lies.
///
/// # Errors
/// [`SegWriteError`] when there is nothing to write, too much of it, or the sink fails.
pub fn write_segmentation(sink: &mut dyn Write, segmentation: &NewSegmentation<'_>, origin: &Origin) -> Result<String, SegWriteError> {
    let segments: Vec<&NewSegment<'_>> = segmentation.segments.iter().filter(|s| !s.mask.is_empty()).collect();
    let grid = segments.first().ok_or(SegWriteError::Empty)?.mask.grid().as_ref();
    let frames = frames(&segments);
    let layout = Layout::of(grid);
    let mut body = image_module(grid, frames.len())?;
    body.text(tags::CONTENT_DESCRIPTION, VR::LO, &segmentation.description);
    let names = distinct_names(segments.iter().map(|s| s.name.as_str()), 64);
    let described = (1_u16..).zip(segments.iter().zip(&names)).map(|(n, (s, name))| segment(n, s, name));
    body.sequence(tags::SEGMENT_SEQUENCE, described.collect());
    body.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, shared(grid, &layout));
    let per_frame = frames.iter().map(|f| frame(*f, grid, &layout, origin)).collect();
    body.sequence(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, per_frame);
    let used = segments.len();
    if u16::try_from(used).is_err() || frames.len() > MAX_FRAMES {
        return Err(SegWriteError::TooLarge(format!(
            "{used} segments in {} frames are too many",
            frames.len()
        )));
    }
    body.raw(tags::PIXEL_DATA, VR::OB, &packed(&segments, &frames, grid, &layout));
    references(&mut body, &frames, grid, &layout, origin);
    let uid = content_uid("segmentation", origin, &body)?;
    let series = NewSeries {
        number: segmentation.series_number,
        description: &segmentation.description,
    };
    let mut whole = origin.begin(CLASS, &uid, "SEG", &series);
    dimensions(&mut whole, &uid);
    whole
        .raw(tags::CONTENT_DATE, VR::DA, or(&origin.date, "19700101"))
        .raw(tags::CONTENT_TIME, VR::TM, or(&origin.time, "000000"))
        .text(tags::DEVICE_SERIAL_NUMBER, VR::LO, "0");
    for (tag, vr, value) in body.iter() {
        whole.set(tag, vr, value.clone());
    }
    write_file(sink, &whole, EXPLICIT_LITTLE)?;
    Ok(uid)
}

fn or<'a>(text: &'a str, default: &'a str) -> &'a [u8] {
    if text.is_empty() { default.as_bytes() } else { text.as_bytes() }
}

/// Segment by segment, slice by slice, where there are voxels.
fn frames(segments: &[&NewSegment<'_>]) -> Vec<FrameAt> {
    let mut out = Vec::new();
    let mut planes: Vec<usize> = Vec::new();
    for (segment, one) in segments.iter().enumerate() {
        for (plane, k) in one.mask.block().outer_iter().zip(one.mask.lo()[2]..) {
            if plane.iter().any(|v| *v != 0) {
                out.push(FrameAt { segment, k, place: 0 });
                planes.push(k);
            }
        }
    }
    planes.sort_unstable();
    planes.dedup();
    for frame in &mut out {
        let place = planes.partition_point(|k| *k < frame.k);
        frame.place = u32::try_from(place).map_or(u32::MAX, |n| n + 1);
    }
    out
}

fn image_module(grid: &Grid, frames: usize) -> Result<DataSet, SegWriteError> {
    let [ni, nj, _] = grid.size();
    let (Ok(columns), Ok(rows)) = (u16::try_from(ni), u16::try_from(nj)) else {
        return Err(SegWriteError::TooLarge(format!("a slice of {ni} x {nj} is too large for DICOM")));
    };
    let mut body = DataSet::new();
    body.cs(tags::IMAGE_TYPE, "DERIVED\\PRIMARY")
        .us(tags::SAMPLES_PER_PIXEL, &[1])
        .cs(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2")
        .is(tags::NUMBER_OF_FRAMES, i64::try_from(frames).unwrap_or(i64::MAX))
        .us(tags::ROWS, &[rows])
        .us(tags::COLUMNS, &[columns])
        .us(tags::BITS_ALLOCATED, &[1])
        .us(tags::BITS_STORED, &[1])
        .us(tags::HIGH_BIT, &[0])
        .us(tags::PIXEL_REPRESENTATION, &[0])
        .cs(tags::LOSSY_IMAGE_COMPRESSION, "00")
        .cs(tags::SEGMENTATION_TYPE, "BINARY")
        .cs(tags::CONTENT_LABEL, "SEGMENTATION")
        .raw(tags::CONTENT_CREATOR_NAME, VR::PN, b"");
    Ok(body)
}

fn segment(number: u16, segment: &NewSegment<'_>, name: &str) -> DataSet {
    let category = Code::sct("123037004", "Anatomical Structure");
    let own = || Code {
        value: derived_uid("segment", &[&segment.name]).chars().rev().take(12).collect(),
        scheme: "99RTPIPELINE".to_owned(),
        meaning: name.to_owned(),
    };
    let mut item = DataSet::new();
    item.us(tags::SEGMENT_NUMBER, &[number])
        .text(tags::SEGMENT_LABEL, VR::LO, name)
        .cs(tags::SEGMENT_ALGORITHM_TYPE, &segment.algorithm_type)
        .item(tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE, category.to_item());
    let mut kind = segment.code.clone().unwrap_or_else(own).to_item();
    if let Some(side) = &segment.laterality {
        kind.item(tags::SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE, side.to_item());
    }
    item.item(tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE, kind);
    if segment.algorithm_type != "MANUAL" {
        item.text(tags::SEGMENT_ALGORITHM_NAME, VR::LO, &segment.algorithm);
    }
    if name != segment.name {
        item.text(tags::SEGMENT_DESCRIPTION, VR::ST, &segment.name);
    }
    item
}

fn shared(grid: &Grid, layout: &Layout) -> DataSet {
    let [si, sj, sk] = grid.spacing();
    let mut measures = DataSet::new();
    measures
        .ds(tags::SLICE_THICKNESS, &[sk])
        .ds(tags::SPACING_BETWEEN_SLICES, &[sk])
        .ds(tags::PIXEL_SPACING, &[sj, si]);
    let mut orientation = DataSet::new();
    orientation.ds(tags::IMAGE_ORIENTATION_PATIENT, &layout.orientation);
    let mut item = DataSet::new();
    item.item(tags::PIXEL_MEASURES_SEQUENCE, measures)
        .item(tags::PLANE_ORIENTATION_SEQUENCE, orientation);
    item
}

fn frame(at: FrameAt, grid: &Grid, layout: &Layout, origin: &Origin) -> DataSet {
    let number = u16::try_from(at.segment + 1).unwrap_or(u16::MAX);
    let position = layout.position(grid, at.k);
    let mut content = DataSet::new();
    content.ul(tags::DIMENSION_INDEX_VALUES, &[u32::from(number), at.place]);
    let mut place = DataSet::new();
    place.ds(tags::IMAGE_POSITION_PATIENT, &position.to_array());
    let mut identity = DataSet::new();
    identity.us(tags::REFERENCED_SEGMENT_NUMBER, &[number]);
    let mut item = DataSet::new();
    item.item(tags::FRAME_CONTENT_SEQUENCE, content)
        .item(tags::PLANE_POSITION_SEQUENCE, place)
        .item(tags::SEGMENT_IDENTIFICATION_SEQUENCE, identity);
    if let Some(slice) = origin.slice_at(position) {
        let mut source = DataSet::new();
        source
            .ui(tags::REFERENCED_SOP_CLASS_UID, &origin.sop_class)
            .ui(tags::REFERENCED_SOP_INSTANCE_UID, &slice.sop_uid)
            .cs(tags::SPATIAL_LOCATIONS_PRESERVED, "YES")
            .item(
                tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE,
                Code::dcm("121322", "Source image for image processing operation").to_item(),
            );
        let mut derivation = DataSet::new();
        derivation
            .item(tags::SOURCE_IMAGE_SEQUENCE, source)
            .item(tags::DERIVATION_CODE_SEQUENCE, Code::dcm("113076", "Segmentation").to_item());
        item.item(tags::DERIVATION_IMAGE_SEQUENCE, derivation);
    }
    item
}

/// Bits of all frames in one run, the first pixel in the lowest bit (PS3.5 8.2).
fn packed(segments: &[&NewSegment<'_>], frames: &[FrameAt], grid: &Grid, layout: &Layout) -> Vec<u8> {
    let [ni, nj, _] = grid.size();
    let plane = ni * nj;
    let bits_of = |f: &FrameAt, start: usize, out: &mut [u8]| {
        let Some(segment) = segments.get(f.segment) else { return };
        let (lo, size) = (segment.mask.lo(), segment.mask.size());
        let block = segment.mask.block();
        for row in 0..nj {
            let j = layout.j(row);
            if j < lo[1] || j >= lo[1] + size[1] {
                continue;
            }
            let line = block.slice(ndarray::s![f.k - lo[2], j - lo[1], ..]);
            for (_, i) in line.iter().zip(lo[0]..).filter(|(v, _)| **v != 0) {
                let bit = start + row * ni + i;
                if let Some(byte) = out.get_mut(bit / 8) {
                    *byte |= 1 << (bit % 8);
                }
            }
        }
    };
    let mut out = vec![0_u8; (plane * frames.len()).div_ceil(8)];
    if plane % 8 == 0 && plane > 0 {
        out.par_chunks_mut(plane / 8)
            .zip(frames)
            .for_each(|(chunk, f)| bits_of(f, 0, chunk));
    } else {
        for (n, f) in frames.iter().enumerate() {
            bits_of(f, n * plane, &mut out);
        }
    }
    out
}

/// `ReferencedSeriesSequence`: the slices that frames refer to.
fn references(body: &mut DataSet, frames: &[FrameAt], grid: &Grid, layout: &Layout, origin: &Origin) {
    let mut planes: Vec<usize> = frames.iter().map(|f| f.k).collect();
    planes.sort_unstable();
    planes.dedup();
    let item = |uid: &str| {
        let mut item = DataSet::new();
        item.ui(tags::REFERENCED_SOP_CLASS_UID, &origin.sop_class)
            .ui(tags::REFERENCED_SOP_INSTANCE_UID, uid);
        item
    };
    let instances: Vec<DataSet> = planes
        .iter()
        .filter_map(|k| origin.slice_at(layout.position(grid, *k)))
        .map(|s| item(&s.sop_uid))
        .collect();
    if !instances.is_empty() {
        let mut series = DataSet::new();
        series
            .sequence(tags::REFERENCED_INSTANCE_SEQUENCE, instances)
            .ui(tags::SERIES_INSTANCE_UID, &origin.series_uid);
        body.item(tags::REFERENCED_SERIES_SEQUENCE, series);
    }
}

/// Frames are indexed by segment, then by position.
fn dimensions(whole: &mut DataSet, sop_uid: &str) {
    let uid = derived_uid("dimension organization", &[sop_uid]);
    let mut organization = DataSet::new();
    organization.ui(tags::DIMENSION_ORGANIZATION_UID, &uid);
    let index = |pointer: Tag, group: Tag, label: &str| {
        let mut item = DataSet::new();
        item.ui(tags::DIMENSION_ORGANIZATION_UID, &uid)
            .at(tags::DIMENSION_INDEX_POINTER, &[pointer])
            .at(tags::FUNCTIONAL_GROUP_POINTER, &[group])
            .text(tags::DIMENSION_DESCRIPTION_LABEL, VR::LO, label);
        item
    };
    whole.item(tags::DIMENSION_ORGANIZATION_SEQUENCE, organization).sequence(
        tags::DIMENSION_INDEX_SEQUENCE,
        vec![
            index(tags::REFERENCED_SEGMENT_NUMBER, tags::SEGMENT_IDENTIFICATION_SEQUENCE, "Segment"),
            index(tags::IMAGE_POSITION_PATIENT, tags::PLANE_POSITION_SEQUENCE, "Position"),
        ],
    );
}
