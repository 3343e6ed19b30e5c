//! One broken course costs that course: the others are done, the exit code says so.

use rt_testdata::Scratch;

use crate::run::{patient, patients_in, pipeline};

#[test]
fn a_course_whose_volume_is_cut_fails_alone() {
    let (input, output) = (Scratch::new("dicom"), Scratch::new("out"));
    patient(&input, "RT0001", 1);
    patient(&input, "RT0002", 2);
    assert_eq!(pipeline(input.path(), output.path(), &[]).code, 0);
    let course = std::fs::read_dir(output.join("RT0001")).unwrap().next().unwrap().unwrap().path();
    let dose = course.join("images/dose.nii");
    let bytes = std::fs::read(&dose).unwrap();
    std::fs::write(&dose, &bytes[..bytes.len() - 100]).unwrap();
    // organize would see the damage and make the file again.
    let without_organize = [
        "--stage",
        "dvh",
        "--stage",
        "qc",
        "--stage",
        "aggregate",
        "--set",
        "dvh.bin_width_gy=0.02",
    ];
    let ran = pipeline(input.path(), output.path(), &without_organize);
    assert!(ran.text.contains("dose.nii"), "{}", ran.text);
    assert_eq!(ran.code, 3, "{}", ran.text);
    assert!(patients_in(output.path(), "dvh_metrics").contains(&"RT0002".to_owned()));
}
