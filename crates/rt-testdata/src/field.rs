//! Dose as a formula, and what a structure gets from it. Coordinates are local millimetres, doses Gy.

use rt_core::Vec3;
use rt_core::float::Sum;

use crate::shape::Shape;

/// Dose at every point of space.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Field {
    /// The same everywhere.
    Uniform {
        /// Dose, Gy.
        gy: f64,
    },
    /// Linear; never below zero.
    Gradient {
        /// Point with dose `gy`.
        at: Vec3,
        /// Dose there, Gy.
        gy: f64,
        /// Change per mm along x, y, z.
        per_mm: Vec3,
    },
    /// A conformal treatment: high dose within an ellipsoid, a penumbra around it, a low-dose bath in the body.
    Conformal {
        /// Centre of the target.
        centre: Vec3,
        /// Half axes of the target, mm.
        half: Vec3,
        /// Dose at the centre, Gy (reached within 0.5 %).
        gy: f64,
        /// Distance over which the dose falls from 73 % to 27 %, mm.
        penumbra_mm: f64,
    },
}

/// Doses of one structure.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct DoseTruth {
    /// Mean, Gy.
    pub mean_gy: f64,
    /// Smallest, Gy.
    pub min_gy: f64,
    /// Largest, Gy.
    pub max_gy: f64,
    /// `true`: closed form; `false`: midpoint sum over [`CELLS`] cells a side of the bounding box (about 0.1 % of the range).
    pub exact: bool,
}

/// Cells along each side of the bounding box where no closed form exists.
pub const CELLS: usize = 48;

impl Field {
    /// Dose at a point, Gy.
    #[inline]
    pub fn at(&self, p: Vec3) -> f64 {
        match *self {
            Self::Uniform { gy } => gy,
            Self::Gradient { at, gy, per_mm } => (gy + per_mm.dot(p - at)).max(0.0),
            Self::Conformal {
                centre,
                half,
                gy,
                penumbra_mm,
            } => {
                // Distance from the target's surface in mm, measured along the ray from its centre with the mean half axis.
                let r = ((p - centre) / half).length();
                let mean = half.element_product().cbrt();
                let depth = (r - 1.0) * mean - 3.0 * penumbra_mm / 2.0;
                gy * (0.9 / (1.0 + (2.0 * depth / penumbra_mm).exp()) + 0.1 * (-r * r / 18.0).exp())
            }
        }
    }

    /// Mean, smallest and largest dose in a solid.
    pub fn over(&self, shape: &Shape) -> DoseTruth {
        match *self {
            Self::Uniform { gy } => DoseTruth {
                mean_gy: gy,
                min_gy: gy,
                max_gy: gy,
                exact: true,
            },
            Self::Gradient { at, gy, per_mm } => {
                // Linear over a body that is symmetric about its centre: the mean is the value at the centre.
                let middle = gy + per_mm.dot(shape.centre - at);
                let reach = shape.support(per_mm);
                if middle - reach >= 0.0 {
                    return DoseTruth {
                        mean_gy: middle,
                        min_gy: middle - reach,
                        max_gy: middle + reach,
                        exact: true,
                    };
                }
                self.integrate(shape)
            }
            Self::Conformal { .. } => self.integrate(shape),
        }
    }

    fn integrate(&self, shape: &Shape) -> DoseTruth {
        let cell = shape.half * 2.0 / CELLS as f64;
        let corner = shape.centre - shape.half;
        let (mut sum, mut count) = (Sum::default(), 0_usize);
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        for index in 0..CELLS * CELLS * CELLS {
            let place = [index % CELLS, index / CELLS % CELLS, index / (CELLS * CELLS)].map(|n| n as f64 + 0.5);
            let p = corner + cell * Vec3::from_array(place);
            if shape.contains(p) {
                let d = self.at(p);
                sum.add(d);
                count += 1;
                (min, max) = (min.min(d), max.max(d));
            }
        }
        DoseTruth {
            mean_gy: sum.value() / count.max(1) as f64,
            min_gy: min,
            max_gy: max,
            exact: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gradient_over_a_sphere_is_known_by_heart() {
        let field = Field::Gradient {
            at: Vec3::ZERO,
            gy: 30.0,
            per_mm: Vec3::new(0.0, 0.0, 0.5),
        };
        // Centre 4 mm up: 32 Gy; radius 10 mm: 5 Gy either way.
        let truth = field.over(&Shape::sphere(Vec3::new(9.0, 0.0, 4.0), 10.0));
        assert!((truth.mean_gy - 32.0).abs() < 1e-12 && truth.exact);
        assert!((truth.min_gy - 27.0).abs() < 1e-12);
        assert!((truth.max_gy - 37.0).abs() < 1e-12);
    }

    #[test]
    fn the_numeric_mean_agrees_with_the_closed_form() {
        let field = Field::Gradient {
            at: Vec3::ZERO,
            gy: 30.0,
            per_mm: Vec3::new(0.1, 0.2, 0.3),
        };
        let shape = Shape::ellipsoid(Vec3::new(5.0, 6.0, 7.0), Vec3::new(10.0, 20.0, 15.0)).hollow(Vec3::new(5.0, 10.0, 7.0));
        let (exact, numeric) = (field.over(&shape), field.integrate(&shape));
        assert!((exact.mean_gy - numeric.mean_gy).abs() < 1e-9);
        assert!((exact.max_gy - numeric.max_gy).abs() < 0.2);
    }

    #[test]
    fn a_conformal_dose_is_high_inside_and_low_far_away() {
        let field = Field::Conformal {
            centre: Vec3::ZERO,
            half: Vec3::splat(30.0),
            gy: 60.0,
            penumbra_mm: 8.0,
        };
        assert!((field.at(Vec3::ZERO) / 60.0 - 1.0).abs() < 0.005);
        // On the surface depth = -12 mm: 0.9 / (1 + e^-3) + 0.1 e^(-1/18) = 0.9518.
        assert!((field.at(Vec3::new(30.0, 0.0, 0.0)) / 60.0 - 0.9518).abs() < 1e-3);
        assert!(field.at(Vec3::new(0.0, 150.0, 0.0)) < 3.0);
    }
}
