//! Driver of the structures stage.
