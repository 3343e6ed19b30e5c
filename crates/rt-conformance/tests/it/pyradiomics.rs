//! PyRadiomics goldens: every feature of every case.

use rt_conformance::pyradiomics::{Selection, run_selected};

fn check(settings: &[&str], tolerance: f64) {
    let Some(folder) = super::shared("data/radiomics-golden") else {
        return;
    };
    let selection = Selection {
        cases: Vec::new(),
        settings: settings.iter().map(|s| (*s).to_owned()).collect(),
    };
    let report = run_selected(&folder, &selection).unwrap();
    println!("{report}");
    assert!(!report.rows.is_empty());
    let misses = report.misses(tolerance);
    assert!(
        misses.is_empty(),
        "{} of {} beyond {tolerance}: {misses:#?}",
        misses.len(),
        report.rows.len()
    );
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
fn setting_a_on_every_case() {
    check(&["A"], 1e-9);
}
