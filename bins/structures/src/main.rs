//! rt-structures: see the crate documentation.
fn main() {}
