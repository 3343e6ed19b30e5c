//! rt-config.
