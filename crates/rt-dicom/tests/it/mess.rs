//! Every broken file and broken course of the generator ends as the generator says (`spec/reliability.md` 3.2 to 3.5).

use std::collections::BTreeSet;

use rt_core::Silent;
use rt_dicom::{LinkRules, MetaCache, ScanOptions, SeriesOptions, link, read_dose, read_plan, read_series, read_structures, scan};
use rt_testdata::Scratch;
use rt_testdata::mess::{self, BrokenCourse, BrokenFile, CourseFate};

fn scanned(folder: &Scratch) -> rt_dicom::Index {
    let roots = [folder.path().to_path_buf()];
    scan(&roots, &mut MetaCache::default(), &ScanOptions::default(), &Silent).unwrap()
}

/// What is wrong with the verdict on a file; `None` when nothing is.
fn complaint(broken: &BrokenFile) -> Option<String> {
    let folder = Scratch::new("mess");
    folder.write(broken.case, &broken.bytes);
    let verdict = scanned(&folder).files.remove(0).verdict;
    let code = broken.code.split('|').any(|c| verdict.codes.iter().any(|v| v == c));
    let class = broken.class.split('|').any(|c| c == verdict.class.name());
    let right = code && class && verdict.usage.name() == broken.fate.name();
    (!right).then(|| {
        let expected = format!("{} {} {}", broken.class, broken.code, broken.fate.name());
        format!(
            "{} ({}): {} {} instead of {expected}",
            broken.case,
            broken.fault,
            verdict.class.name(),
            verdict.reason()
        )
    })
}

#[test]
fn every_broken_file_ends_in_its_class_with_its_code() {
    let wrong: Vec<String> = mess::files().iter().filter_map(complaint).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Codes of all findings of a course, and codes of objects that could not be read.
struct Told {
    findings: BTreeSet<String>,
    failures: BTreeSet<String>,
    courses: usize,
}

fn told(broken: &BrokenCourse) -> Told {
    let folder = Scratch::new("mess-course");
    broken.cohort.write(folder.path()).unwrap();
    let index = scanned(&folder);
    let sound = ["ok", "not_dicom", "sop.duplicate"];
    let files = index.files.iter().flat_map(|f| f.verdict.codes.iter().map(ToString::to_string));
    let mut told = Told {
        findings: files.filter(|c| !sound.contains(&c.as_str())).collect(),
        failures: BTreeSet::new(),
        courses: 0,
    };
    let linkage = link(&index, &LinkRules::default());
    told.courses = linkage.courses.len();
    for course in &linkage.courses {
        told.findings.extend(course.notices.iter().map(|n| n.code.to_owned()));
        for image in &course.images {
            match read_series(&image.series, &SeriesOptions::default()) {
                Ok(series) => told.findings.extend(series.notices.iter().map(|n| n.code.to_owned())),
                Err(error) => drop(told.failures.insert(error.code().to_owned())),
            }
        }
        for dose in &course.doses {
            match read_dose(&dose.file.path) {
                Ok(dose) => told.findings.extend(dose.notices.iter().map(|n| n.code.to_owned())),
                Err(error) => drop(told.failures.insert(error.code().to_owned())),
            }
        }
        for set in &course.structures {
            match read_structures(&set.object.file.path) {
                Ok(set) => told.findings.extend(set.notices.iter().map(|n| n.code.to_owned())),
                Err(error) => drop(told.failures.insert(error.code().to_owned())),
            }
        }
        for plan in &course.plans {
            match read_plan(&plan.file.path) {
                Ok(plan) => told.findings.extend(plan.notices.iter().map(|n| n.code.to_owned())),
                Err(error) => drop(told.failures.insert(error.code().to_owned())),
            }
        }
    }
    told
}

fn course_complaint(broken: &BrokenCourse) -> Option<String> {
    let told = told(broken);
    let any = |codes: &str, set: &BTreeSet<String>| codes.split('|').any(|c| set.contains(c));
    let right = told.courses >= 1
        && match broken.fate {
            CourseFate::Silent => told.findings.is_empty() && told.failures.is_empty(),
            CourseFate::Told(code) => any(code, &told.findings) && told.failures.is_empty(),
            CourseFate::ObjectFails(code) => any(code, &told.failures),
        };
    (!right).then(|| {
        format!(
            "{} ({}): {} courses, findings {:?}, failures {:?}, expected {:?}",
            broken.case, broken.fault, told.courses, told.findings, told.failures, broken.fate
        )
    })
}

#[test]
fn every_broken_course_is_judged_as_its_fault_asks() {
    // A dose in another frame of reference is linked, and judged by `dose_choice`, which has its own tests.
    let mut wrong: Vec<String> = mess::courses()
        .iter()
        .filter(|c| c.case != "dose_of_another_frame")
        .filter_map(course_complaint)
        .collect();
    wrong.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
