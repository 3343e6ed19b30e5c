//! An 8-bit grey picture as a PNG in a `data:` address (W3C PNG, 3rd edition; RFC 2397, RFC 4648).

use std::io::Write as _;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

/// The picture of `width` x `pixels / width` grey values, row by row from the top.
pub(super) fn data_address(width: usize, pixels: &[u8]) -> String {
    format!("data:image/png;base64,{}", base64(&png(width, pixels)))
}

fn png(width: usize, pixels: &[u8]) -> Vec<u8> {
    let side = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes();
    let mut head = Vec::with_capacity(13);
    head.extend(side(width));
    head.extend(side(pixels.len() / width.max(1)));
    // 8 bits, grey; the only method of compression and of filtering; not interlaced.
    head.extend([8, 0, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut out, *b"IHDR", &head);
    chunk(&mut out, *b"IDAT", &compressed(width, pixels));
    chunk(&mut out, *b"IEND", &[]);
    out
}

/// Each row after the byte of its filter: 1, the difference to the pixel before.
fn compressed(width: usize, pixels: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(6));
    let mut line = Vec::with_capacity(width + 1);
    for row in pixels.chunks(width.max(1)) {
        line.clear();
        line.push(1);
        let mut before = 0u8;
        for value in row {
            line.push(value.wrapping_sub(before));
            before = *value;
        }
        // Writing to memory cannot fail.
        let _ = encoder.write_all(&line);
    }
    encoder.finish().unwrap_or_default()
}

fn chunk(out: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    out.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    let start = out.len();
    out.extend(name);
    out.extend(data);
    let mut crc = Crc::new();
    crc.update(&out[start..]);
    out.extend(crc.sum().to_be_bytes());
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let word = part.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - part.len()));
        for n in 0..4 {
            let digit = char::from(DIGITS[(word >> (18 - 6 * n) & 63) as usize]);
            out.push(if n <= part.len() { digit } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        // RFC 4648 section 10.
        for (text, expected) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }

    #[test]
    fn a_picture_has_signature_size_and_sound_chunks() {
        let picture = png(3, &[0, 128, 255, 1, 2, 3]);
        assert_eq!(picture[..8], *b"\x89PNG\r\n\x1a\n");
        assert_eq!(picture[16..24], [0, 0, 0, 3, 0, 0, 0, 2]);
        // The last chunk is the same in every PNG.
        assert_eq!(
            picture[picture.len() - 12..],
            [0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xAE, 0x42, 0x60, 0x82]
        );
        let mut lines = Vec::new();
        let length = u32::from_be_bytes([picture[33], picture[34], picture[35], picture[36]]) as usize;
        std::io::Read::read_to_end(&mut flate2::read::ZlibDecoder::new(&picture[41..41 + length]), &mut lines).unwrap();
        assert_eq!(lines, [1, 0, 128, 127, 1, 1, 1, 1]);
    }
}
