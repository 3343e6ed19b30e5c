//! PyRadiomics goldens: every feature of every case.

use rt_conformance::pyradiomics::{Outcome, Report, Row, Selection, run_selected};

fn report(settings: &[&str]) -> Option<Report> {
    let folder = super::shared("data/radiomics-golden")?;
    let selection = Selection {
        cases: Vec::new(),
        settings: settings.iter().map(|s| (*s).to_owned()).collect(),
    };
    let report = run_selected(&folder, &selection).unwrap();
    println!("{report}");
    assert!(!report.rows.is_empty());
    Some(report)
}

fn check(settings: &[&str], tolerance: f64) {
    let Some(report) = report(settings) else { return };
    let unexplained: Vec<&Row> = report.misses(tolerance).into_iter().filter(|r| r.known_cause().is_none()).collect();
    assert!(unexplained.is_empty(), "beyond {tolerance}: {unexplained:#?}");
}

#[test]
fn the_default_setting_on_every_case() {
    let Some(report) = report(&["A"]) else { return };
    assert_eq!(report.rows.len(), 14);
    assert!(report.misses(1e-9).is_empty(), "{:#?}", report.misses(1e-9));
    // The reference refuses a line and a single voxel, and so do we; every diagnostics column agrees.
    let refused = report.rows.iter().filter(|r| matches!(r.outcome, Outcome::Refused { .. })).count();
    assert_eq!(refused, 2);
    let diagnostics_agree = |row: &Row| match &row.outcome {
        Outcome::Compared { diagnostics, extra, .. } => diagnostics.is_empty() && *extra == 0,
        _ => true,
    };
    assert!(report.rows.iter().all(diagnostics_agree));
}

#[test]
fn force_2d_bin_count_normalisation_norms_and_flat_shapes() {
    check(
        &[
            "C",
            "E_manhattan",
            "E_euclidean",
            "E_infinity",
            "E_noweight",
            "F_asym",
            "I_shape2d",
            "J_line",
        ],
        1e-9,
    );
}

#[test]
fn linear_resampling_with_a_kept_axis() {
    check(&["H_linear"], 1e-9);
}

#[test]
fn resampling_log_and_wavelets() {
    check(&["B", "P_rtpipeline_pet", "M_rtpipeline_mr", "G_mr"], 1e-6);
}

#[test]
fn the_other_filters() {
    check(&["D"], 1e-6);
}
