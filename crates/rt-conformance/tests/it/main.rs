//! Reference values, where the shared data is at hand.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod dvh_analytic;
mod ibsi;
mod pyradiomics;

/// Folder of the shared data, or `None` with a line that says so.
fn shared(part: &str) -> Option<std::path::PathBuf> {
    let root = std::env::var("RT_SHARED").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
    let path = std::path::Path::new(&root).join(part);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}
