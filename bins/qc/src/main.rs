//! rt-qc: see the crate documentation.
fn main() {}
