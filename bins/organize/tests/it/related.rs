//! What comes with a course: registrations, treatment records, PET, rules of the user, and files that were only touched.

use std::fs::File;
use std::path::Path;

use rt_course::manifest::{CourseRecord, ImageRole};
use rt_course::sidecar::{DoseSidecar, ImageSidecar};
use rt_testdata::dicom::{DataSet, DicomFile, Tag, tag};
use rt_testdata::related::{pet, registration};
use rt_testdata::{Cohort, Course, Field, Kind, Object, Scratch, Vec3, cohort};

use crate::run::{files, holds, manifest, organize, record};

/// Points of the other frame lie 10 mm lower: the matrix lifts them.
const LIFT: [f64; 16] = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 10.0, 0.0, 0.0, 0.0, 1.0];
const OTHER: &str = "2.25.777";

fn small(c: Course) -> Course {
    c.patient("P").ct([16, 16, 12]).spacing([4.0, 4.0, 3.0]).sphere("PTV", 12.0)
}

fn flat(gy: f64) -> Field {
    Field::Gradient {
        at: Vec3::ZERO,
        gy,
        per_mm: Vec3::ZERO,
    }
}

/// Changes the objects of one kind.
fn edited(kind: Kind, change: impl Fn(Object) -> Vec<Object> + Send + Sync + 'static) -> impl Fn(Object) -> Vec<Object> + Send + Sync {
    move |o| if o.kind == kind { change(o) } else { vec![o] }
}

/// The object in the other frame of reference, 10 mm lower.
fn in_other_frame(mut o: Object) -> Object {
    let set = std::mem::take(&mut o.file.set);
    let position = set.text_of(tag::IMAGE_POSITION_PATIENT).unwrap().to_owned();
    let mut p: Vec<f64> = position.split('\\').map(|t| t.parse().unwrap()).collect();
    p[2] -= 10.0;
    o.file.set = set
        .decimals(tag::IMAGE_POSITION_PATIENT, &p)
        .text(tag::FRAME_OF_REFERENCE_UID, OTHER);
    o
}

fn frame_of(cohort: &Cohort) -> String {
    let objects = cohort.courses()[0].objects();
    objects[0].file.set.text_of(tag::FRAME_OF_REFERENCE_UID).unwrap().to_owned()
}

/// Organises a cohort with registrations from the other frame; returns the output and the only record.
fn with_registrations(described: &Cohort, matrices: &[[f64; 16]], more: &[&str]) -> (Scratch, CourseRecord) {
    let input = Scratch::new("related");
    described.write(input.path()).unwrap();
    for (n, matrix) in matrices.iter().enumerate() {
        let reg = registration("P", &format!("2.25.9{n}"), OTHER, &frame_of(described), *matrix);
        input.write(&format!("reg{n}"), DicomFile::new(reg).to_bytes());
    }
    let out = Scratch::new("out");
    let said = organize(input.path(), out.path(), more);
    assert_eq!(said.code, 0, "{}", said.text);
    let courses = manifest(out.path()).courses;
    assert_eq!(courses.len(), 1);
    let one = record(out.path(), &courses[0].path);
    (out, one)
}

fn place(out: &Scratch) -> std::path::PathBuf {
    out.path().join(&manifest(out.path()).courses[0].path)
}

fn sidecar<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn codes(one: &CourseRecord) -> Vec<&str> {
    one.warnings.iter().map(|w| w.code.as_str()).collect()
}

#[test]
fn a_dose_of_another_frame_comes_over_by_its_registration() {
    let ramp = Vec3::new(0.1, -0.2, 0.3);
    let straight = cohort().seed(1).course(|c| small(c).dose_gradient(50.0, ramp));
    let shifted = cohort().seed(1).course(|c| {
        let c = small(c).dose_gradient(50.0, ramp);
        c.edit(edited(Kind::Dose, |o| vec![in_other_frame(o)]))
    });
    let (out, expected) = with_registrations(&straight, &[], &[]);
    let grid = |out: &Scratch, one: &CourseRecord| sidecar::<DoseSidecar>(&place(out).join(&one.dose.as_ref().unwrap().sidecar)).grid;
    let right = grid(&out, &expected);
    let (moved, one) = with_registrations(&shifted, &[LIFT], &[]);
    let got = grid(&moved, &one);
    assert!(
        (got.origin() - right.origin()).length() < 1e-6,
        "{} {}",
        got.origin(),
        right.origin()
    );
    assert!(codes(&one).contains(&"dose.registered") && !codes(&one).contains(&"dose.frame_mismatch"));
    assert_eq!(one.dose.unwrap().frame_of_reference, frame_of(&shifted));
    // Without a registration, and with two that contradict each other, nothing is moved.
    let mut other = LIFT;
    other[11] = 20.0;
    for matrices in [vec![], vec![LIFT, other]] {
        let (_, one) = with_registrations(&shifted, &matrices, &[]);
        assert!(codes(&one).contains(&"dose.frame_mismatch"), "{:?}", codes(&one));
        assert_eq!(codes(&one).contains(&"reg.contradiction"), matrices.len() == 2);
        assert_eq!(one.dose.unwrap().frame_of_reference, OTHER);
    }
}

#[test]
fn an_mr_of_another_frame_comes_with_the_course_by_its_registration() {
    let described = |edit: fn(Object) -> Object| {
        cohort().seed(2).course(move |c| {
            let c = small(c).mr([16, 16, 12]).dose_gradient(50.0, Vec3::ZERO);
            c.edit(edited(Kind::Mr, move |o| vec![edit(o)]))
        })
    };
    let (out, straight) = with_registrations(&described(|o| o), &[], &[]);
    let mr = |one: &CourseRecord| one.images.iter().find(|i| i.role == ImageRole::Mr).cloned();
    let grid = |out: &Scratch, one: &CourseRecord| sidecar::<ImageSidecar>(&place(out).join(&mr(one).unwrap().sidecar)).grid;
    let right = grid(&out, &straight);
    let shifted = described(in_other_frame);
    let (moved, one) = with_registrations(&shifted, &[LIFT], &[]);
    assert_eq!(mr(&one).unwrap().link, "registration");
    assert_eq!(mr(&one).unwrap().frame_of_reference, frame_of(&shifted));
    assert!((grid(&moved, &one).origin() - right.origin()).length() < 1e-6);
    let (_, alone) = with_registrations(&shifted, &[], &[]);
    assert!(mr(&alone).is_none(), "no registration, no MR");
}

/// A course whose CT slices are there a second time as PET.
fn with_pet(change: fn(DataSet) -> DataSet) -> Cohort {
    cohort().seed(3).course(move |c| {
        let c = small(c).dose_gradient(50.0, Vec3::ZERO);
        c.edit(edited(Kind::Ct, move |o| {
            let mut twin = o.clone();
            twin.path = o.path.with_file_name(format!("PT.{:04}", o.index));
            twin.file.set = change(pet(std::mem::take(&mut twin.file.set), "2.25.3333")).in_order();
            vec![o, twin]
        }))
    })
}

#[test]
fn a_pet_becomes_uptake_values_of_the_hand_worked_factor() {
    let (out, one) = with_registrations(&with_pet(|s| s), &[], &[]);
    let image = |role| one.images.iter().find(|i| i.role == role).unwrap();
    let read = |path: &str| rt_nifti::read::<f32>(&place(&out).join(path)).unwrap();
    let (ct, pt) = (read(&image(ImageRole::PlanningCt).nifti), read(&image(ImageRole::Pet).nifti));
    // 70,000 g over 1e8 Bq after half a half-life.
    let factor = 70_000.0 / (1e8 * 0.5_f64.sqrt());
    for (a, b) in ct.data().iter().zip(pt.data()) {
        assert!((f64::from(*a) * factor - f64::from(*b)).abs() < 1e-6);
    }
    let facts: ImageSidecar = sidecar(&place(&out).join(&image(ImageRole::Pet).sidecar));
    assert_eq!(facts.unit, "SUV");
    // Lean mass of a woman of 70 kg and 1.70 m: 9270 x 70 / (8780 + 244 x 24.22145) = 44.1728 kg.
    let (lean_out, lean) = with_registrations(&with_pet(|s| s), &[], &["--set", "organize.suv=lbm"]);
    let lean_pt = lean.images.iter().find(|i| i.role == ImageRole::Pet).unwrap();
    let lean_volume = rt_nifti::read::<f32>(&place(&lean_out).join(&lean_pt.nifti)).unwrap();
    let ratio = 44.1728 / 70.0;
    for (a, b) in pt.data().iter().zip(lean_volume.data()) {
        assert!((f64::from(*a) * ratio - f64::from(*b)).abs() < 1e-5, "{a} {b}");
    }
}

#[test]
fn a_pet_without_a_weight_stays_activity() {
    let described = with_pet(|mut s| {
        s.remove(tag::PATIENT_WEIGHT);
        s
    });
    let (out, one) = with_registrations(&described, &[], &[]);
    let pt = one.images.iter().find(|i| i.role == ImageRole::Pet).unwrap();
    assert_eq!(sidecar::<ImageSidecar>(&place(&out).join(&pt.sidecar)).unit, "BQML");
    assert!(codes(&one).contains(&"pet.missing_invalid_weight"));
}

#[test]
fn a_boost_given_as_beam_doses_is_part_of_the_sum() {
    let described = cohort().seed(4).course(|c| {
        let c = small(c).treat("PELVIS", 50.0, 25, flat(50.0)).treat("BOOST", 20.0, 10, flat(20.0));
        c.edit(edited(Kind::Dose, |o| {
            if o.index == 0 {
                return vec![o];
            }
            // The generated plans have four beams: a quarter of the dose each.
            let beam = |n: i64| {
                let mut part = o.clone();
                part.path = o.path.with_file_name(format!("beam{n}"));
                let mut set = std::mem::take(&mut part.file.set);
                let scaling: f64 = set.text_of(tag::DOSE_GRID_SCALING).unwrap().parse().unwrap();
                let uid = format!("{}.{n}", set.text_of(tag::SOP_INSTANCE_UID).unwrap());
                let number = DataSet::new().integers(tag::REFERENCED_BEAM_NUMBER, &[n]);
                let group = DataSet::new().items(tag::REFERENCED_BEAM_SEQUENCE, vec![number]);
                let plan = &mut set.items_mut(tag::REFERENCED_RT_PLAN_SEQUENCE)[0];
                *plan = std::mem::take(plan).items(Tag(0x300c, 0x0020), vec![group]);
                part.file.set = set
                    .text(tag::SOP_INSTANCE_UID, &uid)
                    .text(tag::DOSE_SUMMATION_TYPE, "BEAM")
                    .decimals(tag::DOSE_GRID_SCALING, &[scaling / 4.0])
                    .in_order();
                part
            };
            (1..=4).map(beam).collect()
        }))
    });
    let (out, one) = with_registrations(&described, &[], &[]);
    let decision = one.dose.as_ref().unwrap();
    assert_eq!(
        (decision.classification.as_str(), decision.components.len()),
        ("primary_boost_summed", 5)
    );
    let sum = rt_nifti::read::<f32>(&place(&out).join(&decision.nifti)).unwrap();
    let worst = sum.data().iter().map(|v| (f64::from(*v) - 70.0).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-3, "{worst}");
}

#[test]
fn a_rule_of_the_user_decides_and_its_change_is_seen() {
    let described = cohort()
        .seed(5)
        .course(|c| small(c).treat("LUNG1", 20.0, 5, flat(20.0)).treat("LUNG2", 20.5, 5, flat(20.5)));
    let input = Scratch::new("rules");
    described.write(input.path()).unwrap();
    let (out, rules) = (Scratch::new("out"), Scratch::new("file"));
    let uid = |n: usize| {
        let objects = described.courses()[0].objects();
        let dose = objects.iter().find(|o| o.kind == Kind::Dose && o.index == n).unwrap();
        dose.file.set.text_of(tag::SOP_INSTANCE_UID).unwrap().to_owned()
    };
    let file = rules.join("dose_rules.toml");
    let setting = format!("organize.dose_rules={}", file.display());
    let run = |action: &str, dose: &str| {
        let text = format!("[[rule]]\npatient = \"P\"\naction = \"{action}\"\ndoses = [\"{dose}\"]\n");
        std::fs::write(&file, text).unwrap();
        let said = organize(input.path(), out.path(), &["--set", &setting]);
        assert_eq!(said.code, 0, "{}", said.text);
        record(out.path(), &manifest(out.path()).courses[0].path).dose
    };
    let chosen = run("use", &uid(1)).unwrap();
    assert_eq!((chosen.classification.as_str(), chosen.source_doses), ("user_rule", vec![uid(1)]));
    let chosen = run("leave_out", &uid(1)).unwrap();
    assert_eq!((chosen.classification.as_str(), chosen.source_doses), ("single_dose", vec![uid(0)]));
    // Without a rule nothing says whether they add up.
    std::fs::write(&file, "").unwrap();
    let said = organize(input.path(), out.path(), &["--set", &setting]);
    assert_eq!(said.code, 0, "{}", said.text);
    assert!(record(out.path(), &manifest(out.path()).courses[0].path).dose.is_none());
}

#[test]
fn a_touched_file_changes_nothing_and_a_changed_one_is_found_by_its_bytes() {
    let input = Scratch::new("touched");
    cohort()
        .seed(6)
        .course(|c| small(c).dose_gradient(50.0, Vec3::ZERO))
        .write(input.path())
        .unwrap();
    let out = Scratch::new("out");
    // Copies, so that a change of the input is not one of the output.
    let copy = ["--set", "organize.place=copy"];
    assert_eq!(organize(input.path(), out.path(), &copy).code, 0);
    let course = place(&out).join("course.json");
    let written = || std::fs::metadata(&course).unwrap().modified().unwrap();
    let (before, fingerprint) = (written(), manifest(out.path()).courses[0].fingerprint.clone());
    let slice = files(input.path(), |b| holds(b, "1.2.840.10008.5.1.4.1.1.2\0")).remove(4);
    let old = std::fs::metadata(&slice).unwrap().modified().unwrap();
    File::options()
        .write(true)
        .open(&slice)
        .unwrap()
        .set_modified(old + std::time::Duration::from_mins(1))
        .unwrap();
    assert_eq!(organize(input.path(), out.path(), &copy).code, 0);
    assert_eq!(
        (written(), &manifest(out.path()).courses[0].fingerprint),
        (before, &fingerprint),
        "only touched"
    );
    // Another pixel, the same size and time.
    let time = std::fs::metadata(&slice).unwrap().modified().unwrap();
    let mut bytes = std::fs::read(&slice).unwrap();
    let last = bytes.len() - 2;
    bytes[last] ^= 0x55;
    std::fs::write(&slice, bytes).unwrap();
    File::options().write(true).open(&slice).unwrap().set_modified(time).unwrap();
    let volume = || std::fs::read(place(&out).join("images/ct.nii")).unwrap();
    let stale = volume();
    assert_eq!(organize(input.path(), out.path(), &copy).code, 0);
    assert_eq!(volume(), stale, "times say that nothing changed");
    let said = organize(input.path(), out.path(), &["--set", "organize.place=copy", "--verify"]);
    assert_eq!(said.code, 0, "{}", said.text);
    assert_ne!(volume(), stale, "its bytes say that it did");
}
