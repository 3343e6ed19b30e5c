//! The names of all sections, and what is special about some keys.

/// What a section belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectionKind {
    /// A stage of the graph: its section may hold `enabled`, which the runner of stages reads ([`crate::Document::enabled`])
    /// and the stage's own struct does not see. The value is the default.
    Stage(bool),
    /// Anything else: the struct of the section holds all its keys.
    Other,
}

/// Every section of the configuration, in the order in which they are shown.
pub const SECTIONS: [(&str, SectionKind); 15] = [
    ("cohort", SectionKind::Other),
    ("privacy", SectionKind::Other),
    ("limits", SectionKind::Other),
    ("organize", SectionKind::Stage(true)),
    ("resources", SectionKind::Other),
    ("segmentation", SectionKind::Stage(true)),
    ("custom_models", SectionKind::Other),
    ("structures", SectionKind::Stage(true)),
    ("crop", SectionKind::Other),
    ("dvh", SectionKind::Stage(true)),
    ("radiomics", SectionKind::Stage(true)),
    ("robustness", SectionKind::Stage(false)),
    ("qc", SectionKind::Stage(true)),
    ("aggregation", SectionKind::Stage(true)),
    ("logging", SectionKind::Other),
];

/// Names of the optimisation brief that stand outside any section there: name, our section, our key.
pub const ALIASES: [(&str, &str, &str); 3] = [
    ("workers", "resources", "workers"),
    ("seg_workers", "segmentation", "workers"),
    ("custom_seg_workers", "custom_models", "workers"),
];

/// Keys that change how fast a result comes but not the result: they never enter a staleness key.
pub const UNKEYED: [&str; 15] = [
    "aggregation.threads",
    "custom_models.devices",
    "custom_models.workers",
    "radiomics.batch_below_voxels",
    "radiomics.memory_mb",
    "radiomics.thread_limit",
    "robustness.thread_limit",
    "segmentation.devices",
    "segmentation.lease_dir",
    "segmentation.python",
    "segmentation.slots_per_device",
    "segmentation.threads_per_worker",
    "segmentation.timeout_min",
    "segmentation.workers",
    "organize.cache_verify",
];

/// Keys that name files or folders. Relative ones in a file are relative to it; none enters a staleness key: stages list what the files
/// hold among their inputs.
pub const PATHS: [&str; 16] = [
    "aggregation.clinical_table",
    "cohort.input",
    "cohort.output",
    "custom_models.root",
    "dvh.goals",
    "dvh.models",
    "dvh.names",
    "organize.dose_rules",
    "privacy.salt_file",
    "radiomics.params",
    "radiomics.mr_params",
    "segmentation.lease_dir",
    "segmentation.model_dir",
    "segmentation.weights_dir",
    "structures.recipe",
    "structures.synonyms",
];

/// The kind of a section, `None` when there is no such section.
pub fn section_kind(name: &str) -> Option<SectionKind> {
    SECTIONS.iter().find(|(n, _)| *n == name).map(|(_, kind)| *kind)
}

/// The candidate that a mistyped name most likely means: at most a third of its letters wrong, ignoring case.
///
/// ```
/// assert_eq!(rt_config::names::nearest("radiomic", ["dvh", "radiomics"]), Some("radiomics"));
/// assert_eq!(rt_config::names::nearest("xyz", ["dvh", "radiomics"]), None);
/// ```
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let limit = (name.chars().count() / 3).max(1);
    let scored = candidates.into_iter().map(|c| (distance(&name, &c.to_lowercase()), c));
    scored.filter(|(d, _)| *d <= limit).min_by_key(|(d, _)| *d).map(|(_, c)| c)
}

/// Edits (insert, delete, replace, swap of neighbours) from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_keys_belong_to_sections_that_exist() {
        for key in UNKEYED.iter().chain(&PATHS) {
            let (section, _) = key.split_once('.').unwrap();
            assert!(section_kind(section).is_some(), "{key}");
        }
        for (_, section, _) in ALIASES {
            assert!(section_kind(section).is_some());
        }
    }

    #[test]
    fn distance_counts_edits_and_swaps() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("widht", "width"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }
}
