//! An output folder as a list of files and digests, to compare two of them.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::Path;

use anyhow::Context as _;

/// Path below the folder and a digest of the content.
pub(crate) type Tree = BTreeMap<String, u64>;

/// Every file that the contract promises to be the same for the same input, configuration and version.
///
/// Left out are provenance, logs and the report's timings (`design/contract.md`, "What identical means"), locks, the parsed-header
/// cache and the effective configuration; and the stamp of aggregate, which reads and writes provenance.
pub(crate) fn promised(folder: &Path) -> anyhow::Result<Tree> {
    collect(folder, |path| !is_outside_promise(path))
}

/// The provenance files of a folder with their content: equal ones were not written again.
pub(crate) fn provenance(folder: &Path) -> anyhow::Result<Tree> {
    collect(folder, |path| path.contains("/provenance/"))
}

fn is_outside_promise(path: &str) -> bool {
    let mut parts = path.split('/');
    let kept_apart = parts.any(|part| matches!(part, "provenance" | "logs" | "_LOGS"));
    kept_apart
        || Path::new(path).extension().is_some_and(|e| e == "lock")
        || path.starts_with("_RESULTS/provenance.")
        || path.starts_with("_COHORT/state/aggregate.")
        || matches!(path, "_RESULTS/report.html" | "_COHORT/cache.bin" | "_COHORT/config.toml")
}

fn collect(folder: &Path, wanted: impl Fn(&str) -> bool) -> anyhow::Result<Tree> {
    let mut tree = Tree::new();
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.with_context(|| format!("cannot walk `{}`", folder.display()))?;
        let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let path = relative.to_string_lossy().replace('\\', "/");
        if entry.file_type().is_dir() || !wanted(&path) {
            continue;
        }
        let bytes = std::fs::read(entry.path()).with_context(|| format!("cannot read `{}`", entry.path().display()))?;
        let mut hasher = DefaultHasher::new();
        hasher.write(&bytes);
        tree.insert(path, hasher.finish());
    }
    Ok(tree)
}

/// Fails with the first differences of two trees.
pub(crate) fn same(what: &str, a: &Tree, b: &Tree) -> anyhow::Result<()> {
    let names = a.keys().chain(b.keys().filter(|k| !a.contains_key(*k)));
    let differing: Vec<&String> = names.filter(|name| a.get(*name) != b.get(*name)).collect();
    if differing.is_empty() {
        return Ok(());
    }
    let shown: Vec<String> = differing
        .iter()
        .take(20)
        .map(|name| match (a.contains_key(*name), b.contains_key(*name)) {
            (true, true) => format!("  {name} differs"),
            (true, false) => format!("  {name} is only in the first"),
            (false, _) => format!("  {name} is only in the second"),
        })
        .collect();
    anyhow::bail!("{what}: {} of {} files differ\n{}", differing.len(), a.len(), shown.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt_testdata::Scratch;

    fn written(files: &[(&str, &str)]) -> Scratch {
        let scratch = Scratch::new("tree");
        for (path, text) in files {
            scratch.write(path, text);
        }
        scratch
    }

    #[test]
    fn timings_may_differ_and_results_may_not() {
        let a = written(&[
            ("_RESULTS/dvh_metrics.csv", "1"),
            ("P/C/provenance/dvh.json", "1"),
            ("_RESULTS/report.html", "1"),
        ]);
        let b = written(&[
            ("_RESULTS/dvh_metrics.csv", "1"),
            ("P/C/provenance/dvh.json", "2"),
            ("_RESULTS/report.html", "2"),
        ]);
        let tree = |s: &Scratch| promised(s.path()).unwrap();
        assert!(same("runs", &tree(&a), &tree(&b)).is_ok());
        b.write("_RESULTS/dvh_metrics.csv", "2");
        let error = same("runs", &tree(&a), &tree(&b)).unwrap_err().to_string();
        assert!(error.contains("_RESULTS/dvh_metrics.csv differs"), "{error}");
        b.write("P/C/course.json", "{}");
        let error = same("runs", &tree(&a), &tree(&b)).unwrap_err().to_string();
        assert!(error.contains("P/C/course.json is only in the second"), "{error}");
        assert_eq!(provenance(a.path()).unwrap().len(), 1);
    }
}
