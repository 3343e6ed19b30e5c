//! The segment stage on a course folder and on plain files.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub, reason = "test helpers")]

mod course;
mod files;
mod support;
mod total;
