//! The table of `spec/analysis.md` 1.4 (cases a to m), and the rules before it.

use rt_core::{Bounds, Vec3};

use super::*;

fn plan(n: usize, text: &str, levels: &[f64]) -> PlanFacts {
    PlanFacts {
        sop_uid: format!("1.{n}"),
        text: text.into(),
        date: Some(format!("202401{:02}", n + 1)),
        levels_gy: levels.to_vec(),
        target_rois: vec![1],
        structure_set: Some("9.1".into()),
        treatment_beams: vec![1, 2],
        fractions_planned: Some(25),
        fractions_delivered: None,
    }
}

fn dose(n: usize, summation: &str, plans: &[&str]) -> DoseFacts {
    DoseFacts {
        sop_uid: format!("2.{n}"),
        summation: summation.into(),
        units: "GY".into(),
        dose_type: "PHYSICAL".into(),
        frame_of_reference: "5.1".into(),
        plans: plans.iter().map(|p| (*p).to_owned()).collect(),
        bounds: Some(Bounds {
            lo: Vec3::ZERO,
            hi: Vec3::splat(200.0),
        }),
        voxel_mm3: 8.0,
        max_gy: Some(50.0),
        ..DoseFacts::default()
    }
}

/// One PLAN dose a plan; plans in the order of their dates.
fn course(labels: &[(&str, &[f64])]) -> (Vec<PlanFacts>, Vec<DoseFacts>) {
    let plans: Vec<PlanFacts> = labels.iter().enumerate().map(|(n, (text, levels))| plan(n, text, levels)).collect();
    let doses = plans.iter().enumerate().map(|(n, p)| dose(n, "PLAN", &[&p.sop_uid])).collect();
    (plans, doses)
}

fn rules() -> ChoiceRules<'static> {
    ChoiceRules {
        frame: Some("5.1"),
        ..ChoiceRules::default()
    }
}

#[track_caller]
fn check(plans: &[PlanFacts], doses: &[DoseFacts], class: DoseClass, selected: &[usize]) -> DoseChoice {
    let choice = choose(plans, doses, &rules());
    let mut got: Vec<usize> = choice.selected.iter().map(|s| s.dose).collect();
    got.sort_unstable();
    assert_eq!((choice.class, got.as_slice()), (class, selected), "{choice:#?}");
    assert_eq!(
        choice.selected.len() + choice.excluded.len(),
        doses.len(),
        "every dose is in or out"
    );
    // The order of the files must not matter.
    let (mut p, mut d) = (plans.to_vec(), doses.to_vec());
    p.reverse();
    d.reverse();
    let turned = choose(&p, &d, &rules());
    let mut back: Vec<usize> = turned.selected.iter().map(|s| doses.len() - 1 - s.dose).collect();
    back.sort_unstable();
    assert_eq!((turned.class, back), (choice.class, got));
    choice
}

#[test]
fn case_a_primary_and_boost_by_label_are_added() {
    let (p, d) = course(&[("PELVIS", &[50.0]), ("PROST_BOOST", &[20.0])]);
    let choice = check(&p, &d, DoseClass::PrimaryBoostSummed, &[0, 1]);
    assert_eq!(choice.roles, [PlanRole::Primary, PlanRole::Boost]);
}

#[test]
fn case_b_a_replan_is_not_added() {
    let (p, d) = course(&[("PELVIS", &[50.0]), ("PELVIS_REPLAN", &[50.0])]);
    let choice = check(&p, &d, DoseClass::ReplanFirst, &[0]);
    assert_eq!(choice.roles, [PlanRole::Primary, PlanRole::Replan]);
}

#[test]
fn case_c_equal_halves_need_evidence() {
    let (mut p, d) = course(&[("THORAX_A", &[25.0]), ("THORAX_B", &[25.0])]);
    check(&p, &d, DoseClass::Ambiguous, &[]);
    for plan in &mut p {
        plan.fractions_delivered = Some(25);
    }
    check(&p, &d, DoseClass::PhasesSummed, &[0, 1]);
}

#[test]
fn case_d_rev_inside_a_word_is_no_replan() {
    let (p, d) = course(&[("PELVIS", &[46.0]), ("PREV_NODES", &[20.0])]);
    check(&p, &d, DoseClass::PrimaryBoostSummed, &[0, 1]);
}

#[test]
fn case_e_cd_inside_a_word_is_no_boost_but_the_levels_are() {
    let (p, d) = course(&[("PELVIS", &[46.0]), ("NODES_ACDC", &[20.0])]);
    check(&p, &d, DoseClass::PrimaryBoostSummed, &[0, 1]);
}

#[test]
fn case_f_an_integrated_boost_is_no_phase() {
    let (p, d) = course(&[("HN_SIB", &[70.0, 56.0]), ("HN_BOOST", &[10.0])]);
    check(&p, &d, DoseClass::PrimaryBoostSummed, &[0, 1]);
}

#[test]
fn case_g_a_replan_goes_and_the_boost_stays() {
    let (p, d) = course(&[("PELVIS", &[50.0]), ("PELVIS_REPLAN", &[50.0]), ("BOOST", &[20.0])]);
    check(&p, &d, DoseClass::PrimaryBoostSummed, &[0, 2]);
}

#[test]
fn case_h_a_replan_with_one_level_fewer_is_not_a_boost() {
    let (p, d) = course(&[("HN", &[70.0, 56.0, 50.0]), ("HN_NEWMASK", &[70.0, 56.0])]);
    check(&p, &d, DoseClass::ReplanFirst, &[0]);
}

#[test]
fn case_i_two_sites_are_added_only_on_one_structure_set() {
    let (mut p, d) = course(&[("BRAIN", &[60.0]), ("SPINE", &[30.0])]);
    check(&p, &d, DoseClass::PrimaryBoostSummed, &[0, 1]);
    p[1].structure_set = Some("9.2".into());
    check(&p, &d, DoseClass::Ambiguous, &[]);
}

#[test]
fn case_k_a_boost_may_come_first() {
    let (p, d) = course(&[("BOOST", &[16.0]), ("PELVIS", &[50.0])]);
    check(&p, &d, DoseClass::PrimaryBoostSummed, &[0, 1]);
}

#[test]
fn case_l_two_targets_of_like_dose_are_left_open() {
    let (p, d) = course(&[("LUNG1", &[20.0]), ("LUNG2", &[20.5])]);
    check(&p, &d, DoseClass::Ambiguous, &[]);
}

#[test]
fn case_m_v2_inside_a_word_is_no_replan() {
    let (p, d) = course(&[("LIV2_MAIN", &[40.0]), ("LIV2_CONE", &[10.0])]);
    check(&p, &d, DoseClass::PrimaryBoostSummed, &[0, 1]);
}

#[test]
fn a_plan_dose_and_its_beam_doses_are_never_added() {
    let p = [plan(0, "PELVIS", &[60.0])];
    let mut beam = dose(1, "BEAM", &["1.0"]);
    beam.beams = vec![1];
    let choice = check(&p, &[dose(0, "PLAN", &["1.0"]), beam], DoseClass::SingleDose, &[0]);
    assert_eq!(choice.excluded[0].why, "beam_of_plan_dose");
}

#[test]
fn beam_doses_are_added_when_they_make_up_the_plan() {
    let p = [plan(0, "PELVIS", &[60.0])];
    let mut beams = [dose(0, "BEAM", &["1.0"]), dose(1, "BEAM", &["1.0"])];
    beams[0].beams = vec![1];
    beams[1].beams = vec![2];
    check(&p, &beams, DoseClass::BeamDosesSummed, &[0, 1]);
    check(&p, &beams[..1], DoseClass::BeamOnlyUnresolved, &[]);
    beams[0].beams = vec![1, 2];
    check(&p, &beams[..1], DoseClass::BeamDosesSummed, &[0]);
}

#[test]
fn a_stored_sum_wins_over_its_parts() {
    let (p, mut d) = course(&[("A", &[50.0]), ("B", &[20.0])]);
    d.push(dose(7, "PLAN_SUM", &["1.0", "1.1"]));
    check(&p, &d, DoseClass::PlanSumUsed, &[2]);
}

#[test]
fn the_same_plan_calculated_twice_counts_once() {
    let p = [plan(0, "PELVIS", &[60.0])];
    let coarse = dose(0, "PLAN", &["1.0"]);
    let fine = DoseFacts {
        voxel_mm3: 1.0,
        ..dose(1, "PLAN", &["1.0"])
    };
    check(&p, &[coarse, fine], DoseClass::SingleDose, &[1]);
}

#[test]
fn doses_of_another_frame_go_when_one_of_the_right_frame_is_there() {
    let p = [plan(0, "PELVIS", &[60.0]), plan(1, "OLD", &[30.0])];
    let mut other = dose(1, "PLAN", &["1.1"]);
    other.frame_of_reference = "5.9".into();
    check(&p, &[dose(0, "PLAN", &["1.0"]), other.clone()], DoseClass::SingleDose, &[0]);
    let alone = check(&p, &[other], DoseClass::SingleDose, &[0]);
    assert_eq!(alone.warnings[0].0, "dose.frame_mismatch");
}

#[test]
fn a_fraction_dose_is_scaled_only_when_its_size_says_so() {
    let p = [plan(0, "PELVIS", &[50.0])];
    let one = DoseFacts {
        max_gy: Some(2.1),
        ..dose(0, "FRACTION", &["1.0"])
    };
    let choice = check(&p, std::slice::from_ref(&one), DoseClass::SingleDose, &[0]);
    assert!((choice.selected[0].weight - 25.0).abs() < 1e-12);
    let whole = DoseFacts { max_gy: Some(52.0), ..one };
    let choice = check(&p, &[whole], DoseClass::SingleDose, &[0]);
    assert!((choice.selected[0].weight - 1.0).abs() < 1e-12);
}

#[test]
fn relative_and_error_doses_do_not_displace_a_physical_one() {
    let p = [plan(0, "PELVIS", &[50.0])];
    let relative = DoseFacts {
        units: "RELATIVE".into(),
        ..dose(1, "PLAN", &["1.0"])
    };
    let error = DoseFacts {
        dose_type: "ERROR".into(),
        ..dose(2, "PLAN", &["1.0"])
    };
    check(
        &p,
        &[dose(0, "PLAN", &["1.0"]), relative.clone(), error.clone()],
        DoseClass::SingleDose,
        &[0],
    );
    let alone = check(&p, &[relative], DoseClass::SingleDose, &[0]);
    assert_eq!(alone.warnings[0].0, "dose.relative");
    check(&p, &[error], DoseClass::NoDoses, &[]);
}

#[test]
fn regions_apart_are_not_added() {
    let (p, mut d) = course(&[("BRAIN", &[50.0]), ("PELVIS BOOST", &[20.0])]);
    d[1].bounds = Some(Bounds {
        lo: Vec3::splat(500.0),
        hi: Vec3::splat(600.0),
    });
    check(&p, &d, DoseClass::SeparateRegions, &[]);
}

#[test]
fn a_boost_given_as_beam_doses_is_added_to_the_primary() {
    let p = [plan(0, "PELVIS", &[50.0]), plan(1, "BOOST", &[20.0])];
    let beam = |n: usize, number: i32| DoseFacts {
        beams: vec![number],
        ..dose(n, "BEAM", &["1.1"])
    };
    let doses = [dose(0, "PLAN", &["1.0"]), beam(1, 1), beam(2, 2)];
    let choice = check(&p, &doses, DoseClass::PrimaryBoostSummed, &[0, 1, 2]);
    assert_eq!(choice.roles, [PlanRole::Primary, PlanRole::Boost]);
    assert_eq!(
        choice.selected.iter().map(|s| s.plan).collect::<Vec<_>>(),
        [Some(0), Some(1), Some(1)]
    );
    // One of its two beams is missing: the primary alone, and the loss is told.
    let choice = check(&p, &doses[..2], DoseClass::SingleDose, &[0]);
    assert_eq!(choice.excluded[0].why, "beam_incomplete");
    assert_eq!(choice.warnings[0].0, "dose.beams_left_out");
}

#[test]
fn beams_of_two_plans_are_two_plans() {
    let p = [plan(0, "PELVIS", &[50.0]), plan(1, "BOOST", &[20.0])];
    let mut doses = Vec::new();
    for (n, (owner, number)) in [("1.0", 1), ("1.0", 2), ("1.1", 1), ("1.1", 2)].into_iter().enumerate() {
        doses.push(DoseFacts {
            beams: vec![number],
            ..dose(n, "BEAM", &[owner])
        });
    }
    check(&p, &doses, DoseClass::PrimaryBoostSummed, &[0, 1, 2, 3]);
}

#[test]
fn a_dose_whose_plan_is_not_there_does_not_disturb_the_others() {
    let p = [plan(0, "PELVIS", &[60.0])];
    let orphan = dose(1, "PLAN", &["8.8"]);
    let choice = check(&p, &[dose(0, "PLAN", &["1.0"]), orphan.clone()], DoseClass::SingleDose, &[0]);
    assert_eq!(choice.excluded[0].why, "orphan_dose");
    check(&p, &[orphan], DoseClass::SingleDose, &[0]);
}

#[test]
fn a_dose_that_the_stored_sum_does_not_hold_is_told() {
    let (p, mut d) = course(&[("A", &[50.0]), ("B", &[20.0]), ("C", &[10.0])]);
    d.push(dose(7, "PLAN_SUM", &["1.0", "1.1"]));
    let choice = check(&p, &d, DoseClass::PlanSumUsed, &[3]);
    let why: Vec<&str> = choice.excluded.iter().map(|e| e.why).collect();
    assert_eq!(why, ["part_of_sum", "part_of_sum", "beside_sum"]);
    assert_eq!(choice.warnings[0].0, "dose.beside_sum");
}

#[test]
fn delivered_fractions_weigh_plans_when_that_is_asked_for() {
    // 10 of 25 fractions of the first plan, 15 of 25 of its replan.
    let (mut p, d) = course(&[("PELVIS", &[50.0]), ("PELVIS_REPLAN", &[50.0])]);
    (p[0].fractions_delivered, p[1].fractions_delivered) = (Some(10), Some(15));
    let planned = check(&p, &d, DoseClass::ReplanFirst, &[0]);
    assert_eq!(planned.warnings[0].0, "dose.partly_delivered");
    let rules = ChoiceRules {
        fractions: FractionsCounted::Delivered,
        ..rules()
    };
    let choice = choose(&p, &d, &rules);
    assert_eq!(choice.class, DoseClass::DeliveredSummed);
    let weights: Vec<f64> = choice.selected.iter().map(|s| s.weight).collect();
    assert!((weights[0] - 0.4).abs() < 1e-12 && (weights[1] - 0.6).abs() < 1e-12, "{weights:?}");
    // A plan of which nothing was delivered adds nothing; without records of all plans the planned fractions count.
    p[1].fractions_delivered = Some(0);
    let choice = choose(&p, &d, &rules);
    assert_eq!((choice.selected.len(), choice.excluded[0].why), (1, "not_delivered"));
    p[1].fractions_delivered = None;
    let choice = choose(&p, &d, &rules);
    assert_eq!((choice.class, choice.warnings[0].0), (DoseClass::ReplanFirst, "dose.no_records"));
}

#[test]
fn the_rule_of_the_user_wins() {
    let (p, d) = course(&[("LUNG1", &[20.0]), ("LUNG2", &[20.5])]);
    let use_both = UserRule::Use(vec!["2.0".into(), "2.1".into()]);
    let with = |rule| ChoiceRules {
        user: Some(rule),
        ..rules()
    };
    let choice = choose(&p, &d, &with(&use_both));
    assert_eq!((choice.class, choice.selected.len()), (DoseClass::UserRule, 2));
    let leave = UserRule::LeaveOut(vec!["2.1".into()]);
    let choice = choose(&p, &d, &with(&leave));
    assert_eq!((choice.class, choice.selected[0].dose), (DoseClass::SingleDose, 0));
    assert_eq!(choice.excluded[0].why, "user_rule");
    // A rule that names what is not there decides nothing in silence.
    let absent = UserRule::Use(vec!["2.0".into(), "7.7".into()]);
    let choice = choose(&p, &d, &with(&absent));
    assert!(choice.selected.is_empty());
    assert_eq!(choice.warnings[0].0, "dose.not_chosen");
}

#[test]
fn an_effective_dose_is_evaluated_only_for_want_of_a_physical_one_and_told() {
    let p = [plan(0, "PELVIS", &[60.0])];
    let effective = DoseFacts {
        dose_type: "EFFECTIVE".into(),
        ..dose(1, "PLAN", &["1.0"])
    };
    let both = check(&p, &[dose(0, "PLAN", &["1.0"]), effective.clone()], DoseClass::SingleDose, &[0]);
    assert_eq!((both.excluded[0].why, both.warnings.len()), ("effective_beside_physical", 0));
    let alone = check(&p, &[effective], DoseClass::SingleDose, &[0]);
    assert_eq!(alone.warnings[0].0, "dose.effective");
}
