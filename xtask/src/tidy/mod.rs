//! House rules as code (`design/architecture.md` section 2): layers, owners of external crates, sizes, words.
//!
//! Every rule is a function from what stands on the disk to findings; the command prints them as `file:line: rule: message`.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

mod functions;
mod graph;
mod lexer;
mod manifests;
mod sources;
mod stages;

#[cfg(test)]
mod tests;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Worth a look; does not fail.
    Warning,
    /// Fails.
    Error,
}

/// One broken rule at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// File below the workspace root.
    pub(crate) path: PathBuf,
    /// Line from 1; 0 for the whole file.
    pub(crate) line: usize,
    /// How bad.
    pub(crate) severity: Severity,
    /// Short name of the rule.
    pub(crate) rule: &'static str,
    /// What is wrong and what to do.
    pub(crate) message: String,
}

impl Finding {
    fn error(path: impl Into<PathBuf>, line: usize, rule: &'static str, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line,
            severity: Severity::Error,
            rule,
            message: message.into(),
        }
    }

    fn warning(path: impl Into<PathBuf>, line: usize, rule: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(path, line, rule, message)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let path = self.path.display();
        match self.line {
            0 => write!(f, "{path}: {word}: {}: {}", self.rule, self.message),
            line => write!(f, "{path}:{line}: {word}: {}: {}", self.rule, self.message),
        }
    }
}

/// A source or text file of the workspace.
struct TextFile {
    /// Path below the root, with `/`.
    path: String,
    text: String,
}

/// All findings of a workspace, in the order of their files.
///
/// # Errors
/// When the workspace cannot be read.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let packages = graph::packages(root)?;
    let files = text_files(root)?;
    let mut findings = graph::check(&packages);
    findings.extend(manifests::check(&packages));
    for file in &files {
        findings.extend(sources::check(file));
    }
    findings.extend(sources::check_roots(&packages, &files));
    findings.extend(stages::check(&files));
    findings.sort();
    Ok(findings)
}

/// Prints the findings and tells whether there is an error among them.
///
/// # Errors
/// When the workspace cannot be read, or when a rule is broken.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let findings = check(root)?;
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings.iter().filter(|f| f.severity == Severity::Error).count();
    let warnings = findings.len() - errors;
    anyhow::ensure!(errors == 0, "tidy: {errors} error(s), {warnings} warning(s)");
    println!("tidy: {warnings} warning(s), no error");
    Ok(())
}

/// Files that people write: Rust, manifests, documents, workflow. Build folders and hidden folders other than our own are left out.
fn text_files(root: &Path) -> anyhow::Result<Vec<TextFile>> {
    let wanted = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        let ours = matches!(name.as_ref(), ".ci" | ".config" | ".cargo");
        let hidden = name.starts_with('.') && entry.depth() > 0 && !ours;
        let built = entry.depth() == 1 && matches!(name.as_ref(), "target" | "out" | "demo");
        !(hidden || built || (entry.file_type().is_dir() && name == "fixtures" && entry.depth() > 2))
    };
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(root).sort_by_file_name().into_iter().filter_entry(wanted) {
        let entry = entry.with_context(|| format!("cannot walk `{}`", root.display()))?;
        if !entry.file_type().is_file() || !is_text(entry.path()) {
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).with_context(|| format!("cannot read `{}` as text", entry.path().display()))?;
        let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let parts: Vec<_> = relative.components().map(|c| c.as_os_str().to_string_lossy()).collect();
        files.push(TextFile {
            path: parts.join("/"),
            text,
        });
    }
    Ok(files)
}

fn is_text(path: &Path) -> bool {
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let known = matches!(name.as_str(), "Makefile" | "Snakefile" | "run" | "course.mk");
    let extension = path.extension().map_or_else(String::new, |e| e.to_string_lossy().into_owned());
    known
        || matches!(
            extension.as_str(),
            "rs" | "toml" | "md" | "yaml" | "yml" | "smk" | "sh" | "html" | "css" | "py"
        )
}
