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
    range: OnceLock<ValueRange>,
    deviation: OnceLock<f64>,
}

impl<'a> ImageSource<'a> {
    /// Wraps an image; nothing is computed yet.
    pub fn new(samples: impl Into<Samples<'a>>) -> Self {
        Self {
            samples: samples.into(),
            range: OnceLock::new(),
            deviation: OnceLock::new(),
        }
    }

    /// The image.
    pub fn samples(&self) -> &Samples<'a> {
        &self.samples
    }

    /// Mean and range of all voxels.
    pub(crate) fn range(&self) -> ValueRange {
        *self.range.get_or_init(|| {
            let slices = self.per_slice(|chunk, acc: &mut (f64, f64, f64)| {
                acc.0 += chunk.iter().sum::<f64>();
                acc.1 = chunk.iter().copied().fold(acc.1, f64::min);
                acc.2 = chunk.iter().copied().fold(acc.2, f64::max);
            });
            ValueRange {
                mean: slices.iter().map(|s| s.0).collect::<Sum>().value() / self.samples.grid().len() as f64,
                min: slices.iter().map(|s| s.1).fold(f64::INFINITY, f64::min),
                max: slices.iter().map(|s| s.2).fold(f64::NEG_INFINITY, f64::max),
            }
        })
    }

    /// Sample standard deviation (n - 1) of all voxels.
    fn deviation(&self) -> f64 {
        *self.deviation.get_or_init(|| {
            let mean = self.range().mean;
            let slices = self.per_slice(|chunk, acc: &mut (f64, f64, f64)| {
                acc.0 += chunk.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
            });
            let squares = slices.iter().map(|s| s.0).collect::<Sum>().value();
            (squares / (self.samples.grid().len() as f64 - 1.0)).sqrt()
        })
    }

    /// Folds every slice on its own, in chunks of fixed size; slices in order.
    fn per_slice(&self, fold: impl Fn(&[f64], &mut (f64, f64, f64)) + Sync) -> Vec<(f64, f64, f64)> {
        (0..self.samples.size()[2])
            .into_par_iter()
            .map(|k| {
                let mut acc = (0.0, f64::INFINITY, f64::NEG_INFINITY);
                self.samples.for_chunks(k, &mut |chunk| fold(chunk, &mut acc));
                acc
            })
            .collect()
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
            deviation,
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

/// (x - mean) / deviation, clamped, times scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scaling {
    mean: f64,
    deviation: f64,
    limit: Option<f64>,
    scale: f64,
}

impl Scaling {
    fn apply(&self, values: &mut [f64]) {
        for v in values {
            let z = (*v - self.mean) / self.deviation;
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
pub(crate) enum Base<'a> {
    /// The input as it is, with a normalisation on the fly.
    Whole { samples: Samples<'a>, scaling: Option<Scaling> },
    /// A resampled or cropped part.
    Part(Field),
}

impl Base<'_> {
    pub(crate) fn kind(&self) -> SampleKind {
        match self {
            Self::Whole { scaling: Some(_), .. } => SampleKind::F64,
            Self::Whole { samples, .. } => samples.kind(),
            Self::Part(field) => field.kind,
        }
    }

    /// The values of a region whose box starts at `lo`.
    pub(crate) fn values(&self, lo: [usize; 3], roi: &Roi) -> Vec<f64> {
        match self {
            Self::Part(field) => field.values(lo, roi),
            Self::Whole { samples, scaling } => {
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
