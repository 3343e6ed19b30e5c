//! Files that share an identity: true copies and conflicts (`data/fixtures/README.md`, `spec/reliability.md` 3.4).

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::classify::{self, FileClass, FileVerdict, Usage};
use crate::entry::{FileEntry, Object, ObjectKind};

/// SHA-256 of the bytes `from..to` of a file.
pub(crate) fn hash_content(path: &Path, (from, to): (u64, u64)) -> io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut left = file.take(to.saturating_sub(from));
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = left.read(&mut buffer)?;
        if n == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(buffer.get(..n).unwrap_or_default());
    }
}

/// The first eight hexadecimal digits of a hash.
pub(crate) fn hex_start(hash: &[u8]) -> String {
    let first = hash.iter().take(4).fold(0_u32, |n, b| n << 8 | u32::from(*b));
    format!("{first:08x}")
}

/// Files whose content hash is needed to tell copies from conflicts: those whose UID occurs twice, and those without a UID.
pub(crate) fn need_hash(entries: &[FileEntry]) -> Vec<usize> {
    let groups = groups(entries);
    let mut wanted: Vec<usize> = groups
        .iter()
        .filter(|(uid, members)| members.len() > 1 || uid.is_empty())
        .flat_map(|(_, members)| members.iter().copied())
        .collect();
    wanted.sort_unstable();
    wanted
}

/// Members by `SOPInstanceUID`, in order of the entries.
fn groups(entries: &[FileEntry]) -> BTreeMap<&str, Vec<usize>> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        if let Some(object) = entry.object().filter(|o| !matches!(o.kind, ObjectKind::Directory)) {
            groups.entry(&object.sop_uid).or_default().push(at);
        }
    }
    groups
}

/// Verdicts over all files, in order of the entries (which are sorted by path).
pub(crate) fn judge(entries: &[FileEntry]) -> Vec<FileVerdict> {
    let mut verdicts: Vec<FileVerdict> = entries.iter().map(classify::alone).collect();
    for (uid, members) in groups(entries) {
        let objects: Vec<(usize, &Object)> = members.iter().filter_map(|at| Some((*at, entries.get(*at)?.object()?))).collect();
        let mut contents: BTreeMap<Option<[u8; 32]>, Vec<usize>> = BTreeMap::new();
        for (at, object) in &objects {
            contents.entry(object.content_hash).or_default().push(*at);
        }
        if uid.is_empty() || contents.len() == 1 {
            for (hash, same) in &contents {
                if hash.is_some() {
                    mark_copies(entries, &mut verdicts, same);
                }
            }
        } else {
            mark_conflict(entries, &mut verdicts, &objects, contents.len());
        }
    }
    verdicts
}

fn mark_copies(entries: &[FileEntry], verdicts: &mut [FileVerdict], same: &[usize]) {
    let Some((first, others)) = same.split_first() else { return };
    let of = entries.get(*first).map(|e| e.path.clone()).unwrap_or_default();
    for at in others {
        if let Some(verdict) = verdicts.get_mut(*at) {
            let also = tolerances(verdict);
            *verdict = FileVerdict {
                class: FileClass::Duplicate,
                codes: vec![Cow::Borrowed("sop.duplicate")],
                usage: Usage::Ignored,
                notes: vec![("of", classify::one_word(&of))],
            };
            verdict.notes.extend(also.map(|a| ("also", a)));
        }
    }
}

fn tolerances(verdict: &FileVerdict) -> Option<String> {
    (verdict.class == FileClass::Repaired).then(|| verdict.codes.join("+"))
}

fn mark_conflict(entries: &[FileEntry], verdicts: &mut [FileVerdict], objects: &[(usize, &Object)], contents: usize) {
    let defective = |at: usize, o: &Object| {
        o.is_truncated()
            || verdicts
                .get(at)
                .is_some_and(|_| matches!(classify::base(o).code(), "image.pixel_length" | "dicom.value"))
    };
    // Complete before cut, later creation first, then the smaller hash; of equal contents the first path.
    let rank = |(at, o): &(usize, &Object)| (defective(*at, o), Reverse(o.created), o.content_hash, *at);
    let Some((winner, best)) = objects.iter().min_by_key(|x| rank(x)).copied() else {
        return;
    };
    let complete = |(at, o): &&(usize, &Object)| !defective(*at, o);
    let left: Vec<_> = objects.iter().filter(complete).collect();
    let by = if !defective(winner, best) && left.len() < objects.len() && left.iter().all(|(_, o)| o.content_hash == best.content_hash) {
        "complete"
    } else if objects.iter().any(|(_, o)| o.created != best.created) {
        "date"
    } else {
        "hash"
    };
    let winner_path = entries.get(winner).map(|e| classify::one_word(&e.path)).unwrap_or_default();
    for (at, object) in objects {
        let Some(verdict) = verdicts.get_mut(*at) else { continue };
        let base = classify::base(object);
        let usage = match (*at == winner, object.is_truncated()) {
            (false, _) => Usage::Ignored,
            (true, true) => Usage::Failed,
            (true, false) => base.usage,
        };
        let mut notes = vec![("base", base.class.name().to_owned())];
        if base.code() != "ok" {
            notes.push(("base_code", base.code().to_owned()));
        }
        notes.extend(tolerances(verdict).map(|a| ("also", a)));
        notes.push(("files", objects.len().to_string()));
        notes.push(("contents", contents.to_string()));
        notes.extend(object.content_hash.map(|h| ("content", hex_start(&h))));
        notes.push(("winner", winner_path.clone()));
        notes.push(("by", by.to_owned()));
        *verdict = FileVerdict {
            class: FileClass::Conflict,
            codes: vec![Cow::Borrowed("sop.conflict")],
            usage,
            notes,
        };
    }
}
