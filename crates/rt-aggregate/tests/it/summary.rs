use rt_aggregate::TableSink;
use rt_aggregate::summary::{Overview, Spread, structures};
use rt_records::tables::{ERROR_CODE, STATUS, dvh};
use rt_records::{ColumnDef, Kind, TableBuilder, TableSchema};

#[test]
fn percentiles_of_one_to_eleven() {
    // Type 7 on 1..=11: the q-quantile is 1 + 10 q.
    let s = Spread::of((1..=11).map(f64::from).chain([f64::NAN])).unwrap();
    assert_eq!(
        (s.n, s.min, s.p10, s.p25, s.median, s.p75, s.p90, s.max, s.mean),
        (11, 1.0, 2.0, 3.5, 6.0, 8.5, 10.0, 11.0, 6.0)
    );
    assert_eq!(Spread::of([]), None);
}

#[test]
fn structures_are_counted_by_key_and_source_over_courses() {
    let mut b = TableBuilder::new(&dvh::schema());
    for (patient, name, source, dose, mean) in [
        ("1", "PTV", "Manual", "course", Some(60.0)),
        ("2", "ptv", "Manual", "course", Some(62.0)),
        ("3", "ptv", "Manual", "course", None),
        ("3", "ptv", "Manual", "boost", Some(10.0)),
        ("3", "ptv", "AutoRTS", "course", Some(1.0)),
    ] {
        b.row()
            .set(&dvh::PATIENT_ID, patient)
            .set(&dvh::COURSE_ID, "C")
            .set(&dvh::ROI_NAME, name)
            .set(&dvh::SEGMENTATION_SOURCE, source)
            .set(&dvh::DOSE, dose)
            .set(&dvh::DMEAN_GY, mean)
            .set(&STATUS, if mean.is_some() { "ok" } else { "failed" });
    }
    let table = b.finish().unwrap();
    let all = structures(&table, &["DmeanGy", "D95Gy"], 1);
    assert_eq!(all.len(), 2);
    let manual = &all[1];
    assert_eq!((manual.name.as_str(), manual.source.as_str(), manual.courses), ("ptv", "Manual", 3));
    assert_eq!(manual.statuses.get("failed"), Some(&1));
    let mean = manual.metrics[0].unwrap();
    assert_eq!((mean.n, mean.median), (2, 61.0));
    assert_eq!(manual.metrics[1], None);
    assert_eq!(structures(&table, &[], 2).len(), 1);
}

#[test]
fn an_overview_counts_against_rows_that_were_computed() {
    let schema = TableSchema::new(
        "radiomics_ct",
        [
            ColumnDef::fixed("a", Kind::Float, "", ""),
            ColumnDef::fixed("b", Kind::Float, "", ""),
            STATUS.clone(),
            ERROR_CODE.clone(),
        ],
    )
    .unwrap();
    let mut b = TableBuilder::new(&schema);
    b.row().set_named("a", 1.0).set_named("b", 5.0).set(&STATUS, "ok");
    b.row().set_named("a", 2.0).set_named("b", 5.0).set(&STATUS, "ok");
    b.row().set(&STATUS, "skipped").set(&ERROR_CODE, "radiomics.too_small");
    let mut overview = Overview::default();
    overview.write(&b.finish().unwrap()).unwrap();
    assert_eq!((overview.rows, overview.computed), (3, 2));
    assert_eq!(overview.columns[0].present, 2);
    assert!(!overview.columns[0].is_constant());
    assert!(overview.columns[1].is_constant());
    assert_eq!(
        overview.codes.get(&("radiomics.too_small".to_owned(), "skipped".to_owned())),
        Some(&1)
    );
}
