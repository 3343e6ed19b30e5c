//! Defects of the Python reference (`spec/ingest.md` 4, D#n; `spec/analysis.md` 6, A#n), one test each, named after it: its wrong answer is
//! not given. What only the readers decide is tested in rt-dicom; `cargo xtask conformance ingest` runs both and counts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rt_course::manifest::{CourseRecord, CourseStatus};
use rt_testdata::dicom::{DicomFile, Value, tag};
use rt_testdata::related::{Delivered, beam_record, registration};
use rt_testdata::{Cohort, Kind, Object, Scratch, Vec3, cohort};

use crate::run::{files, holds, manifest, organize, record};

const IDENTITY: [f64; 16] = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0];

/// One small course with CT, structure set, plan and dose.
fn small(c: rt_testdata::Course) -> rt_testdata::Course {
    c.ct([16, 16, 12])
        .spacing([4.0, 4.0, 3.0])
        .sphere("PTV", 12.0)
        .dose_gradient(50.0, Vec3::Z * 0.1)
}

fn written(cohort: &Cohort) -> Scratch {
    let folder = Scratch::new("defects");
    cohort.write(folder.path()).unwrap();
    folder
}

#[track_caller]
fn organized(input: &Path, more: &[&str]) -> Scratch {
    let out = Scratch::new("out");
    let said = organize(input, out.path(), more);
    assert_eq!(said.code, 0, "{}", said.text);
    out
}

fn records(out: &Path) -> Vec<CourseRecord> {
    manifest(out).courses.iter().map(|c| record(out, &c.path)).collect()
}

/// The only course of a generated cohort.
#[track_caller]
fn only(cohort: &Cohort) -> (Scratch, CourseRecord) {
    let input = written(cohort);
    let out = organized(input.path(), &[]);
    let mut all = records(out.path());
    assert_eq!(all.len(), 1);
    (out, all.remove(0))
}

fn uid_of(cohort: &Cohort, kind: Kind, index: usize) -> String {
    let objects = cohort.courses()[0].objects();
    let object = objects.iter().find(|o| o.kind == kind && o.index == index).unwrap();
    object.file.set.text_of(tag::SOP_INSTANCE_UID).unwrap().to_owned()
}

fn frame_of(cohort: &Cohort) -> String {
    let objects = cohort.courses()[0].objects();
    objects[0].file.set.text_of(tag::FRAME_OF_REFERENCE_UID).unwrap().to_owned()
}

#[test]
fn d02_the_depth_of_the_tree_decides_nothing() {
    let described = cohort().seed(1).course(small);
    let objects = described.courses()[0].objects();
    let mut seen = Vec::new();
    for depth in 0..5 {
        let folder = Scratch::new("depth");
        let below: String = ["a/", "b/", "c/", "d/"][..depth].concat();
        for (n, object) in objects.iter().enumerate() {
            folder.write(&format!("{below}{n:03}.dcm"), object.file.to_bytes());
        }
        let out = organized(folder.path(), &[]);
        let mut all = records(out.path());
        assert_eq!(all.len(), 1, "depth {depth}");
        let one = all.remove(0);
        seen.push((one.key, one.plans, one.doses, one.structure_sets, one.images, one.prescription));
    }
    assert!(seen.iter().all(|s| *s == seen[0]));
    assert_eq!((seen[0].1.len(), seen[0].2.len(), seen[0].3.len(), seen[0].4.len()), (1, 1, 1, 1));
}

#[cfg(unix)]
#[test]
fn d03_objects_that_courses_share_are_in_every_one() {
    use std::os::unix::fs::MetadataExt;
    // Two plans a week apart on one structure set, and a registration of its frame.
    let described = cohort().seed(2).course(|c| small(c).plan("SECOND", 20.0, 10));
    let input = written(&described);
    let reg = registration("RT0000", "2.25.31", "2.25.999", &frame_of(&described), IDENTITY);
    let patient = described.courses()[0].objects()[0]
        .file
        .set
        .text_of(tag::PATIENT_ID)
        .unwrap()
        .to_owned();
    input.write("reg", DicomFile::new(reg.text(tag::PATIENT_ID, &patient)).to_bytes());
    let out = organized(input.path(), &["--set", "organize.max_days=3"]);
    let courses = manifest(out.path()).courses;
    assert_eq!(courses.len(), 2);
    for course in &courses {
        for path in [
            "DICOM/RTSTRUCT/RS_01.dcm",
            "DICOM/REG/REG_01.dcm",
            "DICOM/RTPLAN/RP_01.dcm",
            "contours/rs_01.parquet",
        ] {
            let file = out.path().join(&course.path).join(path);
            assert!(file.exists(), "{} {path}", course.path);
        }
        let shared = out.path().join(&course.path).join("DICOM/RTSTRUCT/RS_01.dcm");
        // The input's name and one in each course.
        assert_eq!(std::fs::metadata(shared).unwrap().nlink(), 3);
    }
    let inventory = std::fs::read_to_string(out.join("_RESULTS/inventory.csv")).unwrap();
    let line = inventory.lines().find(|l| l.contains(",reg,")).unwrap();
    assert!(line.contains(';') && line.contains(",registration,"), "{line}");
}

#[test]
fn d06_every_patient_has_the_mode_of_its_own_objects() {
    let described = cohort()
        .seed(3)
        .course(|c| small(c).patient("P1"))
        .course(|c| c.patient("P2").ct([16, 16, 12]).sphere("PTV", 30.0))
        .course(|c| c.patient("P3").ct([16, 16, 12]));
    let out = organized(written(&described).path(), &[]);
    let has: Vec<(String, bool, bool, bool)> = manifest(out.path())
        .courses
        .iter()
        .map(|c| (c.patient_id.clone(), c.has.plan, c.has.structures, c.has.ct))
        .collect();
    assert_eq!(
        has,
        [
            ("P1".into(), true, true, true),
            ("P2".into(), false, true, true),
            ("P3".into(), false, false, true)
        ]
    );
}

#[test]
fn d10_a_course_that_loses_an_object_is_no_success() {
    // Three slices are missing: the series is refused.
    let described = cohort().seed(4).course(|c| {
        small(c).edit(|o| {
            if o.kind == Kind::Ct && (4..7).contains(&o.index) {
                vec![]
            } else {
                vec![o]
            }
        })
    });
    let out = Scratch::new("out");
    let said = organize(written(&described).path(), out.path(), &[]);
    assert_eq!(said.code, 3, "{}", said.text);
    assert!(said.text.contains("series.slice_gap") || said.text.contains("gap"), "{}", said.text);
    let one = records(out.path()).remove(0);
    assert!(one.warnings.iter().any(|w| w.code == "series.slice_gap"));
}

#[test]
fn d11_folders_that_nobody_organised_are_no_courses() {
    let input = written(&cohort().seed(5).course(small));
    let out = organized(input.path(), &[]);
    std::fs::create_dir_all(out.join("all_series/leftover/DICOM")).unwrap();
    assert_eq!(organize(input.path(), out.path(), &["--force"]).code, 0);
    let list = std::fs::read_to_string(out.join("_COHORT/courses.txt")).unwrap();
    assert_eq!(list.lines().count(), 1);
    assert!(!list.contains("leftover"));
}

#[test]
fn d12_a_new_patient_is_seen_and_the_others_are_left_alone() {
    let one = cohort().seed(6).course(|c| small(c).patient("OLD"));
    let input = written(&one);
    let out = organized(input.path(), &[]);
    let path = out.path().join(&manifest(out.path()).courses[0].path).join("course.json");
    let before = std::fs::metadata(&path).unwrap().modified().unwrap();
    cohort().seed(7).course(|c| small(c).patient("NEW")).write(input.path()).unwrap();
    assert_eq!(organize(input.path(), out.path(), &[]).code, 0);
    assert_eq!(manifest(out.path()).courses.len(), 2);
    assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), before);
}

#[test]
fn d13_a_corrected_structure_set_is_read_again() {
    let described = |name: &'static str| {
        cohort().seed(8).course(move |c| {
            let c = c.ct([16, 16, 12]).spacing([4.0, 4.0, 3.0]).sphere(name, 12.0);
            c.dose_gradient(50.0, Vec3::Z * 0.1)
        })
    };
    let input = written(&described("PTV"));
    let out = organized(input.path(), &[]);
    described("PTV_corrected").write(input.path()).unwrap();
    assert_eq!(organize(input.path(), out.path(), &[]).code, 0);
    let one = records(out.path()).remove(0);
    assert_eq!(one.structure_sets[0].rois[0].name, "PTV_corrected");
}

/// A cohort of one course, and a folder with more objects of its patient under names that say nothing.
fn with_records(beams: &[(&str, &str, &str, Option<i64>)]) -> (Scratch, Cohort) {
    let described = cohort().seed(9).course(|c| small(c).plan("BOOST", 20.0, 2));
    let input = written(&described);
    for (n, (plan, day, time, fraction)) in beams.iter().enumerate() {
        let plan = uid_of(&described, Kind::Plan, plan.parse().unwrap());
        let beam = Delivered {
            beam: 1,
            fraction: *fraction,
            specified: 100.0,
            delivered: 100.0,
            termination: "NORMAL",
        };
        let patient = described.courses()[0].objects()[0]
            .file
            .set
            .text_of(tag::PATIENT_ID)
            .unwrap()
            .to_owned();
        let set = beam_record(&patient, &format!("2.25.5{n}"), &plan, day, time, &[beam]);
        input.write(&format!("x/{n}"), DicomFile::new(set).to_bytes());
    }
    (input, described)
}

#[test]
fn d31_registrations_are_found_whatever_they_are_called() {
    let described = cohort().seed(10).course(small);
    let input = written(&described);
    let patient = described.courses()[0].objects()[0]
        .file
        .set
        .text_of(tag::PATIENT_ID)
        .unwrap()
        .to_owned();
    let reg = registration(&patient, "2.25.32", "2.25.777", &frame_of(&described), IDENTITY);
    input.write("no_extension", DicomFile::new(reg).to_bytes());
    let out = organized(input.path(), &[]);
    let one = records(out.path()).remove(0);
    assert_eq!((one.registrations.len(), one.registrations[0].kind.as_str()), (1, "RIGID"));
    assert_eq!(one.registrations[0].from, "2.25.777");
}

#[test]
fn d32_treatment_records_are_found_whatever_they_are_called() {
    let (input, _) = with_records(&[("0", "20240110", "1000", Some(1)), ("0", "20240111", "1000", Some(2))]);
    let out = organized(input.path(), &[]);
    let rows = records(out.path()).remove(0).fractions;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1]["treatment_date"], "2024-01-11");
    assert_eq!(
        (rows[1]["beam_meterset"].as_f64(), rows[1]["fraction_number"].as_i64()),
        (Some(100.0), Some(2))
    );
    assert_eq!(rows[1]["treatment_machine"], "LINAC1");
}

#[test]
fn d33_a_file_that_changed_is_not_taken_from_the_cache() {
    let described = cohort().seed(11).course(small);
    let input = written(&described);
    let out = organized(input.path(), &[]);
    let plan = files(input.path(), |b| holds(b, "RTPLAN"));
    let bytes = std::fs::read(&plan[0]).unwrap();
    let at = bytes.windows(4).position(|w| w == b"Plan").unwrap();
    let mut changed = bytes.clone();
    changed[at..at + 4].copy_from_slice(b"NewP");
    std::fs::write(&plan[0], changed).unwrap();
    assert_eq!(organize(input.path(), out.path(), &[]).code, 0);
    assert_eq!(records(out.path()).remove(0).plans[0].label, "NewP");
}

#[test]
fn d37_a_patient_id_is_no_path() {
    let ids = ["../esc", "a/b", "", "    ", "Żółw", "_RESULTS", "Data", ".hidden", "CON"];
    let mut described = cohort().seed(12);
    for (n, id) in ids.into_iter().enumerate() {
        described = described.course(|c| {
            small(c).patient(&format!("F{n}")).edit(move |mut o: Object| {
                o.file.set = std::mem::take(&mut o.file.set).text(tag::PATIENT_ID, id);
                vec![o]
            })
        });
    }
    let place = Scratch::new("place");
    let input = written(&described);
    let out: PathBuf = place.join("deep/out");
    std::fs::create_dir_all(&out).unwrap();
    let said = organize(input.path(), &out, &[]);
    assert_eq!(said.code, 0, "{}", said.text);
    let courses = manifest(&out).courses;
    assert_eq!(courses.len(), ids.len());
    let folders: BTreeSet<String> = courses.iter().map(|c| c.path.to_lowercase()).collect();
    assert_eq!(folders.len(), ids.len(), "unique, also where case does not count");
    for course in &courses {
        assert!(out.join(&course.path).join("course.json").exists(), "{}", course.path);
        let patient = course.path.split('/').next().unwrap();
        assert!(!patient.starts_with('.') && !patient.contains(".."), "{patient}");
        assert!(!["_RESULTS", "_COHORT", "_LOGS", "CON"].contains(&patient), "{patient}");
    }
    let outside: Vec<_> = std::fs::read_dir(place.join("deep"))
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(outside, ["out"], "nothing outside the output folder");
}

#[test]
fn d38_an_earlier_course_renames_nobody() {
    let later = cohort().seed(13).course(|c| small(c).patient("P").day(20));
    let input = written(&later);
    let out = organized(input.path(), &[]);
    let old = manifest(out.path()).courses.remove(0);
    cohort()
        .seed(14)
        .course(|c| small(c).patient("P").label("C2").day(2))
        .write(input.path())
        .unwrap();
    assert_eq!(organize(input.path(), out.path(), &[]).code, 0);
    let courses = manifest(out.path()).courses;
    assert_eq!(courses.len(), 2);
    let kept = courses.iter().find(|c| c.path == old.path).unwrap();
    assert_eq!((&kept.key, &kept.fingerprint), (&old.key, &old.fingerprint));
    assert!(courses.iter().any(|c| c.key != old.key && c.status == CourseStatus::Active));
}

/// Primary, its replan, and a boost.
fn three_plans() -> Cohort {
    let dose = |gy| rt_testdata::Field::Gradient {
        at: Vec3::ZERO,
        gy,
        per_mm: Vec3::ZERO,
    };
    cohort().seed(15).course(move |c| {
        let c = c.ct([16, 16, 12]).spacing([4.0, 4.0, 3.0]).sphere("PTV", 12.0);
        c.treat("PELVIS", 50.0, 25, dose(50.0))
            .treat("PELVIS_REPLAN", 50.0, 25, dose(49.0))
            .treat("BOOST", 20.0, 10, dose(20.0))
    })
}

#[test]
fn d40_a_replan_takes_no_boost_with_it() {
    let (_, one) = only(&three_plans());
    let decision = one.dose.unwrap();
    assert_eq!(decision.classification, "primary_boost_summed");
    assert_eq!(decision.components.len(), 2);
    assert!((one.prescription.total_gy.unwrap() - 70.0).abs() < 1e-9);
    let roles: BTreeSet<(String, String)> = one.plans.iter().map(|p| (p.label.clone(), p.role.clone())).collect();
    let expected = [("BOOST", "boost"), ("PELVIS", "primary"), ("PELVIS_REPLAN", "replan")];
    assert_eq!(roles, expected.map(|(a, b)| (a.to_owned(), b.to_owned())).into());
}

#[test]
fn d41_the_choice_of_dose_is_stored_with_its_reason() {
    let (_, one) = only(&three_plans());
    let decision = one.dose.as_ref().unwrap();
    assert!(
        decision.reason.contains("boost") && decision.reason.contains("replan"),
        "{}",
        decision.reason
    );
    let why: Vec<&str> = one.doses.iter().map(|d| d.why.as_str()).collect();
    assert_eq!(why.iter().filter(|w| **w == "selected").count(), 2);
    assert!(why.contains(&"replan"), "{why:?}");
}

#[test]
fn d46_the_record_names_the_evaluated_dose_and_plan() {
    let described = three_plans();
    let (out, one) = only(&described);
    let decision = one.dose.unwrap();
    let uids: BTreeSet<String> = decision.source_doses.iter().cloned().collect();
    let expected = [uid_of(&described, Kind::Dose, 0), uid_of(&described, Kind::Dose, 2)];
    assert_eq!(uids, expected.into());
    // The volume that later stages read is the sum: 50 + 20 Gy everywhere.
    let place = out.path().join(&manifest(out.path()).courses[0].path);
    let sum = rt_nifti::read::<f32>(&place.join(&decision.nifti)).unwrap();
    let worst = sum.data().iter().map(|v| (f64::from(*v) - 70.0).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-3, "{worst}");
}

#[test]
fn d47_no_absolute_path_stands_in_the_output() {
    let input = written(&cohort().seed(16).course(small));
    let out = organized(input.path(), &[]);
    let roots = [input.path(), out.path()].map(|p| p.to_string_lossy().into_owned());
    for (path, bytes) in out.tree() {
        let listed = path.ends_with("course.json") || path.ends_with("manifest.json") || path.ends_with("inventory.csv");
        if listed {
            let text = String::from_utf8_lossy(&bytes);
            assert!(roots.iter().all(|r| !text.contains(r.as_str())), "{path}");
        }
    }
}

#[test]
fn d48_fractions_are_counted_for_each_plan() {
    let days = ["20240110", "20240111"];
    let beams: Vec<(&str, &str, &str, Option<i64>)> = ["0", "1"]
        .iter()
        .flat_map(|p| (0..2).map(move |n| (*p, days[n], if *p == "0" { "0800" } else { "0900" }, i64::try_from(n + 1).ok())))
        .collect();
    let (input, _) = with_records(&beams);
    let out = organized(input.path(), &[]);
    let one = records(out.path()).remove(0);
    assert_eq!(one.fractions.len(), 4, "fractions 1 and 2 of two plans are four");
    assert_eq!(one.case["fractions_count"], 4);
    assert_eq!(one.case["course_end_date"], "2024-01-11");
}

#[test]
fn d49_fields_that_were_always_empty_are_filled() {
    let (_, one) = only(&cohort().seed(17).course(small));
    for key in ["plan_intent", "treatment_machine", "beam_energies", "beams_count", "total_meterset"] {
        assert!(one.case.contains_key(key), "{key} is missing");
    }
    assert_eq!(one.case["treatment_machine"], "LINAC1");
    assert_eq!(one.case["total_meterset"], 400.0);
}

#[test]
fn d55_one_odd_element_does_not_lose_the_case() {
    let odd = cohort().seed(18).course(|c| {
        small(c).edit(|mut o| {
            if o.kind == Kind::Plan {
                o.file.set = std::mem::take(&mut o.file.set).text(tag::PATIENT_WEIGHT, "heavy").in_order();
            }
            vec![o]
        })
    });
    let (_, one) = only(&odd);
    assert!(!one.case.contains_key("patient_weight_kg"));
    assert_eq!(one.case["plan_name"], "Plan");
}

#[test]
fn d74_names_and_birth_dates_stay_in_their_files() {
    let named = cohort().seed(19).course(|c| {
        small(c).edit(|mut o| {
            let set = std::mem::take(&mut o.file.set);
            o.file.set = set.text(tag::PATIENT_NAME, "ZZPHI^NAME").text(tag::PATIENT_BIRTH_DATE, "19500102");
            vec![o]
        })
    });
    let (out, _) = only(&named);
    for (path, bytes) in out.tree() {
        if !path.contains("/DICOM/") {
            assert!(
                !holds(&bytes, "ZZPHI") && !holds(&bytes, "19500102") && !holds(&bytes, "1950-01-02"),
                "{path}"
            );
        }
    }
}

#[test]
fn d76_a_missing_slice_moves_nothing() {
    let full = cohort()
        .seed(20)
        .course(|c| c.ct([16, 16, 12]).spacing([4.0, 4.0, 3.0]).sphere("PTV", 12.0));
    let gap = cohort().seed(20).course(|c| {
        let c = c.ct([16, 16, 12]).spacing([4.0, 4.0, 3.0]).sphere("PTV", 12.0);
        c.edit(|o| if o.kind == Kind::Ct && o.index == 4 { vec![] } else { vec![o] })
    });
    let volume = |cohort: &Cohort| {
        let (out, one) = only(cohort);
        let place = out.path().join(&manifest(out.path()).courses[0].path);
        (rt_nifti::read::<f32>(&place.join(&one.images[0].nifti)).unwrap(), one)
    };
    let (whole, _) = volume(&full);
    let (resampled, one) = volume(&gap);
    assert!(one.warnings.iter().any(|w| w.code == "series.uneven_spacing"));
    assert_eq!(whole.grid().size(), resampled.grid().size());
    assert!((whole.grid().origin() - resampled.grid().origin()).length() < 1e-4);
    // Above the gap every slice is what it was.
    for k in [0, 1, 2, 3, 5, 6, 11] {
        let (a, b) = (
            whole.data().index_axis(ndarray::Axis(0), k),
            resampled.data().index_axis(ndarray::Axis(0), k),
        );
        assert!(a.iter().zip(b).all(|(x, y)| (x - y).abs() < 0.51), "slice {k}");
    }
}

#[test]
fn a10_centigray_is_converted_and_relative_dose_is_never_gray() {
    let dose = |units: &'static str| {
        cohort().seed(21).course(move |c| {
            small(c).edit(move |mut o| {
                if o.kind == Kind::Dose {
                    o.file.set = std::mem::take(&mut o.file.set).text(tag::DOSE_UNITS, units);
                }
                vec![o]
            })
        })
    };
    let (_, gray) = only(&dose("GY"));
    let (_, centi) = only(&dose("CGY"));
    let max = |r: &CourseRecord| r.doses[0].max_gy.unwrap();
    assert!((max(&gray) - 100.0 * max(&centi)).abs() < 1e-3);
    assert!(centi.warnings.iter().any(|w| w.code == "dose.cgy"));
    let (_, relative) = only(&dose("RELATIVE"));
    assert_eq!(
        (relative.doses[0].max_gy, relative.dose.unwrap().units.as_str()),
        (None, "RELATIVE")
    );
}

#[test]
fn a40_a_course_that_left_the_input_leaves_the_list() {
    let input = written(
        &cohort()
            .seed(22)
            .course(|c| small(c).patient("STAYS"))
            .course(|c| small(c).patient("GOES")),
    );
    let out = organized(input.path(), &[]);
    std::fs::remove_dir_all(input.join("GOES")).unwrap();
    assert_eq!(organize(input.path(), out.path(), &[]).code, 0);
    let list = std::fs::read_to_string(out.join("_COHORT/courses.txt")).unwrap();
    assert!(list.contains("STAYS") && !list.contains("GOES"), "{list}");
    // The last one too, as long as the input is one: a folder without DICOM may be a disk that is not there.
    let plan = files(input.path(), |b| holds(b, "RTPLAN")).remove(0);
    let bytes = std::fs::read(&plan).unwrap();
    std::fs::remove_dir_all(input.join("STAYS")).unwrap();
    let said = organize(input.path(), out.path(), &[]);
    assert_eq!(said.code, 1, "{}", said.text);
    assert!(manifest(out.path()).courses.iter().any(|c| c.status == CourseStatus::Active));
    input.write("plan_alone", bytes);
    let said = organize(input.path(), out.path(), &[]);
    assert_eq!(said.code, 0, "{}", said.text);
    assert!(manifest(out.path()).courses.iter().all(|c| c.status == CourseStatus::Withdrawn));
    assert_eq!(std::fs::read_to_string(out.join("_COHORT/courses.txt")).unwrap(), "");
}

#[test]
fn a38_identifiers_stay_text() {
    let described = cohort()
        .seed(23)
        .course(|c| small(c).patient("00123"))
        .course(|c| small(c).patient("1e5"))
        .course(|c| small(c).patient("NA"));
    let out = organized(written(&described).path(), &[]);
    let ids: Vec<String> = manifest(out.path()).courses.iter().map(|c| c.patient_id.clone()).collect();
    assert_eq!(ids, ["00123", "1e5", "NA"]);
}

#[test]
fn d70_names_that_differ_by_case_only_stay_two() {
    let described = cohort().seed(24).course(|c| {
        let c = c.ct([16, 16, 12]).spacing([4.0, 4.0, 3.0]).sphere("PTV", 12.0).sphere("ptv", 9.0);
        c.edit(|mut o| {
            if o.kind == Kind::Structures {
                let mut set = std::mem::take(&mut o.file.set).text(tag::SPECIFIC_CHARACTER_SET, "ISO_IR 100");
                // "Gänge" in Latin-1.
                let name = Value::Bytes(b"G\xe4nge".to_vec());
                set.items_mut(tag::STRUCTURE_SET_ROI_SEQUENCE)[1].set(tag::ROI_NAME, *b"LO", name);
                o.file.set = set;
            }
            vec![o]
        })
    });
    let (_, one) = only(&described);
    let names: Vec<(i32, &str)> = one.structure_sets[0].rois.iter().map(|r| (r.number, r.name.as_str())).collect();
    assert_eq!(names, [(1, "PTV"), (2, "Gänge")]);
}
