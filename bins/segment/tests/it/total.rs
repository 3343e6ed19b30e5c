//! TotalSegmentator, played by a shell script with its command line.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ndarray::Array3;
use rt_core::{Grid, Vec3};
use rt_course::sidecar::LabelIndex;
use rt_course::{CourseDir, read_json};
use rt_image::Volume;
use rt_nifti::{Encoding, WriteOptions, label_table};

use crate::support::course;

/// A grid of 12 x 10 x `slices` voxels.
fn grid(slices: usize) -> Grid {
    Grid::axis_aligned([12, 10, slices], Vec3::ZERO, [2.0, 2.0, 3.0]).unwrap()
}

/// A label map with names in its header, the first of them on a cube of 4 voxels a side.
fn label_map(path: &Path, slices: usize, names: &[(u16, &str)]) {
    let data = Array3::from_shape_fn((slices, 10, 12), |(k, j, i)| u8::from(i < 4 && j < 4 && k < 4));
    let options = WriteOptions {
        encoding: Encoding::of_path(path),
        extensions: vec![label_table(names)],
        ..WriteOptions::default()
    };
    rt_nifti::write(path, &Volume::new(grid(slices), data).unwrap(), &options).unwrap();
}

/// A stand-in beside a `python`, weights, and a course.
struct Stage {
    dir: tempfile::TempDir,
    course: CourseDir,
}

/// What every stand-in does first: answers questions, notes its arguments and environment.
const HEAD: &str = r#"#!/bin/sh
here=$(dirname "$0")
case "$1" in
  --version) echo "TotalSegmentator 2.18.0"; exit 0;;
  --help) echo "usage: [--ml] [--fast] [--report REPORT]"; exit 0;;
esac
echo "$@" >> "$here/calls"
echo "cuda=$CUDA_VISIBLE_DEVICES omp=$OMP_NUM_THREADS weights=$TOTALSEG_WEIGHTS_PATH" >> "$here/env"
cp "$TOTALSEG_HOME_DIR/config.json" "$here/settings.json"
while [ $# -gt 0 ]; do
  case "$1" in -o) out="$2";; --report) report="$2";; -d) device="$2";; esac
  shift
done
echo "{\"device\": \"$device\"}" > "$report"
"#;

impl Stage {
    fn new(body: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let course = course(dir.path(), Some(&Volume::filled(grid(8), 0i16)));
        let stage = Self { dir, course };
        fs::create_dir_all(stage.bin()).unwrap();
        for id in ["297", "299", "481"] {
            fs::create_dir_all(stage.path("weights").join(format!("Dataset{id}_x"))).unwrap();
        }
        let program = stage.bin().join("TotalSegmentator");
        fs::write(&program, format!("{HEAD}{body}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn bin(&self) -> PathBuf {
        self.path("env/bin")
    }

    fn run(&self, more: &[&str]) -> Output {
        let set = |text: String| ["--set".to_owned(), text];
        let mut command = Command::new(env!("CARGO_BIN_EXE_rt-segment"));
        command.arg(self.course.root().as_std_path()).env("HOME", self.dir.path());
        command
            .env_remove("TOTALSEG_HOME_DIR")
            .env_remove("TOTALSEG_WEIGHTS_PATH")
            .env_remove("RT_SET");
        command.args(set("segmentation.engine=totalsegmentator".into()));
        command.args(set("segmentation.tasks=[\"body\"]".into()));
        command.args(set(format!("segmentation.python=\"{}\"", self.bin().join("python").display())));
        command.args(set(format!("segmentation.weights_dir=\"{}\"", self.path("weights").display())));
        command.args(set(format!("segmentation.lease_dir=\"{}\"", self.path("leases").display())));
        command.args(set("segmentation.threads_per_worker=3".into()));
        for text in more {
            command.args(set((*text).to_owned()));
        }
        command.output().unwrap()
    }

    fn note(&self, name: &str) -> String {
        fs::read_to_string(self.bin().join(name)).unwrap_or_default()
    }

    fn folder(&self) -> camino::Utf8PathBuf {
        self.course.seg_task("totalsegmentator", "body").unwrap()
    }

    fn no_scratch(&self) {
        let left: Vec<_> = fs::read_dir(self.course.root())
            .unwrap()
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|n| n.starts_with(".tmp"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[track_caller]
fn fails(output: &Output, words: &[&str]) {
    let said = text(output);
    assert!(!output.status.success(), "{said}");
    for word in words {
        assert!(said.contains(word), "no {word:?} in {said}");
    }
}

/// A stand-in that copies a prepared label map.
fn copies(labels: &Path) -> String {
    format!("cp '{}' \"$out\"", labels.display())
}

#[test]
fn its_label_map_becomes_ours_with_names_version_and_models() {
    let labels = tempfile::tempdir().unwrap();
    let file = labels.path().join("seg.nii.gz");
    let stage = Stage::new(&copies(&file));
    label_map(&file, 8, &[(1, "body_trunc"), (2, "body_extremities")]);
    let ran = stage.run(&["segmentation.devices=[1]"]);
    assert!(ran.status.success(), "{}", text(&ran));
    let index: LabelIndex = read_json(&CourseDir::seg_names(&stage.folder())).unwrap();
    assert_eq!(
        (index.engine.as_str(), index.engine_version.as_str(), index.task.as_str()),
        ("totalsegmentator", "2.18.0", "body")
    );
    assert_eq!(index.parameters["models"], serde_json::json!(["Dataset299"]));
    // The second class has no voxel in the stand-in's map.
    assert_eq!(index.labels.iter().map(|l| l.name.as_str()).collect::<Vec<_>>(), ["body_trunc"]);
    assert!(stage.note("env").contains("cuda=1 omp=3"), "{}", stage.note("env"));
    assert!(
        stage.note("calls").contains("--ml -ta body -d gpu -nr 3"),
        "{}",
        stage.note("calls")
    );
    // Usage statistics are off, in settings of this run alone.
    assert!(
        stage.note("settings.json").contains("\"send_usage_stats\":false"),
        "{}",
        stage.note("settings.json")
    );
    stage.no_scratch();
    let again = stage.run(&["segmentation.devices=[0]"]);
    assert!(
        again.status.success() && stage.note("calls").lines().count() == 1,
        "devices are no reason to run again: {}",
        text(&again)
    );
}

#[test]
fn what_is_missing_is_said_before_anything_starts() {
    let stage = Stage::new("exit 9");
    fails(
        &stage.run(&["segmentation.tasks=[\"total\"]"]),
        &["seg.weights_missing", "Dataset291", "totalseg_download_weights"],
    );
    fails(
        &stage.run(&["segmentation.tasks=[\"tissue_types\"]"]),
        &["seg.licence", "tissue_types"],
    );
    fails(&stage.run(&["segmentation.tasks=[\"heart\"]"]), &["heartchambers_highres"]);
    fs::remove_file(stage.bin().join("TotalSegmentator")).unwrap();
    fails(&stage.run(&[]), &["seg.engine_missing", "pip install"]);
    assert_eq!(stage.note("calls"), "");
}

#[test]
fn too_little_memory_is_tried_once_more_and_other_failures_are_not() {
    let labels = tempfile::tempdir().unwrap();
    let file = labels.path().join("seg.nii.gz");
    let body = format!(
        "if [ ! -e \"$here/once\" ]; then touch \"$here/once\"; echo 'RuntimeError: CUDA out of memory. Tried to allocate'; exit 1; fi\n{}",
        copies(&file)
    );
    let stage = Stage::new(&body);
    label_map(&file, 8, &[(1, "body_trunc")]);
    let ran = stage.run(&["segmentation.devices=[0]"]);
    assert!(ran.status.success(), "{}", text(&ran));
    let calls = stage.note("calls");
    let calls: Vec<&str> = calls.lines().collect();
    assert!(
        calls.len() == 2 && !calls[0].contains("--force_split") && calls[1].contains("--force_split -ns 1"),
        "{calls:?}"
    );

    let broken = Stage::new("echo 'ValueError: no image'; exit 1");
    fails(
        &broken.run(&[]),
        &["seg.engine_failed", "ValueError: no image", "totalsegmentator-body.log"],
    );
    assert_eq!(broken.note("calls").lines().count(), 1);
    broken.no_scratch();
}

#[test]
fn a_run_that_takes_too_long_is_ended_with_its_children() {
    let stage = Stage::new("sleep 300 & echo $! > \"$here/child\"; wait");
    fails(&stage.run(&["segmentation.timeout_min=0.01"]), &["seg.timeout", "timeout_min"]);
    let child = stage.note("child");
    let alive = fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_default();
    assert!(alive.is_empty() || alive.contains(") Z "), "the child goes on: {alive}");
    stage.no_scratch();
}

#[test]
fn results_that_cannot_be_used_are_refused() {
    fails(&Stage::new("exit 0").run(&[]), &["seg.output"]);
    fails(&Stage::new("echo no image > \"$out\"").run(&[]), &["seg.output"]);
    // Of another image.
    let labels = tempfile::tempdir().unwrap();
    let file = labels.path().join("seg.nii.gz");
    let stage = Stage::new(&copies(&file));
    label_map(&file, 7, &[(1, "body_trunc")]);
    fails(&stage.run(&[]), &["seg.grid_mismatch"]);
    // On the processor although a GPU was given.
    let stage = Stage::new(&format!("echo '{{\"device\": \"cpu\"}}' > \"$report\"\n{}", copies(&file)));
    label_map(&file, 8, &[(1, "body_trunc")]);
    fails(&stage.run(&["segmentation.devices=[0]"]), &["seg.cpu_fallback"]);
}
