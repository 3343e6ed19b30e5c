//! Closed-form truths of the DVH engine.

#[test]
fn every_figure_of_every_analytic_case() {
    let Some(folder) = super::shared("data/dvh-analytic") else {
        return;
    };
    let report = rt_conformance::dvh_analytic::run(&folder).unwrap();
    println!("{report}");
    let [inside, all] = report.inside();
    assert!(
        report.rows.len() == 200 && all > 30_000,
        "{} rows, {all} figures",
        report.rows.len()
    );
    let misses = report.misses();
    assert!(misses.is_empty(), "{inside} of {all}: {misses:#?}");
}

#[test]
fn lofted_contours_against_the_lofted_truth() {
    let Some(folder) = super::shared("data/dvh-analytic") else {
        return;
    };
    let config = rt_dvh::DvhConfig {
        planes: rt_dvh::Planes::Loft,
        ..rt_dvh::DvhConfig::default()
    };
    let report = rt_conformance::dvh_analytic::run_with(&folder, &config).unwrap();
    println!("{report}");
    assert!(report.rows.len() == 185, "{} rows", report.rows.len());
    let misses = report.misses();
    assert!(misses.is_empty(), "{:?}: {misses:#?}", report.inside());
}

#[test]
fn quantiles_hold_the_tolerance_that_is_asked_for() {
    let Some(folder) = super::shared("data/dvh-analytic") else {
        return;
    };
    for tolerance_gy in [0.1, 0.05, 0.02] {
        let config = rt_dvh::DvhConfig {
            tolerance_gy,
            ..rt_dvh::DvhConfig::default()
        };
        let error = rt_conformance::dvh_analytic::run_with(&folder, &config)
            .unwrap()
            .largest_quantile_error();
        assert!(error <= tolerance_gy, "{error} Gy at {tolerance_gy}");
    }
}
