//! Which names mean the same structure.
//!
//! A name is looked up in three steps, the first that finds one wins: exactly; ignoring case, blanks and punctuation, also against
//! the parts of names like `ct--total--liver` (`spec/ingest.md` 2.7); through the table of standard names, synonyms and
//! regular expressions. Digits and letters always count: `Heart` is never `Heart_PRV05`.

use std::collections::HashMap;

use indexmap::IndexMap;
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::partial::PARTIAL_SUFFIX;

/// A file of standard names.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NameFile {
    /// Version of the form, 1.
    pub schema: Option<u32>,
    /// Standard names with what they are called elsewhere.
    #[serde(rename = "name")]
    pub entries: Vec<NameEntry>,
    /// Single names as seen, and the standard name that each means; they go before all others.
    pub seen: IndexMap<String, String>,
}

/// One standard name.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NameEntry {
    /// The standard name (TG-263 where it has one).
    pub name: String,
    /// Other names; case, blanks and punctuation do not count.
    pub synonyms: Vec<String>,
    /// Regular expressions over the whole name, case ignored.
    pub patterns: Vec<String>,
}

/// Why a table of names cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// A synonym of two names.
    #[error("`{synonym}` stands for both `{first}` and `{second}`")]
    Ambiguous {
        /// The synonym.
        synonym: String,
        /// One meaning.
        first: String,
        /// The other.
        second: String,
    },
    /// A pattern that cannot be read.
    #[error("pattern \"{pattern}\" of `{name}`: {reason}")]
    Pattern {
        /// The standard name.
        name: String,
        /// The pattern.
        pattern: String,
        /// What is wrong.
        reason: String,
    },
    /// A name of nothing but punctuation.
    #[error("`{0}` holds neither a letter nor a digit")]
    Blank(String),
}

impl NameError {
    /// Stable code for tables and events.
    pub fn code(&self) -> &'static str {
        "structures.names"
    }
}

/// Standard names, ready to look names up.
#[derive(Debug, Clone, Default)]
pub struct NameTable {
    seen: HashMap<String, String>,
    synonyms: HashMap<String, String>,
    patterns: Vec<(Regex, String)>,
}

impl NameTable {
    /// From files; what an earlier one says goes before what a later one says.
    ///
    /// # Errors
    /// [`NameError`] for a synonym of two names within one file, a pattern that cannot be read, or a blank name.
    pub fn new<'a>(files: impl IntoIterator<Item = &'a NameFile>) -> Result<Self, NameError> {
        let mut table = Self::default();
        for file in files {
            let mut own: HashMap<String, String> = HashMap::new();
            for entry in &file.entries {
                for synonym in std::iter::once(&entry.name).chain(&entry.synonyms) {
                    let key = normalised(synonym);
                    if key.is_empty() {
                        return Err(NameError::Blank(synonym.clone()));
                    }
                    if let Some(first) = own.insert(key, entry.name.clone()).filter(|first| *first != entry.name) {
                        return Err(NameError::Ambiguous {
                            synonym: synonym.clone(),
                            first,
                            second: entry.name.clone(),
                        });
                    }
                }
                for pattern in &entry.patterns {
                    table.patterns.push((whole_name(&entry.name, pattern)?, entry.name.clone()));
                }
            }
            for (key, name) in own {
                table.synonyms.entry(key).or_insert(name);
            }
            for (seen, name) in &file.seen {
                table.seen.entry(seen.trim().to_owned()).or_insert_with(|| name.clone());
            }
        }
        Ok(table)
    }

    /// The standard name that a name stands for.
    pub fn canonical(&self, name: &str) -> Option<&str> {
        let bare = bare_name(name.trim());
        let by_text = self.seen.get(bare).or_else(|| self.synonyms.get(&normalised(bare)));
        by_text.map(String::as_str).or_else(|| {
            let found = self.patterns.iter().find(|(pattern, _)| pattern.is_match(bare));
            found.map(|(_, name)| name.as_str())
        })
    }

    /// The place of the first of `available` that `wanted` means; see the module text.
    pub fn find<'a>(&self, wanted: &str, available: impl Iterator<Item = &'a str> + Clone) -> Option<usize> {
        let wanted = wanted.trim();
        if let Some(exact) = available.clone().position(|a| a.trim() == wanted) {
            return Some(exact);
        }
        let key = normalised(wanted);
        let alike = available.clone().position(|a| aliases(a).any(|part| normalised(part) == key));
        alike.filter(|_| !key.is_empty()).or_else(|| {
            let meant = self.canonical(wanted)?;
            available
                .clone()
                .position(|a| aliases(a).any(|part| self.canonical(part) == Some(meant)))
        })
    }
}

fn whole_name(name: &str, pattern: &str) -> Result<Regex, NameError> {
    let build = RegexBuilder::new(&format!("^(?:{pattern})$")).case_insensitive(true).build();
    build.map_err(|e| NameError::Pattern {
        name: name.to_owned(),
        pattern: pattern.to_owned(),
        reason: e.to_string(),
    })
}

/// A name without `__partial`.
pub fn bare_name(name: &str) -> &str {
    name.strip_suffix(PARTIAL_SUFFIX).unwrap_or(name)
}

/// Lower case, letters and digits only, without `__partial`.
pub fn normalised(name: &str) -> String {
    let bare = bare_name(name.trim());
    bare.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A name and the parts of it that may be meant alone: between `--` or `__`, and without a leading `total`.
fn aliases(name: &str) -> impl Iterator<Item = &str> {
    let bare = bare_name(name.trim());
    let parts = bare.split("--").chain(bare.split("__")).filter(move |p| p.len() < bare.len());
    let after_total = bare.strip_prefix("total").map(|r| r.trim_start_matches(['_', '-', ' ']));
    std::iter::once(bare)
        .chain(parts)
        .chain(after_total)
        .filter(|p| p.chars().any(char::is_alphanumeric))
}

impl rt_config::Validate for NameFile {
    fn validate(&self) -> Result<(), rt_config::ConfigIssue> {
        let table = NameTable::new([self]);
        table
            .map(drop)
            .map_err(|e| rt_config::ConfigIssue::new("name", format!("is not valid: {e}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> NameTable {
        let file: NameFile = toml::from_str(
            r#"
            schema = 1
            [seen]
            "Blase neu" = "Bladder"
            [[name]]
            name = "Bladder"
            synonyms = ["urinary_bladder", "Harnblase"]
            [[name]]
            name = "Heart"
            synonyms = ["Herz"]
            [[name]]
            name = "FemurHead_L"
            synonyms = ["Femoral Head Left"]
            patterns = ['(fem(oral|ur)?)[ _-]*head[ _-]*(l|lt|left)']
            "#,
        )
        .unwrap();
        NameTable::new([&file]).unwrap()
    }

    #[test]
    fn names_mean_what_the_table_says_and_no_more() {
        let t = table();
        for (name, meant) in [
            ("HARNBLASE", Some("Bladder")),
            ("urinary bladder__partial", Some("Bladder")),
            ("Blase neu", Some("Bladder")),
            ("blase neu", None),
            ("Fem_Head_Lt", Some("FemurHead_L")),
            ("Fem_Head_R", None),
            ("Heart_PRV05", None),
            ("heart", Some("Heart")),
            ("  ", None),
        ] {
            assert_eq!(t.canonical(name), meant, "{name}");
        }
    }

    #[test]
    fn exact_then_alike_then_by_meaning() {
        let t = table();
        let find = |wanted: &str, have: &[&str]| t.find(wanted, have.iter().copied());
        assert_eq!(find("liver", &["Liver", "liver"]), Some(1));
        assert_eq!(find("Spinal Cord", &["PTV", "SpinalCord"]), Some(1));
        assert_eq!(find("liver", &["ct_2--total--liver__partial"]), Some(0));
        assert_eq!(find("liver", &["total_liver"]), Some(0));
        assert_eq!(find("Ventricle_L", &["heart__Ventricle_L"]), Some(0));
        assert_eq!(find("urinary_bladder", &["Heart", "Harnblase"]), Some(1));
        assert_eq!(find("Heart", &["Heart_PRV05"]), None);
        assert_eq!(find("lung_left", &["lung_right"]), None);
        assert_eq!(find("--", &["__", "PTV"]), None);
    }

    #[test]
    fn faults_in_a_table() {
        let bad = |text: &str| {
            NameTable::new([&toml::from_str::<NameFile>(text).unwrap()])
                .unwrap_err()
                .to_string()
        };
        let twice = bad("[[name]]\nname='A'\nsynonyms=['x y']\n[[name]]\nname='B'\nsynonyms=['X_Y']");
        assert_eq!(twice, "`X_Y` stands for both `A` and `B`");
        assert!(bad("[[name]]\nname='A'\npatterns=['(']").contains("pattern \"(\" of `A`"));
        assert!(bad("[[name]]\nname='--'").contains("neither a letter"));
    }
}
