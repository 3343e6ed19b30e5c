//! rt-dvh.
