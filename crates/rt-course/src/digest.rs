//! Content digests of files and folders, not computed twice for a file that did not change.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A file or folder could not be digested.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// It could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It should hold JSON and does not.
    #[error("{path} is not valid JSON")]
    Json {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl DigestError {
    /// Stable code: `digest.read` or `digest.json`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "digest.read",
            Self::Json { .. } => "digest.json",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Read { .. } => {
                "check that the file is there and that this account may read it, or make it again with the stage that writes it"
            }
            Self::Json { .. } => "remove the file and run the stage that writes it again",
        }
    }
}

fn unreadable(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> DigestError {
    let path = path.into();
    move |source| DigestError::Read { path, source }
}

/// Content and identity of one file at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDigest {
    /// BLAKE3 of the content, hex.
    pub blake3: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Time of last change, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Inode number, 0 where the system has none.
    pub inode: u64,
}

impl FileDigest {
    fn is_still(&self, now: &Metadata) -> bool {
        let (mtime_ns, inode) = identity(now);
        self.bytes == now.len() && self.mtime_ns == mtime_ns && self.inode == inode
    }
}

/// Time of last change in nanoseconds since 1970 and inode number.
fn identity(meta: &Metadata) -> (i64, u64) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (
            meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec()),
            meta.ino(),
        )
    }
    #[cfg(not(unix))]
    {
        let since = meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
        (since.and_then(|d| i64::try_from(d.as_nanos()).ok()).unwrap_or(0), 0)
    }
}

/// Digests known from earlier stages, by path; a file with the same size, time and inode is not read again.
#[derive(Debug, Clone, Default)]
pub struct Memo {
    known: HashMap<Utf8PathBuf, FileDigest>,
}

impl Memo {
    /// Takes over a digest that an earlier run recorded.
    pub fn remember(&mut self, path: Utf8PathBuf, digest: FileDigest) {
        self.known.insert(path, digest);
    }

    /// Digest of a file, read only when it is not known or changed.
    ///
    /// # Errors
    /// [`DigestError::Read`].
    pub fn file(&mut self, path: &Utf8Path) -> Result<FileDigest, DigestError> {
        let meta = fs::metadata(path).map_err(unreadable(path))?;
        if let Some(known) = self.known.get(path).filter(|known| known.is_still(&meta)) {
            return Ok(known.clone());
        }
        let digest = digest_file(path)?;
        self.known.insert(path.to_owned(), digest.clone());
        Ok(digest)
    }
}

/// BLAKE3 of a file's content with the size and times it had when it was opened.
///
/// # Errors
/// [`DigestError::Read`].
pub fn digest_file(path: &Utf8Path) -> Result<FileDigest, DigestError> {
    let mut file = File::open(path).map_err(unreadable(path))?;
    let meta = file.metadata().map_err(unreadable(path))?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => drop(hasher.update(&buffer[..n])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(path)(error)),
        }
    }
    let (mtime_ns, inode) = identity(&meta);
    Ok(FileDigest {
        blake3: hasher.finalize().to_hex().to_string(),
        bytes: meta.len(),
        mtime_ns,
        inode,
    })
}

/// BLAKE3 of parts of a JSON file, each named by a JSON pointer (RFC 6901); a part that is missing counts as `null`.
/// A stage that lists only the parts it uses does not run again when others change.
///
/// # Errors
/// [`DigestError`] when the file cannot be read or is no JSON.
pub fn digest_json_parts(path: &Utf8Path, pointers: &[&str]) -> Result<String, DigestError> {
    let text = fs::read(path).map_err(unreadable(path))?;
    let value: Value = serde_json::from_slice(&text).map_err(|source| DigestError::Json { path: path.into(), source })?;
    let mut hasher = blake3::Hasher::new();
    for pointer in pointers {
        let part = value.pointer(pointer).unwrap_or(&Value::Null);
        hasher.update(pointer.as_bytes());
        hasher.update(b"\0");
        hasher.update(part.to_string().as_bytes());
        hasher.update(b"\n");
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// BLAKE3 of a folder's listing: relative path, size and time of each file, in order of names; no file is opened.
/// Links are followed, each folder once. What cannot be listed counts as such and is no error.
///
/// # Errors
/// [`DigestError::Read`] when `root` itself cannot be listed.
pub fn digest_listing(root: &Path) -> Result<String, DigestError> {
    fs::read_dir(root).map_err(unreadable(root))?;
    let mut hasher = blake3::Hasher::new();
    let mut seen = HashSet::new();
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        if let Ok(meta) = fs::metadata(root.join(&folder))
            && !first_visit(&mut seen, &meta)
        {
            continue;
        }
        let Ok(entries) = fs::read_dir(root.join(&folder)) else {
            record(&mut hasher, &folder, b"unreadable");
            continue;
        };
        let mut names: Vec<_> = entries.flatten().map(|e| folder.join(e.file_name())).collect();
        names.sort();
        let mut folders = Vec::new();
        for name in &names {
            match fs::metadata(root.join(name)) {
                Ok(meta) if meta.is_dir() => folders.push(name.clone()),
                Ok(meta) => {
                    let (mtime_ns, _) = identity(&meta);
                    record(&mut hasher, name, format!("{} {mtime_ns}", meta.len()).as_bytes());
                }
                Err(_) => record(&mut hasher, name, b"unreadable"),
            }
        }
        open.extend(folders.into_iter().rev());
    }
    Ok(hasher.finalize().to_hex().to_string())
}

fn record(hasher: &mut blake3::Hasher, path: &Path, what: &[u8]) {
    for part in [path.as_os_str().as_encoded_bytes(), b"\0", what, b"\n"] {
        hasher.update(part);
    }
}

fn first_visit(seen: &mut HashSet<(u64, u64)>, meta: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        seen.insert((meta.dev(), meta.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = (seen, meta);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(dir.path().to_owned()).unwrap();
        (dir, path)
    }

    #[test]
    fn the_digest_is_the_published_one() {
        let (_guard, dir) = folder();
        fs::write(dir.join("empty"), "").unwrap();
        // BLAKE3 of nothing, from the official test vectors.
        let expected = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(digest_file(&dir.join("empty")).unwrap().blake3, expected);
    }

    #[test]
    fn an_unchanged_file_is_not_read_again_and_a_changed_one_is() {
        let (_guard, dir) = folder();
        let path = dir.join("f");
        fs::write(&path, "one").unwrap();
        let mut memo = Memo::default();
        let first = memo.file(&path).unwrap();
        // A wrong digest under the same identity comes back: the file was not read.
        memo.remember(
            path.clone(),
            FileDigest {
                blake3: "remembered".into(),
                ..first.clone()
            },
        );
        assert_eq!(memo.file(&path).unwrap().blake3, "remembered");
        fs::write(dir.join("g"), "two").unwrap();
        fs::rename(dir.join("g"), &path).unwrap();
        let second = memo.file(&path).unwrap();
        assert_ne!(second.blake3, first.blake3);
        assert_eq!(second.blake3, blake3::hash(b"two").to_hex().to_string());
    }

    #[test]
    fn only_the_named_parts_of_a_json_file_count() {
        let (_guard, dir) = folder();
        let path = dir.join("course.json");
        let digest = |text: &str| {
            fs::write(&path, text).unwrap();
            digest_json_parts(&path, &["/dose", "/plans/0"]).unwrap()
        };
        let first = digest(r#"{"dose": {"uid": "1"}, "plans": ["a", "b"], "ct": 1}"#);
        assert_eq!(first, digest(r#"{"ct": 2, "plans": ["a"], "dose": {"uid": "1"}}"#));
        assert_ne!(first, digest(r#"{"dose": {"uid": "2"}, "plans": ["a"]}"#));
        fs::write(&path, "{").unwrap();
        assert_eq!(digest_json_parts(&path, &[]).unwrap_err().code(), "digest.json");
    }

    #[test]
    fn a_listing_changes_with_names_sizes_and_times_and_ends_at_loops() {
        let (_guard, dir) = folder();
        fs::create_dir_all(dir.join("a/b")).unwrap();
        fs::write(dir.join("a/b/1.dcm"), "x").unwrap();
        let list = || digest_listing(dir.as_std_path()).unwrap();
        let first = list();
        assert_eq!(first, list());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&dir, dir.join("a/loop")).unwrap();
            assert_eq!(first, list());
        }
        fs::write(dir.join("a/b/2.dcm"), "x").unwrap();
        let second = list();
        assert_ne!(first, second);
        fs::rename(dir.join("a/b/2.dcm"), dir.join("a/b/3.dcm")).unwrap();
        assert_ne!(second, list());
        assert!(digest_listing(dir.join("absent").as_std_path()).is_err());
    }
}
