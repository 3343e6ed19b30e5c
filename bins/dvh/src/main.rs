//! rt-dvh: see the crate documentation.
fn main() {}
