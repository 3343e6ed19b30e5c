//! From image and mask to intensities and levels (IBSI manual, section 2): interpolation, rounding, the two masks, discretisation.

use ndarray::{Array3, s};
use rayon::prelude::*;
use rt_core::Grid;
use rt_image::Mask;
use rt_image::interp::{Kernel, Rim, Taps, to_spline_coefficients};

use super::{IbsiSettings, Interpolation};
use crate::discretise::{Discretised, MAX_LEVEL, compress};
use crate::error::ExtractError;
use crate::image::{Field, ImageSource, crop};
use crate::prepare::{Placed, check_geometry, check_grid};
use crate::roi::Roi;
use crate::sample::{SampleKind, Samples};
use crate::settings::{Binning, Settings};

/// Radius of the sphere of local intensity features: 1 cm3.
pub(super) const PEAK_RADIUS_MM: f64 = 6.203_504_908_994_001;

/// A region on its way to features. All blocks lie in one box of the interpolated grid.
#[derive(Debug)]
pub(super) struct Region {
    /// Intensities around the region.
    pub(super) field: Field,
    /// Where the box of the region starts in `field`.
    pub(super) at: [usize; 3],
    /// The morphological mask in the box.
    pub(super) block: Array3<u8>,
    /// The morphological mask.
    pub(super) morphological: Roi,
    /// The intensity mask.
    pub(super) intensity: Roi,
    /// Values of the intensity mask in storage order.
    pub(super) values: Vec<f64>,
}

/// Old samples of each new one along an axis.
#[derive(Debug, Clone)]
struct Axis {
    /// Samples of the axis before.
    old: usize,
    /// And after.
    new: usize,
    /// Old spacing over new.
    step: f64,
    spacing: f64,
}

impl Axis {
    /// Grids share their centre; the new one has `ceil(n s / t)` samples.
    fn new(old: usize, s: f64, t: f64) -> Self {
        if t <= 0.0 || (s - t).abs() <= 1e-9 * s {
            return Self {
                old,
                new: old,
                step: 1.0,
                spacing: s,
            };
        }
        // A product that is whole but for rounding is whole.
        let new = (old as f64 * s / t - 1e-6).ceil().max(1.0);
        Self {
            old,
            new: whole(new),
            step: t / s,
            spacing: t,
        }
    }

    fn is_kept(&self) -> bool {
        self.new == self.old && (self.step - 1.0).abs() < f64::EPSILON
    }

    /// Continuous old index of a new one.
    fn position(&self, at: usize) -> f64 {
        if self.is_kept() {
            return at as f64;
        }
        (self.old as f64 - 1.0) / 2.0 + (at as f64 - (self.new as f64 - 1.0) / 2.0) * self.step
    }

    /// New indices whose linear interpolation can touch old indices `first..first + len`.
    fn touched(&self, first: usize, len: usize) -> std::ops::Range<usize> {
        let near = |at: &usize| {
            let p = self.position(*at);
            p > first as f64 - 1.0 && p < (first + len) as f64
        };
        let mut hits = (0..self.new).filter(near);
        let low = hits.next().unwrap_or(0);
        low..hits.next_back().unwrap_or(low) + 1
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count, checked to be at least 0"
)]
fn whole(v: f64) -> usize {
    v as usize
}

fn axes(grid: &Grid, settings: &IbsiSettings) -> [Axis; 3] {
    let (size, spacing) = (grid.size(), grid.spacing());
    let wanted = settings.spacing.unwrap_or([0.0; 3]);
    std::array::from_fn(|a| Axis::new(size[a], spacing[a], wanted[a]))
}

/// A box of the new grid, interpolated from `values` of a box of the old grid that starts at `origin`.
fn interpolated(
    values: Array3<f64>,
    origin: [usize; 3],
    axes: &[Axis; 3],
    lo: [usize; 3],
    size: [usize; 3],
    kernel: Kernel,
) -> Array3<f64> {
    let mut data = values;
    if kernel == Kernel::Cubic {
        to_spline_coefficients(&mut data);
    }
    for (a, axis) in axes.iter().enumerate() {
        let dimension = 2 - a;
        let n = data.shape()[dimension];
        let taps: Vec<Taps> = (lo[a]..lo[a] + size[a])
            .filter_map(|at| Taps::at(kernel, axis.position(at) - origin[a] as f64, n, Rim::HalfVoxel))
            .collect();
        data = along(&data, dimension, &taps);
    }
    data
}

fn along(data: &Array3<f64>, dimension: usize, taps: &[Taps]) -> Array3<f64> {
    let mut shape = [data.shape()[0], data.shape()[1], data.shape()[2]];
    shape[dimension] = taps.len();
    let mut out = Array3::<f64>::zeros(shape);
    let axis = ndarray::Axis(dimension);
    if dimension == 0 {
        out.outer_iter_mut().into_par_iter().zip(taps).for_each(|(mut plane, taps)| {
            for (from, weight) in taps.iter() {
                plane.scaled_add(weight, &data.index_axis(axis, from));
            }
        });
        return out;
    }
    out.outer_iter_mut()
        .into_par_iter()
        .zip(data.outer_iter())
        .for_each(|(mut plane, source)| {
            let inner = ndarray::Axis(dimension - 1);
            for (mut line, taps) in plane.axis_iter_mut(inner).zip(taps) {
                for (from, weight) in taps.iter() {
                    line.scaled_add(weight, &source.index_axis(inner, from));
                }
            }
        });
    out
}

/// Voxels of the old grid around a box that interpolated values depend on: a spline's coefficients reach further, to 1e-13 of a value here.
const REACH: usize = 24;

/// A box of the new grid as a field of intensities.
fn intensities(samples: &Samples<'_>, axes: &[Axis; 3], lo: [usize; 3], size: [usize; 3], settings: &IbsiSettings) -> Field {
    let spacing = std::array::from_fn(|a| axes[a].spacing);
    if axes.iter().all(Axis::is_kept) {
        let field = crop(samples, None, lo, size);
        return Field {
            spacing,
            kind: SampleKind::F64,
            ..field
        };
    }
    let first: [usize; 3] = std::array::from_fn(|a| whole(axes[a].position(lo[a]).floor().max(0.0)).saturating_sub(REACH));
    let extent: [usize; 3] = std::array::from_fn(|a| {
        let last = whole(axes[a].position(lo[a] + size[a] - 1).ceil().max(0.0)) + 1 + REACH;
        last.min(axes[a].old) - first[a]
    });
    let source = crop(samples, None, first, extent);
    let values = Array3::from_shape_vec([extent[2], extent[1], extent[0]], source.data).unwrap_or_default();
    let kernel = match settings.interpolation {
        Interpolation::Linear => Kernel::Linear,
        Interpolation::Cubic => Kernel::Cubic,
    };
    let mut data = interpolated(values, first, axes, lo, size, kernel).into_raw_vec_and_offset().0;
    if settings.round {
        for v in &mut data {
            *v = v.round();
        }
    }
    Field {
        size,
        spacing,
        kind: SampleKind::F64,
        data,
    }
}

/// The mask on the new grid: voxels of which at least the threshold is inside.
fn interpolated_mask(mask: &Mask, axes: &[Axis; 3], settings: &IbsiSettings) -> Option<Placed> {
    if axes.iter().all(Axis::is_kept) {
        return Placed::tight(mask.lo(), mask.block().to_owned());
    }
    // One empty voxel around the box where the image has one: beyond it everything is empty too.
    let (old, size) = (mask.lo(), mask.size());
    let first: [usize; 3] = std::array::from_fn(|a| old[a].saturating_sub(2));
    let last: [usize; 3] = std::array::from_fn(|a| (old[a] + size[a] + 2).min(axes[a].old));
    let mut values = Array3::<f64>::zeros([last[2] - first[2], last[1] - first[1], last[0] - first[0]]);
    let at: [usize; 3] = std::array::from_fn(|a| old[a] - first[a]);
    values
        .slice_mut(s![at[2]..at[2] + size[2], at[1]..at[1] + size[1], at[0]..at[0] + size[0]])
        .zip_mut_with(&mask.block(), |out, v| *out = f64::from(*v));
    let box_of: [std::ops::Range<usize>; 3] = std::array::from_fn(|a| axes[a].touched(old[a], size[a]));
    let lo = std::array::from_fn(|a| box_of[a].start);
    let extent = std::array::from_fn(|a| box_of[a].len());
    let shares = interpolated(values, first, axes, lo, extent, Kernel::Linear);
    // Shares that are equal to the threshold but for rounding count as equal.
    let block = shares.mapv(|v| u8::from(v >= settings.mask_threshold - 1e-9));
    Placed::tight(lo, block)
}

/// The intensities that stay, from the values of the morphological mask.
fn bounds(values: &[f64], settings: &IbsiSettings) -> [f64; 2] {
    let [mut lower, mut upper] = settings.range.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
    if let Some(k) = settings.outlier_sigma {
        let kept: Vec<f64> = values.iter().copied().filter(|v| *v >= lower && *v <= upper).collect();
        let n = kept.len() as f64;
        let mean = rt_core::float::sum(kept.iter().copied()) / n;
        let deviation = (rt_core::float::sum(kept.iter().map(|v| (v - mean).powi(2))) / n).sqrt();
        lower = lower.max(mean - k * deviation);
        upper = upper.min(mean + k * deviation);
    }
    [lower, upper]
}

/// Voxels around the box of a region that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Margin {
    /// Those that local intensity needs.
    Peak,
    /// So many along each axis.
    Voxels([usize; 3]),
    /// All.
    Image,
}

/// Interpolation, rounding, masks.
pub(super) fn prepare(source: &ImageSource<'_>, mask: &Mask, settings: &IbsiSettings) -> Result<Region, ExtractError> {
    prepare_with(source, mask, settings, |_| Margin::Peak)
}

/// [`prepare`] with the margin that a spacing asks for.
pub(super) fn prepare_with(
    source: &ImageSource<'_>,
    mask: &Mask,
    settings: &IbsiSettings,
    margin: impl Fn([f64; 3]) -> Margin,
) -> Result<Region, ExtractError> {
    let samples = source.samples();
    let grid = samples.grid();
    check_grid(grid)?;
    if mask.is_empty() {
        return Err(ExtractError::Empty);
    }
    check_geometry(grid, mask.grid(), &Settings::default())?;
    let axes = axes(grid, settings);
    let placed = interpolated_mask(mask, &axes, settings).ok_or(ExtractError::Empty)?;
    let size = placed.size();
    let spacing: [f64; 3] = std::array::from_fn(|a| axes[a].spacing);
    let margin: [usize; 3] = match margin(spacing) {
        Margin::Peak => std::array::from_fn(|a| whole((PEAK_RADIUS_MM / spacing[a]).floor())),
        Margin::Voxels(n) => n,
        Margin::Image => std::array::from_fn(|a| axes[a].new),
    };
    let lo: [usize; 3] = std::array::from_fn(|a| placed.lo[a].saturating_sub(margin[a]));
    let extent: [usize; 3] = std::array::from_fn(|a| (placed.lo[a] + size[a] + margin[a]).min(axes[a].new) - lo[a]);
    let field = intensities(samples, &axes, lo, extent, settings);
    let at = std::array::from_fn(|a| placed.lo[a] - lo[a]);
    let morphological = Roi::new(placed.block.view(), spacing);
    let all = field.values(at, &morphological);
    let bad = all.iter().filter(|v| !v.is_finite()).count();
    if bad > 0 {
        return Err(ExtractError::NotFinite { count: bad });
    }
    let [lower, upper] = bounds(&all, settings);
    let mut kept = Array3::<u8>::zeros(placed.block.dim());
    let mut next = all.iter();
    for run in &morphological.runs {
        let mut row = kept.slice_mut(s![run.k, run.j, run.i..run.i + run.len]);
        row.iter_mut()
            .zip(&mut next)
            .for_each(|(out, v)| *out = u8::from(*v >= lower && *v <= upper));
    }
    let intensity = Roi::new(kept.view(), spacing);
    if intensity.count == 0 {
        return Err(ExtractError::Resegmented { voxels: 0, lower, upper });
    }
    let values = field.values(at, &intensity);
    Ok(Region {
        field,
        at,
        block: placed.block,
        morphological,
        intensity,
        values,
    })
}

/// Grey levels of the intensity mask.
#[derive(Debug)]
pub(super) struct Levels {
    pub(super) discretised: Discretised,
    /// Number of levels of the range, whether they occur or not.
    pub(super) ng: u32,
}

/// IBSI discretisation (manual 2.7): bins of a width start at the lower bound of the range, a number of bins spans the region.
pub(super) fn discretise(region: &Region, settings: &IbsiSettings) -> Result<Levels, ExtractError> {
    let (min, max) = extremes(&region.values);
    let (low, width, highest) = match settings.binning {
        Binning::Width(width) => {
            let low = settings.range.map_or(min, |r| r[0]);
            (low, width, None)
        }
        Binning::Count(n) => (min, (max - min) / f64::from(n), Some(n)),
    };
    let top = if width > 0.0 { ((max - low) / width).floor() + 1.0 } else { 1.0 };
    if !top.is_finite() || top > MAX_LEVEL as f64 || low.is_infinite() {
        let message = format!("{top} grey levels; raise the bin width or set a bin count, and give a finite lower bound of the range");
        return Err(ExtractError::Setting(message));
    }
    let highest = highest.map_or_else(|| whole(top), |n| n as usize).max(1);
    let level = |v: &f64| {
        let bin = if width > 0.0 { ((v - low) / width).floor() } else { 0.0 };
        u16::try_from((whole(bin.max(0.0)) + 1).min(highest)).unwrap_or(u16::MAX)
    };
    let raw: Vec<u16> = region.values.iter().map(level).collect();
    let discretised = compress(raw, highest);
    Ok(Levels {
        ng: match settings.binning {
            Binning::Count(n) => n,
            Binning::Width(_) => discretised.ng(),
        },
        discretised,
    })
}

pub(super) fn extremes(values: &[f64]) -> (f64, f64) {
    values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(*v), hi.max(*v)))
}

/// Size, spacing and intensities of a volume.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeFacts {
    /// Columns, rows, slices.
    pub size: [usize; 3],
    /// Voxel spacing, mm.
    pub spacing: [f64; 3],
    /// Mean, lowest and highest intensity.
    pub intensity: [f64; 3],
}

/// Voxels of the two masks and intensities of the intensity mask.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskFacts {
    /// Box of the intensity mask, `[i, j, k]`.
    pub intensity_box: [usize; 3],
    /// Box of the morphological mask.
    pub morphological_box: [usize; 3],
    /// Voxels of the intensity mask.
    pub intensity_voxels: usize,
    /// Voxels of the morphological mask.
    pub morphological_voxels: usize,
    /// Mean, lowest and highest intensity of the intensity mask.
    pub intensity: [f64; 3],
}

/// What image and masks are after each step; IBSI asks implementers to compare these first.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// The image as read and after interpolation.
    pub image: [VolumeFacts; 2],
    /// The region as read, after interpolation, and after re-segmentation.
    pub region: [MaskFacts; 3],
}

/// The diagnostic values of the whole chain. The whole image is interpolated for them, which features do not need.
///
/// # Errors
/// As [`super::extract`].
pub fn chain_facts<'a>(image: impl Into<Samples<'a>>, mask: &Mask, settings: &IbsiSettings) -> Result<Chain, ExtractError> {
    let source = ImageSource::new(image);
    let plain = IbsiSettings::default();
    let unrestricted = IbsiSettings {
        range: None,
        outlier_sigma: None,
        ..settings.clone()
    };
    let volume = |settings: &IbsiSettings| {
        let axes = axes(source.samples().grid(), settings);
        let size = std::array::from_fn(|a| axes[a].new);
        let field = intensities(source.samples(), &axes, [0; 3], size, settings);
        VolumeFacts {
            size,
            spacing: field.spacing,
            intensity: summary(&field.data),
        }
    };
    let region = |settings: &IbsiSettings| -> Result<MaskFacts, ExtractError> {
        let region = prepare(&source, mask, settings)?;
        Ok(MaskFacts {
            intensity_box: extent(&region.intensity),
            morphological_box: region.morphological.size,
            intensity_voxels: region.intensity.count,
            morphological_voxels: region.morphological.count,
            intensity: summary(&region.values),
        })
    };
    Ok(Chain {
        image: [volume(&plain), volume(settings)],
        region: [region(&plain)?, region(&unrestricted)?, region(settings)?],
    })
}

fn summary(values: &[f64]) -> [f64; 3] {
    let (min, max) = extremes(values);
    [rt_core::float::sum(values.iter().copied()) / values.len() as f64, min, max]
}

/// Size of the tight box of a region.
fn extent(roi: &Roi) -> [usize; 3] {
    let (mut first, mut last) = ([usize::MAX; 3], [0; 3]);
    for run in &roi.runs {
        for (a, (low, high)) in [(run.i, run.i + run.len - 1), (run.j, run.j), (run.k, run.k)]
            .into_iter()
            .enumerate()
        {
            first[a] = first[a].min(low);
            last[a] = last[a].max(high);
        }
    }
    std::array::from_fn(|a| (last[a] + 1).saturating_sub(first[a]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_share_their_centre() {
        // 60 slices of 3 mm are 90 of 2 mm; 204 columns of 0.9765625 mm are 99.6 of 2 mm: 100.
        assert_eq!(Axis::new(60, 3.0, 2.0).new, 90);
        let axis = Axis::new(204, 0.976_562_5, 2.0);
        assert_eq!(axis.new, 100);
        let middle = f64::midpoint(axis.position(49), axis.position(50));
        assert!((middle - 101.5).abs() < 1e-12);
        assert_eq!(Axis::new(60, 3.0, 3.0).new, 60);
        // Centres of three slices of 1 mm in one of 3 mm: -1/3, 0, 1/3.
        let fine = Axis::new(1, 3.0, 1.0);
        let at: Vec<f64> = (0..3).map(|n| fine.position(n)).collect();
        assert!((at[0] + 1.0 / 3.0).abs() < 1e-15 && at[1].abs() < 1e-15 && (at[2] - 1.0 / 3.0).abs() < 1e-15);
    }
}
