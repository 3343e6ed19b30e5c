//! A course folder in, tables out.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use ndarray::Array3;
use rt_cli::{Environment, Mode, Outcome, execute};
use rt_config::Document;
use rt_core::{Grid, Vec3};
use rt_course::manifest::{CourseRecord, ImageRecord, ImageRole, SCHEMA_VERSION};
use rt_course::sidecar::{MaskEntry, MaskIndex};
use rt_course::{Cohort, CourseDir, Radiomics, Status, write_bytes, write_json};
use rt_image::{Mask, Volume};
use rt_nifti::{Encoding, WriteOptions, write, write_layers};
use rt_records::parquet;
use rt_records::tables::robustness as t;
use rt_robustness_cli::Robustness;

fn entry(name: &str, mask: &Mask, layer: usize) -> MaskEntry {
    MaskEntry {
        source: "Manual".into(),
        origin: "rs_01".into(),
        number: Some(1),
        name: name.into(),
        original_name: name.into(),
        standard_name: String::new(),
        interpreted_type: "GTV".into(),
        layer: Some(layer),
        label: 1,
        lo: mask.lo(),
        size: mask.size(),
        voxels: mask.count(),
        volume_cc: mask.volume().value(),
        touches_border: false,
        expression: String::new(),
        status: "ok".into(),
        error_code: String::new(),
        message: String::new(),
    }
}

/// A course with `GTV_p` well inside the image, `GTV_n` at its end, and `organ`.
fn make(folder: &std::path::Path) -> CourseDir {
    let course = Cohort::new(folder).unwrap().course("P01", "C1").unwrap();
    let mut record: CourseRecord = serde_json::from_str(include_str!("empty_course.json")).unwrap();
    record.images = vec![ImageRecord {
        role: ImageRole::PlanningCt,
        modality: "CT".into(),
        series_uid: "1.2.3".into(),
        study_uid: "1.2".into(),
        frame_of_reference: "1.2.9".into(),
        nifti: "images/ct.nii".into(),
        sidecar: "images/ct.json".into(),
        dicom_dir: "DICOM/CT".into(),
        n_slices: 20,
        link: "referenced".into(),
    }];
    write_json(course.course_json(), &record).unwrap();
    let grid = Arc::new(Grid::axis_aligned([30, 28, 20], Vec3::ZERO, [2.0, 2.0, 3.0]).unwrap());
    std::fs::create_dir_all(course.images_dir()).unwrap();
    std::fs::create_dir_all(course.structures_dir()).unwrap();
    let data = Array3::from_shape_fn(grid.shape(), |(k, j, i)| {
        let h = u32::try_from(k * 7919 + j * 104_729 + i * 1_299_709).unwrap();
        i16::try_from((h.wrapping_mul(2_654_435_761) >> 20) % 700).unwrap() - 100
    });
    write(
        course.ct().as_std_path(),
        &Volume::new(Arc::clone(&grid), data).unwrap(),
        &WriteOptions::default(),
    )
    .unwrap();
    let cuboid = |lo, size: [usize; 3]| Mask::from_block(&grid, lo, Array3::ones((size[2], size[1], size[0]))).unwrap();
    let masks = [
        cuboid([8, 8, 6], [9, 8, 7]),
        cuboid([8, 8, 15], [9, 8, 5]),
        cuboid([2, 2, 2], [4, 4, 4]),
    ];
    let mut layers = vec![Array3::<u8>::zeros(grid.shape()); masks.len()];
    for (layer, mask) in layers.iter_mut().zip(&masks) {
        for ((k, j, i), _) in mask.block().indexed_iter() {
            let [x, y, z] = mask.lo();
            layer[[k + z, j + y, i + x]] = 1;
        }
    }
    let mut bytes = Vec::new();
    let options = WriteOptions {
        encoding: Encoding::GZIP,
        ..WriteOptions::default()
    };
    write_layers(&mut bytes, &grid, layers.len(), layers, &options).unwrap();
    write_bytes(course.masks(), &bytes).unwrap();
    let names = ["GTV_p", "GTV_n", "organ"];
    let index = MaskIndex {
        schema_version: SCHEMA_VERSION,
        image: "images/ct.nii".into(),
        grid: (*grid).clone(),
        n_layers: 3,
        rois: names
            .iter()
            .zip(&masks)
            .enumerate()
            .map(|(n, (name, mask))| entry(name, mask, n))
            .collect(),
    };
    write_json(course.masks_json(), &index).unwrap();
    course
}

const MILD: &str = "[robustness]\nenabled = true\nintensity = \"mild\"\n[radiomics]\nfeature_set = \"basic\"\n";

fn run(course: &CourseDir, toml: &str, mode: Mode) -> Outcome {
    let document = Document::from_toml("test.toml", toml).unwrap();
    let mut environment = Environment::for_tests(&document).unwrap();
    environment.mode = mode;
    execute(&Robustness, course, &environment).unwrap()
}

fn status(outcome: &Outcome) -> Status {
    match outcome {
        Outcome::Ran { stamp, .. } => stamp.status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_perturbation_has_its_features_and_a_clipped_structure_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let course = make(folder.path());
    assert_eq!(status(&run(&course, MILD, Mode::IfStale)), Status::Partial);
    let values = parquet::read(course.robustness(Radiomics::Ct).as_std_path()).unwrap();
    // One structure, 12 perturbations, 107 features.
    assert_eq!(values.rows(), 12 * 107);
    assert_eq!(values.row(0).text(&t::PERTURBATION_ID), Some("ntcv_v-15"));
    assert_eq!(values.row(107).text(&t::PERTURBATION_ID), Some("ntcv_v0"));
    let states = parquet::read(course.robustness_status().as_std_path()).unwrap();
    let cells: Vec<_> = states
        .iter()
        .map(|r| (r.text(&t::STRUCTURE), r.text(&t::ERROR_CODE), r.int(&t::N_DONE)))
        .collect();
    assert_eq!(
        cells,
        [
            (Some("GTV_p"), None, Some(12)),
            (Some("GTV_n"), Some("robustness.clipped"), Some(0))
        ]
    );
    // Volumes: the second state is the region as it is; its volume change of -15 % is a voxel count.
    let of = |row: usize, feature: &str| {
        let at = (0..107)
            .find(|n| values.row(row + n).text(&t::FEATURE_NAME) == Some(feature))
            .unwrap();
        values.row(row + at).float(&t::VALUE).unwrap()
    };
    let (smaller, same) = (of(0, "original_shape_VoxelVolume"), of(107, "original_shape_VoxelVolume"));
    assert!(
        (same - 504.0 * 12.0).abs() < 1e-9 && (smaller - 428.0 * 12.0).abs() < 1e-9,
        "{same} {smaller}"
    );
}

#[test]
fn bytes_do_not_depend_on_threads_and_a_second_run_is_fresh() {
    let folder = tempfile::tempdir().unwrap();
    let course = make(folder.path());
    run(&course, MILD, Mode::IfStale);
    let read = || std::fs::read(course.robustness(Radiomics::Ct)).unwrap();
    let first = read();
    assert!(matches!(run(&course, MILD, Mode::IfStale), Outcome::Fresh { .. }));
    let one = MILD.replace("intensity", "thread_limit = 1\nintensity");
    assert!(matches!(run(&course, &one, Mode::IfStale), Outcome::Fresh { .. }));
    run(&course, &one, Mode::Force);
    assert!(read() == first);
}

#[test]
fn a_course_without_a_match_is_skipped_with_a_code() {
    let folder = tempfile::tempdir().unwrap();
    let course = make(folder.path());
    let toml = MILD.replace("intensity", "apply_to_structures = [\"PTV*\"]\nintensity");
    match run(&course, &toml, Mode::IfStale) {
        Outcome::Ran { stamp, .. } => {
            assert_eq!(stamp.status, Status::Skipped);
            assert!(stamp.reason.starts_with("robustness.no_match"), "{}", stamp.reason);
        }
        other => panic!("{other:?}"),
    }
    assert!(!course.robustness(Radiomics::Ct).exists());
}
