//! Solids whose volume, cross sections and extent are known exactly. Coordinates are local millimetres (see [`crate::Pose`]).

use std::f64::consts::{PI, TAU};

use rt_core::Vec3;

/// The kind of a solid. All are symmetric about their centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Solid {
    /// Ellipsoid with the half axes of [`Shape::half`].
    Ellipsoid,
    /// Elliptic cylinder along local z.
    Cylinder,
    /// Rectangular box.
    Box,
}

/// A solid, possibly hollow.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Shape {
    /// Kind of solid.
    pub solid: Solid,
    /// Centre, local mm.
    pub centre: Vec3,
    /// Half extent along local x, y, z in mm.
    pub half: Vec3,
    /// Half extent of a concentric void of the same kind.
    pub cavity: Option<Vec3>,
}

impl Shape {
    /// A sphere.
    pub fn sphere(centre: Vec3, radius: f64) -> Self {
        Self::ellipsoid(centre, Vec3::splat(radius))
    }

    /// An ellipsoid with half axes in mm.
    pub fn ellipsoid(centre: Vec3, half: Vec3) -> Self {
        Self {
            solid: Solid::Ellipsoid,
            centre,
            half,
            cavity: None,
        }
    }

    /// A circular cylinder along z with radius and full length in mm.
    pub fn cylinder(centre: Vec3, radius: f64, length: f64) -> Self {
        Self {
            solid: Solid::Cylinder,
            centre,
            half: Vec3::new(radius, radius, length / 2.0),
            cavity: None,
        }
    }

    /// An elliptic cylinder along z, half axes in mm.
    pub fn elliptic_cylinder(centre: Vec3, half: Vec3) -> Self {
        Self {
            solid: Solid::Cylinder,
            centre,
            half,
            cavity: None,
        }
    }

    /// A box with half edges in mm.
    pub fn cuboid(centre: Vec3, half: Vec3) -> Self {
        Self {
            solid: Solid::Box,
            centre,
            half,
            cavity: None,
        }
    }

    /// The same solid with a concentric void of the given half extent (a shell, or a tube when the void is as long as the cylinder).
    #[must_use]
    pub fn hollow(mut self, cavity: Vec3) -> Self {
        self.cavity = Some(cavity.min(self.half));
        self
    }

    /// The same solid elsewhere.
    #[must_use]
    pub fn at(mut self, centre: Vec3) -> Self {
        self.centre = centre;
        self
    }

    /// Volume in mm3.
    pub fn volume_mm3(&self) -> f64 {
        self.solid.volume(self.half) - self.cavity.map_or(0.0, |void| self.solid.volume(void))
    }

    /// Whether a point lies inside (border included, void excluded).
    #[inline]
    pub fn contains(&self, p: Vec3) -> bool {
        let q = p - self.centre;
        self.solid.contains(q, self.half) && !self.cavity.is_some_and(|void| self.solid.contains(q, void))
    }

    /// Largest distance that the solid reaches from its centre along a vector, times its length: `max (x - centre) . v` over the solid.
    pub fn support(&self, v: Vec3) -> f64 {
        let scaled = v * self.half;
        match self.solid {
            Solid::Ellipsoid => scaled.length(),
            Solid::Cylinder => scaled.truncate().length() + scaled.z.abs(),
            Solid::Box => scaled.abs().element_sum(),
        }
    }

    /// The closed curves in which the plane at local height `z` cuts the solid: the outer one, then the void's.
    ///
    /// Vertices run counter-clockwise, at most `step` mm apart (at least 12). The polygon of a curved section is
    /// scaled so that its area equals the section's exactly.
    pub fn section(&self, z: f64, step: f64) -> Vec<Vec<Vec3>> {
        let curve = |half: Vec3| self.solid.section(z - self.centre.z, half).map(|s| s.polygon(self.centre, z, step));
        std::iter::once(self.half).chain(self.cavity).filter_map(curve).collect()
    }

    /// Area in mm2 of the cut at local height `z`.
    pub fn section_area(&self, z: f64) -> f64 {
        let area = |half: Vec3| self.solid.section(z - self.centre.z, half).map_or(0.0, Section::area);
        area(self.half) - self.cavity.map_or(0.0, area)
    }
}

/// A plane cut through a solid.
#[derive(Clone, Copy)]
enum Section {
    Ellipse(f64, f64),
    Rectangle(f64, f64),
}

impl Section {
    fn area(self) -> f64 {
        match self {
            Self::Ellipse(a, b) => PI * a * b,
            Self::Rectangle(a, b) => 4.0 * a * b,
        }
    }

    fn polygon(self, centre: Vec3, z: f64, step: f64) -> Vec<Vec3> {
        let at = |x: f64, y: f64| Vec3::new(centre.x + x, centre.y + y, z);
        match self {
            Self::Rectangle(a, b) => vec![at(-a, -b), at(a, -b), at(a, b), at(-a, b)],
            Self::Ellipse(a, b) => {
                let count = vertices(TAU * f64::midpoint(a * a, b * b).sqrt(), step);
                // An inscribed n-gon of an ellipse has the share sin(t)/t of its area, with t = 2 pi / n.
                let angle = TAU / count as f64;
                let grow = (angle / angle.sin()).sqrt();
                (0..count)
                    .map(|i| {
                        let (sin, cos) = (angle * (i as f64 + 0.5)).sin_cos();
                        at(a * grow * cos, b * grow * sin)
                    })
                    .collect()
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 12..=4096 before the cast"
)]
fn vertices(perimeter: f64, step: f64) -> usize {
    (perimeter / step).ceil().clamp(12.0, 4096.0) as usize
}

impl Solid {
    fn volume(self, half: Vec3) -> f64 {
        half.element_product()
            * match self {
                Self::Ellipsoid => 4.0 / 3.0 * PI,
                Self::Cylinder => 2.0 * PI,
                Self::Box => 8.0,
            }
    }

    #[inline]
    fn contains(self, q: Vec3, half: Vec3) -> bool {
        let s = q / half;
        match self {
            Self::Ellipsoid => s.length_squared() <= 1.0,
            Self::Cylinder => s.z.abs() <= 1.0 && s.truncate().length_squared() <= 1.0,
            Self::Box => s.abs().max_element() <= 1.0,
        }
    }

    fn section(self, dz: f64, half: Vec3) -> Option<Section> {
        let t = dz / half.z;
        match self {
            Self::Ellipsoid => (t.abs() < 1.0).then(|| {
                let s = (1.0 - t * t).sqrt();
                Section::Ellipse(half.x * s, half.y * s)
            }),
            Self::Cylinder => (t.abs() <= 1.0).then_some(Section::Ellipse(half.x, half.y)),
            Self::Box => (t.abs() <= 1.0).then_some(Section::Rectangle(half.x, half.y)),
        }
    }
}

/// Area of a simple polygon in the x-y plane in mm2 (shoelace formula), always positive.
pub fn polygon_area(points: &[Vec3]) -> f64 {
    let Some(first) = points.first() else { return 0.0 };
    let turn = |i: usize| {
        // Relative to the first vertex: coordinates far from the origin would lose digits.
        let (p, q) = (points[i] - *first, points[(i + 1) % points.len()] - *first);
        p.x * q.y - q.x * p.y
    };
    rt_core::float::sum((0..points.len()).map(turn)).abs() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_the_textbook_ones() {
        let c = Vec3::new(1.0, 2.0, 3.0);
        let litre_sphere = Shape::sphere(c, (0.75_f64 * 1e6 / PI).cbrt());
        assert!((litre_sphere.volume_mm3() - 1e6).abs() < 1e-6);
        assert!((Shape::cylinder(c, 10.0, 50.0).volume_mm3() - PI * 5000.0).abs() < 1e-9);
        // A shell between radii 20 and 15: 4/3 pi (8000 - 3375).
        let shell = Shape::sphere(c, 20.0).hollow(Vec3::splat(15.0));
        assert!((shell.volume_mm3() - 4.0 / 3.0 * PI * 4625.0).abs() < 1e-9);
        assert!(!shell.contains(c) && shell.contains(c + Vec3::new(17.0, 0.0, 0.0)));
    }

    #[test]
    fn polygons_have_the_area_of_the_section() {
        let shape = Shape::ellipsoid(Vec3::new(-100.0, 50.0, 7.0), Vec3::new(30.0, 20.0, 10.0)).hollow(Vec3::new(15.0, 10.0, 5.0));
        // At z = 10: t = 0.3 for the outer, 0.6 for the void: pi (600 * 0.91 - 150 * 0.64).
        let expected = PI * (600.0 * 0.91 - 150.0 * 0.64);
        assert!((shape.section_area(10.0) - expected).abs() < 1e-9);
        let rings = shape.section(10.0, 2.0);
        assert_eq!(rings.len(), 2);
        let drawn = polygon_area(&rings[0]) - polygon_area(&rings[1]);
        assert!((drawn - expected).abs() < 1e-9, "{drawn} {expected}");
        assert!(shape.section(17.5, 2.0).is_empty());
    }

    #[test]
    fn support_bounds_every_point() {
        let v = Vec3::new(0.3, -0.2, 0.7);
        let half = Vec3::new(3.0, 4.0, 5.0);
        // Box: 0.9 + 0.8 + 3.5; cylinder: sqrt(0.81 + 0.64) + 3.5; ellipsoid: sqrt(0.81 + 0.64 + 12.25).
        assert!((Shape::cuboid(Vec3::ZERO, half).support(v) - 5.2).abs() < 1e-12);
        assert!((Shape::elliptic_cylinder(Vec3::ZERO, half).support(v) - (1.45_f64.sqrt() + 3.5)).abs() < 1e-12);
        assert!((Shape::ellipsoid(Vec3::ZERO, half).support(v) - 13.7_f64.sqrt()).abs() < 1e-12);
    }
}
