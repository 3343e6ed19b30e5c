//! Images of a course: the CT that it was planned on, and what belongs to it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::group::Group;
use super::patient::{ImageLink, Item, Patient};
use super::{Course, CourseMode, ImageUse, LinkRules, LinkStep, LinkedImage, RelatedImages};
use crate::entry::StructureFacts;
use crate::header::unique;
use crate::notice::Notice;
use crate::series::SeriesEntry;
use crate::series_class::SeriesClass;

impl Patient {
    /// The image that structures and dose were planned on.
    pub(super) fn planning_image(
        &self,
        group: &Group,
        primary: Option<&Item<StructureFacts>>,
        rules: &LinkRules,
        notices: &mut Vec<Notice>,
    ) -> Option<LinkedImage> {
        if let Some(set) = primary {
            match self.image_of(&set.facts, rules) {
                ImageLink::Found(uid, link) => {
                    let series = self.series.get(&uid)?;
                    if link == "same_frame" {
                        doubt(series, notices);
                    }
                    return Some(planned_on(series, link));
                }
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
        if let Some(best) = best_of(in_frame).filter(|_| rules.allows(LinkStep::Frame)) {
            doubt(best, notices);
            return Some(planned_on(best, "same_frame"));
        }
        let studies = self.studies_of(group, None);
        let in_study = self.series.values().filter(|s| studies.contains(&s.study_uid)).filter(usable);
        // An image of another known frame of reference is not that of the course.
        let in_study = in_study.filter(|s| s.frame_uid.is_empty() || frames.is_empty());
        let best = best_of(in_study).filter(|_| rules.allows(LinkStep::Date))?;
        notices.push(Notice::new(
            "link.ct_by_study",
            "the planning CT was taken because it is the largest CT of the study",
        ));
        doubt(best, notices);
        Some(planned_on(best, "fallback_largest"))
    }

    /// MR and PET series that belong to the course: of one of its frames, or joined to it by a rigid registration.
    pub(super) fn related_images(
        &self,
        have: &[LinkedImage],
        frames: &[String],
        studies: &[String],
        rules: &LinkRules,
    ) -> Vec<LinkedImage> {
        let mut out = Vec::new();
        let usable = |s: &&SeriesEntry| matches!(s.modality.as_str(), "MR" | "PT") && s.slice_count() >= rules.min_slices;
        for series in self.series.values().filter(usable) {
            if have.iter().any(|h| h.series.series_uid == series.series_uid) {
                continue;
            }
            let link = if frames.contains(&series.frame_uid) {
                "same_frame"
            } else if self.is_registered(series, frames) {
                "registration"
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

    /// Whether one rigid registration joins the frame of a series with one of these.
    fn is_registered(&self, series: &SeriesEntry, frames: &[String]) -> bool {
        self.registrations.iter().any(|r| {
            let joined = &r.facts.frames;
            !r.facts.is_deformable && joined.contains(&series.frame_uid) && joined.iter().any(|f| frames.contains(f))
        })
    }

    /// One course for each CT series that nothing uses, projections apart; for a patient without CT one for each study with MR or PET.
    pub(super) fn image_courses(&self, used: &BTreeSet<String>, rules: &LinkRules) -> Vec<Course> {
        let free: Vec<&SeriesEntry> = self
            .series
            .values()
            .filter(|s| !used.contains(&s.series_uid) && s.slice_count() >= rules.min_slices)
            .collect();
        let is_ct = |s: &&&SeriesEntry| s.modality == "CT" && SeriesClass::of(s) != SeriesClass::Projection;
        let cts: Vec<&SeriesEntry> = free.iter().filter(is_ct).copied().collect();
        let mut out = Vec::new();
        for ct in &cts {
            let mut images = vec![planned_on(ct, "image_only")];
            let (frame, study) = (std::slice::from_ref(&ct.frame_uid), std::slice::from_ref(&ct.study_uid));
            let related = self.related_images(&images, frame, study, rules);
            images.extend(related);
            let mut notices = Vec::new();
            doubt(ct, &mut notices);
            out.push(self.image_course(format!("series:{}", ct.series_uid), images, notices));
        }
        if cts.is_empty() {
            let mut studies: BTreeMap<&str, Vec<LinkedImage>> = BTreeMap::new();
            for series in free.iter().filter(|s| matches!(s.modality.as_str(), "MR" | "PT")) {
                studies.entry(&series.study_uid).or_default().push(planned_on(series, "image_only"));
            }
            let course = |(study, images)| self.image_course(format!("study:{study}"), images, Vec::new());
            out.extend(studies.into_iter().map(course));
        }
        out
    }

    fn image_course(&self, key: String, images: Vec<LinkedImage>, notices: Vec<Notice>) -> Course {
        Course {
            patient_id: self.id.clone(),
            key,
            mode: CourseMode::Images,
            start: images.iter().find_map(|i| i.series.date),
            frames: unique(images.iter().map(|i| i.series.frame_uid.clone()).collect()),
            plans: Vec::new(),
            doses: Vec::new(),
            structures: Vec::new(),
            images,
            records: Vec::new(),
            registrations: Vec::new(),
            notices,
        }
    }
}

/// A series as the image of a course; only a CT is a planning CT.
fn planned_on(series: &SeriesEntry, link: &'static str) -> LinkedImage {
    LinkedImage {
        series: series.clone(),
        usage: if series.modality == "CT" {
            ImageUse::PlanningCt
        } else {
            ImageUse::Related
        },
        link,
    }
}

/// Says so when a series that nothing refers to is of a kind on which nobody plans.
fn doubt(series: &SeriesEntry, notices: &mut Vec<Notice>) {
    let class = SeriesClass::of(series);
    if matches!(class, SeriesClass::ConeBeamCt | SeriesClass::PhaseCt | SeriesClass::Projection) {
        let text = format!(
            "no object refers to the CT of this course ({}), and by its headers it is of the kind {}: no better one was found",
            series.series_uid,
            class.name()
        );
        notices.push(Notice::new("link.ct_doubtful", text));
    }
}

/// The likeliest kind of series, then the one of most slices, then of the lowest UID.
pub(super) fn best_of<'a>(series: impl Iterator<Item = &'a SeriesEntry>) -> Option<&'a SeriesEntry> {
    series.min_by_key(|s| (SeriesClass::of(s), Reverse(s.slice_count()), s.series_uid.clone()))
}
