//! Bytes of a file through a small moving window: the gate never holds a whole file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes read at once when the window moves.
const CHUNK: usize = 16 * 1024;

/// Why bytes could not be had.
#[derive(Debug)]
pub(crate) enum SourceError {
    /// The file could not be read.
    Io(io::Error),
    /// Inflated far beyond what an honest file needs.
    Bomb {
        /// Bytes inflated when it was stopped.
        inflated: u64,
    },
}

impl From<io::Error> for SourceError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A file, a byte slice or a deflated stream, read at rising positions.
pub(crate) struct Source<'a> {
    inner: Inner<'a>,
    window: Vec<u8>,
    start: u64,
}

enum Inner<'a> {
    Bytes(&'a [u8]),
    File {
        file: &'a mut File,
        len: u64,
    },
    Inflate {
        reader: Box<dyn Read + 'a>,
        produced: u64,
        cap: u64,
        ended: bool,
    },
}

impl<'a> Source<'a> {
    /// Over bytes in memory.
    pub(crate) fn bytes(bytes: &'a [u8]) -> Self {
        Self::new(Inner::Bytes(bytes))
    }

    /// Over an open file of the given length.
    pub(crate) fn file(file: &'a mut File, len: u64) -> Self {
        Self::new(Inner::File { file, len })
    }

    /// Over a raw deflate stream that may produce at most `cap` bytes. Positions must not fall back behind the window.
    pub(crate) fn inflate(reader: Box<dyn Read + 'a>, cap: u64) -> Self {
        Self::new(Inner::Inflate {
            reader,
            produced: 0,
            cap,
            ended: false,
        })
    }

    fn new(inner: Inner<'a>) -> Self {
        Self {
            inner,
            window: Vec::new(),
            start: 0,
        }
    }

    /// Length in bytes; `None` for a stream.
    pub(crate) fn len(&self) -> Option<u64> {
        match &self.inner {
            Inner::Bytes(bytes) => u64::try_from(bytes.len()).ok(),
            Inner::File { len, .. } => Some(*len),
            Inner::Inflate { .. } => None,
        }
    }

    /// Up to `n` bytes at `pos`; fewer only at the end.
    pub(crate) fn peek(&mut self, pos: u64, n: usize) -> Result<&[u8], SourceError> {
        if let Inner::Bytes(bytes) = &self.inner {
            let from = usize::try_from(pos).unwrap_or(usize::MAX).min(bytes.len());
            let to = from.saturating_add(n).min(bytes.len());
            return Ok(bytes.get(from..to).unwrap_or_default());
        }
        if !self.holds(pos, n) {
            self.fill(pos, n)?;
        }
        let from = usize::try_from(pos.saturating_sub(self.start))
            .unwrap_or(usize::MAX)
            .min(self.window.len());
        let to = from.saturating_add(n).min(self.window.len());
        Ok(self.window.get(from..to).unwrap_or_default())
    }

    fn holds(&self, pos: u64, n: usize) -> bool {
        let end = self.start + self.window.len() as u64;
        let wanted = match &self.inner {
            Inner::File { len, .. } => pos.saturating_add(n as u64).min(*len),
            _ => pos.saturating_add(n as u64),
        };
        pos >= self.start && wanted <= end
    }

    fn fill(&mut self, pos: u64, n: usize) -> Result<(), SourceError> {
        match &mut self.inner {
            Inner::Bytes(_) => Ok(()),
            Inner::File { file, .. } => {
                let want = n.max(CHUNK);
                file.seek(SeekFrom::Start(pos))?;
                self.window.clear();
                self.start = pos;
                file.by_ref().take(want as u64).read_to_end(&mut self.window)?;
                Ok(())
            }
            Inner::Inflate {
                reader,
                produced,
                cap,
                ended,
            } => {
                // Bytes before `pos` are inflated and dropped piece by piece, so that skipping a long value costs no memory.
                while !*ended && *produced < pos.saturating_add(n as u64) {
                    let drop = usize::try_from(pos.saturating_sub(self.start))
                        .unwrap_or(usize::MAX)
                        .min(self.window.len());
                    self.window.drain(..drop);
                    self.start += drop as u64;
                    let got = reader.by_ref().take(CHUNK as u64).read_to_end(&mut self.window)?;
                    *produced += got as u64;
                    *ended = got == 0;
                    if *produced > *cap {
                        return Err(SourceError::Bomb { inflated: *produced });
                    }
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_window_moves_in_both_directions() {
        let mut f = tempfile::tempfile().unwrap();
        let data: Vec<u8> = (0..100_000_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
        f.write_all(&data).unwrap();
        let mut s = Source::file(&mut f, 100_000);
        for (pos, n) in [(0_u64, 4_usize), (90_000, 12), (10, 20_000), (99_998, 8), (100_000, 4)] {
            let from = usize::try_from(pos).unwrap();
            let to = (from + n).min(data.len());
            assert_eq!(s.peek(pos, n).unwrap(), &data[from..to], "at {pos}");
        }
    }

    #[test]
    fn inflating_stops_at_the_cap() {
        let zeros = vec![0_u8; 1 << 20];
        let mut s = Source::inflate(Box::new(&zeros[..]), 100_000);
        assert_eq!(s.peek(50_000, 4).unwrap(), &[0; 4]);
        assert!(s.window.len() < 3 * CHUNK, "skipped bytes are dropped");
        assert!(matches!(s.peek(500_000, 4), Err(SourceError::Bomb { inflated }) if inflated < 150_000));
    }
}
