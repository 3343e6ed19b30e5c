//! The faults.

use rt_cli::{Environment, Outcome, execute};
use rt_config::{Document, Sources};
use rt_core::{Grid, Vec3};
use rt_image::Volume;
use rt_qc_cli::Qc;
use rt_records::{parquet, tables::qc};
use serde_json::{Value, json};

use crate::finished::{Finished, grid, record, roi};

/// Runs the stage and returns the overall status and the codes of all warnings and failures, from `qc/qc.json`.
#[track_caller]
fn judged(finished: &Finished) -> (String, Vec<String>) {
    let document = Document::default();
    let environment = Environment::for_tests(&document).unwrap();
    let outcome = execute(&Qc, &finished.course, &environment).unwrap();
    assert!(matches!(outcome, Outcome::Ran { .. }), "{outcome:?}");
    let report: Value = serde_json::from_slice(&std::fs::read(finished.course.qc_json()).unwrap()).unwrap();
    let raised = report["checks"].as_array().unwrap().iter();
    let codes = raised
        .filter(|c| c["status"] == "WARNING" || c["status"] == "FAIL")
        .map(|c| c["code"].as_str().unwrap().to_owned());
    (report["overall_status"].as_str().unwrap().to_owned(), codes.collect())
}

#[track_caller]
fn raises(finished: &Finished, status: &str, code: &str) {
    assert_eq!(judged(finished), (status.to_owned(), vec![code.to_owned()]));
}

#[test]
fn a_sound_course_passes_and_its_page_and_table_say_so() {
    let finished = Finished::new();
    assert_eq!(judged(&finished), ("PASS".to_owned(), vec![]));
    let page = std::fs::read_to_string(finished.course.report()).unwrap();
    assert!(page.contains("PTV") && page.contains("two slices were the same") && !page.contains("<script"));
    let table = parquet::read(finished.course.qc_table().as_std_path()).unwrap();
    assert_eq!(table.rows(), rt_qc::checks::ALL.len(), "a row for each check, none for findings");
    assert!(table.iter().all(|r| r.text(&qc::CODE).is_none()));
}

#[test]
fn a_file_that_vanished_raises_its_code_alone() {
    let finished = Finished::new();
    std::fs::remove_file(finished.course.dvh_metrics()).unwrap();
    raises(&finished, "FAIL", "qc.missing_output");
}

#[test]
fn a_dose_of_another_frame_of_reference_raises_its_code_alone() {
    let finished = Finished::new();
    let mut changed = record();
    changed["dose"]["frame_of_reference"] = json!("9.9.9");
    finished.record(&changed);
    raises(&finished, "FAIL", "qc.frame_mismatch");
}

#[test]
fn a_moved_dose_volume_raises_the_geometry_code_alone() {
    let finished = Finished::new();
    let moved = Grid::axis_aligned(grid().size(), grid().origin() + Vec3::new(0.0, 4.0, 0.0), grid().spacing()).unwrap();
    let path = finished.course.dose();
    rt_nifti::write(
        path.as_std_path(),
        &Volume::filled(moved, 60.0_f32),
        &rt_nifti::WriteOptions::default(),
    )
    .unwrap();
    finished.stamps();
    raises(&finished, "FAIL", "qc.geometry");
}

#[test]
fn contours_beside_the_image_raise_the_geometry_code_alone() {
    let finished = Finished::new();
    let far = |z: f64| [[-10.0, -10.0, z], [10.0, -10.0, z], [10.0, 10.0, z]].to_vec();
    finished.contours(&[(1, "PTV", far(400.0)), (2, "Bladder", far(2.5))]);
    finished.masks(&[roi(1, "PTV", 0), roi(2, "Bladder", 25)], &grid());
    finished.doses(0.0);
    finished.stamps();
    raises(&finished, "FAIL", "qc.geometry");
}

#[test]
fn a_target_beyond_the_dose_grid_raises_its_code_alone() {
    let finished = Finished::new();
    finished.doses(0.8);
    finished.stamps();
    raises(&finished, "FAIL", "qc.dose_coverage");
    let table = parquet::read(finished.course.qc_table().as_std_path()).unwrap();
    let row = table.iter().find(|r| r.text(&qc::ITEM).is_some()).unwrap();
    assert_eq!(
        (row.text(&qc::ITEM), row.float(&qc::VALUE), row.float(&qc::LIMIT)),
        (Some("PTV (Manual)"), Some(0.8), Some(0.95))
    );
    assert!(row.text(&qc::ADVICE).is_some_and(|a| a.contains("grid")));
}

#[test]
fn an_empty_structure_raises_its_code_alone() {
    let finished = Finished::new();
    finished.masks(&[roi(1, "PTV", 50), roi(2, "Bladder", 0)], &grid());
    finished.stamps();
    raises(&finished, "WARNING", "qc.empty_structure");
}

#[test]
fn a_course_without_a_dose_object_raises_its_code_alone() {
    let finished = Finished::new();
    let mut changed = record();
    (changed["doses"], changed["dose"]) = (json!([]), Value::Null);
    finished.record(&changed);
    raises(&finished, "FAIL", "qc.missing_object");
}

#[test]
fn nothing_changed_is_fresh_and_a_vanished_file_is_noticed() {
    let finished = Finished::new();
    judged(&finished);
    let document = Document::default();
    let environment = Environment::for_tests(&document).unwrap();
    assert!(matches!(
        execute(&Qc, &finished.course, &environment).unwrap(),
        Outcome::Fresh { .. }
    ));
    std::fs::remove_file(finished.course.masks()).unwrap();
    raises(&finished, "FAIL", "qc.missing_output");
}

#[test]
fn findings_fail_the_stage_only_when_asked_and_the_report_is_written_all_the_same() {
    let finished = Finished::new();
    finished.doses(0.8);
    finished.stamps();
    let sources = Sources {
        set: vec!["qc.fail_on=\"fail\"".into()],
        ..Sources::default()
    };
    let document = sources.load().unwrap();
    let environment = Environment::for_tests(&document).unwrap();
    let error = execute(&Qc, &finished.course, &environment).unwrap_err();
    assert!(error.to_string().contains("P01/C1"), "{error}");
    assert!(finished.course.qc_json().exists() && !finished.course.stage("qc").ok.exists());
}

#[test]
fn a_damaged_sidecar_is_a_failed_item_not_a_silent_pass() {
    let finished = Finished::new();
    std::fs::write(finished.course.masks_json(), b"{\"schema_version\": 1, \"image\"").unwrap();
    finished.stamps();
    let document = Document::default();
    let environment = Environment::for_tests(&document).unwrap();
    let outcome = execute(&Qc, &finished.course, &environment).unwrap();
    // The file, and the comparison of contours that needs it.
    assert_eq!(outcome.items().failed, 2);
    assert_eq!(outcome.exit(), rt_cli::Exit::Partial);
}
