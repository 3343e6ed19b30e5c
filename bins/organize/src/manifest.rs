//! The manifest: what was, what is, and what changed between.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::Path;

use camino::Utf8PathBuf;
use rayon::prelude::*;
use rt_cli::Stage;
use rt_course::manifest::{
    CourseEntry, CourseRecord, CourseStatus, FileBalance, FileRecord, Holdings, ImageRole, Manifest, SCHEMA_VERSION,
};
use rt_course::stamp::freshness;
use rt_course::{Cohort, CourseDir, Freshness, Stamp, WriteError, write_bytes, write_json};
use rt_dicom::classify::Usage;
use rt_dicom::dose_choice::UserRule;
use rt_dicom::link::Course;
use rt_dicom::series::SeriesFile;

use crate::Organize;
use crate::config::OrganizeSections;
use crate::inventory::{Accounts, escaped};
use crate::names::{Known, Naming, assign};
use crate::rules::DoseRules;

/// Memory that a stage needs beside the volumes, bytes.
const BASE_BYTES: u64 = 200 << 20;

/// `_COHORT/courses.txt`: the folder of each active course on a line, for make and Snakemake.
pub(crate) fn course_list(cohort: &Cohort) -> Utf8PathBuf {
    cohort.cohort_dir().join("courses.txt")
}

/// The manifest of the last run; a missing one is none, a damaged one is told and counts as none.
///
/// # Errors
/// Never at present; a manifest of a newer program is refused here.
pub(crate) fn read_old(cohort: &Cohort) -> Result<Option<Manifest>, anyhow::Error> {
    if !cohort.manifest().exists() {
        return Ok(None);
    }
    match cohort.read_manifest() {
        Ok(manifest) => Ok(Some(manifest)),
        Err(error) if error.code() == "json.version" => Err(error.into()),
        Err(error) => {
            tracing::warn!(code = error.code(), "{error}; every course is organised anew");
            Ok(None)
        }
    }
}

/// What will be organised.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Courses in the order of the linkage.
    pub(crate) courses: Vec<Planned>,
    /// Patient and name of each.
    pub(crate) names: Vec<(String, String)>,
}

/// How closely an unchanged course is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Size and time of change of its files.
    AtTimes,
    /// Their bytes.
    AtEveryByte,
}

/// One course, its folder and its state in the last run.
#[derive(Debug)]
pub(crate) struct Planned {
    /// The linked objects.
    pub(crate) course: Course,
    /// `<patient>/<course>`.
    pub(crate) path: String,
    /// Digest of its files and the settings.
    pub(crate) fingerprint: String,
    /// What the user decided about its doses.
    pub(crate) dose_rule: Option<UserRule>,
    old: Option<CourseEntry>,
}

/// Names the courses and finds their earlier state.
pub(crate) fn plan(cohort: &Cohort, courses: Vec<Course>, config: &OrganizeSections, rules: &DoseRules, old: Option<&Manifest>) -> Plan {
    let folders = folders(&courses, old);
    let names = courses
        .iter()
        .zip(&folders)
        .map(|(c, (_, folder))| (c.patient_id.clone(), folder.clone()))
        .collect();
    let planned = courses.into_iter().zip(folders).map(|(course, (patient, folder))| {
        let path = format!("{patient}/{folder}");
        let mut earlier = old.into_iter().flat_map(|m| &m.courses);
        let earlier = earlier.find(|c| c.patient_id == course.patient_id && c.key == course.key);
        let record = cohort.course_at(&path).ok().and_then(|place| place.read_record().ok());
        let dose_rule = rules.of(&course.patient_id, &folder);
        Planned {
            fingerprint: fingerprint(&course, config, dose_rule.as_ref(), &Earlier::of(record.as_ref())),
            path,
            dose_rule,
            old: earlier.cloned(),
            course,
        }
    });
    Plan {
        courses: planned.collect(),
        names,
    }
}

/// Patient folder and course folder of each course.
pub(crate) fn folders(courses: &[Course], old: Option<&Manifest>) -> Vec<(String, String)> {
    let known: Known = old
        .into_iter()
        .flat_map(|m| &m.courses)
        .filter_map(|c| {
            let (patient, folder) = c.path.split_once('/')?;
            Some(((c.patient_id.clone(), c.key.clone()), (patient.to_owned(), folder.to_owned())))
        })
        .collect();
    let starts: Vec<Option<String>> = courses.iter().map(|c| c.start.map(rt_dicom::Date::iso)).collect();
    let naming: Vec<Naming<'_>> = courses
        .iter()
        .zip(&starts)
        .map(|(c, start)| Naming {
            patient_id: &c.patient_id,
            key: &c.key,
            start: start.as_deref(),
        })
        .collect();
    assign(&naming, &known, old)
}

/// Files of a course as the last run recorded them, by their path in the input.
struct Earlier<'a>(HashMap<&'a str, &'a FileRecord>);

impl<'a> Earlier<'a> {
    fn of(record: Option<&'a CourseRecord>) -> Self {
        Self(record.into_iter().flat_map(|r| &r.files).map(|f| (f.source.as_str(), f)).collect())
    }

    /// The time of change that counts: that of the last run when the file was only touched, which its digest shows.
    fn time_of(&self, file: &SeriesFile) -> i64 {
        let entry = &file.entry;
        let touched = self
            .0
            .get(escaped(&entry.path).as_str())
            .filter(|f| f.size == entry.size && f.mtime_ns != entry.mtime_ns);
        let same = touched.filter(|f| !f.digest.is_empty() && digest_of(&file.path).as_deref() == Some(f.digest.as_str()));
        same.map_or(entry.mtime_ns, |f| f.mtime_ns)
    }
}

/// The BLAKE3 digest of a file, hexadecimal; `None` when it cannot be read.
pub(crate) fn digest_of(path: &Path) -> Option<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(fs::File::open(path).ok()?).ok()?;
    Some(hasher.finalize().to_hex().to_string())
}

/// Digest of the course's files (by path, size, time of change and UID), how they were linked, and every setting of organize.
fn fingerprint(course: &Course, config: &OrganizeSections, rule: Option<&UserRule>, earlier: &Earlier<'_>) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |text: &str| {
        hasher.update(text.as_bytes());
        hasher.update(&[0]);
    };
    add(env!("CARGO_PKG_VERSION"));
    add(&serde_json::to_string(&(&config.organize, &config.limits, &config.privacy)).unwrap_or_default());
    add(&course.patient_id);
    add(&course.key);
    add(&format!("{rule:?}"));
    let mut lines: Vec<String> = course
        .files()
        .iter()
        .map(|(folder, f)| {
            let sop = f.entry.object().map_or("", |o| o.sop_uid.as_str());
            format!("{folder}|{}|{}|{}|{sop}", f.entry.path, f.entry.size, earlier.time_of(f))
        })
        .collect();
    lines.sort_unstable();
    for line in &lines {
        add(line);
    }
    for image in &course.images {
        add(&format!("{:?} {} {}", image.usage, image.series.series_uid, image.link));
    }
    for set in &course.structures {
        add(&format!("{} {} {}", set.object.sop_uid(), set.is_primary, set.is_plan_referenced));
    }
    hasher.finalize().to_hex().to_string()
}

/// Files that organize makes in a course, without the links in `DICOM/`.
pub(crate) fn files_of(place: &CourseDir, record: &CourseRecord) -> Vec<Utf8PathBuf> {
    let images = record.images.iter().flat_map(|i| [&i.nifti, &i.sidecar]);
    let dose = record.dose.iter().flat_map(|d| [&d.nifti, &d.sidecar]);
    let parts = record.dose.iter().flat_map(|d| &d.components).flat_map(|c| [&c.nifti, &c.sidecar]);
    let sets = record.structure_sets.iter().map(|s| &s.contours);
    let named = images.chain(dose).chain(parts).chain(sets).filter_map(|path| place.file(path).ok());
    std::iter::once(place.course_json()).chain(named).collect()
}

/// The same for every course of the manifest, as their stamps list them; withdrawn ones too, whose files are kept.
pub(crate) fn course_files(cohort: &Cohort) -> Vec<Utf8PathBuf> {
    let Ok(manifest) = cohort.read_manifest() else { return Vec::new() };
    let files = |place: CourseDir| {
        let recorded = Stamp::recorded_outputs(&place.stage(Organize::NAME));
        recorded.into_iter().map(move |path| place.root().join(path))
    };
    manifest
        .courses
        .iter()
        .filter_map(|c| cohort.course_at(&c.path).ok())
        .flat_map(files)
        .collect()
}

impl Planned {
    /// Name of the course in tables.
    pub(crate) fn course_id(&self) -> &str {
        self.path.split_once('/').map_or(self.path.as_str(), |(_, course)| course)
    }

    /// The entry of the last run when nothing changed and its record is in place.
    pub(crate) fn unchanged(&self, place: &CourseDir, look: Look) -> Option<CourseEntry> {
        let old = self.old.as_ref()?;
        if look == Look::AtEveryByte && !self.same_bytes(place) {
            return None;
        }
        let same = old.fingerprint == self.fingerprint && old.status != CourseStatus::Failed;
        let in_place = matches!(freshness(&place.stage(Organize::NAME), &self.key_parts()), Freshness::Fresh(_));
        (same && in_place).then(|| CourseEntry {
            status: CourseStatus::Active,
            reason: String::new(),
            ..old.clone()
        })
    }

    /// Whether every file holds what it held when the course was made.
    fn same_bytes(&self, place: &CourseDir) -> bool {
        let Ok(record) = place.read_record() else { return false };
        let known: HashMap<&str, &str> = record.files.iter().map(|f| (f.source.as_str(), f.digest.as_str())).collect();
        self.course.files().par_iter().all(|(_, file)| {
            let digest = known.get(escaped(&file.entry.path).as_str()).copied();
            digest.is_some() && digest_of(&file.path).as_deref() == digest
        })
    }

    /// What the files of the course are made from, as its stamp names it.
    pub(crate) fn key_parts(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("fingerprint".to_owned(), self.fingerprint.clone())])
    }

    /// The manifest's entry of an organised course.
    pub(crate) fn entry(&self, record: &CourseRecord, status: CourseStatus, reason: String) -> CourseEntry {
        let has = |role: ImageRole| record.images.iter().any(|i| i.role == role);
        CourseEntry {
            patient_id: self.course.patient_id.clone(),
            course_id: self.course_id().to_owned(),
            key: self.course.key.clone(),
            path: self.path.clone(),
            status,
            reason,
            n_files: record.files.len(),
            est_bytes: self.est_bytes(),
            has: Holdings {
                ct: has(ImageRole::PlanningCt),
                mr: has(ImageRole::Mr),
                pet: has(ImageRole::Pet),
                dose: record.dose.is_some(),
                plan: !record.plans.is_empty(),
                structures: !record.structure_sets.is_empty(),
            },
            fingerprint: self.fingerprint.clone(),
        }
    }

    /// The entry of a course that could not be organised.
    pub(crate) fn failed(&self, reason: String) -> CourseEntry {
        CourseEntry {
            patient_id: self.course.patient_id.clone(),
            course_id: self.course_id().to_owned(),
            key: self.course.key.clone(),
            path: self.path.clone(),
            status: CourseStatus::Failed,
            reason,
            n_files: self.course.files().len(),
            est_bytes: self.est_bytes(),
            has: Holdings::default(),
            // No fingerprint: the next run tries again.
            fingerprint: String::new(),
        }
    }

    /// Volumes as their stages hold them: about three times the stored bytes, and room for the program.
    fn est_bytes(&self) -> u64 {
        let stored: u64 = self.course.files().iter().map(|(_, f)| f.entry.size).sum();
        BASE_BYTES + 3 * stored
    }
}

/// Marks courses that vanished, writes the manifest and the list of courses.
///
/// # Errors
/// [`WriteError`] naming the file.
pub(crate) fn finish(
    cohort: &Cohort,
    accounts: Accounts<'_>,
    mut entries: Vec<CourseEntry>,
    old: Option<&Manifest>,
) -> Result<Manifest, anyhow::Error> {
    let present: HashSet<String> = entries.iter().map(|e| e.path.clone()).collect();
    for gone in old.into_iter().flat_map(|m| &m.courses).filter(|c| !present.contains(&c.path)) {
        let reason = "its files are no longer in the input; the folder is kept, the course is out of all cohort tables".to_owned();
        entries.push(CourseEntry {
            status: CourseStatus::Withdrawn,
            reason: reason.clone(),
            ..gone.clone()
        });
        let marker = cohort.course_at(&gone.path)?.withdrawn();
        if !marker.exists() {
            tracing::warn!(code = "organize.withdrawn", "{} is withdrawn: {reason}", gone.path);
            write_bytes(&marker, format!("{reason}\n").as_bytes())?;
        }
    }
    for path in &present {
        let marker = cohort.course_at(path)?.withdrawn();
        if marker.exists() {
            fs::remove_file(&marker).map_err(|source| WriteError::Io {
                step: "remove",
                path: marker.clone(),
                source,
            })?;
        }
    }
    entries.sort_by(|a, b| (&a.patient_id, &a.course_id, &a.path).cmp(&(&b.patient_id, &b.course_id, &b.path)));
    let manifest = Manifest {
        schema_version: SCHEMA_VERSION,
        code_version: env!("CARGO_PKG_VERSION").to_owned(),
        balance: balance(accounts),
        courses: entries,
    };
    let active = manifest.courses.iter().filter(|c| c.status == CourseStatus::Active);
    let mut list: Vec<&str> = active.map(|c| c.path.as_str()).collect();
    // A line feed behind the last course too.
    list.push("");
    let list = list.join("\n");
    write_bytes(course_list(cohort), list.as_bytes())?;
    write_json(cohort.manifest(), &manifest)?;
    Ok(manifest)
}

/// Every file in one class: usable, left aside with its reason, or unreadable; and of the usable ones those in no course.
pub(crate) fn balance(accounts: Accounts<'_>) -> FileBalance {
    let mut ignored: HashMap<String, u64> = HashMap::new();
    let mut failed: HashMap<String, u64> = HashMap::new();
    let mut unlinked: HashMap<String, u64> = HashMap::new();
    let mut used = 0;
    for (file, account) in accounts.index.files.iter().zip(accounts.files) {
        let code = file.verdict.code().to_owned();
        match file.verdict.usage {
            Usage::Used => {
                used += 1;
                if let Some((code, _)) = account.unlinked {
                    *unlinked.entry(code.to_owned()).or_default() += 1;
                }
            }
            Usage::Ignored => *ignored.entry(code).or_default() += 1,
            Usage::Failed => *failed.entry(code).or_default() += 1,
        }
    }
    FileBalance {
        files_found: accounts.index.files.len() as u64,
        used,
        unlinked: sorted(unlinked),
        ignored: sorted(ignored),
        failed: sorted(failed),
    }
}

fn sorted(counts: HashMap<String, u64>) -> indexmap::IndexMap<String, u64> {
    let mut list: Vec<(String, u64)> = counts.into_iter().collect();
    list.sort();
    list.into_iter().collect()
}
