//! Which dose of a course is evaluated: plan, beam, fraction, replan, boost or sum, with the decision as a record.
//!
//! Pure and independent of file order: everything is sorted by date and UID first. The classes keep the names of the Python
//! predecessor; where that was wrong (words inside words, levels of one plan added up, boosts lost with a replan) the rules of
//! `spec/analysis.md` 1.4, column "ours must", hold. When the data do not say whether two plans add up or replace each
//! other, no dose is chosen ([`DoseClass::Ambiguous`]): half or double the dose is worse than an empty table.

#![expect(
    clippy::indexing_slicing,
    reason = "indices are made here from the lengths of the two slices, never taken from a file"
)]

mod beams;
mod phases;
mod words;
mod work;

#[cfg(test)]
mod tests;

use rt_core::Bounds;
use serde::{Deserialize, Serialize};

use work::Work;

/// What the choice needs to know of a plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlanFacts {
    /// `SOPInstanceUID`.
    pub sop_uid: String,
    /// `RTPlanLabel`, `RTPlanName` and `RTPlanDescription`, joined by blanks.
    pub text: String,
    /// `RTPlanDate`, else `InstanceCreationDate`, as `YYYYMMDD`.
    pub date: Option<String>,
    /// Target prescription levels, Gy.
    pub levels_gy: Vec<f64>,
    /// `ReferencedROINumber` of the targets.
    pub target_rois: Vec<i32>,
    /// Structure set that it refers to.
    pub structure_set: Option<String>,
    /// Numbers of its treatment beams (setup beams left out).
    pub treatment_beams: Vec<i32>,
    /// Fractions planned.
    pub fractions_planned: Option<u32>,
    /// Fractions that treatment records show as delivered.
    pub fractions_delivered: Option<u32>,
}

impl PlanFacts {
    /// The highest target level: the prescription of the plan, Gy.
    pub fn rx_gy(&self) -> Option<f64> {
        self.levels_gy
            .iter()
            .copied()
            .filter(|g| g.is_finite() && *g > 0.0)
            .max_by(f64::total_cmp)
    }
}

/// What the choice needs to know of a dose.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DoseFacts {
    /// `SOPInstanceUID`.
    pub sop_uid: String,
    /// `DoseSummationType`, upper case; empty counts as `PLAN`.
    pub summation: String,
    /// `DoseUnits`, upper case.
    pub units: String,
    /// `DoseType`, upper case.
    pub dose_type: String,
    /// `FrameOfReferenceUID`, empty when missing.
    pub frame_of_reference: String,
    /// Plans that it refers to.
    pub plans: Vec<String>,
    /// Beams that it refers to.
    pub beams: Vec<i32>,
    /// `InstanceCreationDate` and time, comparable as text.
    pub created: String,
    /// Box of its grid.
    pub bounds: Option<Bounds>,
    /// Volume of one voxel, mm3: of two doses of one plan the finer one is taken.
    pub voxel_mm3: f64,
    /// Largest value, Gy.
    pub max_gy: Option<f64>,
}

/// The decision in one word; names as in the predecessor's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DoseClass {
    /// There is no dose.
    NoDoses,
    /// One dose.
    SingleDose,
    /// A stored sum of plans.
    PlanSumUsed,
    /// All treatment beams of one plan, added.
    BeamDosesSummed,
    /// Beam doses only, and they do not make up one plan.
    BeamOnlyUnresolved,
    /// Doses in several frames of reference.
    SeparateCourses,
    /// Doses of regions that do not overlap.
    SeparateRegions,
    /// A replan: the first plan is evaluated (intention to treat).
    ReplanFirst,
    /// Primary and boost, added.
    PrimaryBoostSummed,
    /// Plans of which records show that all were delivered, added.
    PhasesSummed,
    /// Every plan weighted by the share of its fractions that records show as delivered, added.
    DeliveredSummed,
    /// What a rule of the user names.
    UserRule,
    /// Neither sum nor replacement can be shown.
    Ambiguous,
}

impl DoseClass {
    /// The word in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoDoses => "no_doses",
            Self::SingleDose => "single_dose",
            Self::PlanSumUsed => "PLAN_SUM_used",
            Self::BeamDosesSummed => "beam_doses_summed_to_plan",
            Self::BeamOnlyUnresolved => "beam_only_unresolved",
            Self::SeparateCourses => "separate_courses_no_sum",
            Self::SeparateRegions => "separate_regions_no_sum",
            Self::ReplanFirst => "replan_itt_first",
            Self::PrimaryBoostSummed => "primary_boost_summed",
            Self::PhasesSummed => "phases_summed",
            Self::DeliveredSummed => "delivered_summed",
            Self::UserRule => "user_rule",
            Self::Ambiguous => "ambiguous_no_sum",
        }
    }
}

/// What a plan is in the course.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlanRole {
    /// The plan, or the first of several.
    Primary,
    /// Added to the primary.
    Boost,
    /// One of several phases that add up.
    Phase,
    /// Replaces another plan and is not evaluated.
    Replan,
    /// Not part of the evaluated dose, for want of a rule or of a dose.
    Unused,
}

impl PlanRole {
    /// The word in `course.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Boost => "boost",
            Self::Phase => "phase",
            Self::Replan => "replan",
            Self::Unused => "unused",
        }
    }
}

/// One dose of the choice.
#[derive(Debug, Clone, PartialEq)]
pub struct Selected {
    /// Index into the doses given.
    pub dose: usize,
    /// Factor for its values: 1, the number of fractions for a dose of one fraction, or the delivered share of a plan.
    pub weight: f64,
    /// Index of its plan.
    pub plan: Option<usize>,
}

/// One dose left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excluded {
    /// Index into the doses given.
    pub dose: usize,
    /// Reason code.
    pub why: &'static str,
}

/// The decision.
#[derive(Debug, Clone, PartialEq)]
pub struct DoseChoice {
    /// In one word.
    pub class: DoseClass,
    /// In a sentence.
    pub reason: String,
    /// Doses to evaluate; several are added.
    pub selected: Vec<Selected>,
    /// Doses left out, in the order given.
    pub excluded: Vec<Excluded>,
    /// Role of each plan given.
    pub roles: Vec<PlanRole>,
    /// What a person should know: code and text.
    pub warnings: Vec<(&'static str, String)>,
}

/// Which fractions a sum counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FractionsCounted {
    /// Those planned: the dose as it was meant.
    #[default]
    Planned,
    /// Those that treatment records show, where every plan has records.
    Delivered,
}

/// What a user decides about the doses of one course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserRule {
    /// Exactly these doses (`SOPInstanceUID`) are evaluated; several are added.
    Use(Vec<String>),
    /// These doses are left out before anything else is decided.
    LeaveOut(Vec<String>),
}

/// What the choice depends on beside plans and doses.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ChoiceRules<'a> {
    /// Frame of reference of the structures or the planning CT: doses of other frames are left out when one of this frame exists, and
    /// kept with a warning otherwise (the dvh stage refuses them).
    pub frame: Option<&'a str>,
    /// Which fractions count.
    pub fractions: FractionsCounted,
    /// The user's own decision; it wins.
    pub user: Option<&'a UserRule>,
}

/// Chooses the dose of a course.
pub fn choose(plans: &[PlanFacts], doses: &[DoseFacts], rules: &ChoiceRules<'_>) -> DoseChoice {
    let mut work = Work::new(plans, doses);
    match rules.user {
        Some(UserRule::Use(uids)) => return work.use_exactly(uids),
        Some(UserRule::LeaveOut(uids)) => work.exclude("user_rule", |w, d| uids.contains(&w.doses[d].sop_uid)),
        None => {}
    }
    work.drop_unusable();
    work.keep_frame(rules.frame);
    work.drop_orphans();
    work.drop_duplicates_of_plans();
    if work.left.is_empty() {
        return work.finish(DoseClass::NoDoses, "there is no dose that can be evaluated".to_owned());
    }
    if let Some(sum) = work.stored_sum() {
        work.keep_sum(sum);
        return work.finish(DoseClass::PlanSumUsed, "a stored sum of plans is used as it is".to_owned());
    }
    work.drop_beams_of_planned_doses();
    if let Some(reason) = work.gather_beams() {
        return work.none(DoseClass::BeamOnlyUnresolved, &reason);
    }
    if work.frames() > 1 {
        return work.none(DoseClass::SeparateCourses, "the doses stand in several frames of reference");
    }
    work.scale_fraction_doses();
    if let [unit] = work.units().as_slice() {
        return work.one_unit(unit, rules.fractions);
    }
    if work.regions_apart() {
        return work.none(DoseClass::SeparateRegions, "the doses cover regions that hardly overlap");
    }
    phases::decide(work, rules.fractions)
}
