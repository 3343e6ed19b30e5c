//! A finished course on the disk, one fault planted at a time: its own code is raised and no other.
#![expect(clippy::unwrap_used, reason = "test helpers stop the test with a message")]

mod finished;
mod planted;
