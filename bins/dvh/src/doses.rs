//! The doses of a course: mapped, and put together as they are evaluated.

use std::sync::Arc;

use rt_cli::Failure;
use rt_core::Grid;
use rt_course::manifest::{CourseRecord, DoseDecision};
use rt_course::sidecar::DoseSidecar;
use rt_course::{CourseDir, read_json};
use rt_dvh::{DoseField, DoseTerm, DvhConfig, Response, RxSetting};
use rt_image::VolumeView;
use rt_nifti::MappedVolume;

/// One dose volume. The grid is that of the sidecar: a NIfTI header cannot say uneven frames.
pub(crate) struct LoadedDose {
    volume: MappedVolume<f32>,
    grid: Arc<Grid>,
}

/// The doses that are evaluated, each a sum of terms; the first is that of the course.
pub(crate) struct Evaluated<'a> {
    /// `course`, or the label of one plan.
    pub(crate) name: String,
    /// The dose; `None` when it is relative to something unknown.
    pub(crate) field: Option<DoseField<'a>>,
    /// Prescription, Gy.
    pub(crate) rx: Option<f64>,
    /// Whether targets have levels of their own.
    pub(crate) by_target: bool,
    /// Frame of reference of the dose, empty when unknown.
    pub(crate) frame_of_reference: String,
}

/// Maps the components of the decision, or its only dose.
///
/// # Errors
/// When a volume or its sidecar cannot be read.
pub(crate) fn load(course: &CourseDir, decision: &DoseDecision, _config: &DvhConfig) -> Result<Vec<LoadedDose>, anyhow::Error> {
    let single = [(&decision.nifti, &decision.sidecar)];
    let parts: Vec<(&String, &String)> = decision.components.iter().map(|c| (&c.nifti, &c.sidecar)).collect();
    let files = if parts.is_empty() { single.to_vec() } else { parts };
    files
        .into_iter()
        .map(|(nifti, sidecar)| {
            let path = course.file(nifti)?;
            let volume = rt_nifti::map::<f32>(path.as_std_path()).map_err(|e| Failure::damaged(&path, "organize", e.code(), e))?;
            let facts: DoseSidecar = read_json(&course.file(sidecar)?)?;
            Ok(LoadedDose {
                volume,
                grid: Arc::new(facts.grid),
            })
        })
        .collect()
}

/// The dose of the course, and behind it that of each plan when several are added.
///
/// # Errors
/// When a dose does not fit its grid or holds a value that is no number.
pub(crate) fn evaluated<'a>(
    record: &CourseRecord,
    decision: &DoseDecision,
    loaded: &'a [LoadedDose],
    config: &DvhConfig,
) -> Result<Vec<Evaluated<'a>>, anyhow::Error> {
    let scale = match (decision.units.as_str(), config.relative_reference_gy) {
        ("RELATIVE", Some(reference)) => Some(reference / 100.0),
        ("RELATIVE", None) => None,
        _ => Some(1.0),
    };
    let field = |parts: Vec<usize>| -> Result<Option<DoseField<'a>>, anyhow::Error> {
        let Some(scale) = scale else { return Ok(None) };
        let terms = parts.into_iter().map(|p| term(&loaded[p], scale)).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(DoseField::new(terms, config.rim, config.sum_missing)?))
    };
    let (rx, by_target) = match config.rx {
        RxSetting::Plan => (record.prescription.total_gy, true),
        RxSetting::Dose(gy) => (Some(gy.value()), false),
    };
    let frame_of_reference = &decision.frame_of_reference;
    let mut all = vec![Evaluated {
        name: "course".to_owned(),
        field: field((0..loaded.len()).collect())?,
        rx,
        by_target,
        frame_of_reference: frame_of_reference.clone(),
    }];
    let plans = parts_by_plan(decision);
    if plans.len() > 1 {
        for (number, (uid, parts)) in (1..).zip(plans) {
            let plan = record.plans.iter().find(|p| p.sop_uid == uid);
            let label = plan.map(|p| p.label.clone()).filter(|l| !l.is_empty() && l != "course");
            all.push(Evaluated {
                name: label.unwrap_or_else(|| format!("plan {number}")),
                field: field(parts)?,
                rx: plan.and_then(|p| p.rx_gy),
                by_target: false,
                frame_of_reference: frame_of_reference.clone(),
            });
        }
    }
    distinct(&mut all);
    Ok(all)
}

/// Components of each plan of a sum, plans in order of their first component; a component of an unknown plan stands alone.
fn parts_by_plan(decision: &DoseDecision) -> Vec<(&str, Vec<usize>)> {
    let mut plans: Vec<(&str, Vec<usize>)> = Vec::new();
    for (i, component) in decision.components.iter().enumerate() {
        let uid = component.plan_uid.as_str();
        match plans.iter_mut().find(|(known, _)| !uid.is_empty() && *known == uid) {
            Some((_, parts)) => parts.push(i),
            None => plans.push((uid, vec![i])),
        }
    }
    plans
}

/// Two plans of one label get their place behind it.
fn distinct(all: &mut [Evaluated<'_>]) {
    for i in 1..all.len() {
        if all[..i].iter().any(|e| e.name == all[i].name) {
            all[i].name = format!("{} ({i})", all[i].name);
        }
    }
}

fn term(part: &LoadedDose, scale: f64) -> Result<DoseTerm<'_>, anyhow::Error> {
    Ok(DoseTerm {
        dose: VolumeView::new(&part.grid, part.volume.view().data())?,
        scale,
        response: Response::Physical,
    })
}
