//! Between the affine of a NIfTI header (RAS, mm) and a [`Grid`] (LPS, mm).
//!
//! RAS counts x to the right and y to the front, LPS x to the left and y to the back; both count z to the head. The change is
//! its own inverse: negate the first two rows.

use rt_core::{Grid, GridError, Mat3, Vec3};

/// Which header fields gave the positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GeometrySource {
    /// Our own extension, which agrees with the sform: `f64` as written.
    Exact,
    /// The sform matrix.
    Sform,
    /// The qform quaternion, offset and `pixdim`.
    Qform,
    /// Neither form is set: `pixdim` alone, axes taken as +x, +y, +z of RAS, first voxel at 0. Positions in the patient are unknown.
    PixdimOnly,
}

/// Three rows of a 4x4 affine from voxel indices to RAS mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Affine(pub(crate) [[f64; 4]; 3]);

impl Affine {
    /// Affine of a grid; uneven slices are taken at their mean gap.
    pub(crate) fn of_grid(grid: &Grid) -> Self {
        let (d, s, o) = (grid.direction(), grid.spacing(), grid.origin());
        let lps = [d.x_axis * s[0], d.y_axis * s[1], d.z_axis * s[2], o];
        let row = |a: usize| lps.map(|column| flip(a, column[a]));
        Self([row(0), row(1), row(2)])
    }

    /// The grid that the affine places `size` voxels on.
    ///
    /// `stated` is the spacing that `pixdim` gives: it is taken where it is the length of the column up to the precision of `f32`, because the
    /// length of an oblique column is not.
    pub(crate) fn to_grid(self, size: [usize; 3], stated: [f64; 3]) -> Result<Grid, GridError> {
        let column = |c: usize| Vec3::new(flip(0, self.0[0][c]), flip(1, self.0[1][c]), self.0[2][c]);
        let (u, v, w) = (column(0), column(1), column(2));
        let spacing = [u.length(), v.length(), w.length()];
        if spacing.iter().any(|s| !s.is_finite() || *s <= 0.0) {
            return Err(GridError::BadSpacing(spacing));
        }
        let direction = Mat3::from_cols(u / spacing[0], v / spacing[1], w / spacing[2]);
        let same = |n: usize| (spacing[n] - stated[n]).abs() <= 1e-6 * spacing[n];
        let spacing = [0, 1, 2].map(|n| if same(n) { stated[n] } else { spacing[n] });
        Grid::new(size, column(3), spacing, direction)
    }

    /// Positions scaled to mm.
    pub(crate) fn scaled(self, mm: f64) -> Self {
        Self(self.0.map(|row| row.map(|x| x * mm)))
    }

    #[expect(clippy::many_single_char_names, reason = "the names of the definition")]
    /// The affine of a qform: quaternion (b, c, d), offset, `pixdim[1..=3]` and handedness `pixdim[0]`.
    pub(crate) fn of_qform(q: &Qform) -> Self {
        let [mut b, mut c, mut d] = q.bcd;
        let square = b * b + c * c + d * d;
        let a = if square > 1.0 - 1e-7 {
            let n = square.sqrt();
            (b, c, d) = (b / n, c / n, d / n);
            0.0
        } else {
            (1.0 - square).sqrt()
        };
        let r = [
            [a * a + b * b - c * c - d * d, 2.0 * (b * c - a * d), 2.0 * (b * d + a * c)],
            [2.0 * (b * c + a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d - a * b)],
            [2.0 * (b * d - a * c), 2.0 * (c * d + a * b), a * a + d * d - c * c - b * b],
        ];
        let [si, sj, sk] = q.spacing;
        let row = |n: usize| [r[n][0] * si, r[n][1] * sj, r[n][2] * sk * q.handedness, q.offset[n]];
        Self([row(0), row(1), row(2)])
    }

    /// The affine of a file without sform and qform (method 1 of the definition).
    pub(crate) fn of_pixdim(spacing: [f64; 3]) -> Self {
        let [si, sj, sk] = spacing;
        Self([[si, 0.0, 0.0, 0.0], [0.0, sj, 0.0, 0.0], [0.0, 0.0, sk, 0.0]])
    }
}

/// LPS to RAS and back, coordinate `axis`; zero keeps its sign, so that equal grids give equal bytes.
fn flip(axis: usize, x: f64) -> f64 {
    if axis < 2 && x != 0.0 { -x } else { x }
}

/// The fields of a qform.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Qform {
    pub(crate) bcd: [f64; 3],
    pub(crate) offset: [f64; 3],
    pub(crate) spacing: [f64; 3],
    /// `pixdim[0]`: +1 or -1.
    pub(crate) handedness: f64,
}

impl Qform {
    /// The qform of a grid with perpendicular axes; `None` when it is sheared, which a qform cannot say.
    pub(crate) fn of_grid(grid: &Grid) -> Option<Self> {
        if !grid.is_right_angled(0.01) {
            return None;
        }
        let Affine(rows) = Affine::of_grid(grid);
        let spacing = grid.spacing();
        let column = |c: usize| Vec3::new(rows[0][c], rows[1][c], rows[2][c]) / spacing[c];
        let (u, v, w) = (column(0), column(1), column(2));
        let handedness = if u.cross(v).dot(w) < 0.0 { -1.0 } else { 1.0 };
        Some(Self {
            bcd: quaternion(u, v, w * handedness),
            offset: [rows[0][3], rows[1][3], rows[2][3]],
            spacing,
            handedness,
        })
    }
}

#[expect(clippy::many_single_char_names, reason = "the names of the definition")]
/// (b, c, d) of the unit quaternion with a >= 0 of the rotation with columns `u`, `v`, `w`: the largest component is found first, so that
/// nothing is divided by a small number (Shepperd 1978).
fn quaternion(u: Vec3, v: Vec3, w: Vec3) -> [f64; 3] {
    let trace = u.x + v.y + w.z;
    let squares = [trace, u.x * 2.0 - trace, v.y * 2.0 - trace, w.z * 2.0 - trace];
    let largest = (0..4).fold(0, |best, n| if squares[n] > squares[best] { n } else { best });
    let twice = (1.0 + squares[largest]).max(0.0).sqrt();
    let (half, f) = (twice / 2.0, 0.5 / twice);
    let [a, b, c, d] = match largest {
        0 => [half, (v.z - w.y) * f, (w.x - u.z) * f, (u.y - v.x) * f],
        1 => [(v.z - w.y) * f, half, (v.x + u.y) * f, (w.x + u.z) * f],
        2 => [(w.x - u.z) * f, (v.x + u.y) * f, half, (w.y + v.z) * f],
        _ => [(u.y - v.x) * f, (w.x + u.z) * f, (w.y + v.z) * f, half],
    };
    if a < 0.0 { [-b, -c, -d] } else { [b, c, d] }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "values are exact by construction")]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_conversion_rule() {
        // spec/ingest.md 1.15: ps = [1.5, 2.0] (row distance, column distance), dz 3, 4 rows x 5 columns, IPP (-30, -20, 100), head first supine,
        // rows stored bottom-up: first voxel at y = -20 + 1.5 * 3 = -15.5.
        let direction = Mat3::from_cols(Vec3::X, Vec3::NEG_Y, Vec3::Z);
        let grid = Grid::new([5, 4, 2], Vec3::new(-30.0, -15.5, 100.0), [2.0, 1.5, 3.0], direction).unwrap();
        let rows = Affine::of_grid(&grid).0;
        assert_eq!(rows, [[-2.0, 0.0, 0.0, 30.0], [0.0, 1.5, 0.0, 15.5], [0.0, 0.0, 3.0, 100.0]]);
        let q = Qform::of_grid(&grid).unwrap();
        assert_eq!(q.handedness, -1.0);
        // Columns -x, y and (after the handedness) -z: half a turn about y, quaternion (0, 0, 1, 0).
        assert_eq!(q.bcd, [0.0, 1.0, 0.0]);
    }

    #[test]
    fn quaternion_of_a_quarter_turn_about_z() {
        // Turn by 90 degrees about z: (cos 45, 0, 0, sin 45).
        let [b, c, d] = quaternion(Vec3::Y, Vec3::NEG_X, Vec3::Z);
        assert!(b.abs() < 1e-15 && c.abs() < 1e-15 && (d - 0.5f64.sqrt()).abs() < 1e-15);
    }

    #[test]
    fn all_turns_survive_the_quaternion() {
        for step in 0..500 {
            let t = f64::from(step) * 0.37;
            let turn = Mat3::from_rotation_z(t) * Mat3::from_rotation_y(1.7 * t + 0.4) * Mat3::from_rotation_x(0.3 * t - 1.0);
            let sign = if step % 2 == 0 { 1.0 } else { -1.0 };
            let direction = Mat3::from_cols(turn.x_axis, turn.y_axis, turn.z_axis * sign);
            let grid = Grid::new([2, 2, 2], Vec3::new(1.0, 2.0, 3.0), [0.5, 0.6, 0.7], direction).unwrap();
            let from_q = Affine::of_qform(&Qform::of_grid(&grid).unwrap()).0;
            let direct = Affine::of_grid(&grid).0;
            for (x, y) in from_q.iter().flatten().zip(direct.iter().flatten()) {
                assert!((x - y).abs() < 5e-4, "step {step}: {x} against {y}");
            }
        }
    }

    #[test]
    fn a_sheared_grid_has_no_qform() {
        let w = Vec3::new(0.0, 0.2, 1.0).normalize();
        let grid = Grid::new([2, 2, 2], Vec3::ZERO, [1.0; 3], Mat3::from_cols(Vec3::X, Vec3::Y, w)).unwrap();
        assert!(Qform::of_grid(&grid).is_none());
    }
}
