//! Conformity of a target's dose: how the prescription isodose fits the target.
//!
//! Sources: RTOG conformity index, Shaw et al., IJROBP 27:1231 (1993); Paddick, J Neurosurg 93 suppl 3:219 (2000); gradient index,
//! Paddick and Lippitz, J Neurosurg 105 suppl:194 (2006).

use rt_core::{Cc, Gy};
use rt_image::PlaneFrame;

use crate::extremes;
use crate::field::DoseField;
use crate::histogram::Accumulator;
use crate::integral::{Focus, Level, Outside, integrate};
use crate::roi::Dvh;
use crate::solid::Solid;

/// Indices of one target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Indices {
    /// Volume of the prescription isodose over volume of the target.
    pub ci_rtog: f64,
    /// Square of the target volume inside the isodose over the product of target volume and isodose volume; `None` without isodose.
    pub ci_paddick: Option<f64>,
    /// Volume of half the prescription over volume of the prescription; `None` without isodose.
    pub gradient: Option<f64>,
}

/// Volumes of the whole dose grid (where all terms have one, the hull of the voxel centres of the first) with at least each of some doses, cm3.
///
/// Cells that an isodose passes are cut further. In order of `doses`.
pub fn isodose_volumes(field: &DoseField<'_>, doses: &[Gy]) -> Vec<Cc> {
    let Some(term) = field.terms().first() else {
        return vec![Cc(0.0); doses.len()];
    };
    let grid = term.dose.grid();
    let (u, n) = (grid.direction().x_axis, grid.normal());
    let frame = PlaneFrame { u, v: n.cross(u), n };
    let seen = field.in_frame(&frame);
    let corners = [0, grid.size()[0] - 1].into_iter().flat_map(|i| {
        let ends = [0, grid.size()[1] - 1].map(|j| [0, grid.size()[2] - 1].map(|k| frame.project(grid.centre(i, j, k))));
        ends.into_iter().flatten()
    });
    let mut bounds = [[f64::INFINITY; 3], [f64::NEG_INFINITY; 3]];
    for corner in corners {
        for a in 0..3 {
            bounds[0][a] = bounds[0][a].min(corner[a]);
            bounds[1][a] = bounds[1][a].max(corner[a]);
        }
    }
    // A grid of one plane has a thickness.
    for a in 0..3 {
        if bounds[1][a] - bounds[0][a] < 1e-9 {
            let half = seen.spacing(a) / 2.0;
            bounds = [0, 1].map(|end| {
                let mut b = bounds[end];
                b[a] += if end == 0 { -half } else { half };
                b
            });
        }
    }
    let solid = sliced(&Solid::from_box(frame, bounds[0], bounds[1]), &seen.knots(2));
    let range = seen.range_in(bounds[0], bounds[1]);
    let level = Level::new(&seen, (0..3).map(|a| seen.spacing(a)).fold(f64::INFINITY, f64::min));
    let focus = Focus {
        doses: doses.iter().map(|d| [d.value(); 2]).collect(),
        parts: 2,
    };
    let empty = Accumulator::new(range[0], range[1]);
    let found = integrate(&solid, &seen, &level, Some(&focus), Outside::Partial, &empty);
    let ends = found.extremes.join(extremes::Extremes {
        min: range[0],
        max: range[1],
    });
    match found.volumes.distribution(ends.min, ends.max) {
        Some(d) => doses.iter().map(|dose| Cc::from_mm3(d.volume_at(dose.value()))).collect(),
        None => vec![Cc(0.0); doses.len()],
    }
}

/// A box cut at planes, so that it can be worked on in parallel.
fn sliced(solid: &Solid, planes: &[f64]) -> Solid {
    let mut out = solid.clone();
    out.slabs.clear();
    for slab in &solid.slabs {
        let [lo, hi] = slab.range_mm;
        let mut from = lo;
        for to in planes.iter().copied().filter(|p| *p > lo && *p < hi).chain([hi]) {
            let mut part = slab.clone();
            part.range_mm = [from, to];
            out.slabs.push(part);
            from = to;
        }
    }
    out
}

/// Indices of a target from its DVH and the volumes of the prescription isodose and of half of it.
///
/// `None` when the prescription is not positive or the target is only partly covered.
pub fn indices(target: &Dvh, rx: Gy, isodose: Cc, half_isodose: Cc) -> Option<Indices> {
    if rx.value() <= 0.0 || target.covered_fraction() < crate::roi::WHOLE_COVERAGE {
        return None;
    }
    let volume = target.volume.value();
    let inside = target.distribution.volume_at(rx.value()) / 1000.0;
    let piv = isodose.value();
    let of_isodose = |value: f64| (piv > 0.0).then(|| value / piv);
    Some(Indices {
        ci_rtog: piv / volume,
        ci_paddick: of_isodose(inside * inside / volume),
        gradient: of_isodose(half_isodose.value()),
    })
}
