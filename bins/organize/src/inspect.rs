//! What organize would make of a folder, before anything is written.
//!
//! The same scan, the same rules, the same choice of dose; images are judged by their headers, plans, doses and records are read, structure
//! sets are not opened again. Nothing is written, not even a cache.

use std::path::Path;

use rayon::prelude::*;
use rt_core::Progress;
use rt_course::manifest::{FileBalance, Warning};
use rt_dicom::FileClass;
use rt_dicom::account::account;
use rt_dicom::cache::MetaCache;
use rt_dicom::dose_choice::{ChoiceRules, UserRule};
use rt_dicom::entry::ObjectKind;
use rt_dicom::fractions::{delivered, fractions};
use rt_dicom::image::series_geometry;
use rt_dicom::link::{Course, ImageUse, Linked, LinkedImage, LinkedStructures, confidence, link};
use rt_dicom::reg::{Registration, read_registration_with};
use rt_dicom::rtdose::{Dose, read_dose_with};
use rt_dicom::rtplan::{Plan, read_plan_with};
use rt_dicom::rtrecord::{TreatmentRecord, read_record_with};
use rt_dicom::scan::{ScanOptions, scan};
use rt_dicom::series::SeriesOptions;
use rt_dicom::series_class::SeriesClass;
use serde::Serialize;

use crate::config::OrganizeSections;
use crate::inventory::{self, Accounts};
use crate::manifest;
use crate::objects::{self, Held};
use crate::rules::DoseRules;
use crate::volumes::warnings;

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct Inspection {
    /// The folder.
    pub input: String,
    /// How the files divide; the counts add up to the files found.
    pub balance: FileBalance,
    /// Patients with at least one course.
    pub patients: usize,
    /// What concerns several patients.
    pub notices: Vec<Warning>,
    /// Courses, sorted by patient and start.
    pub courses: Vec<InspectedCourse>,
    /// Every file, sorted by path.
    pub files: Vec<InspectedFile>,
}

/// One file.
#[derive(Debug, Clone, Serialize)]
pub struct InspectedFile {
    /// Path below the input.
    pub path: String,
    /// Class.
    pub class: &'static str,
    /// `CODE[+CODE];use=...`
    pub reason: String,
    /// `used`, `ignored` or `failed`.
    #[serde(rename = "use")]
    pub usage: &'static str,
    /// The first code of the reason.
    pub code: String,
    /// Patient of its course, empty in none.
    pub patient_id: String,
    /// Course, empty in none.
    pub course_id: String,
    /// What it is there.
    pub role: &'static str,
    /// The rule that brought it there.
    pub link: &'static str,
    /// How sure that is: `high`, `medium`, `low`.
    pub confidence: &'static str,
    /// The reason in words.
    pub detail: String,
    /// UIDs that it names and no file has.
    pub missing_references: Vec<String>,
}

/// One course.
#[derive(Debug, Clone, Serialize)]
pub struct InspectedCourse {
    /// Patient.
    pub patient_id: String,
    /// Name that a first run would give it.
    pub course_id: String,
    /// `rt`, `rs` or `ct`.
    pub mode: &'static str,
    /// First date, `YYYY-MM-DD`.
    pub start: Option<String>,
    /// Images, the planning CT first.
    pub images: Vec<InspectedImage>,
    /// Structure sets, the primary one first.
    pub structures: Vec<InspectedStructures>,
    /// Plans.
    pub plans: Vec<InspectedPlan>,
    /// Doses.
    pub doses: Vec<InspectedDose>,
    /// Treatment records.
    pub records: usize,
    /// Registrations.
    pub registrations: usize,
    /// Class of the choice of dose, empty without plan and dose.
    pub dose_class: String,
    /// The reason of the choice in words.
    pub dose_reason: String,
    /// What a person should know.
    pub warnings: Vec<Warning>,
}

/// One image series.
#[derive(Debug, Clone, Serialize)]
pub struct InspectedImage {
    /// Modality.
    pub modality: String,
    /// `SeriesInstanceUID`.
    pub series_uid: String,
    /// `SeriesDescription`.
    pub description: String,
    /// Kind by its headers: `ct`, `cbct`, `4dct_phase`, `mr`, `pet`, ...
    pub class: &'static str,
    /// The CT that structures and dose were planned on.
    pub is_planning: bool,
    /// The rule that brought it here.
    pub link: &'static str,
    /// Files.
    pub files: usize,
    /// Columns, rows and slices; `None` when the slices make no volume.
    pub size: Option<[usize; 3]>,
    /// Spacing along columns, rows and slices, mm.
    pub spacing_mm: Option<[f64; 3]>,
    /// Code of why the slices make no volume, empty when they do.
    pub error_code: String,
}

/// One structure set.
#[derive(Debug, Clone, Serialize)]
pub struct InspectedStructures {
    /// Label.
    pub label: String,
    /// Regions.
    pub rois: usize,
    /// Evaluated.
    pub is_primary: bool,
    /// The rule that brought it here.
    pub link: &'static str,
}

/// One plan.
#[derive(Debug, Clone, Serialize)]
pub struct InspectedPlan {
    /// Label.
    pub label: String,
    /// Date.
    pub date: Option<String>,
    /// Prescription, Gy.
    pub rx_gy: Option<f64>,
    /// Fractions planned.
    pub fractions_planned: Option<u32>,
    /// Fractions delivered, where records speak of the plan.
    pub fractions_delivered: Option<u32>,
    /// `primary`, `boost`, `replan`, ...
    pub role: String,
}

/// One dose.
#[derive(Debug, Clone, Serialize)]
pub struct InspectedDose {
    /// `DoseSummationType`.
    pub summation: String,
    /// `GY` or `RELATIVE`.
    pub units: String,
    /// `PHYSICAL` or `EFFECTIVE`.
    pub dose_type: String,
    /// Largest value, Gy.
    pub max_gy: Option<f64>,
    /// `selected`, or why not.
    pub why: String,
}

/// Looks at a folder as organize would.
///
/// # Errors
/// When the folder cannot be read, or the file of dose rules.
pub fn inspect(input: &Path, config: &OrganizeSections, progress: &dyn Progress) -> Result<Inspection, anyhow::Error> {
    let options = ScanOptions {
        limits: config.limits,
        follow_symlinks: config.organize.follow_symlinks,
        exclude: Vec::new(),
    };
    let roots = [input.to_path_buf()];
    let index = scan(&roots, &mut MetaCache::default(), &options, progress)?;
    let linkage = link(&index, &config.organize.rules());
    let accounts = account(&index, &linkage);
    let folders = manifest::folders(&linkage.courses, None);
    let names: Vec<(String, String)> = linkage
        .courses
        .iter()
        .zip(&folders)
        .map(|(c, (_, folder))| (c.patient_id.clone(), folder.clone()))
        .collect();
    let rules = DoseRules::read(&config.organize)?;
    progress.begin("reading plans and doses", linkage.courses.len() as u64);
    let courses: Vec<InspectedCourse> = linkage
        .courses
        .par_iter()
        .zip(&names)
        .map(|(course, (patient, name))| {
            let inspected = one_course(course, name, rules.of(patient, name).as_ref(), config);
            progress.inc(1);
            inspected
        })
        .collect();
    let all = Accounts {
        index: &index,
        files: &accounts,
        courses: &names,
    };
    let files = index.files.iter().zip(&accounts).map(|(file, account)| {
        let (patient_id, course_id) = inventory::home(account, &names);
        InspectedFile {
            path: inventory::escaped(&file.entry.path),
            class: file.verdict.class.name(),
            reason: file.verdict.reason(),
            usage: file.verdict.usage.name(),
            code: match (account.unlinked, file.verdict.class) {
                (Some((code, _)), _) => code.to_owned(),
                (None, FileClass::Seg) if file.verdict.code() == "ok" => "seg".to_owned(),
                (None, _) => file.verdict.code().to_owned(),
            },
            patient_id,
            course_id,
            role: account.role,
            link: account.link,
            confidence: confidence(account.link),
            detail: inventory::detail(file, account),
            missing_references: account.missing.clone(),
        }
    });
    let mut patients: Vec<&String> = names.iter().map(|(patient, _)| patient).collect();
    patients.dedup();
    Ok(Inspection {
        input: input.display().to_string(),
        balance: manifest::balance(all),
        patients: patients.len(),
        notices: warnings(&linkage.notices),
        courses,
        files: files.collect(),
    })
}

/// Objects of a course as they were read, and what was said on the way.
#[derive(Default)]
struct Objects {
    plans: Vec<Held<Plan>>,
    doses: Vec<Held<Dose>>,
    records: Vec<TreatmentRecord>,
    warnings: Vec<Warning>,
}

fn one_course(course: &Course, name: &str, user: Option<&UserRule>, config: &OrganizeSections) -> InspectedCourse {
    let mut objects = read_objects(course, config);
    let list = fractions(&objects.records, objects.plans.first().map_or("", |p| &p.object.sop_uid));
    let done: Vec<Option<u32>> = objects
        .plans
        .iter()
        .map(|p| delivered(&list, &objects.records, &p.object.sop_uid))
        .collect();
    let frame = course
        .planning_ct()
        .map(|i| i.series.frame_uid.clone())
        .or_else(|| course.frames.first().cloned());
    let rules = ChoiceRules {
        frame: frame.as_deref(),
        fractions: config.organize.fractions,
        user,
    };
    let choice = objects::choose(&objects.plans, &objects.doses, &done, &rules);
    let options = SeriesOptions {
        limits: config.limits,
        slice_gap: config.organize.slice_gap,
    };
    let mut told = warnings(&course.notices);
    told.append(&mut objects.warnings);
    let images = course.images.iter().map(|i| image(i, &options, &mut told)).collect();
    told.extend(objects::choice_warnings(&choice, &course.doses));
    let plan_records = objects::plan_records(&objects.plans, &choice);
    let plans = plan_records.into_iter().map(|p| {
        let at = objects.plans.iter().position(|h| h.object.sop_uid == p.sop_uid);
        InspectedPlan {
            label: p.label,
            date: p.date,
            rx_gy: p.rx_gy,
            fractions_planned: p.fractions_planned,
            fractions_delivered: at.and_then(|at| done.get(at).copied()).flatten(),
            role: p.role,
        }
    });
    let doses = objects::dose_records(&objects.doses, &choice).into_iter().map(|d| InspectedDose {
        summation: d.summation,
        units: d.units,
        dose_type: d.dose_type,
        max_gy: d.max_gy,
        why: d.why,
    });
    let has_rt = !course.plans.is_empty() || !course.doses.is_empty();
    InspectedCourse {
        patient_id: course.patient_id.clone(),
        course_id: name.to_owned(),
        mode: course.mode.name(),
        start: course.start.map(rt_dicom::Date::iso),
        images,
        structures: course.structures.iter().map(structures).collect(),
        plans: plans.collect(),
        doses: doses.collect(),
        records: course.records.len(),
        registrations: course.registrations.len(),
        dose_class: if has_rt { choice.class.as_str().to_owned() } else { String::new() },
        dose_reason: if has_rt { choice.reason } else { String::new() },
        warnings: told,
    }
}

fn read_objects(course: &Course, config: &OrganizeSections) -> Objects {
    let limits = config.limits;
    let mut out = Objects::default();
    let registrations: Vec<Registration> = read_all(&course.registrations, &mut out.warnings, |path| {
        read_registration_with(path, &limits).map_err(|e| (e.code(), e.to_string()))
    });
    out.records = read_all(&course.records, &mut out.warnings, |path| {
        read_record_with(path, &limits).map_err(|e| (e.code(), e.to_string()))
    });
    let plans: Vec<Plan> = read_all(&course.plans, &mut out.warnings, |path| {
        read_plan_with(path, &limits).map_err(|e| (e.code(), e.to_string()))
    });
    let doses: Vec<Dose> = read_all(&course.doses, &mut out.warnings, |path| {
        read_dose_with(path, &limits).map_err(|e| (e.code(), e.to_string()))
    });
    let frame = course.planning_ct().map(|i| i.series.frame_uid.as_str()).unwrap_or_default();
    let doses = doses
        .into_iter()
        .map(|d| if frame.is_empty() { d } else { d.into_frame(&registrations, frame) });
    out.plans = plans.into_iter().map(held).collect();
    out.doses = doses.map(held).collect();
    let found: Vec<Warning> = out.plans.iter().flat_map(|p| warnings(&p.object.notices)).collect();
    out.warnings.extend(found);
    let found: Vec<Warning> = out.doses.iter().flat_map(|d| warnings(&d.object.notices)).collect();
    out.warnings.extend(found);
    out
}

fn held<T>(object: T) -> Held<T> {
    Held {
        object,
        dicom: String::new(),
    }
}

fn read_all<T>(files: &[Linked], told: &mut Vec<Warning>, read: impl Fn(&Path) -> Result<T, (&'static str, String)>) -> Vec<T> {
    let mut out = Vec::new();
    for linked in files {
        match read(&linked.file.path) {
            Ok(object) => out.push(object),
            Err((code, detail)) => told.push(Warning {
                code: code.to_owned(),
                detail,
            }),
        }
    }
    out
}

fn image(linked: &LinkedImage, options: &SeriesOptions, told: &mut Vec<Warning>) -> InspectedImage {
    let series = &linked.series;
    let geometry = series_geometry(series, options);
    let mut error_code = String::new();
    match &geometry {
        Ok(found) => told.extend(warnings(&found.notices)),
        Err(error) => {
            error.code().clone_into(&mut error_code);
            told.push(Warning {
                code: error_code.clone(),
                detail: error.to_string(),
            });
        }
    }
    InspectedImage {
        modality: series.modality.clone(),
        series_uid: series.series_uid.clone(),
        description: inventory::escaped(&series.description),
        class: SeriesClass::of(series).name(),
        is_planning: linked.usage == ImageUse::PlanningCt,
        link: linked.link,
        files: series.files.len(),
        size: geometry.as_ref().ok().map(|g| g.grid.size()),
        spacing_mm: geometry.as_ref().ok().map(|g| g.grid.spacing()),
        error_code,
    }
}

fn structures(linked: &LinkedStructures) -> InspectedStructures {
    let facts = linked.object.file.entry.object().and_then(|o| match &o.kind {
        ObjectKind::Structures(facts) => Some(facts),
        _ => None,
    });
    InspectedStructures {
        label: facts.map(|f| inventory::escaped(&f.label)).unwrap_or_default(),
        rois: facts.map_or(0, |f| f.roi_count),
        is_primary: linked.is_primary,
        link: linked.object.link,
    }
}
