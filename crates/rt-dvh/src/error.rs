//! Why a region has no DVH, and what is worth saying about one that has.

use rt_image::PlaneError;

/// How the computation for one region ended; the words of the `status` column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// All of the region lies in the dose grid.
    Ok,
    /// Figures refer to the part inside the dose grid.
    Partial,
    /// There is nothing to compute: the input has no such thing.
    Skipped,
    /// The figures cannot be computed from what was given.
    Failed,
}

impl Status {
    /// The word in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Partial => "partial",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// Why a region has no DVH.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DvhError {
    /// The contours make no solid.
    #[error(transparent)]
    Planes(#[from] PlaneError),
    /// A mask without voxels.
    #[error("the mask has no voxel")]
    EmptyMask,
    /// No part of the region has a dose.
    #[error("the region ({volume_cc:.3} cm3) lies wholly outside the dose grid")]
    NoOverlap {
        /// Volume of the region, cm3.
        volume_cc: f64,
    },
    /// A sum of doses is asked for only where all of them are known.
    #[error("only {covered:.4} of the region lies in all dose grids of the sum; set dvh.sum_missing to \"partial\" or \"zero\" to go on")]
    SumIncomplete {
        /// Share of the region inside all grids.
        covered: f64,
        /// Volume of the region, cm3.
        volume_cc: f64,
    },
    /// The dose is in percent of something unknown.
    #[error("the dose is RELATIVE, not in Gy; set dvh.relative_reference_gy to the dose that 100 stands for")]
    RelativeDose {
        /// Volume of the region, cm3, when its contours make one.
        volume_cc: Option<f64>,
    },
    /// The predecessor has no such row.
    #[error("the Python pipeline has no row for it: a single contour plane, or no voxel centre with a dose inside")]
    ReferenceDropped,
    /// The predecessor cannot read such a dose grid.
    #[error("the dose grid is not upright, which dvh.mode = \"reference\" cannot evaluate; use dvh.mode = \"exact\"")]
    ReferenceGeometry,
    /// No usable dose values.
    #[error("there is no dose, or it holds a value that is not a number")]
    NotFinite,
    /// The run was interrupted.
    #[error("cancelled")]
    Cancelled,
}

impl DvhError {
    /// Stable code for tables and events.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Planes(PlaneError::MixedPlanes { .. }) => "dvh.mixed_planes",
            Self::Planes(PlaneError::ThicknessUnknown) => "dvh.thickness_unknown",
            Self::Planes(_) | Self::EmptyMask => "dvh.empty",
            Self::NoOverlap { .. } => "dvh.no_overlap",
            Self::SumIncomplete { .. } => "dvh.sum_incomplete",
            Self::RelativeDose { .. } => "dvh.relative_dose",
            Self::ReferenceDropped => "dvh.reference_dropped",
            Self::ReferenceGeometry => "dvh.reference_geometry",
            Self::NotFinite => "dvh.dose_not_finite",
            Self::Cancelled => "dvh.cancelled",
        }
    }

    /// Whether there was nothing to compute, or something is wrong.
    pub fn status(&self) -> Status {
        match self {
            Self::Planes(PlaneError::Empty { .. })
            | Self::EmptyMask
            | Self::NoOverlap { .. }
            | Self::SumIncomplete { .. }
            | Self::ReferenceDropped => Status::Skipped,
            Self::Planes(_) | Self::RelativeDose { .. } | Self::ReferenceGeometry | Self::NotFinite | Self::Cancelled => Status::Failed,
        }
    }

    /// Volume of the whole region in cm3, where it is known.
    pub fn volume_cc(&self) -> Option<f64> {
        match self {
            Self::NoOverlap { volume_cc } | Self::SumIncomplete { volume_cc, .. } => Some(*volume_cc),
            Self::RelativeDose { volume_cc } => *volume_cc,
            Self::Planes(_) | Self::EmptyMask | Self::ReferenceDropped | Self::ReferenceGeometry | Self::NotFinite | Self::Cancelled => {
                None
            }
        }
    }

    /// Share of the region inside the dose grid, where it is known.
    pub fn covered_fraction(&self) -> Option<f64> {
        match self {
            Self::NoOverlap { .. } => Some(0.0),
            Self::SumIncomplete { covered, .. } => Some(*covered),
            Self::Planes(_)
            | Self::EmptyMask
            | Self::RelativeDose { .. }
            | Self::ReferenceDropped
            | Self::ReferenceGeometry
            | Self::NotFinite
            | Self::Cancelled => None,
        }
    }
}

/// Something worth knowing about a region that was computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Stable code, `dvh.reason`.
    pub code: &'static str,
    /// What was seen.
    pub detail: String,
}
