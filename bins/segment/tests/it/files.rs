//! `rt-segment files` as a user calls it.

use std::path::Path;

use assert_cmd::Command;
use rt_image::Volume;

use crate::support::{save, torso};

fn files(image: &Path, output: &Path, more: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("rt-segment").unwrap();
    command
        .arg("files")
        .arg("--image")
        .arg(image)
        .arg("--output")
        .arg(output)
        .args(more);
    command.current_dir(std::env::temp_dir()).env_remove("RT_SET");
    let out = command.output().unwrap();
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    (out.status.code().unwrap_or(-1), text(&out.stdout), text(&out.stderr))
}

#[test]
fn an_image_gives_one_label_map_with_names() {
    let dir = tempfile::tempdir().unwrap();
    let (image, output) = (dir.path().join("ct.nii.gz"), dir.path().join("seg.nii.gz"));
    save(&image, torso());
    let (code, printed, errors) = files(&image, &output, &["--threads", "2"]);
    assert_eq!(code, 0, "{errors}");
    let index: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let beside: serde_json::Value = serde_json::from_slice(&std::fs::read(dir.path().join("seg.json")).unwrap()).unwrap();
    assert_eq!(index, beside);
    let labels = index["labels"].as_array().unwrap();
    let names: Vec<_> = labels.iter().map(|l| l["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "classical_body",
            "classical_couch",
            "classical_lung_left",
            "classical_lung_right",
            "classical_airway",
            "classical_bone"
        ]
    );
    let map: Volume<u8> = rt_nifti::read(&output).unwrap();
    assert_eq!(map.grid(), torso().grid());
    // Every region is its own value and those that it includes.
    for label in labels {
        let mut values = vec![label["value"].as_u64().unwrap()];
        values.extend(label["includes"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap()));
        let n = map.data().iter().filter(|v| values.contains(&u64::from(**v))).count() as u64;
        assert_eq!(n, label["voxels"].as_u64().unwrap(), "{}", label["name"]);
    }
    let table = rt_nifti::label_names(&rt_nifti::header(&output).unwrap());
    assert_eq!(table[5], (6, "classical_bone".to_owned()));
    // Another number of threads gives the same bytes.
    let second = dir.path().join("again.nii.gz");
    assert_eq!(files(&image, &second, &["--threads", "1"]).0, 0);
    assert_eq!(std::fs::read(&output).unwrap(), std::fs::read(&second).unwrap());
}

#[test]
fn what_cannot_work_is_told_with_file_reason_and_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    save(&at("ct.nii"), torso());
    let whole = std::fs::read(at("ct.nii")).unwrap();
    std::fs::write(at("short.nii"), &whole[..5000]).unwrap();
    std::fs::write(at("text.nii"), "hello").unwrap();
    save(&at("air.nii"), &torso().map(|_| -1000i16));
    std::fs::write(at("file"), "").unwrap();
    let cases: [(&str, &str, &[&str], i32, &str); 11] = [
        ("absent.nii", "o.nii.gz", &[], 1, "absent.nii"),
        ("short.nii", "o.nii.gz", &[], 1, "truncated"),
        ("text.nii", "o.nii.gz", &[], 1, "not a NIfTI file"),
        ("air.nii", "o.nii.gz", &[], 1, "no body found"),
        ("ct.nii", "o.txt", &[], 2, "o.txt"),
        ("ct.nii", "ct.nii", &[], 2, "the image itself"),
        ("ct.nii", "file/o.nii.gz", &["--task", "body"], 1, "file/o.nii.gz"),
        (
            "ct.nii",
            "o.nii.gz",
            &["--engine", "totalsegmentator"],
            2,
            "or rt-segment on a course",
        ),
        ("ct.nii", "o.nii.gz", &["--engine", "magic"], 2, "magic"),
        ("ct.nii", "o.nii.gz", &["--task", "liver"], 2, "\"lungs\""),
        ("ct.nii", "o.nii.gz", &["--model", "m"], 2, "--model"),
    ];
    for (image, output, more, expected, said) in cases {
        let (code, printed, errors) = files(&at(image), &at(output), more);
        assert_eq!(code, expected, "{image} {output} {more:?}: {errors}");
        assert!(errors.contains(said) && errors.contains("hint:"), "{image} {output}: {errors}");
        assert!(printed.is_empty());
        assert!(
            !at("o.nii.gz").exists() && !at("o.json").exists(),
            "{image}: a partial result was left"
        );
    }
    assert_eq!(std::fs::read(at("ct.nii")).unwrap(), whole);
}

#[test]
fn a_dry_run_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("ct.nii");
    save(&image, torso());
    let output = dir.path().join("seg.nii.gz");
    let (code, printed, _) = files(&image, &output, &["--dry-run", "--seg-devices", "cpu"]);
    assert_eq!((code, printed.lines().count()), (0, 3));
    assert!(!output.exists());
}
