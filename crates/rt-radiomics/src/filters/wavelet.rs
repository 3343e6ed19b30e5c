//! Undecimated wavelet transform, one level at a time, periodic, as `PyWavelets`' `swtn` of level 1 (Mallat 1989; Daubechies 1992).
//!
//! Filters are not spread at higher levels: each level is a first level on the approximation before. Axes of odd length get their first sample
//! once more at the end.
#![allow(
    clippy::similar_names,
    clippy::many_single_char_names,
    reason = "axes, indices and weights carry the letters of the formulas"
)]

mod families;

use std::ops::Neg;

use rayon::prelude::*;

use super::Derived;
use crate::image::{Base, Field};
use crate::roi::Roi;
use crate::sample::SampleKind;
use crate::settings::SettingsError;

/// Analysis filters of a wavelet, for 64-bit images and for 32-bit ones.
///
/// `PyWavelets` transforms `f32` images in `f32`, with filters computed in `f32` too: they are not the rounded 64-bit filters.
#[derive(Debug, Clone, PartialEq)]
pub struct Bank {
    name: String,
    double: Filters<f64>,
    single: Filters<f32>,
}

/// Low pass and high pass.
#[derive(Debug, Clone, PartialEq)]
struct Filters<T> {
    low: Vec<T>,
    high: Vec<T>,
}

impl<T: Copy + Neg<Output = T>> Filters<T> {
    /// The high pass is the quadrature mirror of the reconstruction low pass: every other sign changed.
    fn new(low: Vec<T>, reconstruct: &[T]) -> Self {
        let high = reconstruct
            .iter()
            .enumerate()
            .map(|(k, h)| if k % 2 == 0 { -*h } else { *h })
            .collect();
        Self { low, high }
    }

    fn of(&self, pass: Pass) -> &[T] {
        match pass {
            Pass::Low => &self.low,
            Pass::High => &self.high,
        }
    }
}

/// Which half of the spectrum a pass keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    Low,
    High,
}

impl Pass {
    fn letter(self) -> char {
        match self {
            Self::Low => 'L',
            Self::High => 'H',
        }
    }
}

impl Bank {
    /// The wavelet of a `PyWavelets` name: haar, db, sym, coif, bior and rbio of all orders.
    ///
    /// # Errors
    /// [`SettingsError::Unsupported`] for a wavelet that this version does not have (`dmey`, `coif16`, `coif17`, and what is no discrete wavelet).
    pub fn from_name(name: &str) -> Result<Self, SettingsError> {
        let pair = families::pair(name).ok_or_else(|| SettingsError::Unsupported {
            what: format!("wavelet {name:?} ({} are)", families::KNOWN),
        })?;
        let double = |list: &[f64]| list.iter().map(|v| v * pair.factor).collect::<Vec<_>>();
        let float = |list: &[f64]| list.iter().map(|v| single(*v) * single(pair.factor)).collect::<Vec<_>>();
        Ok(Self {
            name: name.to_owned(),
            double: Filters::new(double(&pair.decompose), &double(&pair.reconstruct)),
            single: Filters::new(float(&pair.decompose), &float(&pair.reconstruct)),
        })
    }

    /// Low pass and high pass, 64 bit.
    pub(crate) fn analysis(&self) -> (&[f64], &[f64]) {
        (&self.double.low, &self.double.high)
    }

    /// Name in `PyWavelets`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the purpose")]
fn single(v: f64) -> f32 {
    v as f32
}

/// Names of the images of a transform in the order of the columns. `flat` is an axis that it leaves out: its letter is not in the names.
pub(crate) fn image_names(level: usize, flat: Option<usize>) -> Vec<String> {
    let mut out = Vec::new();
    let bands = bands(axes(flat).len());
    for n in 1..=level {
        out.extend(bands[1..].iter().map(|band| image_name(n, band)));
    }
    out.extend((level > 0).then(|| image_name(level, &bands[0])));
    out
}

fn image_name(level: usize, band: &[Pass]) -> String {
    let letters: String = band.iter().map(|pass| pass.letter()).collect();
    if level == 1 {
        format!("wavelet-{letters}")
    } else {
        format!("wavelet{level}-{letters}")
    }
}

/// Axes of the transform, i first.
fn axes(flat: Option<usize>) -> Vec<usize> {
    (0..3).filter(|a| Some(*a) != flat).collect()
}

/// The passes of each band along its axes; the approximation first, then the details in the order of the columns (LLH, LHL, ...).
fn bands(axes: usize) -> Vec<Vec<Pass>> {
    let pass = |bit: usize| if bit == 0 { Pass::Low } else { Pass::High };
    (0..1usize << axes)
        .map(|n| (0..axes).rev().map(|bit| pass(n >> bit & 1)).collect())
        .collect()
}

/// A transform: filters, levels and the axis it leaves out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Transform<'a> {
    pub(super) bank: &'a Bank,
    pub(super) start_level: usize,
    pub(super) level: usize,
    pub(super) flat: Option<usize>,
}

/// Hands the bands of all levels to `measure`, the last approximation at the end.
pub(super) fn derive(base: &Base<'_, '_>, lo: [usize; 3], roi: &Roi, transform: Transform<'_>, measure: &mut dyn FnMut(Derived)) {
    let Transform {
        bank,
        start_level,
        level,
        flat,
    } = transform;
    let reach = bank.double.low.len() * (start_level + level);
    let (mut field, at) = base.window(lo, roi.size, [reach; 3]);
    let kind = if field.kind == SampleKind::F32 {
        SampleKind::F32
    } else {
        SampleKind::F64
    };
    field.kind = kind;
    let axes = axes(flat);
    for _ in 0..start_level {
        for axis in &axes {
            field = along(&field, *axis, bank, Pass::Low);
        }
    }
    let bands = bands(axes.len());
    for n in 1..=level {
        let mut approximation = None;
        one_level(field, &axes, bank, &mut Vec::new(), &mut |band, image| {
            if band.iter().all(|pass| *pass == Pass::Low) {
                approximation = Some(image);
            } else {
                measure(Derived {
                    name: image_name(n, band),
                    values: image.values(at, roi),
                    kind,
                });
            }
        });
        let Some(next) = approximation else { return };
        field = next;
    }
    if level > 0 {
        measure(Derived {
            name: image_name(level, &bands[0]),
            values: field.values(at, roi),
            kind,
        });
    }
}

/// One level: hands over all bands, the approximation first. One image an axis is alive at a time, and the input.
fn one_level(field: Field, axes: &[usize], bank: &Bank, band: &mut Vec<Pass>, out: &mut dyn FnMut(&[Pass], Field)) {
    let Some((axis, rest)) = axes.split_first() else {
        out(band, field);
        return;
    };
    for pass in [Pass::Low, Pass::High] {
        band.push(pass);
        one_level(along(&field, *axis, bank, pass), rest, bank, band, out);
        band.pop();
    }
}

/// One pass along an axis, in the precision of the image.
fn along(field: &Field, axis: usize, bank: &Bank, pass: Pass) -> Field {
    if field.kind == SampleKind::F32 {
        let filter = bank.single.of(pass);
        convolve(field, axis, filter, |sum, h, x| f64::from(single(sum) + h * single(x)))
    } else {
        convolve(field, axis, bank.double.of(pass), |sum, h, x| sum + h * x)
    }
}

/// Periodic convolution along an axis: out(i) = sum over k of h(k) x(i + F/2 - k), summed by `add` in the order of k.
fn convolve<T: Copy + Sync>(field: &Field, axis: usize, filter: &[T], add: impl Fn(f64, T, f64) -> f64 + Sync) -> Field {
    let [ni, nj, _] = field.size;
    let n = field.size[axis];
    // An odd axis has its first sample once more at its end.
    let period = (n + n % 2).cast_signed();
    let source = |i: usize, k: usize| {
        let shift = (filter.len() / 2).cast_signed() - k.cast_signed();
        let at = (i.cast_signed() + shift).rem_euclid(period).unsigned_abs();
        if at == n { 0 } else { at }
    };
    let add_line = |out: &mut [f64], line: &[f64], h: T| {
        for (sum, x) in out.iter_mut().zip(line) {
            *sum = add(*sum, h, *x);
        }
    };
    let mut out = Field {
        data: vec![0.0; field.data.len()],
        ..*field
    };
    out.data.par_chunks_mut(ni * nj).enumerate().for_each(|(slice, out)| {
        let own = &field.data[slice * ni * nj..(slice + 1) * ni * nj];
        let mut wrapped = Vec::new();
        for (k, h) in filter.iter().enumerate() {
            match axis {
                2 => {
                    let from = source(slice, k) * ni * nj;
                    add_line(out, &field.data[from..from + ni * nj], *h);
                }
                1 => {
                    for (j, out) in out.chunks_mut(ni).enumerate() {
                        let from = source(j, k) * ni;
                        add_line(out, &own[from..from + ni], *h);
                    }
                }
                _ => {
                    for (out, row) in out.chunks_mut(ni).zip(own.chunks(ni)) {
                        wrapped.clear();
                        wrapped.extend((0..ni).map(|i| row[source(i, k)]));
                        add_line(out, &wrapped, *h);
                    }
                }
            }
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_orthonormal_and_those_of_the_conventions() {
        for name in ["haar", "db2", "coif1", "sym7", "db20"] {
            let bank = Bank::from_name(name).unwrap();
            let norm = |f: &[f64]| f.iter().map(|v| v * v).sum::<f64>();
            assert!(
                (norm(&bank.double.low) - 1.0).abs() < 1e-13 && (norm(&bank.double.high) - 1.0).abs() < 1e-13,
                "{name}"
            );
            assert!(
                (bank.double.low.iter().sum::<f64>() - std::f64::consts::SQRT_2).abs() < 1e-14
                    && bank.double.high.iter().sum::<f64>().abs() < 1e-14
            );
        }
        let coif1 = Bank::from_name("coif1").unwrap();
        let low = [
            -0.015_655_728_135_791_993,
            -0.072_732_619_512_526_45,
            0.384_864_846_864_857_8,
            0.852_572_020_211_600_4,
            0.337_897_662_457_481_8,
            -0.072_732_619_512_526_45,
        ];
        let bits = |v: &[f64]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&coif1.double.low), bits(&low));
        assert!((coif1.double.high[0] - 0.072_732_619_512_526_45).abs() < 1e-15);
        assert!(Bank::from_name("dmey").is_err());
    }

    #[test]
    fn a_wave_along_k_lies_in_the_band_of_k() {
        let size = [6, 5, 8];
        let data = (0..size.iter().product::<usize>())
            .map(|n| if n / 30 % 2 == 0 { 1.0 } else { -1.0 })
            .collect();
        let field = Field {
            size,
            spacing: [1.0; 3],
            kind: SampleKind::F64,
            data,
        };
        let mut energy = Vec::new();
        let bank = Bank::from_name("coif1").unwrap();
        one_level(field, &[0, 1, 2], &bank, &mut Vec::new(), &mut |band, image| {
            energy.push((image_name(1, band), image.data.iter().map(|v| v * v).sum::<f64>()));
        });
        let strongest = energy.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        assert_eq!(strongest.0, "wavelet-LLH");
        assert!(energy.iter().filter(|e| e.0 != "wavelet-LLH").all(|e| e.1 < 1e-20));
        assert_eq!(image_names(2, None).len(), 15);
        assert_eq!(image_names(2, None)[7], "wavelet2-LLH");
        assert_eq!(image_names(1, Some(2)), ["wavelet-LH", "wavelet-HL", "wavelet-HH", "wavelet-LL"]);
    }
}
