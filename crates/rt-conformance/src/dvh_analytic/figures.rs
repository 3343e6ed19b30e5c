//! Ours beside the truth, figure by figure.

use rt_dvh::{Dvh, Indices, geud};
use serde_json::Value;

/// One compared number.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Its name in the truth: `D95`, `D0.03cc`, `V36.8 cc`, `curve 40.2`, ...
    pub name: String,
    /// Ours; `None` where it is not defined.
    pub ours: Option<f64>,
    /// The truth.
    pub truth: Option<f64>,
    /// Allowed difference.
    pub tolerance: f64,
}

impl Figure {
    fn new(name: impl Into<String>, ours: Option<f64>, truth: &Value, tolerance: &Value) -> Self {
        Self {
            name: name.into(),
            ours,
            truth: truth.as_f64(),
            tolerance: tolerance.as_f64().unwrap_or(0.0),
        }
    }

    /// Difference in units of the tolerance; infinite when only one of the two has a value.
    pub fn part(&self) -> f64 {
        match (self.ours, self.truth) {
            (None, None) => 0.0,
            (Some(a), Some(b)) if (a - b).abs() <= self.tolerance => (a - b).abs() / self.tolerance.max(f64::MIN_POSITIVE),
            (Some(a), Some(b)) => ((a - b).abs() / self.tolerance).max(1.0 + f64::EPSILON),
            _ => f64::INFINITY,
        }
    }

    /// Whether it is inside its tolerance.
    pub fn is_inside(&self) -> bool {
        self.part() <= 1.0
    }
}

/// All figures of one reading of the contours.
pub(super) fn of_model(dvh: &Dvh, model: &Value, tolerance: &Value) -> Vec<Figure> {
    let Some(figures) = model.as_object() else {
        return Vec::new();
    };
    figures
        .iter()
        .flat_map(|(name, truth)| of_name(dvh, name, truth, tolerance))
        .collect()
}

fn of_name(dvh: &Dvh, name: &str, truth: &Value, tolerance: &Value) -> Vec<Figure> {
    let d = &dvh.distribution;
    let volume = d.volume_mm3();
    let one = |ours: Option<f64>| vec![Figure::new(name, ours, truth, &tolerance[name])];
    match name {
        "volume_cc" => one(Some(volume / 1000.0)),
        "Dmin" => one(Some(d.min())),
        "Dmax" => one(Some(d.max())),
        "Dmean" => one(Some(d.mean())),
        "HI" => {
            let [d2, d98, d50] = [0.02, 0.98, 0.5].map(|s| d.dose_at_share(s));
            one((d50 > 0.0).then(|| (d2 - d98) / d50))
        }
        "gEUD" => {
            let of = |(a, truth): (&String, &Value)| {
                let ours = a.parse().ok().map(|a| geud(d, a));
                Figure::new(format!("gEUD {a}"), ours, truth, &tolerance["gEUD"])
            };
            truth.as_object().into_iter().flatten().map(of).collect()
        }
        "V" => truth
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|v| of_volume(dvh, v, tolerance))
            .collect(),
        "curve" => of_curve(dvh, truth, tolerance),
        _ => match name.strip_prefix('D') {
            Some(rest) => match rest.strip_suffix("cc") {
                Some(cc) => one(cc
                    .parse::<f64>()
                    .ok()
                    .filter(|cc| cc * 1000.0 <= volume)
                    .map(|cc| d.dose_at_share(cc * 1000.0 / volume))),
                None => one(rest.parse::<f64>().ok().map(|p| d.dose_at_share(p / 100.0))),
            },
            None => Vec::new(),
        },
    }
}

/// Volume at one dose, in both units.
fn of_volume(dvh: &Dvh, truth: &Value, tolerance: &Value) -> [Figure; 2] {
    let dose = truth["dose"].as_f64().unwrap_or(f64::NAN);
    let mm3 = dvh.distribution.volume_at(dose);
    [
        Figure::new(format!("V{dose} cc"), Some(mm3 / 1000.0), &truth["cc"], &tolerance["V_cc"]),
        Figure::new(
            format!("V{dose} %"),
            Some(100.0 * mm3 / dvh.distribution.volume_mm3()),
            &truth["pct"],
            &tolerance["V_pct"],
        ),
    ]
}

fn of_curve(dvh: &Dvh, truth: &Value, tolerance: &Value) -> Vec<Figure> {
    let list = |name: &str| truth[name].as_array().cloned().unwrap_or_default();
    let point = |(dose, volume): (Value, Value)| {
        let dose = dose.as_f64().unwrap_or(f64::NAN);
        let ours = dvh.distribution.volume_at(dose) / 1000.0;
        let mut figure = Figure::new(format!("curve {dose}"), Some(ours), &volume, &tolerance["V_cc"]);
        figure.tolerance += 1e-6;
        figure
    };
    list("dose").into_iter().zip(list("volume_cc")).map(point).collect()
}

/// Coverage and indices of a row that has them.
pub(super) fn of_extra(dvh: &Dvh, conformity: Option<([f64; 2], Indices)>, truth: &Value) -> Vec<Figure> {
    let ours = |name: &str| match name {
        "volume_total_cc" => Some(dvh.volume.value()),
        "volume_covered_cc" => Some(dvh.covered.value()),
        "coverage" => Some(dvh.covered_fraction()),
        "piv_cc" => conformity.map(|(v, _)| v[0]),
        "piv_half_cc" => conformity.map(|(v, _)| v[1]),
        "rtog_ci" => conformity.map(|(_, i)| i.ci_rtog),
        "paddick_ci" => conformity.and_then(|(_, i)| i.ci_paddick),
        "gradient_index" => conformity.and_then(|(_, i)| i.gradient),
        _ => None,
    };
    let names = truth["tolerance_extra"].as_object().into_iter().flatten();
    names
        .map(|(name, tolerance)| Figure::new(name.as_str(), ours(name), &truth[name.as_str()], tolerance))
        .collect()
}

/// A region wholly outside: its volume, and that nothing of it is covered.
pub(super) fn of_outside(volume_cc: f64, truth: &Value) -> Vec<Figure> {
    let tolerance = &truth["tolerance_extra"];
    vec![
        Figure::new(
            "volume_total_cc",
            Some(volume_cc),
            &truth["volume_total_cc"],
            &tolerance["volume_total_cc"],
        ),
        Figure::new("coverage", Some(0.0), &truth["coverage"], &tolerance["coverage"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_figure_is_inside_up_to_its_tolerance_and_missing_must_be_missing() {
        let figure = |ours, truth: Value| Figure::new("x", ours, &truth, &json!(0.5));
        assert!(figure(Some(1.5), json!(1.0)).is_inside() && !figure(Some(1.51), json!(1.0)).is_inside());
        assert!(figure(None, Value::Null).is_inside());
        assert!(!figure(Some(1.0), Value::Null).is_inside() && !figure(None, json!(1.0)).is_inside());
        let exact = Figure::new("x", Some(0.0), &json!(0.0), &json!(0.0));
        assert!(exact.is_inside());
    }
}
