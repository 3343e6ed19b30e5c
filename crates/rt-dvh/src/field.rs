//! The dose as a function of position: one or several grids, each trilinear, added at the point.
//!
//! Covered is what lies inside the hull of the voxel centres (`spec/dvh-algorithms.md` 6). A grid whose axes are those of the region's
//! frame, in any order and direction, is read row by row: four rows of samples are combined once and then walked along. Any other
//! grid goes through its full affine map point by point. Both give values and gradients.

use ndarray::{ArrayView1, ArrayView3, Axis as ArrayAxis};
use rt_core::{Grid, Vec3};
use rt_image::{PlaneFrame, VolumeView};

use crate::bio::Response;
use crate::error::DvhError;

/// One dose of a sum.
#[derive(Debug, Clone, Copy)]
pub struct DoseTerm<'a> {
    /// Samples, Gy.
    pub dose: VolumeView<'a, f32>,
    /// Factor applied to the samples.
    pub scale: f64,
    /// What is added.
    pub response: Response,
}

impl<'a> DoseTerm<'a> {
    /// The dose as it is.
    pub fn physical(dose: VolumeView<'a, f32>) -> Self {
        Self {
            dose,
            scale: 1.0,
            response: Response::Physical,
        }
    }

    fn value(&self, sample: f64) -> (f64, f64) {
        let (value, slope) = self.response.at(sample * self.scale);
        (value, slope * self.scale)
    }
}

/// How far a dose grid reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rim {
    /// To the outermost voxel centres: no value is extrapolated.
    #[default]
    None,
    /// Half a voxel further, with the value of the outermost sample.
    HalfVoxel,
}

/// What a point counts that not all doses of a sum reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SumMissing {
    /// It is not covered.
    #[default]
    Partial,
    /// The missing dose is zero there.
    Zero,
    /// A region with such points has no figures.
    Null,
}

/// The dose of a course: the sum of its terms.
#[derive(Debug, Clone)]
pub struct DoseField<'a> {
    terms: Vec<DoseTerm<'a>>,
    rim: Rim,
    missing: SumMissing,
}

impl<'a> DoseField<'a> {
    /// The sum of doses, each on its own grid.
    ///
    /// # Errors
    /// [`DvhError::NotFinite`] when there is no term, or one holds a sample that is not a number.
    pub fn new(terms: Vec<DoseTerm<'a>>, rim: Rim, missing: SumMissing) -> Result<Self, DvhError> {
        let finite = |t: &DoseTerm<'_>| t.scale.is_finite() && t.dose.data().iter().all(|v| v.is_finite());
        if terms.is_empty() || !terms.iter().all(finite) {
            return Err(DvhError::NotFinite);
        }
        Ok(Self { terms, rim, missing })
    }

    /// A single dose.
    ///
    /// # Errors
    /// [`DvhError::NotFinite`] as [`DoseField::new`].
    pub fn single(dose: VolumeView<'a, f32>) -> Result<Self, DvhError> {
        Self::new(vec![DoseTerm::physical(dose)], Rim::None, SumMissing::Partial)
    }

    /// The terms.
    pub fn terms(&self) -> &[DoseTerm<'a>] {
        &self.terms
    }

    /// What points count that not all terms reach.
    pub fn missing(&self) -> SumMissing {
        self.missing
    }

    /// The field seen in a frame.
    pub fn in_frame(&self, frame: &PlaneFrame) -> FrameField<'a> {
        let map = |term: &DoseTerm<'a>| match AlignedGrid::new(&term.dose, frame, self.rim) {
            Some(grid) => Mapped::Aligned(*term, grid),
            None => Mapped::General(*term, GeneralGrid::new(&term.dose, frame, self.rim)),
        };
        FrameField {
            terms: self.terms.iter().map(map).collect(),
            missing: self.missing,
        }
    }
}

/// A row of equal cells along the first axis of the frame, and the extent of each cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowSpec {
    /// Middle of the first cell, mm.
    pub first: [f64; 3],
    /// Cell size, mm.
    pub size: [f64; 3],
    /// Number of cells.
    pub count: usize,
}

impl RowSpec {
    /// Volume of a cell, mm3.
    pub fn volume(&self) -> f64 {
        self.size[0] * self.size[1] * self.size[2]
    }
}

/// Dose in the cells of a row.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Dose in the middle of each cell, Gy.
    pub dose: Vec<f64>,
    /// Gradient there, Gy/mm.
    pub gradient: Vec<[f64; 3]>,
    /// Share of each cell that is covered; empty when all are wholly covered.
    pub inside: Vec<f64>,
    scratch: Scratch,
}

#[derive(Debug, Clone, Default)]
struct Scratch {
    /// Dose and its derivatives along the second and third axis, at the knots of the row.
    knots: Vec<[f64; 3]>,
    inside: Vec<f64>,
}

/// A [`DoseField`] in the coordinates of a frame.
#[derive(Debug, Clone)]
pub struct FrameField<'a> {
    terms: Vec<Mapped<'a>>,
    missing: SumMissing,
}

#[derive(Debug, Clone)]
enum Mapped<'a> {
    Aligned(DoseTerm<'a>, AlignedGrid<'a>),
    General(DoseTerm<'a>, GeneralGrid<'a>),
}

impl<'a> FrameField<'a> {
    /// Whether every grid has the axes of the frame.
    pub fn is_aligned(&self) -> bool {
        self.terms.iter().all(|t| matches!(t, Mapped::Aligned(..)))
    }

    /// The grids that have the axes of the frame.
    pub fn aligned(&self) -> impl Iterator<Item = &AlignedGrid<'a>> {
        self.terms.iter().filter_map(|t| match t {
            Mapped::Aligned(_, grid) => Some(grid),
            Mapped::General(..) => None,
        })
    }

    /// Smallest sample distance of all grids along an axis of the frame, mm (of any axis for a grid that is not aligned).
    pub fn spacing(&self, axis: usize) -> f64 {
        let of = |t: &Mapped<'_>| match t {
            Mapped::Aligned(_, g) => g.axes[axis].smallest_gap(),
            Mapped::General(_, g) => g.spacing.iter().copied().fold(f64::INFINITY, f64::min),
        };
        self.terms.iter().map(of).fold(f64::INFINITY, f64::min)
    }

    /// Sample positions and ends of coverage of all aligned grids along an axis, ascending, mm.
    pub fn knots(&self, axis: usize) -> Vec<f64> {
        let of = |g: &AlignedGrid<'_>| {
            let a = &g.axes[axis];
            a.knots.iter().copied().chain(a.hull).collect::<Vec<f64>>()
        };
        let mut all: Vec<f64> = self.aligned().flat_map(of).collect();
        all.sort_by(f64::total_cmp);
        all.dedup_by(|b, a| (*b - *a).abs() < 1e-9);
        all
    }

    /// Bounds of the dose in a box of frame coordinates (values beyond the grids taken from their rim).
    pub fn range_in(&self, lo: [f64; 3], hi: [f64; 3]) -> [f64; 2] {
        self.terms.iter().fold([0.0, 0.0], |[a, b], t| {
            let (term, [min, max]) = match t {
                Mapped::Aligned(term, g) => (term, g.range_in(lo, hi)),
                Mapped::General(term, g) => (term, g.range_in(lo, hi)),
            };
            let zero = if self.missing == SumMissing::Zero { 0.0 } else { f64::INFINITY };
            let (p, q) = (term.value(min).0, term.value(max).0);
            [a + p.min(q).min(zero), b + p.max(q)]
        })
    }

    /// Dose at positions `xs` (ascending) of the line (y, z), aligned grids only; replaces `out`.
    pub(crate) fn line(&self, at: [f64; 2], xs: &[f64], scratch: &mut Vec<[f64; 3]>, out: &mut Vec<f64>) {
        out.clear();
        out.resize(xs.len(), 0.0);
        for term in &self.terms {
            if let Mapped::Aligned(term, grid) = term {
                grid.add_line(term, at, xs, scratch, out);
            }
        }
    }

    /// The box that all aligned grids cover, along one axis.
    pub(crate) fn common_hull(&self, axis: usize) -> [f64; 2] {
        let hulls = self.aligned().map(|g| g.axes[axis].hull);
        hulls.fold([f64::NEG_INFINITY, f64::INFINITY], |[a, b], [lo, hi]| [a.max(lo), b.min(hi)])
    }

    /// Dose, gradient and coverage in a row of cells; `false` when no cell is covered.
    pub fn row(&self, spec: &RowSpec, row: &mut Row) -> bool {
        row.dose.clear();
        row.dose.resize(spec.count, 0.0);
        row.gradient.clear();
        row.gradient.resize(spec.count, [0.0; 3]);
        row.inside.clear();
        let mut covered = false;
        for (i, mapped) in self.terms.iter().enumerate() {
            row.scratch.inside.clear();
            let any = match mapped {
                Mapped::Aligned(_, g) => g.inside(spec, &mut row.scratch.inside),
                Mapped::General(_, g) => g.inside(spec, &mut row.scratch.inside),
            };
            if any {
                let before = (self.missing == SumMissing::Zero).then(|| (row.dose.clone(), row.gradient.clone()));
                match mapped {
                    Mapped::Aligned(term, g) => g.add_row(term, spec, row),
                    Mapped::General(term, g) => g.add_row(term, spec, row),
                }
                if let Some((dose, gradient)) = before {
                    weigh_added(row, &dose, &gradient);
                }
            }
            match self.missing {
                SumMissing::Zero => covered = self.join_zero(row, spec.count, any, i == 0) || covered,
                SumMissing::Partial | SumMissing::Null => {
                    if !any {
                        return false;
                    }
                    join_partial(row);
                    covered = true;
                }
            }
        }
        covered
    }

    /// Covered is what any term covers.
    fn join_zero(&self, row: &mut Row, count: usize, any: bool, first: bool) -> bool {
        let own = |scratch: &[f64], c: usize| if any { scratch.get(c).copied().unwrap_or(1.0) } else { 0.0 };
        if self.terms.len() > 1 || !row.scratch.inside.is_empty() {
            if first {
                row.inside.resize(count, 0.0);
            }
            for (c, inside) in row.inside.iter_mut().enumerate() {
                *inside = inside.max(own(&row.scratch.inside, c));
            }
        }
        any
    }
}

/// Keeps of what a term added only the share that it covers.
fn weigh_added(row: &mut Row, dose: &[f64], gradient: &[[f64; 3]]) {
    for (c, share) in row.scratch.inside.iter().enumerate() {
        row.dose[c] = dose[c] + share * (row.dose[c] - dose[c]);
        for a in 0..3 {
            row.gradient[c][a] = gradient[c][a] + share * (row.gradient[c][a] - gradient[c][a]);
        }
    }
}

/// Covered is what all terms cover.
fn join_partial(row: &mut Row) {
    if row.inside.is_empty() {
        std::mem::swap(&mut row.inside, &mut row.scratch.inside);
    } else {
        row.inside.iter_mut().zip(&row.scratch.inside).for_each(|(a, b)| *a = a.min(*b));
    }
}

/// Sample positions along one axis of the frame, ascending.
#[derive(Debug, Clone)]
pub struct Axis {
    /// Positions, mm.
    pub knots: Vec<f64>,
    /// First and last covered position, mm.
    pub hull: [f64; 2],
    /// 1 / spacing when even.
    even: Option<f64>,
}

impl Axis {
    fn new(knots: Vec<f64>, spacing: f64, rim: Rim) -> Self {
        let (n, lo, hi) = (knots.len(), knots[0], knots[knots.len() - 1]);
        let reach = if rim == Rim::HalfVoxel || n == 1 { spacing / 2.0 } else { 0.0 };
        let step = (hi - lo) / (n.max(2) - 1) as f64;
        let even = n > 1 && knots.iter().enumerate().all(|(k, p)| (p - lo - k as f64 * step).abs() < 1e-6);
        Self {
            hull: [lo - reach, hi + reach],
            even: even.then(|| 1.0 / step),
            knots,
        }
    }

    /// Distance of samples when it is the same everywhere, mm.
    pub fn even_spacing(&self) -> Option<f64> {
        self.even.map(f64::recip)
    }

    fn smallest_gap(&self) -> f64 {
        let gaps = self.knots.windows(2).map(|w| w[1] - w[0]);
        let smallest = gaps.fold(f64::INFINITY, f64::min);
        if smallest.is_finite() {
            smallest
        } else {
            self.hull[1] - self.hull[0]
        }
    }

    /// Interval that holds a position, the part of it below the position (0 to 1), and 1 / its length (0 beyond the samples).
    fn locate(&self, x: f64) -> (usize, f64, f64) {
        let n = self.knots.len();
        if n == 1 {
            return (0, 0.0, 0.0);
        }
        let (at, inverse) = if let Some(inverse) = self.even {
            let at = (x - self.knots[0]) * inverse;
            (whole(at).min(n - 2), inverse)
        } else {
            let at = self.knots.partition_point(|k| *k <= x).saturating_sub(1).min(n - 2);
            (at, 1.0 / (self.knots[at + 1] - self.knots[at]))
        };
        let part = (x - self.knots[at]) * inverse;
        let beyond = !(-1e-9..=1.0 + 1e-9).contains(&part);
        (at, part.clamp(0.0, 1.0), if beyond { 0.0 } else { inverse })
    }

    /// Share of an interval that is covered.
    fn share(&self, middle: f64, size: f64) -> f64 {
        let (a, b) = (middle - size / 2.0, middle + size / 2.0);
        let inside = b.min(self.hull[1]) - a.max(self.hull[0]);
        // Rounding of lattice lines against the hull is not coverage lost.
        if inside >= size * (1.0 - 1e-9) {
            1.0
        } else {
            (inside / size).max(0.0)
        }
    }
}

/// Largest whole number not above x, at least 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped below; the cast saturates above"
)]
fn whole(x: f64) -> usize {
    x.max(0.0) as usize
}

/// A dose grid whose axes are those of the frame, its samples turned to `[n][v][u]`, ascending.
#[derive(Debug, Clone)]
pub struct AlignedGrid<'a> {
    /// Axes u, v, n of the frame.
    pub axes: [Axis; 3],
    samples: ArrayView3<'a, f32>,
}

/// An axis of the grid may lean against the frame so far over its whole length that samples move by this much, mm.
const LEAN_MM: f64 = 1e-3;

impl<'a> AlignedGrid<'a> {
    fn new(dose: &VolumeView<'a, f32>, frame: &PlaneFrame, rim: Rim) -> Option<Self> {
        let grid = dose.grid();
        let of_frame = [frame.u, frame.v, frame.n];
        let directions = [grid.direction().x_axis, grid.direction().y_axis, grid.direction().z_axis];
        let fits = |f: Vec3, g: usize| {
            let length = offset_along(grid, g, grid.size()[g] - 1).max(grid.spacing()[g]);
            f.cross(directions[g]).length() * length <= LEAN_MM
        };
        let of_grid = of_frame.map(|f| (0..3).find(|&g| fits(f, g)));
        let [gu, gv, gn] = [of_grid[0]?, of_grid[1]?, of_grid[2]?];
        let mut samples = dose.data().permuted_axes([2 - gn, 2 - gv, 2 - gu]);
        let mut axis = |slot: usize, f: Vec3, g: usize| {
            let sign = f.dot(directions[g]).signum();
            let base = f.dot(grid.origin());
            let mut knots: Vec<f64> = (0..grid.size()[g]).map(|i| base + sign * offset_along(grid, g, i)).collect();
            if sign < 0.0 {
                knots.reverse();
                samples.invert_axis(ArrayAxis(2 - slot));
            }
            Axis::new(knots, grid.spacing()[g], rim)
        };
        let axes = [axis(0, frame.u, gu), axis(1, frame.v, gv), axis(2, frame.n, gn)];
        Some(Self { axes, samples })
    }

    /// Whether any cell of the row is covered; writes the shares when not all are whole.
    fn inside(&self, spec: &RowSpec, inside: &mut Vec<f64>) -> bool {
        let across = self.axes[1].share(spec.first[1], spec.size[1]) * self.axes[2].share(spec.first[2], spec.size[2]);
        let along = |c: usize| self.axes[0].share(spec.first[0] + c as f64 * spec.size[0], spec.size[0]);
        let whole = across >= 1.0 && along(0) >= 1.0 && along(spec.count - 1) >= 1.0;
        if across <= 0.0 || whole {
            return across > 0.0;
        }
        inside.extend((0..spec.count).map(|c| across * along(c)));
        inside.iter().any(|s| *s > 0.0)
    }

    /// Samples of one grid row.
    fn line(&self, k: usize, j: usize) -> ArrayView1<'_, f32> {
        self.samples.index_axis(ArrayAxis(0), k).index_axis_move(ArrayAxis(0), j)
    }

    /// Dose along a line of knots at (y, z) and its derivatives along y and z, for knots `from..=to` of the first axis.
    fn knot_row(&self, y: f64, z: f64, from: usize, to: usize, out: &mut Vec<[f64; 3]>) {
        let (j, ty, iy) = self.axes[1].locate(y);
        let (k, tz, iz) = self.axes[2].locate(z);
        let j1 = (j + 1).min(self.axes[1].knots.len() - 1);
        let k1 = (k + 1).min(self.axes[2].knots.len() - 1);
        let (a, b, c, d) = (self.line(k, j), self.line(k, j1), self.line(k1, j), self.line(k1, j1));
        out.clear();
        let combine = |a: f32, b: f32, c: f32, d: f32| {
            let (a, b, c, d) = (f64::from(a), f64::from(b), f64::from(c), f64::from(d));
            let (low, high) = (a + (b - a) * ty, c + (d - c) * ty);
            let slope = (b - a) + ((d - c) - (b - a)) * tz;
            [low + (high - low) * tz, slope * iy, (high - low) * iz]
        };
        if let (Some(a), Some(b), Some(c), Some(d)) = (a.to_slice(), b.to_slice(), c.to_slice(), d.to_slice()) {
            let rows = a[from..=to].iter().zip(&b[from..=to]).zip(&c[from..=to]).zip(&d[from..=to]);
            out.extend(rows.map(|(((a, b), c), d)| combine(*a, *b, *c, *d)));
        } else {
            out.extend((from..=to).map(|i| combine(a[i], b[i], c[i], d[i])));
        }
    }

    fn add_row(&self, term: &DoseTerm<'_>, spec: &RowSpec, row: &mut Row) {
        let axis = &self.axes[0];
        let last = spec.first[0] + (spec.count - 1) as f64 * spec.size[0];
        let from = axis.locate(spec.first[0]).0;
        let to = (axis.locate(last).0 + 1).min(axis.knots.len() - 1);
        let mut knots = std::mem::take(&mut row.scratch.knots);
        self.knot_row(spec.first[1], spec.first[2], from, to, &mut knots);
        let plain = term.response == Response::Physical;
        for (c, (dose, gradient)) in row.dose.iter_mut().zip(&mut row.gradient).enumerate() {
            let (i, t, inverse) = axis.locate(spec.first[0] + c as f64 * spec.size[0]);
            let (p, q) = (knots[i - from], knots[(i + 1 - from).min(knots.len() - 1)]);
            let at = |n: usize| p[n] + (q[n] - p[n]) * t;
            let (value, slope) = if plain {
                (at(0) * term.scale, term.scale)
            } else {
                term.value(at(0))
            };
            *dose += value;
            gradient[0] += slope * (q[0] - p[0]) * inverse;
            gradient[1] += slope * at(1);
            gradient[2] += slope * at(2);
        }
        row.scratch.knots = knots;
    }

    /// Adds the dose at positions `xs` (ascending) of the line (y, z).
    fn add_line(&self, term: &DoseTerm<'_>, [y, z]: [f64; 2], xs: &[f64], scratch: &mut Vec<[f64; 3]>, out: &mut [f64]) {
        let (Some(first), Some(last)) = (xs.first(), xs.last()) else {
            return;
        };
        let axis = &self.axes[0];
        let from = axis.locate(*first).0;
        let to = (axis.locate(*last).0 + 1).min(axis.knots.len() - 1);
        self.knot_row(y, z, from, to, scratch);
        for (x, out) in xs.iter().zip(out) {
            let (i, t, _) = axis.locate(*x);
            let (p, q) = (scratch[i - from][0], scratch[(i + 1 - from).min(scratch.len() - 1)][0]);
            *out += term.value(p + (q - p) * t).0;
        }
    }

    fn range_in(&self, lo: [f64; 3], hi: [f64; 3]) -> [f64; 2] {
        let span = |a: usize| {
            let last = self.axes[a].knots.len() - 1;
            self.axes[a].locate(lo[a]).0..(self.axes[a].locate(hi[a]).0 + 2).min(last + 1)
        };
        let part = self.samples.slice(ndarray::s![span(2), span(1), span(0)]);
        part.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], v| {
            [a.min(f64::from(*v)), b.max(f64::from(*v))]
        })
    }
}

/// A dose grid in any position.
#[derive(Debug, Clone)]
struct GeneralGrid<'a> {
    samples: ArrayView3<'a, f32>,
    /// Index of the frame's origin, and change of index per mm along each axis of the frame; k in units of the mean spacing.
    origin: Vec3,
    per_mm: [Vec3; 3],
    /// Slice positions in units of the mean spacing when they are uneven.
    slices: Option<Vec<f64>>,
    size: [usize; 3],
    spacing: [f64; 3],
    rim: Rim,
}

impl<'a> GeneralGrid<'a> {
    fn new(dose: &VolumeView<'a, f32>, frame: &PlaneFrame, rim: Rim) -> Self {
        let grid = dose.grid();
        let spacing = grid.spacing();
        let inverse = grid.direction().inverse();
        let to_index = |v: Vec3| inverse * v / Vec3::from_array(spacing);
        Self {
            samples: dose.data(),
            origin: to_index(-grid.origin()),
            per_mm: [frame.u, frame.v, frame.n].map(to_index),
            slices: grid.offsets().map(|list| list.iter().map(|o| o / spacing[2]).collect()),
            size: grid.size(),
            spacing,
            rim,
        }
    }

    fn index_of(&self, at: [f64; 3]) -> Vec3 {
        self.origin + self.per_mm[0] * at[0] + self.per_mm[1] * at[1] + self.per_mm[2] * at[2]
    }

    /// First and last covered index along a grid axis (slices in units of the mean spacing).
    fn hull(&self, axis: usize) -> [f64; 2] {
        let last = (self.size[axis] - 1) as f64;
        let last = match &self.slices {
            Some(list) if axis == 2 => list[list.len() - 1],
            _ => last,
        };
        let reach = if self.rim == Rim::HalfVoxel || self.size[axis] == 1 {
            0.5
        } else {
            0.0
        };
        [-reach, last + reach]
    }

    fn inside(&self, spec: &RowSpec, inside: &mut Vec<f64>) -> bool {
        let reach = [0, 1, 2].map(|a| (0..3).map(|f| (self.per_mm[f][a] * spec.size[f]).abs()).sum::<f64>());
        let hulls = [0, 1, 2].map(|a| self.hull(a));
        let share = |c: usize| {
            let q = self.index_of([spec.first[0] + c as f64 * spec.size[0], spec.first[1], spec.first[2]]);
            let side = |distance: f64, reach: f64| (0.5 + distance / reach).clamp(0.0, 1.0);
            (0..3)
                .map(|a| side(q[a] - hulls[a][0], reach[a]) * side(hulls[a][1] - q[a], reach[a]))
                .product::<f64>()
        };
        // Shares are products of half-spaces along a line: whole at both ends is whole between.
        if share(0) >= 1.0 && share(spec.count - 1) >= 1.0 {
            return true;
        }
        inside.extend((0..spec.count).map(share));
        inside.iter().any(|s| *s > 0.0)
    }

    fn add_row(&self, term: &DoseTerm<'_>, spec: &RowSpec, row: &mut Row) {
        for (c, (dose, gradient)) in row.dose.iter_mut().zip(&mut row.gradient).enumerate() {
            let q = self.index_of([spec.first[0] + c as f64 * spec.size[0], spec.first[1], spec.first[2]]);
            let (sample, g) = self.sample(q);
            let (value, slope) = term.value(sample);
            *dose += value;
            for (out, per_mm) in gradient.iter_mut().zip(self.per_mm) {
                *out += slope * g.dot(per_mm);
            }
        }
    }

    /// Interval and part of it along one grid axis, and the derivative of that part (0 beyond the samples).
    fn locate(&self, axis: usize, q: f64) -> (usize, f64, f64) {
        let n = self.size[axis];
        if n == 1 {
            return (0, 0.0, 0.0);
        }
        let (at, part, inverse) = match &self.slices {
            Some(list) if axis == 2 => {
                let at = list.partition_point(|s| *s <= q).saturating_sub(1).min(n - 2);
                let inverse = 1.0 / (list[at + 1] - list[at]);
                (at, (q - list[at]) * inverse, inverse)
            }
            _ => {
                let at = whole(q).min(n - 2);
                (at, q - at as f64, 1.0)
            }
        };
        let beyond = !(-1e-9..=1.0 + 1e-9).contains(&part);
        (at, part.clamp(0.0, 1.0), if beyond { 0.0 } else { inverse })
    }

    /// Sample and gradient (per unit of index) at a continuous index.
    fn sample(&self, q: Vec3) -> (f64, Vec3) {
        let (i, tx, ix) = self.locate(0, q.x);
        let (j, ty, iy) = self.locate(1, q.y);
        let (k, tz, iz) = self.locate(2, q.z);
        let next = |at: usize, axis: usize| (at + 1).min(self.size[axis] - 1);
        let v = |k: usize, j: usize, i: usize| f64::from(self.samples[[k, j, i]]);
        let mix = |a: f64, b: f64, t: f64| a + (b - a) * t;
        let (i1, j1, k1) = (next(i, 0), next(j, 1), next(k, 2));
        let edge = |k: usize, j: usize| (mix(v(k, j, i), v(k, j, i1), tx), v(k, j, i1) - v(k, j, i));
        let (a, b, c, d) = (edge(k, j), edge(k, j1), edge(k1, j), edge(k1, j1));
        let (low, high) = (mix(a.0, b.0, ty), mix(c.0, d.0, ty));
        let gx = mix(mix(a.1, b.1, ty), mix(c.1, d.1, ty), tz);
        let gy = mix(b.0 - a.0, d.0 - c.0, tz);
        (mix(low, high, tz), Vec3::new(gx * ix, gy * iy, (high - low) * iz))
    }

    fn range_in(&self, lo: [f64; 3], hi: [f64; 3]) -> [f64; 2] {
        let corner = |c: usize| self.index_of([0, 1, 2].map(|a| if c >> a & 1 == 1 { hi[a] } else { lo[a] }));
        let span = |axis: usize| {
            let (a, b) = (0..8)
                .map(|c| corner(c)[axis])
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
            self.locate(axis, a).0..(self.locate(axis, b).0 + 2).min(self.size[axis])
        };
        let part = self.samples.slice(ndarray::s![span(2), span(1), span(0)]);
        part.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], v| {
            [a.min(f64::from(*v)), b.max(f64::from(*v))]
        })
    }
}

/// Distance of sample `i` from sample 0 along grid axis `axis`, mm.
fn offset_along(grid: &Grid, axis: usize, i: usize) -> f64 {
    if axis == 2 {
        grid.offset(i)
    } else {
        i as f64 * grid.spacing()[axis]
    }
}
