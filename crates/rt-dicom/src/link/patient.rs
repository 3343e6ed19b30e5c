//! The objects of one patient, and the courses that they make.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::group::{Group, Groups};
use super::{Course, CourseMode, ImageOnly, LinkRules, Linked, LinkedImage};
use crate::entry::{DoseFacts, Object, ObjectKind, PlanFacts, RegistrationFacts, StructureFacts};
use crate::header::unique;
use crate::notice::Notice;
use crate::scan::{Index, ScannedFile};
use crate::series::{SeriesEntry, SeriesFile};

/// One RT object with its facts.
pub(super) struct Item<T> {
    pub(super) file: SeriesFile,
    pub(super) object: Object,
    pub(super) facts: T,
}

/// How the image of a structure set was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ImageLink {
    /// Series and rule.
    Found(String, &'static str),
    /// It refers to images that are not there: no other is guessed.
    Unresolved,
    /// It refers to none, and no rule finds one.
    Missing,
}

pub(super) struct Patient {
    pub(super) id: String,
    pub(super) series: BTreeMap<String, SeriesEntry>,
    pub(super) image_series: BTreeMap<String, String>,
    pub(super) structures: Vec<Item<StructureFacts>>,
    pub(super) plans: Vec<Item<PlanFacts>>,
    pub(super) doses: Vec<Item<DoseFacts>>,
    records: Vec<Item<Vec<String>>>,
    pub(super) registrations: Vec<Item<RegistrationFacts>>,
}

fn item<T>(file: &SeriesFile, object: &Object, facts: T) -> Item<T> {
    Item {
        file: file.clone(),
        object: object.clone(),
        facts,
    }
}

impl Patient {
    pub(super) fn new(id: String, files: &[&ScannedFile], index: &Index) -> Self {
        let mut out = Self {
            id,
            series: BTreeMap::new(),
            image_series: BTreeMap::new(),
            structures: Vec::new(),
            plans: Vec::new(),
            doses: Vec::new(),
            records: Vec::new(),
            registrations: Vec::new(),
        };
        let mut images: BTreeMap<String, Vec<SeriesFile>> = BTreeMap::new();
        for scanned in files {
            let Some(object) = scanned.entry.object() else { continue };
            let file = SeriesFile {
                path: index.absolute(&scanned.entry),
                entry: Arc::clone(&scanned.entry),
            };
            match &object.kind {
                ObjectKind::Image(_) => {
                    out.image_series.insert(object.sop_uid.clone(), object.series_uid.clone());
                    images.entry(object.series_uid.clone()).or_default().push(file);
                }
                ObjectKind::Structures(facts) => out.structures.push(item(&file, object, (**facts).clone())),
                ObjectKind::Plan(facts) => out.plans.push(item(&file, object, (**facts).clone())),
                ObjectKind::Dose(facts) => out.doses.push(item(&file, object, (**facts).clone())),
                ObjectKind::Record { plans } => out.records.push(item(&file, object, plans.clone())),
                ObjectKind::Registration(facts) => out.registrations.push(item(&file, object, (**facts).clone())),
                ObjectKind::Segmentation | ObjectKind::Directory | ObjectKind::Other => {}
            }
        }
        out.series = images
            .into_iter()
            .filter_map(|(uid, files)| Some((uid, SeriesEntry::new(files)?)))
            .collect();
        out.structures.sort_by(|a, b| a.object.sop_uid.cmp(&b.object.sop_uid));
        out.plans.sort_by(|a, b| a.object.sop_uid.cmp(&b.object.sop_uid));
        out.doses.sort_by(|a, b| a.object.sop_uid.cmp(&b.object.sop_uid));
        out
    }

    pub(super) fn courses(&self, rules: &LinkRules) -> Vec<Course> {
        let links: Vec<(Option<usize>, &'static str)> = (0..self.plans.len()).map(|p| self.structures_of_plan(p, rules)).collect();
        let mut groups = Groups::default();
        for (at, (set, _)) in links.iter().enumerate() {
            let key = self.key_of_plan(at, *set, rules);
            let group = groups.of(&key);
            group.plans.push(at);
            group.structures.extend(set.filter(|s| !group.structures.contains(s)));
        }
        self.place_structures(&mut groups, rules);
        self.place_doses(&mut groups, rules);
        let groups: Vec<Group> = groups
            .list
            .into_iter()
            .flat_map(|g| self.split_by_frame(g, rules))
            .flat_map(|g| self.split_by_time(g, rules))
            .collect();
        let mut courses: Vec<Course> = groups.iter().filter_map(|g| self.course(g, &links, rules)).collect();
        let has_rt = !courses.is_empty();
        let used: BTreeSet<String> = courses
            .iter()
            .flat_map(|c| c.images.iter().map(|i| i.series.series_uid.clone()))
            .collect();
        if rules.image_only == ImageOnly::Always || rules.image_only == ImageOnly::Auto && !has_rt {
            courses.extend(self.image_courses(&used, rules));
        }
        courses
    }

    fn key_of_plan(&self, plan: usize, set: Option<usize>, rules: &LinkRules) -> String {
        let own = self.plans.get(plan).map(|p| &p.object);
        let of_dose = || {
            let plan_uid = own.map(|o| o.sop_uid.as_str()).unwrap_or_default();
            self.doses
                .iter()
                .find(|d| d.facts.plans.iter().any(|p| p == plan_uid))
                .map(|d| d.object.study_uid.clone())
        };
        let study = set.and_then(|s| self.study_of_structures(s, rules));
        let study = study
            .or_else(of_dose)
            .or_else(|| own.map(|o| o.study_uid.clone()))
            .unwrap_or_default();
        if study.is_empty() {
            format!("plan:{}", own.map(|o| o.sop_uid.as_str()).unwrap_or_default())
        } else {
            format!("study:{study}")
        }
    }

    /// Frames of reference of the RT objects of a group.
    pub(super) fn frames_of(&self, group: &Group) -> Vec<String> {
        let mut frames: Vec<String> = Vec::new();
        frames.extend(
            group
                .structures
                .iter()
                .filter_map(|s| self.structure(*s))
                .flat_map(|s| s.facts.frames.clone()),
        );
        frames.extend(
            group
                .plans
                .iter()
                .filter_map(|p| self.plans.get(*p))
                .map(|p| p.object.frame_uid.clone()),
        );
        frames.extend(
            group
                .doses
                .iter()
                .filter_map(|d| self.doses.get(*d))
                .map(|d| d.object.frame_uid.clone()),
        );
        unique(frames)
    }

    /// The course of a group; `None` for a fragment: a single object with nothing that belongs to it.
    fn course(&self, group: &Group, links: &[(Option<usize>, &'static str)], rules: &LinkRules) -> Option<Course> {
        let mut notices = Vec::new();
        let structures = self.linked_structures(group, links, rules, &mut notices);
        let primary = structures
            .first()
            .and_then(|s| self.structures.iter().find(|x| x.object.sop_uid == s.object.sop_uid()));
        let image = self.planning_image(group, primary, rules, &mut notices);
        let kinds = [
            image.is_some(),
            !structures.is_empty(),
            !group.plans.is_empty(),
            !group.doses.is_empty(),
        ];
        if kinds.iter().filter(|k| **k).count() < 2 {
            return None;
        }
        let mut plans: Vec<&Item<PlanFacts>> = group.plans.iter().filter_map(|p| self.plans.get(*p)).collect();
        plans.sort_by_key(|p| (p.facts.date.is_none(), p.facts.date, p.object.sop_uid.clone()));
        let mut frames: Vec<String> = image.iter().map(|i| i.series.frame_uid.clone()).collect();
        frames.extend(self.frames_of(group));
        let frames = unique(frames);
        let start = plans.iter().find_map(|p| p.facts.date).map(|(d, _)| d);
        let start = start.or_else(|| primary.and_then(|s| s.facts.date.map(|(d, _)| d).or(s.object.study_date)));
        let start = start.or_else(|| image.as_ref().and_then(|i| i.series.date));
        let mode = if group.plans.is_empty() && group.doses.is_empty() {
            CourseMode::Structures
        } else {
            CourseMode::Rt
        };
        let plan_uids: Vec<String> = plans.iter().map(|p| p.object.sop_uid.clone()).collect();
        let doses = self.linked_doses(group, &plan_uids, &mut notices);
        let studies: Vec<String> = unique(self.studies_of(group, image.as_ref()));
        let mut images: Vec<LinkedImage> = image.into_iter().collect();
        images.extend(self.related_images(&images, &frames, &studies, rules));
        let registrations = self.linked_registrations(&frames, &images, &mut notices);
        let records = self.records.iter().filter(|r| r.facts.iter().any(|p| plan_uids.contains(p)));
        Some(Course {
            patient_id: self.id.clone(),
            key: group.key.clone(),
            mode,
            start,
            plans: plans.iter().map(|p| linked(&p.file, "plan")).collect(),
            doses,
            structures,
            images,
            records: records.map(|r| linked(&r.file, "plan_reference")).collect(),
            registrations,
            frames,
            notices,
        })
    }

    pub(super) fn studies_of(&self, group: &Group, image: Option<&LinkedImage>) -> Vec<String> {
        let mut studies: Vec<String> = image.iter().map(|i| i.series.study_uid.clone()).collect();
        studies.extend(
            group
                .plans
                .iter()
                .filter_map(|p| self.plans.get(*p))
                .map(|p| p.object.study_uid.clone()),
        );
        studies.extend(
            group
                .structures
                .iter()
                .filter_map(|s| self.structure(*s))
                .map(|s| s.object.study_uid.clone()),
        );
        studies
    }

    /// Registrations that join a frame of the course with another one, or refer to one of its images.
    fn linked_registrations(&self, frames: &[String], images: &[LinkedImage], notices: &mut Vec<Notice>) -> Vec<Linked> {
        let mut out = Vec::new();
        for item in &self.registrations {
            let in_frame = item.facts.frames.iter().any(|f| frames.contains(f));
            let of_image = images.iter().any(|i| item.facts.series.contains(&i.series.series_uid));
            if !in_frame && !of_image {
                continue;
            }
            if item.facts.is_deformable {
                let text = format!("registration {} is deformable: it is kept, and never applied", item.object.sop_uid);
                notices.push(Notice::new("reg.deformable", text));
            }
            out.push(linked(&item.file, if in_frame { "same_frame" } else { "image_reference" }));
        }
        out
    }

    fn linked_doses(&self, group: &Group, plan_uids: &[String], notices: &mut Vec<Notice>) -> Vec<Linked> {
        let mut out = Vec::new();
        for dose in group.doses.iter().filter_map(|d| self.doses.get(*d)) {
            let known = dose.facts.plans.iter().any(|p| plan_uids.contains(p));
            if !known {
                let text = format!("the plan of dose {} is not there", dose.object.sop_uid);
                notices.push(Notice::new("link.orphan_dose", text));
            }
            out.push(linked(&dose.file, if known { "plan_reference" } else { "orphan_dose" }));
        }
        out
    }
}

pub(super) fn linked(file: &SeriesFile, link: &'static str) -> Linked {
    Linked { file: file.clone(), link }
}
