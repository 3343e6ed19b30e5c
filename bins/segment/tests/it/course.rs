//! One stage of one course: outputs, freshness, refusals.

use rt_cli::{Environment, Mode, Outcome, execute};
use rt_config::Document;
use rt_course::sidecar::LabelIndex;
use rt_course::{CourseDir, Status, read_json};
use rt_image::Volume;
use rt_segment_cli::Segment;

use crate::support::{course, torso};

fn index(course: &CourseDir, task: &str) -> LabelIndex {
    let folder = course.seg_task("classical", task).unwrap();
    read_json(&CourseDir::seg_names(&folder)).unwrap()
}

fn labels(course: &CourseDir, task: &str) -> Vec<u8> {
    std::fs::read(CourseDir::seg_labels(&course.seg_task("classical", task).unwrap())).unwrap()
}

#[test]
fn a_course_gets_one_label_map_and_its_names_per_task() {
    let dir = tempfile::tempdir().unwrap();
    let course = course(dir.path(), Some(torso()));
    let document = Document::default();
    let mut environment = Environment::for_tests(&document).unwrap();
    let outcome = execute(&Segment, &course, &environment).unwrap();
    assert_eq!(outcome.status(), Some(Status::Ok));
    let names = |task: &str| index(&course, task).labels.into_iter().map(|l| l.name).collect::<Vec<_>>();
    assert_eq!(names("body"), ["classical_body", "classical_couch"]);
    assert_eq!(names("lungs"), ["classical_lung_left", "classical_lung_right", "classical_airway"]);
    assert_eq!(names("bones"), ["classical_bone"]);
    // The label map lies on the grid of the CT, and its voxels are those that the names count.
    let lungs = index(&course, "lungs");
    let path = CourseDir::seg_labels(&course.seg_task("classical", "lungs").unwrap());
    let map: Volume<u8> = rt_nifti::read(path.as_std_path()).unwrap();
    assert_eq!(map.grid(), torso().grid());
    for label in &lungs.labels {
        let n = map.data().iter().filter(|v| u16::from(**v) == label.value).count();
        assert_eq!(n, label.voxels);
        assert!((label.volume_cc - n as f64 * 0.128).abs() < 1e-9);
    }
    assert!(lungs.parameters.contains_key("lung"));
    // A second run has nothing to do; a forced one writes the same bytes.
    let before = labels(&course, "bones");
    assert!(matches!(execute(&Segment, &course, &environment).unwrap(), Outcome::Fresh { .. }));
    environment.mode = Mode::Force;
    execute(&Segment, &course, &environment).unwrap();
    assert_eq!(before, labels(&course, "bones"));
}

#[test]
fn a_course_without_ct_is_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let course = course(dir.path(), None);
    let document = Document::default();
    let environment = Environment::for_tests(&document).unwrap();
    assert_eq!(execute(&Segment, &course, &environment).unwrap().status(), Some(Status::Skipped));
    assert!(!course.seg_dir().join("classical-body").exists());
}

#[test]
fn engine_none_is_skipped_and_removes_what_an_earlier_run_made() {
    let dir = tempfile::tempdir().unwrap();
    let course = course(dir.path(), Some(torso()));
    let first = Document::from_toml("t.toml", "[segmentation]\ntasks = [\"body\"]").unwrap();
    execute(&Segment, &course, &Environment::for_tests(&first).unwrap()).unwrap();
    assert!(labels(&course, "body").len() > 100);
    assert!(!course.seg_dir().join("classical-bones").exists());
    let none = Document::from_toml("t.toml", "[segmentation]\nengine = \"none\"").unwrap();
    let outcome = execute(&Segment, &course, &Environment::for_tests(&none).unwrap()).unwrap();
    assert_eq!(outcome.status(), Some(Status::Skipped));
    let folder = course.seg_task("classical", "body").unwrap();
    assert!(!CourseDir::seg_labels(&folder).exists());
}

#[test]
fn a_ct_without_a_patient_is_a_failed_item_with_the_reason_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let air = torso().map(|_| -1000i16);
    let course = course(dir.path(), Some(&air));
    let document = Document::default();
    let outcome = execute(&Segment, &course, &Environment::for_tests(&document).unwrap()).unwrap();
    assert_eq!(outcome.status(), Some(Status::Partial));
    let body = index(&course, "body");
    assert!(body.labels.is_empty());
    assert_eq!(body.warnings[0].code, "seg.no_body");
}

#[test]
fn a_damaged_ct_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let course = course(dir.path(), Some(torso()));
    let bytes = std::fs::read(course.ct()).unwrap();
    std::fs::write(course.ct(), &bytes[..bytes.len() / 2]).unwrap();
    let document = Document::default();
    let Err(error) = execute(&Segment, &course, &Environment::for_tests(&document).unwrap()) else {
        panic!("a truncated CT was segmented");
    };
    let text = rt_cli::exit::describe(&error);
    assert!(
        text.contains("ct.nii") && text.contains("truncated") && text.contains("hint:"),
        "{text}"
    );
}
