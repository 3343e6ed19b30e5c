use rt_records::tables::radiomics;
use rt_records::{ColumnDef, FileInfo, Kind, Packed, PackedBuilder, Value, parquet};

fn sample() -> Packed {
    let features = ["original_shape_MeshVolume", "original_firstorder_Mean", "wavelet-LLH_glcm_Contrast"]
        .map(str::to_owned)
        .to_vec();
    let diagnostics = vec![
        ColumnDef::fixed("diagnostics_Mask-original_VoxelNum", Kind::Int, "voxels", ""),
        ColumnDef::fixed("diagnostics_Image-original_Hash", Kind::Text, "", ""),
    ];
    let mut b = PackedBuilder::new(&radiomics::schema("radiomics_ct"), features, diagnostics);
    b.row(
        |r| {
            r.set(&radiomics::PATIENT_ID, "00123")
                .set(&radiomics::ROI_NAME, "PTV")
                .set(&radiomics::STATUS, "ok");
        },
        [
            ("diagnostics_Mask-original_VoxelNum", Value::Int(812)),
            ("diagnostics_Image-original_Hash", Value::Text("1e5")),
        ],
        [("original_firstorder_Mean", 41.25), ("original_shape_MeshVolume", 15_060.5)],
    );
    b.row(
        |r| {
            r.set(&radiomics::PATIENT_ID, "00123")
                .set(&radiomics::ROI_NAME, "dot")
                .set(&radiomics::STATUS, "skipped");
        },
        [],
        [],
    );
    b.finish().unwrap()
}

#[test]
fn a_packed_file_comes_back_and_has_few_columns() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("radiomics_ct.parquet");
    std::fs::write(&path, sample().write(Vec::new(), &FileInfo::new("1")).unwrap()).unwrap();
    let again = Packed::read(&path).unwrap();
    assert_eq!(again.features(), sample().features());
    assert_eq!(again.values(1), None);
    // NaN marks what the row does not have, so the lists are compared element by element.
    let values = again.values(0).unwrap();
    assert_eq!(&values[..2], [15_060.5, 41.25]);
    assert!(values[2].is_nan());
    assert_eq!(parquet::read(&path).unwrap().schema().len(), radiomics::schema("x").len() + 2);
}

#[test]
fn the_wide_table_has_ids_diagnostics_features_and_the_rest_in_this_order() {
    let wide = sample().wide().unwrap();
    let names: Vec<&str> = wide.schema().columns().iter().map(|c| c.name.as_ref()).collect();
    assert_eq!(
        &names[..8],
        [
            "patient_id",
            "course_id",
            "diagnostics_Mask-original_VoxelNum",
            "diagnostics_Image-original_Hash",
            "original_shape_MeshVolume",
            "original_firstorder_Mean",
            "wavelet-LLH_glcm_Contrast",
            "modality"
        ]
    );
    let row = wide.row(0);
    assert_eq!(row.named("diagnostics_Mask-original_VoxelNum"), Value::Int(812));
    assert_eq!(row.named("diagnostics_Image-original_Hash"), Value::Text("1e5"));
    assert_eq!(row.named("original_firstorder_Mean"), Value::Float(41.25));
    assert!(row.named("wavelet-LLH_glcm_Contrast").is_missing());
    assert!(wide.row(1).named("original_firstorder_Mean").is_missing());
    assert_eq!(wide.row(1).named("status"), Value::Text("skipped"));
}

#[test]
fn a_feature_that_was_not_announced_is_an_error() {
    let mut b = PackedBuilder::new(&radiomics::schema("radiomics_ct"), vec!["a".into()], Vec::new());
    b.row(|_| {}, [], [("b", 1.0)]);
    assert_eq!(b.finish().unwrap_err().to_string(), "table radiomics_ct has no column `b`");
}

#[test]
fn an_ordinary_file_is_not_taken_for_a_packed_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    std::fs::write(
        &path,
        parquet::write(Vec::new(), &crate::mixed_table(), &FileInfo::new("1")).unwrap(),
    )
    .unwrap();
    assert_eq!(Packed::read(&path).unwrap_err().code(), "table.damaged");
}
