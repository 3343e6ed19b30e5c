//! Treatment records (PS3.3 C.8.8.17 to C.8.8.26): what was delivered in which session.
//!
//! Beam, ion and brachytherapy session records, by their SOP class. Numbers come from the session items, never from file names.

use std::path::{Path, PathBuf};

use dicom::core::Tag;
use dicom::dictionary_std::tags;

use crate::dataset::Fields;
use crate::gate::Limits;
use crate::open::{OpenError, open};
use crate::value::{Date, Time};

/// Why a treatment record cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The file cannot be opened as DICOM.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// No `SOPInstanceUID`.
    #[error("{path}: SOPInstanceUID is missing")]
    NoIdentity {
        /// The file.
        path: PathBuf,
    },
}

impl RecordError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open(e) => e.code(),
            Self::NoIdentity { .. } => "record.no_identity",
        }
    }
}

/// One treatment record.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TreatmentRecord {
    /// `SOPInstanceUID`.
    pub sop_uid: String,
    /// Plans that it refers to.
    pub plans: Vec<String>,
    /// `TreatmentDate`, else `SeriesDate`.
    pub date: Option<Date>,
    /// `TreatmentTime`.
    pub time: Option<Time>,
    /// `TreatmentMachineName`.
    pub machine: String,
    /// Beams or application setups of the session, without those that only set up or image.
    pub beams: Vec<BeamDelivery>,
    /// Fractions that a summary record states as delivered, by plan-wide fraction group.
    pub summary_fractions: Option<u32>,
}

/// What one beam of a session delivered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BeamDelivery {
    /// `ReferencedBeamNumber`.
    pub beam: Option<i64>,
    /// `CurrentFractionNumber`.
    pub fraction: Option<u32>,
    /// `SpecifiedPrimaryMeterset`.
    pub specified: Option<f64>,
    /// `DeliveredPrimaryMeterset`, else `DeliveredMeterset` of the last control point.
    pub delivered: Option<f64>,
    /// `TreatmentTerminationStatus`: `NORMAL`, `OPERATOR`, `MACHINE`, `UNKNOWN`; empty when missing.
    pub termination: String,
    /// Calculated, else measured dose of its dose references, Gy: the first one.
    pub dose_gy: Option<f64>,
}

const RECORD_TAGS: &[Tag] = &[
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::SERIES_DATE,
    tags::MODALITY,
    tags::TREATMENT_SESSION_BEAM_SEQUENCE,
    tags::TREATMENT_SESSION_ION_BEAM_SEQUENCE,
    tags::TREATMENT_SESSION_APPLICATION_SETUP_SEQUENCE,
    tags::FRACTION_GROUP_SUMMARY_SEQUENCE,
    tags::TREATMENT_DATE,
    tags::TREATMENT_TIME,
    tags::TREATMENT_MACHINE_NAME,
    tags::TREATMENT_MACHINE_SEQUENCE,
    tags::REFERENCED_RT_PLAN_SEQUENCE,
];

/// Reads a treatment record.
///
/// # Errors
/// [`RecordError`] when it is none or cannot be read.
pub fn read_record_with(path: &Path, limits: &Limits) -> Result<TreatmentRecord, RecordError> {
    let opened = open(path, limits, RECORD_TAGS)?;
    let f = opened.fields();
    let class = f.code(tags::SOP_CLASS_UID).unwrap_or_else(|| opened.gated.media_class.clone());
    let modality = f.code(tags::MODALITY).unwrap_or_default();
    if crate::sop::family(&class, &modality) != crate::sop::Family::Record {
        return Err(OpenError::WrongKind {
            path: path.to_path_buf(),
            expected: "a treatment record",
            found: if class.is_empty() { modality } else { class },
        }
        .into());
    }
    crate::open::refuse_cut(path, &opened.gated)?;
    let record = record_of(f);
    if record.sop_uid.is_empty() {
        return Err(RecordError::NoIdentity { path: path.to_path_buf() });
    }
    Ok(record)
}

fn record_of(f: Fields<'_>) -> TreatmentRecord {
    let machine = f
        .item(tags::TREATMENT_MACHINE_SEQUENCE)
        .and_then(|m| m.text(tags::TREATMENT_MACHINE_NAME))
        .or_else(|| f.text(tags::TREATMENT_MACHINE_NAME));
    let sessions = [
        (tags::TREATMENT_SESSION_BEAM_SEQUENCE, tags::CONTROL_POINT_DELIVERY_SEQUENCE),
        (tags::TREATMENT_SESSION_ION_BEAM_SEQUENCE, tags::ION_CONTROL_POINT_DELIVERY_SEQUENCE),
        (
            tags::TREATMENT_SESSION_APPLICATION_SETUP_SEQUENCE,
            tags::BRACHY_CONTROL_POINT_DELIVERED_SEQUENCE,
        ),
    ];
    let beams = sessions
        .iter()
        .flat_map(|(session, points)| f.items(*session).filter_map(|b| delivery(b, *points)));
    let groups = f.items(tags::FRACTION_GROUP_SUMMARY_SEQUENCE);
    let stated: Vec<u32> = groups.filter_map(|g| g.unsigned(tags::NUMBER_OF_FRACTIONS_DELIVERED)).collect();
    TreatmentRecord {
        sop_uid: f.code(tags::SOP_INSTANCE_UID).unwrap_or_default(),
        plans: f.references(tags::REFERENCED_RT_PLAN_SEQUENCE),
        date: f.date(tags::TREATMENT_DATE).or_else(|| f.date(tags::SERIES_DATE)),
        time: f.time(tags::TREATMENT_TIME),
        machine: machine.unwrap_or_default(),
        beams: beams.collect(),
        summary_fractions: (!stated.is_empty()).then(|| stated.iter().fold(0, |a: u32, b| a.saturating_add(*b))),
    }
}

/// One session item; `None` for fields that set up, image or verify.
fn delivery(f: Fields<'_>, points: Tag) -> Option<BeamDelivery> {
    let kind = f.code(tags::TREATMENT_DELIVERY_TYPE).unwrap_or_default();
    if !matches!(kind.as_str(), "" | "TREATMENT" | "CONTINUATION") {
        return None;
    }
    let last_point = f.items(points).filter_map(|p| p.f64(tags::DELIVERED_METERSET)).last();
    let calculated = f
        .items(tags::REFERENCED_CALCULATED_DOSE_REFERENCE_SEQUENCE)
        .find_map(|d| d.f64(tags::CALCULATED_DOSE_REFERENCE_DOSE_VALUE));
    let measured = || {
        f.items(tags::REFERENCED_MEASURED_DOSE_REFERENCE_SEQUENCE)
            .find_map(|d| d.f64(tags::MEASURED_DOSE_VALUE))
    };
    Some(BeamDelivery {
        beam: f.integer(tags::REFERENCED_BEAM_NUMBER),
        fraction: f.unsigned(tags::CURRENT_FRACTION_NUMBER).filter(|n| *n > 0),
        specified: f.f64(tags::SPECIFIED_PRIMARY_METERSET),
        delivered: f.f64(tags::DELIVERED_PRIMARY_METERSET).or(last_point),
        termination: f.code(tags::TREATMENT_TERMINATION_STATUS).unwrap_or_default(),
        dose_gy: calculated.or_else(measured),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_tags_are_sorted() {
        assert!(RECORD_TAGS.windows(2).all(|w| w[0] < w[1]));
    }
}
