//! Brings DICOM files into a course folder without ever writing to the input.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};
use rt_course::{AtomicDir, WriteError};

use crate::config::Placing;

/// One file to bring: where it lies and what it is called in the course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placement {
    /// The file in the input.
    pub(crate) source: PathBuf,
    /// Its name in the folder.
    pub(crate) name: String,
}

/// Fills `folder` with exactly these files, in one step: the old folder stays until the new one is whole.
///
/// # Errors
/// [`WriteError`] naming the file that could not be brought.
pub(crate) fn fill(folder: &Utf8Path, files: &[Placement], how: Placing) -> Result<(), WriteError> {
    if how == Placing::None || files.is_empty() {
        return Ok(());
    }
    let staged = AtomicDir::create(folder)?;
    for file in files {
        bring(&file.source, &staged.path().join(&file.name), how)?;
    }
    staged.commit()
}

fn bring(source: &Path, target: &Utf8PathBuf, how: Placing) -> Result<(), WriteError> {
    // A link to a link would dangle when the first one goes.
    let real = source.canonicalize().map_err(failed(target))?;
    let linked = match how {
        Placing::Hardlink => fs::hard_link(&real, target),
        Placing::Symlink => symlink(&real, target.as_std_path()),
        Placing::Copy | Placing::None => Err(io::ErrorKind::Unsupported.into()),
    };
    // Other file systems, or file systems without links: a copy serves as well.
    linked.or_else(|_| fs::copy(&real, target).map(drop)).map_err(failed(target))
}

fn failed(target: &Utf8Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = target.to_owned();
    move |source| WriteError::Io {
        step: "bring a DICOM file to",
        path,
        source,
    }
}

#[cfg(unix)]
fn symlink(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(not(unix))]
fn symlink(_from: &Path, _to: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_replaced_as_a_whole_and_the_input_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("a");
        fs::write(&source, b"one").unwrap();
        let folder = Utf8PathBuf::from_path_buf(dir.path().join("out/CT")).unwrap();
        for how in [Placing::Copy, Placing::Hardlink, Placing::Symlink] {
            let file = |name: &str| Placement {
                source: source.clone(),
                name: name.to_owned(),
            };
            fill(&folder, &[file("1.dcm"), file("2.dcm")], how).unwrap();
            fill(&folder, &[file("3.dcm")], how).unwrap();
            let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
            assert_eq!(names, ["3.dcm"], "{how:?}");
            assert_eq!(fs::read(folder.join("3.dcm")).unwrap(), b"one");
        }
        assert_eq!(fs::read(&source).unwrap(), b"one");
        let missing = Placement {
            source: dir.path().join("gone"),
            name: "x.dcm".to_owned(),
        };
        assert!(fill(&folder, &[missing], Placing::Copy).is_err());
        assert!(folder.join("3.dcm").exists(), "the old folder stays");
    }
}
