//! Structure sets: which one a plan means, which image one was drawn on, and which course one belongs to.

use super::group::{Group, Groups};
use super::images::best_of;
use super::patient::{ImageLink, Item, Patient, linked};
use super::{LinkRules, LinkStep, LinkedStructures};
use crate::entry::{DoseFacts, StructureFacts};
use crate::header::unique;
use crate::notice::Notice;
use crate::series::SeriesEntry;
use crate::value::{Date, Time};

impl Patient {
    pub(super) fn structure(&self, at: usize) -> Option<&Item<StructureFacts>> {
        self.structures.get(at)
    }

    /// The structure set of a plan, and by which rule.
    pub(super) fn structures_of_plan(&self, plan: usize, rules: &LinkRules) -> (Option<usize>, &'static str) {
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
    pub(super) fn image_of(&self, set: &StructureFacts, rules: &LinkRules) -> ImageLink {
        let there: Vec<&SeriesEntry> = set.series.iter().filter_map(|uid| self.series.get(uid)).collect();
        let is_ct = |s: &&&SeriesEntry| s.modality == "CT";
        if let [only] = there.as_slice() {
            return ImageLink::Found(only.series_uid.clone(), "referenced");
        }
        if let Some(best) = best_of(there.iter().filter(is_ct).copied()).or_else(|| best_of(there.iter().copied())) {
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
            if let Some(best) = best_of(in_frame) {
                return ImageLink::Found(best.series_uid.clone(), "same_frame");
            }
        }
        ImageLink::Missing
    }

    /// Study of the image that a structure set was drawn on, else its own.
    pub(super) fn study_of_structures(&self, at: usize, rules: &LinkRules) -> Option<String> {
        let set = self.structure(at)?;
        let study = match self.image_of(&set.facts, rules) {
            ImageLink::Found(uid, _) => self.series.get(&uid).map(|s| s.study_uid.clone()),
            ImageLink::Unresolved | ImageLink::Missing => None,
        };
        Some(study.unwrap_or_else(|| set.object.study_uid.clone()))
    }

    /// Structure sets that no plan names join the course of their study or frame, or make their own.
    pub(super) fn place_structures(&self, groups: &mut Groups, rules: &LinkRules) {
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

    /// Structure sets of a group, the primary one first: named by a plan, then approved, then the newest, then the lower UID.
    pub(super) fn linked_structures(
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
}
