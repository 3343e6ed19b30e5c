//! The state of the decision, and the rules that take doses out before plans are compared.

use rt_core::Bounds;

use super::{DoseChoice, DoseClass, DoseFacts, Excluded, FractionsCounted, PlanFacts, PlanRole, Selected};

/// Doses that stand or fall together: the dose of one plan, or all its beam doses.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Unit {
    /// Indices of its doses.
    pub(super) doses: Vec<usize>,
    /// Index of its plan.
    pub(super) plan: Option<usize>,
}

/// The state of the decision: doses still in, those out, and what was said on the way.
pub(super) struct Work<'a> {
    pub(super) plans: &'a [PlanFacts],
    pub(super) doses: &'a [DoseFacts],
    pub(super) left: Vec<usize>,
    pub(super) weights: Vec<f64>,
    pub(super) excluded: Vec<Excluded>,
    pub(super) roles: Vec<PlanRole>,
    pub(super) warnings: Vec<(&'static str, String)>,
}

impl<'a> Work<'a> {
    pub(super) fn new(plans: &'a [PlanFacts], doses: &'a [DoseFacts]) -> Self {
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

    pub(super) fn exclude(&mut self, why: &'static str, out: impl Fn(&Self, usize) -> bool) {
        let (gone, left): (Vec<usize>, Vec<usize>) = self.left.iter().copied().partition(|&d| out(self, d));
        self.excluded.extend(gone.into_iter().map(|dose| Excluded { dose, why }));
        self.left = left;
    }

    pub(super) fn keep_only(&mut self, keep: &[usize], why: &'static str) {
        self.exclude(why, |_, d| !keep.contains(&d));
    }

    pub(super) fn summation(&self, dose: usize) -> &str {
        let term = self.doses[dose].summation.as_str();
        if term.is_empty() { "PLAN" } else { term }
    }

    pub(super) fn is_beam(&self, dose: usize) -> bool {
        matches!(
            self.summation(dose),
            "BEAM" | "BEAM_SESSION" | "CONTROL_POINT" | "BRACHY" | "CHANNEL"
        )
    }

    /// The plan of a dose: the one it refers to, else the only plan there is.
    pub(super) fn plan_of(&self, dose: usize) -> Option<usize> {
        let refs = &self.doses[dose].plans;
        let found = self.plans.iter().position(|p| refs.contains(&p.sop_uid));
        found.or_else(|| (refs.is_empty() && self.plans.len() == 1).then_some(0))
    }

    pub(super) fn drop_unusable(&mut self) {
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

    pub(super) fn keep_frame(&mut self, frame: Option<&str>) {
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
    pub(super) fn drop_duplicates_of_plans(&mut self) {
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

    pub(super) fn better(&self, a: usize, b: usize) -> bool {
        let (da, db) = (&self.doses[a], &self.doses[b]);
        da.voxel_mm3
            .total_cmp(&db.voxel_mm3)
            .then_with(|| db.created.cmp(&da.created))
            .then_with(|| da.sop_uid.cmp(&db.sop_uid))
            .is_lt()
    }

    pub(super) fn stored_sum(&self) -> Option<usize> {
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

    pub(super) fn frames(&self) -> usize {
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

    /// Doses whose plan is not there, beside doses whose plan is: they are no part of the course's treatment.
    pub(super) fn drop_orphans(&mut self) {
        let known = |w: &Self, d: usize| w.plan_of(d).is_some();
        if self.left.iter().any(|&d| known(self, d)) {
            let lost = self.left.iter().filter(|&&d| !known(self, d)).count();
            if lost > 0 {
                let text = format!("{lost} doses whose plan is not there were left out");
                self.warnings.push(("dose.orphans_left_out", text));
            }
            self.exclude("orphan_dose", |w, d| !known(w, d));
        }
    }

    /// Exactly the doses that a user names.
    pub(super) fn use_exactly(mut self, uids: &[String]) -> DoseChoice {
        self.exclude("user_rule", |w, d| !uids.contains(&w.doses[d].sop_uid));
        let absent = uids.iter().filter(|uid| self.doses.iter().all(|d| d.sop_uid != **uid)).count();
        if absent > 0 {
            let text = format!("{absent} doses that the rule names are not in the course: none is evaluated");
            return self.none(DoseClass::UserRule, &text);
        }
        self.finish(DoseClass::UserRule, "the user's rule names the doses".to_owned())
    }

    /// Keeps a stored sum; doses of plans that it does not name are told.
    pub(super) fn keep_sum(&mut self, sum: usize) {
        let of_sum = self.doses[sum].plans.clone();
        let beside = |w: &Self, d: usize| d != sum && w.doses[d].plans.iter().any(|p| !of_sum.contains(p));
        if self.left.iter().any(|&d| beside(self, d)) {
            self.warnings.push((
                "dose.beside_sum",
                "doses of plans that the stored sum does not name were left out; give a sum of all plans if they belong to it".to_owned(),
            ));
        }
        self.exclude("beside_sum", beside);
        self.keep_only(&[sum], "part_of_sum");
    }

    /// The doses that are left, beam doses of one plan together, in the order of their first dose.
    pub(super) fn units(&self) -> Vec<Unit> {
        let mut units: Vec<Unit> = Vec::new();
        for &dose in &self.left {
            let plan = self.plan_of(dose);
            let home = units
                .iter_mut()
                .find(|u| plan.is_some() && u.plan == plan && self.is_beam(dose) && u.doses.iter().all(|&d| self.is_beam(d)));
            match home {
                Some(unit) => unit.doses.push(dose),
                None => units.push(Unit { doses: vec![dose], plan }),
            }
        }
        units
    }

    /// One plan dose, or the beams of one plan.
    pub(super) fn one_unit(mut self, unit: &Unit, fractions: FractionsCounted) -> DoseChoice {
        if let Some(plan) = unit.plan {
            self.weigh(&[(unit.doses.clone(), plan)], fractions);
        }
        let first = unit.doses.first().copied().unwrap_or(0);
        if self.is_beam(first) {
            let beams = unit.plan.map_or(0, |p| self.plans[p].treatment_beams.len());
            let reason = format!("{} beam doses hold all {beams} treatment beams of the plan", unit.doses.len());
            return self.finish(DoseClass::BeamDosesSummed, reason);
        }
        let reason = format!("one dose of type {}", self.summation(first));
        self.finish(DoseClass::SingleDose, reason)
    }

    /// Weighs plans by their delivered share when that is asked for and known of all; tells plans that were not delivered in full.
    /// Returns whether the weights were applied.
    pub(super) fn weigh(&mut self, parts: &[(Vec<usize>, usize)], fractions: FractionsCounted) -> bool {
        let share = |w: &Self, plan: usize| {
            let facts = &w.plans[plan];
            let (done, planned) = facts.fractions_delivered.zip(facts.fractions_planned.filter(|n| *n > 0))?;
            Some((f64::from(done) / f64::from(planned), done, planned))
        };
        let shares: Vec<_> = parts.iter().map(|(_, plan)| share(self, *plan)).collect();
        let known = shares.iter().all(Option::is_some);
        let apply = fractions == FractionsCounted::Delivered && known;
        if fractions == FractionsCounted::Delivered && !known {
            let text = "not every plan has treatment records: the planned fractions count".to_owned();
            self.warnings.push(("dose.no_records", text));
        }
        for ((doses, _), share) in parts.iter().zip(shares) {
            let Some((share, done, planned)) = share else { continue };
            if done != planned {
                let counted = if apply {
                    "the delivered ones count"
                } else {
                    "the planned ones count"
                };
                let text = format!("records show {done} of {planned} fractions of a plan: {counted}");
                self.warnings.push(("dose.partly_delivered", text));
            }
            if apply {
                for &dose in doses {
                    self.weights[dose] *= share;
                }
            }
        }
        apply
    }

    /// Whether a pair of grids overlaps by less than 30 % of the smaller one.
    pub(super) fn regions_apart(&self) -> bool {
        let volume = |b: &Bounds| b.extent().x * b.extent().y * b.extent().z;
        let whole = |u: &Unit| Bounds::of(u.doses.iter().filter_map(|&d| self.doses[d].bounds).flat_map(|b| [b.lo, b.hi]));
        let boxes: Vec<Bounds> = self.units().iter().filter_map(whole).filter(|b| volume(b) > 0.0).collect();
        boxes.iter().enumerate().any(|(n, a)| {
            boxes[n + 1..].iter().any(|b| {
                let common = a.intersection(b).map_or(0.0, |c| volume(&c));
                common < 0.30 * volume(a).min(volume(b))
            })
        })
    }

    /// A FRACTION dose that is one fraction by its size is multiplied by the number of fractions.
    pub(super) fn scale_fraction_doses(&mut self) {
        for dose in self.left.clone() {
            self.scale_fraction_dose(dose);
        }
    }

    fn scale_fraction_dose(&mut self, dose: usize) {
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
    pub(super) fn none(mut self, class: DoseClass, reason: &str) -> DoseChoice {
        self.warnings.push((
            "dose.not_chosen",
            format!("{reason}: no dose is evaluated; deliver a stored plan sum, or separate the plans into folders of their own"),
        ));
        self.keep_only(&[], class.as_str());
        self.finish(class, reason.to_owned())
    }

    pub(super) fn finish(mut self, class: DoseClass, reason: String) -> DoseChoice {
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
        if selected.iter().any(|s| self.doses[s.dose].dose_type == "EFFECTIVE") {
            self.warnings.push((
                "dose.effective",
                "the evaluated dose is EFFECTIVE (weighted by biological effect), not physical".to_owned(),
            ));
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
