//! Undecimated wavelet transform, one level at a time, periodic, as `PyWavelets`' `swtn` of level 1 (Mallat 1989; Daubechies 1992).
//!
//! Filters are not spread at higher levels: each level is a first level on the approximation before. Axes of odd length get their first sample
//! once more at the end.
#![allow(
    clippy::similar_names,
    clippy::many_single_char_names,
    reason = "axes, indices and weights carry the letters of the formulas"
)]

use rayon::prelude::*;

use super::Derived;
use crate::image::{Base, Field};
use crate::roi::Roi;
use crate::sample::SampleKind;
use crate::settings::SettingsError;

/// Analysis filters of a wavelet.
#[derive(Debug, Clone, PartialEq)]
pub struct Bank {
    name: String,
    low: Vec<f64>,
    high: Vec<f64>,
}

impl Bank {
    /// The wavelet of a `PyWavelets` name.
    ///
    /// # Errors
    /// [`SettingsError::Unsupported`] for a wavelet that this version does not have.
    pub fn from_name(name: &str) -> Result<Self, SettingsError> {
        let low = match name {
            "haar" | "db1" => vec![0.5_f64.sqrt(); 2],
            "db2" => daubechies_2(),
            "coif1" => coiflet_1(),
            _ => {
                return Err(SettingsError::Unsupported {
                    what: format!("wavelet {name:?} (coif1, haar, db1 and db2 are)"),
                });
            }
        };
        let n = low.len();
        // The quadrature mirror: reversed, every other sign changed.
        let high = (0..n).map(|k| if k % 2 == 0 { -low[n - 1 - k] } else { low[n - 1 - k] }).collect();
        Ok(Self {
            name: name.to_owned(),
            low,
            high,
        })
    }

    /// Name in `PyWavelets`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Daubechies' wavelet with two vanishing moments, in closed form.
fn daubechies_2() -> Vec<f64> {
    let (r, s) = (3.0_f64.sqrt(), 4.0 * 2.0_f64.sqrt());
    [1.0 - r, 3.0 - r, 3.0 + r, 1.0 + r].map(|v| v / s).to_vec()
}

/// The first coiflet, in closed form.
fn coiflet_1() -> Vec<f64> {
    let (r, s) = (7.0_f64.sqrt(), 16.0 * 2.0_f64.sqrt());
    [r - 3.0, 1.0 - r, 14.0 - 2.0 * r, 14.0 + 2.0 * r, 5.0 + r, 1.0 - r]
        .map(|v| v / s)
        .to_vec()
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
    let reach = bank.low.len() * (start_level + level);
    let (mut field, at) = base.window(lo, roi.size, [reach; 3]);
    let kind = if field.kind == SampleKind::F32 {
        SampleKind::F32
    } else {
        SampleKind::F64
    };
    field.kind = kind;
    for _ in 0..start_level {
        field = along(&along(&along(&field, 0, &bank.low), 1, &bank.low), 2, &bank.low);
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
    for x in ["L", "H"] {
        let along_i = along(field, 0, bank.of(x));
        for y in ["L", "H"] {
            let along_j = along(&along_i, 1, bank.of(y));
            for z in ["L", "H"] {
                let image = along(&along_j, 2, bank.of(z));
                let band = [x, y, z].concat();
                if band == "LLL" {
                    approximation = Some(image);
                } else {
                    detail(&band, &image);
                }
            }
        }
    }
    approximation.unwrap_or_else(|| field.clone())
}

impl Bank {
    fn of(&self, letter: &str) -> &[f64] {
        if letter == "L" { &self.low } else { &self.high }
    }
}

/// Periodic convolution along an axis: out(i) = sum over k of h(k) x(i + F/2 - k).
fn along(field: &Field, axis: usize, filter: &[f64]) -> Field {
    let [ni, nj, _] = field.size;
    let n = field.size[axis];
    // An odd axis has its first sample once more at its end.
    let period = (n + n % 2).cast_signed();
    let source = |i: usize, k: usize| {
        let at = (i.cast_signed() + (filter.len() / 2).cast_signed() - k.cast_signed())
            .rem_euclid(period)
            .unsigned_abs();
        if at == n { 0 } else { at }
    };
    let add = |out: &mut [f64], line: &[f64], weight: f64, first: bool| {
        for (o, x) in out.iter_mut().zip(line) {
            *o = if first { weight * x } else { *o + weight * x };
        }
    };
    let mut out = Field {
        data: vec![0.0; field.data.len()],
        ..*field
    };
    let single = field.kind == SampleKind::F32;
    out.data.par_chunks_mut(ni * nj).enumerate().for_each(|(slice, out)| {
        let own = &field.data[slice * ni * nj..(slice + 1) * ni * nj];
        for (k, h) in filter.iter().enumerate() {
            match axis {
                2 => {
                    let from = source(slice, k) * ni * nj;
                    add(out, &field.data[from..from + ni * nj], *h, k == 0);
                }
                1 => {
                    for (j, out) in out.chunks_mut(ni).enumerate() {
                        let from = source(j, k) * ni;
                        add(out, &own[from..from + ni], *h, k == 0);
                    }
                }
                _ => {
                    for (out, row) in out.chunks_mut(ni).zip(own.chunks(ni)) {
                        for (i, o) in out.iter_mut().enumerate() {
                            let x = row[source(i, k)];
                            *o = if k == 0 { h * x } else { *o + h * x };
                        }
                    }
                }
            }
        }
        if single {
            for v in out {
                *v = SampleKind::F32.store(*v);
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
                (norm(&bank.low) - 1.0).abs() < 1e-14 && (norm(&bank.high) - 1.0).abs() < 1e-14,
                "{name}"
            );
            assert!((bank.low.iter().sum::<f64>() - 2.0_f64.sqrt()).abs() < 1e-14 && bank.high.iter().sum::<f64>().abs() < 1e-14);
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
        assert!(coif1.low.iter().zip(low).all(|(a, b)| (a - b).abs() < 1e-15), "{:?}", coif1.low);
        assert!((coif1.high[0] - 0.072_732_619_512_526_45).abs() < 1e-15);
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
