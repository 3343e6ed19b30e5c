//! Uncompressed files as memory: only the pages that are looked at are read. The only `unsafe` module of the workspace.

use std::fs::File;
use std::marker::PhantomData;
use std::path::Path;

use memmap2::Mmap;
use ndarray::ArrayView3;
use rt_image::VolumeView;

use crate::error::{Fault, MapError, ReadError};
use crate::header::Header;
use crate::read::Stream;
use crate::sample::Sample;

/// A volume whose samples stay in the file.
///
/// The file must not be shortened while it is mapped; files of a course are replaced by renaming, which leaves a mapping whole.
#[derive(Debug)]
pub struct MappedVolume<T> {
    header: Header,
    map: Mmap,
    start: usize,
    sample: PhantomData<T>,
}

/// Maps a raw 3-D file whose samples are stored as `T`, in native byte order and unscaled.
///
/// # Errors
/// [`MapError::Read`] when the file is unreadable, damaged or too short for its header; [`MapError::NotMappable`] when it is sound but
/// compressed, scaled, or of another type: [`crate::read()`] converts it.
pub fn map<T: Sample>(path: &Path) -> Result<MappedVolume<T>, MapError> {
    let stream = Stream::open(path)?;
    let header = &stream.header;
    let fault = |fault| {
        MapError::Read(ReadError {
            path: path.to_owned(),
            fault,
        })
    };
    let refuse = |why: String| {
        Err(MapError::NotMappable {
            path: path.to_owned(),
            wanted: T::DATA_TYPE,
            why,
        })
    };
    if header.layers != 1 {
        return Err(fault(Fault::ManyVolumes(header.layers)));
    }
    if stream.compressed {
        return refuse("it is compressed".into());
    }
    if header.data_type != T::DATA_TYPE {
        return refuse(format!("it stores {}", header.data_type));
    }
    if !header.scale.is_identity() {
        return refuse(format!(
            "its values are scaled by {} and {}",
            header.scale.slope, header.scale.inter
        ));
    }
    if !header.order.is_native() {
        return refuse("its byte order is not that of this machine".into());
    }
    let file = File::open(path).map_err(|e| fault(Fault::Io(e)))?;
    // SAFETY: the map is read-only and private. Another process that shortens the file while it is mapped would end this one with a bus
    // error; files of a course are replaced by rename, never shortened in place, and that is what this crate documents.
    #[expect(unsafe_code, reason = "mapping a file is unsafe by nature; everything built on it is checked")]
    let map = unsafe { Mmap::map(&file) }.map_err(|e| fault(Fault::Io(e)))?;
    // The length is compared again on the map itself: the file may have changed since its header was read.
    let bytes = header.data_bytes().map_err(fault)?;
    let start = usize::try_from(header.offset).map_err(|_| fault(Fault::TooLarge(header.offset)))?;
    let found = map.len().saturating_sub(start) as u64;
    if found < bytes {
        return Err(fault(Fault::Truncated { expected: bytes, found }));
    }
    if start % align_of::<T>() != 0 {
        return refuse(format!("its samples start at byte {start}, which is not aligned"));
    }
    Ok(MappedVolume {
        header: stream.header,
        map,
        start,
        sample: PhantomData,
    })
}

impl<T: Sample> MappedVolume<T> {
    /// The facts of the file.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The volume; samples are read from the disk as they are looked at.
    ///
    /// # Panics
    /// Never: length, type and alignment were checked when the file was mapped.
    #[expect(clippy::expect_used, reason = "checked when the file was mapped")]
    pub fn view(&self) -> VolumeView<'_, T> {
        let grid = &self.header.grid;
        let bytes = &self.map[self.start..self.start + grid.len() * size_of::<T>()];
        let samples: &[T] = bytemuck::cast_slice(bytes);
        let data = ArrayView3::from_shape(grid.shape(), samples).expect("as many samples as the grid has voxels");
        VolumeView::new(grid, data).expect("the shape of its own grid")
    }
}
