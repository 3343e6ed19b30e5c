use rt_records::tables::{self, contours, dvh, metric};
use rt_records::{Kind, tables::contours::ContourRow};

fn names(columns: &[rt_records::ColumnDef]) -> Vec<&str> {
    columns.iter().map(|c| c.name.as_ref()).collect()
}

#[test]
fn the_146_reference_metrics_have_their_names_and_places() {
    let columns = dvh::reference_metrics();
    let names = names(&columns);
    assert_eq!(names.len(), 146);
    // Numbers of spec/analysis.md 1.11, counted from 1.
    for (number, name) in [
        (1, "DmeanGy"),
        (4, "D95Gy"),
        (8, "HI"),
        (11, "D0.1ccGy"),
        (14, "Dmin%"),
        (20, "Spread%"),
        (21, "Volume (cm\u{b3})"),
        (22, "IntegralDose_Gycm3"),
        (23, "V95%Rx (cm\u{b3})"),
        (26, "V100%Rx (%)"),
        (27, "V1Gy (cm\u{b3})"),
        (86, "V60Gy (cm\u{b3})"),
        (87, "V1Gy (%)"),
        (146, "V60Gy (%)"),
    ] {
        assert_eq!(names[number - 1], name, "column {number}");
    }
}

#[test]
fn dvh_metrics_starts_with_ids_then_the_reference_and_ends_with_the_outcome() {
    let schema = dvh::schema();
    let names = names(schema.columns());
    assert_eq!(&names[..3], ["patient_id", "course_id", "DmeanGy"]);
    assert_eq!(
        &names[148..152],
        ["ROI_Number", "ROI_Name", "ROI_OriginalName", "Segmentation_Source"]
    );
    assert_eq!(names[165], "plan_referenced_rtstruct_sop_instance_uids", "18 provenance columns");
    assert_eq!(&names[names.len() - 3..], ["status", "error_code", "message"]);
    for name in [
        "D2ccGy",
        "D0.03ccGy",
        "D99.9Gy",
        "V70Gy (%)",
        "V100Gy (cm³)",
        "V107%Rx (%)",
        "gEUD_a8_Gy",
        "covered_fraction",
    ] {
        assert!(names.contains(&name), "{name}");
    }
}

#[test]
fn no_table_names_a_column_twice_and_every_column_has_a_meaning() {
    for schema in tables::all() {
        let mut seen = std::collections::HashSet::new();
        for column in schema.columns() {
            assert!(seen.insert(column.name.clone()), "{} twice in {}", column.name, schema.name());
            assert!(!column.doc.is_empty(), "{} in {} has no meaning", column.name, schema.name());
        }
        assert_eq!(schema.columns()[0].name, "patient_id", "{}", schema.name());
        assert_eq!(schema.columns()[1].name, "course_id", "{}", schema.name());
        assert!(schema.columns()[..2].iter().all(|c| c.kind == Kind::Text));
    }
}

#[test]
fn metrics_of_the_grammar_become_the_columns_of_the_reference() {
    for (metric, column) in [
        ("Dmean", "DmeanGy"),
        ("D95%", "D95Gy"),
        ("D99.9%", "D99.9Gy"),
        ("D2cc", "D2ccGy"),
        ("D0.03cc", "D0.03ccGy"),
        ("V20Gy", "V20Gy (%)"),
        ("V20Gy_cc", "V20Gy (cm³)"),
        ("V12.5Gy", "V12.5Gy (%)"),
        ("CV20Gy_cc", "CV20Gy (cm³)"),
        ("V95%Rx", "V95%Rx (%)"),
        ("V107%Rx_cc", "V107%Rx (cm³)"),
        ("D95%/Rx", "D95%"),
        ("Dmean/Rx", "Dmean%"),
        ("gEUD_a8", "gEUD_a8_Gy"),
        ("gEUD_a-10", "gEUD_a-10_Gy"),
        ("HI", "HI"),
    ] {
        assert_eq!(metric::metric_column(metric).unwrap().name, column, "{metric}");
    }
    for no_metric in [
        "", "D", "D95", "D-2cc", "D101%", "V20", "V20%", "Dmode", "V1e3Gy", "gEUD_ax", "D1.2.3%",
    ] {
        assert!(metric::metric_column(no_metric).is_none(), "{no_metric}");
    }
}

#[test]
fn a_metric_of_the_standard_set_is_the_same_column_by_grammar_and_by_definition() {
    let schema = dvh::schema();
    for metric in ["D95%", "D2cc", "V60Gy", "V65Gy_cc", "V110%Rx", "gEUD_a8"] {
        let column = metric::metric_column(metric).unwrap();
        assert_eq!(schema.column(&column.name).unwrap().unit, column.unit, "{metric}");
    }
}

#[test]
fn contours_come_back_as_they_were() {
    let rows = [
        ContourRow {
            roi_number: 3,
            roi_name: "PTV ü".into(),
            interpreted_type: "PTV".into(),
            colour: Some([255, 0, 10]),
            frame_of_reference: "1.2.3".into(),
            contour_index: Some(0),
            kind: "CLOSED_PLANAR".into(),
            plane_mm: Some(-674.25),
            referenced_sop_uid: "1.2.3.4".into(),
            points: vec![[0.1, 0.2, -674.25], [1.0, 2.0, -674.25], [1e-9, -0.0, -674.25]],
        },
        ContourRow {
            roi_number: 4,
            roi_name: "empty".into(),
            ..ContourRow::default()
        },
    ];
    let table = contours::to_table(&rows).unwrap();
    assert_eq!(contours::from_table(&table).unwrap(), rows);
    assert_eq!(table.row(0).text(&contours::COLOUR), Some("#ff000a"));
}

#[test]
fn a_damaged_list_of_points_is_refused() {
    let mut b = rt_records::TableBuilder::new(&contours::schema());
    b.row().set(&contours::ROI_NUMBER, 1).set(&contours::POINTS, &vec![1.0, 2.0]);
    assert_eq!(contours::from_table(&b.finish().unwrap()).unwrap_err().code(), "table.wrong_kind");
}
