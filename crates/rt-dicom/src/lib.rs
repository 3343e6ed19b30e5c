//! DICOM-RT in, plain values out: gate, scan, metadata cache, linking, images, structures, doses, plans.
//!
//! Knows: DICOM files and how their objects refer to one another. Must not know: stages, tables, NIfTI, configuration files,
//! the clock. No type of the `dicom` crate is public. Every open goes through [`gate`], which checks lengths, depth and
//! encoding before a parser sees a byte; so no file can make a process abort or allocate beyond its limits.
//!
//! Sources: DICOM PS3.3 (modules), PS3.5 (encoding), PS3.6 (dictionary), PS3.10 (files); `spec/ingest.md` section 1,
//! `spec/reliability.md` section 3, `spec/analysis.md` 1.3 to 1.6, `spec/dvh-algorithms.md` section 1.
//!
//! ```
//! use rt_core::Silent;
//! use rt_dicom::{LinkRules, MetaCache, ScanOptions, link, scan};
//!
//! // A folder with one small file: explicit VR little endian, a plan label and nothing else.
//! let dir = tempfile::tempdir()?;
//! let mut file = vec![0_u8; 128];
//! file.extend(b"DICM\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\x00");
//! file.extend(b"\x08\x00\x60\x00CS\x06\x00RTPLAN\x0a\x30\x02\x00SH\x06\x00PELVIS");
//! std::fs::write(dir.path().join("plan"), file)?;
//! std::fs::write(dir.path().join("readme.txt"), "not DICOM")?;
//!
//! let mut cache = MetaCache::default();
//! let index = scan(&[dir.path().into()], &mut cache, &ScanOptions::default(), &Silent)?;
//! let classes: Vec<&str> = index.files.iter().map(|f| f.verdict.class.name()).collect();
//! assert_eq!(classes, ["repaired", "not_dicom"]); // no group length in the meta header
//! let linkage = link(&index, &LinkRules::default());
//! assert!(linkage.courses.is_empty()); // a plan alone is no course
//! assert_eq!(linkage.rejects[0].code, "link.plan_alone");
//!
//! // The second look at an unchanged folder opens no file.
//! let again = scan(&[dir.path().into()], &mut cache, &ScanOptions::default(), &Silent)?;
//! assert_eq!(again.opened, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

pub mod account;
pub mod cache;
mod charset;
pub mod classify;
mod copies;
mod dataset;
pub mod dose_choice;
pub mod dose_sum;
mod dose_write;
pub mod entry;
pub mod fractions;
pub mod gate;
mod header;
pub mod image;
pub mod link;
pub mod notice;
pub mod object;
pub mod open;
pub mod pet;
pub mod pixels;
pub mod privacy;
pub mod reg;
pub mod rtdose;
pub mod rtplan;
pub mod rtrecord;
pub mod rtstruct;
pub mod scan;
pub mod seg;
pub mod series;
pub mod series_class;
mod sop;
pub mod spacing;
mod stack;
pub mod stored_dvh;
pub mod value;

pub use cache::MetaCache;
pub use classify::{FileClass, FileVerdict, Usage};
pub use dose_sum::{SumGrid, sum_doses, sum_grid};
pub use dose_write::{NewDose, write_dose};
pub use entry::FileEntry;
pub use gate::{Limits, NotDicom};
pub use image::{ImageData, ImageSeries, SeriesHeader, read_series};
pub use link::{Course, LinkRules, Linkage, Reject, link};
pub use notice::Notice;
pub use object::{Origin, OriginSlice, derived_uid};
pub use open::OpenError;
pub use rtdose::{Dose, DoseError, DoseHeader, DoseUnits, read_dose, read_dose_with};
pub use rtplan::{Plan, PlanError, Rx, RxLevel, RxSource, read_plan, read_plan_with};
pub use rtstruct::{NewRoi, NewStructureSet, Roi, StructError, StructureSet, read_structures, read_structures_with, write_structures};
pub use scan::{Index, ScanError, ScanOptions, ScannedFile, scan};
pub use seg::{
    Code, NewSegment, NewSegmentation, ReadSegmentation, SegError, SegOptions, SegWriteError, read_segmentation, write_segmentation,
};
pub use series::{SeriesEntry, SeriesError, SeriesFile, SeriesOptions, SliceGap};
pub use spacing::slice_spacing_mm;
pub use stored_dvh::StoredDvh;
pub use value::{Date, Time};
