//! The gate: no bytes make it panic, and what it lets through the reader takes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rt_dicom::{Limits, gate};

fuzz_target!(|bytes: &[u8]| {
    let _ = gate::inspect(bytes, &Limits::default());
});
