//! RTPLAN and RT Ion Plan (PS3.3 C.8.8.10 to C.8.8.25): prescription, fractions, beams.
//!
//! The prescription is what the plan says of its targets, never a maximum dose and never a limit of an organ (`spec/ingest.md` 1.11).

use std::path::{Path, PathBuf};

use dicom::core::Tag;
use dicom::dictionary_std::tags;

use crate::dataset::Fields;
use crate::gate::Limits;
use crate::notice::Notice;
use crate::open::{OpenError, open};
use crate::value::{Date, Time};

/// A prescription above this is taken for cGy written as Gy, and told.
const DOUBTFUL_RX_GY: f64 = 200.0;
/// Dose reference types of targets; a missing type counts as one.
const TARGET_TYPES: [&str; 4] = ["", "TARGET", "TREATED_VOLUME", "PLANNED_TARGET_VOLUME"];
/// An arc has at least this many control points and this gantry span (degrees).
const ARC: (usize, f64) = (30, 80.0);

/// Why a plan cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
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

impl PlanError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open(e) => e.code(),
            Self::NoIdentity { .. } => "plan.no_identity",
        }
    }
}

/// A treatment plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// `SOPInstanceUID`.
    pub sop_uid: String,
    /// `StudyInstanceUID`.
    pub study_uid: String,
    /// `FrameOfReferenceUID`, empty when missing.
    pub frame_uid: String,
    /// `RTPlanLabel`.
    pub label: String,
    /// `RTPlanName`.
    pub name: String,
    /// `RTPlanDescription`.
    pub description: String,
    /// `RTPlanDate`.
    pub date: Option<Date>,
    /// `RTPlanTime`.
    pub time: Option<Time>,
    /// `InstanceCreationDate`.
    pub created: Option<Date>,
    /// `PlanIntent`.
    pub intent: String,
    /// `ApprovalStatus`.
    pub approval: String,
    /// `ReviewDate`.
    pub review_date: Option<Date>,
    /// `ReviewTime`.
    pub review_time: Option<Time>,
    /// Structure sets that it refers to.
    pub structures: Vec<String>,
    /// Dose references in stored order.
    pub dose_references: Vec<DoseReference>,
    /// Fraction groups in stored order.
    pub fraction_groups: Vec<FractionGroup>,
    /// Beams in stored order, setup beams included.
    pub beams: Vec<Beam>,
    /// Facts of the patient at the time of planning.
    pub patient: Patient,
    /// Names of persons: only for tables that may hold them.
    pub people: People,
    /// Findings.
    pub notices: Vec<Notice>,
}

/// One item of `DoseReferenceSequence`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DoseReference {
    /// `DoseReferenceNumber`.
    pub number: Option<i64>,
    /// `DoseReferenceStructureType`.
    pub structure_type: String,
    /// `DoseReferenceDescription`.
    pub description: String,
    /// `DoseReferenceType`, empty when missing.
    pub kind: String,
    /// `TargetPrescriptionDose`, Gy.
    pub target_dose: Option<f64>,
    /// `DeliveryMaximumDose`, Gy: a limit, never a prescription.
    pub maximum_dose: Option<f64>,
    /// `ReferencedROINumber`.
    pub roi: Option<i64>,
}

/// One item of `FractionGroupSequence`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FractionGroup {
    /// `FractionGroupNumber`.
    pub number: Option<i64>,
    /// `NumberOfFractionsPlanned`.
    pub fractions: Option<u32>,
    /// Beams with what they give in one fraction.
    pub beams: Vec<BeamShare>,
    /// Brachytherapy application setups.
    pub n_brachy: usize,
    /// `TargetPrescriptionDose` of the dose references of the group, Gy, total.
    pub target_doses: Vec<f64>,
}

/// One item of `ReferencedBeamSequence` of a fraction group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BeamShare {
    /// `ReferencedBeamNumber`.
    pub beam: i64,
    /// `BeamDose` of one fraction, Gy.
    pub dose: Option<f64>,
    /// `BeamMeterset` of one fraction.
    pub meterset: Option<f64>,
}

/// One beam.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Beam {
    /// `BeamNumber`.
    pub number: i64,
    /// `BeamName`.
    pub name: String,
    /// `BeamType`.
    pub beam_type: String,
    /// `RadiationType`.
    pub radiation: String,
    /// `TreatmentDeliveryType`.
    pub delivery: String,
    /// `TreatmentMachineName`.
    pub machine: String,
    /// `NominalBeamEnergy` values that occur, in MV (photons) or mega-electronvolt, ascending.
    pub energies: Vec<f64>,
    /// Control points.
    pub n_control_points: usize,
    /// Gantry, collimator and couch angles of the control points that state them, degrees.
    pub gantry: Vec<f64>,
    /// `BeamLimitingDeviceAngle`.
    pub collimator: Vec<f64>,
    /// `PatientSupportAngle`.
    pub couch: Vec<f64>,
}

impl Beam {
    /// Whether it treats: setup, port film and verification fields do not.
    pub fn is_treatment(&self) -> bool {
        matches!(self.delivery.as_str(), "" | "TREATMENT" | "CONTINUATION")
    }

    /// Degrees swept by the gantry: the circle less its widest gap between neighbouring angles.
    pub fn gantry_span_deg(&self) -> f64 {
        circular_span(&self.gantry)
    }

    /// At least 30 control points over more than 80 degrees.
    pub fn is_arc(&self) -> bool {
        self.n_control_points >= ARC.0 && self.gantry_span_deg() > ARC.1
    }
}

/// Degrees between the ends of a set of angles, going round the side where they lie.
pub fn circular_span(angles: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = angles.iter().map(|a| a.rem_euclid(360.0)).collect();
    sorted.sort_by(f64::total_cmp);
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return 0.0;
    };
    let over_zero = first + 360.0 - last;
    let widest = sorted
        .iter()
        .zip(sorted.iter().skip(1))
        .map(|(a, b)| b - a)
        .fold(over_zero, f64::max);
    360.0 - widest
}

/// Facts of the patient that tables may hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Patient {
    /// `PatientID`.
    pub id: String,
    /// `PatientSex`.
    pub sex: Option<String>,
    /// `PatientBirthDate`: for the age; itself only in tables that may hold identifiers.
    pub birth_date: Option<Date>,
    /// `PatientSize`, m.
    pub height_m: Option<f64>,
    /// `PatientWeight`, kg.
    pub weight_kg: Option<f64>,
}

/// Names of persons.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct People {
    /// `PatientName`.
    pub patient: Option<String>,
    /// `ReviewerName`.
    pub reviewer: Option<String>,
    /// `PhysiciansOfRecord`.
    pub physicians_of_record: Option<String>,
    /// `ReferringPhysicianName`.
    pub referring: Option<String>,
    /// `PerformingPhysicianName`.
    pub performing: Option<String>,
    /// `OperatorsName`.
    pub operators: Option<String>,
}

/// Where a prescription comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RxSource {
    /// `TargetPrescriptionDose` of a target.
    TargetRx,
    /// `TargetPrescriptionDose` inside a fraction group.
    FractionRef,
    /// Fractions times the sum of `BeamDose`.
    BeamDose,
    /// Nothing found.
    None,
}

impl RxSource {
    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::TargetRx => "target_rx",
            Self::FractionRef => "fraction_ref",
            Self::BeamDose => "beam_dose",
            Self::None => "none",
        }
    }
}

/// Prescribed dose of one target of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct RxLevel {
    /// `ReferencedROINumber`.
    pub roi: Option<i64>,
    /// `DoseReferenceDescription`.
    pub description: String,
    /// Gy, all fractions.
    pub gy: f64,
}

/// Prescription of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Rx {
    /// Highest level, Gy, all fractions.
    pub total_gy: Option<f64>,
    /// Where it comes from.
    pub source: RxSource,
    /// All levels in stored order.
    pub levels: Vec<RxLevel>,
}

impl Plan {
    /// Fractions planned: the sum over fraction groups that state them.
    pub fn fractions(&self) -> Option<u32> {
        let stated: Vec<u32> = self.fraction_groups.iter().filter_map(|g| g.fractions).collect();
        (!stated.is_empty()).then(|| stated.iter().fold(0_u32, |a, b| a.saturating_add(*b)))
    }

    /// Beams that treat, in stored order.
    pub fn treatment_beams(&self) -> impl Iterator<Item = &Beam> {
        self.beams.iter().filter(|b| b.is_treatment())
    }

    /// The prescription: the highest target level; else that of the fraction groups; else fractions times beam doses.
    pub fn rx(&self) -> Rx {
        let targets = self.dose_references.iter().filter(|d| TARGET_TYPES.contains(&d.kind.as_str()));
        let levels: Vec<RxLevel> = targets
            .filter_map(|d| {
                let gy = d.target_dose.filter(|v| *v > 0.0)?;
                Some(RxLevel {
                    roi: d.roi,
                    description: d.description.clone(),
                    gy,
                })
            })
            .collect();
        let highest = levels.iter().map(|l| l.gy).reduce(f64::max);
        if highest.is_some() {
            return Rx {
                total_gy: highest,
                source: RxSource::TargetRx,
                levels,
            };
        }
        let in_groups = self
            .fraction_groups
            .iter()
            .flat_map(|g| &g.target_doses)
            .copied()
            .filter(|v| *v > 0.0);
        if let Some(total) = in_groups.reduce(f64::max) {
            return Rx {
                total_gy: Some(total),
                source: RxSource::FractionRef,
                levels,
            };
        }
        let by_beams: f64 = self.fraction_groups.iter().filter_map(group_beam_dose).sum();
        let found = by_beams > 0.0;
        Rx {
            total_gy: found.then_some(by_beams),
            source: if found { RxSource::BeamDose } else { RxSource::None },
            levels,
        }
    }
}

fn group_beam_dose(group: &FractionGroup) -> Option<f64> {
    let one: f64 = group.beams.iter().filter_map(|b| b.dose).sum();
    Some(one * f64::from(group.fractions?))
}

const PLAN_TAGS: &[Tag] = &[
    tags::INSTANCE_CREATION_DATE,
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::MODALITY,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::PHYSICIANS_OF_RECORD,
    tags::PERFORMING_PHYSICIAN_NAME,
    tags::OPERATORS_NAME,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::PATIENT_SIZE,
    tags::PATIENT_WEIGHT,
    tags::STUDY_INSTANCE_UID,
    tags::FRAME_OF_REFERENCE_UID,
    tags::RT_PLAN_LABEL,
    tags::RT_PLAN_NAME,
    tags::RT_PLAN_DESCRIPTION,
    tags::RT_PLAN_DATE,
    tags::RT_PLAN_TIME,
    tags::PLAN_INTENT,
    tags::DOSE_REFERENCE_SEQUENCE,
    tags::FRACTION_GROUP_SEQUENCE,
    tags::BEAM_SEQUENCE,
    tags::ION_BEAM_SEQUENCE,
    tags::REFERENCED_STRUCTURE_SET_SEQUENCE,
    tags::APPROVAL_STATUS,
    tags::REVIEW_DATE,
    tags::REVIEW_TIME,
    tags::REVIEWER_NAME,
];

/// Reads an RTPLAN file with the default limits.
///
/// # Errors
/// [`PlanError`] when it is none or cannot be read.
pub fn read_plan(path: &Path) -> Result<Plan, PlanError> {
    read_plan_with(path, &Limits::default())
}

/// Reads an RTPLAN file.
///
/// # Errors
/// As [`read_plan`].
pub fn read_plan_with(path: &Path, limits: &Limits) -> Result<Plan, PlanError> {
    let opened = open(path, limits, PLAN_TAGS)?;
    let f = opened.fields();
    let class = f.code(tags::SOP_CLASS_UID).unwrap_or_else(|| opened.gated.media_class.clone());
    let modality = f.code(tags::MODALITY).unwrap_or_default();
    if crate::sop::family(&class, &modality) != crate::sop::Family::Plan {
        return Err(OpenError::WrongKind {
            path: path.to_path_buf(),
            expected: "an RTPLAN",
            found: if class.is_empty() { modality } else { class },
        }
        .into());
    }
    crate::open::refuse_cut(path, &opened.gated)?;
    let mut plan = plan_of(f);
    if plan.sop_uid.is_empty() {
        return Err(PlanError::NoIdentity { path: path.to_path_buf() });
    }
    if let Some(gy) = plan.rx().total_gy.filter(|gy| *gy > DOUBTFUL_RX_GY) {
        plan.notices.push(Notice::new(
            "plan.rx_doubtful",
            format!("prescription of {gy} Gy: perhaps cGy written where Gy belongs"),
        ));
    }
    Ok(plan)
}

fn plan_of(f: Fields<'_>) -> Plan {
    let text = |tag| f.text(tag).unwrap_or_default();
    let code = |tag| f.code(tag).unwrap_or_default();
    let mut beams: Vec<Beam> = f
        .items(tags::BEAM_SEQUENCE)
        .filter_map(|b| beam(b, tags::CONTROL_POINT_SEQUENCE))
        .collect();
    beams.extend(
        f.items(tags::ION_BEAM_SEQUENCE)
            .filter_map(|b| beam(b, tags::ION_CONTROL_POINT_SEQUENCE)),
    );
    Plan {
        sop_uid: code(tags::SOP_INSTANCE_UID),
        study_uid: code(tags::STUDY_INSTANCE_UID),
        frame_uid: code(tags::FRAME_OF_REFERENCE_UID),
        label: text(tags::RT_PLAN_LABEL),
        name: text(tags::RT_PLAN_NAME),
        description: text(tags::RT_PLAN_DESCRIPTION),
        date: f.date(tags::RT_PLAN_DATE),
        time: f.time(tags::RT_PLAN_TIME),
        created: f.date(tags::INSTANCE_CREATION_DATE),
        intent: code(tags::PLAN_INTENT),
        approval: code(tags::APPROVAL_STATUS),
        review_date: f.date(tags::REVIEW_DATE),
        review_time: f.time(tags::REVIEW_TIME),
        structures: f.references(tags::REFERENCED_STRUCTURE_SET_SEQUENCE),
        dose_references: f.items(tags::DOSE_REFERENCE_SEQUENCE).map(dose_reference).collect(),
        fraction_groups: f.items(tags::FRACTION_GROUP_SEQUENCE).map(fraction_group).collect(),
        beams,
        patient: Patient {
            id: text(tags::PATIENT_ID),
            sex: f.code(tags::PATIENT_SEX),
            birth_date: f.date(tags::PATIENT_BIRTH_DATE),
            height_m: f.f64(tags::PATIENT_SIZE).filter(|v| *v > 0.0),
            weight_kg: f.f64(tags::PATIENT_WEIGHT).filter(|v| *v > 0.0),
        },
        people: People {
            patient: f.text(tags::PATIENT_NAME),
            reviewer: f.text(tags::REVIEWER_NAME),
            physicians_of_record: f.text(tags::PHYSICIANS_OF_RECORD),
            referring: f.text(tags::REFERRING_PHYSICIAN_NAME),
            performing: f.text(tags::PERFORMING_PHYSICIAN_NAME),
            operators: f.text(tags::OPERATORS_NAME),
        },
        notices: Vec::new(),
    }
}

fn dose_reference(f: Fields<'_>) -> DoseReference {
    DoseReference {
        number: f.integer(tags::DOSE_REFERENCE_NUMBER),
        structure_type: f.code(tags::DOSE_REFERENCE_STRUCTURE_TYPE).unwrap_or_default(),
        description: f.text(tags::DOSE_REFERENCE_DESCRIPTION).unwrap_or_default(),
        kind: f.code(tags::DOSE_REFERENCE_TYPE).unwrap_or_default(),
        target_dose: f.f64(tags::TARGET_PRESCRIPTION_DOSE),
        maximum_dose: f.f64(tags::DELIVERY_MAXIMUM_DOSE),
        roi: f.integer(tags::REFERENCED_ROI_NUMBER),
    }
}

fn fraction_group(f: Fields<'_>) -> FractionGroup {
    let shares = f.items(tags::REFERENCED_BEAM_SEQUENCE).filter_map(|b| {
        Some(BeamShare {
            beam: b.integer(tags::REFERENCED_BEAM_NUMBER)?,
            dose: b.f64(tags::BEAM_DOSE),
            meterset: b.f64(tags::BEAM_METERSET),
        })
    });
    FractionGroup {
        number: f.integer(tags::FRACTION_GROUP_NUMBER),
        fractions: f.unsigned(tags::NUMBER_OF_FRACTIONS_PLANNED),
        beams: shares.collect(),
        n_brachy: f.items(tags::REFERENCED_BRACHY_APPLICATION_SETUP_SEQUENCE).count(),
        target_doses: f
            .items(tags::REFERENCED_DOSE_REFERENCE_SEQUENCE)
            .filter_map(|d| d.f64(tags::TARGET_PRESCRIPTION_DOSE))
            .collect(),
    }
}

fn beam(f: Fields<'_>, control_points: Tag) -> Option<Beam> {
    let code = |tag| f.code(tag).unwrap_or_default();
    let points: Vec<Fields<'_>> = f.items(control_points).collect();
    let values = |tag: Tag| points.iter().filter_map(|p| p.f64(tag)).collect::<Vec<f64>>();
    let mut energies = values(tags::NOMINAL_BEAM_ENERGY);
    energies.sort_by(f64::total_cmp);
    energies.dedup_by(|a, b| (*a - *b).abs() < 1e-9);
    Some(Beam {
        number: f.integer(tags::BEAM_NUMBER)?,
        name: f.text(tags::BEAM_NAME).unwrap_or_default(),
        beam_type: code(tags::BEAM_TYPE),
        radiation: code(tags::RADIATION_TYPE),
        delivery: code(tags::TREATMENT_DELIVERY_TYPE),
        machine: f.text(tags::TREATMENT_MACHINE_NAME).unwrap_or_default(),
        energies,
        n_control_points: points.len(),
        gantry: values(tags::GANTRY_ANGLE),
        collimator: values(tags::BEAM_LIMITING_DEVICE_ANGLE),
        couch: values(tags::PATIENT_SUPPORT_ANGLE),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(kind: &str, gy: f64, roi: i64) -> DoseReference {
        DoseReference {
            kind: kind.into(),
            target_dose: Some(gy),
            maximum_dose: Some(99.0),
            roi: Some(roi),
            ..DoseReference::default()
        }
    }

    #[test]
    fn the_highest_target_level_is_the_prescription() {
        let plan = Plan {
            dose_references: vec![
                target("TARGET", 56.0, 1),
                target("TARGET", 70.0, 2),
                target("ORGAN_AT_RISK", 90.0, 3),
            ],
            ..Plan::default()
        };
        let rx = plan.rx();
        assert_eq!((rx.total_gy, rx.source), (Some(70.0), RxSource::TargetRx));
        assert_eq!(rx.levels.iter().map(|l| l.roi).collect::<Vec<_>>(), [Some(1), Some(2)]);
    }

    #[test]
    fn beam_doses_are_per_fraction_and_maxima_are_no_prescription() {
        let beams = [1, 2].map(|beam| BeamShare {
            beam,
            dose: Some(0.9),
            meterset: Some(100.0),
        });
        let mut plan = Plan {
            dose_references: vec![DoseReference {
                kind: "TARGET".into(),
                maximum_dose: Some(66.0),
                ..DoseReference::default()
            }],
            fraction_groups: vec![FractionGroup {
                fractions: Some(25),
                beams: beams.to_vec(),
                ..FractionGroup::default()
            }],
            ..Plan::default()
        };
        let rx = plan.rx();
        // 2 beams x 0.9 Gy x 25 fractions.
        assert!((rx.total_gy.unwrap() - 45.0).abs() < 1e-9);
        assert_eq!(rx.source, RxSource::BeamDose);
        plan.fraction_groups[0].target_doses = vec![44.0];
        assert_eq!(plan.rx().total_gy, Some(44.0), "a total, not per fraction");
        plan.fraction_groups.clear();
        assert_eq!((plan.rx().total_gy, plan.rx().source), (None, RxSource::None));
    }

    #[test]
    fn setup_beams_do_not_treat_and_arcs_are_measured_round_the_circle() {
        let mut beam = Beam {
            delivery: "SETUP".into(),
            ..Beam::default()
        };
        assert!(!beam.is_treatment());
        beam.delivery = "TREATMENT".into();
        assert!(beam.is_treatment());
        // From 350 over 0 to 10 degrees the gantry turns by 20, not by 340.
        beam.gantry = vec![350.0, 0.0, 10.0];
        assert!((beam.gantry_span_deg() - 20.0).abs() < 1e-9);
        beam.gantry = (0..91).map(|k| f64::from(k) * 4.0 - 180.0).collect();
        beam.n_control_points = 91;
        assert!(beam.is_arc());
        assert!((circular_span(&[42.0])).abs() < 1e-9 && circular_span(&[]).abs() < 1e-9);
    }

    #[test]
    fn wanted_tags_are_sorted() {
        assert!(PLAN_TAGS.windows(2).all(|w| w[0] < w[1]));
    }
}
