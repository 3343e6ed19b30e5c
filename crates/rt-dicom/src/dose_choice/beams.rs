//! Doses of single beams: parts of a plan dose, or all the beams of a plan.

use super::work::Work;

impl Work<'_> {
    /// A whole-plan dose holds the beams of its plan already.
    pub(super) fn drop_beams_of_planned_doses(&mut self) {
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

    /// Beam doses that make up a whole plan stay; others are left out. Returns the reason when nothing but incomplete beams was there.
    pub(super) fn gather_beams(&mut self) -> Option<String> {
        if !self.left.iter().any(|&d| self.is_beam(d)) {
            return None;
        }
        self.drop_repeated_beams();
        let only_beams = self.left.iter().all(|&d| self.is_beam(d));
        let mut incomplete: Vec<usize> = Vec::new();
        let mut reasons: Vec<String> = Vec::new();
        for unit in self.units().into_iter().filter(|u| u.doses.iter().all(|&d| self.is_beam(d))) {
            if let Some(reason) = self.missing_beams(&unit.doses, unit.plan) {
                incomplete.extend(unit.doses);
                reasons.push(reason);
            }
        }
        if incomplete.is_empty() {
            return None;
        }
        let reason = reasons.join("; ");
        if only_beams {
            return Some(reason);
        }
        self.warnings
            .push(("dose.beams_left_out", format!("{reason}: these beam doses were left out")));
        self.exclude("beam_incomplete", |_, d| incomplete.contains(&d));
        None
    }

    /// What the beam doses of a plan lack; `None` when they hold all its treatment beams.
    fn missing_beams(&self, doses: &[usize], plan: Option<usize>) -> Option<String> {
        let Some(plan) = plan else {
            return Some("there are beam doses that do not belong to a plan of this course".to_owned());
        };
        let wanted = &self.plans[plan].treatment_beams;
        let mut have: Vec<i32> = doses.iter().flat_map(|&d| self.doses[d].beams.clone()).collect();
        have.sort_unstable();
        have.dedup();
        let named = doses.iter().all(|&d| !self.doses[d].beams.is_empty());
        let whole = if named {
            wanted.iter().all(|b| have.contains(b))
        } else {
            !wanted.is_empty() && doses.len() == wanted.len()
        };
        (!whole).then(|| format!("beam doses hold {} of {} treatment beams of a plan", have.len(), wanted.len()))
    }

    /// The same beam twice must not count twice.
    fn drop_repeated_beams(&mut self) {
        let mut losers: Vec<usize> = Vec::new();
        for (n, &a) in self.left.iter().enumerate() {
            for &b in &self.left[n + 1..] {
                let beams = &self.doses[a].beams;
                let same_plan = self.plan_of(a) == self.plan_of(b) && self.is_beam(a) && self.is_beam(b);
                if same_plan && !beams.is_empty() && *beams == self.doses[b].beams {
                    losers.push(if self.better(a, b) { b } else { a });
                }
            }
        }
        self.exclude("duplicate_of_beam", |_, d| losers.contains(&d));
    }
}
