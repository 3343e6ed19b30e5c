//! Features of every perturbation of one region; what perturbations share is computed once.
//!
//! All perturbations of a region are measured on one base: the box of all altered masks together, with the padding of the settings, resampled
//! once a noise level. Filters run once a noise level on it, and each altered mask takes its voxels from the result. Shape depends on the
//! mask alone and is measured once a geometric state.

use std::collections::HashMap;

use ndarray::{Array3, s};
use rayon::prelude::*;
use rt_image::{Mask, VolumeView};

use super::perturb::{Geometry, PerturbGrid};
use crate::diagnostics::Diagnostics;
use crate::error::ExtractError;
use crate::extract::{measure as measure_image, shape_features};
use crate::filters::{Derived, derive};
use crate::image::{Base, Field, ImageSource};
use crate::prepare::{Placed, Regions, check_geometry, check_grid, regions};
use crate::resample::{self, Target};
use crate::roi::{Roi, Run};
use crate::settings::{NormaliseScope, Settings};
use crate::vector::FeatureVector;

/// Whether perturbations share what they can; the features are the same bits either way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Resampling and filters once a noise level, shape once a geometric state.
    #[default]
    On,
    /// Everything for every perturbation: to check the other.
    Off,
}

/// Features of one perturbation.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Place of the geometric state.
    pub geometry: usize,
    /// The features, without diagnostics.
    pub features: FeatureVector,
}

/// Where the regions of all geometric states lie in one base.
struct Plan {
    target: Option<Target>,
    /// All altered masks together, in the original grid.
    union: Placed,
    /// Each altered mask in the base.
    placed: Vec<Placed>,
}

impl Plan {
    fn new(source: &ImageSource<'_>, states: &[Geometry], settings: &Settings) -> Result<Self, ExtractError> {
        let grid = source.samples().grid();
        check_grid(grid)?;
        for state in states {
            check_geometry(grid, state.mask.grid(), settings)?;
        }
        let masks: Vec<&Mask> = states.iter().map(|g| &g.mask).collect();
        let union = together(&masks).ok_or(ExtractError::Empty)?;
        let own = |mask: &Mask| Placed {
            lo: mask.lo(),
            block: mask.block().to_owned(),
        };
        let Some(how) = settings.resample else {
            let placed = masks.iter().map(|m| own(m)).collect();
            return Ok(Self {
                target: None,
                union,
                placed,
            });
        };
        let target = resample::target(grid, &union, how.spacing, settings.pad_distance)?;
        let first = |a: usize| union.lo[a].saturating_sub(settings.pad_distance);
        let place = |mask: &&Mask| match &target {
            Some(target) => resample::mask(grid, &own(mask), target).ok_or(ExtractError::Empty),
            // No resampling needed: the base is the padded box of the union.
            None => Ok(Placed {
                lo: std::array::from_fn(|a| mask.lo()[a] - first(a)),
                block: mask.block().to_owned(),
            }),
        };
        let placed = masks.iter().map(place).collect::<Result<_, _>>()?;
        Ok(Self { target, union, placed })
    }

    /// The image that values and filters are taken from.
    fn base<'s, 'a>(&self, source: &'s ImageSource<'a>, settings: &Settings) -> Result<Base<'s, 'a>, ExtractError> {
        let scaling = match settings.normalise {
            Some(n) if n.scope == NormaliseScope::Region => {
                let text = "normalisation by the region changes with every perturbation; use that of the whole image";
                return Err(ExtractError::Setting(text.to_owned()));
            }
            normalise => source.scaling(normalise, Vec::new)?,
        };
        let Some(how) = settings.resample else {
            return Ok(Base::Whole { source, scaling });
        };
        let field: Field = match &self.target {
            Some(target) => resample::image(source.samples(), scaling, target, how),
            None => resample::padded(source.samples(), scaling, &self.union, settings.pad_distance)?.0,
        };
        Ok(Base::Part(field))
    }
}

/// The tight block of several masks of one grid together.
fn together(masks: &[&Mask]) -> Option<Placed> {
    let filled: Vec<&&Mask> = masks.iter().filter(|m| !m.is_empty()).collect();
    let lo: [usize; 3] = std::array::from_fn(|a| filled.iter().map(|m| m.lo()[a]).min().unwrap_or(0));
    let end: [usize; 3] = std::array::from_fn(|a| filled.iter().map(|m| m.lo()[a] + m.size()[a]).max().unwrap_or(0));
    if filled.is_empty() {
        return None;
    }
    let mut block = Array3::<u8>::zeros([end[2] - lo[2], end[1] - lo[1], end[0] - lo[0]]);
    for mask in filled {
        paint(&mut block, lo, mask.lo(), &mask.block().to_owned());
    }
    Some(Placed { lo, block })
}

/// Sets the voxels of a block that starts at `at` in one that starts at `lo`.
fn paint(into: &mut Array3<u8>, lo: [usize; 3], at: [usize; 3], block: &Array3<u8>) {
    let (nk, nj, ni) = block.dim();
    let [x, y, z]: [usize; 3] = std::array::from_fn(|a| at[a] - lo[a]);
    into.slice_mut(s![z..z + nk, y..y + nj, x..x + ni])
        .zip_mut_with(block, |out, v| *out |= *v);
}

/// Features of every geometric state on one image, which is that of one noise level.
///
/// # Errors
/// [`ExtractError`] of the first state that cannot be measured.
pub fn measure(
    image: VolumeView<'_, f32>,
    states: &[Geometry],
    settings: &Settings,
    sharing: Sharing,
) -> Result<Vec<Measured>, ExtractError> {
    let source = ImageSource::new(image);
    let plan = Plan::new(&source, states, settings)?;
    match sharing {
        Sharing::On => {
            let all: Vec<usize> = (0..states.len()).collect();
            measure_states(&source, &plan, &all, settings)
        }
        Sharing::Off => {
            let each = (0..states.len()).map(|n| measure_states(&source, &plan, &[n], settings));
            Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
        }
    }
}

/// The states with the given numbers, on one base.
fn measure_states(source: &ImageSource<'_>, plan: &Plan, numbers: &[usize], settings: &Settings) -> Result<Vec<Measured>, ExtractError> {
    let base = plan.base(source, settings)?;
    let spacing = match (&base, &plan.target) {
        (_, Some(target)) => target.grid.spacing(),
        _ => source.samples().grid().spacing(),
    };
    let states: Vec<Regions> = numbers
        .par_iter()
        .map(|n| regions(&base, plan.placed[*n].clone(), spacing, settings))
        .collect::<Result<_, _>>()?;
    // One region of all voxels, and where those of each state stand in its storage order.
    let lo: [usize; 3] = std::array::from_fn(|a| states.iter().map(|r| r.mask.lo[a]).min().unwrap_or(0));
    let end: [usize; 3] = std::array::from_fn(|a| states.iter().map(|r| r.mask.lo[a] + r.mask.size()[a]).max().unwrap_or(0));
    let mut block = Array3::<u8>::zeros([end[2] - lo[2], end[1] - lo[1], end[0] - lo[0]]);
    for state in &states {
        paint(&mut block, lo, state.mask.lo, &state.mask.block);
    }
    let union = Roi::new(block.view(), spacing);
    let ranges: Vec<Vec<(usize, usize)>> = states.par_iter().map(|r| positions(&union, lo, r)).collect();
    let mut features: Vec<Vec<(String, f64)>> = states
        .par_iter()
        .map(|r| {
            let (placed, roi) = r.shape.as_ref().map_or((&r.mask, &r.roi), |(p, r)| (p, r));
            shape_features(placed, roi, settings).features
        })
        .collect();
    for image_type in &settings.image_types {
        let mut problem = None;
        let mut measured = |image: Derived| {
            let results: Result<Vec<_>, ExtractError> = states
                .par_iter()
                .zip(&ranges)
                .map(|(state, ranges)| {
                    let own = Derived {
                        name: image.name.clone(),
                        values: ranges
                            .iter()
                            .flat_map(|(at, len)| image.values[*at..at + len].iter().copied())
                            .collect(),
                        kind: image.kind,
                    };
                    measure_image(&own, &state.roi, &image_type.texture, &settings.classes)
                })
                .collect();
            match results {
                Ok(results) => features.iter_mut().zip(results).for_each(|(out, r)| out.extend(r.features)),
                Err(error) => problem = problem.take().or(Some(error)),
            }
        };
        // Warnings are about images that cannot be made; their features are then missing from all states alike.
        derive(&image_type.filter, &base, lo, &union, &mut measured);
        if let Some(error) = problem {
            return Err(error);
        }
    }
    let vector = |(at, named): (usize, Vec<(String, f64)>)| {
        let mut out = FeatureVector::new(Diagnostics::default());
        out.voxels = states[at].roi.count;
        for (name, value) in named {
            out.push(name, value);
        }
        Measured {
            geometry: numbers[at],
            features: out,
        }
    };
    Ok(features.into_iter().enumerate().map(vector).collect())
}

/// Runs of a region as ranges of the values of the union, in order.
fn positions(union: &Roi, lo: [usize; 3], state: &Regions) -> Vec<(usize, usize)> {
    // First value of every run of the union, by row.
    let mut rows: HashMap<(usize, usize), Vec<(usize, &Run)>> = HashMap::new();
    let mut before = 0;
    for run in &union.runs {
        rows.entry((run.k, run.j)).or_default().push((before, run));
        before += run.len;
    }
    let offset: [usize; 3] = std::array::from_fn(|a| state.mask.lo[a] - lo[a]);
    let find = |i: usize, j: usize, k: usize| {
        let runs = rows.get(&(k, j))?;
        let (first, run) = runs.iter().find(|(_, run)| (run.i..run.i + run.len).contains(&i))?;
        Some(first + i - run.i)
    };
    let of = |run: &Run| Some((find(run.i + offset[0], run.j + offset[1], run.k + offset[2])?, run.len));
    // Every run of a state lies in one run of the union.
    state.roi.runs.iter().filter_map(of).collect()
}

impl PerturbGrid {
    /// Number of geometric states.
    pub fn states(&self) -> usize {
        self.translations.len() * self.contours * self.volumes.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rt_core::{Grid, Vec3};
    use rt_image::Volume;

    use super::*;
    use crate::config::ImageKind;
    use crate::robustness::{RobustnessConfig, geometries, noisy};
    use crate::sample::Samples;

    fn scene() -> (Volume<i16>, Mask) {
        let grid = Arc::new(Grid::axis_aligned([44, 40, 24], Vec3::ZERO, [1.1, 1.1, 2.5]).unwrap());
        let data = Array3::from_shape_fn(grid.shape(), |(k, j, i)| {
            let h = u32::try_from(k * 7919 + j * 104_729 + i * 1_299_709).unwrap();
            i16::try_from((h.wrapping_mul(2_654_435_761) >> 20) % 300).unwrap() - 100
        });
        let block = Array3::from_shape_fn(grid.shape(), |(k, j, i)| {
            let d: f64 = [(i, 21.0, 1.1), (j, 19.0, 1.1), (k, 12.0, 2.5)]
                .iter()
                .map(|(v, c, s)| ((*v as f64 - c) * s).powi(2))
                .sum();
            u8::from(d < 81.0)
        });
        (
            Volume::new(Arc::clone(&grid), data).unwrap(),
            Mask::from_block(&grid, [0; 3], block).unwrap(),
        )
    }

    #[test]
    fn sharing_does_not_change_a_bit() {
        let (image, mask) = scene();
        let config = RobustnessConfig {
            max_translation_mm: 2.5,
            ..RobustnessConfig::default()
        };
        let grid = PerturbGrid::new(&config).unwrap();
        let states: Vec<Geometry> = geometries(&mask, &grid).unwrap().into_iter().step_by(4).collect();
        let settings = Settings::reference(ImageKind::Ct).unwrap();
        let altered = noisy(&Samples::from(image.view()), 10.0, grid.seed);
        let bits = |sharing| -> Vec<(usize, Vec<u64>)> {
            let all = measure(altered.view(), &states, &settings, sharing).unwrap();
            all.iter()
                .map(|m| (m.geometry, m.features.values().iter().map(|v| v.to_bits()).collect()))
                .collect()
        };
        let shared = bits(Sharing::On);
        assert_eq!((shared.len(), shared[0].1.len()), (7, 1223));
        assert!(shared == bits(Sharing::Off));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert!(shared == pool.install(|| bits(Sharing::On)));
    }

    #[test]
    fn without_filters_a_state_has_the_features_of_its_mask() {
        let (image, mask) = scene();
        let grid = PerturbGrid::new(&RobustnessConfig::default()).unwrap();
        let states = geometries(&mask, &grid).unwrap();
        let altered = noisy(&Samples::from(image.view()), 0.0, grid.seed);
        let mut settings = Settings::reference(ImageKind::Ct).unwrap();
        settings.image_types.truncate(1);
        let all = measure(altered.view(), &states, &settings, Sharing::On).unwrap();
        assert_eq!(all.len(), 27);
        for (measured, state) in all.iter().zip(&states).step_by(5) {
            let alone = crate::extract(altered.view(), &state.mask, &settings).unwrap();
            assert_eq!(measured.features.names(), alone.names());
            // The resampled grids are one lattice; positions on it are found from other box corners.
            for ((name, a), b) in measured.features.iter().zip(alone.values()) {
                assert!((a - b).abs() <= 1e-6 * b.abs().max(1e-3), "{name} {a} {b}");
            }
        }
    }
}
