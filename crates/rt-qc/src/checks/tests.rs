//! A sound course passes; each planted fault raises its own code and no other.

use rt_config::Validate;
use rt_core::{Bounds, Grid, Vec3};

use crate::config::{FailOn, QcConfig};
use crate::facts::{CourseFacts, DoseFact, ImageFact, RoiFact, StageFact, StageState, StructureSetFact};
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
            extent: Some(Bounds {
                lo: Vec3::new(-50.0, -50.0, -30.0),
                hi: Vec3::new(50.0, 50.0, 27.0),
            }),
        }],
        dose: Some(DoseFact {
            path: "images/dose.nii".into(),
            frame_of_reference: "1.2".into(),
            stored: grid(),
            recorded: grid(),
        }),
        mask_grid: Some(grid()),
        rois: vec![roi("PTV", 1.0), roi("Bladder", 1.0), roi("Body", 0.6)],
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
    facts.structure_sets[0].extent = Some(Bounds {
        lo: Vec3::splat(900.0),
        hi: Vec3::splat(950.0),
    });
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
    facts.structure_sets[0].extent = Some(Bounds {
        lo: Vec3::new(-50.0, -50.0, -50.0),
        hi: Vec3::new(50.0, 50.0, 27.0),
    });
    raises(&facts, &["qc.geometry"], QcStatus::Warning);
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
fn an_unknown_check_in_the_configuration_is_refused_by_name() {
    let cfg = QcConfig {
        checks: vec!["geometri".into()],
        ..QcConfig::default()
    };
    let issue = cfg.validate().unwrap_err();
    assert_eq!(issue.key, "checks");
    assert!(
        issue.message.contains("geometri") && issue.message.contains("dose_coverage"),
        "{issue:?}"
    );
    assert!(FailOn::Warning.applies_to(QcStatus::Fail) && !FailOn::Fail.applies_to(QcStatus::Warning));
}
