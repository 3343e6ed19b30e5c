//! Small bodies and dose fields with known answers.

use std::sync::Arc;

use ndarray::Array3;
use rt_core::{Grid, Mat3, Vec3};
use rt_image::{Contour, ContourKind, ContourSet, Volume};

/// A dose on a grid from a function of position.
pub(crate) fn dose_on(grid: Grid, field: impl Fn(Vec3) -> f64) -> Volume<f32> {
    let shape = grid.shape();
    let grid = Arc::new(grid);
    let data = Array3::from_shape_fn(shape, |(k, j, i)| field(grid.centre(i, j, k)) as f32);
    Volume::new(Arc::clone(&grid), data).unwrap()
}

/// A grid of 2.5 mm around the origin, 100 mm wide.
pub(crate) fn grid() -> Grid {
    Grid::axis_aligned([41, 41, 41], Vec3::splat(-50.0), [2.5; 3]).unwrap()
}

/// A closed contour in the plane z.
pub(crate) fn contour(z: f64, points: impl IntoIterator<Item = [f64; 2]>) -> Contour {
    Contour {
        kind: ContourKind::ClosedPlanar,
        points: points.into_iter().map(|[x, y]| Vec3::new(x, y, z)).collect(),
    }
}

/// A box from contours every `gap` mm, its ends half a gap beyond the outer planes.
pub(crate) fn cuboid(lo: Vec3, hi: Vec3, gap: f64) -> ContourSet {
    let n = ((hi.z - lo.z) / gap).round() as usize;
    let plane = |k: usize| {
        contour(
            lo.z + (k as f64 + 0.5) * gap,
            [[lo.x, lo.y], [hi.x, lo.y], [hi.x, hi.y], [lo.x, hi.y]],
        )
    };
    ContourSet {
        contours: (0..n).map(plane).collect(),
    }
}

/// A cylinder along z: polygons of 180 corners whose area is that of the circle.
pub(crate) fn cylinder(centre: Vec3, radius: f64, height: f64, gap: f64) -> ContourSet {
    let n = 180;
    let step = std::f64::consts::TAU / f64::from(n);
    let r = radius * (step / step.sin()).sqrt();
    let ring = |i: i32| (f64::from(i) * step).sin_cos();
    let planes = (height / gap).round() as usize;
    let plane = |k: usize| {
        let z = centre.z - height / 2.0 + (k as f64 + 0.5) * gap;
        contour(z, (0..n).map(ring).map(|(s, c)| [centre.x + r * c, centre.y + r * s]))
    };
    ContourSet {
        contours: (0..planes).map(plane).collect(),
    }
}

/// A lumpy body: ellipses with ripples that move from plane to plane.
pub(crate) fn lumpy(centre: Vec3, radius: f64) -> ContourSet {
    let plane = |k: i32| {
        let z = f64::from(k) * 3.0;
        let r = (radius * radius - z * z).max(0.0).sqrt() * 0.9 + 1.0;
        let point = |i: i32| {
            let t = f64::from(i) * std::f64::consts::TAU / 60.0;
            let ripple = 1.0 + 0.08 * (5.0 * t + z / 7.0).sin();
            [centre.x + 1.2 * r * ripple * t.cos(), centre.y + r * ripple * t.sin()]
        };
        contour(centre.z + z, (0..60).map(point))
    };
    let n = (radius / 3.0).floor() as i32;
    ContourSet {
        contours: (-n..=n).map(plane).collect(),
    }
}

/// A curved dose: a Gaussian hill on a slope.
pub(crate) fn hill(p: Vec3) -> f64 {
    5.0 + 50.0 * (-(p - Vec3::new(3.0, -4.0, 6.0)).length_squared() / 900.0).exp() + 0.05 * p.x
}

/// Turned by an angle around z and then x.
pub(crate) fn turn(angle: f64) -> Mat3 {
    Mat3::from_rotation_x(0.7 * angle) * Mat3::from_rotation_z(angle)
}

/// The contours moved and turned: `p -> rotation * p + shift`.
pub(crate) fn moved(set: &ContourSet, rotation: Mat3, shift: Vec3) -> ContourSet {
    let mut out = set.clone();
    for p in out.contours.iter_mut().flat_map(|c| c.points.iter_mut()) {
        *p = rotation * *p + shift;
    }
    out
}
