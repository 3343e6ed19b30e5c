//! Volumes, masks, label maps and contours on any grid, and the operations that every stage shares.
//!
//! Knows: arrays on a [`rt_core::Grid`]. Must not know: files, DICOM, stages. Arrays are `(z, y, x)` = `[k, j, i]`, C order;
//! positions are LPS mm. Operations work in the box of what they touch, never on full grids per structure.
//! Sources: `spec/dvh-algorithms.md` 1 to 4 (contours), `spec/segmentation.md` 5 (masks, margins), DICOM PS3.3 C.8.8.6; each
//! module names the papers of its algorithm.
//!
//! ```
//! use std::sync::Arc;
//! use rt_core::{Grid, Vec3};
//! use rt_image::Mask;
//!
//! // A cube of 4 voxels of 2 mm: 8 x 8 x 8 mm3.
//! let grid = Arc::new(Grid::axis_aligned([10, 10, 10], Vec3::ZERO, [2.0; 3])?);
//! let cube = Mask::from_block(&grid, [3, 3, 3], ndarray::Array3::ones((4, 4, 4)))?;
//! assert!((cube.volume().value() - 0.512).abs() < 1e-12);
//! assert!(!cube.touches_border());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod algebra;
pub mod any;
pub mod components;
pub mod contour;
pub mod edt;
pub mod interp;
pub mod labels;
pub mod mask;
pub mod mesh;
pub mod morphology;
pub mod raster;
pub mod resample;
pub mod stats;
pub mod trace;
pub mod volume;

pub use algebra::{SetOp, combine, overlaps};
pub use any::AnyVolume;
pub use components::{ComponentRun, Components, Connectivity};
pub use contour::planes::{ContourPlane, PlaneError, PlaneFrame, PlaneStack, SlabEnds, StackNotes, StackOptions};
pub use contour::region::{Edge, Overlap, Point2, Region};
pub use contour::{Contour, ContourKind, ContourSet};
pub use interp::{Kernel, Rim};
pub use labels::{Label, LabelMap};
pub use mask::{Mask, MaskError};
pub use morphology::{Holes, ImageEdge, Margin, MarginOptions, Reference};
pub use raster::{Raster, RasterError, RasterOptions, Reading, rasterize, rasterize_stack};
pub use resample::{ResampleOptions, resample, resample_labels, resample_mask, upright_grid};
pub use trace::{HoleStyle, Outline, TraceOptions, trace};
pub use volume::{Volume, VolumeError, VolumeView};
