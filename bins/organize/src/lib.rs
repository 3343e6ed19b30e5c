//! Driver of the organize stage: from a folder of DICOM to course folders, the manifest and the inventory.
//!
//! The checkpoint of the graph: which courses there are decides every later job. Reads each header once (the cache knows unchanged
//! files), rewrites only courses that changed, keeps courses whose files vanished and marks them withdrawn. One bad file costs
//! that file, one bad course that course. Sources: `spec/ingest.md` section 1, `design/architecture.md` sections 5 to 7.

mod case;
pub mod config;
mod contours;
mod course;
mod delivery;
pub mod inspect;
mod inventory;
mod manifest;
mod names;
mod objects;
mod place;
mod rules;
mod volumes;

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use camino::Utf8PathBuf;
use indexmap::IndexMap;
use rayon::prelude::*;
use rt_cli::runner::record_course;
use rt_cli::{Failure, Input, Stage, StageContext, StageReport};
use rt_course::manifest::{CourseEntry, CourseStatus, Manifest, Warning};
use rt_course::{Cohort, TableFormat, atomic, write_bytes};
use rt_dicom::account::account;
use rt_dicom::cache::MetaCache;
use rt_dicom::classify::Usage;
use rt_dicom::link::{Linkage, link};
use rt_dicom::scan::{Index, ScanOptions, scan};

use config::OrganizeSections;
use course::{Identity, Lost, organise};
use inventory::Accounts;
use manifest::{Look, Plan};
use rules::DoseRules;

/// The stage.
#[derive(Debug, Clone, Copy, Default)]
pub struct Organize;

impl Stage<Cohort> for Organize {
    const NAME: &'static str = "organize";
    const FORMAT: u32 = 1;
    const SECTIONS: &'static [&'static str] = &["organize", "limits", "privacy", "cohort"];
    type Config = OrganizeSections;

    fn inputs(&self, _cohort: &Cohort, config: &OrganizeSections) -> Vec<Input> {
        let listing = config.cohort.input.clone().and_then(|p| Utf8PathBuf::from_path_buf(p).ok());
        listing
            .map(Input::listing)
            .into_iter()
            .chain(rules::input(&config.organize))
            .collect()
    }

    fn outputs(&self, cohort: &Cohort, _config: &OrganizeSections) -> Vec<Utf8PathBuf> {
        let mut outputs = vec![
            cohort.manifest(),
            manifest::course_list(cohort),
            cohort.table("inventory", TableFormat::Parquet),
            cohort.table("inventory", TableFormat::Csv),
        ];
        // So that a volume that someone removed or cut is made again.
        outputs.extend(manifest::course_files(cohort));
        outputs
    }

    fn run(&self, cx: &StageContext<'_, Cohort>, config: &OrganizeSections) -> Result<StageReport, anyhow::Error> {
        let input = config
            .cohort
            .input
            .clone()
            .ok_or_else(|| Failure::usage("usage.input", "no input folder was given").hint("give --input DIR"))?;
        let cohort = cx.place;
        let index = read_tree(cx, &input, config)?;
        let linkage = link(&index, &config.organize.rules());
        tell_linkage(&linkage);
        let old = manifest::read_old(cohort)?;
        let files = account(&index, &linkage);
        let rules = DoseRules::read(&config.organize)?;
        let plan = manifest::plan(cohort, linkage.courses, config, &rules, old.as_ref());
        let accounts = Accounts {
            index: &index,
            files: &files,
            courses: &plan.names,
        };
        inventory::write_inventory(cohort, accounts)?;
        let had_courses = old.iter().flat_map(|m| &m.courses).any(|c| c.status != CourseStatus::Withdrawn);
        // Without one DICOM file it is the wrong folder, or a disk that is not there: nobody is withdrawn for that.
        let has_dicom = index.files.iter().any(|f| f.entry.object().is_some());
        if plan.courses.is_empty() && !(had_courses && has_dicom) {
            return Err(nothing_found(&input, &index));
        }
        let mut report = StageReport::new();
        for file in index.files.iter().filter(|f| f.verdict.usage == Usage::Failed) {
            let path = inventory::escaped(&file.entry.path);
            let message = format!("{path} cannot be used: {}. The rest goes on without it", file.verdict.explain());
            report.failed(path, file.verdict.code(), message);
        }
        let entries = organise_all(cx, &plan, config, &mut report)?;
        let manifest = manifest::finish(cohort, accounts, entries, old.as_ref())?;
        summary(&manifest);
        Ok(report)
    }
}

/// Scans the input with the cache of the last run, and keeps the cache.
fn read_tree(cx: &StageContext<'_, Cohort>, input: &PathBuf, config: &OrganizeSections) -> Result<Index, anyhow::Error> {
    let path = cx.place.cache();
    let bytes = if config.organize.cache_verify {
        Vec::new()
    } else {
        fs::read(&path).unwrap_or_default()
    };
    let mut cache = MetaCache::from_bytes(&bytes);
    let options = ScanOptions {
        limits: config.limits,
        follow_symlinks: config.organize.follow_symlinks,
        exclude: vec![cx.place.root().as_std_path().to_owned()],
    };
    let index = scan(std::slice::from_ref(input), &mut cache, &options, cx.progress)?;
    let bytes = cache.to_bytes().context("cannot make the metadata cache")?;
    write_bytes(&path, &bytes)?;
    tracing::info!("{} files found, {} headers read", index.files.len(), index.opened);
    Ok(index)
}

fn tell_linkage(linkage: &Linkage) {
    for notice in &linkage.notices {
        tracing::warn!(code = notice.code, "{}", notice.detail);
    }
    for reject in &linkage.rejects {
        tracing::debug!(
            code = reject.code,
            "{} belongs to no course: {}",
            inventory::escaped(&reject.file.path),
            reject.detail
        );
    }
}

fn nothing_found(input: &std::path::Path, index: &Index) -> anyhow::Error {
    let unreadable: Vec<String> = index
        .files
        .iter()
        .filter(|f| f.verdict.usage == Usage::Failed)
        .take(5)
        .map(|f| format!("{} ({})", inventory::escaped(&f.entry.path), f.verdict.code()))
        .collect();
    let dicom = index.files.iter().filter(|f| f.entry.object().is_some()).count();
    let lost = if unreadable.is_empty() {
        String::new()
    } else {
        format!("; unreadable: {}", unreadable.join(", "))
    };
    let message = format!(
        "no course can be made from {}: {} files found, {dicom} of them DICOM{lost}",
        input.display(),
        index.files.len()
    );
    let hint = if dicom == 0 {
        "give the folder that holds the DICOM files; _RESULTS/inventory.csv says what each file is"
    } else {
        "a course needs images, a structure set, a plan or a dose; _RESULTS/inventory.csv says what each file is"
    };
    Failure::new("organize.no_course", message).hint(hint).into()
}

/// Organises every course that changed, several at a time.
fn organise_all(
    cx: &StageContext<'_, Cohort>,
    plan: &Plan,
    config: &OrganizeSections,
    report: &mut StageReport,
) -> Result<Vec<CourseEntry>, anyhow::Error> {
    cx.progress.begin("organising courses", plan.courses.len() as u64);
    let results: Vec<(CourseEntry, Vec<Lost>)> = plan
        .courses
        .par_iter()
        .map(|planned| {
            let outcome = one_course(cx, planned, config);
            cx.progress.inc(1);
            outcome
        })
        .collect::<Result<_, anyhow::Error>>()?;
    let mut entries = Vec::with_capacity(results.len());
    for (entry, lost) in results {
        let token = entry.path.clone();
        for item in &lost {
            report.failed(format!("{token}: {}", item.path), &item.code, item.message.clone());
        }
        match entry.status {
            CourseStatus::Failed => report.failed(token, "organize.course", entry.reason.clone()),
            CourseStatus::Active | CourseStatus::Withdrawn => report.done(token),
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn one_course(
    cx: &StageContext<'_, Cohort>,
    planned: &manifest::Planned,
    config: &OrganizeSections,
) -> Result<(CourseEntry, Vec<Lost>), anyhow::Error> {
    if cx.progress.cancelled() {
        anyhow::bail!("stopped by the user; run again to go on");
    }
    let place = cx.place.course_at(&planned.path)?;
    for folder in [place.root().to_owned(), place.dicom_dir()] {
        // Left by a run that was killed; nobody else writes there.
        atomic::sweep(&folder, |_| true)?;
    }
    // In these folders other stages write too: only what is ours goes.
    let files = place.stage(Organize::NAME);
    for file in [&files.stamp, &files.ok, &files.provenance] {
        if let (Some(folder), Some(own)) = (file.parent(), file.file_name()) {
            atomic::sweep(folder, |name| name == own)?;
        }
    }
    let look = if config.organize.cache_verify {
        Look::AtEveryByte
    } else {
        Look::AtTimes
    };
    if let Some(entry) = planned.unchanged(&place, look) {
        return Ok((entry, Vec::new()));
    }
    let identity = Identity {
        patient_id: &planned.course.patient_id,
        course_id: planned.course_id(),
        fingerprint: &planned.fingerprint,
        dose_rule: planned.dose_rule.as_ref(),
    };
    let outcome = organise(&place, &planned.course, identity, config);
    Ok(match outcome {
        Ok(done) => {
            tell(&planned.path, &done.record.warnings);
            record_course(
                &place,
                Organize::NAME,
                planned.key_parts(),
                &manifest::files_of(&place, &done.record),
            )?;
            (planned.entry(&done.record, CourseStatus::Active, String::new()), done.lost)
        }
        Err(error) => {
            let reason = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
            (planned.failed(reason), Vec::new())
        }
    })
}

/// Says what is odd about a course: one line for each kind of warning, `course.json` has them all.
fn tell(course: &str, warnings: &[Warning]) {
    let mut kinds: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for warning in warnings {
        kinds.entry(&warning.code).or_default().push(&warning.detail);
    }
    for (code, details) in kinds {
        let more = if details.len() > 1 {
            format!(" ({} of this kind in all)", details.len())
        } else {
            String::new()
        };
        tracing::warn!(code, "{course} {code}: {}{more}", details[0]);
    }
}

fn summary(manifest: &Manifest) {
    let of = |status| manifest.courses.iter().filter(|c| c.status == status).count();
    let b = &manifest.balance;
    let ignored: u64 = b.ignored.values().sum();
    let failed: u64 = b.failed.values().sum();
    let unlinked: u64 = b.unlinked.values().sum();
    tracing::info!(
        "{} courses ({} failed, {} withdrawn); {} files found = {} usable ({unlinked} of them in no course) + {ignored} left aside + {failed} unreadable",
        of(CourseStatus::Active),
        of(CourseStatus::Failed),
        of(CourseStatus::Withdrawn),
        b.files_found,
        b.used
    );
}
