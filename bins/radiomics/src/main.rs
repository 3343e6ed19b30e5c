//! rt-radiomics: see the crate documentation.
fn main() {}
