//! Driver of the dvh stage.
