//! rt-course.

pub mod manifest;
pub mod sidecar;
