//! Manifests: one place for versions, one block of lints, library and binary names that do not clash.

use toml::{Table, Value};

use super::Finding;
use super::graph::Package;

/// Findings on the manifests of the packages.
pub(super) fn check(packages: &[Package]) -> Vec<Finding> {
    packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Package) -> Vec<Finding> {
    let at = format!("{}/Cargo.toml", package.folder);
    let mut findings = Vec::new();
    let shared = |table: Option<&Value>| table.and_then(|t| t.get("workspace")).and_then(Value::as_bool) == Some(true);
    if !shared(package.manifest.get("lints")) {
        let text = "does not opt into the workspace lints; add `[lints]` with `workspace = true`";
        findings.push(Finding::error(&at, 0, "lints", text));
    }
    let described = package.manifest.get("package").and_then(|p| p.get("description"));
    if described.and_then(Value::as_str).is_none_or(str::is_empty) {
        findings.push(Finding::error(&at, 0, "manifest", "has no description"));
    }
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let own = own_versions(package.manifest.get(section).and_then(Value::as_table));
        findings.extend(own.into_iter().map(|name| {
            let text = format!("`{name}` in [{section}] states its own version or path; put it into [workspace.dependencies]");
            Finding::error(&at, 0, "versions", text)
        }));
    }
    findings
}

/// Dependencies that do not take their version from the workspace.
fn own_versions(dependencies: Option<&Table>) -> Vec<&String> {
    let inherits = |value: &Value| value.get("workspace").and_then(Value::as_bool) == Some(true);
    let table = dependencies.into_iter().flatten();
    table.filter(|(_, value)| !inherits(value)).map(|(name, _)| name).collect()
}
