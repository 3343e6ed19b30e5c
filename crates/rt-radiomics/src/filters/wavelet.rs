//! Undecimated wavelet transform, one level at a time, periodic, as `PyWavelets`' `swtn` of level 1 (Mallat 1989; Daubechies 1992).
//!
//! Filters are not spread at higher levels: each level is a first level on the approximation before. Axes of odd length get their first sample
//! once more at the end.
#![allow(
    clippy::similar_names,
    clippy::many_single_char_names,
    reason = "axes, indices and weights carry the letters of the formulas"
)]

use std::f64::consts::SQRT_2;
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
    /// The high pass is the quadrature mirror: reversed, every other sign changed.
    fn new(low: Vec<T>) -> Self {
        let n = low.len();
        let high = (0..n).map(|k| if k % 2 == 0 { -low[n - 1 - k] } else { low[n - 1 - k] }).collect();
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
    /// The wavelet of a `PyWavelets` name.
    ///
    /// # Errors
    /// [`SettingsError::Unsupported`] for a wavelet that this version does not have.
    pub fn from_name(name: &str) -> Result<Self, SettingsError> {
        let (low, factor) = match name {
            "haar" | "db1" => (vec![0.5_f64.sqrt(); 2], 1.0),
            "db2" => (daubechies_2(), 1.0),
            "coif1" => (coiflet_1(), SQRT_2),
            _ => {
                return Err(SettingsError::Unsupported {
                    what: format!("wavelet {name:?} (coif1, haar, db1 and db2 are)"),
                });
            }
        };
        Ok(Self {
            name: name.to_owned(),
            double: Filters::new(low.iter().map(|v| v * factor).collect()),
            single: Filters::new(low.iter().map(|v| single(*v) * single(factor)).collect()),
        })
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

/// Daubechies' wavelet with two vanishing moments, in closed form.
fn daubechies_2() -> Vec<f64> {
    let (r, s) = (3.0_f64.sqrt(), 4.0 * SQRT_2);
    [1.0 - r, 3.0 - r, 3.0 + r, 1.0 + r].map(|v| v / s).to_vec()
}

/// The first coiflet divided by the root of 2, in closed form without cancellation.
fn coiflet_1() -> Vec<f64> {
    let r = 7.0_f64.sqrt();
    let outer = -3.0 / (16.0 * (1.0 + r));
    vec![
        -1.0 / (16.0 * (3.0 + r)),
        outer,
        (14.0 - 2.0 * r) / 32.0,
        (14.0 + 2.0 * r) / 32.0,
        (5.0 + r) / 32.0,
        outer,
    ]
}

/// Names of the images of a transform in the order of the columns.
pub(crate) fn image_names(level: usize) -> Vec<String> {
    let mut out = Vec::new();
    for n in 1..=level {
        out.extend(BANDS.iter().map(|band| image_name(n, band)));
    }
    out.extend((level > 0).then(|| image_name(level, "LLL")));
    out
}

fn image_name(level: usize, band: &str) -> String {
    if level == 1 {
        format!("wavelet-{band}")
    } else {
        format!("wavelet{level}-{band}")
    }
}

/// Detail bands in the order of the columns: filter along i, j, k.
const BANDS: [&str; 7] = ["LLH", "LHL", "LHH", "HLL", "HLH", "HHL", "HHH"];

/// Hands the bands of all levels to `measure`, the last approximation at the end.
pub(super) fn derive(
    base: &Base<'_, '_>,
    lo: [usize; 3],
    roi: &Roi,
    bank: &Bank,
    start_level: usize,
    level: usize,
    measure: &mut dyn FnMut(Derived),
) {
    let reach = bank.double.low.len() * (start_level + level);
    let (mut field, at) = base.window(lo, roi.size, [reach; 3]);
    let kind = if field.kind == SampleKind::F32 {
        SampleKind::F32
    } else {
        SampleKind::F64
    };
    field.kind = kind;
    for _ in 0..start_level {
        for axis in 0..3 {
            field = along(&field, axis, bank, Pass::Low);
        }
    }
    for n in 1..=level {
        field = one_level(&field, bank, &mut |band, image| {
            measure(Derived {
                name: image_name(n, band),
                values: image.values(at, roi),
                kind,
            });
        });
    }
    if level > 0 {
        measure(Derived {
            name: image_name(level, "LLL"),
            values: field.values(at, roi),
            kind,
        });
    }
}

/// One level: hands over the details and gives the approximation.
fn one_level(field: &Field, bank: &Bank, detail: &mut dyn FnMut(&str, &Field)) -> Field {
    let mut approximation = None;
    for x in [Pass::Low, Pass::High] {
        let along_i = along(field, 0, bank, x);
        for y in [Pass::Low, Pass::High] {
            let along_j = along(&along_i, 1, bank, y);
            for z in [Pass::Low, Pass::High] {
                let image = along(&along_j, 2, bank, z);
                if [x, y, z] == [Pass::Low; 3] {
                    approximation = Some(image);
                } else {
                    detail(&String::from_iter([x, y, z].map(Pass::letter)), &image);
                }
            }
        }
    }
    approximation.unwrap_or_else(|| field.clone())
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
        for name in ["haar", "db2", "coif1"] {
            let bank = Bank::from_name(name).unwrap();
            let norm = |f: &[f64]| f.iter().map(|v| v * v).sum::<f64>();
            assert!(
                (norm(&bank.double.low) - 1.0).abs() < 1e-14 && (norm(&bank.double.high) - 1.0).abs() < 1e-14,
                "{name}"
            );
            assert!((bank.double.low.iter().sum::<f64>() - SQRT_2).abs() < 1e-14 && bank.double.high.iter().sum::<f64>().abs() < 1e-14);
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
        assert!(Bank::from_name("sym9").is_err());
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
        let approximation = one_level(&field, &bank, &mut |band, image| {
            energy.push((band.to_owned(), image.data.iter().map(|v| v * v).sum::<f64>()));
        });
        let strongest = energy.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        assert_eq!(strongest.0, "LLH");
        assert!(energy.iter().filter(|e| e.0 != "LLH").all(|e| e.1 < 1e-20));
        assert!(approximation.data.iter().all(|v| v.abs() < 1e-12));
        assert_eq!(image_names(2).len(), 15);
        assert_eq!(image_names(2)[7], "wavelet2-LLH");
    }
}
