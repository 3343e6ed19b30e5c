//! A sound course passes; each planted fault raises its own code and no other.

use rt_config::Validate;
use rt_core::{Grid, Vec3};

use crate::config::{FailOn, QcConfig};
use crate::facts::{CourseFacts, Cut, DoseFact, DoseObjectFact, ImageFact, IndexBox, RoiFact, StageFact, StageState, StructureSetFact};
use crate::report::QcStatus;

fn grid() -> Grid {
    Grid::axis_aligned([64, 64, 20], Vec3::new(-64.0, -64.0, -30.0), [2.0, 2.0, 3.0]).unwrap()
}

fn roi(name: &str, covered: f64) -> RoiFact {
    RoiFact {
        source: "Manual".into(),
        origin: "rs_01".into(),
        number: Some(1),
        name: name.into(),
        voxels: 100,
        n_contours: Some(5),
        covered_fraction: Some(covered),
        extent: Some(IndexBox {
            lo: [10.0, 10.0, 2.0],
            hi: [20.0, 20.0, 8.0],
        }),
        ..RoiFact::default()
    }
}

fn sound() -> CourseFacts {
    let stage = |name: &str| StageFact {
        name: name.into(),
        state: StageState::Ok,
        missing_outputs: Vec::new(),
    };
    CourseFacts {
        patient_id: "P1".into(),
        course_id: "C1".into(),
        stages: vec![stage("organize"), stage("structures"), stage("dvh")],
        images: vec![ImageFact {
            path: "images/ct.nii".into(),
            frame_of_reference: "1.2".into(),
            stored: grid(),
            recorded: grid(),
        }],
        structure_sets: vec![StructureSetFact {
            id: "rs_01".into(),
            is_primary: true,
            frame_of_reference: "1.2".into(),
        }],
        plans: 1,
        dose_objects: vec![DoseObjectFact {
            name: "RD.dcm".into(),
            frame_of_reference: "1.2".into(),
            is_selected: true,
            why: "selected".into(),
        }],
        dose: Some(DoseFact {
            path: "images/dose.nii".into(),
            frame_of_reference: "1.2".into(),
            stored: grid(),
            recorded: grid(),
        }),
        mask_grid: Some(grid()),
        rois: vec![roi("PTV", 1.0), roi("Bladder", 1.0), roi("Body", 0.6)],
        notes: Vec::new(),
    }
}

/// Contours 40 slices above the image.
fn beside() -> IndexBox {
    IndexBox {
        lo: [10.0, 10.0, 60.0],
        hi: [20.0, 20.0, 66.0],
    }
}

#[track_caller]
fn raises(facts: &CourseFacts, codes: &[&str], status: QcStatus) {
    let report = crate::check(facts, &QcConfig::default());
    assert_eq!(report.raised_codes(), codes, "{report:#?}");
    assert_eq!(report.status, status);
}

#[test]
fn a_sound_course_passes_although_the_body_leaves_the_dose_grid() {
    raises(&sound(), &[], QcStatus::Pass);
}

#[test]
fn a_missing_output_raises_its_code_alone() {
    let mut facts = sound();
    facts.stages[2].missing_outputs.push("dvh/dvh_metrics.parquet".into());
    raises(&facts, &["qc.missing_output"], QcStatus::Fail);
    let mut facts = sound();
    facts.stages[1].state = StageState::Missing;
    raises(&facts, &["qc.missing_output"], QcStatus::Fail);
    facts.stages[1].state = StageState::Disabled;
    raises(&facts, &[], QcStatus::Pass);
}

#[test]
fn another_frame_of_reference_raises_its_code_alone() {
    let mut facts = sound();
    facts.dose.as_mut().unwrap().frame_of_reference = "9.9".into();
    raises(&facts, &["qc.frame_mismatch"], QcStatus::Fail);
    let mut facts = sound();
    facts.structure_sets[0].frame_of_reference = "9.9".into();
    for roi in &mut facts.rois {
        (roi.extent, roi.voxels, roi.covered_fraction) = (Some(beside()), 0, Some(0.0));
    }
    raises(&facts, &["qc.frame_mismatch"], QcStatus::Fail);
}

#[test]
fn a_moved_volume_raises_its_code_alone() {
    let mut facts = sound();
    facts.images[0].stored = Grid::axis_aligned([64, 64, 20], Vec3::new(-64.0, -60.0, -30.0), [2.0, 2.0, 3.0]).unwrap();
    raises(&facts, &["qc.geometry"], QcStatus::Fail);
    let mut facts = sound();
    facts.mask_grid = Some(Grid::axis_aligned([32, 64, 20], Vec3::new(-64.0, -64.0, -30.0), [2.0, 2.0, 3.0]).unwrap());
    raises(&facts, &["qc.geometry"], QcStatus::Fail);
    let mut facts = sound();
    facts.rois[0].extent = Some(IndexBox {
        lo: [10.0, 10.0, -4.0],
        hi: [20.0, 20.0, 8.0],
    });
    raises(&facts, &["qc.geometry"], QcStatus::Warning);
    let mut facts = sound();
    (facts.rois[0].extent, facts.rois[0].voxels, facts.rois[0].covered_fraction) = (Some(beside()), 0, Some(0.0));
    raises(&facts, &["qc.geometry"], QcStatus::Fail);
}

#[test]
fn a_target_outside_the_dose_grid_raises_its_code_alone() {
    let mut facts = sound();
    facts.rois[0].covered_fraction = Some(0.8);
    raises(&facts, &["qc.dose_coverage"], QcStatus::Fail);
    facts.rois[0].covered_fraction = Some(0.97);
    raises(&facts, &["qc.dose_coverage"], QcStatus::Warning);
    facts.rois[0].covered_fraction = Some(1.0);
    facts.rois[1].covered_fraction = Some(0.5);
    raises(&facts, &["qc.dose_coverage"], QcStatus::Warning);
    facts.rois[1].source = "AutoRTS".into();
    raises(&facts, &[], QcStatus::Pass);
}

#[test]
fn an_empty_structure_raises_its_code_alone() {
    let mut facts = sound();
    facts.rois[1].voxels = 0;
    facts.rois[1].n_contours = Some(0);
    facts.rois[1].covered_fraction = None;
    raises(&facts, &["qc.empty_structure"], QcStatus::Warning);
}

#[test]
fn a_dose_left_out_for_its_frame_raises_the_frame_code_alone() {
    let mut facts = sound();
    facts.dose = None;
    facts.dose_objects[0].frame_of_reference = "9.9".into();
    facts.dose_objects[0].is_selected = false;
    facts.rois.iter_mut().for_each(|r| r.covered_fraction = None);
    raises(&facts, &["qc.frame_mismatch"], QcStatus::Fail);
}

#[test]
fn a_missing_object_raises_its_code_alone() {
    let without_dose = |facts: &mut CourseFacts| {
        facts.dose = None;
        facts.rois.iter_mut().for_each(|r| r.covered_fraction = None);
    };
    let mut facts = sound();
    without_dose(&mut facts);
    facts.dose_objects[0].is_selected = false;
    facts.dose_objects[0].why = "relative".into();
    raises(&facts, &["qc.missing_object"], QcStatus::Fail);
    facts.dose_objects.clear();
    raises(&facts, &["qc.missing_object"], QcStatus::Fail);
    facts.plans = 0;
    raises(&facts, &[], QcStatus::Pass);
    raises(&CourseFacts::default(), &["qc.missing_object"], QcStatus::Fail);
}

#[test]
fn a_structure_cut_in_the_plane_raises_its_code_alone() {
    let mut facts = sound();
    facts.rois[2].cut = Cut::Ends;
    raises(&facts, &[], QcStatus::Pass);
    facts.rois[2].cut = Cut::Sides;
    raises(&facts, &["qc.cut_structure"], QcStatus::Warning);
    facts.rois[2].name = "CouchSurface".into();
    raises(&facts, &[], QcStatus::Pass);
}

#[test]
fn an_unknown_check_in_the_configuration_is_refused_by_name() {
    let cfg = QcConfig {
        checks: vec!["geometri".into()],
        ..QcConfig::default()
    };
    let issue = cfg.validate().unwrap_err();
    assert_eq!(issue.key, "checks");
    assert!(
        issue.message.contains("geometri") && issue.message.contains("dose_coverage"),
        "{issue}"
    );
    assert!(FailOn::Warning.applies_to(QcStatus::Fail) && !FailOn::Fail.applies_to(QcStatus::Warning));
}
