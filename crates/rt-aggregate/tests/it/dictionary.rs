use rt_aggregate::columns_md;
use rt_records::tables;
use rt_records::{ColumnDef, Kind, TableSchema};

#[test]
fn every_column_has_a_line_and_features_are_told_by_class() {
    let features = ["original_glcm_Contrast", "wavelet-LLH_glcm_Contrast", "original_shape_MeshVolume"];
    let radiomics = tables::radiomics::schema("radiomics_ct").extended(features.map(|f| ColumnDef::new(f, Kind::Float, "", "")));
    let odd = TableSchema::new("odd", [ColumnDef::fixed("a|b", Kind::Int, "Gy", "one\ntwo")]).unwrap();
    let text = columns_md(&[
        (tables::dvh::schema(), "One row per structure."),
        (radiomics, "Features."),
        (odd, "Odd."),
    ]);
    assert!(text.contains("| `Volume (cm³)` | cm3 | float | Volume of the whole structure"));
    assert!(text.contains("\n3 features, named"));
    assert!(text.contains("Image types: `original`, `wavelet-LLH`"));
    assert!(text.contains("| glcm | Contrast |"));
    assert!(text.contains("| `a\\|b` | Gy | int | one two |"));
    let lines = text.lines().filter(|l| l.starts_with("| `")).count();
    let expected = tables::dvh::schema().len() + tables::radiomics::schema("").len() + 1;
    assert_eq!(lines, expected);
}
