//! Rust source with comments and the insides of literals blanked out, line for line, so that words and braces can be searched for.

/// The text with every comment and every literal's content replaced by blanks; line breaks, quotes and length in bytes stay.
pub(super) fn blanked(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let (end, keep) = token(bytes, at);
        let inner = (at + keep)..end.saturating_sub(keep).max(at + keep).min(end);
        if end > at + 1 || keep == 0 {
            for byte in &mut out[inner] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
        }
        at = end.max(at + 1);
    }
    // Only whole comments and literals were overwritten, byte by byte with ASCII.
    String::from_utf8_lossy(&out).into_owned()
}

/// End of the token that starts at `at`, and how many bytes at both of its ends stay readable (its quotes).
fn token(bytes: &[u8], at: usize) -> (usize, usize) {
    let rest = &bytes[at..];
    let word_before = at > 0 && is_word(bytes[at - 1]);
    match rest {
        [b'/', b'/', ..] => (at + line(rest), 0),
        [b'/', b'*', ..] => (at + block_comment(rest), 0),
        [b'"', ..] => (at + string(rest), 1),
        [b'r' | b'b' | b'c', ..] if !word_before => match raw_string(rest) {
            Some(length) => (at + length, 1),
            None => (at + 1, 1),
        },
        [b'\'', ..] => (at + character(rest), 1),
        _ => (at + 1, 1),
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn line(rest: &[u8]) -> usize {
    rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => {
                (depth, at) = (depth.saturating_sub(1), at + 2);
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Length of `r"…"`, `br#"…"#` and their like; `None` when it is no raw string.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let letters = rest.iter().take_while(|b| matches!(b, b'r' | b'b' | b'c')).count();
    if letters > 2 || !rest[..letters].contains(&b'r') {
        return None;
    }
    let hashes = rest[letters..].iter().take_while(|b| **b == b'#').count();
    let open = letters + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.extend(std::iter::repeat_n(b'#', hashes));
    let body = &rest[open + 1..];
    let end = body.windows(close.len()).position(|w| w == close);
    Some(end.map_or(rest.len(), |e| open + 1 + e + close.len()))
}

/// Length of a character literal; a lifetime is one byte long here.
fn character(rest: &[u8]) -> usize {
    if let [_, b'\\', _, tail @ ..] = rest {
        return tail.iter().position(|b| *b == b'\'').map_or(rest.len(), |p| p + 4);
    }
    // One character of up to four bytes and the closing quote; otherwise a lifetime.
    match rest.iter().skip(2).take(4).position(|b| *b == b'\'') {
        Some(0) => 3,
        Some(p) if rest[1] >= 0x80 => p + 3,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn comments_and_literals_go_and_code_stays() {
        let source = "let a = \"un{wrap\"; // x.unwrap()\nlet b = '{'; let c: &'a str = r#\"}\"\"#; /* { /* } */ */ f(b'\\'', '\\u{41}')";
        let out = blanked(source);
        assert_eq!(out.len(), source.len());
        assert!(!out.contains("wrap") && !out.contains('{') && !out.contains('}'), "{out}");
        assert!(out.contains("let c: &'a str = ") && out.contains("f(b'"), "{out}");
        assert_eq!(out.lines().count(), 2);
    }

    #[test]
    fn a_string_keeps_its_quotes() {
        assert_eq!(blanked("x.expect(\"why\")"), "x.expect(\"   \")");
    }

    proptest! {
        #[test]
        fn length_and_lines_never_change(source in "[a-z'\"/*#\\\\{}\nrb ]{0,60}") {
            let out = blanked(&source);
            prop_assert_eq!(out.len(), source.len());
            prop_assert_eq!(out.matches('\n').count(), source.matches('\n').count());
        }
    }
}
