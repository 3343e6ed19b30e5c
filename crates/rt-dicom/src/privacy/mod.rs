//! De-identification (PS3.15 Annex E): the Basic Profile with modified dates and clean descriptors, and a checker that shares no rule with it.
//!
//! Private elements go, then the table decides, then options; unlisted attributes are kept when they are numbers or codes and emptied
//! when they are text. UIDs are replaced everywhere, the same way over all files that share a key. Rules: `spec/reliability.md` 10.

mod check;
mod clean;
mod key;
mod labels;
mod table;

pub use check::{CheckFinding, CheckReport, check};
pub use clean::{Cleaned, DatePolicy, DeidError, DeidOptions, Deidentifier, Retain};
pub use key::DeidKey;
pub use labels::RoiNames;
