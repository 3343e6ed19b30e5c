//! Faults of the encoding: what is no DICOM, how a file begins and ends, lengths, sequences, transfer syntaxes (`spec/reliability.md` 3.2).

use super::{BrokenFile, Fate, body, file, inserted, meta, position, raw, raw_long, replaced, slice, with_body};
use crate::dicom::{DataSet, Lengths, Syntax, Tag, meta_header, tag};
use crate::objects::Kind;
use crate::seed::Seed;

/// A sequence of no use to anybody, for nesting: `ReferencedImageSequence`.
const SEQUENCE: Tag = Tag(0x0008, 0x1140);
/// A text element below it in order: `ImageComments` comes after all geometry.
const COMMENTS: Tag = Tag(0x0020, 0x4000);

pub(super) fn all() -> Vec<BrokenFile> {
    let no_dicom = [
        empty(),
        one_byte(),
        zeros(),
        preamble_only(),
        random_bytes(),
        jpeg(),
        pdf(),
        zip(),
        text(),
    ];
    let start = [
        no_preamble(),
        no_meta(),
        no_meta_implicit(),
        no_transfer_syntax(),
        group_length_wrong(),
        meta_of_another(),
        implicit_under_explicit(),
    ];
    let end = [
        cut_in_meta(),
        cut_in_element_header(),
        cut_in_value(),
        cut_in_sequence(),
        cut_in_pixels(),
        zeros_behind(),
        data_set_trailing_padding(),
        huge_length(),
    ];
    let lengths = [
        undefined_lengths(),
        implicit_little(),
        big_endian(),
        deflated(),
        unsupported_syntax(),
        undefined_text(),
        unknown_of_undefined_length(),
        sequence_too_short(),
        stray_delimiter(),
        odd_length(),
        element_twice(),
        out_of_order(),
    ];
    let depth = [nested_64(), nested_65(), nested_100_000()];
    [&no_dicom[..], &start, &end, &lengths, &depth].concat()
}

fn no_dicom(case: &'static str, fault: &'static str, bytes: impl Into<Vec<u8>>) -> BrokenFile {
    let code = "not_dicom|dicom.not_dicom|nifti";
    BrokenFile::new(case, fault, bytes.into(), "not_dicom", code, Fate::Ignored)
}

fn empty() -> BrokenFile {
    no_dicom("empty", "no bytes", [])
}

fn one_byte() -> BrokenFile {
    no_dicom("one_byte", "one byte", [0x08])
}

fn zeros() -> BrokenFile {
    no_dicom("zeros", "128 zeros", [0; 128])
}

fn preamble_only() -> BrokenFile {
    no_dicom("preamble_only", "a preamble, DICM, and nothing", [&[0; 128][..], b"DICM"].concat())
}

fn random_bytes() -> BrokenFile {
    no_dicom("random_bytes", "random bytes", Seed::new(99).stream().bytes(4096))
}

fn jpeg() -> BrokenFile {
    no_dicom(
        "jpeg",
        "a JPEG image",
        [&[0xFF, 0xD8, 0xFF, 0xE0, 0, 16][..], b"JFIF\0", &[1; 200]].concat(),
    )
}

fn pdf() -> BrokenFile {
    no_dicom("pdf", "a PDF document", [b"%PDF-1.7\n", &[b'x'; 300][..]].concat())
}

fn zip() -> BrokenFile {
    no_dicom("zip", "a ZIP archive", [&b"PK\x03\x04"[..], &[0x14; 200]].concat())
}

fn text() -> BrokenFile {
    no_dicom("text", "a text file", "patient list, see the other folder\n".repeat(20))
}

fn no_preamble() -> BrokenFile {
    let bytes = file().to_bytes()[128..].to_vec();
    BrokenFile::repaired("no_preamble", "DICM stands at the first byte", bytes, "dicom.no_preamble")
}

fn no_meta() -> BrokenFile {
    BrokenFile::repaired("no_meta", "only the data set, Explicit VR", body(), "dicom.no_meta")
}

fn no_meta_implicit() -> BrokenFile {
    let bytes = slice().encode(Syntax::ImplicitLittle, Lengths::Defined);
    BrokenFile::repaired("no_meta_implicit", "only the data set, Implicit VR", bytes, "dicom.no_meta")
}

fn no_transfer_syntax() -> BrokenFile {
    let meta = DataSet::new()
        .text(Tag(0x0002, 0x0002), Kind::Ct.class_uid())
        .text(Tag(0x0002, 0x0003), "2.25.7");
    let meta = meta.encode(Syntax::ExplicitLittle, Lengths::Defined);
    let length = u32::try_from(meta.len()).unwrap_or(0).to_le_bytes();
    let bytes = [
        &[0; 128][..],
        b"DICM",
        &raw(Tag(0x0002, 0x0000), *b"UL", 4, &length),
        &meta,
        &body(),
    ]
    .concat();
    BrokenFile::repaired(
        "no_transfer_syntax",
        "the meta header names no transfer syntax",
        bytes,
        "dicom.no_ts",
    )
}

fn group_length_wrong() -> BrokenFile {
    let mut bytes = file().to_bytes();
    bytes[140] = bytes[140].wrapping_add(40);
    BrokenFile::repaired("group_length_wrong", "group 0002 states a wrong length", bytes, "dicom.meta_length")
}

fn meta_of_another() -> BrokenFile {
    let meta = meta_header(Kind::Ct.class_uid(), "2.25.99", Syntax::ExplicitLittle.uid());
    let bytes = [meta, body()].concat();
    let fault = "the meta header names another instance than the data set, which wins";
    BrokenFile::new("meta_of_another", fault, bytes, "image", "dicom.meta_mismatch|ok", Fate::Used)
}

fn implicit_under_explicit() -> BrokenFile {
    let bytes = with_body(&slice().encode(Syntax::ImplicitLittle, Lengths::Defined));
    let fault = "Implicit VR elements under an Explicit VR transfer syntax";
    BrokenFile::repaired("implicit_under_explicit", fault, bytes, "dicom.ts_mismatch")
}

fn cut_in_meta() -> BrokenFile {
    let bytes = file().to_bytes()[..170].to_vec();
    BrokenFile::new(
        "cut_in_meta",
        "ends inside the meta header",
        bytes,
        "unreadable",
        "dicom.truncated",
        Fate::Failed,
    )
}

/// The sound file up to an element, and some bytes of it.
fn cut(case: &'static str, fault: &'static str, tag: Tag, keep: usize) -> BrokenFile {
    let body = body();
    let bytes = with_body(&body[..position(&body, tag) + keep]);
    BrokenFile::new(case, fault, bytes, "repaired", "dicom.truncated", Fate::Failed)
}

fn cut_in_element_header() -> BrokenFile {
    cut("cut_in_element_header", "ends inside the header of an element", tag::ROWS, 5)
}

fn cut_in_value() -> BrokenFile {
    cut("cut_in_value", "ends inside a short value", tag::PATIENT_ID, 10)
}

fn cut_in_pixels() -> BrokenFile {
    cut("cut_in_pixels", "ends inside the pixels", tag::PIXEL_DATA, 20)
}

fn cut_in_sequence() -> BrokenFile {
    let item = DataSet::new().text(tag::REFERENCED_SOP_INSTANCE_UID, "2.25.12345678");
    let set = DataSet::new()
        .items(SEQUENCE, vec![item])
        .encode(Syntax::ExplicitLittle, Lengths::Defined);
    let body = body();
    let bytes = with_body(&[&body[..position(&body, tag::PATIENT_NAME)], &set[..set.len() - 6]].concat());
    BrokenFile::new(
        "cut_in_sequence",
        "ends inside an item of a sequence",
        bytes,
        "repaired",
        "dicom.truncated",
        Fate::Failed,
    )
}

fn zeros_behind() -> BrokenFile {
    let bytes = [file().to_bytes(), vec![0; 512]].concat();
    BrokenFile::repaired("zeros_behind", "512 zeros after the last element", bytes, "dicom.trailing")
}

fn data_set_trailing_padding() -> BrokenFile {
    let padding = raw_long(Tag(0xFFFC, 0xFFFC), *b"OB", 64, &[0; 64]);
    let bytes = [file().to_bytes(), padding].concat();
    BrokenFile::sound(
        "data_set_trailing_padding",
        "(FFFC,FFFC) after the last element, as PS3.10 allows",
        bytes,
    )
}

fn huge_length() -> BrokenFile {
    let bytes = with_body(&raw_long(Tag(0x0008, 0x0001), *b"UT", 0xFFFF_FFF0, b"abcd"));
    let fault = "an element of 4 GB in a small file";
    BrokenFile::new("huge_length", fault, bytes, "unreadable", "dicom.truncated", Fate::Failed)
}

fn undefined_lengths() -> BrokenFile {
    let mut set = slice().items(SEQUENCE, vec![DataSet::new().text(tag::REFERENCED_SOP_INSTANCE_UID, "2.25.5")]);
    set.sort();
    let bytes = with_body(&set.encode(Syntax::ExplicitLittle, Lengths::Undefined));
    BrokenFile::sound("undefined_lengths", "sequence and item of undefined length", bytes)
}

fn in_syntax(syntax: Syntax) -> Vec<u8> {
    let mut file = file();
    file.syntax = syntax;
    file.to_bytes()
}

fn implicit_little() -> BrokenFile {
    BrokenFile::sound("implicit_little", "Implicit VR Little Endian", in_syntax(Syntax::ImplicitLittle))
}

fn big_endian() -> BrokenFile {
    BrokenFile::sound("big_endian", "Explicit VR Big Endian", in_syntax(Syntax::ExplicitBig))
}

fn deflated() -> BrokenFile {
    let body = body();
    let length = u16::try_from(body.len()).unwrap_or(0);
    // One stored block (RFC 1951, 3.2.4): final, type 00, length and its complement, the bytes.
    let block = [&[1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), &body].concat();
    let meta = meta("1.2.840.10008.1.2.1.99");
    BrokenFile::new(
        "deflated",
        "Deflated Explicit VR Little Endian",
        [meta, block].concat(),
        "image",
        "ok",
        Fate::Used,
    )
}

fn unsupported_syntax() -> BrokenFile {
    let meta = meta("1.2.840.10008.1.2.4.110");
    let fault = "JPEG XL, with a sound header";
    let code = "ok|dicom.ts_unsupported";
    BrokenFile::new(
        "unsupported_syntax",
        fault,
        [meta, body()].concat(),
        "image|other_dicom",
        code,
        Fate::Used,
    )
}

fn undefined_text() -> BrokenFile {
    let bytes = inserted(tag::PATIENT_NAME, &raw_long(Tag(0x0009, 0x1001), *b"OB", u32::MAX, b"RT0001  "));
    let fault = "OB of undefined length outside PixelData";
    BrokenFile::new(
        "undefined_text",
        fault,
        bytes,
        "unreadable|repaired",
        "dicom.illegal_undefined_length",
        Fate::Failed,
    )
}

fn unknown_of_undefined_length() -> BrokenFile {
    let item = DataSet::new().text(tag::REFERENCED_SOP_INSTANCE_UID, "2.25.5");
    let value = DataSet::new()
        .items(SEQUENCE, vec![item])
        .encode(Syntax::ImplicitLittle, Lengths::Undefined);
    // Tag and implicit length of the sequence are replaced by an explicit UN header.
    let bytes = inserted(tag::PATIENT_NAME, &raw_long(SEQUENCE, *b"UN", u32::MAX, &value[8..]));
    let fault = "UN of undefined length holds Implicit VR items (PS3.5 6.2.2)";
    BrokenFile::sound("unknown_of_undefined_length", fault, bytes)
}

fn sequence_too_short() -> BrokenFile {
    let item = DataSet::new().text(tag::REFERENCED_SOP_INSTANCE_UID, "2.25.5");
    let mut sequence = DataSet::new()
        .items(SEQUENCE, vec![item])
        .encode(Syntax::ExplicitLittle, Lengths::Defined);
    // The item says 4 bytes more than the sequence has.
    sequence[16] = sequence[16].wrapping_add(4);
    BrokenFile::new(
        "sequence_too_short",
        "an item longer than its sequence",
        inserted(tag::PATIENT_NAME, &sequence),
        "repaired|unreadable",
        "dicom.item_length",
        Fate::Used,
    )
}

fn stray_delimiter() -> BrokenFile {
    let delimiter = [0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0];
    let bytes = inserted(tag::PATIENT_NAME, &delimiter);
    BrokenFile::repaired("stray_delimiter", "an item delimiter outside any item", bytes, "dicom.delimiter")
}

fn odd_length() -> BrokenFile {
    let bytes = replaced(tag::PATIENT_ID, &raw(tag::PATIENT_ID, *b"LO", 5, b"RT001"));
    BrokenFile::repaired("odd_length", "a value of odd length", bytes, "dicom.odd_length")
}

fn element_twice() -> BrokenFile {
    let bytes = inserted(tag::PATIENT_ID, &raw(tag::PATIENT_ID, *b"LO", 6, b"OTHER "));
    BrokenFile::repaired(
        "element_twice",
        "PatientID twice: the last one counts",
        bytes,
        "dicom.duplicate_element",
    )
}

fn out_of_order() -> BrokenFile {
    let mut set = slice();
    if let Some(at) = set.elements.iter().position(|e| e.tag == tag::PATIENT_ID) {
        let element = set.elements.remove(at);
        set.elements.insert(0, element);
    }
    let bytes = with_body(&set.encode(Syntax::ExplicitLittle, Lengths::Defined));
    BrokenFile::sound("out_of_order", "an element before its place", bytes)
}

/// The sound slice with a sequence nested `depth` times.
fn nested(depth: usize) -> Vec<u8> {
    let leaf = raw(COMMENTS, *b"LT", 2, b"ok");
    let open = [
        &raw_long(SEQUENCE, *b"SQ", u32::MAX, &[])[..],
        &[0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF],
    ]
    .concat();
    let close = [0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
    inserted(tag::PATIENT_NAME, &[open.repeat(depth), leaf, close.repeat(depth)].concat())
}

fn nested_64() -> BrokenFile {
    BrokenFile::sound("nested_64", "64 sequences in one another", nested(64))
}

fn too_deep(case: &'static str, fault: &'static str, depth: usize) -> BrokenFile {
    BrokenFile::new(case, fault, nested(depth), "unreadable", "dicom.depth", Fate::Failed)
}

fn nested_65() -> BrokenFile {
    too_deep("nested_65", "65 sequences in one another", 65)
}

fn nested_100_000() -> BrokenFile {
    too_deep("nested_100_000", "100,000 sequences in one another", 100_000)
}
