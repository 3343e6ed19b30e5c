//! Who may use whom: layers of our crates, owners of external ones.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use cargo_metadata::{DependencyKind, MetadataCommand};

use super::Finding;

/// One package of the workspace, as far as the rules look at it.
#[derive(Debug, Clone)]
pub(super) struct Package {
    /// Package name.
    pub(super) name: String,
    /// Folder below the root, with `/`.
    pub(super) folder: String,
    /// Its manifest, parsed.
    pub(super) manifest: toml::Table,
    /// `[package.metadata.rt] layer`.
    layer: Option<i64>,
    /// `[package.metadata.rt] dev`: test data and conformance, which may look upward and which no product crate may use.
    dev: bool,
    uses: Vec<Use>,
}

#[derive(Debug, Clone)]
struct Use {
    name: String,
    local: bool,
    test_only: bool,
}

/// External crates that one or two of ours own. A trailing `*` stands for any ending.
const OWNERS: &[(&str, &[&str])] = &[
    ("arrow*", &["rt-records"]),
    ("parquet", &["rt-records"]),
    ("rust_xlsxwriter", &["rt-records"]),
    ("calamine", &["rt-records"]),
    ("csv", &["rt-records"]),
    ("dicom*", &["rt-dicom"]),
    ("nifti", &["rt-nifti"]),
    ("memmap2", &["rt-nifti"]),
    ("toml", &["rt-config"]),
    ("tract-onnx", &["rt-seg"]),
    ("ort", &["rt-seg"]),
    ("i_overlay", &["rt-image"]),
    ("clap", &["rt-cli", "bins"]),
    ("indicatif", &["rt-cli", "bins"]),
    ("tracing-subscriber", &["rt-cli", "bins"]),
    ("anyhow", &["rt-cli", "bins"]),
    ("serde_norway", &["rt-config", "rt-radiomics"]),
];

/// Crates of layer 2 that may use `rt-records`.
const RECORD_KEEPERS: &[&str] = &["rt-aggregate", "rt-qc"];

/// Layer of the drivers.
const DRIVERS: i64 = 4;

/// Reads the packages of a workspace through `cargo metadata`, without touching the network.
pub(super) fn packages(root: &Path) -> anyhow::Result<Vec<Package>> {
    let metadata = MetadataCommand::new()
        .current_dir(root)
        .no_deps()
        .exec()
        .with_context(|| format!("`cargo metadata` fails in `{}`", root.display()))?;
    let base = PathBuf::from(&metadata.workspace_root);
    let mut packages = Vec::new();
    for package in metadata.workspace_packages() {
        let text = std::fs::read_to_string(&package.manifest_path).with_context(|| format!("cannot read `{}`", package.manifest_path))?;
        let folder = PathBuf::from(&package.manifest_path);
        let folder = folder.parent().unwrap_or(&folder).strip_prefix(&base).unwrap_or(&folder);
        let rt = &package.metadata["rt"];
        let uses = package.dependencies.iter().map(|d| Use {
            name: d.name.clone(),
            local: d.path.is_some(),
            test_only: d.kind == DependencyKind::Development,
        });
        packages.push(Package {
            name: package.name.to_string(),
            folder: folder.to_string_lossy().replace('\\', "/"),
            manifest: text.parse().with_context(|| format!("cannot parse `{}`", package.manifest_path))?,
            layer: rt["layer"].as_i64(),
            dev: rt["dev"].as_bool().unwrap_or(false),
            uses: uses.collect(),
        });
    }
    packages.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(packages)
}

/// Findings on edges between packages.
pub(super) fn check(packages: &[Package]) -> Vec<Finding> {
    packages.iter().flat_map(|p| check_package(p, packages)).collect()
}

fn check_package(package: &Package, all: &[Package]) -> Vec<Finding> {
    let at = format!("{}/Cargo.toml", package.folder);
    let Some(layer) = package.layer else {
        let text = format!(
            "`{}` does not say its layer; add `[package.metadata.rt]` with `layer = N`",
            package.name
        );
        return vec![Finding::error(at, 0, "layer", text)];
    };
    let judge = |used: &Use| {
        if used.local {
            let target = all.iter().find(|p| p.name == used.name)?;
            ours(package, layer, target)
        } else {
            external(package, layer, &used.name)
        }
    };
    let edges = package.uses.iter().filter(|u| !u.test_only);
    edges
        .filter_map(judge)
        .map(|(rule, text)| Finding::error(&at, 0, rule, text))
        .collect()
}

/// Whether `package` may use our crate `target`.
fn ours(package: &Package, layer: i64, target: &Package) -> Option<(&'static str, String)> {
    if package.dev || is_tool(package) {
        return None;
    }
    if target.dev {
        let text = format!(
            "`{}` uses `{}`, which is for tests only; make it a dev-dependency",
            package.name, target.name
        );
        return Some(("layer", text));
    }
    let below = target.layer?;
    if below >= layer {
        let text = format!(
            "`{}` (layer {layer}) uses `{}` (layer {below}); an edge goes strictly down",
            package.name, target.name
        );
        return Some(("layer", text));
    }
    let keeps_records = layer != 2 || RECORD_KEEPERS.contains(&package.name.as_str());
    (target.name == "rt-records" && !keeps_records).then(|| {
        let text = format!("`{}` uses `rt-records`; in layer 2 only {RECORD_KEEPERS:?} may", package.name);
        ("layer", text)
    })
}

/// Whether `package` may use the external crate `name`.
fn external(package: &Package, layer: i64, name: &str) -> Option<(&'static str, String)> {
    let matches = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    };
    let (_, owners) = OWNERS.iter().find(|(pattern, _)| matches(pattern))?;
    let driver = layer >= DRIVERS && !is_tool(package) && owners.contains(&"bins");
    let allowed = is_tool(package) || package.dev || driver || owners.contains(&package.name.as_str());
    (!allowed).then(|| {
        let text = format!(
            "`{}` uses `{name}`, which belongs to {owners:?}; ask the owner for what you need",
            package.name
        );
        ("owner", text)
    })
}

/// `xtask` and `benches` stand beside the house.
fn is_tool(package: &Package) -> bool {
    matches!(package.folder.as_str(), "xtask" | "benches")
}
