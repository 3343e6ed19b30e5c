//! What can go wrong with a NIfTI file, in words that name the file and the remedy.

use std::io;
use std::path::PathBuf;

use rt_core::GridError;
use rt_image::VolumeError;

use crate::sample::DataType;

/// What is wrong with the contents of a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The file could not be opened or read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Neither NIfTI-1 nor NIfTI-2, compressed or not.
    #[error("is not a NIfTI file ({0})")]
    NotNifti(String),
    /// Compressed data that do not unpack, or whose checksum is wrong.
    #[error("is damaged: the compressed data do not unpack ({0})")]
    Damaged(String),
    /// A `.hdr` of a header and image pair.
    #[error("is the header of a .hdr/.img pair; convert it to a single .nii or .nii.gz file first")]
    Pair,
    /// A header field that no reader could honour.
    #[error("has the header field {field} = {value}, which is {why}")]
    BadField {
        /// Name in the NIfTI definition.
        field: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Complex, colour or 128-bit samples, or an unknown code.
    #[error("stores samples of datatype code {0}, which is not a supported real number type")]
    UnsupportedType(i32),
    /// Positions that do not make a lattice.
    #[error("has no usable geometry: {0}")]
    Geometry(#[from] GridError),
    /// More than one volume where one was asked for.
    #[error("holds {0} volumes of one grid where a single one is expected")]
    ManyVolumes(usize),
    /// Fewer samples than the header promises.
    #[error("is truncated: the header promises {expected} bytes of samples, {found} are there")]
    Truncated {
        /// Bytes by the header.
        expected: u64,
        /// Bytes found, or the most that a compressed file of this length can hold.
        found: u64,
    },
    /// More samples than this program is prepared to hold.
    #[error("claims {0} bytes of samples, above the limit of {limit} bytes", limit = crate::read::MAX_DATA_BYTES)]
    TooLarge(u64),
    /// A value that the wanted type cannot hold.
    #[error("holds the value {value}, which is not a number of type {wanted}")]
    NotRepresentable {
        /// The value after scaling.
        value: f64,
        /// The type asked for.
        wanted: DataType,
    },
    /// Samples and grid disagree.
    #[error(transparent)]
    Volume(#[from] VolumeError),
}

impl Fault {
    /// Stable reason code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "nifti.io",
            Self::NotNifti(_) => "nifti.not_nifti",
            Self::Damaged(_) => "nifti.damaged",
            Self::Pair => "nifti.pair",
            Self::BadField { .. } => "nifti.bad_header",
            Self::UnsupportedType(_) => "nifti.type_unsupported",
            Self::Geometry(_) => "nifti.geometry",
            Self::ManyVolumes(_) => "nifti.many_volumes",
            Self::Truncated { .. } => "nifti.truncated",
            Self::TooLarge(_) => "nifti.too_large",
            Self::NotRepresentable { .. } => "nifti.not_representable",
            Self::Volume(_) => "nifti.shape",
        }
    }
}

/// A file that could not be read, and why.
#[derive(Debug, thiserror::Error)]
#[error("{} {fault}", path.display())]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: Fault,
}

impl ReadError {
    /// Stable reason code.
    pub fn code(&self) -> &'static str {
        self.fault.code()
    }
}

/// A file that could not be mapped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// It could not be read at all.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is sound, but its samples are not laid out in memory as asked for; reading it works.
    #[error("{} cannot be mapped as {wanted}: {why}; read it instead", path.display())]
    NotMappable {
        /// The file.
        path: PathBuf,
        /// The type asked for.
        wanted: DataType,
        /// What stands in the way.
        why: String,
    },
}

impl MapError {
    /// Stable reason code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read(e) => e.code(),
            Self::NotMappable { .. } => "nifti.not_mappable",
        }
    }
}

/// Why a volume could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The target could not be created or written.
    #[error("{} cannot be written: {source}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The sink refused bytes.
    #[error("writing NIfTI samples failed: {0}")]
    Io(#[from] io::Error),
    /// A dimension that a NIfTI-1 header cannot hold.
    #[error("a NIfTI-1 header holds up to 32,767 voxels or layers along an axis, this volume has {0}")]
    TooManyVoxels(usize),
    /// A layer of another shape than the grid, or not as many layers as announced.
    #[error("layer {layer} {why}")]
    Layer {
        /// Number of the layer, from 0.
        layer: usize,
        /// What is wrong.
        why: String,
    },
}

impl WriteError {
    /// Stable reason code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Create { .. } | Self::Io(_) => "nifti.write",
            Self::TooManyVoxels(_) => "nifti.too_many_voxels",
            Self::Layer { .. } => "nifti.layer",
        }
    }
}
