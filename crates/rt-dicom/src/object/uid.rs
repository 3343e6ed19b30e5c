//! Identifiers that follow from their input.

use sha2::{Digest as _, Sha256};

/// A UID made from what the object is and what it was made from: equal inputs give the equal UID, on any machine.
///
/// `2.25.` and the first 128 bits of SHA-256 of the kind and the sorted parts, with the version (8) and variant bits of a UUID
/// (PS3.5 B.2, RFC 9562 5.8).
///
/// ```
/// let uid = rt_dicom::derived_uid("structure set", &["1.2.3", "PTV"]);
/// assert!(uid.starts_with("2.25.") && uid.len() <= 44);
/// assert_eq!(uid, rt_dicom::derived_uid("structure set", &["PTV", "1.2.3"]));
/// assert_ne!(uid, rt_dicom::derived_uid("series", &["1.2.3", "PTV"]));
/// ```
pub fn derived_uid(kind: &str, parts: &[&str]) -> String {
    let mut sorted = parts.to_vec();
    sorted.sort_unstable();
    let mut hash = Sha256::new();
    for part in std::iter::once(&kind).chain(&sorted) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    of_digest(&hash.finalize())
}

/// The UID of the first 16 bytes of a digest.
pub(crate) fn of_digest(digest: &[u8]) -> String {
    let mut first = [0_u8; 16];
    first.iter_mut().zip(digest).for_each(|(to, from)| *to = *from);
    let bits = u128::from_be_bytes(first);
    let version = bits & !(0xf << 76) | 8 << 76;
    let uuid = version & !(0b11 << 62) | 0b10 << 62;
    format!("2.25.{uuid}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_variant_are_those_of_a_uuid() {
        // All bits set: ffffffff-ffff-8fff-bfff-ffffffffffff.
        let expected = 0xffff_ffff_ffff_8fff_bfff_ffff_ffff_ffff_u128;
        assert_eq!(of_digest(&[0xff; 32]), format!("2.25.{expected}"));
        let zero = 0x8000_8000_0000_0000_0000_u128;
        assert_eq!(of_digest(&[0; 32]), format!("2.25.{zero}"));
    }

    #[test]
    fn parts_are_told_apart() {
        assert_ne!(derived_uid("k", &["ab", "c"]), derived_uid("k", &["a", "bc"]));
    }
}
