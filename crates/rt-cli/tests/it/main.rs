//! Behaviour of the stage runner, through the public interface.

mod args;
mod runner;
