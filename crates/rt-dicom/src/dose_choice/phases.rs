//! Several whole-plan doses of one region: replans replace, boosts and delivered phases add.

use super::work::Work;
use super::{DoseChoice, DoseClass, FractionsCounted, PlanRole, words};

/// One plan with its dose, or its beam doses, as the rules look at it.
struct Phase {
    doses: Vec<usize>,
    plan: usize,
    date: String,
    rx: Option<f64>,
}

/// Decides among two or more doses in one frame of reference and one region.
pub(super) fn decide(mut work: Work<'_>, fractions: FractionsCounted) -> DoseChoice {
    let mut phases = Vec::new();
    for unit in work.units() {
        let Some(plan) = unit.plan else {
            return work.none(
                DoseClass::Ambiguous,
                "several doses, and not all of them name a plan of this course",
            );
        };
        phases.push(Phase {
            doses: unit.doses,
            plan,
            // Plans without a date come last.
            date: work.plans[plan].date.clone().unwrap_or_else(|| "99999999".to_owned()),
            rx: work.plans[plan].rx_gy(),
        });
    }
    phases.sort_by(|a, b| {
        let uid = |p: &Phase| &work.plans[p.plan].sop_uid;
        a.date.cmp(&b.date).then_with(|| uid(a).cmp(uid(b)))
    });
    let parts = |phases: &[Phase]| phases.iter().map(|p| (p.doses.clone(), p.plan)).collect::<Vec<_>>();
    if fractions == FractionsCounted::Delivered && work.weigh(&parts(&phases), fractions) {
        return delivered(work, &phases);
    }
    let replans = drop_replans(&mut work, &mut phases);
    work.weigh(&parts(&phases), FractionsCounted::Planned);
    if phases.len() == 1 {
        let text = "a later plan replaces the first: the first is evaluated (intention to treat)".to_owned();
        return work.finish(DoseClass::ReplanFirst, text);
    }
    let Some((class, reason)) = why_sum(&mut work, &phases) else {
        return work.none(
            DoseClass::Ambiguous,
            "several plans, and nothing shows whether they add up or replace each other",
        );
    };
    let total: f64 = phases.iter().filter_map(|p| p.rx).sum();
    if total > 100.0 {
        let text = format!("the prescriptions of the added plans make {total:.1} Gy");
        work.warnings.push(("dose.high_sum", text));
    }
    let reason = if replans > 0 {
        format!("{reason}; {replans} replan(s) left out")
    } else {
        reason
    };
    work.finish(class, reason)
}

/// Every plan by its delivered share: a replan adds what was given with it, and a plan of which nothing was given drops out.
fn delivered(mut work: Work<'_>, phases: &[Phase]) -> DoseChoice {
    for phase in phases {
        let none = work.plans[phase.plan].fractions_delivered == Some(0);
        work.roles[phase.plan] = if none { PlanRole::Unused } else { PlanRole::Phase };
        if none {
            work.exclude("not_delivered", |_, d| phase.doses.contains(&d));
        }
    }
    if work.left.is_empty() {
        return work.none(DoseClass::NoDoses, "records show that no fraction of any plan was delivered");
    }
    let text = "every plan is weighted by the share of its fractions that treatment records show".to_owned();
    work.finish(DoseClass::DeliveredSummed, text)
}

/// Takes out plans that replace an earlier one; returns how many.
fn drop_replans(work: &mut Work<'_>, phases: &mut Vec<Phase>) -> usize {
    let mut replaced = Vec::new();
    for n in 1..phases.len() {
        let later = &phases[n];
        let earlier: Vec<&Phase> = phases[..n].iter().filter(|p| !replaced.contains(&p.plan)).collect();
        let text = &work.plans[later.plan].text;
        let repeats = |first: &&Phase| same_prescription(work, first, later) && !both_delivered(work, &[first, later]);
        let is_replan = if words::says_boost(text) {
            // A boost is replaced only by another boost.
            words::says_replan(text) && earlier.iter().any(|p| words::says_boost(&work.plans[p.plan].text))
        } else {
            words::says_replan(text) || earlier.iter().any(repeats)
        };
        if is_replan {
            replaced.push(later.plan);
        }
    }
    for phase in phases.iter().filter(|p| replaced.contains(&p.plan)) {
        work.roles[phase.plan] = PlanRole::Replan;
    }
    let gone: Vec<usize> = phases
        .iter()
        .filter(|p| replaced.contains(&p.plan))
        .flat_map(|p| p.doses.clone())
        .collect();
    phases.retain(|p| !replaced.contains(&p.plan));
    work.exclude("replan", |_, d| gone.contains(&d));
    replaced.len()
}

/// Whether a later plan repeats an earlier prescription on the same target: the same highest level (within 1 %), and a second sign:
/// several levels in common, or the same target regions of the same structure set under the same label.
fn same_prescription(work: &Work<'_>, first: &Phase, later: &Phase) -> bool {
    let (Some(a), Some(b)) = (first.rx, later.rx) else { return false };
    if (a - b).abs() > 0.01 * a.max(b) {
        return false;
    }
    let (p, q) = (&work.plans[first.plan], &work.plans[later.plan]);
    let near = |x: f64, list: &[f64]| list.iter().any(|y| (x - y).abs() <= 0.01 * x.max(*y));
    let common_levels = q.levels_gy.iter().filter(|g| near(**g, &p.levels_gy)).count();
    let same_set = p.structure_set.is_some() && p.structure_set == q.structure_set;
    let same_target = same_set && !p.target_rois.is_empty() && p.target_rois == q.target_rois;
    // Equal prescriptions alone could as well be two halves of one treatment: that is left ambiguous.
    (common_levels >= 2 && p.levels_gy.len() >= 2) || (same_target && p.text.trim().eq_ignore_ascii_case(q.text.trim()))
}

/// Whether treatment records show that every one of the plans was delivered in full.
fn both_delivered(work: &Work<'_>, phases: &[&Phase]) -> bool {
    phases.iter().all(|p| {
        let plan = &work.plans[p.plan];
        matches!((plan.fractions_delivered, plan.fractions_planned), (Some(done), Some(planned)) if planned > 0 && done >= planned)
    })
}

/// The evidence that the plans add up, and the roles that follow from it.
fn why_sum(work: &mut Work<'_>, phases: &[Phase]) -> Option<(DoseClass, String)> {
    let boosts: Vec<&Phase> = phases.iter().filter(|p| words::says_boost(&work.plans[p.plan].text)).collect();
    if !boosts.is_empty() && boosts.len() < phases.len() {
        let boost_plans: Vec<usize> = boosts.iter().map(|p| p.plan).collect();
        set_roles(work, phases, |p| boost_plans.contains(&p.plan));
        return Some((
            DoseClass::PrimaryBoostSummed,
            "primary and boost plans by their labels are added".to_owned(),
        ));
    }
    if both_delivered(work, &phases.iter().collect::<Vec<_>>()) {
        for phase in phases {
            work.roles[phase.plan] = PlanRole::Phase;
        }
        let text = "treatment records show that every plan was delivered: they are added".to_owned();
        return Some((DoseClass::PhasesSummed, text));
    }
    let levels: Vec<f64> = phases.iter().filter_map(|p| p.rx).collect();
    let (low, high) = levels.iter().fold((f64::INFINITY, 0.0_f64), |(l, h), &g| (l.min(g), h.max(g)));
    let sets: Vec<&Option<String>> = phases.iter().map(|p| &work.plans[p.plan].structure_set).collect();
    let one_set = sets.iter().all(|s| s.is_some() && *s == sets[0]);
    if levels.len() == phases.len() && high > 1.1 * low && one_set {
        set_roles(work, phases, |p| p.rx.is_some_and(|g| g < high));
        let text = "plans of one structure set with a high and a lower prescription: primary and boost are added".to_owned();
        return Some((DoseClass::PrimaryBoostSummed, text));
    }
    None
}

fn set_roles(work: &mut Work<'_>, phases: &[Phase], is_boost: impl Fn(&Phase) -> bool) {
    for phase in phases {
        work.roles[phase.plan] = if is_boost(phase) { PlanRole::Boost } else { PlanRole::Primary };
    }
}
