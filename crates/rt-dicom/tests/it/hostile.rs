//! Hostile files: each alone, class, codes and use as `data/hostile/expected.tsv` says, within memory and time.

use std::collections::HashMap;
use std::time::Instant;

use rt_core::Silent;
use rt_dicom::{FileVerdict, MetaCache, ScanOptions, scan};
use rt_testdata::{Scratch, shared};

/// Rows of a table with a head line, by column name.
pub(crate) fn rows(text: &str) -> Vec<HashMap<String, String>> {
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let row = |line: &str| {
        head.iter()
            .zip(line.split('\t'))
            .map(|(k, v)| ((*k).to_owned(), v.to_owned()))
            .collect()
    };
    lines.map(row).collect()
}

/// Codes of a reason, sorted, and its `use`.
pub(crate) fn codes_and_use(reason: &str) -> (Vec<String>, String) {
    let mut parts = reason.split(';');
    let mut codes: Vec<String> = parts.next().unwrap_or_default().split('+').map(str::to_owned).collect();
    codes.sort();
    let usage = parts.find_map(|p| p.strip_prefix("use=")).unwrap_or_default().to_owned();
    (codes, usage)
}

fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn verdict_alone(bytes: &[u8]) -> FileVerdict {
    let folder = Scratch::new("hostile");
    folder.write("file", bytes);
    let mut cache = MetaCache::default();
    let mut index = scan(&[folder.path().to_path_buf()], &mut cache, &ScanOptions::default(), &Silent).unwrap();
    index.files.remove(0).verdict
}

#[test]
fn every_file_ends_as_expected_within_its_limits() {
    let Some(folder) = shared("data/hostile") else { return };
    let table = rows(&std::fs::read_to_string(folder.join("expected.tsv")).unwrap());
    assert_eq!(table.len(), 22);
    let mut wrong = Vec::new();
    for row in &table {
        let bytes = std::fs::read(folder.join(&row["file"])).unwrap();
        let (memory, start) = (peak_mib(), Instant::now());
        let verdict = verdict_alone(&bytes);
        let (took, grown) = (start.elapsed(), peak_mib() - memory);
        let class = row["expected_class"].split('|').any(|c| c == verdict.class.name());
        let told = codes_and_use(&verdict.reason());
        if !class || told != codes_and_use(&row["expected_reason"]) {
            wrong.push(format!(
                "{}: {} {} instead of {} {}",
                row["file"],
                verdict.class.name(),
                verdict.reason(),
                row["expected_class"],
                row["expected_reason"]
            ));
        }
        // Ten times the limit of a release build: the tests share two cores with others.
        assert!(took.as_millis() < 500, "{} took {took:?}", row["file"]);
        assert!(grown < 64.0, "{} took {grown} MiB", row["file"]);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_small_stack_is_enough() {
    let Some(folder) = shared("data/hostile") else { return };
    for name in ["nest64.dcm", "nest65.dcm", "nest2000.dcm", "nest8000.dcm"] {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let thread = std::thread::Builder::new().stack_size(256 * 1024);
        let look = move || rt_dicom::gate::inspect(&bytes, &rt_dicom::Limits::default()).map_err(|e| e.code());
        let outcome = thread.spawn(look).unwrap().join().unwrap();
        assert_eq!(outcome.is_ok(), name == "nest64.dcm", "{name}");
        assert!(outcome.is_ok() || outcome == Err("dicom.depth"));
    }
}
