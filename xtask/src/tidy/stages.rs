//! The graph of stages stands in three places: the umbrella binary, make, Snakemake. All must have the same stages and edges.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, TextFile};

/// Stage to the stages of the same course that it waits for.
type Graph = BTreeMap<String, BTreeSet<String>>;

const MAKE: &str = "workflow/course.mk";
const SNAKE: &str = "workflow/Snakefile";

/// Findings on stages and edges that make and Snakemake do not share.
pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    let text = |path: &str| files.iter().find(|f| f.path == path).map(|f| f.text.as_str());
    let (Some(make), Some(snake)) = (text(MAKE).map(of_make), text(SNAKE).map(of_snakemake)) else {
        return Vec::new();
    };
    let stages: BTreeSet<&String> = make.keys().chain(snake.keys()).collect();
    let differs = stages.into_iter().filter(|stage| make.get(*stage) != snake.get(*stage));
    differs
        .map(|stage| {
            let say = |graph: &Graph| match graph.get(stage) {
                Some(before) => format!("after {before:?}"),
                None => "absent".to_owned(),
            };
            let text = format!("the stage `{stage}` is {} here and {} in {SNAKE}", say(&make), say(&snake));
            Finding::error(MAKE, 0, "graph", text)
        })
        .collect()
}

/// Lines of the form `$(eval $(call stage_rule,qc,dvh radiomics))`.
fn of_make(text: &str) -> Graph {
    let call = |line: &str| {
        let arguments = line.trim().strip_prefix("$(eval $(call stage_rule,")?.strip_suffix("))")?;
        let (stage, before) = arguments.split_once(',')?;
        Some((stage.to_owned(), before.split_whitespace().map(ToOwned::to_owned).collect()))
    };
    text.lines().filter_map(call).collect()
}

/// Rules whose command works on one course; `rules.<stage>.output` are their edges.
fn of_snakemake(text: &str) -> Graph {
    let rules = text.split("\nrule ").skip(1);
    let rule = |body: &str| {
        let name = body.split(':').next()?.trim();
        let before = body.match_indices("rules.").map(|(at, _)| &body[at + 6..]);
        let before = before.filter_map(|rest| rest.split(".output").next().map(ToOwned::to_owned));
        body.contains("{wildcards.course}").then(|| (name.to_owned(), before.collect()))
    };
    rules.filter_map(rule).collect()
}
