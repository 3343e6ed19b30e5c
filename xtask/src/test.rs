//! `cargo xtask test`: every test, through nextest where it is installed and through plain `cargo test` where not.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::{root, shell};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Test these packages only (all when none is given)
    #[arg(short, long)]
    package: Vec<String>,
    /// Fail when shared reference data is missing, instead of skipping the tests that need it
    #[arg(long)]
    require_shared: bool,
}

impl Options {
    /// Every package.
    pub(crate) fn all(require_shared: bool) -> Self {
        Self {
            package: Vec::new(),
            require_shared,
        }
    }

    fn scope(&self, command: &mut Command) {
        if self.package.is_empty() {
            command.arg("--workspace");
        }
        for package in &self.package {
            command.args(["--package", package]);
        }
    }
}

/// Tests that ran, and those that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Count {
    passed: u64,
    failed: u64,
    ignored: u64,
}

/// Runs the tests and prints how many ran.
///
/// # Errors
/// When a test fails, when nothing ran, or when cargo cannot be started.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let shared = shared_data();
    match &shared {
        Some(path) => println!("shared reference data: {}", path.display()),
        None if options.require_shared => anyhow::bail!("no shared reference data; set RT_SHARED to the folder that holds it"),
        None => println!("shared reference data: none (set RT_SHARED to its folder); tests that need it are skipped"),
    }
    let skip_log = SkipLog::new()?;
    let prepare = |command: &mut Command| {
        command.env("RT_SKIP_LOG", &skip_log.path);
        if let Some(path) = &shared {
            command.env("RT_SHARED", path);
        }
    };

    let (tests, ran) = unit_tests(options, &prepare)?;
    let mut doc = shell::cargo();
    doc.args(["test", "--doc"]);
    options.scope(&mut doc);
    prepare(&mut doc);
    let (doc_ran, text) = shell::run_and_read(&mut doc)?;
    let docs = plain_count(&text);

    let total = tests.passed + docs.passed;
    println!();
    println!(
        "tests: {} ran, {total} passed ({} of the code, {} of the documentation), {} failed, {} ignored",
        total + tests.failed + docs.failed,
        tests.passed,
        docs.passed,
        tests.failed + docs.failed,
        tests.ignored + docs.ignored,
    );
    skip_log.report()?;
    anyhow::ensure!(ran && doc_ran, "tests failed");
    anyhow::ensure!(total > 0, "no test ran; is the package name right?");
    Ok(())
}

/// Unit and integration tests: what ran, and whether all was well.
fn unit_tests(options: &Options, prepare: &dyn Fn(&mut Command)) -> anyhow::Result<(Count, bool)> {
    let nextest = shell::answer(shell::cargo().args(["nextest", "--version"])).is_some();
    let mut command = shell::cargo();
    if nextest {
        command.args(["nextest", "run", "--no-fail-fast"]);
    } else {
        println!("cargo-nextest is not installed; going on with `cargo test` (slower: one test binary after the other)");
        command.args(["test", "--no-fail-fast", "--lib", "--bins", "--tests"]);
    }
    options.scope(&mut command);
    prepare(&mut command);
    let (ok, text) = shell::run_and_read(&mut command)?;
    Ok((if nextest { nextest_count(&text) } else { plain_count(&text) }, ok))
}

/// The shared data: `RT_SHARED`, else `shared` beside the workspace.
pub(crate) fn shared_data() -> Option<PathBuf> {
    let beside = root().parent().map(|p| p.join("shared"));
    let path = std::env::var_os("RT_SHARED").map(PathBuf::from).or(beside)?;
    path.is_dir().then(|| path.canonicalize().unwrap_or(path))
}

/// Counts the summary lines of `cargo test`: `test result: ok. 3 passed; 0 failed; 0 ignored; …`.
fn plain_count(text: &str) -> Count {
    text.lines()
        .filter(|l| l.contains("test result:"))
        .fold(Count::default(), |sum, line| Count {
            passed: sum.passed + number_before(line, " passed"),
            failed: sum.failed + number_before(line, " failed"),
            ignored: sum.ignored + number_before(line, " ignored"),
        })
}

/// Reads the summary line of nextest: `Summary [ 1.2s] 30 tests run: 29 passed (1 slow), 1 failed, 2 skipped`.
fn nextest_count(text: &str) -> Count {
    let line = text
        .lines()
        .rev()
        .find(|l| l.contains("Summary [") && l.contains(" run: "))
        .unwrap_or_default();
    Count {
        passed: number_before(line, " passed"),
        failed: number_before(line, " failed") + number_before(line, " timed out"),
        ignored: number_before(line, " skipped"),
    }
}

/// The number in front of a word; 0 when the word is not there.
fn number_before(line: &str, word: &str) -> u64 {
    let digits = |before: &str| {
        let start = before.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
        before[start..].parse().unwrap_or(0)
    };
    line.find(word).map_or(0, |at| digits(&line[..at]))
}

/// Tests that do without shared data write a line here (`rt_testdata::shared`), because a passing test's own output is not shown.
struct SkipLog {
    path: PathBuf,
}

impl SkipLog {
    fn new() -> anyhow::Result<Self> {
        let folder = shell::target_dir();
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        let path = folder.join("skipped-tests.txt");
        std::fs::write(&path, "").with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(Self { path })
    }

    fn report(&self) -> anyhow::Result<()> {
        let text = read(&self.path)?;
        let missing: std::collections::BTreeSet<&str> = text.lines().collect();
        println!("skipped for want of data: {}", text.lines().count());
        for file in missing {
            println!("  {file}");
        }
        Ok(())
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_of_both_runners_are_understood() {
        let nextest =
            "        PASS [   0.016s] (2/3) a::it x\n     Summary [   4.346s] 27 tests run: 25 passed (1 slow), 2 failed, 3 skipped\n";
        let expected = Count {
            passed: 25,
            failed: 2,
            ignored: 3,
        };
        assert_eq!(nextest_count(nextest), expected);
        let plain = "test result: ok. 17 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\nrunning 1 test\ntest result: FAILED. 8 passed; 2 failed; 2 ignored; 0 measured\n";
        assert_eq!(plain_count(plain), expected);
    }

    #[test]
    fn a_run_without_a_summary_counts_nothing() {
        assert_eq!(nextest_count("error: could not compile"), Count::default());
    }
}
