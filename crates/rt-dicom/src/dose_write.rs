//! Writing a dose in Gy as an RTDOSE object (PS3.3 A.18, C.8.8.3).

use std::io::{self, Write};

use dicom::core::VR;
use dicom::dictionary_std::tags;

use crate::object::{DataSet, EXPLICIT_LITTLE, Layout, NewSeries, Origin, content_uid, write_file};
use crate::rtdose::Dose;

/// RT Dose Storage.
const CLASS: &str = "1.2.840.10008.5.1.4.1.1.481.2";
/// RT Plan Storage.
const PLAN_CLASS: &str = "1.2.840.10008.5.1.4.1.1.481.5";
/// Smallest step of the stored values, Gy.
const FINEST_STEP_GY: f64 = 1e-6;

/// What is said of a dose that is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewDose {
    /// `SeriesDescription`.
    pub description: String,
    /// `DoseComment`: how it was made.
    pub comment: String,
    /// `SeriesNumber`.
    pub series_number: i64,
    /// UIDs of all plans that it is the dose of.
    pub plans: Vec<String>,
    /// Class and UID of the dose objects that it was made from.
    pub sources: Vec<String>,
}

/// Writes a dose with 32-bit samples and returns its `SOPInstanceUID`, which follows from its content.
///
/// Frames ascend along the normal; offsets are relative to the first. One plan gives summation type `PLAN`, several `MULTI_PLAN`. The
/// step is 1 uGy up to 4294 Gy, larger only above.
///
/// # Errors
/// When the sink fails, or the grid is too large for DICOM.
pub fn write_dose(sink: &mut dyn Write, dose: &Dose, new: &NewDose, origin: &Origin) -> io::Result<String> {
    let grid = dose.volume.grid();
    let layout = Layout::of(grid);
    let [ni, nj, nk] = grid.size();
    let small =
        |n: usize| u16::try_from(n).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("{n} rows or columns are too many")));
    let [si, sj, sk] = grid.spacing();
    let scaling = scaling(dose.volume.data().iter().copied().fold(0.0_f32, f32::max));
    let lean = grid.normal().dot(grid.direction().z_axis).abs();
    let offsets: Vec<f64> = (0..nk).map(|k| (grid.offset(k) - grid.offset(0)) * lean).collect();
    let mut body = DataSet::new();
    body.us(tags::SAMPLES_PER_PIXEL, &[1])
        .cs(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2")
        .is(tags::NUMBER_OF_FRAMES, i64::try_from(nk).unwrap_or(i64::MAX))
        .at(tags::FRAME_INCREMENT_POINTER, &[tags::GRID_FRAME_OFFSET_VECTOR])
        .us(tags::ROWS, &[small(nj)?])
        .us(tags::COLUMNS, &[small(ni)?])
        .us(tags::BITS_ALLOCATED, &[32])
        .us(tags::BITS_STORED, &[32])
        .us(tags::HIGH_BIT, &[31])
        .us(tags::PIXEL_REPRESENTATION, &[0])
        .ds(tags::SLICE_THICKNESS, &[sk])
        .ds(tags::PIXEL_SPACING, &[sj, si])
        .ds(tags::IMAGE_POSITION_PATIENT, &layout.position(grid, 0).to_array())
        .ds(tags::IMAGE_ORIENTATION_PATIENT, &layout.orientation)
        .cs(tags::DOSE_UNITS, dose.header.units.term())
        .cs(tags::DOSE_TYPE, &dose.header.dose_type)
        .text(tags::DOSE_COMMENT, VR::LO, &new.comment)
        .cs(tags::DOSE_SUMMATION_TYPE, if new.plans.len() > 1 { "MULTI_PLAN" } else { "PLAN" })
        .ds(tags::GRID_FRAME_OFFSET_VECTOR, &offsets)
        .ds(tags::DOSE_GRID_SCALING, &[scaling]);
    let reference = |class: &str, uid: &String| {
        let mut item = DataSet::new();
        item.ui(tags::REFERENCED_SOP_CLASS_UID, class)
            .ui(tags::REFERENCED_SOP_INSTANCE_UID, uid);
        item
    };
    if !new.plans.is_empty() {
        body.sequence(
            tags::REFERENCED_RT_PLAN_SEQUENCE,
            new.plans.iter().map(|p| reference(PLAN_CLASS, p)).collect(),
        );
    }
    if !new.sources.is_empty() {
        body.sequence(
            tags::REFERENCED_INSTANCE_SEQUENCE,
            new.sources.iter().map(|d| with_purpose(reference(CLASS, d))).collect(),
        );
    }
    let mut samples = Vec::with_capacity(grid.len() * 4);
    for plane in dose.volume.data().outer_iter() {
        for row in 0..nj {
            for v in plane.row(layout.j(row)) {
                samples.extend_from_slice(&stored(*v, scaling).to_le_bytes());
            }
        }
    }
    body.raw(tags::PIXEL_DATA, VR::OW, &samples);
    let uid = content_uid("dose", origin, &body)?;
    let series = NewSeries {
        number: new.series_number,
        description: &new.description,
    };
    let mut whole = origin.begin(CLASS, &uid, "RTDOSE", &series);
    whole
        .raw(tags::INSTANCE_CREATION_DATE, VR::DA, origin.date.as_bytes())
        .raw(tags::INSTANCE_CREATION_TIME, VR::TM, origin.time.as_bytes())
        .raw(tags::OPERATORS_NAME, VR::PN, b"");
    for (tag, vr, value) in body.iter() {
        whole.set(tag, vr, value.clone());
    }
    write_file(sink, &whole, EXPLICIT_LITTLE)?;
    Ok(uid)
}

/// Why a dose object refers to another one: it was made from it.
fn with_purpose(mut item: DataSet) -> DataSet {
    let mut purpose = DataSet::new();
    purpose
        .text(tags::CODE_VALUE, VR::SH, "121322")
        .text(tags::CODING_SCHEME_DESIGNATOR, VR::SH, "DCM")
        .text(tags::CODE_MEANING, VR::LO, "Source image for image processing operation");
    item.item(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, purpose);
    item
}

/// The step in which a largest dose fits 32 bits: 1 uGy, or three digits rounded up.
fn scaling(max: f32) -> f64 {
    let need = f64::from(max) / 4.0e9;
    if need <= FINEST_STEP_GY {
        return FINEST_STEP_GY;
    }
    let unit = 10_f64.powf(need.log10().floor() - 2.0);
    // A whole number of units must not grow by rounding.
    (need / unit - 1e-9).ceil() * unit
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float to integer cast saturates; the step is chosen so that the largest value fits"
)]
fn stored(value: f32, scaling: f64) -> u32 {
    (f64::from(value) / scaling).round().max(0.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_holds_every_dose() {
        assert!((scaling(78.0) - 1e-6).abs() < 1e-18);
        assert!((scaling(0.0) - 1e-6).abs() < 1e-18);
        let step = scaling(1.0e5);
        assert!((step - 2.5e-5).abs() < 1e-12, "{step}");
        assert!(f64::from(stored(1.0e5, step)) < 4.1e9);
        assert_eq!(stored(2.0, 1e-6), 2_000_000);
        assert_eq!(stored(-1.0, 1e-6), 0);
    }
}
