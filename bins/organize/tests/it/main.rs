//! `rt-organize` on generated cohorts: what comes out, what runs again, and what it says about bad input.
#![expect(clippy::unwrap_used, reason = "test helpers stop the test with a message")]

mod bad_input;
mod changes;
mod corpus;
mod defects;
mod related;
mod run;
