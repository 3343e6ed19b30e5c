use super::*;
use crate::dataset::Dataset;
use dicom::dictionary_std::tags;
use proptest::prelude::*;

/// An explicit VR little endian element with a 16-bit length.
fn short(group: u16, element: u16, vr: [u8; 2], value: &[u8]) -> Vec<u8> {
    let mut out = tag(group, element);
    out.extend_from_slice(&vr);
    out.extend_from_slice(&u16::try_from(value.len()).unwrap().to_le_bytes());
    out.extend_from_slice(value);
    out
}

/// An explicit VR little endian element with a 32-bit length as stated.
fn long(group: u16, element: u16, vr: [u8; 2], length: u32, value: &[u8]) -> Vec<u8> {
    let mut out = tag(group, element);
    out.extend_from_slice(&vr);
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(value);
    out
}

/// An element without VR, or an item.
fn bare(group: u16, element: u16, length: u32, value: &[u8]) -> Vec<u8> {
    let mut out = tag(group, element);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(value);
    out
}

fn tag(group: u16, element: u16) -> Vec<u8> {
    [group.to_le_bytes(), element.to_le_bytes()].concat()
}

fn file(syntax: &str, dataset: &[u8]) -> Vec<u8> {
    let mut uid = syntax.as_bytes().to_vec();
    if uid.len() % 2 == 1 {
        uid.push(0);
    }
    let body = short(2, 0x10, *b"UI", &uid);
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    [vec![0; 128], b"DICM".to_vec(), short(2, 0, *b"UL", &length), body, dataset.to_vec()].concat()
}

const EXPLICIT: &str = "1.2.840.10008.1.2.1";

fn open_explicit(dataset: &[u8]) -> Result<Gated, GateError> {
    open_bytes(&file(EXPLICIT, dataset), &Limits::default(), Want::Standard)
}

fn codes(gated: &Gated) -> Vec<&'static str> {
    gated.findings.iter().map(|f| f.tolerance.code()).collect()
}

fn id_of(gated: &Gated) -> Option<String> {
    Dataset::of(gated).unwrap().fields().text(tags::PATIENT_ID)
}

#[test]
fn a_plain_file_is_clean() {
    let data = [short(0x10, 0x10, *b"PN", b"A^B "), short(0x10, 0x20, *b"LO", b"1234")].concat();
    let gated = open_explicit(&data).unwrap();
    assert_eq!(gated.verdict(), Verdict::Clean);
    assert_eq!(gated.header, data);
    assert_eq!(id_of(&gated).as_deref(), Some("1234"));
}

#[test]
fn a_value_longer_than_the_file_is_refused_before_it_is_followed() {
    let data = [short(0x10, 0x10, *b"PN", b"A^B "), long(0x10, 0x4000, *b"UT", 0xffff_fff0, b"abcd")].concat();
    let gated = open_explicit(&data).unwrap();
    assert_eq!(codes(&gated), ["dicom.truncated"]);
    assert_eq!(gated.header, short(0x10, 0x10, *b"PN", b"A^B "), "the header before the cut stays");
    let Err(error) = open_explicit(&long(0x08, 1, *b"UT", 0xffff_fff0, b"abcd")) else {
        panic!("accepted")
    };
    assert_eq!(error.code(), "dicom.truncated");
    assert!(
        error.to_string().contains("4294967280") && error.to_string().contains("4 there"),
        "{error}"
    );
}

#[test]
fn depth_is_counted_without_recursion() {
    let nested = |n: usize| {
        let mut data = Vec::new();
        for _ in 0..n {
            data.extend(long(0x40, 0xa730, *b"SQ", u32::MAX, &bare(0xfffe, 0xe000, u32::MAX, b"")));
        }
        for _ in 0..n {
            data.extend(bare(0xfffe, 0xe00d, 0, b""));
            data.extend(bare(0xfffe, 0xe0dd, 0, b""));
        }
        open_explicit(&data)
    };
    let ok = nested(64).unwrap();
    assert_eq!(ok.verdict(), Verdict::Clean);
    assert!(Dataset::of(&ok).is_ok());
    assert_eq!(nested(65).unwrap_err().code(), "dicom.depth");
    let small_stack = std::thread::Builder::new().stack_size(256 * 1024);
    let code = small_stack
        .spawn(move || nested(100_000).unwrap_err().code())
        .unwrap()
        .join()
        .unwrap();
    assert_eq!(code, "dicom.depth");
}

#[test]
fn implicit_bytes_under_an_explicit_syntax_are_read_as_implicit() {
    let data = [bare(0x10, 0x10, 4, b"AAAA"), bare(0x10, 0x20, 4, b"1234")].concat();
    let gated = open_explicit(&data).unwrap();
    assert_eq!(codes(&gated), ["dicom.ts_mismatch"]);
    assert_eq!(id_of(&gated).as_deref(), Some("1234"));
}

#[test]
fn wrong_item_lengths_fall_back_to_the_parent() {
    // The item says 200 bytes, its sequence has room for 12.
    let item = bare(0xfffe, 0xe000, 200, &short(0x10, 0x20, *b"LO", b"abcd"));
    let data = [long(0x08, 0x1140, *b"SQ", 20, &item), short(0x10, 0x20, *b"LO", b"1234")].concat();
    let gated = open_explicit(&data).unwrap();
    assert_eq!(codes(&gated), ["dicom.item_length"]);
    assert_eq!(id_of(&gated).as_deref(), Some("1234"));
}

#[test]
fn a_missing_sequence_delimiter_closes_at_the_next_element() {
    let item = bare(0xfffe, 0xe000, 12, &short(0x08, 0x1155, *b"UI", b"1.2\0"));
    let data = [long(0x08, 0x1140, *b"SQ", u32::MAX, &item), short(0x10, 0x20, *b"LO", b"1234")].concat();
    let gated = open_explicit(&data).unwrap();
    assert_eq!(codes(&gated), ["dicom.delimiter"]);
    let dataset = Dataset::of(&gated).unwrap();
    assert_eq!(dataset.fields().references(tags::REFERENCED_IMAGE_SEQUENCE), ["1.2"]);
    assert_eq!(dataset.fields().text(tags::PATIENT_ID).as_deref(), Some("1234"));
}

#[test]
fn items_without_vr_inside_an_explicit_file_are_read() {
    let item = bare(0xfffe, 0xe000, 12, &bare(0x08, 0x1155, 4, b"1.2\0"));
    let gated = open_explicit(&long(0x08, 0x1140, *b"SQ", 20, &item)).unwrap();
    assert_eq!(codes(&gated), ["dicom.ts_mismatch"]);
    assert_eq!(
        Dataset::of(&gated).unwrap().fields().references(tags::REFERENCED_IMAGE_SEQUENCE),
        ["1.2"]
    );
}

#[test]
fn big_endian_and_files_without_meta_are_read() {
    let mut big = Vec::new();
    for (e, vr, value) in [(0x10_u16, b"PN", b"A^B "), (0x20, b"LO", b"1234")] {
        big.extend_from_slice(&[0, 0x10]);
        big.extend_from_slice(&e.to_be_bytes());
        big.extend_from_slice(vr);
        big.extend_from_slice(&[0, 4]);
        big.extend_from_slice(value);
    }
    let gated = open_bytes(&file("1.2.840.10008.1.2.2", &big), &Limits::default(), Want::Standard).unwrap();
    assert_eq!(gated.verdict(), Verdict::Clean);
    assert_eq!(id_of(&gated).as_deref(), Some("1234"));
    let bare_file = [bare(0x08, 0x16, 4, b"1.2\0"), bare(0x10, 0x20, 4, b"1234")].concat();
    let gated = open_bytes(&bare_file, &Limits::default(), Want::Standard).unwrap();
    assert_eq!(codes(&gated), ["dicom.no_meta"]);
    assert_eq!(id_of(&gated).as_deref(), Some("1234"));
}

#[test]
fn what_is_no_dicom_is_named() {
    for (bytes, kind) in [
        (&b""[..], NotDicom::Empty),
        (b"hello world, this is text", NotDicom::Text),
        (b"<html></html>", NotDicom::Html),
        (&[0x1f, 0x8b, 8, 0], NotDicom::Gzip),
        (&[0; 128], NotDicom::Unknown),
    ] {
        let error = open_bytes(bytes, &Limits::default(), Want::Standard).unwrap_err();
        assert!(matches!(error, GateError::NotDicom { kind: k } if k == kind), "{error}");
    }
    let preamble = [vec![0; 128], b"DICM".to_vec()].concat();
    let error = open_bytes(&preamble, &Limits::default(), Want::Standard).unwrap_err();
    assert!(matches!(
        error,
        GateError::NotDicom {
            kind: NotDicom::PreambleOnly
        }
    ));
}

#[test]
fn trailing_zeros_and_padding_end_the_data_set() {
    let data = [short(0x10, 0x20, *b"LO", b"1234"), vec![0; 64]].concat();
    assert_eq!(codes(&open_explicit(&data).unwrap()), ["dicom.trailing"]);
    let padded = [short(0x10, 0x20, *b"LO", b"1234"), long(0xfffc, 0xfffc, *b"OB", 4, &[0; 4])].concat();
    let gated = open_explicit(&padded).unwrap();
    assert_eq!(gated.verdict(), Verdict::Clean);
    assert_eq!(gated.content_end - gated.content_start, 12);
}

#[test]
fn pixels_are_located_and_not_read() {
    let data = [short(0x10, 0x20, *b"LO", b"1234"), long(0x7fe0, 0x10, *b"OW", 8, &[1; 8])].concat();
    let gated = open_explicit(&data).unwrap();
    let pixels = gated.pixels.unwrap();
    assert_eq!(
        (pixels.declared, pixels.have, pixels.offset),
        (Some(8), 8, gated.content_start + 24)
    );
    let encapsulated = [
        long(0x7fe0, 0x10, *b"OB", u32::MAX, b""),
        bare(0xfffe, 0xe000, 0, b""),
        bare(0xfffe, 0xe000, 6, b"abcdef"),
        bare(0xfffe, 0xe0dd, 0, b""),
    ]
    .concat();
    let pixels = open_explicit(&encapsulated).unwrap().pixels.unwrap();
    assert_eq!(pixels.fragments.iter().map(|f| f.1).collect::<Vec<_>>(), [0, 6]);
}

proptest! {
    /// No panic on any bytes, and what the gate calls clean the reader reads.
    #[test]
    fn any_bytes_are_survived(junk in proptest::collection::vec(any::<u8>(), 0..400), cut in 0_usize..80) {
        let sound = [
            short(0x08, 0x60, *b"CS", b"CT"),
            long(0x08, 0x1140, *b"SQ", 20, &bare(0xfffe, 0xe000, 12, &short(0x08, 0x1155, *b"UI", b"1.2\0"))),
            short(0x10, 0x20, *b"LO", b"1234"),
        ].concat();
        let mut data = sound[..sound.len().min(cut)].to_vec();
        data.extend(junk);
        for bytes in [file(EXPLICIT, &data), file("1.2.840.10008.1.2", &data), data] {
            if let Ok(gated) = open_bytes(&bytes, &Limits::default(), Want::Standard) {
                let read = Dataset::of(&gated);
                prop_assert!(gated.verdict() != Verdict::Clean || read.is_ok(), "{:?}", read.err());
            }
        }
    }
}

/// The values that `data/hostile/expected.tsv` says a read must give, `TAG=value` by blanks.
#[test]
fn hostile_files_give_the_values_that_can_be_saved() {
    let Some(folder) = rt_testdata::shared("data/hostile") else {
        return;
    };
    for (file, facts) in [
        ("badvr.dcm", "00100010=AAAA 00100020=1234"),
        ("deflbomb.dcm", "00100020=1234"),
        ("dupel.dcm", "00100020=BBBB"),
        ("hugelen.dcm", "00100010=AAAA^BBB"),
        ("implin.dcm", "00100010=AAAA 00100020=1234"),
        ("nometa.dcm", "00080016=1.2.840.10008.5.1.4.1.1.2 00100020=1234"),
        ("nometa-implicit.dcm", "00080016=1.2.840.10008.5.1.4.1.1.2 00100020=1234"),
        ("oddlen.dcm", "00100010=AAAAA 00100020=1234"),
        ("rledims.dcm", "00280010=65535 00280011=65535 00280008=100000"),
        ("wrongvr.dcm", "00280010=512 00280011=512"),
        ("unsq.dcm", "00301002=tail"),
        ("charset.dcm", "00100010=\u{fffd}\u{fffd}\u{fffd}A"),
    ] {
        let gated = open(&folder.join(file), &Limits::default(), Want::Standard).unwrap();
        let dataset = Dataset::of(&gated).unwrap();
        for fact in facts.split(' ') {
            let (tag, value) = fact.split_once('=').unwrap();
            let number = u32::from_str_radix(tag, 16).unwrap();
            let tag = Tag(u16::try_from(number >> 16).unwrap(), u16::try_from(number & 0xffff).unwrap());
            assert_eq!(dataset.fields().text(tag).as_deref(), Some(value), "{file} {fact}");
        }
    }
    let open = |file: &str| Dataset::of(&open(&folder.join(file), &Limits::default(), Want::Standard).unwrap()).unwrap();
    let sequence = open("unsq.dcm");
    let inner = sequence.fields().item(Tag(0x30, 0x1001)).unwrap();
    assert_eq!(inner.text(tags::PATIENT_ID).as_deref(), Some("1234"));
    let odd = open("emptyus.dcm");
    assert!(odd.fields().integer(tags::ROWS).is_none());
    assert!(!odd.fields().has(tags::COLUMNS) && !odd.fields().has(tags::BITS_ALLOCATED));
    let stray = open("straydelim.dcm");
    assert!(!stray.fields().has(Tag(0xfffe, 0xe000)));
}

#[test]
fn bombs_are_refused_before_they_are_decoded() {
    let Some(folder) = rt_testdata::shared("data/hostile") else {
        return;
    };
    let limits = Limits::default();
    for (file, code) in [
        ("rledims.dcm", "dicom.bomb"),
        ("deflbomb.dcm", "dicom.bomb"),
        ("hugelen.dcm", "dicom.truncated"),
    ] {
        let path = folder.join(file);
        let gated = open(&path, &limits, Want::Standard).unwrap();
        let dataset = Dataset::of(&gated).unwrap();
        // Those without an own format are asked for one that their length would fit.
        let length = gated.pixels.as_ref().and_then(|p| p.declared).unwrap_or(0);
        let side = u32::try_from(length / 2 / 1000).unwrap();
        let format = crate::header::pixel_format(dataset.fields())
            .unwrap()
            .unwrap_or(crate::entry::PixelFormat {
                rows: side,
                columns: 1000,
                frames: 1,
                samples: 1,
                allocated: 16,
                stored: 16,
                high: 15,
                signed: false,
            });
        let refused = crate::pixels::Frames::open(&path, &gated, format, &limits).err().map(|e| e.code());
        assert_eq!(refused, Some(code), "{file}");
    }
}
