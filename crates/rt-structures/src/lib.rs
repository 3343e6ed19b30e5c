//! Boolean and margin algebra over structures: expressions, recipes, names, and how masks share layers.
//!
//! Knows: masks of one grid ([`rt_image::Mask`]), the language of derived structures ([`Expr`]), naming rules. Must not know: files,
//! DICOM, stages. A recipe is a serde type; reading its TOML is the driver's work, through rt-config.
//! Sources: `design/contract.md` ("Structures and numbers"), `spec/segmentation.md` section 5, `spec/ingest.md` 2.7 and 2.10.
//!
//! ```
//! use std::sync::Arc;
//! use ndarray::Array3;
//! use rt_core::{Grid, Silent, Vec3};
//! use rt_image::Mask;
//! use rt_structures::{Definition, EvalOptions, MaskSet, Recipe, evaluate};
//!
//! let grid = Arc::new(Grid::axis_aligned([40, 40, 40], Vec3::ZERO, [1.0; 3])?);
//! let cube = |lo: usize| Mask::from_block(&grid, [lo; 3], Array3::ones((10, 10, 10)));
//! let (ptv, rectum) = (cube(10)?, cube(15)?);
//! let mut have = MaskSet::new(&grid);
//! have.push("PTV", &ptv);
//! have.push("Rectum", &rectum);
//!
//! let recipe = Recipe {
//!     structures: vec![Definition::new("PTV_opt", "PTV - Rectum"), Definition::new("both", "PTV | Rectum | Bladder")],
//!     ..Recipe::default()
//! };
//! let derived = evaluate(&recipe, &have, &EvalOptions::default(), &Silent);
//! assert_eq!(derived[0].result.as_ref().map(|e| e.mask.count()).ok(), Some(1000 - 125));
//! // No bladder here: the union goes on and says what is missing.
//! assert_eq!(derived[1].result.as_ref().map(|e| e.missing.clone()).ok(), Some(vec!["Bladder".to_owned()]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod config;
pub mod eval;
pub mod expr;
pub mod layers;
pub mod naming;
pub mod parse;
pub mod partial;
pub mod recipe;
pub mod set;

pub use config::StructuresConfig;
pub use eval::{Derived, EvalError, EvalOptions, Evaluated, evaluate};
pub use expr::Expr;
pub use layers::{Place, pack};
pub use naming::{NameError, NameFile, NameTable};
pub use parse::{ParseError, parse};
pub use partial::{PARTIAL_SUFFIX, cut_faces, partial_name};
pub use recipe::{Definition, Recipe, RecipeError};
pub use set::MaskSet;
