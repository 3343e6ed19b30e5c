//! `cargo xtask ci`.
use crate::test;

#[derive(clap::Args)]
pub(crate) struct Options {}

pub(crate) fn run(_options: &Options) -> anyhow::Result<()> {
    let _ = crate::test::Options::all();
    Ok(())
}
