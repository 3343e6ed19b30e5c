//! The binary, and its closing table as numbers.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use rt_testdata::{Scratch, Vec3, WriteError, cohort};

/// How a run ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) text: String,
    /// Stage to (courses that it ran on, courses where it was fresh).
    pub(crate) stages: BTreeMap<String, (usize, usize)>,
}

impl Ran {
    /// Stages that did something.
    pub(crate) fn busy(&self) -> Vec<(&str, usize)> {
        let busy = self.stages.iter().filter(|(_, (ran, _))| *ran > 0);
        busy.map(|(stage, (ran, _))| (stage.as_str(), *ran)).collect()
    }
}

/// `rtpipeline run --input INPUT --output OUTPUT` and more.
pub(crate) fn pipeline(input: &Path, output: &Path, more: &[&str]) -> Ran {
    let out = Command::new(env!("CARGO_BIN_EXE_rtpipeline"))
        .args(["run", "--input"])
        .arg(input)
        .arg("--output")
        .arg(output)
        .args(more)
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(!text.contains("panicked"), "{text}");
    let stages = text.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let numbers = (words.get(1)?.parse().ok()?, words.get(2)?.parse().ok()?);
        (words.len() == 8).then(|| (words[0].to_owned(), numbers))
    });
    Ran {
        code: out.status.code().unwrap_or(-1),
        stages: stages.collect(),
        text,
    }
}

/// Writes one small course of a patient into a folder of its own.
pub(crate) fn patient(folder: &Scratch, id: &str, seed: u64) {
    write(folder, id, seed).unwrap();
}

fn write(folder: &Scratch, id: &str, seed: u64) -> Result<(), WriteError> {
    cohort()
        .seed(seed)
        .course(|c| {
            let c = c.patient(id).ct([40, 40, 14]).spacing([5.0, 5.0, 6.0]);
            c.sphere("PTV", 25.0).dose_gradient(60.0, Vec3::new(0.0, 0.1, 0.2))
        })
        .write(&folder.join(id))
        .map(drop)
}

/// Patients that stand in the first column of a result table.
pub(crate) fn patients_in(output: &Path, table: &str) -> Vec<String> {
    let text = std::fs::read_to_string(output.join("_RESULTS").join(format!("{table}.csv"))).unwrap();
    let mut ids: Vec<String> = text
        .lines()
        .skip(1)
        .filter_map(|l| l.split(',').next().map(str::to_owned))
        .collect();
    ids.sort();
    ids.dedup();
    ids
}
