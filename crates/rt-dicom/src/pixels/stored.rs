//! The pixels of a file as they are stored, for copies that leave them alone.

use std::fs::File;
use std::path::Path;

use super::{Frames, PixelError, read_at};
use crate::entry::PixelFormat;
use crate::gate::Gated;

/// Stored pixels.
#[derive(Debug)]
pub(crate) enum StoredPixels {
    /// One run of bytes.
    Native(Vec<u8>),
    /// The offset table and the fragments.
    Encapsulated(Vec<Vec<u8>>),
}

/// Reads the pixel element of a file that passed the gate.
///
/// # Errors
/// [`PixelError`] when it is missing or cut.
pub(crate) fn stored_pixels(path: &Path, gated: &Gated) -> Result<StoredPixels, PixelError> {
    let span = gated.pixels.clone().ok_or(PixelError::Missing { what: "PixelData" })?;
    let mut file = File::open(path)?;
    let Some(declared) = span.declared else {
        let fragments = span.fragments.iter().map(|f| read_at(&mut file, *f));
        return Ok(StoredPixels::Encapsulated(fragments.collect::<Result<_, _>>()?));
    };
    let format = PixelFormat {
        rows: 0,
        columns: 0,
        frames: 1,
        samples: 1,
        allocated: 8,
        stored: 8,
        high: 7,
        signed: false,
    };
    let mut frames = Frames::of_bytes(file, gated, span, format);
    let bytes = frames.native(0, declared)?;
    let have = bytes.len() as u64;
    if have < declared {
        return Err(PixelError::Truncated { declared, have });
    }
    Ok(StoredPixels::Native(bytes))
}
