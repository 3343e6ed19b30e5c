//! The publish protocol: a file under its real name is absent, the whole old one or the whole new one, at every instant.
//!
//! `.<name>.tmp-<pid>-<8 hex>` beside the target, write, `fsync`, rename, `fsync` of the folder (`spec/reliability.md` section 5).
//! Temporary files of this process are removed when dropped, on [`remove_own_temporaries`], or by [`sweep`] of a later run.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

/// A file or folder could not be published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The system refused a step; `step` says which one.
    #[error("cannot {step} {path}")]
    Io {
        /// What was tried.
        step: &'static str,
        /// The file or folder.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A value has no JSON form.
    #[error("cannot write {path} as JSON")]
    Json {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl WriteError {
    /// Stable code: `write.io`, `write.disk_full`, `write.denied`, `write.json`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => "write.disk_full",
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "write.denied",
                _ => "write.io",
            },
            Self::Json { .. } => "write.json",
        }
    }

    /// What the user can do, where there is something.
    pub fn hint(&self) -> Option<&'static str> {
        match self.code() {
            "write.disk_full" => Some("make room on the output disk and run again: finished stages are kept"),
            "write.denied" => Some("choose an output folder that this account may write to"),
            _ => None,
        }
    }
}

impl From<WriteError> for io::Error {
    fn from(error: WriteError) -> Self {
        let kind = match &error {
            WriteError::Io { source, .. } => source.kind(),
            WriteError::Json { .. } => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

fn failed(step: &'static str, path: &Utf8Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_owned();
    move |source| WriteError::Io { step, path, source }
}

/// Temporary files and folders of this process that are not published yet.
static LIVE: Mutex<BTreeSet<Utf8PathBuf>> = Mutex::new(BTreeSet::new());

fn live<T>(act: impl FnOnce(&mut BTreeSet<Utf8PathBuf>) -> T) -> T {
    act(&mut LIVE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Removes every temporary file and folder that this process has open; for the moment before a forced exit.
pub fn remove_own_temporaries() {
    for path in live(std::mem::take) {
        discard(&path);
    }
}

fn discard(path: &Utf8Path) {
    if fs::remove_file(path).is_err() {
        let _ = fs::remove_dir_all(path);
    }
}

fn temporary_name(name: &str) -> String {
    let random = RandomState::new().build_hasher().finish() & 0xffff_ffff;
    format!(".{name}.tmp-{}-{random:08x}", std::process::id())
}

/// The final name that a temporary name of ours stands for, and the process that made it.
fn parts_of(name: &str) -> Option<(&str, &str)> {
    let (target, tail) = name.strip_prefix('.')?.rsplit_once(".tmp-")?;
    let (pid, random) = tail.split_once('-')?;
    let digits = |text: &str, hex: bool| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || hex && b.is_ascii_hexdigit());
    (digits(pid, false) && random.len() == 8 && digits(random, true)).then_some((target, pid))
}

/// Whether another process of this machine has this number; a file of a process on another machine is protected by the lease alone.
fn is_alive(pid: &str) -> bool {
    pid != std::process::id().to_string() && std::path::Path::new("/proc").join(pid).exists()
}

/// Removes left-over temporary files and folders directly in `folder` whose final name satisfies `wanted`; returns how many went.
/// Those of a process that is alive stay. Call it only while holding the lease of the stage that writes them.
///
/// # Errors
/// [`WriteError`] when the folder exists but cannot be listed.
pub fn sweep(folder: &Utf8Path, wanted: impl Fn(&str) -> bool) -> Result<usize, WriteError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(0),
        other => other.map_err(failed("list", folder))?,
    };
    let mut removed = 0;
    for entry in entries.flatten() {
        let name = entry.file_name();
        if let Some(name) = name.to_str()
            && parts_of(name).is_some_and(|(target, pid)| wanted(target) && !is_alive(pid))
            && !live(|set| set.contains(&folder.join(name)))
        {
            discard(&folder.join(name));
            removed += 1;
        }
    }
    Ok(removed)
}

/// Parts of a target path: its folder (made when missing) and its name.
fn prepare(target: &Utf8Path) -> Result<(Utf8PathBuf, &str), WriteError> {
    let no_name = || io::Error::new(io::ErrorKind::InvalidInput, "the path has no file name");
    let name = target.file_name().ok_or_else(no_name).map_err(failed("create", target))?;
    let folder = match target.parent() {
        Some(parent) if !parent.as_str().is_empty() => parent.to_owned(),
        _ => Utf8PathBuf::from("."),
    };
    fs::create_dir_all(&folder).map_err(failed("create the folder", &folder))?;
    Ok((folder, name))
}

fn sync_folder(folder: &Utf8Path) -> Result<(), WriteError> {
    match File::open(folder).and_then(|f| f.sync_all()) {
        // Some network file systems cannot sync a folder; the rename itself has happened.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        other => other.map_err(failed("sync the folder", folder)),
    }
}

/// A file being written beside its target; it replaces the target on [`AtomicFile::commit`] and vanishes when dropped.
///
/// Writers that want a path rather than a stream write to [`AtomicFile::path`] (truncating it is fine) and commit afterwards.
#[derive(Debug)]
pub struct AtomicFile {
    stream: Option<BufWriter<File>>,
    temporary: Utf8PathBuf,
    target: Utf8PathBuf,
    folder: Utf8PathBuf,
}

impl AtomicFile {
    /// Opens a temporary file beside `target`; missing folders are made.
    ///
    /// # Errors
    /// [`WriteError`] when the folder or the file cannot be made.
    pub fn create(target: impl AsRef<Utf8Path>) -> Result<Self, WriteError> {
        let target = target.as_ref();
        let (folder, name) = prepare(target)?;
        loop {
            let temporary = folder.join(temporary_name(name));
            match OpenOptions::new().write(true).read(true).create_new(true).open(&temporary) {
                Ok(file) => {
                    live(|set| set.insert(temporary.clone()));
                    let stream = Some(BufWriter::with_capacity(1 << 18, file));
                    return Ok(Self {
                        stream,
                        temporary,
                        target: target.to_owned(),
                        folder,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed("create", target)(error)),
            }
        }
    }

    /// Where the bytes lie until the commit.
    pub fn path(&self) -> &Utf8Path {
        &self.temporary
    }

    /// Flushes, syncs and renames onto the target.
    ///
    /// # Errors
    /// [`WriteError`]; the target is then untouched and the temporary file removed.
    pub fn commit(mut self) -> Result<(), WriteError> {
        if let Some(mut stream) = self.stream.take() {
            stream.flush().map_err(failed("write", &self.target))?;
        }
        // Opened again by name: a writer that was given the path may have replaced the file.
        File::open(&self.temporary)
            .and_then(|f| f.sync_all())
            .map_err(failed("sync", &self.target))?;
        fs::rename(&self.temporary, &self.target).map_err(failed("rename onto", &self.target))?;
        live(|set| set.remove(&self.temporary));
        sync_folder(&self.folder)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream
            .as_mut()
            .map_or(Err(io::ErrorKind::BrokenPipe.into()), |s| s.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.stream
            .as_mut()
            .map_or(Err(io::ErrorKind::BrokenPipe.into()), |s| s.seek(position))
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if live(|set| set.remove(&self.temporary)) {
            self.stream = None;
            discard(&self.temporary);
        }
    }
}

/// A folder of many files being filled beside its target; it replaces the whole target folder on [`AtomicDir::commit`].
#[derive(Debug)]
pub struct AtomicDir {
    temporary: Utf8PathBuf,
    target: Utf8PathBuf,
    folder: Utf8PathBuf,
}

impl AtomicDir {
    /// Makes a temporary folder beside `target`.
    ///
    /// # Errors
    /// [`WriteError`] when it cannot be made.
    pub fn create(target: impl AsRef<Utf8Path>) -> Result<Self, WriteError> {
        let target = target.as_ref();
        let (folder, name) = prepare(target)?;
        let temporary = folder.join(temporary_name(name));
        fs::create_dir(&temporary).map_err(failed("create the folder", target))?;
        live(|set| set.insert(temporary.clone()));
        Ok(Self {
            temporary,
            target: target.to_owned(),
            folder,
        })
    }

    /// Where to put the files until the commit.
    pub fn path(&self) -> &Utf8Path {
        &self.temporary
    }

    /// Puts the folder in place of the target and removes what stood there.
    ///
    /// # Errors
    /// [`WriteError`]; the old folder is then still in place.
    pub fn commit(self) -> Result<(), WriteError> {
        sync_folder(&self.temporary)?;
        let old = match fs::rename(&self.temporary, &self.target) {
            Ok(()) => None,
            Err(error) if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) => Some(self.exchange()?),
            Err(error) => return Err(failed("rename onto", &self.target)(error)),
        };
        live(|set| set.remove(&self.temporary));
        sync_folder(&self.folder)?;
        if let Some(old) = old {
            fs::remove_dir_all(&old).map_err(failed("remove the old folder", &old))?;
        }
        Ok(())
    }

    /// Swaps new and old in one step where the system can, else by two renames; returns where the old folder went.
    fn exchange(&self) -> Result<Utf8PathBuf, WriteError> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            if renameat_with(CWD, self.temporary.as_str(), CWD, self.target.as_str(), RenameFlags::EXCHANGE).is_ok() {
                return Ok(self.temporary.clone());
            }
        }
        let aside = self.folder.join(temporary_name(self.target.file_name().unwrap_or("old")));
        fs::rename(&self.target, &aside).map_err(failed("move aside", &self.target))?;
        match fs::rename(&self.temporary, &self.target) {
            Ok(()) => Ok(aside),
            Err(error) => {
                let _ = fs::rename(&aside, &self.target);
                Err(failed("rename onto", &self.target)(error))
            }
        }
    }
}

impl Drop for AtomicDir {
    fn drop(&mut self) {
        if live(|set| set.remove(&self.temporary)) {
            discard(&self.temporary);
        }
    }
}

/// Writes a file by the publish protocol; the closure gets a buffered stream.
///
/// # Errors
/// [`WriteError`], with the closure's own error as its cause; the target is then untouched.
pub fn write_atomic(target: impl AsRef<Utf8Path>, write: impl FnOnce(&mut AtomicFile) -> io::Result<()>) -> Result<(), WriteError> {
    let mut file = AtomicFile::create(&target)?;
    write(&mut file).map_err(failed("write", target.as_ref()))?;
    file.commit()
}

/// Writes bytes by the publish protocol.
///
/// # Errors
/// [`WriteError`]; the target is then untouched.
pub fn write_bytes(target: impl AsRef<Utf8Path>, bytes: &[u8]) -> Result<(), WriteError> {
    write_atomic(target, |file| file.write_all(bytes))
}

/// Writes a value as indented JSON with a final newline, by the publish protocol.
///
/// # Errors
/// [`WriteError`]; the target is then untouched.
pub fn write_json<T: Serialize + ?Sized>(target: impl AsRef<Utf8Path>, value: &T) -> Result<(), WriteError> {
    let target = target.as_ref();
    let mut text = serde_json::to_vec_pretty(value).map_err(|source| WriteError::Json {
        path: target.to_owned(),
        source,
    })?;
    text.push(b'\n');
    write_bytes(target, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(dir.path().to_owned()).unwrap();
        (dir, path)
    }

    fn names(folder: &Utf8Path) -> Vec<String> {
        let mut names: Vec<_> = folder.read_dir_utf8().unwrap().map(|e| e.unwrap().file_name().to_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let (_guard, dir) = folder();
        let target = dir.join("a.txt");
        write_bytes(&target, b"old").unwrap();
        let error = write_atomic(&target, |file| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(error.unwrap_err().code(), "write.disk_full");
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert_eq!(names(&dir), ["a.txt"]);
    }

    #[test]
    fn a_writer_may_use_the_path_instead_of_the_stream() {
        let (_guard, dir) = folder();
        let file = AtomicFile::create(dir.join("deep/er/b.bin")).unwrap();
        fs::write(file.path(), b"by path").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read(dir.join("deep/er/b.bin")).unwrap(), b"by path");
        assert_eq!(names(&dir.join("deep/er")), ["b.bin"]);
    }

    #[test]
    fn a_folder_is_replaced_as_a_whole() {
        let (_guard, dir) = folder();
        let target = dir.join("DICOM");
        for round in ["one", "two"] {
            let new = AtomicDir::create(&target).unwrap();
            fs::write(new.path().join(round), round).unwrap();
            new.commit().unwrap();
            assert_eq!(names(&target), [round]);
            assert_eq!(names(&dir), ["DICOM"]);
        }
    }

    #[test]
    fn only_our_temporary_files_of_the_wanted_target_are_swept() {
        let (_guard, dir) = folder();
        let left = [
            ".dvh.json.tmp-4194305-0123abcd",
            ".qc.json.tmp-4194305-0123abcd",
            ".dvh.json.tmp-x-0123abcd",
            "dvh.json",
            ".dvh.json.tmp-4194305-01",
        ];
        for name in left {
            fs::write(dir.join(name), "").unwrap();
        }
        assert_eq!(sweep(&dir, |target| target == "dvh.json").unwrap(), 1);
        assert_eq!(names(&dir).len(), 4);
        assert_eq!(sweep(&dir, |_| true).unwrap(), 1);
        assert_eq!(names(&dir), [".dvh.json.tmp-4194305-01", ".dvh.json.tmp-x-0123abcd", "dvh.json"]);
        assert_eq!(sweep(&dir.join("absent"), |_| true).unwrap(), 0);
        // Process 1 is alive on every Linux: its file is not left over.
        #[cfg(target_os = "linux")]
        {
            fs::write(dir.join(".a.tmp-1-0123abcd"), "").unwrap();
            assert_eq!(sweep(&dir, |_| true).unwrap(), 0);
        }
    }

    #[test]
    fn a_target_in_a_file_instead_of_a_folder_is_refused_with_its_name() {
        let (_guard, dir) = folder();
        write_bytes(dir.join("f"), b"").unwrap();
        let error = write_bytes(dir.join("f/x.json"), b"1").unwrap_err();
        assert!(error.to_string().contains("/f"), "{error}");
    }
}
