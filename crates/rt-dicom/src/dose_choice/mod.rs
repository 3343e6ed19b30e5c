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

mod phases;
mod words;

use rt_core::Bounds;

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
    /// Factor for its values: 1, or the number of fractions for a dose of one fraction.
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

/// Chooses the dose of a course.
///
/// `frame` is the frame of reference of the structures or the planning CT: doses of other frames are left out when one of this
/// frame exists, and kept with a warning otherwise (the dvh stage refuses them unless a registration is known).
pub fn choose(plans: &[PlanFacts], doses: &[DoseFacts], frame: Option<&str>) -> DoseChoice {
    let mut work = Work::new(plans, doses);
    work.drop_unusable();
    work.keep_frame(frame);
    work.drop_duplicates_of_plans();
    if work.left.is_empty() {
        return work.finish(DoseClass::NoDoses, "there is no dose that can be evaluated".to_owned());
    }
    if let Some(sum) = work.stored_sum() {
        work.keep_only(&[sum], "part_of_sum");
        return work.finish(DoseClass::PlanSumUsed, "a stored sum of plans is used as it is".to_owned());
    }
    work.drop_beams_of_planned_doses();
    if work.left.iter().all(|&d| work.is_beam(d)) {
        return work.beams();
    }
    work.drop_remaining_beams();
    if work.frames() > 1 {
        return work.none(DoseClass::SeparateCourses, "the doses stand in several frames of reference");
    }
    if work.left.len() == 1 {
        work.scale_fraction_dose();
        let reason = format!("one dose of type {}", work.summation(work.left[0]));
        return work.finish(DoseClass::SingleDose, reason);
    }
    if work.regions_apart() {
        return work.none(DoseClass::SeparateRegions, "the doses cover regions that hardly overlap");
    }
    phases::decide(work)
}

/// The state of the decision: doses still in, those out, and what was said on the way.
struct Work<'a> {
    plans: &'a [PlanFacts],
    doses: &'a [DoseFacts],
    left: Vec<usize>,
    weights: Vec<f64>,
    excluded: Vec<Excluded>,
    roles: Vec<PlanRole>,
    warnings: Vec<(&'static str, String)>,
}

impl<'a> Work<'a> {
    fn new(plans: &'a [PlanFacts], doses: &'a [DoseFacts]) -> Self {
        let mut left: Vec<usize> = (0..doses.len()).collect();
        left.sort_by(|&a, &b| doses[a].sop_uid.cmp(&doses[b].sop_uid));
        Self {
            plans,
            doses,
            left,
            weights: vec![1.0; doses.len()],
            excluded: Vec::new(),
            roles: vec![PlanRole::Unused; plans.len()],
            warnings: Vec::new(),
        }
    }

    fn exclude(&mut self, why: &'static str, out: impl Fn(&Self, usize) -> bool) {
        let (gone, left): (Vec<usize>, Vec<usize>) = self.left.iter().copied().partition(|&d| out(self, d));
        self.excluded.extend(gone.into_iter().map(|dose| Excluded { dose, why }));
        self.left = left;
    }

    fn keep_only(&mut self, keep: &[usize], why: &'static str) {
        self.exclude(why, |_, d| !keep.contains(&d));
    }

    fn summation(&self, dose: usize) -> &str {
        let term = self.doses[dose].summation.as_str();
        if term.is_empty() { "PLAN" } else { term }
    }

    fn is_beam(&self, dose: usize) -> bool {
        matches!(
            self.summation(dose),
            "BEAM" | "BEAM_SESSION" | "CONTROL_POINT" | "BRACHY" | "CHANNEL"
        )
    }

    /// The plan of a dose: the one it refers to, else the only plan there is.
    fn plan_of(&self, dose: usize) -> Option<usize> {
        let refs = &self.doses[dose].plans;
        let found = self.plans.iter().position(|p| refs.contains(&p.sop_uid));
        found.or_else(|| (refs.is_empty() && self.plans.len() == 1).then_some(0))
    }

    fn drop_unusable(&mut self) {
        self.exclude("error_dose", |w, d| w.doses[d].dose_type == "ERROR");
        let relative = |w: &Self, d: usize| w.doses[d].units == "RELATIVE";
        if self.left.iter().any(|&d| !relative(self, d)) {
            self.exclude("relative", relative);
        } else if !self.left.is_empty() {
            self.warnings.push((
                "dose.relative",
                "the only dose is RELATIVE: it has no Gy until a reference dose is configured".to_owned(),
            ));
        }
    }

    fn keep_frame(&mut self, frame: Option<&str>) {
        let Some(frame) = frame.filter(|f| !f.is_empty()) else { return };
        let other = |w: &Self, d: usize| {
            let own = &w.doses[d].frame_of_reference;
            !own.is_empty() && own != frame
        };
        if self.left.iter().any(|&d| !other(self, d)) {
            self.exclude("other_frame_of_reference", other);
        } else if !self.left.is_empty() {
            let text =
                format!("every dose stands in another frame of reference than the planning image ({frame}); it needs a registration");
            self.warnings.push(("dose.frame_mismatch", text));
        }
    }

    /// Several whole-plan doses of one plan are one dose given twice: the finest grid, then the latest, then the lower UID is kept.
    fn drop_duplicates_of_plans(&mut self) {
        let mut losers: Vec<usize> = Vec::new();
        for (n, &a) in self.left.iter().enumerate() {
            for &b in &self.left[n + 1..] {
                let same = self.summation(a) == "PLAN"
                    && self.summation(b) == "PLAN"
                    && self.doses[a].dose_type == self.doses[b].dose_type
                    && !self.doses[a].plans.is_empty()
                    && self.doses[a].plans == self.doses[b].plans;
                if same {
                    losers.push(if self.better(a, b) { b } else { a });
                }
            }
        }
        if !losers.is_empty() {
            let text = format!("{} more whole-plan doses of the same plan were left out", losers.len());
            self.warnings.push(("dose.several_for_plan", text));
            self.exclude("duplicate_of_plan", |_, d| losers.contains(&d));
        }
        // An effective dose beside the physical one of the same plan is another view of it.
        let physical: Vec<usize> = self
            .left
            .iter()
            .copied()
            .filter(|&d| self.doses[d].dose_type != "EFFECTIVE")
            .collect();
        self.exclude("effective_beside_physical", |w, d| {
            w.doses[d].dose_type == "EFFECTIVE" && physical.iter().any(|&p| w.doses[p].plans == w.doses[d].plans)
        });
    }

    fn better(&self, a: usize, b: usize) -> bool {
        let (da, db) = (&self.doses[a], &self.doses[b]);
        da.voxel_mm3
            .total_cmp(&db.voxel_mm3)
            .then_with(|| db.created.cmp(&da.created))
            .then_with(|| da.sop_uid.cmp(&db.sop_uid))
            .is_lt()
    }

    fn stored_sum(&self) -> Option<usize> {
        self.left
            .iter()
            .copied()
            .filter(|&d| matches!(self.summation(d), "PLAN_SUM" | "MULTI_PLAN"))
            .max_by(|&a, &b| {
                let refs = self.doses[a].plans.len().cmp(&self.doses[b].plans.len());
                refs.then_with(|| {
                    if self.better(a, b) {
                        std::cmp::Ordering::Greater
                    } else {
                        std::cmp::Ordering::Less
                    }
                })
            })
    }

    /// A whole-plan dose holds the beams of its plan already.
    fn drop_beams_of_planned_doses(&mut self) {
        let planned: Vec<String> = self
            .left
            .iter()
            .filter(|&&d| !self.is_beam(d))
            .flat_map(|&d| self.doses[d].plans.clone())
            .collect();
        let any_whole = self.left.iter().any(|&d| !self.is_beam(d));
        self.exclude("beam_of_plan_dose", |w, d| {
            let refs = &w.doses[d].plans;
            w.is_beam(d) && any_whole && (refs.is_empty() || refs.iter().all(|p| planned.contains(p)))
        });
    }

    /// Beams of plans that have no whole-plan dose, beside plans that have one: they are no whole plan here.
    fn drop_remaining_beams(&mut self) {
        if self.left.iter().any(|&d| self.is_beam(d)) {
            self.warnings.push((
                "dose.beams_left_out",
                "beam doses of another plan than the whole-plan doses were left out".to_owned(),
            ));
            self.exclude("beam_of_other_plan", Self::is_beam);
        }
    }

    fn beams(mut self) -> DoseChoice {
        let mut owners: Vec<Option<usize>> = self.left.iter().map(|&d| self.plan_of(d)).collect();
        owners.dedup();
        let &[Some(plan)] = owners.as_slice() else {
            return self.none(
                DoseClass::BeamOnlyUnresolved,
                "there are only beam doses, and they do not belong to one plan",
            );
        };
        self.drop_repeated_beams();
        let mut have: Vec<i32> = self.left.iter().flat_map(|&d| self.doses[d].beams.clone()).collect();
        have.sort_unstable();
        have.dedup();
        let wanted = &self.plans[plan].treatment_beams;
        let named = self.left.iter().all(|&d| !self.doses[d].beams.is_empty());
        let whole = if named {
            wanted.iter().all(|b| have.contains(b))
        } else {
            !wanted.is_empty() && self.left.len() == wanted.len()
        };
        if !whole {
            let text = format!("beam doses hold {} of {} treatment beams of the plan", have.len(), wanted.len());
            return self.none(DoseClass::BeamOnlyUnresolved, &text);
        }
        let reason = format!(
            "{} beam doses hold all {} treatment beams of the plan",
            self.left.len(),
            wanted.len()
        );
        self.finish(DoseClass::BeamDosesSummed, reason)
    }

    /// The same beam twice must not count twice.
    fn drop_repeated_beams(&mut self) {
        let mut losers: Vec<usize> = Vec::new();
        for (n, &a) in self.left.iter().enumerate() {
            for &b in &self.left[n + 1..] {
                let beams = &self.doses[a].beams;
                if !beams.is_empty() && *beams == self.doses[b].beams {
                    losers.push(if self.better(a, b) { b } else { a });
                }
            }
        }
        self.exclude("duplicate_of_beam", |_, d| losers.contains(&d));
    }

    fn frames(&self) -> usize {
        let mut frames: Vec<&str> = self
            .left
            .iter()
            .map(|&d| self.doses[d].frame_of_reference.as_str())
            .filter(|f| !f.is_empty())
            .collect();
        frames.sort_unstable();
        frames.dedup();
        frames.len()
    }

    /// Whether a pair of grids overlaps by less than 30 % of the smaller one.
    fn regions_apart(&self) -> bool {
        let volume = |b: &Bounds| b.extent().x * b.extent().y * b.extent().z;
        let boxes: Vec<Bounds> = self
            .left
            .iter()
            .filter_map(|&d| self.doses[d].bounds)
            .filter(|b| volume(b) > 0.0)
            .collect();
        boxes.iter().enumerate().any(|(n, a)| {
            boxes[n + 1..].iter().any(|b| {
                let common = a.intersection(b).map_or(0.0, |c| volume(&c));
                common < 0.30 * volume(a).min(volume(b))
            })
        })
    }

    /// A FRACTION dose that is one fraction by its size is multiplied by the number of fractions.
    fn scale_fraction_dose(&mut self) {
        let Some(&dose) = self.left.first() else { return };
        if !self.summation(dose).starts_with("FRACTION") {
            return;
        }
        let plan = self.plan_of(dose).map(|p| &self.plans[p]);
        let facts = plan.and_then(|p| Some((p.rx_gy()?, f64::from(p.fractions_planned?))));
        match (facts, self.doses[dose].max_gy) {
            (Some((rx, n)), Some(max)) if max < 0.5 * rx && (0.8..=1.6).contains(&(max * n / rx)) => {
                self.weights[dose] = n;
                let text = format!("the FRACTION dose (maximum {max:.3} Gy) is one of {n} fractions of {rx} Gy: multiplied by {n}");
                self.warnings.push(("dose.fraction_scaled", text));
            }
            (Some(_), Some(_)) => {}
            _ => self.warnings.push((
                "dose.per_fraction",
                "a FRACTION dose is used as stored: prescription or number of fractions is unknown".to_owned(),
            )),
        }
    }

    /// No dose can be chosen.
    fn none(mut self, class: DoseClass, reason: &str) -> DoseChoice {
        self.warnings.push((
            "dose.not_chosen",
            format!("{reason}: no dose is evaluated; deliver a stored plan sum, or separate the plans into folders of their own"),
        ));
        self.keep_only(&[], class.as_str());
        self.finish(class, reason.to_owned())
    }

    fn finish(mut self, class: DoseClass, reason: String) -> DoseChoice {
        let selected: Vec<Selected> = self
            .left
            .iter()
            .map(|&dose| Selected {
                dose,
                weight: self.weights[dose],
                plan: self.plan_of(dose),
            })
            .collect();
        for (plan, facts) in self.plans.iter().enumerate() {
            let used = selected
                .iter()
                .any(|s| s.plan == Some(plan) || self.doses[s.dose].plans.contains(&facts.sop_uid));
            if used && self.roles[plan] == PlanRole::Unused {
                self.roles[plan] = PlanRole::Primary;
            }
        }
        self.excluded.sort_by_key(|e| e.dose);
        DoseChoice {
            class,
            reason,
            selected,
            excluded: self.excluded,
            roles: self.roles,
            warnings: self.warnings,
        }
    }
}

#[cfg(test)]
mod tests;
