//! rt-records.
