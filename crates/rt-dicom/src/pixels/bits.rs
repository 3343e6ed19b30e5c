//! Pixels of one bit: all frames in one run, the first pixel in the lowest bit of the first byte (PS3.5 8.2).

use std::fs::File;
use std::path::Path;

use super::{Frames, PixelError};
use crate::entry::PixelFormat;
use crate::gate::{Gated, Limits};

/// The packed bits of a native one-bit object.
#[derive(Debug)]
pub(crate) struct Bits {
    bytes: Vec<u8>,
    plane: usize,
}

impl Bits {
    /// Reads all frames.
    ///
    /// # Errors
    /// [`PixelError`] when they are missing, cut, too large or compressed.
    pub(crate) fn read(path: &Path, gated: &Gated, format: PixelFormat, limits: &Limits) -> Result<Self, PixelError> {
        let span = gated.pixels.clone().ok_or(PixelError::Missing { what: "PixelData" })?;
        let bits = u64::from(format.rows) * u64::from(format.columns) * u64::from(format.frames);
        let need = bits.div_ceil(8);
        if need > limits.max_image_bytes {
            return Err(PixelError::TooLarge { bytes: need });
        }
        if format.samples != 1 || span.declared.is_none() {
            return Err(PixelError::Format {
                allocated: format.allocated,
                stored: format.stored,
                samples: format.samples,
            });
        }
        let mut frames = Frames::of_bytes(File::open(path)?, gated, span, format);
        let bytes = frames.native(0, need)?;
        let have = bytes.len() as u64;
        if have < need {
            return Err(PixelError::Length { have, need });
        }
        let plane = format.rows as usize * format.columns as usize;
        Ok(Self { bytes, plane })
    }

    /// Whether a pixel of a frame is set.
    pub(crate) fn is_set(&self, frame: usize, pixel: usize) -> bool {
        let bit = frame * self.plane + pixel;
        self.bytes.get(bit / 8).is_some_and(|b| b >> (bit % 8) & 1 == 1)
    }
}
