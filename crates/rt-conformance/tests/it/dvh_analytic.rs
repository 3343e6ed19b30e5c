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
