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
    assert!(report.values.misses().is_empty(), "{report}");
}
