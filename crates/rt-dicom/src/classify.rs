//! The class and the reason of every file: pure, from what the scan kept. Classes, codes and form: `data/fixtures/README.md`.

use std::borrow::Cow;

use crate::entry::{FileEntry, FileOutcome, ImageFacts, Object, ObjectKind};
use crate::gate::Tolerance;

/// Classes of the inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileClass {
    /// Member of a CT, MR or PET series that can be used.
    Image,
    /// RTSTRUCT, RTPLAN, RTDOSE, treatment record, registration.
    Rt,
    /// DICOM SEG.
    Seg,
    /// Readable DICOM without use.
    OtherDicom,
    /// Same content as another file.
    Duplicate,
    /// Same UID as another file, other content.
    Conflict,
    /// Read only with a tolerance.
    Repaired,
    /// Begins as DICOM but cannot be read, or cannot be opened.
    Unreadable,
    /// Something else.
    NotDicom,
}

impl FileClass {
    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Rt => "rt",
            Self::Seg => "seg",
            Self::OtherDicom => "other_dicom",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::Repaired => "repaired",
            Self::Unreadable => "unreadable",
            Self::NotDicom => "not_dicom",
        }
    }
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Usage {
    /// Goes on to linking.
    Used,
    /// Left aside with a reason.
    Ignored,
    /// Lost with a reason: the run is not complete.
    Failed,
}

impl Usage {
    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
        }
    }
}

/// Class, codes and use of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileVerdict {
    /// The class.
    pub class: FileClass,
    /// Codes of the reason, the first being the one to count by.
    pub codes: Vec<Cow<'static, str>>,
    /// What becomes of it.
    pub usage: Usage,
    /// Further facts, in order.
    pub notes: Vec<(&'static str, String)>,
}

impl FileVerdict {
    fn new(class: FileClass, code: impl Into<Cow<'static, str>>, usage: Usage) -> Self {
        Self {
            class,
            codes: vec![code.into()],
            usage,
            notes: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.notes.push((key, value.into()));
        self
    }

    /// The first code.
    pub fn code(&self) -> &str {
        self.codes.first().map_or("ok", AsRef::as_ref)
    }

    /// The reason in words, with what to do about it; the bare codes where there are no words for them.
    pub fn explain(&self) -> String {
        let note = |key: &str| self.notes.iter().find(|(k, _)| *k == key).map(|(_, v)| v.replace('_', " "));
        let code = note("base_code").filter(|_| self.class == FileClass::Repaired && self.code() != "dicom.truncated");
        let code = code.as_deref().unwrap_or_else(|| self.code());
        let numbers = || match (note("declared"), note("have").or_else(|| note("expected"))) {
            (Some(declared), Some(other)) => format!(" ({declared} bytes declared, {other} there or needed)"),
            _ => String::new(),
        };
        match code {
            "dicom.truncated" => format!("the file is cut{}; copy it again from its source", numbers()),
            "image.pixel_length" => match note("missing") {
                Some(what) => format!("an image without {what}; export it again"),
                None => format!("the pixel data do not fit Rows, Columns and frames{}; export it again", numbers()),
            },
            "image.no_identity" => "an image without SOPInstanceUID or SeriesInstanceUID; export it again".to_owned(),
            "dicom.value" => format!("{} is no number; export it again", note("what").unwrap_or_default()),
            "file.unreadable" => format!("it cannot be opened ({}); check its permissions", note("what").unwrap_or_default()),
            "file.name" => "its name is not UTF-8; rename it".to_owned(),
            "ok" if self.class == FileClass::Seg => "DICOM SEG is listed and not read".to_owned(),
            "sop.unused" => "a class of object that no stage uses".to_owned(),
            "sop.missing" => "neither a class of object nor a modality".to_owned(),
            "sop.duplicate" => format!("the same content as {}", note("of").unwrap_or_default()),
            "sop.conflict" => match self.usage {
                Usage::Used => "other files have its UID and other content; this one wins".to_owned(),
                Usage::Ignored | Usage::Failed => format!(
                    "other content than {} under the same UID, which wins",
                    note("winner").unwrap_or_default()
                ),
            },
            "dicomdir" => "a directory of other files; they are looked at themselves".to_owned(),
            "image.no_geometry" => "an image without position, orientation or pixel spacing".to_owned(),
            "image.colour" => "a colour image".to_owned(),
            "dicom.depth" | "dicom.elements" | "dicom.bomb" => {
                format!(
                    "it goes beyond the limits of the parser ({}); it may be hostile, see [limits]",
                    note("what").unwrap_or_default()
                )
            }
            _ => note("what").unwrap_or_else(|| self.codes.join(" + ")),
        }
    }

    /// `CODE[+CODE...];use=used|ignored|failed[;key=value...]`.
    pub fn reason(&self) -> String {
        let mut out = self.codes.join("+");
        out.push_str(";use=");
        out.push_str(self.usage.name());
        for (key, value) in &self.notes {
            out.push(';');
            out.push_str(key);
            out.push('=');
            out.push_str(value);
        }
        out
    }
}

/// What a file would be if it stood alone and needed no tolerance.
pub(crate) fn base(object: &Object) -> FileVerdict {
    let verdict = match &object.kind {
        ObjectKind::Image(image) => base_of_image(object, image),
        ObjectKind::Structures(_) | ObjectKind::Plan(_) | ObjectKind::Dose(_) | ObjectKind::Record { .. } | ObjectKind::Registration(_) => {
            FileVerdict::new(FileClass::Rt, "ok", Usage::Used)
        }
        ObjectKind::Segmentation => FileVerdict::new(FileClass::Seg, "ok", Usage::Ignored),
        ObjectKind::Directory => FileVerdict::new(FileClass::OtherDicom, "dicomdir", Usage::Ignored),
        ObjectKind::Other if object.sop_class.is_empty() && object.modality.is_empty() => {
            FileVerdict::new(FileClass::OtherDicom, "sop.missing", Usage::Ignored)
        }
        ObjectKind::Other => FileVerdict::new(FileClass::OtherDicom, "sop.unused", Usage::Ignored),
    };
    if verdict.class == FileClass::OtherDicom && !object.sop_class.is_empty() {
        verdict.with("sop", object.sop_class.clone())
    } else {
        verdict
    }
}

fn base_of_image(object: &Object, image: &ImageFacts) -> FileVerdict {
    let other = |code: &'static str, usage| FileVerdict::new(FileClass::OtherDicom, code, usage);
    if object.findings.iter().any(|f| f.tolerance == Tolerance::Empty) {
        return other("dicom.empty", Usage::Ignored);
    }
    if object.sop_uid.is_empty() || object.series_uid.is_empty() {
        return other("image.no_identity", Usage::Failed);
    }
    if let Some(what) = &image.bad_value {
        return other("dicom.value", Usage::Failed).with("what", what.clone());
    }
    let (Some(format), Some((declared, have))) = (image.format, image.pixels) else {
        let missing = if image.format.is_none() { "Rows or Columns" } else { "PixelData" };
        return other("image.pixel_length", Usage::Failed).with("missing", missing.replace(' ', "_"));
    };
    if format.samples != 1 {
        return other("image.colour", Usage::Ignored);
    }
    let expected = format.total_bytes().unwrap_or(u64::MAX);
    let fits = declared.is_none_or(|n| n == expected || n == expected.saturating_add(expected % 2));
    if expected == 0 || !fits {
        let n = declared.unwrap_or(have).to_string();
        return other("image.pixel_length", Usage::Failed)
            .with("declared", n)
            .with("expected", expected.to_string());
    }
    if image.planes.is_empty() {
        return other("image.no_geometry", Usage::Ignored);
    }
    FileVerdict::new(FileClass::Image, "ok", Usage::Used)
}

/// The verdict over a file that stands alone.
pub(crate) fn alone(entry: &FileEntry) -> FileVerdict {
    let object = match &entry.outcome {
        FileOutcome::Dicom(object) => object,
        FileOutcome::NotDicom(kind) => {
            return FileVerdict::new(FileClass::NotDicom, kind.code(), Usage::Ignored).with("kind", kind.name());
        }
        FileOutcome::Refused { code, detail } => {
            return FileVerdict::new(FileClass::Unreadable, code.clone(), Usage::Failed).with("what", one_word(detail));
        }
        FileOutcome::NotRead { code, detail } => {
            let usage = if code == "file.unreadable" || code == "file.name" {
                Usage::Failed
            } else {
                Usage::Ignored
            };
            return FileVerdict::new(FileClass::Unreadable, code.clone(), usage).with("what", one_word(detail));
        }
    };
    let base = base(object);
    let mut verdict = if object.findings.is_empty() || matches!(object.kind, ObjectKind::Directory) {
        base
    } else {
        repaired(object, base)
    };
    if let Some(note) = note_of(object) {
        verdict.notes.push(("note", note));
    }
    verdict
}

fn repaired(object: &Object, base: FileVerdict) -> FileVerdict {
    let mut verdict = FileVerdict {
        class: FileClass::Repaired,
        codes: object.findings.iter().map(|f| Cow::Borrowed(f.tolerance.code())).collect(),
        usage: if object.is_truncated() { Usage::Failed } else { base.usage },
        notes: vec![("base", base.class.name().to_owned())],
    };
    if base.code() != "ok" {
        verdict.notes.push(("base_code", base.code().to_owned()));
    }
    for finding in &object.findings {
        for part in finding.detail.split(';') {
            if let Some((key @ ("declared" | "have"), value)) = part.split_once('=') {
                verdict
                    .notes
                    .push((if key == "have" { "have" } else { "declared" }, one_word(value)));
            }
        }
    }
    verdict
}

/// Findings that change no class.
fn note_of(object: &Object) -> Option<String> {
    let lossy = matches!(&object.kind, ObjectKind::Image(image) if image.lossy);
    let notes = [(lossy, "image.lossy"), (object.meta_mismatch, "dicom.meta_mismatch")];
    let present: Vec<&str> = notes.iter().filter(|(is, _)| *is).map(|(_, code)| *code).collect();
    (!present.is_empty()).then(|| present.join("+"))
}

/// Text that can stand as the value of a key: no blanks, no separators.
pub(crate) fn one_word(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_whitespace() || matches!(c, ';' | '=') || c.is_control() {
                '_'
            } else {
                c
            }
        })
        .collect()
}
