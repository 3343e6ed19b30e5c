//! Faults of doses, structure sets and plans (`spec/reliability.md` 3.5).

use super::{BrokenCourse, CourseFate, sound_course};
use crate::dicom::{DataSet, tag};
use crate::objects::Kind;

pub(super) fn all() -> Vec<BrokenCourse> {
    let doses = [
        offsets_missing(),
        offset_missing_at_the_end(),
        offsets_absolute(),
        scaling_missing(),
        scaling_zero(),
        dose_relative(),
        dose_of_errors(),
        dose_in_cgy(),
        dose_of_another_frame(),
        no_frame_pointer(),
    ];
    let structures = [
        point_contour(),
        two_points(),
        number_of_points_wrong(),
        data_not_triples(),
        roi_without_contours(),
        contours_of_no_roi(),
        roi_number_twice(),
        names_repeat(),
        referenced_slices_absent(),
    ];
    let plans = [no_fraction_group(), no_prescription(), prescription_in_cgy()];
    doses.into_iter().chain(structures).chain(plans).collect()
}

/// The sound course with the data set of one kind of object changed.
fn changed(
    case: &'static str,
    fault: &'static str,
    kind: Kind,
    fate: CourseFate,
    change: impl Fn(DataSet) -> DataSet + Send + Sync + 'static,
) -> BrokenCourse {
    let cohort = sound_course(|c| {
        c.edit(move |mut o| {
            if o.kind == kind {
                o.file.set = change(std::mem::take(&mut o.file.set)).in_order();
            }
            vec![o]
        })
    });
    BrokenCourse {
        case,
        fault,
        object: kind,
        cohort,
        fate,
    }
}

fn without(mut set: DataSet, tag: crate::dicom::Tag) -> DataSet {
    set.remove(tag);
    set
}

/// The numbers of a decimal string.
fn numbers(set: &DataSet, tag: crate::dicom::Tag) -> Vec<f64> {
    let text = set.text_of(tag).unwrap_or_default();
    text.split('\\').filter_map(|t| t.trim().parse().ok()).collect()
}

fn offsets_missing() -> BrokenCourse {
    let fault = "no GridFrameOffsetVector: SliceThickness stands in";
    changed(
        "offsets_missing",
        fault,
        Kind::Dose,
        CourseFate::Told("dose.no_frame_offsets"),
        |s| without(s, tag::GRID_FRAME_OFFSET_VECTOR),
    )
}

fn offset_missing_at_the_end() -> BrokenCourse {
    let fault = "one offset fewer than frames";
    changed(
        "offset_missing_at_the_end",
        fault,
        Kind::Dose,
        CourseFate::ObjectFails("dose.frame_offsets"),
        |s| {
            let offsets = numbers(&s, tag::GRID_FRAME_OFFSET_VECTOR);
            s.decimals(tag::GRID_FRAME_OFFSET_VECTOR, &offsets[..offsets.len().saturating_sub(1)])
        },
    )
}

fn offsets_absolute() -> BrokenCourse {
    let fault = "offsets as absolute positions (PS3.3 C.8.8.3.2, second form)";
    changed("offsets_absolute", fault, Kind::Dose, CourseFate::Silent, |s| {
        let z = numbers(&s, tag::IMAGE_POSITION_PATIENT).get(2).copied().unwrap_or(0.0);
        let absolute: Vec<f64> = numbers(&s, tag::GRID_FRAME_OFFSET_VECTOR).iter().map(|o| z + o).collect();
        s.decimals(tag::GRID_FRAME_OFFSET_VECTOR, &absolute)
    })
}

fn scaling_missing() -> BrokenCourse {
    let fate = CourseFate::ObjectFails("dose.missing_attribute|dose.scaling");
    changed("scaling_missing", "no DoseGridScaling", Kind::Dose, fate, |s| {
        without(s, tag::DOSE_GRID_SCALING)
    })
}

fn scaling_zero() -> BrokenCourse {
    let fate = CourseFate::ObjectFails("dose.scaling");
    changed("scaling_zero", "DoseGridScaling 0", Kind::Dose, fate, |s| {
        s.decimals(tag::DOSE_GRID_SCALING, &[0.0])
    })
}

fn dose_relative() -> BrokenCourse {
    let fate = CourseFate::Told("dose.relative");
    changed("dose_relative", "DoseUnits RELATIVE: never Gy", Kind::Dose, fate, |s| {
        s.text(tag::DOSE_UNITS, "RELATIVE")
    })
}

fn dose_of_errors() -> BrokenCourse {
    let fate = CourseFate::ObjectFails("dose.error_type");
    changed("dose_of_errors", "DoseType ERROR", Kind::Dose, fate, |s| {
        s.text(tag::DOSE_TYPE, "ERROR")
    })
}

fn dose_in_cgy() -> BrokenCourse {
    let fate = CourseFate::Told("dose.cgy");
    changed("dose_in_cgy", "DoseUnits CGY, not in the standard", Kind::Dose, fate, |s| {
        s.text(tag::DOSE_UNITS, "CGY")
    })
}

fn dose_of_another_frame() -> BrokenCourse {
    let fate = CourseFate::Told("dose.frame_mismatch");
    changed(
        "dose_of_another_frame",
        "the dose lies in another frame of reference",
        Kind::Dose,
        fate,
        |s| s.text(tag::FRAME_OF_REFERENCE_UID, "2.25.123456789"),
    )
}

fn no_frame_pointer() -> BrokenCourse {
    changed(
        "no_frame_pointer",
        "no FrameIncrementPointer",
        Kind::Dose,
        CourseFate::Silent,
        |s| without(s, tag::FRAME_INCREMENT_POINTER),
    )
}

/// Changes the first contour of the first region.
fn first_contour(mut set: DataSet, change: impl FnOnce(DataSet) -> DataSet) -> DataSet {
    if let Some(roi) = set.items_mut(tag::ROI_CONTOUR_SEQUENCE).first_mut()
        && let Some(contour) = roi.items_mut(tag::CONTOUR_SEQUENCE).first_mut()
    {
        *contour = change(std::mem::take(contour));
    }
    set
}

fn contour(case: &'static str, fault: &'static str, fate: CourseFate, change: fn(DataSet) -> DataSet) -> BrokenCourse {
    changed(case, fault, Kind::Structures, fate, move |s| first_contour(s, change))
}

fn point_contour() -> BrokenCourse {
    contour(
        "point_contour",
        "a POINT among the contours: it has no area",
        CourseFate::Silent,
        |c| {
            c.text(tag::CONTOUR_GEOMETRIC_TYPE, "POINT")
                .integers(tag::NUMBER_OF_CONTOUR_POINTS, &[1])
                .text(tag::CONTOUR_DATA, "0\\-180\\-300")
        },
    )
}

fn two_points() -> BrokenCourse {
    contour(
        "two_points",
        "a closed contour of two points: it has no area",
        CourseFate::Silent,
        |c| {
            c.integers(tag::NUMBER_OF_CONTOUR_POINTS, &[2])
                .text(tag::CONTOUR_DATA, "0\\-180\\-300\\5\\-180\\-300")
        },
    )
}

fn number_of_points_wrong() -> BrokenCourse {
    let fate = CourseFate::Told("struct.contour_points");
    contour(
        "number_of_points_wrong",
        "NumberOfContourPoints is not that of the data",
        fate,
        |c| c.integers(tag::NUMBER_OF_CONTOUR_POINTS, &[999]),
    )
}

fn data_not_triples() -> BrokenCourse {
    let fate = CourseFate::Told("struct.contour_data");
    contour("data_not_triples", "the number of coordinates is no multiple of three", fate, |c| {
        c.text(tag::CONTOUR_DATA, "1\\2\\3\\4\\5\\6\\7\\8")
    })
}

fn roi_without_contours() -> BrokenCourse {
    let fault = "a region that is named but not drawn: not 0 cm3, but empty";
    changed("roi_without_contours", fault, Kind::Structures, CourseFate::Silent, |mut s| {
        if let Some(roi) = s.items_mut(tag::ROI_CONTOUR_SEQUENCE).first_mut() {
            roi.remove(tag::CONTOUR_SEQUENCE);
        }
        s
    })
}

fn contours_of_no_roi() -> BrokenCourse {
    let fate = CourseFate::Told("struct.roi_dangling");
    changed(
        "contours_of_no_roi",
        "contours of a region that does not exist",
        Kind::Structures,
        fate,
        |mut s| {
            if let Some(roi) = s.items_mut(tag::ROI_CONTOUR_SEQUENCE).first_mut() {
                *roi = std::mem::take(roi).integers(tag::REFERENCED_ROI_NUMBER, &[77]);
            }
            s
        },
    )
}

/// Repeats the first item of the region list, changed.
fn another_roi(set: &DataSet, change: impl Fn(DataSet) -> DataSet) -> DataSet {
    let mut set = set.clone();
    let first = set.items_mut(tag::STRUCTURE_SET_ROI_SEQUENCE).first().cloned().unwrap_or_default();
    set.items(tag::STRUCTURE_SET_ROI_SEQUENCE, vec![first.clone(), change(first)])
}

fn roi_number_twice() -> BrokenCourse {
    let fate = CourseFate::Told("struct.roi_repeated");
    changed("roi_number_twice", "two regions of one number", Kind::Structures, fate, |s| {
        another_roi(&s, |roi| roi.text(tag::ROI_NAME, "Other"))
    })
}

fn names_repeat() -> BrokenCourse {
    let fault = "two regions of one name: the number tells them apart";
    changed("names_repeat", fault, Kind::Structures, CourseFate::Silent, |s| {
        another_roi(&s, |roi| roi.integers(tag::ROI_NUMBER, &[2]))
    })
}

fn referenced_slices_absent() -> BrokenCourse {
    let fault = "the structure set names a series that is not there: the frame of reference must not guess one";
    let fate = CourseFate::Told("link.unresolved_reference");
    changed("referenced_slices_absent", fault, Kind::Structures, fate, |mut s| {
        for frame in s.items_mut(tag::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE) {
            for study in frame.items_mut(tag::RT_REFERENCED_STUDY_SEQUENCE) {
                for series in study.items_mut(tag::RT_REFERENCED_SERIES_SEQUENCE) {
                    *series = std::mem::take(series)
                        .text(tag::SERIES_INSTANCE_UID, "2.25.555")
                        .items(tag::CONTOUR_IMAGE_SEQUENCE, vec![]);
                }
            }
        }
        for roi in s.items_mut(tag::ROI_CONTOUR_SEQUENCE) {
            for contour in roi.items_mut(tag::CONTOUR_SEQUENCE) {
                contour.remove(tag::CONTOUR_IMAGE_SEQUENCE);
            }
        }
        s
    })
}

fn no_fraction_group() -> BrokenCourse {
    changed(
        "no_fraction_group",
        "a plan without fraction group",
        Kind::Plan,
        CourseFate::Silent,
        |s| without(s, tag::FRACTION_GROUP_SEQUENCE),
    )
}

fn no_prescription() -> BrokenCourse {
    changed(
        "no_prescription",
        "a plan without prescription: none is made up",
        Kind::Plan,
        CourseFate::Silent,
        |s| without(s, tag::DOSE_REFERENCE_SEQUENCE),
    )
}

fn prescription_in_cgy() -> BrokenCourse {
    let fate = CourseFate::Told("plan.rx_doubtful");
    changed(
        "prescription_in_cgy",
        "a prescription of 5000 Gy: cGy, most likely",
        Kind::Plan,
        fate,
        |mut s| {
            for item in s.items_mut(tag::DOSE_REFERENCE_SEQUENCE) {
                *item = std::mem::take(item).decimals(tag::TARGET_PRESCRIPTION_DOSE, &[5000.0]);
            }
            s
        },
    )
}
