//! Samples of one frame: native, RLE, JPEG and JPEG 2000. Sizes are checked before anything is allocated or decoded.

mod bits;
mod codec;
mod stored;

pub(crate) use bits::Bits;
pub(crate) use stored::{StoredPixels, stored_pixels};

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use dicom::dictionary_std::tags;

use crate::entry::PixelFormat;
use crate::gate::{GateError, Gated, Limits, PixelSpan};

/// Why samples cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PixelError {
    /// The header does not pass the gate.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Neither pixels nor their format.
    #[error("{what} is missing")]
    Missing {
        /// The attribute.
        what: &'static str,
    },
    /// Decoded pixels beyond the cap.
    #[error("{bytes} bytes of pixels are more than limits.max_image_bytes or limits.max_inflate_ratio allow")]
    TooLarge {
        /// Bytes wanted.
        bytes: u64,
    },
    /// Pixel data that is cut.
    #[error("pixel data is cut: {declared} bytes declared, {have} there")]
    Truncated {
        /// Bytes declared.
        declared: u64,
        /// Bytes there.
        have: u64,
    },
    /// Fewer bytes than the format needs.
    #[error("pixel data has {have} bytes, its format needs {need}")]
    Length {
        /// Bytes there.
        have: u64,
        /// Bytes needed.
        need: u64,
    },
    /// A sample format that is not read.
    #[error("samples of {allocated} bits ({stored} in use, {samples} per pixel) are not read")]
    Format {
        /// `BitsAllocated`.
        allocated: u16,
        /// `BitsStored`.
        stored: u16,
        /// `SamplesPerPixel`.
        samples: u16,
    },
    /// A transfer syntax that this build cannot decode.
    #[error("transfer syntax {uid} cannot be decoded{hint}")]
    Unsupported {
        /// Its UID.
        uid: String,
        /// What to do.
        hint: &'static str,
    },
    /// A compressed frame that does not decode.
    #[error("compressed frame does not decode: {reason}")]
    Decode {
        /// The reason.
        reason: String,
    },
}

impl PixelError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Gate(e) => e.code(),
            Self::Io(_) => "file.unreadable",
            Self::Missing { .. } | Self::Length { .. } => "image.pixel_length",
            Self::TooLarge { .. } => "dicom.bomb",
            Self::Truncated { .. } => "dicom.truncated",
            Self::Format { .. } => "image.format",
            Self::Unsupported { .. } => "dicom.ts_unsupported",
            Self::Decode { .. } => "image.decode",
        }
    }
}

/// Numbers that samples stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cells {
    Integer,
    Float,
    Double,
}

/// The frames of one file.
pub(crate) struct Frames {
    file: File,
    span: PixelSpan,
    format: PixelFormat,
    syntax: String,
    cells: Cells,
    big: bool,
    /// Start of the deflate stream, for deflated files.
    deflated_at: Option<u64>,
}

impl Frames {
    /// The native pixels of a file that passed the gate, whatever their format: only their bytes are asked for.
    fn of_bytes(file: File, gated: &Gated, span: PixelSpan, format: PixelFormat) -> Self {
        Self {
            file,
            span,
            format,
            syntax: gated.syntax.clone(),
            cells: Cells::Integer,
            big: false,
            deflated_at: gated.is_deflated().then_some(gated.content_start),
        }
    }

    /// Prepares the frames of a file that passed the gate.
    ///
    /// # Errors
    /// [`PixelError`] when the pixels are missing, cut, too large or of a format that is not read.
    pub(crate) fn open(path: &Path, gated: &Gated, format: PixelFormat, limits: &Limits) -> Result<Self, PixelError> {
        let span = gated.pixels.clone().ok_or(PixelError::Missing { what: "PixelData" })?;
        let need = format.total_bytes().unwrap_or(u64::MAX);
        if need > limits.max_image_bytes {
            return Err(PixelError::TooLarge { bytes: need });
        }
        let cells = match span.tag {
            tags::FLOAT_PIXEL_DATA => Cells::Float,
            tags::DOUBLE_FLOAT_PIXEL_DATA => Cells::Double,
            _ => Cells::Integer,
        };
        let readable = match cells {
            Cells::Integer => matches!(format.allocated, 8 | 16 | 32),
            Cells::Float => format.allocated == 32,
            Cells::Double => format.allocated == 64,
        };
        let used =
            format.stored >= 1 && format.stored <= format.allocated && format.high < format.allocated && format.high + 1 >= format.stored;
        if !readable || !used || format.samples != 1 {
            return Err(PixelError::Format {
                allocated: format.allocated,
                stored: format.stored,
                samples: format.samples,
            });
        }
        let mut file = File::open(path)?;
        let stored = file.metadata()?.len().saturating_sub(gated.content_start);
        let deflated_at = gated.is_deflated().then_some(gated.content_start);
        if deflated_at.is_some() {
            let reach = span.offset.saturating_add(need);
            if reach > limits.inflate_cap(stored) {
                return Err(PixelError::TooLarge { bytes: reach });
            }
        } else if let Some(declared) = span.declared {
            if span.have < declared {
                return Err(PixelError::Truncated { declared, have: span.have });
            }
            if span.have < need {
                return Err(PixelError::Length { have: span.have, need });
            }
        }
        file.seek(SeekFrom::Start(0))?;
        Ok(Self {
            file,
            span,
            format,
            syntax: gated.syntax.clone(),
            cells,
            big: gated.encoding.is_big(),
            deflated_at,
        })
    }

    /// Samples of one frame as stored (sign extended, bits outside the stored ones masked), row by row from the top, into `out`.
    ///
    /// # Errors
    /// [`PixelError`] when the frame is not there or does not decode.
    pub(crate) fn read(&mut self, frame: u32, out: &mut Vec<f64>) -> Result<(), PixelError> {
        let need = self.format.frame_bytes().unwrap_or(u64::MAX);
        let (bytes, big) = if self.span.declared.is_none() {
            (self.compressed(frame)?, false)
        } else {
            (self.native(frame, need)?, self.big)
        };
        let have = bytes.len() as u64;
        if have < need {
            return Err(PixelError::Length { have, need });
        }
        out.clear();
        let used = usize::try_from(need).unwrap_or(usize::MAX);
        unpack(bytes.get(..used).unwrap_or_default(), self.format, self.cells, big, out);
        Ok(())
    }

    fn native(&mut self, frame: u32, need: u64) -> Result<Vec<u8>, PixelError> {
        let at = self.span.offset + need * u64::from(frame);
        let mut bytes = Vec::new();
        if let Some(start) = self.deflated_at {
            self.file.seek(SeekFrom::Start(start))?;
            let mut reader = flate2::read::DeflateDecoder::new(io::BufReader::new(&self.file));
            io::copy(&mut reader.by_ref().take(at), &mut io::sink())?;
            reader.take(need).read_to_end(&mut bytes)?;
        } else {
            self.file.seek(SeekFrom::Start(at))?;
            bytes.reserve_exact(usize::try_from(need).unwrap_or(0));
            self.file.by_ref().take(need).read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    }

    /// The fragments of one frame (PS3.5 A.4), decoded.
    fn compressed(&mut self, frame: u32) -> Result<Vec<u8>, PixelError> {
        let Some((table, fragments)) = self.span.fragments.split_first() else {
            return Err(PixelError::Missing { what: "fragment list" });
        };
        let frames = self.format.frames as usize;
        let at = frame as usize;
        let (from, to) = if frames == 1 {
            (0, fragments.len())
        } else if fragments.len() == frames {
            (at, at + 1)
        } else {
            let offsets = read_at(&mut self.file, *table)?;
            let starts: Vec<u64> = offsets
                .chunks_exact(4)
                .filter_map(|b| crate::gate::le32(b, 0))
                .map(u64::from)
                .collect();
            let base = fragments.first().map_or(0, |f| f.0 - 8);
            let index = |offset: Option<&u64>| offset.and_then(|o| fragments.iter().position(|f| f.0 - 8 - base == *o));
            let from = index(starts.get(at)).ok_or_else(|| PixelError::Decode {
                reason: "frames cannot be told apart: the offset table is missing or wrong".to_owned(),
            })?;
            (from, index(starts.get(at + 1)).unwrap_or(fragments.len()))
        };
        let parts = fragments.get(from..to).unwrap_or_default().to_vec();
        let mut data = Vec::new();
        for part in parts {
            data.extend_from_slice(&read_at(&mut self.file, part)?);
        }
        codec::decode(&self.syntax, data, self.format)
    }
}

fn read_at(file: &mut File, (offset, length): (u64, u32)) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset))?;
    file.by_ref().take(u64::from(length)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unpack(bytes: &[u8], format: PixelFormat, cells: Cells, big: bool, out: &mut Vec<f64>) {
    let shift = u32::from(format.high + 1 - format.stored);
    let bits = u32::from(format.stored);
    match (cells, format.allocated) {
        (Cells::Float, _) => {
            out.extend(chunks::<4>(bytes).map(|b| f64::from(if big { f32::from_be_bytes(b) } else { f32::from_le_bytes(b) })));
        }
        (Cells::Double, _) => out.extend(chunks::<8>(bytes).map(|b| if big { f64::from_be_bytes(b) } else { f64::from_le_bytes(b) })),
        (Cells::Integer, 8) => out.extend(bytes.iter().map(|b| integer(u32::from(*b), shift, bits, format.signed))),
        (Cells::Integer, 16) => {
            let cell = |b| u32::from(if big { u16::from_be_bytes(b) } else { u16::from_le_bytes(b) });
            out.extend(chunks::<2>(bytes).map(|b| integer(cell(b), shift, bits, format.signed)));
        }
        (Cells::Integer, _) => {
            let cell = |b| if big { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) };
            out.extend(chunks::<4>(bytes).map(|b| integer(cell(b), shift, bits, format.signed)));
        }
    }
}

fn chunks<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.chunks_exact(N).filter_map(|c| c.try_into().ok())
}

/// The stored bits of a cell as a number; `bits` is 1 to 32 and `shift + bits` at most 32.
#[inline]
fn integer(cell: u32, shift: u32, bits: u32, signed: bool) -> f64 {
    let up = 32 - bits;
    let value = (cell >> shift) << up;
    if signed {
        f64::from(value.cast_signed() >> up)
    } else {
        f64::from(value >> up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(allocated: u16, stored: u16, high: u16, signed: bool) -> PixelFormat {
        PixelFormat {
            rows: 1,
            columns: 2,
            frames: 1,
            samples: 1,
            allocated,
            stored,
            high,
            signed,
        }
    }

    fn numbers(bytes: &[u8], format: PixelFormat, big: bool) -> Vec<f64> {
        let mut out = Vec::new();
        unpack(bytes, format, Cells::Integer, big, &mut out);
        out
    }

    #[test]
    fn cells_become_numbers() {
        // 12 bits unsigned; the overlay bits above them are masked.
        assert_eq!(
            numbers(&[0x34, 0xf2, 0xff, 0x0f], format(16, 12, 11, false), false),
            [564.0, 4095.0]
        );
        // 12 bits signed: 0xfff is -1.
        assert_eq!(numbers(&[0xff, 0x0f, 0x00, 0x08], format(16, 12, 11, true), false), [-1.0, -2048.0]);
        // 12 bits in the upper part of the cell.
        assert_eq!(
            numbers(&[0x40, 0x23, 0xf0, 0xff], format(16, 12, 15, false), false),
            [564.0, 4095.0]
        );
        assert_eq!(numbers(&[0x02, 0x34, 0xff, 0xff], format(16, 16, 15, true), true), [564.0, -1.0]);
        assert_eq!(
            numbers(&[0xff, 0xff, 0xff, 0xff], format(32, 32, 31, false), false),
            [4_294_967_295.0]
        );
        assert_eq!(numbers(&[0x80, 0x7f], format(8, 8, 7, true), false), [-128.0, 127.0]);
    }
}
