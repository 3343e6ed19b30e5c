//! Unpacking the archives (zip, tar.gz) of the shared data into a scratch folder.

use std::io::Read;
use std::path::{Component, Path};

use crate::scratch::{Scratch, shared};

/// An archive of the shared data, unpacked; `None` (and said so) where the data are absent. See [`shared`].
///
/// # Panics
/// When the archive cannot be unpacked.
#[expect(clippy::panic, reason = "a test without its input cannot go on")]
pub fn unpacked(relative: &str) -> Option<Scratch> {
    let path = shared(relative)?;
    let scratch = Scratch::new("unpacked");
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("cannot read `{}`: {e}", path.display()));
    let unpacked = if bytes.starts_with(&[0x1f, 0x8b]) {
        unpack_tar_gz(&bytes, scratch.path())
    } else {
        unpack(&bytes, scratch.path())
    };
    unpacked.unwrap_or_else(|| panic!("`{}` is no archive that can be unpacked", path.display()));
    Some(scratch)
}

/// Stored and deflated members of a zip archive (PKWARE APPNOTE 4.3); `None` for anything else in it.
fn unpack(bytes: &[u8], into: &Path) -> Option<()> {
    let end = (0..bytes.len().checked_sub(21)?)
        .rev()
        .find(|at| bytes[*at..].starts_with(b"PK\x05\x06"))?;
    let members = u16_at(bytes, end + 10)?;
    let mut at = u32_at(bytes, end + 16)?;
    for _ in 0..members {
        let central = bytes.get(at..).filter(|b| b.starts_with(b"PK\x01\x02"))?;
        let method = u16_at(central, 10)?;
        let (packed, size) = (u32_at(central, 20)?, u32_at(central, 24)?);
        let [name, extra, comment] = [28, 30, 32].map(|o| u16_at(central, o));
        let (name, extra, comment) = (name?, extra?, comment?);
        let local = u32_at(central, 42)?;
        let path = Path::new(std::str::from_utf8(central.get(46..46 + name)?).ok()?);
        at += 46 + name + extra + comment;
        if !path.components().all(|c| matches!(c, Component::Normal(_))) {
            return None;
        }
        let target = into.join(path);
        if size == 0 && central[46..46 + name].ends_with(b"/") {
            std::fs::create_dir_all(target).ok()?;
            continue;
        }
        let head = bytes.get(local..).filter(|b| b.starts_with(b"PK\x03\x04"))?;
        let from = 30 + u16_at(head, 26)? + u16_at(head, 28)?;
        let data = head.get(from..from + packed)?;
        let mut out = Vec::with_capacity(size);
        match method {
            0 => out.extend_from_slice(data),
            8 => drop(flate2::read::DeflateDecoder::new(data).read_to_end(&mut out).ok()?),
            _ => return None,
        }
        std::fs::create_dir_all(target.parent()?).ok()?;
        (out.len() == size).then_some(())?;
        std::fs::write(target, out).ok()?;
    }
    Some(())
}

/// Files and folders of a gzipped tar archive (POSIX.1-1988 ustar); `None` for anything else in it.
pub fn unpack_tar_gz(bytes: &[u8], into: &Path) -> Option<()> {
    let mut tar = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut tar).ok()?;
    let mut at = 0;
    while let Some(head) = tar.get(at..at + 512).filter(|h| h[0] != 0) {
        let field = |from: usize, len: usize| std::str::from_utf8(&head[from..from + len]).ok().map(|t| t.trim_end_matches('\0'));
        let size = usize::from_str_radix(field(124, 12)?.trim(), 8).ok()?;
        let (prefix, name) = (field(345, 155)?, field(0, 100)?);
        let path = Path::new(prefix).join(name);
        if !path.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir)) {
            return None;
        }
        let data = tar.get(at + 512..at + 512 + size)?;
        match head[156] {
            b'0' | 0 => {
                let target = into.join(path);
                std::fs::create_dir_all(target.parent()?).ok()?;
                std::fs::write(target, data).ok()?;
            }
            b'5' => std::fs::create_dir_all(into.join(path)).ok()?,
            _ => return None,
        }
        at += 512 + size.div_ceil(512) * 512;
    }
    Some(())
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive of one stored file `a/b` with the text `hi`, written by hand.
    fn archive(name: &str) -> Vec<u8> {
        let n = u16::try_from(name.len()).unwrap().to_le_bytes();
        let sizes = [2_u32.to_le_bytes(), 2_u32.to_le_bytes()].concat();
        let local = [b"PK\x03\x04".as_slice(), &[0; 14], &sizes, &n, &[0; 2], name.as_bytes(), b"hi"].concat();
        let central = [b"PK\x01\x02".as_slice(), &[0; 16], &sizes, &n, &[0; 16], name.as_bytes()].concat();
        let start = u32::try_from(local.len()).unwrap().to_le_bytes();
        let end = [b"PK\x05\x06".as_slice(), &[0; 4], &[1, 0, 1, 0], &[0; 4], &start, &[0; 2]].concat();
        [local, central, end].concat()
    }

    #[test]
    fn a_tar_archive_is_unpacked_and_only_below_the_folder() {
        use std::io::Write;
        let tar = |name: &str| {
            let mut head = [0_u8; 1024];
            head[..name.len()].copy_from_slice(name.as_bytes());
            head[124..135].copy_from_slice(b"00000000002");
            head[156] = b'0';
            head[512..514].copy_from_slice(b"hi");
            let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gz.write_all(&head).unwrap();
            gz.write_all(&[0; 1024]).unwrap();
            gz.finish().unwrap()
        };
        let scratch = Scratch::new("tar");
        unpack_tar_gz(&tar("a/b"), scratch.path()).unwrap();
        assert_eq!(scratch.tree(), [("a/b".to_owned(), b"hi".to_vec())]);
        assert!(unpack_tar_gz(&tar("../b"), scratch.path()).is_none());
        assert!(unpack_tar_gz(b"no archive", scratch.path()).is_none());
    }

    #[test]
    fn members_are_unpacked_and_only_below_the_folder() {
        let scratch = Scratch::new("zip");
        unpack(&archive("a/b"), scratch.path()).unwrap();
        assert_eq!(scratch.tree(), [("a/b".to_owned(), b"hi".to_vec())]);
        assert!(unpack(&archive("../b"), scratch.path()).is_none());
        assert!(unpack(&archive("/b"), scratch.path()).is_none());
        assert!(unpack(b"no archive", scratch.path()).is_none());
    }
}
