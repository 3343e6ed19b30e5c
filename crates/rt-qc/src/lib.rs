//! rt-qc.
