//! One element of the walk: its header, its place in the data set, its value or its pixels.

use dicom::core::{Tag, VR};
use dicom::dictionary_std::tags;

use super::walk::{DELIMITERS, Flow, Fragment, Frame, Kind, PixelSpan, Sink, Truncation, UNDEFINED, Walker};
use super::{GateError, Tolerance, le16, le32, reject, vr};

/// Root tags remembered to find elements that come twice.
const MAX_SEEN: usize = 65_536;

#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    tag: Tag,
    vr: VR,
    length: u32,
    size: u64,
}

impl Header {
    fn defined(&self) -> Option<u64> {
        (self.length != UNDEFINED).then(|| u64::from(self.length))
    }
}

impl<S: Sink> Walker<'_, '_, S> {
    /// The header of an element whose first bytes are `head`; `None` when it does not fit before the limit.
    pub(super) fn header(&mut self, tag: Tag, head: &[u8]) -> Result<Option<Header>, GateError> {
        if self.is_implicit() {
            return Ok(le32(head, 4).map(|length| Header {
                tag,
                vr: vr::resolve(tag),
                length,
                size: 8,
            }));
        }
        let Some(vr) = head.get(4..6).and_then(|b| b.try_into().ok()).and_then(VR::from_binary) else {
            return self.header_without_vr(tag, head).map(Some);
        };
        if vr::is_long(vr) {
            return Ok(self.read32(head, 8).map(|length| Header { tag, vr, length, size: 12 }));
        }
        let length = u32::from(self.read16(head, 6).unwrap_or(0));
        if tag == tags::CONTOUR_DATA && length == 0 {
            // Seen in the wild: more than 64 kB of DS written with the long form of the header.
            let long = self.read32(head, 8).unwrap_or(0);
            let end = self.pos + 12 + u64::from(long);
            if long > 0xffff && end <= self.limit() {
                self.note(Tolerance::Vr, Some(tag), "DS with a 32-bit length".to_owned());
                return Ok(Some(Header {
                    tag,
                    vr,
                    length: long,
                    size: 12,
                }));
            }
        }
        Ok(Some(Header { tag, vr, length, size: 8 }))
    }

    /// Two bytes that are no VR: the form whose end is followed by another element is taken.
    fn header_without_vr(&mut self, tag: Tag, head: &[u8]) -> Result<Header, GateError> {
        let vr = vr::resolve(tag);
        let forms = [
            (8_u64, self.read16(head, 6).map(u32::from)),
            (12, self.read32(head, 8)),
            (8, self.read32(head, 4)),
        ];
        for (size, length) in forms {
            let Some(length) = length else { continue };
            let end = self.pos + size + u64::from(length);
            if length != UNDEFINED && self.is_plausible_next(tag, end)? {
                self.note(Tolerance::Vr, Some(tag), "unknown".to_owned());
                return Ok(Header { tag, vr, length, size });
            }
        }
        reject(
            "dicom.vr",
            self.pos,
            Some(tag),
            "unknown value representation, and no length fits".to_owned(),
        )
    }

    fn is_plausible_next(&mut self, tag: Tag, at: u64) -> Result<bool, GateError> {
        if at >= self.limit() {
            return Ok(at == self.limit());
        }
        let head: Vec<u8> = self.source.peek(at, 8)?.to_vec();
        let (Some(group), Some(element)) = (self.read16(&head, 0), self.read16(&head, 2)) else {
            return Ok(false);
        };
        let has_vr = head.get(4..6).and_then(|b| b.try_into().ok()).and_then(VR::from_binary).is_some();
        Ok(group == DELIMITERS || Tag(group, element) > tag && has_vr)
    }

    pub(super) fn element(&mut self, h: Header) -> Result<Flow, GateError> {
        self.count()?;
        let value = self.pos + h.size;
        if self.stack.is_empty() && self.enter_root(&h) == Flow::Stop {
            return Ok(Flow::Stop);
        }
        let is_pixels = matches!(h.tag, tags::PIXEL_DATA | tags::FLOAT_PIXEL_DATA | tags::DOUBLE_FLOAT_PIXEL_DATA);
        let Some(length) = h.defined() else {
            return if is_pixels && h.vr != VR::SQ {
                self.fragments(&h)
            } else {
                self.undefined(&h)
            };
        };
        let end = value.saturating_add(length);
        if is_pixels && self.stack.is_empty() {
            return Ok(self.native_pixels(&h, value, length));
        }
        if end > self.limit() {
            if self.is_bounded() {
                self.note(
                    Tolerance::ItemLength,
                    Some(h.tag),
                    format!("declared={length};left={}", self.limit().saturating_sub(value)),
                );
                self.pos = self.limit();
                return Ok(Flow::Go);
            }
            return Ok(self.cut(length, self.limit().saturating_sub(value), Some(h.tag)));
        }
        if h.vr == VR::SQ || h.vr == VR::UN && vr::is_sequence(h.tag) {
            let implicit = h.vr == VR::UN || self.is_implicit();
            return self.begin_sequence(&h, Some(end), implicit);
        }
        if self.plain(&h, value, length)? == Flow::Stop {
            return Ok(Flow::Stop);
        }
        self.pos = end;
        if self.stack.is_empty() {
            self.out.whole += 1;
        }
        Ok(Flow::Go)
    }

    /// Order and repetition of root elements; what cannot be one ends the data set.
    fn enter_root(&mut self, h: &Header) -> Flow {
        let falls = self.last_root.is_some_and(|last| h.tag <= last);
        let runs_over = h.defined().is_some_and(|n| self.pos + h.size + n > self.end);
        if falls && (h.tag == Tag(0, 0) || runs_over) {
            self.note(
                Tolerance::Trailing,
                Some(h.tag),
                format!("bytes={}", self.end.saturating_sub(self.pos)),
            );
            self.out.content_end = self.pos;
            return Flow::Stop;
        }
        if self.seen.len() < MAX_SEEN && !self.seen.insert(h.tag) {
            self.note(Tolerance::DuplicateElement, Some(h.tag), String::new());
        }
        self.last_root = Some(self.last_root.map_or(h.tag, |last| last.max(h.tag)));
        self.live = self.sink.wants(h.tag);
        Flow::Go
    }

    fn undefined(&mut self, h: &Header) -> Result<Flow, GateError> {
        match h.vr {
            VR::SQ => self.begin_sequence(h, None, self.is_implicit()),
            // PS3.5 6.2.2: a UN of undefined length is a sequence without VRs.
            VR::UN => self.begin_sequence(h, None, true),
            _ => {
                let detail = format!("{} of undefined length", h.vr.to_string());
                reject("dicom.illegal_undefined_length", self.pos, Some(h.tag), detail)
            }
        }
    }

    fn begin_sequence(&mut self, h: &Header, end: Option<u64>, implicit: bool) -> Result<Flow, GateError> {
        let open = self.stack.iter().filter(|f| f.kind != Kind::Item).count();
        if open >= self.limits.max_depth {
            let detail = format!("more than {} sequences inside one another", self.limits.max_depth);
            return reject("dicom.depth", self.pos, Some(h.tag), detail);
        }
        if h.vr == VR::UN && end.is_some() {
            self.note(Tolerance::Vr, Some(h.tag), "UN for a sequence".to_owned());
        }
        if self.live {
            self.sink.begin_sequence(self.depth(), h.tag);
        }
        self.stack.push(Frame {
            kind: Kind::Sequence(h.tag),
            sized: end.is_some(),
            limit: end.unwrap_or_else(|| self.limit()),
            bounded: end.is_some() || self.is_bounded(),
            implicit,
        });
        self.pos += h.size;
        Ok(Flow::Go)
    }

    fn plain(&mut self, h: &Header, value: u64, length: u64) -> Result<Flow, GateError> {
        let explicit = !self.is_implicit();
        if explicit && !vr::agrees(h.tag, h.vr) {
            self.note(Tolerance::Vr, Some(h.tag), format!("found={}", h.vr.to_string()));
        }
        let vr = if h.vr == VR::UN { vr::resolve(h.tag) } else { h.vr };
        if vr::width(vr).is_some_and(|w| !length.is_multiple_of(u64::from(w))) {
            self.note(Tolerance::Vr, Some(h.tag), format!("{} of {length} bytes", vr.to_string()));
            return Ok(Flow::Go);
        }
        if length % 2 == 1 {
            self.note(Tolerance::OddLength, Some(h.tag), format!("length={length}"));
        }
        if !self.live {
            return Ok(Flow::Go);
        }
        if length > self.limits.max_value_bytes {
            self.note(Tolerance::ValueCap, Some(h.tag), format!("length={length}"));
            return Ok(Flow::Go);
        }
        let n = usize::try_from(length).unwrap_or(usize::MAX);
        let depth = self.depth();
        let bytes = self.source.peek(value, n)?;
        if bytes.len() == n {
            self.sink.value(depth, h.tag, vr, bytes);
            return Ok(Flow::Go);
        }
        // Only a stream can end here: its length was unknown.
        let have = bytes.len() as u64;
        Ok(self.cut(length, have, Some(h.tag)))
    }

    fn native_pixels(&mut self, h: &Header, value: u64, length: u64) -> Flow {
        let have = length.min(self.end.saturating_sub(value));
        self.out.pixels = Some(PixelSpan {
            tag: h.tag,
            offset: value,
            declared: Some(length),
            have,
            fragments: Vec::new(),
        });
        if self.source.len().is_none() {
            // A deflated stream: what follows would have to be inflated.
            self.out.whole += 1;
            return Flow::Stop;
        }
        if have < length {
            self.note(Tolerance::Truncated, Some(h.tag), format!("declared={length};have={have}"));
            self.out.truncation = Some(Truncation {
                declared: length,
                have,
                in_pixels: true,
            });
            self.out.content_end = self.end;
            return Flow::Stop;
        }
        if length % 2 == 1 {
            self.note(Tolerance::OddLength, Some(h.tag), format!("length={length}"));
        }
        self.pos = value + length;
        self.out.whole += 1;
        Flow::Go
    }

    /// Encapsulated pixel data (PS3.5 A.4): an offset table, then fragments, then a delimiter.
    fn fragments(&mut self, h: &Header) -> Result<Flow, GateError> {
        let offset = self.pos + h.size;
        let root = self.stack.is_empty();
        let mut list: Vec<Fragment> = Vec::new();
        let mut at = offset;
        let mut missing = None;
        loop {
            let head = self.source.peek(at, 8)?;
            let (Some(group), Some(element), Some(length)) = (le16(head, 0), le16(head, 2), le32(head, 4)) else {
                missing = Some((8, head.len() as u64));
                break;
            };
            if (group, element) == (DELIMITERS, 0xe0dd) {
                at += 8;
                break;
            }
            if (group, element) != (DELIMITERS, 0xe000) || length == UNDEFINED {
                self.note(Tolerance::Delimiter, Some(h.tag), "fragment list without delimiter".to_owned());
                break;
            }
            self.count()?;
            let end = at + 8 + u64::from(length);
            if end > self.end {
                missing = Some((u64::from(length), self.end.saturating_sub(at + 8)));
                break;
            }
            if root {
                list.push((at + 8, length));
            }
            at = end;
        }
        if root {
            self.out.pixels = Some(PixelSpan {
                tag: h.tag,
                offset,
                declared: None,
                have: at.saturating_sub(offset),
                fragments: list,
            });
        }
        self.pos = at;
        if let Some((declared, have)) = missing {
            self.note(Tolerance::Truncated, Some(h.tag), format!("declared={declared};have={have}"));
            self.out.truncation = Some(Truncation {
                declared,
                have,
                in_pixels: root,
            });
            self.out.content_end = at.saturating_add(have);
            return Ok(Flow::Stop);
        }
        if root {
            self.out.whole += 1;
        }
        Ok(Flow::Go)
    }
}
