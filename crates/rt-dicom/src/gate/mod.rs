//! The gate: one iterative pass over the element headers of a file before any DICOM parser sees it.
//!
//! It finds the start, decides the encoding from the bytes, checks each length against the bytes left in its parent and in the file,
//! limits depth and number of elements, and gives a verdict. What a caller wants from the file is copied into a small buffer in canonical
//! form (even lengths, sequences with delimiters, no stray bytes): only that buffer reaches the `dicom` crate, so a few hostile
//! bytes can neither exhaust the stack nor ask for gigabytes. Sources: DICOM PS3.5 (7.1 to 7.5, 6.2.2), PS3.10 (7), `spec/reliability.md` 3.1.

mod collect;
mod element;
mod meta;
mod sniff;
mod source;
mod vr;
mod walk;

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use dicom::core::Tag;
use serde::{Deserialize, Serialize};

pub(crate) use collect::{Collector, Encoding, Want};
pub use sniff::NotDicom;
pub(crate) use source::{Source, SourceError};
pub(crate) use vr::{is_long, vr_of_sign};
pub(crate) use walk::{Outcome, PixelSpan, Sink, Truncation, walk};

use meta::Meta;

/// Caps of the parsers (`[limits]` of the configuration): beyond them a file is refused, whatever it says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Sequences inside sequences.
    pub max_depth: usize,
    /// Elements of one file, all levels.
    pub max_elements: u64,
    /// One value of a header, bytes (pixels and contours apart).
    pub max_value_bytes: u64,
    /// Decoded pixels of one file, bytes.
    pub max_image_bytes: u64,
    /// Inflated size over stored size; counts only above 64 MiB.
    pub max_inflate_ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_depth: 64,
            max_elements: 5_000_000,
            max_value_bytes: 64 << 20,
            max_image_bytes: 8 << 30,
            max_inflate_ratio: 1000,
        }
    }
}

impl Limits {
    /// Bytes that a deflated stream of `stored` bytes may become.
    pub(crate) fn inflate_cap(&self, stored: u64) -> u64 {
        stored.saturating_mul(self.max_inflate_ratio).max(64 << 20)
    }
}

/// A tolerance of the encoding that the gate needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Tolerance {
    /// No group 0002.
    NoMeta,
    /// `DICM` or group 0002 at the first byte.
    NoPreamble,
    /// Group length of group 0002 absent or wrong.
    MetaLength,
    /// No `TransferSyntaxUID`: the encoding was taken from the bytes.
    NoTransferSyntax,
    /// Another encoding than the transfer syntax says.
    SyntaxMismatch,
    /// Wrong or unknown value representation.
    Vr,
    /// A value of odd length.
    OddLength,
    /// A stray or missing delimiter.
    Delimiter,
    /// An item or sequence whose length is not that of its content.
    ItemLength,
    /// One element twice.
    DuplicateElement,
    /// Unknown character set.
    Charset,
    /// Bytes after the last element that are no element.
    Trailing,
    /// The last element is cut.
    Truncated,
    /// No data set at all.
    Empty,
    /// A value over `limits.max_value_bytes`, left out.
    ValueCap,
}

impl Tolerance {
    /// Stable code for tables and messages.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoMeta => "dicom.no_meta",
            Self::NoPreamble => "dicom.no_preamble",
            Self::MetaLength => "dicom.meta_length",
            Self::NoTransferSyntax => "dicom.no_ts",
            Self::SyntaxMismatch => "dicom.ts_mismatch",
            Self::Vr => "dicom.vr",
            Self::OddLength => "dicom.odd_length",
            Self::Delimiter => "dicom.delimiter",
            Self::ItemLength => "dicom.item_length",
            Self::DuplicateElement => "dicom.duplicate_element",
            Self::Charset => "dicom.charset",
            Self::Trailing => "dicom.trailing",
            Self::Truncated => "dicom.truncated",
            Self::Empty => "dicom.empty",
            Self::ValueCap => "dicom.value_cap",
        }
    }
}

/// Where a tolerance was needed first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which one.
    pub tolerance: Tolerance,
    /// Byte offset in the file (in the inflated stream for deflated files).
    pub offset: u64,
    /// Element `(group, element)`, when there is one.
    pub tag: Option<(u16, u16)>,
    /// Numbers that belong to it, `key=value` joined by `;`.
    pub detail: String,
}

/// A faulty element for messages: tag, place and fact, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Stable code.
    pub code: &'static str,
    /// Byte offset.
    pub offset: u64,
    /// Element `(group, element)`, when there is one.
    pub tag: Option<(u16, u16)>,
    /// The fact in words.
    pub detail: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.detail, self.offset)?;
        if let Some((g, e)) = self.tag {
            write!(f, ", element ({g:04X},{e:04X})")?;
        }
        Ok(())
    }
}

/// Why the gate lets nothing through.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// Nothing that begins like DICOM.
    #[error("not a DICOM file ({})", kind.name())]
    NotDicom {
        /// What it seems to be.
        kind: NotDicom,
    },
    /// Begins like DICOM but cannot be read safely.
    #[error("{fault}")]
    Rejected {
        /// What is wrong, and where.
        fault: Fault,
    },
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl GateError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotDicom { kind } => kind.code(),
            Self::Rejected { fault } => fault.code,
            Self::Io(_) => "file.unreadable",
        }
    }
}

impl From<SourceError> for GateError {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Io(e) => Self::Io(e),
            SourceError::Bomb { inflated } => Self::Rejected {
                fault: Fault {
                    code: "dicom.bomb",
                    offset: 0,
                    tag: None,
                    detail: format!("inflates beyond {inflated} bytes; raise limits.max_inflate_ratio if that is right"),
                },
            },
        }
    }
}

/// How far a file is to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As the standard says.
    Clean,
    /// Read with the tolerances found.
    Repairable,
}

/// What the gate lets through.
#[derive(Debug)]
pub(crate) struct Gated {
    /// Tolerances, in order of finding, each kind once.
    pub(crate) findings: Vec<Finding>,
    /// `TransferSyntaxUID` as stated, empty when missing.
    pub(crate) syntax: String,
    /// `MediaStorageSOPClassUID`, empty when missing.
    pub(crate) media_class: String,
    /// `MediaStorageSOPInstanceUID`, empty when missing.
    pub(crate) media_instance: String,
    /// Encoding of `header`.
    pub(crate) encoding: Encoding,
    /// The wanted elements in canonical form.
    pub(crate) header: Vec<u8>,
    /// `SpecificCharacterSet` as stored.
    pub(crate) charset: Vec<u8>,
    /// Where the pixels lie.
    pub(crate) pixels: Option<PixelSpan>,
    /// First byte after the meta header.
    pub(crate) content_start: u64,
    /// First byte after the last element of the data set (stored bytes; the file's end when deflated).
    pub(crate) content_end: u64,
    /// What is missing at the end.
    pub(crate) truncation: Option<Truncation>,
    /// The data set is a deflate stream.
    deflated: bool,
}

impl Gated {
    /// Whether positions count in an inflated stream.
    pub(crate) fn is_deflated(&self) -> bool {
        self.deflated
    }

    /// Clean or repairable; what is neither never becomes a `Gated`.
    pub(crate) fn verdict(&self) -> Verdict {
        if self.findings.is_empty() {
            Verdict::Clean
        } else {
            Verdict::Repairable
        }
    }
}

/// Opens a file through the gate and collects the wanted elements.
///
/// # Errors
/// [`GateError`] for what is not DICOM, cannot be read safely, or cannot be read at all.
pub(crate) fn open(path: &Path, limits: &Limits, want: Want) -> Result<Gated, GateError> {
    let mut collector = Collector::new(want);
    open_with(path, limits, &mut collector)
}

/// As [`open`] with a sink of the caller's around the collector.
pub(crate) fn open_with<S: Sink + AsMut<Collector>>(path: &Path, limits: &Limits, sink: &mut S) -> Result<Gated, GateError> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    let meta = {
        let mut source = Source::file(&mut file, len);
        let meta = meta::read(&mut source)?;
        if !meta.deflated {
            let outcome = walk(&mut source, &meta, limits, sink)?;
            return Ok(gated(meta, outcome, sink.as_mut()));
        }
        meta
    };
    file.seek(SeekFrom::Start(meta.content_start))?;
    inflate(Box::new(io::BufReader::new(file)), len, meta, limits, sink)
}

/// What the gate says of a file, for inspection and fuzzing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateReport {
    /// Clean or repairable.
    pub verdict: Verdict,
    /// Tolerances that reading it needs.
    pub findings: Vec<Finding>,
    /// `TransferSyntaxUID` as stated, empty when missing.
    pub syntax: String,
    /// Bytes of the data set, as stored.
    pub content: (u64, u64),
}

/// Looks at the bytes of a file as every reader of this crate does first, and reads all elements but pixels.
///
/// # Errors
/// [`GateError`] for what is not DICOM or cannot be read safely; a clean file that the reader refuses is an error, too.
pub fn inspect(bytes: &[u8], limits: &Limits) -> Result<GateReport, GateError> {
    let gated = open_bytes(bytes, limits, Want::Standard)?;
    crate::dataset::Dataset::of(&gated)?;
    Ok(GateReport {
        verdict: gated.verdict(),
        content: (gated.content_start, gated.content_end),
        findings: gated.findings,
        syntax: gated.syntax,
    })
}

/// As [`open`] over bytes in memory.
pub(crate) fn open_bytes(bytes: &[u8], limits: &Limits, want: Want) -> Result<Gated, GateError> {
    let mut collector = Collector::new(want);
    let mut source = Source::bytes(bytes);
    let meta = meta::read(&mut source)?;
    if meta.deflated {
        let from = usize::try_from(meta.content_start).unwrap_or(usize::MAX).min(bytes.len());
        let tail = bytes.get(from..).unwrap_or_default();
        return inflate(Box::new(tail), bytes.len() as u64, meta, limits, &mut collector);
    }
    let outcome = walk(&mut source, &meta, limits, &mut collector)?;
    Ok(gated(meta, outcome, &mut collector))
}

fn inflate<S: Sink + AsMut<Collector>>(
    stored: Box<dyn Read + '_>,
    len: u64,
    meta: Meta,
    limits: &Limits,
    sink: &mut S,
) -> Result<Gated, GateError> {
    let cap = limits.inflate_cap(len.saturating_sub(meta.content_start));
    let mut source = Source::inflate(Box::new(flate2::read::DeflateDecoder::new(stored)), cap);
    let mut outcome = walk(&mut source, &meta, limits, sink)?;
    outcome.content_end = len;
    Ok(gated(meta, outcome, sink.as_mut()))
}

fn gated(meta: Meta, outcome: Outcome, collector: &mut Collector) -> Gated {
    let (header, charset) = collector.take();
    Gated {
        findings: outcome.findings,
        syntax: meta.syntax,
        media_class: meta.media_class,
        media_instance: meta.media_instance,
        encoding: outcome.encoding,
        header,
        charset,
        pixels: outcome.pixels,
        content_start: meta.content_start,
        content_end: outcome.content_end,
        truncation: outcome.truncation,
        deflated: meta.deflated,
    }
}

/// A rejection as an error.
pub(crate) fn reject<T>(code: &'static str, offset: u64, tag: Option<Tag>, detail: String) -> Result<T, GateError> {
    Err(GateError::Rejected {
        fault: Fault {
            code,
            offset,
            tag: tag.map(|t| (t.group(), t.element())),
            detail,
        },
    })
}

/// Little-endian number of two bytes at `at`; `None` beyond the end.
pub(crate) fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

/// Little-endian number of four bytes at `at`; `None` beyond the end.
pub(crate) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests;
