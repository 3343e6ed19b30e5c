//! `rtpipeline run` as a user meets it: what is done, what is done again, and what one broken course costs.
#![expect(clippy::unwrap_used, reason = "test helpers stop the test with a message")]

mod again;
mod broken;
mod run;
