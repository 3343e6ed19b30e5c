//! Driver of the segment stage.
