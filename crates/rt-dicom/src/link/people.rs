//! Patients who share an identifier, and one patient under two: told, never merged.

use std::collections::{BTreeMap, BTreeSet};

use crate::entry::Object;
use crate::notice::Notice;
use crate::scan::ScannedFile;

/// Findings with the patients that they concern, in a fixed order.
pub(super) fn told(by_patient: &BTreeMap<String, Vec<&ScannedFile>>) -> Vec<(BTreeSet<String>, Notice)> {
    let mut out = Vec::new();
    let mut by_person: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    let mut by_spelling: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (id, files) in by_patient {
        let objects: Vec<&Object> = files.iter().filter_map(|f| f.entry.object()).collect();
        let distinct = |part: fn(&Object) -> u64| objects.iter().map(|o| part(o)).filter(|h| *h != 0).collect::<BTreeSet<u64>>().len();
        let (names, births) = (distinct(|o| o.person.name), distinct(|o| o.person.birth));
        if names > 1 || births > 1 {
            let text = format!(
                "the files of patient {id} name {names} persons and {births} birth dates: perhaps two patients share the identifier; nothing was separated"
            );
            out.push((BTreeSet::from([id.clone()]), Notice::new("patient.shared_id", text)));
        }
        for person in objects.iter().map(|o| o.person.name_and_birth).filter(|h| *h != 0) {
            by_person.entry(person).or_default().insert(id.clone());
        }
        by_spelling.entry(plain(id)).or_default().insert(id.clone());
    }
    let listed = |ids: &BTreeSet<String>| ids.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let mut seen: BTreeSet<BTreeSet<String>> = BTreeSet::new();
    for ids in by_person.into_values().filter(|ids| ids.len() > 1) {
        if seen.insert(ids.clone()) {
            let text = format!(
                "patients {} have the same name and birth date: perhaps one person; nothing was merged",
                listed(&ids)
            );
            out.push((ids, Notice::new("patient.two_ids", text)));
        }
    }
    for (spelling, ids) in by_spelling {
        if ids.len() > 1 && !spelling.is_empty() && seen.insert(ids.clone()) {
            let text = format!(
                "patient identifiers {} differ in spelling only: perhaps one person; nothing was merged",
                listed(&ids)
            );
            out.push((ids, Notice::new("patient.similar_id", text)));
        }
    }
    out
}

/// An identifier as a person would compare it: letters and digits, upper case, without leading zeros.
fn plain(id: &str) -> String {
    let kept: String = id.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
    let short = kept.trim_start_matches('0');
    if short.is_empty() { kept } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_identifier_are_one() {
        assert_eq!(plain("00123"), plain("123 "));
        assert_eq!(plain("ab-12"), plain("AB12"));
        assert_ne!(plain("12"), plain("120"));
        assert_eq!(plain("000"), "000");
    }
}
