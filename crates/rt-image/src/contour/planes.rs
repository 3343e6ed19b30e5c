//! Contours sorted into planes, and which plane owns which part of space.
//!
//! Contours of one region are drawn in parallel planes. [`PlaneStack::new`] finds the common normal, groups contours into planes by
//! position along it, fills each plane by even-odd ([`Region`]) and gives each plane the slab it stands for: from the middle of the
//! gap below to the middle of the gap above, half its one gap beyond the outermost planes (`spec/dvh-algorithms.md` 1 and 4, prism).
//! A gap above [`BREAK_FACTOR`] times the nominal one is not bridged. Both the rasteriser and the DVH engine read contours this way.
//!
//! ```
//! use rt_core::Vec3;
//! use rt_image::{Contour, ContourKind, ContourSet, PlaneStack, StackOptions};
//!
//! let square = |z: f64, half: f64| Contour {
//!     kind: ContourKind::ClosedPlanar,
//!     points: [[-half, -half], [half, -half], [half, half], [-half, half]].map(|[x, y]| Vec3::new(x, y, z)).to_vec(),
//! };
//! // A 10 mm square with a 4 mm hole in two planes 3 mm apart: (100 - 16) mm2 x 6 mm.
//! let contours = vec![square(0.0, 5.0), square(0.0, 2.0), square(3.0, 5.0), square(3.0, 2.0)];
//! let stack = PlaneStack::new(&ContourSet { contours }, &StackOptions::default())?;
//! assert!((stack.volume_mm3() - 504.0).abs() < 1e-9);
//! # Ok::<(), rt_image::PlaneError>(())
//! ```

use rt_core::Vec3;
use rt_core::geometry::angle_deg;

use super::region::{Overlap, Point2, Region};
use super::{Contour, ContourSet};

/// Contours within this distance along the normal belong to one plane (mm), or within [`PLANE_TOLERANCE_REL`] of the nominal gap.
pub const PLANE_TOLERANCE_MM: f64 = 0.05;
/// See [`PLANE_TOLERANCE_MM`]; the smaller of the two counts.
pub const PLANE_TOLERANCE_REL: f64 = 0.05;
/// Normals may differ by this angle (degrees) and still count as the same.
pub const NORMAL_TOLERANCE_DEG: f64 = 0.1;
/// A gap above this many nominal gaps separates two pieces of a region.
pub const BREAK_FACTOR: f64 = 2.5;
/// Polygons with less area enclose nothing (mm2).
const MIN_AREA_MM2: f64 = 1e-4;

/// Directions of a stack of planes: `u` and `v` span a plane, `n` is their common normal; right-handed, unit length, LPS.
///
/// Coordinates in the frame are `(p.u, p.v, p.n)` of the patient position itself: for axial contours simply (x, y, z).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaneFrame {
    /// First in-plane direction.
    pub u: Vec3,
    /// Second in-plane direction.
    pub v: Vec3,
    /// Normal.
    pub n: Vec3,
}

impl PlaneFrame {
    /// Planes of constant z.
    pub const AXIAL: Self = Self {
        u: Vec3::X,
        v: Vec3::Y,
        n: Vec3::Z,
    };

    /// The frame of a normal: along a patient axis when it is within [`NORMAL_TOLERANCE_DEG`] of one, else turned as little as needed.
    ///
    /// The sign is chosen so that the largest component of the normal is positive. `None` when the normal is zero or not finite.
    pub fn of_normal(normal: Vec3) -> Option<Self> {
        let n = normal.try_normalize()?;
        let axis = (0..3).fold(0, |best, a| if n[a].abs() > n[best].abs() { a } else { best });
        let n = n * n[axis].signum();
        let unit = [Vec3::X, Vec3::Y, Vec3::Z];
        let n = if angle_deg(n, unit[axis]) <= NORMAL_TOLERANCE_DEG {
            unit[axis]
        } else {
            n
        };
        let next = unit[(axis + 1) % 3];
        let u = (next - n * n.dot(next)).try_normalize()?;
        Some(Self { u, v: n.cross(u), n })
    }

    /// The same planes with `u` along a direction (projected into the planes): the axis of a grid, so that grid lines run along u and v.
    ///
    /// Unchanged when the direction is that of the normal.
    #[must_use]
    pub fn along(self, direction: Vec3) -> Self {
        match (direction - self.n * self.n.dot(direction)).try_normalize() {
            Some(u) if direction.cross(self.n).length() > 1e-3 * direction.length() => Self {
                u,
                v: self.n.cross(u),
                n: self.n,
            },
            _ => self,
        }
    }

    /// Frame coordinates `[u, v, n]` of a patient position, mm.
    pub fn project(&self, p: Vec3) -> [f64; 3] {
        [self.u.dot(p), self.v.dot(p), self.n.dot(p)]
    }

    /// Patient position (LPS, mm) of frame coordinates.
    pub fn lift(&self, at: [f64; 3]) -> Vec3 {
        self.u * at[0] + self.v * at[1] + self.n * at[2]
    }
}

/// How far the outermost planes of a piece reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SlabEnds {
    /// Half their one gap outwards, as most planning systems do.
    #[default]
    HalfGap,
    /// Not beyond the plane itself.
    None,
}

/// How contours are read as a solid.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StackOptions {
    /// Thickness of a region with a single plane, mm: slice spacing of the image it was drawn on, which contours alone cannot tell.
    pub single_plane_thickness_mm: Option<f64>,
    /// Reach of the outermost planes.
    pub ends: SlabEnds,
    /// Reading of polygons that overlap without nesting.
    pub overlap: Overlap,
    /// Direction that the first axis of the planes follows ([`PlaneFrame::along`]); without it a patient axis.
    pub axis: Option<Vec3>,
}

/// All contours of one plane.
#[derive(Debug, Clone, PartialEq)]
pub struct ContourPlane {
    /// Position along the normal, mm.
    pub position_mm: f64,
    /// The part of the normal that the plane stands for: lower and upper end, mm; half-open `[lo, hi)`.
    pub slab_mm: [f64; 2],
    /// Polygons in frame coordinates (u, v), repeated points removed, in stored order.
    pub polygons: Vec<Vec<Point2>>,
    /// For each polygon the index of its contour in the set.
    pub contours: Vec<usize>,
    /// What the polygons enclose together.
    pub region: Region,
}

impl ContourPlane {
    /// Thickness of the slab, mm.
    pub fn thickness_mm(&self) -> f64 {
        self.slab_mm[1] - self.slab_mm[0]
    }

    /// Volume of the slab, mm3.
    pub fn volume_mm3(&self) -> f64 {
        self.region.area_mm2() * self.thickness_mm()
    }
}

/// What was seen while contours were sorted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StackNotes {
    /// Contours of a kind without volume (points, open lines).
    pub open_contours: usize,
    /// Closed contours with fewer than three distinct points, no area, or a coordinate that is not finite.
    pub degenerate_contours: usize,
    /// Contours dropped because the same polygon (to 0.01 mm) lies in the same plane.
    pub duplicate_contours: usize,
    /// Gaps too wide to be bridged.
    pub breaks: usize,
    /// Largest gap between neighbouring planes, mm; 0 for a single plane.
    pub largest_gap_mm: f64,
    /// Largest share (0 to 1) of a plane's area covered twice by polygons that overlap without nesting.
    pub overlap_fraction: f64,
}

impl StackNotes {
    /// Contours that enclose nothing, of any reason.
    pub fn skipped(&self) -> usize {
        self.open_contours + self.degenerate_contours
    }
}

/// Why contours make no solid.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaneError {
    /// No closed contour with an area.
    #[error("no closed contour with an area ({skipped} contours skipped)")]
    Empty {
        /// Contours that were looked at and enclose nothing.
        skipped: usize,
    },
    /// Contours in planes of different directions.
    #[error("contour {contour} is tilted by {angle_deg:.2} degrees ({off_plane_mm:.2} mm out of plane) against the largest contour")]
    MixedPlanes {
        /// Index of the contour in its set.
        contour: usize,
        /// Angle between the normals.
        angle_deg: f64,
        /// Half its extent along the common normal, mm.
        off_plane_mm: f64,
    },
    /// One plane, and the caller gave no thickness for it.
    #[error("all contours lie in one plane and its thickness is not known; give the slice spacing")]
    ThicknessUnknown,
}

impl PlaneError {
    /// Stable code; stages put their own name in front (`dvh.mixed_planes`).
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "empty",
            Self::MixedPlanes { .. } => "mixed_planes",
            Self::ThicknessUnknown => "thickness_unknown",
        }
    }
}

/// The solid that contours describe: parallel planes, ascending, each with its slab.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaneStack {
    /// Directions of the planes.
    pub frame: PlaneFrame,
    /// Planes in ascending order; slabs do not overlap.
    pub planes: Vec<ContourPlane>,
    /// Most frequent gap (rounded to 0.01 mm, the smallest of equally frequent ones); `None` for a single plane.
    pub nominal_gap_mm: Option<f64>,
    /// What was seen on the way.
    pub notes: StackNotes,
}

impl PlaneStack {
    /// Sorts the contours of one region into planes.
    ///
    /// Contours of other kinds, without area, or drawn twice are left out and counted in [`StackNotes`].
    ///
    /// # Errors
    /// [`PlaneError::Empty`] without a contour that encloses area, [`PlaneError::MixedPlanes`] when the planes are not parallel,
    /// [`PlaneError::ThicknessUnknown`] for a single plane without [`StackOptions::single_plane_thickness_mm`].
    pub fn new(set: &ContourSet, options: &StackOptions) -> Result<Self, PlaneError> {
        let mut notes = StackNotes::default();
        let usable = usable_contours(set, &mut notes);
        let largest = usable
            .iter()
            .map(|&i| area_vector(&set.contours[i].points))
            .fold(
                Vec3::ZERO,
                |best, a| if a.length_squared() > best.length_squared() { a } else { best },
            );
        let empty = |notes: &StackNotes| PlaneError::Empty { skipped: notes.skipped() };
        let frame = PlaneFrame::of_normal(largest)
            .or_else(|| frame_of_points(set, &usable))
            .ok_or_else(|| empty(&notes))?;
        let frame = options.axis.map_or(frame, |axis| frame.along(axis));
        let mut flat = Vec::with_capacity(usable.len());
        for &index in &usable {
            let contour = flatten(&frame, index, &set.contours[index], largest)?;
            if has_area(&contour.polygon) {
                flat.push(contour);
            } else {
                notes.degenerate_contours += 1;
            }
        }
        if flat.is_empty() {
            return Err(empty(&notes));
        }
        flat.sort_by(|a, b| a.position.total_cmp(&b.position).then(a.index.cmp(&b.index)));
        let groups = group_planes(&flat);
        let positions: Vec<f64> = groups.iter().map(|g| mean_position(&flat[g.clone()])).collect();
        let nominal_gap_mm = nominal_gap(&positions);
        let slabs = slabs(&positions, nominal_gap_mm, options, &mut notes)?;
        let mut planes = Vec::with_capacity(groups.len());
        for ((group, position_mm), slab_mm) in groups.into_iter().zip(positions).zip(slabs) {
            planes.push(plane(&mut flat[group], position_mm, slab_mm, options.overlap, &mut notes));
        }
        Ok(Self {
            frame,
            planes,
            nominal_gap_mm,
            notes,
        })
    }

    /// Volume of all slabs, mm3: exact for the prism reading.
    pub fn volume_mm3(&self) -> f64 {
        rt_core::float::sum(self.planes.iter().map(ContourPlane::volume_mm3))
    }

    /// The plane whose slab holds a position along the normal (half-open), or `None` beyond the ends and in breaks.
    pub fn plane_at(&self, position_mm: f64) -> Option<&ContourPlane> {
        let after = self.planes.partition_point(|p| p.slab_mm[0] <= position_mm);
        self.planes[..after].last().filter(|p| position_mm < p.slab_mm[1])
    }
}

/// A contour in frame coordinates.
struct Flat {
    index: usize,
    position: f64,
    polygon: Vec<Point2>,
}

/// Closed contours with three distinct finite points at least; counts the others.
fn usable_contours(set: &ContourSet, notes: &mut StackNotes) -> Vec<usize> {
    let mut usable = Vec::with_capacity(set.contours.len());
    for (index, contour) in set.contours.iter().enumerate() {
        if !contour.kind.is_closed() {
            notes.open_contours += 1;
        } else if contour.points.len() < 3 || !contour.points.iter().all(|p| p.is_finite()) {
            notes.degenerate_contours += 1;
        } else {
            usable.push(index);
        }
    }
    usable
}

/// Newell's area vector: along the best-fitting normal, as long as the (signed) area.
fn area_vector(points: &[Vec3]) -> Vec3 {
    let base = points[0];
    let pairs = points.windows(2).map(|w| (w[0] - base).cross(w[1] - base));
    pairs.sum::<Vec3>() * 0.5
}

/// A frame from three non-collinear points, for contours whose signed area is zero (figure of eight).
fn frame_of_points(set: &ContourSet, usable: &[usize]) -> Option<PlaneFrame> {
    usable.iter().find_map(|&index| {
        let points = &set.contours[index].points;
        let base = points[0];
        let far = points.iter().fold(base, |f, p| {
            if p.distance_squared(base) > f.distance_squared(base) {
                *p
            } else {
                f
            }
        });
        let normal = points.iter().map(|p| (far - base).cross(*p - base)).fold(Vec3::ZERO, |best, c| {
            if c.length_squared() > best.length_squared() { c } else { best }
        });
        (normal.length() > MIN_AREA_MM2).then(|| PlaneFrame::of_normal(normal)).flatten()
    })
}

/// A contour in the frame, repeated points removed; refused when it leaves its plane.
fn flatten(frame: &PlaneFrame, index: usize, contour: &Contour, normal: Vec3) -> Result<Flat, PlaneError> {
    let first = frame.n.dot(contour.points[0]);
    let (mut lo, mut hi, mut sum) = (0.0f64, 0.0f64, 0.0);
    let mut polygon: Vec<Point2> = Vec::with_capacity(contour.points.len());
    for p in &contour.points {
        let [x, y, z] = frame.project(*p);
        let off = z - first;
        (lo, hi, sum) = (lo.min(off), hi.max(off), sum + off);
        if polygon.last().is_none_or(|q| !same_point(*q, [x, y])) {
            polygon.push([x, y]);
        }
    }
    while polygon.len() > 1 && same_point(polygon[0], polygon[polygon.len() - 1]) {
        polygon.pop();
    }
    let off_plane_mm = 0.5 * (hi - lo);
    if off_plane_mm > PLANE_TOLERANCE_MM {
        let reference = if normal == Vec3::ZERO { frame.n } else { normal };
        let angle = angle_deg(area_vector(&contour.points), reference);
        let angle_deg = angle.min(180.0 - angle);
        if angle_deg.is_nan() || angle_deg > NORMAL_TOLERANCE_DEG {
            return Err(PlaneError::MixedPlanes {
                contour: index,
                angle_deg,
                off_plane_mm,
            });
        }
    }
    let position = first + sum / contour.points.len() as f64;
    Ok(Flat { index, position, polygon })
}

fn same_point(a: Point2, b: Point2) -> bool {
    (a[0] - b[0]).abs() < 1e-6 && (a[1] - b[1]).abs() < 1e-6
}

/// Whether a polygon encloses an area by even-odd (a figure of eight does, though its signed area may be zero).
fn has_area(polygon: &[Point2]) -> bool {
    if polygon.len() < 3 {
        return false;
    }
    let base = polygon[0];
    let cross = |w: &[Point2]| (w[0][0] - base[0]) * (w[1][1] - base[1]) - (w[0][1] - base[1]) * (w[1][0] - base[0]);
    let signed = 0.5 * polygon.windows(2).map(cross).sum::<f64>();
    signed.abs() > MIN_AREA_MM2 || Region::from_polygons(std::slice::from_ref(&polygon.to_vec()), Overlap::Xor).area_mm2() > MIN_AREA_MM2
}

/// Runs of contours (sorted by position) that lie in one plane.
fn group_planes(flat: &[Flat]) -> Vec<std::ops::Range<usize>> {
    let groups = cluster(flat, PLANE_TOLERANCE_MM);
    let positions: Vec<f64> = groups.iter().map(|g| mean_position(&flat[g.clone()])).collect();
    match nominal_gap(&positions) {
        Some(gap) if gap * PLANE_TOLERANCE_REL < PLANE_TOLERANCE_MM => cluster(flat, gap * PLANE_TOLERANCE_REL),
        _ => groups,
    }
}

/// Contours whose neighbour is within the tolerance, no group wider than twice the tolerance.
fn cluster(flat: &[Flat], tolerance: f64) -> Vec<std::ops::Range<usize>> {
    let mut groups = Vec::new();
    let mut start = 0;
    for i in 1..=flat.len() {
        let apart = i == flat.len()
            || flat[i].position - flat[i - 1].position > tolerance
            || flat[i].position - flat[start].position > 2.0 * tolerance;
        if apart {
            groups.push(start..i);
            start = i;
        }
    }
    groups
}

/// Mean position of contours; exactly theirs when they agree.
fn mean_position(flat: &[Flat]) -> f64 {
    let first = flat[0].position;
    first + flat.iter().map(|f| f.position - first).sum::<f64>() / flat.len() as f64
}

/// The most frequent gap rounded to 0.01 mm, the smallest of equally frequent ones.
fn nominal_gap(positions: &[f64]) -> Option<f64> {
    let mut gaps: Vec<f64> = positions.windows(2).map(|w| ((w[1] - w[0]) * 100.0).round().max(1.0)).collect();
    gaps.sort_by(f64::total_cmp);
    let runs = gaps.chunk_by(|a, b| a.total_cmp(b).is_eq());
    let best = runs.fold(
        (0, None),
        |best, run| if run.len() > best.0 { (run.len(), Some(run[0])) } else { best },
    );
    best.1.map(|hundredths| hundredths / 100.0)
}

/// Lower and upper end of the slab of each plane.
fn slabs(positions: &[f64], nominal: Option<f64>, options: &StackOptions, notes: &mut StackNotes) -> Result<Vec<[f64; 2]>, PlaneError> {
    let Some(nominal) = nominal else {
        let thickness = options.single_plane_thickness_mm.filter(|t| t.is_finite() && *t > 0.0);
        let half = thickness.ok_or(PlaneError::ThicknessUnknown)? / 2.0;
        return Ok(positions.iter().map(|p| [p - half, p + half]).collect());
    };
    let gaps: Vec<f64> = positions.windows(2).map(|w| w[1] - w[0]).collect();
    let bridged = |gap: Option<&f64>| gap.copied().filter(|g| *g <= BREAK_FACTOR * nominal);
    notes.breaks = gaps.iter().filter(|g| bridged(Some(g)).is_none()).count();
    notes.largest_gap_mm = gaps.iter().copied().fold(0.0, f64::max);
    let slab = |k: usize| {
        let below = bridged(k.checked_sub(1).and_then(|b| gaps.get(b)));
        let above = bridged(gaps.get(k));
        let (own_below, own_above) = match (options.ends, below.or(above).unwrap_or(nominal)) {
            (SlabEnds::HalfGap, gap) => (below.unwrap_or(gap), above.unwrap_or(gap)),
            (SlabEnds::None, _) => (below.unwrap_or(0.0), above.unwrap_or(0.0)),
        };
        [positions[k] - own_below / 2.0, positions[k] + own_above / 2.0]
    };
    Ok((0..positions.len()).map(slab).collect())
}

/// One plane from its contours, duplicates dropped.
fn plane(flat: &mut [Flat], position_mm: f64, slab_mm: [f64; 2], overlap: Overlap, notes: &mut StackNotes) -> ContourPlane {
    flat.sort_by_key(|f| f.index);
    let mut seen: Vec<Vec<[i64; 2]>> = Vec::new();
    let (mut polygons, mut contours) = (Vec::with_capacity(flat.len()), Vec::with_capacity(flat.len()));
    let alone = flat.len() == 1;
    for contour in flat {
        if !alone {
            let form = canonical(&contour.polygon);
            if seen.contains(&form) {
                notes.duplicate_contours += 1;
                continue;
            }
            seen.push(form);
        }
        contours.push(contour.index);
        polygons.push(std::mem::take(&mut contour.polygon));
    }
    let region = Region::from_polygons(&polygons, overlap);
    notes.overlap_fraction = notes
        .overlap_fraction
        .max(region.overlap_mm2() / region.area_mm2().max(MIN_AREA_MM2));
    ContourPlane {
        position_mm,
        slab_mm,
        polygons,
        contours,
        region,
    }
}

/// A polygon in hundredths of a millimetre, the same for every starting point and direction of drawing.
fn canonical(polygon: &[Point2]) -> Vec<[i64; 2]> {
    let mut points: Vec<[i64; 2]> = polygon.iter().map(|p| [hundredths(p[0]), hundredths(p[1])]).collect();
    points.dedup();
    while points.len() > 1 && points[0] == points[points.len() - 1] {
        points.pop();
    }
    let mut reversed = points.clone();
    reversed.reverse();
    least_rotation(points).min(least_rotation(reversed))
}

#[expect(clippy::cast_possible_truncation, reason = "saturates, and coordinates are millimetres")]
fn hundredths(mm: f64) -> i64 {
    (mm * 100.0).round() as i64
}

/// The lexicographically smallest rotation (two candidates run against each other, linear time).
fn least_rotation(mut points: Vec<[i64; 2]>) -> Vec<[i64; 2]> {
    let n = points.len();
    let (mut a, mut b, mut matched) = (0, 1, 0);
    while a < n && b < n && matched < n {
        match points[(a + matched) % n].cmp(&points[(b + matched) % n]) {
            std::cmp::Ordering::Equal => {
                matched += 1;
                continue;
            }
            std::cmp::Ordering::Greater => a += matched + 1,
            std::cmp::Ordering::Less => b += matched + 1,
        }
        if a == b {
            b += 1;
        }
        matched = 0;
    }
    points.rotate_left(a.min(b));
    points
}

#[cfg(test)]
mod tests;
