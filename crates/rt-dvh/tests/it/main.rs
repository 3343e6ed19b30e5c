//! Behaviour of the engine through its public functions; phantoms and numbers worked by hand.

#![allow(
    clippy::unwrap_used,
    clippy::many_single_char_names,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "test code: phantoms of known size, coordinates with the letters of the formulas"
)]

mod coverage;
mod figures;
mod invariance;
mod phantom;
mod reference;
mod sums;
mod surface;
