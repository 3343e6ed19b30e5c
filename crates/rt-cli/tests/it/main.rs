//! Behaviour of the stage runner, through the public interface.

mod runner;
