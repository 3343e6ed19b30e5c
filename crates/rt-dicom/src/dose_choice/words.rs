//! Words in plan labels that mean a replan or a boost, matched as whole words.

/// Words of a replan, and pairs of words.
const REPLAN: &[&str] = &[
    "replan",
    "replanning",
    "re plan",
    "adapt",
    "adaptive",
    "adapted",
    "revision",
    "rev",
    "v2",
    "v3",
    "v4",
    "v5",
    "copy",
    "fx change",
    "new ct",
    "newct",
    "resim",
    "modified",
    "adjusted",
    "corrected",
];

/// Words of a boost, and pairs of words. `sib` is none: an integrated boost is one plan.
const BOOST: &[&str] = &[
    "boost",
    "bst",
    "cone",
    "conedown",
    "cone down",
    "cd",
    "phase 2",
    "phase2",
    "ph2",
    "reduced",
    "sequential",
];

/// Whether the text holds a word of a replan.
pub(super) fn says_replan(text: &str) -> bool {
    holds(text, REPLAN)
}

/// Whether the text holds a word of a boost.
pub(super) fn says_boost(text: &str) -> bool {
    holds(text, BOOST)
}

/// Splits at everything that is no letter or digit and compares whole words, so that `PREV` holds no `rev` and `LIV2` no `v2`.
fn holds(text: &str, phrases: &[&str]) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    phrases.iter().any(|phrase| {
        let parts: Vec<&str> = phrase.split(' ').collect();
        words.windows(parts.len()).any(|w| w == parts)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_count_only_as_whole_words() {
        assert!(says_replan("PELVIS_REPLAN") && says_replan("Thorax New CT") && says_replan("H&N rev"));
        assert!(!says_replan("PREV_NODES") && !says_replan("LIV2_MAIN"));
        assert!(says_boost("PROST_BOOST") && says_boost("LIV2_CONE") && says_boost("Prostate phase 2"));
        assert!(!says_boost("NODES_ACDC") && !says_boost("HN_SIB"));
    }
}
