//! An external beam plan with its prescription (PS3.3 C.8.8.9 to C.8.8.14).

use crate::course::Course;
use crate::dicom::{DataSet, tag};
use crate::objects::structures::reference;
use crate::objects::{Kind, Uids, date, signed};

/// Gantry angles of the beams, degrees.
const GANTRY_DEG: [f64; 4] = [0.0, 90.0, 180.0, 270.0];

pub(super) fn plan(course: &Course, index: usize) -> DataSet {
    let treatment = &course.treatments[index];
    let fractions = i64::from(treatment.fractions);
    let per_beam = treatment.rx_gy / f64::from(treatment.fractions.max(1)) / GANTRY_DEG.len() as f64;
    let mut set = course
        .header(Kind::Plan, index, "synthetic plan")
        .empty(tag::OPERATORS_NAME)
        .text(tag::FRAME_OF_REFERENCE_UID, &Uids::of(course).frame())
        .empty(tag::POSITION_REFERENCE_INDICATOR)
        .text(tag::RT_PLAN_LABEL, &treatment.label)
        .text(tag::RT_PLAN_NAME, &treatment.label)
        .text(tag::RT_PLAN_DATE, &date(course.day + 7 * u32::try_from(index).unwrap_or(0)))
        .text(tag::RT_PLAN_TIME, "140000")
        .text(tag::PLAN_INTENT, "RESEARCH")
        .text(tag::RT_PLAN_GEOMETRY, "PATIENT")
        .items(tag::DOSE_REFERENCE_SEQUENCE, vec![prescription(course, treatment.rx_gy)])
        .items(tag::FRACTION_GROUP_SEQUENCE, vec![fraction_group(fractions, per_beam)])
        .items(
            tag::BEAM_SEQUENCE,
            GANTRY_DEG.iter().enumerate().map(|(n, angle)| beam(course, n, *angle)).collect(),
        )
        .items(tag::PATIENT_SETUP_SEQUENCE, vec![setup()])
        .text(tag::APPROVAL_STATUS, "UNAPPROVED");
    if !course.structures.is_empty() {
        let structures = vec![reference(course, Kind::Structures, 0)];
        set = set.items(tag::REFERENCED_STRUCTURE_SET_SEQUENCE, structures);
    }
    set.sort();
    set
}

/// The target's prescription; it names the first PTV when there is one.
fn prescription(course: &Course, gy: f64) -> DataSet {
    let item = DataSet::new()
        .integers(tag::DOSE_REFERENCE_NUMBER, &[1])
        .text(tag::DOSE_REFERENCE_DESCRIPTION, "Target")
        .text(tag::DOSE_REFERENCE_TYPE, "TARGET")
        .decimals(tag::TARGET_PRESCRIPTION_DOSE, &[gy]);
    match course.structures.iter().position(|s| s.kind == "PTV") {
        Some(n) => item
            .text(tag::DOSE_REFERENCE_STRUCTURE_TYPE, "VOLUME")
            .integers(tag::REFERENCED_ROI_NUMBER, &[signed(n + 1)]),
        None => item.text(tag::DOSE_REFERENCE_STRUCTURE_TYPE, "SITE"),
    }
}

fn fraction_group(fractions: i64, per_beam: f64) -> DataSet {
    let beam = |n: usize| {
        DataSet::new()
            .decimals(tag::BEAM_DOSE, &[per_beam])
            .decimals(tag::BEAM_METERSET, &[100.0])
            .integers(tag::REFERENCED_BEAM_NUMBER, &[signed(n + 1)])
    };
    DataSet::new()
        .integers(tag::FRACTION_GROUP_NUMBER, &[1])
        .integers(tag::NUMBER_OF_FRACTIONS_PLANNED, &[fractions])
        .integers(tag::NUMBER_OF_BEAMS, &[signed(GANTRY_DEG.len())])
        .integers(tag::NUMBER_OF_BRACHY_APPLICATION_SETUPS, &[0])
        .items(tag::REFERENCED_BEAM_SEQUENCE, (0..GANTRY_DEG.len()).map(beam).collect())
}

fn setup() -> DataSet {
    DataSet::new()
        .text(tag::PATIENT_POSITION, "HFS")
        .integers(tag::PATIENT_SETUP_NUMBER, &[1])
}

fn beam(course: &Course, n: usize, gantry: f64) -> DataSet {
    let jaw = |kind: &str| {
        DataSet::new()
            .text(tag::RT_BEAM_LIMITING_DEVICE_TYPE, kind)
            .integers(tag::NUMBER_OF_LEAF_JAW_PAIRS, &[1])
    };
    let zero = |set: DataSet, tag| set.integers(tag, &[0]);
    let set = DataSet::new()
        .text(tag::MANUFACTURER, "rt-testdata")
        .text(tag::TREATMENT_MACHINE_NAME, "LINAC1")
        .text(tag::PRIMARY_DOSIMETER_UNIT, "MU")
        .decimals(tag::SOURCE_AXIS_DISTANCE, &[1000.0])
        .items(tag::BEAM_LIMITING_DEVICE_SEQUENCE, vec![jaw("ASYMX"), jaw("ASYMY")])
        .integers(tag::BEAM_NUMBER, &[signed(n + 1)])
        .text(tag::BEAM_NAME, &format!("Field {}", n + 1))
        .text(tag::BEAM_TYPE, "STATIC")
        .text(tag::RADIATION_TYPE, "PHOTON")
        .text(tag::TREATMENT_DELIVERY_TYPE, "TREATMENT")
        .decimals(tag::FINAL_CUMULATIVE_METERSET_WEIGHT, &[1.0])
        .integers(tag::NUMBER_OF_CONTROL_POINTS, &[2])
        .items(tag::CONTROL_POINT_SEQUENCE, vec![first_point(course, gantry), last_point()]);
    let none = [
        tag::NUMBER_OF_WEDGES,
        tag::NUMBER_OF_COMPENSATORS,
        tag::NUMBER_OF_BOLI,
        tag::NUMBER_OF_BLOCKS,
    ];
    none.into_iter().fold(set, zero)
}

fn first_point(course: &Course, gantry: f64) -> DataSet {
    let jaw = |kind: &str| {
        DataSet::new()
            .text(tag::RT_BEAM_LIMITING_DEVICE_TYPE, kind)
            .decimals(tag::LEAF_JAW_POSITIONS, &[-50.0, 50.0])
    };
    let still = |set: DataSet, (angle, direction)| set.decimals(angle, &[0.0]).text(direction, "NONE");
    let set = DataSet::new()
        .integers(tag::CONTROL_POINT_INDEX, &[0])
        .decimals(tag::NOMINAL_BEAM_ENERGY, &[6.0])
        .items(tag::BEAM_LIMITING_DEVICE_POSITION_SEQUENCE, vec![jaw("ASYMX"), jaw("ASYMY")])
        .decimals(tag::GANTRY_ANGLE, &[gantry])
        .text(tag::GANTRY_ROTATION_DIRECTION, "NONE")
        .empty(tag::TABLE_TOP_VERTICAL_POSITION)
        .empty(tag::TABLE_TOP_LONGITUDINAL_POSITION)
        .empty(tag::TABLE_TOP_LATERAL_POSITION)
        .decimals(tag::ISOCENTER_POSITION, &course.pose.origin.to_array())
        .decimals(tag::CUMULATIVE_METERSET_WEIGHT, &[0.0]);
    [
        (tag::BEAM_LIMITING_DEVICE_ANGLE, tag::BEAM_LIMITING_DEVICE_ROTATION_DIRECTION),
        (tag::PATIENT_SUPPORT_ANGLE, tag::PATIENT_SUPPORT_ROTATION_DIRECTION),
        (tag::TABLE_TOP_ECCENTRIC_ANGLE, tag::TABLE_TOP_ECCENTRIC_ROTATION_DIRECTION),
    ]
    .into_iter()
    .fold(set, still)
}

fn last_point() -> DataSet {
    DataSet::new()
        .integers(tag::CONTROL_POINT_INDEX, &[1])
        .decimals(tag::CUMULATIVE_METERSET_WEIGHT, &[1.0])
}
