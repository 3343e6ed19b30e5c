//! Bad input: exit code, and the name of the file or folder in the message. No partial file stays, nothing panics.

use std::path::Path;

use rt_testdata::Scratch;

use crate::run::{Said, files, holds, manifest, organize, record, two_patients};

#[track_caller]
fn says(said: &Said, code: i32, words: &[&str]) {
    assert_eq!(said.code, code, "{}", said.text);
    for word in words {
        assert!(said.text.contains(word), "{word:?} is not in:\n{}", said.text);
    }
    assert!(!said.text.contains("panicked"), "{}", said.text);
}

fn no_temporary_files(folder: &Path) {
    let left: Vec<String> = rt_testdata::tree(folder)
        .into_iter()
        .map(|(p, _)| p)
        .filter(|p| p.contains(".tmp-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn folders_that_cannot_work_are_named() {
    let out = Scratch::new("out");
    let empty = Scratch::new("empty");
    says(
        &organize(&empty.join("nowhere"), out.path(), &[]),
        2,
        &["nowhere", "check the path"],
    );
    says(
        &organize(empty.path(), out.path(), &[]),
        1,
        &["no course", "0 files found", "inventory"],
    );
    let file = empty.write("notes.txt", "no DICOM here");
    says(&organize(empty.path(), out.path(), &[]), 1, &["1 files found", "0 of them DICOM"]);
    says(&organize(&file, out.path(), &[]), 2, &["notes.txt"]);
    let input = two_patients();
    says(
        &organize(input.path(), &file.join("below"), &[]),
        1,
        &["notes.txt", "another --output"],
    );
    says(&organize(input.path(), &input.join("out"), &[]), 2, &["inside the input"]);
    let bad_key = organize(input.path(), out.path(), &["--set", "organize.plase=copy"]);
    says(&bad_key, 2, &["plase", "place"]);
}

#[test]
fn a_truncated_slice_costs_that_slice() {
    let (input, out) = (two_patients(), Scratch::new("out"));
    let slices = files(input.path(), |b| holds(b, "RT0001") && holds(b, "AXIAL"));
    let victim = &slices[slices.len() / 2];
    let bytes = std::fs::read(victim).unwrap();
    std::fs::write(victim, &bytes[..bytes.len() - 700]).unwrap();
    let said = organize(input.path(), out.path(), &[]);
    let name = victim.file_name().unwrap().to_string_lossy().into_owned();
    says(&said, 3, &[&name]);
    assert_eq!(manifest(out.path()).courses.len(), 2);
    assert_eq!(organize(input.path(), out.path(), &["--partial-ok", "--force"]).code, 0);
    no_temporary_files(out.path());
}

#[test]
fn a_dose_of_another_frame_is_told_and_kept_for_judgement() {
    let (input, out) = (two_patients(), Scratch::new("out"));
    let dose = files(input.path(), |b| holds(b, "RT0001") && holds(b, "RTDOSE"));
    let mut bytes = std::fs::read(&dose[0]).unwrap();
    // (0020,0052) UI, explicit VR little endian: another last digit is another frame.
    let at = bytes
        .windows(6)
        .position(|w| w == b"\x20\x00\x52\x00UI")
        .expect("a frame of reference");
    let length = usize::from(u16::from_le_bytes([bytes[at + 6], bytes[at + 7]]));
    let last = (at + 8..at + 8 + length).rev().find(|i| bytes[*i].is_ascii_digit()).unwrap();
    bytes[last] = if bytes[last] == b'7' { b'8' } else { b'7' };
    std::fs::write(&dose[0], bytes).unwrap();
    let said = organize(input.path(), out.path(), &[]);
    assert_eq!(said.code, 0, "{}", said.text);
    let all: Vec<String> = manifest(out.path())
        .courses
        .iter()
        .flat_map(|c| record(out.path(), &c.path).warnings)
        .map(|w| w.code)
        .collect();
    assert!(all.iter().any(|c| c == "dose.frame_mismatch"), "{all:?}");
}

#[cfg(unix)]
#[test]
fn links_that_lead_nowhere_or_back_do_not_stop_it() {
    let (input, out) = (two_patients(), Scratch::new("out"));
    std::os::unix::fs::symlink(input.join("gone"), input.join("dangling.dcm")).unwrap();
    std::os::unix::fs::symlink(input.path(), input.join("loop")).unwrap();
    let said = organize(input.path(), out.path(), &["--set", "organize.follow_symlinks=true"]);
    // Neither is a file that could have been read: they are listed with their reason, and nothing is lost.
    says(&said, 0, &[]);
    let inventory = std::fs::read_to_string(out.join("_RESULTS/inventory.csv")).unwrap();
    assert!(
        inventory.contains("dangling.dcm") && inventory.contains("file.dangling_link"),
        "{inventory}"
    );
    assert_eq!(manifest(out.path()).courses.len(), 2);
}
