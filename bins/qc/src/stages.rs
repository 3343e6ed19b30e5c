//! How the stages before qc ended, from their stamps.

use rt_course::manifest::CourseRecord;
use rt_course::{CourseDir, Stamp, Status};
use rt_qc::{StageFact, StageState};

/// Stages whose results qc looks at, in the order of the graph: qc runs after all of them.
pub(crate) const BEFORE_QC: [&str; 5] = ["organize", "segment", "structures", "dvh", "radiomics"];

/// One fact a stage.
pub(crate) fn facts(course: &CourseDir) -> Vec<StageFact> {
    BEFORE_QC.iter().map(|name| fact(course, name)).collect()
}

/// Outputs that stamps list and that are not there as listed, by stage: part of the staleness key.
pub(crate) fn missing(course: &CourseDir) -> Vec<(String, Vec<String>)> {
    let gone = facts(course).into_iter().filter(|f| !f.missing_outputs.is_empty());
    gone.map(|f| (f.name, f.missing_outputs)).collect()
}

/// organize is a stage of the cohort: what it made of a course is what `course.json` lists.
fn organized(course: &CourseDir) -> StageFact {
    let record = course.read_record().ok();
    let listed: Vec<String> = record.iter().flat_map(volumes).collect();
    StageFact {
        name: "organize".to_owned(),
        state: if record.is_some() { StageState::Ok } else { StageState::Missing },
        missing_outputs: listed
            .into_iter()
            .filter(|path| !course.file(path).is_ok_and(|p| p.exists()))
            .collect(),
    }
}

fn volumes(record: &CourseRecord) -> Vec<String> {
    let images = record.images.iter().flat_map(|i| [&i.nifti, &i.sidecar]);
    let contours = record.structure_sets.iter().map(|s| &s.contours);
    let dose = record.dose.iter().flat_map(|d| [&d.nifti, &d.sidecar]);
    images.chain(contours).chain(dose).cloned().collect()
}

fn fact(course: &CourseDir, name: &str) -> StageFact {
    if name == "organize" {
        return organized(course);
    }
    let files = course.stage(name);
    // A stamp that cannot be used is no stamp: that stage will run again.
    let stamp = Stamp::read(&files.stamp).ok().flatten();
    let state = stamp.as_ref().map_or(StageState::Missing, |s| match s.status {
        Status::Ok => StageState::Ok,
        Status::Partial => StageState::Partial,
        Status::Skipped => StageState::Skipped,
    });
    let outputs = stamp.map(|s| s.outputs).unwrap_or_default();
    let gone = outputs
        .into_iter()
        .filter(|o| std::fs::metadata(files.root.join(&o.path)).map(|m| m.len()).ok() != Some(o.bytes));
    StageFact {
        name: name.to_owned(),
        state,
        missing_outputs: gone.map(|o| o.path).collect(),
    }
}
