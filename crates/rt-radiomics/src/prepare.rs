//! From image and mask to what features are computed on (`spec/radiomics-conventions.md` section 1, steps 1 to 5).

use ndarray::{Array3, s};
use rt_core::{Grid, GridTolerance, Vec3};
use rt_image::{Mask, resample_mask};

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
    if mask.is_empty() {
        return Err(ExtractError::Empty);
    }
    if settings.additional_info {
        diagnostics.push_image("original", geometry(grid), source.range());
        let facts = MaskFacts::new(mask.grid(), mask.lo(), mask.block());
        diagnostics.push_mask("original", geometry(mask.grid()), &facts, None);
    }
    let placed = match check_geometry(grid, mask.grid(), settings) {
        Ok(()) => Placed {
            lo: mask.lo(),
            block: mask.block().to_owned(),
        },
        Err(_) if settings.correct_mask => corrected(source, mask, settings, diagnostics)?,
        Err(mismatch) => return Err(mismatch),
    };
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

/// The mask on the grid of the image, nearest voxels, when its box lies in the image.
fn corrected(source: &ImageSource<'_>, mask: &Mask, settings: &Settings, diagnostics: &mut Diagnostics) -> Result<Placed, ExtractError> {
    let grid = source.samples.grid();
    let (mut lo, mut hi) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
    for corner in 0..8 {
        let end = |a: usize| mask.lo()[a] as f64 - 0.5 + if corner >> a & 1 == 1 { mask.size()[a] as f64 } else { 0.0 };
        let at: [f64; 3] = grid
            .world_to_index(mask.grid().index_to_world(Vec3::new(end(0), end(1), end(2))))
            .into();
        for a in 0..3 {
            lo[a] = lo[a].min(at[a]);
            hi[a] = hi[a].max(at[a]);
        }
    }
    let tolerance = 1e-3;
    if (0..3).any(|a| lo[a] < -0.5 - tolerance || hi[a] > grid.size()[a] as f64 - 0.5 + tolerance) {
        return Err(ExtractError::OutsideImage { lo, hi, size: grid.size() });
    }
    let moved = resample_mask(mask, grid);
    if moved.is_empty() {
        return Err(ExtractError::Empty);
    }
    let placed = Placed {
        lo: moved.lo(),
        block: moved.block().to_owned(),
    };
    if settings.additional_info {
        let facts = MaskFacts::new(grid, placed.lo, placed.block.view());
        let roi = Roi::new(placed.block.view(), grid.spacing());
        let values = Base::Whole { source, scaling: None }.values(placed.lo, &roi);
        diagnostics.push_mask("corrected", geometry(grid), &facts, Some(ValueRange::of(&values)));
    }
    Ok(placed)
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
    let Regions { mask, roi, shape } = regions(&base, placed, grid.spacing(), settings)?;
    if settings.resegment.is_some() && settings.additional_info {
        let facts = MaskFacts::new(grid, mask.lo, mask.block.view());
        let range = ValueRange::of(&base.values(mask.lo, &roi));
        diagnostics.push_mask("resegmented", geometry(grid), &facts, Some(range));
    }
    Ok(Prepared { base, mask, roi, shape })
}

/// The regions of a mask in a base image.
#[derive(Debug)]
pub(crate) struct Regions {
    /// Where values are taken from.
    pub(crate) mask: Placed,
    pub(crate) roi: Roi,
    /// Where shape is measured, when it is another.
    pub(crate) shape: Option<(Placed, Roi)>,
}

/// Size checks and resegmentation.
pub(crate) fn regions(base: &Base<'_, '_>, placed: Placed, spacing: [f64; 3], settings: &Settings) -> Result<Regions, ExtractError> {
    let roi = Roi::new(placed.block.view(), spacing);
    check_size(placed.size(), roi.count, settings)?;
    let Some(rule) = settings.resegment else {
        return Ok(Regions {
            mask: placed,
            roi,
            shape: None,
        });
    };
    let kept = resegment(base, &placed, &roi, rule)?;
    let kept_roi = Roi::new(kept.block.view(), spacing);
    check_size(kept.size(), kept_roi.count, settings)?;
    Ok(Regions {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ndarray::Array3;
    use rt_image::Volume;

    use super::*;
    use crate::extract::extract;

    #[test]
    fn a_mask_on_another_grid_is_refused_or_corrected() {
        let grid = Arc::new(Grid::axis_aligned([20, 20, 20], Vec3::ZERO, [1.0; 3]).unwrap());
        let data = Array3::from_shape_fn((20, 20, 20), |(k, j, i)| ((k * 7 + j * 13 + i * 29) % 97) as f32);
        let image = Volume::new(Arc::clone(&grid), data).unwrap();
        // Voxels of 2 mm with the same outer corner: 3 x 3 x 3 of them are 6 x 6 x 6 of the image.
        let coarse = Arc::new(Grid::axis_aligned([10, 10, 10], Vec3::splat(0.5), [2.0; 3]).unwrap());
        let mask = Mask::from_block(&coarse, [2, 2, 2], Array3::ones((3, 3, 3))).unwrap();
        let mut settings = Settings::default();
        let error = extract(image.view(), &mask, &settings).unwrap_err();
        assert_eq!(error.code(), "radiomics.grid_mismatch");
        assert!(error.to_string().contains("[20, 20, 20] against [10, 10, 10]"), "{error}");
        settings.correct_mask = true;
        let features = extract(image.view(), &mask, &settings).unwrap();
        assert_eq!(features.voxels, 216);
        let direct = Mask::from_block(&grid, [4, 4, 4], Array3::ones((6, 6, 6))).unwrap();
        let expected = extract(image.view(), &direct, &settings).unwrap();
        assert_eq!(features.values(), expected.values());
        assert!(features.diagnostics.get("diagnostics_Mask-corrected_VoxelNum").is_some());
        let outside = Arc::new(Grid::axis_aligned([10, 10, 10], Vec3::splat(15.0), [2.0; 3]).unwrap());
        let mask = Mask::from_block(&outside, [2, 2, 2], Array3::ones((3, 3, 3))).unwrap();
        assert_eq!(
            extract(image.view(), &mask, &settings).unwrap_err().code(),
            "radiomics.outside_image"
        );
    }

    #[test]
    fn resegmentation_keeps_the_shape_and_changes_the_values() {
        let grid = Arc::new(Grid::axis_aligned([10, 10, 10], Vec3::ZERO, [1.0; 3]).unwrap());
        let data = Array3::from_shape_fn((10, 10, 10), |(k, j, i)| i16::try_from(k * 100 + j * 10 + i).unwrap());
        let image = Volume::new(Arc::clone(&grid), data).unwrap();
        let mask = Mask::from_block(&grid, [0, 0, 0], Array3::ones((10, 10, 10))).unwrap();
        let rule = |lower, upper| Settings {
            resegment: Some(Resegmentation {
                mode: ResegmentMode::Absolute,
                lower,
                upper: Some(upper),
                shape: false,
            }),
            ..Settings::default()
        };
        let features = extract(image.view(), &mask, &rule(200.0, 399.0)).unwrap();
        assert_eq!(features.get("original_shape_VoxelVolume"), Some(1000.0));
        assert_eq!(features.get("original_firstorder_Minimum"), Some(200.0));
        assert_eq!(features.get("original_firstorder_Mean"), Some(299.5));
        assert_eq!(
            extract(image.view(), &mask, &rule(5000.0, 6000.0)).unwrap_err().code(),
            "radiomics.resegmented"
        );
    }
}
