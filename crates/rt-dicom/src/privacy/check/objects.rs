//! Single objects: what an original says of its patient, and whether a released one says it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use dicom::core::{Tag, VR};
use dicom::dictionary_std::tags;
use sha2::{Digest as _, Sha256};

use super::CheckFinding;
use super::search::{Needles, SHORTEST};
use crate::charset::Charset;
use crate::object::{DataSet, Value, Whole, read_whole};
use crate::privacy::table::{Column, Row, WORDS, is_graphics, row};
use crate::scan::ScanError;

/// Shortest string that is looked for among pixels: shorter ones occur there by chance.
const SHORTEST_IN_PIXELS: usize = 8;
/// `OtherPatientIDs`, retired and still met.
const OTHER_PATIENT_IDS: Tag = Tag(0x0010, 0x1000);
/// Report that the command itself leaves in a cleaned folder.
const OWN_REPORT: &str = "DEIDENTIFICATION.json";

/// An object of the input.
pub(super) struct Original {
    pub(super) set: DataSet,
    pub(super) charset: Charset,
    /// UIDs of things.
    pub(super) uids: BTreeSet<String>,
    /// Text values by tag, without padding.
    pub(super) texts: Vec<(Tag, Vec<u8>)>,
    pub(super) fingerprint: [u8; 32],
}

/// An object of the output.
pub(super) struct Released {
    pub(super) file: String,
    pub(super) set: DataSet,
    pub(super) fingerprint: [u8; 32],
}

/// The files of a folder and below, sorted.
pub(super) fn files(root: &Path) -> Result<Vec<PathBuf>, ScanError> {
    let entry = |e: walkdir::Result<walkdir::DirEntry>| {
        e.map_err(|e| ScanError::Root {
            path: root.to_path_buf(),
            source: e.into(),
        })
    };
    let all: Vec<walkdir::DirEntry> = walkdir::WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .map(entry)
        .collect::<Result<_, _>>()?;
    Ok(all
        .into_iter()
        .filter(|e| e.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect())
}

impl Original {
    /// `None` for what is not a DICOM file that can be read whole.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let Whole { set, charset, .. } = read_whole(path).ok()?;
        let mut uids = BTreeSet::new();
        let mut texts = Vec::new();
        walk(&set, &mut |tag, vr, value, _| {
            let Value::Bytes(bytes) = value else { return };
            if vr == VR::UI {
                uids.extend(things(bytes));
            } else if is_readable(vr) && tag != tags::CONTOUR_DATA {
                texts.push((tag, trimmed(bytes).to_vec()));
            }
        });
        Some(Self {
            fingerprint: fingerprint(&set),
            set,
            charset,
            uids,
            texts,
        })
    }
}

/// Visits every element with the item that it stands in.
pub(super) fn walk<'a>(set: &'a DataSet, visit: &mut dyn FnMut(Tag, VR, &'a Value, &'a DataSet)) {
    for (tag, vr, value) in set.iter() {
        visit(tag, vr, value, set);
        if let Value::Items(items) = value {
            for item in items {
                walk(item, visit);
            }
        }
    }
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|b| !matches!(b, 0 | b' ')).map_or(0, |n| n + 1);
    bytes.get(..end).unwrap_or_default().trim_ascii_start()
}

fn is_readable(vr: VR) -> bool {
    !matches!(
        vr,
        VR::UI
            | VR::SQ
            | VR::OB
            | VR::OW
            | VR::OF
            | VR::OD
            | VR::OL
            | VR::OV
            | VR::US
            | VR::SS
            | VR::UL
            | VR::SL
            | VR::FL
            | VR::FD
            | VR::AT
    )
}

/// UIDs that name things, not kinds of things.
pub(super) fn things(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.split('\\')
        .map(|u| u.trim_matches(|c: char| c == '\0' || c.is_whitespace()))
        .filter(|u| !u.is_empty() && !u.starts_with("1.2.840.10008."))
        .map(str::to_owned)
        .collect()
}

/// What must not change: pixels, and every number and coordinate that the table does not list.
fn fingerprint(set: &DataSet) -> [u8; 32] {
    let mut hash = Sha256::new();
    walk(set, &mut |tag, vr, value, _| {
        let number = matches!(
            vr,
            VR::DS | VR::IS | VR::FL | VR::FD | VR::US | VR::SS | VR::UL | VR::SL | VR::OW | VR::OF | VR::OD
        );
        let stays = number || tag == tags::PIXEL_DATA || tag == tags::SOP_CLASS_UID;
        if !stays || tag.group() % 2 == 1 || is_graphics(tag) || row(tag).is_some() {
            return;
        }
        hash.update(tag.group().to_le_bytes());
        hash.update(tag.element().to_le_bytes());
        match value {
            Value::Bytes(bytes) => hash.update(trimmed(bytes)),
            Value::Fragments(fragments) => fragments.iter().for_each(|f| hash.update(f)),
            Value::Items(_) => {}
        }
    });
    hash.finalize().into()
}

/// Values that name the patient or somebody else, and their parts.
pub(super) fn secrets(set: &DataSet, charset: &Charset) -> Vec<Vec<u8>> {
    let mut out: Vec<Vec<u8>> = Vec::new();
    let mut keep = |text: &str| {
        let text = text.trim();
        let is_word = |w: &str| WORDS.contains(w.to_lowercase().as_str());
        // What was cleaned before (`ANON`) is no secret, and part of a dummy.
        let dummy = "anonymized".starts_with(text.to_lowercase().as_str()) || text.eq_ignore_ascii_case("anonymous");
        if text.len() >= SHORTEST && !is_word(text) && !dummy && !text.bytes().all(|b| b == b'0') {
            out.push(text.as_bytes().to_vec());
        }
    };
    walk(set, &mut |tag, vr, value, _| {
        let Value::Bytes(bytes) = value else { return };
        let text = || charset.decode(trimmed(bytes));
        match vr {
            VR::PN => text().split(['^', '=', ' ', '\\', ',']).for_each(&mut keep),
            _ if matches!(
                tag,
                tags::PATIENT_ID | OTHER_PATIENT_IDS | tags::ACCESSION_NUMBER | tags::PATIENT_BIRTH_DATE
            ) =>
            {
                text().split('\\').for_each(&mut keep);
            }
            VR::LO | VR::SH | VR::ST | VR::LT | VR::UT | VR::UC | VR::AE if is_secret(tag) => text().split('\\').for_each(&mut keep),
            _ => {}
        }
    });
    out
}

/// Text that the table lists without a way to keep it, and all private text.
fn is_secret(tag: Tag) -> bool {
    tag.group() % 2 == 1 || row(tag).is_some_and(|r| r.option(Column::Descriptors).is_none() && r.option(Column::Device).is_none())
}

/// Reads an object of the output and holds it against the table, the secrets and the UIDs of the input.
pub(super) fn look(
    path: &Path,
    file: &str,
    needles: &Needles,
    uids: &BTreeSet<&str>,
    stored: &BTreeMap<Tag, BTreeSet<&[u8]>>,
) -> (Option<Released>, Vec<CheckFinding>) {
    let mut findings = Vec::new();
    let mut tell = |code, tag: Option<Tag>, detail: String| {
        findings.push(CheckFinding {
            code,
            file: file.to_owned(),
            element: tag.map(|t| format!("({:04X},{:04X})", t.group(), t.element())).unwrap_or_default(),
            detail,
        });
    };
    if needles.find(file.as_bytes(), SHORTEST).is_some() {
        tell(
            "check.name",
            None,
            "the file's name or folder holds a value of the input".to_owned(),
        );
    }
    if file == OWN_REPORT {
        let bytes = std::fs::read(path).unwrap_or_default();
        if needles.find(&bytes, SHORTEST).is_some() {
            tell("check.leak", None, "the report holds a value of the input".to_owned());
        }
        return (None, findings);
    }
    let (bytes, whole) = match (std::fs::read(path), read_whole(path)) {
        (Ok(bytes), Ok(whole)) => (bytes, whole),
        (Err(e), _) => {
            tell("check.unread", None, format!("cannot be read: {e}"));
            return (None, findings);
        }
        (_, Err(e)) => {
            tell("check.foreign", None, format!("is not a DICOM file that can be checked: {e}"));
            return (None, findings);
        }
    };
    let (head, pixels) = split(&bytes, &whole);
    let head = without_makers(head, &whole.set, stored);
    if bytes.get(..128).is_some_and(|p| p.iter().any(|b| *b != 0)) {
        tell("check.preamble", None, "the preamble is not empty".to_owned());
    }
    for (part, shortest) in [(head.as_slice(), SHORTEST), (pixels, SHORTEST_IN_PIXELS)] {
        if let Some((at, length)) = needles.find(part, shortest) {
            let message = format!(
                "a value of the input ({length} bytes) stands at byte {at} of its {}",
                if shortest == SHORTEST { "header" } else { "pixels" }
            );
            tell("check.leak", None, message);
        }
    }
    let declared = declared(&whole.set);
    if whole.set.code(tags::PATIENT_IDENTITY_REMOVED) != "YES" || !declared.contains("113100") {
        tell(
            "check.marker",
            Some(tags::PATIENT_IDENTITY_REMOVED),
            "does not say that it was cleaned".to_owned(),
        );
    }
    walk(&whole.set, &mut |tag, vr, value, _| {
        if let Some(why) = broken_rule(tag, vr, value, &declared, uids, stored) {
            tell("check.rule", Some(tag), why);
        }
    });
    let released = Released {
        file: file.to_owned(),
        fingerprint: fingerprint(&whole.set),
        set: whole.set,
    };
    (Some(released), findings)
}

/// The header with the names of maker, model and software blanked where they are those of the input: they name no person, though a
/// person may share a word with them.
fn without_makers(head: &[u8], set: &DataSet, stored: &BTreeMap<Tag, BTreeSet<&[u8]>>) -> Vec<u8> {
    let mut out = head.to_vec();
    for tag in [tags::MANUFACTURER, tags::MANUFACTURER_MODEL_NAME, tags::SOFTWARE_VERSIONS] {
        let Some(value) = set
            .bytes(tag)
            .filter(|v| !v.is_empty() && stored.get(&tag).is_some_and(|all| all.contains(trimmed(v))))
        else {
            continue;
        };
        // Tag, VR and length stand before the value of an explicit element.
        let start = [tag.group().to_le_bytes(), tag.element().to_le_bytes()].concat();
        let length = start.len() + 4 + value.len();
        let at = head.windows(length).position(|w| w.starts_with(&start) && w.ends_with(value));
        if let Some(part) = at.and_then(|at| out.get_mut(at..at + length)) {
            part.fill(0);
        }
    }
    out
}

/// A word of letters that is not among those that may stay in labels.
fn foreign_word(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    let words = text.split(|c: char| !c.is_alphabetic());
    words.filter(|w| w.chars().count() >= 4).any(|w| !WORDS.contains(w))
}

fn split<'a>(bytes: &'a [u8], whole: &Whole) -> (&'a [u8], &'a [u8]) {
    let start = whole
        .gated
        .pixels
        .as_ref()
        .map_or(bytes.len(), |p| usize::try_from(p.offset).unwrap_or(bytes.len()));
    bytes.split_at(start.min(bytes.len()))
}

/// Codes of what the object says was done to it.
fn declared(set: &DataSet) -> BTreeSet<String> {
    set.items(tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE)
        .iter()
        .map(|item| item.code(tags::CODE_VALUE))
        .collect()
}

/// Why an element may not stand there as it does.
fn broken_rule(
    tag: Tag,
    vr: VR,
    value: &Value,
    declared: &BTreeSet<String>,
    uids: &BTreeSet<&str>,
    stored: &BTreeMap<Tag, BTreeSet<&[u8]>>,
) -> Option<String> {
    if tag.group() % 2 == 1 {
        return Some("a private element".to_owned());
    }
    let empty = match value {
        Value::Bytes(bytes) => trimmed(bytes).is_empty(),
        Value::Items(items) => items.is_empty(),
        Value::Fragments(_) => false,
    };
    if let (VR::UI, Value::Bytes(bytes)) = (vr, value) {
        let old = things(bytes).iter().any(|u| uids.contains(u.as_str()));
        return old.then(|| "a UID of the input".to_owned());
    }
    // Written by every cleaner, by the standard itself.
    if empty
        || matches!(
            tag,
            tags::PATIENT_IDENTITY_REMOVED | tags::DEIDENTIFICATION_METHOD | tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE
        )
    {
        return None;
    }
    let same = || matches!(value, Value::Bytes(b) if stored.get(&tag).is_some_and(|all| all.contains(trimmed(b)))) && !is_dummy(value);
    let Some(row) = row(tag) else {
        let text = matches!(vr, VR::PN | VR::UN);
        return (text && same()).then(|| "a name or a value of unknown kind of the input".to_owned());
    };
    // The names of regions may be standard names of any kind; other labels keep only the words of the list.
    let label = row.option(Column::Descriptors).is_some() && !matches!(tag, tags::ROI_NAME | tags::SEGMENT_LABEL);
    if label && same() && matches!(value, Value::Bytes(b) if foreign_word(b)) {
        return Some("a label of the input with words that are not on the list".to_owned());
    }
    if allowed(row, vr, declared) {
        return None;
    }
    match row.basic {
        "X" => Some("must not be there (X)".to_owned()),
        "X/Z/U*" => None,
        _ if vr == VR::SQ => None,
        _ => same().then(|| format!("holds a value of the input ({})", row.basic)),
    }
}

/// Dummies may equal what an input had that was cleaned before.
fn is_dummy(value: &Value) -> bool {
    let Value::Bytes(bytes) = value else { return false };
    let text = trimmed(bytes);
    text.eq_ignore_ascii_case(b"anonymized") || text.iter().all(|b| matches!(b, b'0' | b'.' | b'Y')) || text.starts_with(b"19000101")
}

/// Whether an option that the object declares lets the value stand. Labels that were cleaned are looked at by the search.
fn allowed(row: Row, vr: VR, declared: &BTreeSet<String>) -> bool {
    let has = |code: &str| declared.contains(code);
    (has("113107") && row.option(Column::ShiftedDates).is_some() && matches!(vr, VR::DA | VR::TM | VR::DT | VR::SQ))
        || (has("113105") && row.option(Column::Descriptors).is_some())
        || (has("113109") && row.option(Column::Device).is_some())
        || (has("113112") && row.option(Column::Institution).is_some())
        || (has("113108") && row.option(Column::Patient).is_some())
}
