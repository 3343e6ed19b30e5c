//! DICOM text to folder names: the only place where text from a file becomes part of a path.
//!
//! Rule (`spec/reliability.md` section 4): bytes outside `[A-Za-z0-9._-]` become `_`, no leading dot or hyphen, no trailing dot, no
//! device name of Windows, none of our own folders, at most [`MAX_BYTES`] bytes; a text that this changed gets `-` and eight hex digits of
//! its own hash, so that different texts never share a folder (composed and decomposed letters stay apart for the same reason).

use std::collections::{BTreeMap, BTreeSet};

/// Longest folder name, bytes.
pub const MAX_BYTES: usize = 80;

/// Names that some system, or this pipeline, keeps for itself; compared without case, up to the first dot.
const RESERVED: [&str; 27] = [
    "CON", "PRN", "AUX", "NUL", "COM0", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9", "LPT0", "LPT1", "LPT2",
    "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9", "_COHORT", "_RESULTS", "_LOGS",
];

/// A folder name for one text, alone: safe on every file system, in a shell, in make and in Snakemake; different for different texts
/// unless they differ only in the case of letters ([`folder_names`] settles that).
///
/// ```
/// use rt_course::folder_name;
/// assert_eq!(folder_name("P01"), "P01");
/// let odd = folder_name("../../x");
/// assert!(odd.starts_with("_._.._x-") && odd.len() == 16, "{odd}");
/// ```
pub fn folder_name(text: &str) -> String {
    let base = cleaned(text);
    if base == text { base } else { suffixed(&base, text, 8) }
}

/// Folder names for texts that stand side by side in one folder; two that would collide on a file system without case both get their hash.
/// The result depends on the set of texts, not on their order.
pub fn folder_names<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeMap<&'a str, String> {
    let mut names: BTreeMap<&str, String> = texts.into_iter().map(|t| (t, folder_name(t))).collect();
    for digits in [8, 16, 32, 64] {
        let mut seen = BTreeSet::new();
        let twice: BTreeSet<String> = names
            .values()
            .map(|n| n.to_ascii_lowercase())
            .filter(|n| !seen.insert(n.clone()))
            .collect();
        if twice.is_empty() {
            break;
        }
        for (text, name) in &mut names {
            if twice.contains(&name.to_ascii_lowercase()) {
                *name = suffixed(&cleaned(text), text, digits);
            }
        }
    }
    names
}

/// Whether a name is one that [`folder_name`] can return: a single, harmless path part.
pub fn is_folder_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_BYTES && cleaned(name) == name
}

fn cleaned(text: &str) -> String {
    let mut name: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') {
                c
            } else {
                '_'
            }
        })
        .take(MAX_BYTES)
        .collect();
    if name.is_empty() {
        return "unnamed".to_owned();
    }
    if name.starts_with(['.', '-']) {
        name.replace_range(..1, "_");
    }
    if name.ends_with('.') {
        name.pop();
        name.push('_');
    }
    let stem = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    if RESERVED.contains(&stem.as_str()) {
        name.insert_str(0, "x_");
        name.truncate(MAX_BYTES);
    }
    name
}

fn suffixed(base: &str, original: &str, digits: usize) -> String {
    let hash = blake3::hash(original.as_bytes()).to_hex();
    let keep = base.len().min(MAX_BYTES - 1 - digits);
    format!("{}-{}", &base[..keep], &hash[..digits])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: [&str; 33] = [
        "../../x",
        "/etc/x",
        "..\\..\\x",
        "C:\\x",
        "a/b",
        "NUL",
        "nul.txt",
        "x\0y",
        "",
        " ",
        "   a",
        ".hidden",
        "-rf",
        "$(touch p)",
        "`id`",
        "'; x",
        "a\nb",
        "\u{1b}[31m",
        "a\u{202e}b",
        "😀",
        "café",
        "cafe\u{301}",
        "=1+1",
        "@SUM(A1)",
        "-2+3",
        "\t=",
        " =",
        "</script><img src=x onerror=alert(1)>",
        "{{7*7}}",
        "%s",
        "_COHORT",
        "_results",
        "..",
    ];

    #[test]
    fn plain_ids_keep_their_name() {
        for id in ["P01", "00123456", "LUNG1-001", "a.b_c-d", "2019-03"] {
            assert_eq!(folder_name(id), id);
            assert!(is_folder_name(id));
        }
    }

    #[test]
    fn nasty_names_become_distinct_harmless_parts() {
        let long = "x".repeat(10_000);
        let mut texts = NASTY.to_vec();
        texts.push(&long);
        let names = folder_names(texts.iter().copied());
        let distinct: BTreeSet<_> = names.values().map(|n| n.to_ascii_lowercase()).collect();
        assert_eq!(distinct.len(), texts.len());
        for (text, name) in &names {
            assert!(is_folder_name(name), "{text:?} became {name:?}");
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{name}");
            assert!(
                !name.starts_with(['.', '-']) && !name.ends_with('.') && name.len() <= MAX_BYTES,
                "{name}"
            );
            assert_ne!(name, text);
        }
    }

    #[test]
    fn names_that_differ_in_case_only_both_get_a_hash() {
        let names = folder_names(["abc", "ABC", "abd"]);
        assert_eq!(names["abd"], "abd");
        assert!(names["abc"].starts_with("abc-") && names["ABC"].starts_with("ABC-"));
        assert_ne!(names["abc"].to_lowercase(), names["ABC"].to_lowercase());
    }

    #[test]
    fn a_text_that_imitates_a_suffix_stays_apart() {
        let made = folder_name("a b");
        let names = folder_names(["a b", made.as_str()]);
        assert_ne!(names["a b"], names[made.as_str()]);
    }

    #[test]
    fn an_unsafe_part_is_recognised() {
        for part in ["", ".", "..", "a/b", ".x", "CON", "_COHORT", "é", "a.", &"x".repeat(81)] {
            assert!(!is_folder_name(part), "{part}");
        }
    }
}
