//! RTSTRUCT (PS3.3 C.8.8.5, C.8.8.6, C.8.8.8): regions and their contours.

mod contours;
mod read;
mod write;

pub use read::{Roi, StructError, StructureSet, read_structures, read_structures_with};
pub use write::{NewRoi, NewStructureSet, write_structures};
