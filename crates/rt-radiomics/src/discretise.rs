//! From values to grey levels (`spec/radiomics-conventions.md` section 3).

use crate::sample::SampleKind;
use crate::settings::Binning;

/// The highest grey level that is accepted: beyond it a bin width is almost always a mistake, and matrices grow with the square.
pub(crate) const MAX_LEVEL: usize = 65_534;

/// The grey levels of a region.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Discretised {
    /// Levels that occur, ascending; the last is Ng.
    pub(crate) levels: Vec<u32>,
    /// Voxels of each of them.
    pub(crate) counts: Vec<u64>,
    /// For each voxel in storage order: 1 + position of its level in `levels`.
    pub(crate) codes: Vec<u16>,
}

/// More grey levels than are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooManyLevels(pub(crate) usize);

impl Discretised {
    /// The largest level.
    pub(crate) fn ng(&self) -> u32 {
        self.levels.last().copied().unwrap_or(0)
    }
}

/// Bin edges: `first + n * step`, the first `count` of them.
enum Edges {
    Even { first: f64, step: f64, count: usize },
    List(Vec<f64>),
}

impl Edges {
    fn at(&self, n: usize) -> f64 {
        match self {
            Self::Even { first, step, .. } => first + n as f64 * step,
            Self::List(list) => list[n],
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::Even { count, .. } => *count,
            Self::List(list) => list.len(),
        }
    }
}

/// Grey levels of values that are all finite and at least one.
pub(crate) fn discretise(values: &[f64], kind: SampleKind, binning: Binning) -> Result<Discretised, TooManyLevels> {
    let (min, max) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(*v), hi.max(*v)));
    let (edges, width) = match binning {
        Binning::Width(width) => (edges_of_width(min, max, width)?, width),
        Binning::Count(n) => (edges_of_count(min, max, n, kind), (max - min) / f64::from(n)),
    };
    if edges.count() > MAX_LEVEL {
        return Err(TooManyLevels(edges.count()));
    }
    let raw: Vec<u16> = values.iter().map(|v| level_of(*v, &edges, width)).collect();
    Ok(compress(raw, edges.count()))
}

fn edges_of_width(min: f64, max: f64, width: f64) -> Result<Edges, TooManyLevels> {
    let low = min - modulo(min, width);
    let count = ((max + 2.0 * width - low) / width).ceil();
    if count.is_nan() || count > 1e9 {
        return Err(TooManyLevels(usize::MAX));
    }
    // A flat region whose value is an edge: one edge alone would be no bin.
    if count < 1.5 {
        return Ok(Edges::List(vec![low - 0.5, low + 0.5]));
    }
    // The step between the edges is the difference of the first two, as numpy fills an `arange`.
    let step = (low + width) - low;
    Ok(Edges::Even {
        first: low,
        step,
        count: to_index(count),
    })
}

#[expect(clippy::cast_possible_truncation, reason = "edges of f32 images are f32 in the reference")]
fn edges_of_count(min: f64, max: f64, n: u32, kind: SampleKind) -> Edges {
    let (lo, hi) = if max > min { (min, max) } else { (min - 0.5, max + 0.5) };
    let step = (hi - lo) / f64::from(n);
    let mut list: Vec<f64> = (0..n).map(|i| f64::from(i) * step + lo).chain([hi]).collect();
    if kind == SampleKind::F32 {
        for edge in &mut list {
            *edge = f64::from(*edge as f32);
        }
    }
    if let Some(last) = list.last_mut() {
        *last += 1.0;
    }
    Edges::List(list)
}

/// Remainder with the sign of the divisor.
fn modulo(x: f64, width: f64) -> f64 {
    let r = x % width;
    if r != 0.0 && (r < 0.0) != (width < 0.0) { r + width } else { r }
}

/// Number of edges at or below the value: a guess by division, corrected by comparing with the edges themselves.
fn level_of(value: f64, edges: &Edges, width: f64) -> u16 {
    let last = edges.count();
    let guess = ((value - edges.at(0)) / width).floor();
    let mut n = if guess > 0.0 { to_index(guess).min(last - 1) + 1 } else { 1 };
    while n > 0 && value < edges.at(n - 1) {
        n -= 1;
    }
    while n < last && value >= edges.at(n) {
        n += 1;
    }
    u16::try_from(n).unwrap_or(u16::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be positive and below 1e9"
)]
fn to_index(v: f64) -> usize {
    v as usize
}

/// Levels from 1 to `highest`, one a voxel, as codes of those that occur.
pub(crate) fn compress(mut raw: Vec<u16>, highest: usize) -> Discretised {
    let mut count = vec![0u64; highest + 1];
    for level in &raw {
        count[usize::from(*level)] += 1;
    }
    let mut code = vec![0u16; highest + 1];
    let (mut levels, mut counts) = (Vec::new(), Vec::new());
    for (level, n) in count.into_iter().enumerate().filter(|(_, n)| *n > 0) {
        levels.push(u32::try_from(level).unwrap_or(u32::MAX));
        counts.push(n);
        code[level] = u16::try_from(levels.len()).unwrap_or(u16::MAX);
    }
    for level in &mut raw {
        *level = code[usize::from(*level)];
    }
    Discretised {
        levels,
        counts,
        codes: raw,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(values: &[f64], binning: Binning) -> Vec<u32> {
        let d = discretise(values, SampleKind::F64, binning).unwrap();
        d.codes.iter().map(|c| d.levels[usize::from(*c) - 1]).collect()
    }

    #[test]
    fn edges_are_multiples_of_the_width() {
        // floor(x/25) - floor(min/25) + 1 with min -30: bins from -50.
        let found = levels(&[-30.0, -25.0, -0.5, 0.0, 24.9, 25.0, 75.0], Binning::Width(25.0));
        assert_eq!(found, [1, 2, 2, 3, 3, 4, 6]);
    }

    #[test]
    fn a_flat_region_has_one_level() {
        assert_eq!(levels(&[50.0; 4], Binning::Width(25.0)), [1; 4]);
        assert_eq!(levels(&[51.0; 4], Binning::Width(25.0)), [1; 4]);
        // numpy widens an empty range by half a unit on both sides: the value lies in the second half.
        assert_eq!(levels(&[50.0; 2], Binning::Count(2)), [2; 2]);
    }

    #[test]
    fn a_bin_count_puts_the_maximum_into_the_last_bin() {
        assert_eq!(levels(&[0.0, 2.4, 2.5, 9.9, 10.0], Binning::Count(4)), [1, 1, 2, 4, 4]);
    }

    #[test]
    fn empty_levels_keep_the_value_of_the_others() {
        let d = discretise(&[0.0, 100.0], SampleKind::I16, Binning::Width(25.0)).unwrap();
        assert_eq!((d.levels.as_slice(), d.codes.as_slice(), d.ng()), (&[1, 5][..], &[1, 2][..], 5));
    }

    #[test]
    fn absurd_widths_are_refused() {
        assert!(discretise(&[0.0, 1e6], SampleKind::F64, Binning::Width(1.0)).is_err());
        assert!(discretise(&[0.0, 1e300], SampleKind::F64, Binning::Width(1e-300)).is_err());
    }
}
