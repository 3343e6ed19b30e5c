//! Local binary patterns in the slices, rotation invariant and uniform (Ojala, Pietikäinen and Mäenpää 2002), as scikit-image has them.

use crate::image::{Base, Field};
use crate::roi::Roi;

/// Patterns of a region's voxels in the slices across `axis` (`[i, j, k]`): `samples` points on a circle of `radius` voxels, bilinear, 0 outside.
pub(super) fn values(base: &Base<'_, '_>, lo: [usize; 3], roi: &Roi, radius: f64, samples: usize, axis: usize) -> Vec<f64> {
    let mut reach = [whole(radius.ceil()) + 1; 3];
    reach[axis] = 0;
    let (field, at) = base.window(lo, roi.size, reach);
    let origin: [usize; 3] = std::array::from_fn(|a| lo[a] - at[a]);
    let points: Vec<(f64, f64)> = (0..samples)
        .map(|p| {
            let angle = 2.0 * std::f64::consts::PI * p as f64 / samples as f64;
            (five_digits(-radius * angle.sin()), five_digits(radius * angle.cos()))
        })
        .collect();
    let mut out = Vec::with_capacity(roi.count);
    let mut above = vec![false; samples];
    for run in &roi.runs {
        for i in run.i..run.i + run.len {
            let voxel = [at[0] + i, at[1] + run.j, at[2] + run.k];
            out.push(pattern(&field, voxel, origin, axis, &points, &mut above));
        }
    }
    out
}

/// Sample points are rounded to five digits, so that the four on the axes fall on pixels.
fn five_digits(v: f64) -> f64 {
    (v * 1e5).round_ties_even() / 1e5
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a radius in voxels, checked when read"
)]
fn whole(v: f64) -> usize {
    v as usize
}

#[expect(clippy::cast_possible_truncation, reason = "a position near the image, in voxels")]
fn whole_signed(v: f64) -> isize {
    v as isize
}

/// `origin` is where the field begins in the whole image: the reference finds the way between pixels from absolute positions, and its last bit
/// decides in even areas.
fn pattern(field: &Field, voxel: [usize; 3], origin: [usize; 3], axis: usize, points: &[(f64, f64)], above: &mut [bool]) -> f64 {
    // Rows and columns of the slice: the two remaining axes, the faster one as columns.
    let (row, column) = [(2, 1), (2, 0), (1, 0)][axis];
    let value = |r: isize, c: isize| -> f64 {
        let (Ok(r), Ok(c)) = (usize::try_from(r), usize::try_from(c)) else {
            return 0.0;
        };
        if r >= field.size[row] || c >= field.size[column] {
            return 0.0;
        }
        let mut at = voxel;
        (at[row], at[column]) = (r, c);
        field.data[(at[2] * field.size[1] + at[1]) * field.size[0] + at[0]]
    };
    let (r, c) = (voxel[row].cast_signed(), voxel[column].cast_signed());
    let centre = value(r, c);
    for ((dr, dc), above) in points.iter().zip(&mut *above) {
        let (y, x) = ((origin[row] + voxel[row]) as f64 + dr, (origin[column] + voxel[column]) as f64 + dc);
        let (wr, wc) = (y - y.floor(), x - x.floor());
        let at = |v: f64, origin: usize| whole_signed(v) - origin.cast_signed();
        let (r0, c0) = (at(y.floor(), origin[row]), at(x.floor(), origin[column]));
        let (r1, c1) = (at(y.ceil(), origin[row]), at(x.ceil(), origin[column]));
        let top = (1.0 - wc) * value(r0, c0) + wc * value(r0, c1);
        let bottom = (1.0 - wc) * value(r1, c0) + wc * value(r1, c1);
        *above = (1.0 - wr) * top + wr * bottom - centre >= 0.0;
    }
    let changes = above.windows(2).filter(|w| w[0] != w[1]).count();
    let ones = above.iter().filter(|a| **a).count();
    if changes <= 2 { ones as f64 } else { (above.len() + 1) as f64 }
}
