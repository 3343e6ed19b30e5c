//! The figures of a DVH by name: a small grammar, and the value of each.
//!
//! | text | figure |
//! | --- | --- |
//! | `Dmean`, `Dmax`, `Dmin` | Gy |
//! | `D95%` | dose that 95 % of the volume receives at least, Gy |
//! | `D2cc` | dose to the hottest 2 cm3, Gy; none when the volume is smaller |
//! | `V20Gy`, `V20Gy_cc` | volume with 20 Gy or more, in percent of the covered volume or cm3 |
//! | `CV20Gy`, `CV20Gy_cc` | volume with less than 20 Gy |
//! | `V95%Rx`, `V95%Rx_cc` | volume with 95 % of the prescription or more |
//! | `D95%/Rx`, `D2cc/Rx`, `Dmean/Rx`, ... | a dose in percent of the prescription |
//! | `HI`, `HI/Rx` | (D2 - D98) / D50, ICRU 83 |
//! | `Spread`, `Spread/Rx` | Dmax - Dmin |
//! | `Volume` | whole volume, cm3 |
//! | `IntegralDose` | mean dose times covered volume, Gy cm3 |
//! | `gEUD_a8`, `gEUD_a-10` | generalised equivalent uniform dose, Gy |
//! | `HI_D5/D95`, `HI_(D2-D98)/Rx` | other homogeneity indices, by their formula |
//!
//! AAPM TG-263 puts the unit in brackets: `V20Gy[%]`, `V20Gy[cc]`, `D95%[Gy]`, `D95%[%]` (of the prescription) and `D0.03cc[Gy]` are read too.

use std::fmt;
use std::str::FromStr;

use rt_core::Gy;
use serde::{Deserialize, Serialize};

use crate::bio::geud;
use crate::roi::Dvh;

/// Quantiles of so much of the volume or more depend on the coldest part: unknown when that may lie outside the dose grid.
const COLD_PERCENT: f64 = 95.0;

/// A dose that characterises a distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DoseFigure {
    /// Mean.
    Mean,
    /// True maximum.
    Max,
    /// True minimum.
    Min,
    /// Received by this percentage of the volume at least.
    ToPercent(f64),
    /// Received by this many cm3 at least.
    ToCc(f64),
}

/// Unit of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeUnit {
    /// Percent of the covered volume.
    Percent,
    /// cm3.
    Cc,
}

/// One figure of a DVH.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Metric {
    /// A dose, Gy.
    Dose(DoseFigure),
    /// A dose in percent of the prescription.
    RelativeDose(DoseFigure),
    /// Volume with so many Gy or more.
    Volume(f64, VolumeUnit),
    /// Volume with less than so many Gy.
    ColdVolume(f64, VolumeUnit),
    /// Volume with so many percent of the prescription or more.
    RelativeVolume(f64, VolumeUnit),
    /// (D2 - D98) / D50; none when D50 is 0.
    Homogeneity,
    /// The same, only when a prescription is known: dividing by it changes nothing.
    RelativeHomogeneity,
    /// D5 / D95; none when D95 is 0.
    HomogeneityRatio,
    /// (D2 - D98) over the prescription.
    HomogeneityOverRx,
    /// Dmax - Dmin, Gy.
    Spread,
    /// Dmax - Dmin in percent of the prescription.
    RelativeSpread,
    /// Whole volume, cm3.
    WholeVolume,
    /// Mean dose times covered volume, Gy cm3.
    IntegralDose,
    /// Generalised equivalent uniform dose with this exponent, Gy.
    Geud(f64),
}

/// Why a text names no figure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no DVH metric; examples: Dmean, D95%, D2cc, V20Gy, V20Gy_cc, CV20Gy, V95%Rx, D95%/Rx, gEUD_a8, HI")]
pub struct MetricError {
    /// The text.
    pub text: String,
}

impl MetricError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        "config.bad_metric"
    }
}

impl FromStr for Metric {
    type Err = MetricError;

    fn from_str(text: &str) -> Result<Self, MetricError> {
        parse(text.trim()).ok_or_else(|| MetricError { text: text.to_owned() })
    }
}

impl TryFrom<String> for Metric {
    type Error = MetricError;

    fn try_from(text: String) -> Result<Self, MetricError> {
        text.parse()
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> Self {
        metric.to_string()
    }
}

/// A figure with its unit in brackets.
fn parse_bracketed(text: &str, unit: &str) -> Option<Metric> {
    match (parse(text)?, unit) {
        (m @ (Metric::Dose(_) | Metric::Geud(_)), "Gy") | (m @ Metric::WholeVolume, "cc") => Some(m),
        (Metric::Dose(figure), "%") => Some(Metric::RelativeDose(figure)),
        (Metric::Volume(gy, _), _) => Some(Metric::Volume(gy, bracket_unit(unit)?)),
        (Metric::ColdVolume(gy, _), _) => Some(Metric::ColdVolume(gy, bracket_unit(unit)?)),
        (Metric::RelativeVolume(percent, _), _) => Some(Metric::RelativeVolume(percent, bracket_unit(unit)?)),
        _ => None,
    }
}

fn bracket_unit(unit: &str) -> Option<VolumeUnit> {
    match unit {
        "%" => Some(VolumeUnit::Percent),
        "cc" => Some(VolumeUnit::Cc),
        _ => None,
    }
}

fn parse(text: &str) -> Option<Metric> {
    if let Some((figure, unit)) = text.strip_suffix(']').and_then(|t| t.split_once('[')) {
        return parse_bracketed(figure, unit);
    }
    match text {
        "HI" => return Some(Metric::Homogeneity),
        "HI/Rx" => return Some(Metric::RelativeHomogeneity),
        "HI_D5/D95" => return Some(Metric::HomogeneityRatio),
        "HI_(D2-D98)/Rx" => return Some(Metric::HomogeneityOverRx),
        "Spread" => return Some(Metric::Spread),
        "Spread/Rx" => return Some(Metric::RelativeSpread),
        "Volume" => return Some(Metric::WholeVolume),
        "IntegralDose" => return Some(Metric::IntegralDose),
        _ => {}
    }
    if let Some(a) = text.strip_prefix("gEUD_a") {
        let digits = a.strip_prefix('-').unwrap_or(a);
        let value = amount(digits).filter(|v| *v > 0.0 && *v <= 100.0)?;
        return Some(Metric::Geud(if a.starts_with('-') { -value } else { value }));
    }
    if let Some(rest) = text.strip_prefix("CV") {
        let (rest, unit) = volume_unit(rest);
        return Some(Metric::ColdVolume(amount(rest.strip_suffix("Gy")?)?, unit));
    }
    if let Some(rest) = text.strip_prefix('V') {
        let (rest, unit) = volume_unit(rest);
        return match rest.strip_suffix("%Rx") {
            Some(percent) => Some(Metric::RelativeVolume(amount(percent)?, unit)),
            None => Some(Metric::Volume(amount(rest.strip_suffix("Gy")?)?, unit)),
        };
    }
    match text.strip_suffix("/Rx") {
        Some(dose) => dose_figure(dose).map(Metric::RelativeDose),
        None => dose_figure(text).map(Metric::Dose),
    }
}

fn dose_figure(text: &str) -> Option<DoseFigure> {
    match text {
        "Dmean" => return Some(DoseFigure::Mean),
        "Dmax" => return Some(DoseFigure::Max),
        "Dmin" => return Some(DoseFigure::Min),
        _ => {}
    }
    let rest = text.strip_prefix('D')?;
    match rest.strip_suffix('%') {
        Some(percent) => amount(percent).filter(|p| *p <= 100.0).map(DoseFigure::ToPercent),
        None => amount(rest.strip_suffix("cc")?).filter(|v| *v > 0.0).map(DoseFigure::ToCc),
    }
}

fn volume_unit(rest: &str) -> (&str, VolumeUnit) {
    rest.strip_suffix("_cc")
        .map_or((rest, VolumeUnit::Percent), |rest| (rest, VolumeUnit::Cc))
}

/// A plain decimal number, not negative.
fn amount(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for VolumeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Percent => "",
            Self::Cc => "_cc",
        })
    }
}

impl fmt::Display for DoseFigure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => f.write_str("Dmean"),
            Self::Max => f.write_str("Dmax"),
            Self::Min => f.write_str("Dmin"),
            Self::ToPercent(p) => write!(f, "D{p}%"),
            Self::ToCc(v) => write!(f, "D{v}cc"),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dose(d) => d.fmt(f),
            Self::RelativeDose(d) => write!(f, "{d}/Rx"),
            Self::Volume(gy, unit) => write!(f, "V{gy}Gy{unit}"),
            Self::ColdVolume(gy, unit) => write!(f, "CV{gy}Gy{unit}"),
            Self::RelativeVolume(percent, unit) => write!(f, "V{percent}%Rx{unit}"),
            Self::Homogeneity => f.write_str("HI"),
            Self::HomogeneityRatio => f.write_str("HI_D5/D95"),
            Self::HomogeneityOverRx => f.write_str("HI_(D2-D98)/Rx"),
            Self::RelativeHomogeneity => f.write_str("HI/Rx"),
            Self::Spread => f.write_str("Spread"),
            Self::RelativeSpread => f.write_str("Spread/Rx"),
            Self::WholeVolume => f.write_str("Volume"),
            Self::IntegralDose => f.write_str("IntegralDose"),
            Self::Geud(a) => write!(f, "gEUD_a{a}"),
        }
    }
}

impl DoseFigure {
    /// The dose, Gy; `None` for a volume larger than the covered one.
    pub fn value(self, dvh: &Dvh) -> Option<f64> {
        let d = &dvh.distribution;
        match self {
            Self::Mean => Some(d.mean()),
            Self::Max => Some(d.max()),
            Self::Min => Some(d.min()),
            Self::ToPercent(percent) => Some(d.dose_at_share(percent / 100.0)),
            Self::ToCc(cc) => (cc * 1000.0 <= d.volume_mm3()).then(|| d.dose_at_share(cc * 1000.0 / d.volume_mm3())),
        }
    }

    /// Whether it depends on the coldest part.
    fn is_cold(self) -> bool {
        match self {
            Self::Min => true,
            Self::ToPercent(percent) => percent >= COLD_PERCENT,
            Self::Mean | Self::Max | Self::ToCc(_) => false,
        }
    }
}

impl Metric {
    /// The value; `None` when it is not defined for this region or needs a prescription that is not known.
    pub fn value(self, dvh: &Dvh, rx: Option<Gy>) -> Option<f64> {
        let d = &dvh.distribution;
        let rx = rx.map(Gy::value).filter(|r| *r > 0.0);
        let cm3 = |mm3: f64, unit| match unit {
            VolumeUnit::Percent => 100.0 * mm3 / d.volume_mm3(),
            VolumeUnit::Cc => mm3 / 1000.0,
        };
        match self {
            Self::Dose(figure) => figure.value(dvh),
            Self::RelativeDose(figure) => Some(100.0 * figure.value(dvh)? / rx?),
            Self::Volume(gy, unit) => Some(cm3(d.volume_at(gy), unit)),
            Self::ColdVolume(gy, unit) => Some(cm3(d.volume_mm3() - d.volume_at(gy), unit)),
            Self::RelativeVolume(percent, unit) => Some(cm3(d.volume_at(percent / 100.0 * rx?), unit)),
            Self::Homogeneity => {
                let [d2, d98, d50] = [0.02, 0.98, 0.5].map(|s| d.dose_at_share(s));
                (d50 > 0.0).then(|| (d2 - d98) / d50)
            }
            Self::HomogeneityRatio => {
                let [d5, d95] = [0.05, 0.95].map(|s| d.dose_at_share(s));
                (d95 > 0.0).then(|| d5 / d95)
            }
            Self::HomogeneityOverRx => Some((d.dose_at_share(0.02) - d.dose_at_share(0.98)) / rx?),
            Self::RelativeHomogeneity => rx.and_then(|_| Self::Homogeneity.value(dvh, None)),
            Self::Spread => Some(d.max() - d.min()),
            Self::RelativeSpread => Some(100.0 * (d.max() - d.min()) / rx?),
            Self::WholeVolume => Some(dvh.volume.value()),
            Self::IntegralDose => Some(d.mean() * d.volume_mm3() / 1000.0),
            Self::Geud(a) => Some(geud(d, a)),
        }
    }

    /// Whether the figure refers to the prescription.
    pub fn needs_rx(self) -> bool {
        match self {
            Self::RelativeDose(_)
            | Self::RelativeVolume(..)
            | Self::RelativeHomogeneity
            | Self::HomogeneityOverRx
            | Self::RelativeSpread => true,
            Self::Dose(_)
            | Self::Volume(..)
            | Self::ColdVolume(..)
            | Self::Homogeneity
            | Self::HomogeneityRatio
            | Self::Spread
            | Self::WholeVolume
            | Self::IntegralDose
            | Self::Geud(_) => false,
        }
    }

    /// Unit of the value.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Dose(_) | Self::Spread | Self::Geud(_) => "Gy",
            Self::RelativeDose(_) | Self::RelativeSpread => "% of rx",
            Self::Volume(_, unit) | Self::ColdVolume(_, unit) | Self::RelativeVolume(_, unit) => match unit {
                VolumeUnit::Percent => "%",
                VolumeUnit::Cc => "cm3",
            },
            Self::Homogeneity | Self::HomogeneityRatio | Self::HomogeneityOverRx | Self::RelativeHomogeneity => "1",
            Self::WholeVolume => "cm3",
            Self::IntegralDose => "Gy cm3",
        }
    }

    /// Whether the figure hangs on the coldest part of the region, which a dose grid that holds only a part of it does not tell.
    pub fn is_cold(self) -> bool {
        match self {
            Self::Dose(figure) | Self::RelativeDose(figure) => figure.is_cold(),
            Self::Homogeneity
            | Self::HomogeneityRatio
            | Self::HomogeneityOverRx
            | Self::RelativeHomogeneity
            | Self::Spread
            | Self::RelativeSpread => true,
            Self::Geud(a) => a < 0.0,
            Self::Volume(..) | Self::ColdVolume(..) | Self::RelativeVolume(..) | Self::WholeVolume | Self::IntegralDose => false,
        }
    }
}

/// The values of metrics, in their order.
pub fn evaluate(dvh: &Dvh, metrics: &[Metric], rx: Option<Gy>) -> Vec<(Metric, Option<f64>)> {
    metrics.iter().map(|m| (*m, m.value(dvh, rx))).collect()
}

/// The metrics of every result table: the families of the predecessor and ours (`spec/analysis.md` 1.11), without the indices of targets.
pub fn standard_metrics() -> Vec<Metric> {
    use DoseFigure::{Max, Mean, Min, ToCc, ToPercent};
    use VolumeUnit::{Cc, Percent};
    let mut all: Vec<Metric> = [Mean, Max, Min].map(Metric::Dose).to_vec();
    all.extend([95.0, 98.0, 2.0, 50.0].map(|p| Metric::Dose(ToPercent(p))));
    all.extend([Metric::Homogeneity, Metric::Spread]);
    all.extend([1.0, 0.1].map(|v| Metric::Dose(ToCc(v))));
    all.extend([Mean, Max, Min].map(Metric::RelativeDose));
    all.extend([95.0, 98.0, 2.0, 50.0].map(|p| Metric::RelativeDose(ToPercent(p))));
    all.extend([
        Metric::RelativeHomogeneity,
        Metric::RelativeSpread,
        Metric::WholeVolume,
        Metric::IntegralDose,
    ]);
    let relative = |percent: f64| [Cc, Percent].map(|unit| Metric::RelativeVolume(percent, unit));
    all.extend([95.0, 100.0].into_iter().flat_map(relative));
    for unit in [Cc, Percent] {
        all.extend((1..=60).map(|gy| Metric::Volume(f64::from(gy), unit)));
    }
    for unit in [Cc, Percent] {
        all.extend((13..=20).map(|fives| Metric::Volume(f64::from(5 * fives), unit)));
    }
    all.extend([1.0, 5.0, 10.0, 30.0, 70.0, 90.0, 99.0, 99.9].map(|p| Metric::Dose(ToPercent(p))));
    all.extend([0.03, 2.0, 5.0, 10.0].map(|v| Metric::Dose(ToCc(v))));
    all.extend([107.0, 110.0].into_iter().flat_map(relative));
    all.extend([8.0, -10.0].map(Metric::Geud));
    all
}
