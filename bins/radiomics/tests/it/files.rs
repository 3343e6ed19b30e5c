//! `rt-radiomics files`.

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use ndarray::Array3;
use rt_image::Volume;
use rt_nifti::{WriteOptions, write};

use crate::scene;

fn files(folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::cargo_bin("rt-radiomics").unwrap();
    command
        .current_dir(folder)
        .arg("files")
        .args(["--image", "image.nii.gz", "--mask", "mask.nii.gz"])
        .args(more);
    command.output().unwrap()
}

fn make(folder: &Path) {
    let grid = scene::ct_grid();
    let mut labels = Array3::<u8>::zeros(grid.shape());
    labels.slice_mut(ndarray::s![5..11, 8..16, 10..18]).fill(2);
    write(&folder.join("image.nii.gz"), &scene::texture(&grid), &WriteOptions::default()).unwrap();
    write(
        &folder.join("mask.nii.gz"),
        &Volume::new(grid, labels).unwrap(),
        &WriteOptions::default(),
    )
    .unwrap();
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn json_is_one_flat_object_with_diagnostics_first() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let output = files(folder.path(), &["--label", "2"]);
    assert!(output.status.success(), "{}", text(&output));
    let printed = String::from_utf8(output.stdout).unwrap();
    let first = printed.lines().nth(1).unwrap();
    assert!(first.contains("diagnostics_Versions_PyRadiomics"), "{first}");
    let object: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let map = object.as_object().unwrap();
    assert_eq!(map.len(), 107 + 23);
    assert_eq!(map["diagnostics_Mask-original_VoxelNum"], 384);
    assert_eq!(map["diagnostics_Image-original_Hash"].as_str().unwrap().len(), 40);
    assert!((map["original_shape_VoxelVolume"].as_f64().unwrap() - 384.0 * 12.0).abs() < 1e-9);
}

#[test]
fn csv_has_a_line_of_names_and_a_line_of_values() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    std::fs::write(
        folder.path().join("p.yaml"),
        "setting: {label: 2}\nfeatureClass: {firstorder: [Mean, Energy]}\n",
    )
    .unwrap();
    let output = files(folder.path(), &["--format", "csv", "--params", "p.yaml"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("Image,Mask,diagnostics_Versions_PyRadiomics,"));
    assert!(lines[0].ends_with("original_firstorder_Energy,original_firstorder_Mean"));
    assert!(lines[1].contains("\"(40, 36, 20)\""), "{}", lines[1]);
}

#[test]
fn a_toml_section_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    std::fs::write(
        folder.path().join("p.toml"),
        "[radiomics]\nfeature_set = \"basic\"\nbin_width = 10\nclasses = [\"glcm\"]\n",
    )
    .unwrap();
    std::fs::write(folder.path().join("p.yaml"), "setting: {binWidth: 10}\nfeatureClass: {glcm: }\n").unwrap();
    let toml = files(folder.path(), &["--label", "2", "--params", "p.toml"]);
    let yaml = files(folder.path(), &["--label", "2", "--params", "p.yaml"]);
    assert!(toml.status.success() && yaml.status.success(), "{}{}", text(&toml), text(&yaml));
    assert_eq!(toml.stdout, yaml.stdout);
}

#[test]
fn refusals_name_the_file_the_reason_and_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let check = |more: &[&str], code: i32, words: &[&str]| {
        let output = files(folder.path(), more);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(words.iter().all(|w| said.contains(w)), "{said}");
        assert!(output.stdout.is_empty());
    };
    check(
        &["--label", "7"],
        1,
        &["mask.nii.gz", "Label (7) not present in mask. Choose from [2]"],
    );
    check(&["--params", "none.yaml"], 2, &["none.yaml"]);
    std::fs::write(folder.path().join("bad.yaml"), "setting: {binWdth: 10}\n").unwrap();
    check(&["--params", "bad.yaml"], 2, &["bad.yaml", "binWdth", "did you mean \"binWidth\""]);
    // A mask whose voxels are 2 mm further along x.
    let grid = scene::ct_grid();
    let moved = rt_core::Grid::axis_aligned(grid.size(), grid.origin() + rt_core::Vec3::X * 2.0, grid.spacing()).unwrap();
    let labels = Array3::<u8>::ones(moved.shape());
    write(
        &folder.path().join("mask.nii.gz"),
        &Volume::new(moved, labels).unwrap(),
        &WriteOptions::default(),
    )
    .unwrap();
    check(&[], 1, &["mask.nii.gz", "origin", "2.000 mm apart", "correctMask"]);
    std::fs::write(folder.path().join("mask.nii.gz"), b"no NIfTI").unwrap();
    check(&[], 1, &["mask.nii.gz"]);
}

#[test]
fn the_library_and_the_program_agree_on_a_golden() {
    let root = std::env::var("RT_SHARED").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
    let cases = Path::new(&root).join("data/radiomics-golden/cases");
    if !cases.exists() {
        println!("skipped: {} is not there", cases.display());
        return;
    }
    let file = |what: &str| cases.join(format!("breast1_{what}.nii.gz")).display().to_string();
    let mut command = Command::cargo_bin("rt-radiomics").unwrap();
    let output = command
        .args(["extract", "--image", &file("image"), "--mask", &file("mask")])
        .output()
        .unwrap();
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    // Mesh volume of breast1__A.json.
    assert!((object["original_shape_MeshVolume"].as_f64().unwrap() / 124.091_307_853_479_17 - 1.0).abs() < 1e-12);
}
