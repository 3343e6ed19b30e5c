//! The course folder: where every file lies, and how files, stamps and locks are written safely.
//!
//! Knows: the layout of an output folder (`design/architecture.md` section 5), the JSON forms that stages exchange
//! ([`manifest`], [`sidecar`]), digests, atomic writes, leases and the cost of a stage. Must not know: what any stage computes,
//! argument parsing, configuration. Sources: `design/architecture.md` sections 5, 7 and 8, `spec/reliability.md` sections 4 and 5.
//!
//! ```
//! use rt_course::{Cohort, write_atomic};
//! use std::io::Write;
//!
//! let dir = tempfile::tempdir()?;
//! let cohort = Cohort::new(dir.path())?;
//! let course = cohort.course("P01", "C1")?;
//! write_atomic(&course.ct(), |file| file.write_all(b"voxels"))?;
//! assert_eq!(course.token(), "P01/C1");
//! assert!(course.ct().ends_with("P01/C1/images/ct.nii"));
//! assert_eq!(std::fs::read(course.ct())?, b"voxels");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod atomic;
pub mod cost;
pub mod course_dir;
pub mod digest;
pub mod json;
pub mod layout;
pub mod lease;
pub mod manifest;
pub mod naming;
pub mod provenance;
pub mod sidecar;
pub mod stamp;

pub use atomic::{AtomicDir, AtomicFile, WriteError, write_atomic, write_bytes, write_json};
pub use cost::{Cost, Meter};
pub use course_dir::{CourseDir, DicomClass, Radiomics};
pub use digest::{DigestError, FileDigest, Memo};
pub use json::{ReadError, read_json};
pub use layout::{Cohort, LayoutError, StageFiles, TableFormat};
pub use lease::{Lease, LeaseError};
pub use naming::{folder_name, folder_names, is_folder_name};
pub use provenance::Provenance;
pub use stamp::{Freshness, Stamp, Status};
