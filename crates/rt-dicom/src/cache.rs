//! The metadata cache: what the scan kept, keyed by path, size and time of change. Safe to lose, and safe to damage: a file that does
//! not fit its checksum is no cache.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::entry::FileEntry;
use crate::gate::Limits;

/// Start of a cache file.
const MAGIC: [u8; 8] = *b"RTDCACHE";
/// Raised whenever [`FileEntry`] or the meaning of one of its fields changes.
const VERSION: u32 = 2;
/// Magic, version, SHA-256 of the rest.
const HEAD: usize = 8 + 4 + 32;

/// Entries of an earlier scan.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetaCache {
    limits: Option<Limits>,
    entries: HashMap<(u16, String), FileEntry>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    limits: Limits,
    entries: Vec<FileEntry>,
}

impl MetaCache {
    /// From the bytes of a cache file; anything that is not whole and of this version gives an empty cache.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let head = (bytes.get(..8), bytes.get(8..12), bytes.get(12..HEAD), bytes.get(HEAD..));
        let (Some(magic), Some(version), Some(sum), Some(body)) = head else {
            return Self::default();
        };
        if magic != MAGIC || version != VERSION.to_le_bytes() || sum != Sha256::digest(body).as_slice() {
            return Self::default();
        }
        let Ok(stored) = postcard::from_bytes::<Stored>(body) else {
            return Self::default();
        };
        Self {
            limits: Some(stored.limits),
            entries: stored.entries.into_iter().map(|e| ((e.root, e.path.clone()), e)).collect(),
        }
    }

    /// The bytes of a cache file; equal entries give equal bytes.
    ///
    /// # Errors
    /// When an entry cannot be serialised.
    pub fn to_bytes(&self) -> Result<Vec<u8>, postcard::Error> {
        let mut entries: Vec<FileEntry> = self.entries.values().cloned().collect();
        entries.sort_by(|a, b| (a.root, &a.path).cmp(&(b.root, &b.path)));
        let body = postcard::to_stdvec(&Stored {
            limits: self.limits.unwrap_or_default(),
            entries,
        })?;
        let mut out = Vec::with_capacity(HEAD + body.len());
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(Sha256::digest(&body).as_slice());
        out.extend_from_slice(&body);
        Ok(out)
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of a file that has not changed since.
    pub(crate) fn get(&self, root: u16, path: &str, size: u64, mtime_ns: i64, limits: &Limits) -> Option<&FileEntry> {
        if self.limits.as_ref() != Some(limits) {
            return None;
        }
        let entry = self.entries.get(&(root, path.to_owned()))?;
        (entry.size == size && entry.mtime_ns == mtime_ns).then_some(entry)
    }

    /// Keeps exactly these entries.
    pub(crate) fn replace(&mut self, entries: &[FileEntry], limits: Limits) {
        self.limits = Some(limits);
        self.entries = entries.iter().map(|e| ((e.root, e.path.clone()), e.clone())).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::FileOutcome;
    use crate::gate::NotDicom;

    fn cache() -> MetaCache {
        let entry = |path: &str| FileEntry {
            root: 0,
            path: path.to_owned(),
            size: 3,
            mtime_ns: 7,
            outcome: FileOutcome::NotDicom(NotDicom::Text),
        };
        let mut cache = MetaCache::default();
        cache.replace(&[entry("b"), entry("a/c")], Limits::default());
        cache
    }

    #[test]
    fn what_is_written_is_read_back_and_only_for_unchanged_files() {
        let cache = cache();
        let read = MetaCache::from_bytes(&cache.to_bytes().unwrap());
        assert_eq!(read, cache);
        let limits = Limits::default();
        assert!(read.get(0, "b", 3, 7, &limits).is_some());
        assert!(read.get(0, "b", 3, 8, &limits).is_none());
        assert!(read.get(0, "b", 4, 7, &limits).is_none());
        assert!(read.get(1, "b", 3, 7, &limits).is_none());
        let other = Limits { max_depth: 3, ..limits };
        assert!(read.get(0, "b", 3, 7, &other).is_none());
    }

    #[test]
    fn a_damaged_cache_is_no_cache() {
        let bytes = cache().to_bytes().unwrap();
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 0x40;
            assert!(MetaCache::from_bytes(&broken).is_empty(), "byte {at}");
            assert!(MetaCache::from_bytes(&bytes[..at]).is_empty());
        }
    }
}
