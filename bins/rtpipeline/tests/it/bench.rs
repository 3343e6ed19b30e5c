//! A small cohort, the binary, and digests of what it made.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rt_testdata::Preset;
use tempfile::TempDir;

/// The binary under test, with no configuration from around it.
pub(crate) fn rtpipeline() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtpipeline"));
    command.env_remove("RT_SET").current_dir(std::env::temp_dir());
    command
}

/// Exit code and both streams of a finished command.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Ended {
    /// Figures of a stage in the closing table: ran, fresh, skipped, partial, failed, blocked.
    pub(crate) fn stage(&self, name: &str) -> [usize; 6] {
        let line = self.out.lines().find(|l| l.split_whitespace().next() == Some(name));
        let line = line.unwrap_or_else(|| panic!("no line for {name} in\n{}\n{}", self.out, self.err));
        let figures: Vec<usize> = line.split_whitespace().skip(1).take(6).map(|f| f.parse().unwrap()).collect();
        figures.try_into().unwrap()
    }

    /// Stages that ran at least once, in the order of the graph.
    pub(crate) fn ran(&self) -> Vec<(String, usize)> {
        let names = [
            "organize",
            "segment",
            "structures",
            "dvh",
            "radiomics",
            "robustness",
            "qc",
            "aggregate",
        ];
        let ran = names.iter().map(|name| ((*name).to_owned(), self.stage(name)[0]));
        ran.filter(|(_, n)| *n > 0).collect()
    }
}

/// Input and output folder of a test.
pub(crate) struct Bench {
    dir: TempDir,
    input: PathBuf,
}

impl Bench {
    /// With the tiny cohort as input: patients RT0001 and RT0002, one course each.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bench = Self {
            input: dir.path().join("in"),
            dir,
        };
        Preset::Tiny.cohort(42).write(&bench.input()).unwrap();
        bench
    }

    /// With another output of the same input.
    pub(crate) fn beside(other: &Self) -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            input: other.input.clone(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn input(&self) -> PathBuf {
        self.input.clone()
    }

    pub(crate) fn output(&self) -> PathBuf {
        self.path("out")
    }

    /// `rtpipeline run` from input to output with further arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = rtpipeline();
        command
            .arg("run")
            .arg("--input")
            .arg(self.input())
            .arg("--output")
            .arg(self.output())
            .args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs and asserts success.
    pub(crate) fn done(&self, arguments: &[&str]) -> Ended {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended
    }

    /// The only course of a patient.
    pub(crate) fn course(&self, patient: &str) -> PathBuf {
        let mut courses = fs::read_dir(self.output().join(patient)).unwrap();
        courses.next().unwrap().unwrap().path()
    }

    /// Files of a patient below the input whose modality is CT, by name.
    pub(crate) fn ct_files(&self, patient: &str) -> Vec<PathBuf> {
        let mut files = walk(&self.input().join(patient));
        // The media storage SOP class stands in the clear in the file meta information.
        files.retain(|f| contains(fs::read(f).unwrap().get(..400).unwrap_or_default(), b"1.2.840.10008.5.1.4.1.1.2\0"));
        files
    }

    pub(crate) fn digest(&self) -> BTreeMap<String, String> {
        digest(&self.output())
    }
}

/// Whether `bytes` holds `part`.
pub(crate) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|w| w == part)
}

/// All files below a folder, sorted.
pub(crate) fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// What is promised to be equal for equal input: every file but provenance, logs, leases, the header cache (an index of the input's
/// file times), the saved settings, and the report with its timings.
pub(crate) fn digest(folder: &Path) -> BTreeMap<String, String> {
    let outside = |name: &str| {
        name.contains("provenance")
            || name.contains("/logs/")
            || name.starts_with("_LOGS")
            || name.contains(".lock")
            || ["_COHORT/cache.bin", "_COHORT/config.toml", "_RESULTS/report.html"].contains(&name)
            || name.starts_with("_COHORT/state/aggregate")
    };
    let name = |file: &Path| file.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
    let files = walk(folder).into_iter().map(|f| (name(&f), f)).filter(|(name, _)| !outside(name));
    files
        .map(|(name, file)| (name, blake3::hash(&fs::read(file).unwrap()).to_hex().to_string()))
        .collect()
}

/// Names whose digests differ, or that only one of the two has.
pub(crate) fn differences(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> Vec<String> {
    let names: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
    names.into_iter().filter(|name| a.get(*name) != b.get(*name)).cloned().collect()
}
