//! How much features change when image and region change a little: perturbations, features of all of them, agreement statistics.
//!
//! Knows: the perturbation grid (noise, translation, contour, volume), what of it need not be computed twice, and intraclass correlation with
//! its labels. Sources: `spec/analysis.md` 2R and 6 (defects 26 to 32); Zwanenburg et al., Scientific Reports 9, 2019 (perturbation chains);
//! Shrout and Fleiss 1979, `McGraw` and Wong 1996 (intraclass correlation).

mod beta;
mod distance;
pub mod extract;
pub mod icc;
pub mod perturb;
mod random;
pub mod summary;

use rt_config::{AutoOr, ConfigIssue, Validate};
use serde::{Deserialize, Serialize};

pub use extract::{Measured, Sharing, measure};
pub use icc::{Icc, IccKind, RatingTable, StatError, icc};
pub use perturb::{Geometry, PerturbError, PerturbGrid, Perturbation, geometries, noisy};
pub use summary::{FeatureSummary, Subject, Thresholds, summarise};

/// How many perturbations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Intensity {
    /// One noise level, one random contour, two volumes: 12 with the defaults.
    Mild,
    /// All levels, 81 with the defaults.
    #[default]
    Standard,
    /// Translations along all axes and large volume changes: 315 with the defaults.
    Aggressive,
}

/// How masks are made larger and smaller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// By distance to the faces between inside and outside; voxels at equal distance in a seeded random order.
    #[default]
    Exact,
    /// As the Python reference: border voxels have distance 0, voxels at equal distance in the order of their index.
    Reference,
}

/// Limits of the labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Least lower ICC limit of a robust feature.
    pub icc_robust: f64,
    /// Of an acceptable one.
    pub icc_acceptable: f64,
    /// Highest coefficient of variation of a robust feature, %.
    pub cov_robust_pct: f64,
    /// Of an acceptable one.
    pub cov_acceptable_pct: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            icc_robust: 0.90,
            icc_acceptable: 0.75,
            cov_robust_pct: 10.0,
            cov_acceptable_pct: 20.0,
        }
    }
}

/// `[robustness]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RobustnessConfig {
    /// How many perturbations.
    pub intensity: Intensity,
    /// Structures by name, upper and lower case alike; `*` and `?` stand for any letters and any one.
    pub apply_to_structures: Vec<String>,
    /// Relative volume changes; 0 is the volume as it is.
    pub small_volume_changes: Vec<f64>,
    /// Further ones of the aggressive intensity.
    pub large_volume_changes: Vec<f64>,
    /// Length of a translation, mm; 0 for none.
    pub max_translation_mm: f64,
    /// Random contours beside the contour as it is.
    pub n_random_contour_realizations: usize,
    /// Largest random change of a contour, mm; 0 for half the translation.
    pub contour_randomization_mm: f64,
    /// Standard deviations of added noise in image units; 0 is the image as it is.
    pub noise_levels: Vec<f64>,
    /// Kind of intraclass correlation.
    pub icc_type: IccKind,
    /// Limits of the labels.
    pub thresholds: Limits,
    /// Seed of everything random.
    pub seed: u64,
    /// How masks are made larger and smaller.
    pub mode: Mode,
    /// Threads of one course.
    pub thread_limit: AutoOr<usize>,
}

impl Default for RobustnessConfig {
    fn default() -> Self {
        Self {
            intensity: Intensity::default(),
            apply_to_structures: ["GTV*", "CTV*", "PTV*"].map(str::to_owned).to_vec(),
            small_volume_changes: vec![-0.15, 0.0, 0.15],
            large_volume_changes: vec![-0.30, 0.0, 0.30],
            max_translation_mm: 4.0,
            n_random_contour_realizations: 2,
            contour_randomization_mm: 0.0,
            noise_levels: vec![0.0, 10.0, 20.0],
            icc_type: IccKind::Icc3,
            thresholds: Limits::default(),
            seed: 42,
            mode: Mode::default(),
            thread_limit: AutoOr::Auto,
        }
    }
}

impl Validate for RobustnessConfig {
    fn validate(&self) -> Result<(), ConfigIssue> {
        let issue = |key: &str, message: &str| Err(ConfigIssue::new(key, message));
        let change = |v: &f64| v.is_finite() && *v > -1.0;
        if self.small_volume_changes.is_empty() || !self.small_volume_changes.iter().all(change) {
            return issue("small_volume_changes", "must be relative changes above -1, at least one");
        }
        if !self.large_volume_changes.iter().all(change) {
            return issue("large_volume_changes", "must be relative changes above -1");
        }
        if self.noise_levels.is_empty() || !self.noise_levels.iter().all(|v| v.is_finite() && *v >= 0.0) {
            return issue("noise_levels", "must be standard deviations, 0 or above, at least one");
        }
        for (key, v) in [
            ("max_translation_mm", self.max_translation_mm),
            ("contour_randomization_mm", self.contour_randomization_mm),
        ] {
            if !v.is_finite() || v < 0.0 {
                return issue(key, "must be a length in mm, 0 or above");
            }
        }
        let t = &self.thresholds;
        if t.icc_robust < t.icc_acceptable {
            return issue("thresholds.icc_robust", "is below thresholds.icc_acceptable");
        }
        if t.cov_robust_pct > t.cov_acceptable_pct {
            return issue("thresholds.cov_robust_pct", "is above thresholds.cov_acceptable_pct");
        }
        match PerturbGrid::new(self) {
            Ok(_) => Ok(()),
            Err(e) => issue("noise_levels", &e.to_string()),
        }
    }
}

impl RobustnessConfig {
    /// Whether a structure is to be perturbed.
    pub fn applies_to(&self, structure: &str) -> bool {
        let name: Vec<char> = structure.to_uppercase().chars().collect();
        self.apply_to_structures
            .iter()
            .any(|pattern| matches(&pattern.to_uppercase().chars().collect::<Vec<_>>(), &name))
    }
}

/// Shell patterns with `*` and `?`.
fn matches(pattern: &[char], name: &[char]) -> bool {
    // Where to go on when the text after the last star does not fit.
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        if p < pattern.len() && (pattern[p] == '?' || pattern[p] == name[n]) && pattern[p] != '*' {
            (p, n) = (p + 1, n + 1);
        } else if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, n));
            p += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            (p, n) = (at + 1, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_the_shell() {
        let config = RobustnessConfig {
            apply_to_structures: vec!["GTV*".into(), "?tv_boost".into()],
            ..RobustnessConfig::default()
        };
        assert!(config.applies_to("gtv") && config.applies_to("GTV_p 1") && config.applies_to("PTV_Boost"));
        assert!(!config.applies_to("igtv") && !config.applies_to("PTV_Boost2") && !config.applies_to("bladder"));
        assert!(config.validate().is_ok());
        let twice = RobustnessConfig {
            noise_levels: vec![10.0, 10.4],
            ..config
        };
        assert_eq!(twice.validate().unwrap_err().key, "noise_levels");
    }
}
