//! The patient's outline and the couch.
//!
//! Everything denser than -300 HU, minus couch plates that lie flat and straight along the couch, opened by 4 mm in the slice (shells of
//! couches, head rests and clothes are 2 to 3 mm thick), largest component, holes filled. The opening is done *before* holes are filled, because a
//! couch is a closed hollow shell; thin walls of the patient (over the lungs) are sealed for the filling by what lies within 6 mm.

use ndarray::{Array3, Axis, Zip, s};
use rt_image::{Components, Connectivity};

use super::ball::Ball;
use super::measure::{Extent, facts};
use super::params::BodyParams;
use super::plane::{Holes, fill_holes, thin_pixels_by_row};

/// Body and couch in patient axes.
#[derive(Debug, Clone)]
pub(crate) struct Outline {
    pub(crate) body: Array3<u8>,
    pub(crate) couch: Array3<u8>,
    /// Separate parts that the body was put together from (arms, legs).
    pub(crate) parts: usize,
    /// Border of the image that the body touches: left, right or front.
    pub(crate) truncated: bool,
}

/// Finds the patient; `None` when nothing in the image is dense and thick enough.
pub(crate) fn outline(hu: &Array3<i16>, spacing: [f64; 3], p: &BodyParams) -> Option<Outline> {
    let dense = above(hu, p.threshold_hu);
    let mut tissue = dense.clone();
    for side in [Side::Back, Side::Front] {
        if let Some(row) = plate_row(&tissue, spacing, side, p) {
            cut_behind(&mut tissue, row, side);
        }
    }
    let disc = Ball::disc(p.opening_mm, spacing);
    let mut core = disc.open(&tissue);
    main_parts(&mut core, p)?;
    // Seal: what is dense within reach of the core closes thin walls, so that lungs count as holes.
    let sealed = meet(Ball::disc(p.seal_mm, spacing).dilate(&core), &tissue, &core);
    let mut filled = sealed;
    fill_holes(&mut filled, Holes::All);
    let mut body = disc.open(&filled);
    drop(filled);
    let parts = main_parts(&mut body, p)?;
    body = meet(Ball::disc(p.regrow_mm, spacing).dilate(&body), &tissue, &body);
    body = Ball::line_k(p.closing_z_mm, spacing).close(&body);
    fill_holes(&mut body, Holes::All);
    let couch = couch(&dense, &body, spacing, p);
    let truncated = touches_side(&body);
    Some(Outline {
        body,
        couch,
        parts,
        truncated,
    })
}

fn above(hu: &Array3<i16>, threshold: i16) -> Array3<u8> {
    let mut out = Array3::zeros(hu.dim());
    Zip::from(&mut out).and(hu).par_for_each(|o, v| *o = u8::from(*v > threshold));
    out
}

/// `(near and tissue) or base`.
fn meet(mut near: Array3<u8>, tissue: &Array3<u8>, base: &Array3<u8>) -> Array3<u8> {
    Zip::from(&mut near).and(tissue).and(base).par_for_each(|n, t, b| *n = (*n & t) | b);
    near
}

/// Keeps the largest component and those that belong to the same patient: at least a tenth of it (a second leg, an arm) and not wholly behind
/// or in front of it, where couches lie. Gives their number; `None` when nothing is left.
fn main_parts(block: &mut Array3<u8>, p: &BodyParams) -> Option<usize> {
    let found = Components::find(block.view(), Connectivity::Six, |v| v != 0);
    let facts = facts(&found);
    let largest = *found.by_size().first()?;
    let main = &facts[largest];
    let keep: Vec<bool> = facts
        .iter()
        .map(|f| {
            let beside = f.extent.lo[1] < main.extent.hi[1] && f.extent.hi[1] > main.extent.lo[1];
            let middle = (f.centre[1] > main.extent.lo[1] as f64) && (f.centre[1] < main.extent.hi[1] as f64);
            beside && middle && f.voxels as f64 >= p.part_share * main.voxels as f64
        })
        .collect();
    *block = found.to_block(|c| keep[c] || c == largest);
    Some(keep.iter().enumerate().filter(|(c, k)| **k || *c == largest).count())
}

/// Where the couch is looked for: behind a patient who lies on the back, in front of one who lies on the belly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Back,
    Front,
}

/// The row in which a straight thin plate begins: at least `plate_width_mm` of thin pixels in the same row of nearly all slices, on the outer side of the centre.
fn plate_row(tissue: &Array3<u8>, spacing: [f64; 3], side: Side, p: &BodyParams) -> Option<usize> {
    let (nk, nj, _) = tissue.dim();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few pixels")]
    let thickness = (p.plate_thickness_mm / spacing[1]).ceil().max(1.0) as usize;
    let mut slices = vec![0usize; nj];
    let mut occupied = 0usize;
    let (mut weight, mut moment) = (0.0, 0.0);
    for plane in tissue.axis_iter(Axis(0)) {
        let thin = thin_pixels_by_row(plane, thickness);
        if plane.iter().all(|v| *v == 0) {
            continue;
        }
        occupied += 1;
        for (j, row) in plane.outer_iter().enumerate() {
            let n: usize = row.iter().map(|v| usize::from(*v)).sum();
            weight += n as f64;
            moment += (n * j) as f64;
        }
        let straight: Vec<bool> = thin.iter().map(|n| *n as f64 * spacing[0] >= p.plate_width_mm).collect();
        for (j, count) in slices.iter_mut().enumerate() {
            // A plate may wander by one row between slices.
            let near = straight[j.saturating_sub(1)..(j + 2).min(nj)].contains(&true);
            *count += usize::from(near);
        }
    }
    let enough = p.plate_share * occupied as f64;
    if nk < 2 || weight == 0.0 {
        return None;
    }
    let centre = moment / weight;
    let is_plate = |j: &usize| slices[*j] as f64 > enough;
    let row = match side {
        Side::Back => (0..nj).find(|j| *j as f64 > centre && is_plate(j))?,
        Side::Front => (0..nj).rev().find(|j| (*j as f64) < centre && is_plate(j))?,
    };
    let beyond = match side {
        Side::Back => tissue.slice(s![.., row.., ..]),
        Side::Front => tissue.slice(s![.., ..=row, ..]),
    };
    let share = beyond.iter().map(|v| f64::from(*v)).sum::<f64>() / weight;
    (share < p.plate_max_share).then_some(row)
}

fn cut_behind(tissue: &mut Array3<u8>, row: usize, side: Side) {
    match side {
        Side::Back => tissue.slice_mut(s![.., row.., ..]).fill(0),
        Side::Front => tissue.slice_mut(s![.., ..=row, ..]).fill(0),
    }
}

/// Dense voxels outside the body that run along more than 80 % of the slices, behind or in front of its centre.
fn couch(dense: &Array3<u8>, body: &Array3<u8>, spacing: [f64; 3], p: &BodyParams) -> Array3<u8> {
    let mut outside = Ball::disc(p.couch_gap_mm, spacing).dilate(body);
    Zip::from(&mut outside).and(dense).par_for_each(|o, d| *o = (1 - *o) & d);
    let found = Components::find(outside.view(), Connectivity::TwentySix, |v| v != 0);
    let Some(own) = Extent::of(body) else {
        return Array3::zeros(dense.dim());
    };
    let (nk, _, _) = dense.dim();
    let middle = (own.lo[1] + own.hi[1]) as f64 / 2.0;
    let quarter = (own.hi[1] - own.lo[1]) as f64 / 4.0;
    let keep: Vec<bool> = facts(&found)
        .iter()
        .map(|f| {
            let long = (f.extent.hi[2] - f.extent.lo[2] + 1) as f64 > p.couch_share * nk as f64;
            long && (f.centre[1] - middle).abs() > quarter
        })
        .collect();
    found.to_block(|c| keep[c])
}

/// Whether the body reaches the left, right or front border of the image: it may be cut there.
fn touches_side(body: &Array3<u8>) -> bool {
    let (_, nj, ni) = body.dim();
    [s![.., .., 0..1], s![.., .., ni - 1..ni]]
        .into_iter()
        .any(|part| body.slice(part).iter().any(|v| *v != 0))
        || [s![.., 0..1, ..], s![.., nj - 1..nj, ..]]
            .into_iter()
            .any(|part| body.slice(part).iter().any(|v| *v != 0))
}
