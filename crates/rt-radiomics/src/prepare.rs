//! From image and mask to what features are computed on (`spec/radiomics-conventions.md` section 1, steps 1 to 5).

use ndarray::{Array3, s};
use rt_core::{Grid, GridTolerance};
use rt_image::Mask;

use crate::diagnostics::{Diagnostics, Geometry, MaskFacts, ValueRange};
use crate::error::ExtractError;
use crate::image::{Base, ImageSource, Scaling};
use crate::resample;
use crate::roi::{Roi, check_size};
use crate::settings::{Resampling, ResegmentMode, Resegmentation, Settings};

/// A mask inside the base image: its tight block `[k, j, i]` and the first voxel of the block.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) lo: [usize; 3],
    pub(crate) block: Array3<u8>,
}

impl Placed {
    pub(crate) fn size(&self) -> [usize; 3] {
        let (nk, nj, ni) = self.block.dim();
        [ni, nj, nk]
    }

    /// Makes a block tight; `None` when nothing is inside.
    pub(crate) fn tight(lo: [usize; 3], block: Array3<u8>) -> Option<Self> {
        let (mut first, mut last) = ([usize::MAX; 3], [0; 3]);
        for ((k, j, i), _) in block.indexed_iter().filter(|(_, v)| **v != 0) {
            for (a, at) in [i, j, k].into_iter().enumerate() {
                first[a] = first[a].min(at);
                last[a] = last[a].max(at);
            }
        }
        if first[0] == usize::MAX {
            return None;
        }
        let part = block
            .slice(s![first[2]..=last[2], first[1]..=last[1], first[0]..=last[0]])
            .to_owned();
        Some(Self {
            lo: std::array::from_fn(|a| lo[a] + first[a]),
            block: part,
        })
    }
}

/// Everything that the feature classes need.
#[derive(Debug)]
pub(crate) struct Prepared<'s, 'a> {
    pub(crate) base: Base<'s, 'a>,
    /// The region that values are taken from.
    pub(crate) mask: Placed,
    pub(crate) roi: Roi,
    /// The region that shape is measured on, when it is another.
    pub(crate) shape: Option<(Placed, Roi)>,
}

/// Whether a grid is one that features are defined on: even and right-angled.
pub(crate) fn check_grid(grid: &Grid) -> Result<(), ExtractError> {
    if !grid.is_uniform() {
        return Err(ExtractError::IrregularGrid("unevenly spaced along its slices"));
    }
    if !grid.is_right_angled(0.1) {
        return Err(ExtractError::IrregularGrid("sheared (gantry tilt)"));
    }
    Ok(())
}

/// Compares the grids of image and mask with the relative tolerance of the settings (scaled by the first spacing, as ITK does).
pub(crate) fn check_geometry(image: &Grid, mask: &Grid, settings: &Settings) -> Result<(), ExtractError> {
    let tolerance = GridTolerance {
        position_mm: settings.geometry_tolerance * image.spacing()[0],
        cosine: settings.geometry_tolerance,
        spacing_rel: settings.geometry_tolerance,
    };
    match image.difference(mask, tolerance) {
        Some(difference) => Err(ExtractError::GridMismatch { difference }),
        None => Ok(()),
    }
}

/// Checks, normalises, resamples or crops, and resegments.
pub(crate) fn prepare<'s, 'a>(
    source: &'s ImageSource<'a>,
    mask: &Mask,
    settings: &Settings,
    diagnostics: &mut Diagnostics,
) -> Result<Prepared<'s, 'a>, ExtractError> {
    let grid = source.samples.grid();
    check_grid(grid)?;
    check_geometry(grid, mask.grid(), settings)?;
    if mask.is_empty() {
        return Err(ExtractError::Empty);
    }
    let placed = Placed {
        lo: mask.lo(),
        block: mask.block().to_owned(),
    };
    if settings.additional_info {
        diagnostics.push_image("original", geometry(grid), source.range());
        diagnostics.push_mask(
            "original",
            geometry(grid),
            &MaskFacts::new(grid, placed.lo, placed.block.view()),
            None,
        );
    }
    let scaling = source.scaling(settings.normalise, || {
        let roi = Roi::new(placed.block.view(), grid.spacing());
        Base::Whole { source, scaling: None }.values(placed.lo, &roi)
    })?;
    if let Some(how) = settings.resample {
        return resampled(source, scaling, &placed, how, settings, diagnostics);
    }
    if settings.pre_crop {
        let (field, inner, part) = resample::padded(&source.samples, scaling, &placed, settings.pad_distance)?;
        return finish(Base::Part(field), inner, &part, settings, diagnostics);
    }
    finish(Base::Whole { source, scaling }, placed, grid, settings, diagnostics)
}

/// The region and its padding at the wanted spacing.
fn resampled<'s, 'a>(
    source: &ImageSource<'_>,
    scaling: Option<Scaling>,
    placed: &Placed,
    how: Resampling,
    settings: &Settings,
    diagnostics: &mut Diagnostics,
) -> Result<Prepared<'s, 'a>, ExtractError> {
    let grid = source.samples.grid();
    let (field, inner, new) = match resample::target(grid, placed, how.spacing, settings.pad_distance)? {
        None => resample::padded(&source.samples, scaling, placed, settings.pad_distance)?,
        Some(target) => {
            let inner = resample::mask(grid, placed, &target).ok_or(ExtractError::Empty)?;
            (resample::image(&source.samples, scaling, &target, how), inner, target.grid)
        }
    };
    if settings.additional_info {
        let roi = Roi::new(inner.block.view(), new.spacing());
        let range = ValueRange::of(&field.values(inner.lo, &roi));
        diagnostics.push_image("interpolated", geometry(&new), ValueRange::of(&field.data));
        let facts = MaskFacts::new(&new, inner.lo, inner.block.view());
        diagnostics.push_mask("interpolated", geometry(&new), &facts, Some(range));
    }
    finish(Base::Part(field), inner, &new, settings, diagnostics)
}

fn geometry(grid: &Grid) -> Geometry {
    Geometry {
        size: grid.size(),
        spacing: grid.spacing(),
    }
}

/// Size checks and resegmentation. `grid` is that of the base image.
fn finish<'s, 'a>(
    base: Base<'s, 'a>,
    placed: Placed,
    grid: &Grid,
    settings: &Settings,
    diagnostics: &mut Diagnostics,
) -> Result<Prepared<'s, 'a>, ExtractError> {
    let roi = Roi::new(placed.block.view(), grid.spacing());
    check_size(placed.size(), roi.count, settings)?;
    let Some(rule) = settings.resegment else {
        return Ok(Prepared {
            base,
            mask: placed,
            roi,
            shape: None,
        });
    };
    let kept = resegment(&base, &placed, &roi, rule)?;
    let kept_roi = Roi::new(kept.block.view(), grid.spacing());
    check_size(kept.size(), kept_roi.count, settings)?;
    if settings.additional_info {
        let facts = MaskFacts::new(grid, kept.lo, kept.block.view());
        let range = ValueRange::of(&base.values(kept.lo, &kept_roi));
        diagnostics.push_mask("resegmented", geometry(grid), &facts, Some(range));
    }
    Ok(Prepared {
        base,
        mask: kept,
        roi: kept_roi,
        shape: (!rule.shape).then_some((placed, roi)),
    })
}

/// The voxels with values between the thresholds.
fn resegment(base: &Base<'_, '_>, placed: &Placed, roi: &Roi, rule: Resegmentation) -> Result<Placed, ExtractError> {
    let values = base.values(placed.lo, roi);
    let range = ValueRange::of(&values);
    let (lower, upper) = match rule.mode {
        ResegmentMode::Absolute => (rule.lower, rule.upper),
        ResegmentMode::Relative => (rule.lower * range.max, rule.upper.map(|u| u * range.max)),
        ResegmentMode::Sigma => {
            let squares = rt_core::float::sum(values.iter().map(|v| (v - range.mean).powi(2)));
            let deviation = (squares / values.len() as f64).sqrt();
            let at = |k: f64| range.mean + k * deviation;
            (at(rule.lower), rule.upper.map(at))
        }
    };
    let upper = upper.unwrap_or(f64::INFINITY);
    let mut block = Array3::<u8>::zeros(placed.block.dim());
    let mut next = values.iter();
    let mut kept = 0;
    for run in &roi.runs {
        let mut row = block.slice_mut(s![run.k, run.j, run.i..run.i + run.len]);
        for (out, value) in row.iter_mut().zip(&mut next) {
            let keep = *value >= lower && *value <= upper;
            *out = u8::from(keep);
            kept += usize::from(keep);
        }
    }
    let refused = ExtractError::Resegmented {
        voxels: kept,
        lower,
        upper,
    };
    if kept <= 1 {
        return Err(refused);
    }
    Placed::tight(placed.lo, block).ok_or(refused)
}
