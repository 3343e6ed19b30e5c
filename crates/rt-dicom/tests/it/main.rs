//! The public readers on real files, hostile files and generated courses.

mod alderson;
mod fixtures;
mod generated;
mod hostile;
mod tree;
