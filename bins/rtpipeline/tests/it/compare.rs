//! `rtpipeline compare`: of one course, and of two files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::Array3;
use rt_core::{Grid, Vec3};
use rt_image::Volume;
use rt_nifti::WriteOptions;

use crate::bench::{Bench, Ended, rtpipeline};

fn compare(arguments: &[&Path], more: &[&str]) -> Ended {
    rtpipeline().arg("compare").args(arguments).args(more).output().unwrap().into()
}

/// Cells of the CSV row whose `standard_name` is given, by column.
fn cell(ended: &Ended, structure: &str, column: &str) -> String {
    let mut lines = ended.out.lines().map(|l| l.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let at = |name: &str| {
        head.iter()
            .position(|c| *c == name)
            .unwrap_or_else(|| panic!("no {name} in {head:?}"))
    };
    let line = lines.find(|l| l[at("standard_name")] == structure);
    line.unwrap_or_else(|| panic!("no {structure} in {}", ended.out))[at(column)].to_owned()
}

/// A label map of 40 x 40 x 20 voxels of 1 x 1 x 2 mm with a box of 20 x 10 x 10 voxels that starts at column `from`.
fn label_map(bench: &Bench, name: &str, from: usize, value: u16) -> PathBuf {
    let grid = Arc::new(Grid::axis_aligned([40, 40, 20], Vec3::new(0.0, 0.0, 0.0), [1.0, 1.0, 2.0]).unwrap());
    let data = Array3::from_shape_fn((20, 40, 40), |(k, j, i)| {
        let inside = (from..from + 20).contains(&i) && (10..20).contains(&j) && (5..15).contains(&k);
        if inside { value } else { 0 }
    });
    let path = bench.path(name);
    rt_nifti::write(&path, &Volume::new(grid, data).unwrap(), &WriteOptions::default()).unwrap();
    path
}

#[test]
fn the_body_of_the_segmentation_agrees_with_the_drawn_one() {
    let bench = Bench::new();
    bench.done(&[]);
    let course = bench.course("RT0001");
    let table = compare(&[&course], &["--format", "csv"]);
    assert_eq!(table.code, Some(0), "{table:?}");
    let figure = |column: &str| cell(&table, "BODY", column).parse::<f64>().unwrap();
    assert!(figure("dice") > 0.97 && figure("surface_dice_3mm") > 0.5, "{}", table.out);
    assert_eq!(cell(&table, "BODY", "source_other"), "AutoRTS");
    // Both have a row of dose metrics, so the difference is known.
    assert!(figure("delta_Dmean_Gy").abs() < 5.0, "{}", table.out);
    // The table of the cohort has the same figure.
    let cohort = std::fs::read_to_string(bench.output().join("_RESULTS/comparison.csv")).unwrap();
    assert!(cohort.contains(&format!(",{},", cell(&table, "BODY", "dice"))), "{cohort}");
    let text = compare(&[&course], &[]);
    assert!(text.out.contains("BODY") && text.out.contains("Dice"), "{}", text.out);
    // A course is its own twin.
    let same = compare(&[&course, &course], &["--format", "csv", "--roi", "PTV"]);
    assert_eq!(
        (cell(&same, "PTV", "dice"), cell(&same, "PTV", "hausdorff_mm")),
        ("1.0".into(), "0.0".into())
    );
    assert_eq!(same.out.lines().count(), 2, "{}", same.out);
}

#[test]
fn two_label_maps_by_hand() {
    let bench = Bench::new();
    let (a, b) = (label_map(&bench, "a.nii.gz", 5, 3), label_map(&bench, "b.nii.gz", 9, 3));
    let table = compare(&[&a, &b], &["--format", "csv"]);
    assert_eq!(table.code, Some(0), "{table:?}");
    // 16 of 20 columns are common; B lies 4 mm to the patient's left.
    let figure = |column: &str| cell(&table, "label 3", column).parse::<f64>().unwrap();
    assert_eq!(
        (figure("dice"), figure("shift_x_mm"), figure("volume_reference_cc")),
        (0.8, 4.0, 4.0)
    );
    // The two ends of 10 pixels and the pixels of the sides beyond B: 5 columns' outline in each of 10 slices.
    assert!((figure("added_path_length_mm") - 10.0 * (10.0 + 8.0 + 6.0)).abs() < 1e-9);
}

#[test]
fn what_has_no_counterpart_is_told() {
    let bench = Bench::new();
    let (a, b) = (label_map(&bench, "a.nii.gz", 5, 3), label_map(&bench, "b.nii.gz", 9, 4));
    let none = compare(&[&a, &b], &[]);
    assert!(
        none.code == Some(1) && none.err.contains("label 3") && none.err.contains("hint:"),
        "{none:?}"
    );
    let alone = compare(&[&a], &[]);
    assert!(alone.code == Some(2) && alone.err.contains("a.nii.gz"), "{alone:?}");
    let missing = compare(&[&bench.path("absent.nii"), &b], &[]);
    assert!(missing.code == Some(1) && missing.err.contains("absent.nii"), "{missing:?}");
}
