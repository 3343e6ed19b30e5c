//! The plans, doses and structure sets of a course: read once, judged, and written for the later stages.

use camino::Utf8Path;
use rt_core::float::close;
use rt_course::manifest::{DoseComponent, DoseDecision, DoseLevel, DoseRecord, PlanRecord, Prescription, Warning};
use rt_course::{CourseDir, write_atomic};
use rt_dicom::dose_choice::{self, ChoiceRules, DoseChoice, DoseClass, DoseFacts, PlanFacts, Selected};
use rt_dicom::dose_sum::{scaled, sum_doses, sum_grid};
use rt_dicom::link::Linked;
use rt_dicom::rtdose::{Dose, DoseError};
use rt_dicom::rtplan::{Plan, RxSource};
use rt_dicom::rtstruct::StructureSet;
use rt_dicom::{NewDose, Origin};

use crate::config::{OrganizeConfig, Placing};
use crate::volumes::write_dose;

/// An object that was read, and what its DICOM file is called in the course folder.
#[derive(Debug, Clone)]
pub(crate) struct Held<T> {
    /// The object.
    pub(crate) object: T,
    /// `DICOM/RTPLAN/RP_01.dcm`, empty with `organize.place = "none"`.
    pub(crate) dicom: String,
}

/// Which of the doses is evaluated. `delivered` holds the fractions of each plan that treatment records show.
pub(crate) fn choose(plans: &[Held<Plan>], doses: &[Held<Dose>], delivered: &[Option<u32>], rules: &ChoiceRules<'_>) -> DoseChoice {
    let delivered = delivered.iter().copied().chain(std::iter::repeat(None));
    let plans: Vec<PlanFacts> = plans.iter().zip(delivered).map(|(p, n)| plan_facts(&p.object, n)).collect();
    let doses: Vec<DoseFacts> = doses.iter().map(|d| dose_facts(&d.object)).collect();
    dose_choice::choose(&plans, &doses, rules)
}

fn plan_facts(plan: &Plan, fractions_delivered: Option<u32>) -> PlanFacts {
    let rx = plan.rx();
    let small = |n: i64| i32::try_from(n).ok();
    let mut levels: Vec<f64> = rx.levels.iter().map(|l| l.gy).collect();
    if levels.is_empty() {
        levels.extend(rx.total_gy);
    }
    let mut target_rois: Vec<i32> = rx.levels.iter().filter_map(|l| l.roi.and_then(small)).collect();
    target_rois.sort_unstable();
    PlanFacts {
        sop_uid: plan.sop_uid.clone(),
        text: format!("{} {} {}", plan.label, plan.name, plan.description),
        date: plan.date.or(plan.created).map(rt_dicom::Date::iso),
        levels_gy: levels,
        target_rois,
        structure_set: plan.structures.first().cloned(),
        treatment_beams: plan.treatment_beams().filter_map(|b| small(b.number)).collect(),
        fractions_planned: plan.fractions(),
        fractions_delivered,
    }
}

fn dose_facts(dose: &Dose) -> DoseFacts {
    let h = &dose.header;
    let mut beams: Vec<i32> = h.beams.iter().filter_map(|b| i32::try_from(b.beam).ok()).collect();
    beams.sort_unstable();
    beams.dedup();
    let grid = dose.volume.grid();
    DoseFacts {
        sop_uid: h.sop_uid.clone(),
        summation: h.summation.to_ascii_uppercase(),
        units: h.units.term().to_owned(),
        dose_type: h.dose_type.to_ascii_uppercase(),
        frame_of_reference: h.frame_uid.clone(),
        plans: h.plans.clone(),
        beams,
        created: h
            .created
            .map(|(d, t)| format!("{} {}", d.iso(), t.map_or_else(String::new, rt_dicom::Time::iso)))
            .unwrap_or_default(),
        bounds: Some(grid.bounds()),
        voxel_mm3: grid.voxel_volume_mm3(),
        max_gy: Some(h.max),
    }
}

/// The plans as `course.json` lists them, chosen ones first.
pub(crate) fn plan_records(plans: &[Held<Plan>], choice: &DoseChoice) -> Vec<PlanRecord> {
    let selected: Vec<usize> = choice.selected.iter().filter_map(|s| s.plan).collect();
    let mut records: Vec<PlanRecord> = plans
        .iter()
        .enumerate()
        .map(|(n, held)| {
            let plan = &held.object;
            PlanRecord {
                dicom: held.dicom.clone(),
                sop_uid: plan.sop_uid.clone(),
                label: if plan.label.is_empty() {
                    plan.name.clone()
                } else {
                    plan.label.clone()
                },
                date: plan.date.map(rt_dicom::Date::iso),
                approval: plan.approval.clone(),
                intent: plan.intent.clone(),
                is_selected: selected.contains(&n) || (choice.selected.is_empty() && plans.len() == 1),
                role: choice.roles.get(n).map_or("unused", |r| r.as_str()).to_owned(),
                structure_set: plan.structures.first().cloned(),
                fractions_planned: plan.fractions(),
                n_treatment_beams: plan.treatment_beams().count(),
                rx_gy: plan.rx().total_gy,
            }
        })
        .collect();
    records.sort_by_key(|r| !r.is_selected);
    records
}

/// The doses as `course.json` lists them, in stored order.
pub(crate) fn dose_records(doses: &[Held<Dose>], choice: &DoseChoice) -> Vec<DoseRecord> {
    doses
        .iter()
        .enumerate()
        .map(|(n, held)| {
            let h = &held.object.header;
            let is_selected = choice.selected.iter().any(|s| s.dose == n);
            let left = choice.excluded.iter().find(|e| e.dose == n).map_or("not_chosen", |e| e.why);
            DoseRecord {
                dicom: held.dicom.clone(),
                sop_uid: h.sop_uid.clone(),
                summation: h.summation.clone(),
                units: h.units.term().to_owned(),
                dose_type: h.dose_type.clone(),
                plans: h.plans.clone(),
                frame_of_reference: h.frame_uid.clone(),
                max_gy: (h.units.term() == "GY").then_some(h.max),
                is_selected,
                why: if is_selected { "selected" } else { left }.to_owned(),
            }
        })
        .collect()
}

/// Prescription of the chosen plans: their totals added, every level listed, the source that the plans name.
pub(crate) fn prescription(plans: &[Held<Plan>], records: &[PlanRecord], sets: &[StructureSet]) -> Prescription {
    let chosen: Vec<&Plan> = plans
        .iter()
        .map(|h| &h.object)
        .filter(|p| records.iter().any(|r| r.is_selected && r.sop_uid == p.sop_uid))
        .collect();
    let totals: Vec<f64> = chosen.iter().filter_map(|p| p.rx().total_gy).collect();
    // A sum is known only when every part is.
    let total_gy = (!totals.is_empty() && totals.len() == chosen.len()).then(|| totals.iter().sum());
    let mut levels: Vec<DoseLevel> = Vec::new();
    for level in chosen.iter().flat_map(|p| p.rx().levels) {
        let roi_number = level.roi.and_then(|n| i32::try_from(n).ok());
        let named = roi_number.and_then(|n| sets.iter().flat_map(|s| &s.rois).find(|r| r.number == n));
        let name = named.map_or_else(|| level.description.clone(), |r| r.name.clone());
        match levels.iter_mut().find(|l| roi_number.is_some() && l.roi_number == roi_number) {
            Some(same) => same.gy += level.gy,
            None => levels.push(DoseLevel {
                roi_number,
                name,
                gy: level.gy,
            }),
        }
    }
    let fractions: Vec<u32> = chosen.iter().filter_map(|p| p.fractions()).collect();
    Prescription {
        total_gy,
        source: chosen.first().map_or(RxSource::None, |p| p.rx().source).name().to_owned(),
        levels,
        fractions_planned: (!fractions.is_empty()).then(|| fractions.iter().sum()),
    }
}

/// Writes the evaluated dose, and its components when it is a sum, into a folder that will be `images`.
///
/// # Errors
/// When the doses do not add up or a file cannot be written.
pub(crate) fn write_chosen(
    staged: &Utf8Path,
    course: &CourseDir,
    plans: &[Held<Plan>],
    doses: &[Held<Dose>],
    choice: &DoseChoice,
    config: &OrganizeConfig,
) -> Result<Option<(DoseDecision, Dose)>, anyhow::Error> {
    let parts: Vec<(&Selected, Dose)> = choice
        .selected
        .iter()
        .filter_map(|s| Some((s, weighted(&doses.get(s.dose)?.object, s.weight))))
        .collect();
    let Some((first, rest)) = parts.split_first() else {
        return Ok(None);
    };
    let file = |path: camino::Utf8PathBuf| staged.join(path.file_name().unwrap_or_default());
    let relative = |path: &Utf8Path| course.stage("organize").relative(path);
    let sum = if rest.is_empty() { first.1.clone() } else { add(&parts, config)? };
    let mut components = Vec::new();
    if !rest.is_empty() {
        for (number, (selected, dose)) in (1..).zip(&parts) {
            let path = course.dose_component(number);
            write_dose(&file(path.clone()), dose)?;
            let plan = selected.plan.and_then(|p| plans.get(p)).map(|h| &h.object);
            components.push(DoseComponent {
                sidecar: relative(&CourseDir::sidecar(&path)),
                nifti: relative(&path),
                sop_uid: dose.header.sop_uid.clone(),
                plan_uid: plan.map(|p| p.sop_uid.clone()).unwrap_or_default(),
                weight: selected.weight,
                fractions: plan.and_then(Plan::fractions),
            });
        }
    }
    write_dose(&file(course.dose()), &sum)?;
    let decision = DoseDecision {
        sidecar: relative(&CourseDir::sidecar(&course.dose())),
        nifti: relative(&course.dose()),
        components,
        classification: choice.class.as_str().to_owned(),
        reason: choice.reason.clone(),
        units: sum.header.units.term().to_owned(),
        dose_type: first.1.header.dose_type.clone(),
        summation: summation(choice.class, &first.1, !rest.is_empty()),
        source_doses: parts.iter().map(|(_, d)| d.header.sop_uid.clone()).collect(),
        source_summations: parts.iter().map(|(_, d)| d.header.summation.clone()).collect(),
        source_plans: source_plans(&parts, plans),
        frame_of_reference: first.1.header.frame_uid.clone(),
    };
    if !rest.is_empty() && config.place != Placing::None {
        let source = doses.get(first.0.dose).map_or("", |h| h.dicom.as_str());
        write_sum_object(course, source, &sum, &decision)?;
    }
    Ok(Some((decision, sum)))
}

/// `DICOM/RTDOSE/RD_SUM.dcm`: the sum for other programs; patient, study and dates are those of its first component.
fn write_sum_object(course: &CourseDir, source: &str, sum: &Dose, decision: &DoseDecision) -> Result<(), anyhow::Error> {
    let mut origin = Origin::read(course.file(source)?.as_std_path())?;
    origin.frame_uid.clone_from(&decision.frame_of_reference);
    let new = NewDose {
        description: "Dose sum (rtpipeline)".to_owned(),
        comment: format!("Sum of {} doses", decision.components.len()),
        series_number: 9004,
        plans: decision.source_plans.clone(),
        sources: decision.source_doses.clone(),
    };
    write_atomic(course.dose_sum_dicom(), |file| {
        rt_dicom::write_dose(file, sum, &new, &origin).map(drop)
    })?;
    Ok(())
}

fn weighted(dose: &Dose, weight: f64) -> Dose {
    if close(weight, 1.0, 1e-12, 0.0) {
        dose.clone()
    } else {
        scaled(dose, weight)
    }
}

fn add(parts: &[(&Selected, Dose)], config: &OrganizeConfig) -> Result<Dose, anyhow::Error> {
    let doses: Vec<&Dose> = parts.iter().map(|(_, d)| d).collect();
    let grid = sum_grid(&doses, config.dose_sum_grid).ok_or_else(|| DoseError::Sum {
        reason: "their grids span no common one".to_owned(),
    })?;
    Ok(sum_doses(&doses, &grid)?)
}

fn summation(class: DoseClass, first: &Dose, is_sum: bool) -> String {
    match class {
        DoseClass::BeamDosesSummed => "BEAM_SUM".to_owned(),
        DoseClass::PrimaryBoostSummed | DoseClass::PhasesSummed => "PLAN_SUM".to_owned(),
        DoseClass::UserRule | DoseClass::DeliveredSummed if is_sum => "PLAN_SUM".to_owned(),
        _ => first.header.summation.clone(),
    }
}

fn source_plans(parts: &[(&Selected, Dose)], plans: &[Held<Plan>]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for (selected, dose) in parts {
        let own = selected.plan.and_then(|p| plans.get(p)).map(|h| h.object.sop_uid.clone());
        for uid in own.into_iter().chain(dose.header.plans.iter().cloned()) {
            if !out.contains(&uid) {
                out.push(uid);
            }
        }
    }
    out
}

/// What was said about the choice, as `course.json` keeps it, with the names of the files that it is about.
pub(crate) fn choice_warnings(choice: &DoseChoice, doses: &[Linked]) -> Vec<Warning> {
    let names: Vec<&str> = doses.iter().map(|d| d.file.entry.path.as_str()).collect();
    choice
        .warnings
        .iter()
        .map(|(code, detail)| Warning {
            code: (*code).to_owned(),
            detail: format!("{detail} (RTDOSE: {})", names.join(", ")),
        })
        .collect()
}
