//! rt-aggregate: see the crate documentation.
fn main() {}
