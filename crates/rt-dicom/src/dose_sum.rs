//! Adding doses on a grid: trilinear, in double precision, zero outside each component.

use ndarray::Array3;
use rayon::prelude::*;
use rt_core::{Bounds, Grid, Vec3};
use rt_image::Volume;
use serde::{Deserialize, Serialize};

use crate::header::unique;
use crate::notice::Notice;
use crate::rtdose::{Dose, DoseError, DoseHeader, extremes};

/// Which grid a sum is made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SumGrid {
    /// The extent of all components at the finest spacing.
    #[default]
    Union,
    /// The grid of the component with the smallest voxels.
    Reference,
}

/// The grid to add doses on; `None` without doses.
pub fn sum_grid(doses: &[&Dose], rule: SumGrid) -> Option<Grid> {
    let volume = |d: &Dose| d.volume.grid().voxel_volume_mm3();
    let finest = doses.iter().min_by(|a, b| volume(a).total_cmp(&volume(b)))?;
    let reference = finest.volume.grid().as_ref();
    let covers = |g: &Grid| {
        let b = reference.bounds();
        let other = g.bounds();
        b.contains(other.lo) && b.contains(other.hi)
    };
    if rule == SumGrid::Reference || doses.iter().all(|d| covers(d.volume.grid())) {
        return Some(reference.clone());
    }
    union(reference, doses)
}

/// The axes of the reference, its smallest slice gap, and room for all components.
fn union(reference: &Grid, doses: &[&Dose]) -> Option<Grid> {
    let axes = reference.direction();
    let back = axes.inverse();
    let origin = reference.origin();
    let corners = doses.iter().flat_map(|d| corners(d.volume.grid()));
    let local = Bounds::of(corners.map(|p| back * (p - origin)))?;
    let gap = (1..reference.size()[2])
        .map(|k| reference.offset(k) - reference.offset(k - 1))
        .fold(f64::INFINITY, f64::min);
    let [si, sj, sk] = reference.spacing();
    let spacing = [si, sj, if gap.is_finite() { gap } else { sk }];
    // Whole steps from the reference's first voxel, so that its own samples are taken where they are.
    let start = |lo: f64, step: f64| (lo / step + 1e-6).floor();
    let end = |hi: f64, step: f64| (hi / step - 1e-6).ceil();
    let lo = local.lo.to_array();
    let hi = local.hi.to_array();
    let mut size = [1_usize; 3];
    let mut first = [0.0; 3];
    let cells = size.iter_mut().zip(&mut first);
    for ((n, from), ((lo, hi), step)) in cells.zip(lo.iter().zip(hi).zip(spacing)) {
        *from = start(*lo, step);
        *n = count(end(hi, step) - *from) + 1;
        *from *= step;
    }
    Grid::new(size, origin + axes * Vec3::from(first), spacing, axes).ok()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of voxels: clamped to what can be one before the cast"
)]
fn count(x: f64) -> usize {
    x.clamp(0.0, 1e6) as usize
}

fn corners(grid: &Grid) -> Vec<Vec3> {
    let [i, j, k] = grid.size();
    let mut out = Vec::new();
    for c in [0, k - 1] {
        for b in [0, j - 1] {
            out.extend([0, i - 1].map(|a| grid.centre(a, b, c)));
        }
    }
    out
}

/// The physical sum of doses on a grid.
///
/// # Errors
/// [`DoseError::Sum`] without doses, for doses of unlike units, type or frame of reference, and for relative ones.
pub fn sum_doses(doses: &[&Dose], onto: &Grid) -> Result<Dose, DoseError> {
    let fail = |reason: &str| DoseError::Sum { reason: reason.to_owned() };
    let Some((first, others)) = doses.split_first() else {
        return Err(fail("there are none"));
    };
    let h = &first.header;
    if doses.iter().any(|d| d.header.units != crate::DoseUnits::Gy) {
        return Err(fail("one of them is RELATIVE"));
    }
    if others.iter().any(|d| d.header.dose_type != h.dose_type) {
        return Err(fail("physical and effective dose do not add"));
    }
    if others.iter().any(|d| d.header.frame_uid != h.frame_uid) {
        return Err(fail("they lie in different frames of reference and no registration joins them"));
    }
    let (nk, nj, ni) = onto.shape();
    let mut data = vec![0.0_f32; nk * nj * ni];
    data.par_chunks_mut(nj * ni).enumerate().for_each(|(k, plane)| {
        for (j, row) in plane.chunks_exact_mut(ni).enumerate() {
            for (i, cell) in row.iter_mut().enumerate() {
                let p = onto.centre(i, j, k);
                *cell = single(doses.iter().map(|d| sample(&d.volume, p)).sum());
            }
        }
    });
    let (min, max, mean) = extremes(&data);
    let array = Array3::from_shape_vec(onto.shape(), data).map_err(|_| fail("the grid is too large"))?;
    let volume = Volume::new(onto.clone(), array).map_err(|e| fail(&e.to_string()))?;
    let all = |f: fn(&DoseHeader) -> &[String]| unique(doses.iter().flat_map(|d| f(&d.header).to_vec()).collect());
    let mut notices: Vec<Notice> = Vec::new();
    for notice in doses.iter().flat_map(|d| &d.notices) {
        if !notices.contains(notice) {
            notices.push(notice.clone());
        }
    }
    Ok(Dose {
        volume,
        header: DoseHeader {
            sop_uid: String::new(),
            summation: "PLAN_SUM".to_owned(),
            plans: all(|h| &h.plans),
            structures: all(|h| &h.structures),
            beams: doses.iter().flat_map(|d| d.header.beams.clone()).collect(),
            created: doses.iter().filter_map(|d| d.header.created).max(),
            scaling: 1.0,
            stored_dvhs: Vec::new(),
            min,
            max,
            mean,
            ..h.clone()
        },
        notices,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "added in double precision, kept in single")]
fn single(v: f64) -> f32 {
    v as f32
}

/// Trilinear sample at a patient position; 0 outside the voxel centres of the volume.
fn sample(volume: &Volume<f32>, p: Vec3) -> f64 {
    let index = volume.grid().world_to_index(p).to_array();
    let size = volume.grid().size();
    let mut low = [0_usize; 3];
    let mut share = [0.0; 3];
    for (((x, n), low), share) in index.iter().zip(size).zip(&mut low).zip(&mut share) {
        let last = (n - 1) as f64;
        // Rounding must not lose the outermost samples.
        if *x < -1e-6 || *x > last + 1e-6 {
            return 0.0;
        }
        let x = x.clamp(0.0, last);
        *low = count(x.floor()).min(n.saturating_sub(2));
        *share = x - *low as f64;
    }
    let data = volume.data();
    let [low_i, low_j, low_k] = low;
    let [share_i, share_j, share_k] = share;
    let at = |di: usize, dj: usize, dk: usize| data.get([low_k + dk, low_j + dj, low_i + di]).map_or(0.0, |v| f64::from(*v));
    let row = |dj: usize, dk: usize| mix(at(0, dj, dk), at(1, dj, dk), share_i);
    let plane = |dk: usize| mix(row(0, dk), row(1, dk), share_j);
    mix(plane(0), plane(1), share_k)
}

/// `x` at share 0, `y` at share 1; the end that has no share is not looked at (it may lie outside a single layer).
fn mix(x: f64, y: f64, share: f64) -> f64 {
    if share <= 0.0 { x } else { x + (y - x) * share }
}

/// Multiplies every sample, for a fraction dose that stands for several fractions.
#[must_use]
pub fn scaled(dose: &Dose, factor: f64) -> Dose {
    let mut out = dose.clone();
    out.volume = dose.volume.map(|v| single(f64::from(*v) * factor));
    out.header.min *= factor;
    out.header.max *= factor;
    out.header.mean *= factor;
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DoseUnits;
    use rt_core::Mat3;

    fn dose(grid: Grid, value: impl Fn(Vec3) -> f64) -> Dose {
        let (nk, nj, ni) = grid.shape();
        let data = Array3::from_shape_fn((nk, nj, ni), |(k, j, i)| single(value(grid.centre(i, j, k))));
        let (min, max, mean) = extremes(data.as_slice().unwrap());
        Dose {
            volume: Volume::new(grid, data).unwrap(),
            header: DoseHeader {
                sop_uid: "1".into(),
                study_uid: "2".into(),
                frame_uid: "3".into(),
                units: DoseUnits::Gy,
                dose_type: "PHYSICAL".into(),
                summation: "PLAN".into(),
                comment: None,
                scaling: 1.0,
                plans: vec![],
                structures: vec![],
                beams: vec![],
                stored_dvhs: vec![],
                created: None,
                min,
                max,
                mean,
            },
            notices: vec![],
        }
    }

    fn grid(n: [usize; 3], origin: [f64; 3], spacing: [f64; 3]) -> Grid {
        Grid::axis_aligned(n, origin.into(), spacing).unwrap()
    }

    #[test]
    fn a_dose_and_itself_are_twice_the_dose() {
        let d = dose(grid([5, 4, 3], [1.0, 2.0, 3.0], [2.0, 2.0, 3.0]), |p| p.x + 10.0 * p.y);
        let onto = sum_grid(&[&d, &d], SumGrid::Union).unwrap();
        assert_eq!(&onto, d.volume.grid().as_ref());
        let sum = sum_doses(&[&d, &d], &onto).unwrap();
        for (s, one) in sum.volume.data().iter().zip(d.volume.data()) {
            assert!((f64::from(*s) - 2.0 * f64::from(*one)).abs() < 1e-4);
        }
    }

    #[test]
    fn a_linear_field_is_added_exactly_on_any_axes() {
        // Trilinear interpolation reproduces a linear field: 2x + 3y - z on one grid, x - y + 2z on a turned one.
        let (sin, cos) = 0.5_f64.sin_cos();
        let turned = Mat3::from_cols(Vec3::new(cos, sin, 0.0), Vec3::new(-sin, cos, 0.0), Vec3::NEG_Z);
        let a = dose(grid([20, 20, 12], [-20.0, -20.0, 0.0], [2.0, 2.0, 2.5]), |p| {
            2.0 * p.x + 3.0 * p.y - p.z
        });
        let b = dose(
            Grid::new([40, 40, 30], Vec3::new(-5.0, -35.0, 30.0), [1.5; 3], turned).unwrap(),
            |p| p.x - p.y + 2.0 * p.z,
        );
        let onto = grid([8, 8, 8], [-4.0, -4.0, 3.0], [1.0; 3]);
        let sum = sum_doses(&[&a, &b], &onto).unwrap();
        let mut checked = 0;
        for ((k, j, i), v) in sum.volume.data().indexed_iter() {
            let p = onto.centre(i, j, k);
            assert!((f64::from(*v) - (3.0 * p.x + 2.0 * p.y + p.z)).abs() < 1e-3, "{p}");
            checked += 1;
        }
        assert_eq!(checked, 512);
    }

    #[test]
    fn the_union_keeps_what_lies_outside_the_finest_grid() {
        let fine = dose(grid([4, 4, 4], [0.0; 3], [1.0; 3]), |_| 1.0);
        let wide = dose(grid([4, 4, 4], [-10.0, 0.0, 0.0], [6.0, 1.0, 1.0]), |_| 2.0);
        let onto = sum_grid(&[&wide, &fine], SumGrid::Union).unwrap();
        assert_eq!(onto.size(), [19, 4, 4]);
        let sum = sum_doses(&[&wide, &fine], &onto).unwrap();
        let at = |x: f64| {
            let i = onto.world_to_index(Vec3::new(x, 1.0, 1.0)).x.round();
            sum.volume.data()[[1, 1, count(i)]]
        };
        assert!((at(-10.0) - 2.0).abs() < 1e-6 && (at(1.0) - 3.0).abs() < 1e-6 && (at(8.0) - 2.0).abs() < 1e-6);
        let small = sum_grid(&[&wide, &fine], SumGrid::Reference).unwrap();
        assert_eq!(small.size(), [4, 4, 4]);
    }

    #[test]
    fn unlike_doses_are_not_added() {
        let a = dose(grid([2, 2, 2], [0.0; 3], [1.0; 3]), |_| 1.0);
        let mut other_frame = a.clone();
        other_frame.header.frame_uid = "9".into();
        let mut effective = a.clone();
        effective.header.dose_type = "EFFECTIVE".into();
        let mut relative = a.clone();
        relative.header.units = DoseUnits::Relative;
        for b in [&other_frame, &effective, &relative] {
            assert_eq!(sum_doses(&[&a, b], a.volume.grid()).unwrap_err().code(), "dose.sum");
        }
        assert_eq!(sum_doses(&[], a.volume.grid()).unwrap_err().code(), "dose.sum");
    }
}
