//! Reading a structure set.

use std::path::{Path, PathBuf};

use dicom::core::Tag;
use dicom::dictionary_std::tags;
use rt_image::ContourSet;

use super::contours::{Faults, RoiContours, StructSink};
use crate::dataset::{Dataset, Fields};
use crate::gate::{self, Collector, Gated, Limits, Want};
use crate::header::unique;
use crate::notice::Notice;
use crate::open::{OpenError, refuse_cut};
use crate::value::{Date, Time};

/// Why a structure set cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StructError {
    /// The file cannot be opened as DICOM.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// No `SOPInstanceUID`: nothing can refer to it.
    #[error("{path}: SOPInstanceUID is missing")]
    NoIdentity {
        /// The file.
        path: PathBuf,
    },
}

impl StructError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open(e) => e.code(),
            Self::NoIdentity { .. } => "struct.no_identity",
        }
    }
}

/// A structure set.
#[derive(Debug, Clone, PartialEq)]
pub struct StructureSet {
    /// `SOPInstanceUID`.
    pub sop_uid: String,
    /// `StudyInstanceUID`.
    pub study_uid: String,
    /// `StructureSetLabel`.
    pub label: String,
    /// `StructureSetName`.
    pub name: String,
    /// `StructureSetDate`.
    pub date: Option<Date>,
    /// `StructureSetTime`.
    pub time: Option<Time>,
    /// `ApprovalStatus`.
    pub approval: String,
    /// Frames of reference of the contours, in stored order.
    pub frames: Vec<String>,
    /// Series that it refers to.
    pub series: Vec<String>,
    /// Regions in stored order.
    pub rois: Vec<Roi>,
    /// Findings.
    pub notices: Vec<Notice>,
}

/// One region.
#[derive(Debug, Clone, PartialEq)]
pub struct Roi {
    /// `ROINumber`: its identity within the set.
    pub number: i32,
    /// `ROIName`; may repeat.
    pub name: String,
    /// `RTROIInterpretedType`, empty when missing.
    pub interpreted_type: String,
    /// `ROIDisplayColor`.
    pub colour: Option<[u8; 3]>,
    /// `ReferencedFrameOfReferenceUID`, empty when missing.
    pub frame_uid: String,
    /// `ROIGenerationAlgorithm`.
    pub algorithm: String,
    /// Contours of all kinds, in stored order, LPS mm.
    pub contours: ContourSet,
}

const STRUCT_TAGS: &[Tag] = &[
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::MODALITY,
    tags::STUDY_INSTANCE_UID,
    tags::FRAME_OF_REFERENCE_UID,
    tags::STRUCTURE_SET_LABEL,
    tags::STRUCTURE_SET_NAME,
    tags::STRUCTURE_SET_DATE,
    tags::STRUCTURE_SET_TIME,
    tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE,
    tags::STRUCTURE_SET_ROI_SEQUENCE,
    tags::RTROI_OBSERVATIONS_SEQUENCE,
    tags::APPROVAL_STATUS,
];

/// Reads an RTSTRUCT file with the default limits.
///
/// Contours come as drawn: their own planes, drawing order, all kinds; a repeated last point of a closed contour is dropped. Contours
/// that cannot be read are left out and counted in the notices.
///
/// # Errors
/// [`StructError`] when it is none or cannot be read.
pub fn read_structures(path: &Path) -> Result<StructureSet, StructError> {
    read_structures_with(path, &Limits::default())
}

/// Reads an RTSTRUCT file.
///
/// # Errors
/// As [`read_structures`].
pub fn read_structures_with(path: &Path, limits: &Limits) -> Result<StructureSet, StructError> {
    let wrap = |source| OpenError::Gate {
        path: path.to_path_buf(),
        source,
    };
    let mut sink = StructSink::new(Collector::new(Want::Tags(STRUCT_TAGS)));
    let gated: Gated = gate::open_with(path, limits, &mut sink).map_err(wrap)?;
    let dataset = Dataset::of(&gated).map_err(wrap)?;
    let f = dataset.fields();
    let class = f.code(tags::SOP_CLASS_UID).unwrap_or_else(|| gated.media_class.clone());
    let modality = f.code(tags::MODALITY).unwrap_or_default();
    if crate::sop::family(&class, &modality) != crate::sop::Family::Structures {
        return Err(OpenError::WrongKind {
            path: path.to_path_buf(),
            expected: "an RTSTRUCT",
            found: if class.is_empty() { modality } else { class },
        }
        .into());
    }
    refuse_cut(path, &gated)?;
    let set = structure_set(f, sink.rois, sink.faults);
    if set.sop_uid.is_empty() {
        return Err(StructError::NoIdentity { path: path.to_path_buf() });
    }
    Ok(set)
}

fn structure_set(f: Fields<'_>, contours: Vec<RoiContours>, faults: Faults) -> StructureSet {
    let mut notices = Vec::new();
    let mut rois = regions(f, &mut notices);
    observe(f, &mut rois);
    attach(&mut rois, contours, &mut notices);
    tell(faults, &mut notices);
    let mut frames = Vec::new();
    let mut series = Vec::new();
    for frame in f.items(tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE) {
        frames.extend(frame.code(tags::FRAME_OF_REFERENCE_UID));
        for study in frame.items(tags::RT_REFERENCED_STUDY_SEQUENCE) {
            series.extend(
                study
                    .items(tags::RT_REFERENCED_SERIES_SEQUENCE)
                    .filter_map(|s| s.code(tags::SERIES_INSTANCE_UID)),
            );
        }
    }
    if frames.is_empty() {
        frames = rois.iter().map(|r| r.frame_uid.clone()).collect();
    }
    StructureSet {
        sop_uid: f.code(tags::SOP_INSTANCE_UID).unwrap_or_default(),
        study_uid: f.code(tags::STUDY_INSTANCE_UID).unwrap_or_default(),
        label: f.text(tags::STRUCTURE_SET_LABEL).unwrap_or_default(),
        name: f.text(tags::STRUCTURE_SET_NAME).unwrap_or_default(),
        date: f.date(tags::STRUCTURE_SET_DATE),
        time: f.time(tags::STRUCTURE_SET_TIME),
        approval: f.code(tags::APPROVAL_STATUS).unwrap_or_default(),
        frames: unique(frames),
        series: unique(series),
        rois,
        notices,
    }
}

fn regions(f: Fields<'_>, notices: &mut Vec<Notice>) -> Vec<Roi> {
    let mut rois: Vec<Roi> = Vec::new();
    for item in f.items(tags::STRUCTURE_SET_ROI_SEQUENCE) {
        let Some(number) = item.unsigned::<i32>(tags::ROI_NUMBER) else {
            notices.push(Notice::new("struct.roi_number", "a region without ROINumber is left out"));
            continue;
        };
        if rois.iter().any(|r| r.number == number) {
            notices.push(Notice::new(
                "struct.roi_repeated",
                format!("ROINumber {number} occurs twice; the first is used"),
            ));
            continue;
        }
        rois.push(Roi {
            number,
            name: item.text(tags::ROI_NAME).unwrap_or_else(|| unnamed(number, notices)),
            interpreted_type: String::new(),
            colour: None,
            frame_uid: item.code(tags::REFERENCED_FRAME_OF_REFERENCE_UID).unwrap_or_default(),
            algorithm: item.code(tags::ROI_GENERATION_ALGORITHM).unwrap_or_default(),
            contours: ContourSet::default(),
        });
    }
    rois
}

fn unnamed(number: i32, notices: &mut Vec<Notice>) -> String {
    notices.push(Notice::new("struct.roi_unnamed", format!("region {number} has no name")));
    format!("unnamed_{number}")
}

fn observe(f: Fields<'_>, rois: &mut [Roi]) {
    for item in f.items(tags::RTROI_OBSERVATIONS_SEQUENCE) {
        let Some(number) = item.unsigned::<i32>(tags::REFERENCED_ROI_NUMBER) else {
            continue;
        };
        let kind = item.code(tags::RTROI_INTERPRETED_TYPE);
        let untyped = rois.iter_mut().find(|r| r.number == number && r.interpreted_type.is_empty());
        if let (Some(roi), Some(kind)) = (untyped, kind) {
            roi.interpreted_type = kind;
        }
    }
}

fn attach(rois: &mut Vec<Roi>, contours: Vec<RoiContours>, notices: &mut Vec<Notice>) {
    for item in contours {
        let Some(number) = item.number.and_then(|n| i32::try_from(n).ok()) else {
            if !item.contours.is_empty() {
                let n = item.contours.len();
                notices.push(Notice::new(
                    "struct.contours_unowned",
                    format!("{n} contours refer to no region and are left out"),
                ));
            }
            continue;
        };
        let at = rois.iter().position(|r| r.number == number).unwrap_or_else(|| {
            notices.push(Notice::new(
                "struct.roi_dangling",
                format!("contours refer to region {number}, which is not listed"),
            ));
            rois.push(Roi {
                number,
                name: format!("unnamed_{number}"),
                interpreted_type: String::new(),
                colour: None,
                frame_uid: String::new(),
                algorithm: String::new(),
                contours: ContourSet::default(),
            });
            rois.len() - 1
        });
        if let Some(roi) = rois.get_mut(at) {
            roi.colour = roi.colour.or(item.colour);
            roi.contours.contours.extend(item.contours);
        }
    }
}

fn tell(faults: Faults, notices: &mut Vec<Notice>) {
    let kinds = [
        (
            faults.unreadable,
            "struct.contour_data",
            "contours hold something that is no coordinate, or not three a point, and are left out",
        ),
        (faults.empty, "struct.contour_empty", "contours have no points and are left out"),
        (
            faults.miscounted,
            "struct.contour_points",
            "contours state another number of points than they have; the points are trusted",
        ),
        (
            faults.untyped,
            "struct.contour_type",
            "contours have no known ContourGeometricType and are read as closed",
        ),
    ];
    for (n, code, text) in kinds {
        if n > 0 {
            notices.push(Notice::new(code, format!("{n} {text}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_tags_are_sorted() {
        assert!(STRUCT_TAGS.windows(2).all(|w| w[0] < w[1]));
    }
}
