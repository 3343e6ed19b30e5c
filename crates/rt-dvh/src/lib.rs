//! rt-dvh.
pub mod bio;
pub mod cells;
pub mod error;
pub mod extremes;
pub mod field;
pub mod histogram;
pub mod integral;
pub mod roi;
pub mod solid;
