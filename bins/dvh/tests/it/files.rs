//! `rt-dvh files` gives what the course gives, and says what is wrong with its files.

use std::path::{Path, PathBuf};

use rt_dvh::DvhConfig;
use rt_dvh_cli::files::{FilesArgs, FilesResult, Format, evaluated as of_files};
use rt_records::tables::dvh as t;
use rt_testdata::{Field, Scratch, Vec3, cohort};

use crate::evaluated;

/// The files of one kind in a folder, by their DICOM modality.
fn of_modality(folder: &Path, modality: &str) -> Vec<PathBuf> {
    let index = rt_dicom::scan(
        &[folder.to_path_buf()],
        &mut rt_dicom::MetaCache::default(),
        &rt_dicom::ScanOptions::default(),
        &rt_core::Silent,
    );
    let index = index.unwrap();
    let entries = index.files.iter().map(|f| &f.entry);
    let wanted = entries.filter(|e| e.object().is_some_and(|o| o.modality == modality));
    wanted.map(|e| index.absolute(e)).collect()
}

fn args(folder: &Path) -> FilesArgs {
    FilesArgs {
        structures: of_modality(folder, "RTSTRUCT").remove(0),
        dose: of_modality(folder, "RTDOSE"),
        plan: Some(of_modality(folder, "RTPLAN").remove(0)),
        image: Some(folder.to_path_buf()),
        roi: Vec::new(),
        format: Format::Json,
        common: rt_cli::CommonArgs::default(),
    }
}

fn one_course(input: &Scratch) {
    let linear = Field::Gradient {
        at: Vec3::ZERO,
        gy: 50.0,
        per_mm: Vec3::new(0.1, 0.2, -0.3),
    };
    cohort()
        .seed(7)
        .course(|c| {
            let c = c.ct([40, 40, 20]).spacing([4.0, 4.0, 4.0]).sphere("PTV", 24.0);
            c.treat("PELVIS", 50.0, 25, linear)
        })
        .write(input.path())
        .unwrap();
}

fn roi<'a>(result: &'a FilesResult, name: &str) -> &'a rt_dvh_cli::files::RoiResult {
    result.rois.iter().find(|r| r.name == name).unwrap()
}

#[test]
fn files_and_course_agree() {
    let (input, out) = (Scratch::new("dicom"), Scratch::new("out"));
    one_course(&input);
    let (_, table) = evaluated(input.path(), out.path());
    let found = of_files(&args(input.path()), &DvhConfig::default()).unwrap();
    let manual: Vec<_> = table.iter().filter(|r| r.text(&t::SEGMENTATION_SOURCE) == Some("Manual")).collect();
    assert_eq!(manual.len(), found.rois.len());
    for row in manual {
        let name = row.text(&t::ROI_ORIGINAL_NAME).unwrap();
        let ours = roi(&found, name);
        assert_eq!(
            (row.text(&t::STATUS), row.int(&t::ROI_NUMBER)),
            (Some(ours.status), ours.number.map(i64::from))
        );
        assert!(!ours.metrics.is_empty());
        for (column, value) in &ours.metrics {
            // NIfTI stores rows the other way round: sums run in another order, and that is all that may differ.
            match (value, row.named(column).as_float()) {
                (None, None) => {}
                (Some(a), Some(b)) => assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{name} {column}: {a} against {b}"),
                (a, b) => panic!("{name} {column}: {a:?} against {b:?}"),
            }
        }
    }
}

#[test]
fn the_json_form_is_that_of_the_contract() {
    let input = Scratch::new("dicom");
    one_course(&input);
    let found = of_files(&args(input.path()), &DvhConfig::default()).unwrap();
    let json = serde_json::to_value(&found).unwrap();
    let ptv = json["rois"].as_array().unwrap().iter().find(|r| r["name"] == "PTV").unwrap();
    let keys: Vec<&str> = ptv.as_object().unwrap().keys().map(String::as_str).collect();
    let want = [
        "name",
        "number",
        "status",
        "error_code",
        "volume_cc",
        "covered_fraction",
        "metrics",
        "dose_gy",
        "volume_fraction",
        "warnings",
    ];
    assert_eq!(keys.len(), want.len());
    assert!(want.iter().all(|k| keys.contains(k)), "{keys:?}");
    assert!((ptv["metrics"]["DmeanGy"].as_f64().unwrap() - 50.0).abs() < 0.05);
    // Every metric column of the table, and no other.
    let metrics = ptv["metrics"].as_object().unwrap();
    let names = t::metric_names();
    assert_eq!(metrics.len(), names.len());
    assert!(names.iter().all(|n| metrics.contains_key(n)), "{names:?}");
    let curve = ptv["volume_fraction"].as_array().unwrap();
    assert_eq!(curve.len(), ptv["dose_gy"].as_array().unwrap().len());
    assert!((curve[0].as_f64().unwrap() - 1.0).abs() < 1e-12 && curve[curve.len() - 1].as_f64().unwrap().abs() < 1e-12);
}

#[test]
fn structures_are_chosen_by_name_or_number_and_an_unknown_one_is_told() {
    let input = Scratch::new("dicom");
    one_course(&input);
    let mut args = args(input.path());
    args.roi = vec!["PTV".to_owned()];
    let by_name = of_files(&args, &DvhConfig::default()).unwrap();
    assert_eq!(by_name.rois.len(), 1);
    args.roi = vec![by_name.rois[0].number.unwrap().to_string()];
    assert_eq!(of_files(&args, &DvhConfig::default()).unwrap().rois[0].name, "PTV");
    args.roi = vec!["Spleen".to_owned()];
    let error = of_files(&args, &DvhConfig::default()).unwrap_err();
    assert_eq!(rt_cli::exit::code_of(&error), "dvh.unknown_roi");
    assert!(rt_cli::exit::describe(&error).contains("PTV"));
}

#[test]
fn the_same_dose_twice_counts_once_and_a_wrong_file_is_named() {
    let input = Scratch::new("dicom");
    one_course(&input);
    let mut args = args(input.path());
    args.dose.push(args.dose[0].clone());
    let found = of_files(&args, &DvhConfig::default()).unwrap();
    assert!((roi(&found, "PTV").metrics["DmeanGy"].unwrap() - 50.0).abs() < 0.05);
    args.dose = vec![args.structures.clone()];
    let error = of_files(&args, &DvhConfig::default()).unwrap_err();
    assert!(rt_cli::exit::describe(&error).contains(&*args.structures.to_string_lossy()));
}

#[test]
fn a_prescription_of_the_configuration_is_that_of_every_structure() {
    let input = Scratch::new("dicom");
    one_course(&input);
    let config = DvhConfig {
        rx: rt_dvh::RxSetting::Dose(rt_core::Gy(25.0)),
        metrics: vec!["D33%".parse().unwrap(), "CV20Gy".parse().unwrap()],
        ..DvhConfig::default()
    };
    let found = of_files(&args(input.path()), &config).unwrap();
    let metrics = &roi(&found, "PTV").metrics;
    assert!((metrics["Dmean%"].unwrap() - 200.0).abs() < 0.2);
    assert!(metrics["D33Gy"].is_some() && metrics["CV20Gy (%)"].unwrap() < 100.0);
}
