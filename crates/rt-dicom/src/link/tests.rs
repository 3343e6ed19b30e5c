use super::*;
use crate::classify::{FileClass, FileVerdict};
use crate::entry::{Acquisition, DoseFacts, FileOutcome, ImageFacts, Object, PixelFormat, PlanFacts, Plane, StructureFacts};
use crate::value::Date;

/// Objects of one patient, described by their UIDs.
#[derive(Default)]
struct Input {
    files: Vec<ScannedFile>,
    patient: &'static str,
}

impl Input {
    fn new() -> Self {
        Self {
            files: Vec::new(),
            patient: "P",
        }
    }

    fn add(mut self, name: &str, uid: &str, study: &str, frame: &str, kind: ObjectKind) -> Self {
        let modality = match &kind {
            ObjectKind::Image(_) if name.starts_with("MR") => "MR",
            ObjectKind::Image(_) => "CT",
            _ => "RT",
        };
        let object = Object {
            sop_class: String::new(),
            sop_uid: uid.into(),
            modality: modality.into(),
            syntax: String::new(),
            meta_mismatch: false,
            findings: vec![],
            content: (0, 0),
            content_hash: None,
            created: None,
            patient_id: self.patient.into(),
            study_uid: study.into(),
            series_uid: name.into(),
            frame_uid: frame.into(),
            series_number: None,
            study_date: Date::parse("20240101"),
            series_date: Date::parse("20240102"),
            series_description: String::new(),
            device: String::new(),
            person: crate::entry::Person::default(),
            kind,
        };
        self.files.push(ScannedFile {
            entry: Arc::new(FileEntry {
                root: 0,
                path: format!("{}/{name}/{uid}", self.patient),
                size: 0,
                mtime_ns: 0,
                outcome: FileOutcome::Dicom(Box::new(object)),
            }),
            verdict: FileVerdict {
                class: FileClass::Rt,
                codes: vec![],
                usage: Usage::Used,
                notes: vec![],
            },
        });
        self
    }

    /// A series of `n` slices.
    fn images(mut self, series: &str, study: &str, frame: &str, n: u32) -> Self {
        for k in 0..n {
            let facts = ImageFacts {
                format: Some(PixelFormat {
                    rows: 2,
                    columns: 2,
                    frames: 1,
                    samples: 1,
                    allocated: 16,
                    stored: 16,
                    high: 15,
                    signed: false,
                }),
                bad_value: None,
                pixels: Some((Some(8), 8)),
                planes: vec![Plane {
                    frame: 0,
                    position: [0.0, 0.0, f64::from(k)],
                    orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
                    spacing: [1.0, 1.0],
                    slope: 1.0,
                    intercept: 0.0,
                    temporal: 0,
                }],
                thickness: None,
                image_type: String::new(),
                acquisition: Acquisition::default(),
                lossy: false,
            };
            self = self.add(series, &format!("{series}.{k}"), study, frame, ObjectKind::Image(Box::new(facts)));
        }
        self
    }

    fn rs(self, uid: &str, study: &str, frames: &[&str], series: &[&str]) -> Self {
        self.rs_of(uid, study, frames, series, "20240103", "UNAPPROVED")
    }

    fn rs_of(self, uid: &str, study: &str, frames: &[&str], series: &[&str], date: &str, approval: &str) -> Self {
        let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        let facts = StructureFacts {
            label: String::new(),
            date: Date::parse(date).map(|d| (d, None)),
            approval: approval.into(),
            frames: own(frames),
            series: own(series),
            images: vec![],
            roi_count: 1,
        };
        self.add("RS", uid, study, "", ObjectKind::Structures(Box::new(facts)))
    }

    fn rp(self, uid: &str, study: &str, frame: &str, structures: &[&str], date: &str) -> Self {
        let facts = PlanFacts {
            label: uid.into(),
            date: Date::parse(date).map(|d| (d, None)),
            approval: String::new(),
            structures: structures.iter().map(|s| (*s).to_owned()).collect(),
            plans: vec![],
        };
        self.add("RP", uid, study, frame, ObjectKind::Plan(Box::new(facts)))
    }

    fn rd(self, uid: &str, study: &str, frame: &str, plans: &[&str]) -> Self {
        let facts = DoseFacts {
            summation: "PLAN".into(),
            plans: plans.iter().map(|s| (*s).to_owned()).collect(),
            structures: vec![],
        };
        self.add("RD", uid, study, frame, ObjectKind::Dose(Box::new(facts)))
    }

    fn link(&self) -> Linkage {
        self.link_by(&LinkRules::default())
    }

    fn link_by(&self, rules: &LinkRules) -> Linkage {
        let index = |files: Vec<ScannedFile>| Index {
            roots: vec!["in".into()],
            files,
            opened: 0,
        };
        let forward = link(&index(self.files.clone()), rules);
        // The order of files decides nothing but the order of files.
        let mut backward = link(&index(self.files.iter().rev().cloned().collect()), rules);
        backward.rejects.reverse();
        for (a, b) in forward.courses.iter().zip(&mut backward.courses) {
            for (x, y) in a.images.iter().zip(&mut b.images) {
                y.series.files.sort_by(|p, q| p.path.cmp(&q.path));
                let mut sorted = x.series.files.clone();
                sorted.sort_by(|p, q| p.path.cmp(&q.path));
                assert_eq!(sorted, y.series.files);
                y.series = x.series.clone();
            }
        }
        assert_eq!(forward, backward);
        forward
    }
}

fn uids(list: &[Linked]) -> Vec<&str> {
    list.iter().map(Linked::sop_uid).collect()
}

fn summary(course: &Course) -> (Vec<&str>, Vec<&str>, Vec<&str>, Vec<&str>) {
    (
        uids(&course.plans),
        uids(&course.doses),
        course.structures.iter().map(|s| s.object.sop_uid()).collect(),
        course.images.iter().map(|i| i.series.series_uid.as_str()).collect(),
    )
}

fn notices(course: &Course) -> Vec<&str> {
    course.notices.iter().map(|n| n.code).collect()
}

#[test]
fn references_are_followed_across_studies() {
    // D#1: plan and dose in one study, structure set and CT in another, joined by the frame of reference alone.
    let input = Input::new()
        .images("ct", "S1", "F1", 12)
        .rs("rs", "S1", &["F1"], &["ct"])
        .rp("rp", "S2", "F1", &[], "20240105")
        .rd("rd", "S2", "F1", &["rp"]);
    let linkage = input.link();
    assert_eq!(linkage.courses.len(), 1);
    let course = &linkage.courses[0];
    assert_eq!(summary(course), (vec!["rp"], vec!["rd"], vec!["rs"], vec!["ct"]));
    assert_eq!(course.structures[0].object.link, "same_frame");
    assert!(!course.structures[0].is_plan_referenced);
    assert_eq!(course.start.map(Date::iso).as_deref(), Some("2024-01-05"));
    assert_eq!(course.key, "study:S1");
    let no_frame = LinkRules {
        steps: vec![LinkStep::Uid],
        ..LinkRules::default()
    };
    assert_eq!(input.link_by(&no_frame).courses.len(), 2, "without that rule they stay apart");
}

#[test]
fn the_planning_ct_is_the_one_the_structure_set_names() {
    let linkage = Input::new()
        .images("ct-large", "S1", "F1", 50)
        .images("ct-plan", "S1", "F1", 12)
        .rs("rs", "S1", &["F1"], &["ct-plan"])
        .rp("rp", "S1", "F1", &["rs"], "20240105")
        .link();
    let course = &linkage.courses[0];
    assert_eq!(course.planning_ct().unwrap().series.series_uid, "ct-plan");
    assert_eq!((course.images.len(), course.images[0].link), (1, "referenced"));
    assert_eq!(linkage.rejects.len(), 50);
    assert!(linkage.rejects.iter().all(|r| r.code == "link.image_unused"));
}

#[test]
fn images_that_are_not_there_are_not_guessed() {
    let linkage = Input::new()
        .images("other", "S1", "F1", 50)
        .rs("rs", "S1", &["F1"], &["gone"])
        .rp("rp", "S1", "F1", &["rs"], "20240105")
        .link();
    let course = &linkage.courses[0];
    assert!(course.images.is_empty());
    assert_eq!(notices(course), ["link.unresolved_reference"]);
}

#[test]
fn without_references_frame_and_study_decide() {
    let by_frame = Input::new()
        .images("a", "S1", "F1", 12)
        .images("b", "S1", "F1", 20)
        .images("c", "S1", "F2", 90)
        .rs("rs", "S1", &["F1"], &[])
        .link();
    assert_eq!(summary(&by_frame.courses[0]).3, ["b"]);
    let by_study = Input::new()
        .images("a", "S1", "", 12)
        .rs("rs", "S1", &[], &[])
        .rp("rp", "S1", "", &[], "20240105")
        .link();
    let course = &by_study.courses[0];
    assert_eq!(course.images[0].link, "fallback_largest");
    assert_eq!(notices(course), ["struct_linked_by_study", "link.ct_by_study"]);
    let other_frame = Input::new()
        .images("a", "S1", "F9", 12)
        .rs("rs", "S1", &["F1"], &[])
        .rp("rp", "S1", "F1", &["rs"], "20240105")
        .link();
    assert!(other_frame.courses[0].images.is_empty(), "a CT of another frame is not taken");
}

#[test]
fn plans_of_one_study_are_one_course() {
    let linkage = Input::new()
        .images("ct", "S1", "F1", 12)
        .rs("rs", "S1", &["F1"], &["ct"])
        .rp("rp-boost", "S1", "F1", &["rs"], "20240301")
        .rp("rp-main", "S1", "F1", &["rs"], "20240105")
        .rd("rd-1", "S1", "F1", &["rp-main"])
        .rd("rd-2", "S1", "F1", &["rp-boost"])
        .link();
    assert_eq!(linkage.courses.len(), 1);
    assert_eq!(uids(&linkage.courses[0].plans), ["rp-main", "rp-boost"], "by date");
    let windows = LinkRules {
        max_days: Some(30),
        ..LinkRules::default()
    };
    let input = Input::new()
        .images("ct", "S1", "F1", 12)
        .rs("rs", "S1", &["F1"], &["ct"])
        .rp("a", "S1", "F1", &["rs"], "20240105")
        .rp("b", "S1", "F1", &["rs"], "20240301")
        .rd("da", "S1", "F1", &["a"])
        .rd("db", "S1", "F1", &["b"]);
    let split = input.link_by(&windows);
    let plans: Vec<_> = split.courses.iter().map(|c| (uids(&c.plans), uids(&c.doses))).collect();
    assert_eq!(plans, [(vec!["a"], vec!["da"]), (vec!["b"], vec!["db"])]);
    assert!(split.courses.iter().all(|c| c.planning_ct().is_some()));
}

#[test]
fn doses_in_two_frames_are_two_courses() {
    // D#36: two isocentres in one study.
    let linkage = Input::new()
        .images("ct1", "S1", "F1", 12)
        .images("ct2", "S1", "F2", 12)
        .rs("rs1", "S1", &["F1"], &["ct1"])
        .rs("rs2", "S1", &["F2"], &["ct2"])
        .rp("rp1", "S1", "F1", &["rs1"], "20240105")
        .rp("rp2", "S1", "F2", &["rs2"], "20240106")
        .rd("rd1", "S1", "F1", &["rp1"])
        .rd("rd2", "S1", "F2", &["rp2"])
        .link();
    let all: Vec<_> = linkage.courses.iter().map(summary).collect();
    assert_eq!(
        all,
        [
            (vec!["rp1"], vec!["rd1"], vec!["rs1"], vec!["ct1"]),
            (vec!["rp2"], vec!["rd2"], vec!["rs2"], vec!["ct2"])
        ]
    );
    assert_eq!(linkage.courses[0].key, "study:S1/frame:F1");
}

#[test]
fn a_dose_whose_plan_is_gone_stays_with_its_frame() {
    let linkage = Input::new()
        .images("ct", "S1", "F1", 12)
        .rs("rs", "S1", &["F1"], &["ct"])
        .rd("rd", "S7", "F1", &["gone"])
        .link();
    assert_eq!(linkage.courses.len(), 1);
    let course = &linkage.courses[0];
    assert_eq!(course.doses[0].link, "orphan_dose");
    assert_eq!(notices(course), ["link.orphan_dose"]);
}

#[test]
fn every_plan_reference_of_a_dose_counts() {
    // D#34: the first plan of a sum is not there.
    let linkage = Input::new()
        .images("ct", "S1", "F1", 12)
        .rs("rs", "S1", &["F1"], &["ct"])
        .rp("b", "S1", "F1", &["rs"], "20240105")
        .rd("sum", "S1", "F1", &["gone", "b"])
        .link();
    assert_eq!(linkage.courses[0].doses[0].link, "plan_reference");
}

#[test]
fn one_mode_a_patient_not_one_a_cohort() {
    // D#6: plan and dose, structures only, images only.
    let mut files =
        Input::new()
            .images("ct1", "S1", "F1", 12)
            .rs("rs1", "S1", &["F1"], &["ct1"])
            .rp("rp", "S1", "F1", &["rs1"], "20240105");
    files.patient = "Q";
    files = files.images("ct2", "S2", "F2", 12).rs("rs2", "S2", &["F2"], &["ct2"]);
    files.patient = "R";
    files = files.images("ct3", "S3", "F3", 12);
    let linkage = files.link();
    let modes: Vec<_> = linkage.courses.iter().map(|c| (c.patient_id.as_str(), c.mode.name())).collect();
    assert_eq!(modes, [("P", "rt"), ("Q", "rs"), ("R", "ct")]);
}

#[test]
fn the_primary_structure_set_has_its_reasons() {
    let base = || Input::new().images("ct", "S1", "F1", 12);
    let primary = |input: Input| {
        let linkage = input.link();
        linkage.courses[0].primary_structures().unwrap().object.sop_uid().to_owned()
    };
    let two = |i: Input| {
        i.rs_of("new", "S1", &["F1"], &["ct"], "20240301", "")
            .rs_of("old", "S1", &["F1"], &["ct"], "20240101", "APPROVED")
    };
    assert_eq!(primary(two(base())), "old", "approved before new");
    assert_eq!(
        primary(two(base()).rp("rp", "S1", "F1", &["new"], "20240105")),
        "new",
        "named by the plan before approved"
    );
    let same = base()
        .rs_of("a", "S1", &["F1"], &["ct"], "20240101", "")
        .rs_of("b", "S1", &["F1"], &["ct"], "20240201", "");
    assert_eq!(primary(same), "b", "the newest");
}

#[test]
fn mr_of_the_frame_comes_along_and_others_on_request() {
    let input = || {
        Input::new()
            .images("ct", "S1", "F1", 12)
            .images("MR-same-frame", "S9", "F1", 12)
            .images("MR-same-study", "S1", "F5", 12)
            .images("MR-elsewhere", "S8", "F8", 12)
            .rs("rs", "S1", &["F1"], &["ct"])
    };
    let with = |mr| LinkRules {
        mr,
        ..LinkRules::default()
    };
    let images = |mr| {
        let linkage = input().link_by(&with(mr));
        linkage.courses[0].images.iter().map(|i| i.link).collect::<Vec<_>>()
    };
    assert_eq!(images(RelatedImages::Linked), ["referenced", "same_frame"]);
    assert_eq!(images(RelatedImages::SameStudy).len(), 3);
    assert_eq!(images(RelatedImages::All).len(), 4);
}

#[test]
fn fragments_are_no_courses() {
    let linkage = Input::new()
        .rp("rp", "S1", "", &["gone"], "20240105")
        .rd("rd", "S2", "F3", &["other"])
        .rs("rs", "S4", &["F4"], &["gone"])
        .link();
    assert!(linkage.courses.is_empty());
    let codes: Vec<&str> = linkage.rejects.iter().map(|r| r.code).collect();
    assert_eq!(codes, ["link.plan_alone", "link.dose_alone", "link.structures_alone"]);
}

#[test]
fn a_series_without_patient_stays_together_over_studies() {
    let mut input = Input::new();
    input.patient = "";
    let mut input = input.images("ct", "S2", "F1", 12);
    let first = input.files[0].entry.object().cloned();
    let mut other = (*input.files[0].entry).clone();
    other.outcome = FileOutcome::Dicom(Box::new(Object {
        study_uid: "S1".into(),
        ..first.unwrap()
    }));
    input.files[0].entry = Arc::new(other);
    let linkage = input.link();
    assert_eq!(linkage.courses.len(), 1);
    assert_eq!(linkage.courses[0].images[0].series.slice_count(), 12);
}

#[test]
fn patients_without_an_id_are_kept_apart_by_study() {
    let mut input = Input::new();
    input.patient = "";
    let linkage = input.images("ct1", "S1", "F1", 12).images("ct2", "S2", "F2", 12).link();
    let ids: Vec<&str> = linkage.courses.iter().map(|c| c.patient_id.as_str()).collect();
    assert_eq!(ids.len(), 2);
    // First 8 digits of SHA-256("S1") and ("S2").
    assert!(ids.iter().all(|id| id.starts_with("UNKNOWN_") && id.len() == 16));
    assert_ne!(ids[0], ids[1]);
}
