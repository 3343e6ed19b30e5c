//! The walk over the input: every file is looked at once, in parallel, and ends in exactly one class with a reason.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::UNIX_EPOCH;

use rayon::prelude::*;
use rt_core::Progress;
use walkdir::WalkDir;

use crate::cache::MetaCache;
use crate::classify::FileVerdict;
use crate::copies;
use crate::entry::{FileEntry, FileOutcome};
use crate::gate::Limits;
use crate::header;

/// How to walk.
#[derive(Debug, Clone, Default)]
pub struct ScanOptions {
    /// Caps of the parsers.
    pub limits: Limits,
    /// Go into folders that are symbolic links.
    pub follow_symlinks: bool,
    /// Folders to leave out, for instance the output folder when it lies in the input.
    pub exclude: Vec<PathBuf>,
}

/// Why a scan cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// An input folder that is not there or cannot be read.
    #[error("input folder {path} cannot be read: {source}; check the path and your permissions")]
    Root {
        /// The folder.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// An input that is no folder.
    #[error("input {path} is not a folder; give the folder that holds the DICOM files")]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// The user stopped it.
    #[error("stopped by the user; run again to go on")]
    Cancelled,
}

impl ScanError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Root { .. } | Self::NotAFolder { .. } => "organize.input",
            Self::Cancelled => "interrupted",
        }
    }
}

/// One file with its verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct ScannedFile {
    /// What is kept of it.
    pub entry: Arc<FileEntry>,
    /// Class, reason and use.
    pub verdict: FileVerdict,
}

/// All files of the input, sorted by root and path.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// The roots.
    pub roots: Vec<PathBuf>,
    /// The files.
    pub files: Vec<ScannedFile>,
    /// Files opened by this scan; the others came from the cache.
    pub opened: usize,
}

impl Index {
    /// Where a file lies.
    pub fn absolute(&self, entry: &FileEntry) -> PathBuf {
        let root = self.roots.get(usize::from(entry.root)).map_or(Path::new(""), PathBuf::as_path);
        entry.path.split('/').fold(root.to_path_buf(), |path, part| path.join(part))
    }
}

struct Found {
    root: u16,
    path: String,
    absolute: PathBuf,
    /// Known before the file is opened: a folder that cannot be read, a link that leads nowhere, ...
    problem: Option<(&'static str, String)>,
}

/// Walks the roots and reads the header of every file that the cache does not know; the cache then holds exactly what was found.
///
/// The result does not depend on the number of threads or the order of folders.
///
/// # Errors
/// [`ScanError`] when a root cannot be read. A file that cannot be read is an entry, not an error.
pub fn scan(roots: &[PathBuf], cache: &mut MetaCache, opts: &ScanOptions, p: &dyn Progress) -> Result<Index, ScanError> {
    let mut found = Vec::new();
    for (number, root) in roots.iter().enumerate() {
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        walk(number, root, opts, &mut found)?;
    }
    found.sort_by(|a, b| (a.root, a.path.as_bytes()).cmp(&(b.root, b.path.as_bytes())));
    p.begin("reading headers", found.len() as u64);
    let opened = AtomicUsize::new(0);
    let known: &MetaCache = cache;
    let mut entries: Vec<FileEntry> = found
        .par_iter()
        .map(|f| {
            let entry = if p.cancelled() {
                None
            } else {
                Some(look_at(f, known, &opts.limits, &opened))
            };
            p.inc(1);
            entry
        })
        .collect::<Option<Vec<_>>>()
        .ok_or(ScanError::Cancelled)?;
    hash_where_needed(&mut entries, &found, &opened);
    cache.replace(&entries, opts.limits);
    let verdicts = copies::judge(&entries);
    let files = entries.into_iter().zip(verdicts).map(|(entry, verdict)| ScannedFile {
        entry: Arc::new(entry),
        verdict,
    });
    Ok(Index {
        roots: roots.to_vec(),
        files: files.collect(),
        opened: opened.into_inner(),
    })
}

fn walk(number: u16, root: &Path, opts: &ScanOptions, found: &mut Vec<Found>) -> Result<(), ScanError> {
    let meta = std::fs::metadata(root).map_err(|source| ScanError::Root {
        path: root.to_path_buf(),
        source,
    })?;
    if !meta.is_dir() {
        return Err(ScanError::NotAFolder { path: root.to_path_buf() });
    }
    std::fs::read_dir(root).map_err(|source| ScanError::Root {
        path: root.to_path_buf(),
        source,
    })?;
    // Folders to leave out may be named in another way than the root: compared below the root's real path.
    let real = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    let below = |path: &Path| path.canonicalize().ok()?.strip_prefix(&real).map(Path::to_path_buf).ok();
    let left_out: Vec<PathBuf> = opts.exclude.iter().filter_map(|e| below(e)).collect();
    let excluded = |path: &Path| {
        path.strip_prefix(root)
            .is_ok_and(|p| left_out.iter().any(|e| e == p && !e.as_os_str().is_empty()))
    };
    let walker = WalkDir::new(root).follow_links(opts.follow_symlinks).into_iter();
    for item in walker.filter_entry(|e| !excluded(e.path())) {
        let (absolute, problem) = match &item {
            Ok(entry) if entry.file_type().is_dir() => continue,
            Ok(entry) => (entry.path().to_path_buf(), None),
            Err(error) => {
                // A link that leads back to a folder above it: its files are seen there.
                if error.loop_ancestor().is_some() {
                    continue;
                }
                let code = if error.io_error().is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound) {
                    "file.dangling_link"
                } else {
                    "file.unreadable"
                };
                (error.path().unwrap_or(root).to_path_buf(), Some((code, reason_of(error))))
            }
        };
        let below = absolute.strip_prefix(root).unwrap_or(&absolute);
        let parts: Vec<String> = below.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
        let path = parts.join("/");
        let named = below.to_str().is_some();
        let problem = problem.or_else(|| (!named).then(|| ("file.name", "its name is not UTF-8; rename it".to_owned())));
        if problem.is_none() && is_link_to_folder(&absolute) {
            continue;
        }
        found.push(Found {
            root: number,
            path,
            absolute,
            problem,
        });
    }
    Ok(())
}

fn reason_of(error: &walkdir::Error) -> String {
    error
        .io_error()
        .map_or_else(|| "cannot be listed".to_owned(), |e| e.kind().to_string())
}

/// Links to folders are left alone unless the walk follows them (then the walk has already replaced them by the folder).
fn is_link_to_folder(path: &Path) -> bool {
    let link = std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_symlink());
    link && std::fs::metadata(path).is_ok_and(|m| m.is_dir())
}

fn look_at(found: &Found, cache: &MetaCache, limits: &Limits, opened: &AtomicUsize) -> FileEntry {
    let entry = |size, mtime_ns, outcome| FileEntry {
        root: found.root,
        path: found.path.clone(),
        size,
        mtime_ns,
        outcome,
    };
    let not_read = |code: &str, detail: String| FileOutcome::NotRead {
        code: code.to_owned(),
        detail,
    };
    if let Some((code, detail)) = &found.problem {
        return entry(0, 0, not_read(code, detail.clone()));
    }
    let meta = match std::fs::metadata(&found.absolute) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return entry(0, 0, not_read("file.dangling_link", "leads nowhere".to_owned()));
        }
        Err(error) => return entry(0, 0, not_read("file.unreadable", error.kind().to_string())),
    };
    // Looked at before it is opened: opening a pipe would wait for a writer.
    if !meta.is_file() {
        return entry(0, 0, not_read("file.special", "pipe, socket or device".to_owned()));
    }
    let modified = meta.modified().ok();
    let mtime_ns = modified.map_or(0, |t| match t.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |n| -n),
    });
    if let Some(known) = cache.get(found.root, &found.path, meta.len(), mtime_ns, limits) {
        return known.clone();
    }
    opened.fetch_add(1, Ordering::Relaxed);
    entry(meta.len(), mtime_ns, guarded(|| header::read(&found.absolute, limits)))
}

/// The last net: a panic over one file costs that file.
fn guarded(read: impl FnOnce() -> FileOutcome) -> FileOutcome {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).unwrap_or_else(|_| FileOutcome::Refused {
        code: "internal.panic".to_owned(),
        detail: "the reader panicked; please report this file".to_owned(),
    })
}

fn hash_where_needed(entries: &mut [FileEntry], found: &[Found], opened: &AtomicUsize) {
    let wanted = copies::need_hash(entries);
    let jobs: Vec<(usize, (u64, u64))> = wanted
        .into_iter()
        .filter_map(|at| {
            let object = entries.get(at)?.object()?;
            object.content_hash.is_none().then_some((at, object.content))
        })
        .collect();
    let hashes: Vec<_> = jobs
        .par_iter()
        .map(|(at, content)| {
            opened.fetch_add(1, Ordering::Relaxed);
            found.get(*at).and_then(|f| copies::hash_content(&f.absolute, *content).ok())
        })
        .collect();
    for ((at, _), hash) in jobs.iter().zip(hashes) {
        if let Some(FileOutcome::Dicom(object)) = entries.get_mut(*at).map(|e| &mut e.outcome) {
            object.content_hash = hash;
        }
    }
}
