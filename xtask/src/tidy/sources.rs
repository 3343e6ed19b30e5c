//! Rules on the text of files: size, words, error handling, documentation of crate roots.

use super::functions::{Function, excused, functions};
use super::graph::Package;
use super::lexer::blanked;
use super::{Finding, TextFile};

/// Lines of a file above which a warning stands, and above which tidy fails.
const FILE_LINES: (usize, usize) = (400, 1000);
/// Lines of a function above which tidy fails.
const FUNCTION_LINES: usize = 80;
/// Lines of a binary's `main.rs`, and of a function in it.
const MAIN_LINES: (usize, usize) = (100, 30);
/// Mark of a file that is mostly constants; a reason follows.
const TABLE_MARK: &str = "// tidy: table";
/// Names that say nothing about what a module knows.
const EMPTY_NAMES: [&str; 5] = ["utils", "util", "common", "helpers", "types"];
/// Starts of paths that exist on one machine only.
const MACHINE_PATHS: [&str; 6] = ["/root/", "/home/", "/Users/", "/work/", "/mnt/", "C:\\\\Users"];
/// Calls that end a process because of data.
const ABRUPT: [(&str, &str); 5] = [
    (".unwrap()", "unwrap_used"),
    (".expect(\"", "expect_used"),
    ("panic!(", "panic"),
    ("todo!(", "todo"),
    ("unimplemented!(", "unimplemented"),
];

/// Findings on one file.
pub(super) fn check(file: &TextFile) -> Vec<Finding> {
    let mut findings = words(file);
    if std::path::Path::new(&file.path).extension().is_some_and(|e| e == "rs") {
        let bare = blanked(&file.text);
        findings.extend(size(file));
        findings.extend(names(file));
        if !is_test(&file.path) {
            findings.extend(abrupt(file, &bare));
            findings.extend(long_functions(file, &bare));
        }
    }
    findings
}

/// Tabs, trailing blanks, open ends, paths of one machine.
fn words(file: &TextFile) -> Vec<Finding> {
    let tabs_allowed = file.path.ends_with("Makefile") || file.path.ends_with("course.mk");
    // The rules' own words stand in the rules.
    let own_rules = file.path.starts_with("xtask/src/tidy");
    let mut findings = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        let mut add = |rule, text: &str| findings.push(Finding::error(&file.path, number + 1, rule, text));
        if line.contains('\t') && !tabs_allowed {
            add("tab", "tab; indent with blanks");
        }
        if line.ends_with([' ', '\t']) {
            add("trailing", "blank at the end of the line");
        }
        if own_rules {
            continue;
        }
        if is_open_end(line) {
            add("todo", "an open end without an issue number; write `TODO(#12)` or do it");
        }
        if let Some(start) = MACHINE_PATHS.iter().find(|p| line.contains(*p)) {
            add("path", &format!("`{start}…` exists on one machine only"));
        }
    }
    findings
}

fn is_open_end(line: &str) -> bool {
    let word = ["TODO", "FIXME", "XXX"].iter().find_map(|w| line.find(w).map(|at| at + w.len()));
    word.is_some_and(|end| !line[end..].starts_with("(#"))
}

fn size(file: &TextFile) -> Option<Finding> {
    let lines = file.text.lines().count();
    let table = file.text.contains(TABLE_MARK);
    if lines > FILE_LINES.1 && !table {
        let text = format!("{lines} lines, the limit is {}; split it at a noun", FILE_LINES.1);
        return Some(Finding::error(&file.path, 0, "file-size", text));
    }
    let is_main = file.path.starts_with("bins/") && file.path.ends_with("/src/main.rs");
    if is_main && lines > MAIN_LINES.0 {
        let text = format!(
            "{lines} lines; a main.rs has at most {}, the rest belongs into lib.rs",
            MAIN_LINES.0
        );
        return Some(Finding::error(&file.path, 0, "thin-main", text));
    }
    (lines > FILE_LINES.0 && !table && !is_test(&file.path)).then(|| {
        let text = format!("{lines} lines, the aim is {}", FILE_LINES.0);
        Finding::warning(&file.path, 0, "file-size", text)
    })
}

fn names(file: &TextFile) -> Option<Finding> {
    let stem = file.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
    EMPTY_NAMES
        .contains(&stem)
        .then(|| Finding::error(&file.path, 0, "name", format!("`{stem}` says nothing; name the concept")))
}

/// `unwrap`, `expect`, `panic!` outside tests and without a stated reason.
fn abrupt(file: &TextFile, bare: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (call, lint) in ABRUPT {
        let whole_file = file
            .text
            .lines()
            .any(|l| l.starts_with("#![expect(") && l.contains(lint) && l.contains("reason"));
        if whole_file {
            continue;
        }
        let free = excused(bare, &file.text, &[lint]);
        for (number, line) in bare.lines().enumerate() {
            let number = number + 1;
            if line.contains(call) && !free.iter().any(|r| r.contains(&number)) {
                let text = format!(
                    "`{}` in library code; return an error, or state the invariant with `#[expect(clippy::{lint}, reason = …)]`",
                    call.trim_end_matches(['(', '"'])
                );
                findings.push(Finding::error(&file.path, number, "abrupt", text));
            }
        }
    }
    findings
}

fn long_functions(file: &TextFile, bare: &str) -> Vec<Finding> {
    let is_main = file.path.starts_with("bins/") && file.path.ends_with("/src/main.rs");
    let limit = if is_main { MAIN_LINES.1 } else { FUNCTION_LINES };
    if file.text.contains(TABLE_MARK) {
        return Vec::new();
    }
    let free = excused(bare, &file.text, &["too_many_lines"]);
    let tested = |f: &Function| free.iter().any(|r| r.contains(f.lines.start()));
    let long = functions(bare).into_iter().filter(|f| f.len() > limit && !tested(f));
    long.map(|f| {
        let text = format!("`{}` has {} lines, the limit is {limit}; split it at a comment", f.name, f.len());
        Finding::error(&file.path, *f.lines.start(), "function-size", text)
    })
    .collect()
}

/// Test files, benches and examples: they may stop with a message.
fn is_test(path: &str) -> bool {
    path.split('/')
        .any(|part| matches!(part, "tests" | "tests.rs" | "benches" | "examples" | "fuzz"))
}

/// Crate roots: documentation that says what the crate knows, must not know, from which sources; with an example that runs.
pub(super) fn check_roots(packages: &[Package], files: &[TextFile]) -> Vec<Finding> {
    packages.iter().flat_map(|p| check_root(p, files)).collect()
}

fn check_root(package: &Package, files: &[TextFile]) -> Vec<Finding> {
    let root_of = |name: &str| files.iter().find(|f| f.path == format!("{}/src/{name}", package.folder));
    let Some(root) = root_of("lib.rs").or_else(|| root_of("main.rs")) else {
        return Vec::new();
    };
    let doc: Vec<&str> = root.text.lines().take_while(|l| l.starts_with("//!")).collect();
    let doc = doc.join("\n");
    let mut wanted = vec![("//! ", "begins with documentation")];
    if package.folder.starts_with("crates/") {
        wanted.extend([
            ("not know", "says what it must not know"),
            ("ource", "names its sources"),
            ("```", "has an example that runs"),
        ]);
    }
    let missing = wanted.into_iter().filter(|(word, _)| !doc.contains(word));
    missing
        .map(|(_, what)| Finding::error(&root.path, 1, "root-docs", format!("no crate root that {what}")))
        .collect()
}
