//! The perturbation grid: noise, translation, contour, volume, in this order, and the altered masks and images.

use std::sync::Arc;

use ndarray::{Array3, s};
use rayon::prelude::*;
use rt_core::{Grid, Vec3};
use rt_image::{Mask, Volume};

use super::distance::signed;
use super::random::{Draws, hash, normal_pair};
use super::{Intensity, Mode, RobustnessConfig};
use crate::sample::Samples;

/// Why a region cannot be perturbed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PerturbError {
    /// Two perturbations would have one name.
    #[error("two perturbations are called {0}: noise levels and volume changes must differ by 1 HU and 1 %")]
    Duplicate(String),
    /// A moved region leaves the image.
    #[error("{id}: moved by {shift:?} mm, the region leaves the image; leave it out or shorten robustness.max_translation_mm")]
    Clipped {
        /// Perturbation.
        id: String,
        /// Translation, mm.
        shift: [f64; 3],
    },
    /// No random contour gives a new region.
    #[error("{id}: 16 random contours of up to {mm} mm gave no new region of at least 5 voxels; raise robustness.contour_randomization_mm")]
    Contour {
        /// Perturbation.
        id: String,
        /// Largest change.
        mm: f64,
    },
    /// The volume cannot be changed so much.
    #[error("{id}: from {voxels} to {target} voxels is not possible (at least {least})")]
    Volume {
        /// Perturbation.
        id: String,
        /// Voxels before.
        voxels: usize,
        /// Voxels wanted.
        target: usize,
        /// Least number of voxels on both sides.
        least: usize,
    },
}

impl PerturbError {
    /// Stable code for tables.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Duplicate(_) => "robustness.duplicate",
            Self::Clipped { .. } => "robustness.clipped",
            Self::Contour { .. } => "robustness.contour",
            Self::Volume { .. } => "robustness.volume",
        }
    }
}

/// The factors of the grid.
#[derive(Debug, Clone, PartialEq)]
pub struct PerturbGrid {
    /// Noise levels; the first is outermost.
    pub noise: Vec<f64>,
    /// Translations of the mask in patient axes (LPS), mm.
    pub translations: Vec<[f64; 3]>,
    /// Contours: the one as it is and random ones.
    pub contours: usize,
    /// Relative volume changes.
    pub volumes: Vec<f64>,
    /// Largest random change of a contour, mm.
    pub contour_mm: f64,
    /// Seed.
    pub seed: u64,
    /// How masks grow and shrink.
    pub mode: Mode,
}

impl PerturbGrid {
    /// The grid of a configuration.
    ///
    /// # Errors
    /// [`PerturbError::Duplicate`] when two perturbations would have one name.
    pub fn new(config: &RobustnessConfig) -> Result<Self, PerturbError> {
        let t = config.max_translation_mm;
        let along: &[[f64; 3]] = match config.intensity {
            _ if t == 0.0 => &[[0.0; 3]],
            Intensity::Mild | Intensity::Standard => &[[0.0; 3], [0.0, 0.0, 1.0], [0.0, 0.0, -1.0]],
            Intensity::Aggressive => &[
                [0.0; 3],
                [1.0, 0.0, 0.0],
                [-1.0, 0.0, 0.0],
                [0.0, 1.0, 0.0],
                [0.0, -1.0, 0.0],
                [0.0, 0.0, 1.0],
                [0.0, 0.0, -1.0],
            ],
        };
        let n = config.n_random_contour_realizations;
        let small = &config.small_volume_changes;
        let mut volumes = match config.intensity {
            Intensity::Mild => small.iter().take(2).copied().collect(),
            Intensity::Standard => small.clone(),
            Intensity::Aggressive => [config.large_volume_changes.as_slice(), small].concat(),
        };
        let mut seen = Vec::new();
        volumes.retain(|v| {
            let new = !seen.contains(&v.to_bits());
            seen.push(v.to_bits());
            new
        });
        let mild = config.intensity == Intensity::Mild;
        let out = Self {
            noise: if mild {
                config.noise_levels[..1].to_vec()
            } else {
                config.noise_levels.clone()
            },
            translations: along.iter().map(|d| d.map(|v| v * t)).collect(),
            contours: 1 + if mild { n.min(1) } else { n },
            volumes,
            contour_mm: if config.contour_randomization_mm > 0.0 {
                config.contour_randomization_mm
            } else {
                t / 2.0
            },
            seed: config.seed,
            mode: config.mode,
        };
        let mut ids: Vec<String> = out.perturbations().into_iter().map(|p| p.id).collect();
        ids.sort_unstable();
        match ids.windows(2).find(|w| w[0] == w[1]) {
            Some(twice) => Err(PerturbError::Duplicate(twice[0].clone())),
            None => Ok(out),
        }
    }

    /// All perturbations in order.
    pub fn perturbations(&self) -> Vec<Perturbation> {
        let mut out = Vec::new();
        for (level, noise) in self.noise.iter().enumerate() {
            for (geometry, id) in self.geometry_ids().into_iter().enumerate() {
                let level_id = if *noise == 0.0 {
                    String::new()
                } else {
                    format!("_n{}", noise.trunc())
                };
                out.push(Perturbation {
                    id: format!("ntcv{level_id}{id}"),
                    level,
                    geometry,
                });
            }
        }
        out
    }

    /// Names of the geometric states, `_t0_0_4_c1_v+15`, in order.
    fn geometry_ids(&self) -> Vec<String> {
        let mut out = Vec::new();
        for shift in &self.translations {
            let moved = shift.iter().any(|v| *v != 0.0);
            // Adding 0 makes -0 plain.
            let [x, y, z] = shift.map(|v| v.trunc() + 0.0);
            let moved = if moved { format!("_t{x}_{y}_{z}") } else { String::new() };
            for contour in 0..self.contours {
                let drawn = if contour == 0 { String::new() } else { format!("_c{contour}") };
                for volume in &self.volumes {
                    let resized = if *volume == 0.0 {
                        "_v0".to_owned()
                    } else {
                        format!("_v{:+03}", (volume * 100.0).round())
                    };
                    out.push(format!("{moved}{drawn}{resized}"));
                }
            }
        }
        out
    }
}

/// One perturbation: a noise level and a geometric state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Perturbation {
    /// Name, `ntcv_n10_t0_0_4_c1_v-15`.
    pub id: String,
    /// Place of its noise level.
    pub level: usize,
    /// Place of its geometric state.
    pub geometry: usize,
}

/// A region after translation, contour and volume change.
#[derive(Debug, Clone)]
pub struct Geometry {
    /// The altered mask.
    pub mask: Mask,
    /// Signed change of the contour, mm: positive when it grew; 0 for the contour as it is.
    pub contour_mm: f64,
}

/// The altered masks in the order of [`PerturbGrid::perturbations`] within a noise level.
///
/// # Errors
/// [`PerturbError`] for the first state that cannot be made.
pub fn geometries(mask: &Mask, grid: &PerturbGrid) -> Result<Vec<Geometry>, PerturbError> {
    let ids = grid.geometry_ids();
    let mut out = Vec::with_capacity(ids.len());
    for (t, shift) in grid.translations.iter().enumerate() {
        let id = |at: usize| format!("ntcv{}", ids[at]);
        let moved = translated(mask, *shift).ok_or_else(|| PerturbError::Clipped {
            id: id(out.len()),
            shift: *shift,
        })?;
        let mut contours: Vec<Geometry> = vec![Geometry {
            mask: moved.clone(),
            contour_mm: 0.0,
        }];
        for c in 1..grid.contours {
            let place = (t * grid.contours + c) * grid.volumes.len();
            let drawn = randomised(&moved, grid, [t, c], &contours).ok_or_else(|| PerturbError::Contour {
                id: id(place),
                mm: grid.contour_mm,
            })?;
            contours.push(drawn);
        }
        for contour in &contours {
            for volume in &grid.volumes {
                let name = id(out.len());
                out.push(Geometry {
                    mask: resized(&contour.mask, *volume, grid, &name)?,
                    contour_mm: contour.contour_mm,
                });
            }
        }
    }
    Ok(out)
}

/// The mask moved by whole voxels, the nearest to a length in mm in patient axes; `None` when it leaves the image.
fn translated(mask: &Mask, shift: [f64; 3]) -> Option<Mask> {
    let grid = mask.grid();
    let steps: [f64; 3] = (grid.world_to_index(grid.origin() + Vec3::from(shift))).into();
    let (lo, size) = (mask.lo(), mask.size());
    let mut to = [0; 3];
    for a in 0..3 {
        // The voxel that a moved voxel centre lies in; of two equally near ones the higher.
        let step = whole((steps[a] + 0.5 - 1e-9).floor());
        to[a] = lo[a].checked_add_signed(step)?;
        if to[a] + size[a] > grid.size()[a] {
            return None;
        }
    }
    Mask::from_block(grid, to, mask.block().to_owned()).ok()
}

#[expect(clippy::cast_possible_truncation, reason = "a few voxels")]
fn whole(v: f64) -> isize {
    v as isize
}

/// A box of the grid around a mask with room for a change of `mm`, its block, and the signed distances in it.
struct Around {
    lo: [usize; 3],
    block: Array3<u8>,
    distance: Array3<f64>,
}

impl Around {
    fn new(mask: &Mask, reach: [usize; 3], mode: Mode) -> Option<Self> {
        let grid = mask.grid();
        let lo: [usize; 3] = std::array::from_fn(|a| mask.lo()[a].saturating_sub(reach[a]));
        let size = std::array::from_fn(|a| (mask.lo()[a] + mask.size()[a] + reach[a]).min(grid.size()[a]) - lo[a]);
        let block = mask.block_in(lo, size).ok()?;
        let distance = signed(block.view(), grid.spacing(), mode);
        Some(Self { lo, block, distance })
    }

    fn mask(&self, grid: &Arc<Grid>, keep: impl Fn(f64) -> bool) -> Option<Mask> {
        Mask::from_block(grid, self.lo, self.distance.mapv(|d| u8::from(keep(d)))).ok()
    }
}

/// Voxels along each axis that a length reaches over, and one more.
fn reach(grid: &Grid, mm: f64) -> [usize; 3] {
    grid.spacing().map(|s| usize::try_from(whole((mm / s).ceil())).unwrap_or(0) + 1)
}

/// A randomly grown or shrunken contour that differs from the ones before.
fn randomised(mask: &Mask, grid: &PerturbGrid, [t, c]: [usize; 2], before: &[Geometry]) -> Option<Geometry> {
    let around = Around::new(mask, reach(mask.grid(), grid.contour_mm), grid.mode)?;
    let mut draws = Draws::new(&[grid.seed, 1, t as u64, c as u64]);
    for _ in 0..16 {
        let magnitude = 0.5 * grid.contour_mm + 0.5 * grid.contour_mm * draws.uniform();
        let shrinks = draws.uniform() < 0.5;
        let Some(new) = (if shrinks {
            around.mask(mask.grid(), |d| d > magnitude)
        } else {
            around.mask(mask.grid(), |d| d >= -magnitude)
        }) else {
            continue;
        };
        let differs = |other: &Geometry| other.mask.lo() != new.lo() || other.mask.block() != new.block();
        if new.count() >= 5 && before.iter().all(differs) {
            return Some(Geometry {
                mask: new,
                contour_mm: if shrinks { -magnitude } else { magnitude },
            });
        }
    }
    None
}

/// The mask with exactly the wanted share of its voxels more or less, from the border.
fn resized(mask: &Mask, change: f64, grid: &PerturbGrid, id: &str) -> Result<Mask, PerturbError> {
    if change == 0.0 {
        return Ok(mask.clone());
    }
    let voxels = mask.count();
    let target = (voxels as f64 * (1.0 + change)).round_ties_even();
    let target = usize::try_from(whole(target)).unwrap_or(0);
    let volume = mask.grid().voxel_volume_mm3();
    let least = usize::try_from(whole((10.0 / volume).ceil())).unwrap_or(usize::MAX).max(10);
    let refused = || PerturbError::Volume {
        id: id.to_owned(),
        voxels,
        target,
        least,
    };
    if voxels < least || target < least || target == voxels || target > mask.grid().len() {
        return Err(refused());
    }
    // Room for the growth: the radius of a ball of the added voxels around a compact region, and more while it is not enough.
    let mut mm = if target > voxels {
        ((target - voxels) as f64 * volume).cbrt() + 2.0
    } else {
        0.0
    };
    loop {
        let around = Around::new(mask, reach(mask.grid(), mm), grid.mode).ok_or_else(refused)?;
        let everything = around.block.dim() == mask.grid().shape();
        if let Some(block) = changed(&around, mask.grid(), target, grid, everything) {
            return Mask::from_block(mask.grid(), around.lo, block).map_err(|_| refused());
        }
        mm = 2.0 * mm + 1.0;
    }
}

/// The block with `target` voxels; `None` when the box may be too small to know which are nearest.
fn changed(around: &Around, image: &Grid, target: usize, grid: &PerturbGrid, everything: bool) -> Option<Array3<u8>> {
    let voxels = around.block.iter().filter(|v| **v != 0).count();
    let grows = target > voxels;
    let [ni, nj, _] = image.size();
    let mut candidates: Vec<(f64, u64, [usize; 3])> = around
        .block
        .indexed_iter()
        .filter(|(_, v)| (**v == 0) == grows)
        .map(|((k, j, i), _)| {
            let flat = ((around.lo[2] + k) * nj + around.lo[1] + j) * ni + around.lo[0] + i;
            let order = match grid.mode {
                Mode::Exact => hash(grid.seed, flat as u64),
                Mode::Reference => flat as u64,
            };
            (around.distance[[k, j, i]], order, [k, j, i])
        })
        .collect();
    // Largest signed distance first: the core of the region, or the outside nearest to it.
    let by_depth = |a: &(f64, u64, [usize; 3]), b: &(f64, u64, [usize; 3])| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    let wanted = if grows { target - voxels } else { target };
    if wanted > candidates.len() {
        return None;
    }
    if wanted < candidates.len() {
        candidates.select_nth_unstable_by(wanted, by_depth);
        candidates.truncate(wanted);
    }
    let last = candidates.iter().map(|c| c.0).fold(f64::INFINITY, f64::min);
    if grows && !everything && !covers(around, image, -last) {
        return None;
    }
    let mut block = if grows {
        around.block.clone()
    } else {
        Array3::zeros(around.block.dim())
    };
    for (_, _, at) in candidates {
        block[at] = 1;
    }
    Some(block)
}

/// Whether every voxel of the image outside the box is further than `depth` from the region: the box's open faces are.
fn covers(around: &Around, image: &Grid, depth: f64) -> bool {
    let (nk, nj, ni) = around.block.dim();
    let (size, full) = ([ni, nj, nk], image.size());
    let d = &around.distance;
    (0..3).all(|a| {
        let axis = ndarray::Axis(2 - a);
        let far = |at: usize| d.index_axis(axis, at).iter().all(|v| -v > depth);
        (around.lo[a] == 0 || far(0)) && (around.lo[a] + size[a] == full[a] || far(size[a] - 1))
    })
}

/// The image in `f32` with additive Gaussian noise: a function of seed, level and voxel alone.
pub fn noisy(samples: &Samples<'_>, sd: f64, seed: u64) -> Volume<f32> {
    let grid = samples.grid();
    let [ni, nj, _] = grid.size();
    let level = hash(seed, (1000.0 * sd).to_bits());
    let mut data = Array3::<f32>::zeros(grid.shape());
    data.outer_iter_mut().into_par_iter().enumerate().for_each(|(k, mut plane)| {
        let mut row = Vec::with_capacity(ni);
        for j in 0..nj {
            row.clear();
            samples.append_row([0, j, k], ni, &mut row);
            if sd > 0.0 {
                for i in (0..ni).step_by(2) {
                    // Rows of an odd length leave the second number of their last pair unused.
                    let pair = normal_pair(level, ((k * nj + j) * ni.div_ceil(2) + i / 2) as u64);
                    row[i..].iter_mut().zip(pair).for_each(|(v, n)| *v += sd * n);
                }
            }
            let mut out = plane.slice_mut(s![j, ..]);
            out.iter_mut().zip(&row).for_each(|(out, v)| *out = single(*v));
        }
    });
    // The shape is that of the grid.
    Volume::new(Arc::clone(grid), data).unwrap_or_else(|_| Volume::filled(Arc::clone(grid), 0.0))
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the purpose")]
fn single(v: f64) -> f32 {
    v as f32
}

#[cfg(test)]
mod tests;
