//! rtpipeline.
fn main() {}
