//! From files to courses: plan, dose, structure set and planning CT by their UIDs, then by frame of reference, then by study.
//!
//! Pure and total: what belongs to no course is a reject with its reason. Order of rules: `spec/ingest.md` 1.5, 1.6, 1.8, 1.14.

mod group;
mod images;
mod patient;
mod people;
mod place;
mod structures;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::classify::Usage;
use crate::copies::hex_start;
use crate::entry::{FileEntry, Object, ObjectKind};
use crate::notice::Notice;
use crate::scan::{Index, ScannedFile};
use crate::series::{SeriesEntry, SeriesFile};
use crate::value::Date;

use patient::Patient;

/// By what objects may be joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkStep {
    /// References between objects.
    Uid,
    /// The same frame of reference.
    Frame,
    /// The same study; among several the newest that is not later.
    Date,
}

/// Whether images without any RT object make a course.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageOnly {
    /// For patients who have no other course.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Which MR and PET series come with a course.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelatedImages {
    /// Those of its frames of reference.
    #[default]
    Linked,
    /// Also those of its study.
    SameStudy,
    /// All of the patient.
    All,
}

/// Doses of several frames of reference that registrations join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegisteredFrames {
    /// One course for each frame.
    #[default]
    Split,
    /// One course when rigid registrations lead from one frame to the others.
    Join,
}

/// Rules of linking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRules {
    /// By what objects may be joined; references are followed first, whatever the order.
    pub steps: Vec<LinkStep>,
    /// Longest time between the plans of one course, days.
    pub max_days: Option<u32>,
    /// Fewest slices of a series that nothing refers to.
    pub min_slices: usize,
    /// Courses of images alone.
    pub image_only: ImageOnly,
    /// Which MR and PET series come along.
    pub mr: RelatedImages,
    /// Doses of several frames of reference.
    pub registered_frames: RegisteredFrames,
}

impl Default for LinkRules {
    fn default() -> Self {
        Self {
            steps: vec![LinkStep::Uid, LinkStep::Frame, LinkStep::Date],
            max_days: None,
            min_slices: 10,
            image_only: ImageOnly::Auto,
            mr: RelatedImages::Linked,
            registered_frames: RegisteredFrames::Split,
        }
    }
}

impl LinkRules {
    pub(crate) fn allows(&self, step: LinkStep) -> bool {
        self.steps.contains(&step)
    }
}

/// Courses and what is left.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Linkage {
    /// Courses, sorted by patient, start and key.
    pub courses: Vec<Course>,
    /// Usable files that belong to no course, in order of the index.
    pub rejects: Vec<Reject>,
    /// What concerns several patients: identifiers that two persons share, one person under two identifiers.
    pub notices: Vec<Notice>,
}

/// A usable file that belongs to no course.
#[derive(Debug, Clone, PartialEq)]
pub struct Reject {
    /// The file.
    pub file: Arc<FileEntry>,
    /// Stable code.
    pub code: &'static str,
    /// The reason in words.
    pub detail: &'static str,
}

/// What a course is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CourseMode {
    /// A plan or a dose.
    Rt,
    /// A structure set.
    Structures,
    /// Images alone.
    Images,
}

impl CourseMode {
    /// Name in `course.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rt => "rt",
            Self::Structures => "rs",
            Self::Images => "ct",
        }
    }
}

/// One patient's one treatment.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// `PatientID`, or a name made from the study when there is none.
    pub patient_id: String,
    /// What holds it together: `study:<uid>`, with the frame of reference when one study holds several, or `series:<uid>`.
    pub key: String,
    /// What it is made of.
    pub mode: CourseMode,
    /// Earliest plan date, else that of the structure set, else of the image.
    pub start: Option<Date>,
    /// Frames of reference, that of the planning CT first.
    pub frames: Vec<String>,
    /// Plans by date, then UID.
    pub plans: Vec<Linked>,
    /// Doses by UID.
    pub doses: Vec<Linked>,
    /// Structure sets, the primary one first.
    pub structures: Vec<LinkedStructures>,
    /// Images, the planning CT first.
    pub images: Vec<LinkedImage>,
    /// Treatment records of its plans.
    pub records: Vec<Linked>,
    /// Registrations that touch its frames.
    pub registrations: Vec<Linked>,
    /// Findings.
    pub notices: Vec<Notice>,
}

/// One object of a course.
#[derive(Debug, Clone, PartialEq)]
pub struct Linked {
    /// The file.
    pub file: SeriesFile,
    /// How it came into the course.
    pub link: &'static str,
}

impl Linked {
    /// Its `SOPInstanceUID`.
    pub fn sop_uid(&self) -> &str {
        self.file.entry.object().map_or("", |o| &o.sop_uid)
    }
}

/// One structure set of a course.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkedStructures {
    /// The object.
    pub object: Linked,
    /// Evaluated by later stages.
    pub is_primary: bool,
    /// A plan of the course refers to it.
    pub is_plan_referenced: bool,
}

/// What an image is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageUse {
    /// The CT that structures and dose were planned on.
    PlanningCt,
    /// Another image that belongs to the course.
    Related,
}

/// One image series of a course.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkedImage {
    /// The series.
    pub series: SeriesEntry,
    /// What it is for.
    pub usage: ImageUse,
    /// How it came into the course.
    pub link: &'static str,
}

impl Course {
    /// Every file of the course, each once, with the folder name of its kind.
    pub fn files(&self) -> Vec<(&'static str, &SeriesFile)> {
        let mut out: Vec<(&'static str, &SeriesFile)> = Vec::new();
        for image in &self.images {
            let folder = match image.series.modality.as_str() {
                "MR" => "MR",
                "PT" => "PT",
                _ => "CT",
            };
            out.extend(image.series.files.iter().map(|f| (folder, f)));
        }
        out.extend(self.structures.iter().map(|s| ("RTSTRUCT", &s.object.file)));
        out.extend(self.plans.iter().map(|l| ("RTPLAN", &l.file)));
        out.extend(self.doses.iter().map(|l| ("RTDOSE", &l.file)));
        out.extend(self.records.iter().map(|l| ("RTRECORD", &l.file)));
        out.extend(self.registrations.iter().map(|l| ("REG", &l.file)));
        out
    }

    /// The planning CT.
    pub fn planning_ct(&self) -> Option<&LinkedImage> {
        self.images.iter().find(|i| i.usage == ImageUse::PlanningCt)
    }

    /// The structure set that is evaluated.
    pub fn primary_structures(&self) -> Option<&LinkedStructures> {
        self.structures.iter().find(|s| s.is_primary)
    }
}

/// How sure a link is, by its rule: `high` by references, `medium` by frame of reference or registration, `low` for want of better.
pub fn confidence(link: &str) -> &'static str {
    match link {
        "" => "",
        "plan" | "plan_reference" | "dose_reference" | "referenced" | "referenced_images" | "image_reference" => "high",
        "referenced_multi" | "same_frame" | "registration" => "medium",
        _ => "low",
    }
}

/// Makes courses of the usable files of an index.
pub fn link(index: &Index, rules: &LinkRules) -> Linkage {
    let used: Vec<(&ScannedFile, &Object)> = index
        .files
        .iter()
        .filter(|f| f.verdict.usage == Usage::Used)
        .filter_map(|f| Some((f, f.entry.object()?)))
        .collect();
    // A series stays together even when its files name several studies: the lowest of them stands for all.
    let mut study_of_series: BTreeMap<&str, &str> = BTreeMap::new();
    for (_, object) in used.iter().filter(|(_, o)| !o.series_uid.is_empty()) {
        let study = study_of_series.entry(&object.series_uid).or_insert(&object.study_uid);
        *study = (*study).min(&object.study_uid);
    }
    let mut by_patient: BTreeMap<String, Vec<&ScannedFile>> = BTreeMap::new();
    for (file, object) in used {
        let study = study_of_series
            .get(object.series_uid.as_str())
            .copied()
            .unwrap_or(&object.study_uid);
        by_patient.entry(patient_key(&object.patient_id, study)).or_default().push(file);
    }
    let told = people::told(&by_patient);
    let mut courses = Vec::new();
    for (id, files) in by_patient {
        let patient = Patient::new(id, &files, index);
        courses.extend(patient.courses(rules));
    }
    courses.sort_by(|a, b| {
        let key = |c: &Course| (c.patient_id.clone(), c.start.is_none(), c.start, c.key.clone());
        key(a).cmp(&key(b))
    });
    for course in &mut courses {
        let own = told.iter().filter(|(ids, _)| ids.contains(&course.patient_id));
        course.notices.extend(own.map(|(_, notice)| notice.clone()));
    }
    let mut taken: HashSet<(u16, &str)> = HashSet::new();
    for course in &courses {
        taken.extend(course.files().into_iter().map(|(_, f)| (f.entry.root, f.entry.path.as_str())));
    }
    let left = index
        .files
        .iter()
        .filter(|f| f.verdict.usage == Usage::Used && !taken.contains(&(f.entry.root, f.entry.path.as_str())));
    let short = short_series(index, rules.min_slices);
    let rejects = left.map(|f| reject(&f.entry, &short)).collect();
    Linkage {
        courses,
        rejects,
        notices: told.into_iter().map(|(_, notice)| notice).collect(),
    }
}

/// The patient id, or a name of the study when there is none.
fn patient_key(id: &str, study: &str) -> String {
    if !id.is_empty() {
        return id.to_owned();
    }
    format!("UNKNOWN_{}", hex_start(&Sha256::digest(study.as_bytes())))
}

/// Series with fewer frames than a series needs that nothing refers to.
fn short_series(index: &Index, min_slices: usize) -> HashSet<String> {
    let mut frames: BTreeMap<&str, usize> = BTreeMap::new();
    for object in index.files.iter().filter_map(|f| f.entry.object()) {
        if let ObjectKind::Image(image) = &object.kind {
            *frames.entry(&object.series_uid).or_default() += image.planes.len();
        }
    }
    frames
        .into_iter()
        .filter(|(_, n)| *n < min_slices)
        .map(|(uid, _)| uid.to_owned())
        .collect()
}

fn reject(file: &Arc<FileEntry>, short: &HashSet<String>) -> Reject {
    let (code, detail) = match file.object().map(|o| &o.kind) {
        Some(ObjectKind::Image(_)) if file.object().is_some_and(|o| short.contains(&o.series_uid)) => (
            "link.few_slices",
            "nothing refers to its series, and that has fewer slices than organize.min_slices",
        ),
        Some(ObjectKind::Image(_)) => (
            "link.image_unused",
            "no structure set, plan or dose of the patient belongs to this image",
        ),
        Some(ObjectKind::Structures(_)) => (
            "link.structures_alone",
            "neither its images nor a plan or dose that refers to it were found",
        ),
        Some(ObjectKind::Plan(_)) => ("link.plan_alone", "neither its structure set nor a dose or image of it were found"),
        Some(ObjectKind::Dose(_)) => (
            "link.dose_alone",
            "neither its plan nor its structure set nor an image of its frame were found",
        ),
        Some(ObjectKind::Record { .. }) => ("link.record_alone", "its plan was not found"),
        Some(ObjectKind::Registration(_)) => ("link.registration_alone", "no course has one of its frames of reference"),
        Some(ObjectKind::Segmentation | ObjectKind::Directory | ObjectKind::Other) | None => ("link.no_use", "no stage uses it"),
    };
    Reject {
        file: Arc::clone(file),
        code,
        detail,
    }
}
