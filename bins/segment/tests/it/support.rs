//! A torso phantom as a file, and a course folder around it.

use std::path::Path;
use std::sync::OnceLock;

use ndarray::Array3;
use rt_core::{Grid, Mat3, Vec3};
use rt_course::manifest::{CourseRecord, ImageRecord, ImageRole, Prescription, SCHEMA_VERSION};
use rt_course::{Cohort, CourseDir, write_json};
use rt_image::Volume;
use rt_nifti::WriteOptions;
use rt_testdata::Phantom;
use rt_testdata::seed::Seed;

const SIZE: [usize; 3] = [108, 108, 36];
const SPACING: [f64; 3] = [4.0, 4.0, 8.0];

/// A torso in the voxel order of dcm2niix: columns to the left, rows to the front.
pub fn torso() -> &'static Volume<i16> {
    static TORSO: OnceLock<Volume<i16>> = OnceLock::new();
    TORSO.get_or_init(|| {
        let line = |a: usize| {
            (0..SIZE[a])
                .map(|n| (n as f64 - (SIZE[a] as f64 - 1.0) / 2.0) * SPACING[a])
                .collect::<Vec<_>>()
        };
        let (x, mut y, z) = (line(0), line(1), line(2));
        y.reverse();
        let seed = Seed::new(3);
        let phantom = Phantom::torso(Vec3::new(216.0, 216.0, 144.0), &mut seed.stream());
        let mut hu = Array3::zeros((SIZE[2], SIZE[1], SIZE[0]));
        for (k, z) in z.iter().enumerate() {
            for (n, v) in phantom.render_ct(&x, &y, *z, seed, k as u64).iter().enumerate() {
                #[expect(clippy::cast_possible_truncation, reason = "HU")]
                let v = v.round() as i16;
                hu[[k, n / SIZE[0], n % SIZE[0]]] = v;
            }
        }
        let direction = Mat3::from_cols(Vec3::X, Vec3::NEG_Y, Vec3::Z);
        let grid = Grid::new(SIZE, Vec3::new(x[0], y[0], z[0]), SPACING, direction).unwrap();
        Volume::new(grid, hu).unwrap()
    })
}

pub fn save(path: &Path, volume: &Volume<i16>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    rt_nifti::write(path, volume, &WriteOptions::default()).unwrap();
}

/// A course as organize leaves it: `course.json`, and `images/ct.nii` when a CT is given.
pub fn course(folder: &Path, ct: Option<&Volume<i16>>) -> CourseDir {
    let dir = Cohort::new(folder).unwrap().course("P01", "C1").unwrap();
    let image = |_: &Volume<i16>| ImageRecord {
        role: ImageRole::PlanningCt,
        modality: "CT".into(),
        series_uid: "1.2.3".into(),
        study_uid: "1.2".into(),
        frame_of_reference: "1.2.4".into(),
        nifti: "images/ct.nii".into(),
        sidecar: "images/ct.json".into(),
        dicom_dir: String::new(),
        n_slices: SIZE[2],
        link: "referenced".into(),
    };
    let record = CourseRecord {
        schema_version: SCHEMA_VERSION,
        patient_id: "P01".into(),
        course_id: "C1".into(),
        key: "frame:1.2.4".into(),
        start: None,
        frame_of_reference: vec!["1.2.4".into()],
        fingerprint: "0".into(),
        warnings: Vec::new(),
        images: ct.map(image).into_iter().collect(),
        structure_sets: Vec::new(),
        plans: Vec::new(),
        doses: Vec::new(),
        dose: None,
        prescription: Prescription::default(),
        fractions: Vec::new(),
        registrations: Vec::new(),
        case: indexmap::IndexMap::new(),
        files: Vec::new(),
    };
    std::fs::create_dir_all(dir.root()).unwrap();
    write_json(dir.course_json(), &record).unwrap();
    if let Some(ct) = ct {
        save(dir.ct().as_std_path(), ct);
    }
    dir
}
