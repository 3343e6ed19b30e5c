//! CT and MR slices (PS3.3 C.8.2.1, C.8.3.1).

use crate::course::{Course, Lattice};
use crate::dicom::{DataSet, Value, tag};
use crate::objects::{Kind, Uids, pixels, plane, signed};

pub(super) fn ct(course: &Course, k: usize) -> DataSet {
    let lattice = &course.ct;
    let z = lattice.line(2)[k];
    let hu = course
        .anatomy()
        .render_ct(&lattice.line(0), &lattice.line(1), z, course.seed.child("ct", 0), k as u64);
    let (intercept, representation) = if course.signed { (0.0, 1) } else { (-1024.0, 0) };
    let stored = |hu: &f64| stored(hu.clamp(-1024.0, 3071.0) - intercept);
    let set = slice_header(course, Kind::Ct, k, lattice, "synthetic CT", representation);
    set.text(tag::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\AXIAL")
        .decimals(tag::KVP, &[120.0])
        .integers(tag::X_RAY_TUBE_CURRENT, &[200])
        .text(tag::CONVOLUTION_KERNEL, "STANDARD")
        .decimals(tag::RECONSTRUCTION_DIAMETER, &[lattice.half().x * 2.0])
        .decimals(tag::RESCALE_INTERCEPT, &[intercept])
        .decimals(tag::RESCALE_SLOPE, &[1.0])
        .text(tag::RESCALE_TYPE, "HU")
        .with(tag::PIXEL_DATA, *b"OW", Value::Words(hu.iter().map(stored).collect()))
        .in_order()
}

pub(super) fn mr(course: &Course, k: usize) -> DataSet {
    let lattice = course.mr.as_ref().unwrap_or(&course.ct);
    let z = lattice.line(2)[k];
    let signal = course
        .anatomy()
        .render_mr(&lattice.line(0), &lattice.line(1), z, course.seed.child("mr", 0), k as u64);
    let words = signal.iter().map(|s| stored(s.clamp(0.0, 4095.0))).collect();
    let set = slice_header(course, Kind::Mr, k, lattice, "synthetic T1 MR", 0);
    set.text(tag::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\OTHER")
        .text(tag::SCANNING_SEQUENCE, "SE")
        .text(tag::SEQUENCE_VARIANT, "NONE")
        .empty(tag::SCAN_OPTIONS)
        .text(tag::MR_ACQUISITION_TYPE, "2D")
        .decimals(tag::REPETITION_TIME, &[600.0])
        .decimals(tag::ECHO_TIME, &[12.0])
        .integers(tag::ECHO_TRAIN_LENGTH, &[1])
        .with(tag::PIXEL_DATA, *b"OW", Value::Words(words))
        .in_order()
}

fn slice_header(course: &Course, kind: Kind, k: usize, lattice: &Lattice, description: &str, representation: u16) -> DataSet {
    let date = super::date(course.day);
    let set = course
        .header(kind, k, description)
        .text(tag::ACQUISITION_DATE, &date)
        .text(tag::SERIES_DATE, &date)
        .text(tag::BODY_PART_EXAMINED, "CHEST")
        .text(tag::PATIENT_POSITION, "HFS")
        .text(tag::FRAME_OF_REFERENCE_UID, &Uids::of(course).frame())
        .empty(tag::POSITION_REFERENCE_INDICATOR)
        .integers(tag::ACQUISITION_NUMBER, &[1])
        // Scanners number from the head: instance numbers run against the position.
        .integers(tag::INSTANCE_NUMBER, &[signed(lattice.size[2] - k)])
        .decimals(tag::SLICE_THICKNESS, &[lattice.spacing[2]]);
    let set = plane(course, lattice, lattice.line(2)[k], set);
    pixels(lattice, (16, if representation == 1 { 16 } else { 12 }), representation, set)
}

/// A stored sample: rounded; negative numbers as two's complement.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 16 bits by the caller"
)]
fn stored(value: f64) -> u16 {
    value.round() as i16 as u16
}
