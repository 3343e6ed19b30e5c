use rt_aggregate::{RoiColumns, preferred, roi_key};
use rt_records::TableBuilder;
use rt_records::tables::dvh;

#[test]
fn keys_ignore_case_separators_and_the_partial_mark() {
    for (name, key) in [
        ("PTV", "ptv"),
        ("Lung  L", "lung_l"),
        ("lung_-_l__partial", "lung_l"),
        ("Körper", "körper"),
        ("__partial", ""),
    ] {
        assert_eq!(roi_key(name), key, "{name}");
    }
}

#[test]
fn manual_goes_before_custom_model_auto_and_a_computed_row_before_a_failed_one() {
    let mut b = TableBuilder::new(&dvh::schema());
    for (name, source, dose, status) in [
        ("Rectum", "AutoRTS", "course", "ok"),
        ("rectum", "Manual", "course", "ok"),
        ("RECTUM", "CustomModel:pelvis", "course", "ok"),
        ("rectum", "Manual", "boost", "ok"),
        ("Bladder", "Manual", "course", "failed"),
        ("bladder", "AutoRTS", "course", "partial"),
        ("ring", "NIfTI_Direct", "course", "ok"),
        ("ring", "Custom", "course", "ok"),
    ] {
        b.row()
            .set(&dvh::ROI_NAME, name)
            .set(&dvh::SEGMENTATION_SOURCE, source)
            .set(&dvh::DOSE, dose)
            .set(&dvh::STATUS, status);
    }
    let table = preferred::mark(b.finish().unwrap(), RoiColumns::dvh()).unwrap();
    let marked: Vec<bool> = table.iter().map(|r| r.flag(&dvh::PREFERRED).unwrap()).collect();
    assert_eq!(marked, [false, true, false, true, false, true, false, true]);
    assert_eq!(table.row(2).text(&dvh::ROI_KEY), Some("rectum"));
}
