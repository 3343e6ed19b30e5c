//! Vectors and matrices of patient space: LPS (x to the left, y to the posterior, z to the head), millimetres, `f64`.

use serde::{Deserialize, Serialize};

/// A point or direction in patient coordinates (LPS, mm).
pub type Vec3 = glam::DVec3;
/// A 3x3 matrix; columns are the images of the unit vectors.
pub type Mat3 = glam::DMat3;

/// An axis-aligned box in patient coordinates (LPS, mm), borders included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// Smallest coordinates.
    pub lo: Vec3,
    /// Largest coordinates.
    pub hi: Vec3,
}

impl Bounds {
    /// The smallest box that holds all points; `None` without points.
    pub fn of(points: impl IntoIterator<Item = Vec3>) -> Option<Self> {
        points.into_iter().fold(None, |acc, p| match acc {
            None => Some(Self { lo: p, hi: p }),
            Some(b) => Some(Self {
                lo: b.lo.min(p),
                hi: b.hi.max(p),
            }),
        })
    }

    /// Edge lengths in mm.
    pub fn extent(&self) -> Vec3 {
        self.hi - self.lo
    }

    /// Whether the point lies inside or on the border.
    pub fn contains(&self, p: Vec3) -> bool {
        p.cmpge(self.lo).all() && p.cmple(self.hi).all()
    }

    /// The common part of two boxes; `None` when they do not touch.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let (lo, hi) = (self.lo.max(other.lo), self.hi.min(other.hi));
        lo.cmple(hi).all().then_some(Self { lo, hi })
    }
}

/// Angle in degrees between two directions, 0 to 180; `NaN` when one of them is zero.
pub fn angle_deg(a: Vec3, b: Vec3) -> f64 {
    a.cross(b).length().atan2(a.dot(b)).to_degrees()
}
