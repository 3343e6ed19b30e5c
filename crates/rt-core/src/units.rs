//! Physical quantities as types: unlike units do not mix.

use serde::{Deserialize, Serialize};

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $symbol:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub f64);

        impl $name {
            /// The bare number.
            pub fn value(self) -> f64 {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{} {}", self.0, $symbol)
            }
        }

        impl std::ops::Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        impl std::ops::Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }

        impl std::ops::Mul<f64> for $name {
            type Output = Self;
            fn mul(self, factor: f64) -> Self {
                Self(self.0 * factor)
            }
        }

        impl std::ops::Div for $name {
            type Output = f64;
            fn div(self, other: Self) -> f64 {
                self.0 / other.0
            }
        }
    };
}

unit!(
    /// Absorbed dose in gray.
    Gy,
    "Gy"
);
unit!(
    /// Length in millimetres.
    Mm,
    "mm"
);
unit!(
    /// Volume in cubic centimetres.
    Cc,
    "cm3"
);
unit!(
    /// CT number in Hounsfield units.
    Hu,
    "HU"
);
unit!(
    /// A share of a hundred.
    Percent,
    "%"
);

impl Cc {
    /// From a volume in mm3.
    pub fn from_mm3(mm3: f64) -> Self {
        Self(mm3 / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_add_scale_and_print() {
        assert_eq!(Gy(2.0) + Gy(3.0) * 2.0, Gy(8.0));
        assert!((Gy(30.0) / Gy(60.0) - 0.5).abs() < f64::EPSILON);
        assert_eq!(Cc::from_mm3(1500.0).to_string(), "1.5 cm3");
    }
}
