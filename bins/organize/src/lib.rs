//! Driver of the organize stage.
