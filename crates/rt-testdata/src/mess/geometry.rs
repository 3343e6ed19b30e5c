//! Faults between the slices of a series (`spec/reliability.md` 3.4).

use super::{BrokenCourse, CourseFate, sound_course};
use crate::dicom::{DataSet, tag};
use crate::objects::{Kind, Object};
use crate::seed::Seed;
use crate::{Cohort, Mat3, Vec3};

pub(super) fn all() -> Vec<BrokenCourse> {
    vec![
        copied_slice(),
        same_uid_other_pixels(),
        isolated_double(),
        two_reconstructions(),
        missing_slice(),
        three_missing_slices(),
        uneven_slices(),
        repeated_instance_numbers(),
        localiser(),
        gantry_tilt(),
        turned_patient(),
        wrong_thickness(),
        non_square_pixels(),
    ]
}

fn ct(case: &'static str, fault: &'static str, fate: CourseFate, cohort: Cohort) -> BrokenCourse {
    BrokenCourse {
        case,
        fault,
        object: Kind::Ct,
        cohort,
        fate,
    }
}

/// The sound course with its CT slices changed.
fn slices(change: impl Fn(Object) -> Vec<Object> + Send + Sync + 'static) -> Cohort {
    sound_course(|c| c.edit(move |o| if o.kind == Kind::Ct { change(o) } else { vec![o] }))
}

/// The same slice under another name, changed.
fn twin(of: &Object, name: &str, change: impl FnOnce(DataSet) -> DataSet) -> Object {
    let mut twin = of.clone();
    twin.path = of.path.with_file_name(format!("{name}.{:04}.dcm", of.index + 1));
    twin.file.set = change(std::mem::take(&mut twin.file.set)).in_order();
    twin
}

fn other_uid(set: DataSet, what: &str, index: usize) -> DataSet {
    set.text(tag::SOP_INSTANCE_UID, &Seed::new(17).child(what, index as u64).uid())
}

/// Moves a slice to another height, mm above the origin of the course.
fn at_height(object: &mut Object, change: impl FnOnce(f64) -> f64) {
    let position = object.file.set.text_of(tag::IMAGE_POSITION_PATIENT).unwrap_or_default().to_owned();
    let mut numbers: Vec<f64> = position.split('\\').filter_map(|t| t.trim().parse().ok()).collect();
    if let Some(z) = numbers.get_mut(2) {
        *z = change(*z);
    }
    let set = std::mem::take(&mut object.file.set);
    object.file.set = set.decimals(tag::IMAGE_POSITION_PATIENT, &numbers);
}

fn copied_slice() -> BrokenCourse {
    let cohort = slices(|o| if o.index == 4 { vec![twin(&o, "copy", |s| s), o] } else { vec![o] });
    ct("copied_slice", "one slice twice, the same bytes", CourseFate::Silent, cohort)
}

fn same_uid_other_pixels() -> BrokenCourse {
    let cohort = slices(|o| {
        if o.index != 4 {
            return vec![o];
        }
        let changed = twin(&o, "changed", |s| s.text(tag::INSTANCE_CREATION_TIME, "130000"));
        vec![o, changed]
    });
    let fault = "two files of one UID with different content: the later one wins";
    ct("same_uid_other_pixels", fault, CourseFate::Told("sop.conflict"), cohort)
}

fn isolated_double() -> BrokenCourse {
    let cohort = slices(|o| {
        if o.index != 4 {
            return vec![o];
        }
        let double = twin(&o, "double", |s| other_uid(s, "double", 4));
        vec![o, double]
    });
    let fault = "two slices at one position, in no way told apart";
    ct("isolated_double", fault, CourseFate::Told("series.duplicate_position"), cohort)
}

fn two_reconstructions() -> BrokenCourse {
    let cohort = slices(|o| {
        let sharp = twin(&o, "sharp", |s| {
            other_uid(s, "sharp", o.index)
                .integers(tag::ACQUISITION_NUMBER, &[2])
                .text(tag::CONVOLUTION_KERNEL, "SHARP")
        });
        vec![o, sharp]
    });
    let fault = "two reconstructions in one series: one is chosen, they are never mixed";
    ct("two_reconstructions", fault, CourseFate::Told("series.several_stacks"), cohort)
}

fn missing_slice() -> BrokenCourse {
    let cohort = slices(|o| if o.index == 4 { vec![] } else { vec![o] });
    let fault = "one slice is missing: a gap of twice the spacing, resampled and told";
    ct("missing_slice", fault, CourseFate::Told("series.uneven_spacing"), cohort)
}

fn three_missing_slices() -> BrokenCourse {
    let cohort = slices(|o| if (4..7).contains(&o.index) { vec![] } else { vec![o] });
    let fault = "three slices are missing: a gap of four times the spacing, refused";
    ct("three_missing_slices", fault, CourseFate::ObjectFails("series.slice_gap"), cohort)
}

fn uneven_slices() -> BrokenCourse {
    let cohort = slices(|mut o| {
        // The upper half stands 1 mm higher than it should: one gap of 4 mm among gaps of 3 mm.
        if o.index >= 6 {
            at_height(&mut o, |z| z + 1.0);
        }
        vec![o]
    });
    ct(
        "uneven_slices",
        "one gap of 4 mm among gaps of 3 mm",
        CourseFate::Told("series.uneven_spacing"),
        cohort,
    )
}

fn repeated_instance_numbers() -> BrokenCourse {
    let cohort = slices(|mut o| {
        o.file.set = std::mem::take(&mut o.file.set).integers(tag::INSTANCE_NUMBER, &[1]);
        vec![o]
    });
    let fault = "every slice has InstanceNumber 1: positions decide";
    ct("repeated_instance_numbers", fault, CourseFate::Silent, cohort)
}

fn localiser() -> BrokenCourse {
    let cohort = slices(|o| {
        if o.index != 0 {
            return vec![o];
        }
        let scout = twin(&o, "scout", |s| {
            other_uid(s, "scout", 0)
                .text(tag::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\LOCALIZER")
                .decimals(tag::IMAGE_ORIENTATION_PATIENT, &[1.0, 0.0, 0.0, 0.0, 0.0, -1.0])
        });
        vec![o, scout]
    });
    ct("localiser", "a localiser in the series: left out", CourseFate::Silent, cohort)
}

fn gantry_tilt() -> BrokenCourse {
    let cohort = sound_course(|c| c.edit(|o| vec![tilted(o, 10.0)]));
    let fault = "slices shifted along y as under a gantry tilted by 10 degrees: the shear is kept and told";
    ct("gantry_tilt", fault, CourseFate::Told("image.gantry_tilt"), cohort)
}

/// A CT slice as a tilted gantry leaves it: turned about the x axis, its position still on the table's axis. Other objects are unchanged.
pub fn tilted(mut object: Object, degrees: f64) -> Object {
    if object.kind != Kind::Ct {
        return object;
    }
    let (sin, cos) = degrees.to_radians().sin_cos();
    let axes = [1.0, 0.0, 0.0, 0.0, cos, -sin];
    object.file.set = std::mem::take(&mut object.file.set).decimals(tag::IMAGE_ORIENTATION_PATIENT, &axes);
    object
}

fn turned_patient() -> BrokenCourse {
    let turn = Mat3::from_rotation_z(0.4) * Mat3::from_rotation_x(0.3);
    let cohort = sound_course(|c| c.pose(Vec3::new(12.0, -80.0, 400.0), turn));
    ct(
        "turned_patient",
        "image, structures and dose turned together",
        CourseFate::Silent,
        cohort,
    )
}

fn wrong_thickness() -> BrokenCourse {
    let cohort = slices(|mut o| {
        o.file.set = std::mem::take(&mut o.file.set).decimals(tag::SLICE_THICKNESS, &[5.0]);
        vec![o]
    });
    let fault = "SliceThickness 5 mm, slices 3 mm apart: positions decide";
    ct("wrong_thickness", fault, CourseFate::Silent, cohort)
}

fn non_square_pixels() -> BrokenCourse {
    let cohort = sound_course(|c| c.spacing([3.0, 5.0, 3.0]));
    ct("non_square_pixels", "columns 3 mm, rows 5 mm apart", CourseFate::Silent, cohort)
}
