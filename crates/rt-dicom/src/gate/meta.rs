//! The start of a file: preamble, `DICM`, meta header (group 0002), or a bare data set. PS3.10 section 7.1.

use dicom::core::{Tag, VR};

use super::sniff::NotDicom;
use super::source::Source;
use super::{Finding, GateError, Tolerance, le16, le32, reject, vr};

/// Longest value of group 0002 that is looked at.
const MAX_META_VALUE: usize = 64 * 1024;

/// What stands before the data set.
#[derive(Debug, Default)]
pub(crate) struct Meta {
    /// Tolerances of the start.
    pub(crate) findings: Vec<Finding>,
    /// `TransferSyntaxUID`, empty when missing.
    pub(crate) syntax: String,
    /// `MediaStorageSOPClassUID`, empty when missing.
    pub(crate) media_class: String,
    /// `MediaStorageSOPInstanceUID`, empty when missing.
    pub(crate) media_instance: String,
    /// First byte of the data set.
    pub(crate) content_start: u64,
    /// The data set is a deflate stream.
    pub(crate) deflated: bool,
}

/// Transfer syntaxes whose data set is deflated.
const DEFLATED: [&str; 3] = ["1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"];

/// Reads up to the first byte of the data set.
///
/// # Errors
/// [`GateError`] for what does not begin like DICOM, and for a cut meta header.
pub(crate) fn read(source: &mut Source<'_>) -> Result<Meta, GateError> {
    let len = source.len().unwrap_or(u64::MAX);
    let head = source.peek(0, 512)?.to_vec();
    let group = |at: usize| le16(&head, at);
    let mut meta = Meta::default();
    let mut pos = if head.get(128..132) == Some(b"DICM") {
        132
    } else if head.starts_with(b"DICM") {
        meta.note(Tolerance::NoPreamble, 0, String::new());
        4
    } else if group(0) == Some(2) && is_element(&head, len) {
        meta.note(Tolerance::NoPreamble, 0, String::new());
        0
    } else if matches!(group(0), Some(8 | 0x0800)) && is_element(&head, len) {
        meta.note(Tolerance::NoMeta, 0, String::new());
        return Ok(meta);
    } else {
        return Err(GateError::NotDicom { kind: NotDicom::of(&head) });
    };
    if pos >= len {
        return Err(GateError::NotDicom {
            kind: NotDicom::PreambleOnly,
        });
    }
    let first = pos;
    let mut stated = None;
    while let Some(next) = meta.element(source, pos, len, &mut stated)? {
        pos = next;
    }
    meta.content_start = pos;
    if pos > first {
        meta.check_length(stated, pos);
        if meta.syntax.is_empty() {
            meta.note(Tolerance::NoTransferSyntax, pos, String::new());
        }
    } else {
        meta.note(Tolerance::NoMeta, pos, String::new());
    }
    meta.deflated = DEFLATED.contains(&meta.syntax.as_str());
    Ok(meta)
}

/// Whether the first bytes read as an element header with a known VR, or as one without VR whose length fits.
fn is_element(head: &[u8], len: u64) -> bool {
    let known = vr_at(head, 4).is_some();
    let implicit = le32(head, 4).is_some_and(|n| u64::from(n) <= len.saturating_sub(8));
    known || implicit
}

fn vr_at(bytes: &[u8], at: usize) -> Option<VR> {
    let pair: [u8; 2] = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
    VR::from_binary(pair)
}

impl Meta {
    fn note(&mut self, tolerance: Tolerance, offset: u64, detail: String) {
        self.findings.push(Finding {
            tolerance,
            offset,
            tag: None,
            detail,
        });
    }

    /// Compares the stated group length with what was read; `stated` is (end of the length element, its value).
    fn check_length(&mut self, stated: Option<(u64, u32)>, end: u64) {
        match stated {
            Some((from, n)) if from + u64::from(n) == end => {}
            Some((from, n)) => {
                let detail = format!("declared={n};found={}", end - from);
                self.note(Tolerance::MetaLength, from, detail);
            }
            None => self.note(Tolerance::MetaLength, end, "absent".to_owned()),
        }
    }

    /// One element of group 0002 at `pos`: position after it, or `None` when the group has ended.
    fn element(&mut self, source: &mut Source<'_>, pos: u64, len: u64, stated: &mut Option<(u64, u32)>) -> Result<Option<u64>, GateError> {
        let head = source.peek(pos, 12)?;
        if le16(head, 0) != Some(2) {
            return Ok(None);
        }
        let tag = Tag(2, le16(head, 2).unwrap_or(0));
        let (size, n) = match vr_at(head, 4) {
            Some(v) if vr::is_long(v) => (12_u64, le32(head, 8)),
            Some(_) => (8, le16(head, 6).map(u32::from)),
            None => (8, le32(head, 4)),
        };
        let cut = |declared: u64, have: u64| {
            let detail = format!("the meta header is cut: {declared} bytes declared, {have} there");
            reject("dicom.truncated", pos, Some(tag), detail)
        };
        let left = len.saturating_sub(pos + size);
        let Some(n) = n else { return cut(size, len.saturating_sub(pos)) };
        if u64::from(n) > left || pos + size > len {
            return cut(u64::from(n), left);
        }
        let value_at = pos + size;
        let take = usize::try_from(n).unwrap_or(usize::MAX).min(MAX_META_VALUE);
        let value = source.peek(value_at, take)?;
        match tag {
            Tag(2, 0) => *stated = le32(value, 0).map(|v| (value_at + u64::from(n), v)),
            Tag(2, 2) => self.media_class = uid(value),
            Tag(2, 3) => self.media_instance = uid(value),
            Tag(2, 0x10) => self.syntax = uid(value),
            _ => {}
        }
        Ok(Some(value_at + u64::from(n)))
    }
}

/// A UID without its padding; other than ASCII is replaced.
fn uid(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_owned()
}
