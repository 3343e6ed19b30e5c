//! Cohorts with a name: `demo` and `tiny` for people and tests, `small`, `medium`, `large` of the optimisation brief.

use std::fmt;
use std::str::FromStr;

use rt_core::Vec3;

use super::{Cohort, cohort};
use crate::course::{Course, Naming};
use crate::dicom::{Lengths, Syntax};
use crate::field::Field;

/// A named cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Two courses of 32 x 32 x 12 voxels with a few structures, for tests.
    Tiny,
    /// Three courses: two plans to sum; an MR beside; no dose. Under 30 MB.
    Demo,
    /// 10 courses of 50 structures.
    Small,
    /// 50 courses of 100 structures.
    Medium,
    /// 200 courses of 150 structures.
    Large,
}

/// The name is no preset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no cohort; there are tiny, demo, small, medium and large")]
pub struct UnknownPreset(String);

impl Preset {
    /// All presets, smallest first.
    pub const ALL: [Self; 5] = [Self::Tiny, Self::Demo, Self::Small, Self::Medium, Self::Large];

    /// The described cohort.
    pub fn cohort(self, seed: u64) -> Cohort {
        match self {
            Self::Tiny => tiny(seed),
            Self::Demo => demo(seed),
            Self::Small => benchmark(seed, 10, 50),
            Self::Medium => benchmark(seed, 50, 100),
            Self::Large => benchmark(seed, 200, 150),
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tiny => "tiny",
            Self::Demo => "demo",
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        })
    }
}

impl FromStr for Preset {
    type Err = UnknownPreset;
    fn from_str(name: &str) -> Result<Self, UnknownPreset> {
        Self::ALL
            .into_iter()
            .find(|p| p.to_string() == name)
            .ok_or_else(|| UnknownPreset(name.into()))
    }
}

/// A dose that covers an ellipsoid with a margin.
fn conformal(centre: Vec3, half: Vec3, gy: f64) -> Field {
    Field::Conformal {
        centre,
        half,
        gy,
        penumbra_mm: 8.0,
    }
}

/// Where the demo's tumours sit: in the left lung, relative to the local origin.
const TUMOUR: Vec3 = Vec3::new(60.0, -5.0, 30.0);

fn tiny(seed: u64) -> Cohort {
    let radii = Vec3::new(28.0, 24.0, 20.0);
    let at = Vec3::new(20.0, 0.0, 0.0);
    let base = |c: Course| c.ct([32, 32, 12]).organs().targets(at, radii);
    cohort()
        .seed(seed)
        .course(|c| base(c).treat("Plan", 60.0, 30, conformal(at, radii, 60.0)))
        .course(|c| {
            base(c)
                .structure("Tiny", crate::Shape::sphere(Vec3::new(-30.0, 0.0, 4.0), 4.9))
                .treat("Plan", 50.0, 25, conformal(at, radii, 50.0))
                .encoding(Syntax::ImplicitLittle, Lengths::Undefined)
                .naming(Naming::Disc)
                .signed_pixels()
        })
}

fn demo(seed: u64) -> Cohort {
    let radii = Vec3::new(30.0, 26.0, 24.0);
    let boost = radii * 0.8;
    cohort()
        .seed(seed)
        .course(|c| {
            c.ct([128, 128, 60])
                .organs()
                .targets(TUMOUR, radii)
                .fill(18)
                .treat("Primary", 50.0, 25, conformal(TUMOUR, radii, 50.0))
                .treat("Boost", 16.0, 8, conformal(TUMOUR, boost, 16.0))
        })
        .course(|c| {
            c.ct([128, 128, 60])
                .mr([112, 112, 40])
                .organs()
                .targets(TUMOUR, radii)
                .treat("Plan", 60.0, 30, conformal(TUMOUR, radii, 60.0))
                .encoding(Syntax::ImplicitLittle, Lengths::Undefined)
                .signed_pixels()
        })
        .course(|c| {
            c.ct([128, 128, 60])
                .organs()
                .targets(TUMOUR, radii)
                .plan("Plan", 45.0, 25)
                .naming(Naming::Disc)
        })
}

/// Courses of 256 x 256 x 100 voxels (1.75 x 1.75 x 3 mm). Every tenth is the second course of the patient before.
fn benchmark(seed: u64, courses: usize, structures: usize) -> Cohort {
    (1..=courses).fold(cohort().seed(seed), |cohort, number| {
        cohort.course(|c| {
            let mut place = c.random("tumour");
            let side = if number % 2 == 0 { 1.0 } else { -1.0 };
            let centre = Vec3::new(
                side * place.between(45.0, 75.0),
                place.between(-20.0, 20.0),
                place.between(-10.0, 40.0),
            );
            let radii = Vec3::new(place.between(22.0, 40.0), place.between(20.0, 36.0), place.between(20.0, 40.0));
            let c = c
                .ct([256, 256, 100])
                .spacing([1.75, 1.75, 3.0])
                .organs()
                .targets(centre, radii)
                .fill(structures)
                .treat("Plan", 60.0, 30, conformal(centre, radii, 60.0));
            let again = number % 10 == 0;
            if again {
                c.patient(&format!("RT{:04}", number - 1)).label("C2").day(300)
            } else {
                c
            }
        })
    })
}
