//! Images on the way to features: the whole input with what is known about it, and parts of it in `f64`.

use std::sync::OnceLock;

use rayon::prelude::*;
use rt_core::float::Sum;

use crate::diagnostics::ValueRange;
use crate::error::ExtractError;
use crate::roi::Roi;
use crate::sample::{SampleKind, Samples};
use crate::settings::{Normalisation, NormaliseScope};

/// An input image and facts about the whole of it, found once and shared between regions.
#[derive(Debug)]
pub struct ImageSource<'a> {
    pub(crate) samples: Samples<'a>,
    totals: OnceLock<Totals>,
}

/// Sums over all voxels of an image.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    sum: Sum,
    squares: Sum,
    min: f64,
    max: f64,
}

impl Totals {
    fn of_slice(samples: &Samples<'_>, k: usize) -> Self {
        let mut out = Self {
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            ..Self::default()
        };
        samples.for_chunks(k, &mut |chunk| {
            out.sum.add(chunk.iter().sum());
            out.squares.add(chunk.iter().map(|v| v * v).sum());
            out.min = chunk.iter().copied().fold(out.min, f64::min);
            out.max = chunk.iter().copied().fold(out.max, f64::max);
        });
        out
    }
}

impl<'a> ImageSource<'a> {
    /// Wraps an image; nothing is computed yet.
    pub fn new(samples: impl Into<Samples<'a>>) -> Self {
        Self {
            samples: samples.into(),
            totals: OnceLock::new(),
        }
    }

    /// The image.
    pub fn samples(&self) -> &Samples<'a> {
        &self.samples
    }

    /// Sums of all voxels: slice by slice, then slices in order.
    fn totals(&self) -> Totals {
        *self.totals.get_or_init(|| {
            let slices: Vec<Totals> = (0..self.samples.size()[2])
                .into_par_iter()
                .map(|k| Totals::of_slice(&self.samples, k))
                .collect();
            Totals {
                sum: slices.iter().map(|s| s.sum.value()).collect(),
                squares: slices.iter().map(|s| s.squares.value()).collect(),
                min: slices.iter().map(|s| s.min).fold(f64::INFINITY, f64::min),
                max: slices.iter().map(|s| s.max).fold(f64::NEG_INFINITY, f64::max),
            }
        })
    }

    /// Mean and range of all voxels.
    pub(crate) fn range(&self) -> ValueRange {
        let totals = self.totals();
        ValueRange {
            mean: totals.sum.value() / self.samples.grid().len() as f64,
            min: totals.min,
            max: totals.max,
        }
    }

    /// Sample standard deviation (n - 1) of all voxels, from the sums as ITK has it: normalised integer images lie on bin edges, and the last
    /// bit decides the bin.
    fn deviation(&self) -> f64 {
        let totals = self.totals();
        let n = self.samples.grid().len() as f64;
        let sum = totals.sum.value();
        ((totals.squares.value() - sum * sum / n) / (n - 1.0)).sqrt()
    }

    /// What a normalisation does to each value.
    /// `region` gives the values of the region.
    pub(crate) fn scaling(&self, normalise: Option<Normalisation>, region: impl Fn() -> Vec<f64>) -> Result<Option<Scaling>, ExtractError> {
        let Some(n) = normalise else { return Ok(None) };
        let (mean, deviation) = match n.scope {
            NormaliseScope::Image => (self.range().mean, self.deviation()),
            NormaliseScope::Region => mean_and_deviation(&region()),
        };
        if deviation.is_nan() || deviation <= 0.0 {
            return Err(ExtractError::FlatImage);
        }
        Ok(Some(Scaling {
            mean,
            factor: 1.0 / deviation,
            limit: n.outliers,
            scale: n.scale,
        }))
    }
}

/// Mean and sample standard deviation.
fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = rt_core::float::sum(values.iter().copied()) / n;
    let squares = rt_core::float::sum(values.iter().map(|v| (v - mean).powi(2)));
    (mean, (squares / (n - 1.0)).sqrt())
}

/// (x - mean) times the reciprocal deviation, clamped, times scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scaling {
    mean: f64,
    factor: f64,
    limit: Option<f64>,
    scale: f64,
}

impl Scaling {
    fn apply(&self, values: &mut [f64]) {
        for v in values {
            let z = (*v - self.mean) * self.factor;
            *v = self.limit.map_or(z, |l| z.clamp(-l, l)) * self.scale;
        }
    }
}

/// A part of an image in `f64`, `[k, j, i]` with i fastest; `kind` is the type it would have in the reference.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) size: [usize; 3],
    pub(crate) spacing: [f64; 3],
    pub(crate) kind: SampleKind,
    pub(crate) data: Vec<f64>,
}

impl Field {
    /// A box of it.
    fn crop(&self, lo: [usize; 3], size: [usize; 3]) -> Self {
        let mut data = Vec::with_capacity(size.iter().product());
        for k in lo[2]..lo[2] + size[2] {
            for j in lo[1]..lo[1] + size[1] {
                let at = (k * self.size[1] + j) * self.size[0] + lo[0];
                data.extend_from_slice(&self.data[at..at + size[0]]);
            }
        }
        Self { size, data, ..*self }
    }

    /// The values of a region whose box starts at `lo`.
    pub(crate) fn values(&self, lo: [usize; 3], roi: &Roi) -> Vec<f64> {
        let mut out = Vec::with_capacity(roi.count);
        for run in &roi.runs {
            let at = ((lo[2] + run.k) * self.size[1] + lo[1] + run.j) * self.size[0] + lo[0] + run.i;
            out.extend_from_slice(&self.data[at..at + run.len]);
        }
        out
    }
}

/// The image that values and filters are taken from.
#[derive(Debug)]
pub(crate) enum Base<'s, 'a> {
    /// The input as it is, with a normalisation on the fly.
    Whole {
        source: &'s ImageSource<'a>,
        scaling: Option<Scaling>,
    },
    /// A resampled or cropped part.
    Part(Field),
}

impl Base<'_, '_> {
    pub(crate) fn kind(&self) -> SampleKind {
        match self {
            Self::Whole { scaling: Some(_), .. } => SampleKind::F64,
            Self::Whole { source, .. } => source.samples.kind(),
            Self::Part(field) => field.kind,
        }
    }

    /// Columns, rows and slices.
    pub(crate) fn size(&self) -> [usize; 3] {
        match self {
            Self::Whole { source, .. } => source.samples.size(),
            Self::Part(field) => field.size,
        }
    }

    /// The largest magnitude.
    pub(crate) fn largest(&self) -> f64 {
        match self {
            Self::Part(field) => field.data.iter().fold(0.0, |largest: f64, v| largest.max(v.abs())),
            Self::Whole { source, scaling } => {
                let range = source.range();
                let mut ends = [range.min, range.max];
                if let Some(scaling) = scaling {
                    scaling.apply(&mut ends);
                }
                ends[0].abs().max(ends[1].abs())
            }
        }
    }

    /// The box at `lo` with `reach` voxels around it where the image has them, and the place of the box in it.
    pub(crate) fn window(&self, lo: [usize; 3], size: [usize; 3], reach: [usize; 3]) -> (Field, [usize; 3]) {
        let whole = self.size();
        let first: [usize; 3] = std::array::from_fn(|a| lo[a].saturating_sub(reach[a]));
        let extent: [usize; 3] = std::array::from_fn(|a| (lo[a] + size[a]).saturating_add(reach[a]).min(whole[a]) - first[a]);
        let at = std::array::from_fn(|a| lo[a] - first[a]);
        let field = match self {
            Self::Whole { source, scaling } => crop(&source.samples, *scaling, first, extent),
            Self::Part(field) => field.crop(first, extent),
        };
        (field, at)
    }

    /// The values of a region whose box starts at `lo`.
    pub(crate) fn values(&self, lo: [usize; 3], roi: &Roi) -> Vec<f64> {
        match self {
            Self::Part(field) => field.values(lo, roi),
            Self::Whole { source, scaling } => {
                let samples = &source.samples;
                let mut out = Vec::with_capacity(roi.count);
                for run in &roi.runs {
                    samples.append_row([lo[0] + run.i, lo[1] + run.j, lo[2] + run.k], run.len, &mut out);
                }
                if let Some(scaling) = scaling {
                    scaling.apply(&mut out);
                }
                out
            }
        }
    }
}

/// A box of the input in `f64`, normalised.
pub(crate) fn crop(samples: &Samples<'_>, scaling: Option<Scaling>, lo: [usize; 3], size: [usize; 3]) -> Field {
    let mut data = Vec::with_capacity(size.iter().product());
    for k in lo[2]..lo[2] + size[2] {
        for j in lo[1]..lo[1] + size[1] {
            samples.append_row([lo[0], j, k], size[0], &mut data);
        }
    }
    if let Some(scaling) = scaling {
        scaling.apply(&mut data);
    }
    Field {
        size,
        spacing: samples.grid().spacing(),
        kind: if scaling.is_some() { SampleKind::F64 } else { samples.kind() },
        data,
    }
}
