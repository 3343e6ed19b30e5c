//! The dose of a region integrated cell by cell.
//!
//! Each slab is cut at the dose planes and into layers, each layer into the cells of a lattice. A whole cell and the inside part of a
//! cell at the border count with their exact volume; the dose at the centroid is their mean, and the gradient with the exact spread of
//! the part gives the width of the doses in it.

use std::ops::Range;

use crate::cells::{Lattice, PartCell, RowCells, region_cells};
use crate::extremes::Extremes;
use crate::field::{FrameField, Row, RowSpec};
use crate::histogram::Accumulator;
use crate::solid::{Slab, Solid};

/// Cells that one task takes, roughly: fixed, so that results do not depend on the number of threads.
const CELLS_PER_TASK: f64 = 60_000.0;
/// Most tasks a region is cut into.
const MAX_TASKS: usize = 16;

/// How finely a region is cut.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Lattice in the plane.
    pub lattice: Lattice,
    /// Greatest thickness of a layer, mm.
    pub layer_mm: f64,
    /// Positions along the normal at which layers end.
    pub cuts: Vec<f64>,
    /// Cells are as wide as dose voxels along an axis of the plane.
    is_voxel: bool,
}

impl Level {
    /// A level with cells of about `edge` mm: dose grid spacings divided by whole numbers where the grid has the axes of the region.
    pub fn new(field: &FrameField<'_>, edge: f64) -> Self {
        let first = field.aligned().next();
        let axis = |a: usize| {
            let even = first.and_then(|g| g.axes[a].even_spacing().map(|s| (g.axes[a].knots[0], s)));
            let (origin, spacing) = even.unwrap_or((0.0, field.spacing(a)));
            // One, or an even number, so that cells twice as wide still end at the samples.
            let parts = spacing / edge - 1e-9;
            (origin, spacing / if parts <= 1.0 { 1.0 } else { 2.0 * (parts / 2.0).ceil() })
        };
        let ((x, dx), (y, dy)) = (axis(0), axis(1));
        let is_voxel = edge >= field.spacing(0).min(field.spacing(1)) * (1.0 - 1e-9);
        Self {
            is_voxel,
            lattice: Lattice {
                origin: [x, y],
                step: [dx, dy],
            },
            layer_mm: edge.min(field.spacing(2)),
            cuts: field.knots(2),
        }
    }

    /// Edge of a cube of a cell's volume, mm.
    pub fn edge_mm(&self) -> f64 {
        (self.lattice.step[0] * self.lattice.step[1] * self.layer_mm).cbrt()
    }

    /// How many times wider cells are compared with these: twice, or thrice where cells are dose voxels.
    ///
    /// Cells two voxels wide have their middle on a sample, where the gradient of the dose is not defined.
    pub fn coarser_ratio(&self) -> u32 {
        if self.is_voxel { 3 } else { 2 }
    }

    /// The same with cells so many times wider.
    #[must_use]
    pub fn coarser(&self, ratio: u32) -> Self {
        let mut level = self.clone();
        level.lattice.step = level.lattice.step.map(|s| f64::from(ratio) * s);
        level.layer_mm *= f64::from(ratio);
        level
    }

    /// Ends of the layers of a slab, ascending, the slab's own ends first and last.
    fn layers(&self, [lo, hi]: [f64; 2]) -> Vec<f64> {
        let mut ends = vec![lo];
        let inner = self.cuts.iter().copied().filter(|c| *c > lo + 1e-9 && *c < hi - 1e-9);
        for stop in inner.chain([hi]) {
            let from = ends[ends.len() - 1];
            let parts = ((stop - from) / self.layer_mm - 1e-6).ceil().max(1.0);
            let mut part = 1.0;
            while part < parts {
                ends.push(from + (stop - from) * part / parts);
                part += 1.0;
            }
            ends.push(stop);
        }
        ends
    }
}

/// What is collected of a region.
#[derive(Debug, Clone)]
pub struct Collected {
    /// Volume over dose.
    pub volumes: Accumulator,
    /// With a [`Focus`]: what has to be added to get the same without cutting any cell further.
    pub uncut: Option<Accumulator>,
    /// Extremes over the middles of whole cells.
    pub extremes: Extremes,
    /// Volume without dose, mm3.
    pub missing_mm3: f64,
}

/// Whether parts without dose are left out or count as 0 Gy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outside {
    /// They have no dose and are left out.
    #[default]
    Partial,
    /// They count with 0 Gy.
    Zero,
}

/// Where to look closer: cells whose doses include a dose of interest.
///
/// A cell that lies wholly on one side of a dose adds the same volume however finely it is cut.
#[derive(Debug, Clone, PartialEq)]
pub struct Focus {
    /// Intervals of dose that matter, Gy.
    pub doses: Vec<[f64; 2]>,
    /// Each such cell is cut into this many parts along each axis.
    pub parts: u32,
}

impl Focus {
    fn holds(&self, mean: f64, width: f64) -> bool {
        let (a, b) = (mean - 0.5 * width, mean + 0.5 * width);
        self.doses.iter().any(|[lo, hi]| a <= *hi && b >= *lo)
    }
}

/// Integrates a region; `empty` is an accumulator of the right dose range.
pub fn integrate(
    solid: &Solid,
    field: &FrameField<'_>,
    level: &Level,
    focus: Option<&Focus>,
    outside: Outside,
    empty: &Accumulator,
) -> Collected {
    use rayon::prelude::*;
    let tasks = tasks(&solid.slabs, level);
    let run = |slabs: &Range<usize>| Task::new(field, level, focus, outside, empty.clone()).run(&solid.slabs[slabs.clone()]);
    if let [only] = tasks.as_slice() {
        return run(only);
    }
    let parts: Vec<Collected> = tasks.par_iter().map(run).collect();
    let mut all = Collected {
        volumes: empty.clone(),
        uncut: focus.map(|_| empty.clone()),
        extremes: Extremes::default(),
        missing_mm3: 0.0,
    };
    for part in parts {
        all.missing_mm3 += part.missing_mm3;
        if let (Some(all), Some(part)) = (&mut all.uncut, &part.uncut) {
            all.merge(part);
        }
        all.volumes.merge(&part.volumes);
        all.extremes = all.extremes.join(part.extremes);
    }
    all
}

/// Runs of slabs with about the same number of cells.
fn tasks(slabs: &[Slab], level: &Level) -> Vec<Range<usize>> {
    let cell = level.lattice.step[0] * level.lattice.step[1];
    let cells: Vec<f64> = slabs
        .iter()
        .map(|s| s.region.area_mm2() / cell * (s.thickness_mm() / level.layer_mm).ceil().max(1.0))
        .collect();
    let total: f64 = cells.iter().sum();
    let per_task = (total / MAX_TASKS as f64).max(CELLS_PER_TASK);
    let mut out = Vec::new();
    let (mut start, mut sum) = (0, 0.0);
    for (i, n) in cells.iter().enumerate() {
        sum += n;
        if sum >= per_task {
            out.push(start..i + 1);
            (start, sum) = (i + 1, 0.0);
        }
    }
    if start < slabs.len() || out.is_empty() {
        out.push(start..slabs.len());
    }
    out
}

struct Task<'a, 'd> {
    field: &'a FrameField<'d>,
    level: &'a Level,
    focus: Option<&'a Focus>,
    outside: Outside,
    row: Row,
    /// Cells of the row that are cut further.
    hot: Vec<bool>,
    out: Collected,
}

/// The cells of a slab cut further, made when first needed.
struct Finer<'a> {
    slab: &'a Slab,
    lattice: Lattice,
    rows: Option<Vec<RowCells>>,
}

impl Finer<'_> {
    fn row(&mut self, row: i64) -> Option<&RowCells> {
        let rows = self.rows.get_or_insert_with(|| region_cells(&self.slab.region, &self.lattice));
        rows.binary_search_by_key(&row, |r| r.row).ok().map(|at| &rows[at])
    }
}

/// One piece of volume in a row: its column, and what is inside of it when it is not a whole cell.
type Piece<'a> = (i64, Option<&'a PartCell>);

impl<'a, 'd> Task<'a, 'd> {
    fn new(field: &'a FrameField<'d>, level: &'a Level, focus: Option<&'a Focus>, outside: Outside, volumes: Accumulator) -> Self {
        Self {
            field,
            level,
            focus,
            outside,
            row: Row::default(),
            hot: Vec::new(),
            out: Collected {
                uncut: focus.map(|_| volumes.clone()),
                volumes,
                extremes: Extremes::default(),
                missing_mm3: 0.0,
            },
        }
    }

    fn run(mut self, slabs: &[Slab]) -> Collected {
        let lattice = &self.level.lattice;
        let fine = lattice.divided(self.focus.map_or(1, |f| f.parts));
        for slab in slabs {
            let cells = region_cells(&slab.region, lattice);
            let mut finer = Finer {
                slab,
                lattice: fine,
                rows: None,
            };
            for layer in self.level.layers(slab.range_mm).windows(2) {
                for row in &cells {
                    self.add_row(row, [layer[0], layer[1]], &mut finer);
                }
            }
        }
        self.out
    }

    /// Books a row of cells; those that the focus names are cut further.
    fn add_row(&mut self, cells: &RowCells, layer: [f64; 2], finer: &mut Finer<'_>) {
        let lattice = self.level.lattice;
        let Some(spec) = row_spec(&lattice, cells.row, cells.columns, layer) else {
            return;
        };
        if !self.field.row(&spec, &mut self.row) {
            return self.book_missing(cells, &spec);
        }
        self.hot.clear();
        self.hot.resize(spec.count, false);
        let mut any = false;
        for piece in pieces(cells) {
            let Ok(c) = usize::try_from(piece.0 - cells.columns[0]) else {
                continue;
            };
            let (mean, width, volume) = self.measure(c, piece, &spec);
            if self.focus.is_some_and(|f| f.holds(mean, width)) {
                self.hot[c] = true;
                any = true;
                self.book_uncut(c, mean, width, volume);
            } else {
                self.book(c, mean, width, volume, piece.1.is_none());
            }
        }
        if any {
            let hot = std::mem::take(&mut self.hot);
            self.add_finer(cells, layer, &hot, finer);
            self.hot = hot;
        }
    }

    /// Books the parts of the cells that `hot` marks.
    fn add_finer(&mut self, cells: &RowCells, [lo, hi]: [f64; 2], hot: &[bool], finer: &mut Finer<'_>) {
        let parts = self.focus.map_or(1, |f| f.parts);
        let n = i64::from(parts);
        let is_hot = |column: i64| usize::try_from(column.div_euclid(n) - cells.columns[0]).is_ok_and(|c| hot.get(c) == Some(&true));
        let step = (hi - lo) / f64::from(parts);
        let lattice = finer.lattice;
        for row in cells.row * n..(cells.row + 1) * n {
            let Some(fine) = finer.row(row) else { continue };
            let marked: Vec<Piece<'_>> = pieces(fine).filter(|p| is_hot(p.0)).collect();
            let columns = marked.iter().fold([i64::MAX, i64::MIN], |[a, b], p| [a.min(p.0), b.max(p.0 + 1)]);
            for part in 0..parts {
                let from = lo + step * f64::from(part);
                let Some(spec) = row_spec(&lattice, row, columns, [from, from + step]) else {
                    break;
                };
                let covered = self.field.row(&spec, &mut self.row);
                for piece in &marked {
                    let Ok(c) = usize::try_from(piece.0 - columns[0]) else { continue };
                    if covered {
                        let (mean, width, volume) = self.measure(c, *piece, &spec);
                        self.book(c, mean, width, volume, piece.1.is_none());
                        self.book_uncut(c, mean, width, -volume);
                    } else {
                        self.book_uncovered(spec.volume() * piece.1.map_or(1.0, |p| p.share));
                    }
                }
            }
        }
    }

    /// Mean dose, width of the doses, and volume of a piece.
    #[inline]
    fn measure(&self, c: usize, (_, part): Piece<'_>, spec: &RowSpec) -> (f64, f64, f64) {
        let (dose, g) = (self.row.dose[c], self.row.gradient[c]);
        let [x, y, z] = [g[0] * spec.size[0], g[1] * spec.size[1], g[2] * spec.size[2]];
        match part {
            None => (dose, (x * x + y * y + z * z).sqrt(), spec.volume()),
            Some(part) => {
                let [xx, xy, yy] = part.spread;
                let variance = x * x * xx + 2.0 * x * y * xy + y * y * yy;
                let mean = dose + x * part.centroid[0] + y * part.centroid[1];
                (mean, (12.0 * variance.max(0.0) + z * z).sqrt(), spec.volume() * part.share)
            }
        }
    }

    /// Books a piece, as far as it is covered.
    #[inline]
    fn book(&mut self, c: usize, mean: f64, width: f64, volume: f64, whole: bool) {
        let inside = self.row.inside.get(c).copied().unwrap_or(1.0);
        if inside < 1.0 {
            self.book_uncovered(volume * (1.0 - inside));
        } else if whole {
            self.out.extremes.see(mean);
        }
        if inside > 0.0 {
            self.out.volumes.add(mean, width, volume * inside);
        }
    }

    /// Books what a piece adds to or takes from the sum without further cuts.
    fn book_uncut(&mut self, c: usize, mean: f64, width: f64, volume: f64) {
        let inside = self.row.inside.get(c).copied().unwrap_or(1.0);
        if let Some(uncut) = self.out.uncut.as_mut().filter(|_| inside > 0.0) {
            uncut.add(mean, width, volume * inside);
        }
    }

    /// Books a row that has no dose.
    fn book_missing(&mut self, cells: &RowCells, spec: &RowSpec) {
        let shares: f64 = pieces(cells).map(|(_, part)| part.map_or(1.0, |p| p.share)).sum();
        self.book_uncovered(spec.volume() * shares);
    }

    fn book_uncovered(&mut self, volume: f64) {
        self.out.missing_mm3 += volume;
        if self.outside == Outside::Zero {
            self.out.volumes.add(0.0, 0.0, volume);
        }
    }
}

/// All pieces of a row: whole cells, then parts.
fn pieces(cells: &RowCells) -> impl Iterator<Item = Piece<'_>> {
    let whole = cells.whole.iter().flat_map(|run| (run[0]..run[1]).map(|c| (c, None)));
    whole.chain(cells.part.iter().map(|p| (p.column, Some(p))))
}

/// The cells of a row from the first to before the last column; `None` when there is none.
fn row_spec(lattice: &Lattice, row: i64, columns: [i64; 2], [lo, hi]: [f64; 2]) -> Option<RowSpec> {
    let count = usize::try_from(columns[1].checked_sub(columns[0])?).ok().filter(|n| *n > 0)?;
    Some(RowSpec {
        first: [lattice.middle(0, columns[0]), lattice.middle(1, row), 0.5 * (lo + hi)],
        size: [lattice.step[0], lattice.step[1], hi - lo],
        count,
    })
}
