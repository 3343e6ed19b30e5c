//! Consensus values of the Image Biomarker Standardisation Initiative.

#[test]
fn every_value_of_ibsi_1_is_met() {
    let Some(folder) = super::shared("data/ibsi") else { return };
    let report = rt_conformance::ibsi::run(&folder).unwrap();
    assert_eq!(report.rows.len(), 482 + 406 + 406 + 3 * 270);
    assert!(report.misses().is_empty(), "{report}");
}

#[test]
fn every_response_map_and_value_of_ibsi_2_is_met() {
    let Some(folder) = super::shared("data/ibsi") else { return };
    let report = rt_conformance::ibsi2::run(&folder).unwrap();
    assert_eq!((report.maps.len(), report.values.rows.len()), (12, 324));
    assert!(report.map_misses().is_empty(), "{report}");
    // 8.A: a quotient whose divisor, the sum of two quartiles of opposite sign, is nearly 0; 8.B: the table has no consensus value; 9.B: the
    // lowest voxel, 1 % from the consensus, of a filter on frequencies whose treatment of the image's ends the manual leaves open.
    let misses: Vec<String> = report.values.misses().iter().map(|r| format!("{} {}", r.config, r.tag)).collect();
    assert_eq!(misses, ["8.A stat_qcod", "8.B stat_qcod", "9.B stat_min"], "{report}");
}
