//! DICOM-RT.
#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]
mod charset;
mod dataset;
pub mod dose_choice;
pub mod gate;
pub mod value;
