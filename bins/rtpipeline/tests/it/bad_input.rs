//! Bad input, condition by binary: the exit code, the name of the file in the message, and nothing left behind.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench::{Bench, Ended, contains, walk};

/// A cohort that was processed once, and one of its courses.
struct Place {
    bench: Bench,
    course: PathBuf,
}

/// What a binary is pointed at.
enum Target {
    /// A folder in place of the course, the output or the input.
    Folder(PathBuf),
    /// The course RT0001, its cohort, or the whole input.
    Own,
}

/// One row of the table: binary, exit code, words that the message must hold.
type Row = (&'static str, i32, &'static [&'static str]);

impl Place {
    fn new() -> Self {
        let bench = Bench::new();
        bench.done(&[]);
        let course = bench.course("RT0001");
        Self { bench, course }
    }

    /// Runs a binary with the rights of a common user, although the test may be run by root.
    fn run(&self, binary: &str, target: &Target) -> Ended {
        let folder = |own: &Path| match target {
            Target::Folder(other) => other.clone(),
            Target::Own => own.to_owned(),
        };
        let program = Path::new(env!("CARGO_BIN_EXE_rtpipeline")).with_file_name(binary);
        assert!(
            program.exists(),
            "{} is not built: run the tests of the whole workspace",
            program.display()
        );
        let mut command = unprivileged(&program);
        match binary {
            "rt-organize" => command.arg("--force"),
            "rtpipeline" => command.args(["run", "--force"]),
            "rt-aggregate" => command.arg("--force").arg(folder(&self.bench.output())),
            _ => command.arg("--force").arg(folder(&self.course)),
        };
        if matches!(binary, "rt-organize" | "rtpipeline") {
            command.arg("--input").arg(folder(&self.bench.input()));
            command.arg("--output").arg(self.bench.output());
        }
        command.env_remove("RT_SET").output().unwrap().into()
    }

    fn check(&self, condition: &str, target: &Target, rows: &[Row]) {
        for (binary, code, words) in rows {
            let ended = self.run(binary, target);
            let text = format!("{}{}", ended.out, ended.err);
            assert_eq!(ended.code, Some(*code), "{condition} x {binary}:\n{text}");
            for word in *words {
                assert!(text.contains(word), "{condition} x {binary}: no {word:?} in\n{text}");
            }
            assert!(!text.contains("panicked"), "{condition} x {binary}:\n{text}");
            if *code == 1 || *code == 2 {
                assert!(text.contains("hint:"), "{condition} x {binary} gives no remedy:\n{text}");
            }
            let torn: Vec<PathBuf> = walk(&self.bench.output())
                .into_iter()
                .filter(|f| f.file_name().is_some_and(|n| n.to_string_lossy().contains(".tmp-")))
                .collect();
            assert!(torn.is_empty(), "{condition} x {binary} left {torn:?}");
        }
    }

    /// No stage of the course is marked as done.
    fn unmarked(&self, stages: &[&str]) {
        for stage in stages {
            assert!(!self.course.join(format!("state/{stage}.ok")).exists(), "{stage} is marked as done");
        }
    }
}

/// Root may read and write everything: `setpriv` (util-linux) takes that right from the child.
fn unprivileged(program: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"])
        .arg(program);
    command
}

/// Whether permissions can be tested here.
#[expect(clippy::print_stderr, reason = "the one line that tells a test was skipped")]
fn permissions_hold() -> bool {
    let can = unprivileged(Path::new("true")).status().is_ok_and(|s| s.success());
    if !can {
        eprintln!("skipped: this is root, and there is no setpriv (Debian package util-linux) to give its rights up");
    }
    can
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

#[test]
fn a_missing_directory() {
    let place = Place::new();
    let target = Target::Folder(place.bench.path("absent"));
    let all: Vec<Row> = ALL.iter().map(|binary| (*binary, 2, &["absent"][..])).collect();
    place.check("missing directory", &target, &all);
    assert!(!place.bench.path("absent").exists());
}

const ALL: [&str; 8] = [
    "rt-organize",
    "rt-segment",
    "rt-structures",
    "rt-dvh",
    "rt-radiomics",
    "rt-qc",
    "rt-aggregate",
    "rtpipeline",
];

#[test]
fn an_empty_tree_and_one_without_dicom() {
    for (condition, files) in [("empty tree", 0), ("no DICOM", 1)] {
        let place = Place::new();
        let folder = place.bench.path("vacant");
        fs::create_dir(&folder).unwrap();
        if files == 1 {
            fs::write(folder.join("notes.txt"), "no DICOM here").unwrap();
        }
        let found: &[&str] = if files == 0 {
            &["vacant", "0 files found"]
        } else {
            &["vacant", "1 files found"]
        };
        place.check(
            condition,
            &Target::Folder(folder.clone()),
            &[
                ("rt-organize", 1, found),
                ("rt-segment", 2, &["vacant", "course.json"]),
                ("rt-structures", 2, &["vacant", "course.json"]),
                ("rt-dvh", 2, &["vacant", "course.json"]),
                ("rt-radiomics", 2, &["vacant", "course.json"]),
                ("rt-qc", 2, &["vacant", "course.json"]),
                ("rt-aggregate", 2, &["vacant", "manifest.json"]),
                ("rtpipeline", 1, found),
            ],
        );
        assert_eq!(walk(&folder).len(), files, "something was written into {condition}");
    }
}

#[test]
fn a_truncated_file() {
    let place = Place::new();
    let slices = place.bench.ct_files("RT0001");
    let slice = &slices[slices.len() / 2];
    let contours = walk(&place.course.join("contours"))
        .into_iter()
        .find(|f| f.extension().is_some_and(|e| e == "parquet"));
    let contours = contours.unwrap().strip_prefix(&place.course).unwrap().to_str().unwrap().to_owned();
    // Each stage meets a damaged file of its own; qc and aggregate go on and tell.
    let rows: [(&str, Row); 6] = [
        ("dvh/dvh_metrics.parquet", ("rt-aggregate", 3, &["dvh_metrics"])),
        ("images/ct.nii", ("rt-segment", 1, &["ct.nii", "nifti.truncated"])),
        (&contours, ("rt-structures", 1, &["contours", "table.damaged"])),
        ("images/dose.nii", ("rt-dvh", 1, &["dose.nii", "nifti.truncated"])),
        ("images/ct.nii", ("rt-radiomics", 1, &["ct.nii", "nifti.truncated"])),
        ("images/ct.nii", ("rt-qc", 3, &["ct.nii"])),
    ];
    for (file, row) in rows {
        let path = place.course.join(file);
        let whole = fs::read(&path).unwrap();
        cut(&path);
        place.check("truncated file", &Target::Own, &[row]);
        fs::write(&path, whole).unwrap();
    }
    place.unmarked(&["segment", "structures", "dvh", "radiomics"]);

    cut(slice);
    let name = slice.file_name().unwrap().to_str().unwrap().to_owned();
    for binary in ["rt-organize", "rtpipeline"] {
        place.check("truncated slice", &Target::Own, &[(binary, 3, &[])]);
        let ended = place.run(binary, &Target::Own);
        assert!(ended.err.contains(&name), "{binary}: {}", ended.err);
    }
    // What could be done is done: the other patient, and this one without the slice.
    assert!(place.bench.course("RT0002").join("state/qc.ok").exists() && place.course.join("state/dvh.ok").exists());
}

#[test]
fn a_dose_of_another_frame_of_reference() {
    let place = Place::new();
    let dose = walk(&place.bench.input().join("RT0001"))
        .into_iter()
        .find(|f| contains(&fs::read(f).unwrap(), b"RTDOSE"));
    let dose = dose.unwrap();
    let mut bytes = fs::read(&dose).unwrap();
    // (0020,0052), explicit VR little endian: another last digit is another frame.
    let at = bytes.windows(6).position(|w| w == b"\x20\x00\x52\x00UI").unwrap();
    let length = usize::from(u16::from_le_bytes([bytes[at + 6], bytes[at + 7]]));
    let last = (at + 8..at + 8 + length).rev().find(|i| bytes[*i].is_ascii_digit()).unwrap();
    bytes[last] = if bytes[last] == b'7' { b'8' } else { b'7' };
    fs::write(&dose, bytes).unwrap();
    let name = dose.file_name().unwrap().to_str().unwrap().to_owned();
    let ended = place.run("rt-organize", &Target::Own);
    assert!(ended.code == Some(0) && ended.err.contains("dose.frame_mismatch"), "{ended:?}");
    assert!(ended.err.contains(&name), "{name} is not named: {}", ended.err);
    let rows: [Row; 7] = [
        ("rt-segment", 0, &[]),
        ("rt-structures", 0, &[]),
        ("rt-dvh", 3, &["frame of reference", "dvh.frame_mismatch"]),
        ("rt-radiomics", 0, &[]),
        ("rt-qc", 0, &["frame_of_reference"]),
        ("rt-aggregate", 0, &[]),
        ("rtpipeline", 3, &["frame_of_reference", "dvh.frame_mismatch", "RT0001"]),
    ];
    place.check("dose of another frame", &Target::Own, &rows);
}

#[test]
fn an_unreadable_file() {
    if !permissions_hold() {
        return;
    }
    let place = Place::new();
    let record = place.course.join("course.json");
    set_mode(&record, 0o000);
    let mut rows: Vec<Row> = ALL[1..6]
        .iter()
        .map(|binary| (*binary, 1, &["course.json", "ermission"][..]))
        .collect();
    rows.push(("rt-aggregate", 3, &["RT0001", "course.json"]));
    place.check("unreadable record", &Target::Own, &rows);
    let table = fs::read_to_string(place.bench.output().join("_RESULTS/dvh_metrics.csv")).unwrap();
    assert!(table.contains("RT0002"), "the other course is lost");
    set_mode(&record, 0o644);

    let slices = place.bench.ct_files("RT0001");
    let slice = slices.last().unwrap();
    // What is known of an unchanged file is not read again: this one is new.
    fs::write(slice, fs::read(slice).unwrap()).unwrap();
    set_mode(slice, 0o000);
    let name = slice.file_name().unwrap().to_str().unwrap().to_owned();
    for binary in ["rt-organize", "rtpipeline"] {
        place.check("unreadable slice", &Target::Own, &[(binary, 3, &[])]);
        let ended = place.run(binary, &Target::Own);
        assert!(ended.err.contains(&name), "{binary}: {}", ended.err);
    }
}

#[test]
fn an_output_that_cannot_be_written() {
    if !permissions_hold() {
        return;
    }
    let place = Place::new();
    let mut folders = vec![place.bench.output()];
    let mut n = 0;
    while n < folders.len() {
        let inner = fs::read_dir(&folders[n]).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir());
        folders.extend(inner.collect::<Vec<_>>());
        n += 1;
    }
    for folder in &folders {
        set_mode(folder, 0o555);
    }
    let before = place.bench.digest();
    let out: &[&str] = &["/out", "ermission"];
    let rows: Vec<Row> = ALL.iter().map(|binary| (*binary, 1, out)).collect();
    place.check("unwritable output", &Target::Own, &rows);
    assert!(before == place.bench.digest(), "a file was changed");
    for folder in &folders {
        set_mode(folder, 0o755);
    }
}
