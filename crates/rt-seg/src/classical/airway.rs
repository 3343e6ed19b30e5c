//! Trachea and main bronchi: a round dark section near the midline, grown until it leaks into the lung.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use ndarray::{Array2, Array3, Zip, s};
use rt_image::{Components, Connectivity};

use super::Scene;
use super::ball::Ball;
use super::measure::{Extent, facts};
use super::params::AirwayParams;

/// Index `(k, j, i)` of a voxel.
type At = (usize, usize, usize);

/// Finds the airway within `inner` (the body without its rim); `lungs` says where the lungs lie, `midline` is the middle of the body in voxels along x.
pub(crate) fn find(scene: &Scene<'_>, inner: &Array3<u8>, lungs: Extent, midline: f64, p: &AirwayParams) -> Option<Array3<u8>> {
    let seed = seed(scene, inner, lungs, midline, p)?;
    let grown = grow(scene, inner, seed, p);
    if scene.ml(grown.len()) < p.min_ml {
        return None;
    }
    let mut out = Array3::zeros(scene.hu.dim());
    for at in grown {
        out[at] = 1;
    }
    Some(Ball::new(p.wall_mm, scene.spacing).close(&out))
}

/// A voxel of the first cross-section from above that looks like a trachea.
fn seed(scene: &Scene<'_>, inner: &Array3<u8>, lungs: Extent, midline: f64, p: &AirwayParams) -> Option<At> {
    let (nk, _, _) = scene.hu.dim();
    let [dx, dy, dz] = scene.spacing;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few slices")]
    let above = (p.above_lung_mm / dz).ceil() as usize;
    let top = (lungs.hi[2] + above).min(nk - 1);
    let middle = usize::midpoint(lungs.lo[2], lungs.hi[2]);
    (middle..=top).rev().find_map(|k| {
        let dark = Zip::from(scene.hu.slice(s![k..=k, .., ..]))
            .and(inner.slice(s![k..=k, .., ..]))
            .map_collect(|v, b| u8::from(*v < p.seed_hu) & b);
        let found = Components::find(dark.view(), Connectivity::Six, |v| v != 0);
        let around = perimeters(&found, dark.dim(), [dx, dy]);
        let round = facts(&found).iter().zip(&around).position(|(section, perimeter)| {
            let area = section.voxels as f64 * dx * dy;
            let off = (section.centre[0] - midline).abs() * dx;
            let circularity = 4.0 * PI * area / (perimeter * perimeter);
            area >= p.area_mm2.0 && area <= p.area_mm2.1 && circularity > p.circularity && off <= p.midline_mm
        })?;
        let run = found.runs().find(|r| r.component == round)?;
        Some((k, run.j, usize::midpoint(run.start, run.end - 1)))
    })
}

/// Perimeter in mm of each component of one slice by the formula of Crofton: the border is crossed `N` times by parallel lines `a` apart, and
/// the sum of `a N / 2` over all directions is the perimeter. Rows, columns and both diagonals stand for all directions; each for the
/// angle up to half way to its neighbours.
fn perimeters(found: &Components, dim: (usize, usize, usize), [dx, dy]: [f64; 2]) -> Vec<f64> {
    let (_, nj, ni) = dim;
    let mut label = Array2::<usize>::zeros((nj, ni));
    for run in found.runs() {
        label.slice_mut(s![run.j, run.start..run.end]).fill(run.component + 1);
    }
    let tilt = dy.atan2(dx);
    let diagonal = dx.hypot(dy);
    let directions = [
        (0, 1, dx, tilt),
        (1, 0, dy, FRAC_PI_2 - tilt),
        (1, 1, diagonal, FRAC_PI_4),
        (1, -1, diagonal, FRAC_PI_4),
    ];
    let mut out = vec![0.0; found.count()];
    for ((j, i), own) in label.indexed_iter().filter(|(_, own)| **own != 0) {
        for (dj, di, step, angle) in directions {
            for sign in [1, -1] {
                let other = match (j.checked_add_signed(sign * dj), i.checked_add_signed(sign * di)) {
                    (Some(j), Some(i)) => label.get((j, i)).copied().unwrap_or(0),
                    _ => 0,
                };
                if other != *own {
                    out[own - 1] += angle * dx * dy / step / 2.0;
                }
            }
        }
    }
    out
}

/// Voxels joined to the seed by faces below a threshold that rises step by step; the step in which they become far more is taken back.
fn grow(scene: &Scene<'_>, inner: &Array3<u8>, seed: At, p: &AirwayParams) -> Vec<At> {
    let (from, to) = (i32::from(p.grow_hu.0), i32::from(p.grow_hu.1));
    let step = i32::from(p.grow_step_hu).max(1);
    // Number of the first threshold that lies above a grey value.
    let level = |hu: i16| usize::try_from((i32::from(hu) - from).div_euclid(step) + 1).unwrap_or(0);
    let levels = level(p.grow_hu.1.saturating_sub(1)) + 1;
    debug_assert!(to >= from);
    let mut waiting: Vec<Vec<At>> = vec![Vec::new(); levels];
    let mut reached = Array3::<u8>::zeros(scene.hu.dim());
    reached[seed] = 1;
    if let Some(queue) = waiting.get_mut(level(scene.hu[seed])) {
        queue.push(seed);
    }
    let mut grown: Vec<At> = Vec::new();
    let mut before = 0;
    for now in 0..levels {
        let mut open = std::mem::take(&mut waiting[now]);
        while let Some(at) = open.pop() {
            grown.push(at);
            for next in neighbours(at, scene.hu.dim()) {
                if reached[next] == 0 && inner[next] != 0 {
                    reached[next] = 1;
                    let wanted = level(scene.hu[next]);
                    if wanted <= now {
                        open.push(next);
                    } else if let Some(queue) = waiting.get_mut(wanted) {
                        queue.push(next);
                    }
                }
            }
        }
        let leaked = scene.ml(before) >= p.min_ml && grown.len() as f64 > p.leak_factor * before as f64;
        if leaked || scene.ml(grown.len()) > p.max_ml {
            grown.truncate(before);
            break;
        }
        before = grown.len();
    }
    grown
}

/// The up to six voxels that share a face.
pub(crate) fn neighbours((k, j, i): At, (nk, nj, ni): (usize, usize, usize)) -> impl Iterator<Item = At> {
    let step = |at: usize, by: isize, n: usize| at.checked_add_signed(by).filter(|x| *x < n);
    [-1, 1].into_iter().flat_map(move |by| {
        [
            step(k, by, nk).map(|k| (k, j, i)),
            step(j, by, nj).map(|j| (k, j, i)),
            step(i, by, ni).map(|i| (k, j, i)),
        ]
        .into_iter()
        .flatten()
    })
}

#[cfg(test)]
mod tests {
    use ndarray::Axis;

    use super::*;

    fn disc(n: usize, radius: f64, spacing: [f64; 2]) -> Array3<u8> {
        let c = (n as f64 - 1.0) / 2.0;
        Array3::from_shape_fn((1, n, n), |(_, j, i)| {
            u8::from(((i as f64 - c) * spacing[0]).hypot((j as f64 - c) * spacing[1]) <= radius)
        })
    }

    #[test]
    fn the_perimeter_of_a_disc_is_that_of_a_circle() {
        for spacing in [[1.0, 1.0], [0.7, 0.9]] {
            let plane = disc(61, 12.0, spacing);
            let found = Components::find(plane.view(), Connectivity::Six, |v| v != 0);
            let p = perimeters(&found, plane.dim(), spacing)[0];
            assert!((p / (2.0 * PI * 12.0) - 1.0).abs() < 0.04, "{p}");
        }
    }

    #[test]
    fn a_tube_grows_to_its_end_and_not_into_the_lung() {
        // A tube of -990 HU (radius 8 mm) opens at the lower end into a box of -860 HU with some darker voxels.
        let mut hu = Array3::<i16>::from_elem((60, 60, 60), 40);
        for ((k, j, i), v) in hu.indexed_iter_mut() {
            let r = (i as f64 - 30.0).hypot(j as f64 - 30.0);
            if k < 25 && (5..55).contains(&i) && (5..55).contains(&j) {
                *v = -860 - i16::try_from((i * 7 + j * 5 + k * 3) % 20).unwrap();
            }
            if k >= 20 && r <= 8.0 {
                *v = -990;
            }
        }
        let scene = Scene {
            hu: &hu,
            spacing: [1.0; 3],
        };
        let inner = Array3::<u8>::ones(hu.dim());
        let lungs = Extent {
            lo: [5, 5, 0],
            hi: [54, 54, 24],
        };
        let tube = find(&scene, &inner, lungs, 30.0, &AirwayParams::default()).unwrap();
        let truth = hu.map(|v| u8::from(*v == -990));
        let count = |b: &Array3<u8>| b.iter().map(|v| f64::from(*v)).sum::<f64>();
        assert!(
            (count(&tube) / count(&truth) - 1.0).abs() < 0.02,
            "{} of {}",
            count(&tube),
            count(&truth)
        );
        assert_eq!(tube.index_axis(Axis(0), 10).iter().map(|v| u32::from(*v)).sum::<u32>(), 0);
    }
}
