//! Folder names of courses: kept for ever once given, so that a patient who comes later renames nobody.

use std::collections::{BTreeMap, HashMap, HashSet};

use rt_course::folder_names;
use rt_course::manifest::Manifest;

/// What a name is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Naming<'a> {
    /// `PatientID`.
    pub(crate) patient_id: &'a str,
    /// What holds the course together.
    pub(crate) key: &'a str,
    /// First date, `YYYY-MM-DD`.
    pub(crate) start: Option<&'a str>,
}

/// Identity of a course that was organised before: patient and key.
pub(crate) type Known = HashMap<(String, String), (String, String)>;

/// `(patient folder, course folder)` for each course, in the order given; `known` holds the folders of earlier runs by identity.
///
/// The course folder is `YYYY-MM` of its first date (`0000-00` without one), with the start of a digest of its key behind it when the
/// patient has that month already.
pub(crate) fn assign(courses: &[Naming<'_>], known: &Known, old: Option<&Manifest>) -> Vec<(String, String)> {
    let patients: HashSet<&str> = courses.iter().map(|c| c.patient_id).collect();
    let fresh: BTreeMap<&str, String> = folder_names(patients.iter().copied());
    let earlier = old.into_iter().flat_map(|m| &m.courses).filter_map(|c| {
        let (folder, _) = c.path.split_once('/')?;
        Some((c.patient_id.as_str(), folder))
    });
    let earlier: HashMap<&str, &str> = earlier.collect();
    let mut taken: HashSet<(String, String)> = known.values().cloned().collect();
    let mut names = Vec::with_capacity(courses.len());
    for course in courses {
        let identity = (course.patient_id.to_owned(), course.key.to_owned());
        if let Some(name) = known.get(&identity) {
            names.push(name.clone());
            continue;
        }
        let patient = earlier
            .get(course.patient_id)
            .map(|f| (*f).to_owned())
            .or_else(|| fresh.get(course.patient_id).cloned())
            .unwrap_or_default();
        let month = course.start.and_then(|d| d.get(..7)).unwrap_or("0000-00");
        let mut name = (patient.clone(), month.to_owned());
        if taken.contains(&name) {
            let digest = blake3::hash(course.key.as_bytes()).to_hex();
            name = (6..=digest.len())
                .map(|n| (patient.clone(), format!("{month}_{}", &digest[..n])))
                .find(|n| !taken.contains(n))
                .unwrap_or(name);
        }
        taken.insert(name.clone());
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming<'a>(patient_id: &'a str, key: &'a str, start: Option<&'a str>) -> Naming<'a> {
        Naming { patient_id, key, start }
    }

    #[test]
    fn the_month_names_the_course_and_a_second_one_gets_a_digest() {
        let courses = [
            naming("P1", "plan:1", Some("2024-01-05")),
            naming("P1", "plan:2", Some("2024-01-20")),
            naming("P2", "frame:3", None),
        ];
        let names = assign(&courses, &Known::new(), None);
        assert_eq!(names[0], ("P1".to_owned(), "2024-01".to_owned()));
        assert!(names[1].1.starts_with("2024-01_") && names[1].1.len() == 14, "{names:?}");
        assert_eq!(names[2].1, "0000-00");
    }

    #[test]
    fn a_known_course_keeps_its_folder_when_an_earlier_one_appears() {
        let known = Known::from([(("P1".into(), "plan:2".into()), ("P1".into(), "2024-01".into()))]);
        let courses = [
            naming("P1", "plan:1", Some("2024-01-05")),
            naming("P1", "plan:2", Some("2024-01-20")),
        ];
        let names = assign(&courses, &known, None);
        assert_eq!(names[1].1, "2024-01");
        assert!(names[0].1.starts_with("2024-01_"));
    }
}
