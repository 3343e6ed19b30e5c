//! Seeded DICOM-RT cohorts whose volumes and doses are known, and files that are broken on purpose.
//!
//! Knows: how DICOM objects are written (by its own writer), solids, dose formulas. Must not know: any reader or algorithm of the
//! pipeline, so that agreement means something. For a seed the bytes are the same on every machine and thread count.
//! Sources: DICOM PS3.3, PS3.5, PS3.10; `spec/ingest.md` 6, `spec/reliability.md` 3, `spec/optimisation-brief.md` (sizes).
//!
//! ```
//! use rt_testdata::{Scratch, Vec3, cohort};
//! let scratch = Scratch::new("example");
//! let truth = cohort()
//!     .seed(7)
//!     .course(|c| c.ct([32, 32, 16]).spacing([4.0, 4.0, 3.0]).sphere("PTV", 20.0).dose_gradient(60.0, Vec3::new(0.0, 0.0, 0.5)))
//!     .write(scratch.path())?;
//! let ptv = &truth.courses[0].structures[0];
//! // 4/3 pi 20^3 mm3, and the mean of a linear dose is that of the centre.
//! assert!((ptv.volume_cc - 33.510).abs() < 1e-3);
//! assert!((ptv.plan_doses[0].unwrap().mean_gy - 60.0).abs() < 1e-9);
//! assert_eq!(scratch.tree().len(), 16 + 3 + 1); // slices; structures, plan, dose; truth.json
//! # Ok::<(), rt_testdata::WriteError>(())
//! ```

pub mod analytic;
pub mod archive;
pub mod cohort;
pub mod course;
pub mod dicom;
pub mod field;
pub mod mess;
pub mod objects;
pub mod phantom;
pub mod related;
pub mod scratch;
pub mod seed;
pub mod shape;

pub use analytic::{CourseTruth, PlanTruth, StructureTruth, Truth};
pub use archive::unpacked;
pub use cohort::{Cohort, Preset, WriteError, cohort};
pub use course::{Course, Lattice, Naming, Pose};
pub use field::{DoseTruth, Field};
pub use objects::{Kind, Object};
pub use phantom::Phantom;
pub use rt_core::{Mat3, Vec3};
pub use scratch::{Scratch, shared, tree};
pub use shape::{Shape, Solid};
