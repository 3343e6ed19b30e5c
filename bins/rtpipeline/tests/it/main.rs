//! `rtpipeline run` as a user meets it: what is done, what is done again, and what one broken course costs.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test helpers stop the test with a message")]

mod again;
mod anonymize;
mod bad_input;
mod bench;
mod broken;
mod commands;
mod compare;
mod convert;
mod damage;
mod doctor;
mod freshness;
mod init;
mod inspect;
mod interruption;
mod run;
