//! rt-conformance.
