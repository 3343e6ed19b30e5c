//! `cargo xtask conformance`: our engines against published reference values.
//!
//! The engines are linked only for this command (feature `conformance`); without the feature it calls itself again with it.

use crate::test::shared_data;

mod ingest;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// What to compare
    #[arg(value_enum)]
    what: Topic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Topic {
    /// Analytic dose-volume histograms
    Dvh,
    /// Defects of the reference in reading and linking DICOM
    Ingest,
    /// What PyRadiomics gave for the same files
    Radiomics,
    /// Consensus values of the IBSI
    Ibsi,
}

/// Largest relative difference of a feature that passes.
#[cfg(feature = "conformance")]
const RADIOMICS_TOLERANCE: f64 = 1e-6;

/// Prints the table of the comparison.
///
/// # Errors
/// When the shared data is missing or a value is outside its tolerance.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    if matches!(options.what, Topic::Ingest) {
        return ingest::run();
    }
    let Some(shared) = shared_data() else {
        anyhow::bail!("no shared reference data; set RT_SHARED to the folder that holds it");
    };
    compare(options.what, &shared)
}

#[cfg(not(feature = "conformance"))]
fn compare(what: Topic, _shared: &std::path::Path) -> anyhow::Result<()> {
    use clap::ValueEnum as _;
    let name = what.to_possible_value().map_or_else(String::new, |v| v.get_name().to_owned());
    let mut again = crate::shell::cargo();
    again.args([
        "run",
        "--quiet",
        "--package",
        "xtask",
        "--features",
        "conformance",
        "--",
        "conformance",
        &name,
    ]);
    crate::shell::run(&mut again)
}

#[cfg(feature = "conformance")]
fn compare(what: Topic, shared: &std::path::Path) -> anyhow::Result<()> {
    let (table, misses) = match what {
        Topic::Dvh => rt_conformance::dvh_analytic::whole_table(shared)?,
        Topic::Ingest => return ingest::run(),
        Topic::Radiomics => {
            let report = rt_conformance::pyradiomics::run(&shared.join("data/radiomics-golden"))?;
            let misses = report.misses(RADIOMICS_TOLERANCE);
            let unexplained = misses.iter().filter(|row| row.known_cause().is_none()).count();
            (report.to_string(), unexplained)
        }
        Topic::Ibsi => {
            let folder = shared.join("data/ibsi");
            let first = rt_conformance::ibsi::run(&folder)?;
            let second = rt_conformance::ibsi2::run(&folder)?;
            // At least 98 of 100 values; each miss stands in the table.
            let rows = first.rows.len() + second.values.rows.len() + second.maps.len();
            let misses = first.misses().len() + second.values.misses().len() + second.map_misses().len();
            (format!("{first}\nIBSI 2\n{second}"), misses.saturating_sub(rows / 50))
        }
    };
    println!("{table}");
    anyhow::ensure!(
        misses == 0,
        "{misses} rows of the table are outside their tolerance without a known cause"
    );
    Ok(())
}
