//! What a new object takes from the image that it belongs to: patient, study, frame of reference, dates.

use std::path::Path;

use dicom::core::{Tag, VR};
use dicom::dictionary_std::tags;
use rt_core::Vec3;

use super::tree::DataSet;
use crate::gate::Limits;
use crate::open::{OpenError, open};

/// Patient, study and series of an image, as new objects of the same study repeat them. Text as stored, decoded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Origin {
    /// `PatientName`.
    pub patient_name: String,
    /// `PatientID`.
    pub patient_id: String,
    /// `PatientBirthDate`, as stored.
    pub birth_date: String,
    /// `PatientSex`.
    pub sex: String,
    /// `StudyInstanceUID`.
    pub study_uid: String,
    /// `StudyDate`, as stored.
    pub study_date: String,
    /// `StudyTime`, as stored.
    pub study_time: String,
    /// `StudyID`.
    pub study_id: String,
    /// `AccessionNumber`.
    pub accession: String,
    /// `ReferringPhysicianName`.
    pub referring_physician: String,
    /// `FrameOfReferenceUID`.
    pub frame_uid: String,
    /// `PositionReferenceIndicator`.
    pub position_reference: String,
    /// `SeriesInstanceUID` of the image.
    pub series_uid: String,
    /// `SOPClassUID` of its slices.
    pub sop_class: String,
    /// Date of the content: that of the image's series, else of its study.
    pub date: String,
    /// Time of the content, like its date.
    pub time: String,
    /// Normal of its slices, along which they ascend.
    pub normal: Vec3,
    /// Slices in order of the volume; empty when unknown.
    pub slices: Vec<OriginSlice>,
}

/// One slice of the image.
#[derive(Debug, Clone, PartialEq)]
pub struct OriginSlice {
    /// `SOPInstanceUID`.
    pub sop_uid: String,
    /// Position along the normal of the slices, mm.
    pub position_mm: f64,
}

const ORIGIN_TAGS: &[Tag] = &[
    tags::SOP_CLASS_UID,
    tags::STUDY_DATE,
    tags::SERIES_DATE,
    tags::CONTENT_DATE,
    tags::STUDY_TIME,
    tags::SERIES_TIME,
    tags::CONTENT_TIME,
    tags::ACCESSION_NUMBER,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::STUDY_INSTANCE_UID,
    tags::SERIES_INSTANCE_UID,
    tags::STUDY_ID,
    tags::FRAME_OF_REFERENCE_UID,
    tags::POSITION_REFERENCE_INDICATOR,
];

impl Origin {
    /// Reads the header of one file of the image, or of an RT object of the same study; the slices are not known by it.
    ///
    /// # Errors
    /// [`OpenError`] when it is no DICOM file that can be read.
    pub fn read(path: &Path) -> Result<Self, OpenError> {
        let opened = open(path, &Limits::default(), ORIGIN_TAGS)?;
        let f = opened.fields();
        let text = |tag| f.text(tag).unwrap_or_default();
        let code = |tag| f.code(tag).unwrap_or_default();
        let first = |list: [Tag; 3]| list.into_iter().find_map(|t| f.code(t)).unwrap_or_default();
        Ok(Self {
            patient_name: text(tags::PATIENT_NAME),
            patient_id: text(tags::PATIENT_ID),
            birth_date: code(tags::PATIENT_BIRTH_DATE),
            sex: code(tags::PATIENT_SEX),
            study_uid: code(tags::STUDY_INSTANCE_UID),
            study_date: code(tags::STUDY_DATE),
            study_time: code(tags::STUDY_TIME),
            study_id: text(tags::STUDY_ID),
            accession: text(tags::ACCESSION_NUMBER),
            referring_physician: text(tags::REFERRING_PHYSICIAN_NAME),
            frame_uid: code(tags::FRAME_OF_REFERENCE_UID),
            position_reference: text(tags::POSITION_REFERENCE_INDICATOR),
            series_uid: code(tags::SERIES_INSTANCE_UID),
            sop_class: f.code(tags::SOP_CLASS_UID).unwrap_or_else(|| opened.gated.media_class.clone()),
            date: first([tags::SERIES_DATE, tags::CONTENT_DATE, tags::STUDY_DATE]),
            time: first([tags::SERIES_TIME, tags::CONTENT_TIME, tags::STUDY_TIME]),
            normal: Vec3::ZERO,
            slices: Vec::new(),
        })
    }

    /// The slice whose plane holds a point, within 0.01 mm.
    pub(crate) fn slice_at(&self, point: Vec3) -> Option<&OriginSlice> {
        let position_mm = self.normal.dot(point);
        let near = |s: &&OriginSlice| (s.position_mm - position_mm).abs() <= 0.01;
        let after = self.slices.partition_point(|s| s.position_mm < position_mm - 0.01);
        self.slices.get(after).filter(near).or_else(|| self.slices.iter().find(near))
    }

    /// The frame of reference; for an image that names none, one that follows from its series.
    pub(crate) fn frame_uid_or_derived(&self) -> String {
        if self.frame_uid.is_empty() {
            super::derived_uid("frame of reference", &[&self.series_uid])
        } else {
            self.frame_uid.clone()
        }
    }

    /// Patient, study, frame of reference, and what every object of ours says of itself. A study or frame that is unknown gets a UID
    /// that follows from the series.
    pub(crate) fn begin(&self, class: &str, sop_uid: &str, modality: &str, series: &NewSeries<'_>) -> DataSet {
        let study_uid = if self.study_uid.is_empty() {
            super::derived_uid("study", &[&self.patient_id, &self.series_uid])
        } else {
            self.study_uid.clone()
        };
        let mut set = DataSet::new();
        set.raw(tags::SPECIFIC_CHARACTER_SET, VR::CS, b"ISO_IR 192")
            .ui(tags::SOP_CLASS_UID, class)
            .ui(tags::SOP_INSTANCE_UID, sop_uid)
            .raw(tags::STUDY_DATE, VR::DA, self.study_date.as_bytes())
            .raw(tags::STUDY_TIME, VR::TM, self.study_time.as_bytes())
            .text(tags::ACCESSION_NUMBER, VR::SH, &self.accession)
            .cs(tags::MODALITY, modality)
            .text(tags::MANUFACTURER, VR::LO, super::MANUFACTURER)
            .text(tags::MANUFACTURER_MODEL_NAME, VR::LO, super::MANUFACTURER)
            .text(tags::SOFTWARE_VERSIONS, VR::LO, env!("CARGO_PKG_VERSION"))
            .raw(
                tags::REFERRING_PHYSICIAN_NAME,
                VR::PN,
                self.referring_physician.replace('\\', " ").as_bytes(),
            )
            .text(tags::SERIES_DESCRIPTION, VR::LO, series.description)
            .raw(tags::PATIENT_NAME, VR::PN, self.patient_name.replace('\\', " ").as_bytes())
            .text(tags::PATIENT_ID, VR::LO, &self.patient_id)
            .raw(tags::PATIENT_BIRTH_DATE, VR::DA, self.birth_date.as_bytes())
            .cs(tags::PATIENT_SEX, &self.sex)
            .ui(tags::STUDY_INSTANCE_UID, &study_uid)
            .ui(tags::SERIES_INSTANCE_UID, &super::derived_uid("series", &[class, sop_uid]))
            .text(tags::STUDY_ID, VR::SH, &self.study_id)
            .is(tags::SERIES_NUMBER, series.number)
            .is(tags::INSTANCE_NUMBER, 1)
            .ui(tags::FRAME_OF_REFERENCE_UID, &self.frame_uid_or_derived())
            .text(tags::POSITION_REFERENCE_INDICATOR, VR::LO, &self.position_reference);
        set
    }
}

/// The series of a new object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewSeries<'a> {
    pub(crate) number: i64,
    pub(crate) description: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_found_by_position() {
        let slice = |n: u32| OriginSlice {
            sop_uid: n.to_string(),
            position_mm: 2.5 * f64::from(n),
        };
        let origin = Origin {
            normal: Vec3::Z,
            slices: (0..5).map(slice).collect(),
            ..Origin::default()
        };
        let at = |z: f64| origin.slice_at(Vec3::new(7.0, 9.0, z)).map(|s| s.sop_uid.as_str());
        assert_eq!((at(7.505), at(8.0), at(-3.0)), (Some("3"), None, None));
    }
}
