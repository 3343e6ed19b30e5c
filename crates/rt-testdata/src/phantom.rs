//! A torso made of solids: body, fat, lungs, airway, heart, liver, bones and a couch, with noise and texture.
//!
//! Local coordinates are the patient's (x to the left, y to the back, z to the head) with the origin in the middle of the image.
//! CT numbers are typical of an adult at 120 kV; nothing here is measured on anybody.

use rt_core::Vec3;

use crate::seed::{Seed, Stream};
use crate::shape::Shape;

/// One solid of tissue; a later part covers the earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Name, as a structure set would call it.
    pub name: &'static str,
    /// Where it is.
    pub shape: Shape,
    /// CT number, HU.
    pub hu: f64,
    /// Signal in an MR image, arbitrary units.
    pub signal: f64,
}

/// What is in the scanner.
#[derive(Debug, Clone, PartialEq)]
pub struct Phantom {
    /// Solids, from the outside to the inside.
    pub parts: Vec<Part>,
    /// Standard deviation of the noise, HU.
    pub noise_hu: f64,
    /// Amplitude of the smooth texture, HU.
    pub texture_hu: f64,
}

/// Distance between the knots of the texture, mm.
const TEXTURE_MM: f64 = 12.0;

impl Phantom {
    /// A torso that fills about three quarters of a field of view with the given half extent in mm; body size and organs vary by `stream`.
    pub fn torso(half: Vec3, stream: &mut Stream) -> Self {
        let a = half.x * stream.between(0.70, 0.76);
        let b = (a * stream.between(0.64, 0.70)).min(half.y * 0.8);
        let z = half.z;
        let mut parts = Vec::new();
        let mut add = |name, shape, hu, signal| parts.push(Part { name, shape, hu, signal });
        let axis = |x: f64, y: f64| Vec3::new(x * a, y * b, 0.0);
        let long = z * 1.5;

        // The couch: two plates with air between, a finger's breadth under the back.
        for (gap, hu) in [(6.0, -200.0), (40.0, -250.0)] {
            let plate = Shape::cuboid(Vec3::new(0.0, b + gap, 0.0), Vec3::new(half.x * 0.9, 1.5, long));
            add("Couch", plate, hu, 0.0);
        }
        let tube = |scale: f64| Shape::elliptic_cylinder(Vec3::ZERO, Vec3::new(a * scale, b * scale, long));
        add("Body", tube(1.0), -100.0, 700.0);
        add("Muscle", tube(0.91), 45.0, 300.0);
        organs(&mut add, a, b, z, stream);
        skeleton(&mut add, a, b, z);
        let canal = Shape::elliptic_cylinder(axis(0.0, 0.72), Vec3::new(6.0, 6.0, long));
        add("SpinalCord", canal, 35.0, 450.0);
        Self {
            parts,
            noise_hu: 12.0,
            texture_hu: 10.0,
        }
    }

    /// A single solid of water in air: no couch, no noise, no texture.
    pub fn water(shape: Shape) -> Self {
        let part = Part {
            name: "Body",
            shape,
            hu: 0.0,
            signal: 500.0,
        };
        Self {
            parts: vec![part],
            noise_hu: 0.0,
            texture_hu: 0.0,
        }
    }

    /// The solid of a named part (the first of that name).
    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|p| p.name == name)
    }

    /// CT numbers of one slice in rows, without rounding. `z` is the local height, `x` and `y` the local coordinates of columns and rows in mm.
    pub fn render_ct(&self, x: &[f64], y: &[f64], z: f64, seed: Seed, slice: u64) -> Vec<f64> {
        self.render(x, y, z, seed, slice, |part| part.map_or(-1000.0, |p| p.hu), 1.0)
    }

    /// MR signal of one slice in rows, as [`Phantom::render_ct`].
    pub fn render_mr(&self, x: &[f64], y: &[f64], z: f64, seed: Seed, slice: u64) -> Vec<f64> {
        self.render(x, y, z, seed, slice, |part| part.map_or(5.0, |p| p.signal), 1.5)
    }

    #[expect(clippy::too_many_arguments, reason = "the one inner loop behind the two public doors")]
    fn render(&self, x: &[f64], y: &[f64], z: f64, seed: Seed, slice: u64, value: impl Fn(Option<&Part>) -> f64, gain: f64) -> Vec<f64> {
        let here: Vec<&Part> = self
            .parts
            .iter()
            .filter(|p| (z - p.shape.centre.z).abs() <= p.shape.half.z)
            .collect();
        let texture = Texture::new(seed.child("texture", 0), z, x, y);
        let mut noise = seed.child("noise", slice).stream();
        let mut out = Vec::with_capacity(x.len() * y.len());
        for (j, y) in y.iter().enumerate() {
            for (i, x) in x.iter().enumerate() {
                let p = Vec3::new(*x, *y, z);
                let part = here.iter().rev().find(|part| part.shape.contains(p)).copied();
                let body = part.is_some_and(|p| p.name != "Couch");
                let smooth = if body { self.texture_hu * texture.at(i, j) } else { 0.0 };
                let speckle = if self.noise_hu > 0.0 { self.noise_hu * noise.normal() } else { 0.0 };
                out.push(value(part) + gain * (smooth + speckle));
            }
        }
        out
    }
}

type Add<'a> = dyn FnMut(&'static str, Shape, f64, f64) + 'a;

fn organs(add: &mut Add<'_>, a: f64, b: f64, z: f64, stream: &mut Stream) {
    let deep = stream.between(0.50, 0.56);
    for (name, side) in [("Lung_L", 1.0), ("Lung_R", -1.0)] {
        let centre = Vec3::new(side * 0.43 * a, -0.08 * b, 0.36 * z);
        add(
            name,
            Shape::ellipsoid(centre, Vec3::new(0.29 * a, 0.58 * b, deep * z)),
            -780.0,
            60.0,
        );
    }
    let windpipe = Shape::elliptic_cylinder(Vec3::new(0.0, 0.12 * b, z), Vec3::new(8.0, 8.0, 0.6 * z));
    add("Trachea", windpipe, -995.0, 8.0);
    let heart = Shape::ellipsoid(Vec3::new(0.14 * a, -0.36 * b, 0.02 * z), Vec3::new(0.27 * a, 0.36 * b, 0.34 * z));
    add("Heart", heart, 42.0, 420.0);
    let liver = Shape::ellipsoid(Vec3::new(-0.36 * a, -0.05 * b, -0.45 * z), Vec3::new(0.40 * a, 0.60 * b, 0.30 * z));
    add("Liver", liver, 62.0, 340.0);
    for (name, side) in [("Kidney_L", 1.0), ("Kidney_R", -1.0)] {
        let centre = Vec3::new(side * 0.36 * a, 0.45 * b, -0.62 * z);
        add(name, Shape::ellipsoid(centre, Vec3::new(0.15 * a, 0.2 * b, 0.2 * z)), 32.0, 520.0);
    }
}

fn skeleton(add: &mut Add<'_>, a: f64, b: f64, z: f64) {
    let level = |spacing: f64| {
        let mut height = -1.2 * z;
        std::iter::from_fn(move || {
            height += spacing;
            (height < 1.2 * z).then_some(height)
        })
    };
    for height in level(28.0).filter(|h| *h > -0.2 * z && *h < 0.95 * z) {
        let rib = Shape::elliptic_cylinder(Vec3::new(0.0, 0.0, height), Vec3::new(0.85 * a, 0.85 * b, 5.0));
        add("Ribs", rib.hollow(Vec3::new(0.80 * a, 0.78 * b, 5.0)), 420.0, 150.0);
    }
    for height in level(34.0) {
        let centre = Vec3::new(0.0, 0.50 * b, height);
        add("Spine", Shape::cylinder(centre, 0.11 * a, 27.0), 280.0, 220.0);
    }
    let arch = Shape::elliptic_cylinder(Vec3::new(0.0, 0.72 * b, 0.0), Vec3::new(14.0, 14.0, 1.5 * z));
    add("Spine", arch, 350.0, 180.0);
    let sternum = Shape::cuboid(Vec3::new(0.0, -0.78 * b, 0.4 * z), Vec3::new(16.0, 5.0, 0.4 * z));
    add("Sternum", sternum, 320.0, 170.0);
    for side in [1.0, -1.0] {
        let wing = Shape::ellipsoid(
            Vec3::new(side * 0.5 * a, 0.2 * b, -1.05 * z),
            Vec3::new(0.2 * a, 0.35 * b, 0.25 * z),
        );
        add("Pelvis", wing, 380.0, 200.0);
    }
}

/// Smooth values between -1 and 1: random numbers on a cubic lattice, linear in between; for one slice.
struct Texture {
    knots: Vec<f64>,
    columns: Vec<(usize, f64)>,
    rows: Vec<(usize, f64)>,
    width: usize,
}

impl Texture {
    fn new(seed: Seed, z: f64, x: &[f64], y: &[f64]) -> Self {
        let (columns, first_x, width) = cells(x);
        let (rows, first_y, height) = cells(y);
        let (layer, fraction) = cell(z);
        let knot = |kx: i64, ky: i64, kz: i64| {
            let number = [kx, ky, kz].iter().fold(0_u64, |h, k| (h << 21) ^ (k & 0x1F_FFFF).unsigned_abs());
            seed.child("knot", number).stream().between(-1.0, 1.0)
        };
        let mut knots = Vec::with_capacity(width * height);
        for ky in (first_y..).take(height) {
            for kx in (first_x..).take(width) {
                let (lower, upper) = (knot(kx, ky, layer), knot(kx, ky, layer + 1));
                knots.push(lower + fraction * (upper - lower));
            }
        }
        Self {
            knots,
            columns,
            rows,
            width,
        }
    }

    fn at(&self, i: usize, j: usize) -> f64 {
        let ((cx, fx), (cy, fy)) = (self.columns[i], self.rows[j]);
        let corner = cy * self.width + cx;
        let mix = |at: usize| self.knots[at] + fx * (self.knots[at + 1] - self.knots[at]);
        let (near, far) = (mix(corner), mix(corner + self.width));
        near + fy * (far - near)
    }
}

/// Lattice cell of each coordinate relative to the first, the first cell, and the number of knots needed.
fn cells(coordinates: &[f64]) -> (Vec<(usize, f64)>, i64, usize) {
    let placed: Vec<(i64, f64)> = coordinates.iter().map(|c| cell(*c)).collect();
    let first = placed.iter().map(|p| p.0).min().unwrap_or(0);
    let relative = |c: i64| usize::try_from(c - first).unwrap_or(0);
    let last = placed.iter().map(|p| relative(p.0)).max().unwrap_or(0);
    (placed.iter().map(|(c, f)| (relative(*c), *f)).collect(), first, last + 2)
}

#[expect(clippy::cast_possible_truncation, reason = "millimetres of a scanner, far inside i64")]
fn cell(coordinate: f64) -> (i64, f64) {
    let scaled = coordinate / TEXTURE_MM;
    (scaled.floor() as i64, scaled - scaled.floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: u32, step: f64) -> Vec<f64> {
        (0..n).map(|i| (f64::from(i) - f64::from(n - 1) / 2.0) * step).collect()
    }

    #[test]
    fn tissues_have_their_numbers() {
        let mut phantom = Phantom::torso(Vec3::new(224.0, 224.0, 120.0), &mut Seed::new(1).stream());
        phantom.noise_hu = 0.0;
        phantom.texture_hu = 0.0;
        let lung = phantom.part("Lung_L").unwrap().shape.centre;
        assert!(lung.x > 0.0, "the left lung lies to the left, +x in LPS");
        let hu = phantom.render_ct(&[lung.x, 223.0, 0.0], &[lung.y, -223.0], lung.z, Seed::new(1), 0);
        assert!((hu[0] + 780.0).abs() < 1e-9, "lung: {}", hu[0]);
        assert!((hu[4] + 1000.0).abs() < 1e-9, "air: {}", hu[4]);
    }

    #[test]
    fn noise_differs_between_slices_and_repeats_for_a_seed() {
        let phantom = Phantom::torso(Vec3::new(224.0, 224.0, 120.0), &mut Seed::new(1).stream());
        let (x, y) = (line(16, 10.0), line(16, 10.0));
        let slice = |k| phantom.render_ct(&x, &y, 0.0, Seed::new(5), k);
        assert_eq!(slice(3), slice(3));
        assert_ne!(slice(3), slice(4));
    }
}
