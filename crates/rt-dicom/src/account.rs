//! What became of every file: the courses that use it and as what, what it refers to, and what of that is missing.
//!
//! Pure, one line for each file of the index in its order: the inventory and `rtpipeline inspect` are made of it.

use std::collections::{HashMap, HashSet};

use crate::classify::Usage;
use crate::entry::{Object, ObjectKind};
use crate::header::unique;
use crate::link::{Course, ImageUse, Linkage};
use crate::scan::Index;

/// The account of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileAccount {
    /// Courses that use it, as indices into [`Linkage::courses`], ascending; several when they share it.
    pub courses: Vec<usize>,
    /// What it is in them: `planning_ct`, `ct`, `mr`, `pet`, `structures`, `plan`, `dose`, `record`, `registration`; empty in none.
    pub role: &'static str,
    /// The rule that brought it there, empty in none.
    pub link: &'static str,
    /// UIDs of objects and series that it refers to.
    pub refers_to: Vec<String>,
    /// Those of them that no file of the input has.
    pub missing: Vec<String>,
    /// Why a usable file is in no course: code and words.
    pub unlinked: Option<(&'static str, &'static str)>,
}

/// The account of every file, in order of the index.
pub fn account(index: &Index, linkage: &Linkage) -> Vec<FileAccount> {
    let mut known: HashSet<&str> = HashSet::new();
    for object in index.files.iter().filter_map(|f| f.entry.object()) {
        known.extend([object.sop_uid.as_str(), object.series_uid.as_str()]);
    }
    let mut places: HashMap<(u16, &str), (Vec<usize>, &'static str, &'static str)> = HashMap::new();
    for (number, course) in linkage.courses.iter().enumerate() {
        for (role, link, root, path) in uses(course) {
            let place = places.entry((root, path)).or_insert_with(|| (Vec::new(), role, link));
            if place.0.last() != Some(&number) {
                place.0.push(number);
            }
        }
    }
    let rejects: HashMap<(u16, &str), (&'static str, &'static str)> = linkage
        .rejects
        .iter()
        .map(|r| ((r.file.root, r.file.path.as_str()), (r.code, r.detail)))
        .collect();
    let files = index.files.iter().map(|file| {
        let key = (file.entry.root, file.entry.path.as_str());
        let refers_to = file.entry.object().map(references).unwrap_or_default();
        let missing = refers_to.iter().filter(|uid| !known.contains(uid.as_str())).cloned().collect();
        let (courses, role, link) = places.get(&key).cloned().unwrap_or_default();
        FileAccount {
            unlinked: rejects.get(&key).copied().filter(|_| file.verdict.usage == Usage::Used),
            courses,
            role,
            link,
            refers_to,
            missing,
        }
    });
    files.collect()
}

/// Role, rule, root and path of every file of a course.
fn uses(course: &Course) -> Vec<(&'static str, &'static str, u16, &str)> {
    let mut out = Vec::new();
    for image in &course.images {
        let role = match (image.usage, image.series.modality.as_str()) {
            (ImageUse::PlanningCt, _) => "planning_ct",
            (ImageUse::Related, "MR") => "mr",
            (ImageUse::Related, "PT") => "pet",
            (ImageUse::Related, _) => "ct",
        };
        out.extend(image.series.files.iter().map(|f| (role, image.link, &f.entry)));
    }
    out.extend(
        course
            .structures
            .iter()
            .map(|s| ("structures", s.object.link, &s.object.file.entry)),
    );
    let lists = [
        ("plan", &course.plans),
        ("dose", &course.doses),
        ("record", &course.records),
        ("registration", &course.registrations),
    ];
    for (role, list) in lists {
        out.extend(list.iter().map(|l| (role, l.link, &l.file.entry)));
    }
    out.into_iter()
        .map(|(role, link, entry)| (role, link, entry.root, entry.path.as_str()))
        .collect()
}

/// Objects and series that an object names.
fn references(object: &Object) -> Vec<String> {
    let lists: [&[String]; 2] = match &object.kind {
        ObjectKind::Structures(f) => [&f.series, &f.images],
        ObjectKind::Plan(f) => [&f.structures, &f.plans],
        ObjectKind::Dose(f) => [&f.plans, &f.structures],
        ObjectKind::Record { plans } => [plans, &[]],
        ObjectKind::Registration(f) => [&f.series, &[]],
        ObjectKind::Image(_) | ObjectKind::Segmentation | ObjectKind::Directory | ObjectKind::Other => [&[], &[]],
    };
    unique(lists.concat())
}
