//! Segmentation engines: the embedded classical one, and the seam for others.

pub mod classical;
pub mod task;
