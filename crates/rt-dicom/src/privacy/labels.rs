//! Names of regions and other labels: what a person typed, and may therefore name somebody.

use std::collections::BTreeSet;

use super::table::WORDS;

/// What becomes of the names of regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RoiNames {
    /// A standard name where one is known, else `ROI_<number>`.
    #[default]
    Map,
    /// Words of anatomy, targets, sides and numbers below 1000 stay, others go.
    Clean,
    /// All go: `ROI_<number>`.
    Drop,
    /// All stay; only for sets that a person has read.
    Keep,
}

/// Words that must not stay because they are part of who the patient is, lower case.
#[derive(Debug, Clone, Default)]
pub(super) struct Forbidden(pub(super) BTreeSet<String>);

impl Forbidden {
    /// The words of identifying values.
    pub(super) fn of<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let words = values.into_iter().flat_map(words).map(str::to_lowercase);
        Self(words.filter(|w| w.chars().count() > 1).collect())
    }
}

/// Runs of letters and runs of digits; a capital after a small letter begins a new run.
fn words(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start: Option<usize> = None;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let breaks = !c.is_alphanumeric() || before.is_alphabetic() != c.is_alphabetic() || (before.is_lowercase() && c.is_uppercase());
        if let Some(from) = start.filter(|_| breaks) {
            out.extend(text.get(from..at));
            start = None;
        }
        if c.is_alphanumeric() && start.is_none() {
            start = Some(at);
        }
        before = c;
    }
    out.extend(start.and_then(|from| text.get(from..)));
    out
}

/// A label with only the words that may stay, joined by `_`; empty when none may.
pub(super) fn cleaned(text: &str, forbidden: &Forbidden) -> String {
    let stays = |word: &&str| {
        let lower = word.to_lowercase();
        let number = lower.bytes().all(|b| b.is_ascii_digit()) && lower.len() <= 3;
        // Single letters are sides and grades (L, R, a, b).
        let letter = lower.len() == 1 && lower.bytes().all(|b| b.is_ascii_alphabetic());
        !forbidden.0.contains(&lower) && (number || letter || WORDS.contains(lower.as_str()))
    };
    let kept: Vec<&str> = words(text).into_iter().filter(stays).collect();
    // Letters and numbers alone say nothing and may be initials and days.
    let any_word = kept.iter().any(|w| w.len() > 1 && w.bytes().any(|b| b.is_ascii_alphabetic()));
    if any_word { kept.join("_") } else { String::new() }
}

/// The name of a region by the policy; never empty.
pub(super) fn roi_name(
    text: &str,
    number: &str,
    policy: RoiNames,
    canonical: &(dyn Fn(&str) -> Option<String> + Sync),
    forbidden: &Forbidden,
) -> String {
    let numbered = || format!("ROI_{}", if number.is_empty() { "0" } else { number });
    match policy {
        RoiNames::Keep => text.to_owned(),
        RoiNames::Drop => numbered(),
        RoiNames::Map => canonical(text).unwrap_or_else(numbered),
        RoiNames::Clean => Some(cleaned(text, forbidden)).filter(|t| !t.is_empty()).unwrap_or_else(numbered),
    }
}

/// A name that is not among those taken, with `_2`, `_3`, ... where it would be.
pub(super) fn distinct(name: String, taken: &mut BTreeSet<String>) -> String {
    let mut candidate = name.clone();
    for n in 2_u32.. {
        if taken.insert(candidate.to_lowercase()) {
            break;
        }
        candidate = format!("{name}_{n}");
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_anatomy_and_lose_persons() {
        let forbidden = Forbidden::of(["Lung^Anna", "19500102"]);
        let clean = |text: &str| cleaned(text, &Forbidden::default());
        assert_eq!(clean("PTV60 Meier left"), "PTV_60_left");
        assert_eq!(clean("LungLeft"), "Lung_Left");
        assert_eq!(clean("Dr. Huber 20240105"), "");
        assert_eq!(clean("A B 12"), "", "initials and a day");
        assert_eq!(cleaned("lung heart anna", &forbidden), "heart");
    }

    #[test]
    fn names_of_regions_follow_the_policy_and_stay_distinct() {
        let known = |text: &str| (text == "lung li").then(|| "Lung_L".to_owned());
        let name = |text, policy| roi_name(text, "7", policy, &known, &Forbidden::default());
        assert_eq!(name("lung li", RoiNames::Map), "Lung_L");
        assert_eq!(name("Huber", RoiNames::Map), "ROI_7");
        assert_eq!(name("PTV Huber", RoiNames::Clean), "PTV");
        assert_eq!(name("PTV", RoiNames::Drop), "ROI_7");
        assert_eq!(name("Huber", RoiNames::Keep), "Huber");
        let mut taken = BTreeSet::new();
        let got = ["PTV", "ptv", "PTV"].map(|n| distinct(n.to_owned(), &mut taken));
        assert_eq!(got, ["PTV", "ptv_2", "PTV_3"]);
    }
}
