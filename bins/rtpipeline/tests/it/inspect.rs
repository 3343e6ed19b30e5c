//! `rtpipeline inspect`: what it tells, and that it writes nothing.

use std::process::Command;

use rt_testdata::dicom::{DicomFile, tag};
use rt_testdata::related::{Delivered, beam_record, registration};
use rt_testdata::{Field, Kind, Scratch, Vec3, cohort};

fn inspect(folder: &Scratch, more: &[&str]) -> (i32, String, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_rtpipeline"))
        .arg("inspect")
        .arg(folder.path())
        .args(more)
        .output()
        .unwrap();
    (
        run.status.code().unwrap_or(-1),
        String::from_utf8(run.stdout).unwrap(),
        String::from_utf8_lossy(&run.stderr).into_owned(),
    )
}

/// A primary plan with a boost, a record, a registration, a note and a cut slice of another patient.
fn folder() -> Scratch {
    let flat = |gy| Field::Gradient {
        at: Vec3::ZERO,
        gy,
        per_mm: Vec3::ZERO,
    };
    let described = cohort().seed(5).course(|c| {
        let c = c.patient("P1").ct([16, 16, 12]).spacing([4.0, 4.0, 3.0]).sphere("PTV", 12.0);
        c.treat("PELVIS", 50.0, 25, flat(50.0)).treat("BOOST", 20.0, 10, flat(20.0))
    });
    let folder = Scratch::new("inspect");
    described.write(folder.path()).unwrap();
    let objects = described.courses()[0].objects();
    let plan = objects.iter().find(|o| o.kind == Kind::Plan).unwrap();
    let beam = Delivered {
        beam: 1,
        fraction: Some(1),
        specified: 100.0,
        delivered: 100.0,
        termination: "NORMAL",
    };
    let uid = plan.file.set.text_of(tag::SOP_INSTANCE_UID).unwrap();
    let frame = objects[0].file.set.text_of(tag::FRAME_OF_REFERENCE_UID).unwrap();
    let record = beam_record("P1", "2.25.51", uid, "20240110", "1000", &[beam]);
    folder.write("record", DicomFile::new(record).to_bytes());
    let mut matrix = [0.0; 16];
    for n in [0, 5, 10, 15] {
        matrix[n] = 1.0;
    }
    let reg = registration("P1", "2.25.52", "2.25.777", frame, matrix);
    folder.write("reg", DicomFile::new(reg).to_bytes());
    folder.write("notes.txt", "no DICOM");
    // Another slice of the series, cut: with the UID of the sound one it would lose against it.
    let cut = objects[0].file.set.clone().text(tag::SOP_INSTANCE_UID, "2.25.404");
    let slice = DicomFile::new(cut).to_bytes();
    folder.write("cut.dcm", &slice[..slice.len() - 100]);
    folder
}

#[test]
fn the_folder_is_told_and_nothing_is_written() {
    let folder = folder();
    let before = folder.tree();
    let (code, text, errors) = inspect(&folder, &[]);
    assert_eq!(code, 3, "a file is cut: {errors}");
    for words in [
        "1 course of 1 patient",
        "16 x 16 x 12 voxels, 4.000 x 4.000 x 3.000 mm",
        "[planning, referenced]",
        "RTSTRUCT",
        "\"PELVIS\"  50 Gy in 25 fractions, 1 delivered",
        "\"BOOST\"  20 Gy in 10 fractions",
        "[boost]",
        "max 50.00 Gy",
        "dose: primary_boost_summed",
        "! dose.partly_delivered",
        "1 registration",
        "Left aside",
        "notes.txt",
    ] {
        assert!(text.contains(words), "{words:?} is not in:\n{text}");
    }
    assert_eq!(folder.tree(), before);
}

#[test]
fn every_file_is_listed_once_and_the_counts_add_up() {
    let folder = folder();
    let (_, text, _) = inspect(&folder, &["--json"]);
    let found: serde_json::Value = serde_json::from_str(&text).unwrap();
    let files = found["files"].as_array().unwrap();
    assert_eq!(files.len(), folder.tree().len());
    let of = |usage: &str| files.iter().filter(|f| f["use"] == usage).count() as u64;
    let sum = |key: &str| {
        found["balance"][key]
            .as_object()
            .unwrap()
            .values()
            .map(|v| v.as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(found["balance"]["used"].as_u64(), Some(of("used")));
    assert_eq!((sum("ignored"), sum("failed")), (of("ignored"), of("failed")));
    let record = files.iter().find(|f| f["path"] == "record").unwrap();
    assert_eq!(
        (record["role"].as_str(), record["link"].as_str()),
        (Some("record"), Some("plan_reference"))
    );
    let (_, listed, _) = inspect(&folder, &["--files"]);
    assert_eq!(listed.lines().count(), files.len() + 1);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let empty = Scratch::new("empty");
    let run = Command::new(env!("CARGO_BIN_EXE_rtpipeline"))
        .args(["inspect"])
        .arg(empty.join("nowhere"))
        .output()
        .unwrap();
    assert_ne!(run.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&run.stderr).contains("nowhere"));
    let (code, text, _) = inspect(&empty, &[]);
    assert_eq!(code, 0);
    assert!(text.contains("0 files found") && text.contains("0 courses"), "{text}");
}
