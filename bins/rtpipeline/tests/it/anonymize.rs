//! `rtpipeline anonymize`: the same numbers without the persons, and a check that can fail.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rt_testdata::Scratch;

use crate::bench::{Ended, rtpipeline};
use crate::run::patient;

fn anonymize(scratch: &Scratch, arguments: &[&str]) -> Ended {
    let mut command = rtpipeline();
    command.arg("anonymize").args(arguments).current_dir(scratch.path());
    command.output().unwrap().into()
}

fn cohort() -> Scratch {
    let scratch = Scratch::new("anonymize");
    let input = Scratch::new("anonymize-in");
    patient(&input, "MEIER77", 5);
    patient(&input, "HUBER88", 6);
    for (path, bytes) in rt_testdata::tree(input.path()) {
        scratch.write(&format!("in/{path}"), bytes);
    }
    scratch.write("in/notes.txt", "MEIER77 called");
    scratch
}

/// Volume and dose of every structure, sorted: what must not change.
fn figures(scratch: &Scratch, input: &str, output: &str) -> BTreeSet<String> {
    let ran = crate::run::pipeline(&scratch.join(input), &scratch.join(output), &["--set", "qc.enabled=false"]);
    assert!(ran.code == 0, "{}", ran.text);
    let text = fs::read_to_string(scratch.join(output).join("_RESULTS/dvh_metrics.csv")).unwrap();
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap().split(',').collect();
    let at = |name: &str| {
        head.iter()
            .position(|h| *h == name)
            .unwrap_or_else(|| panic!("no column {name} in {head:?}"))
    };
    let wanted = ["DmeanGy", "DmaxGy", "D95Gy", "Volume (cm³)"].map(at);
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        wanted.map(|n| cells.get(n).copied().unwrap_or_default()).join(";")
    };
    lines.map(row).collect()
}

#[test]
fn figures_stay_and_persons_go() {
    let scratch = cohort();
    let ended = anonymize(
        &scratch,
        &["--input", "in", "--output", "out", "--key", "study.key", "--lookup", "patients.csv"],
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("clean:"), "{ended:?}");
    let report: serde_json::Value = serde_json::from_slice(&fs::read(scratch.join("out/DEIDENTIFICATION.json")).unwrap()).unwrap();
    assert_eq!(report["check"]["clean"], true);
    assert_eq!(report["check"]["released"], report["released"]);
    let modes = ["study.key", "patients.csv"].map(|f| fs::metadata(scratch.join(f)).unwrap().permissions().mode() & 0o777);
    assert_eq!(modes, [0o600, 0o600]);
    for (path, bytes) in rt_testdata::tree(&scratch.join("out")) {
        let there = |name: &str| path.contains(name) || bytes.windows(name.len()).any(|w| w == name.as_bytes());
        assert!(!there("MEIER77") && !there("HUBER88"), "{path}");
    }
    // The same figures; names of regions, persons and days are other ones.
    assert_eq!(figures(&scratch, "in", "a"), figures(&scratch, "out", "b"));

    // A name that comes back is found, and the folder is no longer called clean.
    let file = first(&scratch.join("out"));
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.windows(4).position(|w| w == b"DICM").unwrap();
    bytes.splice(at - 20..at - 13, *b"MEIER77");
    fs::write(&file, bytes).unwrap();
    let ended = anonymize(&scratch, &["--check", "in", "out"]);
    assert!(
        ended.code == Some(1) && ended.err.contains("stands at byte") && ended.err.contains("do not pass"),
        "{ended:?}"
    );
    assert!(!ended.err.contains("MEIER77") && !ended.out.contains("clean:"), "{ended:?}");
}

fn first(folder: &Path) -> std::path::PathBuf {
    let inside = rt_testdata::tree(folder).into_iter().map(|(path, _)| path);
    let mut files = inside.filter(|p| Path::new(p).extension().is_some_and(|e| e == "dcm"));
    folder.join(files.next().unwrap())
}

#[test]
fn what_would_undo_the_work_is_refused() {
    let scratch = cohort();
    scratch.write("full/x", "x");
    scratch.write("short.key", "too short");
    let cases: [(&[&str], &str); 7] = [
        (&["--input", "in", "--output", "out"], "--key"),
        (&["--input", "in", "--output", "out", "--key", "out/key"], "lies in the output"),
        (&["--input", "in", "--output", "in/out", "--key", "k"], "in one another"),
        (&["--input", "in", "--output", "full", "--key", "k"], "not empty"),
        (&["--input", "missing", "--output", "out", "--key", "k"], "cannot be read"),
        (&["--input", "in", "--output", "out", "--key", "short.key"], "32 bytes"),
        (
            &["--input", "in", "--output", "out", "--key", "k", "--roi-names", "keep"],
            "--i-have-checked",
        ),
    ];
    for (arguments, message) in cases {
        let ended = anonymize(&scratch, arguments);
        assert!(ended.code == Some(2) && ended.err.contains(message), "{arguments:?}: {ended:?}");
    }
    scratch.write("empty/notes.txt", "no DICOM here");
    let ended = anonymize(&scratch, &["--input", "empty", "--output", "out2", "--key", "k"]);
    assert!(ended.code == Some(1) && ended.err.contains("no object"), "{ended:?}");
    let ended = anonymize(&scratch, &["--check", "in", "empty"]);
    assert!(ended.code == Some(1) && !ended.out.contains("clean:"), "{ended:?}");
}
