//! The corpus of the fuzz target, replayed on the stable toolchain; what its name calls sound is read.

use std::path::{Path, PathBuf};

#[test]
fn the_reader_takes_every_file_of_its_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/nifti");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 20, "{}", files.len());
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let from_bytes = rt_nifti::read_from::<f32>(bytes.as_slice(), u64::try_from(bytes.len()).ok()).is_ok();
        let from_file = rt_nifti::read::<f32>(&path).is_ok();
        let sound = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("sound"));
        assert!(from_file || !sound, "{}", path.display());
        assert!(!from_bytes || from_file, "{}: bytes are read and the file is not", path.display());
        let broken = ["cut", "empty", "huge", "negative", "offset_beyond", "unknown", "bad_magic"];
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        assert!(!from_file || !broken.iter().any(|b| name.starts_with(b)), "{name} must not be read");
    }
}
