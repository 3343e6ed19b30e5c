//! Collects wanted elements in canonical form: what the `dicom` crate is given to read.

use dicom::core::{Tag, VR};
use dicom::dictionary_std::tags;

use super::vr;
use super::walk::Sink;

/// How elements are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Encoding {
    /// No VR, little endian.
    ImplicitLittle,
    /// VR, little endian.
    #[default]
    ExplicitLittle,
    /// VR, big endian.
    ExplicitBig,
}

impl Encoding {
    /// The transfer syntax that reads it.
    pub(crate) fn uid(self) -> &'static str {
        match self {
            Self::ImplicitLittle => "1.2.840.10008.1.2",
            Self::ExplicitLittle => "1.2.840.10008.1.2.1",
            Self::ExplicitBig => "1.2.840.10008.1.2.2",
        }
    }

    pub(crate) fn is_big(self) -> bool {
        self == Self::ExplicitBig
    }

    pub(crate) fn u16(self, b: [u8; 2]) -> u16 {
        if self.is_big() {
            u16::from_be_bytes(b)
        } else {
            u16::from_le_bytes(b)
        }
    }

    pub(crate) fn u32(self, b: [u8; 4]) -> u32 {
        if self.is_big() {
            u32::from_be_bytes(b)
        } else {
            u32::from_le_bytes(b)
        }
    }
}

/// Which root elements are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Want {
    /// Those of a list, ascending.
    Tags(&'static [Tag]),
    /// All of the standard's, without pixels.
    Standard,
}

/// Writes what it is told into a buffer.
#[derive(Debug)]
pub(crate) struct Collector {
    want: Want,
    encoding: Encoding,
    buffer: Vec<u8>,
    charset: Vec<u8>,
    mark: usize,
}

impl Collector {
    /// Collects the wanted root elements with all that is in them.
    pub(crate) fn new(want: Want) -> Self {
        Self {
            want,
            encoding: Encoding::default(),
            buffer: Vec::new(),
            charset: Vec::new(),
            mark: 0,
        }
    }

    /// The buffer and the character set, leaving nothing behind.
    pub(crate) fn take(&mut self) -> (Vec<u8>, Vec<u8>) {
        (std::mem::take(&mut self.buffer), std::mem::take(&mut self.charset))
    }

    fn put16(&mut self, v: u16) {
        let bytes = if self.encoding.is_big() { v.to_be_bytes() } else { v.to_le_bytes() };
        self.buffer.extend_from_slice(&bytes);
    }

    fn put32(&mut self, v: u32) {
        let bytes = if self.encoding.is_big() { v.to_be_bytes() } else { v.to_le_bytes() };
        self.buffer.extend_from_slice(&bytes);
    }

    fn put_tag(&mut self, tag: Tag) {
        self.put16(tag.group());
        self.put16(tag.element());
    }

    fn put_delimiter(&mut self, element: u16, length: u32) {
        self.put_tag(Tag(0xfffe, element));
        self.put32(length);
    }

    /// Header of an element with a defined length; a VR with a 16-bit length that is too short for it gives way to a long one.
    fn put_header(&mut self, tag: Tag, vr: VR, length: u32) {
        self.put_tag(tag);
        if self.encoding == Encoding::ImplicitLittle {
            self.put32(length);
            return;
        }
        let short = u16::try_from(length).ok().filter(|_| !vr::is_long(vr));
        if let Some(length) = short {
            self.buffer.extend_from_slice(vr.to_string().as_bytes());
            self.put16(length);
        } else {
            let vr = match vr::width(vr) {
                _ if vr::is_long(vr) => vr,
                Some(_) => VR::UN,
                None => VR::UT,
            };
            self.buffer.extend_from_slice(vr.to_string().as_bytes());
            self.put16(0);
            self.put32(length);
        }
    }
}

impl AsMut<Self> for Collector {
    fn as_mut(&mut self) -> &mut Self {
        self
    }
}

impl Sink for Collector {
    fn begin(&mut self, encoding: Encoding) {
        self.encoding = encoding;
    }

    fn wants(&mut self, tag: Tag) -> bool {
        self.mark = self.buffer.len();
        tag == tags::SPECIFIC_CHARACTER_SET
            || match self.want {
                Want::Tags(list) => list.binary_search(&tag).is_ok(),
                Want::Standard => tag.group().is_multiple_of(2) && tag.group() >= 8 && tag.element() != 0,
            }
    }

    fn value(&mut self, depth: usize, tag: Tag, vr: VR, bytes: &[u8]) {
        if tag == tags::SPECIFIC_CHARACTER_SET {
            // Text is handed on byte for byte and decoded in `charset`: the reader must not see the character set.
            if depth == 0 {
                self.charset = bytes.to_vec();
            }
            return;
        }
        let odd = bytes.len() % 2 == 1;
        let Ok(length) = u32::try_from(bytes.len() + usize::from(odd)) else {
            return;
        };
        self.put_header(tag, vr, length);
        self.buffer.extend_from_slice(bytes);
        if odd {
            let text = !matches!(vr, VR::UI | VR::OB | VR::OW | VR::UN);
            self.buffer.push(if text { b' ' } else { 0 });
        }
    }

    fn begin_sequence(&mut self, _depth: usize, tag: Tag) {
        self.put_tag(tag);
        if self.encoding != Encoding::ImplicitLittle {
            self.buffer.extend_from_slice(b"SQ\0\0");
        }
        self.put32(u32::MAX);
    }

    fn begin_item(&mut self, _depth: usize) {
        self.put_delimiter(0xe000, u32::MAX);
    }

    fn end_item(&mut self, _depth: usize) {
        self.put_delimiter(0xe00d, 0);
    }

    fn end_sequence(&mut self, _depth: usize, _tag: Tag) {
        self.put_delimiter(0xe0dd, 0);
    }

    fn discard(&mut self) {
        self.buffer.truncate(self.mark);
    }
}
