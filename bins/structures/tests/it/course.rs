//! A course folder in a temporary place: `course.json`, `images/ct.json`, `contours/rs_01.parquet`, label maps.

use std::sync::Arc;

use camino::Utf8PathBuf;
use ndarray::Array3;
use rt_core::{Grid, Mat3, Vec3};
use rt_course::manifest::{CourseRecord, ImageRecord, ImageRole, Prescription, SCHEMA_VERSION, StructureSetRecord};
use rt_course::sidecar::{ImageSidecar, LabelEntry, LabelIndex};
use rt_course::{Cohort, CourseDir, write_atomic, write_json};
use rt_image::Volume;
use rt_nifti::{Encoding, WriteOptions, write_to};
use rt_records::parquet::{self, FileInfo};
use rt_records::tables::contours::{ContourRow, to_table};

/// Kind and points of a contour.
pub(crate) type Drawn = (&'static str, Vec<[f64; 3]>);

/// Series of the planning CT in the tests.
const CT_SERIES: &str = "1.2.3.4";
/// Frame of reference of the planning CT in the tests.
const CT_FRAME: &str = "1.2.3";

pub(crate) struct TestCourse {
    pub(crate) dir: CourseDir,
    pub(crate) grid: Arc<Grid>,
    _folder: tempfile::TempDir,
}

impl TestCourse {
    /// A CT of 80 x 80 x 41 voxels of 1 x 1 x 2 mm around the origin, rows stored bottom-up.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = Cohort::new(folder.path()).unwrap().course("P01", "C1").unwrap();
        let d = Mat3::from_cols(Vec3::X, Vec3::NEG_Y, Vec3::Z);
        let grid = Grid::new([80, 80, 41], Vec3::new(-39.5, 39.5, -40.0), [1.0, 1.0, 2.0], d).unwrap();
        Self {
            dir,
            grid: Arc::new(grid),
            _folder: folder,
        }
    }

    /// Writes the record, the CT's sidecar and the contours, all regions in one frame of reference.
    pub(crate) fn write(&self, record: &CourseRecord, frame: &str, rois: &[(i32, &str, &str, Vec<Drawn>)]) {
        write_json(self.dir.course_json(), record).unwrap();
        let sidecar = ImageSidecar {
            schema_version: SCHEMA_VERSION,
            modality: "CT".into(),
            series_uid: CT_SERIES.into(),
            study_uid: "1.2".into(),
            frame_of_reference: CT_FRAME.into(),
            sop_class_uid: String::new(),
            unit: "HU".into(),
            grid: (*self.grid).clone(),
            slices: Vec::new(),
            resampled_slices: false,
            gantry_tilt_deg: 0.0,
            lossy: false,
            warnings: Vec::new(),
        };
        write_json(CourseDir::sidecar(&self.dir.ct()), &sidecar).unwrap();
        let drawn: Vec<ContourRow> = rois
            .iter()
            .flat_map(|(n, name, kind, drawn)| rows(*n, name, kind, frame, drawn))
            .collect();
        write_atomic(self.dir.contours(1), |file| {
            let table = to_table(&drawn).map_err(std::io::Error::other)?;
            parquet::write(file, &table, &FileInfo::new("test")).map_err(std::io::Error::other)?;
            Ok(())
        })
        .unwrap();
    }

    /// Writes a label map on the CT's grid.
    pub(crate) fn write_labels(&self, task: &str, names: &[(u16, &str)], labels: &Array3<u16>) {
        let volume = Volume::new(Arc::clone(&self.grid), labels.clone()).unwrap();
        self.write_label_volume(task, names, &volume);
    }

    /// Writes a label map.
    pub(crate) fn write_label_volume(&self, task: &str, names: &[(u16, &str)], volume: &Volume<u16>) {
        let folder: Utf8PathBuf = self.dir.seg_dir().join(task);
        let options = WriteOptions {
            encoding: Encoding::GZIP,
            ..WriteOptions::default()
        };
        write_atomic(CourseDir::seg_labels(&folder), |file| {
            write_to(file, volume.view(), &options).map_err(std::io::Error::other)
        })
        .unwrap();
        let entry = |(value, name): &(u16, &str)| LabelEntry {
            value: *value,
            name: (*name).to_owned(),
            voxels: volume.data().iter().filter(|v| *v == value).count(),
            volume_cc: 0.0,
        };
        let index = LabelIndex {
            schema_version: SCHEMA_VERSION,
            engine: "test".into(),
            engine_version: "1".into(),
            task: task.into(),
            image: "images/ct.nii".into(),
            source: "AutoRTS".into(),
            parameters: indexmap::IndexMap::new(),
            labels: names.iter().map(entry).collect(),
            warnings: Vec::new(),
        };
        write_json(CourseDir::seg_names(&folder), &index).unwrap();
    }
}

fn rows(number: i32, name: &str, kind: &str, frame: &str, drawn: &[Drawn]) -> Vec<ContourRow> {
    let base = ContourRow {
        roi_number: number,
        roi_name: name.to_owned(),
        interpreted_type: kind.to_owned(),
        frame_of_reference: frame.to_owned(),
        ..ContourRow::default()
    };
    if drawn.is_empty() {
        return vec![base];
    }
    let contour = |(index, (kind, points)): (usize, &Drawn)| ContourRow {
        contour_index: Some(index),
        kind: (*kind).to_owned(),
        points: points.clone(),
        ..base.clone()
    };
    drawn.iter().enumerate().map(contour).collect()
}

/// A course with a planning CT and a primary structure set that refers to the given series.
pub(crate) fn record(referenced: &[&str]) -> CourseRecord {
    CourseRecord {
        schema_version: SCHEMA_VERSION,
        patient_id: "P01".into(),
        course_id: "C1".into(),
        key: "frame:1.2.3".into(),
        start: None,
        frame_of_reference: vec![CT_FRAME.into()],
        fingerprint: String::new(),
        warnings: Vec::new(),
        images: vec![ImageRecord {
            role: ImageRole::PlanningCt,
            modality: "CT".into(),
            series_uid: CT_SERIES.into(),
            study_uid: "1.2".into(),
            frame_of_reference: CT_FRAME.into(),
            nifti: "images/ct.nii".into(),
            sidecar: "images/ct.json".into(),
            dicom_dir: String::new(),
            n_slices: 41,
            link: "referenced".into(),
        }],
        structure_sets: vec![StructureSetRecord {
            id: "rs_01".into(),
            contours: "contours/rs_01.parquet".into(),
            dicom: String::new(),
            sop_uid: "1.2.3.9".into(),
            label: String::new(),
            approval: String::new(),
            date: None,
            is_primary: true,
            is_plan_referenced: true,
            link: "plan_reference".into(),
            referenced_series: referenced.iter().map(|s| (*s).to_owned()).collect(),
            frame_of_reference: CT_FRAME.into(),
            rois: Vec::new(),
        }],
        plans: Vec::new(),
        doses: Vec::new(),
        dose: None,
        prescription: Prescription::default(),
        fractions: Vec::new(),
        registrations: Vec::new(),
        case: indexmap::IndexMap::new(),
        files: Vec::new(),
    }
}

/// A point.
pub(crate) fn point(p: [f64; 3]) -> Drawn {
    ("POINT", vec![p])
}

/// A square of half edge `h` in the plane `z`.
pub(crate) fn rect(h: f64, z: f64) -> Drawn {
    ("CLOSED_PLANAR", vec![[-h, -h, z], [h, -h, z], [h, h, z], [-h, h, z]])
}

/// A circle.
pub(crate) fn circle(r: f64, c: [f64; 2], z: f64) -> Drawn {
    let turn = (0..180).map(|n| f64::from(2 * n).to_radians());
    ("CLOSED_PLANAR", turn.map(|a| [c[0] + r * a.cos(), c[1] + r * a.sin(), z]).collect())
}

/// Circles on every slice from `from` to `to`.
pub(crate) fn circles(r: f64, c: [f64; 2], from: f64, to: f64) -> Vec<Drawn> {
    (0..41)
        .map(|n| f64::from(n) * 2.0 - 40.0)
        .filter(|z| *z >= from && *z <= to)
        .map(|z| circle(r, c, z))
        .collect()
}
