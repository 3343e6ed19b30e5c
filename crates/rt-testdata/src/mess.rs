//! Files and courses that are broken on purpose: one function per case, each with what a reader must make of it.
//!
//! Files ([`files`]) are one CT slice of 4 x 4 voxels with one fault, or no DICOM at all; each is judged alone. Courses ([`courses`]) are
//! sound but for one object or one relation between objects. Source: `spec/reliability.md` 3.2 to 3.5; classes and codes are those of
//! `data/fixtures/README.md`, and where that names none, those of the architecture's error enums.

use crate::cohort::cohort;
use crate::dicom::{DataSet, DicomFile, Lengths, Syntax, meta_header, tag};
use crate::objects::Kind;

mod encoding;
mod geometry;
mod objects;
mod values;

pub use geometry::tilted;

/// What becomes of a broken file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Read and used.
    Used,
    /// Left aside with a reason: the exit code does not change.
    Ignored,
    /// Lost with a reason: the run is not complete.
    Failed,
}

impl Fate {
    /// As the inventory calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
        }
    }
}

/// A file with one fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenFile {
    /// Name of the case: unique, letters and underscores.
    pub case: &'static str,
    /// What is wrong, or odd, in words.
    pub fault: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
    /// Class that the inventory must say; several with `|` are all right.
    pub class: &'static str,
    /// Code of the reason; several with `|` are all right.
    pub code: &'static str,
    /// What becomes of it.
    pub fate: Fate,
}

impl BrokenFile {
    fn new(case: &'static str, fault: &'static str, bytes: Vec<u8>, class: &'static str, code: &'static str, fate: Fate) -> Self {
        Self {
            case,
            fault,
            bytes,
            class,
            code,
            fate,
        }
    }

    /// Odd, but to be read without complaint.
    fn sound(case: &'static str, fault: &'static str, bytes: Vec<u8>) -> Self {
        Self::new(case, fault, bytes, "image", "ok", Fate::Used)
    }

    /// Read with a tolerance that is told.
    fn repaired(case: &'static str, fault: &'static str, bytes: Vec<u8>, code: &'static str) -> Self {
        Self::new(case, fault, bytes, "repaired", code, Fate::Used)
    }
}

/// Every broken file.
pub fn files() -> Vec<BrokenFile> {
    [encoding::all(), values::all()].concat()
}

/// What must come of a course with a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CourseFate {
    /// Evaluated as if nothing were wrong, without a finding.
    Silent,
    /// Evaluated, and the code is told.
    Told(&'static str),
    /// The object fails with the code; the rest of the course goes on.
    ObjectFails(&'static str),
}

/// A course with one fault.
#[derive(Clone)]
pub struct BrokenCourse {
    /// Name of the case: unique, letters and underscores.
    pub case: &'static str,
    /// What is wrong, or odd, in words.
    pub fault: &'static str,
    /// Kind of the object that is at fault.
    pub object: Kind,
    /// The cohort of one course.
    pub cohort: crate::Cohort,
    /// What must come of it.
    pub fate: CourseFate,
}

/// Every broken course.
pub fn courses() -> Vec<BrokenCourse> {
    [geometry::all(), objects::all()].concat()
}

/// The sound course that the faults are put into: 12 slices of 16 x 16 voxels, one target in a linear dose.
fn sound_course(describe: impl FnOnce(crate::Course) -> crate::Course) -> crate::Cohort {
    let half = crate::Vec3::new(0.02, -0.03, 0.1);
    cohort().seed(3).course(|c| {
        let c = c.ct([16, 16, 12]).spacing([4.0, 4.0, 3.0]);
        describe(c.sphere("PTV", 12.0).dose_gradient(50.0, half))
    })
}

/// The sound slice that the faults are put into.
fn slice() -> DataSet {
    let described = cohort().seed(1).course(|c| c.ct([4, 4, 1]));
    let objects = described.courses()[0].objects();
    objects.into_iter().next().map(|o| o.file.set).unwrap_or_default()
}

/// The sound slice as a file.
fn file() -> DicomFile {
    DicomFile::new(slice())
}

/// A file of Explicit VR Little Endian elements as given.
fn with_body(body: &[u8]) -> Vec<u8> {
    [meta(Syntax::ExplicitLittle.uid()), body.to_vec()].concat()
}

/// Preamble and meta header of the sound slice under a transfer syntax.
fn meta(syntax_uid: &str) -> Vec<u8> {
    let uid = slice().text_of(tag::SOP_INSTANCE_UID).unwrap_or("2.25.1").to_owned();
    meta_header(Kind::Ct.class_uid(), &uid, syntax_uid)
}

/// The sound slice's body in Explicit VR Little Endian.
fn body() -> Vec<u8> {
    slice().encode(Syntax::ExplicitLittle, Lengths::Defined)
}

/// Where an element starts in Explicit VR Little Endian bytes; the end when it is not there.
fn position(bytes: &[u8], tag: crate::dicom::Tag) -> usize {
    let [a, b] = tag.0.to_le_bytes();
    let [c, d] = tag.1.to_le_bytes();
    let start = [a, b, c, d];
    bytes.windows(4).position(|w| w == start).unwrap_or(bytes.len())
}

/// A raw element with a 16-bit length as stated, whatever the value's.
fn raw(tag: crate::dicom::Tag, vr: [u8; 2], length: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(tag.0.to_le_bytes());
    bytes.extend(tag.1.to_le_bytes());
    bytes.extend(vr);
    bytes.extend(length.to_le_bytes());
    bytes.extend(value);
    bytes
}

/// A raw element with a 32-bit length as stated.
fn raw_long(tag: crate::dicom::Tag, vr: [u8; 2], length: u32, value: &[u8]) -> Vec<u8> {
    let mut bytes = raw(tag, vr, 0, &[]);
    bytes.extend(length.to_le_bytes());
    bytes.extend(value);
    bytes
}

/// Puts bytes in front of an element of the sound slice's body.
fn inserted(before: crate::dicom::Tag, bytes: &[u8]) -> Vec<u8> {
    let body = body();
    let at = position(&body, before);
    with_body(&[&body[..at], bytes, &body[at..]].concat())
}

/// Replaces an element of the sound slice's body by raw bytes.
fn replaced(tag: crate::dicom::Tag, bytes: &[u8]) -> Vec<u8> {
    let mut set = slice();
    let next = set.elements.iter().map(|e| e.tag).find(|t| *t > tag);
    set.remove(tag);
    let body = set.encode(Syntax::ExplicitLittle, Lengths::Defined);
    let at = next.map_or(body.len(), |next| position(&body, next));
    with_body(&[&body[..at], bytes, &body[at..]].concat())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::dicom::Value;

    #[test]
    fn the_sound_slice_is_4_by_4() {
        let set = slice();
        for tag in [tag::ROWS, tag::COLUMNS] {
            assert_eq!(set.get(tag).map(|e| &e.value), Some(&Value::Words(vec![4])));
        }
    }

    #[test]
    fn every_case_has_its_own_name_and_its_own_bytes() {
        let files = files();
        assert!(files.len() >= 60, "{}", files.len());
        assert_eq!(files.iter().map(|f| f.case).collect::<BTreeSet<_>>().len(), files.len());
        assert_eq!(files.iter().map(|f| &f.bytes).collect::<BTreeSet<_>>().len(), files.len());
        let courses = courses();
        assert_eq!(courses.iter().map(|c| c.case).collect::<BTreeSet<_>>().len(), courses.len());
    }

    #[test]
    fn every_broken_course_differs_from_the_sound_one() {
        let sound = sound_course(|c| c).courses()[0].objects();
        for broken in courses() {
            assert!(broken.cohort.courses()[0].objects() != sound, "{} changes nothing", broken.case);
        }
    }
}
