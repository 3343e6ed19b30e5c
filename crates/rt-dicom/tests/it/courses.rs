//! From generated folders to courses.

use rt_core::{Silent, Vec3};
use rt_dicom::{LinkRules, Linkage, MetaCache, ScanOptions, link, scan};
use rt_testdata::course::Naming;
use rt_testdata::dicom::tag;
use rt_testdata::{Cohort, Kind, Scratch, cohort};

fn linked(cohort: &Cohort) -> Linkage {
    let folder = Scratch::new("courses");
    cohort.write(folder.path()).unwrap();
    let index = scan(
        &[folder.path().to_path_buf()],
        &mut MetaCache::default(),
        &ScanOptions::default(),
        &Silent,
    )
    .unwrap();
    link(&index, &LinkRules::default())
}

#[test]
fn one_course_a_patient_whatever_the_names() {
    for naming in [Naming::Tidy, Naming::Disc] {
        let linkage = linked(
            &cohort()
                .seed(1)
                .course(|c| {
                    c.ct([16, 16, 12])
                        .sphere("PTV", 30.0)
                        .dose_gradient(60.0, Vec3::Z * 0.1)
                        .naming(naming)
                })
                .course(|c| {
                    c.ct([16, 16, 12])
                        .mr([16, 16, 12])
                        .sphere("PTV", 30.0)
                        .plan("A", 50.0, 25)
                        .naming(naming)
                }),
        );
        let facts: Vec<_> = linkage
            .courses
            .iter()
            .map(|c| (c.plans.len(), c.doses.len(), c.structures.len(), c.images.len(), c.mode.name()))
            .collect();
        assert_eq!(facts, [(1, 1, 1, 1, "rt"), (1, 0, 1, 2, "rt")]);
        assert!(linkage.rejects.is_empty());
        for course in &linkage.courses {
            assert!(course.notices.is_empty(), "{:?}", course.notices);
            assert!(course.structures[0].is_plan_referenced && course.structures[0].is_primary);
            assert_eq!(course.images[0].link, "referenced");
            assert_eq!(course.planning_ct().unwrap().series.modality, "CT");
        }
        assert_eq!(
            (
                linkage.courses[1].images[1].series.modality.as_str(),
                linkage.courses[1].images[1].link
            ),
            ("MR", "same_frame")
        );
    }
}

#[test]
fn images_alone_make_a_course_of_their_own() {
    let linkage = linked(&cohort().seed(2).course(|c| c.ct([16, 16, 12])));
    assert_eq!(linkage.courses.len(), 1);
    assert_eq!(
        (linkage.courses[0].mode.name(), linkage.courses[0].images[0].link),
        ("ct", "image_only")
    );
}

/// Two courses with the identity elements of each changed.
fn two_people(ids: [&'static str; 2], names: [&'static str; 2], births: [&'static str; 2]) -> Linkage {
    let mut described = cohort().seed(7);
    for n in 0..2 {
        described = described.course(|c| {
            c.patient(&format!("F{n}")).ct([8, 8, 12]).sphere("PTV", 60.0).edit(move |mut o| {
                let set = std::mem::take(&mut o.file.set);
                o.file.set = set
                    .text(tag::PATIENT_ID, ids[n])
                    .text(tag::PATIENT_NAME, names[n])
                    .text(tag::PATIENT_BIRTH_DATE, births[n]);
                vec![o]
            })
        });
    }
    linked(&described)
}

fn told(linkage: &Linkage) -> Vec<&str> {
    linkage.notices.iter().map(|n| n.code).collect()
}

#[test]
fn patients_who_share_an_identifier_are_told_and_not_separated() {
    let linkage = two_people(["P1", "P1"], ["DOE^JANE", "ROE^JOHN"], ["19500101", "19600202"]);
    assert_eq!(told(&linkage), ["patient.shared_id"]);
    assert!(
        linkage
            .courses
            .iter()
            .all(|c| c.notices.iter().any(|n| n.code == "patient.shared_id"))
    );
    assert!(
        linkage
            .notices
            .iter()
            .all(|n| !n.detail.contains("DOE") && !n.detail.contains("1950")),
        "no name, no date"
    );
    // The same person, written in another way.
    assert!(told(&two_people(["P1", "P1"], ["DOE^JANE", "Doe^Jane^^"], ["19500101", "19500101"])).is_empty());
}

#[test]
fn one_patient_under_two_identifiers_is_told_and_not_merged() {
    let linkage = two_people(["P1", "Q7"], ["DOE^JANE", "DOE^JANE"], ["19500101", "19500101"]);
    assert_eq!(told(&linkage), ["patient.two_ids"]);
    assert_eq!(linkage.courses.len(), 2);
    let linkage = two_people(["00123", "123"], ["A", "B"], ["19500101", "19510101"]);
    assert_eq!(told(&linkage), ["patient.similar_id"]);
    assert_eq!(linkage.courses.len(), 2);
    assert!(told(&two_people(["P1", "P2"], ["A", "B"], ["19500101", "19510101"])).is_empty());
}

#[test]
fn a_verification_scan_is_not_taken_for_the_planning_ct() {
    // Nothing refers to an image, and the scan of the treatment machine has more slices in the same frame of reference.
    let described = |device: &'static str| {
        cohort().seed(8).course(move |c| {
            let c = c.ct([8, 8, 16]).plan("A", 50.0, 25);
            c.edit(move |o| {
                if o.kind != Kind::Ct {
                    return vec![o];
                }
                let mut twin = o.clone();
                twin.path = o.path.with_file_name(format!("cb{}", o.index));
                let uid = format!("{}.9", o.file.set.text_of(tag::SOP_INSTANCE_UID).unwrap());
                let set = std::mem::take(&mut twin.file.set);
                twin.file.set = set
                    .text(tag::SOP_INSTANCE_UID, &uid)
                    .text(tag::SERIES_INSTANCE_UID, "2.25.9999")
                    .text(tag::MANUFACTURER_MODEL_NAME, device);
                if o.index < 4 { vec![twin] } else { vec![o, twin] }
            })
        })
    };
    let chosen = |linkage: &Linkage| linkage.courses[0].planning_ct().unwrap().series.files.len();
    let linkage = linked(&described("On-Board Imager OBI"));
    assert_eq!((chosen(&linkage), linkage.courses[0].images[0].link), (12, "same_frame"));
    assert!(linkage.courses[0].notices.iter().all(|n| n.code != "link.ct_doubtful"));
    // By another device it is a CT like the other, and has more slices.
    assert_eq!(chosen(&linked(&described("SOMATOM"))), 16);
}
