//! Doses to their groups, and groups that are several courses apart.

use std::collections::BTreeSet;

use super::group::{Group, Groups, windows};
use super::patient::Patient;
use super::{LinkRules, LinkStep, RegisteredFrames};
use crate::header::unique;
use crate::value::Date;

impl Patient {
    /// Doses go with their plan, else with their structure set, else with the one course of their frame, else with their study.
    pub(super) fn place_doses(&self, groups: &mut Groups, rules: &LinkRules) {
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

    /// Doses in several frames of reference are several courses, unless registrations join them and the rules say so.
    pub(super) fn split_by_frame(&self, group: Group, rules: &LinkRules) -> Vec<Group> {
        let frame_of_dose = |d: &usize| self.doses.get(*d).map(|d| d.object.frame_uid.clone()).unwrap_or_default();
        let frames = unique(group.doses.iter().map(frame_of_dose).collect());
        let joined = rules.registered_frames == RegisteredFrames::Join && self.are_joined(&frames);
        if frames.len() < 2 || joined {
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

    /// Whether rigid registrations lead from the first frame to all others.
    fn are_joined(&self, frames: &[String]) -> bool {
        let mut reached: BTreeSet<&String> = frames.first().into_iter().collect();
        let rigid: Vec<&Vec<String>> = self
            .registrations
            .iter()
            .filter(|r| !r.facts.is_deformable)
            .map(|r| &r.facts.frames)
            .collect();
        for _ in &rigid {
            for joined in &rigid {
                if joined.iter().any(|f| reached.contains(f)) {
                    reached.extend(joined.iter());
                }
            }
        }
        frames.iter().all(|f| reached.contains(f))
    }

    /// Plans further apart than `max_days` are several courses.
    pub(super) fn split_by_time(&self, group: Group, rules: &LinkRules) -> Vec<Group> {
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
}
