//! What a file that is not DICOM seems to be: for the inventory, never to decide anything.

use serde::{Deserialize, Serialize};

/// Kinds of files that are not DICOM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NotDicom {
    /// No bytes.
    Empty,
    /// A preamble and `DICM`, and nothing after it.
    PreambleOnly,
    /// NIfTI-1 or NIfTI-2.
    Nifti,
    /// Nearly raw raster data.
    Nrrd,
    /// Analyze 7.5 header.
    Analyze,
    /// gzip stream.
    Gzip,
    /// zip archive.
    Zip,
    /// Markup.
    Html,
    /// Plain text.
    Text,
    /// None of these.
    Unknown,
}

impl NotDicom {
    /// Short name for the inventory.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::PreambleOnly => "preamble_only",
            Self::Nifti => "nifti",
            Self::Nrrd => "nrrd",
            Self::Analyze => "analyze",
            Self::Gzip => "gzip",
            Self::Zip => "zip",
            Self::Html => "html",
            Self::Text => "text",
            Self::Unknown => "unknown",
        }
    }

    /// Stable code for tables.
    pub fn code(self) -> &'static str {
        if self == Self::Nifti { "nifti" } else { "not_dicom" }
    }

    /// Guess from the first bytes (512 are enough).
    pub(crate) fn of(head: &[u8]) -> Self {
        let int = |at: usize| head.get(at..at + 4).and_then(|b| b.try_into().ok()).map(i32::from_le_bytes);
        let header_size = int(0).map(|n| if (0..=0x00ff_ffff).contains(&n) { n } else { n.swap_bytes() });
        let printable = |b: &u8| matches!(b, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..);
        let start = head.trim_ascii_start();
        if head.is_empty() {
            Self::Empty
        } else if head.get(128..132) == Some(b"DICM") {
            Self::PreambleOnly
        } else if head.starts_with(&[0x1f, 0x8b]) {
            Self::Gzip
        } else if head.starts_with(b"PK\x03\x04") {
            Self::Zip
        } else if head.starts_with(b"NRRD") {
            Self::Nrrd
        } else if header_size == Some(540) {
            Self::Nifti
        } else if header_size == Some(348) {
            let magic = head.get(344..347);
            if magic == Some(b"n+1") || magic == Some(b"ni1") {
                Self::Nifti
            } else {
                Self::Analyze
            }
        } else if start.starts_with(b"<") {
            Self::Html
        } else if head.iter().all(printable) {
            Self::Text
        } else {
            Self::Unknown
        }
    }
}
