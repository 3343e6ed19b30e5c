//! A small workspace on the disk, broken in one way at a time.

use std::path::Path;

use rt_testdata::Scratch;

use super::{Finding, Severity, check};

const ROOT_DOC: &str =
    "//! Adds numbers. Knows: numbers. Must not know: files. Sources: school.\n//!\n//! ```\n//! assert_eq!(1 + 1, 2);\n//! ```\n";

/// A workspace of two library crates, `rt-low` (layer 0) and `rt-high` (layer 2, uses `rt-low`), and the umbrella's place free.
fn house() -> Scratch {
    let house = Scratch::new("tidy");
    house.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n\n[workspace.lints.rust]\nunsafe_code = \"deny\"\n\n[workspace.dependencies]\nrt-low = { path = \"crates/rt-low\" }\nrt-high = { path = \"crates/rt-high\" }\n",
    );
    package(&house, "rt-low", 0, "");
    package(&house, "rt-high", 2, "rt-low.workspace = true\n");
    house
}

fn package(house: &Scratch, name: &str, layer: u8, dependencies: &str) {
    let manifest = format!(
        "[package]\nname = \"{name}\"\ndescription = \"A crate\"\nedition = \"2024\"\n\n[package.metadata.rt]\nlayer = {layer}\n\n[lints]\nworkspace = true\n\n[dependencies]\n{dependencies}"
    );
    house.write(&format!("crates/{name}/Cargo.toml"), manifest);
    house.write(&format!("crates/{name}/src/lib.rs"), ROOT_DOC);
}

fn errors(root: &Path) -> Vec<Finding> {
    let mut findings = check(root).unwrap();
    findings.retain(|f| f.severity == Severity::Error);
    findings
}

/// The one rule that a house breaks, at which line.
#[track_caller]
fn only(house: &Scratch) -> (&'static str, usize) {
    match errors(house.path()).as_slice() {
        [one] => (one.rule, one.line),
        other => panic!("not one finding but {other:?}"),
    }
}

#[test]
fn a_clean_house_has_no_finding() {
    assert_eq!(check(house().path()).unwrap(), []);
}

#[test]
fn an_edge_upward_fails() {
    let house = house();
    package(&house, "rt-high", 2, "");
    package(&house, "rt-low", 0, "rt-high.workspace = true\n");
    assert_eq!(only(&house), ("layer", 0));
}

#[test]
fn an_edge_within_a_layer_fails() {
    let house = house();
    package(&house, "rt-high", 0, "rt-low.workspace = true\n");
    assert_eq!(only(&house), ("layer", 0));
}

#[test]
fn a_crate_without_a_layer_fails() {
    let house = house();
    let manifest = std::fs::read_to_string(house.join("crates/rt-high/Cargo.toml")).unwrap();
    house.write("crates/rt-high/Cargo.toml", manifest.replace("layer = 2", ""));
    assert_eq!(only(&house), ("layer", 0));
}

#[test]
fn records_are_for_aggregate_and_qc_alone() {
    let house = house();
    let root = std::fs::read_to_string(house.join("Cargo.toml")).unwrap();
    house.write("Cargo.toml", root + "rt-records = { path = \"crates/rt-records\" }\n");
    package(&house, "rt-records", 1, "");
    package(&house, "rt-high", 2, "rt-records.workspace = true\n");
    assert_eq!(only(&house), ("layer", 0));
}

#[test]
fn a_foreign_crate_belongs_to_its_owner() {
    let house = house();
    let root = std::fs::read_to_string(house.join("Cargo.toml")).unwrap();
    house.write("Cargo.toml", root + "toml = \"1\"\n");
    package(&house, "rt-high", 2, "toml.workspace = true\n");
    assert_eq!(only(&house), ("owner", 0));
}

#[test]
fn test_crates_are_for_tests() {
    let house = house();
    let manifest = std::fs::read_to_string(house.join("crates/rt-low/Cargo.toml")).unwrap();
    house.write("crates/rt-low/Cargo.toml", manifest.replace("layer = 0", "layer = 0\ndev = true"));
    assert_eq!(only(&house), ("layer", 0));
}

#[test]
fn a_manifest_without_workspace_lints_fails() {
    let house = house();
    let manifest = std::fs::read_to_string(house.join("crates/rt-low/Cargo.toml")).unwrap();
    house.write("crates/rt-low/Cargo.toml", manifest.replace("[lints]\nworkspace = true\n", ""));
    assert_eq!(only(&house), ("lints", 0));
}

#[test]
fn a_version_in_a_member_fails() {
    let house = house();
    package(&house, "rt-high", 2, "rt-low = { path = \"../rt-low\" }\n");
    assert_eq!(only(&house), ("versions", 0));
}

#[test]
fn a_file_of_1001_lines_fails_and_one_of_1000_does_not() {
    let house = house();
    house.write("crates/rt-low/src/long.rs", "// a line\n".repeat(1001));
    assert_eq!(only(&house), ("file-size", 0));
    house.write("crates/rt-low/src/long.rs", "// a line\n".repeat(1000));
    let findings = check(house.path()).unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].severity, findings[0].rule), (Severity::Warning, "file-size"));
}

#[test]
fn an_unwrap_in_a_library_fails_and_in_a_test_does_not() {
    let house = house();
    let call = "fn first(list: &[u8]) -> u8 {\n    *list.first().unwrap()\n}\n";
    house.write("crates/rt-low/src/first.rs", call);
    assert_eq!(only(&house), ("abrupt", 2));
    house.write("crates/rt-low/src/first.rs", format!("#[cfg(test)]\nmod tests {{\n{call}}}\n"));
    assert_eq!(errors(house.path()), []);
    house.write(
        "crates/rt-low/src/first.rs",
        "// never list.first().unwrap()\nconst S: &str = \".unwrap()\";\n",
    );
    assert_eq!(errors(house.path()), []);
    house.write("crates/rt-low/tests/it/main.rs", call);
    assert_eq!(errors(house.path()), []);
}

#[test]
fn an_expect_needs_a_reason() {
    let house = house();
    let call = "fn first(list: &[u8]) -> u8 {\n    *list.first().expect(\"never empty\")\n}\n";
    house.write("crates/rt-low/src/first.rs", call);
    assert_eq!(only(&house), ("abrupt", 2));
    let excuse = "#[expect(clippy::expect_used, reason = \"built with one\")]\n";
    house.write("crates/rt-low/src/first.rs", format!("{excuse}{call}"));
    assert_eq!(errors(house.path()), []);
}

#[test]
fn a_function_of_81_lines_fails() {
    let house = house();
    let body = |n: usize| format!("fn long() {{\n{}}}\n", "    step();\n".repeat(n - 2));
    house.write("crates/rt-low/src/long.rs", body(81));
    assert_eq!(only(&house), ("function-size", 1));
    house.write("crates/rt-low/src/long.rs", body(80));
    assert_eq!(errors(house.path()), []);
}

#[test]
fn a_thick_main_fails() {
    let house = house();
    house.write(
        "bins/x/src/main.rs",
        format!("//! x\nfn main() {{\n{}}}\n", "    step();\n".repeat(30)),
    );
    assert_eq!(only(&house), ("function-size", 2));
}

#[test]
fn words_that_should_not_stand_fail() {
    for (text, rule) in [
        ("fn a() {}\t\n", "tab"),
        ("fn a() {} \n", "trailing"),
        ("// TODO later\n", "todo"),
        ("const P: &str = \"/home/someone/data\";\n", "path"),
    ] {
        let house = house();
        house.write("crates/rt-low/src/words.rs", text);
        assert!(errors(house.path()).iter().any(|f| f.rule == rule && f.line == 1), "{text:?}");
    }
}

#[test]
fn a_module_called_utils_fails() {
    let house = house();
    house.write("crates/rt-low/src/utils.rs", "//! Things.\n");
    assert_eq!(only(&house), ("name", 0));
}

#[test]
fn a_crate_root_without_sources_fails() {
    let house = house();
    house.write("crates/rt-low/src/lib.rs", ROOT_DOC.replace(" Sources: school.", ""));
    assert_eq!(only(&house), ("root-docs", 1));
}

#[test]
fn graphs_that_differ_fail() {
    let house = house();
    let make = "$(eval $(call stage_rule,dvh,))\n$(eval $(call stage_rule,qc,dvh))\n";
    let rule = |name: &str, input: &str| {
        format!("\nrule {name}:\n    input:\n        {input}\n    shell:\n        \"rt-{name} {{wildcards.course}}\"\n")
    };
    house.write("workflow/course.mk", make);
    house.write("workflow/Snakefile", rule("dvh", "\"x\"") + &rule("qc", "rules.dvh.output,"));
    assert_eq!(errors(house.path()), []);
    house.write("workflow/Snakefile", rule("dvh", "\"x\"") + &rule("qc", "\"x\""));
    assert_eq!(only(&house), ("graph", 0));
    house.write("workflow/Snakefile", rule("qc", "rules.dvh.output,"));
    assert_eq!(only(&house), ("graph", 0));
}
