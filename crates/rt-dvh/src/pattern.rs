//! Names of structures as people write them in a configuration: `PTV_70`, `PTV*`, `*Parotid*`.

use serde::{Deserialize, Serialize};

/// A name with `*` for any characters and `?` for one. Case, blanks, hyphens and underscores do not count.
///
/// ```
/// let pattern = rt_dvh::RoiPattern::new("PTV*70");
/// assert!(pattern.matches("ptv_boost 70") && !pattern.matches("PTV 66"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoiPattern(String);

impl RoiPattern {
    /// A pattern as written.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it says anything.
    pub fn is_blank(&self) -> bool {
        bare(&self.0).is_empty()
    }

    /// Whether a name is meant.
    pub fn matches(&self, name: &str) -> bool {
        let name = bare(name);
        !name.is_empty() && glob(&bare(&self.0), &name)
    }
}

fn bare(text: &str) -> Vec<char> {
    let kept = text.chars().filter(|c| !matches!(c, '_' | '-') && !c.is_whitespace());
    kept.flat_map(char::to_lowercase).collect()
}

/// Matches from the left; after a mismatch the last `*` takes one character more.
fn glob(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_and_plain_names() {
        for (pattern, name, is_meant) in [
            ("SpinalCord", "Spinal Cord", true),
            ("SpinalCord", "SpinalCord_PRV05", false),
            ("*parotid*", "Lt Parotid gland", true),
            ("PTV?", "PTV1", true),
            ("PTV?", "PTV12", false),
            ("*", "anything", true),
            ("", "anything", false),
            ("a*b*c", "a-x-b-y-b-c", true),
        ] {
            assert_eq!(RoiPattern::new(pattern).matches(name), is_meant, "{pattern} {name}");
        }
    }
}
