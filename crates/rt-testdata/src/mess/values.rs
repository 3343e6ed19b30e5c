//! Faults of values: representations, numbers, characters, pixels (`spec/reliability.md` 3.2, 3.3).

use super::{BrokenFile, Fate, meta, raw, raw_long, replaced, slice};
use crate::dicom::{DataSet, DicomFile, Syntax, Value, meta_header, tag};

pub(super) fn all() -> Vec<BrokenFile> {
    let representation = [rows_as_ul(), vr_of_question_marks(), vr_in_lower_case(), known_tag_as_un()];
    let text = [null_padding(), unknown_charset(), invalid_utf8(), no_charset()];
    let numbers = [exponent_spacing(), long_decimal(), comma_decimal(), spacing_not_a_number()];
    let pixels = [
        no_rows(),
        zero_rows(),
        no_pixels(),
        pixels_too_short(),
        pixels_too_long(),
        billion_frames(),
        rle_bomb(),
        colour(),
    ];
    let identity = [no_instance_uid(), no_position(), wrong_class(), directory()];
    [&representation[..], &text, &numbers, &pixels, &identity].concat()
}

fn rows_as_ul() -> BrokenFile {
    let bytes = replaced(tag::ROWS, &raw(tag::ROWS, *b"UL", 4, &[4, 0, 0, 0]));
    BrokenFile::repaired("rows_as_ul", "Rows as a 32-bit number", bytes, "dicom.vr")
}

fn vr_of_question_marks() -> BrokenFile {
    let bytes = replaced(tag::PATIENT_SEX, &raw(tag::PATIENT_SEX, *b"??", 2, b"O "));
    BrokenFile::new(
        "vr_of_question_marks",
        "a value representation that does not exist",
        bytes,
        "repaired|unreadable",
        "dicom.vr",
        Fate::Used,
    )
}

fn vr_in_lower_case() -> BrokenFile {
    let bytes = replaced(tag::PATIENT_SEX, &raw(tag::PATIENT_SEX, *b"cs", 2, b"O "));
    BrokenFile::new(
        "vr_in_lower_case",
        "a value representation in small letters",
        bytes,
        "repaired|unreadable",
        "dicom.vr",
        Fate::Used,
    )
}

fn known_tag_as_un() -> BrokenFile {
    let bytes = replaced(tag::PATIENT_ID, &raw_long(tag::PATIENT_ID, *b"UN", 6, b"RT0001"));
    BrokenFile::repaired("known_tag_as_un", "PatientID as UN", bytes, "dicom.vr")
}

fn null_padding() -> BrokenFile {
    let bytes = replaced(tag::PATIENT_ID, &raw(tag::PATIENT_ID, *b"LO", 6, b"RT001\0"));
    BrokenFile::sound("null_padding", "text padded with NUL", bytes)
}

fn with(change: impl FnOnce(DataSet) -> DataSet) -> Vec<u8> {
    let mut set = change(slice());
    set.sort();
    DicomFile::new(set).to_bytes()
}

fn unknown_charset() -> BrokenFile {
    let bytes = with(|s| {
        s.text(tag::SPECIFIC_CHARACTER_SET, "ISO_IR 999")
            .with(tag::PATIENT_NAME, *b"PN", Value::Bytes(b"Phantom^\xC4".to_vec()))
    });
    BrokenFile::repaired("unknown_charset", "a character set that does not exist", bytes, "dicom.charset")
}

fn invalid_utf8() -> BrokenFile {
    let bytes = with(|s| s.with(tag::SERIES_DESCRIPTION, *b"LO", Value::Bytes(b"chest \xC4\xC4\xFF".to_vec())));
    BrokenFile::repaired("invalid_utf8", "bytes that are no UTF-8 under ISO_IR 192", bytes, "dicom.charset")
}

fn no_charset() -> BrokenFile {
    let bytes = with(|mut s| {
        s.remove(tag::SPECIFIC_CHARACTER_SET);
        s
    });
    BrokenFile::sound("no_charset", "no character set, plain ASCII", bytes)
}

fn spacing(case: &'static str, fault: &'static str, text: &str) -> BrokenFile {
    BrokenFile::sound(case, fault, with(|s| s.text(tag::PIXEL_SPACING, text)))
}

fn exponent_spacing() -> BrokenFile {
    spacing("exponent_spacing", "PixelSpacing with exponents", "4.0E+00\\+4e0")
}

fn long_decimal() -> BrokenFile {
    spacing(
        "long_decimal",
        "decimal strings of more than 16 characters",
        "4.00000000000000001\\4.0000000000000000002",
    )
}

fn comma_decimal() -> BrokenFile {
    let bytes = with(|s| s.text(tag::SLICE_THICKNESS, "2,5"));
    BrokenFile::new(
        "comma_decimal",
        "a decimal comma in SliceThickness",
        bytes,
        "image|repaired",
        "ok|dicom.value|dicom.vr",
        Fate::Used,
    )
}

fn spacing_not_a_number() -> BrokenFile {
    let bytes = with(|s| s.text(tag::PIXEL_SPACING, "nan\\4"));
    BrokenFile::new(
        "spacing_not_a_number",
        "PixelSpacing is not a number",
        bytes,
        "other_dicom",
        "dicom.value",
        Fate::Failed,
    )
}

/// An image whose size and pixels do not agree.
fn odd_pixels(case: &'static str, fault: &'static str, bytes: Vec<u8>) -> BrokenFile {
    BrokenFile::new(case, fault, bytes, "other_dicom", "image.pixel_length", Fate::Failed)
}

fn no_rows() -> BrokenFile {
    let bytes = with(|mut s| {
        s.remove(tag::ROWS);
        s
    });
    odd_pixels("no_rows", "Rows is missing", bytes)
}

fn zero_rows() -> BrokenFile {
    odd_pixels("zero_rows", "Rows is 0", with(|s| s.word(tag::ROWS, 0)))
}

fn no_pixels() -> BrokenFile {
    let bytes = with(|mut s| {
        s.remove(tag::PIXEL_DATA);
        s
    });
    odd_pixels("no_pixels", "PixelData is missing", bytes)
}

fn pixels_too_short() -> BrokenFile {
    let bytes = with(|s| s.with(tag::PIXEL_DATA, *b"OW", Value::Words(vec![0; 10])));
    odd_pixels("pixels_too_short", "10 samples for 4 x 4 pixels", bytes)
}

fn pixels_too_long() -> BrokenFile {
    let bytes = with(|s| s.with(tag::PIXEL_DATA, *b"OW", Value::Words(vec![0; 100])));
    odd_pixels("pixels_too_long", "100 samples for 4 x 4 pixels", bytes)
}

fn billion_frames() -> BrokenFile {
    let bytes = with(|s| s.integers(tag::NUMBER_OF_FRAMES, &[1_000_000_000]));
    odd_pixels("billion_frames", "a thousand million frames in 32 bytes", bytes)
}

fn rle_bomb() -> BrokenFile {
    let mut set = slice()
        .word(tag::ROWS, 65_535)
        .word(tag::COLUMNS, 65_535)
        .integers(tag::NUMBER_OF_FRAMES, &[100_000]);
    set.remove(tag::PIXEL_DATA);
    set.sort();
    let body = set.encode(Syntax::ExplicitLittle, crate::dicom::Lengths::Defined);
    // An empty offset table, one fragment of 64 bytes, the end.
    let item = |value: &[u8]| {
        let length = u32::try_from(value.len()).unwrap_or(0).to_le_bytes();
        [&[0xFE, 0xFF, 0x00, 0xE0][..], &length, value].concat()
    };
    let fragments = [item(&[]), item(&[0; 64]), vec![0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]].concat();
    let pixels = raw_long(tag::PIXEL_DATA, *b"OB", u32::MAX, &fragments);
    let bytes = [meta("1.2.840.10008.1.2.5"), body, pixels].concat();
    let fault = "RLE: 64 bytes claim 65535 x 65535 x 100,000 pixels; the header is sound";
    BrokenFile::new(
        "rle_bomb",
        fault,
        bytes,
        "other_dicom",
        "image.no_geometry|dicom.bomb",
        Fate::Ignored,
    )
}

fn colour() -> BrokenFile {
    let bytes = with(|s| {
        s.word(tag::SAMPLES_PER_PIXEL, 3).text(tag::PHOTOMETRIC_INTERPRETATION, "RGB").with(
            tag::PIXEL_DATA,
            *b"OW",
            Value::Words(vec![0; 48]),
        )
    });
    BrokenFile::new(
        "colour",
        "an RGB image of the CT class",
        bytes,
        "other_dicom",
        "image.colour",
        Fate::Ignored,
    )
}

fn no_instance_uid() -> BrokenFile {
    let bytes = with(|mut s| {
        s.remove(tag::SOP_INSTANCE_UID);
        s
    });
    BrokenFile::new(
        "no_instance_uid",
        "no SOPInstanceUID",
        bytes,
        "other_dicom",
        "image.no_identity",
        Fate::Failed,
    )
}

fn no_position() -> BrokenFile {
    let bytes = with(|mut s| {
        s.remove(tag::IMAGE_POSITION_PATIENT);
        s
    });
    BrokenFile::new(
        "no_position",
        "no ImagePositionPatient",
        bytes,
        "other_dicom",
        "image.no_geometry",
        Fate::Ignored,
    )
}

fn wrong_class() -> BrokenFile {
    let bytes = with(|s| s.text(tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.7").text(tag::MODALITY, "OT"));
    BrokenFile::new(
        "wrong_class",
        "a secondary capture",
        bytes,
        "other_dicom",
        "sop.unused",
        Fate::Ignored,
    )
}

fn directory() -> BrokenFile {
    let class = "1.2.840.10008.1.3.10";
    let set = DataSet::new().text(tag::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
    let body = set.encode(Syntax::ExplicitLittle, crate::dicom::Lengths::Defined);
    let bytes = [meta_header(class, "2.25.77", Syntax::ExplicitLittle.uid()), body].concat();
    BrokenFile::new("directory", "a DICOMDIR", bytes, "other_dicom", "dicomdir", Fate::Ignored)
}
