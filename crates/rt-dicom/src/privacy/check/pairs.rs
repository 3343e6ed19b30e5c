//! Objects of the output beside those they were made from: the same numbers, one UID for one, dates moved together.

use std::collections::{BTreeMap, HashMap};

use dicom::core::VR;
use dicom::dictionary_std::tags;

use super::CheckFinding;
use super::objects::{Original, Released, things};
use crate::object::{DataSet, Value};
use crate::privacy::table::row;
use crate::value::Date;

/// Collects what pairs say together.
#[derive(Default)]
struct Together {
    findings: Vec<CheckFinding>,
    /// Old UID to new, and back.
    new_of: HashMap<String, String>,
    old_of: HashMap<String, String>,
    /// Days that the dates of a patient moved.
    days: BTreeMap<String, i64>,
}

impl Together {
    fn tell(&mut self, code: &'static str, file: &str, element: String, detail: &str) {
        self.findings.push(CheckFinding {
            code,
            file: file.to_owned(),
            element,
            detail: detail.to_owned(),
        });
    }
}

/// Number of pairs that are certain, and what is wrong with them.
pub(super) fn paired(originals: &[Original], released: &[Released]) -> (usize, Vec<CheckFinding>) {
    let mut by_print: HashMap<[u8; 32], (Vec<&Original>, Vec<&Released>)> = HashMap::new();
    for original in originals {
        by_print.entry(original.fingerprint).or_default().0.push(original);
    }
    let mut together = Together::default();
    for object in released {
        by_print.entry(object.fingerprint).or_default().1.push(object);
    }
    let mut pairs = 0;
    // In the order of the output, so that the first of two that disagree is the same in every run.
    for object in released {
        let Some((old, new)) = by_print.get(&object.fingerprint) else {
            continue;
        };
        match (old.as_slice(), new.len()) {
            ([], _) => together.tell(
                "check.changed",
                &object.file,
                String::new(),
                "pixels, geometry, dose or contours are those of no object of the input",
            ),
            ([original], 1) => {
                pairs += 1;
                let patient = original.set.code(tags::PATIENT_ID);
                compare(&original.set, &object.set, &patient, &object.file, &mut together);
            }
            (several, n) if several.len() < n => together.tell(
                "check.added",
                &object.file,
                String::new(),
                "more objects with these numbers than the input has",
            ),
            _ => {}
        }
    }
    (pairs, together.findings)
}

fn compare(old: &DataSet, new: &DataSet, patient: &str, file: &str, together: &mut Together) {
    for (tag, vr, value) in new.iter() {
        let Some(before) = old.get(tag) else { continue };
        let element = || format!("({:04X},{:04X})", tag.group(), tag.element());
        match (before, value) {
            (Value::Items(a), Value::Items(b)) if a.len() == b.len() => {
                for (a, b) in a.iter().zip(b) {
                    compare(a, b, patient, file, together);
                }
            }
            (Value::Items(_), Value::Items(b)) if !b.is_empty() => {
                together.tell("check.items", file, element(), "another number of items than in the input");
            }
            (Value::Bytes(a), Value::Bytes(b)) if vr == VR::UI => {
                for (a, b) in things(a).into_iter().zip(things(b)) {
                    let forward = together.new_of.entry(a.clone()).or_insert_with(|| b.clone()) == &b;
                    let backward = together.old_of.entry(b).or_insert_with(|| a.clone()) == &a;
                    if !forward || !backward {
                        together.tell(
                            "check.references",
                            file,
                            element(),
                            "one UID became two, or two became one: references are broken",
                        );
                    }
                }
            }
            (Value::Bytes(a), Value::Bytes(b)) if vr == VR::DA && row(tag).is_none_or(|r| r.basic != "Z" || !b.is_empty()) => {
                let day = |bytes: &[u8]| Date::parse(&String::from_utf8_lossy(bytes));
                let (Some(a), Some(b)) = (day(a), day(b)) else { continue };
                let moved = b.days_since(a);
                let dummy = b.iso() == "1900-01-01";
                let first = *together.days.entry(patient.to_owned()).or_insert(moved);
                if !dummy && (moved != first || moved % 7 != 0 || moved >= 0) {
                    together.tell(
                        "check.dates",
                        file,
                        element(),
                        "a date that did not move with the others by whole weeks",
                    );
                }
            }
            _ => {}
        }
    }
}
