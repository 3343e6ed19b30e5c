//! Driver of the aggregate stage.
