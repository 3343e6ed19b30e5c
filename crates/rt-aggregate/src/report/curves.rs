//! Dose-volume curves for drawing: few points each, with a stated error, and bands over courses.

use std::collections::BTreeMap;

use rt_records::tables::{COURSE_ID, PATIENT_ID, curves};
use rt_records::{Table, WriteError};

use crate::merge::TableSink;
use crate::summary::quantile;

/// Largest distance of a drawn curve from the stored one, percent of the volume.
pub const TOLERANCE_PERCENT: f64 = 0.1;

/// One curve, as drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Patient.
    pub patient_id: String,
    /// Course.
    pub course_id: String,
    /// Name of the structure.
    pub name: String,
    /// Key of the structure (`roi_key`).
    pub key: String,
    /// Source of the structure.
    pub source: String,
    /// Volume that 100 % stands for, cm3.
    pub volume_cc: f64,
    /// Dose (Gy) and volume (percent) of each corner; the volume never rises.
    pub points: Vec<[f32; 2]>,
}

/// Collects the curves of the evaluated doses from `dvh_curves`, already reduced; a sink of a merge.
#[derive(Debug, Default)]
pub struct CurveCollector {
    curves: Vec<Curve>,
}

impl CurveCollector {
    /// The curves in the order of the table.
    pub fn into_curves(self) -> Vec<Curve> {
        self.curves
    }
}

impl TableSink for CurveCollector {
    fn write(&mut self, rows: &Table) -> Result<(), WriteError> {
        for row in rows.iter().filter(|row| crate::summary::is_course_row(*row)) {
            let list = row.get(&curves::CUMULATIVE_CC).as_singles().unwrap_or_default();
            let (Some(&whole), Some(step)) = (list.first(), row.float(&curves::BIN_WIDTH_GY)) else {
                continue;
            };
            if whole <= 0.0 {
                continue;
            }
            let text = |column| row.text(column).unwrap_or_default().to_owned();
            let name = text(&curves::ROI_NAME);
            self.curves.push(Curve {
                patient_id: text(&PATIENT_ID),
                course_id: text(&COURSE_ID),
                key: crate::roi_key(&name),
                name,
                source: text(&curves::SEGMENTATION_SOURCE),
                volume_cc: f64::from(whole),
                points: reduce(list, step),
            });
        }
        Ok(())
    }
}

/// Corners of a cumulative curve (volumes at `i * step` Gy), such that straight lines between them stay within
/// [`TOLERANCE_PERCENT`] of every stored value (the swinging-door method); ends at 0 %.
pub fn reduce(cumulative: &[f32], step: f64) -> Vec<[f32; 2]> {
    let Some(&whole) = cumulative.first() else { return Vec::new() };
    let percent = |i: usize| 100.0 * f64::from(cumulative.get(i).copied().unwrap_or(0.0)) / f64::from(whole);
    let last = cumulative.len();
    let mut corners = vec![0_usize];
    let (mut steepest, mut flattest) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut from = 0;
    for i in 1..=last {
        let run = (i - from) as f64;
        let low = (percent(i) - TOLERANCE_PERCENT - percent(from)) / run;
        let high = (percent(i) + TOLERANCE_PERCENT - percent(from)) / run;
        let slope = (percent(i) - percent(from)) / run;
        if slope < steepest || slope > flattest {
            from = i - 1;
            corners.push(from);
            steepest = percent(i) - TOLERANCE_PERCENT - percent(from);
            flattest = percent(i) + TOLERANCE_PERCENT - percent(from);
        } else {
            steepest = steepest.max(low);
            flattest = flattest.min(high);
        }
    }
    corners.push(last);
    #[expect(clippy::cast_possible_truncation, reason = "drawing precision")]
    let point = |i: usize| [(i as f64 * step) as f32, percent(i) as f32];
    corners.into_iter().map(point).collect()
}

impl Curve {
    /// Volume at a dose, percent.
    pub fn at(&self, gy: f32) -> f32 {
        let after = self.points.partition_point(|p| p[0] <= gy);
        match (after.checked_sub(1).map(|i| self.points[i]), self.points.get(after)) {
            (Some([x0, y0]), Some(&[x1, y1])) => y0 + (y1 - y0) * (gy - x0) / (x1 - x0),
            (None, Some(&[_, y])) => y,
            _ => 0.0,
        }
    }

    /// Dose where the curve ends, Gy.
    pub fn end(&self) -> f32 {
        self.points.last().map_or(0.0, |p| p[0])
    }
}

/// Median and 10 to 90 % band of several curves, at equal steps of dose.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// Dose (Gy), 10th percentile, median, 90th percentile (percent of volume).
    pub points: Vec<[f32; 4]>,
}

impl Band {
    /// The band of these curves at 121 doses from 0 to the furthest end.
    pub fn of(curves: &[&Curve]) -> Self {
        let end = curves.iter().map(|c| c.end()).fold(0.0, f32::max);
        let mut points = Vec::new();
        for i in 0..=120_u16 {
            let gy = end * f32::from(i) / 120.0;
            let mut values: Vec<f64> = curves.iter().map(|c| f64::from(c.at(gy))).collect();
            values.sort_by(f64::total_cmp);
            if !values.is_empty() {
                #[expect(clippy::cast_possible_truncation, reason = "drawing precision")]
                let q = |share| quantile(&values, share) as f32;
                points.push([gy, q(0.1), q(0.5), q(0.9)]);
            }
        }
        Self { points }
    }
}

/// Curves by structure: key and source, targets and drawn structures first, then the most frequent.
pub(super) fn by_structure(curves: &[Curve]) -> Vec<((String, String), Vec<&Curve>)> {
    let mut groups: BTreeMap<(String, String), Vec<&Curve>> = BTreeMap::new();
    for curve in curves {
        groups.entry((curve.key.clone(), curve.source.clone())).or_default().push(curve);
    }
    let mut ordered: Vec<_> = groups.into_iter().collect();
    ordered.sort_by_key(|((key, source), group)| (source != "Manual", !is_target(key), std::cmp::Reverse(group.len()), key.clone()));
    ordered
}

/// Whether a name is that of a target volume.
fn is_target(key: &str) -> bool {
    ["ptv", "ctv", "gtv", "itv"].iter().any(|t| key.contains(t))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tolerance that the test below states for itself.
    const TOLERANCE_PERCENT_F32: f32 = 0.1;

    fn curve(points: &[[f32; 2]]) -> Curve {
        Curve {
            patient_id: "P".into(),
            course_id: "C".into(),
            name: "x".into(),
            key: "x".into(),
            source: "Manual".into(),
            volume_cc: 1.0,
            points: points.to_vec(),
        }
    }

    #[test]
    fn a_straight_curve_needs_its_ends_alone() {
        // 100 % at 0 falling to 0 % at 10 Gy in steps of 1 Gy: the last stored value is 10 %, the tail of zeros is cut.
        let cumulative: Vec<f32> = (0..10_u16).map(|i| 50.0 * (1.0 - f32::from(i) / 10.0)).collect();
        assert_eq!(reduce(&cumulative, 1.0), [[0.0, 100.0], [10.0, 0.0]]);
    }

    #[test]
    fn a_step_keeps_its_corners() {
        // All of the volume gets exactly 60 Gy: 100 % at every edge up to 60.00 Gy, 0 after it.
        let cumulative = vec![7.5_f32; 6001];
        let points = reduce(&cumulative, 0.01);
        assert_eq!(points, [[0.0, 100.0], [60.0, 100.0], [60.01, 0.0]]);
    }

    #[test]
    fn a_reduced_curve_stays_within_its_tolerance_of_every_stored_value() {
        let logistic = |i: u16| 1.0 / (1.0 + ((f64::from(i) * 0.05 - 30.0) / 4.0).exp());
        #[expect(clippy::cast_possible_truncation, reason = "test data")]
        let cumulative: Vec<f32> = (0..1400_u16).map(|i| (250.0 * logistic(i)) as f32).collect();
        let reduced = curve(&reduce(&cumulative, 0.05));
        assert!(reduced.points.len() < 60, "{} points", reduced.points.len());
        for (i, &cc) in (0_u16..).zip(&cumulative) {
            let stored = 100.0 * cc / cumulative[0];
            let drawn = reduced.at(0.05 * f32::from(i));
            assert!(
                (stored - drawn).abs() < TOLERANCE_PERCENT_F32 + 1e-3,
                "at {i}: {stored} against {drawn}"
            );
        }
    }

    #[test]
    fn a_band_of_three_steps_has_the_middle_one_as_median() {
        let step = |gy: f32| curve(&[[0.0, 100.0], [gy, 100.0], [gy + 0.01, 0.0]]);
        let (a, b, c) = (step(20.0), step(40.0), step(60.0));
        let band = Band::of(&[&a, &b, &c]);
        let median_at = |gy: f32| band.points.iter().find(|p| p[0] >= gy).unwrap()[2];
        assert!((median_at(39.0) - 100.0).abs() < 1e-3);
        assert!(median_at(41.0).abs() < 1e-3);
    }
}
