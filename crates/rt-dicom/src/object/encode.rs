//! A tree of elements as a DICOM file: explicit VR, little endian (PS3.5 7.1.2, PS3.10 7.1).

use std::io::{self, Write};

use dicom::core::{Tag, VR};
use dicom::dictionary_std::tags;

use super::tree::{DataSet, Value};
use crate::gate::is_long;

/// Explicit VR, little endian.
pub(crate) const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
/// Root of UIDs derived from a UUID (PS3.5 B.2); it names this implementation.
const IMPLEMENTATION: &str = "2.25.161803398874989484820458683436563811772";
/// Length of sequences and items that end with a delimiter.
const UNDEFINED: u32 = u32::MAX;

/// Writes a file with its preamble and meta header. Class and instance are those of the data set.
///
/// Text is written as it stands in the tree: its character set is that of the data set's `SpecificCharacterSet`.
///
/// # Errors
/// When the sink fails, or an element is longer than the format can say.
pub(crate) fn write_file(sink: &mut dyn Write, set: &DataSet, syntax: &str) -> io::Result<()> {
    let mut meta = DataSet::new();
    meta.raw(tags::FILE_META_INFORMATION_VERSION, VR::OB, &[0, 1])
        .ui(tags::MEDIA_STORAGE_SOP_CLASS_UID, &set.code(tags::SOP_CLASS_UID))
        .ui(tags::MEDIA_STORAGE_SOP_INSTANCE_UID, &set.code(tags::SOP_INSTANCE_UID))
        .ui(tags::TRANSFER_SYNTAX_UID, syntax)
        .ui(tags::IMPLEMENTATION_CLASS_UID, IMPLEMENTATION)
        .raw(tags::IMPLEMENTATION_VERSION_NAME, VR::SH, b"RTPIPELINE");
    let mut group = Vec::new();
    encode(&mut group, &meta)?;
    let mut head = DataSet::new();
    head.ul(tags::FILE_META_INFORMATION_GROUP_LENGTH, &[length(group.len())?]);
    let mut sink = io::BufWriter::with_capacity(1 << 16, sink);
    sink.write_all(&[0; 128])?;
    sink.write_all(b"DICM")?;
    encode(&mut sink, &head)?;
    sink.write_all(&group)?;
    encode(&mut sink, set)?;
    sink.flush()
}

/// The elements alone, without meta header.
///
/// # Errors
/// As [`write_file`].
pub(crate) fn encode(sink: &mut dyn Write, set: &DataSet) -> io::Result<()> {
    for (tag, vr, value) in set.iter() {
        match value {
            Value::Bytes(bytes) => element(sink, tag, vr, bytes)?,
            Value::Items(items) => {
                header(sink, tag, VR::SQ, UNDEFINED)?;
                for item in items {
                    mark(sink, 0xe000, UNDEFINED)?;
                    encode(sink, item)?;
                    mark(sink, 0xe00d, 0)?;
                }
                mark(sink, 0xe0dd, 0)?;
            }
            Value::Fragments(fragments) => {
                header(sink, tag, VR::OB, UNDEFINED)?;
                for fragment in fragments {
                    mark(sink, 0xe000, length(fragment.len().next_multiple_of(2))?)?;
                    sink.write_all(fragment)?;
                    if fragment.len() % 2 == 1 {
                        sink.write_all(&[0])?;
                    }
                }
                mark(sink, 0xe0dd, 0)?;
            }
        }
    }
    Ok(())
}

fn element(sink: &mut dyn Write, tag: Tag, vr: VR, bytes: &[u8]) -> io::Result<()> {
    let padded = bytes.len().next_multiple_of(2);
    // A value that its VR's short length cannot say is written as unlimited text, or as bytes of unknown kind (PS3.5 6.2.2).
    let vr = if !is_long(vr) && padded > usize::from(u16::MAX) {
        VR::UN
    } else {
        vr
    };
    header(sink, tag, vr, length(padded)?)?;
    sink.write_all(bytes)?;
    if bytes.len() % 2 == 1 {
        let pad = if matches!(vr, VR::UI | VR::OB | VR::OW | VR::UN) { 0 } else { b' ' };
        sink.write_all(&[pad])?;
    }
    Ok(())
}

fn header(sink: &mut dyn Write, tag: Tag, vr: VR, length: u32) -> io::Result<()> {
    put_tag(sink, tag)?;
    sink.write_all(vr.to_string().as_bytes())?;
    match u16::try_from(length) {
        Ok(short) if !is_long(vr) => sink.write_all(&short.to_le_bytes()),
        _ => {
            sink.write_all(&[0, 0])?;
            sink.write_all(&length.to_le_bytes())
        }
    }
}

/// An item or a delimiter.
fn mark(sink: &mut dyn Write, element: u16, length: u32) -> io::Result<()> {
    put_tag(sink, Tag(0xfffe, element))?;
    sink.write_all(&length.to_le_bytes())
}

fn put_tag(sink: &mut dyn Write, tag: Tag) -> io::Result<()> {
    sink.write_all(&tag.group().to_le_bytes())?;
    sink.write_all(&tag.element().to_le_bytes())
}

fn length(bytes: usize) -> io::Result<u32> {
    u32::try_from(bytes).ok().filter(|n| *n != UNDEFINED).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "a value of more than 4 GiB does not fit a DICOM element",
        )
    })
}
