//! A whole file as a tree: every element, standard and private, and the pixels as stored.

use std::path::Path;

use dicom::core::{Tag, VR};
use dicom::dictionary_std::tags;

use super::tree::{DataSet, Value};
use crate::charset::Charset;
use crate::gate::{self, Collector, Encoding, Gated, Limits, Sink, Want, vr_of_sign};
use crate::open::{OpenError, refuse_cut};
use crate::pixels::{PixelError, StoredPixels, stored_pixels};

/// A file that was read whole.
#[derive(Debug)]
pub(crate) struct Whole {
    /// Its elements, little endian; the pixels among them.
    pub(crate) set: DataSet,
    /// Its character sets.
    pub(crate) charset: Charset,
    /// Transfer syntax to write it with: its own when the pixels are compressed, else explicit VR little endian.
    pub(crate) syntax: String,
    /// What the gate had to tolerate.
    pub(crate) gated: Gated,
}

/// Why a file cannot be read whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WholeError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("its pixels cannot be read: {0}")]
    Pixels(#[from] PixelError),
}

impl WholeError {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Open(e) => e.code(),
            Self::Pixels(e) => e.code(),
        }
    }
}

/// Reads every element of a file.
///
/// # Errors
/// [`WholeError`] when it is no DICOM file, cut, or its pixels are not there.
pub(crate) fn read_whole(path: &Path) -> Result<Whole, WholeError> {
    // Nothing is left out for its size: what is not read could not be cleaned.
    let limits = Limits {
        max_value_bytes: u64::from(u32::MAX),
        ..Limits::default()
    };
    let mut sink = TreeSink::default();
    let gated = gate::open_with(path, &limits, &mut sink).map_err(|source| OpenError::Gate {
        path: path.to_path_buf(),
        source,
    })?;
    refuse_cut(path, &gated)?;
    let charset = Charset::of(&gated.charset);
    let mut set = sink.root;
    if set.code(tags::PIXEL_REPRESENTATION) == "\u{1}" {
        signed(&mut set);
    }
    let mut syntax = super::EXPLICIT_LITTLE.to_owned();
    if let Some(span) = &gated.pixels {
        let bits = set.bytes(tags::BITS_ALLOCATED).and_then(|b| b.first().copied()).unwrap_or(16);
        match stored_pixels(path, &gated)? {
            StoredPixels::Native(bytes) => {
                let (vr, width) = match (span.tag, bits) {
                    (tags::FLOAT_PIXEL_DATA, _) => (VR::OF, 4),
                    (tags::DOUBLE_FLOAT_PIXEL_DATA, _) => (VR::OD, 8),
                    (_, 0..=8) => (VR::OB, 1),
                    (_, 32) => (VR::OW, 4),
                    _ => (VR::OW, 2),
                };
                let bytes = if gated.encoding.is_big() { swapped(bytes, width) } else { bytes };
                set.set(span.tag, vr, Value::Bytes(bytes));
            }
            StoredPixels::Encapsulated(fragments) => {
                syntax.clone_from(&gated.syntax);
                set.set(span.tag, VR::OB, Value::Fragments(fragments));
            }
        }
    }
    Ok(Whole {
        set,
        charset,
        syntax,
        gated,
    })
}

/// Where the dictionary leaves the sign open, it is that of the pixels.
fn signed(set: &mut DataSet) {
    set.retype(|tag, vr| if vr == VR::US && vr_of_sign(tag) { VR::SS } else { vr });
}

fn swapped(mut bytes: Vec<u8>, width: usize) -> Vec<u8> {
    if width > 1 {
        bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    }
    bytes
}

/// Builds the tree while the gate walks.
#[derive(Debug)]
struct TreeSink {
    encoding: Encoding,
    root: DataSet,
    /// Open sequences: their tags and finished items.
    sequences: Vec<(Tag, Vec<DataSet>)>,
    /// Open items.
    items: Vec<DataSet>,
    last: Option<Tag>,
    collector: Collector,
}

impl Default for TreeSink {
    fn default() -> Self {
        Self {
            encoding: Encoding::default(),
            root: DataSet::new(),
            sequences: Vec::new(),
            items: Vec::new(),
            last: None,
            collector: Collector::new(Want::Tags(&[])),
        }
    }
}

impl TreeSink {
    fn level(&mut self) -> &mut DataSet {
        self.items.last_mut().unwrap_or(&mut self.root)
    }
}

impl AsMut<Collector> for TreeSink {
    fn as_mut(&mut self) -> &mut Collector {
        &mut self.collector
    }
}

impl Sink for TreeSink {
    fn begin(&mut self, encoding: Encoding) {
        self.encoding = encoding;
        self.collector.begin(encoding);
    }

    fn wants(&mut self, tag: Tag) -> bool {
        self.last = Some(tag);
        self.sequences.clear();
        self.items.clear();
        // Group lengths are retired and would be wrong.
        tag.element() != 0 && tag.group() >= 8
    }

    fn value(&mut self, depth: usize, tag: Tag, vr: VR, bytes: &[u8]) {
        if tag == tags::SPECIFIC_CHARACTER_SET && depth == 0 {
            self.collector.value(depth, tag, vr, bytes);
        }
        if tag.element() == 0 {
            return;
        }
        let width = match vr {
            VR::US | VR::SS | VR::OW | VR::AT => 2,
            VR::UL | VR::SL | VR::FL | VR::OF | VR::OL => 4,
            VR::FD | VR::OD | VR::OV | VR::SV | VR::UV => 8,
            _ => 1,
        };
        let bytes = bytes.to_vec();
        let bytes = if self.encoding.is_big() { swapped(bytes, width) } else { bytes };
        self.level().set(tag, vr, Value::Bytes(bytes));
    }

    fn begin_sequence(&mut self, _depth: usize, tag: Tag) {
        self.sequences.push((tag, Vec::new()));
    }

    fn begin_item(&mut self, _depth: usize) {
        self.items.push(DataSet::new());
    }

    fn end_item(&mut self, _depth: usize) {
        if let (Some(item), Some((_, items))) = (self.items.pop(), self.sequences.last_mut()) {
            items.push(item);
        }
    }

    fn end_sequence(&mut self, _depth: usize, _tag: Tag) {
        if let Some((tag, items)) = self.sequences.pop() {
            self.level().set(tag, VR::SQ, Value::Items(items));
        }
    }

    fn discard(&mut self) {
        self.sequences.clear();
        self.items.clear();
        if let Some(tag) = self.last {
            self.root.remove(tag);
        }
    }
}
