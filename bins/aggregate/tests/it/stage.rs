use std::collections::BTreeMap;
use std::fs;

use rt_aggregate_cli::Aggregate;
use rt_cli::{Environment, Exit, Outcome, execute};
use rt_config::Document;
use rt_course::{Status, TableFormat};
use rt_records::tables::{STATUS, aggregation, dvh, fractions, provenance, qc, structures};
use rt_records::{Table, TableBuilder, Value, parquet};

use crate::cohort::{Folder, PATIENTS, write};

fn run(folder: &Folder, settings: &str) -> Outcome {
    let document = Document::from_toml("test.toml", settings).unwrap();
    let environment = Environment::for_tests(&document).unwrap();
    execute(&Aggregate, &folder.cohort, &environment).unwrap()
}

fn table(folder: &Folder, name: &str) -> Table {
    parquet::read(folder.cohort.table(name, TableFormat::Parquet).as_std_path()).unwrap()
}

fn results(folder: &Folder) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder.cohort.results_dir()).unwrap().map(|e| e.unwrap());
    entries
        .map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap()))
        .collect()
}

#[test]
fn every_table_of_the_contract_is_written_in_every_format() {
    let folder = Folder::new();
    let outcome = run(&folder, "");
    assert_eq!(outcome.exit(), Exit::Done);
    let files = results(&folder);
    for name in [
        "dvh_metrics",
        "radiomics_ct",
        "radiomics_mr",
        "case_metadata",
        "fractions",
        "qc_reports",
        "structures",
        "provenance",
        "aggregation_status",
    ] {
        for format in ["parquet", "xlsx", "csv"] {
            assert!(files.contains_key(&format!("{name}.{format}")), "{name}.{format}");
        }
    }
    for name in ["dvh_curves.parquet", "inventory.xlsx", "columns.md", "report.html"] {
        assert!(files.contains_key(name), "{name}");
    }
    assert!(!files.contains_key("dvh_curves.xlsx") && !files.contains_key("radiomics_pet.parquet"));
    assert!(
        files.keys().all(|n| !n.starts_with('.')),
        "a temporary file is left: {:?}",
        files.keys()
    );
}

#[test]
fn rows_keep_their_ids_and_names_and_stand_in_the_order_of_the_manifest() {
    let folder = Folder::new();
    run(&folder, "");
    let rows = table(&folder, "dvh_metrics");
    let patients: Vec<&str> = rows.iter().map(|r| r.text(&dvh::PATIENT_ID).unwrap()).collect();
    assert_eq!(patients, PATIENTS.iter().flat_map(|p| [*p; 3]).collect::<Vec<_>>());
    assert_eq!(rows.row(1).text(&dvh::ROI_NAME), Some("NA"));
    assert_eq!(rows.schema().columns()[2].name, "DmeanGy");
    assert!(rows.schema().column("Volume (cm\u{b3})").is_some());
    // The failed automatic structure of the same name is not the preferred one.
    let preferred: Vec<bool> = rows.iter().take(3).map(|r| r.flag(&dvh::PREFERRED).unwrap()).collect();
    assert_eq!(preferred, [true, true, false]);
    let csv = fs::read_to_string(folder.cohort.table("dvh_metrics", TableFormat::Csv)).unwrap();
    assert!(csv.lines().any(|l| l.starts_with("'=1+1,")), "the formula is guarded in CSV");
    let book = rt_records::read_xlsx::read(folder.cohort.table("dvh_metrics", TableFormat::Xlsx).as_std_path(), None, &[]).unwrap();
    let from_book: Vec<&str> = book.iter().map(|r| r.named("patient_id").as_text().unwrap()).collect();
    assert_eq!(from_book, patients);
}

#[test]
fn packed_features_become_wide_and_a_feature_of_one_course_alone_has_its_place() {
    let folder = Folder::new();
    run(&folder, "");
    let rows = table(&folder, "radiomics_ct");
    let names: Vec<&str> = rows.schema().columns().iter().map(|c| c.name.as_ref()).collect();
    assert_eq!(
        &names[..7],
        [
            "patient_id",
            "course_id",
            "diagnostics_Mask-original_VoxelNum",
            "original_shape_MeshVolume",
            "original_firstorder_Mean",
            "original_glcm_Contrast",
            "modality"
        ]
    );
    assert_eq!(rows.row(0).named("diagnostics_Mask-original_VoxelNum"), Value::Int(812));
    assert!(rows.row(0).named("original_firstorder_Mean").is_missing());
    assert_eq!(rows.row(2).named("original_firstorder_Mean"), Value::Float(24.0 / 7.0));
}

#[test]
fn tables_made_from_json_hold_what_the_courses_say() {
    let folder = Folder::new();
    run(&folder, "");
    let cases = table(&folder, "case_metadata");
    assert_eq!(cases.row(2).named("patient_id"), Value::Text("=1+1"));
    assert_eq!(cases.row(0).named("ct_kvp"), Value::Float(120.0));
    assert_eq!(cases.row(0).named("beams_count"), Value::Int(2));
    assert_eq!(cases.row(0).named("ours_new"), Value::Float(1.5));
    let given = table(&folder, "fractions");
    assert_eq!(given.rows(), 1);
    assert_eq!(given.row(0).int(&fractions::FRACTION_NUMBER), Some(1));
    let rois = table(&folder, "structures");
    assert_eq!(rois.rows(), 6);
    assert_eq!(rois.row(0).float(&structures::VOLUME_CC), Some(0.12));
    assert_eq!(rois.row(1).text(&structures::SEGMENTATION_ENGINE), Some("classical"));
    assert_eq!(rois.row(1).int(&structures::SIZE_I), None, "no extent without voxels");
    let reports = table(&folder, "qc_reports");
    assert_eq!(reports.rows(), 3);
    assert_eq!(reports.row(0).text(&qc::OVERALL_STATUS), Some("WARNING"));
    assert_eq!(reports.row(0).int(&qc::N_WARNING), Some(1));
    assert_eq!(reports.row(0).text(&qc::CODES), Some("qc.dose_coverage"));
    let checks: serde_json::Value = serde_json::from_str(reports.row(0).text(&qc::CHECKS_JSON).unwrap()).unwrap();
    assert_eq!(checks[1]["findings"][0]["item"], "PTV");
    let costs = table(&folder, "provenance");
    assert_eq!(costs.rows(), 15, "five stages of three courses");
    assert_eq!(costs.row(0).float(&provenance::WALL_S), Some(1.5));
    assert_eq!(costs.row(0).int(&provenance::ITEMS_DONE), Some(4));
}

#[test]
fn nothing_changed_means_nothing_written_and_force_gives_the_same_bytes_on_any_thread_count() {
    let folder = Folder::new();
    assert!(matches!(run(&folder, "[aggregation]\nthreads = 1"), Outcome::Ran { .. }));
    let first = results(&folder);
    let stamp = fs::metadata(folder.cohort.report()).unwrap().modified().unwrap();
    assert!(matches!(run(&folder, ""), Outcome::Fresh { .. }));
    assert_eq!(fs::metadata(folder.cohort.report()).unwrap().modified().unwrap(), stamp);
    fs::remove_file(folder.cohort.stage("aggregate").stamp).unwrap();
    assert!(matches!(run(&folder, ""), Outcome::Ran { .. }));
    assert_eq!(results(&folder), first);
}

#[test]
fn a_withdrawn_course_is_in_no_table_and_not_on_the_page() {
    let folder = Folder::new();
    run(&folder, "");
    folder.manifest(&[1]);
    assert!(matches!(run(&folder, ""), Outcome::Ran { .. }), "the manifest is an input");
    for name in [
        "dvh_metrics",
        "dvh_curves",
        "radiomics_ct",
        "case_metadata",
        "structures",
        "qc_reports",
        "provenance",
        "aggregation_status",
    ] {
        let table = table(&folder, name);
        assert!(table.iter().all(|r| r.named("patient_id") != Value::Text("1e5")), "{name}");
        assert!(table.iter().any(|r| r.named("patient_id") == Value::Text("00123")), "{name}");
    }
    let page = fs::read_to_string(folder.cohort.report()).unwrap();
    assert!(!page.contains("1e5 / 2024-03") && page.contains("00123 / 2024-03"));
    assert!(folder.dir(1).course_json().exists(), "the folder stays");
}

#[test]
fn what_is_missing_is_told_and_what_a_course_cannot_have_is_not_a_failure() {
    let folder = Folder::new();
    // Course 1 has no dose: its dvh stage had nothing to do. Course 2: dvh never finished, and its checks are damaged.
    for path in [
        folder.dir(1).dvh_metrics(),
        folder.dir(1).dvh_curves(),
        folder.dir(2).dvh_metrics(),
        folder.dir(2).dvh_curves(),
    ] {
        fs::remove_file(path).unwrap();
    }
    folder.finish(1, "dvh", Status::Skipped);
    fs::remove_file(folder.dir(2).stage("dvh").stamp).unwrap();
    fs::write(folder.dir(2).qc_table(), b"PAR1 no").unwrap();
    let outcome = run(&folder, "");
    assert_eq!(outcome.exit(), Exit::Partial);
    assert_eq!(outcome.items().failed, 1);
    let parts = table(&folder, "aggregation_status");
    let part = |patient: &str, name: &str| {
        let row = parts
            .iter()
            .find(|r| r.text(&aggregation::PATIENT_ID) == Some(patient) && r.text(&aggregation::TABLE) == Some(name))
            .unwrap();
        (
            row.text(&STATUS).unwrap().to_owned(),
            row.text(&aggregation::REASON).unwrap_or_default().to_owned(),
        )
    };
    assert_eq!(part("00123", "dvh_metrics").0, "ok");
    assert_eq!(
        part("1e5", "dvh_metrics"),
        ("skipped".to_owned(), "the course has no dose".to_owned())
    );
    let (status, reason) = part("=1+1", "dvh_metrics");
    assert_eq!(status, "missing");
    assert!(reason.contains("run rt-dvh"), "{reason}");
    let (status, reason) = part("=1+1", "qc_reports");
    assert_eq!(status, "failed");
    assert!(reason.contains("qc.parquet"), "{reason}");
    assert_eq!(table(&folder, "dvh_metrics").rows(), 3, "what could be done is done");
    assert_eq!(part("00123", "fractions").0, "ok");
    assert_eq!(part("1e5", "fractions").0, "skipped");
}

#[test]
fn a_course_with_columns_of_another_kind_is_left_out_and_told() {
    let folder = Folder::new();
    let schema = rt_records::TableSchema::new(
        "dvh_metrics",
        [
            dvh::PATIENT_ID.clone(),
            dvh::COURSE_ID.clone(),
            rt_records::ColumnDef::fixed("DmeanGy", rt_records::Kind::Text, "", ""),
        ],
    )
    .unwrap();
    let mut b = TableBuilder::new(&schema);
    b.row().set_named("DmeanGy", "sixty");
    let dir = folder.dir(1);
    write(&dir, &dir.dvh_metrics(), &b.finish().unwrap());
    assert_eq!(run(&folder, "").exit(), Exit::Partial);
    assert_eq!(table(&folder, "dvh_metrics").rows(), 6);
    let parts = table(&folder, "aggregation_status");
    let told = parts.iter().find(|r| r.text(&STATUS) == Some("failed")).unwrap();
    assert!(
        told.text(&aggregation::REASON)
            .unwrap()
            .contains("`DmeanGy` holds text, but float elsewhere")
    );
}

#[test]
fn formats_that_are_not_wanted_are_not_written_and_go_when_they_were() {
    let folder = Folder::new();
    run(&folder, "");
    run(&folder, "[aggregation]\nformats = [\"parquet\"]");
    let files = results(&folder);
    for gone in ["dvh_metrics.xlsx", "dvh_metrics.csv", "inventory.xlsx", "provenance.csv"] {
        assert!(!files.contains_key(gone), "{gone}");
    }
    assert!(files.contains_key("dvh_metrics.parquet"));
}

#[test]
fn a_clinical_table_is_joined_by_patient_with_ids_as_text() {
    let folder = Folder::new();
    let path = folder.cohort.root().join("clinical.csv");
    fs::create_dir_all(folder.cohort.root()).unwrap();
    fs::write(&path, "patient_id,age,plan_name\n00123,71,x\n123,1,y\n").unwrap();
    let settings = format!("[aggregation]\nclinical_table = \"{path}\"");
    assert_eq!(run(&folder, &settings).exit(), Exit::Done);
    let cases = table(&folder, "case_metadata");
    assert_eq!(cases.row(0).named("age"), Value::Float(71.0));
    assert_eq!(cases.row(0).named("plan_name"), Value::Text("P1"), "ours is kept");
    assert_eq!(cases.row(0).named("clinical_plan_name"), Value::Text("x"));
    assert!(cases.row(1).named("age").is_missing());
    fs::write(&path, "patient_id,age\n00123,71\n00123,72\n").unwrap();
    let document = Document::from_toml("test.toml", &settings).unwrap();
    let error = execute(&Aggregate, &folder.cohort, &Environment::for_tests(&document).unwrap()).unwrap_err();
    assert_eq!(Exit::of(&error), Exit::Usage);
}

#[test]
fn a_folder_without_a_manifest_is_refused_and_nothing_is_written_into_it() {
    let dir = tempfile::tempdir().unwrap();
    let cohort = rt_course::Cohort::new(dir.path()).unwrap();
    let error = Aggregate::check(&cohort).unwrap_err();
    assert!(
        rt_cli::exit::describe(&error).contains("rt-organize"),
        "{}",
        rt_cli::exit::describe(&error)
    );
    assert_eq!(Exit::of(&error), Exit::Usage);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    assert!(Aggregate::check(&Folder::new().cohort).is_ok());
}
