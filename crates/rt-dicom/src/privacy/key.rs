//! The secret that identities are derived with.

use dicom::core::VR;
use sha2::{Digest as _, Sha256};

use crate::object::uid::of_digest;
use crate::value::Date;

/// Root of the UIDs that the standard registers: they name kinds, not things.
pub(super) const REGISTERED: &str = "1.2.840.10008.";
/// Block of SHA-256, bytes.
const BLOCK: usize = 64;
/// Most weeks that dates move back.
const MAX_WEEKS: u64 = 520;

/// 32 secret bytes. Whoever has them can tell which original an identity belongs to; without them nobody can.
#[derive(Clone)]
pub struct DeidKey([u8; 32]);

impl std::fmt::Debug for DeidKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeidKey(..)")
    }
}

impl DeidKey {
    /// From 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// HMAC-SHA-256 (RFC 2104) of a purpose and a text.
    fn hmac(&self, purpose: &str, text: &str) -> [u8; 32] {
        let mut message = Vec::with_capacity(purpose.len() + text.len() + 1);
        message.extend_from_slice(purpose.as_bytes());
        message.extend_from_slice(text.as_bytes());
        hmac(&self.0, &message)
    }

    /// The UID that stands for another one; registered ones stay.
    pub(super) fn uid(&self, original: &str) -> String {
        if original.is_empty() || original.starts_with(REGISTERED) {
            return original.to_owned();
        }
        of_digest(&self.hmac("uid", original))
    }

    /// `P` and 12 characters of base 32.
    pub fn patient(&self, issuer: &str, id: &str) -> String {
        let digest = self.hmac("patient", &format!("{issuer}\0{id}"));
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let bits = digest.iter().take(8).fold(0_u64, |n, b| n << 8 | u64::from(*b));
        let letter = |n: u32| alphabet.get((bits >> (5 * n) & 31) as usize).map_or('A', |b| char::from(*b));
        std::iter::once('P').chain((0..12).map(letter)).collect()
    }

    /// Days that the dates of a patient move: whole weeks back, 1 to 520.
    pub(super) fn shift_days(&self, issuer: &str, id: &str) -> i64 {
        let digest = self.hmac("dates", &format!("{issuer}\0{id}"));
        let bits = digest.iter().take(8).fold(0_u64, |n, b| n << 8 | u64::from(*b));
        -7 * i64::try_from(1 + bits % MAX_WEEKS).unwrap_or(1)
    }
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; BLOCK];
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let pad = |with: u8| block.map(|b| b ^ with);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

/// A date or date and time, moved; `None` when it is no date.
pub(super) fn moved(text: &str, vr: VR, days: i64) -> Option<String> {
    let day = if vr == VR::DT { text.get(..8)? } else { text };
    let new = Date::parse(day)?.plus_days(days)?;
    let rest = if vr == VR::DT { text.get(8..)? } else { "" };
    rest.bytes()
        .all(|b| b.is_ascii_digit() || b"+-. ".contains(&b))
        .then(|| format!("{}{rest}", new.iso().replace('-', "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_is_that_of_rfc_4231() {
        // Test case 2: key "Jefe".
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let got: String = hmac(b"Jefe", b"what do ya want for nothing?")
            .iter()
            .fold(String::new(), |text, b| text + &format!("{b:02x}"));
        assert_eq!(got, expected);
    }

    #[test]
    fn identities_follow_from_the_key() {
        let (one, two) = (DeidKey::new([1; 32]), DeidKey::new([2; 32]));
        assert_eq!(one.uid("1.2.3"), one.uid("1.2.3"));
        assert_ne!(one.uid("1.2.3"), two.uid("1.2.3"));
        assert_eq!(one.uid("1.2.840.10008.1.2"), "1.2.840.10008.1.2");
        assert!(one.patient("", "7").len() == 13 && one.patient("", "7") != one.patient("A", "7"));
        let shift = one.shift_days("", "7");
        assert!(shift % 7 == 0 && (-3640..=-7).contains(&shift));
    }

    #[test]
    fn dates_move_over_months_and_leap_days() {
        assert_eq!(moved("20240301", VR::DA, -7).as_deref(), Some("20240223"));
        assert_eq!(moved("20240105101530.5+0100", VR::DT, -7).as_deref(), Some("20231229101530.5+0100"));
        assert_eq!(moved("2024", VR::DT, -7), None);
        assert_eq!(moved("yesterday", VR::DA, -7), None);
        assert_eq!(moved("20240105 Meier", VR::DT, -7), None);
    }
}
