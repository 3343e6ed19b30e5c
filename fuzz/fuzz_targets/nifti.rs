//! NIfTI volumes, plain and compressed: no bytes make the reader panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let length = u64::try_from(bytes.len()).ok();
    let _ = rt_nifti::read_from::<f32>(bytes, length);
});
