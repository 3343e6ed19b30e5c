//! Functions and test regions of a Rust file, found in its blanked text.

use std::ops::RangeInclusive;

/// One function: name, first and last line (from 1), and whether it is public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) lines: RangeInclusive<usize>,
}

impl Function {
    /// Number of lines from the `fn` line to the closing brace.
    pub(super) fn len(&self) -> usize {
        self.lines.end() - self.lines.start() + 1
    }
}

/// All functions with a body.
pub(super) fn functions(blanked: &str) -> Vec<Function> {
    let bytes = blanked.as_bytes();
    let line_of = LineIndex::new(blanked);
    let mut found = Vec::new();
    for (at, _) in blanked.match_indices("fn ") {
        let starts_word = at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
        let name: String = blanked[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if !starts_word || name.is_empty() {
            continue;
        }
        if let Some(end) = item_end(bytes, at).filter(|end| bytes[*end] == b'}') {
            found.push(Function {
                name,
                lines: line_of.line(at)..=line_of.line(end),
            });
        }
    }
    found
}

/// Lines that belong to test code or to an item whose attribute excuses the given lints.
pub(super) fn excused(blanked: &str, source: &str, lints: &[&str]) -> Vec<RangeInclusive<usize>> {
    let bytes = blanked.as_bytes();
    let line_of = LineIndex::new(blanked);
    let mut regions = Vec::new();
    for (at, _) in blanked.match_indices("#[") {
        let Some(close) = matching(bytes, at + 1) else { continue };
        let attribute = &source[at..=close];
        let test = attribute.starts_with("#[cfg(test)") || attribute.starts_with("#[test]");
        let reasoned = (attribute.starts_with("#[expect(") || attribute.starts_with("#[allow(")) && attribute.contains("reason");
        if (test || reasoned && lints.iter().any(|l| attribute.contains(l)))
            && let Some(end) = item_end(bytes, close + 1)
        {
            regions.push(line_of.line(at)..=line_of.line(end));
        }
    }
    regions
}

/// Where the item ends that starts at `at`: its closing brace, or a semicolon before any brace; a field or an arm ends at its comma.
fn item_end(bytes: &[u8], at: usize) -> Option<usize> {
    let head = bytes[at..].split(|b| matches!(b, b'{' | b';' | b',')).next().unwrap_or_default();
    let keywords = ["fn", "impl", "mod", "struct", "enum", "trait", "let", "const", "static"];
    let words = head.split(|b| !b.is_ascii_alphanumeric() && *b != b'_');
    let has_commas = words.into_iter().any(|w| keywords.iter().any(|k| k.as_bytes() == w));
    let mut from = at;
    loop {
        let here = from + bytes[from..].iter().position(|b| matches!(b, b'{' | b'(' | b'[' | b';' | b','))?;
        match bytes[here] {
            b'{' => return matching(bytes, here),
            b',' if has_commas => from = here + 1,
            b';' | b',' => return Some(here),
            _ => from = matching(bytes, here)? + 1,
        }
    }
}

/// The bracket that closes the one at `open`.
fn matching(bytes: &[u8], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, byte) in bytes[open..].iter().enumerate() {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(open + offset);
                }
            }
            _ => {}
        }
    }
    None
}

/// Byte offsets of line starts.
struct LineIndex(Vec<usize>);

impl LineIndex {
    fn new(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(breaks).collect())
    }

    /// Line of a byte, from 1.
    fn line(&self, at: usize) -> usize {
        self.0.partition_point(|start| *start <= at)
    }
}

#[cfg(test)]
mod tests {
    use super::super::lexer::blanked;
    use super::*;

    #[test]
    fn functions_are_measured_from_fn_to_brace() {
        let source = "trait T { fn a(&self, x: [u8; 3]) -> u8; }\n\npub fn b<F: Fn(u8)>(\n    f: F,\n) {\n    if true { f(1) }\n}\n";
        let found = functions(&blanked(source));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].lines.clone(), found[0].len()), ("b", 3..=7, 5));
    }

    #[test]
    fn tests_and_reasoned_expectations_are_excused() {
        let source = "fn a() {}\n#[expect(clippy::unwrap_used, reason = \"why\")]\nfn b() -> R<A, B> {\n}\n#[cfg(test)]\nmod tests {\n    fn c() {}\n}\n#[allow(dead_code)]\nfn d() {}\n";
        assert_eq!(excused(&blanked(source), source, &["unwrap_used"]), [2..=4, 5..=8]);
    }
}
