//! What runs again when the input changes, and what stays.

use rt_course::manifest::CourseStatus;
use rt_testdata::Scratch;

use crate::run::{files, holds, manifest, organize, record, two_patients};

#[test]
fn courses_hold_what_was_generated() {
    let (input, output) = (two_patients(), Scratch::new("out"));
    let said = organize(input.path(), output.path(), &[]);
    assert_eq!(said.code, 0, "{}", said.text);
    let manifest = manifest(output.path());
    assert_eq!(manifest.courses.len(), 2);
    let balance = &manifest.balance;
    let told: u64 = balance.used + balance.ignored.values().sum::<u64>() + balance.failed.values().sum::<u64>();
    assert_eq!(told, balance.files_found, "every file ends in one class");
    let first = record(output.path(), &manifest.courses[0].path);
    assert_eq!(first.patient_id, "RT0001");
    assert_eq!(first.images[0].n_slices, 14);
    assert!((first.prescription.total_gy.unwrap() - 60.0).abs() < 1e-9);
    assert_eq!(first.dose.unwrap().classification, "single_dose");
    assert!(first.structure_sets[0].is_plan_referenced);
}

#[test]
fn an_unchanged_input_is_fresh_and_a_changed_slice_touches_one_course() {
    let (input, output) = (two_patients(), Scratch::new("out"));
    assert_eq!(organize(input.path(), output.path(), &[]).code, 0);
    let before = manifest(output.path());
    let written = |name: &str| std::fs::metadata(output.join(name)).unwrap().modified().unwrap();
    let (manifest_time, cache_time) = (written("_COHORT/manifest.json"), written("_COHORT/cache.bin"));
    assert_eq!(organize(input.path(), output.path(), &[]).code, 0);
    assert_eq!(
        (written("_COHORT/manifest.json"), written("_COHORT/cache.bin")),
        (manifest_time, cache_time)
    );

    let slice = files(input.path(), |b| {
        holds(b, "RT0002") && holds(b, "CT Image") || holds(b, "RT0002") && holds(b, "AXIAL")
    });
    let slice = slice.first().expect("a slice of the second patient");
    let mut bytes = std::fs::read(slice).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(slice, bytes).unwrap();
    assert_eq!(organize(input.path(), output.path(), &[]).code, 0);
    let after = manifest(output.path());
    assert_eq!(before.courses[0], after.courses[0], "the first patient is untouched");
    assert_ne!(before.courses[1].fingerprint, after.courses[1].fingerprint);
}

#[test]
fn a_patient_who_leaves_the_input_is_kept_and_marked() {
    let (input, output) = (two_patients(), Scratch::new("out"));
    assert_eq!(organize(input.path(), output.path(), &[]).code, 0);
    let gone = files(input.path(), |b| holds(b, "RT0002") && !b.starts_with(b"{"));
    assert!(!gone.is_empty());
    let kept: Vec<(std::path::PathBuf, Vec<u8>)> = gone.iter().map(|p| (p.clone(), std::fs::read(p).unwrap())).collect();
    for path in &gone {
        std::fs::remove_file(path).unwrap();
    }
    let said = organize(input.path(), output.path(), &[]);
    assert_eq!(said.code, 0, "{}", said.text);
    let after = manifest(output.path());
    assert_eq!(after.courses[1].status, CourseStatus::Withdrawn);
    assert!(output.join(&after.courses[1].path).join("course.json").exists());
    let list = std::fs::read_to_string(output.join("_COHORT/courses.txt")).unwrap();
    assert_eq!(list.lines().count(), 1);

    // And back again: the same folder, active.
    for (path, bytes) in kept {
        std::fs::write(path, bytes).unwrap();
    }
    assert_eq!(organize(input.path(), output.path(), &[]).code, 0);
    let back = manifest(output.path());
    assert_eq!(
        (back.courses[1].status, &back.courses[1].path),
        (CourseStatus::Active, &after.courses[1].path)
    );
}
