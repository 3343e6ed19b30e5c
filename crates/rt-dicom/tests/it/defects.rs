//! Defects of the Python reference that the readers decide (`spec/ingest.md` 4, D#n; `spec/analysis.md` 6, A#n), one test each, named after
//! it: its wrong answer is not given. Those that a whole run decides are tested in bins/organize.

use rt_core::{Silent, Vec3};
use rt_dicom::dose_choice::{ChoiceRules, DoseClass, DoseFacts, PlanFacts, choose};
use rt_dicom::{
    LinkRules, Linkage, MetaCache, ScanOptions, SeriesOptions, SumGrid, link, read_dose, read_series, scan, sum_doses, sum_grid,
};
use rt_testdata::dicom::{DataSet, DicomFile, tag};
use rt_testdata::related::{enhanced, registration};
use rt_testdata::{Cohort, Kind, Object, Scratch, cohort};

use crate::build::{AXIAL, Axes, Dosed, SCALING, Slices, field, gray, series};

const IDENTITY: [f64; 16] = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0];

fn scanned(folder: &Scratch) -> rt_dicom::Index {
    let roots = [folder.path().to_path_buf()];
    scan(&roots, &mut MetaCache::default(), &ScanOptions::default(), &Silent).unwrap()
}

fn linked_by(folder: &Scratch, rules: &LinkRules) -> Linkage {
    link(&scanned(folder), rules)
}

fn written(cohort: &Cohort) -> Scratch {
    let folder = Scratch::new("defects");
    cohort.write(folder.path()).unwrap();
    folder
}

fn small(c: rt_testdata::Course) -> rt_testdata::Course {
    c.patient("P")
        .ct([16, 16, 12])
        .spacing([4.0, 4.0, 3.0])
        .sphere("PTV", 12.0)
        .dose_gradient(50.0, Vec3::Z * 0.1)
}

fn frame_of(cohort: &Cohort) -> String {
    let objects = cohort.courses()[0].objects();
    objects[0].file.set.text_of(tag::FRAME_OF_REFERENCE_UID).unwrap().to_owned()
}

/// Changes the data sets of one kind.
fn edited(kind: Kind, change: impl Fn(DataSet) -> DataSet + Send + Sync + 'static) -> impl Fn(Object) -> Vec<Object> + Send + Sync {
    move |mut o| {
        if o.kind == kind {
            o.file.set = change(std::mem::take(&mut o.file.set)).in_order();
        }
        vec![o]
    }
}

#[test]
fn d01_frames_of_reference_are_read_where_they_stand() {
    // Plan and dose in one study, structure set and CT in another; the plan refers to no structure set: the frame joins them.
    let described = cohort().seed(1).course(|c| {
        let study = |set: DataSet| set.text(tag::STUDY_INSTANCE_UID, "2.25.4444");
        small(c)
            .edit(edited(Kind::Plan, move |mut set| {
                set.remove(tag::REFERENCED_STRUCTURE_SET_SEQUENCE);
                study(set)
            }))
            .edit(edited(Kind::Dose, study))
    });
    let folder = written(&described);
    let own = frame_of(&described);
    for (name, from, to) in [("near", "2.25.2", own.as_str()), ("far", "2.25.2", "2.25.3")] {
        let reg = registration("P", &format!("2.25.10{}", name.len()), from, to, IDENTITY);
        folder.write(name, DicomFile::new(reg).to_bytes());
    }
    let linkage = linked_by(&folder, &LinkRules::default());
    assert_eq!(linkage.courses.len(), 1);
    let course = &linkage.courses[0];
    assert_eq!(
        (course.plans.len(), course.doses.len(), course.structures.len(), course.images.len()),
        (1, 1, 1, 1)
    );
    assert_eq!(course.structures[0].object.link, "same_frame");
    assert_eq!(course.registrations.len(), 1, "the one of this frame, not the other");
    assert_eq!(
        linkage.rejects.iter().map(|r| r.code).collect::<Vec<_>>(),
        ["link.registration_alone"]
    );
}

#[test]
fn d08_descending_doses_are_summed_where_they_belong() {
    let turned: Axes = (Vec3::new(0.8, 0.6, 0.0), Vec3::new(-0.6, 0.8, 0.0));
    for axes in [AXIAL, turned] {
        for (first, second) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
            let make = |sign: f64, gap: f64| {
                let along: Vec<f64> = (0..4).map(|k| sign * gap * f64::from(k)).collect();
                let folder = Scratch::new("dose");
                read_dose(&folder.write("rd", Dosed::new(axes, &along).bytes())).unwrap()
            };
            let (fine, coarse) = (make(first, 2.0), make(second, 3.0));
            let onto = sum_grid(&[&fine, &coarse], SumGrid::Reference).unwrap();
            let sum = sum_doses(&[&fine, &coarse], &onto).unwrap();
            let last = coarse.volume.grid().size().map(|n| n as f64 - 1.0 + 1e-6);
            let mut inside = 0;
            for ((k, j, i), v) in sum.volume.data().indexed_iter() {
                let p = onto.centre(i, j, k);
                let index = coarse.volume.grid().world_to_index(p);
                let both = index.min_element() >= -1e-6 && index.to_array().iter().zip(last).all(|(x, end)| *x <= end);
                let expected = if both { 2.0 * gray(p) } else { gray(p) };
                assert!(
                    (f64::from(*v) - expected).abs() < 0.01,
                    "{first} {second} {p}: {v} instead of {expected}"
                );
                inside += usize::from(both);
            }
            assert!(inside > 0);
        }
    }
}

#[test]
fn a01_a_descending_ramp_added_to_itself_keeps_its_direction() {
    let folder = Scratch::new("ramp");
    let one = read_dose(&folder.write("rd", Dosed::new(AXIAL, &[0.0, -3.0, -6.0, -9.0]).bytes())).unwrap();
    let onto = sum_grid(&[&one, &one], SumGrid::Union).unwrap();
    let sum = sum_doses(&[&one, &one], &onto).unwrap();
    for ((k, j, i), v) in sum.volume.data().indexed_iter() {
        assert!((f64::from(*v) - 2.0 * gray(onto.centre(i, j, k))).abs() < 2.0 * SCALING);
    }
}

#[test]
fn d16_images_that_are_not_square_stay_upright() {
    let mut slices = Slices::new(AXIAL, 4);
    (slices.rows, slices.columns, slices.spacing) = (24, 32, [3.0, 1.25]);
    let folder = Scratch::new("wide");
    let image = read_series(&slices.write(&folder), &SeriesOptions::default()).unwrap();
    let grid = image.data.grid();
    assert_eq!((grid.size(), grid.spacing()), ([32, 24, 4], [1.25, 3.0, 3.0]));
    assert!(largest_error(&image) <= 0.5 + 1e-6);
}

fn largest_error(image: &rt_dicom::ImageSeries) -> f64 {
    let grid = image.data.grid();
    let off = |(k, j, i): (usize, usize, usize), v: f64| (v - field(grid.centre(i, j, k))).abs();
    match &image.data {
        rt_dicom::ImageData::I16(v) => v.data().indexed_iter().map(|(at, x)| off(at, f64::from(*x))).fold(0.0, f64::max),
        rt_dicom::ImageData::F32(v) => v.data().indexed_iter().map(|(at, x)| off(at, f64::from(*x))).fold(0.0, f64::max),
    }
}

#[test]
fn d34_every_plan_reference_of_a_dose_is_followed() {
    let described = cohort().seed(2).course(|c| {
        small(c).edit(edited(Kind::Dose, |mut set| {
            let own = set.items_mut(tag::REFERENCED_RT_PLAN_SEQUENCE)[0].clone();
            let gone = own.clone().text(tag::REFERENCED_SOP_INSTANCE_UID, "2.25.404");
            set.items(tag::REFERENCED_RT_PLAN_SEQUENCE, vec![gone, own])
        }))
    });
    let linkage = linked_by(&written(&described), &LinkRules::default());
    let course = &linkage.courses[0];
    assert_eq!((course.doses.len(), course.doses[0].link), (1, "plan_reference"));
}

#[test]
fn d35_plans_far_apart_are_as_many_courses_as_it_takes() {
    // Plans a week apart each: windows of three days make three courses, not two.
    let described = cohort().seed(3).course(|c| small(c).plan("B", 20.0, 10).plan("C", 10.0, 5));
    let rules = LinkRules {
        max_days: Some(3),
        ..LinkRules::default()
    };
    assert_eq!(linked_by(&written(&described), &rules).courses.len(), 3);
    assert_eq!(linked_by(&written(&described), &LinkRules::default()).courses.len(), 1);
}

#[test]
fn d36_doses_of_two_frames_are_two_courses() {
    let described = cohort()
        .seed(4)
        .course(|c| small(c).label("C1"))
        .course(|c| small(c).label("C2").edit(|o| vec![o]));
    // Both courses of one patient in one study.
    let folder = Scratch::new("frames");
    for (n, course) in described.courses().iter().enumerate() {
        for (m, mut object) in course.objects().into_iter().enumerate() {
            object.file.set = std::mem::take(&mut object.file.set).text(tag::STUDY_INSTANCE_UID, "2.25.5555");
            folder.write(&format!("{n}/{m}"), object.file.to_bytes());
        }
    }
    let linkage = linked_by(&folder, &LinkRules::default());
    assert_eq!(linkage.courses.len(), 2);
    for course in &linkage.courses {
        assert_eq!(
            (course.plans.len(), course.doses.len(), course.structures.len(), course.images.len()),
            (1, 1, 1, 1)
        );
    }
    assert!(linkage.rejects.is_empty());
}

fn plan(uid: &str, text: &str, levels: &[f64]) -> PlanFacts {
    PlanFacts {
        sop_uid: uid.into(),
        text: text.into(),
        date: Some("20240101".into()),
        levels_gy: levels.to_vec(),
        structure_set: Some("9".into()),
        ..PlanFacts::default()
    }
}

fn dose(uid: &str, plan: &str) -> DoseFacts {
    DoseFacts {
        sop_uid: uid.into(),
        summation: "PLAN".into(),
        units: "GY".into(),
        plans: vec![plan.into()],
        ..DoseFacts::default()
    }
}

fn class_of(plans: &[PlanFacts]) -> (DoseClass, usize) {
    let doses: Vec<DoseFacts> = plans.iter().map(|p| dose(&format!("d{}", p.sop_uid), &p.sop_uid)).collect();
    let choice = choose(plans, &doses, &ChoiceRules::default());
    (choice.class, choice.selected.len())
}

#[test]
fn d39_the_prescription_is_the_highest_level_not_the_sum() {
    // 70 + 63 + 56 = 189 against 70 + 56 = 126 would look like a boost; the highest level is the same: a replan.
    let plans = [plan("1", "HN", &[70.0, 63.0, 56.0]), plan("2", "HN_B", &[70.0, 56.0])];
    assert_eq!(plans[0].rx_gy(), Some(70.0));
    assert_eq!(class_of(&plans), (DoseClass::ReplanFirst, 1));
}

#[test]
fn a12_limits_and_maxima_are_no_prescription() {
    let described = cohort().seed(5).course(|c| {
        small(c).edit(edited(Kind::Plan, |set| {
            let level = |kind: &str, gy: f64| {
                DataSet::new()
                    .text(tag::DOSE_REFERENCE_TYPE, kind)
                    .decimals(tag::TARGET_PRESCRIPTION_DOSE, &[gy])
            };
            let levels = vec![level("TARGET", 50.0), level("TARGET", 70.0), level("ORGAN_AT_RISK", 90.0)];
            set.items(tag::DOSE_REFERENCE_SEQUENCE, levels)
        }))
    });
    let folder = written(&described);
    let linkage = linked_by(&folder, &LinkRules::default());
    let rx = rt_dicom::read_plan(&linkage.courses[0].plans[0].file.path).unwrap().rx();
    assert_eq!((rx.total_gy, rx.levels.len()), (Some(70.0), 2));
}

#[test]
fn a13_words_inside_words_decide_nothing() {
    for (first, second) in [("PELVIS", "PREV_NODES"), ("PELVIS", "NODES_ACDC"), ("LIV2_MAIN", "LIV2_CONE")] {
        let plans = [plan("1", first, &[46.0]), plan("2", second, &[20.0])];
        assert_eq!(class_of(&plans), (DoseClass::PrimaryBoostSummed, 2), "{second}");
    }
    // Two equal halves without evidence: neither half nor double.
    let halves = [plan("1", "THORAX_A", &[25.0]), plan("2", "THORAX_B", &[25.0])];
    assert_eq!(class_of(&halves), (DoseClass::Ambiguous, 0));
}

#[test]
fn a14_a_replan_with_a_level_fewer_is_not_added() {
    let plans = [plan("1", "HN", &[70.0, 56.0, 50.0]), plan("2", "HN_NEWMASK", &[70.0, 56.0])];
    assert_eq!(class_of(&plans), (DoseClass::ReplanFirst, 1));
}

#[test]
fn a19_doses_of_every_position_of_the_patient_lie_where_they_should() {
    let positions: [(&str, Axes); 4] = [
        ("HFS", AXIAL),
        ("FFS", (Vec3::NEG_X, Vec3::Y)),
        ("HFP", (Vec3::NEG_X, Vec3::NEG_Y)),
        ("HFDR", (Vec3::Y, Vec3::NEG_X)),
    ];
    for (name, axes) in positions {
        for along in [[0.0, 3.0, 6.0], [0.0, -3.0, -6.0]] {
            let folder = Scratch::new("position");
            let read = read_dose(&folder.write("rd", Dosed::new(axes, &along).bytes())).unwrap();
            let grid = read.volume.grid();
            for ((k, j, i), v) in read.volume.data().indexed_iter() {
                assert!((f64::from(*v) - gray(grid.centre(i, j, k))).abs() <= SCALING, "{name}");
            }
        }
    }
}

#[test]
fn d50_an_arc_over_zero_is_no_arc_round_the_back() {
    assert!((rt_dicom::rtplan::circular_span(&[350.0, 0.0, 10.0]) - 20.0).abs() < 1e-9);
}

#[test]
fn d62_contours_without_image_references_are_kept() {
    let strip = |mut set: DataSet| {
        for roi in set.items_mut(tag::ROI_CONTOUR_SEQUENCE) {
            for contour in roi.items_mut(tag::CONTOUR_SEQUENCE) {
                contour.remove(tag::CONTOUR_IMAGE_SEQUENCE);
            }
        }
        set
    };
    let read = |cohort: &Cohort| {
        let folder = written(cohort);
        let linkage = linked_by(&folder, &LinkRules::default());
        let set = rt_dicom::read_structures(&linkage.courses[0].structures[0].object.file.path).unwrap();
        set.rois[0].contours.clone()
    };
    let with = read(&cohort().seed(6).course(small));
    let without = read(&cohort().seed(6).course(move |c| small(c).edit(edited(Kind::Structures, strip))));
    assert_eq!(with, without);
}

#[test]
fn d63_uneven_gaps_are_not_taken_for_even_ones() {
    let mut slices = Slices::new(AXIAL, 9);
    slices.positions.remove(5);
    let folder = Scratch::new("gap");
    let image = read_series(&slices.write(&folder), &SeriesOptions::default()).unwrap();
    // Nine slices at 3 mm again, not eight at 3.43 mm.
    assert!(image.resampled_slices);
    assert_eq!(image.data.grid().size()[2], 9);
    assert!((image.data.grid().spacing()[2] - 3.0).abs() < 1e-9);
    assert!(largest_error(&image) <= 1.0);
}

#[test]
fn d68_frames_of_an_enhanced_object_are_slices() {
    let mut slices = Slices::new(AXIAL, 5);
    // Rescale changes from frame to frame.
    slices.edit = |k, set| {
        if k == 3 {
            set.decimals(tag::RESCALE_INTERCEPT, &[-2024.0])
        } else {
            set
        }
    };
    let classic = Scratch::new("classic");
    let expected = read_series(&slices.write(&classic), &SeriesOptions::default()).unwrap();
    // Frames in no order.
    let sets: Vec<DataSet> = [3, 0, 4, 1, 2].map(|k| slices.set(k)).to_vec();
    let folder = Scratch::new("enhanced");
    folder.write("one", DicomFile::new(enhanced(&sets)).to_bytes());
    let image = read_series(&series(&folder), &SeriesOptions::default()).unwrap();
    assert_eq!(image.data, expected.data);
    assert_eq!(image.data.grid().size(), [5, 6, 5]);
}

#[test]
fn d69_files_of_one_uid_are_judged_and_told() {
    let slices = Slices::new(AXIAL, 3);
    let folder = Scratch::new("conflict");
    let changed = slices
        .set(1)
        .text(tag::INSTANCE_CREATION_DATE, "20240102")
        .decimals(tag::RESCALE_INTERCEPT, &[-1000.0])
        .in_order();
    for (name, set) in [("b", changed), ("c", slices.set(1)), ("a", slices.set(0)), ("d", slices.set(2))] {
        folder.write(name, DicomFile::new(set).to_bytes());
    }
    let index = scanned(&folder);
    let told: Vec<(&str, &str)> = index
        .files
        .iter()
        .map(|f| (f.verdict.class.name(), f.verdict.usage.name()))
        .collect();
    // The later one wins, whatever its name; both are told.
    assert_eq!(
        told,
        [("image", "used"), ("conflict", "used"), ("conflict", "ignored"), ("image", "used")]
    );
}
