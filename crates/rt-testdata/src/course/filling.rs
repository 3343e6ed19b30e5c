//! Many structures: what a large structure set looks like, and the difficult shapes in it.

use std::f64::consts::PI;

use rt_core::Vec3;

use super::Course;
use crate::seed::Stream;
use crate::shape::Shape;

/// Smallest and largest filled volume, mm3 (0.5 and 1,500 cm3).
const VOLUMES_MM3: (f64, f64) = (500.0, 1_500_000.0);

pub(super) fn fill(course: &mut Course, n: usize) {
    let body = course.anatomy().part("Body").map_or(course.ct.half(), |p| p.shape.half);
    let half = course.ct.half();
    let room = Vec3::new(body.x, body.y, half.z);
    let mut difficult = difficult(course, room).into_iter();
    let mut stream = course.random("structures");
    while course.structures.len() < n {
        let number = course.structures.len() + 1;
        let (name, shape) = difficult
            .next()
            .unwrap_or_else(|| (format!("Structure_{number:03}"), any_solid(&mut stream, room, number)));
        *course = course.clone().structure(&name, shape);
    }
}

/// The shapes that break pipelines. `room` is the half extent of the body inside the image.
fn difficult(course: &Course, room: Vec3) -> Vec<(String, Shape)> {
    let sphere_of = |cc: f64| (cc * 1000.0 * 0.75 / PI).cbrt();
    let gap = course.ct.spacing[2];
    let slice = course.ct.line(2)[course.ct.size[2] / 2];
    let shapes = [
        // 0.5 cm3: some slices across on a fine image, one on a coarse one.
        ("Tiny", Shape::sphere(Vec3::new(0.3 * room.x, 0.0, slice), sphere_of(0.5))),
        ("Shell", Shape::sphere(Vec3::ZERO, 30.0).hollow(Vec3::splat(24.0))),
        (
            "Ring",
            Shape::cylinder(Vec3::new(0.0, 0.0, 0.2 * room.z), 25.0, 20.0).hollow(Vec3::new(18.0, 18.0, 10.0)),
        ),
        // Its upper half lies beyond the last slice.
        (
            "Top_Border",
            Shape::ellipsoid(Vec3::new(0.0, 0.1 * room.y, room.z), Vec3::new(30.0, 20.0, 25.0)),
        ),
        // Half of it lies beyond the end of the default dose grid.
        (
            "Dose_Border",
            Shape::cylinder(Vec3::new(-0.4 * room.x, 0.2 * room.y, -0.7 * room.z), 15.0, 40.0),
        ),
        (
            "Cuboid",
            Shape::cuboid(Vec3::new(0.4 * room.x, 0.3 * room.y, -0.1 * room.z), Vec3::new(20.0, 15.0, 10.0)),
        ),
        // Lies in one slice only.
        ("One_Slice", Shape::cylinder(Vec3::new(0.0, -0.3 * room.y, slice), 12.0, gap * 0.9)),
    ];
    shapes.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect()
}

fn any_solid(stream: &mut Stream, room: Vec3, number: usize) -> Shape {
    let (lo, hi) = VOLUMES_MM3;
    // Log-uniform, but no larger than a sixth of the room, so that it fits.
    let hi = hi.min(8.0 * room.element_product() / 6.0 * 0.5).max(2.0 * lo);
    let volume = stream.between(lo.ln(), hi.ln()).exp();
    let stretch = Vec3::new(stream.between(0.8, 1.25), stream.between(0.8, 1.25), 1.0);
    let ratio = Vec3::new(stretch.x, stretch.y, 1.0 / (stretch.x * stretch.y));
    let place = Vec3::new(stream.between(-0.6, 0.6), stream.between(-0.6, 0.6), stream.between(-0.7, 0.7));
    let shape = match number % 4 {
        0 => {
            // 2 pi r^2 h with h = r.
            Shape::elliptic_cylinder(Vec3::ZERO, ratio * (volume / (2.0 * PI)).cbrt())
        }
        1 => {
            // A void of six tenths takes 0.216 of the volume.
            let half = ratio * (volume * 0.75 / PI / (1.0 - 0.216)).cbrt();
            Shape::ellipsoid(Vec3::ZERO, half).hollow(half * 0.6)
        }
        _ => Shape::ellipsoid(Vec3::ZERO, ratio * (volume * 0.75 / PI).cbrt()),
    };
    // Inwards until it fits into the room.
    let free = (room - shape.half).max(Vec3::ZERO);
    shape.at((place * room).clamp(-free, free))
}
