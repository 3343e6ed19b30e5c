//! Random numbers that are a function of a seed and the place they are for, whatever the order in which they are asked for.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::Rng;

/// The generator that numpy makes of `SeedSequence(entropy)` (O'Neill 2015, "Developing a `seed_seq` alternative"): the reference's contour
/// draws are met to the bit.
pub(super) struct Draws(Pcg64);

impl Draws {
    pub(super) fn new(entropy: &[u64]) -> Self {
        let words = state(entropy);
        let wide = |n: usize| u128::from(words[n]) << 64 | u128::from(words[n + 1]);
        Self(Pcg64::new(wide(0), wide(2)))
    }

    /// From 0 to 1, 53 bits.
    pub(super) fn uniform(&mut self) -> f64 {
        unit(self.0.next_u64())
    }
}

fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// Four 64-bit words of a seed sequence.
fn state(entropy: &[u64]) -> [u64; 4] {
    let mut words: Vec<u32> = Vec::new();
    for value in entropy {
        let (low, high) = (low_half(*value), low_half(*value >> 32));
        words.push(low);
        if high > 0 {
            words.push(high);
        }
    }
    let mut constant = 0x43b0_d7e5u32;
    let mut hashed = |value: u32| {
        let value = value ^ constant;
        constant = constant.wrapping_mul(0x931e_8875);
        let value = value.wrapping_mul(constant);
        value ^ (value >> 16)
    };
    let mixed = |x: u32, y: u32| {
        let v = 0xca01_f9ddu32.wrapping_mul(x).wrapping_sub(0x4973_f715u32.wrapping_mul(y));
        v ^ (v >> 16)
    };
    let mut pool = [0u32; 4];
    for (n, slot) in pool.iter_mut().enumerate() {
        *slot = hashed(words.get(n).copied().unwrap_or(0));
    }
    for from in 0..4 {
        for to in (0..4).filter(|to| *to != from) {
            pool[to] = mixed(pool[to], hashed(pool[from]));
        }
    }
    for word in words.iter().skip(4) {
        for slot in &mut pool {
            *slot = mixed(*slot, hashed(*word));
        }
    }
    let mut constant = 0x8b51_f9ddu32;
    let mut out = [0u64; 4];
    for n in 0..8 {
        let value = pool[n % 4] ^ constant;
        constant = constant.wrapping_mul(0x58f3_8ded);
        let value = value.wrapping_mul(constant);
        out[n / 2] |= u64::from(value ^ (value >> 16)) << (32 * (n % 2));
    }
    out
}

fn low_half(v: u64) -> u32 {
    (v & 0xffff_ffff) as u32
}

/// A hash of a place under a seed (the finaliser of `SplitMix64`; Steele, Lea, Flood 2014).
pub(super) fn hash(seed: u64, at: u64) -> u64 {
    let mut v = seed ^ at.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    v = (v ^ (v >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    v = (v ^ (v >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    v ^ (v >> 31)
}

/// Two independent standard normal numbers for a place (Box and Muller 1958).
pub(super) fn normal_pair(seed: u64, at: u64) -> [f64; 2] {
    let first = hash(seed, at);
    let second = hash(seed ^ 0xd1b5_4a32_d192_ed03, first ^ at);
    // 1 - u is never 0.
    let radius = (-2.0 * (1.0 - unit(first)).ln()).sqrt();
    let (sin, cos) = (2.0 * std::f64::consts::PI * unit(second)).sin_cos();
    [radius * cos, radius * sin]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_those_of_numpy() {
        // numpy.random.Generator(PCG64(SeedSequence([42, 1, 0, 1]))).random() twice.
        let mut draws = Draws::new(&[42, 1, 0, 1]);
        assert_eq!(draws.uniform().to_bits(), 0.976_089_746_761_641_8_f64.to_bits());
        assert_eq!(draws.uniform().to_bits(), 0.654_205_549_380_429_2_f64.to_bits());
    }

    #[test]
    fn noise_is_normal() {
        let values: Vec<f64> = (0..50_000).flat_map(|n| normal_pair(7, n)).collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let moment = |p: i32| values.iter().map(|v| (v - mean).powi(p)).sum::<f64>() / n;
        // Standard errors of n = 100,000: 0.003, 0.0045, 0.0077, 0.03: four of them.
        assert!(mean.abs() < 0.013 && (moment(2) - 1.0).abs() < 0.018, "{mean} {}", moment(2));
        assert!(moment(3).abs() < 0.05 && (moment(4) - 3.0).abs() < 0.13);
    }
}
