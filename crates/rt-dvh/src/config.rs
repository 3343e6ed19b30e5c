//! The section `[dvh]` of the configuration.

use rt_config::{ConfigIssue, Validate};
use rt_core::Gy;
use rt_image::Overlap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::field::{Rim, SumMissing};
use crate::integral::Outside;
use crate::metric::Metric;
use crate::pattern::RoiPattern;
use crate::roi::{DvhOptions, Planes};

/// Where the prescription comes from.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum RxSetting {
    /// From the plan.
    #[default]
    Plan,
    /// This dose for every course.
    Dose(Gy),
}

impl Serialize for RxSetting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plan => serializer.serialize_str("plan"),
            Self::Dose(gy) => serializer.serialize_f64(gy.value()),
        }
    }
}

impl<'de> Deserialize<'de> for RxSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected \"plan\" or a dose in Gy")]
        enum Form {
            Dose(f64),
            Word(Word),
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Word {
            Plan,
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Dose(gy) => Self::Dose(Gy(gy)),
            Form::Word(Word::Plan) => Self::Plan,
        })
    }
}

/// Contours of one plane that overlap without nesting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OverlapSetting {
    /// The overlap is outside.
    #[default]
    Xor,
    /// The overlap is inside.
    Union,
}

/// Structures and dose in different frames of reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameMismatch {
    /// The structure has no figures.
    #[default]
    Refuse,
    /// Positions are taken as they are, and a warning is given.
    SamePatient,
}

/// Volume up to which a structure counts as small for [`HalfRange::Small`], cm3.
pub const SMALL_CC: f64 = 100.0;

/// Regions that are read a second time, to tell how far their contours leave the figures open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HalfRange {
    /// All drawn ones: several times the time.
    All,
    /// Drawn targets, and drawn structures of up to [`SMALL_CC`]: where it decides.
    #[default]
    Small,
    /// Drawn targets.
    Targets,
    /// None.
    None,
}

/// Prescription of some structures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetRx {
    /// Drawn or standard name, with wildcards.
    pub roi: RoiPattern,
    /// Dose, Gy.
    pub rx: f64,
}

/// A biological dose that gets rows of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Biological {
    /// Total dose in 2 Gy fractions of equal effect.
    Eqd2,
    /// Biologically effective dose.
    Bed,
}

impl Biological {
    /// The word in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eqd2 => "EQD2",
            Self::Bed => "BED",
        }
    }
}

/// Alpha/beta ratios, Gy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlphaBeta {
    /// Of targets.
    pub target: f64,
    /// Of everything else.
    pub other: f64,
    /// Of structures by drawn or standard name, with wildcards; the first that fits counts.
    pub by_roi: Vec<RoiAlphaBeta>,
}

/// Alpha/beta ratio of some structures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoiAlphaBeta {
    /// Drawn or standard name, with wildcards.
    pub roi: RoiPattern,
    /// Gy.
    pub alpha_beta: f64,
}

impl Default for AlphaBeta {
    fn default() -> Self {
        Self {
            target: 10.0,
            other: 3.0,
            by_roi: Vec::new(),
        }
    }
}

impl AlphaBeta {
    /// The ratio of a structure with these names.
    pub fn of(&self, names: &[&str], is_target: bool) -> f64 {
        let own = self.by_roi.iter().find(|r| names.iter().any(|n| r.roi.matches(n)));
        own.map_or(if is_target { self.target } else { self.other }, |r| r.alpha_beta)
    }
}

/// Which rules the figures follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Exact geometry.
    #[default]
    Exact,
    /// Those of the Python pipeline, see [`crate::reference`].
    Reference,
}

/// `[dvh]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DvhConfig {
    /// Which rules the figures follow.
    pub mode: Mode,
    /// Reading of contours along the normal of their planes.
    pub planes: Planes,
    /// Reading of contours of one plane that overlap without nesting.
    pub overlap: OverlapSetting,
    /// Parts of a structure without dose.
    pub outside: Outside,
    /// How far a dose grid reaches.
    pub rim: Rim,
    /// Points of a dose sum that not all of its doses reach.
    pub sum_missing: SumMissing,
    /// Structures and dose in different frames of reference.
    pub frame_mismatch: FrameMismatch,
    /// Figures that hang on the coldest part are empty below this covered share.
    pub min_coverage: f64,
    /// Estimated error of a dose figure to refine to, Gy.
    pub tolerance_gy: f64,
    /// Step of the curves, Gy.
    pub bin_width_gy: f64,
    /// Figures beyond those that are always there.
    pub metrics: Vec<Metric>,
    /// Prescription.
    pub rx: RxSetting,
    /// Prescriptions of single structures, before those of the plan: simultaneous boosts.
    pub targets: Vec<TargetRx>,
    /// Structures whose figures have the half-range between the two readings of contours beside them.
    pub half_range: HalfRange,
    /// Drawn structures whose wall has a dose-surface histogram, by drawn or standard name, with wildcards.
    pub surface: Vec<RoiPattern>,
    /// Biological doses with rows of their own.
    pub biological: Vec<Biological>,
    /// Alpha/beta ratios for them.
    pub alpha_beta: AlphaBeta,
    /// Clinical goals: a file, a built-in set, or nothing.
    pub goals: String,
    /// Models of complication and control: a file, `published`, or nothing.
    pub models: String,
    /// A file of standard names that go before the built-in ones (TG-263), or nothing.
    pub names: String,
    /// Dose in Gy that 100 stands for in a RELATIVE dose; without it such a dose has no figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relative_reference_gy: Option<f64>,
}

impl Default for DvhConfig {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            planes: Planes::default(),
            overlap: OverlapSetting::default(),
            outside: Outside::default(),
            rim: Rim::default(),
            sum_missing: SumMissing::default(),
            frame_mismatch: FrameMismatch::default(),
            min_coverage: 0.95,
            tolerance_gy: 0.02,
            bin_width_gy: 0.01,
            metrics: Vec::new(),
            rx: RxSetting::default(),
            targets: Vec::new(),
            half_range: HalfRange::default(),
            surface: Vec::new(),
            biological: Vec::new(),
            alpha_beta: AlphaBeta::default(),
            goals: String::new(),
            models: String::new(),
            names: String::new(),
            relative_reference_gy: None,
        }
    }
}

impl DvhConfig {
    /// How a DVH is computed, without what belongs to a region.
    pub fn options(&self) -> DvhOptions {
        DvhOptions {
            planes: self.planes,
            overlap: match self.overlap {
                OverlapSetting::Xor => Overlap::Xor,
                OverlapSetting::Union => Overlap::Union,
            },
            outside: self.outside,
            tolerance_gy: self.tolerance_gy,
            ..DvhOptions::default()
        }
    }
}

impl Validate for DvhConfig {
    fn validate(&self) -> Result<(), ConfigIssue> {
        let positive = |x: f64| x.is_finite() && x > 0.0;
        if !(self.min_coverage >= 0.0 && self.min_coverage <= 1.0) {
            return Err(ConfigIssue::new("min_coverage", "must lie between 0 and 1"));
        }
        if !(positive(self.tolerance_gy) && self.tolerance_gy >= 1e-4) {
            return Err(ConfigIssue::new("tolerance_gy", "must be at least 0.0001"));
        }
        if !(positive(self.bin_width_gy) && self.bin_width_gy >= 1e-3) {
            return Err(ConfigIssue::new("bin_width_gy", "must be at least 0.001"));
        }
        if matches!(self.rx, RxSetting::Dose(gy) if !positive(gy.value())) {
            return Err(ConfigIssue::new("rx", "must be \"plan\" or a dose above 0 Gy"));
        }
        if self.targets.iter().any(|t| t.roi.is_blank() || !positive(t.rx)) {
            return Err(ConfigIssue::new("targets", "each needs `roi`, a name, and `rx`, a dose above 0 Gy"));
        }
        let ratios = [self.alpha_beta.target, self.alpha_beta.other];
        let own = self.alpha_beta.by_roi.iter();
        if !ratios.into_iter().chain(own.map(|r| r.alpha_beta)).all(positive) {
            return Err(ConfigIssue::new("alpha_beta", "every ratio must be above 0 Gy"));
        }
        if self.relative_reference_gy.is_some_and(|gy| !positive(gy)) {
            return Err(ConfigIssue::new("relative_reference_gy", "must be above 0"));
        }
        Ok(())
    }
}
