//! Volumes and layers to `.nii` and `.nii.gz`.

use std::borrow::Borrow;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use ndarray::{Array3, ArrayView3};
use rt_core::Grid;
use rt_image::{Volume, VolumeView};

use crate::error::WriteError;
use crate::gzip::GzipBlocks;
use crate::header::{Encode, Extension, encode};
use crate::sample::{self, Sample};

/// Whether the file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Samples as they are: can be mapped.
    Raw,
    /// Gzip at level 0 to 9.
    Gzip(u32),
}

impl Encoding {
    /// Gzip at the level that label maps and masks are written with.
    pub const GZIP: Self = Self::Gzip(6);

    /// Gzip when the file name ends in `.gz`, else raw.
    pub fn of_path(path: &Path) -> Self {
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz")) {
            Self::GZIP
        } else {
            Self::Raw
        }
    }
}

/// How a volume is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOptions {
    /// Used by [`write_to`] and [`write_layers`]; [`write()`] goes by the file name.
    pub encoding: Encoding,
    /// Field `descrip`, at most 79 bytes: which program and version wrote the file.
    pub description: String,
    /// Header extensions to add, for instance a label table.
    pub extensions: Vec<Extension>,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            encoding: Encoding::Raw,
            description: concat!("rtpipeline ", env!("CARGO_PKG_VERSION")).into(),
            extensions: Vec::new(),
        }
    }
}

/// Writes a volume to `path`, gzip-compressed when the name ends in `.gz`. A file that could not be finished is removed.
///
/// The file is written in place; whoever needs an atomic replacement writes through [`write_to`].
///
/// # Errors
/// [`WriteError`] when the file cannot be created or written, or the volume has more than 32,767 voxels along an axis.
pub fn write<T: Sample>(path: &Path, volume: &Volume<T>, options: &WriteOptions) -> Result<(), WriteError> {
    let create = |source| WriteError::Create {
        path: path.to_owned(),
        source,
    };
    let file = File::create(path).map_err(create)?;
    let options = WriteOptions {
        encoding: Encoding::of_path(path),
        ..options.clone()
    };
    write_to(&mut BufWriter::with_capacity(1 << 20, file), volume.view(), &options).map_err(|e| {
        // The first failure is what the caller must hear; a partial file is worth a try to remove, no more.
        drop(std::fs::remove_file(path));
        match e {
            WriteError::Io(source) => create(source),
            other => other,
        }
    })
}

/// Writes a volume to any sink, and flushes it.
///
/// # Errors
/// [`WriteError`] when the sink fails or the volume has more than 32,767 voxels along an axis.
pub fn write_to<T: Sample>(sink: &mut dyn Write, volume: VolumeView<'_, T>, options: &WriteOptions) -> Result<(), WriteError> {
    let frame = Frame {
        grid: volume.grid(),
        layers: 1,
    };
    write_all::<T>(sink, &frame, options, |out| put(out, volume.data()))
}

/// Writes `count` layers `[k, j, i]` of one grid as a 4-D file; one layer is in memory at a time. One layer makes a 3-D file.
///
/// # Errors
/// [`WriteError`] as for [`write_to`], and when a layer has another shape than the grid or their number is not `count`.
pub fn write_layers<T: Sample, L: Borrow<Array3<T>>>(
    sink: &mut dyn Write,
    grid: &Grid,
    count: usize,
    layers: impl IntoIterator<Item = L>,
    options: &WriteOptions,
) -> Result<(), WriteError> {
    let frame = Frame { grid, layers: count };
    write_all::<T>(sink, &frame, options, |out| {
        let mut written = 0;
        for layer in layers {
            let layer: &Array3<T> = layer.borrow();
            let fault = |why: String| WriteError::Layer { layer: written, why };
            if layer.dim() != grid.shape() {
                return Err(fault(format!("has shape {:?}, the grid {:?}", layer.dim(), grid.shape())));
            }
            if written == count {
                return Err(fault(format!("is one more than the {count} announced")));
            }
            put(out, layer.view())?;
            written += 1;
        }
        if written < count {
            let why = format!("is missing: {count} were announced");
            return Err(WriteError::Layer { layer: written, why });
        }
        Ok(())
    })
}

fn write_all<T: Sample>(
    sink: &mut dyn Write,
    frame: &Frame<'_>,
    options: &WriteOptions,
    samples: impl FnOnce(&mut dyn Write) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let facts = Encode {
        layers: frame.layers,
        data_type: T::DATA_TYPE,
        description: &options.description,
        extensions: &options.extensions,
    };
    let head = encode(frame.grid, &facts)?;
    match options.encoding {
        Encoding::Raw => {
            sink.write_all(&head)?;
            samples(sink)?;
        }
        Encoding::Gzip(level) => {
            let mut gz = GzipBlocks::new(&mut *sink, level)?;
            gz.write_all(&head)?;
            samples(&mut gz)?;
            gz.finish()?;
        }
    }
    sink.flush()?;
    Ok(())
}

/// What the samples fill.
struct Frame<'a> {
    grid: &'a Grid,
    layers: usize,
}

/// Appends the samples in file order, a megabyte at a time.
fn put<T: Sample>(out: &mut dyn Write, data: ArrayView3<'_, T>) -> Result<(), WriteError> {
    const CHUNK: usize = 1 << 18;
    let mut bytes = Vec::with_capacity(CHUNK * size_of::<T>());
    if let Some(all) = data.as_slice() {
        for part in all.chunks(CHUNK) {
            bytes.clear();
            sample::encode(part, &mut bytes);
            out.write_all(&bytes)?;
        }
        return Ok(());
    }
    for slice in data.outer_iter() {
        bytes.clear();
        let row_major: Vec<T> = slice.iter().copied().collect();
        sample::encode(&row_major, &mut bytes);
        out.write_all(&bytes)?;
    }
    Ok(())
}
