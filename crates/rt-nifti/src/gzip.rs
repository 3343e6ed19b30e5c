//! One gzip member, compressed in blocks by many threads: the bytes depend on the data and the level alone.
//!
//! Blocks of a fixed size are deflated apart and end at a byte border (an empty stored block), so that they join to one stream
//! (RFC 1951 3.2.4, RFC 1952). A reader that knows only single-member files reads it whole.

use std::io::{self, Write};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use rayon::prelude::*;

/// Bytes of one block.
const BLOCK: usize = 1 << 20;
/// Blocks held before they are compressed together.
const BATCH: usize = 32;

/// Compresses what is written to it into `sink`; [`GzipBlocks::finish`] must be called.
pub(crate) struct GzipBlocks<W: Write> {
    sink: W,
    level: Compression,
    blocks: Vec<Vec<u8>>,
    crc: Crc,
}

impl<W: Write> GzipBlocks<W> {
    pub(crate) fn new(mut sink: W, level: u32) -> io::Result<Self> {
        // Magic, deflate, no flags, time 0, no extra flags, unknown system.
        sink.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])?;
        Ok(Self {
            sink,
            level: Compression::new(level.min(9)),
            blocks: Vec::new(),
            crc: Crc::new(),
        })
    }

    /// Compresses the full blocks (all of them when the stream ends) and writes them in order.
    fn drain(&mut self, flush: FlushCompress) -> io::Result<()> {
        let level = self.level;
        let packed: Vec<io::Result<(Vec<u8>, Crc)>> = self
            .blocks
            .par_iter()
            .map(|block| {
                let mut crc = Crc::new();
                crc.update(block);
                Ok((deflate(block, level, flush)?, crc))
            })
            .collect();
        self.blocks.clear();
        for item in packed {
            let (bytes, crc) = item?;
            self.crc.combine(&crc);
            self.sink.write_all(&bytes)?;
        }
        Ok(())
    }

    /// Writes what is left and the trailer; gives the sink back.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.drain(FlushCompress::Sync)?;
        self.blocks.push(Vec::new());
        self.drain(FlushCompress::Finish)?;
        let (sum, amount) = (self.crc.sum(), self.crc.amount());
        self.sink.write_all(&sum.to_le_bytes())?;
        self.sink.write_all(&amount.to_le_bytes())?;
        Ok(self.sink)
    }
}

impl<W: Write> Write for GzipBlocks<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let full = self.blocks.last().is_none_or(|b| b.len() == BLOCK);
        if full {
            if self.blocks.len() == BATCH {
                self.drain(FlushCompress::Sync)?;
            }
            self.blocks.push(Vec::with_capacity(BLOCK));
        }
        let Some(block) = self.blocks.last_mut() else {
            return Ok(0);
        };
        let taken = data.len().min(BLOCK - block.len());
        block.extend_from_slice(&data[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

fn deflate(block: &[u8], level: Compression, flush: FlushCompress) -> io::Result<Vec<u8>> {
    let mut state = Compress::new(level, false);
    let mut out = Vec::with_capacity(block.len() / 3 + 1024);
    loop {
        let done = usize::try_from(state.total_in()).map_err(io::Error::other)?;
        let status = state.compress_vec(&block[done..], &mut out, flush).map_err(io::Error::other)?;
        let ended = match flush {
            FlushCompress::Finish => status == Status::StreamEnd,
            _ => state.total_in() == block.len() as u64 && out.len() < out.capacity(),
        };
        if ended {
            return Ok(out);
        }
        out.reserve(block.len() / 2 + 1024);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn pack(data: &[u8], threads: usize) -> Vec<u8> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut gz = GzipBlocks::new(Vec::new(), 6).unwrap();
            gz.write_all(data).unwrap();
            gz.finish().unwrap()
        })
    }

    #[test]
    fn a_single_member_of_many_blocks_unpacks_to_the_data_for_any_thread_count() {
        let noise = |n: usize| -> Vec<u8> {
            let mut x = 1u32;
            (0..n)
                .map(|_| {
                    x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    x.to_be_bytes()[0]
                })
                .collect()
        };
        for data in [
            Vec::new(),
            vec![7u8; 1],
            noise(BLOCK),
            noise(BLOCK + 1),
            noise(3 * BLOCK + 17),
            vec![0u8; 40 * BLOCK],
        ] {
            let one = pack(&data, 1);
            assert_eq!(one, pack(&data, 3));
            let mut back = Vec::new();
            flate2::read::GzDecoder::new(&one[..]).read_to_end(&mut back).unwrap();
            assert!(back == data, "{} bytes", data.len());
        }
    }
}
