//! Volumes, masks, label maps and contours on any grid, and the operations that every stage shares.
//!
//! Knows: arrays on a [`rt_core::Grid`]. Must not know: files, DICOM, stages. Arrays are `(z, y, x)` = `[k, j, i]`, C order;
//! positions are LPS mm. Operations work in the box of what they touch, never on full grids per structure.
//! Sources: DICOM PS3.3 C.8.8.6 (contours), `design/contract.md` "Structures and numbers", `spec/segmentation.md` section 5,
//! `spec/dvh-algorithms.md` 1 to 4; each module names the papers of its algorithm.
//!
//! Contours to a mask, a margin around it, and back to contours:
//!
//! ```
//! use std::sync::Arc;
//! use rt_core::{Grid, Vec3};
//! use rt_image::morphology::{Margin, MarginOptions, margin};
//! use rt_image::{Contour, ContourKind, ContourSet, RasterOptions, TraceOptions, rasterize, trace};
//!
//! let grid = Arc::new(Grid::axis_aligned([60, 60, 25], Vec3::new(-30.0, -30.0, -36.0), [1.0, 1.0, 3.0])?);
//! // A sphere of radius 20 mm, drawn on slices 3 mm apart.
//! let drawn = (-6..=6).map(|n| 3.0 * f64::from(n)).map(|z| Contour {
//!     kind: ContourKind::ClosedPlanar,
//!     points: (0..72)
//!         .map(|a| (f64::from(a) * 5.0).to_radians())
//!         .map(|a| Vec3::new(a.cos(), a.sin(), 0.0) * (400.0 - z * z).sqrt() + Vec3::Z * z)
//!         .collect(),
//! });
//! let gtv = rasterize(&ContourSet { contours: drawn.collect() }, &grid, RasterOptions::default())?.mask;
//! let ptv = margin(&gtv, &Margin::uniform(5.0), MarginOptions::default());
//! let sphere_of_25_mm = 4.0 / 3.0 * std::f64::consts::PI * 25.0_f64.powi(3) / 1000.0;
//! assert!((ptv.volume().value() / sphere_of_25_mm - 1.0).abs() < 0.01);
//! assert_eq!(trace(&ptv, TraceOptions::default()).contours.len(), ptv.size()[2]);
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
pub mod suv;
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
