//! Exact area, centroid and spread of a plane region in each cell of a lattice.
//!
//! The boundary is cut at the lattice lines; each piece adds its moments to its own cell and a full-width strip to all cells on its
//! right, as coverage accumulation does in font rasterisers, here carried to second order so that a dose that is linear in a cell
//! has exact mean and variance there (`spec/dvh-algorithms.md` 3 A). Regions with crossings need no special case: [`Region`] has none.

use rt_image::{Point2, Region};

/// Cells with less than this share inside are nothing, with more than one minus it are whole.
const EDGE_SHARE: f64 = 1e-9;

/// Lines of a plane lattice: cell (c, r) spans `origin + (c..c+1, r..r+1) * step`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lattice {
    /// A crossing of two lines, mm.
    pub origin: Point2,
    /// Distance of lines, mm.
    pub step: Point2,
}

impl Lattice {
    /// Lattice coordinates of a point: whole numbers on lines.
    fn scaled(&self, p: Point2) -> Point2 {
        [(p[0] - self.origin[0]) / self.step[0], (p[1] - self.origin[1]) / self.step[1]]
    }

    /// The lattice with each cell cut into `parts` along both axes: cell (c, r) becomes `(c*parts.., r*parts..)`.
    #[must_use]
    pub fn divided(&self, parts: u32) -> Self {
        Self {
            origin: self.origin,
            step: self.step.map(|s| s / f64::from(parts)),
        }
    }

    /// Position of the middle of a cell along an axis, mm.
    pub fn middle(&self, axis: usize, cell: i64) -> f64 {
        self.origin[axis] + (cell as f64 + 0.5) * self.step[axis]
    }
}

/// A cell that is partly inside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PartCell {
    /// Column.
    pub column: i64,
    /// Share of the cell inside, 0 to 1.
    pub share: f64,
    /// Centroid of the inside part against the middle of the cell, in cell widths and heights.
    pub centroid: Point2,
    /// Variances `xx`, `xy`, `yy` of the inside part about its centroid, in cell widths and heights.
    pub spread: [f64; 3],
}

/// The cells of one row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RowCells {
    /// Row.
    pub row: i64,
    /// First and one-past-last column that holds anything.
    pub columns: [i64; 2],
    /// Runs of whole cells: first and one-past-last column.
    pub whole: Vec<[i64; 2]>,
    /// Cells that are partly inside, by column.
    pub part: Vec<PartCell>,
}

/// Moments of the inside part of a cell about its middle: area, x, y, xx, xy, yy.
type Moments = [f64; 6];

/// Part of the boundary within one row: end points in lattice coordinates.
#[derive(Clone, Copy)]
struct Piece {
    row: i64,
    a: Point2,
    b: Point2,
}

/// The cells of a region, row by row in ascending order; rows without cells are left out.
pub fn region_cells(region: &Region, lattice: &Lattice) -> Vec<RowCells> {
    let mut pieces = Vec::with_capacity(region.edges().len() * 2);
    for edge in region.edges() {
        cut_at_rows(lattice.scaled(edge.a), lattice.scaled(edge.b), &mut pieces);
    }
    pieces.sort_by_key(|p| p.row);
    let mut buffer = RowBuffer::default();
    pieces.chunk_by(|a, b| a.row == b.row).filter_map(|row| buffer.row(row)).collect()
}

/// Largest lattice index that is used; coordinates beyond are clamped.
const INDEX_LIMIT: f64 = 1e9;

#[expect(clippy::cast_possible_truncation, reason = "clamped to the lattice's index range")]
fn floor(x: f64) -> i64 {
    x.floor().clamp(-INDEX_LIMIT, INDEX_LIMIT) as i64
}

/// Cuts a boundary piece at the lines between rows.
fn cut_at_rows(a: Point2, b: Point2, out: &mut Vec<Piece>) {
    let upward = b[1] > a[1];
    let (lo, hi) = if upward { (a, b) } else { (b, a) };
    let (first, last) = (floor(lo[1]), floor(hi[1]));
    let slope = (hi[0] - lo[0]) / (hi[1] - lo[1]);
    let mut from = lo;
    for row in first..=last {
        let line = (row + 1) as f64;
        let to = if row == last || line >= hi[1] {
            hi
        } else {
            [lo[0] + (line - lo[1]) * slope, line]
        };
        if to[1] > from[1] {
            let (a, b) = if upward { (from, to) } else { (to, from) };
            out.push(Piece { row, a, b });
        }
        from = to;
    }
}

/// Accumulators of one row.
#[derive(Default)]
struct RowBuffer {
    own: Vec<Moments>,
    /// Area, y and yy moments of full-width strips that begin in the next cell.
    strip: Vec<[f64; 3]>,
}

impl RowBuffer {
    fn row(&mut self, pieces: &[Piece]) -> Option<RowCells> {
        let row = pieces.first()?.row;
        let xs = || pieces.iter().flat_map(|p| [p.a[0], p.b[0]]);
        let first = floor(xs().fold(f64::INFINITY, f64::min));
        let last = floor(xs().fold(f64::NEG_INFINITY, f64::max));
        let n = usize::try_from(last - first + 1).ok()?;
        self.own.clear();
        self.own.resize(n, [0.0; 6]);
        self.strip.clear();
        self.strip.resize(n + 1, [0.0; 3]);
        let middle = row as f64 + 0.5;
        for piece in pieces {
            self.add_piece([piece.a[0], piece.a[1] - middle], [piece.b[0], piece.b[1] - middle], first);
        }
        Some(self.collect(row, first))
    }

    /// Cuts a piece at the columns and adds each part; y is measured from the middle of the row.
    fn add_piece(&mut self, a: Point2, b: Point2, first: i64) {
        let rightward = b[0] > a[0];
        let (lo, hi) = if rightward { (a, b) } else { (b, a) };
        let (start, end) = (floor(lo[0]), floor(hi[0]));
        let slope = if end > start { (hi[1] - lo[1]) / (hi[0] - lo[0]) } else { 0.0 };
        let mut from = lo;
        for column in start..=end {
            let line = (column + 1) as f64;
            let to = if column == end {
                hi
            } else {
                [line, lo[1] + (line - lo[0]) * slope]
            };
            let (p, q) = if rightward { (from, to) } else { (to, from) };
            let middle = column as f64 + 0.5;
            if let Ok(at) = usize::try_from(column - first) {
                self.add_part(at, [p[0] - middle, p[1]], [q[0] - middle, q[1]]);
            }
            from = to;
        }
    }

    /// Adds the part of cell `at` to the right of a boundary piece (negative where the piece runs upwards), and the strip beyond.
    ///
    /// All integrands are cubic along the piece, so Simpson's rule is exact.
    fn add_part(&mut self, at: usize, p: Point2, q: Point2) {
        let dy = q[1] - p[1];
        if dy == 0.0 {
            return;
        }
        let m = [0.5 * (p[0] + q[0]), 0.5 * (p[1] + q[1])];
        let own = &mut self.own[at];
        let strip = &mut self.strip[at + 1];
        for (w, [x, y]) in [(dy / 6.0, p), (dy * (4.0 / 6.0), m), (dy / 6.0, q)] {
            let width = 0.5 - x;
            let first = 0.5 * (0.25 - x * x);
            own[0] -= w * width;
            own[1] -= w * first;
            own[2] -= w * y * width;
            own[3] -= w * (0.125 - x * x * x) / 3.0;
            own[4] -= w * y * first;
            own[5] -= w * y * y * width;
            strip[0] -= w;
            strip[1] -= w * y;
            strip[2] -= w * y * y;
        }
    }

    fn collect(&self, row: i64, first: i64) -> RowCells {
        let mut cells = RowCells {
            row,
            columns: [i64::MAX, i64::MIN],
            ..RowCells::default()
        };
        let mut cover = [0.0; 3];
        for (at, (column, own)) in (first..).zip(&self.own).enumerate() {
            for (c, s) in cover.iter_mut().zip(self.strip[at]) {
                *c += s;
            }
            let share = own[0] + cover[0];
            if share <= EDGE_SHARE {
                continue;
            }
            cells.columns = [cells.columns[0].min(column), column + 1];
            if share >= 1.0 - EDGE_SHARE {
                match cells.whole.last_mut() {
                    Some(run) if run[1] == column => run[1] += 1,
                    _ => cells.whole.push([column, column + 1]),
                }
            } else {
                cells.part.push(part_cell(column, own, cover));
            }
        }
        cells
    }
}

/// Turns moments about the middle of a cell into centroid and spread.
fn part_cell(column: i64, own: &Moments, cover: [f64; 3]) -> PartCell {
    let share = own[0] + cover[0];
    let centroid = [own[1] / share, (own[2] + cover[1]) / share];
    let xx = (own[3] + cover[0] / 12.0) / share - centroid[0] * centroid[0];
    let xy = own[4] / share - centroid[0] * centroid[1];
    let yy = (own[5] + cover[2]) / share - centroid[1] * centroid[1];
    PartCell {
        column,
        share,
        centroid: centroid.map(|c| c.clamp(-0.5, 0.5)),
        spread: [xx.clamp(0.0, 0.25), xy.clamp(-0.25, 0.25), yy.clamp(0.0, 0.25)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rt_image::Overlap;

    const UNIT: Lattice = Lattice {
        origin: [0.0, 0.0],
        step: [1.0, 1.0],
    };

    fn cells(polygons: &[Vec<Point2>], lattice: &Lattice) -> Vec<RowCells> {
        region_cells(&Region::from_polygons(polygons, Overlap::Xor), lattice)
    }

    fn area(rows: &[RowCells], lattice: &Lattice) -> f64 {
        let whole = |r: &RowCells| r.whole.iter().map(|w| (w[1] - w[0]) as f64).sum::<f64>();
        let part = |r: &RowCells| r.part.iter().map(|p| p.share).sum::<f64>();
        rows.iter().map(|r| whole(r) + part(r)).sum::<f64>() * lattice.step[0] * lattice.step[1]
    }

    #[test]
    fn a_triangle_in_one_cell_has_its_textbook_moments() {
        // Corners (0,0), (1,0), (0,1): area 1/2, centroid (1/3, 1/3), variance 1/18, covariance -1/36.
        let rows = cells(&[vec![[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]], &UNIT);
        assert_eq!((rows.len(), rows[0].part.len(), rows[0].whole.len()), (1, 1, 0));
        let p = rows[0].part[0];
        let want = [0.5, 1.0 / 3.0 - 0.5, 1.0 / 3.0 - 0.5, 1.0 / 18.0, -1.0 / 36.0, 1.0 / 18.0];
        let got = [p.share, p.centroid[0], p.centroid[1], p.spread[0], p.spread[1], p.spread[2]];
        for (g, w) in got.iter().zip(want) {
            assert!((g - w).abs() < 1e-14, "{got:?}");
        }
    }

    #[test]
    fn a_box_off_the_lattice_has_whole_and_part_cells() {
        // x from 0.25 to 3.5, y from 0 to 1: share 3/4, two whole cells, share 1/2.
        let rows = cells(&[vec![[0.25, 0.0], [3.5, 0.0], [3.5, 1.0], [0.25, 1.0]]], &UNIT);
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].whole.clone(), rows[0].columns), (vec![[1, 3]], [0, 4]));
        for (part, (column, share, centroid)) in rows[0].part.iter().zip([(0, 0.75, 0.125), (3, 0.5, -0.25)]) {
            assert_eq!(part.column, column);
            assert!((part.share - share).abs() < 1e-14 && (part.centroid[0] - centroid).abs() < 1e-14);
        }
        // A box a quarter wide in the middle of a cell: variance 1/12 of the squared width.
        let rows = cells(&[vec![[0.5, 0.5], [0.75, 0.5], [0.75, 0.75], [0.5, 0.75]]], &UNIT);
        let p = rows[0].part[0];
        assert!((p.spread[0] - 0.0625 / 12.0).abs() < 1e-15 && p.spread[1].abs() < 1e-15);
    }

    #[test]
    fn a_cell_inside_a_hole_is_empty() {
        let square = |lo: f64, hi: f64| vec![[lo, lo], [hi, lo], [hi, hi], [lo, hi]];
        let rows = cells(&[square(0.0, 5.0), square(1.0, 4.0)], &UNIT);
        assert_eq!(rows.len(), 5);
        assert_eq!(rows[2].whole, vec![[0, 1], [4, 5]]);
        assert!((area(&rows, &UNIT) - 16.0).abs() < 1e-12);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn cells_add_up_to_area_and_first_moment(
            points in prop::collection::vec((-8.0f64..8.0, -8.0f64..8.0), 3..12),
            sx in 0.2f64..5.0, sy in 0.2f64..5.0, ox in -1.0f64..1.0,
        ) {
            let polygon: Vec<Point2> = points.into_iter().map(|(x, y)| [x, y]).collect();
            let region = Region::from_polygons(std::slice::from_ref(&polygon), Overlap::Xor);
            let lattice = Lattice { origin: [ox, 0.3], step: [sx, sy] };
            let rows = region_cells(&region, &lattice);
            prop_assert!((area(&rows, &lattice) - region.area_mm2()).abs() < 1e-7);
            // First and second moment against line integrals over the boundary: x dy dx = x^2/2 dy, x^2 = x^3/3 dy.
            let (mut mx, mut mxx) = (0.0, 0.0);
            for r in &rows {
                let cell = sx * sy;
                for w in &r.whole {
                    for c in w[0]..w[1] {
                        let x = lattice.middle(0, c);
                        mx += cell * x;
                        mxx += cell * (x * x + sx * sx / 12.0);
                    }
                }
                for p in &r.part {
                    let x = lattice.middle(0, p.column) + p.centroid[0] * sx;
                    mx += cell * p.share * x;
                    mxx += cell * p.share * (x * x + p.spread[0] * sx * sx);
                }
            }
            let (mut want, mut want2) = (0.0, 0.0);
            for e in region.edges() {
                let (a, b, dy) = (e.a[0], e.b[0], e.b[1] - e.a[1]);
                want += dy * (a * a + a * b + b * b) / 6.0;
                want2 += dy * (a * a * a + a * a * b + a * b * b + b * b * b) / 12.0;
            }
            prop_assert!((mx - want).abs() < 1e-5, "{} {}", mx, want);
            prop_assert!((mxx - want2).abs() < 1e-4, "{} {}", mxx, want2);
        }
    }
}
