//! Facts of components: box, centre, grey values.

use ndarray::{Array3, s};
use rt_image::Components;

/// First and last voxel of something along x, y, z.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) lo: [usize; 3],
    pub(crate) hi: [usize; 3],
}

impl Extent {
    /// Around the voxels that are set; `None` when there are none.
    pub(crate) fn of(block: &Array3<u8>) -> Option<Self> {
        let mut found: Option<Self> = None;
        for (k, plane) in block.outer_iter().enumerate() {
            for (j, row) in plane.outer_iter().enumerate() {
                let Some(start) = row.iter().position(|v| *v != 0) else { continue };
                let end = row.len() - 1 - row.iter().rev().position(|v| *v != 0).unwrap_or(0);
                let here = Self {
                    lo: [start, j, k],
                    hi: [end, j, k],
                };
                found = Some(found.map_or(here, |e| e.joined(here)));
            }
        }
        found
    }

    pub(crate) fn joined(self, other: Self) -> Self {
        Self {
            lo: [0, 1, 2].map(|a| self.lo[a].min(other.lo[a])),
            hi: [0, 1, 2].map(|a| self.hi[a].max(other.hi[a])),
        }
    }

    /// Grown by `mm` on each side, within an array of shape `dim`.
    pub(crate) fn grown(self, mm: f64, spacing: [f64; 3], dim: (usize, usize, usize)) -> Self {
        let last = [dim.2 - 1, dim.1 - 1, dim.0 - 1];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few voxels")]
        let by = spacing.map(|s| (mm / s).ceil() as usize);
        Self {
            lo: [0, 1, 2].map(|a| self.lo[a].saturating_sub(by[a])),
            hi: [0, 1, 2].map(|a| (self.hi[a] + by[a]).min(last[a])),
        }
    }

    /// Whether two boxes come closer than `mm` along every axis.
    pub(crate) fn is_near(self, other: Self, mm: f64, spacing: [f64; 3]) -> bool {
        (0..3).all(|a| {
            let gap = self.lo[a].saturating_sub(other.hi[a]).max(other.lo[a].saturating_sub(self.hi[a]));
            gap as f64 * spacing[a] <= mm
        })
    }

    /// A copy of the box of an array.
    pub(crate) fn cut<T: Clone>(self, block: &Array3<T>) -> Array3<T> {
        block.slice(self.slices()).to_owned()
    }

    /// An array of `dim` that is 0 outside the box and `part` inside.
    pub(crate) fn put(self, part: &Array3<u8>, dim: (usize, usize, usize)) -> Array3<u8> {
        let mut out = Array3::zeros(dim);
        out.slice_mut(self.slices()).assign(part);
        out
    }

    fn slices(self) -> ndarray::SliceInfo<[ndarray::SliceInfoElem; 3], ndarray::Ix3, ndarray::Ix3> {
        s![self.lo[2]..=self.hi[2], self.lo[1]..=self.hi[1], self.lo[0]..=self.hi[0]]
    }
}

/// What is known of one component.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) voxels: usize,
    pub(crate) extent: Extent,
    /// Mean voxel index along x, y, z.
    pub(crate) centre: [f64; 3],
}

/// Box and centre of every component, by number.
pub(crate) fn facts(found: &Components) -> Vec<Facts> {
    let mut all: Vec<Option<Facts>> = vec![None; found.count()];
    for run in found.runs() {
        let n = run.end - run.start;
        let here = Extent {
            lo: [run.start, run.j, run.k],
            hi: [run.end - 1, run.j, run.k],
        };
        let sums = [(run.start + run.end - 1) as f64 / 2.0, run.j as f64, run.k as f64].map(|c| c * n as f64);
        match &mut all[run.component] {
            None => {
                all[run.component] = Some(Facts {
                    voxels: n,
                    extent: here,
                    centre: sums,
                });
            }
            Some(f) => {
                f.voxels += n;
                f.extent = f.extent.joined(here);
                f.centre = [0, 1, 2].map(|a| f.centre[a] + sums[a]);
            }
        }
    }
    all.into_iter()
        .flatten()
        .map(|f| Facts {
            centre: f.centre.map(|c| c / f.voxels as f64),
            ..f
        })
        .collect()
}

/// Grey values of one component, counted in steps of 1 HU from -1024.
#[derive(Debug, Clone)]
pub(crate) struct Greys {
    counts: Vec<u32>,
    total: usize,
}

/// Lowest and highest grey value that images are cut to.
pub(crate) const HU_RANGE: (i16, i16) = (-1024, 3071);

impl Greys {
    fn new() -> Self {
        Self {
            counts: vec![0; 4096],
            total: 0,
        }
    }

    fn add(&mut self, hu: i16) {
        let at = usize::try_from(i32::from(hu) - i32::from(HU_RANGE.0)).unwrap_or(0).min(4095);
        self.counts[at] += 1;
        self.total += 1;
    }

    /// Smallest value that at least half of the voxels do not exceed.
    pub(crate) fn median(&self) -> i32 {
        let mut seen = 0usize;
        for (hu, n) in (i32::from(HU_RANGE.0)..).zip(&self.counts) {
            seen += *n as usize;
            if 2 * seen >= self.total {
                return hu;
            }
        }
        i32::from(HU_RANGE.1)
    }

    /// Share of voxels below a value.
    pub(crate) fn share_below(&self, hu: i32) -> f64 {
        let n = usize::try_from(hu - i32::from(HU_RANGE.0)).unwrap_or(0).min(4096);
        let below: usize = self.counts[..n].iter().map(|c| *c as usize).sum();
        below as f64 / self.total.max(1) as f64
    }

    /// Number of voxels with values in a range.
    pub(crate) fn between(&self, lo: i32, hi: i32) -> usize {
        let at = |v: i32| usize::try_from(v - i32::from(HU_RANGE.0)).unwrap_or(0).min(4095);
        self.counts[at(lo)..=at(hi)].iter().map(|c| *c as usize).sum()
    }

    /// Largest value; `None` without voxels.
    pub(crate) fn max(&self) -> Option<i32> {
        let last = self.counts.iter().rposition(|c| *c > 0)?;
        i32::try_from(last).ok().map(|n| n + i32::from(HU_RANGE.0))
    }
}

/// Grey values of the components of at least `min_voxels` voxels, by number; `None` for smaller ones.
pub(crate) fn greys(found: &Components, hu: &Array3<i16>, min_voxels: usize) -> Vec<Option<Greys>> {
    let mut all: Vec<Option<Greys>> = found.sizes().iter().map(|n| (*n >= min_voxels).then(Greys::new)).collect();
    for run in found.runs() {
        if let Some(g) = &mut all[run.component] {
            for v in hu.slice(s![run.k, run.j, run.start..run.end]) {
                g.add(*v);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt_image::Connectivity;

    #[test]
    fn box_centre_and_greys_of_two_components() {
        let mut block = Array3::<u8>::zeros((3, 4, 6));
        let mut hu = Array3::<i16>::from_elem((3, 4, 6), -1000);
        for (at, v) in [([0, 1, 1], 10), ([0, 1, 2], 20), ([1, 1, 2], 40), ([2, 3, 5], 700)] {
            block[at] = 1;
            hu[at] = v;
        }
        let found = Components::find(block.view(), Connectivity::Six, |v| v != 0);
        let f = facts(&found);
        assert_eq!(
            (f[0].voxels, f[0].extent),
            (
                3,
                Extent {
                    lo: [1, 1, 0],
                    hi: [2, 1, 1]
                }
            )
        );
        assert!((f[0].centre[0] - 5.0 / 3.0).abs() < 1e-12 && (f[0].centre[2] - 1.0 / 3.0).abs() < 1e-12);
        let g = greys(&found, &hu, 2);
        assert!(g[1].is_none());
        let g = g[0].as_ref().unwrap();
        assert_eq!((g.median(), g.max(), g.between(15, 40)), (20, Some(40), 2));
        assert!((g.share_below(20) - 1.0 / 3.0).abs() < 1e-12);
        assert!(f[0].extent.is_near(f[1].extent, 4.0, [1.0, 2.0, 3.0]));
        assert!(!f[0].extent.is_near(f[1].extent, 3.0, [1.0, 2.0, 3.0]));
    }
}
