//! A course with a small CT and an MR, on disk.

use std::sync::Arc;

use ndarray::Array3;
use rt_core::{Grid, Mat3, Vec3};
use rt_course::manifest::{CourseRecord, ImageRecord, ImageRole, SCHEMA_VERSION};
use rt_course::sidecar::{MaskEntry, MaskIndex};
use rt_course::{Cohort, CourseDir, write_json};
use rt_image::{Mask, Volume};
use rt_nifti::{Encoding, WriteOptions, write, write_layers};

pub(crate) const CT_FRAME: &str = "1.2.3";

pub(crate) fn ct_grid() -> Arc<Grid> {
    Arc::new(Grid::axis_aligned([40, 36, 20], Vec3::new(-40.0, -36.0, 0.0), [2.0, 2.0, 3.0]).unwrap())
}

/// Values without structure: a multiplicative hash of the index, -100 to 599.
pub(crate) fn texture(grid: &Arc<Grid>) -> Volume<i16> {
    let data = Array3::from_shape_fn(grid.shape(), |(k, j, i)| {
        let h = u32::try_from(k * 7919 + j * 104_729 + i * 1_299_709).unwrap();
        i16::try_from((h.wrapping_mul(2_654_435_761) >> 20) % 700).unwrap() - 100
    });
    Volume::new(Arc::clone(grid), data).unwrap()
}

pub(crate) fn cuboid(grid: &Arc<Grid>, lo: [usize; 3], size: [usize; 3]) -> Mask {
    Mask::from_block(grid, lo, Array3::ones((size[2], size[1], size[0]))).unwrap()
}

pub(crate) fn entry(name: &str, mask: Option<&Mask>, layer: usize, label: u8) -> MaskEntry {
    MaskEntry {
        source: "Manual".into(),
        origin: "rs_01".into(),
        number: Some(i32::from(label)),
        name: name.into(),
        original_name: name.into(),
        standard_name: String::new(),
        interpreted_type: "ORGAN".into(),
        layer: mask.map(|_| layer),
        label,
        lo: mask.map_or([0; 3], Mask::lo),
        size: mask.map_or([0; 3], Mask::size),
        voxels: mask.map_or(0, Mask::count),
        volume_cc: mask.map_or(0.0, |m| m.volume().value()),
        touches_border: false,
        expression: String::new(),
        status: if mask.is_some() { "ok" } else { "skipped" }.into(),
        error_code: if mask.is_some() { "" } else { "structures.empty" }.into(),
        message: if mask.is_some() { "" } else { "no contours" }.into(),
    }
}

fn image(role: ImageRole, modality: &str, name: &str, frame: &str) -> ImageRecord {
    ImageRecord {
        role,
        modality: modality.into(),
        series_uid: format!("1.2.{}", name.len()),
        study_uid: "1.2".into(),
        frame_of_reference: frame.into(),
        nifti: format!("images/{name}.nii"),
        sidecar: format!("images/{name}.json"),
        dicom_dir: format!("DICOM/{modality}"),
        n_slices: 20,
        link: "referenced".into(),
    }
}

/// A course with regions "organ" (two layers: it overlaps "target"), "target", "tiny" of 27 voxels, "Body" and "empty", and an MR.
pub(crate) fn make(folder: &std::path::Path, mr_frame: &str) -> CourseDir {
    let course = Cohort::new(folder).unwrap().course("P01", "C1").unwrap();
    let mut record: CourseRecord = serde_json::from_str(include_str!("empty_course.json")).unwrap();
    record.images = vec![
        image(ImageRole::PlanningCt, "CT", "ct", CT_FRAME),
        image(ImageRole::Mr, "MR", "mr_01", mr_frame),
    ];
    write_json(course.course_json(), &record).unwrap();
    let grid = ct_grid();
    std::fs::create_dir_all(course.images_dir()).unwrap();
    std::fs::create_dir_all(course.structures_dir()).unwrap();
    write(course.ct().as_std_path(), &texture(&grid), &WriteOptions::default()).unwrap();
    let mr_grid = Arc::new(Grid::axis_aligned([50, 50, 30], Vec3::new(-38.0, -35.0, 1.0), [1.5, 1.5, 2.0]).unwrap());
    write(course.mr(1).as_std_path(), &texture(&mr_grid), &WriteOptions::default()).unwrap();
    let masks = [
        ("organ", cuboid(&grid, [5, 5, 3], [12, 10, 8]), 0, 1),
        ("target", cuboid(&grid, [10, 8, 5], [8, 8, 6]), 1, 1),
        ("tiny", cuboid(&grid, [30, 5, 3], [3, 3, 3]), 0, 2),
        ("Body", cuboid(&grid, [1, 1, 1], [38, 34, 18]), 2, 1),
    ];
    let mut layers = vec![Array3::<u8>::zeros(grid.shape()); 3];
    for (_, mask, layer, label) in &masks {
        for ((k, j, i), _) in mask.block().indexed_iter() {
            let [x, y, z] = mask.lo();
            layers[*layer][[k + z, j + y, i + x]] = *label;
        }
    }
    write_masks(&course, &grid, layers);
    let mut rois: Vec<MaskEntry> = masks
        .iter()
        .map(|(name, mask, layer, label)| entry(name, Some(mask), *layer, *label))
        .collect();
    rois.push(entry("empty", None, 0, 9));
    let index = MaskIndex {
        schema_version: SCHEMA_VERSION,
        image: "images/ct.nii".into(),
        grid: (*grid).clone(),
        n_layers: 3,
        rois,
    };
    write_json(course.masks_json(), &index).unwrap();
    course
}

pub(crate) fn write_masks(course: &CourseDir, grid: &Grid, layers: Vec<Array3<u8>>) {
    let mut bytes = Vec::new();
    let options = WriteOptions {
        encoding: Encoding::GZIP,
        ..WriteOptions::default()
    };
    write_layers(&mut bytes, grid, layers.len(), layers, &options).unwrap();
    std::fs::write(course.masks(), bytes).unwrap();
}

/// The CT's grid with slices that lean by 10 degrees.
pub(crate) fn tilted_grid() -> Arc<Grid> {
    let tilt = 10.0_f64.to_radians();
    let direction = Mat3::from_cols(Vec3::X, Vec3::Y, Vec3::new(0.0, tilt.sin(), tilt.cos()));
    Arc::new(Grid::new([40, 36, 20], Vec3::new(-40.0, -36.0, 0.0), [2.0, 2.0, 3.0], direction).unwrap())
}
