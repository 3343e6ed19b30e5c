//! Images of any sample type behind one name: PyRadiomics keeps the type of the file through resampling and some filters.

use std::sync::Arc;

use ndarray::s;
use rt_core::Grid;
use rt_image::{AnyVolume, VolumeView};

/// Type of the samples of an image. It decides rounding after interpolation and the type of filtered images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SampleKind {
    /// 8-bit unsigned.
    U8,
    /// 8-bit signed.
    I8,
    /// 16-bit unsigned.
    U16,
    /// 16-bit signed.
    I16,
    /// 32-bit unsigned.
    U32,
    /// 32-bit signed.
    I32,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
}

impl SampleKind {
    /// Smallest and largest value of an integer type; `None` for floats.
    pub fn integer_range(self) -> Option<(f64, f64)> {
        match self {
            Self::U8 => Some((0.0, 255.0)),
            Self::I8 => Some((-128.0, 127.0)),
            Self::U16 => Some((0.0, 65_535.0)),
            Self::I16 => Some((-32_768.0, 32_767.0)),
            Self::U32 => Some((0.0, f64::from(u32::MAX))),
            Self::I32 => Some((f64::from(i32::MIN), f64::from(i32::MAX))),
            Self::F32 | Self::F64 => None,
        }
    }

    /// Brings a computed value to what this type can hold: integers are clamped and truncated toward zero, `f32` is rounded.
    #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the purpose")]
    pub fn store(self, value: f64) -> f64 {
        match self.integer_range() {
            Some((lo, hi)) => value.clamp(lo, hi).trunc(),
            None if self == Self::F32 => f64::from(value as f32),
            None => value,
        }
    }
}

/// A borrowed image of one of the sample types. Made with `From` of a [`VolumeView`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Samples<'a> {
    /// 8-bit unsigned.
    U8(VolumeView<'a, u8>),
    /// 8-bit signed.
    I8(VolumeView<'a, i8>),
    /// 16-bit unsigned.
    U16(VolumeView<'a, u16>),
    /// 16-bit signed.
    I16(VolumeView<'a, i16>),
    /// 32-bit unsigned.
    U32(VolumeView<'a, u32>),
    /// 32-bit signed.
    I32(VolumeView<'a, i32>),
    /// 32-bit float.
    F32(VolumeView<'a, f32>),
    /// 64-bit float.
    F64(VolumeView<'a, f64>),
}

macro_rules! samples_of {
    ($($variant:ident $t:ty),*) => {
        $(impl<'a> From<VolumeView<'a, $t>> for Samples<'a> {
            fn from(view: VolumeView<'a, $t>) -> Self {
                Self::$variant(view)
            }
        })*

        impl<'a> Samples<'a> {
            /// Type of the samples.
            pub fn kind(&self) -> SampleKind {
                match self {
                    $(Self::$variant(_) => SampleKind::$variant,)*
                }
            }

            /// Lattice of the image.
            pub fn grid(&self) -> &'a Arc<Grid> {
                match self {
                    $(Self::$variant(view) => view.grid(),)*
                }
            }

            /// Adds `len` samples of row (j, k), from column `i` on, to the end of `out`.
            pub(crate) fn append_row(&self, [i, j, k]: [usize; 3], len: usize, out: &mut Vec<f64>) {
                match self {
                    $(Self::$variant(view) => {
                        let data = view.data();
                        out.extend(data.slice(s![k, j, i..i + len]).iter().map(|v| f64::from(*v)));
                    })*
                }
            }

            /// Calls `f` with each contiguous piece of slice `k`, widened to `f64` in chunks of at most 1,024 samples.
            pub(crate) fn for_chunks(&self, k: usize, f: &mut dyn FnMut(&[f64])) {
                let mut buffer = Vec::with_capacity(1024);
                match self {
                    $(Self::$variant(view) => {
                        let data = view.data();
                        let plane = data.slice(s![k, .., ..]);
                        for v in plane.iter() {
                            buffer.push(f64::from(*v));
                            if buffer.len() == 1024 {
                                f(&buffer);
                                buffer.clear();
                            }
                        }
                    })*
                }
                if !buffer.is_empty() {
                    f(&buffer);
                }
            }

            /// Calls `f` with the little-endian bytes of slice `k`, in storage order.
            pub(crate) fn bytes_of_slice(&self, k: usize, f: &mut dyn FnMut(&[u8])) {
                match self {
                    $(Self::$variant(view) => {
                        let data = view.data();
                        let plane = data.slice(s![k, .., ..]);
                        let bytes: Vec<u8> = plane.iter().flat_map(|v| v.to_le_bytes()).collect();
                        f(&bytes);
                    })*
                }
            }
        }
    };
}

samples_of!(U8 u8, I8 i8, U16 u16, I16 i16, U32 u32, I32 i32, F32 f32, F64 f64);

impl<'a> From<&'a AnyVolume> for Samples<'a> {
    fn from(volume: &'a AnyVolume) -> Self {
        match volume {
            AnyVolume::U8(v) => v.view().into(),
            AnyVolume::I8(v) => v.view().into(),
            AnyVolume::U16(v) => v.view().into(),
            AnyVolume::I16(v) => v.view().into(),
            AnyVolume::U32(v) => v.view().into(),
            AnyVolume::I32(v) => v.view().into(),
            AnyVolume::F32(v) => v.view().into(),
            AnyVolume::F64(v) => v.view().into(),
        }
    }
}

impl Samples<'_> {
    /// Columns, rows and slices, `[ni, nj, nk]`.
    pub fn size(&self) -> [usize; 3] {
        self.grid().size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_truncated_toward_zero_and_clamped() {
        let stored = [-12.7, 12.7, 40_000.0].map(|v| SampleKind::I16.store(v));
        assert!(
            stored.iter().zip([-12.0, 12.0, 32_767.0]).all(|(a, b)| (a - b).abs() < 1e-12),
            "{stored:?}"
        );
        assert!((SampleKind::F32.store(0.1) - f64::from(0.1f32)).abs() < 1e-300);
    }
}
