//! The radiomics stage on generated courses and files.
#![expect(clippy::unwrap_used, reason = "tests")]

mod course;
mod files;
mod scene;
