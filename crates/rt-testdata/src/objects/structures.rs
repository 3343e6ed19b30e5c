//! The structure set: closed planar contours on the CT slices (PS3.3 C.8.8.5, C.8.8.6, C.8.8.8).

use std::fmt::Write as _;

use rt_core::Vec3;

use crate::course::{Course, Structure};
use crate::dicom::{DataSet, push_rounded, tag};
use crate::objects::{Kind, Uids, date, signed};
use crate::shape::polygon_area;

pub(super) fn set(course: &Course) -> DataSet {
    let uids = Uids::of(course);
    let frame = uids.frame();
    let roi = |n: usize, s: &Structure| {
        DataSet::new()
            .integers(tag::ROI_NUMBER, &[signed(n + 1)])
            .text(tag::REFERENCED_FRAME_OF_REFERENCE_UID, &frame)
            .text(tag::ROI_NAME, &s.name)
            .text(tag::ROI_GENERATION_ALGORITHM, "AUTOMATIC")
    };
    let observation = |n: usize, s: &Structure| {
        DataSet::new()
            .integers(tag::OBSERVATION_NUMBER, &[signed(n + 1)])
            .integers(tag::REFERENCED_ROI_NUMBER, &[signed(n + 1)])
            .text(tag::RT_ROI_INTERPRETED_TYPE, s.kind)
            .empty(tag::ROI_INTERPRETER)
    };
    let numbered = || course.structures.iter().enumerate();
    let mut set = course
        .header(Kind::Structures, 0, "synthetic structures")
        .empty(tag::OPERATORS_NAME)
        .text(tag::FRAME_OF_REFERENCE_UID, &frame)
        .empty(tag::POSITION_REFERENCE_INDICATOR)
        .text(tag::STRUCTURE_SET_LABEL, "Structures")
        .text(tag::STRUCTURE_SET_DATE, &date(course.day))
        .text(tag::STRUCTURE_SET_TIME, "130000")
        .items(tag::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE, vec![references(course)])
        .items(tag::STRUCTURE_SET_ROI_SEQUENCE, numbered().map(|(n, s)| roi(n, s)).collect())
        .items(tag::ROI_CONTOUR_SEQUENCE, numbered().map(|(n, s)| contours(course, n, s)).collect())
        .items(
            tag::RT_ROI_OBSERVATIONS_SEQUENCE,
            numbered().map(|(n, s)| observation(n, s)).collect(),
        )
        .text(tag::APPROVAL_STATUS, "UNAPPROVED");
    set.sort();
    set
}

fn references(course: &Course) -> DataSet {
    let uids = Uids::of(course);
    let images = (0..course.ct.size[2]).map(|k| reference(course, Kind::Ct, k)).collect();
    let series = DataSet::new()
        .text(tag::SERIES_INSTANCE_UID, &uids.series(Kind::Ct, 0))
        .items(tag::CONTOUR_IMAGE_SEQUENCE, images);
    let study = DataSet::new()
        .text(tag::REFERENCED_SOP_CLASS_UID, "1.2.840.10008.3.1.2.3.1")
        .text(tag::REFERENCED_SOP_INSTANCE_UID, &uids.study())
        .items(tag::RT_REFERENCED_SERIES_SEQUENCE, vec![series]);
    DataSet::new()
        .text(tag::FRAME_OF_REFERENCE_UID, &uids.frame())
        .items(tag::RT_REFERENCED_STUDY_SEQUENCE, vec![study])
}

/// A reference to another object of the course.
pub(super) fn reference(course: &Course, kind: Kind, index: usize) -> DataSet {
    DataSet::new()
        .text(tag::REFERENCED_SOP_CLASS_UID, kind.class_uid())
        .text(tag::REFERENCED_SOP_INSTANCE_UID, &Uids::of(course).object(kind, index))
}

fn contours(course: &Course, number: usize, structure: &Structure) -> DataSet {
    let mut items = Vec::new();
    for (k, rings) in planes(course, structure) {
        for ring in rings {
            let image = reference(course, Kind::Ct, k);
            items.push(
                DataSet::new()
                    .items(tag::CONTOUR_IMAGE_SEQUENCE, vec![image])
                    .text(tag::CONTOUR_GEOMETRIC_TYPE, "CLOSED_PLANAR")
                    .integers(tag::NUMBER_OF_CONTOUR_POINTS, &[signed(ring.len())])
                    .text(tag::CONTOUR_DATA, &coordinates(course, &ring)),
            );
        }
    }
    let shade = |factor: usize| signed(60 + (number + 1) * factor % 196);
    DataSet::new()
        .integers(tag::ROI_DISPLAY_COLOR, &[shade(53), shade(97), shade(151)])
        .items(tag::CONTOUR_SEQUENCE, items)
        .integers(tag::REFERENCED_ROI_NUMBER, &[signed(number + 1)])
}

/// Slices that a structure meets, with its closed curves in local coordinates.
fn planes(course: &Course, structure: &Structure) -> Vec<(usize, Vec<Vec<Vec3>>)> {
    let step = course.ct.spacing[0].clamp(1.0, 3.0);
    let cut = |(k, z): (usize, f64)| {
        let rings = structure.shape.section(z, step);
        (!rings.is_empty()).then_some((k, rings))
    };
    course.ct.line(2).into_iter().enumerate().filter_map(cut).collect()
}

fn coordinates(course: &Course, ring: &[Vec3]) -> String {
    let mut text = String::with_capacity(ring.len() * 24);
    for point in ring {
        for x in course.pose.place(*point).to_array() {
            if !text.is_empty() {
                // Writing to a String cannot fail.
                let _ = text.write_char('\\');
            }
            push_rounded(&mut text, x, course.decimals);
        }
    }
    text
}

/// Number of contours, and the volume that they enclose when each is a prism of one slice distance, mm3 (before rounding of coordinates).
pub(crate) fn drawn_mm3(course: &Course, structure: &Structure) -> (usize, f64) {
    let planes = planes(course, structure);
    let area = |rings: &[Vec<Vec3>]| {
        let areas = rings.iter().map(|ring| polygon_area(ring));
        // The first ring is the outer one, the second the void's.
        areas.enumerate().map(|(n, a)| if n == 0 { a } else { -a }).sum::<f64>()
    };
    let total = rt_core::float::sum(planes.iter().map(|(_, rings)| area(rings)));
    let contours = planes.iter().map(|(_, rings)| rings.len()).sum();
    (contours, total * course.ct.spacing[2])
}
