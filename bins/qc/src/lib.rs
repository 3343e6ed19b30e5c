//! Driver of the qc stage.
