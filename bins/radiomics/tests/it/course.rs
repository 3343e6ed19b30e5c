//! A course folder in, tables out.

use rt_cli::{Environment, Mode, Outcome, execute};
use rt_config::Document;
use rt_course::{CourseDir, Radiomics as Table, Status};
use rt_image::Volume;
use rt_radiomics::{ImageKind, Settings, extract};
use rt_radiomics_cli::Radiomics;
use rt_records::Packed;
use rt_records::tables::radiomics as columns;

use crate::scene;

fn run(course: &CourseDir, toml: &str) -> Outcome {
    let document = Document::from_toml("test.toml", toml).unwrap();
    execute(&Radiomics, course, &Environment::for_tests(&document).unwrap()).unwrap()
}

fn packed(course: &CourseDir, table: Table) -> Packed {
    Packed::read(course.radiomics(table).as_std_path()).unwrap()
}

/// Name, status and code of each row.
fn states(packed: &Packed) -> Vec<(String, String, String)> {
    let text = |row: rt_records::Row<'_>, column| row.text(column).unwrap_or("").to_owned();
    packed
        .table()
        .iter()
        .map(|r| {
            (
                text(r, &columns::ROI_NAME),
                text(r, &columns::STATUS),
                text(r, &columns::ERROR_CODE),
            )
        })
        .collect()
}

#[test]
fn every_region_has_a_row_and_measured_ones_their_features() {
    let folder = tempfile::tempdir().unwrap();
    let course = scene::make(folder.path(), "9.9");
    assert!(matches!(
        run(&course, "[radiomics]\nfeature_set = \"basic\"\n"),
        Outcome::Ran { .. }
    ));
    let ct = packed(&course, Table::Ct);
    let expected = [
        ("organ", "ok", ""),
        ("target", "ok", ""),
        ("tiny", "skipped", "radiomics.too_small"),
        ("Body", "skipped", "radiomics.skip_list"),
        ("empty", "skipped", "structures.empty"),
    ];
    let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    assert_eq!(states(&ct), expected);
    assert_eq!(ct.features().len(), 107);
    assert!(ct.values(2).is_none());
    // The file holds what the library gives for the same voxels.
    let grid = scene::ct_grid();
    let image: Volume<i16> = scene::texture(&grid);
    let mask = scene::cuboid(&grid, [10, 8, 5], [8, 8, 6]);
    let direct = extract(image.view(), &mask, &Settings::default()).unwrap();
    assert_eq!(ct.features(), direct.names());
    let bits = |v: &[f64]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(ct.values(1).unwrap()), bits(direct.values()));
    let row = ct.table().row(1);
    assert_eq!(row.int(&columns::VOXELS_NATIVE), Some(384));
    assert!((row.float(&columns::VOLUME_CC).unwrap() - 384.0 * 12.0 / 1000.0).abs() < 1e-12);
    // An MR in another frame of reference and without masks of its own has no rows.
    assert!(!course.radiomics(Table::Mr).exists());
    let wide = ct.wide().unwrap();
    let diagnostics = wide
        .schema()
        .columns()
        .iter()
        .filter(|c| c.name.starts_with("diagnostics_"))
        .count();
    assert_eq!(diagnostics, 22 + 1);
}

#[test]
fn the_reference_set_has_the_columns_of_the_reference() {
    let folder = tempfile::tempdir().unwrap();
    let course = scene::make(folder.path(), scene::CT_FRAME);
    run(&course, "[radiomics]\nfeature_set = \"reference\"\n");
    let names = |table| packed(&course, table).features().to_vec();
    let (ct, mr) = (names(Table::Ct), names(Table::Mr));
    assert_eq!((ct.len(), mr.len()), (1223, 386));
    assert_eq!(ct, Settings::reference(ImageKind::Ct).unwrap().feature_names());
    // A parameter file in TOML says what its YAML says.
    let toml = "[setting]\nbinWidth = 10\n[imageType.LoG]\nsigma = [2.0]\n[featureClass]\nglcm = [\"MCC\"]\nfirstorder = []\n";
    let file = folder.path().join("ct.toml");
    std::fs::write(&file, toml).unwrap();
    run(
        &course,
        &format!("[radiomics]\nparams = {:?}\nimages = [\"ct\"]\n", file.to_str().unwrap()),
    );
    let own = names(Table::Ct);
    assert_eq!(own.len(), 19);
    assert_eq!(own[0], "log-sigma-2-0-mm-3D_glcm_MCC");
}

#[test]
fn the_ibsi_flavour_has_its_own_columns_in_the_course_and_for_files() {
    let folder = tempfile::tempdir().unwrap();
    let course = scene::make(folder.path(), "");
    let toml = "[radiomics]\nflavour = \"ibsi\"\nfeature_set = \"basic\"\n[radiomics.ibsi]\naggregations = [\"2d_avg\", \"3d_comb\"]\n";
    run(&course, toml);
    let ct = packed(&course, Table::Ct);
    // 25 + 2 + 18 + 23 + 6, then 2 x (25 + 16 + 16 + 16 + 5 + 17).
    assert_eq!(ct.features().len(), 74 + 2 * 95);
    assert_eq!(ct.table().row(1).text(&columns::FLAVOUR), Some("ibsi"));
    let at = |name: &str| ct.features().iter().position(|n| n == name).unwrap();
    let target = ct.values(1).unwrap();
    assert!((target[at("morph_vol_approx")] - 384.0 * 12.0).abs() < 1e-9);
    assert!(
        target.iter().all(|v| v.is_finite()),
        "{:?}",
        target.iter().position(|v| !v.is_finite())
    );
}

#[test]
fn an_mr_in_the_frame_of_the_ct_takes_its_masks() {
    let folder = tempfile::tempdir().unwrap();
    let course = scene::make(folder.path(), scene::CT_FRAME);
    run(&course, "");
    let mr = packed(&course, Table::Mr);
    let row = mr.table().row(0);
    // 12 x 10 x 8 voxels of 12 mm3 are 2,560 voxels of 4.5 mm3; nearest sampling keeps that within one layer of voxels.
    let voxels = row.int(&columns::VOXELS_NATIVE).unwrap();
    assert!((2100..3000).contains(&voxels), "{voxels}");
    assert_eq!(row.text(&columns::MR_NORMALISATION), Some("image_zscore"));
    let mean = mr.features().iter().position(|n| n == "original_firstorder_Mean").unwrap();
    assert!(mr.values(0).unwrap()[mean].abs() < 0.2);
}

#[test]
fn a_second_run_is_fresh_and_a_course_without_masks_is_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let course = scene::make(folder.path(), "");
    run(&course, "");
    assert!(matches!(run(&course, ""), Outcome::Fresh { .. }));
    assert!(matches!(run(&course, "[radiomics]\nthread_limit = 1\n"), Outcome::Fresh { .. }));
    assert!(matches!(run(&course, "[radiomics]\nbin_width = 10\n"), Outcome::Ran { .. }));
    std::fs::remove_file(course.masks_json()).unwrap();
    match run(&course, "") {
        Outcome::Ran { stamp, .. } => assert_eq!(stamp.status, Status::Skipped),
        other => panic!("{other:?}"),
    }
    assert!(!course.radiomics(Table::Ct).exists());
}

#[test]
fn bytes_do_not_depend_on_the_threads() {
    let folder = tempfile::tempdir().unwrap();
    let course = scene::make(folder.path(), scene::CT_FRAME);
    let read = || std::fs::read(course.radiomics(Table::Ct)).unwrap();
    run(&course, "");
    let first = read();
    let document = Document::from_toml("test.toml", "[radiomics]\nthread_limit = 1\nbatch_below_voxels = 0\n").unwrap();
    let mut environment = Environment::for_tests(&document).unwrap();
    environment.mode = Mode::Force;
    execute(&Radiomics, &course, &environment).unwrap();
    assert!(read() == first);
}

#[test]
fn a_tilted_ct_is_measured_on_an_upright_copy() {
    let folder = tempfile::tempdir().unwrap();
    let course = scene::make(folder.path(), "");
    let tilted = scene::tilted_grid();
    rt_nifti::write(
        course.ct().as_std_path(),
        &scene::texture(&tilted),
        &rt_nifti::WriteOptions::default(),
    )
    .unwrap();
    let mut index: rt_course::sidecar::MaskIndex = rt_course::read_json(&course.masks_json()).unwrap();
    index.grid = (*tilted).clone();
    let layers: Vec<_> = rt_nifti::read_layers::<u8>(course.masks().as_std_path())
        .unwrap()
        .map(|l| l.unwrap().into_data())
        .collect();
    scene::write_masks(&course, &tilted, layers);
    rt_course::write_json(course.masks_json(), &index).unwrap();
    run(&course, "");
    let ct = packed(&course, Table::Ct);
    let volume = |row: usize| ct.table().row(row).float(&columns::VOLUME_CC).unwrap();
    let true_volume = 12.0 * 10.0 * 8.0 * 12.0 / 1000.0 * 10.0_f64.to_radians().cos();
    assert!((volume(0) / true_volume - 1.0).abs() < 0.05, "{} {true_volume}", volume(0));
    assert!(ct.table().row(0).text(&columns::MESSAGE).unwrap().contains("right-angled"));
}

#[test]
fn a_region_above_the_limit_is_measured_in_reduced_form() {
    let folder = tempfile::tempdir().unwrap();
    let course = scene::make(folder.path(), "");
    run(&course, "[radiomics]\nmax_voxels = 500\n");
    let ct = packed(&course, Table::Ct);
    let row = ct.table().row(0);
    assert_eq!(
        (row.text(&columns::STATUS), row.text(&columns::ERROR_CODE)),
        (Some("partial"), Some("radiomics.reduced"))
    );
    assert_eq!(row.text(&columns::SETTINGS), Some("reduced"));
    // Shape and first order, at 2 mm: slices of 3 mm become slices of 2 mm.
    assert_eq!(ct.values(0).unwrap().iter().filter(|v| v.is_finite()).count(), 32);
    assert_eq!(row.int(&columns::VOXELS_NATIVE), Some(960));
    assert_eq!(row.int(&columns::VOXELS_RESAMPLED), Some(1440));
    assert_eq!(ct.table().row(1).text(&columns::STATUS), Some("ok"));
}
