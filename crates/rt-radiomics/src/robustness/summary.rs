//! One feature of one structure over the cohort: intraclass correlation, coefficient of variation, quartile dispersion, label.

use super::Limits;
use super::icc::{Icc, IccKind, MeanSquares, RatingTable, icc};

/// The values of one subject (a course's structure): one a perturbation, in one order for all subjects.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// Values; NaN where there is none.
    pub values: Vec<f64>,
}

/// How a summary is made.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Thresholds {
    /// Kind of intraclass correlation.
    pub kind: IccKind,
    /// Limits of the labels.
    pub limits: Limits,
}

/// How many subjects a statistic could be taken from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Median over subjects.
    pub median: f64,
    /// First quartile.
    pub q1: f64,
    /// Third quartile.
    pub q3: f64,
    /// Subjects that have one.
    pub subjects: usize,
    /// `complete`, `partial` or `not_evaluable`.
    pub status: &'static str,
}

/// What is known about one feature.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureSummary {
    /// Subjects.
    pub subjects: usize,
    /// Subjects with a finite value of every perturbation.
    pub complete: usize,
    /// Perturbations.
    pub perturbations: usize,
    /// Over complete subjects; `None` with fewer than two of them.
    pub icc: Option<Icc>,
    /// Coefficient of variation, %: of subjects all of whose values are above 0.
    pub cov: Spread,
    /// Quartile coefficient of dispersion.
    pub qcd: Spread,
    /// Standard deviation within subjects over that between them.
    pub within_between: f64,
    /// `robust`, `acceptable`, `poor` or `not_evaluable`, by correlation and variation.
    pub label: &'static str,
    /// The same by correlation alone: for features that may be negative.
    pub icc_label: &'static str,
}

impl FeatureSummary {
    /// Robust or acceptable.
    pub fn passes(&self) -> bool {
        matches!(self.label, "robust" | "acceptable")
    }
}

/// Summarises a feature over its subjects.
pub fn summarise(subjects: &[Subject], how: Thresholds) -> FeatureSummary {
    let perturbations = subjects.iter().map(|s| s.values.len()).max().unwrap_or(0);
    let is_complete = |s: &&Subject| s.values.len() == perturbations && s.values.iter().all(|v| v.is_finite());
    let complete: Vec<Vec<f64>> = subjects.iter().filter(is_complete).map(|s| s.values.clone()).collect();
    let table = RatingTable::new(&complete).ok();
    let value = table.as_ref().and_then(|t| icc(t, how.kind).ok()).filter(|i| i.value.is_finite());
    let within_between = table.as_ref().map_or(f64::NAN, |t| {
        let m = MeanSquares::of(t);
        // The variance between subjects holds a share of that within.
        let between = ((m.subjects - m.within) / perturbations as f64).max(0.0);
        (m.within / between).sqrt()
    });
    let cov = spread(subjects, variation);
    let qcd = spread(subjects, dispersion);
    let limits = &how.limits;
    let correlation = value.map(|i| if i.low.is_nan() { i.value } else { i.low });
    let label = |cov: f64| match correlation {
        None => "not_evaluable",
        Some(r) if r >= limits.icc_robust && cov <= limits.cov_robust_pct => "robust",
        Some(r) if r >= limits.icc_acceptable && cov <= limits.cov_acceptable_pct => "acceptable",
        Some(_) => "poor",
    };
    FeatureSummary {
        subjects: subjects.len(),
        complete: complete.len(),
        perturbations,
        icc: value,
        label: if cov.status == "complete" {
            label(cov.median)
        } else {
            "not_evaluable"
        },
        icc_label: label(0.0),
        cov,
        qcd,
        within_between: if within_between.is_finite() { within_between } else { f64::NAN },
    }
}

/// 100 sd / mean with n - 1; only of positive values, at least two.
fn variation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 || !values.iter().all(|v| v.is_finite() && *v > 0.0) {
        return None;
    }
    let n = values.len() as f64;
    let mean = rt_core::float::sum(values.iter().copied()) / n;
    let squares = rt_core::float::sum(values.iter().map(|v| (v - mean).powi(2)));
    Some(100.0 * (squares / (n - 1.0)).sqrt() / mean)
}

/// (Q3 - Q1) / (Q3 + Q1); only of positive values, at least four.
fn dispersion(values: &[f64]) -> Option<f64> {
    if values.len() < 4 || !values.iter().all(|v| v.is_finite() && *v > 0.0) {
        return None;
    }
    let [q1, _, q3] = quartiles(values)?;
    Some((q3 - q1) / (q3 + q1))
}

fn quartiles(values: &[f64]) -> Option<[f64; 3]> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |p: f64| rt_image::stats::percentile(&sorted, p);
    Some([at(25.0)?, at(50.0)?, at(75.0)?])
}

fn spread(subjects: &[Subject], of: impl Fn(&[f64]) -> Option<f64>) -> Spread {
    let found: Vec<f64> = subjects.iter().filter_map(|s| of(&s.values)).collect();
    let [q1, median, q3] = quartiles(&found).unwrap_or([f64::NAN; 3]);
    Spread {
        median,
        q1,
        q3,
        subjects: found.len(),
        status: match found.len() {
            0 => "not_evaluable",
            n if n == subjects.len() => "complete",
            _ => "partial",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subjects(rows: &[&[f64]]) -> Vec<Subject> {
        rows.iter().map(|r| Subject { values: r.to_vec() }).collect()
    }

    /// The example of the specification: 6 subjects, 4 raters.
    const STRONG: [&[f64]; 6] = [
        &[10.3, 10.5, 9.7, 10.6],
        &[11.4, 13.1, 11.8, 13.1],
        &[15.5, 15.6, 13.9, 16.3],
        &[18.8, 20.3, 18.9, 19.7],
        &[24.1, 24.2, 24.0, 25.7],
        &[29.7, 30.9, 29.5, 31.6],
    ];

    #[test]
    fn the_example_of_the_specification() {
        let s = summarise(&subjects(&STRONG), Thresholds::default());
        assert!((s.icc.unwrap().low - 0.986_528_490_716).abs() < 1e-11);
        assert_eq!((s.label, s.icc_label, s.cov.status), ("robust", "robust", "complete"));
        assert!((variation(STRONG[0]).unwrap() - 3.923_239_78).abs() < 1e-8);
        assert!((dispersion(STRONG[0]).unwrap() - 0.018_137_85).abs() < 1e-8);
        assert!((variation(STRONG[1]).unwrap() - 7.135_926_62).abs() < 1e-8);
        assert!((dispersion(STRONG[1]).unwrap() - 0.056_451_61).abs() < 1e-8);
    }

    #[test]
    fn negative_values_leave_the_label_to_the_correlation() {
        let shifted: Vec<Vec<f64>> = STRONG.iter().map(|r| r.iter().map(|v| v - 1000.0).collect()).collect();
        let s = summarise(
            &subjects(&shifted.iter().map(Vec::as_slice).collect::<Vec<_>>()),
            Thresholds::default(),
        );
        assert_eq!((s.label, s.icc_label, s.cov.status), ("not_evaluable", "robust", "not_evaluable"));
        // One subject of several.
        let mixed = [STRONG[0], &[-1.0, 2.0, 3.0, 4.0], STRONG[2]];
        let s = summarise(&subjects(&mixed), Thresholds::default());
        assert_eq!((s.cov.status, s.cov.subjects, s.label), ("partial", 2, "not_evaluable"));
    }

    #[test]
    fn one_subject_cannot_be_judged() {
        let s = summarise(&subjects(&STRONG[..1]), Thresholds::default());
        assert_eq!((s.label, s.icc), ("not_evaluable", None));
    }

    #[test]
    fn a_limit_just_below_is_not_rounded_up() {
        // Scale the within-subject spread until the lower limit lies between 0.895 and 0.9.
        let scaled = |factor: f64| -> Vec<Subject> {
            let centre = |r: &[f64]| r.iter().sum::<f64>() / r.len() as f64;
            STRONG
                .iter()
                .map(|r| Subject {
                    values: r.iter().map(|v| centre(r) + factor * (v - centre(r))).collect(),
                })
                .collect()
        };
        let factor = (100..400)
            .map(|n| f64::from(n) / 100.0)
            .find(|f| summarise(&scaled(*f), Thresholds::default()).icc.unwrap().low < 0.9)
            .unwrap();
        let s = summarise(&scaled(factor), Thresholds::default());
        let low = s.icc.unwrap().low;
        assert!((0.895..0.9).contains(&low), "{low}");
        assert_eq!(s.icc_label, "acceptable");
    }
}
