//! Public behaviour of rt-seg on phantoms with exact labels and on real images with independent ones.
#![allow(clippy::unwrap_used, clippy::many_single_char_names, reason = "test helpers")]

mod golden;
mod phantom;
