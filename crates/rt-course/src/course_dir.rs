//! Every path of a course folder. No other module builds such a path.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use crate::layout::{Cohort, LayoutError, StageFiles, absolute};
use crate::naming::is_folder_name;

/// Folders below `DICOM/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DicomClass {
    /// CT images.
    Ct,
    /// Magnetic resonance images.
    Mr,
    /// Positron emission images.
    Pt,
    /// Structure sets.
    RtStruct,
    /// Doses.
    RtDose,
    /// Plans.
    RtPlan,
    /// Treatment records.
    RtRecord,
    /// Spatial registrations.
    Reg,
}

impl DicomClass {
    /// The folder name.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Ct => "CT",
            Self::Mr => "MR",
            Self::Pt => "PT",
            Self::RtStruct => "RTSTRUCT",
            Self::RtDose => "RTDOSE",
            Self::RtPlan => "RTPLAN",
            Self::RtRecord => "RTRECORD",
            Self::Reg => "REG",
        }
    }
}

/// Images that radiomics is computed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Radiomics {
    /// Planning CT, HU.
    Ct,
    /// MR.
    Mr,
    /// PET, SUV.
    Pet,
    /// Dose, Gy.
    Dose,
}

impl Radiomics {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 4] = [Self::Ct, Self::Mr, Self::Pet, Self::Dose];

    /// `ct`, `mr`, `pet` or `dose`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ct => "ct",
            Self::Mr => "mr",
            Self::Pet => "pet",
            Self::Dose => "dose",
        }
    }
}

/// One course folder `<patient>/<course>`. Numbered files count from 1 and are written with two digits or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CourseDir {
    root: Utf8PathBuf,
    token: String,
}

impl CourseDir {
    pub(crate) fn new(root: Utf8PathBuf, token: String) -> Self {
        Self { root, token }
    }

    /// Opens a course folder that organize made, by its path.
    ///
    /// # Errors
    /// [`LayoutError`] when it is missing, no course folder, or its names are not folder names of ours.
    pub fn open(path: impl AsRef<std::path::Path>) -> Result<Self, LayoutError> {
        let path = path.as_ref();
        let open = |source| LayoutError::Open {
            what: "course folder",
            path: path.display().to_string(),
            source,
        };
        if !path.metadata().map_err(open)?.is_dir() {
            return Err(open(io::ErrorKind::NotADirectory.into()));
        }
        let root = absolute(path, "course folder")?;
        let mut names = root.components().rev().map(|c| c.as_str());
        let (course, patient) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
        let found = Cohort::around(&root);
        if !root.join("course.json").exists() {
            return Err(LayoutError::NoCourse { path: root });
        }
        found.course(patient, course)
    }

    /// The course folder.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// `<patient folder>/<course folder>`, for people, logs and `--course`.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The cohort that the course belongs to.
    pub fn cohort(&self) -> Cohort {
        Cohort::around(&self.root)
    }

    /// A path that `course.json` or a sidecar names relative to the course folder.
    ///
    /// # Errors
    /// [`LayoutError::BadName`] when it is empty, absolute or climbs out of the folder.
    pub fn file(&self, relative: &str) -> Result<Utf8PathBuf, LayoutError> {
        let path = Utf8Path::new(relative);
        let inside = path.components().all(|c| matches!(c, camino::Utf8Component::Normal(_)));
        if relative.is_empty() || !inside {
            return Err(LayoutError::BadName { name: relative.to_owned() });
        }
        Ok(self.root.join(path))
    }

    /// `course.json` ([`crate::manifest::CourseRecord`]).
    pub fn course_json(&self) -> Utf8PathBuf {
        self.root.join("course.json")
    }

    /// `WITHDRAWN.txt`: stands in a kept folder whose files left the input; such a course is in no cohort table.
    pub fn withdrawn(&self) -> Utf8PathBuf {
        self.root.join("WITHDRAWN.txt")
    }

    /// `DICOM`
    pub fn dicom_dir(&self) -> Utf8PathBuf {
        self.root.join("DICOM")
    }

    /// `DICOM/<class>`
    pub fn dicom(&self, class: DicomClass) -> Utf8PathBuf {
        self.dicom_dir().join(class.folder())
    }

    /// `DICOM/RTDOSE/RD_SUM.dcm`: the summed dose on its grid.
    pub fn dose_sum_dicom(&self) -> Utf8PathBuf {
        self.dicom(DicomClass::RtDose).join("RD_SUM.dcm")
    }

    /// `DICOM/RTPLAN/RP_SUM.dcm`: the plan of the summed dose.
    pub fn plan_sum_dicom(&self) -> Utf8PathBuf {
        self.dicom(DicomClass::RtPlan).join("RP_SUM.dcm")
    }

    /// `images`
    pub fn images_dir(&self) -> Utf8PathBuf {
        self.root.join("images")
    }

    fn image(&self, name: &str) -> Utf8PathBuf {
        self.images_dir().join(name)
    }

    /// `images/ct.nii`: the planning CT, HU.
    pub fn ct(&self) -> Utf8PathBuf {
        self.image("ct.nii")
    }

    /// `images/ct_01.nii`: another CT of the course.
    pub fn other_ct(&self, number: usize) -> Utf8PathBuf {
        self.image(&format!("ct_{number:02}.nii"))
    }

    /// `images/mr_01.nii`
    pub fn mr(&self, number: usize) -> Utf8PathBuf {
        self.image(&format!("mr_{number:02}.nii"))
    }

    /// `images/pt_01.nii`: PET in SUV.
    pub fn pt(&self, number: usize) -> Utf8PathBuf {
        self.image(&format!("pt_{number:02}.nii"))
    }

    /// `images/dose.nii`: the evaluated dose, Gy.
    pub fn dose(&self) -> Utf8PathBuf {
        self.image("dose.nii")
    }

    /// `images/dose_01.nii`: a component of a dose sum, Gy.
    pub fn dose_component(&self, number: usize) -> Utf8PathBuf {
        self.image(&format!("dose_{number:02}.nii"))
    }

    /// The sidecar of an image: the same name with `.json`.
    pub fn sidecar(image: &Utf8Path) -> Utf8PathBuf {
        image.with_extension("json")
    }

    /// `contours`
    pub fn contours_dir(&self) -> Utf8PathBuf {
        self.root.join("contours")
    }

    /// `contours/rs_01.parquet`: the regions of a structure set.
    pub fn contours(&self, number: usize) -> Utf8PathBuf {
        self.contours_dir().join(format!("rs_{number:02}.parquet"))
    }

    /// `seg`
    pub fn seg_dir(&self) -> Utf8PathBuf {
        self.root.join("seg")
    }

    /// `seg/<engine>-<task>`
    ///
    /// # Errors
    /// [`LayoutError::BadName`] when engine and task do not make a folder name.
    pub fn seg_task(&self, engine: &str, task: &str) -> Result<Utf8PathBuf, LayoutError> {
        let name = format!("{engine}-{task}");
        if is_folder_name(&name) {
            Ok(self.seg_dir().join(name))
        } else {
            Err(LayoutError::BadName { name })
        }
    }

    /// `labels.nii.gz` of a segmentation folder: one label map.
    pub fn seg_labels(task_dir: &Utf8Path) -> Utf8PathBuf {
        task_dir.join("labels.nii.gz")
    }

    /// `labels.json` of a segmentation folder: names of the labels.
    pub fn seg_names(task_dir: &Utf8Path) -> Utf8PathBuf {
        task_dir.join("labels.json")
    }

    /// `structures`
    pub fn structures_dir(&self) -> Utf8PathBuf {
        self.root.join("structures")
    }

    /// `structures/RS_auto.dcm`: structure set of the segmentation.
    pub fn rs_auto(&self) -> Utf8PathBuf {
        self.structures_dir().join("RS_auto.dcm")
    }

    /// `structures/RS_custom.dcm`: structure set of the derived structures.
    pub fn rs_custom(&self) -> Utf8PathBuf {
        self.structures_dir().join("RS_custom.dcm")
    }

    /// `structures/SEG_auto.dcm`: segmentation object.
    pub fn seg_auto(&self) -> Utf8PathBuf {
        self.structures_dir().join("SEG_auto.dcm")
    }

    /// `structures/masks.nii.gz`: every mask on the planning CT's grid, 4-D.
    pub fn masks(&self) -> Utf8PathBuf {
        self.structures_dir().join("masks.nii.gz")
    }

    /// `structures/masks.json`: layer, label, source and box of each mask.
    pub fn masks_json(&self) -> Utf8PathBuf {
        self.structures_dir().join("masks.json")
    }

    /// `structures/masks_mr_01.nii.gz`: masks made on another image.
    pub fn masks_mr(&self, number: usize) -> Utf8PathBuf {
        self.structures_dir().join(format!("masks_mr_{number:02}.nii.gz"))
    }

    /// `structures/masks_mr_01.json`
    pub fn masks_mr_json(&self, number: usize) -> Utf8PathBuf {
        self.structures_dir().join(format!("masks_mr_{number:02}.json"))
    }

    /// `structures/partial.json`: structures that the image border cuts.
    pub fn partial(&self) -> Utf8PathBuf {
        self.structures_dir().join("partial.json")
    }

    /// `dvh`
    pub fn dvh_dir(&self) -> Utf8PathBuf {
        self.root.join("dvh")
    }

    /// `dvh/dvh_metrics.parquet`
    pub fn dvh_metrics(&self) -> Utf8PathBuf {
        self.dvh_dir().join("dvh_metrics.parquet")
    }

    /// `dvh/dvh_curves.parquet`
    pub fn dvh_curves(&self) -> Utf8PathBuf {
        self.dvh_dir().join("dvh_curves.parquet")
    }

    /// `dvh/dvh_goals.parquet`: clinical goals, when there are any.
    pub fn dvh_goals(&self) -> Utf8PathBuf {
        self.dvh_dir().join("dvh_goals.parquet")
    }

    /// `dvh/dvh_compare.parquet`: curves that the planning system stored beside ours, when there are any.
    pub fn dvh_compare(&self) -> Utf8PathBuf {
        self.dvh_dir().join("dvh_compare.parquet")
    }

    /// `dvh/dvh_qc.json`: what the dvh stage saw, for qc.
    pub fn dvh_qc(&self) -> Utf8PathBuf {
        self.dvh_dir().join("dvh_qc.json")
    }

    /// `radiomics`
    pub fn radiomics_dir(&self) -> Utf8PathBuf {
        self.root.join("radiomics")
    }

    /// `radiomics/radiomics_<image>.parquet`
    pub fn radiomics(&self, image: Radiomics) -> Utf8PathBuf {
        self.radiomics_dir().join(format!("radiomics_{}.parquet", image.name()))
    }

    /// `robustness/robustness_<image>.parquet`
    pub fn robustness(&self, image: Radiomics) -> Utf8PathBuf {
        self.root.join("robustness").join(format!("robustness_{}.parquet", image.name()))
    }

    /// `robustness/status.parquet`: one row a structure that was to be perturbed.
    pub fn robustness_status(&self) -> Utf8PathBuf {
        self.root.join("robustness").join("status.parquet")
    }

    /// `qc`
    pub fn qc_dir(&self) -> Utf8PathBuf {
        self.root.join("qc")
    }

    /// `qc/qc.json`
    pub fn qc_json(&self) -> Utf8PathBuf {
        self.qc_dir().join("qc.json")
    }

    /// `qc/qc.parquet`
    pub fn qc_table(&self) -> Utf8PathBuf {
        self.qc_dir().join("qc.parquet")
    }

    /// `qc/comparison.parquet`: automatic against manual structures.
    pub fn comparison(&self) -> Utf8PathBuf {
        self.qc_dir().join("comparison.parquet")
    }

    /// `qc/report.html`: the page of the course.
    pub fn report(&self) -> Utf8PathBuf {
        self.qc_dir().join("report.html")
    }

    /// What a stage keeps about itself in this course.
    pub fn stage(&self, stage: &str) -> StageFiles {
        StageFiles::new(stage, &self.root, &self.token, &self.root, &self.root.join("logs"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::TableFormat;

    #[test]
    fn paths_are_those_of_the_architecture() {
        let cohort = Cohort::new("/out").unwrap();
        let course = cohort.course("P01", "2019-03").unwrap();
        assert_eq!(course.masks_mr(1), "/out/P01/2019-03/structures/masks_mr_01.nii.gz");
        assert_eq!(
            CourseDir::sidecar(&course.dose_component(2)),
            "/out/P01/2019-03/images/dose_02.json"
        );
        assert_eq!(course.seg_task("classical", "body").unwrap(), "/out/P01/2019-03/seg/classical-body");
        assert_eq!(course.radiomics(Radiomics::Pet), "/out/P01/2019-03/radiomics/radiomics_pet.parquet");
        assert_eq!(course.stage("dvh").ok, "/out/P01/2019-03/state/dvh.ok");
        assert_eq!(course.stage("dvh").relative(&course.dvh_metrics()), "dvh/dvh_metrics.parquet");
        assert_eq!(cohort.table("dvh_metrics", TableFormat::Xlsx), "/out/_RESULTS/dvh_metrics.xlsx");
        assert_eq!(cohort.stage("organize").log, "/out/_LOGS/organize.jsonl");
        assert_eq!(course.cohort(), cohort);
    }

    #[test]
    fn nothing_leads_out_of_the_output_folder() {
        let cohort = Cohort::new("/out").unwrap();
        for (patient, course) in [("..", "C1"), ("P01", "../x"), ("", "C1"), ("/etc", "C1"), ("_RESULTS", "C1")] {
            assert!(
                matches!(cohort.course(patient, course), Err(LayoutError::BadName { .. })),
                "{patient}/{course}"
            );
        }
        let course = cohort.course("P01", "C1").unwrap();
        assert_eq!(course.file("images/ct.nii").unwrap(), course.ct());
        for relative in ["", "/etc/passwd", "../C2/course.json", "images/../../x", "."] {
            assert!(course.file(relative).is_err(), "{relative}");
        }
    }

    #[test]
    fn a_course_is_opened_by_path_and_a_wrong_path_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("P 1");
        std::fs::create_dir_all(dir.path().join("P01/C1")).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        assert_eq!(CourseDir::open(dir.path().join("absent")).unwrap_err().code(), "layout.open");
        assert_eq!(CourseDir::open(dir.path().join("P01/C1")).unwrap_err().code(), "layout.no_course");
        std::fs::write(dir.path().join("P01/C1/course.json"), "{}").unwrap();
        let course = CourseDir::open(dir.path().join("P01/../P01/C1/")).unwrap();
        assert_eq!(course.token(), "P01/C1");
    }
}
