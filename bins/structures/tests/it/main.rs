//! The structures stage on a course folder made by hand: analytic contours, a label map, a recipe.
#![expect(clippy::unwrap_used, reason = "tests stop at the first thing that goes wrong")]

mod course;

use std::sync::Arc;

use course::{TestCourse, circle, circles, record, rect};
use ndarray::Array3;
use rt_cli::{Environment, Outcome, execute};
use rt_config::Document;
use rt_course::read_json;
use rt_course::sidecar::{MaskEntry, MaskIndex};
use rt_image::{Mask, Volume};
use rt_structures_cli::Structures;
use rt_structures_cli::output::PartialIndex;

fn document(toml: &str) -> Document {
    Document::from_toml("test.toml", toml).unwrap()
}

fn run(course: &TestCourse, toml: &str) -> Outcome {
    let document = document(toml);
    execute(&Structures, &course.dir, &Environment::for_tests(&document).unwrap()).unwrap()
}

fn index(course: &TestCourse) -> MaskIndex {
    read_json(&course.dir.masks_json()).unwrap()
}

fn entry<'a>(index: &'a MaskIndex, source: &str, name: &str) -> &'a MaskEntry {
    index.rois.iter().find(|r| r.source == source && r.original_name == name).unwrap()
}

/// The mask that the layer file holds for an entry.
fn stored(course: &TestCourse, entry: &MaskEntry) -> Mask {
    let mut layers = rt_nifti::read_layers::<u8>(course.dir.masks().as_std_path()).unwrap();
    let layer = layers.nth(entry.layer.unwrap()).unwrap().unwrap();
    Mask::from_array(&course.grid, layer.data().view(), |v| *v == entry.label).unwrap()
}

/// Body through the whole image, a sphere, a ring with a hole, a speck, a point, nothing, and one far away.
fn drawn() -> Vec<(i32, &'static str, &'static str, Vec<course::Drawn>)> {
    let sphere = (0..15).map(|n| 2.0 * f64::from(n) - 14.0).map(|z| (z, (225.0 - z * z).sqrt()));
    let mut ring = circles(12.0, [0.0, 0.0], -10.0, 10.0);
    ring.extend(circles(6.0, [0.0, 0.0], -10.0, 10.0));
    vec![
        (1, "BODY", "EXTERNAL", (-20..=20).map(|n| rect(34.0, 2.0 * f64::from(n))).collect()),
        (2, "PTV", "PTV", sphere.map(|(z, r)| circle(r, [0.0, 0.0], z)).collect()),
        (3, "Ring", "ORGAN", ring),
        (4, "Speck", "ORGAN", vec![rect(0.3, 4.0)]),
        (5, "Iso", "ISOCENTER", vec![course::point([0.0, 0.0, 0.0])]),
        (6, "Empty", "ORGAN", vec![]),
        (7, "Far", "ORGAN", vec![circle(5.0, [500.0, 0.0], 0.0)]),
        (8, "PTV", "PTV", vec![circle(5.0, [15.0, 15.0], 0.0)]),
    ]
}

#[test]
fn every_structure_has_a_line_and_every_voxel_a_place() {
    let course = TestCourse::new();
    course.write(&record(&["1.2.3"]), "1.2.3", &drawn());
    let outcome = run(&course, "[structures]\nrecipe = \"none\"\n");
    assert!(matches!(outcome, Outcome::Ran { .. }), "{outcome:?}");
    let index = index(&course);
    let seen: Vec<(Option<i32>, &str, &str, &str)> = index
        .rois
        .iter()
        .map(|r| (r.number, r.name.as_str(), r.status.as_str(), r.error_code.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            (Some(1), "BODY__partial", "partial", "structures.touches_border"),
            (Some(2), "PTV", "ok", ""),
            (Some(3), "Ring", "ok", ""),
            (Some(4), "Speck", "ok", ""),
            (Some(5), "Iso", "skipped", "structures.empty"),
            (Some(6), "Empty", "skipped", "structures.empty"),
            (Some(7), "Far", "skipped", "structures.outside_image"),
            (Some(8), "PTV", "ok", ""),
        ]
    );
    // 15 slices of 2 mm: the sphere's prisms; 2 pi r^2 ring.
    let prisms: f64 = (0..15)
        .map(|n| 2.0 * f64::from(n) - 14.0)
        .map(|z| 2.0 * std::f64::consts::PI * (225.0 - z * z))
        .sum();
    let ptv = &index.rois[1];
    assert!((ptv.volume_cc / (prisms / 1000.0) - 1.0).abs() < 0.005, "{}", ptv.volume_cc);
    let ring = std::f64::consts::PI * (144.0 - 36.0) * 22.0 / 1000.0;
    assert!((index.rois[2].volume_cc / ring - 1.0).abs() < 0.01, "{}", index.rois[2].volume_cc);
    assert_eq!(
        (index.rois[3].voxels, index.rois[3].message.as_str()),
        (1, "1 contours smaller than a voxel; only 1 voxels")
    );
    // Body and what lies in it need two layers, the ring crosses the sphere: three; the second PTV is apart from the first.
    assert_eq!(index.n_layers, 3);
    for r in index.rois.iter().filter(|r| r.layer.is_some()) {
        let mask = stored(&course, r);
        assert_eq!((mask.count(), mask.lo(), mask.size()), (r.voxels, r.lo, r.size), "{}", r.name);
    }
    let partial: PartialIndex = read_json(&course.dir.partial()).unwrap();
    assert_eq!(partial.structures.len(), 1);
    assert_eq!(partial.structures[0].cut_faces, ["superior", "inferior"]);
}

#[test]
fn label_maps_and_recipe_join_in() {
    let course = TestCourse::new();
    course.write(&record(&["1.2.3"]), "1.2.3", &drawn());
    let mut labels = Array3::<u16>::zeros(course.grid.shape());
    labels.slice_mut(ndarray::s![10..20, 10..20, 10..20]).fill(1);
    labels.slice_mut(ndarray::s![10..20, 10..20, 40..50]).fill(7);
    course.write_labels(
        "classical-lungs",
        &[(1, "classical_lung_left"), (3, "nothing"), (7, "classical_lung_right")],
        &labels,
    );
    let recipe = course.dir.root().join("mine.toml");
    let text = r#"
        schema = 1
        [[structure]]
        name = "Ring10"
        expression = "ring(PTV, 0, 10) & BODY"
        [[structure]]
        name = "Lungs"
        expression = "Lung_L | Lung_R"
        [[structure]]
        name = "Wide"
        operation = "union"
        sources = ["classical_lung_left", "colon"]
        margin = { superior_mm = 4 }
        type = "ORGAN"
        [[structure]]
        name = "Lost"
        expression = "colon + 3"
        [[structure]]
        name = "Nowhere"
        expression = "classical_lung_left & classical_lung_right"
    "#;
    std::fs::write(&recipe, text).unwrap();
    run(&course, &format!("[structures]\nrecipe = \"{recipe}\"\n"));
    let index = index(&course);
    assert_eq!(entry(&index, "AutoRTS", "classical_lung_left").voxels, 1000);
    assert_eq!(entry(&index, "AutoRTS", "classical_lung_left").origin, "seg/classical-lungs");
    assert_eq!(entry(&index, "AutoRTS", "nothing").error_code, "structures.empty");
    assert_eq!(entry(&index, "Custom", "Lungs").voxels, 2000);
    let wide = entry(&index, "Custom", "Wide");
    assert_eq!(
        (wide.name.as_str(), wide.error_code.as_str()),
        ("Wide__partial", "structures.missing_operand")
    );
    // 4 mm upwards on slices of 2 mm: two slices more.
    assert_eq!((wide.size, wide.interpreted_type.as_str()), ([10, 10, 12], "ORGAN"));
    assert_eq!(
        (
            entry(&index, "Custom", "Lost").status.as_str(),
            entry(&index, "Custom", "Lost").voxels
        ),
        ("skipped", 0)
    );
    assert_eq!(entry(&index, "Custom", "Nowhere").error_code, "structures.empty_result");
    let ring = entry(&index, "Custom", "Ring10");
    assert_eq!(ring.expression, "intersect(shell(PTV, 0, 10), BODY)");
    // The sphere of contours ends at z = -15 and 15: between radius 15 and 25, here in pixels of 1 x 1 x 2 mm.
    let truth = 4.0 / 3.0 * std::f64::consts::PI * (25.0f64.powi(3) - 15.0f64.powi(3)) / 1000.0;
    assert!((ring.volume_cc / truth - 1.0).abs() < 0.03, "{} against {truth}", ring.volume_cc);
}

#[test]
fn the_built_in_recipes_are_quiet_where_nothing_fits() {
    let course = TestCourse::new();
    course.write(&record(&["1.2.3"]), "1.2.3", &drawn());
    run(&course, "");
    assert!(index(&course).rois.iter().all(|r| r.source == "Manual"));
    let mut labels = Array3::<u16>::zeros(course.grid.shape());
    for (n, mut slice) in labels.outer_iter_mut().enumerate().skip(5).take(12) {
        slice
            .slice_mut(ndarray::s![20..30, 20..30])
            .fill(u16::try_from(n - 4).unwrap() / 3 + 1);
    }
    let names = [
        "iliac_artery_left",
        "iliac_artery_right",
        "iliac_vena_left",
        "iliac_vena_right",
        "colon",
    ];
    let labelled: Vec<(u16, &str)> = (1..).zip(names).collect();
    course.write_labels("totalsegmentator-total", &labelled, &labels);
    run(&course, "");
    let index = index(&course);
    let custom: Vec<&str> = index
        .rois
        .iter()
        .filter(|r| r.source == "Custom")
        .map(|r| r.name.as_str())
        .collect();
    // The bowel bag lacks small bowel and duodenum: not made, not listed.
    assert_eq!(custom, ["iliac_vess", "iliac_area"]);
    let (vess, area) = (entry(&index, "Custom", "iliac_vess"), entry(&index, "Custom", "iliac_area"));
    assert!(area.voxels > vess.voxels && vess.voxels > 0);
}

#[test]
fn the_sbrt_recipe_makes_rings_around_a_target() {
    let course = TestCourse::new();
    course.write(&record(&["1.2.3"]), "1.2.3", &drawn());
    run(&course, "[structures]\nrecipe = \"sbrt\"\n");
    let index = index(&course);
    let rings: Vec<f64> = ["Ring_0_10mm", "Ring_10_20mm", "Beyond_20mm", "BODY_minus_PTV", "PTV_all"]
        .map(|n| entry(&index, "Custom", n).volume_cc)
        .to_vec();
    assert!(rings.iter().all(|v| *v > 1.0), "{rings:?}");
    let body = entry(&index, "Manual", "BODY").volume_cc;
    assert!((rings[3] + rings[4] - body).abs() < 1e-9);
    assert_eq!(entry(&index, "Custom", "Lungs_minus_GTV").error_code, "structures.missing_operand");
}

#[test]
fn a_course_without_ct_or_without_structures_is_skipped() {
    let course = TestCourse::new();
    let mut bare = record(&[]);
    bare.images.clear();
    course.write(&bare, "1.2.3", &drawn());
    let skipped = |course: &TestCourse, why: &str| {
        let outcome = run(course, "");
        let text = format!("{outcome:?}");
        assert!(text.contains(why), "{text}");
        assert!(!course.dir.masks().exists());
    };
    skipped(&course, "no planning CT");
    let mut bare = record(&[]);
    bare.structure_sets.clear();
    course.write(&bare, "1.2.3", &[]);
    skipped(&course, "neither a structure set nor a segmentation");
}

#[test]
fn contours_of_another_frame_need_a_reference_to_the_ct() {
    let course = TestCourse::new();
    course.write(&record(&[]), "9.9", &drawn()[..2]);
    run(&course, "");
    let codes: Vec<String> = index(&course).rois.iter().map(|r| r.error_code.clone()).collect();
    assert_eq!(codes, ["structures.frame_mismatch"; 2]);
    // The same frame, but the set says that it was drawn on this very series.
    course.write(&record(&["1.2.3.4"]), "9.9", &drawn()[..2]);
    run(&course, "");
    assert_eq!(index(&course).rois[1].status, "ok");
}

#[test]
fn a_label_map_of_another_grid_is_refused_by_name() {
    let course = TestCourse::new();
    course.write(&record(&[]), "1.2.3", &drawn()[..1]);
    let other = Arc::new(course.grid.crop([0; 3], [10, 10, 10]).unwrap());
    let volume = Volume::filled(Arc::clone(&other), 1u16);
    course.write_label_volume("classical-body", &[(1, "classical_body")], &volume);
    run(&course, "");
    let index = index(&course);
    let refused = entry(&index, "AutoRTS", "classical_body");
    assert_eq!(
        (refused.status.as_str(), refused.error_code.as_str()),
        ("failed", "structures.other_grid")
    );
    assert!(
        refused.message.contains("seg/classical-body") && refused.message.contains("size"),
        "{}",
        refused.message
    );
}

#[test]
fn one_thread_and_many_write_the_same_bytes() {
    let bytes = [1, 4].map(|threads| {
        let course = TestCourse::new();
        course.write(&record(&["1.2.3"]), "1.2.3", &drawn());
        run(
            &course,
            &format!("[structures]\nrecipe = \"sbrt\"\n[resources]\nthreads = {threads}\n"),
        );
        [course.dir.masks(), course.dir.masks_json(), course.dir.partial()].map(|p| std::fs::read(p).unwrap())
    });
    assert!(bytes[0] == bytes[1]);
}

#[test]
fn the_command_names_a_recipe_that_is_wrong() {
    let course = TestCourse::new();
    course.write(&record(&["1.2.3"]), "1.2.3", &drawn()[..2]);
    let recipe = course.dir.root().join("bad.toml");
    std::fs::write(&recipe, "[[structure]]\nname = \"x\"\nexpression = \"PTV | (\"\n").unwrap();
    let stage = |recipe: &str| {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_rt-structures"));
        command
            .arg(course.dir.root())
            .arg("--set")
            .arg(format!("structures.recipe={recipe}"));
        command.assert()
    };
    let bad = stage(recipe.as_str()).code(2);
    let text = String::from_utf8_lossy(&bad.get_output().stderr).into_owned();
    assert!(text.contains("bad.toml") && text.contains("column 8"), "{text}");
    let missing = stage("nowhere/x.toml").code(2);
    let text = String::from_utf8_lossy(&missing.get_output().stderr).into_owned();
    assert!(text.contains("nowhere/x.toml") && text.contains("pelvis"), "{text}");
    stage("none").code(0);
}
