//! Damaged and hostile files: always an error that names file and reason, never a panic, never memory for what is not there.

use proptest::prelude::*;
use rt_nifti::{Encoding, Fault, header, map, read, read_from};

use crate::support::{Raw1, bytes_of, ramp, small_grid};

fn fault(bytes: &[u8]) -> Fault {
    read_from::<f32>(bytes, Some(bytes.len() as u64)).unwrap_err()
}

#[test]
fn things_that_are_no_nifti_are_called_so() {
    for bytes in [&b""[..], b"x", b"hello world, this is no image", &[0u8; 4000], &[0x1f, 0x8b, 8, 0]] {
        let f = fault(bytes);
        assert!(matches!(f.code(), "nifti.not_nifti" | "nifti.damaged"), "{f}");
    }
    let mut pair = Raw1::new([3, 2, 1, 1, 1, 1, 1, 1], 2, 8);
    pair.put(344, b"ni1\0");
    assert!(matches!(fault(&pair.with(&[1, 2])), Fault::Pair));
}

#[test]
fn every_truncation_is_an_error() {
    for encoding in [Encoding::Raw, Encoding::GZIP] {
        let whole = bytes_of(&ramp(small_grid()), encoding);
        for n in 0..whole.len() {
            assert!(read_from::<i16>(&whole[..n], None).is_err(), "{n} of {} bytes", whole.len());
            assert!(read_from::<i16>(&whole[..n], Some(n as u64)).is_err());
        }
    }
}

#[test]
fn a_small_file_that_claims_much_is_refused_before_memory_is_taken() {
    let raw = Raw1::new([3, 32_000, 32_000, 1, 1, 1, 1, 1], 2, 8).with(&[0; 10]);
    assert!(matches!(
        fault(&raw),
        Fault::Truncated {
            expected: 1_024_000_000,
            found: 10
        }
    ));
    let huge = Raw1::new([3, 32_000, 32_000, 32_000, 1, 1, 1, 1], 64, 64).with(&[0; 10]);
    assert!(matches!(fault(&huge), Fault::TooLarge(_)));
    let endless = Raw1::new([7; 8].map(|_: i16| 32_767), 64, 64);
    assert!(matches!(
        fault(&endless.0),
        Fault::BadField { field: "dim", .. } | Fault::NotNifti(_)
    ));
    let mut overflow = Raw1::new([32_767; 8], 64, 64);
    overflow.put(40, &7i16.to_le_bytes());
    assert!(matches!(fault(&overflow.0), Fault::TooLarge(_)));
}

#[test]
fn header_fields_out_of_range_are_named() {
    let base = || Raw1::new([3, 2, 1, 1, 1, 1, 1, 1], 2, 8);
    let with = |at: usize, b: &[u8]| {
        let mut raw = base();
        raw.put(at, b);
        fault(&raw.with(&[1, 2])).to_string()
    };
    assert!(with(42, &(-3i16).to_le_bytes()).contains("dim = -3"));
    assert!(with(42, &0i16.to_le_bytes()).contains("dim = 0"));
    assert!(with(108, &1e30f32.to_le_bytes()).contains("vox_offset"));
    assert!(with(108, &100f32.to_le_bytes()).contains("vox_offset"));
    assert!(with(108, &f32::NAN.to_le_bytes()).contains("vox_offset"));
    assert!(with(80, &0f32.to_le_bytes()).contains("geometry"));
    assert!(with(80, &f32::NAN.to_le_bytes()).contains("geometry"));
    let mut flat = base();
    flat.sform([[1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]);
    assert!(matches!(fault(&flat.with(&[1, 2])), Fault::Geometry(_)));
}

#[test]
fn a_changed_byte_in_a_compressed_file_is_noticed() {
    let whole = bytes_of(&ramp(small_grid()), Encoding::GZIP);
    let n = whole.len();
    // The last eight bytes are checksum and length.
    for at in n - 8..n {
        let mut bad = whole.clone();
        bad[at] ^= 1;
        assert!(matches!(fault(&bad), Fault::Damaged(_)), "byte {at}");
    }
}

#[test]
fn messages_name_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("no_such.nii.gz");
    assert!(read::<f32>(&missing).unwrap_err().to_string().contains("no_such.nii.gz"));
    assert!(map::<f32>(&missing).unwrap_err().to_string().contains("no_such.nii.gz"));
    assert!(header(dir.path()).unwrap_err().to_string().contains("not a regular file"));
    let short = dir.path().join("short.nii");
    let bytes = bytes_of(&ramp(small_grid()), Encoding::Raw);
    std::fs::write(&short, &bytes[..bytes.len() - 1]).unwrap();
    let error = map::<i16>(&short).unwrap_err();
    assert_eq!(error.code(), "nifti.truncated");
    assert!(error.to_string().contains("short.nii is truncated"), "{error}");
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        drop(read_from::<f32>(&bytes[..], Some(bytes.len() as u64)));
    }

    #[test]
    fn a_header_with_changed_bytes_never_panics(changes in prop::collection::vec((0usize..700, any::<u8>()), 1..8), zipped in any::<bool>()) {
        let mut bytes = bytes_of(&ramp(small_grid()), if zipped { Encoding::GZIP } else { Encoding::Raw });
        for (at, value) in changes {
            let n = bytes.len();
            bytes[at % n] = value;
        }
        drop(read_from::<u8>(&bytes[..], Some(bytes.len() as u64)));
        drop(read_from::<f32>(&bytes[..], None));
    }
}
