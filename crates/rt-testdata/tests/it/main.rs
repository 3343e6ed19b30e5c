//! Behaviour of the generator, seen from outside.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test helpers stop the test with a message")]

mod bytes;
mod presets;
mod truth;
