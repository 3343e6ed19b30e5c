//! Writing a structure set (PS3.3 A.19, C.8.8.5 to C.8.8.8).

use std::io::{self, Write};

use dicom::core::VR;
use dicom::dictionary_std::tags;
use rt_core::Vec3;
use rt_image::{Contour, ContourSet};

use crate::object::{DataSet, EXPLICIT_LITTLE, NewSeries, Origin, content_uid, distinct_names, write_file};

/// RT Structure Set Storage.
const CLASS: &str = "1.2.840.10008.5.1.4.1.1.481.3";
/// Detached Study Management, the class that references to a study name (retired, and still what the module asks for).
const STUDY_CLASS: &str = "1.2.840.10008.3.1.2.3.1";

/// Colours of regions without one of their own, in turn: far apart, and visible on grey.
const COLOURS: [[u8; 3]; 12] = [
    [230, 25, 75],
    [60, 180, 75],
    [255, 225, 25],
    [67, 99, 216],
    [245, 130, 49],
    [145, 30, 180],
    [66, 212, 244],
    [240, 50, 230],
    [191, 239, 69],
    [250, 190, 212],
    [70, 153, 144],
    [220, 190, 255],
];

/// A structure set to be written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewStructureSet {
    /// `StructureSetLabel`: the first 16 characters are kept.
    pub label: String,
    /// `SeriesDescription`: the first 64 characters are kept.
    pub description: String,
    /// `SeriesNumber`.
    pub series_number: i64,
    /// Longest `ROIName`, 8 to 64 characters; a name that is cut stands whole in `ROIDescription`.
    pub name_max: usize,
    /// Regions; those without contours are not written.
    pub rois: Vec<NewRoi>,
}

/// One region to be written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewRoi {
    /// Name; cut and told apart where the object needs it.
    pub name: String,
    /// `ROIGenerationDescription`: how it was made.
    pub made_by: String,
    /// `ROIGenerationAlgorithm`: `AUTOMATIC`, `SEMIAUTOMATIC`, `MANUAL` or empty.
    pub algorithm: String,
    /// `RTROIInterpretedType`: `PTV`, `ORGAN`, `EXTERNAL`, ... or empty.
    pub interpreted_type: String,
    /// `ROIDisplayColor`.
    pub colour: Option<[u8; 3]>,
    /// Contours, LPS mm; holes are contours of their own (even-odd).
    pub contours: ContourSet,
}

/// Writes a structure set on an image and returns its `SOPInstanceUID`, which follows from its content.
///
/// Coordinates have four decimals (0.1 micrometre); each contour refers to the slice whose plane holds it. Dates are those of the
/// image, so that equal input gives equal bytes.
///
/// # Errors
/// When the sink fails.
pub fn write_structures(sink: &mut dyn Write, set: &NewStructureSet, origin: &Origin) -> io::Result<String> {
    let rois: Vec<&NewRoi> = set.rois.iter().filter(|r| !r.contours.contours.is_empty()).collect();
    let names = distinct_names(rois.iter().map(|r| r.name.as_str()), set.name_max);
    let mut body = DataSet::new();
    body.text(tags::STRUCTURE_SET_LABEL, VR::SH, &set.label)
        .text(tags::STRUCTURE_SET_NAME, VR::LO, &set.description)
        .raw(tags::STRUCTURE_SET_DATE, VR::DA, origin.date.as_bytes())
        .raw(tags::STRUCTURE_SET_TIME, VR::TM, origin.time.as_bytes())
        .cs(tags::APPROVAL_STATUS, "UNAPPROVED");
    let numbered = || (1_i64..).zip(rois.iter().copied().zip(&names));
    body.sequence(
        tags::STRUCTURE_SET_ROI_SEQUENCE,
        numbered().map(|(n, (roi, name))| definition(n, roi, name, origin)).collect(),
    );
    body.sequence(
        tags::ROI_CONTOUR_SEQUENCE,
        numbered().map(|(n, (roi, _))| contours(n, roi, origin)).collect(),
    );
    body.sequence(
        tags::RTROI_OBSERVATIONS_SEQUENCE,
        numbered().map(|(n, (roi, _))| observation(n, roi)).collect(),
    );
    let uid = content_uid("structure set", origin, &body)?;
    let series = NewSeries {
        number: set.series_number,
        description: &set.description,
    };
    let mut whole = origin.begin(CLASS, &uid, "RTSTRUCT", &series);
    whole.raw(tags::OPERATORS_NAME, VR::PN, b"");
    let frame = whole.code(tags::FRAME_OF_REFERENCE_UID);
    let study = whole.code(tags::STUDY_INSTANCE_UID);
    whole.item(
        tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE,
        frame_reference(&frame, &study, origin),
    );
    for (tag, vr, value) in body.iter() {
        whole.set(tag, vr, value.clone());
    }
    write_file(sink, &whole, EXPLICIT_LITTLE)?;
    Ok(uid)
}

/// The frame of reference with the study, series and slices that stand in it.
fn frame_reference(frame: &str, study: &str, origin: &Origin) -> DataSet {
    let mut item = DataSet::new();
    item.ui(tags::FRAME_OF_REFERENCE_UID, frame);
    if origin.slices.is_empty() || origin.series_uid.is_empty() {
        return item;
    }
    let images = origin.slices.iter().map(|s| image_reference(origin, &s.sop_uid)).collect();
    let mut series = DataSet::new();
    series
        .ui(tags::SERIES_INSTANCE_UID, &origin.series_uid)
        .sequence(tags::CONTOUR_IMAGE_SEQUENCE, images);
    let mut referenced = DataSet::new();
    referenced
        .ui(tags::REFERENCED_SOP_CLASS_UID, STUDY_CLASS)
        .ui(tags::REFERENCED_SOP_INSTANCE_UID, study)
        .item(tags::RT_REFERENCED_SERIES_SEQUENCE, series);
    item.item(tags::RT_REFERENCED_STUDY_SEQUENCE, referenced);
    item
}

fn image_reference(origin: &Origin, sop_uid: &str) -> DataSet {
    let mut item = DataSet::new();
    item.ui(tags::REFERENCED_SOP_CLASS_UID, &origin.sop_class)
        .ui(tags::REFERENCED_SOP_INSTANCE_UID, sop_uid);
    item
}

fn definition(number: i64, roi: &NewRoi, name: &str, origin: &Origin) -> DataSet {
    let mut item = DataSet::new();
    item.is(tags::ROI_NUMBER, number)
        .ui(tags::REFERENCED_FRAME_OF_REFERENCE_UID, &origin.frame_uid_or_derived())
        .text(tags::ROI_NAME, VR::LO, name)
        .cs(tags::ROI_GENERATION_ALGORITHM, &roi.algorithm);
    if name != roi.name {
        item.text(tags::ROI_DESCRIPTION, VR::ST, &roi.name);
    }
    if !roi.made_by.is_empty() {
        item.text(tags::ROI_GENERATION_DESCRIPTION, VR::LO, &roi.made_by);
    }
    item
}

fn contours(number: i64, roi: &NewRoi, origin: &Origin) -> DataSet {
    let turn = usize::try_from(number - 1).unwrap_or(0) % COLOURS.len();
    let colour = roi.colour.or_else(|| COLOURS.get(turn).copied()).unwrap_or_default();
    let mut item = DataSet::new();
    item.raw(tags::ROI_DISPLAY_COLOR, VR::IS, colour.map(|c| c.to_string()).join("\\").as_bytes())
        .sequence(
            tags::CONTOUR_SEQUENCE,
            roi.contours.contours.iter().map(|c| contour(c, origin)).collect(),
        )
        .is(tags::REFERENCED_ROI_NUMBER, number);
    item
}

fn contour(contour: &Contour, origin: &Origin) -> DataSet {
    let mut item = DataSet::new();
    if let Some(slice) = contour.points.first().and_then(|p| origin.slice_at(*p)) {
        item.item(tags::CONTOUR_IMAGE_SEQUENCE, image_reference(origin, &slice.sop_uid));
    }
    let points = i64::try_from(contour.points.len()).unwrap_or(i64::MAX);
    item.cs(tags::CONTOUR_GEOMETRIC_TYPE, contour.kind.term())
        .is(tags::NUMBER_OF_CONTOUR_POINTS, points)
        .raw(tags::CONTOUR_DATA, VR::DS, &coordinates(&contour.points));
    item
}

/// Coordinates with four decimals, trailing zeros left out.
fn coordinates(points: &[Vec3]) -> Vec<u8> {
    let mut out = Vec::with_capacity(points.len() * 27);
    for v in points.iter().flat_map(Vec3::to_array) {
        if !out.is_empty() {
            out.push(b'\\');
        }
        let text = format!("{v:.4}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        out.extend_from_slice(if text == "-0" { b"0" } else { text.as_bytes() });
    }
    out
}

fn observation(number: i64, roi: &NewRoi) -> DataSet {
    let mut item = DataSet::new();
    item.is(tags::OBSERVATION_NUMBER, number)
        .is(tags::REFERENCED_ROI_NUMBER, number)
        .cs(tags::RTROI_INTERPRETED_TYPE, &roi.interpreted_type)
        .raw(tags::ROI_INTERPRETER, VR::PN, b"");
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_exact_to_a_tenth_of_a_micrometre() {
        let points = [Vec3::new(-0.000_01, 1.5, -1_234.567_89), Vec3::new(0.976_562_5, 100.0, 7.0)];
        assert_eq!(coordinates(&points), br"0\1.5\-1234.5679\0.9766\100\7");
    }
}
