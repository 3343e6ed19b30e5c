//! Sample types and the conversion of stored bytes to them, in one pass.

use std::fmt;

use bytemuck::Pod;

use crate::error::Fault;

/// A real number type that NIfTI can store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the types")]
pub enum DataType {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

impl DataType {
    /// From the `datatype` code of the header.
    pub(crate) fn from_code(code: i32) -> Result<Self, Fault> {
        Ok(match code {
            2 => Self::U8,
            256 => Self::I8,
            512 => Self::U16,
            4 => Self::I16,
            768 => Self::U32,
            8 => Self::I32,
            1280 => Self::U64,
            1024 => Self::I64,
            16 => Self::F32,
            64 => Self::F64,
            _ => return Err(Fault::UnsupportedType(code)),
        })
    }

    /// The `datatype` code of the header.
    pub fn code(self) -> i16 {
        match self {
            Self::U8 => 2,
            Self::I8 => 256,
            Self::U16 => 512,
            Self::I16 => 4,
            Self::U32 => 768,
            Self::I32 => 8,
            Self::U64 => 1280,
            Self::I64 => 1024,
            Self::F32 => 16,
            Self::F64 => 64,
        }
    }

    /// Bytes of one sample.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// The `bitpix` of the header.
    pub(crate) fn bits(self) -> i16 {
        match self {
            Self::U8 | Self::I8 => 8,
            Self::U16 | Self::I16 => 16,
            Self::U32 | Self::I32 | Self::F32 => 32,
            Self::U64 | Self::I64 | Self::F64 => 64,
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
        })
    }
}

/// Byte order of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl ByteOrder {
    /// Whether samples can be taken from memory as they are.
    pub fn is_native(self) -> bool {
        (self == Self::Little) == cfg!(target_endian = "little")
    }
}

/// `value = slope * stored + inter`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// `scl_slope`.
    pub slope: f64,
    /// `scl_inter`.
    pub inter: f64,
}

impl Scale {
    /// Stored numbers are the values.
    pub const IDENTITY: Self = Self { slope: 1.0, inter: 0.0 };

    /// From the header fields: a slope of zero, or one that is not a number, means that nothing is scaled.
    pub(crate) fn from_fields(slope: f64, inter: f64) -> Result<Self, Fault> {
        if slope == 0.0 || !slope.is_finite() {
            return Ok(Self::IDENTITY);
        }
        if !inter.is_finite() {
            return Err(Fault::BadField {
                field: "scl_inter",
                value: inter.to_string(),
                why: "not a number",
            });
        }
        Ok(Self { slope, inter })
    }

    /// Whether nothing is scaled.
    pub fn is_identity(self) -> bool {
        self == Self::IDENTITY
    }
}

/// A type that volumes are read as and written from.
///
/// An integer type refuses values that are not whole (to 1e-6 of their size, the precision of `scl_slope`) or out of its range; a float type rounds.
pub trait Sample: Pod + Send + Sync + PartialEq + Stored {
    /// The type in the file when it is written.
    const DATA_TYPE: DataType;

    /// The number nearest to `v`, or `None` when the type cannot stand for it.
    fn from_f64(v: f64) -> Option<Self>;
}

mod sealed {
    use super::ByteOrder;

    /// Numbers as they stand in a file.
    pub trait Stored: bytemuck::Pod {
        fn decode(bytes: &[u8], order: ByteOrder) -> Self;
        fn encode(self) -> impl AsRef<[u8]>;
        fn as_f64(self) -> f64;
    }

    macro_rules! stored {
        ($($t:ty),*) => {$(
            impl Stored for $t {
                #[inline]
                fn decode(bytes: &[u8], order: ByteOrder) -> Self {
                    let mut raw = [0u8; size_of::<$t>()];
                    raw.copy_from_slice(bytes);
                    match order {
                        ByteOrder::Little => Self::from_le_bytes(raw),
                        ByteOrder::Big => Self::from_be_bytes(raw),
                    }
                }

                #[inline]
                fn encode(self) -> impl AsRef<[u8]> {
                    self.to_le_bytes()
                }

                #[inline]
                #[allow(clippy::cast_lossless, reason = "one body for types of every width; 64-bit integers round to 53 bits")]
                fn as_f64(self) -> f64 {
                    self as f64
                }
            }
        )*};
    }
    stored!(u8, i8, u16, i16, u32, i32, u64, i64, f32, f64);
}
pub(crate) use sealed::Stored;

macro_rules! integer_sample {
    ($($t:ty => $d:ident),*) => {$(
        impl Sample for $t {
            const DATA_TYPE: DataType = DataType::$d;

            #[inline]
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_lossless,
                reason = "whole and in range, checked before the cast; one body for types of every width and sign"
            )]
            fn from_f64(v: f64) -> Option<Self> {
                let whole = v.round();
                let near = (v - whole).abs() <= 1e-6 * v.abs().max(1.0);
                (near && whole >= <$t>::MIN as f64 && whole <= <$t>::MAX as f64).then_some(whole as $t)
            }
        }
    )*};
}
integer_sample!(u8 => U8, i8 => I8, u16 => U16, i16 => I16, u32 => U32, i32 => I32);

impl Sample for f32 {
    const DATA_TYPE: DataType = DataType::F32;

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "voxels are f32: rounding is meant")]
    fn from_f64(v: f64) -> Option<Self> {
        Some(v as Self)
    }
}

impl Sample for f64 {
    const DATA_TYPE: DataType = DataType::F64;

    #[inline]
    fn from_f64(v: f64) -> Option<Self> {
        Some(v)
    }
}

/// How samples stand in a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Layout {
    pub(crate) data_type: DataType,
    pub(crate) order: ByteOrder,
    pub(crate) scale: Scale,
}

/// Appends the samples in `bytes` (a whole number of them) to `out`.
pub(crate) fn decode<T: Sample>(bytes: &[u8], layout: Layout, out: &mut Vec<T>) -> Result<(), Fault> {
    match layout.data_type {
        DataType::U8 => decode_as::<u8, T>(bytes, layout, out),
        DataType::I8 => decode_as::<i8, T>(bytes, layout, out),
        DataType::U16 => decode_as::<u16, T>(bytes, layout, out),
        DataType::I16 => decode_as::<i16, T>(bytes, layout, out),
        DataType::U32 => decode_as::<u32, T>(bytes, layout, out),
        DataType::I32 => decode_as::<i32, T>(bytes, layout, out),
        DataType::U64 => decode_as::<u64, T>(bytes, layout, out),
        DataType::I64 => decode_as::<i64, T>(bytes, layout, out),
        DataType::F32 => decode_as::<f32, T>(bytes, layout, out),
        DataType::F64 => decode_as::<f64, T>(bytes, layout, out),
    }
}

fn decode_as<S: Stored, T: Sample>(bytes: &[u8], layout: Layout, out: &mut Vec<T>) -> Result<(), Fault> {
    let Layout { order, scale, data_type } = layout;
    let samples = bytes.chunks_exact(size_of::<S>());
    if scale.is_identity() && data_type == T::DATA_TYPE {
        out.extend(samples.map(|b| T::decode(b, order)));
        return Ok(());
    }
    let start = out.len();
    out.resize(start + samples.len(), T::zeroed());
    for (target, b) in out[start..].iter_mut().zip(samples) {
        let value = scale.slope * S::decode(b, order).as_f64() + scale.inter;
        *target = T::from_f64(value).ok_or(Fault::NotRepresentable {
            value,
            wanted: T::DATA_TYPE,
        })?;
    }
    Ok(())
}

/// Samples as little-endian bytes.
pub(crate) fn encode<T: Sample>(samples: &[T], out: &mut Vec<u8>) {
    if cfg!(target_endian = "little") {
        out.extend_from_slice(bytemuck::cast_slice(samples));
    } else {
        for s in samples {
            out.extend_from_slice(s.encode().as_ref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(data_type: DataType, order: ByteOrder, slope: f64, inter: f64) -> Layout {
        Layout {
            data_type,
            order,
            scale: Scale { slope, inter },
        }
    }

    #[test]
    fn stored_numbers_are_scaled_and_swapped() {
        // 0x0102 = 258 and 0xFFFE = -2 as big-endian i16; 0.5 x + 3.
        let bytes = [0x01, 0x02, 0xFF, 0xFE];
        let mut out: Vec<f32> = Vec::new();
        decode(&bytes, layout(DataType::I16, ByteOrder::Big, 0.5, 3.0), &mut out).unwrap();
        assert_eq!(out, vec![132.0, 2.0]);
        let mut same: Vec<i16> = Vec::new();
        decode(&bytes, layout(DataType::I16, ByteOrder::Big, 1.0, 0.0), &mut same).unwrap();
        assert_eq!(same, vec![258, -2]);
    }

    #[test]
    fn labels_stored_as_floats_come_back_as_integers_or_not_at_all() {
        let whole: Vec<u8> = [3.0f64, 255.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let mut out: Vec<u8> = Vec::new();
        decode(&whole, layout(DataType::F64, ByteOrder::Little, 1.0, 0.0), &mut out).unwrap();
        assert_eq!(out, vec![3, 255]);
        for bad in [3.5f64, 256.0, -1.0, f64::NAN, f64::INFINITY] {
            let err = decode(
                &bad.to_le_bytes(),
                layout(DataType::F64, ByteOrder::Little, 1.0, 0.0),
                &mut Vec::<u8>::new(),
            );
            assert!(matches!(err, Err(Fault::NotRepresentable { .. })), "{bad}");
        }
    }

    #[test]
    fn a_slope_in_single_precision_still_gives_whole_numbers() {
        // 0.1 as f32 is 0.100000001490116; 30 of them are 3.0000000447.
        assert_eq!(i16::from_f64(30.0 * f64::from(0.1f32)), Some(3));
        assert_eq!(i16::from_f64(3.01), None);
    }

    #[test]
    fn slope_zero_means_no_scaling() {
        assert!(Scale::from_fields(0.0, 7.0).unwrap().is_identity());
        assert!(Scale::from_fields(f64::NAN, f64::NAN).unwrap().is_identity());
        assert!(Scale::from_fields(2.0, f64::NAN).is_err());
    }
}
