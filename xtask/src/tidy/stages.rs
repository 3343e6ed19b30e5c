//! The graph of stages stands in three places: the umbrella binary, the Makefile, the Snakefile. All must name the same stages.

use std::collections::BTreeSet;

use super::{Finding, TextFile};

/// Findings on stages that one of the three places does not know.
pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    let graphs: Vec<(&TextFile, BTreeSet<String>)> = ["Makefile", "workflow/Snakefile", "bins/rtpipeline/src/graph.rs"]
        .iter()
        .filter_map(|path| files.iter().find(|f| f.path == *path))
        .map(|file| (file, stages(&file.text)))
        .collect();
    let all: BTreeSet<&String> = graphs.iter().flat_map(|(_, names)| names).collect();
    let mut findings = Vec::new();
    for (file, names) in &graphs {
        for name in all.iter().filter(|name| !names.contains(**name)) {
            let text = format!("does not know the stage `{name}`, which another of Makefile, Snakefile and graph.rs has");
            findings.push(Finding::error(&file.path, 0, "graph", text));
        }
    }
    findings
}

/// Stages named in a graph: `rt-<stage>` as a command, or `rt_<stage>_cli` as a crate.
fn stages(text: &str) -> BTreeSet<String> {
    let known = ["segment", "structures", "dvh", "radiomics", "robustness", "qc"];
    let named = |stage: &str| text.contains(&format!("rt-{stage}")) || text.contains(&format!("rt_{stage}_cli"));
    known.into_iter().filter(|stage| named(stage)).map(ToOwned::to_owned).collect()
}
