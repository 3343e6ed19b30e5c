//! Why a region has no features.

use rt_core::GridDifference;

/// Why no features were extracted from a region. The first sentence of a message is the reference's where it refuses the same input.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// The mask holds no voxel.
    #[error("No labels found in this mask (i.e. nothing is segmented)!")]
    Empty,
    /// The wanted label is not in the mask.
    #[error("Label ({label}) not present in mask. Choose from {present:?}")]
    NoLabel {
        /// Wanted label.
        label: u32,
        /// Labels found.
        present: Vec<u32>,
    },
    /// The mask holds one voxel.
    #[error("mask only contains 1 segmented voxel! Cannot extract features for a single voxel.")]
    SingleVoxel,
    /// The box of the mask is flat in too many directions.
    #[error("mask has too few dimensions (number of dimensions {found}, minimum required {minimum})")]
    TooFewDimensions {
        /// Axes along which the box is longer than one voxel.
        found: usize,
        /// Least number asked for (`minimumROIDimensions`).
        minimum: usize,
    },
    /// As many voxels as the limit, or fewer.
    #[error("Size of the ROI is too small (minimum size: {minimum}, ROI size: {voxels}); more than {minimum} voxels are needed")]
    TooSmall {
        /// Voxels, after resampling when there is any.
        voxels: usize,
        /// `minimumROISize`.
        minimum: usize,
    },
    /// Image and mask are on different grids.
    #[error(
        "image and mask are not on the same grid: {difference} (image against mask); resample the mask onto the image, \
         or set correctMask to do it here"
    )]
    GridMismatch {
        /// The first property that differs, with both values.
        difference: GridDifference,
    },
    /// The mask leaves the image.
    #[error("the region leaves the image: its box {lo:?} to {hi:?} (voxels of the image) does not lie in an image of {size:?} voxels")]
    OutsideImage {
        /// First corner, continuous image index.
        lo: [f64; 3],
        /// Last corner, continuous image index.
        hi: [f64; 3],
        /// Image size.
        size: [usize; 3],
    },
    /// Slices are uneven or not perpendicular to the slice direction.
    #[error("the image grid is {0}; features need a right-angled, even grid: resample the image first")]
    IrregularGrid(&'static str),
    /// The region holds a value that is not a number.
    #[error("the image holds {count} values inside the region that are not finite numbers; repair or mask them")]
    NotFinite {
        /// How many.
        count: usize,
    },
    /// Resegmentation leaves nothing to measure.
    #[error("the resegmented region has {voxels} voxels (thresholds {lower} to {upper}): widen resegmentRange")]
    Resegmented {
        /// Voxels left.
        voxels: usize,
        /// Lower threshold in image units.
        lower: f64,
        /// Upper threshold in image units.
        upper: f64,
    },
    /// The image has one value and cannot be normalised.
    #[error("the image cannot be normalised: all values that it is normalised by are equal")]
    FlatImage,
    /// A setting does not fit this image.
    #[error("{0}")]
    Setting(String),
    /// A defect of this program.
    #[error("internal error: {0}; please report it with the settings and the size of the region")]
    Internal(String),
    /// The user asked to stop.
    #[error("stopped before this region was done")]
    Cancelled,
}

impl ExtractError {
    /// Stable code for tables, JSON and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "radiomics.empty",
            Self::NoLabel { .. } => "radiomics.no_label",
            Self::SingleVoxel | Self::TooSmall { .. } => "radiomics.too_small",
            Self::TooFewDimensions { .. } => "radiomics.too_few_dims",
            Self::GridMismatch { .. } => "radiomics.grid_mismatch",
            Self::OutsideImage { .. } => "radiomics.outside_image",
            Self::IrregularGrid(_) => "radiomics.irregular_grid",
            Self::NotFinite { .. } => "radiomics.not_finite",
            Self::Resegmented { .. } => "radiomics.resegmented",
            Self::FlatImage => "radiomics.flat_image",
            Self::Setting(_) => "radiomics.setting",
            Self::Internal(_) => "internal.panic",
            Self::Cancelled => "radiomics.cancelled",
        }
    }

    /// Whether the region was left out because of what it is, not because something went wrong: the row is `skipped`, not `failed`.
    pub fn is_skip(&self) -> bool {
        matches!(
            self,
            Self::Empty | Self::SingleVoxel | Self::TooSmall { .. } | Self::TooFewDimensions { .. } | Self::Resegmented { .. }
        )
    }
}
