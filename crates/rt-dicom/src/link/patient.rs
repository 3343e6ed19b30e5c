//! The objects of one patient, and the courses that they make.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::group::{Group, Groups, windows};
use super::{Course, CourseMode, ImageOnly, ImageUse, LinkRules, LinkStep, Linked, LinkedImage, LinkedStructures, RelatedImages};
use crate::entry::{DoseFacts, Object, ObjectKind, PlanFacts, StructureFacts};
use crate::header::unique;
use crate::notice::Notice;
use crate::scan::{Index, ScannedFile};
use crate::series::{SeriesEntry, SeriesFile};
use crate::value::{Date, Time};

/// One RT object with its facts.
struct Item<T> {
    file: SeriesFile,
    object: Object,
    facts: T,
}

/// How the image of a structure set was found.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ImageLink {
    /// Series and rule.
    Found(String, &'static str),
    /// It refers to images that are not there: no other is guessed.
    Unresolved,
    /// It refers to none, and no rule finds one.
    Missing,
}

pub(super) struct Patient {
    id: String,
    series: BTreeMap<String, SeriesEntry>,
    image_series: BTreeMap<String, String>,
    structures: Vec<Item<StructureFacts>>,
    plans: Vec<Item<PlanFacts>>,
    doses: Vec<Item<DoseFacts>>,
    records: Vec<Item<Vec<String>>>,
    registrations: Vec<Item<Vec<String>>>,
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
                ObjectKind::Registration { frames } => out.registrations.push(item(&file, object, frames.clone())),
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
            .flat_map(|g| self.split_by_frame(g))
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

    fn structure(&self, at: usize) -> Option<&Item<StructureFacts>> {
        self.structures.get(at)
    }

    /// The structure set of a plan, and by which rule.
    fn structures_of_plan(&self, plan: usize, rules: &LinkRules) -> (Option<usize>, &'static str) {
        let Some(p) = self.plans.get(plan) else {
            return (None, "");
        };
        let by_uid = |list: &[String]| {
            list.iter()
                .find_map(|uid| self.structures.iter().position(|s| s.object.sop_uid == *uid))
        };
        if let Some(found) = by_uid(&p.facts.structures) {
            return (Some(found), "plan_reference");
        }
        let doses: Vec<&Item<DoseFacts>> = self.doses.iter().filter(|d| d.facts.plans.contains(&p.object.sop_uid)).collect();
        if let Some(found) = doses.iter().find_map(|d| by_uid(&d.facts.structures)) {
            return (Some(found), "dose_reference");
        }
        let mut frames = vec![p.object.frame_uid.clone()];
        frames.extend(doses.iter().map(|d| d.object.frame_uid.clone()));
        let frames = unique(frames);
        let best = |fits: &dyn Fn(&Item<StructureFacts>) -> bool| {
            let candidates = self.structures.iter().enumerate().filter(|(_, s)| fits(s));
            candidates.max_by_key(|(_, s)| {
                let same_study = s.object.study_uid == p.object.study_uid;
                let not_later = p.facts.date.is_none() || s.facts.date <= p.facts.date;
                (same_study, not_later, s.facts.date, std::cmp::Reverse(s.object.sop_uid.clone()))
            })
        };
        let in_frame = |s: &Item<StructureFacts>| s.facts.frames.iter().any(|f| frames.contains(f));
        if let Some((at, _)) = best(&in_frame).filter(|_| rules.allows(LinkStep::Frame)) {
            return (Some(at), "same_frame");
        }
        // A structure set of another known frame of reference cannot be that of the plan.
        let in_study = |s: &Item<StructureFacts>| {
            let compatible = frames.is_empty() || s.facts.frames.is_empty();
            s.object.study_uid == p.object.study_uid && compatible
        };
        if let Some((at, _)) = best(&in_study).filter(|_| rules.allows(LinkStep::Date)) {
            return (Some(at), "same_study");
        }
        (None, "")
    }

    /// The image that a structure set was drawn on.
    fn image_of(&self, set: &StructureFacts, rules: &LinkRules) -> ImageLink {
        let there: Vec<&SeriesEntry> = set.series.iter().filter_map(|uid| self.series.get(uid)).collect();
        let is_ct = |s: &&&SeriesEntry| s.modality == "CT";
        if let [only] = there.as_slice() {
            return ImageLink::Found(only.series_uid.clone(), "referenced");
        }
        if let Some(best) = largest(there.iter().filter(is_ct).copied()).or_else(|| largest(there.iter().copied())) {
            return ImageLink::Found(best.series_uid.clone(), "referenced_multi");
        }
        if let Some(uid) = set.images.iter().find_map(|sop| self.image_series.get(sop)) {
            return ImageLink::Found(uid.clone(), "referenced_images");
        }
        if !set.series.is_empty() || !set.images.is_empty() {
            return ImageLink::Unresolved;
        }
        if rules.allows(LinkStep::Frame) {
            let in_frame = self
                .series
                .values()
                .filter(|s| s.modality == "CT" && set.frames.contains(&s.frame_uid) && !s.frame_uid.is_empty());
            if let Some(best) = largest(in_frame) {
                return ImageLink::Found(best.series_uid.clone(), "same_frame");
            }
        }
        ImageLink::Missing
    }

    /// Study of the image that a structure set was drawn on, else its own.
    fn study_of_structures(&self, at: usize, rules: &LinkRules) -> Option<String> {
        let set = self.structure(at)?;
        let study = match self.image_of(&set.facts, rules) {
            ImageLink::Found(uid, _) => self.series.get(&uid).map(|s| s.study_uid.clone()),
            ImageLink::Unresolved | ImageLink::Missing => None,
        };
        Some(study.unwrap_or_else(|| set.object.study_uid.clone()))
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

    /// Structure sets that no plan names join the course of their study or frame, or make their own.
    fn place_structures(&self, groups: &mut Groups, rules: &LinkRules) {
        for at in 0..self.structures.len() {
            if groups.list.iter().any(|g| g.structures.contains(&at)) {
                continue;
            }
            let Some(set) = self.structure(at) else { continue };
            let study = self.study_of_structures(at, rules).unwrap_or_default();
            let key = if study.is_empty() {
                format!("structures:{}", set.object.sop_uid)
            } else {
                format!("study:{study}")
            };
            let shares = |g: &Group| self.frames_of(g).iter().any(|f| set.facts.frames.contains(f));
            let frame_home: Vec<String> = groups
                .list
                .iter()
                .filter(|g| g.key != key && shares(g))
                .map(|g| g.key.clone())
                .collect();
            let by_study = groups.list.iter().any(|g| g.key == key);
            let key = match frame_home.as_slice() {
                [only] if !by_study && rules.allows(LinkStep::Frame) => only.clone(),
                _ => key,
            };
            groups.of(&key).structures.push(at);
        }
    }

    /// Frames of reference of the RT objects of a group.
    fn frames_of(&self, group: &Group) -> Vec<String> {
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

    /// Doses go with their plan, else with their structure set, else with the one course of their frame, else with their study.
    fn place_doses(&self, groups: &mut Groups, rules: &LinkRules) {
        for (at, dose) in self.doses.iter().enumerate() {
            let has_plan = |g: &Group| {
                let mut uids = g.plans.iter().filter_map(|p| self.plans.get(*p)).map(|p| &p.object.sop_uid);
                uids.any(|uid| dose.facts.plans.contains(uid))
            };
            let has_structures = |g: &Group| {
                let mut uids = g.structures.iter().filter_map(|s| self.structure(*s)).map(|s| &s.object.sop_uid);
                uids.any(|uid| dose.facts.structures.contains(uid))
            };
            let shares = |g: &Group| self.frames_of(g).contains(&dose.object.frame_uid);
            let own = format!("study:{}", dose.object.study_uid);
            let in_frame: Vec<&Group> = groups.list.iter().filter(|g| shares(g)).collect();
            let by_frame = match in_frame.as_slice() {
                [only] if rules.allows(LinkStep::Frame) => Some(only.key.clone()),
                several => several.iter().find(|g| g.key == own).map(|g| g.key.clone()),
            };
            let find = |fits: &dyn Fn(&Group) -> bool| groups.list.iter().find(|g| fits(g)).map(|g| g.key.clone());
            let key = find(&has_plan).or_else(|| find(&has_structures)).or(by_frame).unwrap_or(own);
            groups.of(&key).doses.push(at);
        }
    }

    /// Doses in several frames of reference are several courses.
    fn split_by_frame(&self, group: Group) -> Vec<Group> {
        let frame_of_dose = |d: &usize| self.doses.get(*d).map(|d| d.object.frame_uid.clone()).unwrap_or_default();
        let frames = unique(group.doses.iter().map(frame_of_dose).collect());
        if frames.len() < 2 {
            return vec![group];
        }
        let mut out: Vec<Group> = frames.iter().map(|f| Group::new(format!("{}/frame:{f}", group.key))).collect();
        let home = |frame: &str| frames.iter().position(|f| f == frame).unwrap_or(0);
        for plan in &group.plans {
            let uid = self.plans.get(*plan).map(|p| p.object.sop_uid.clone()).unwrap_or_default();
            let dose = group
                .doses
                .iter()
                .find(|d| self.doses.get(**d).is_some_and(|d| d.facts.plans.contains(&uid)));
            let own = self.plans.get(*plan).map(|p| p.object.frame_uid.clone()).unwrap_or_default();
            let frame = dose.map(frame_of_dose).filter(|f| !f.is_empty()).unwrap_or(own);
            if let Some(target) = out.get_mut(home(&frame)) {
                target.plans.push(*plan);
            }
        }
        for dose in &group.doses {
            if let Some(target) = out.get_mut(home(&frame_of_dose(dose))) {
                target.doses.push(*dose);
            }
        }
        for set in &group.structures {
            let own = self.structure(*set).map(|s| s.facts.frames.clone()).unwrap_or_default();
            let first = own.iter().find(|f| frames.contains(f)).map_or("", String::as_str);
            if let Some(target) = out.get_mut(home(first)) {
                target.structures.push(*set);
            }
        }
        out
    }

    /// Plans further apart than `max_days` are several courses.
    fn split_by_time(&self, group: Group, rules: &LinkRules) -> Vec<Group> {
        let Some(max_days) = rules.max_days.filter(|_| group.plans.len() > 1) else {
            return vec![group];
        };
        let date = |p: &usize| self.plans.get(*p).and_then(|p| p.facts.date).map(|(d, _)| d);
        let dated: Vec<(usize, Option<Date>)> = group.plans.iter().map(|p| (*p, date(p))).collect();
        let parts = windows(&dated, max_days);
        if parts.len() < 2 {
            return vec![group];
        }
        let mut out = Vec::new();
        for plans in parts {
            let first = plans.iter().filter_map(date).min();
            let uids: Vec<&String> = plans.iter().filter_map(|p| self.plans.get(*p)).map(|p| &p.object.sop_uid).collect();
            let doses = group
                .doses
                .iter()
                .filter(|d| self.doses.get(**d).is_some_and(|d| d.facts.plans.iter().any(|p| uids.contains(&p))));
            out.push(Group {
                key: format!("{}/from:{}", group.key, first.map(Date::iso).unwrap_or_default()),
                doses: doses.copied().collect(),
                structures: group.structures.clone(),
                plans,
            });
        }
        let placed: BTreeSet<usize> = out.iter().flat_map(|g| g.doses.clone()).collect();
        if let Some(first) = out.first_mut() {
            first.doses.extend(group.doses.iter().filter(|d| !placed.contains(d)));
        }
        out
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
        let records = self.records.iter().filter(|r| r.facts.iter().any(|p| plan_uids.contains(p)));
        let registrations = self.registrations.iter().filter(|r| r.facts.iter().any(|f| frames.contains(f)));
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
            registrations: registrations.map(|r| linked(&r.file, "same_frame")).collect(),
            frames,
            notices,
        })
    }

    fn studies_of(&self, group: &Group, image: Option<&LinkedImage>) -> Vec<String> {
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

    /// Structure sets of a group, the primary one first: named by a plan, then approved, then the newest, then the lower UID.
    fn linked_structures(
        &self,
        group: &Group,
        links: &[(Option<usize>, &'static str)],
        rules: &LinkRules,
        notices: &mut Vec<Notice>,
    ) -> Vec<LinkedStructures> {
        struct Ranked<'a> {
            item: &'a Item<StructureFacts>,
            link: &'static str,
            referenced: bool,
        }
        let mut list: Vec<Ranked<'_>> = Vec::new();
        for at in &group.structures {
            let Some(item) = self.structure(*at) else { continue };
            let link = group
                .plans
                .iter()
                .filter_map(|p| links.get(*p))
                .find(|(set, _)| *set == Some(*at))
                .map(|(_, link)| *link);
            if link == Some("same_study") {
                notices.push(Notice::new(
                    "struct_linked_by_study",
                    "the structure set was linked because it lies in the study of the plan",
                ));
            }
            let own = match self.image_of(&item.facts, rules) {
                ImageLink::Found(..) => "image_reference",
                ImageLink::Unresolved | ImageLink::Missing => "same_study",
            };
            list.push(Ranked {
                item,
                link: link.unwrap_or(own),
                referenced: link == Some("plan_reference"),
            });
        }
        list.sort_by_key(|r| {
            let newest: std::cmp::Reverse<Option<(Date, Option<Time>)>> = std::cmp::Reverse(r.item.facts.date);
            let linked = group
                .plans
                .iter()
                .filter_map(|p| links.get(*p))
                .any(|(_, link)| *link == r.link && !r.referenced);
            (
                !r.referenced,
                !linked,
                r.item.facts.approval != "APPROVED",
                newest,
                r.item.object.sop_uid.clone(),
            )
        });
        for plan in group.plans.iter().filter_map(|p| self.plans.get(*p)) {
            let absent = !plan.facts.structures.is_empty()
                && !plan
                    .facts
                    .structures
                    .iter()
                    .any(|u| self.structures.iter().any(|s| s.object.sop_uid == *u));
            if absent {
                let text = format!("the structure set that plan {} refers to is not there", plan.object.sop_uid);
                notices.push(Notice::new("link.structures_missing", text));
            }
        }
        let ranked = list.into_iter().enumerate();
        ranked
            .map(|(rank, r)| LinkedStructures {
                object: linked(&r.item.file, r.link),
                is_primary: rank == 0,
                is_plan_referenced: r.referenced,
            })
            .collect()
    }

    /// The image that structures and dose were planned on.
    fn planning_image(
        &self,
        group: &Group,
        primary: Option<&Item<StructureFacts>>,
        rules: &LinkRules,
        notices: &mut Vec<Notice>,
    ) -> Option<LinkedImage> {
        let take = |series: &SeriesEntry, link: &'static str| LinkedImage {
            series: series.clone(),
            usage: if series.modality == "CT" {
                ImageUse::PlanningCt
            } else {
                ImageUse::Related
            },
            link,
        };
        if let Some(set) = primary {
            match self.image_of(&set.facts, rules) {
                ImageLink::Found(uid, link) => return Some(take(self.series.get(&uid)?, link)),
                ImageLink::Unresolved => {
                    notices.push(Notice::new(
                        "link.unresolved_reference",
                        "the images that the structure set refers to are not there; no other image is taken for them",
                    ));
                    return None;
                }
                ImageLink::Missing => {}
            }
        }
        let frames = self.frames_of(group);
        let usable = |s: &&SeriesEntry| s.modality == "CT" && s.slice_count() >= rules.min_slices;
        let in_frame = self.series.values().filter(|s| frames.contains(&s.frame_uid)).filter(usable);
        if let Some(best) = largest(in_frame).filter(|_| rules.allows(LinkStep::Frame)) {
            return Some(take(best, "same_frame"));
        }
        let studies = self.studies_of(group, None);
        let in_study = self.series.values().filter(|s| studies.contains(&s.study_uid)).filter(usable);
        // An image of another known frame of reference is not that of the course.
        let in_study = in_study.filter(|s| s.frame_uid.is_empty() || frames.is_empty());
        let best = largest(in_study).filter(|_| rules.allows(LinkStep::Date))?;
        notices.push(Notice::new(
            "link.ct_by_study",
            "the planning CT was taken because it is the largest CT of the study",
        ));
        Some(take(best, "fallback_largest"))
    }

    /// MR series that belong to the course.
    fn related_images(&self, have: &[LinkedImage], frames: &[String], studies: &[String], rules: &LinkRules) -> Vec<LinkedImage> {
        let mut out = Vec::new();
        for series in self
            .series
            .values()
            .filter(|s| s.modality == "MR" && s.slice_count() >= rules.min_slices)
        {
            if have.iter().any(|h| h.series.series_uid == series.series_uid) {
                continue;
            }
            let link = if frames.contains(&series.frame_uid) {
                "same_frame"
            } else if rules.mr != RelatedImages::Linked && studies.contains(&series.study_uid) {
                "same_study"
            } else if rules.mr == RelatedImages::All {
                "same_patient"
            } else {
                continue;
            };
            out.push(LinkedImage {
                series: series.clone(),
                usage: ImageUse::Related,
                link,
            });
        }
        out
    }

    /// One course for each CT series that nothing uses; for a patient without CT one for each study with MR.
    fn image_courses(&self, used: &BTreeSet<String>, rules: &LinkRules) -> Vec<Course> {
        let free = |modality: &str| {
            let of_kind = self.series.values().filter(move |s| s.modality == modality);
            of_kind
                .filter(|s| !used.contains(&s.series_uid) && s.slice_count() >= rules.min_slices)
                .collect::<Vec<_>>()
        };
        let (cts, mrs) = (free("CT"), free("MR"));
        let course = |key: String, images: Vec<LinkedImage>| {
            let frames = unique(images.iter().map(|i| i.series.frame_uid.clone()).collect());
            Course {
                patient_id: self.id.clone(),
                key,
                mode: CourseMode::Images,
                start: images.iter().find_map(|i| i.series.date),
                frames,
                plans: Vec::new(),
                doses: Vec::new(),
                structures: Vec::new(),
                images,
                records: Vec::new(),
                registrations: Vec::new(),
                notices: Vec::new(),
            }
        };
        let mut out = Vec::new();
        for ct in &cts {
            let mut images = vec![LinkedImage {
                series: (*ct).clone(),
                usage: ImageUse::PlanningCt,
                link: "image_only",
            }];
            let related = self.related_images(
                &images,
                std::slice::from_ref(&ct.frame_uid),
                std::slice::from_ref(&ct.study_uid),
                rules,
            );
            images.extend(related);
            out.push(course(format!("series:{}", ct.series_uid), images));
        }
        if cts.is_empty() {
            let mut studies: BTreeMap<&str, Vec<LinkedImage>> = BTreeMap::new();
            for mr in mrs {
                studies.entry(&mr.study_uid).or_default().push(LinkedImage {
                    series: mr.clone(),
                    usage: ImageUse::Related,
                    link: "image_only",
                });
            }
            out.extend(studies.into_iter().map(|(study, images)| course(format!("study:{study}"), images)));
        }
        out
    }
}

fn linked(file: &SeriesFile, link: &'static str) -> Linked {
    Linked { file: file.clone(), link }
}

/// The series of most slices, then of the lowest UID.
fn largest<'a>(series: impl Iterator<Item = &'a SeriesEntry>) -> Option<&'a SeriesEntry> {
    series.max_by_key(|s| (s.slice_count(), std::cmp::Reverse(s.series_uid.clone())))
}
