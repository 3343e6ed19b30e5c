//! rt-testdata.
