//! rt-segment: see the crate documentation.
fn main() {}
