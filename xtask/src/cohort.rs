//! `cargo xtask cohort`: writes a synthetic cohort with its truth.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use rt_testdata::Preset;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Which cohort: tiny, demo, small (10 x 50), medium (50 x 100) or large (200 x 150 structures)
    preset: Preset,
    /// Folder to write into; made when it does not exist
    #[arg(long)]
    output: PathBuf,
    /// The same seed gives the same bytes
    #[arg(long, default_value_t = 42)]
    seed: u64,
}

/// Writes the cohort and says what there is.
///
/// # Errors
/// When the folder holds something already, or cannot be written.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let folder = &options.output;
    let occupied = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    anyhow::ensure!(!occupied, "`{}` is not empty; choose another folder, or empty it", folder.display());
    let start = Instant::now();
    let truth = options.preset.cohort(options.seed).write(folder)?;
    let (files, bytes) = holdings(folder)?;
    println!(
        "{} cohort in {}: {} courses, {} structures, {files} files, {:.1} MB, {:.1} s; truth.json tells what is in it",
        options.preset,
        folder.display(),
        truth.courses.len(),
        truth.courses.iter().map(|c| c.structures.len()).sum::<usize>(),
        bytes as f64 / 1e6,
        start.elapsed().as_secs_f64(),
    );
    Ok(())
}

fn holdings(folder: &std::path::Path) -> anyhow::Result<(u64, u64)> {
    let mut sum = (0, 0);
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.with_context(|| format!("cannot walk `{}`", folder.display()))?;
        let meta = entry
            .metadata()
            .with_context(|| format!("cannot look at `{}`", entry.path().display()))?;
        if meta.is_file() {
            sum = (sum.0 + 1, sum.1 + meta.len());
        }
    }
    Ok(sum)
}
