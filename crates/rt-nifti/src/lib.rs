//! NIfTI-1 and NIfTI-2 single files: volumes and label layers in, volumes and label layers out, on LPS grids.
//!
//! Knows: the file format, its geometry fields, its sample types. Must not know: DICOM, courses, stages, configuration.
//! Positions in a NIfTI file are RAS mm; **the change to LPS happens here and nowhere else** ([`geometry`]). Inside the program
//! there are only [`rt_core::Grid`]s. Samples are in file order: first index fastest, which is `[k, j, i]` in C order.
//!
//! - [`read`] gives a volume of any sample type with `scl_slope` and `scl_inter` applied, [`read_layers`] the volumes of a 4-D
//!   file one after the other, [`map`] a view of an uncompressed file without reading it, [`header`] its facts alone.
//! - [`write()`] and [`write_to`] write `.nii` and `.nii.gz`, [`write_layers`] a 4-D file from an iterator. Bytes depend on the
//!   samples, the grid and the options; not on the time, the number of threads or the path.
//! - The header of NIfTI-1 holds positions as `f32`. What we write carries the grid in `f64` in a header extension too, and
//!   reading takes it when it agrees with the header: a grid comes back as it was written, bit for bit.
//!
//! Sources: NIfTI-1 and NIfTI-2 header definitions (`nifti1.h`, `nifti2.h`, NIfTI Data Format Working Group), RFC 1952 (gzip),
//! `spec/ingest.md` 1.15 and `peers/io.md` section 2 of the design papers.
//!
//! ```
//! use ndarray::Array3;
//! use rt_core::{Grid, Vec3};
//! use rt_image::Volume;
//! use rt_nifti::{Encoding, WriteOptions, read_from, write_to};
//!
//! let grid = Grid::axis_aligned([4, 3, 2], Vec3::new(-10.0, 20.0, 5.0), [0.7, 0.7, 2.5])?;
//! let ct = Volume::new(grid, Array3::from_shape_fn((2, 3, 4), |(k, j, i)| (100 * k + 10 * j + i) as i16))?;
//! let mut bytes = Vec::new();
//! write_to(&mut bytes, ct.view(), &WriteOptions { encoding: Encoding::GZIP, ..WriteOptions::default() })?;
//! let back = read_from::<f32>(&bytes[..], None)?;
//! assert_eq!(back.grid(), ct.grid());
//! assert_eq!(back.data()[[1, 2, 3]], 123.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod error;
pub mod geometry;
mod gzip;
pub mod header;
pub mod label_table;
pub mod mapped;
pub mod read;
pub mod sample;
pub mod write;

pub use error::{Fault, MapError, ReadError, WriteError};
pub use geometry::GeometrySource;
pub use header::{Extension, Header};
pub use label_table::{label_names, label_table};
pub use mapped::{MappedVolume, map};
pub use read::{Layers, header, read, read_any, read_from, read_layers};
pub use sample::{DataType, Sample, Scale};
pub use write::{Encoding, WriteOptions, write, write_layers, write_to};
