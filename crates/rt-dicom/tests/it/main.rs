//! The public readers on real files, hostile files and generated objects.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    unreachable_pub,
    reason = "test helpers; numbers are exact or small by construction"
)]

mod alderson;
mod build;
mod codecs;
mod corpus;
mod courses;
mod defects;
mod doses;
mod fixtures;
mod hostile;
mod images;
mod mess;
mod mutations;
mod structures;
mod tree;
mod written;
