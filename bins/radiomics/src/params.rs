//! PyRadiomics parameter files, YAML or the same in TOML.

use std::path::Path;

use rt_cli::Failure;
use rt_radiomics::{Parameters, Settings};

/// The settings of a parameter file: TOML by its ending, YAML (and JSON) otherwise.
///
/// # Errors
/// A file that cannot be read, and [`rt_radiomics::SettingsError`] with the path.
pub fn read(path: &Path) -> Result<Settings, anyhow::Error> {
    let text = text_of(path)?;
    let invalid = |e: &rt_radiomics::SettingsError| Failure::usage(e.code(), format!("{}: {e}", path.display()));
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) {
        let parameters: Parameters = rt_config::parse_toml(&path.display().to_string(), &text)?;
        return Ok(Settings::from_parameters(&parameters).map_err(|e| invalid(&e))?);
    }
    Ok(Settings::from_pyradiomics_yaml(&text).map_err(|e| invalid(&e))?)
}

/// The text of a parameter file.
///
/// # Errors
/// A file that cannot be read.
pub fn text_of(path: &Path) -> Result<String, anyhow::Error> {
    std::fs::read_to_string(path).map_err(|e| {
        Failure::usage(
            "radiomics.params_unreadable",
            format!("cannot read the parameter file {}", path.display()),
        )
        .because(e)
        .hint("check radiomics.params in the configuration")
        .into()
    })
}
