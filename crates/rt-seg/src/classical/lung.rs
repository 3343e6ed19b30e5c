//! Lungs and airway: gas inside the body that is not bowel.
//!
//! Lung holds blood and tissue: its median lies above that of air. A component of 200 mL and more with such a median is lung; a smaller one only
//! where the image cuts it (a lung base at the top of an abdomen, an apex at the bottom of a neck) or close to a large one, so that a
//! pelvis with bowel gas has no lungs.

use std::collections::VecDeque;

use ndarray::{Array3, Zip};
use rt_image::{Components, Connectivity};

use super::Scene;
use super::airway::{self, neighbours};
use super::ball::Ball;
use super::measure::{Extent, Facts, facts, greys};
use super::params::{AirwayParams, LungParams};

/// Lungs and airway in patient axes.
#[derive(Debug, Clone)]
pub(crate) struct Lungs {
    pub(crate) left: Array3<u8>,
    pub(crate) right: Array3<u8>,
    pub(crate) airway: Option<Array3<u8>>,
}

/// Finds the lungs; without any, the volume in mL of the largest gas that was looked at.
pub(crate) fn find(scene: &Scene<'_>, body: &Array3<u8>, p: &LungParams, airway_params: &AirwayParams) -> Result<Lungs, f64> {
    let inner = Ball::new(p.inset_mm, scene.spacing).erode(body);
    let mut gas = inner.clone();
    Zip::from(&mut gas)
        .and(scene.hu)
        .par_for_each(|g, v| *g &= u8::from(*v < p.threshold_hu));
    let found = Components::find(gas.view(), Connectivity::Six, |v| v != 0);
    let largest_ml = found.sizes().iter().max().map_or(0.0, |n| scene.ml(*n));
    let Some(frame) = Extent::of(body) else {
        return Err(largest_ml);
    };
    let chosen = choose(scene, &found, frame, p);
    let lung = found.to_block(|c| chosen[c]);
    let Some(extent) = Extent::of(&lung) else {
        return Err(largest_ml);
    };
    let midline = middle_x(body, extent);
    let volume = scene.ml(lung.iter().filter(|v| **v != 0).count());
    let airway = (volume >= p.alone_ml)
        .then(|| airway::find(scene, &inner, extent, midline, airway_params))
        .flatten();
    // The rest is done in the box of the lungs.
    let dim = scene.hu.dim();
    let near = extent.grown(2.0 * p.closing_mm, scene.spacing, dim);
    let mut lung = near.cut(&lung);
    let local_airway = airway.as_ref().map(|a| near.cut(a));
    if let Some(airway) = &local_airway {
        let wall = Ball::new(airway_params.wall_mm, scene.spacing).dilate(airway);
        Zip::from(&mut lung).and(&wall).par_for_each(|l, w| *l &= 1 - w);
    }
    let sides = part(&lung, midline - near.lo[0] as f64, scene.spacing, p);
    let body = near.cut(body);
    let closed = |side: u8| {
        let one = sides.map(|v| u8::from(*v == side));
        let mut full = Ball::new(p.closing_mm, scene.spacing).close(&one);
        Zip::from(&mut full).and(&sides).and(&body).par_for_each(|f, s, b| {
            *f = u8::from(*s == side || (*f == 1 && *s == 0)) & b;
        });
        if let Some(airway) = &local_airway {
            Zip::from(&mut full).and(airway).par_for_each(|f, a| *f &= 1 - a);
        }
        full
    };
    let left = closed(LEFT);
    let mut right = closed(RIGHT);
    Zip::from(&mut right).and(&left).par_for_each(|r, l| *r &= 1 - l);
    Ok(Lungs {
        left: near.put(&left, dim),
        right: near.put(&right, dim),
        airway,
    })
}

/// Which gas components are lung.
fn choose(scene: &Scene<'_>, found: &Components, body: Extent, p: &LungParams) -> Vec<bool> {
    let facts = facts(found);
    let greys = greys(found, scene.hu, scene.voxels(p.min_ml));
    let within = |median: i32, range: (i32, i32)| median >= range.0 && median <= range.1;
    let plausible: Vec<bool> = facts
        .iter()
        .zip(&greys)
        .map(|(f, g)| {
            g.as_ref().is_some_and(|g| {
                let large = scene.ml(f.voxels) >= p.large_ml;
                within(g.median(), if large { p.median_large_hu } else { p.median_hu })
            })
        })
        .collect();
    let sure: Vec<&Facts> = facts
        .iter()
        .zip(&plausible)
        .filter(|(f, ok)| **ok && scene.ml(f.voxels) >= p.alone_ml)
        .map(|(f, _)| f)
        .collect();
    let last = scene.hu.dim().0 - 1;
    let centre_y = (body.lo[1] + body.hi[1]) as f64 / 2.0;
    let depth = (body.hi[1] - body.lo[1] + 1) as f64;
    let small = |f: &Facts, air_share: f64| {
        let near = sure.iter().any(|s| s.extent.is_near(f.extent, p.near_mm, scene.spacing));
        let cut = f.extent.lo[2] == 0 || f.extent.hi[2] == last;
        let bowel = scene.ml(f.voxels) < p.bowel_ml && centre_y - f.centre[1] > p.anterior_share * depth;
        near || (cut && !bowel && air_share <= p.max_air_share)
    };
    facts
        .iter()
        .zip(plausible)
        .zip(&greys)
        .map(|((f, ok), g)| ok && (scene.ml(f.voxels) >= p.alone_ml || small(f, g.as_ref().map_or(1.0, |g| g.share_below(-950)))))
        .collect()
}

/// Mean x of the body in the slices of an extent, in voxels.
fn middle_x(body: &Array3<u8>, extent: Extent) -> f64 {
    let (mut n, mut sum) = (0usize, 0usize);
    for plane in body.outer_iter().skip(extent.lo[2]).take(extent.hi[2] - extent.lo[2] + 1) {
        for row in plane.outer_iter() {
            for (i, v) in row.iter().enumerate() {
                if *v != 0 {
                    n += 1;
                    sum += i;
                }
            }
        }
    }
    sum as f64 / n.max(1) as f64
}

const UNDECIDED: u8 = 1;
/// Towards +x of LPS.
const LEFT: u8 = 2;
const RIGHT: u8 = 3;

/// Parts lung voxels into [`LEFT`] and [`RIGHT`]. Two large components are the two lungs; one that lies on both sides of the midline is eroded until it falls
/// apart and every voxel goes to the piece it is joined to by the shortest way; one that lies on one side is one lung.
fn part(lung: &Array3<u8>, midline: f64, spacing: [f64; 3], p: &LungParams) -> Array3<u8> {
    let found = Components::find(lung.view(), Connectivity::Six, |v| v != 0);
    let all = facts(&found);
    let total: usize = found.sizes().iter().sum();
    let order = found.by_size();
    let is_big = |c: &&usize| all[**c].voxels * 5 >= total;
    let big: Vec<usize> = order.iter().filter(is_big).copied().collect();
    let mut sides = Array3::zeros(lung.dim());
    let side_of = |x: f64, middle: f64| if x > middle { LEFT } else { RIGHT };
    if let [a, b, ..] = big[..] {
        let middle = f64::midpoint(all[a].centre[0], all[b].centre[0]);
        for (c, f) in all.iter().enumerate() {
            found.paint(&mut sides, |x| x == c, side_of(f.centre[0], middle));
        }
        return sides;
    }
    let Some(&main) = order.first() else { return sides };
    for (c, f) in all.iter().enumerate().filter(|(c, _)| *c != main) {
        found.paint(&mut sides, |x| x == c, side_of(f.centre[0], midline));
    }
    let single = found.to_block(|c| c == main);
    let beyond = single
        .indexed_iter()
        .filter(|((_, _, i), v)| **v != 0 && *i as f64 > midline)
        .count();
    let share = beyond as f64 / all[main].voxels as f64;
    if !(0.25..=0.75).contains(&share) {
        found.paint(&mut sides, |x| x == main, side_of(all[main].centre[0], midline));
        return sides;
    }
    match pieces(&single, spacing, p) {
        Some(seeds) => spread(&single, &seeds, &mut sides),
        None => Zip::indexed(&mut sides).and(&single).for_each(|(_, _, i), s, v| {
            if *v != 0 {
                *s = side_of(i as f64, midline);
            }
        }),
    }
    sides
}

/// Erodes by more and more until two pieces of at least 30 % each are left; marks them.
fn pieces(single: &Array3<u8>, spacing: [f64; 3], p: &LungParams) -> Option<Array3<u8>> {
    (1..=p.split_steps).find_map(|n| {
        let core = Ball::new(p.split_step_mm * n as f64, spacing).erode(single);
        let found = Components::find(core.view(), Connectivity::Six, |v| v != 0);
        let total: usize = found.sizes().iter().sum();
        let [a, b, ..] = found.by_size()[..] else { return None };
        if found.sizes()[b] * 10 < total * 3 {
            return None;
        }
        let all = facts(&found);
        let (left, right) = if all[a].centre[0] > all[b].centre[0] { (a, b) } else { (b, a) };
        let mut seeds = Array3::zeros(single.dim());
        found.paint(&mut seeds, |c| c == left, LEFT);
        found.paint(&mut seeds, |c| c == right, RIGHT);
        Some(seeds)
    })
}

/// Every voxel of `single` takes the mark of the seed that reaches it first through faces.
fn spread(single: &Array3<u8>, seeds: &Array3<u8>, sides: &mut Array3<u8>) {
    let mut queue: VecDeque<(usize, usize, usize)> = VecDeque::new();
    for ((at, s), v) in sides.indexed_iter_mut().zip(single) {
        if *v != 0 {
            *s = UNDECIDED;
            if seeds[at] != 0 {
                *s = seeds[at];
                queue.push_back(at);
            }
        }
    }
    while let Some(at) = queue.pop_front() {
        let mark = sides[at];
        for next in neighbours(at, single.dim()) {
            if sides[next] == UNDECIDED {
                sides[next] = mark;
                queue.push_back(next);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    fn ellipsoids(dim: (usize, usize, usize), list: &[([f64; 3], [f64; 3])]) -> Array3<u8> {
        Array3::from_shape_fn(dim, |(k, j, i)| {
            let at = [i as f64, j as f64, k as f64];
            let inside = |(c, r): &([f64; 3], [f64; 3])| (0..3).map(|a| ((at[a] - c[a]) / r[a]).powi(2)).sum::<f64>() <= 1.0;
            u8::from(list.iter().any(inside))
        })
    }

    #[test]
    fn lungs_that_touch_are_parted_and_a_single_one_is_not() {
        let p = LungParams::default();
        let (a, b) = (([22.0, 30.0, 20.0], [20.0, 22.0, 18.0]), ([58.0, 30.0, 20.0], [20.0, 22.0, 18.0]));
        let joined = ellipsoids((40, 60, 80), &[a, b]);
        assert_eq!(Components::find(joined.view(), Connectivity::Six, |v| v != 0).count(), 1);
        let sides = part(&joined, 40.0, [2.0, 2.0, 3.0], &p);
        for ((_, _, i), s) in sides.indexed_iter().filter(|(_, s)| **s != 0) {
            let expected = match i.cmp(&40) {
                Ordering::Greater => LEFT,
                Ordering::Less => RIGHT,
                Ordering::Equal => *s,
            };
            assert_eq!(*s, expected);
        }
        let one = ellipsoids((40, 60, 80), &[a]);
        let sides = part(&one, 40.0, [2.0, 2.0, 3.0], &p);
        assert!(sides.iter().all(|s| *s == 0 || *s == RIGHT));
    }

    /// A body cylinder of water with gas of given values at given places; 4 mm voxels.
    fn abdomen(gas: &[([f64; 3], [f64; 3], i16)]) -> (Array3<i16>, Array3<u8>) {
        let dim = (40, 60, 80);
        let body = ellipsoids(dim, &[([40.0, 30.0, 20.0], [36.0, 27.0, 1e6])]);
        let mut hu = body.map(|v| if *v == 1 { 30 } else { -1000 });
        for (centre, radius, value) in gas {
            let bubble = ellipsoids(dim, &[(*centre, *radius)]);
            Zip::indexed(&mut hu).and(&bubble).for_each(|(k, j, i), v, b| {
                if *b == 1 {
                    // Texture of +-40 HU, so that nothing is a constant.
                    *v = value + i16::try_from((i * 7 + j * 5 + k * 3) % 81).unwrap() - 40;
                }
            });
        }
        (hu, body)
    }

    fn run(gas: &[([f64; 3], [f64; 3], i16)]) -> Result<Lungs, f64> {
        let (hu, body) = abdomen(gas);
        let scene = Scene {
            hu: &hu,
            spacing: [4.0; 3],
        };
        find(&scene, &body, &LungParams::default(), &AirwayParams::default())
    }

    #[test]
    fn bowel_gas_is_no_lung() {
        // Air of 100 mL in the middle; stool of -600 HU away from the ends; a bubble cut by the first slice.
        let inside: &[_] = &[
            ([40.0, 20.0, 20.0], [7.0, 7.0, 7.0], -985),
            ([30.0, 40.0, 18.0], [5.0, 5.0, 5.0], -600),
            ([50.0, 30.0, 0.0], [5.0, 5.0, 5.0], -985),
        ];
        let largest = run(inside).unwrap_err();
        assert!((largest - 92.0).abs() < 5.0, "{largest}");
    }

    #[test]
    fn a_lung_base_cut_by_the_last_slice_is_lung() {
        let lungs = run(&[
            ([20.0, 38.0, 41.0], [8.0, 8.0, 6.0], -800),
            ([60.0, 38.0, 41.0], [8.0, 8.0, 6.0], -800),
        ])
        .unwrap();
        let count = |b: &Array3<u8>| b.iter().filter(|v| **v != 0).count();
        assert!(count(&lungs.left) > 200 && count(&lungs.right) > 200);
        assert!(lungs.left.indexed_iter().all(|((_, _, i), v)| *v == 0 || i > 40));
        assert!(lungs.airway.is_none());
    }
}
