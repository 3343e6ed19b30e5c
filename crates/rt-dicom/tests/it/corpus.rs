//! The corpus of the fuzz targets, replayed: every file that ever mattered is read again, on the stable toolchain.

use std::path::{Path, PathBuf};

use rt_dicom::{Limits, gate, read_dose, read_plan, read_structures};

fn files(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn the_gate_takes_every_file_of_its_corpus() {
    let files = files("gate");
    assert!(files.len() >= 55, "{}", files.len());
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes.len() < 200_000, "{} is too large for the corpus", path.display());
        if let Ok(report) = gate::inspect(&bytes, &Limits::default()) {
            assert!(report.content.0 <= report.content.1, "{}", path.display());
            assert!(report.content.1 <= bytes.len() as u64, "{}", path.display());
        }
    }
}

#[test]
fn the_readers_take_every_file_of_their_corpora() {
    for (target, least) in [("rtstruct", 3), ("rtdose", 3), ("rtplan", 3)] {
        let files = files(target);
        assert!(files.len() >= least, "{target}: {}", files.len());
        let mut read = 0;
        for path in &files {
            let sound = match target {
                "rtstruct" => read_structures(path).is_ok(),
                "rtdose" => read_dose(path).is_ok(),
                _ => read_plan(path).is_ok(),
            };
            read += usize::from(sound);
            // Files whose name says that they are sound must be read.
            let sound_name = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("sound"));
            assert!(sound || !sound_name, "{}", path.display());
        }
        assert!(read > 0, "{target}");
    }
}
