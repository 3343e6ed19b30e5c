//! A folder for one test, gone when the test ends; and the way to the shared data, where it exists.

use std::path::{Path, PathBuf};

/// A temporary folder. Its methods panic with the path in the message: it is for tests.
#[derive(Debug)]
pub struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    /// A new empty folder whose name begins with `name`.
    ///
    /// # Panics
    /// When the system's temporary folder cannot be written.
    #[expect(clippy::panic, reason = "a test without a folder cannot go on")]
    pub fn new(name: &str) -> Self {
        let made = tempfile::Builder::new().prefix(&format!("rt-{name}-")).tempdir();
        Self {
            folder: made.unwrap_or_else(|e| panic!("no temporary folder for the test `{name}`: {e}")),
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A path below the folder; nothing is made.
    pub fn join(&self, relative: &str) -> PathBuf {
        self.path().join(relative)
    }

    /// Writes a file below the folder, with the folders on its way, and returns its path.
    ///
    /// # Panics
    /// When it cannot be written.
    #[expect(clippy::panic, reason = "a test without its input cannot go on")]
    pub fn write(&self, relative: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(relative);
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|()| std::fs::write(&path, bytes))
            .unwrap_or_else(|e| panic!("cannot write `{}`: {e}", path.display()));
        path
    }

    /// Every file below the folder: path with `/` relative to it, and its bytes; in byte order of the paths. Two equal trees give equal lists.
    ///
    /// # Panics
    /// When a file cannot be read.
    pub fn tree(&self) -> Vec<(String, Vec<u8>)> {
        tree(self.path())
    }
}

/// Every file below a folder, as [`Scratch::tree`].
///
/// # Panics
/// When a folder or file cannot be read.
#[expect(clippy::panic, reason = "a test that cannot compare cannot go on")]
pub fn tree(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let failed = |path: &Path, e: std::io::Error| -> ! { panic!("cannot read `{}`: {e}", path.display()) };
    let mut open = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap_or_else(|e| failed(&dir, e)) {
            let path = entry.unwrap_or_else(|e| failed(&dir, e)).path();
            if path.is_dir() {
                open.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap_or_else(|e| failed(&path, e));
                let relative = path.strip_prefix(folder).unwrap_or(&path);
                let parts: Vec<_> = relative.components().map(|c| c.as_os_str().to_string_lossy()).collect();
                files.push((parts.join("/"), bytes));
            }
        }
    }
    files.sort();
    files
}

/// A file or folder of the shared data: below `RT_SHARED`, else below `shared` beside the workspace.
/// Where it is absent, says so on standard error and returns `None`: the test then passes without having looked. A test runner hides
/// what a passing test prints, so the path is also added to the file that `RT_SKIP_LOG` names; `cargo xtask test` reports it.
#[expect(clippy::print_stderr, reason = "the one line that tells a test was skipped")]
pub fn shared(relative: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("RT_SHARED").map_or(beside, PathBuf::from);
    let path = root.join(relative);
    if path.exists() {
        return Some(path);
    }
    if let Some(log) = std::env::var_os("RT_SKIP_LOG") {
        note(Path::new(&log), relative);
    }
    eprintln!("skipped: no `{relative}` in the shared data (set RT_SHARED to the folder that holds it)");
    None
}

/// Adds a line to a file; one write call, so that lines of many test processes do not mix.
fn note(log: &Path, line: &str) {
    let file = std::fs::OpenOptions::new().append(true).create(true).open(log);
    // A report that cannot be kept is no reason to fail a test.
    let _ = file.and_then(|mut f| std::io::Write::write_all(&mut f, format!("{line}\n").as_bytes()));
}
