//! A data set as a tree of elements in order of their tags.

use std::collections::BTreeMap;

use dicom::core::{Tag, VR};

/// What an element holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// Bytes as stored, little endian, of even length or padded when written.
    Bytes(Vec<u8>),
    /// Items of a sequence.
    Items(Vec<DataSet>),
    /// Encapsulated pixels: the offset table, then the fragments.
    Fragments(Vec<Vec<u8>>),
}

/// A data set or an item of a sequence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DataSet {
    elements: BTreeMap<Tag, (VR, Value)>,
}

impl DataSet {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Elements in order of their tags.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Tag, VR, &Value)> {
        self.elements.iter().map(|(tag, (vr, value))| (*tag, *vr, value))
    }

    pub(crate) fn get(&self, tag: Tag) -> Option<&Value> {
        self.elements.get(&tag).map(|(_, value)| value)
    }

    pub(crate) fn set(&mut self, tag: Tag, vr: VR, value: Value) {
        self.elements.insert(tag, (vr, value));
    }

    pub(crate) fn remove(&mut self, tag: Tag) {
        self.elements.remove(&tag);
    }

    /// Gives every element, at every depth, the VR that the function says.
    pub(crate) fn retype(&mut self, vr_of: impl Fn(Tag, VR) -> VR + Copy) {
        for (tag, (vr, value)) in &mut self.elements {
            *vr = vr_of(*tag, *vr);
            if let Value::Items(items) = value {
                for item in items {
                    item.retype(vr_of);
                }
            }
        }
    }

    /// Bytes of an element, as stored.
    pub(crate) fn bytes(&self, tag: Tag) -> Option<&[u8]> {
        match self.get(tag)? {
            Value::Bytes(bytes) => Some(bytes),
            Value::Items(_) | Value::Fragments(_) => None,
        }
    }

    /// A code, number or identifier without its padding; empty when missing.
    pub(crate) fn code(&self, tag: Tag) -> String {
        let text = String::from_utf8_lossy(self.bytes(tag).unwrap_or_default());
        text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_owned()
    }

    /// Items of a sequence; none when missing.
    pub(crate) fn items(&self, tag: Tag) -> &[Self] {
        match self.get(tag) {
            Some(Value::Items(items)) => items,
            _ => &[],
        }
    }

    /// Text as UTF-8; control characters other than those of the VR, and the value delimiter, become blanks.
    pub(crate) fn text(&mut self, tag: Tag, vr: VR, text: &str) -> &mut Self {
        let paragraphs = matches!(vr, VR::LT | VR::ST | VR::UT);
        let clean: String = text
            .chars()
            .map(|c| match c {
                '\n' | '\r' | '\t' if paragraphs => c,
                '\\' if !paragraphs => ' ',
                c if c.is_control() => ' ',
                c => c,
            })
            .collect();
        self.raw(tag, vr, cut(clean.trim(), vr).as_bytes())
    }

    /// A code, identifier, number or a list of them, written as it is.
    pub(crate) fn raw(&mut self, tag: Tag, vr: VR, bytes: &[u8]) -> &mut Self {
        self.set(tag, vr, Value::Bytes(bytes.to_vec()));
        self
    }

    /// A code string (CS).
    pub(crate) fn cs(&mut self, tag: Tag, text: &str) -> &mut Self {
        self.raw(tag, VR::CS, text.as_bytes())
    }

    /// A unique identifier.
    pub(crate) fn ui(&mut self, tag: Tag, uid: &str) -> &mut Self {
        self.raw(tag, VR::UI, uid.as_bytes())
    }

    /// An integer string.
    pub(crate) fn is(&mut self, tag: Tag, value: i64) -> &mut Self {
        self.raw(tag, VR::IS, value.to_string().as_bytes())
    }

    /// Decimal strings.
    pub(crate) fn ds(&mut self, tag: Tag, values: &[f64]) -> &mut Self {
        let list: Vec<String> = values.iter().map(|v| decimal(*v)).collect();
        self.raw(tag, VR::DS, list.join("\\").as_bytes())
    }

    /// Unsigned 16-bit numbers.
    pub(crate) fn us(&mut self, tag: Tag, values: &[u16]) -> &mut Self {
        self.raw(tag, VR::US, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
    }

    /// Unsigned 32-bit numbers.
    pub(crate) fn ul(&mut self, tag: Tag, values: &[u32]) -> &mut Self {
        self.raw(tag, VR::UL, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
    }

    /// Tags as values.
    pub(crate) fn at(&mut self, tag: Tag, values: &[Tag]) -> &mut Self {
        let bytes = |t: &Tag| [t.group().to_le_bytes(), t.element().to_le_bytes()].concat();
        self.raw(tag, VR::AT, &values.iter().flat_map(bytes).collect::<Vec<u8>>())
    }

    /// A sequence.
    pub(crate) fn sequence(&mut self, tag: Tag, items: Vec<Self>) -> &mut Self {
        self.set(tag, VR::SQ, Value::Items(items));
        self
    }

    /// A sequence with one item.
    pub(crate) fn item(&mut self, tag: Tag, item: Self) -> &mut Self {
        self.sequence(tag, vec![item])
    }
}

/// Most characters that a value of the VR may have (PS3.5 table 6.2-1).
fn capacity(vr: VR) -> usize {
    match vr {
        VR::SH | VR::CS | VR::AE | VR::DS => 16,
        VR::LO | VR::PN => 64,
        VR::ST => 1024,
        VR::LT => 10240,
        _ => usize::MAX,
    }
}

fn cut(text: &str, vr: VR) -> &str {
    match text.char_indices().nth(capacity(vr)) {
        Some((end, _)) => text.get(..end).unwrap_or_default().trim_end(),
        None => text,
    }
}

/// The shortest decimal string (DS, at most 16 bytes) that is nearest to the number; numbers that are not finite become 0.
pub(crate) fn decimal(value: f64) -> String {
    if !value.is_finite() || value == 0.0 {
        return "0".to_owned();
    }
    let plain = format!("{value}");
    if plain.len() <= 16 {
        return plain;
    }
    let size = value.abs();
    if (1e-4..1e14).contains(&size) {
        // Digits before the point, the point and the sign leave the rest for digits after it.
        let before = format!("{:.0}", size.trunc()).len() + 1 + usize::from(value < 0.0);
        let text = format!("{value:.*}", 16_usize.saturating_sub(before));
        let text = if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.')
        } else {
            &text
        };
        if text.len() <= 16 {
            return text.to_owned();
        }
    }
    (0..=10)
        .rev()
        .map(|digits| format!("{value:.digits$e}"))
        .find(|text| text.len() <= 16)
        .unwrap_or_else(|| "0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use dicom::dictionary_std::tags;

    #[test]
    fn decimals_fit_and_come_back() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.5, "1.5"),
            (-123.456_789, "-123.456789"),
            (1.0 / 3.0, "0.33333333333333"),
            (-1.0 / 3.0, "-0.3333333333333"),
            (0.976_562_5, "0.9765625"),
            (1e-6, "0.000001"),
            (1.234_567_890_123e-7, "1.2345678901e-7"),
            (-1.234_567_890_123_456_7e-200, "-1.23456789e-200"),
            (f64::NAN, "0"),
        ] {
            let got = decimal(value);
            assert_eq!(got, text);
            assert!(got.len() <= 16);
            if value.is_finite() {
                let back: f64 = got.parse().unwrap();
                assert!((back - value).abs() <= 1e-8 * value.abs(), "{value}");
            }
        }
        // Rounding up must not grow a digit.
        assert!(decimal(99_999_999_999_999.99).len() <= 16 && decimal(9.999_999_999_999_999).len() <= 16);
    }

    #[test]
    fn text_keeps_to_its_representation() {
        let mut set = DataSet::new();
        set.text(tags::ROI_NAME, VR::LO, "a\\b\u{1b}[31m\nc");
        assert_eq!(set.code(tags::ROI_NAME), "a b [31m c");
        set.text(tags::STRUCTURE_SET_LABEL, VR::SH, "12345678901234567890");
        assert_eq!(set.code(tags::STRUCTURE_SET_LABEL), "1234567890123456");
        set.text(tags::ROI_NAME, VR::LO, &"ü".repeat(80));
        assert_eq!(set.code(tags::ROI_NAME).chars().count(), 64);
    }
}
