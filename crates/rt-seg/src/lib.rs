//! rt-seg.
