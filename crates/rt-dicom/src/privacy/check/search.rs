//! Looking for many byte strings at once, without regard to the case of ASCII letters.

use std::collections::HashMap;

/// Shortest string that is looked for, bytes.
pub(super) const SHORTEST: usize = 4;

/// Strings to look for, by their first bytes.
#[derive(Debug)]
pub(super) struct Needles {
    by_start: HashMap<[u8; SHORTEST], Vec<Vec<u8>>>,
    /// Which pairs of bytes any of them begins with.
    first: Vec<bool>,
}

impl Needles {
    pub(super) fn new<'a>(strings: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut by_start: HashMap<[u8; SHORTEST], Vec<Vec<u8>>> = HashMap::new();
        let mut first = vec![false; 1 << 16];
        for string in strings {
            let lower = string.to_ascii_lowercase();
            let Some(start) = lower.first_chunk::<SHORTEST>() else { continue };
            if let Some(slot) = first.get_mut(pair(start[0], start[1])) {
                *slot = true;
            }
            by_start.entry(*start).or_default().push(lower);
        }
        Self { by_start, first }
    }

    /// Offset and length of the first hit that is long enough, from `from` on.
    pub(super) fn find(&self, hay: &[u8], shortest: usize) -> Option<(usize, usize)> {
        let mut at = 0;
        while let Some(window) = hay.get(at..).and_then(|rest| rest.first_chunk::<SHORTEST>()) {
            let start = window.map(|b| b.to_ascii_lowercase());
            if self.first.get(pair(start[0], start[1])).copied().unwrap_or(false) {
                let candidates = self.by_start.get(&start).map_or(&[][..], Vec::as_slice);
                let hit = candidates.iter().find(|needle| {
                    let there = hay.get(at..at + needle.len());
                    needle.len() >= shortest && there.is_some_and(|part| part.eq_ignore_ascii_case(needle) && is_whole(hay, at, needle))
                });
                if let Some(needle) = hit {
                    return Some((at, needle.len()));
                }
            }
            at += 1;
        }
        None
    }
}

/// A number (an identifier or a UID) is found as a whole: digits beside it make it another one.
fn is_whole(hay: &[u8], at: usize, needle: &[u8]) -> bool {
    let numeric = needle.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    let beside = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_digit() || *b == b'.');
    !numeric || !(beside(at.checked_sub(1).and_then(|i| hay.get(i))) || beside(hay.get(at + needle.len())))
}

fn pair(a: u8, b: u8) -> usize {
    usize::from(a) << 8 | usize::from(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_in_any_case_and_numbers_as_a_whole() {
        let strings: [&[u8]; 4] = [b"Meier", b"1.2.3.4", b"4711", b"abc"];
        let needles = Needles::new(strings.into_iter());
        assert_eq!(needles.find(b"x MEIERLING", 4), Some((2, 5)));
        assert_eq!(needles.find(b"1.2.3.45", 4), None);
        assert_eq!(needles.find(b"uid 1.2.3.4\0", 4), Some((4, 7)));
        assert_eq!(needles.find(b"-147110", 4), None);
        assert_eq!(needles.find(b"id4711", 4), Some((2, 4)));
        assert_eq!(needles.find(b"id4711", 8), None, "too short for pixels");
        assert_eq!(needles.find(b"abc", 4), None, "shorter than is looked for");
    }
}
