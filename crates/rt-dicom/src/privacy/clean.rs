//! One object without its identity.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use dicom::core::{Tag, VR};
use dicom::dictionary_std::tags;

use super::key::{DeidKey, REGISTERED, moved};
use super::labels::{Forbidden, RoiNames, cleaned, distinct, roi_name};
use super::table::{Column, is_graphics, row};
use crate::charset::Charset;
use crate::gate::GateError;
use crate::object::{DataSet, Value, WholeError, read_whole, write_file};
use crate::open::OpenError;

/// What becomes of dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DatePolicy {
    /// Moved back by whole weeks, the same for all dates of a patient; times of day stay (option 113107).
    #[default]
    Shift,
    /// As the Basic Profile says: emptied, or a dummy where a value must be.
    Remove,
}

/// A group of attributes that may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retain {
    /// Identity of devices (113109).
    Device,
    /// Identity of the institution (113112).
    Institution,
    /// Age, sex, size, weight, ... (113108).
    Patient,
}

/// How objects are cleaned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeidOptions {
    /// Dates.
    pub dates: DatePolicy,
    /// Names of regions.
    pub roi_names: RoiNames,
    /// Attributes that stay.
    pub retain: Vec<Retain>,
}

impl DeidOptions {
    fn column(retain: Retain) -> Column {
        match retain {
            Retain::Device => Column::Device,
            Retain::Institution => Column::Institution,
            Retain::Patient => Column::Patient,
        }
    }

    /// Codes of PS3.16 CID 7050 for what is applied.
    fn codes(&self) -> Vec<(&'static str, &'static str)> {
        let mut codes = vec![("113100", "Basic Application Confidentiality Profile")];
        if self.roi_names != RoiNames::Drop {
            codes.push(("113105", "Clean Descriptors Option"));
        }
        if self.dates == DatePolicy::Shift {
            codes.push(("113107", "Retain Longitudinal Temporal Information Modified Dates Option"));
        }
        for (retain, code, meaning) in [
            (Retain::Patient, "113108", "Retain Patient Characteristics Option"),
            (Retain::Device, "113109", "Retain Device Identity Option"),
            (Retain::Institution, "113112", "Retain Institution Identity Option"),
        ] {
            if self.retain.contains(&retain) {
                codes.push((code, meaning));
            }
        }
        codes
    }
}

/// Why an object is withheld.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeidError {
    /// No DICOM file at all.
    #[error("no DICOM file")]
    NotDicom,
    /// It cannot be read whole.
    #[error("cannot be read whole: {reason}")]
    Unreadable {
        /// Code of the reason.
        code: &'static str,
        /// The reason.
        reason: String,
    },
    /// A class that may show or tell who the patient is.
    #[error("objects of class {class:?} are withheld: they may hold text or pictures of the patient")]
    Class {
        /// `SOPClassUID`.
        class: String,
    },
    /// Text in the pixels.
    #[error("BurnedInAnnotation is YES: text stands in its pixels")]
    BurnedIn,
    /// Nothing tells whose it is.
    #[error("no PatientID and no StudyInstanceUID: it cannot be given an identity")]
    NoIdentity,
}

impl DeidError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotDicom => "dicom.not_dicom",
            Self::Unreadable { code, .. } => code,
            Self::Class { .. } => "deid.class",
            Self::BurnedIn => "deid.burned_in",
            Self::NoIdentity => "deid.no_identity",
        }
    }
}

/// Classes that are released (below `1.2.840.10008.5.1.4.1.1.`): CT, MR, PET and their enhanced forms, RT objects, REG, SEG.
const RELEASED: [&str; 22] = [
    "2", "2.1", "2.2", "4", "4.1", "4.4", "128", "128.1", "130", "66.1", "66.2", "66.3", "66.4", "66.7", "481.2", "481.3", "481.4",
    "481.5", "481.6", "481.7", "481.8", "481.9",
];

/// Free text that the table does not list and radiotherapy needs: cleaned as labels are.
const CLEANED: [Tag; 9] = [
    tags::BEAM_NAME,
    tags::DOSE_COMMENT,
    tags::FIXATION_DEVICE_LABEL,
    tags::SETUP_DEVICE_LABEL,
    tags::APPLICATOR_ID,
    tags::BOLUS_ID,
    tags::SEGMENT_DESCRIPTION,
    tags::CONTENT_LABEL,
    tags::SERIES_DESCRIPTION,
];

/// Text that is not about persons and stays.
const KEPT: [Tag; 8] = [
    tags::MANUFACTURER,
    tags::MANUFACTURER_MODEL_NAME,
    tags::SOFTWARE_VERSIONS,
    tags::CONVOLUTION_KERNEL,
    tags::SEQUENCE_NAME,
    tags::CODING_SCHEME_DESIGNATOR,
    tags::CODING_SCHEME_VERSION,
    tags::UNITS,
];

/// Schemes whose codes and meanings are published.
const PUBLISHED: [&str; 10] = ["DCM", "SCT", "SRT", "SNM3", "99SDM", "UCUM", "FMA", "LN", "RADLEX", "NCIt"];

/// Cleans objects with one key.
pub struct Deidentifier<'a> {
    key: DeidKey,
    options: DeidOptions,
    canonical: &'a (dyn Fn(&str) -> Option<String> + Sync),
}

/// An object without its identity.
#[derive(Debug)]
pub struct Cleaned {
    set: DataSet,
    syntax: String,
    /// `SOPInstanceUID`, new.
    pub sop_uid: String,
    /// `StudyInstanceUID`, new.
    pub study_uid: String,
    /// `SeriesInstanceUID`, new.
    pub series_uid: String,
    /// `PatientID`, new.
    pub patient_id: String,
    /// `PatientID` as it was: for a look-up table that is kept apart.
    pub original_patient_id: String,
    /// `Modality`.
    pub modality: String,
    /// Values that were taken out or replaced.
    pub changed: usize,
    /// What a person should look at, by code.
    pub warnings: Vec<(&'static str, &'static str)>,
}

impl Cleaned {
    /// Writes the object as a DICOM file.
    ///
    /// # Errors
    /// When the sink fails.
    pub fn write(&self, sink: &mut dyn Write) -> io::Result<()> {
        write_file(sink, &self.set, &self.syntax)
    }
}

/// What holds for one object.
struct Patient {
    id: String,
    days: i64,
    charset: Charset,
    forbidden: Forbidden,
}

/// What becomes of one element.
enum Fate {
    Keep,
    Remove,
    Empty,
    Set(String),
    Descend,
}

impl<'a> Deidentifier<'a> {
    /// With a key, the options, and what finds the standard name of a region.
    pub fn new(key: DeidKey, options: DeidOptions, canonical: &'a (dyn Fn(&str) -> Option<String> + Sync)) -> Self {
        Self { key, options, canonical }
    }

    /// Reads an object and takes its identity out.
    ///
    /// # Errors
    /// [`DeidError`] when the object is withheld.
    pub fn clean(&self, path: &Path) -> Result<Cleaned, DeidError> {
        let whole = read_whole(path).map_err(|e| match e {
            WholeError::Open(OpenError::Gate {
                source: GateError::NotDicom { .. },
                ..
            }) => DeidError::NotDicom,
            other => DeidError::Unreadable {
                code: other.code(),
                reason: other.to_string(),
            },
        })?;
        let class = whole.set.code(tags::SOP_CLASS_UID);
        let tail = class.strip_prefix("1.2.840.10008.5.1.4.1.1.").unwrap_or_default();
        if !RELEASED.contains(&tail) {
            return Err(DeidError::Class { class });
        }
        if whole.set.code(tags::BURNED_IN_ANNOTATION) == "YES" {
            return Err(DeidError::BurnedIn);
        }
        let text = |tag| {
            whole
                .charset
                .decode(whole.set.bytes(tag).unwrap_or_default())
                .trim_matches(['\0', ' '])
                .to_owned()
        };
        let (issuer, original) = (text(tags::ISSUER_OF_PATIENT_ID), text(tags::PATIENT_ID));
        let identity = if original.is_empty() {
            whole.set.code(tags::STUDY_INSTANCE_UID)
        } else {
            original.clone()
        };
        if identity.is_empty() {
            return Err(DeidError::NoIdentity);
        }
        let names = [
            tags::PATIENT_NAME,
            tags::PATIENT_ID,
            tags::PATIENT_BIRTH_DATE,
            tags::OTHER_PATIENT_NAMES,
        ]
        .map(text);
        let patient = Patient {
            id: self.key.patient(&issuer, &identity),
            days: self.key.shift_days(&issuer, &identity),
            charset: whole.charset.clone(),
            forbidden: Forbidden::of(names.iter().map(String::as_str)),
        };
        let mut changed = 0;
        let warnings = warnings(&whole.set);
        let mut set = self.level(whole.set, &patient, &mut changed);
        self.mark(&mut set, &patient);
        Ok(Cleaned {
            sop_uid: set.code(tags::SOP_INSTANCE_UID),
            study_uid: set.code(tags::STUDY_INSTANCE_UID),
            series_uid: set.code(tags::SERIES_INSTANCE_UID),
            modality: set.code(tags::MODALITY),
            patient_id: patient.id,
            original_patient_id: original,
            syntax: whole.syntax,
            set,
            changed,
            warnings,
        })
    }

    fn level(&self, set: DataSet, patient: &Patient, changed: &mut usize) -> DataSet {
        let mut out = DataSet::new();
        let mut taken = BTreeSet::new();
        let published = PUBLISHED.contains(&set.code(tags::CODING_SCHEME_DESIGNATOR).as_str());
        for (tag, vr, value) in set.iter() {
            let fate = match tag {
                tags::SPECIFIC_CHARACTER_SET => Fate::Remove,
                tags::CODE_VALUE | tags::LONG_CODE_VALUE | tags::CODE_MEANING if published => Fate::Keep,
                tags::CODE_MEANING => self.named(value, &set, patient),
                _ => self.fate(tag, vr, value, &set, patient),
            };
            match fate {
                Fate::Remove => *changed += usize::from(tag != tags::SPECIFIC_CHARACTER_SET),
                Fate::Empty => {
                    *changed += usize::from(!is_empty(value));
                    out.set(
                        tag,
                        vr,
                        if vr == VR::SQ {
                            Value::Items(Vec::new())
                        } else {
                            Value::Bytes(Vec::new())
                        },
                    );
                }
                Fate::Set(text) => {
                    *changed += 1;
                    out.raw(tag, vr, text.as_bytes());
                }
                Fate::Keep => out.set(tag, vr, transcoded(value, vr, &patient.charset)),
                Fate::Descend => {
                    let Value::Items(items) = value else { continue };
                    let mut items: Vec<DataSet> = items.iter().map(|i| self.level(i.clone(), patient, changed)).collect();
                    if matches!(tag, tags::STRUCTURE_SET_ROI_SEQUENCE | tags::SEGMENT_SEQUENCE) {
                        for item in &mut items {
                            apart(item, &mut taken);
                        }
                    }
                    out.set(tag, VR::SQ, Value::Items(items));
                }
            }
        }
        out
    }

    fn fate(&self, tag: Tag, vr: VR, value: &Value, set: &DataSet, patient: &Patient) -> Fate {
        if tag.group() % 2 == 1 || is_graphics(tag) || matches!(tag, tags::ICON_IMAGE_SEQUENCE | tags::DATA_SET_TRAILING_PADDING) {
            return Fate::Remove;
        }
        if matches!(tag, tags::PATIENT_NAME | tags::PATIENT_ID) {
            return Fate::Set(patient.id.clone());
        }
        if matches!(tag, tags::ROI_NAME | tags::SEGMENT_LABEL) {
            return self.named(value, set, patient);
        }
        if vr == VR::UI {
            return self.uids(tag, value);
        }
        match row(tag) {
            Some(row) => self.listed(row, vr, value, patient),
            None => self.unlisted(tag, vr, value, patient),
        }
    }

    /// UIDs are replaced, whatever else the table says; an attribute that must go goes.
    fn uids(&self, tag: Tag, value: &Value) -> Fate {
        let Value::Bytes(bytes) = value else { return Fate::Remove };
        if row(tag).is_some_and(|r| r.basic == "X") {
            return Fate::Remove;
        }
        let text = String::from_utf8_lossy(bytes);
        let list: Vec<&str> = text
            .split('\\')
            .map(|u| u.trim_matches(|c: char| c == '\0' || c.is_whitespace()))
            .collect();
        if list.iter().all(|u| u.is_empty() || u.starts_with(REGISTERED)) {
            return Fate::Keep;
        }
        Fate::Set(list.iter().map(|u| self.key.uid(u)).collect::<Vec<_>>().join("\\"))
    }

    fn listed(&self, row: super::table::Row, vr: VR, value: &Value, patient: &Patient) -> Fate {
        if row.option(Column::ShiftedDates).is_some() && self.options.dates == DatePolicy::Shift {
            return dated(vr, value, patient);
        }
        for retain in &self.options.retain {
            match row.option(DeidOptions::column(*retain)) {
                Some('K') => return kept(vr, value),
                Some('C') if is_text(vr) => return Self::label(vr, value, patient).unwrap_or(Fate::Empty),
                _ => {}
            }
        }
        let cleans = row.option(Column::Descriptors).is_some() && self.options.roi_names != RoiNames::Drop && is_text(vr);
        if let Some(fate) = cleans.then(|| Self::label(vr, value, patient)).flatten() {
            return fate;
        }
        match row.basic {
            "X" => Fate::Remove,
            "U" | "X/Z/U*" => Fate::Descend,
            "Z" | "X/Z" => Fate::Empty,
            // The last alternative is valid in every object: a dummy, where there was a value.
            _ if is_empty(value) => Fate::Empty,
            _ => dummy(vr).map_or(Fate::Empty, |d| Fate::Set(d.to_owned())),
        }
    }

    fn unlisted(&self, tag: Tag, vr: VR, value: &Value, patient: &Patient) -> Fate {
        if KEPT.contains(&tag) {
            return Fate::Keep;
        }
        if CLEANED.contains(&tag) {
            return Self::label(vr, value, patient).unwrap_or(Fate::Empty);
        }
        match vr {
            VR::SQ => Fate::Descend,
            VR::DA | VR::DT | VR::TM if self.options.dates == DatePolicy::Shift => dated(vr, value, patient),
            VR::OB if !matches!(value, Value::Fragments(_)) && tag != tags::PIXEL_DATA => Fate::Empty,
            // Codes and numbers that hold something else are text.
            VR::CS | VR::IS | VR::DS | VR::AS if !is_plain(vr, value) => Fate::Empty,
            VR::CS
            | VR::IS
            | VR::DS
            | VR::AS
            | VR::AT
            | VR::US
            | VR::SS
            | VR::UL
            | VR::SL
            | VR::FL
            | VR::FD
            | VR::UV
            | VR::SV
            | VR::OB
            | VR::OW
            | VR::OF
            | VR::OD
            | VR::OL
            | VR::OV => Fate::Keep,
            VR::UN => Fate::Remove,
            // Text, names of persons and of places: the element stays, because it may be one that must be there.
            _ => Fate::Empty,
        }
    }

    /// The words of a label that may stay; `None` when none may.
    fn label(vr: VR, value: &Value, patient: &Patient) -> Option<Fate> {
        let Value::Bytes(bytes) = value else { return None };
        let text = cleaned(&patient.charset.decode(bytes), &patient.forbidden);
        let room = if matches!(vr, VR::SH | VR::CS) { 16 } else { 64 };
        let text = text.get(..text.len().min(room)).unwrap_or(&text).trim_end_matches('_').to_owned();
        (!text.is_empty()).then(|| Fate::Set(if vr == VR::CS { text.to_uppercase() } else { text }))
    }

    /// The name of a region, a segment or a private code.
    fn named(&self, value: &Value, set: &DataSet, patient: &Patient) -> Fate {
        let Value::Bytes(bytes) = value else { return Fate::Remove };
        let number = match set.bytes(tags::SEGMENT_NUMBER) {
            Some([low, high, ..]) => u16::from_le_bytes([*low, *high]).to_string(),
            _ => set.code(tags::ROI_NUMBER),
        };
        let text = patient.charset.decode(bytes);
        let text = text.trim_matches(['\0', ' ']);
        Fate::Set(roi_name(text, &number, self.options.roi_names, self.canonical, &patient.forbidden))
    }

    /// Says what was done (PS3.15 E.1, PS3.3 C.7.1.1).
    fn mark(&self, set: &mut DataSet, patient: &Patient) {
        let item = |(code, meaning): (&str, &str)| {
            let mut item = DataSet::new();
            item.text(tags::CODE_VALUE, VR::SH, code)
                .text(tags::CODING_SCHEME_DESIGNATOR, VR::SH, "DCM")
                .text(tags::CODE_MEANING, VR::LO, meaning);
            item
        };
        let codes = self.options.codes().into_iter().map(item).collect();
        let dates = if self.options.dates == DatePolicy::Shift {
            "MODIFIED"
        } else {
            "REMOVED"
        };
        set.raw(tags::SPECIFIC_CHARACTER_SET, VR::CS, b"ISO_IR 192")
            .raw(tags::PATIENT_NAME, VR::PN, patient.id.as_bytes())
            .raw(tags::PATIENT_ID, VR::LO, patient.id.as_bytes())
            .cs(tags::PATIENT_IDENTITY_REMOVED, "YES")
            .text(
                tags::DEIDENTIFICATION_METHOD,
                VR::LO,
                concat!("rtpipeline ", env!("CARGO_PKG_VERSION"), ", DICOM PS3.15 Annex E"),
            )
            .sequence(tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE, codes)
            .cs(tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED, dates);
    }
}

/// What a person should look at.
fn warnings(set: &DataSet) -> Vec<(&'static str, &'static str)> {
    let mut out = Vec::new();
    let kind = set.code(tags::IMAGE_TYPE);
    let derived = ["DERIVED", "SECONDARY"]
        .iter()
        .any(|w| kind.split('\\').take(2).any(|part| part.trim() == *w));
    let modality = set.code(tags::MODALITY);
    let is_image = matches!(modality.as_str(), "CT" | "MR" | "PT");
    if is_image && derived && set.code(tags::BURNED_IN_ANNOTATION).is_empty() {
        out.push((
            "deid.maybe_burned_in",
            "derived images that do not say whether text stands in their pixels: look at them",
        ));
    }
    let part = set.code(tags::BODY_PART_EXAMINED).to_uppercase();
    let face = ["HEAD", "BRAIN", "SKULL", "FACE", "HEADNECK", "HEAD_NECK"].contains(&part.as_str());
    if is_image && (face || set.code(tags::RECOGNIZABLE_VISUAL_FEATURES) == "YES") {
        out.push((
            "deid.face",
            "images of a head: a face can be made from them; nothing was done about that",
        ));
    }
    out
}

/// Tells regions of one set apart.
fn apart(item: &mut DataSet, taken: &mut BTreeSet<String>) {
    for tag in [tags::ROI_NAME, tags::SEGMENT_LABEL] {
        let name = item.code(tag);
        if !name.is_empty() {
            item.raw(tag, VR::LO, distinct(name, taken).as_bytes());
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Bytes(bytes) => bytes.iter().all(|b| matches!(b, 0 | b' ')),
        Value::Items(items) => items.is_empty(),
        Value::Fragments(fragments) => fragments.is_empty(),
    }
}

/// Whether a code or a number string holds only what its VR allows.
fn is_plain(vr: VR, value: &Value) -> bool {
    let Value::Bytes(bytes) = value else { return false };
    let fits = |b: &u8| match vr {
        VR::CS => b.is_ascii_uppercase() || b.is_ascii_digit() || b"_ \\\0".contains(b),
        VR::AS => b.is_ascii_digit() || b"DWMY \\\0".contains(b),
        _ => b.is_ascii_digit() || b"+-.eE \\\0".contains(b),
    };
    bytes.iter().all(fits)
}

fn is_text(vr: VR) -> bool {
    matches!(vr, VR::LO | VR::SH | VR::ST | VR::LT | VR::UT | VR::UC)
}

fn kept(vr: VR, value: &Value) -> Fate {
    // An age above 89 years is one of few.
    if let (VR::AS, Value::Bytes(bytes)) = (vr, value) {
        let text = String::from_utf8_lossy(bytes);
        let years = text.trim().strip_suffix('Y').and_then(|n| n.parse::<u32>().ok());
        if years.is_some_and(|y| y > 89) {
            return Fate::Set("090Y".to_owned());
        }
    }
    if vr == VR::SQ { Fate::Descend } else { Fate::Keep }
}

/// A date moved, a time kept; what is neither is emptied.
fn dated(vr: VR, value: &Value, patient: &Patient) -> Fate {
    let Value::Bytes(bytes) = value else { return Fate::Remove };
    let text = String::from_utf8_lossy(bytes);
    let parts = text.split('\\').map(|t| t.trim_matches(|c: char| c == '\0' || c.is_whitespace()));
    match vr {
        VR::DA | VR::DT => {
            let list: Option<Vec<String>> = parts
                .map(|t| {
                    if t.is_empty() {
                        Some(String::new())
                    } else {
                        moved(t, vr, patient.days)
                    }
                })
                .collect();
            list.map_or(Fate::Empty, |list| Fate::Set(list.join("\\")))
        }
        VR::TM if parts.clone().all(|t| t.bytes().all(|b| b.is_ascii_digit() || b".:".contains(&b))) => Fate::Keep,
        VR::SQ => Fate::Descend,
        _ => Fate::Empty,
    }
}

/// A value that is valid for the VR and says nothing; `None` for those that are emptied instead.
fn dummy(vr: VR) -> Option<&'static str> {
    match vr {
        VR::DA => Some("19000101"),
        VR::DT => Some("19000101000000"),
        VR::TM => Some("000000"),
        VR::AE | VR::CS | VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UT => Some("ANONYMIZED"),
        VR::AS => Some("000Y"),
        VR::DS | VR::IS => Some("0"),
        _ => None,
    }
}

/// Text in UTF-8, as the object will say; everything else as it is.
fn transcoded(value: &Value, vr: VR, charset: &Charset) -> Value {
    match value {
        Value::Bytes(bytes) if (is_text(vr) || vr == VR::PN) && !bytes.is_ascii() => Value::Bytes(charset.decode(bytes).into_bytes()),
        other => other.clone(),
    }
}
