//! Our IBSI features beside the consensus values of the initiative (`data/ibsi`).
//!
//! IBSI 1: the digital phantom and the CT phantom in configurations A to E. A value passes as the data's README says: after rounding to the
//! digits of the reference it lies within the tolerance. Every row of the table of reference values counts; what is not computed is a miss.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use rt_image::{AnyVolume, Mask};
use rt_radiomics::Samples;
use rt_radiomics::ibsi::{Aggregation, Chain, IbsiSettings, Interpolation, IvhLevels, chain_facts, extract};
use rt_radiomics::settings::Binning;

/// Why nothing could be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IbsiError {
    /// A file could not be read.
    #[error("{path}: {reason}")]
    File {
        /// The path.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A phantom gave no features.
    #[error("configuration {config}: {reason}")]
    Refused {
        /// Configuration.
        config: String,
        /// The reason.
        reason: String,
    },
}

/// One reference value and ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// `digital`, `A`, ..., or a filter configuration, `4.B`.
    pub config: String,
    /// Tag of the feature.
    pub tag: String,
    /// Reference value as written: its digits count.
    pub reference: String,
    /// Tolerance.
    pub tolerance: f64,
    /// Ours; `None` when it is not computed.
    pub ours: Option<f64>,
}

impl Row {
    /// Whether ours, rounded to the digits of the reference, lies within the tolerance of it.
    pub fn passes(&self) -> bool {
        let (Some(ours), Ok(reference)) = (self.ours, self.reference.parse::<f64>()) else {
            return false;
        };
        let rounded = round_like(ours, &self.reference);
        // Both are decimal numbers: their difference is off by rounding.
        let slack = 1e-9 * reference.abs().max(self.tolerance);
        (rounded - reference).abs() <= self.tolerance + slack || (ours - reference).abs() <= self.tolerance
    }

    /// Family: the part of the tag before the first underscore; the values of each step of the chain are one family.
    pub fn family(&self) -> &str {
        match self.tag.split('_').next().unwrap_or("") {
            "img" | "vox" | "int" | "mean" | "min" | "max" => "diagnostic",
            "morph" if self.tag.starts_with("morph_mask") => "diagnostic",
            other => other,
        }
    }
}

/// Rounds to as many significant digits as a number is written with.
fn round_like(v: f64, text: &str) -> f64 {
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let mut significant = digits.trim_start_matches('0').len().max(1);
    // 556 has three digits; the zeros at the end of 53300 may be no digits: three are what the tables hold.
    if !mantissa.contains('.') {
        significant = digits.trim_end_matches('0').trim_start_matches('0').len().max(3);
    }
    format!("{v:.*e}", significant - 1).parse().unwrap_or(v)
}

/// The comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Rows in the order of the reference.
    pub rows: Vec<Row>,
}

/// How many values of a family pass in a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count<'a> {
    /// Configuration.
    pub config: &'a str,
    /// Family.
    pub family: &'a str,
    /// Values that pass.
    pub passed: usize,
    /// Values of the reference.
    pub all: usize,
}

impl Report {
    /// Rows that do not pass.
    pub fn misses(&self) -> Vec<&Row> {
        self.rows.iter().filter(|r| !r.passes()).collect()
    }

    /// Passed and all rows, by configuration and family, in order of the reference.
    pub fn counts(&self) -> Vec<Count<'_>> {
        let mut out: Vec<Count<'_>> = Vec::new();
        for row in &self.rows {
            let (config, family) = (row.config.as_str(), row.family());
            let at = out
                .iter()
                .position(|c| (c.config, c.family) == (config, family))
                .unwrap_or_else(|| {
                    out.push(Count {
                        config,
                        family,
                        passed: 0,
                        all: 0,
                    });
                    out.len() - 1
                });
            out[at].passed += usize::from(row.passes());
            out[at].all += 1;
        }
        out
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut config = "";
        for Count {
            config: of,
            family,
            passed,
            all,
        } in self.counts()
        {
            if of != config {
                let rows = || self.rows.iter().filter(|r| r.config == of);
                let good = rows().filter(|r| r.passes()).count();
                write!(
                    f,
                    "{}{of}: {good} of {}:",
                    if config.is_empty() { "" } else { "\n" },
                    rows().count()
                )?;
                config = of;
            }
            write!(f, "  {family} {passed}/{all}")?;
        }
        let misses = self.misses();
        let all = self.rows.len();
        let share = 100.0 * (all - misses.len()) as f64 / all.max(1) as f64;
        writeln!(f, "\nall: {} of {all} ({share:.2} %)", all - misses.len())?;
        for row in misses {
            if row.reference.is_empty() {
                writeln!(f, "miss {} {}: there is no consensus value", row.config, row.tag)?;
                continue;
            }
            let ours = row.ours.map_or_else(|| "not computed".to_owned(), |v| format!("{v:.6}"));
            writeln!(
                f,
                "miss {} {}: {ours}, reference {} +- {}",
                row.config, row.tag, row.reference, row.tolerance
            )?;
        }
        Ok(())
    }
}

/// Compares the features of IBSI 1.
///
/// # Errors
/// [`IbsiError`] when a phantom or the table cannot be read, or a phantom is refused.
pub fn run(folder: &Path) -> Result<Report, IbsiError> {
    let ibsi1 = folder.join("ibsi1");
    let table = read_table(&ibsi1.join("reference_values.tsv"), [0, 1, 2, 3])?;
    let mut out = Report::default();
    for config in ["digital", "A", "B", "C", "D", "E"] {
        let phantom = ibsi1.join(if config == "digital" {
            "digital_phantom"
        } else {
            "ct_phantom/nifti"
        });
        let image = read(&phantom.join("phantom.nii.gz"))?;
        let mask = read_mask(&phantom.join("mask.nii.gz"))?;
        let settings = configuration(config);
        let refused = |e: rt_radiomics::ExtractError| IbsiError::Refused {
            config: config.to_owned(),
            reason: e.to_string(),
        };
        let features = extract(&image, &mask, &settings).map_err(refused)?;
        let mut ours: BTreeMap<String, f64> = features.iter().map(|(n, v)| (n.to_owned(), v)).collect();
        if config != "digital" {
            ours.extend(diagnostics(&chain_facts(Samples::from(&image), &mask, &settings).map_err(refused)?));
        }
        out.rows.extend(table.iter().filter(|r| r.config == config).map(|r| Row {
            ours: ours.get(&r.tag).copied(),
            ..r.clone()
        }));
    }
    Ok(out)
}

/// The settings of a configuration of IBSI 1 (its README, and the reference manual, section 5).
pub fn configuration(name: &str) -> IbsiSettings {
    let flat = vec![
        Aggregation::SliceMean,
        Aggregation::SliceMerged,
        Aggregation::DirectionMerged,
        Aggregation::SlicesMerged,
    ];
    let volume = vec![Aggregation::VolumeMean, Aggregation::VolumeMerged];
    let base = IbsiSettings {
        round: true,
        ..IbsiSettings::default()
    };
    match name {
        "A" => IbsiSettings {
            range: Some([-500.0, 400.0]),
            binning: Binning::Width(25.0),
            aggregations: flat,
            ..base
        },
        "B" => IbsiSettings {
            spacing: Some([2.0, 2.0, 0.0]),
            range: Some([-500.0, 400.0]),
            binning: Binning::Count(32),
            aggregations: flat,
            ..base
        },
        "C" => IbsiSettings {
            spacing: Some([2.0; 3]),
            range: Some([-1000.0, 400.0]),
            binning: Binning::Width(25.0),
            ivh: IvhLevels::Width(2.5),
            aggregations: volume,
            ..base
        },
        "D" => IbsiSettings {
            spacing: Some([2.0; 3]),
            outlier_sigma: Some(3.0),
            binning: Binning::Count(32),
            aggregations: volume,
            ..base
        },
        "E" => IbsiSettings {
            spacing: Some([2.0; 3]),
            interpolation: Interpolation::Cubic,
            range: Some([-1000.0, 400.0]),
            outlier_sigma: Some(3.0),
            binning: Binning::Count(32),
            ivh: IvhLevels::Count(1000),
            aggregations: volume,
            ..base
        },
        _ => IbsiSettings {
            binning: Binning::Width(1.0),
            aggregations: Aggregation::ALL.to_vec(),
            ..base
        },
    }
}

/// The diagnostic values under their tags.
fn diagnostics(chain: &Chain) -> BTreeMap<String, f64> {
    let mut out = BTreeMap::new();
    let axes = ["x", "y", "z"];
    let of_intensity = ["mean", "min", "max"];
    for (step, image) in ["init", "interp"].iter().zip(&chain.image) {
        for (a, axis) in axes.iter().enumerate() {
            out.insert(format!("img_dim_{axis}_{step}_img"), image.size[a] as f64);
            out.insert(format!("vox_dim_{axis}_{step}_img"), image.spacing[a]);
        }
        for (n, what) in of_intensity.iter().enumerate() {
            out.insert(format!("{what}_int_{step}_img"), image.intensity[n]);
        }
    }
    let steps = [("init", 0), ("interp", 1), ("reseg", 1)];
    for ((step, image), region) in steps.into_iter().zip(&chain.region) {
        for (a, axis) in axes.iter().enumerate() {
            out.insert(format!("int_mask_dim_{axis}_{step}_roi"), chain.image[image].size[a] as f64);
            out.insert(format!("int_mask_bb_dim_{axis}_{step}_roi"), region.intensity_box[a] as f64);
            out.insert(format!("morph_mask_bb_dim_{axis}_{step}_roi"), region.morphological_box[a] as f64);
        }
        out.insert(format!("int_mask_vox_count_{step}_roi"), region.intensity_voxels as f64);
        out.insert(format!("morph_mask_vox_count_{step}_roi"), region.morphological_voxels as f64);
        for (n, what) in of_intensity.iter().enumerate() {
            out.insert(format!("int_mask_{what}_int_{step}_roi"), region.intensity[n]);
        }
    }
    out
}

/// Rows of a tab-separated table; `columns` are those of configuration, tag, value and tolerance.
pub(crate) fn read_table(path: &Path, columns: [usize; 4]) -> Result<Vec<Row>, IbsiError> {
    let fault = |reason: String| IbsiError::File {
        path: path.to_owned(),
        reason,
    };
    let text = std::fs::read_to_string(path).map_err(|e| fault(e.to_string()))?;
    let mut out = Vec::new();
    for (n, line) in text.lines().enumerate().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |column: usize| {
            cells
                .get(column)
                .copied()
                .ok_or_else(|| fault(format!("line {} is too short", n + 1)))
        };
        let tolerance = cell(columns[3])?;
        out.push(Row {
            config: cell(columns[0])?.to_owned(),
            tag: cell(columns[1])?.to_owned(),
            reference: cell(columns[2])?.to_owned(),
            // Without consensus both cells are empty: the row counts, and nothing can meet it.
            tolerance: if tolerance.is_empty() {
                f64::NAN
            } else {
                tolerance
                    .parse()
                    .map_err(|_| fault(format!("line {}: tolerance {tolerance:?}", n + 1)))?
            },
            ours: None,
        });
    }
    Ok(out)
}

pub(crate) fn read(path: &Path) -> Result<AnyVolume, IbsiError> {
    rt_nifti::read_any(path).map_err(|e| IbsiError::File {
        path: path.to_owned(),
        reason: e.to_string(),
    })
}

pub(crate) fn read_mask(path: &Path) -> Result<Mask, IbsiError> {
    let labels = read(path)?.to_f64();
    Mask::from_array(labels.grid(), labels.data().view(), |v| *v > 0.5).map_err(|e| IbsiError::File {
        path: path.to_owned(),
        reason: e.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(reference: &str, tolerance: f64, ours: f64) -> Row {
        Row {
            config: String::new(),
            tag: String::new(),
            reference: reference.to_owned(),
            tolerance,
            ours: Some(ours),
        }
    }

    #[test]
    fn values_are_rounded_to_the_digits_of_the_reference() {
        assert!(row("0.698", 0.0, 0.698_4).passes() && !row("0.698", 0.0, 0.698_6).passes());
        assert!(row("556", 4.0, 560.0).passes() && !row("556", 4.0, 561.0).passes());
        assert!(row("53300", 0.0, 53_349.0).passes() && !row("53300", 0.0, 53_351.0).passes());
        assert!(row("2.15", 0.0, 2.149).passes());
        assert!(!row("1", 0.0, f64::NAN).passes());
    }
}
