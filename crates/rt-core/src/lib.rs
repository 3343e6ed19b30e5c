//! Geometry, grids, units, ids and progress: what every other crate of the pipeline stands on.
//!
//! Knows: patient coordinates (LPS, mm), sampling lattices, physical units, identifiers.
//! Must not know: files, DICOM, configuration, threads. Sources: DICOM PS3.3 C.7.6.2 (image plane),
//! C.8.8.3 (RT dose), `design/architecture.md` sections 3 and 13.
//!
//! ```
//! use rt_core::{Grid, Vec3};
//! let grid = Grid::axis_aligned([512, 512, 160], Vec3::new(-182.6, -370.6, -674.0), [0.7421875, 0.7421875, 2.0])?;
//! let p = grid.index_to_world(Vec3::new(10.0, 20.0, 30.0));
//! assert!((grid.world_to_index(p) - Vec3::new(10.0, 20.0, 30.0)).length() < 1e-9);
//! # Ok::<(), rt_core::GridError>(())
//! ```

pub mod float;
pub mod geometry;
pub mod grid;
pub mod ids;
pub mod progress;
pub mod units;

pub use geometry::{Bounds, Mat3, Vec3};
pub use grid::{Grid, GridDifference, GridError, GridTolerance};
pub use ids::{CourseId, FrameUid, IdError, PatientId, RoiName, SeriesUid, SopUid};
pub use progress::{Progress, Silent};
pub use units::{Cc, Gy, Hu, Mm, Percent};
