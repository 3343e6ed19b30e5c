//! Public behaviour of rt-nifti.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    unreachable_pub,
    reason = "test helpers; values are exact by construction"
)]

mod corpus;
mod format;
mod geometry;
mod hostile;
mod support;
