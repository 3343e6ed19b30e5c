//! Merging, marking, summarising and the page, over generated tables.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp, reason = "tests")]

#[path = "../../examples/sample/mod.rs"]
mod sample;

mod dictionary;
mod merge;
mod page;
mod preferred;
mod schema;
mod summary;
