//! Samples of one grid at the voxel centres of another.
//!
//! Where the axes of both grids are parallel the three axes are mixed one after the other (slices, rows, columns), else each voxel is
//! looked up by itself; both ways give the same values. Only nearest is right for masks and label maps.

use std::sync::Arc;

use ndarray::parallel::prelude::*;
use ndarray::{Array2, Array3, ArrayView3, ArrayViewMut2, Axis, s};
use rt_core::{Bounds, Grid, GridError, Mat3, Vec3};

use crate::interp::{Kernel, Rim, Taps, to_spline_coefficients};
use crate::{Mask, Volume, VolumeView};

/// How a volume is resampled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResampleOptions {
    /// How values between samples are made.
    pub kernel: Kernel,
    /// Value where the source has none.
    pub outside: f32,
    /// How far beyond its outermost centres the source reaches.
    pub rim: Rim,
}

/// The values of a volume at the voxel centres of another grid, `f32`, computed in `f64`.
///
/// The cubic kernel needs a working copy of the source in `f64`.
pub fn resample<T>(source: VolumeView<'_, T>, onto: &Arc<Grid>, options: ResampleOptions) -> Volume<f32>
where
    T: Copy + Into<f64> + Sync,
{
    match options.kernel {
        Kernel::Cubic => {
            let mut spline = source.data().map(|v| (*v).into());
            to_spline_coefficients(&mut spline);
            sample(source.grid(), spline.view(), onto, options)
        }
        Kernel::Nearest | Kernel::Linear => sample(source.grid(), source.data(), onto, options),
    }
}

fn sample<T>(from: &Grid, data: ArrayView3<'_, T>, onto: &Arc<Grid>, options: ResampleOptions) -> Volume<f32>
where
    T: Copy + Into<f64> + Sync,
{
    let mut out = Volume::filled(Arc::clone(onto), options.outside);
    let tables = parallel_axes(from, onto).then(|| [0, 1, 2].map(|a| axis_taps(from, onto, a, options)));
    out.data_mut().axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each_init(
        || Array2::<f64>::zeros((0, 0)),
        |mixed, (k, mut plane)| match &tables {
            Some(tables) => slice_by_axes(&mut plane, data, tables, k, mixed),
            None => slice_by_voxels(&mut plane, from, data, onto, k, options),
        },
    );
    out
}

/// Whether i, j and k of both grids run along the same lines, in either direction.
fn parallel_axes(a: &Grid, b: &Grid) -> bool {
    let (a, b) = (a.direction(), b.direction());
    (0..3).all(|x| a.col(x).cross(b.col(x)).length() < 1e-9)
}

/// For each voxel of an axis of `onto`, the samples of `from` to mix.
fn axis_taps(from: &Grid, onto: &Grid, axis: usize, options: ResampleOptions) -> Vec<Option<Taps>> {
    (0..onto.size()[axis])
        .map(|n| {
            let mut at = [0; 3];
            at[axis] = n;
            let x = from.world_to_index(onto.centre(at[0], at[1], at[2]))[axis];
            Taps::at(options.kernel, x, from.size()[axis], options.rim)
        })
        .collect()
}

/// One slice with all axes parallel: mixes source slices, then rows, then columns.
fn slice_by_axes<T>(
    plane: &mut ArrayViewMut2<'_, f32>,
    data: ArrayView3<'_, T>,
    tables: &[Vec<Option<Taps>>; 3],
    k: usize,
    mixed: &mut Array2<f64>,
) where
    T: Copy + Into<f64>,
{
    let [columns, rows, slices] = tables;
    let (Some(slice), Some([j0, j1]), Some([i0, i1])) = (&slices[k], used(rows), used(columns)) else {
        return;
    };
    if mixed.dim() != (j1 + 1 - j0, i1 + 1 - i0) {
        *mixed = Array2::zeros((j1 + 1 - j0, i1 + 1 - i0));
    }
    mixed.fill(0.0);
    for (source, w) in slice.iter() {
        mixed.zip_mut_with(&data.slice(s![source, j0..=j1, i0..=i1]), |m, v| *m += w * (*v).into());
    }
    let mut line = vec![0.0; i1 + 1 - i0];
    for (j, row) in rows.iter().enumerate() {
        let Some(row) = row else { continue };
        line.fill(0.0);
        for (source, w) in row.iter() {
            line.iter_mut().zip(mixed.row(source - j0)).for_each(|(l, m)| *l += w * m);
        }
        for (out, column) in plane.row_mut(j).iter_mut().zip(columns) {
            if let Some(column) = column {
                *out = single(column.iter().map(|(source, w)| w * line[source - i0]).sum());
            }
        }
    }
}

/// Lowest and highest sample that any position of an axis needs.
fn used(table: &[Option<Taps>]) -> Option<[usize; 2]> {
    let ranges = table.iter().flatten().map(Taps::range);
    ranges.reduce(|a, b| [a[0].min(b[0]), a[1].max(b[1])])
}

/// One slice of any orientation, voxel by voxel.
fn slice_by_voxels<T>(
    plane: &mut ArrayViewMut2<'_, f32>,
    from: &Grid,
    data: ArrayView3<'_, T>,
    onto: &Grid,
    k: usize,
    options: ResampleOptions,
) where
    T: Copy + Into<f64>,
{
    let size = from.size();
    for ((j, i), out) in plane.indexed_iter_mut() {
        let at = from.world_to_index(onto.centre(i, j, k));
        let taps = |a: usize| Taps::at(options.kernel, at[a], size[a], options.rim);
        let (Some(x), Some(y), Some(z)) = (taps(0), taps(1), taps(2)) else {
            continue;
        };
        let mut value = 0.0;
        for (c, wc) in z.iter() {
            for (b, wb) in y.iter() {
                for (a, wa) in x.iter() {
                    value += wc * wb * wa * data[[c, b, a]].into();
                }
            }
        }
        *out = single(value);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "samples are kept in single precision")]
fn single(v: f64) -> f32 {
    v as f32
}

/// Labels at the voxel centres of another grid, nearest; `outside` where the source has none.
pub fn resample_labels<T>(source: VolumeView<'_, T>, onto: &Arc<Grid>, outside: T) -> Volume<T>
where
    T: Copy + Send + Sync,
{
    let (from, data) = (source.grid(), source.data());
    let mut out = Volume::filled(Arc::clone(onto), outside);
    out.data_mut()
        .axis_iter_mut(Axis(0))
        .into_par_iter()
        .enumerate()
        .for_each(|(k, mut plane)| {
            for ((j, i), v) in plane.indexed_iter_mut() {
                if let Some([a, b, c]) = nearest(from, onto.centre(i, j, k)) {
                    *v = data[[c, b, a]];
                }
            }
        });
    out
}

/// The voxel that holds a position; `None` beyond the outer faces.
fn nearest(grid: &Grid, p: Vec3) -> Option<[usize; 3]> {
    let at = grid.world_to_index(p);
    let mut out = [0; 3];
    for a in 0..3 {
        out[a] = Taps::at(Kernel::Nearest, at[a], grid.size()[a], Rim::HalfVoxel)?.range()[0];
    }
    Some(out)
}

/// The mask on another grid: a voxel is inside when the voxel of the mask that holds its centre is.
///
/// Check the volume afterwards: a mask thinner than the new voxels may lose parts.
pub fn resample_mask(mask: &Mask, onto: &Arc<Grid>) -> Mask {
    let from = mask.grid();
    let (lo, size) = (mask.lo(), mask.size());
    let corners = (0..8usize).map(|c| {
        let at = |a: usize| {
            if c >> a & 1 == 0 {
                lo[a] as f64 - 0.5
            } else {
                (lo[a] + size[a]) as f64 - 0.5
            }
        };
        onto.world_to_index(from.index_to_world(Vec3::new(at(0), at(1), at(2))))
    });
    let last = Vec3::from_array(onto.size().map(|n| n as f64 - 1.0));
    let within = Bounds { lo: Vec3::ZERO, hi: last };
    let around = Bounds::of(corners).filter(|_| !mask.is_empty()).and_then(|b| {
        Bounds {
            lo: b.lo.floor(),
            hi: b.hi.ceil(),
        }
        .intersection(&within)
    });
    let Some(around) = around else {
        return Mask::empty(onto);
    };
    let first = around.lo.to_array().map(index);
    let count = [0, 1, 2].map(|a| index(around.hi[a]) + 1 - first[a]);
    let mut block = Array3::<u8>::zeros((count[2], count[1], count[0]));
    block.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(k, mut plane)| {
        for ((j, i), v) in plane.indexed_iter_mut() {
            let p = onto.centre(first[0] + i, first[1] + j, first[2] + k);
            *v = nearest(from, p).map_or(0, |[a, b, c]| u8::from(mask.contains(a, b, c)));
        }
    });
    Mask::from_tight_or_loose(onto, first, block)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "limited to the voxels of the grid"
)]
fn index(v: f64) -> usize {
    v as usize
}

/// A grid with perpendicular axes and even slices that covers all voxel centres of a sheared or uneven one.
///
/// In-plane axes and spacing stay, the slice spacing is the mean distance of the slice planes. A grid that is right-angled and even
/// comes back as it is.
///
/// # Errors
/// [`GridError`] when the grid is so sheared that its slices nearly coincide.
pub fn upright_grid(grid: &Grid) -> Result<Grid, GridError> {
    if grid.is_right_angled(0.05) && grid.is_uniform() {
        return Ok(grid.clone());
    }
    let (u, v) = (grid.direction().x_axis, grid.direction().y_axis);
    let lean = grid.direction().z_axis.dot(grid.normal());
    let n = grid.normal() * lean.signum();
    let spacing = [grid.spacing()[0], grid.spacing()[1], grid.spacing()[2] * lean.abs()];
    let directions = Mat3::from_cols(u, v, n);
    let last = grid.size().map(|c| c - 1);
    let local = (0..8usize).map(|c| {
        let at = |a: usize| if c >> a & 1 == 0 { 0 } else { last[a] };
        directions.transpose() * (grid.centre(at(0), at(1), at(2)) - grid.origin())
    });
    let Some(around) = Bounds::of(local) else {
        return Ok(grid.clone());
    };
    let extent = around.extent();
    let size = [0, 1, 2].map(|a| index((extent[a] / spacing[a] - 1e-6).ceil().max(0.0)) + 1);
    Grid::new(size, grid.origin() + directions * around.lo, spacing, directions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(grid: &Arc<Grid>) -> Volume<f32> {
        let data = Array3::from_shape_fn(grid.shape(), |(k, j, i)| {
            let p = grid.centre(i, j, k);
            single(2.0 * p.x - 3.0 * p.y + 0.5 * p.z)
        });
        Volume::new(Arc::clone(grid), data).unwrap()
    }

    fn options(kernel: Kernel) -> ResampleOptions {
        ResampleOptions {
            kernel,
            outside: -1000.0,
            rim: Rim::None,
        }
    }

    fn turned(angle: f64) -> Mat3 {
        let (s, c) = angle.to_radians().sin_cos();
        Mat3::from_cols(Vec3::new(c, s, 0.0), Vec3::new(-s, c, 0.0), Vec3::Z)
    }

    #[test]
    fn a_plane_field_stays_what_it_is_on_any_grid() {
        let from = Arc::new(Grid::axis_aligned([20, 22, 12], Vec3::new(-10.0, -11.0, -12.0), [1.0, 1.0, 2.0]).unwrap());
        let source = ramp(&from);
        let flipped = Mat3::from_cols(Vec3::X, Vec3::NEG_Y, Vec3::NEG_Z);
        for (direction, origin) in [
            (Mat3::IDENTITY, Vec3::new(-4.2, -4.7, -5.1)),
            (flipped, Vec3::new(-4.2, 4.4, 5.3)),
            (turned(30.0), Vec3::new(-1.2, -4.7, -5.1)),
        ] {
            let onto = Arc::new(Grid::new([7, 8, 5], origin, [0.7, 0.9, 1.3], direction).unwrap());
            let out = resample(source.view(), &onto, options(Kernel::Linear));
            for (a, b) in out.data().iter().zip(ramp(&onto).data()) {
                assert!((a - b).abs() < 1e-4, "{a} {b}");
            }
        }
    }

    #[test]
    fn both_ways_give_the_same_values() {
        let from = Arc::new(Grid::axis_aligned([9, 10, 11], Vec3::ZERO, [1.0, 1.1, 2.0]).unwrap());
        let data = Array3::from_shape_fn(from.shape(), |(k, j, i)| ((k * 37 + j * 101 + i * 53) % 17) as f32);
        let source = Volume::new(Arc::clone(&from), data).unwrap();
        let onto = |angle: f64| Arc::new(Grid::new([12, 12, 12], Vec3::new(-0.71, 0.23, 0.41), [0.8, 0.8, 1.4], turned(angle)).unwrap());
        for kernel in [Kernel::Nearest, Kernel::Linear, Kernel::Cubic] {
            let by_axes = resample(source.view(), &onto(0.0), options(kernel));
            // Turned by a hair: the same positions, by the other way.
            let by_voxels = resample(source.view(), &onto(1e-7), options(kernel));
            assert!(parallel_axes(&from, by_axes.grid()) && !parallel_axes(&from, by_voxels.grid()));
            for (a, b) in by_axes.data().iter().zip(by_voxels.data()) {
                assert!((a - b).abs() < 1e-4, "{kernel:?} {a} {b}");
            }
        }
    }

    #[test]
    fn outside_is_the_given_value_and_the_rim_is_a_choice() {
        let from = Arc::new(Grid::axis_aligned([3, 3, 3], Vec3::ZERO, [1.0; 3]).unwrap());
        let source = Volume::filled(Arc::clone(&from), 7.0f32);
        let onto = Arc::new(Grid::axis_aligned([3, 1, 1], Vec3::new(-1.0, 1.0, 1.0), [0.6, 1.0, 1.0]).unwrap());
        // Centres at -1, -0.4 and 0.2.
        let values = |rim| {
            let o = ResampleOptions {
                rim,
                ..options(Kernel::Linear)
            };
            resample(source.view(), &onto, o).into_data().into_raw_vec_and_offset().0
        };
        let near = |a: Vec<f32>, b: [f32; 3]| a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-5);
        assert!(near(values(Rim::None), [-1000.0, -1000.0, 7.0]));
        assert!(near(values(Rim::HalfVoxel), [-1000.0, 7.0, 7.0]));
    }

    #[test]
    fn masks_keep_their_volume_on_a_turned_grid() {
        let from = Arc::new(Grid::axis_aligned([60, 60, 30], Vec3::splat(-30.0), [1.0, 1.0, 2.0]).unwrap());
        let block = Array3::from_shape_fn(from.shape(), |(k, j, i)| u8::from(from.centre(i, j, k).length() <= 15.0));
        let mask = Mask::from_block(&from, [0; 3], block).unwrap();
        let onto = Arc::new(Grid::new([50, 50, 50], Vec3::new(-5.0, -35.0, -25.0), [1.0; 3], turned(40.0)).unwrap());
        let out = resample_mask(&mask, &onto);
        assert!((out.volume().value() / mask.volume().value() - 1.0).abs() < 0.01);
        let labels = Volume::new(Arc::clone(&from), mask.block_in([0; 3], from.size()).unwrap()).unwrap();
        let by_labels = resample_labels(labels.view(), &onto, 0);
        assert_eq!(Mask::from_array(&onto, by_labels.data().view(), |v| *v != 0).unwrap(), out);
        assert_eq!(resample_mask(&mask, &from), mask);
        let far = Arc::new(Grid::axis_aligned([5, 5, 5], Vec3::splat(500.0), [1.0; 3]).unwrap());
        assert!(resample_mask(&mask, &far).is_empty());
    }

    #[test]
    fn an_upright_grid_covers_the_tilted_one() {
        let w = Vec3::new(0.0, 0.2, 0.96_f64.sqrt());
        let tilted = Grid::new(
            [10, 20, 15],
            Vec3::new(1.0, 2.0, 3.0),
            [1.0, 1.0, 3.0],
            Mat3::from_cols(Vec3::X, Vec3::Y, w),
        )
        .unwrap();
        let upright = upright_grid(&tilted).unwrap();
        assert!(upright.is_right_angled(1e-6) && upright.size()[2] == 15);
        assert!((upright.spacing()[2] - 3.0 * 0.96_f64.sqrt()).abs() < 1e-12);
        for c in [[0, 0, 0], [9, 19, 0], [0, 0, 14], [9, 19, 14]] {
            let at = upright.world_to_index(tilted.centre(c[0], c[1], c[2]));
            for a in 0..3 {
                assert!(at[a] > -1e-6 && at[a] < upright.size()[a] as f64 - 1.0 + 1e-6, "{c:?} {at}");
            }
        }
        let right = Grid::axis_aligned([2, 2, 2], Vec3::ZERO, [1.0; 3]).unwrap();
        assert_eq!(upright_grid(&right).unwrap(), right);
    }
}
