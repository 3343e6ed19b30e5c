//! rt-organize: see the crate documentation.
fn main() {}
