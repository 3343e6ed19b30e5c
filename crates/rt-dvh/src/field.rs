//! The dose as a function of position: one or several grids, each trilinear, added at the point.
//!
//! Covered is what lies inside the hull of the voxel centres (`spec/dvh-algorithms.md` 6). A grid whose axes are those of the region's
//! frame, in any order and direction, is read row by row: four rows of samples are combined once and then walked along. Any other
//! grid goes through its full affine map point by point. Both give values and gradients.

mod aligned;
mod general;

use rt_image::{PlaneFrame, VolumeView};

use crate::bio::Response;
use crate::error::DvhError;
pub(crate) use aligned::KnotRow;
pub use aligned::{AlignedGrid, Axis};
use general::GeneralGrid;

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
    knots: KnotRow,
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
    pub(crate) fn line(&self, at: [f64; 2], xs: &[f64], scratch: &mut KnotRow, out: &mut Vec<f64>) {
        out.clear();
        out.resize(xs.len(), 0.0);
        for term in &self.terms {
            if let Mapped::Aligned(term, grid) = term {
                grid.add_line(term, at, xs, scratch, out);
            }
        }
    }

    /// Dose at the four corners (low-low, high-low, low-high, high-high) of a cell of grid lines at height z, aligned grids only.
    pub(crate) fn corners(&self, lines: &[Vec<f64>; 3], [i, j]: [usize; 2], z: f64) -> [f64; 4] {
        let mut sum = [0.0; 4];
        for term in &self.terms {
            let Mapped::Aligned(term, grid) = term else { continue };
            for (corner, out) in sum.iter_mut().enumerate() {
                *out += term.value(grid.sample([lines[0][i + corner % 2], lines[1][j + corner / 2], z])).0;
            }
        }
        sum
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
        for (now, before) in row.gradient[c].iter_mut().zip(gradient[c]) {
            *now = before + share * (*now - before);
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

/// Largest whole number not above x, at least 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped below; the cast saturates above"
)]
fn whole(x: f64) -> usize {
    x.max(0.0) as usize
}
