//! A course as the stages before qc leave it: real files of every kind that qc reads.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use rt_core::{Grid, Vec3};
use rt_course::stamp::{Counts, Output};
use rt_course::{Cohort, CourseDir, Stamp, Status, write_json};
use rt_image::Volume;
use rt_records::tables::{contours, dvh};
use rt_records::{FileInfo, TableBuilder, parquet};
use rt_testdata::Scratch;
use serde_json::{Value, json};

pub(crate) const FRAME: &str = "1.2.3.4";
const STAGES: [&str; 5] = ["organize", "segment", "structures", "dvh", "radiomics"];

/// The course and the folder it lies in.
pub(crate) struct Finished {
    _folder: Scratch,
    pub(crate) course: CourseDir,
}

/// The image of the course: 32 x 32 x 16 voxels of 4 x 4 x 5 mm.
pub(crate) fn grid() -> Grid {
    Grid::axis_aligned([32, 32, 16], Vec3::new(-62.0, -62.0, -37.5), [4.0, 4.0, 5.0]).unwrap()
}

impl Finished {
    pub(crate) fn new() -> Self {
        let folder = Scratch::new("qc");
        let course = Cohort::new(folder.path()).unwrap().course("P01", "C1").unwrap();
        for dir in [
            course.images_dir(),
            course.contours_dir(),
            course.structures_dir(),
            course.dvh_dir(),
        ] {
            std::fs::create_dir_all(dir).unwrap();
        }
        let finished = Self { _folder: folder, course };
        finished.images();
        finished.structures();
        finished.doses(1.0);
        finished.record(&record());
        finished.stamps();
        finished
    }

    pub(crate) fn record(&self, record: &Value) {
        write_json(self.course.course_json(), record).unwrap();
    }

    fn images(&self) {
        let c = &self.course;
        let raw = rt_nifti::WriteOptions::default();
        rt_nifti::write(c.ct().as_std_path(), &Volume::filled(grid(), -1000_i16), &raw).unwrap();
        rt_nifti::write(c.dose().as_std_path(), &Volume::filled(grid(), 60.0_f32), &raw).unwrap();
        let sidecar = json!({
            "schema_version": 1, "modality": "CT", "series_uid": "1.2", "study_uid": "1.1", "frame_of_reference": FRAME, "sop_class_uid": "",
            "unit": "HU", "grid": grid(), "slices": [], "resampled_slices": false, "gantry_tilt_deg": 0.0, "lossy": false, "warnings": [],
        });
        write_json(CourseDir::sidecar(&c.ct()), &sidecar).unwrap();
        let dose = json!({
            "schema_version": 1, "grid": grid(), "units": "GY", "dose_type": "PHYSICAL", "frame_of_reference": FRAME,
            "min": 60.0, "max": 60.0, "mean": 60.0, "warnings": [],
        });
        write_json(CourseDir::sidecar(&c.dose()), &dose).unwrap();
    }

    fn structures(&self) {
        let c = &self.course;
        let square = |z: f64| [[-10.0, -10.0, z], [10.0, -10.0, z], [10.0, 10.0, z], [-10.0, 10.0, z]].to_vec();
        self.contours(&[(1, "PTV", square(-2.5)), (1, "PTV", square(2.5)), (2, "Bladder", square(7.5))]);
        let masks = c.masks();
        let options = rt_nifti::WriteOptions::default();
        rt_nifti::write(masks.as_std_path(), &Volume::filled(grid(), 0_u8), &options).unwrap();
        self.masks(&[roi(1, "PTV", 50), roi(2, "Bladder", 25)], &grid());
    }

    /// Writes the contours of `rs_01`.
    pub(crate) fn contours(&self, drawn: &[(i32, &str, Vec<[f64; 3]>)]) {
        let row = |(number, name, points): &(i32, &str, Vec<[f64; 3]>)| contours::ContourRow {
            roi_number: *number,
            roi_name: (*name).into(),
            contour_index: Some(0),
            kind: "CLOSED_PLANAR".into(),
            plane_mm: points.first().map(|p| p[2]),
            points: points.clone(),
            ..contours::ContourRow::default()
        };
        let rows: Vec<_> = drawn.iter().map(row).collect();
        write(&self.course.contours(1), &contours::to_table(&rows).unwrap());
    }

    /// Writes `masks.json`.
    pub(crate) fn masks(&self, rois: &[Value], grid: &Grid) {
        let index = json!({"schema_version": 1, "image": "images/ct.nii", "grid": grid, "n_layers": 1, "rois": rois});
        write_json(self.course.masks_json(), &index).unwrap();
    }

    /// Writes the DVH table; the target is covered to this share.
    pub(crate) fn doses(&self, target_covered: f64) {
        let mut table = TableBuilder::new(&dvh::schema());
        for (number, name, covered) in [(1, "PTV", target_covered), (2, "Bladder", 1.0)] {
            table
                .row()
                .set(&dvh::PATIENT_ID, "P01")
                .set(&dvh::COURSE_ID, "C1")
                .set(&dvh::DOSE, "course")
                .set(&dvh::ROI_NUMBER, number)
                .set(&dvh::ROI_NAME, name)
                .set(&dvh::ROI_ORIGINAL_NAME, name)
                .set(&dvh::SEGMENTATION_SOURCE, "Manual")
                .set(&dvh::COVERED_FRACTION, covered)
                .set(&dvh::DMEAN_GY, 60.0);
        }
        write(&self.course.dvh_metrics(), &table.finish().unwrap());
    }

    /// Writes the stamps again, so that a changed file is the file that the stage is known to have written.
    pub(crate) fn stamps(&self) {
        let c = &self.course;
        for stage in STAGES {
            let paths: Vec<Utf8PathBuf> = match stage {
                "organize" => vec![c.ct(), c.dose(), c.contours(1)],
                "structures" => vec![c.masks(), c.masks_json()],
                "dvh" => vec![c.dvh_metrics()],
                _ => vec![],
            };
            let files = c.stage(stage);
            let output = |p: &Utf8PathBuf| Output {
                path: files.relative(p),
                blake3: String::new(),
                bytes: std::fs::metadata(p).unwrap().len(),
            };
            let outputs = paths.iter().map(output).collect();
            let stamp = Stamp::new(stage, BTreeMap::new(), Status::Ok, "", Counts::default(), outputs);
            stamp.publish(&files).unwrap();
        }
    }
}

/// One entry of `masks.json`.
pub(crate) fn roi(number: i32, name: &str, voxels: usize) -> Value {
    json!({
        "source": "Manual", "origin": "rs_01", "number": number, "name": name, "original_name": name, "interpreted_type": "",
        "layer": if voxels > 0 { Some(0) } else { None }, "label": number, "lo": [13, 13, 7], "size": [5, 5, 2],
        "voxels": voxels, "volume_cc": voxels as f64 * 0.08, "touches_border": false, "status": "ok",
    })
}

/// `course.json` of a course with one plan and its dose.
pub(crate) fn record() -> Value {
    let rois = json!([
        {"number": 1, "name": "PTV", "interpreted_type": "PTV", "n_contours": 2},
        {"number": 2, "name": "Bladder", "interpreted_type": "ORGAN", "n_contours": 1},
    ]);
    json!({
        "schema_version": 1, "patient_id": "P01", "course_id": "C1", "key": "plan:1.5", "start": null, "frame_of_reference": [FRAME],
        "fingerprint": "", "warnings": [{"code": "organize.note", "detail": "two slices were the same"}],
        "images": [{
            "role": "planning_ct", "modality": "CT", "series_uid": "1.2", "study_uid": "1.1", "frame_of_reference": FRAME,
            "nifti": "images/ct.nii", "sidecar": "images/ct.json", "dicom_dir": "", "n_slices": 16, "link": "referenced",
        }],
        "structure_sets": [{
            "id": "rs_01", "contours": "contours/rs_01.parquet", "dicom": "", "sop_uid": "1.4", "label": "", "approval": "", "date": null,
            "is_primary": true, "is_plan_referenced": true, "link": "plan_reference", "referenced_series": ["1.2"],
            "frame_of_reference": FRAME, "rois": rois,
        }],
        "plans": [{
            "dicom": "", "sop_uid": "1.5", "label": "Plan", "date": null, "approval": "", "intent": "", "is_selected": true, "role": "primary",
            "structure_set": "1.4", "fractions_planned": 30, "n_treatment_beams": 2, "rx_gy": 60.0,
        }],
        "doses": [{
            "dicom": "DICOM/RTDOSE/RD.dcm", "sop_uid": "1.6", "summation": "PLAN", "units": "GY", "dose_type": "PHYSICAL", "plans": ["1.5"],
            "frame_of_reference": FRAME, "max_gy": 60.0, "is_selected": true, "why": "selected",
        }],
        "dose": {
            "nifti": "images/dose.nii", "sidecar": "images/dose.json", "components": [], "classification": "single_plan_dose", "reason": "",
            "units": "GY", "dose_type": "PHYSICAL", "summation": "PLAN", "source_doses": ["1.6"], "source_summations": ["PLAN"],
            "source_plans": ["1.5"], "frame_of_reference": FRAME,
        },
        "prescription": {"total_gy": 60.0, "source": "rtplan_dicom", "levels": [], "fractions_planned": 30},
        "files": [],
    })
}

fn write(path: &Utf8PathBuf, table: &rt_records::Table) {
    let file = std::fs::File::create(path).unwrap();
    parquet::write(file, table, &FileInfo::new("test")).unwrap();
}
