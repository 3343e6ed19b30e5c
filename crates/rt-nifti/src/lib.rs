//! rt-nifti.
