//! Dose-surface histogram: how the wall of a hollow organ is distributed over dose.
//!
//! The wall is what runs along the normal between contours, straight from plane to plane as in [`crate::loft`], and half a gap beyond the
//! ends; the flat ends are open, as those of rectum and esophagus are. Each piece of wall counts with its area and with the doses on
//! it. Source: Lu et al., IJROBP 33:1121 (1995), for the use of such histograms.

use rt_image::{ContourSet, Overlap, PlaneStack, Point2};

use crate::error::DvhError;
use crate::field::{DoseField, FrameField, Row, RowSpec};
use crate::histogram::{Accumulator, Distribution};
use crate::loft::strips;
use crate::roi::{DvhOptions, stack_options};
use crate::solid::sides;

/// The wall of one region.
#[derive(Debug, Clone, PartialEq)]
pub struct SurfaceDvh {
    /// Area of the whole wall, mm2.
    pub area_mm2: f64,
    /// Area over dose of the part with a dose; its volumes are areas in mm2.
    pub distribution: Distribution,
}

/// Pieces of wall are no longer than this, mm.
const STEP_MM: f64 = 1.5;

/// The wall of drawn contours in a dose.
///
/// # Errors
/// [`DvhError`] when the contours make no solid, or no part of the wall has a dose.
pub fn surface(field: &DoseField<'_>, set: &ContourSet, options: &DvhOptions) -> Result<SurfaceDvh, DvhError> {
    let guess = field.terms().first().map(|t| t.dose.grid().spacing()[2]);
    let thickness = options.slice_thickness_mm.or(guess);
    let stack = PlaneStack::new(set, &stack_options(options, thickness, None))?;
    let seen = field.in_frame(&stack.frame);
    let walls = walls(&stack, options.overlap);
    let [lo, hi] = bounds(&walls);
    let range = seen.range_in(lo, hi);
    let mut collected = Collected {
        field: &seen,
        row: Row::default(),
        areas: Accumulator::new(range[0], range[1]),
        whole: 0.0,
    };
    for wall in &walls {
        collected.add(wall);
    }
    let none = DvhError::NoOverlap {
        volume_cc: stack.volume_mm3() / 1000.0,
    };
    Ok(SurfaceDvh {
        area_mm2: collected.whole,
        distribution: collected.areas.distribution(range[0], range[1]).ok_or(none)?,
    })
}

/// A piece of wall between two heights: lower edge, then upper edge, in frame coordinates.
struct Wall {
    corners: [[f64; 3]; 4],
}

/// All walls of a stack of planes.
fn walls(stack: &PlaneStack, overlap: Overlap) -> Vec<Wall> {
    let mut out = Vec::new();
    for (k, plane) in stack.planes.iter().enumerate() {
        let ([lo, hi], z) = (plane.slab_mm, plane.position_mm);
        let meets = |end: f64, other: Option<f64>| other.is_some_and(|o| (o - end).abs() < 1e-9);
        let below = k.checked_sub(1).and_then(|b| stack.planes.get(b));
        let above = stack.planes.get(k + 1).filter(|a| meets(hi, Some(a.slab_mm[0])));
        if !meets(lo, below.map(|b| b.slab_mm[1])) {
            upright(&plane.polygons, [lo, z], &mut out);
        }
        match above.map(|a| (a, strips(plane, a, overlap))) {
            None => upright(&plane.polygons, [z, hi], &mut out),
            Some((next, None)) => {
                upright(&plane.polygons, [z, hi], &mut out);
                upright(&next.polygons, [hi, next.position_mm], &mut out);
            }
            Some((next, Some(strips))) => {
                for strip in &strips {
                    for ([a, b], [c, d]) in sides(&strip.lower).zip(sides(&strip.upper)) {
                        out.push(wall([a, b, c, d], [z, next.position_mm]));
                    }
                }
            }
        }
    }
    out
}

/// Walls straight along the normal.
fn upright(polygons: &[Vec<Point2>], heights: [f64; 2], out: &mut Vec<Wall>) {
    let all = polygons.iter().flat_map(|p| sides(p));
    out.extend(all.map(|[a, b]| wall([a, b, a, b], heights)));
}

fn wall([a, b, c, d]: [Point2; 4], [z0, z1]: [f64; 2]) -> Wall {
    Wall {
        corners: [[a[0], a[1], z0], [b[0], b[1], z0], [c[0], c[1], z1], [d[0], d[1], z1]],
    }
}

fn bounds(walls: &[Wall]) -> [[f64; 3]; 2] {
    let mut out = [[f64::INFINITY; 3], [f64::NEG_INFINITY; 3]];
    for corner in walls.iter().flat_map(|w| w.corners) {
        for a in 0..3 {
            out[0][a] = out[0][a].min(corner[a]);
            out[1][a] = out[1][a].max(corner[a]);
        }
    }
    out
}

struct Collected<'f, 'd> {
    field: &'f FrameField<'d>,
    row: Row,
    areas: Accumulator,
    whole: f64,
}

impl Collected<'_, '_> {
    /// Adds one piece of wall, cut into parts.
    fn add(&mut self, wall: &Wall) {
        let [a, b, c, d] = wall.corners;
        let parts = |p: [f64; 3], q: [f64; 3]| (length(minus(p, q)) / STEP_MM).ceil().max(1.0);
        let (along, up) = (parts(a, b).max(parts(c, d)), parts(a, c).max(parts(b, d)));
        let mut i = 0.0;
        while i < along {
            let mut j = 0.0;
            while j < up {
                let (s, t) = ((i + 0.5) / along, (j + 0.5) / up);
                let at: [f64; 3] = std::array::from_fn(|x| (1.0 - t) * (a[x] + s * (b[x] - a[x])) + t * (c[x] + s * (d[x] - c[x])));
                let by_s: [f64; 3] = std::array::from_fn(|x| ((1.0 - t) * (b[x] - a[x]) + t * (d[x] - c[x])) / along);
                let by_t: [f64; 3] = std::array::from_fn(|x| ((1.0 - s) * (c[x] - a[x]) + s * (d[x] - b[x])) / up);
                self.add_part(at, by_s, by_t);
                j += 1.0;
            }
            i += 1.0;
        }
    }

    /// Adds a parallelogram around a point.
    fn add_part(&mut self, at: [f64; 3], by_s: [f64; 3], by_t: [f64; 3]) {
        let area = length(cross(by_s, by_t));
        self.whole += area;
        let spec = RowSpec {
            first: at,
            size: [1e-6; 3],
            count: 1,
        };
        let covered = self.field.row(&spec, &mut self.row) && self.row.inside.first().is_none_or(|s| *s >= 0.5);
        if covered {
            let g = self.row.gradient[0];
            let (ds, dt) = (dot(g, by_s), dot(g, by_t));
            self.areas.add(self.row.dose[0], ds.hypot(dt), area);
        }
    }
}

fn minus(p: [f64; 3], q: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|x| p[x] - q[x])
}

fn dot(p: [f64; 3], q: [f64; 3]) -> f64 {
    p[0] * q[0] + p[1] * q[1] + p[2] * q[2]
}

fn cross(p: [f64; 3], q: [f64; 3]) -> [f64; 3] {
    [p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]]
}

fn length(p: [f64; 3]) -> f64 {
    dot(p, p).sqrt()
}
