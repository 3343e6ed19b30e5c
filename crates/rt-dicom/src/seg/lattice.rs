//! Where the frames of a segmentation lie.

use std::sync::Arc;

use rt_core::geometry::angle_deg;
use rt_core::{Grid, Mat3, Vec3};

use crate::entry::{PixelFormat, Plane};
use crate::gate::Limits;

/// Two frames nearer than this lie at one position, mm.
pub(super) const SAME_POSITION_MM: f64 = 0.01;
/// Share of the spacing that a frame may be off its place.
const OFF_PLACE: f64 = 0.05;
/// A slice direction that leans less than this from the normal is the normal, degrees.
const TILT_DEG: f64 = 0.1;

/// The frames on one lattice.
pub(super) struct Lattice {
    pub(super) grid: Arc<Grid>,
    /// Slice of each frame.
    pub(super) k: Vec<usize>,
}

impl Lattice {
    pub(super) fn of(planes: &[Plane], format: PixelFormat, stated_mm: Option<f64>, limits: &Limits) -> Result<Self, String> {
        let first = planes.first().ok_or("there are none")?;
        let [ux, uy, uz, vx, vy, vz] = first.orientation;
        let (u, v) = (Vec3::new(ux, uy, uz).normalize_or_zero(), Vec3::new(vx, vy, vz).normalize_or_zero());
        let normal = u.cross(v).normalize_or_zero();
        if normal == Vec3::ZERO || u.dot(v).abs() > 1e-3 {
            return Err("ImageOrientationPatient is no pair of right-angled directions".to_owned());
        }
        let differs = |a: &[f64], b: &[f64]| a.iter().zip(b).any(|(x, y)| (x - y).abs() > 1e-4);
        let other = |p: &&Plane| differs(&p.orientation, &first.orientation) || differs(&p.spacing, &first.spacing);
        if planes.iter().any(|p| other(&p)) {
            return Err("they differ in orientation or spacing".to_owned());
        }
        let at = |p: &Plane| Vec3::from(p.position);
        let mut distinct: Vec<Vec3> = planes.iter().map(at).collect();
        distinct.sort_by(|a, b| normal.dot(*a).total_cmp(&normal.dot(*b)));
        distinct.dedup_by(|a, b| normal.dot(*a - *b).abs() < SAME_POSITION_MM);
        let (Some(bottom), Some(top)) = (distinct.first().copied(), distinct.last().copied()) else {
            return Err("there are none".to_owned());
        };
        let gaps = distinct.windows(2).filter_map(|w| Some(normal.dot(*w.get(1)? - *w.first()?)));
        let smallest = gaps.fold(f64::INFINITY, f64::min);
        let step = match stated_mm {
            Some(stated) if fits(&distinct, bottom, normal, stated) => stated,
            _ if smallest.is_finite() => smallest,
            Some(stated) => stated,
            None => return Err("a single slice without thickness".to_owned()),
        };
        if !fits(&distinct, bottom, normal, step) {
            return Err(format!("they are not whole steps of {step} mm apart"));
        }
        let axis = slice_axis(top - bottom, normal);
        let along = step / axis.dot(normal);
        let steps = |p: Vec3| steps(normal.dot(p - bottom) / step);
        let (rows, columns) = (format.rows as usize, format.columns as usize);
        let size = [columns, rows, steps(top) + 1];
        let bytes = size.iter().fold(1_u64, |n, s| n.saturating_mul(*s as u64));
        if bytes > limits.max_image_bytes {
            return Err(format!("they span {bytes} voxels; raise limits.max_image_bytes if that is right"));
        }
        let [row_mm, column_mm] = first.spacing;
        let origin = bottom + v * (row_mm * f64::from(format.rows.saturating_sub(1)));
        let grid = Grid::new(size, origin, [column_mm, row_mm, along], Mat3::from_cols(u, -v, axis)).map_err(|e| e.to_string())?;
        Ok(Self {
            grid: Arc::new(grid),
            k: planes.iter().map(|p| steps(at(p))).collect(),
        })
    }
}

/// Whole steps; never negative, frames are counted from the lowest.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float to integer cast saturates, and the size is checked against the limits"
)]
fn steps(v: f64) -> usize {
    v.round() as usize
}

fn fits(points: &[Vec3], bottom: Vec3, normal: Vec3, step: f64) -> bool {
    points.iter().all(|p| {
        let at = normal.dot(*p - bottom) / step;
        (at - at.round()).abs() <= OFF_PLACE
    })
}

/// Direction of the slice origins: the normal, unless they lean (gantry tilt).
fn slice_axis(way: Vec3, normal: Vec3) -> Vec3 {
    if way.length() < SAME_POSITION_MM || angle_deg(way, normal) < TILT_DEG {
        normal
    } else {
        way.normalize()
    }
}
