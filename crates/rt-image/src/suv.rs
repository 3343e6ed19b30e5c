//! PET activity to standardised uptake values: pure arithmetic on given scalars.
//!
//! SUV = activity concentration x size of the body / decayed administered activity. Sources: DICOM PS3.3 C.8.9.4 (`SUVType`), Boellaard et
//! al., Eur J Nucl Med Mol Imaging 42 (2015) 328; Janmahasatian et al., Clin Pharmacokinet 44 (2005) 1051; James, Research on
//! obesity (1976); Du Bois and Du Bois, Arch Intern Med 17 (1916) 863.

/// What the uptake is normalised to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SuvKind {
    /// Body weight, g/mL.
    BodyWeight,
    /// Lean body mass after Janmahasatian, g/mL.
    LeanMass,
    /// Lean body mass after James, g/mL.
    LeanMassJames,
    /// Body surface after Du Bois, cm2/mL.
    BodySurface,
}

/// Sex as the formulas of lean body mass need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
}

/// The body that the activity was given to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Body {
    /// Weight, kg.
    pub weight_kg: f64,
    /// Height, m.
    pub height_m: Option<f64>,
    /// Sex.
    pub sex: Option<Sex>,
}

/// Activity left of `dose_bq` after `seconds`.
pub fn decayed(dose_bq: f64, half_life_s: f64, seconds: f64) -> f64 {
    dose_bq * (-seconds / half_life_s).exp2()
}

/// Size of the body in the units of the kind: g, or cm2; `None` when height or sex is needed and not known, or a formula leaves its
/// range (a lean mass below zero).
pub fn body_size(kind: SuvKind, body: &Body) -> Option<f64> {
    let kg = body.weight_kg;
    let size = match kind {
        SuvKind::BodyWeight => kg * 1000.0,
        SuvKind::LeanMass => {
            let index = kg / body.height_m?.powi(2);
            let kg = match body.sex? {
                Sex::Male => 9270.0 * kg / (6680.0 + 216.0 * index),
                Sex::Female => 9270.0 * kg / (8780.0 + 244.0 * index),
            };
            kg * 1000.0
        }
        SuvKind::LeanMassJames => {
            let ratio = kg / (body.height_m? * 100.0);
            let kg = match body.sex? {
                Sex::Male => 1.10 * kg - 128.0 * ratio.powi(2),
                Sex::Female => 1.07 * kg - 148.0 * ratio.powi(2),
            };
            kg * 1000.0
        }
        SuvKind::BodySurface => 0.007_184 * kg.powf(0.425) * (body.height_m? * 100.0).powf(0.725) * 1e4,
    };
    (size.is_finite() && size > 0.0).then_some(size)
}

/// Factor from Bq/mL to SUV; `None` as for [`body_size`], or for a dose that is not positive.
///
/// ```
/// use rt_image::suv::{Body, SuvKind, decayed, factor};
/// let body = Body { weight_kg: 70.0, height_m: None, sex: None };
/// // 100 MBq after half a half-life: 70.71 MBq; 200 Bq/mL x 70,000 g / 70.71 MBq.
/// let left = decayed(1e8, 3600.0, 1800.0);
/// let suv = 200.0 * factor(SuvKind::BodyWeight, &body, left).unwrap();
/// assert!((suv - 0.197_989_899).abs() < 1e-9);
/// ```
pub fn factor(kind: SuvKind, body: &Body, dose_bq: f64) -> Option<f64> {
    let size = body_size(kind, body)?;
    (dose_bq.is_finite() && dose_bq > 0.0).then(|| size / dose_bq)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(sex: Sex) -> Body {
        Body {
            weight_kg: 80.0,
            height_m: Some(1.80),
            sex: Some(sex),
        }
    }

    #[track_caller]
    fn near(kind: SuvKind, sex: Sex, expected: f64) {
        let got = body_size(kind, &body(sex)).unwrap();
        assert!((got - expected).abs() < 0.5, "{kind:?} {sex:?}: {got} instead of {expected}");
    }

    #[test]
    fn sizes_of_a_body_by_hand() {
        near(SuvKind::BodyWeight, Sex::Male, 80_000.0);
        // Index 80 / 1.8^2 = 24.691; male 9270 * 80 / (6680 + 5333.3) = 61.731 kg; female 741600 / (8780 + 6024.7) = 50.092 kg.
        near(SuvKind::LeanMass, Sex::Male, 61_731.4);
        near(SuvKind::LeanMass, Sex::Female, 50_092.3);
        // (80/180)^2 = 0.19753; male 88 - 25.284 = 62.716 kg; female 85.6 - 29.235 = 56.365 kg.
        near(SuvKind::LeanMassJames, Sex::Male, 62_716.0);
        near(SuvKind::LeanMassJames, Sex::Female, 56_365.4);
    }

    #[test]
    fn the_surface_of_du_bois() {
        // 0.007184 * 80^0.425 * 180^0.725: 80^0.425 = e^(0.425 * 4.382027) = 6.43892, 180^0.725 = e^(0.725 * 5.192957) = 43.1591.
        let cm2 = body_size(SuvKind::BodySurface, &body(Sex::Male)).unwrap();
        assert!((cm2 - 19_964.2).abs() < 0.1, "{cm2}");
    }

    #[test]
    fn what_is_not_known_gives_no_value() {
        let thin = Body {
            weight_kg: 80.0,
            height_m: None,
            sex: Some(Sex::Male),
        };
        assert_eq!(body_size(SuvKind::LeanMass, &thin), None);
        assert_eq!(body_size(SuvKind::BodySurface, &thin), None);
        assert!(body_size(SuvKind::BodyWeight, &thin).is_some());
        assert_eq!(factor(SuvKind::BodyWeight, &thin, 0.0), None);
        // James turns over for heavy and short people: never a negative mass.
        let heavy = Body {
            weight_kg: 250.0,
            height_m: Some(1.5),
            sex: Some(Sex::Female),
        };
        assert_eq!(body_size(SuvKind::LeanMassJames, &heavy), None);
    }

    #[test]
    fn the_decay_guard_of_the_reference() {
        // 583.75396 s at a half-life of 4062.6 s: 2^(0.143690) = 1.10473, within 2 % of the stored 1.10478.
        let factor = 1.0 / decayed(1.0, 4062.6, 583.753_96);
        assert!((factor - 1.1047).abs() < 1e-4, "{factor}");
    }
}
