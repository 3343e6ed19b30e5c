//! Radiomic features of regions of an image, as PyRadiomics 3 defines and names them.
//!
//! Knows: images and masks on a grid, settings, feature definitions. Must not know: files, DICOM, courses, tables, the command line.
//! Sources: `spec/radiomics-conventions.md` (exact algorithms, checked against the reference); van Griethuysen et al. 2017 (PyRadiomics);
//! Zwanenburg et al. 2020 and the IBSI reference manual; Lorensen and Cline 1987 (surface); Amadasun and King 1989 (NGTDM).
//!
//! [`extract`] measures one region, [`course`] many regions of one image, the largest first. Results do not depend on the number of threads:
//! matrices are integer counts, sums run in fixed chunks.
//!
//! ```
//! use std::sync::Arc;
//! use ndarray::Array3;
//! use rt_core::{Grid, Vec3};
//! use rt_image::{Mask, Volume};
//! use rt_radiomics::{Settings, extract};
//!
//! let grid = Arc::new(Grid::axis_aligned([20, 20, 10], Vec3::ZERO, [1.0, 1.0, 3.0])?);
//! let ct = Volume::new(Arc::clone(&grid), Array3::from_shape_fn((10, 20, 20), |(k, j, i)| (40 * k + 7 * j + i * i) as i16))?;
//! let lesion = Mask::from_block(&grid, [5, 5, 2], Array3::ones((4, 8, 9)))?;
//!
//! let features = extract(ct.view(), &lesion, &Settings::default())?;
//! assert_eq!(features.len(), 107);
//! assert_eq!(features.get("original_shape_VoxelVolume"), Some(4.0 * 8.0 * 9.0 * 3.0));
//! assert_eq!(features.get("original_firstorder_Minimum"), Some(40.0 * 2.0 + 7.0 * 5.0 + 25.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod config;
pub mod course;
pub mod diagnostics;
mod discretise;
pub mod error;
pub mod extract;
mod features;
mod filters;
pub mod ibsi;
pub mod image;
mod params;
mod prepare;
mod presets;
pub mod registry;
mod resample;
pub mod robustness;
mod roi;
pub mod sample;
pub mod settings;
mod sha1;
mod texture;
pub mod vector;

pub use config::{Admission, FeatureSet, Flavour, IbsiKeys, ImageKind, MrNormalise, RadiomicsConfig};
pub use course::{NamedMask, Schedule, course, each_mask, extract_all};
pub use diagnostics::{DiagnosticValue, Diagnostics, label_hash, sample_hash};
pub use error::ExtractError;
pub use extract::{extract, extract_from};
pub use filters::Bank;
pub use image::ImageSource;
pub use params::Parameters;
pub use registry::FeatureClass;
pub use sample::{SampleKind, Samples};
pub use settings::{Settings, SettingsError};
pub use vector::{FeatureVector, ImageWarning};
