//! Segmentation objects (PS3.3 A.51, C.8.20): binary written; binary, fractional and label map read.

mod lattice;
mod read;
mod write;

pub use read::{ReadSegment, ReadSegmentation, SegError, SegOptions, read_segmentation};
pub use write::{Code, NewSegment, NewSegmentation, SegWriteError, write_segmentation};
