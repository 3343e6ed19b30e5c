//! A cohort folder with tables but without images.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rt_core::{Grid, Vec3};
use rt_course::cost::{Cost, CostScope};
use rt_course::manifest::{CourseEntry, CourseRecord, CourseStatus, FileBalance, Holdings, Manifest, Prescription, SCHEMA_VERSION};
use rt_course::provenance::{Host, Program, Provenance};
use rt_course::sidecar::{MaskEntry, MaskIndex};
use rt_course::stamp::Counts;
use rt_course::{Cohort, CourseDir, Radiomics, Stamp, Status, write_atomic, write_json};
use rt_records::tables::{curves, dvh, inventory, qc, radiomics};
use rt_records::{ColumnDef, FileInfo, Kind, PackedBuilder, Table, TableBuilder, parquet};
use serde_json::json;

/// Patients of the cohort: ids that a spreadsheet would change.
pub(crate) const PATIENTS: [&str; 3] = ["00123", "1e5", "=1+1"];

pub(crate) struct Folder {
    pub(crate) cohort: Cohort,
    _guard: tempfile::TempDir,
}

pub(crate) fn write(course: &CourseDir, path: &camino::Utf8Path, table: &Table) {
    assert!(path.starts_with(course.root()));
    write_atomic(path, |file| {
        parquet::write(file, table, &FileInfo::new("0.1.0"))?;
        Ok(())
    })
    .unwrap();
}

impl Folder {
    /// Three courses; every stage has finished.
    pub(crate) fn new() -> Self {
        let guard = tempfile::tempdir().unwrap();
        let cohort = Cohort::new(guard.path().join("out")).unwrap();
        let folder = Self { cohort, _guard: guard };
        folder.manifest(&[]);
        for (i, patient) in PATIENTS.iter().enumerate() {
            folder.course(i, patient);
        }
        let mut found = TableBuilder::new(&inventory::schema());
        found
            .row()
            .set(&inventory::PATH, "a/=1+1.dcm")
            .set(&inventory::BYTES, 12)
            .set(&inventory::CLASS, "image");
        let path = folder.cohort.table("inventory", rt_course::TableFormat::Parquet);
        write_atomic(&path, |file| {
            parquet::write(file, &found.finish().expect("inventory"), &FileInfo::new("0.1.0"))?;
            Ok(())
        })
        .unwrap();
        folder
    }

    pub(crate) fn dir(&self, number: usize) -> CourseDir {
        self.cohort.course(&format!("P{number}"), "2024-03").unwrap()
    }

    /// The manifest; the numbered courses are withdrawn.
    pub(crate) fn manifest(&self, withdrawn: &[usize]) {
        let entry = |(i, patient): (usize, &&str)| CourseEntry {
            patient_id: (*patient).to_owned(),
            course_id: "2024-03".to_owned(),
            key: "plan:1.2.3".to_owned(),
            path: format!("P{i}/2024-03"),
            status: if withdrawn.contains(&i) {
                CourseStatus::Withdrawn
            } else {
                CourseStatus::Active
            },
            reason: String::new(),
            n_files: 3,
            est_bytes: 1,
            has: Holdings {
                ct: true,
                dose: true,
                plan: true,
                structures: true,
                ..Holdings::default()
            },
            fingerprint: format!("f{i}"),
        };
        let manifest = Manifest {
            schema_version: SCHEMA_VERSION,
            code_version: "0.1.0".to_owned(),
            courses: PATIENTS.iter().enumerate().map(entry).collect(),
            balance: FileBalance::default(),
        };
        write_json(self.cohort.manifest(), &manifest).unwrap();
    }

    fn course(&self, number: usize, patient: &str) {
        let dir = self.dir(number);
        write_json(dir.course_json(), &record(number, patient)).unwrap();
        write_json(dir.masks_json(), &masks()).unwrap();
        write(&dir, &dir.dvh_metrics(), &metrics(number, patient));
        write(&dir, &dir.dvh_curves(), &curve_rows(patient));
        write_atomic(dir.radiomics(Radiomics::Ct), |file| {
            features(number, patient).write(file, &FileInfo::new("0.1.0"))?;
            Ok(())
        })
        .unwrap();
        write(&dir, &dir.qc_table(), &checks(patient));
        for stage in ["segment", "structures", "dvh", "radiomics", "qc"] {
            self.finish(number, stage, Status::Ok);
        }
    }

    /// A stage has ended in this way.
    pub(crate) fn finish(&self, number: usize, stage: &str, status: Status) {
        let files = self.dir(number).stage(stage);
        let reason = if status == Status::Skipped { "the course has no dose" } else { "" };
        Stamp::new(stage, BTreeMap::new(), status, reason, Counts::default(), Vec::new())
            .publish(&files)
            .unwrap();
        provenance(stage, &files.token).publish(&files).unwrap();
    }
}

fn record(number: usize, patient: &str) -> CourseRecord {
    let case = json!({"plan_name": "P1", "ct_kvp": 120, "beams_count": 2, "structures": "PTV,NA", "ours_new": 1.5});
    let fractions = if number == 0 {
        vec![json!({"fraction_number": 1, "treatment_date": "2024-03-01"})]
    } else {
        Vec::new()
    };
    let map = |value: serde_json::Value| -> IndexMap<String, serde_json::Value> { serde_json::from_value(value).unwrap() };
    CourseRecord {
        schema_version: SCHEMA_VERSION,
        patient_id: patient.to_owned(),
        course_id: "2024-03".to_owned(),
        key: "plan:1.2.3".to_owned(),
        start: None,
        frame_of_reference: Vec::new(),
        fingerprint: String::new(),
        warnings: Vec::new(),
        images: Vec::new(),
        structure_sets: Vec::new(),
        plans: Vec::new(),
        doses: Vec::new(),
        dose: None,
        prescription: Prescription {
            total_gy: Some(60.0),
            ..Prescription::default()
        },
        fractions: fractions.into_iter().map(map).collect(),
        registrations: vec![],
        case: map(case),
        files: Vec::new(),
    }
}

fn masks() -> MaskIndex {
    let entry = |name: &str, source: &str, voxels: usize| MaskEntry {
        source: source.to_owned(),
        origin: if source == "Manual" { "rs_01" } else { "seg/classical-body" }.to_owned(),
        number: (source == "Manual").then_some(4),
        name: name.to_owned(),
        original_name: name.to_owned(),
        standard_name: String::new(),
        interpreted_type: String::new(),
        layer: (voxels > 0).then_some(0),
        label: 1,
        lo: [1, 2, 3],
        size: [4, 5, 6],
        voxels,
        volume_cc: voxels as f64 * 0.001,
        touches_border: false,
        expression: String::new(),
        status: if voxels > 0 { "ok" } else { "skipped" }.to_owned(),
        error_code: String::new(),
        message: String::new(),
    };
    MaskIndex {
        schema_version: SCHEMA_VERSION,
        image: "images/ct.nii".to_owned(),
        grid: Grid::axis_aligned([10, 10, 10], Vec3::ZERO, [1.0, 1.0, 1.0]).unwrap(),
        n_layers: 1,
        rois: vec![entry("PTV", "Manual", 120), entry("ptv", "AutoRTS", 0)],
    }
}

pub(crate) fn metrics(number: usize, patient: &str) -> Table {
    let mut b = TableBuilder::new(&dvh::schema());
    for (name, source, status) in [("PTV", "Manual", "ok"), ("NA", "Manual", "ok"), ("ptv", "AutoRTS", "failed")] {
        b.row()
            .set(&dvh::PATIENT_ID, patient)
            .set(&dvh::COURSE_ID, "2024-03")
            .set(&dvh::ROI_NAME, name)
            .set(&dvh::SEGMENTATION_SOURCE, source)
            .set(&dvh::DOSE, "course")
            .set(&dvh::VOLUME_CM3, 15.06)
            .set(&dvh::DMEAN_GY, (status == "ok").then_some(60.0 + number as f64 / 3.0))
            .set(&dvh::STATUS, status)
            .set(&dvh::ERROR_CODE, (status == "failed").then_some("dvh.empty"));
    }
    b.finish().unwrap()
}

fn curve_rows(patient: &str) -> Table {
    let mut b = TableBuilder::new(&curves::schema());
    b.row()
        .set(&curves::PATIENT_ID, patient)
        .set(&curves::COURSE_ID, "2024-03")
        .set(&curves::ROI_NAME, "PTV")
        .set(&curves::SEGMENTATION_SOURCE, "Manual")
        .set(&curves::DOSE, "course")
        .set(&curves::BIN_WIDTH_GY, 0.01)
        .set(&curves::CUMULATIVE_CC, &vec![15.06_f32; 6001]);
    b.finish().unwrap()
}

fn features(number: usize, patient: &str) -> rt_records::Packed {
    let mut names = vec!["original_shape_MeshVolume".to_owned(), "original_glcm_Contrast".to_owned()];
    if number == 2 {
        names.insert(1, "original_firstorder_Mean".to_owned());
    }
    let diagnostics = vec![ColumnDef::fixed(
        "diagnostics_Mask-original_VoxelNum",
        Kind::Int,
        "voxels",
        "Voxels",
    )];
    let mut b = PackedBuilder::new(&radiomics::schema("radiomics_ct"), names.clone(), diagnostics);
    b.row(
        |row| {
            row.set(&radiomics::PATIENT_ID, patient)
                .set(&radiomics::ROI_NAME, "PTV")
                .set(&radiomics::STATUS, "ok");
        },
        [("diagnostics_Mask-original_VoxelNum", 812.into())],
        names.iter().map(|n| (n.as_str(), n.len() as f64 / 7.0)),
    );
    b.finish().unwrap()
}

fn checks(patient: &str) -> Table {
    let mut b = TableBuilder::new(&qc::schema());
    for (check, result, item) in [
        ("outputs", "PASS", None),
        ("dose_coverage", "WARNING", None),
        ("dose_coverage", "WARNING", Some("PTV")),
    ] {
        b.row()
            .set(&qc::PATIENT_ID, patient)
            .set(&qc::COURSE_ID, "2024-03")
            .set(&qc::CHECK, check)
            .set(&qc::RESULT, result)
            .set(&qc::CODE, &format!("qc.{check}"))
            .set(&qc::ITEM, item)
            .set(&qc::FINDING, "words")
            .set(&qc::VALUE, item.map(|_| 0.5));
    }
    b.finish().unwrap()
}

fn provenance(stage: &str, course: &str) -> Provenance {
    Provenance {
        schema_version: Provenance::SCHEMA_VERSION,
        stage: stage.to_owned(),
        course: course.to_owned(),
        program: Program {
            version: "0.1.0".to_owned(),
            commit: "c".to_owned(),
            rustc: "r".to_owned(),
        },
        host: Host {
            cores: 2,
            memory_bytes: None,
            system: "linux".to_owned(),
        },
        started: "2026-01-31T10:00:00.000Z".to_owned(),
        threads: 2,
        status: Status::Ok,
        cost: Cost {
            wall_s: 1.5,
            cpu_s: Some(2.0),
            cpu_pct: Some(133.0),
            children_cpu_s: None,
            peak_rss_bytes: Some(1 << 20),
            read_bytes: None,
            write_bytes: Some(4096),
            storage_read_bytes: None,
            storage_write_bytes: None,
            scope: CostScope::Process,
        },
        key: "k".to_owned(),
        key_parts: BTreeMap::from([("config dvh.bin_width_gy".to_owned(), "0.01".to_owned())]),
        inputs: Vec::new(),
        outputs: Vec::new(),
        spans: Vec::new(),
        items: Counts {
            done: 3,
            partial: 1,
            skipped: 0,
            failed: 0,
        },
        tools: IndexMap::new(),
    }
}
