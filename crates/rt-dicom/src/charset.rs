//! Text of any DICOM character set (PS3.3 C.12.1.1.2, PS3.5 6.1.2.3), code extensions with escape sequences included.

use std::cell::Cell;

use dicom::encoding::text::{SpecificCharacterSet, TextCodec as _};

/// Start of an escape sequence of ISO 2022.
const ESC: u8 = 0x1b;

/// The character sets of one data set.
#[derive(Debug, Clone)]
pub(crate) struct Charset {
    first: SpecificCharacterSet,
    extended: bool,
    unknown: bool,
    /// Something that was decoded had bytes without meaning.
    lossy: Cell<bool>,
}

impl Charset {
    /// From the stored value of `SpecificCharacterSet` (0008,0005); empty means the default repertoire.
    pub(crate) fn of(stored: &[u8]) -> Self {
        let text = String::from_utf8_lossy(stored);
        let terms: Vec<&str> = text
            .split('\\')
            .map(|t| t.trim_matches(|c: char| c == '\0' || c.is_whitespace()))
            .collect();
        let known = |term: &str| {
            if term.is_empty() {
                Some(SpecificCharacterSet::ISO_IR_6)
            } else {
                SpecificCharacterSet::from_code(term)
            }
        };
        let first = terms.first().and_then(|t| known(t));
        Self {
            unknown: terms.iter().any(|t| known(t).is_none() && by_number(t).is_none()),
            first: first.unwrap_or(SpecificCharacterSet::ISO_IR_6),
            extended: terms.len() > 1 || text.contains("2022"),
            lossy: Cell::new(false),
        }
    }

    /// A term that nobody knows is among them.
    pub(crate) fn is_unknown(&self) -> bool {
        self.unknown
    }

    /// Text that was decoded since had bytes that the declared set does not know.
    pub(crate) fn is_lossy(&self) -> bool {
        self.lossy.get()
    }

    /// Text of stored bytes; what cannot be decoded becomes U+FFFD.
    pub(crate) fn decode(&self, bytes: &[u8]) -> String {
        if bytes.is_ascii() && !bytes.contains(&ESC) {
            return bytes.iter().map(|b| char::from(*b)).collect();
        }
        if self.extended && bytes.contains(&ESC) {
            return self.decode_extended(bytes);
        }
        self.plain(&self.first, bytes)
    }

    /// Pieces between escape sequences, each in the set that its sequence names; line ends and delimiters fall back to the first.
    fn decode_extended(&self, bytes: &[u8]) -> String {
        let mut out = String::new();
        let mut pieces = bytes.split(|b| *b == ESC);
        if let Some(first) = pieces.next() {
            out.push_str(&self.plain(&self.first, first));
        }
        for piece in pieces {
            if let Some((sequence, set)) = ESCAPES.iter().find(|(sequence, _)| piece.starts_with(sequence)) {
                let body = piece.get(sequence.len()..).unwrap_or_default();
                out.push_str(&self.decode_piece(*set, sequence, body));
            } else {
                self.lossy.set(true);
                out.push(char::REPLACEMENT_CHARACTER);
                out.push_str(&self.plain(&self.first, piece));
            }
        }
        out
    }

    fn decode_piece(&self, set: Option<&str>, sequence: &[u8], body: &[u8]) -> String {
        let Some(set) = set.and_then(SpecificCharacterSet::from_code) else {
            return self.plain(&self.first, body);
        };
        if sequence.first() == Some(&b'$') && sequence.get(1) == Some(&b'B') {
            // JIS X 0208 is a seven-bit set that its decoder knows by the escape sequence.
            let mut with = vec![ESC];
            with.extend_from_slice(sequence);
            with.extend_from_slice(body);
            return self.plain(&set, &with);
        }
        self.plain(&set, body)
    }

    /// Text of one set without escape sequences.
    fn plain(&self, set: &SpecificCharacterSet, bytes: &[u8]) -> String {
        // Bytes above 127 have no meaning in the default repertoire; UTF-8 without being declared is the usual cause.
        let as_utf8 = [SpecificCharacterSet::ISO_IR_192, SpecificCharacterSet::ISO_IR_6].contains(set);
        let decoded = if as_utf8 {
            String::from_utf8(bytes.to_vec()).ok()
        } else {
            set.decode(bytes).ok()
        };
        decoded.unwrap_or_else(|| {
            self.lossy.set(true);
            String::from_utf8_lossy(bytes).into_owned()
        })
    }
}

/// Escape sequences without the escape, and the set they begin (`None`: ASCII).
const ESCAPES: [(&[u8], Option<&str>); 16] = [
    (b"(B", None),
    (b"(J", None),
    (b")I", Some("ISO_IR 13")),
    (b"$B", Some("ISO_IR 87")),
    (b"$)C", Some("ISO_IR 149")),
    (b"$)A", Some("GB2312")),
    (b"-A", Some("ISO_IR 100")),
    (b"-B", Some("ISO_IR 101")),
    (b"-C", Some("ISO_IR 109")),
    (b"-D", Some("ISO_IR 110")),
    (b"-F", Some("ISO_IR 126")),
    (b"-G", Some("ISO_IR 127")),
    (b"-H", Some("ISO_IR 138")),
    (b"-L", Some("ISO_IR 144")),
    (b"-T", Some("ISO_IR 166")),
    (b"%G", Some("ISO_IR 192")),
];

/// Sets that are known by name but have no decoder here: their text is read as far as it is ASCII.
fn by_number(term: &str) -> Option<()> {
    ["IR 148", "IR 159", "IR 203"].iter().any(|n| term.ends_with(n)).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_and_utf8() {
        assert_eq!(Charset::of(b"ISO_IR 100").decode(b"Bj\xf6rn"), "Bj\u{f6}rn");
        assert_eq!(Charset::of(b"ISO_IR 192").decode("żółw".as_bytes()), "żółw");
        assert_eq!(Charset::of(b"").decode(b"plain"), "plain");
    }

    #[test]
    fn bytes_without_meaning_are_remembered() {
        let set = Charset::of(b"ISO_IR 192");
        assert_eq!(set.decode("żółw".as_bytes()), "żółw");
        assert!(!set.is_lossy());
        assert_eq!(set.decode(b"chest \xc4\xc4"), "chest \u{fffd}\u{fffd}");
        assert!(set.is_lossy() && !set.is_unknown());
    }

    #[test]
    fn unknown_sets_are_told_and_read_with_replacement() {
        let set = Charset::of(b"ISO_IR 999");
        assert!(set.is_unknown());
        assert_eq!(set.decode(b"\xff\xfe\xc4A"), "\u{fffd}\u{fffd}\u{fffd}A");
        assert!(!Charset::of(b"\\ISO 2022 IR 87").is_unknown());
        assert!(!Charset::of(b"ISO_IR 100 ").is_unknown());
    }

    #[test]
    fn escape_sequences_switch_sets() {
        // PS3.5 H.3.1: Yamada^Tarou=山田^太郎=やまだ^たろう in ISO 2022 IR 87.
        let name = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B";
        assert_eq!(Charset::of(b"\\ISO 2022 IR 87").decode(name), "Yamada^Tarou=山田^太郎");
        // PS3.5 I.2: Hong^Gildong=洪^吉洞 in ISO 2022 IR 149.
        let name = b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7";
        assert_eq!(Charset::of(b"\\ISO 2022 IR 149").decode(name), "Hong^Gildong=洪^吉洞");
    }
}
