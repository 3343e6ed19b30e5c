//! How the stages before qc ended, from their stamps.

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

fn fact(course: &CourseDir, name: &str) -> StageFact {
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
