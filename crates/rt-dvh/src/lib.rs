//! Dose-volume histograms from exact geometry.
//!
//! A region, drawn as contours or given as a mask, becomes a pile of prisms; each prism is cut at the dose planes and into cells with exact
//! area, centroid and spread; the trilinear dose of each cell adds an interval to the volume over dose. Volumes are those of the
//! polygons, Dmin and Dmax the true extremes, quantiles are refined to a stated tolerance, and what lies outside the dose grid is
//! said, never filled.
//!
//! Knows: geometry and numbers. Must not know: files, DICOM, tables. Sources: `spec/dvh-algorithms.md`, `spec/analysis.md` 1,
//! DICOM PS3.3 C.8.8.3 and C.8.8.6, ICRU report 83, Nelms et al., Med Phys 42:4435 (2015).
//!
//! ```
//! use ndarray::Array3;
//! use rt_core::{Grid, Gy, Vec3};
//! use rt_dvh::{DvhOptions, Metric, RoiShape, dvh, evaluate};
//! use rt_image::{Contour, ContourKind, ContourSet, Volume};
//!
//! // Dose of 1 Gy per mm along x, 2 mm voxels; a box of 10 x 8 x 6 mm around x = 20.
//! let grid = Grid::axis_aligned([21, 11, 11], Vec3::new(0.0, -10.0, -10.0), [2.0; 3])?;
//! let dose = Volume::new(grid, Array3::from_shape_fn((11, 11, 21), |(_, _, i)| 2.0 * i as f32))?;
//! let square = |z: f64| Contour {
//!     kind: ContourKind::ClosedPlanar,
//!     points: [[15.0, -4.0], [25.0, -4.0], [25.0, 4.0], [15.0, 4.0]].map(|[x, y]| Vec3::new(x, y, z)).to_vec(),
//! };
//! let roi = ContourSet { contours: [-2.0, 0.0, 2.0].map(square).to_vec() };
//! let result = dvh(dose.view(), RoiShape::Contours(&roi), &DvhOptions::default())?;
//! assert!((result.volume.value() - 0.48).abs() < 1e-12);
//! let metrics: Vec<Metric> = ["Dmean", "D95%", "V22Gy", "Dmax"].iter().map(|m| m.parse()).collect::<Result<_, _>>()?;
//! let values: Vec<f64> = evaluate(&result, &metrics, Some(Gy(20.0))).into_iter().filter_map(|(_, v)| v).collect();
//! for (value, expected) in values.iter().zip([20.0, 15.5, 30.0, 25.0]) {
//!     assert!((value - expected).abs() < 1e-3);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![allow(
    clippy::many_single_char_names,
    reason = "coordinates, indices and corner values carry the letters of the formulas"
)]

pub mod bio;
pub mod cells;
pub mod compare;
pub mod config;
pub mod course;
pub mod error;
pub mod extremes;
pub mod field;
pub mod goals;
pub mod histogram;
pub mod indices;
pub mod integral;
mod loft;
pub mod metric;
pub mod pattern;
pub mod reference;
mod refine;
pub mod response;
pub mod roi;
pub mod solid;
pub mod surface;

pub use bio::{Response, bed, eqd2, geud};
pub use compare::{Comparison, StoredCurve, compare};
pub use config::{AlphaBeta, Biological, DvhConfig, FrameMismatch, HalfRange, Mode, OverlapSetting, RxSetting, TargetRx};
pub use course::{NamedRoi, RoiDvh, course, is_target};
pub use error::{DvhError, Status, Warning};
pub use field::{DoseField, DoseTerm, Rim, SumMissing};
pub use goals::{Goal, GoalDose, GoalFile, Judgement, Verdict};
pub use histogram::Distribution;
pub use indices::{Indices, indices, isodose_volumes};
pub use integral::Outside;
pub use metric::{DoseFigure, Metric, MetricError, VolumeUnit, evaluate, standard_metrics};
pub use pattern::RoiPattern;
pub use reference::{ReferenceDvh, Snapping};
pub use response::{ModelFile, ResponseModel};
pub use roi::{Dvh, DvhOptions, Planes, RoiShape, Sampling, dvh, dvh_in, volume_of};
pub use solid::Solid;
pub use surface::{SurfaceDvh, surface};
