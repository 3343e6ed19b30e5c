use super::*;

#[test]
fn explicit_bytes_are_those_worked_out_by_hand() {
    let set = DataSet::new()
        .text(tag::MODALITY, "CT")
        .word(tag::ROWS, 512)
        .text(tag::PATIENT_ID, "ABC");
    // (0008,0060) CS 2 "CT", (0028,0010) US 2 0x0200, (0010,0020) LO 4 "ABC "; order as given.
    let expected = [
        0x08, 0x00, 0x60, 0x00, b'C', b'S', 2, 0, b'C', b'T', //
        0x28, 0x00, 0x10, 0x00, b'U', b'S', 2, 0, 0x00, 0x02, //
        0x10, 0x00, 0x20, 0x00, b'L', b'O', 4, 0, b'A', b'B', b'C', b' ',
    ];
    assert_eq!(set.encode(Syntax::ExplicitLittle, Lengths::Defined), expected);
    let mut sorted = set;
    sorted.sort();
    assert_eq!(sorted.elements[1].tag, tag::PATIENT_ID);
}

#[test]
fn a_sequence_of_one_item_in_both_length_forms() {
    let item = DataSet::new().word(tag::ROWS, 1);
    let set = DataSet::new().items(Tag(0x3006, 0x0020), vec![item]);
    // Implicit: tag, length 18 = item header 8 + element 10.
    let defined = set.encode(Syntax::ImplicitLittle, Lengths::Defined);
    assert_eq!(&defined[..8], &[0x06, 0x30, 0x20, 0x00, 18, 0, 0, 0]);
    assert_eq!(&defined[8..16], &[0xFE, 0xFF, 0x00, 0xE0, 10, 0, 0, 0]);
    let undefined = set.encode(Syntax::ImplicitLittle, Lengths::Undefined);
    assert_eq!(undefined.len(), defined.len() + 16);
    assert_eq!(&undefined[undefined.len() - 8..], &[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
}

#[test]
fn big_endian_turns_numbers_but_not_text() {
    let set = DataSet::new().word(tag::ROWS, 0x0102).text(tag::MODALITY, "MR");
    let bytes = set.encode(Syntax::ExplicitBig, Lengths::Defined);
    assert_eq!(bytes[..10], [0x00, 0x28, 0x00, 0x10, b'U', b'S', 0, 2, 1, 2]);
    assert_eq!(&bytes[18..], b"MR");
}

#[test]
fn a_decimal_string_longer_than_65534_bytes_becomes_un() {
    let set = DataSet::new().text(tag::CONTOUR_DATA, &"1\\".repeat(40_000));
    let bytes = set.encode(Syntax::ExplicitLittle, Lengths::Defined);
    assert_eq!(&bytes[4..8], b"UN\0\0");
    assert_eq!(bytes.len(), 12 + 80_000);
}

#[test]
fn numbers_fit_sixteen_characters() {
    for x in [0.0, -1.0 / 3.0, 1e-7, -123_456.789_012_345, 0.976_562_5, 1.0 / 4e9, -9.87e-300] {
        let text = decimal(x);
        assert!(text.len() <= 16, "{text}");
        let back: f64 = text.parse().unwrap();
        assert!((back - x).abs() <= x.abs() * 1e-7, "{x} became {text}");
    }
    let mut text = String::new();
    push_rounded(&mut text, -0.001, 2);
    push_rounded(&mut text, 12.50, 2);
    assert_eq!(text, "012.5");
}

#[test]
fn the_meta_header_states_its_own_length() {
    let bytes = meta_header("1.2.3", "1.2.3.4", "1.2.840.10008.1.2");
    assert_eq!(&bytes[128..132], b"DICM");
    let stated = u32::from_le_bytes([bytes[140], bytes[141], bytes[142], bytes[143]]);
    assert_eq!(usize::try_from(stated).unwrap(), bytes.len() - 144);
}
