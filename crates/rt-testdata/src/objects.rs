//! The DICOM objects of a course: CT and MR slices, structure set, plans, doses (PS3.3 A.3, A.4, A.18, A.19, A.20).

use std::path::PathBuf;

use rayon::prelude::*;
use rt_core::Vec3;

use crate::course::{Course, Lattice, Naming};
use crate::dicom::{DataSet, DicomFile, tag};
use crate::seed::Seed;

mod dose;
mod image;
mod plan;
mod structures;

pub(crate) use structures::drawn_mm3;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A CT slice.
    Ct,
    /// An MR slice.
    Mr,
    /// The structure set.
    Structures,
    /// A plan.
    Plan,
    /// A dose.
    Dose,
}

impl Kind {
    /// Storage class UID (PS3.4 B.5).
    pub fn class_uid(self) -> &'static str {
        match self {
            Self::Ct => "1.2.840.10008.5.1.4.1.1.2",
            Self::Mr => "1.2.840.10008.5.1.4.1.1.4",
            Self::Structures => "1.2.840.10008.5.1.4.1.1.481.3",
            Self::Plan => "1.2.840.10008.5.1.4.1.1.481.5",
            Self::Dose => "1.2.840.10008.5.1.4.1.1.481.2",
        }
    }

    /// Modality (0008,0060).
    pub fn modality(self) -> &'static str {
        match self {
            Self::Ct => "CT",
            Self::Mr => "MR",
            Self::Structures => "RTSTRUCT",
            Self::Plan => "RTPLAN",
            Self::Dose => "RTDOSE",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Ct => "ct",
            Self::Mr => "mr",
            Self::Structures => "rs",
            Self::Plan => "rp",
            Self::Dose => "rd",
        }
    }
}

/// One file of a course, before it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// Number among the objects of its kind, from 0: slices upwards along the normal, plans and doses in the order of description.
    pub index: usize,
    /// Path below the cohort's folder.
    pub path: PathBuf,
    /// Encoding and content.
    pub file: DicomFile,
}

impl Object {
    /// The object's data set, to change it.
    pub fn set_mut(&mut self) -> &mut DataSet {
        &mut self.file.set
    }
}

/// The UIDs of a course: every object asks here, so that references meet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Uids(Seed);

impl Uids {
    pub(crate) fn of(course: &Course) -> Self {
        Self(course.seed)
    }

    pub(crate) fn study(self) -> String {
        self.0.child("study", 0).uid()
    }

    pub(crate) fn frame(self) -> String {
        self.0.child("frame", 0).uid()
    }

    pub(crate) fn series(self, kind: Kind, number: usize) -> String {
        self.0.child("series", number as u64).child(kind.word(), 0).uid()
    }

    pub(crate) fn object(self, kind: Kind, index: usize) -> String {
        self.0.child("object", index as u64).child(kind.word(), 0).uid()
    }
}

impl Course {
    /// All objects of the course, after its edits, in a fixed order: CT, MR, structure set, plans, doses.
    pub fn objects(&self) -> Vec<Object> {
        self.jobs().into_par_iter().flat_map_iter(|job| self.build(job)).collect()
    }

    /// What there is to build: one job per file.
    pub(crate) fn jobs(&self) -> Vec<(Kind, usize)> {
        let mr = self.mr.map_or(0, |m| m.size[2]);
        let doses = (0..self.treatments.len()).filter(|n| self.treatments[*n].dose.is_some());
        let structures = usize::from(!self.structures.is_empty());
        let numbered = |kind, n: usize| (0..n).map(move |index| (kind, index));
        numbered(Kind::Ct, self.ct.size[2])
            .chain(numbered(Kind::Mr, mr))
            .chain(numbered(Kind::Structures, structures))
            .chain(numbered(Kind::Plan, self.treatments.len()))
            .chain(doses.map(|n| (Kind::Dose, n)))
            .collect()
    }

    /// One job's object after the edits: none, one or several.
    pub(crate) fn build(&self, (kind, index): (Kind, usize)) -> Vec<Object> {
        let set = match kind {
            Kind::Ct => image::ct(self, index),
            Kind::Mr => image::mr(self, index),
            Kind::Structures => structures::set(self),
            Kind::Plan => plan::plan(self, index),
            Kind::Dose => dose::dose(self, index),
        };
        let object = Object {
            kind,
            index,
            path: self.path(kind, index),
            file: DicomFile {
                syntax: self.syntax,
                lengths: self.lengths,
                set,
            },
        };
        self.edits
            .iter()
            .fold(vec![object], |objects, edit| objects.into_iter().flat_map(|o| edit(o)).collect())
    }

    fn path(&self, kind: Kind, index: usize) -> PathBuf {
        let folder = PathBuf::from(&self.patient).join(&self.label);
        let number = index + 1;
        match (self.naming, kind) {
            (Naming::Disc, _) => folder.join(format!("I{:07}", self.disc_number(kind, index))),
            (Naming::Tidy, Kind::Ct) => folder.join(format!("CT/CT.{number:04}.dcm")),
            (Naming::Tidy, Kind::Mr) => folder.join(format!("MR/MR.{number:04}.dcm")),
            (Naming::Tidy, Kind::Structures) => folder.join("RS.dcm"),
            (Naming::Tidy, Kind::Plan) => folder.join(format!("RP.{number}.dcm")),
            (Naming::Tidy, Kind::Dose) => folder.join(format!("RD.{number}.dcm")),
        }
    }

    /// A number that says nothing about the object: multiplication by a unit modulo a prime keeps numbers apart and shuffles them.
    fn disc_number(&self, kind: Kind, index: usize) -> usize {
        let place = self.jobs().iter().position(|job| *job == (kind, index)).unwrap_or(0);
        (place + 1) * 48_271 % 65_537
    }

    /// Patient, study, series, equipment and SOP common modules.
    fn header(&self, kind: Kind, index: usize, description: &str) -> DataSet {
        let uids = Uids::of(self);
        let series = if matches!(kind, Kind::Ct | Kind::Mr) { 0 } else { index };
        let number = match kind {
            Kind::Ct => 1,
            Kind::Mr => 2,
            Kind::Structures => 3,
            Kind::Plan => 10 + index,
            Kind::Dose => 20 + index,
        };
        let date = date(self.day);
        DataSet::new()
            .text(tag::SPECIFIC_CHARACTER_SET, "ISO_IR 192")
            .text(tag::INSTANCE_CREATION_DATE, &date)
            .text(tag::INSTANCE_CREATION_TIME, "120000")
            .text(tag::SOP_CLASS_UID, kind.class_uid())
            .text(tag::SOP_INSTANCE_UID, &uids.object(kind, index))
            .text(tag::STUDY_DATE, &date)
            .text(tag::STUDY_TIME, "110000")
            .text(tag::ACCESSION_NUMBER, "")
            .text(tag::MODALITY, kind.modality())
            .text(tag::MANUFACTURER, "rt-testdata")
            .text(tag::REFERRING_PHYSICIAN_NAME, "")
            .text(tag::SERIES_DESCRIPTION, description)
            .text(tag::MANUFACTURER_MODEL_NAME, "synthetic phantom")
            .text(tag::PATIENT_NAME, &format!("Phantom^{}", self.patient))
            .text(tag::PATIENT_ID, &self.patient)
            .text(tag::PATIENT_BIRTH_DATE, "")
            .text(tag::PATIENT_SEX, "O")
            .text(tag::STUDY_INSTANCE_UID, &uids.study())
            .text(tag::SERIES_INSTANCE_UID, &uids.series(kind, series))
            .text(tag::STUDY_ID, &self.label)
            .integers(tag::SERIES_NUMBER, &[signed(number)])
    }
}

/// The date of a day counted from 1 January 2024 in months of 28 days.
pub(crate) fn date(day: u32) -> String {
    format!("{:04}{:02}{:02}", 2024 + day / 336, day / 28 % 12 + 1, day % 28 + 1)
}

/// Position of the first voxel and the two in-plane directions of a lattice in the patient, as image plane attributes.
fn plane(course: &Course, lattice: &Lattice, z: f64, set: DataSet) -> DataSet {
    let first = |axis: usize| lattice.line(axis)[0];
    let position = course.pose.place(Vec3::new(first(0), first(1), z));
    let (u, v) = (course.pose.axes.x_axis, course.pose.axes.y_axis);
    set.decimals(tag::IMAGE_POSITION_PATIENT, &position.to_array())
        .decimals(tag::IMAGE_ORIENTATION_PATIENT, &[u.x, u.y, u.z, v.x, v.y, v.z])
}

/// Rows, columns, spacing and bit layout.
fn pixels(lattice: &Lattice, bits: (u16, u16), representation: u16, set: DataSet) -> DataSet {
    set.word(tag::SAMPLES_PER_PIXEL, 1)
        .text(tag::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2")
        .word(tag::ROWS, small(lattice.size[1]))
        .word(tag::COLUMNS, small(lattice.size[0]))
        .decimals(tag::PIXEL_SPACING, &[lattice.spacing[1], lattice.spacing[0]])
        .word(tag::BITS_ALLOCATED, bits.0)
        .word(tag::BITS_STORED, bits.1)
        .word(tag::HIGH_BIT, bits.1 - 1)
        .word(tag::PIXEL_REPRESENTATION, representation)
}

/// A number for an integer string.
fn signed(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A number of rows or columns.
fn small(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}
