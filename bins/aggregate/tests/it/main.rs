//! The stage over a cohort folder made of the files that other stages write.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp, reason = "tests")]

mod cohort;
mod stage;
