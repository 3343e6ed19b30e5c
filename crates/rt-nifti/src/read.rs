//! From a file, compressed or not, to volumes.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use ndarray::Array3;
use rt_image::{AnyVolume, Volume};

use crate::error::{Fault, ReadError};
use crate::header::Header;
use crate::sample::{DataType, Sample, decode};

/// Most bytes of samples that one file may hold: 32 GiB, a 4-D file of 100 layers of 512 x 512 x 600 in 16 bits.
pub const MAX_DATA_BYTES: u64 = 32 << 30;
/// Deflate cannot expand more than this (RFC 1951: 258 bytes from 2 bits).
const MAX_DEFLATE_RATIO: u64 = 1032;
/// Bytes converted at once; a multiple of every sample size.
const CHUNK: usize = 1 << 20;

/// The facts of a file, without its samples.
///
/// # Errors
/// [`ReadError`] when the file cannot be read or its header is unusable.
pub fn header(path: &Path) -> Result<Header, ReadError> {
    Ok(Stream::open(path)?.header)
}

/// Reads the volume of a 3-D file with slope and intercept applied.
///
/// # Errors
/// [`ReadError`] when the file cannot be read, is truncated, holds several volumes, or holds values that `T` cannot stand for.
pub fn read<T: Sample>(path: &Path) -> Result<Volume<T>, ReadError> {
    let stream = Stream::open(path)?;
    only_volume(stream).map_err(|fault| at(path, fault))
}

/// Reads the volume of a 3-D file in the type that it is stored in.
///
/// Scaled integers become `f32` (64-bit types `f64`), and 64-bit integers `f64`, as ITK reads them.
///
/// # Errors
/// As [`read`].
pub fn read_any(path: &Path) -> Result<AnyVolume, ReadError> {
    let header = header(path)?;
    let scaled = !header.scale.is_identity();
    Ok(match header.data_type {
        DataType::F64 | DataType::U64 | DataType::I64 => read::<f64>(path)?.into(),
        _ if scaled => read::<f32>(path)?.into(),
        DataType::U8 => read::<u8>(path)?.into(),
        DataType::I8 => read::<i8>(path)?.into(),
        DataType::U16 => read::<u16>(path)?.into(),
        DataType::I16 => read::<i16>(path)?.into(),
        DataType::U32 => read::<u32>(path)?.into(),
        DataType::I32 => read::<i32>(path)?.into(),
        DataType::F32 => read::<f32>(path)?.into(),
    })
}

/// Reads the volume of a 3-D file from any source; `length` is the number of bytes of the source, when it is known.
///
/// # Errors
/// As [`read`].
pub fn read_from<T: Sample>(source: impl Read, length: Option<u64>) -> Result<Volume<T>, Fault> {
    only_volume(Stream::new(Box::new(source), length)?)
}

/// Reads the volumes of a 4-D file (or the one of a 3-D file) one after the other.
///
/// # Errors
/// [`ReadError`] when the file cannot be read or its header is unusable; the iterator gives the errors of each layer.
pub fn read_layers<T: Sample>(path: &Path) -> Result<Layers<T>, ReadError> {
    let stream = Stream::open(path)?;
    Ok(Layers {
        path: path.to_owned(),
        stream,
        next: 0,
        sample: PhantomData,
    })
}

/// Volumes of a file in order; ends after the first error.
pub struct Layers<T> {
    path: PathBuf,
    stream: Stream<'static>,
    next: usize,
    sample: PhantomData<T>,
}

impl<T> Layers<T> {
    /// The facts of the file.
    pub fn header(&self) -> &Header {
        &self.stream.header
    }
}

impl<T: Sample> Iterator for Layers<T> {
    type Item = Result<Volume<T>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let layers = self.stream.header.layers;
        if self.next >= layers {
            return None;
        }
        self.next += 1;
        let mut volume = self.stream.volume();
        if self.next == layers && volume.is_ok() {
            volume = self.stream.check_end().and(volume);
        }
        if volume.is_err() {
            self.next = layers;
        }
        Some(volume.map_err(|fault| at(&self.path, fault)))
    }
}

impl<T> std::fmt::Debug for Layers<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layers")
            .field("path", &self.path)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

fn at(path: &Path, fault: Fault) -> ReadError {
    ReadError {
        path: path.to_owned(),
        fault,
    }
}

fn only_volume<T: Sample>(mut stream: Stream<'_>) -> Result<Volume<T>, Fault> {
    if stream.header.layers != 1 {
        return Err(Fault::ManyVolumes(stream.header.layers));
    }
    let volume = stream.volume()?;
    stream.check_end()?;
    Ok(volume)
}

/// An open file behind its header.
pub(crate) struct Stream<'a> {
    pub(crate) header: Header,
    pub(crate) compressed: bool,
    input: Box<dyn Read + 'a>,
}

impl Stream<'static> {
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        let open = || -> Result<Self, Fault> {
            let file = File::open(path)?;
            let facts = file.metadata()?;
            if !facts.is_file() {
                return Err(Fault::NotNifti("it is not a regular file".into()));
            }
            Stream::new(Box::new(BufReader::with_capacity(CHUNK, file)), Some(facts.len()))
        };
        open().map_err(|fault| at(path, fault))
    }
}

impl<'a> Stream<'a> {
    /// Reads the header and checks that `length` bytes can hold what it promises, before anything is allocated for it.
    fn new(mut source: Box<dyn Read + 'a>, length: Option<u64>) -> Result<Self, Fault> {
        let mut start = Vec::with_capacity(2);
        source.by_ref().take(2).read_to_end(&mut start)?;
        if start.len() < 2 {
            return Err(Fault::NotNifti("it is empty".into()));
        }
        let compressed = start == [0x1f, 0x8b];
        let whole = io::Cursor::new(start).chain(source);
        let input: Box<dyn Read + 'a> = if compressed {
            Box::new(MultiGzDecoder::new(whole))
        } else {
            Box::new(whole)
        };
        let mut counted = Counted { input, bytes: 0 };
        let mut header = Header::read(&mut counted)?;
        header.offset = counted.bytes;
        let expected = header.data_bytes()?;
        if expected > MAX_DATA_BYTES {
            return Err(Fault::TooLarge(expected));
        }
        let room = length.map(|n| if compressed { n.saturating_mul(MAX_DEFLATE_RATIO) } else { n });
        if let Some(found) = room.map(|n| n.saturating_sub(header.offset)).filter(|found| *found < expected) {
            return Err(Fault::Truncated { expected, found });
        }
        Ok(Self {
            header,
            compressed,
            input: counted.input,
        })
    }

    /// The next volume. Memory grows with the bytes that arrive, not with what the header promises.
    fn volume<T: Sample>(&mut self) -> Result<Volume<T>, Fault> {
        let (voxels, width) = (self.header.grid.len(), self.header.data_type.bytes());
        let bytes = voxels as u64 * width as u64;
        let mut samples: Vec<T> = Vec::new();
        samples.try_reserve_exact(voxels).map_err(|_| Fault::TooLarge(bytes))?;
        let mut chunk = vec![0u8; CHUNK.min(voxels * width)];
        while samples.len() < voxels {
            let wanted = chunk.len().min((voxels - samples.len()) * width);
            let part = &mut chunk[..wanted];
            let got = fill(&mut self.input, part)?;
            if got < wanted {
                let found = (samples.len() * width + got) as u64;
                return Err(Fault::Truncated { expected: bytes, found });
            }
            decode(part, self.header.layout(), &mut samples)?;
        }
        let data = Array3::from_shape_vec(self.header.grid.shape(), samples).map_err(|e| Fault::Io(io::Error::other(e)))?;
        Ok(Volume::new(self.header.grid.clone(), data)?)
    }

    /// Reads on to the end of a compressed file, so that its checksum is compared; a little more data than promised is left alone.
    fn check_end(&mut self) -> Result<(), Fault> {
        if self.compressed {
            let mut rest = [0u8; 4096];
            for _ in 0..256 {
                match self.input.read(&mut rest) {
                    Ok(0) => break,
                    Err(e) if e.kind() != io::ErrorKind::Interrupted => return Err(Fault::Damaged(e.to_string())),
                    Ok(_) | Err(_) => {}
                }
            }
        }
        Ok(())
    }
}

/// Reads until `buffer` is full or the source ends, also inside compressed data; damaged compression counts as damage of the file.
fn fill(input: &mut dyn Read, buffer: &mut [u8]) -> Result<usize, Fault> {
    let mut done = 0;
    while done < buffer.len() {
        match input.read(&mut buffer[done..]) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
                return Err(Fault::Damaged(e.to_string()));
            }
            Err(e) => return Err(Fault::Io(e)),
        }
    }
    Ok(done)
}

/// Counts the bytes that pass.
struct Counted<'a> {
    input: Box<dyn Read + 'a>,
    bytes: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.bytes += n as u64;
        Ok(n)
    }
}
