//! Decoders of compressed frames: RLE here, JPEG and JPEG 2000 by the codecs of the `dicom` crate behind size checks.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use dicom::encoding::TransferSyntaxIndex as _;
use dicom::encoding::adapters::{PixelDataObject, RawPixelData};
use dicom::encoding::transfer_syntax::Codec;
use dicom::transfer_syntax::TransferSyntaxRegistry;

use super::PixelError;
use crate::entry::PixelFormat;

/// RLE Lossless.
const RLE: &str = "1.2.840.10008.1.2.5";
/// JPEG-LS lossless and near-lossless.
const JPEG_LS: [&str; 2] = ["1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"];

/// Decodes one frame into little-endian cells, row by row.
pub(super) fn decode(syntax: &str, data: Vec<u8>, format: PixelFormat) -> Result<Vec<u8>, PixelError> {
    if syntax == RLE {
        return rle(&data, format);
    }
    let known = TransferSyntaxRegistry.get(syntax);
    let Some(Codec::EncapsulatedPixelData(Some(reader), _)) = known.map(dicom::encoding::TransferSyntax::codec) else {
        return Err(PixelError::Unsupported {
            uid: syntax.to_owned(),
            hint: if JPEG_LS.contains(&syntax) {
                "; build with the feature `jpegls`, or convert the files"
            } else {
                "; convert the files"
            },
        });
    };
    check_size(&data, format)?;
    let frame = OneFrame {
        syntax: syntax.to_owned(),
        format,
        data,
    };
    let decoded = catch_unwind(AssertUnwindSafe(|| {
        let mut out = Vec::new();
        reader.decode_frame(&frame, 0, &mut out).map(|()| out)
    }));
    match decoded {
        Ok(Ok(bytes)) => widen(bytes, format),
        Ok(Err(error)) => Err(PixelError::Decode { reason: error.to_string() }),
        Err(_) => Err(PixelError::Decode {
            reason: "the decoder panicked".to_owned(),
        }),
    }
}

/// A codestream of fewer bytes a cell than `BitsAllocated` says (8-bit JPEG in 16-bit cells) is widened.
fn widen(bytes: Vec<u8>, format: PixelFormat) -> Result<Vec<u8>, PixelError> {
    let cells = u64::from(format.rows) * u64::from(format.columns);
    let (have, need) = (bytes.len() as u64, format.frame_bytes().unwrap_or(u64::MAX));
    if have == need {
        Ok(bytes)
    } else if have == cells && format.allocated == 16 {
        Ok(bytes.iter().flat_map(|b| [*b, 0]).collect())
    } else {
        Err(PixelError::Length { have, need })
    }
}

/// RLE Lossless (PS3.5 annex G): one segment a byte of the cell, the most significant first.
fn rle(data: &[u8], format: PixelFormat) -> Result<Vec<u8>, PixelError> {
    let bad = |reason: &str| PixelError::Decode {
        reason: format!("RLE: {reason}"),
    };
    let number = |at: usize| crate::gate::le32(data, at).and_then(|n| usize::try_from(n).ok());
    let cells = usize::try_from(u64::from(format.rows) * u64::from(format.columns)).map_err(|_| bad("frame size"))?;
    let width = usize::from(format.allocated / 8);
    let count = number(0).ok_or_else(|| bad("no header"))?;
    if count != width {
        return Err(bad("number of segments does not fit the sample format"));
    }
    // A run of 128 bytes takes two: more than 64 times the data cannot come out.
    if cells > data.len().saturating_mul(64) {
        return Err(bad("segments are too short for the frame"));
    }
    let mut out = vec![0; cells * width];
    for segment in 0..width {
        let from = number(4 + 4 * segment).ok_or_else(|| bad("no offset"))?;
        let to = if segment + 1 < width {
            number(8 + 4 * segment).ok_or_else(|| bad("no offset"))?
        } else {
            data.len()
        };
        let packed = data.get(from..to).ok_or_else(|| bad("offset outside the frame"))?;
        let target = out.iter_mut().skip(width - 1 - segment).step_by(width);
        let written = unpack_bits(packed, target);
        if written < cells {
            return Err(bad("segment is cut"));
        }
    }
    Ok(out)
}

/// `PackBits`; returns the number of cells written.
fn unpack_bits<'a>(packed: &[u8], mut target: impl Iterator<Item = &'a mut u8>) -> usize {
    let mut input = packed.iter();
    let mut written = 0;
    while let Some(head) = input.next() {
        let n = usize::from(*head);
        if n < 128 {
            for byte in input.by_ref().take(n + 1) {
                let Some(cell) = target.next() else { return written };
                *cell = *byte;
                written += 1;
            }
        } else if n > 128 {
            let Some(byte) = input.next() else { return written };
            for cell in target.by_ref().take(257 - n) {
                *cell = *byte;
                written += 1;
            }
        }
    }
    written
}

/// Refuses a codestream whose own size is not that of the frame: a decoder would allocate what the codestream says.
fn check_size(data: &[u8], format: PixelFormat) -> Result<(), PixelError> {
    let own = size_of_jpeg(data).or_else(|| size_of_jpeg2000(data));
    match own {
        Some((rows, columns)) if (rows, columns) == (format.rows, format.columns) => Ok(()),
        Some((rows, columns)) => Err(PixelError::Decode {
            reason: format!(
                "codestream of {rows} rows and {columns} columns for a frame of {} and {}",
                format.rows, format.columns
            ),
        }),
        None => Err(PixelError::Decode {
            reason: "no frame header in the codestream".to_owned(),
        }),
    }
}

fn be16(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(u16::from_be_bytes(data.get(at..at.checked_add(2)?)?.try_into().ok()?)))
}

fn be32(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Rows and columns of the frame header of a JPEG or JPEG-LS codestream (ITU-T T.81 B.2.2).
fn size_of_jpeg(data: &[u8]) -> Option<(u32, u32)> {
    if !data.starts_with(&[0xff, 0xd8]) {
        return None;
    }
    let mut at = 2;
    loop {
        if *data.get(at)? != 0xff {
            return None;
        }
        let marker = *data.get(at + 1)?;
        match marker {
            0xff => at += 1,
            0x01 | 0xd0..=0xd7 => at += 2,
            0xc4 | 0xc8 | 0xcc => at += 2 + be16(data, at + 2)? as usize,
            0xc0..=0xcf | 0xf7 => return Some((be16(data, at + 5)?, be16(data, at + 7)?)),
            _ => at += 2 + be16(data, at + 2)? as usize,
        }
    }
}

/// Rows and columns of the SIZ segment of a JPEG 2000 codestream (ITU-T T.800 A.5.1), with or without JP2 boxes.
fn size_of_jpeg2000(data: &[u8]) -> Option<(u32, u32)> {
    let start = data.windows(4).take(4096).position(|w| w == [0xff, 0x4f, 0xff, 0x51])?;
    let at = start + 8;
    let (x, y) = (be32(data, at)?, be32(data, at + 4)?);
    let (x0, y0) = (be32(data, at + 8)?, be32(data, at + 12)?);
    Some((y.checked_sub(y0)?, x.checked_sub(x0)?))
}

/// One frame as the codecs want it.
struct OneFrame {
    syntax: String,
    format: PixelFormat,
    data: Vec<u8>,
}

impl PixelDataObject for OneFrame {
    fn transfer_syntax_uid(&self) -> &str {
        &self.syntax
    }
    fn rows(&self) -> Option<u16> {
        u16::try_from(self.format.rows).ok()
    }
    fn cols(&self) -> Option<u16> {
        u16::try_from(self.format.columns).ok()
    }
    fn samples_per_pixel(&self) -> Option<u16> {
        Some(self.format.samples)
    }
    fn bits_allocated(&self) -> Option<u16> {
        Some(self.format.allocated)
    }
    fn bits_stored(&self) -> Option<u16> {
        Some(self.format.stored)
    }
    fn photometric_interpretation(&self) -> Option<&str> {
        Some("MONOCHROME2")
    }
    fn number_of_frames(&self) -> Option<u32> {
        Some(1)
    }
    fn number_of_fragments(&self) -> Option<u32> {
        Some(1)
    }
    fn fragment(&self, fragment: usize) -> Option<Cow<'_, [u8]>> {
        (fragment == 0).then_some(Cow::Borrowed(self.data.as_slice()))
    }
    fn offset_table(&self) -> Option<Cow<'_, [u32]>> {
        Some(Cow::Borrowed(&[0]))
    }
    fn raw_pixel_data(&self) -> Option<RawPixelData> {
        Some(RawPixelData {
            fragments: std::iter::once(self.data.clone()).collect(),
            offset_table: std::iter::once(0).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(rows: u32, columns: u32) -> PixelFormat {
        PixelFormat {
            rows,
            columns,
            frames: 1,
            samples: 1,
            allocated: 16,
            stored: 16,
            high: 15,
            signed: false,
        }
    }

    fn frame(high: &[u8], low: &[u8]) -> Vec<u8> {
        let mut out = vec![0; 64];
        out[0] = 2;
        out[4..8].copy_from_slice(&64_u32.to_le_bytes());
        let second = u32::try_from(64 + high.len()).unwrap();
        out[8..12].copy_from_slice(&second.to_le_bytes());
        [out, high.to_vec(), low.to_vec()].concat()
    }

    #[test]
    fn rle_puts_bytes_together() {
        // Four cells 0x0105, 0x0106, 0x0107, 0x0107: high byte a run of four 1, low bytes two literals and a run of two.
        let data = frame(&[253, 1], &[1, 5, 6, 255, 7]);
        assert_eq!(rle(&data, format(2, 2)).unwrap(), [5, 1, 6, 1, 7, 1, 7, 1]);
    }

    #[test]
    fn rle_that_lies_about_its_size_is_refused() {
        let data = frame(&[253, 1], &[1, 5, 6]);
        assert!(matches!(rle(&data, format(2, 2)), Err(PixelError::Decode { .. })));
        assert!(matches!(rle(&data, format(65_535, 65_535)), Err(PixelError::Decode { .. })));
        assert!(matches!(rle(&[], format(2, 2)), Err(PixelError::Decode { .. })));
    }

    #[test]
    fn codestreams_of_another_size_are_refused() {
        let jpeg = [0xff, 0xd8, 0xff, 0xc3, 0, 11, 16, 0, 4, 0, 6, 1, 0, 0, 0];
        assert_eq!(size_of_jpeg(&jpeg), Some((4, 6)));
        assert!(check_size(&jpeg, format(4, 6)).is_ok());
        assert!(check_size(&jpeg, format(4, 7)).is_err());
        let mut siz = vec![0xff, 0x4f, 0xff, 0x51, 0, 41, 0, 0];
        for n in [7_u32, 5, 1, 1] {
            siz.extend(n.to_be_bytes());
        }
        assert_eq!(size_of_jpeg2000(&siz), Some((4, 6)));
        assert_eq!(size_of_jpeg(b"\xff\xd8\xff"), None);
    }
}
