//! rt-structures.
