//! Random numbers that are the same everywhere: one `Pcg64` stream per purpose, so that no order of work changes a byte.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::Rng;

/// A place in the tree of seeds: cohort, course, object, slice. Children are independent streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(u128);

impl Seed {
    /// The root of a cohort.
    pub fn new(number: u64) -> Self {
        Self(0x5254_5445_5354_4441_5441_0000_0000_0001).child("root", number)
    }

    /// The seed of a part: what it is, and its number.
    #[must_use]
    pub fn child(self, what: &str, number: u64) -> Self {
        // FNV-1a over 128 bits, then one draw of the generator to spread the last bytes over all bits.
        let hashed = what
            .bytes()
            .chain(number.to_le_bytes())
            .fold(self.0 ^ 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |h, byte| {
                (h ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013B)
            });
        let mut rng = Pcg64::new(hashed, 0x72_74);
        Self((u128::from(rng.next_u64()) << 64) | u128::from(rng.next_u64()))
    }

    /// The random numbers of this place.
    pub fn stream(self) -> Stream {
        Stream(Pcg64::new(self.0, 0x0A02_BDBF_7BB3_C0A7))
    }

    /// A UID of the form `2.25.<128 bits>` with UUID version and variant bits (DICOM PS3.5 B.2).
    pub fn uid(self) -> String {
        let version = (self.0 & !(0xF << 76)) | (8 << 76);
        let marked = (version & !(0b11 << 62)) | (0b10 << 62);
        format!("2.25.{marked}")
    }
}

/// Random numbers.
#[derive(Debug, Clone)]
pub struct Stream(Pcg64);

impl Stream {
    /// Uniform in `[lo, hi)`.
    pub fn between(&mut self, lo: f64, hi: f64) -> f64 {
        let unit = (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        lo + unit * (hi - lo)
    }

    /// A whole number in `0..n`; 0 when `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        let wide = u128::from(self.0.next_u64()) * n as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// Close to normal with mean 0 and standard deviation 1: the sum of four 16-bit numbers (range -3.46 to 3.46), one draw a number.
    pub fn normal(&mut self) -> f64 {
        let bits = self.0.next_u64();
        let total: u64 = (0..4).map(|part| bits >> (16 * part) & 0xFFFF).sum();
        // Four uniform numbers of [0, 65535]: mean 2 * 65535, variance 4 * 65536^2 / 12.
        (total as f64 - 131_070.0) / 37_837.2
    }

    /// Raw bytes.
    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| (self.0.next_u64() & 0xFF) as u8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_differ_and_repeat() {
        let root = Seed::new(7);
        assert_eq!(root.child("ct", 3), root.child("ct", 3));
        assert_ne!(root.child("ct", 3), root.child("ct", 4));
        assert_ne!(root.child("ct", 3), root.child("mr", 3));
        assert_ne!(Seed::new(8).child("ct", 3), root.child("ct", 3));
    }

    #[test]
    fn uids_are_legal_and_of_version_8() {
        let uid = Seed::new(1).uid();
        assert!(uid.len() <= 64 && uid.starts_with("2.25."), "{uid}");
        let number: u128 = uid[5..].parse().unwrap();
        assert_eq!(number >> 76 & 0xF, 8);
        assert_eq!(number >> 62 & 0b11, 0b10);
    }

    #[test]
    fn noise_has_the_stated_mean_and_deviation() {
        let mut stream = Seed::new(2).stream();
        let n = 200_000;
        let values: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
        let mean = values.iter().sum::<f64>() / f64::from(n);
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / f64::from(n);
        // Standard error of the mean is 0.0022, of the variance about 0.003.
        assert!(mean.abs() < 0.01, "{mean}");
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
    }
}
