//! Public behaviour of rt-nifti.

mod format;
mod geometry;
mod hostile;
mod support;
