//! The walk over element headers: iterative, one window of memory, every length checked before it is followed.

use std::collections::HashSet;

use dicom::core::{Tag, VR};

use super::collect::Encoding;
use super::meta::Meta;
use super::source::Source;
use super::{Finding, GateError, Limits, Tolerance, le16, le32, reject};

/// Length field of an element, item or sequence that ends with a delimiter.
pub(super) const UNDEFINED: u32 = u32::MAX;
/// Group of items and delimiters.
pub(super) const DELIMITERS: u16 = 0xfffe;

/// Hears what the walk meets. Values and sequences are reported only below root elements that it wants.
pub(crate) trait Sink {
    /// The encoding is known; called once, first.
    fn begin(&mut self, encoding: Encoding);
    /// A root element begins: is it wanted?
    fn wants(&mut self, tag: Tag) -> bool;
    /// A value; `depth` counts the open items.
    fn value(&mut self, depth: usize, tag: Tag, vr: VR, bytes: &[u8]);
    /// A sequence opens in the data set of this depth.
    fn begin_sequence(&mut self, depth: usize, tag: Tag);
    /// An item opens.
    fn begin_item(&mut self, depth: usize);
    /// The item closes.
    fn end_item(&mut self, depth: usize);
    /// The sequence closes.
    fn end_sequence(&mut self, depth: usize, tag: Tag);
    /// The root element begun last is broken: forget it.
    fn discard(&mut self);
}

/// One fragment of encapsulated pixel data: offset and length in the file.
pub(crate) type Fragment = (u64, u32);

/// Where the pixels of a file lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PixelSpan {
    /// `PixelData`, `FloatPixelData` or `DoubleFloatPixelData`.
    pub(crate) tag: Tag,
    /// First byte of the value.
    pub(crate) offset: u64,
    /// Length as declared; `None` when encapsulated.
    pub(crate) declared: Option<u64>,
    /// Bytes there.
    pub(crate) have: u64,
    /// Offset table and fragments when encapsulated, the offset table first.
    pub(crate) fragments: Vec<Fragment>,
}

/// What is missing at the end of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Truncation {
    /// Bytes declared by the cut element.
    pub(crate) declared: u64,
    /// Bytes there.
    pub(crate) have: u64,
    /// The cut element is the pixel data: the header is whole.
    pub(crate) in_pixels: bool,
}

/// What the walk found.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) findings: Vec<Finding>,
    pub(crate) encoding: Encoding,
    pub(crate) pixels: Option<PixelSpan>,
    pub(crate) content_end: u64,
    pub(crate) truncation: Option<Truncation>,
    pub(super) whole: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sequence(Tag),
    Item,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    /// Ends by its own length, not by a delimiter.
    pub(super) sized: bool,
    /// First byte that is not in it.
    pub(super) limit: u64,
    /// Some length around it is explicit: running over `limit` is a wrong length, not a cut file.
    pub(super) bounded: bool,
    /// Its elements have no VR.
    pub(super) implicit: bool,
}

/// The first bytes of a token, copied out of the window.
struct Head {
    bytes: [u8; 12],
    n: usize,
}

impl Head {
    fn of(from: &[u8]) -> Self {
        let mut bytes = [0; 12];
        let n = from.len().min(12);
        bytes.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        Self { bytes, n }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.n).unwrap_or_default()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Go,
    Stop,
}

pub(super) struct Walker<'w, 's, S> {
    pub(super) source: &'w mut Source<'s>,
    pub(super) sink: &'w mut S,
    pub(super) limits: &'w Limits,
    pub(super) out: Outcome,
    pub(super) stack: Vec<Frame>,
    pub(super) pos: u64,
    pub(super) end: u64,
    pub(super) elements: u64,
    pub(super) last_root: Option<Tag>,
    pub(super) seen: HashSet<Tag>,
    pub(super) live: bool,
}

/// Walks the data set that begins after `meta` and tells `sink` what it wants to hear.
///
/// # Errors
/// [`GateError`] when the file cannot be read safely.
pub(crate) fn walk<S: Sink>(source: &mut Source<'_>, meta: &Meta, limits: &Limits, sink: &mut S) -> Result<Outcome, GateError> {
    let end = source.len().unwrap_or(u64::MAX);
    let pos = if meta.deflated { 0 } else { meta.content_start };
    let mut walker = Walker {
        source,
        sink,
        limits,
        out: Outcome {
            findings: meta.findings.clone(),
            ..Outcome::default()
        },
        stack: Vec::new(),
        pos,
        end,
        elements: 0,
        last_root: None,
        seen: HashSet::new(),
        live: false,
    };
    walker.run(meta)?;
    Ok(walker.out)
}

impl<S: Sink> Walker<'_, '_, S> {
    fn run(&mut self, meta: &Meta) -> Result<(), GateError> {
        let start = self.pos;
        let encoding = self.decide_encoding(meta)?;
        self.out.encoding = encoding;
        self.sink.begin(encoding);
        while self.step()? == Flow::Go {}
        if let Some(cut) = self.out.truncation.clone().filter(|_| self.out.whole == 0) {
            let detail = format!("file is cut: {} bytes declared, {} there", cut.declared, cut.have);
            return reject("dicom.truncated", self.pos, None, detail);
        }
        if self.out.whole == 0 && self.pos == start && start == self.end {
            self.note(Tolerance::Empty, None, String::new());
        }
        Ok(())
    }

    /// The encoding of the data set: what the transfer syntax says unless the bytes say otherwise.
    fn decide_encoding(&mut self, meta: &Meta) -> Result<Encoding, GateError> {
        let declared = match meta.syntax.as_str() {
            "1.2.840.10008.1.2" | "1.2.840.113619.5.2" => Encoding::ImplicitLittle,
            "1.2.840.10008.1.2.2" => Encoding::ExplicitBig,
            _ => Encoding::ExplicitLittle,
        };
        let head = self.source.peek(self.pos, 12)?;
        let (Some(group), Some(length)) = (le16(head, 0), le32(head, 4)) else {
            return Ok(declared);
        };
        let has_vr = head.get(4..6).and_then(|b| b.try_into().ok()).and_then(VR::from_binary).is_some();
        let left = self.end.saturating_sub(self.pos + 8);
        let swapped = group == 0x0800 || declared == Encoding::ExplicitBig && !matches!(group, 8 | 0x10 | 0x20 | 0x28);
        let found = if group == DELIMITERS {
            declared
        } else if has_vr {
            if swapped { Encoding::ExplicitBig } else { Encoding::ExplicitLittle }
        } else if length == UNDEFINED || u64::from(length) <= left {
            Encoding::ImplicitLittle
        } else {
            declared
        };
        if found != declared && !meta.syntax.is_empty() {
            let detail = format!("declared={};found={}", meta.syntax, found.uid());
            self.note(Tolerance::SyntaxMismatch, None, detail);
        }
        Ok(found)
    }

    pub(super) fn note(&mut self, tolerance: Tolerance, tag: Option<Tag>, detail: String) {
        if !self.out.findings.iter().any(|f| f.tolerance == tolerance) {
            self.out.findings.push(Finding {
                tolerance,
                offset: self.pos,
                tag: tag.map(|t| (t.group(), t.element())),
                detail,
            });
        }
    }

    /// Open items around the position.
    pub(super) fn depth(&self) -> usize {
        self.stack.iter().filter(|f| f.kind == Kind::Item).count()
    }

    pub(super) fn limit(&self) -> u64 {
        self.stack.last().map_or(self.end, |f| f.limit)
    }

    pub(super) fn is_bounded(&self) -> bool {
        self.stack.last().is_some_and(|f| f.bounded)
    }

    pub(super) fn is_implicit(&self) -> bool {
        self.stack
            .last()
            .map_or(self.out.encoding == Encoding::ImplicitLittle, |f| f.implicit)
    }

    fn big(&self) -> Encoding {
        if self.is_implicit() {
            Encoding::ImplicitLittle
        } else {
            self.out.encoding
        }
    }

    /// One token: an item, a delimiter or an element.
    fn step(&mut self) -> Result<Flow, GateError> {
        while self.stack.last().is_some_and(|f| self.pos >= f.limit) {
            if self.stack.last().is_some_and(|f| !f.sized) {
                self.note(Tolerance::Delimiter, None, "missing at the end".to_owned());
            }
            self.pop();
        }
        let limit = self.limit();
        let n = usize::try_from(limit.saturating_sub(self.pos)).unwrap_or(usize::MAX).min(12);
        let head = Head::of(self.source.peek(self.pos, n)?);
        let head = head.bytes();
        if head.is_empty() {
            // The end of the file, or of a stream that did not say where it ends.
            self.end = self.end.min(self.pos);
            if self.stack.is_empty() {
                self.out.content_end = self.pos;
                return Ok(Flow::Stop);
            }
            for frame in &mut self.stack {
                frame.limit = frame.limit.min(self.pos);
            }
            return Ok(Flow::Go);
        }
        let (Some(group), Some(element)) = (self.read16(head, 0), self.read16(head, 2)) else {
            return Ok(self.leftover(head.len() as u64, head));
        };
        if head.len() < 8 {
            return Ok(self.leftover(head.len() as u64, head));
        }
        let tag = Tag(group, element);
        if group == DELIMITERS {
            return self.delimiter(tag, self.read32(head, 4).unwrap_or(0));
        }
        if let Some(Frame {
            kind: Kind::Sequence(_),
            sized,
            limit,
            ..
        }) = self.stack.last().copied()
        {
            // An element where an item should begin: the sequence has ended without saying so, or its length is wrong.
            self.note(
                if sized { Tolerance::ItemLength } else { Tolerance::Delimiter },
                Some(tag),
                String::new(),
            );
            if sized {
                self.pos = limit;
            }
            self.pop();
            return Ok(Flow::Go);
        }
        if tag == Tag(0xfffc, 0xfffc) && self.stack.is_empty() {
            self.out.content_end = self.pos;
            return Ok(Flow::Stop);
        }
        if self.stack.is_empty() && self.is_no_element(tag, head) {
            self.note(Tolerance::Trailing, Some(tag), String::new());
            self.out.content_end = self.pos;
            return Ok(Flow::Stop);
        }
        match self.header(tag, head)? {
            Some(header) => self.element(header),
            None => Ok(self.leftover(head.len() as u64, head)),
        }
    }

    pub(super) fn read16(&self, bytes: &[u8], at: usize) -> Option<u16> {
        Some(self.big().u16(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
    }

    pub(super) fn read32(&self, bytes: &[u8], at: usize) -> Option<u32> {
        Some(self.big().u32(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
    }

    /// After the last element of the root: no rising tag, and no VR where there should be one.
    fn is_no_element(&self, tag: Tag, head: &[u8]) -> bool {
        let has_vr = head.get(4..6).and_then(|b| b.try_into().ok()).and_then(VR::from_binary).is_some();
        self.last_root.is_some_and(|last| tag <= last) && !has_vr && !self.is_implicit()
    }

    /// Fewer bytes than a header needs before the limit.
    pub(super) fn leftover(&mut self, left: u64, head: &[u8]) -> Flow {
        if self.is_bounded() {
            self.note(Tolerance::ItemLength, None, format!("left={left}"));
            self.pos = self.limit();
            return Flow::Go;
        }
        let rises = le16(head, 0)
            .zip(le16(head, 2))
            .is_some_and(|(g, e)| self.last_root.is_some_and(|l| Tag(g, e) > l));
        if self.stack.is_empty() && !rises {
            self.note(Tolerance::Trailing, None, format!("bytes={left}"));
            self.out.content_end = self.pos;
            return Flow::Stop;
        }
        self.cut(8, left, None)
    }

    /// The file ends inside an element.
    pub(super) fn cut(&mut self, declared: u64, have: u64, tag: Option<Tag>) -> Flow {
        self.note(Tolerance::Truncated, tag, format!("declared={declared};have={have}"));
        self.out.truncation = Some(Truncation {
            declared,
            have,
            in_pixels: false,
        });
        if self.live {
            self.sink.discard();
        }
        self.out.content_end = self.pos.saturating_add(have);
        Flow::Stop
    }

    fn delimiter(&mut self, tag: Tag, length: u32) -> Result<Flow, GateError> {
        let top = self.stack.last().copied();
        match (tag.element(), top.map(|f| (f.kind, f.sized))) {
            (0xe000, Some((Kind::Sequence(_), _))) => return self.begin_item(length),
            (0xe00d, Some((Kind::Item, false))) | (0xe0dd, Some((Kind::Sequence(_), false))) => {
                self.pos += 8;
                self.pop();
            }
            (0xe000 | 0xe0dd, Some((Kind::Item, false))) => {
                self.note(Tolerance::Delimiter, Some(tag), "item delimiter missing".to_owned());
                self.pop();
            }
            (element, _) => {
                self.note(Tolerance::Delimiter, Some(tag), "stray".to_owned());
                let content = if element == 0xe000 && length != UNDEFINED {
                    u64::from(length)
                } else {
                    0
                };
                let after = self.pos + 8 + content;
                self.pos = if after <= self.limit() { after } else { self.pos + 8 };
            }
        }
        Ok(Flow::Go)
    }

    fn begin_item(&mut self, length: u32) -> Result<Flow, GateError> {
        self.count()?;
        let start = self.pos + 8;
        let parent = self.limit();
        let bounded = self.is_bounded();
        let mut limit = parent;
        if length != UNDEFINED {
            limit = start.saturating_add(u64::from(length));
            if limit > parent {
                if !bounded {
                    return Ok(self.cut(u64::from(length), parent.saturating_sub(start), None));
                }
                self.note(
                    Tolerance::ItemLength,
                    None,
                    format!("declared={length};left={}", parent.saturating_sub(start)),
                );
                limit = parent;
            }
        }
        self.pos = start;
        let implicit = self.is_implicit() || self.item_lost_its_vr(limit)?;
        self.stack.push(Frame {
            kind: Kind::Item,
            sized: length != UNDEFINED,
            limit,
            bounded: bounded || length != UNDEFINED,
            implicit,
        });
        if self.live {
            self.sink.begin_item(self.depth());
        }
        Ok(Flow::Go)
    }

    /// Some writers put items without VR into an explicit file: the first element of the item tells.
    fn item_lost_its_vr(&mut self, limit: u64) -> Result<bool, GateError> {
        let head = self.source.peek(self.pos, 8)?;
        let (Some(group), Some(length)) = (le16(head, 0), le32(head, 4)) else {
            return Ok(false);
        };
        let has_vr = head.get(4..6).and_then(|b| b.try_into().ok()).and_then(VR::from_binary).is_some();
        let fits = length == UNDEFINED || self.pos + 8 + u64::from(length) <= limit;
        let lost = self.out.encoding == Encoding::ExplicitLittle && group != DELIMITERS && !has_vr && fits && self.pos + 8 <= limit;
        if lost {
            self.note(Tolerance::SyntaxMismatch, None, "item without VR".to_owned());
        }
        Ok(lost)
    }

    fn pop(&mut self) {
        let depth = self.depth();
        if let Some(frame) = self.stack.pop() {
            match frame.kind {
                Kind::Item if self.live => self.sink.end_item(depth),
                Kind::Sequence(tag) if self.live => self.sink.end_sequence(depth, tag),
                Kind::Item | Kind::Sequence(_) => {}
            }
            if self.stack.is_empty() {
                self.out.whole += 1;
            }
        }
    }

    pub(super) fn count(&mut self) -> Result<(), GateError> {
        self.elements += 1;
        if self.elements > self.limits.max_elements {
            let detail = format!(
                "more than {} elements; raise limits.max_elements if that is right",
                self.limits.max_elements
            );
            return reject("dicom.elements", self.pos, None, detail);
        }
        Ok(())
    }
}
