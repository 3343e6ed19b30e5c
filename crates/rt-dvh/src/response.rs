//! Probability of complication and of control from the dose of a region, with parameters that name their source.
//!
//! Sources: Lyman, Radiat Res 104:S13 (1985) and Kutcher and Burman, IJROBP 16:1623 (1989) for the probit of the reduced dose (LKB);
//! Niemierko, Med Phys 26:1100 (1999) for the logistic of the equivalent uniform dose.

use rt_config::{ConfigIssue, Validate};
use serde::{Deserialize, Serialize};

use crate::bio::geud;
use crate::histogram::Distribution;
use crate::pattern::RoiPattern;

/// Complication of an organ: Lyman-Kutcher-Burman.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lkb {
    /// Uniform dose to the whole organ with a probability of one half, Gy.
    pub td50_gy: f64,
    /// Slope, above 0.
    pub m: f64,
    /// Volume effect, above 0; 1 makes the mean dose count, near 0 the maximum.
    pub n: f64,
}

/// Control of a target: logistic function of the equivalent uniform dose.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EudLogistic {
    /// Uniform dose with a probability of one half, Gy.
    pub tcd50_gy: f64,
    /// Steepness at one half: percent per percent of dose.
    pub gamma50: f64,
    /// Exponent of the equivalent uniform dose, below 0 for targets.
    pub a: f64,
}

impl Lkb {
    /// Probability, 0 to 1.
    pub fn probability(self, distribution: &Distribution) -> f64 {
        let reduced = geud(distribution, 1.0 / self.n);
        normal_cdf((reduced - self.td50_gy) / (self.m * self.td50_gy))
    }
}

impl EudLogistic {
    /// Probability, 0 to 1.
    pub fn probability(self, distribution: &Distribution) -> f64 {
        let eud = geud(distribution, self.a);
        if eud <= 0.0 {
            return 0.0;
        }
        1.0 / (1.0 + (self.tcd50_gy / eud).powf(4.0 * self.gamma50))
    }
}

/// One model of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseModel {
    /// Name in the tables.
    pub name: String,
    /// Structures that it is for: standard or drawn name, with wildcards.
    pub roi: RoiPattern,
    /// What happens with this probability.
    #[serde(default)]
    pub endpoint: String,
    /// Publication of the parameters.
    #[serde(default)]
    pub source: String,
    /// The doses are turned into 2 Gy fractions with this alpha/beta ratio first, Gy; without it they are taken as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha_beta: Option<f64>,
    /// Complication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ntcp: Option<Lkb>,
    /// Control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<EudLogistic>,
}

/// A file of models; the first that fits a structure is taken.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelFile {
    /// Version of the form, 1.
    pub schema: Option<u32>,
    /// The models.
    #[serde(rename = "model")]
    pub models: Vec<ResponseModel>,
}

impl ModelFile {
    /// The first model for a structure with any of these names.
    pub fn find(&self, names: &[&str]) -> Option<&ResponseModel> {
        self.models.iter().find(|m| names.iter().any(|n| m.roi.matches(n)))
    }
}

impl Validate for ModelFile {
    fn validate(&self) -> Result<(), ConfigIssue> {
        let positive = |x: f64| x.is_finite() && x > 0.0;
        for model in &self.models {
            let issue = |what: &str| Err(ConfigIssue::new("model", format!("`{}` {what}", model.name)));
            if model.roi.is_blank() {
                return issue("names no structure");
            }
            if model.alpha_beta.is_some_and(|v| !positive(v)) {
                return issue("needs an alpha_beta above 0");
            }
            match (model.ntcp, model.tcp) {
                (Some(l), None) if positive(l.td50_gy) && positive(l.m) && positive(l.n) => {}
                (None, Some(t)) if positive(t.tcd50_gy) && positive(t.gamma50) && t.a.is_finite() && t.a != 0.0 => {}
                (None, None) | (Some(_), Some(_)) => return issue("needs either ntcp or tcp"),
                _ => return issue("has a parameter that is not above 0"),
            }
        }
        Ok(())
    }
}

/// Cumulative normal distribution, absolute error below 1e-13.
pub fn normal_cdf(x: f64) -> f64 {
    let z = x.abs();
    if z > 38.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let tail = if z < 4.0 {
        // Series of the integral from 0: z + z^3/3 + z^5/15 + ...
        let (mut term, mut sum, mut k) = (z, z, 1.0);
        while term > 1e-17 * sum && k < 400.0 {
            k += 2.0;
            term *= z * z / k;
            sum += term;
        }
        0.5 - density * sum
    } else {
        // Continued fraction of the upper tail, from the inside out.
        let fraction = (1..=60).rev().fold(z, |f, k| z + f64::from(k) / f);
        density / fraction
    };
    if x > 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Accumulator;

    fn uniform(gy: f64) -> Distribution {
        let mut acc = Accumulator::new(gy, gy);
        acc.add(gy, 0.0, 1000.0);
        acc.distribution(gy, gy).unwrap()
    }

    #[test]
    fn the_normal_distribution_has_its_tabled_values() {
        // Abramowitz and Stegun, table 26.1.
        for (x, p) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_543),
            (1.96, 0.975_002_104_851_780),
            (3.0, 0.998_650_101_968_370),
            (4.5, 0.999_996_602_326_875),
        ] {
            assert!((normal_cdf(x) - p).abs() < 1e-12, "{x}: {}", normal_cdf(x));
            assert!((normal_cdf(-x) - (1.0 - p)).abs() < 1e-12);
        }
    }

    #[test]
    fn uniform_doses_give_the_definition() {
        // Rectum, QUANTEC: TD50 76.9, m 0.13: one standard deviation is 9.997 Gy.
        let rectum = Lkb {
            td50_gy: 76.9,
            m: 0.13,
            n: 0.09,
        };
        assert!((rectum.probability(&uniform(76.9)) - 0.5).abs() < 1e-9);
        assert!((rectum.probability(&uniform(76.9 * 0.87)) - 0.158_655_253_931_457).abs() < 1e-9);
        let target = EudLogistic {
            tcd50_gy: 84.5,
            gamma50: 1.5,
            a: -10.0,
        };
        assert!((target.probability(&uniform(84.5)) - 0.5).abs() < 1e-12);
        // (84.5/60)^6 = 7.80: 1 / 8.80.
        let expected = 1.0 / (1.0 + (84.5_f64 / 60.0).powi(6));
        assert!((target.probability(&uniform(60.0)) - expected).abs() < 1e-12);
        assert!(target.probability(&uniform(0.0)).abs() < 1e-30);
    }

    #[test]
    fn gamma50_is_the_slope_at_one_half() {
        let t = EudLogistic {
            tcd50_gy: 60.0,
            gamma50: 2.0,
            a: 1.0,
        };
        let slope = (t.probability(&uniform(60.006)) - t.probability(&uniform(59.994))) / (0.012 / 60.0);
        assert!((slope - 2.0).abs() < 1e-4, "{slope}");
    }

    #[test]
    fn a_file_takes_the_first_model_that_fits() {
        let model = |name: &str, roi: &str| ResponseModel {
            name: name.into(),
            roi: RoiPattern::new(roi),
            endpoint: String::new(),
            source: String::new(),
            alpha_beta: None,
            ntcp: Some(Lkb {
                td50_gy: 50.0,
                m: 0.2,
                n: 0.5,
            }),
            tcp: None,
        };
        let file = ModelFile {
            schema: None,
            models: vec![model("a", "Rectum"), model("b", "*")],
        };
        file.validate().unwrap();
        assert_eq!(file.find(&["rectum wall", "Rectum"]).unwrap().name, "a");
        assert_eq!(file.find(&["Bladder"]).unwrap().name, "b");
        let mut bad = file.clone();
        bad.models[0].ntcp = None;
        assert!(bad.validate().is_err());
    }
}
