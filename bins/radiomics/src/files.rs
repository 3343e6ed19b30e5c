//! `rt-radiomics files`: the features of one region of plain NIfTI files, on standard output.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use indexmap::IndexMap;
use rt_cli::{CommonArgs, Exit, Failure, Settings as Effective};
use rt_config::Document;
use rt_image::{AnyVolume, Mask, resample_mask};
use rt_radiomics::ibsi::{self, IbsiSettings};
use rt_radiomics::{
    DiagnosticValue, ExtractError, FeatureVector, Flavour, ImageKind, RadiomicsConfig, Samples, Settings, extract, label_hash, sample_hash,
};
use serde_json::Value;

use crate::images::straighten;
use crate::params;

/// Form of the result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One flat JSON object.
    #[default]
    Json,
    /// A line of names and a line of values.
    Csv,
}

/// Arguments of `rt-radiomics files`.
#[derive(Debug, Clone, Args)]
pub struct FilesArgs {
    /// Image (.nii or .nii.gz)
    #[arg(long, value_name = "FILE")]
    pub image: PathBuf,
    /// Mask on the same grid (.nii or .nii.gz)
    #[arg(long, value_name = "FILE")]
    pub mask: PathBuf,
    /// Value of the region in the mask [default: that of the parameter file, else 1]
    #[arg(long, value_name = "N")]
    pub label: Option<u32>,
    /// PyRadiomics parameter file (.yaml, or the same in .toml), or a configuration file with a section [radiomics] (.toml)
    #[arg(long, value_name = "FILE")]
    pub params: Option<PathBuf>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// Arguments of every command.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Measures one region and prints its features.
///
/// # Errors
/// Files that cannot be read, parameters that are not valid, and regions that are refused, each with its code.
pub fn run(args: &FilesArgs, effective: &Effective) -> Result<Exit, anyhow::Error> {
    let mut settings = settings_of(args, effective)?;
    if let Some(label) = args.label {
        settings.label = label;
    }
    let features = measure(&args.image, &args.mask, &settings)?;
    for warning in &features.warnings {
        tracing::warn!(event = "warn", code = warning.code, "{}: {}", warning.image_type, warning.message);
    }
    let text = match args.format {
        Format::Json => json(&features)?,
        Format::Csv => csv(&args.image, &args.mask, &features),
    };
    rt_cli::command::say(&text)?;
    Ok(Exit::Done)
}

/// Whose definitions, with their settings.
#[derive(Debug, Clone, PartialEq)]
pub enum Definitions {
    /// PyRadiomics'.
    PyRadiomics(Settings),
    /// Those of the IBSI.
    Ibsi(IbsiSettings),
}

/// What is measured of which label.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Value of the region in the mask.
    pub label: u32,
    /// How it is measured.
    pub definitions: Definitions,
}

impl Job {
    fn new(settings: Settings) -> Self {
        Self {
            label: settings.label,
            definitions: Definitions::PyRadiomics(settings),
        }
    }
}

/// The features of one region of plain files.
///
/// # Errors
/// As [`run`].
pub fn measure(image_path: &Path, mask_path: &Path, settings: &Job) -> Result<FeatureVector, anyhow::Error> {
    let read = |path: &Path| rt_nifti::read_any(path).map_err(|e| Failure::new(e.code(), e.to_string()).hint("give a 3-D NIfTI file"));
    let image = read(image_path)?;
    let labels = read(mask_path)?;
    let mask = mask_of(&labels, settings.label).map_err(|e| refused(mask_path, &e))?;
    let hashes = (sample_hash(&Samples::from(&image)), label_hash(&Samples::from(&labels)));
    let (image, mask) = match straighten(&image, ImageKind::Ct)? {
        None => (image, mask),
        Some(upright) => {
            let text = "its grid is not right-angled; features are taken from copies of image and mask resampled to a right-angled grid";
            tracing::warn!(
                event = "warn",
                code = "radiomics.grid_resampled",
                "{}: {text}",
                image_path.display()
            );
            let mask = resample_mask(&mask, upright.grid());
            (upright, mask)
        }
    };
    let measured = match &settings.definitions {
        Definitions::PyRadiomics(settings) => extract(&image, &mask, settings),
        Definitions::Ibsi(settings) => ibsi::extract(&image, &mask, settings),
    };
    let mut features = measured.map_err(|e| match &e {
        ExtractError::GridMismatch { .. } => mismatch(image_path, mask_path, &image, &mask, &e),
        _ => refused(mask_path, &e),
    })?;
    features.diagnostics.set_image_hash(hashes.0);
    features.diagnostics.set_mask_hash(hashes.1);
    Ok(features)
}

fn settings_of(args: &FilesArgs, effective: &Effective) -> Result<Job, anyhow::Error> {
    let of_section = |document: &Document, place: &str| -> Result<Job, anyhow::Error> {
        let section: RadiomicsConfig = document.section("radiomics")?;
        if section.flavour == Flavour::Ibsi {
            let settings = section.ibsi_settings(ImageKind::Ct);
            return Ok(Job {
                label: 1,
                definitions: Definitions::Ibsi(settings.map_err(|e| Failure::usage(e.code(), format!("{place}: {e}")))?),
            });
        }
        let file = section.params_of(ImageKind::Ct).map(|path| params::read(path)).transpose()?;
        let settings = section.settings(ImageKind::Ct, file.as_ref());
        Ok(Job::new(settings.map_err(|e| Failure::usage(e.code(), format!("{place}: {e}")))?))
    };
    let Some(path) = &args.params else {
        return of_section(&effective.document, "section [radiomics]");
    };
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) {
        let text = params::text_of(path)?;
        let document = Document::from_toml(&path.display().to_string(), &text);
        if let Ok(document) = document
            .as_ref()
            .map_err(drop)
            .and_then(|d| if d.present().is_empty() { Err(()) } else { Ok(d) })
        {
            return of_section(document, &path.display().to_string());
        }
    }
    params::read(path).map(Job::new)
}

/// The voxels of a label; its absence is an error that lists the labels there are.
fn mask_of(labels: &AnyVolume, label: u32) -> Result<Mask, ExtractError> {
    let values = labels.to_f64();
    let wanted = f64::from(label);
    let mask = Mask::from_array(values.grid(), values.data().view(), |v| (*v - wanted).abs() < 0.5)
        .map_err(|e| ExtractError::Setting(e.to_string()))?;
    if mask.is_empty() {
        // Labels as whole numbers; a mask of many values is no label volume, a hundred of them tell enough.
        let present: BTreeSet<u32> = values
            .data()
            .iter()
            .filter(|v| **v >= 0.5)
            .map(|v| whole(*v))
            .take(1 << 24)
            .collect();
        let present: Vec<u32> = present.into_iter().take(100).collect();
        return Err(if present.is_empty() {
            ExtractError::Empty
        } else {
            ExtractError::NoLabel { label, present }
        });
    }
    Ok(mask)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number, rounded; too large ones saturate"
)]
fn whole(v: f64) -> u32 {
    v.round() as u32
}

fn refused(mask: &Path, error: &ExtractError) -> anyhow::Error {
    Failure::new(error.code(), format!("{}: {error}", mask.display())).into()
}

/// Grids that differ, with the largest distance between equal corners.
fn mismatch(image_path: &Path, mask_path: &Path, image: &AnyVolume, mask: &Mask, error: &ExtractError) -> anyhow::Error {
    let (a, b) = (image.grid(), mask.grid());
    let last = |grid: &rt_core::Grid, corner: usize| {
        let at = |axis: usize| if corner >> axis & 1 == 1 { grid.size()[axis] - 1 } else { 0 };
        grid.centre(at(0), at(1), at(2))
    };
    let apart = (0..8).map(|c| (last(a, c) - last(b, c)).length()).fold(0.0, f64::max);
    let message = format!(
        "{} and {}: {error}; their corners are up to {apart:.3} mm apart",
        image_path.display(),
        mask_path.display()
    );
    let hint =
        "set `correctMask: true` in the parameter file to take the mask's nearest voxels, or `geometryTolerance` to accept the difference";
    Failure::new(error.code(), message).hint(hint).into()
}

/// Diagnostics, then features, as one object.
fn json(features: &FeatureVector) -> Result<String, anyhow::Error> {
    let mut object: IndexMap<String, Value> = IndexMap::new();
    for (name, value) in features.diagnostics.iter() {
        let value = match value {
            DiagnosticValue::Missing => Value::Null,
            DiagnosticValue::Text(text) => serde_json::from_str(text)
                .ok()
                .filter(Value::is_object)
                .unwrap_or_else(|| text.clone().into()),
            DiagnosticValue::Number(v) => (*v).into(),
            DiagnosticValue::Count(n) => (*n).into(),
            DiagnosticValue::Numbers(list) => list.clone().into(),
            DiagnosticValue::Counts(list) => list.clone().into(),
        };
        object.insert(name.to_owned(), value);
    }
    for (name, value) in features.iter() {
        object.insert(name.to_owned(), value.into());
    }
    serde_json::to_string_pretty(&object).context("cannot write the features as JSON")
}

/// Two lines, the files first, as PyRadiomics' command line writes them.
fn csv(image: &Path, mask: &Path, features: &FeatureVector) -> String {
    let mut names = vec!["Image".to_owned(), "Mask".to_owned()];
    let mut values = vec![image.display().to_string(), mask.display().to_string()];
    for (name, value) in features.diagnostics.iter() {
        names.push(name.to_owned());
        values.push(value.to_string());
    }
    for (name, value) in features.iter() {
        names.push(name.to_owned());
        values.push(if value.is_nan() { "nan".to_owned() } else { format!("{value:?}") });
    }
    let line = |cells: Vec<String>| cells.iter().map(|c| quoted(c)).collect::<Vec<_>>().join(",");
    format!("{}\n{}", line(names), line(values))
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
