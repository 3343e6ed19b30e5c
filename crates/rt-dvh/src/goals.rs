//! Clinical goals: what a plan should reach, and whether it does.
//!
//! A goal names structures, a figure with its limit as one text (`D95% >= 95 %Rx`, `V20Gy <= 30 %`, `Dmax <= 50 Gy`), and perhaps a
//! second, weaker limit that is still acceptable. Names of figures are those of [`Metric`], also in the form of AAPM TG-263
//! (`V20Gy[%]`, `D0.03cc[Gy]`).

use std::fmt;
use std::str::FromStr;

use rt_config::{ConfigIssue, Validate};
use rt_core::Gy;
use serde::{Deserialize, Serialize};

use crate::course::RoiDvh;
use crate::metric::{Metric, MetricError, VolumeUnit};
use crate::pattern::RoiPattern;

/// Which side of the limit is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// At the limit or below.
    AtMost,
    /// At the limit or above.
    AtLeast,
}

impl Side {
    /// As written in goals.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtMost => "<=",
            Self::AtLeast => ">=",
        }
    }
}

/// A figure and its limit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Requirement {
    /// The figure, in the unit of the limit.
    pub metric: Metric,
    /// Which side is good.
    pub side: Side,
    /// The limit.
    pub limit: f64,
}

/// Why a text is no requirement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GoalError {
    /// No comparison, or no number behind it.
    #[error("\"{text}\" is no goal; examples: D95% >= 95 %Rx, V20Gy <= 30 %, V45Gy <= 195 cc, Dmax <= 50 Gy")]
    Form {
        /// The text.
        text: String,
    },
    /// An unknown figure.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// A unit that the figure does not have.
    #[error("{metric} is not measured in {unit}")]
    Unit {
        /// The figure.
        metric: String,
        /// The unit.
        unit: String,
    },
}

impl GoalError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        "config.bad_goal"
    }
}

impl FromStr for Requirement {
    type Err = GoalError;

    fn from_str(text: &str) -> Result<Self, GoalError> {
        let form = || GoalError::Form { text: text.to_owned() };
        let signs = [
            ("<=", Side::AtMost),
            (">=", Side::AtLeast),
            ("\u{2264}", Side::AtMost),
            ("\u{2265}", Side::AtLeast),
            ("<", Side::AtMost),
            (">", Side::AtLeast),
        ];
        let found = signs
            .iter()
            .find_map(|(sign, side)| text.split_once(sign).map(|(l, r)| (l.trim(), *side, r.trim())));
        let (metric, side, limit) = found.ok_or_else(form)?;
        let end = limit
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+')))
            .unwrap_or(limit.len());
        let (number, unit) = limit.split_at(end);
        let limit: f64 = number.parse().map_err(|_| form())?;
        if !limit.is_finite() {
            return Err(form());
        }
        Ok(Self {
            metric: in_unit(metric.parse()?, unit)?,
            side,
            limit,
        })
    }
}

/// The figure in a unit.
fn in_unit(metric: Metric, unit: &str) -> Result<Metric, GoalError> {
    let unit: String = unit.chars().filter(|c| !c.is_whitespace()).collect();
    let found = match (metric, unit.as_str()) {
        (_, "") | (Metric::Dose(_) | Metric::Geud(_) | Metric::Spread, "Gy") | (Metric::WholeVolume, "cc" | "cm3" | "cm\u{b3}") => {
            Some(metric)
        }
        (Metric::Dose(figure) | Metric::RelativeDose(figure), "%" | "%Rx") => Some(Metric::RelativeDose(figure)),
        (Metric::Spread | Metric::RelativeSpread, "%" | "%Rx") => Some(Metric::RelativeSpread),
        (Metric::Volume(gy, _), "%") => Some(Metric::Volume(gy, VolumeUnit::Percent)),
        (Metric::Volume(gy, _), "cc" | "cm3" | "cm\u{b3}") => Some(Metric::Volume(gy, VolumeUnit::Cc)),
        (Metric::ColdVolume(gy, _), "%") => Some(Metric::ColdVolume(gy, VolumeUnit::Percent)),
        (Metric::ColdVolume(gy, _), "cc" | "cm3" | "cm\u{b3}") => Some(Metric::ColdVolume(gy, VolumeUnit::Cc)),
        (Metric::RelativeVolume(p, _), "%") => Some(Metric::RelativeVolume(p, VolumeUnit::Percent)),
        (Metric::RelativeVolume(p, _), "cc" | "cm3" | "cm\u{b3}") => Some(Metric::RelativeVolume(p, VolumeUnit::Cc)),
        _ => None,
    };
    found.ok_or_else(|| GoalError::Unit {
        metric: metric.to_string(),
        unit,
    })
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.metric, self.side.as_str(), self.limit)
    }
}

impl TryFrom<String> for Requirement {
    type Error = GoalError;

    fn try_from(text: String) -> Result<Self, GoalError> {
        text.parse()
    }
}

impl From<Requirement> for String {
    fn from(requirement: Requirement) -> Self {
        requirement.to_string()
    }
}

/// Which doses a goal looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GoalDose {
    /// The dose as it is.
    #[default]
    Physical,
    /// Doses in 2 Gy fractions; needs `dvh.biological = ["eqd2"]`.
    Eqd2,
}

/// One goal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// Structures that it is for: standard (TG-263) or drawn name, with wildcards.
    pub roi: RoiPattern,
    /// What is asked for.
    pub goal: Requirement,
    /// Weaker limit that is still acceptable, in the unit of the goal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acceptable: Option<f64>,
    /// Doses that it looks at.
    #[serde(default)]
    pub dose: GoalDose,
    /// 1 is the most important.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// What is to be avoided or reached.
    #[serde(default)]
    pub endpoint: String,
    /// Publication.
    #[serde(default)]
    pub source: String,
}

/// A file of goals.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GoalFile {
    /// Version of the form, 1.
    pub schema: Option<u32>,
    /// Name in the tables.
    pub name: String,
    /// The goals.
    #[serde(rename = "goal")]
    pub goals: Vec<Goal>,
}

impl Validate for GoalFile {
    fn validate(&self) -> Result<(), ConfigIssue> {
        for goal in &self.goals {
            let issue = |what: &str| {
                Err(ConfigIssue::new(
                    "goal",
                    format!("\"{}\" for {}: {what}", goal.goal, goal.roi.as_str()),
                ))
            };
            if goal.roi.is_blank() {
                return issue("names no structure");
            }
            let is_weaker = |limit: f64| match goal.goal.side {
                Side::AtMost => limit >= goal.goal.limit,
                Side::AtLeast => limit <= goal.goal.limit,
            };
            if goal.acceptable.is_some_and(|a| !a.is_finite() || !is_weaker(a)) {
                return issue("`acceptable` is stricter than the goal");
            }
        }
        Ok(())
    }
}

/// How a goal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Reached.
    Pass,
    /// Within the weaker limit.
    Acceptable,
    /// Missed.
    Fail,
    /// Cannot be told.
    NotEvaluable,
}

impl Verdict {
    /// The word in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Acceptable => "acceptable",
            Self::Fail => "fail",
            Self::NotEvaluable => "not_evaluable",
        }
    }
}

/// A goal held against one structure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// How it ended.
    pub verdict: Verdict,
    /// The figure.
    pub value: Option<f64>,
    /// Distance to the limit, positive on the good side, in the unit of the goal.
    pub margin: Option<f64>,
    /// Half the distance between the two readings of the contours, where known: a smaller margin decides nothing.
    pub half_range: Option<f64>,
    /// Why it cannot be told; empty otherwise.
    pub reason: &'static str,
}

impl Judgement {
    /// Cannot be told, for a reason.
    pub fn not_evaluable(reason: &'static str) -> Self {
        Self {
            verdict: Verdict::NotEvaluable,
            value: None,
            margin: None,
            half_range: None,
            reason,
        }
    }
}

/// Figures this close to a limit are at it.
const SLACK: f64 = 1e-6;

impl Goal {
    /// Whether it is for a structure with any of these names.
    pub fn is_for(&self, names: &[&str]) -> bool {
        names.iter().any(|n| self.roi.matches(n))
    }

    /// Holds the goal against a structure. With less than `min_coverage` of it in the dose grid nothing can be told.
    pub fn judge(&self, found: &RoiDvh, rx: Option<Gy>, min_coverage: f64) -> Judgement {
        let metric = self.goal.metric;
        if found.dvh.covered_fraction() < min_coverage {
            return Judgement::not_evaluable("goal.partial_coverage");
        }
        if metric.needs_rx() && rx.is_none_or(|r| r.value() <= 0.0) {
            return Judgement::not_evaluable("goal.no_prescription");
        }
        let Some(value) = metric.value(&found.dvh, rx) else {
            return Judgement::not_evaluable("goal.undefined");
        };
        let half_range = found
            .loft
            .as_ref()
            .and_then(|other| Some(0.5 * (metric.value(other, rx)? - value).abs()));
        let margin_to = |limit: f64| match self.goal.side {
            Side::AtMost => limit - value,
            Side::AtLeast => value - limit,
        };
        let holds = |limit: f64| margin_to(limit) >= -SLACK * limit.abs().max(1.0);
        let verdict = if holds(self.goal.limit) {
            Verdict::Pass
        } else if self.acceptable.is_some_and(holds) {
            Verdict::Acceptable
        } else {
            Verdict::Fail
        };
        Judgement {
            verdict,
            value: Some(value),
            margin: Some(margin_to(self.goal.limit)),
            half_range,
            reason: "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Accumulator;
    use crate::metric::DoseFigure;
    use crate::roi::{Dvh, Sampling};
    use rt_core::Cc;

    /// 2 cm3 evenly from 10 to 20 Gy.
    fn found(covered: f64) -> RoiDvh {
        let mut acc = Accumulator::new(10.0, 20.0);
        acc.add(15.0, 10.0, 2000.0 * covered);
        RoiDvh {
            dvh: Dvh {
                volume: Cc(2.0),
                covered: Cc(2.0 * covered),
                distribution: acc.distribution(10.0, 20.0).unwrap(),
                sampling: Sampling {
                    cells: 1,
                    cell_mm: [1.0; 3],
                    finest_part: 1,
                    error_gy: 0.0,
                    converged: true,
                },
                warnings: Vec::new(),
            },
            values: Vec::new(),
            loft: None,
            half_range: Vec::new(),
            indices: None,
        }
    }

    fn goal(text: &str, acceptable: Option<f64>) -> Goal {
        Goal {
            roi: RoiPattern::new("Rectum"),
            goal: text.parse().unwrap(),
            acceptable,
            dose: GoalDose::Physical,
            priority: None,
            endpoint: String::new(),
            source: String::new(),
        }
    }

    #[test]
    fn texts_name_figure_side_limit_and_unit() {
        let r: Requirement = "V20Gy <= 30 %".parse().unwrap();
        assert_eq!((r.metric, r.side), (Metric::Volume(20.0, VolumeUnit::Percent), Side::AtMost));
        let r: Requirement = "V20Gy<195cc".parse().unwrap();
        assert_eq!(r.metric, Metric::Volume(20.0, VolumeUnit::Cc));
        let r: Requirement = "D95% \u{2265} 95 %Rx".parse().unwrap();
        assert_eq!(
            (r.metric, r.side),
            (Metric::RelativeDose(DoseFigure::ToPercent(95.0)), Side::AtLeast)
        );
        let r: Requirement = "D0.03cc[Gy] <= 50".parse().unwrap();
        assert_eq!(r.metric, Metric::Dose(DoseFigure::ToCc(0.03)));
        assert_eq!(r.to_string(), "D0.03cc <= 50");
        for bad in ["V20Gy 30 %", "V20Gy <= much", "Q5 <= 3", "Dmax <= 3 cc", "V20Gy <= 3 Gy"] {
            assert!(bad.parse::<Requirement>().is_err(), "{bad}");
        }
    }

    #[test]
    fn verdicts_and_margins_follow_both_limits() {
        // D50 = 15 Gy, V12Gy = 80 %.
        let f = found(1.0);
        let of = |text: &str, acceptable| {
            let j = goal(text, acceptable).judge(&f, None, 0.95);
            (j.verdict, (j.margin.unwrap() * 1e6).round() / 1e6)
        };
        assert_eq!(of("D50% <= 16 Gy", None), (Verdict::Pass, 1.0));
        assert_eq!(of("D50% <= 15 Gy", None), (Verdict::Pass, 0.0));
        assert_eq!(of("D50% <= 14 Gy", Some(15.5)), (Verdict::Acceptable, -1.0));
        assert_eq!(of("V12Gy >= 90 %", Some(85.0)), (Verdict::Fail, -10.0));
        assert_eq!(of("V12Gy >= 1.5 cc", None), (Verdict::Pass, 0.1));
    }

    #[test]
    fn what_cannot_be_told_says_why() {
        let reason = |g: Goal, covered: f64| g.judge(&found(covered), None, 0.95).reason;
        assert_eq!(reason(goal("Dmax <= 50 Gy", None), 0.5), "goal.partial_coverage");
        assert_eq!(reason(goal("D95% >= 95 %Rx", None), 1.0), "goal.no_prescription");
        assert_eq!(reason(goal("D5cc <= 50 Gy", None), 1.0), "goal.undefined");
    }

    #[test]
    fn an_acceptable_limit_is_the_weaker_one() {
        let file = |acceptable| GoalFile {
            schema: None,
            name: String::new(),
            goals: vec![goal("V20Gy <= 30 %", Some(acceptable))],
        };
        assert!(file(35.0).validate().is_ok() && file(25.0).validate().is_err());
    }
}
