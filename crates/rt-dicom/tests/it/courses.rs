//! From generated folders to courses.

use rt_core::{Silent, Vec3};
use rt_dicom::{LinkRules, Linkage, MetaCache, ScanOptions, link, scan};
use rt_testdata::course::Naming;
use rt_testdata::{Cohort, Scratch, cohort};

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
