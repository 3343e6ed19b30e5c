//! The binary on a scratch folder.

use std::path::Path;
use std::process::Command;

use rt_course::Cohort;
use rt_course::manifest::{CourseRecord, Manifest};
use rt_testdata::{Scratch, Vec3, cohort};

/// How a run ended and what it said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) text: String,
}

/// Runs `rt-organize --input INPUT --output OUTPUT` and more arguments.
pub(crate) fn organize(input: &Path, output: &Path, more: &[&str]) -> Said {
    let run = Command::new(env!("CARGO_BIN_EXE_rt-organize"))
        .arg("--input")
        .arg(input)
        .arg("--output")
        .arg(output)
        .args(more)
        .output()
        .unwrap();
    Said {
        code: run.status.code().unwrap_or(-1),
        text: String::from_utf8_lossy(&run.stderr).into_owned(),
    }
}

/// Two patients of one small course each, with CT, structure set, plan and dose.
pub(crate) fn two_patients() -> Scratch {
    let folder = Scratch::new("dicom");
    cohort()
        .seed(3)
        .course(|c| {
            let c = c.patient("RT0001").ct([32, 32, 14]).spacing([4.0, 4.0, 5.0]);
            c.sphere("PTV", 20.0).dose_gradient(60.0, Vec3::new(0.0, 0.0, 0.5))
        })
        .course(|c| {
            let c = c.patient("RT0002").ct([32, 32, 14]).spacing([4.0, 4.0, 5.0]);
            c.sphere("PTV", 15.0).dose_gradient(50.0, Vec3::new(0.2, 0.0, 0.0))
        })
        .write(folder.path())
        .unwrap();
    folder
}

pub(crate) fn manifest(output: &Path) -> Manifest {
    Cohort::new(output).unwrap().read_manifest().unwrap()
}

pub(crate) fn record(output: &Path, path: &str) -> CourseRecord {
    Cohort::new(output).unwrap().course_at(path).unwrap().read_record().unwrap()
}

/// Files of the input below a folder name, sorted.
pub(crate) fn files(folder: &Path, wanted: impl Fn(&[u8]) -> bool) -> Vec<std::path::PathBuf> {
    let tree = rt_testdata::tree(folder);
    let found = tree
        .into_iter()
        .filter(|(_, bytes)| wanted(bytes))
        .map(|(path, _)| folder.join(path));
    found.collect()
}

/// Whether a DICOM file holds a text, for instance its modality and patient.
pub(crate) fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|w| w == text.as_bytes())
}
