//! The doses of a course: mapped, and put together as they are evaluated.

use std::sync::Arc;

use rt_cli::Failure;
use rt_core::Grid;
use rt_course::manifest::{CourseRecord, DoseDecision};
use rt_course::sidecar::{DoseSidecar, StoredHistogram};
use rt_course::{CourseDir, read_json};
use rt_dvh::{Biological, DoseField, DoseTerm, DvhConfig, DvhError, Mode, Response};
use rt_image::VolumeView;
use rt_nifti::MappedVolume;

use crate::prescription::{Level, Prescribed};

/// One dose volume. The grid is that of the sidecar: a NIfTI header cannot say uneven frames.
pub(crate) struct LoadedDose {
    volume: MappedVolume<f32>,
    grid: Arc<Grid>,
    scaling: Option<f64>,
    /// Histograms that the planning system stored with it.
    pub(crate) stored: Vec<StoredHistogram>,
}

/// A part of a dose, and in how many fractions it is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) dose: VolumeView<'a, f32>,
    pub(crate) scale: f64,
    pub(crate) fractions: Option<f64>,
    /// `DoseGridScaling` of its file.
    pub(crate) scaling: Option<f64>,
}

/// A dose that is evaluated, a sum of parts; the first of a course is its dose.
#[derive(Debug, Clone)]
pub(crate) struct Evaluated<'a> {
    /// `course`, `course EQD2`, or the label of one plan.
    pub(crate) name: String,
    /// Its parts; `None` when it is relative to something unknown.
    pub(crate) parts: Option<Vec<Part<'a>>>,
    /// What is evaluated of them.
    pub(crate) biological: Option<Biological>,
    /// Prescription.
    pub(crate) prescribed: Prescribed,
    /// Frame of reference of the dose, empty when unknown.
    pub(crate) frame_of_reference: String,
}

impl<'a> Evaluated<'a> {
    /// The dose for a region with an alpha/beta ratio, which only a biological dose asks for; `None` without absolute dose.
    ///
    /// # Errors
    /// When a dose holds a value that is no number.
    pub(crate) fn field(&self, alpha_beta: f64, config: &DvhConfig) -> Result<Option<DoseField<'a>>, DvhError> {
        self.field_as(self.biological, alpha_beta, config)
    }

    /// The same as another quantity.
    ///
    /// # Errors
    /// As [`Evaluated::field`].
    pub(crate) fn field_as(
        &self,
        quantity: Option<Biological>,
        alpha_beta: f64,
        config: &DvhConfig,
    ) -> Result<Option<DoseField<'a>>, DvhError> {
        let Some(parts) = &self.parts else { return Ok(None) };
        let term = |part: &Part<'a>| {
            let response = match (quantity, part.fractions) {
                (None, _) => Response::Physical,
                (Some(Biological::Eqd2), Some(fractions)) => Response::Eqd2 { fractions, alpha_beta },
                (Some(Biological::Bed), Some(fractions)) => Response::Bed { fractions, alpha_beta },
                (Some(_), None) => return None,
            };
            Some(DoseTerm {
                dose: part.dose,
                scale: part.scale,
                response,
            })
        };
        let Some(terms) = parts.iter().map(term).collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        DoseField::new(terms, config.rim, config.sum_missing).map(Some)
    }

    /// Whether the fractions of every part are known.
    pub(crate) fn knows_fractions(&self) -> bool {
        self.parts.iter().flatten().all(|p| p.fractions.is_some())
    }

    /// A prescription in the evaluated quantity: only a dose of one plan says in how many fractions it is given.
    pub(crate) fn rx_as_evaluated(&self, rx: Option<f64>, alpha_beta: f64) -> Option<f64> {
        let Some(quantity) = self.biological else { return rx };
        let [only] = self.parts.as_deref()? else { return None };
        let (gy, n) = (rx?, only.fractions?);
        Some(match quantity {
            Biological::Eqd2 => rt_dvh::eqd2(gy, n, alpha_beta),
            Biological::Bed => rt_dvh::bed(gy, n, alpha_beta),
        })
    }

    /// This dose, and behind it the biological ones that are asked for.
    pub(crate) fn with_biological(self, config: &DvhConfig) -> Vec<Self> {
        let mut wanted = if config.mode == Mode::Reference {
            Vec::new()
        } else {
            config.biological.clone()
        };
        wanted.dedup();
        let more: Vec<Self> = wanted
            .into_iter()
            .map(|quantity| Self {
                name: format!("{} {}", self.name, quantity.as_str()),
                biological: Some(quantity),
                ..self.clone()
            })
            .collect();
        std::iter::once(self).chain(more).collect()
    }
}

/// Maps the components of the decision, or its only dose.
///
/// # Errors
/// When a volume or its sidecar cannot be read.
pub(crate) fn load(course: &CourseDir, decision: &DoseDecision, mode: Mode) -> Result<Vec<LoadedDose>, anyhow::Error> {
    let single = [(&decision.nifti, &decision.sidecar)];
    // The predecessor evaluates the sum on its grid.
    let components = if mode == Mode::Reference {
        [].as_slice()
    } else {
        decision.components.as_slice()
    };
    let parts: Vec<(&String, &String)> = components.iter().map(|c| (&c.nifti, &c.sidecar)).collect();
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
                scaling: facts.scaling,
                stored: facts.stored_dvhs,
            })
        })
        .collect()
}

/// The dose of the course, its biological forms, and behind them the dose of each plan when several are added.
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
    let parts = |which: Vec<usize>| -> Result<Option<Vec<Part<'a>>>, anyhow::Error> {
        let Some(scale) = scale else { return Ok(None) };
        let part = |p: usize| part(&loaded[p], scale, fractions(record, decision, p));
        Ok(Some(which.into_iter().map(part).collect::<Result<_, _>>()?))
    };
    let level = |l: &rt_course::manifest::DoseLevel| Level {
        roi: l.roi_number.map(i64::from),
        name: l.name.clone(),
        gy: l.gy,
    };
    let course = Evaluated {
        name: "course".to_owned(),
        parts: parts((0..loaded.len()).collect())?,
        biological: None,
        prescribed: Prescribed {
            total_gy: record.prescription.total_gy,
            source: record.prescription.source.clone(),
            levels: record.prescription.levels.iter().map(level).collect(),
        },
        frame_of_reference: decision.frame_of_reference.clone(),
    };
    let mut all = course.with_biological(config);
    let plans = parts_by_plan(decision);
    if plans.len() > 1 && config.mode == Mode::Exact {
        for (number, (uid, which)) in (1..).zip(plans) {
            let plan = record.plans.iter().find(|p| p.sop_uid == uid);
            let label = plan.map(|p| p.label.clone()).filter(|l| !l.is_empty() && !l.starts_with("course"));
            let gy = plan.and_then(|p| p.rx_gy);
            all.push(Evaluated {
                name: label.unwrap_or_else(|| format!("plan {number}")),
                parts: parts(which)?,
                biological: None,
                prescribed: Prescribed {
                    total_gy: gy,
                    source: if gy.is_some() {
                        record.prescription.source.clone()
                    } else {
                        "none".to_owned()
                    },
                    levels: Vec::new(),
                },
                frame_of_reference: decision.frame_of_reference.clone(),
            });
        }
    }
    distinct(&mut all);
    Ok(all)
}

/// Fractions in which a component is given: its own, those of its plan, those of the course's only plan.
fn fractions(record: &CourseRecord, decision: &DoseDecision, part: usize) -> Option<f64> {
    let of_plan = |uid: &str| record.plans.iter().find(|p| p.sop_uid == uid).and_then(|p| p.fractions_planned);
    let found = match decision.components.get(part) {
        Some(component) => component.fractions.or_else(|| of_plan(&component.plan_uid)),
        None => match decision.source_plans.as_slice() {
            [only] => of_plan(only).or(record.prescription.fractions_planned),
            _ => None,
        },
    };
    found.filter(|n| *n > 0).map(f64::from)
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

fn part(part: &LoadedDose, scale: f64, fractions: Option<f64>) -> Result<Part<'_>, anyhow::Error> {
    Ok(Part {
        dose: VolumeView::new(&part.grid, part.volume.view().data())?,
        scale,
        fractions,
        scaling: part.scaling,
    })
}
