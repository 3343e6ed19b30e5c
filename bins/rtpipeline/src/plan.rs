//! What a run would do, and why, without doing it.

use rt_cli::Explanation;
use rt_config::Document;
use rt_course::CourseDir;

use crate::graph::Node;

/// What would happen to one stage of one course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: its result is up to date.
    Fresh,
    /// It would run, for this reason.
    Run(String),
    /// It would be looked at again once this stage before it has run.
    After(&'static str),
}

/// Verdicts of all stages of a course, in the order of `nodes`.
///
/// # Errors
/// A configuration that is not valid.
pub fn course(nodes: &[Node], place: &CourseDir, document: &Document) -> Result<Vec<(&'static str, Verdict)>, anyhow::Error> {
    let mut verdicts: Vec<(&'static str, Verdict)> = Vec::new();
    for node in nodes {
        let moved = |name: &&str| verdicts.iter().any(|(n, v)| *n == *name && *v != Verdict::Fresh);
        let verdict = match node.after.iter().find(|name| moved(name)) {
            Some(before) => Verdict::After(before),
            None => verdict(&node.step.explain(place, document)?),
        };
        verdicts.push((node.step.name(), verdict));
    }
    Ok(verdicts)
}

/// The verdict of one stage seen alone.
pub fn verdict(explanation: &Explanation) -> Verdict {
    explanation.stale.clone().map_or(Verdict::Fresh, Verdict::Run)
}
