//! SHA-1 (FIPS 180-4), for the hashes that PyRadiomics prints; not for security.

/// A digest in the making.
pub(crate) struct Sha1 {
    state: [u32; 5],
    block: Vec<u8>,
    bytes: u64,
}

impl Default for Sha1 {
    fn default() -> Self {
        Self {
            state: [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0],
            block: Vec::with_capacity(64),
            bytes: 0,
        }
    }
}

impl Sha1 {
    /// Adds data.
    pub(crate) fn update(&mut self, mut data: &[u8]) {
        self.bytes += data.len() as u64;
        if !self.block.is_empty() {
            let take = (64 - self.block.len()).min(data.len());
            self.block.extend_from_slice(&data[..take]);
            data = &data[take..];
            if self.block.len() < 64 {
                return;
            }
            let full = std::mem::take(&mut self.block);
            self.compress(&full);
        }
        let blocks = data.chunks_exact(64);
        self.block.extend_from_slice(blocks.remainder());
        blocks.for_each(|block| self.compress(block));
    }

    /// The digest in hexadecimal.
    pub(crate) fn hex(mut self) -> String {
        let bits = self.bytes * 8;
        self.update(&[0x80]);
        let zeros = (120 - self.block.len()) % 64;
        self.update(&vec![0; zeros]);
        self.update(&bits.to_be_bytes());
        self.state.map(|word| format!("{word:08x}")).concat()
    }

    #[expect(clippy::many_single_char_names, reason = "the names of FIPS 180-4")]
    fn compress(&mut self, block: &[u8]) {
        let mut w = [0u32; 80];
        for (word, bytes) in w.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        for t in 16..80 {
            w[t] = (w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16]).rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = self.state;
        for (t, word) in w.iter().enumerate() {
            let (f, k) = match t {
                0..20 => ((b & c) | (!b & d), 0x5a82_7999),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6u32),
            };
            let next = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(k).wrapping_add(*word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (state, value) in self.state.iter_mut().zip([a, b, c, d, e]) {
            *state = state.wrapping_add(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_the_standard() {
        let hash = |parts: &[&[u8]]| {
            let mut sha = Sha1::default();
            for part in parts {
                sha.update(part);
            }
            sha.hex()
        };
        assert_eq!(hash(&[b"abc"]), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(hash(&[]), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        let long = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        assert_eq!(hash(&[&long[..7], &long[7..]]), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
        let million = vec![b'a'; 1_000_000];
        assert_eq!(
            hash(&[&million[..333], &million[333..]]),
            "34aa973cd4c4daa4f61eeb2bdbad27316534016f"
        );
    }
}
