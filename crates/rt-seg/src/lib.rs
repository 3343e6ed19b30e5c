//! Segmentation engines: an embedded one that needs no weights, and the seam that others join.
//!
//! Knows: how regions are found in a CT, what a plan of steps is, how a result is checked. Must not know: files, courses, DICOM. A stage
//! makes a [`plan()`] from its settings, lets a [`Runner`] carry out the steps, and checks each result with [`harvest()`] before it is
//! published. Sources: `spec/segmentation.md` sections 4 and 6; the modules of [`classical`] name theirs.
//!
//! ```
//! use ndarray::Array3;
//! use rt_core::{Grid, Silent, Vec3};
//! use rt_image::Volume;
//! use rt_seg::{Devices, Embedded, ImageFact, SegConfig, execute, harvest, plan};
//!
//! // A water cylinder of 10 cm radius in air.
//! let grid = Grid::axis_aligned([64, 64, 20], Vec3::ZERO, [4.0, 4.0, 5.0])?;
//! let hu = Array3::from_shape_fn(grid.shape(), |(_, j, i)| {
//!     let r = (4.0 * (i as f64 - 31.5)).hypot(4.0 * (j as f64 - 31.5));
//!     if r <= 100.0 { 0 } else { -1000 }
//! });
//! let ct = Volume::new(grid, hu)?;
//! let image = ImageFact { name: "ct.nii".into(), modality: "CT".into(), is_planning_ct: true };
//! let config = SegConfig { tasks: vec!["body".into()], ..SegConfig::default() };
//! let plan = plan(&config, &[image], &Devices::default())?;
//! let outcome = execute(&plan, &mut Embedded::new(ct.view(), &plan), &Silent)?.remove(0)?;
//! let rt_seg::SegPlan::Steps(steps) = &plan else { unreachable!() };
//! let result = harvest(&steps[0], outcome.labels, ct.grid())?;
//! // pi 10^2 x 10 cm = 3142 cm3, counted in voxels of 80 mm3.
//! assert_eq!(result.regions[0].name, "classical_body");
//! assert!((result.regions[0].volume_cc / 3141.6 - 1.0).abs() < 0.02);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod classical;
pub mod config;
pub mod device;
pub mod harvest;
pub mod plan;
pub mod runner;
pub mod task;
pub mod totalseg;

pub use classical::Finding;
pub use config::{CustomModelsConfig, SegConfig, SegSections};
pub use device::{Device, DeviceChoice, Devices};
pub use harvest::{HarvestError, Region, Segmentation, harvest};
pub use plan::{ImageFact, PlanError, SegPlan, Step, Task, plan};
pub use runner::{Embedded, RunError, Runner, StepOutcome, execute};
pub use task::{ClassicalTask, Engine};
pub use totalseg::TotalTask;
