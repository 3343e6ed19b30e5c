use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::bench::{Bench, rtpipeline, walk};

#[test]
fn a_broken_course_loses_neither_the_others_nor_the_report() {
    let bench = Bench::new();
    bench.done(&[]);
    // Someone destroys the volume of one course: its stages fail, each naming the file.
    let volume = bench.course("RT0001").join("images/ct.nii");
    fs::write(&volume, b"no image").unwrap();
    let ended = bench.run(&[
        "--stage",
        "segment",
        "--stage",
        "structures",
        "--stage",
        "dvh",
        "--stage",
        "radiomics",
        "--stage",
        "qc",
        "--stage",
        "aggregate",
    ]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(ended.stage("segment"), [0, 1, 0, 0, 1, 0]);
    assert_eq!(ended.stage("structures")[5], 1);
    assert!(ended.out.contains("1 failed") && ended.err.contains("ct.nii"), "{ended:?}");
    assert!(bench.output().join("_RESULTS/report.html").exists());
    assert_eq!(bench.run(&["--stage", "segment", "--partial-ok"]).code, Some(0));
    // organize sees that its output was changed and makes it again.
    let healed = bench.done(&[]);
    assert_eq!(healed.stage("organize")[0], 1);
    assert_eq!(healed.stage("segment"), [1, 1, 0, 0, 0, 0]);
}

#[test]
fn a_truncated_slice_is_named_and_the_rest_is_done() {
    let bench = Bench::new();
    let slice = bench.ct_files("RT0001").pop().unwrap();
    let bytes = fs::read(&slice).unwrap();
    fs::write(&slice, &bytes[..300]).unwrap();
    let ended = bench.run(&[]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let name = slice.file_name().unwrap().to_str().unwrap();
    let inventory = fs::read_to_string(bench.output().join("_RESULTS/inventory.csv")).unwrap();
    assert!(ended.err.contains(name) && inventory.contains(name), "{name}: {}", ended.err);
    assert!(bench.course("RT0002").join("state/qc.ok").exists());
}

#[test]
fn input_without_dicom_says_what_was_found() {
    let bench = Bench::new();
    fs::remove_dir_all(bench.input()).unwrap();
    fs::create_dir(bench.input()).unwrap();
    for found in ["0 files found", "1 files found"] {
        let ended = bench.run(&[]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.err.contains(found) && ended.err.contains("hint:"), "{}", ended.err);
        fs::write(bench.input().join("notes.txt"), "hello").unwrap();
    }
    assert!(
        fs::read_to_string(bench.output().join("_RESULTS/inventory.csv"))
            .unwrap()
            .contains("notes.txt")
    );
}

#[test]
fn folders_that_cannot_work_are_refused_before_anything_is_written() {
    let bench = Bench::new();
    let run = |input: &std::path::Path, output: &std::path::Path| {
        let ended: crate::bench::Ended = rtpipeline()
            .arg("run")
            .arg("--input")
            .arg(input)
            .arg("--output")
            .arg(output)
            .output()
            .unwrap()
            .into();
        assert!(!bench.output().exists(), "{ended:?}");
        ended
    };
    let before = walk(&bench.input());
    let missing = run(&bench.path("absent"), &bench.output());
    assert!(
        missing.code == Some(2) && missing.err.contains("absent") && missing.err.contains("hint:"),
        "{missing:?}"
    );
    let inside = run(&bench.input(), &bench.input().join("out"));
    assert!(inside.code == Some(2) && inside.err.contains("inside the input"), "{inside:?}");
    assert_eq!(run(&bench.input(), &bench.input()).code, Some(2));
    fs::write(bench.path("file"), "").unwrap();
    let denied = run(&bench.input(), &bench.path("file/out"));
    assert!(
        denied.code == Some(1) && denied.err.contains("file/out") && denied.err.contains("hint:"),
        "{denied:?}"
    );
    assert_eq!(walk(&bench.input()), before);
}

#[test]
fn the_input_is_only_read() {
    let bench = Bench::new();
    for file in walk(&bench.input()) {
        fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    }
    let state = || {
        walk(&bench.input())
            .into_iter()
            .map(|f| (fs::metadata(&f).unwrap().modified().unwrap(), fs::read(&f).unwrap(), f))
            .collect::<Vec<_>>()
    };
    let before = state();
    bench.done(&["--set", "organize.place=copy"]);
    assert!(before == state());
}
