//! A dose grid filled from a formula (PS3.3 C.8.8.3).

use rt_core::Vec3;

use crate::course::Course;
use crate::dicom::{DataSet, Value, decimal, tag};
use crate::objects::structures::reference;
use crate::objects::{Kind, Uids, pixels, plane, signed};

/// Step of a stored dose relative to the largest one.
const STEPS: f64 = 4.0e9;

pub(super) fn dose(course: &Course, index: usize) -> DataSet {
    let lattice = course.dose_lattice();
    let (x, y, z) = (lattice.line(0), lattice.line(1), lattice.line(2));
    let field = course.treatments[index].dose;
    let mut gy = Vec::with_capacity(x.len() * y.len() * z.len());
    for z in &z {
        for y in &y {
            gy.extend(x.iter().map(|x| field.map_or(0.0, |f| f.at(Vec3::new(*x, *y, *z)))));
        }
    }
    let largest = gy.iter().copied().fold(0.0, f64::max).max(1e-3);
    // The text of the scaling is what a reader multiplies by, so the samples are divided by the same text.
    let text = decimal((largest / STEPS * 1e12).ceil() / 1e12);
    let scaling: f64 = text.parse().unwrap_or(largest / STEPS);
    let offsets: Vec<f64> = z.iter().map(|h| h - z[0]).collect();
    let set = course
        .header(Kind::Dose, index, "synthetic dose")
        .empty(tag::OPERATORS_NAME)
        .text(tag::FRAME_OF_REFERENCE_UID, &Uids::of(course).frame())
        .empty(tag::POSITION_REFERENCE_INDICATOR)
        .integers(tag::INSTANCE_NUMBER, &[1])
        .decimals(tag::SLICE_THICKNESS, &[lattice.spacing[2]])
        .integers(tag::NUMBER_OF_FRAMES, &[signed(z.len())])
        .with(tag::FRAME_INCREMENT_POINTER, *b"AT", Value::Words(vec![0x3004, 0x000C]))
        .text(tag::DOSE_UNITS, "GY")
        .text(tag::DOSE_TYPE, "PHYSICAL")
        .text(tag::DOSE_SUMMATION_TYPE, "PLAN")
        .decimals(tag::GRID_FRAME_OFFSET_VECTOR, &offsets)
        .text(tag::DOSE_GRID_SCALING, &text)
        .items(tag::REFERENCED_RT_PLAN_SEQUENCE, vec![reference(course, Kind::Plan, index)])
        .with(
            tag::PIXEL_DATA,
            *b"OW",
            Value::Longs(gy.iter().map(|d| stored(d / scaling)).collect()),
        );
    pixels(&lattice, (32, 32), 0, plane(course, &lattice, z[0], set)).in_order()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a dose over its scaling lies in 0..=4e9"
)]
fn stored(steps: f64) -> u32 {
    steps.round() as u32
}
