//! A small DICOM writer: a tree of elements to bytes, in three encodings.
//!
//! It shares no code with the crate that reads, on purpose: a reader tested against its own writer agrees with its own mistakes.
//! Sources: DICOM PS3.5 sections 6.2 (value representations), 7.1 (elements), 7.5 (sequences), 10.1 and PS3.10 section 7.1 (file meta).
//! The order of elements is the caller's, so a broken order can be written too; [`DataSet::sort`] puts it right.

use std::fmt::Write as _;

pub mod tag;
pub use tag::Tag;

/// How a data set is turned into bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Syntax {
    /// Explicit VR Little Endian.
    ExplicitLittle,
    /// Implicit VR Little Endian.
    ImplicitLittle,
    /// Explicit VR Big Endian (retired, still found in archives).
    ExplicitBig,
}

impl Syntax {
    /// The transfer syntax UID.
    pub fn uid(self) -> &'static str {
        match self {
            Self::ImplicitLittle => "1.2.840.10008.1.2",
            Self::ExplicitLittle => "1.2.840.10008.1.2.1",
            Self::ExplicitBig => "1.2.840.10008.1.2.2",
        }
    }
}

/// How the length of a sequence and its items is stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lengths {
    /// As a number of bytes.
    Defined,
    /// As 0xFFFFFFFF with a delimiter at the end.
    Undefined,
}

/// What an element holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Bytes as they stand in the file, padded to even length by the writer.
    Bytes(Vec<u8>),
    /// 16-bit words.
    Words(Vec<u16>),
    /// 32-bit words.
    Longs(Vec<u32>),
    /// 64-bit floats.
    Doubles(Vec<f64>),
    /// Items of a sequence.
    Items(Vec<DataSet>),
}

/// One element: tag, value representation and value.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    /// Tag.
    pub tag: Tag,
    /// Value representation, two letters.
    pub vr: [u8; 2],
    /// Value.
    pub value: Value,
}

/// Elements in the order in which they are written. Setters replace an element of the same tag and keep its place.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DataSet {
    /// The elements.
    pub elements: Vec<Element>,
}

impl DataSet {
    /// No elements.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an element of any kind.
    #[must_use]
    pub fn with(mut self, tag: Tag, vr: [u8; 2], value: Value) -> Self {
        self.set(tag, vr, value);
        self
    }

    /// Sets an element in place.
    pub fn set(&mut self, tag: Tag, vr: [u8; 2], value: Value) {
        let element = Element { tag, vr, value };
        match self.elements.iter_mut().find(|e| e.tag == tag) {
            Some(old) => *old = element,
            None => self.elements.push(element),
        }
    }

    /// Sets a text element; the VR is the tag's own (see [`tag`]). Several values are joined by the caller with a backslash.
    #[must_use]
    pub fn text(self, tag: Tag, text: &str) -> Self {
        self.with(tag, tag.vr(), Value::Bytes(text.as_bytes().to_vec()))
    }

    /// Sets an element without a value (type 2: known to be unknown).
    #[must_use]
    pub fn empty(self, tag: Tag) -> Self {
        self.with(tag, tag.vr(), Value::Bytes(Vec::new()))
    }

    /// Sets a decimal string of one or more numbers, each at most 16 characters.
    #[must_use]
    pub fn decimals(self, tag: Tag, numbers: &[f64]) -> Self {
        let text: Vec<String> = numbers.iter().map(|x| decimal(*x)).collect();
        self.text(tag, &text.join("\\"))
    }

    /// Sets an integer string of one or more numbers.
    #[must_use]
    pub fn integers(self, tag: Tag, numbers: &[i64]) -> Self {
        let text: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        self.text(tag, &text.join("\\"))
    }

    /// Sets an unsigned 16-bit number.
    #[must_use]
    pub fn word(self, tag: Tag, number: u16) -> Self {
        self.with(tag, *b"US", Value::Words(vec![number]))
    }

    /// Sets a sequence.
    #[must_use]
    pub fn items(self, tag: Tag, items: Vec<DataSet>) -> Self {
        self.with(tag, *b"SQ", Value::Items(items))
    }

    /// The element of a tag.
    pub fn get(&self, tag: Tag) -> Option<&Element> {
        self.elements.iter().find(|e| e.tag == tag)
    }

    /// The element of a tag, to change it.
    pub fn get_mut(&mut self, tag: Tag) -> Option<&mut Element> {
        self.elements.iter_mut().find(|e| e.tag == tag)
    }

    /// The items of a sequence, to change them; empty when there is no such sequence.
    pub fn items_mut(&mut self, tag: Tag) -> &mut [DataSet] {
        match self.get_mut(tag).map(|e| &mut e.value) {
            Some(Value::Items(items)) => items,
            _ => &mut [],
        }
    }

    /// Text of an element without padding; `None` when it is absent or no text.
    pub fn text_of(&self, tag: Tag) -> Option<&str> {
        match &self.get(tag)?.value {
            Value::Bytes(bytes) => std::str::from_utf8(bytes).ok().map(|t| t.trim_end_matches([' ', '\0'])),
            _ => None,
        }
    }

    /// Takes an element out.
    pub fn remove(&mut self, tag: Tag) {
        self.elements.retain(|e| e.tag != tag);
    }

    /// Puts the elements into ascending order, in items too, as the standard asks.
    pub fn sort(&mut self) {
        self.elements.sort_by_key(|e| e.tag);
        for element in &mut self.elements {
            if let Value::Items(items) = &mut element.value {
                items.iter_mut().for_each(Self::sort);
            }
        }
    }

    /// The same elements in ascending order.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        self.sort();
        self
    }

    /// The bytes of the data set alone, without preamble and meta header.
    pub fn encode(&self, syntax: Syntax, lengths: Lengths) -> Vec<u8> {
        let mut out = Encoder {
            syntax,
            lengths,
            bytes: Vec::new(),
        };
        out.set(self);
        out.bytes
    }
}

/// A whole file: meta header facts and the data set.
#[derive(Debug, Clone, PartialEq)]
pub struct DicomFile {
    /// Encoding.
    pub syntax: Syntax,
    /// How sequence lengths are stated.
    pub lengths: Lengths,
    /// The data set; its SOP class and instance UIDs are repeated in the meta header.
    pub set: DataSet,
}

impl DicomFile {
    /// A file in Explicit VR Little Endian with defined lengths.
    pub fn new(set: DataSet) -> Self {
        Self {
            syntax: Syntax::ExplicitLittle,
            lengths: Lengths::Defined,
            set,
        }
    }

    /// Preamble, meta header and data set.
    pub fn to_bytes(&self) -> Vec<u8> {
        let class = self.set.text_of(tag::SOP_CLASS_UID).unwrap_or("1.2.840.10008.5.1.4.1.1.2");
        let instance = self.set.text_of(tag::SOP_INSTANCE_UID).unwrap_or("2.25.1");
        let mut bytes = meta_header(class, instance, self.syntax.uid());
        bytes.extend(self.set.encode(self.syntax, self.lengths));
        bytes
    }
}

/// Preamble, `DICM` and group 0002 for the given classes and transfer syntax UID.
pub fn meta_header(class: &str, instance: &str, syntax_uid: &str) -> Vec<u8> {
    let meta = DataSet::new()
        .with(Tag(0x0002, 0x0001), *b"OB", Value::Bytes(vec![0, 1]))
        .text(Tag(0x0002, 0x0002), class)
        .text(Tag(0x0002, 0x0003), instance)
        .text(Tag(0x0002, 0x0010), syntax_uid)
        .text(Tag(0x0002, 0x0012), "2.25.215462017389547139201472635170912461")
        .text(Tag(0x0002, 0x0013), "RT-TESTDATA-1");
    let body = meta.encode(Syntax::ExplicitLittle, Lengths::Defined);
    let length = DataSet::new().with(Tag(0x0002, 0x0000), *b"UL", Value::Longs(vec![count(body.len())]));
    let mut bytes = vec![0; 128];
    bytes.extend_from_slice(b"DICM");
    bytes.extend(length.encode(Syntax::ExplicitLittle, Lengths::Defined));
    bytes.extend(body);
    bytes
}

/// Shortest decimal text of at most 16 characters (PS3.5 6.2, DS); precision is given up only where the text would be longer.
pub fn decimal(x: f64) -> String {
    let shortest = format!("{x}");
    if shortest.len() <= 16 {
        return shortest;
    }
    (0..=14)
        .rev()
        .map(|digits| {
            if x.abs() < 1e-3 {
                format!("{x:.digits$e}")
            } else {
                format!("{x:.digits$}")
            }
        })
        .find(|text| text.len() <= 16)
        .unwrap_or_else(|| format!("{x:.8e}"))
}

/// Appends `x` with at most `decimals` digits after the point and no trailing zeros, as treatment planning systems write contours.
pub fn push_rounded(text: &mut String, x: f64, decimals: usize) {
    let start = text.len();
    // Writing to a String cannot fail.
    let _ = write!(text, "{x:.decimals$}");
    if decimals > 0 {
        let kept = text[start..].trim_end_matches('0').trim_end_matches('.').len();
        text.truncate(start + kept);
    }
    if &text[start..] == "-0" {
        text.replace_range(start.., "0");
    }
}

struct Encoder {
    syntax: Syntax,
    lengths: Lengths,
    bytes: Vec<u8>,
}

impl Encoder {
    fn set(&mut self, set: &DataSet) {
        set.elements.iter().for_each(|e| self.element(e));
    }

    fn element(&mut self, element: &Element) {
        self.word(element.tag.0);
        self.word(element.tag.1);
        match &element.value {
            Value::Items(items) => self.sequence(element.vr, items),
            Value::Bytes(bytes) => {
                self.header(element.vr, bytes.len() + bytes.len() % 2);
                self.bytes.extend_from_slice(bytes);
                if bytes.len() % 2 == 1 {
                    self.bytes.push(padding(element.vr));
                }
            }
            Value::Words(words) => {
                self.header(element.vr, words.len() * 2);
                for word in words {
                    self.word(*word);
                }
            }
            Value::Longs(longs) => {
                self.header(element.vr, longs.len() * 4);
                for long in longs {
                    self.long(*long);
                }
            }
            Value::Doubles(doubles) => {
                self.header(element.vr, doubles.len() * 8);
                for x in doubles {
                    let raw = if self.big() { x.to_be_bytes() } else { x.to_le_bytes() };
                    self.bytes.extend_from_slice(&raw);
                }
            }
        }
    }

    /// VR and length. A value too long for a 16-bit length is written as UN with a 32-bit one (PS3.5 6.2.2).
    fn header(&mut self, vr: [u8; 2], length: usize) {
        if self.syntax == Syntax::ImplicitLittle {
            return self.long(count(length));
        }
        match (has_long_form(vr), u16::try_from(length)) {
            (false, Ok(short)) => {
                self.bytes.extend_from_slice(&vr);
                self.word(short);
            }
            (long, _) => {
                self.bytes.extend_from_slice(if long { &vr } else { b"UN" });
                self.word(0);
                self.long(count(length));
            }
        }
    }

    fn sequence(&mut self, vr: [u8; 2], items: &[DataSet]) {
        if self.syntax != Syntax::ImplicitLittle {
            self.bytes.extend_from_slice(&vr);
            self.word(0);
        }
        self.enclosed(0xE0DD, |out| {
            for item in items {
                out.word(0xFFFE);
                out.word(0xE000);
                out.enclosed(0xE00D, |out| out.set(item));
            }
        });
    }

    /// A length, the content, and a delimiter of group FFFE where the length is undefined.
    fn enclosed(&mut self, delimiter: u16, content: impl FnOnce(&mut Self)) {
        let at = self.bytes.len();
        self.long(u32::MAX);
        content(self);
        match self.lengths {
            Lengths::Undefined => {
                self.word(0xFFFE);
                self.word(delimiter);
                self.long(0);
            }
            Lengths::Defined => {
                let length = count(self.bytes.len() - at - 4);
                let raw = if self.big() { length.to_be_bytes() } else { length.to_le_bytes() };
                self.bytes[at..at + 4].copy_from_slice(&raw);
            }
        }
    }

    fn big(&self) -> bool {
        self.syntax == Syntax::ExplicitBig
    }

    fn word(&mut self, x: u16) {
        let raw = if self.big() { x.to_be_bytes() } else { x.to_le_bytes() };
        self.bytes.extend_from_slice(&raw);
    }

    fn long(&mut self, x: u32) {
        let raw = if self.big() { x.to_be_bytes() } else { x.to_le_bytes() };
        self.bytes.extend_from_slice(&raw);
    }
}

fn has_long_form(vr: [u8; 2]) -> bool {
    matches!(
        &vr,
        b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"UC" | b"UN" | b"UR" | b"UT" | b"SV" | b"UV"
    )
}

fn padding(vr: [u8; 2]) -> u8 {
    match &vr {
        b"UI" | b"OB" | b"UN" => 0,
        _ => b' ',
    }
}

/// A length as DICOM stores it. Everything generated here is far below 4 GiB; a longer value would saturate and be noticed by any reader.
fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
