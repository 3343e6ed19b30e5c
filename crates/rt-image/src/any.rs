//! A volume whose sample type is known only when the program runs.

use std::sync::Arc;

use rt_core::Grid;

use crate::volume::Volume;

/// A volume of one of the sample types that images come in.
#[derive(Debug, Clone, PartialEq)]
pub enum AnyVolume {
    /// 8-bit unsigned.
    U8(Volume<u8>),
    /// 8-bit signed.
    I8(Volume<i8>),
    /// 16-bit unsigned.
    U16(Volume<u16>),
    /// 16-bit signed.
    I16(Volume<i16>),
    /// 32-bit unsigned.
    U32(Volume<u32>),
    /// 32-bit signed.
    I32(Volume<i32>),
    /// 32-bit float.
    F32(Volume<f32>),
    /// 64-bit float; also what 64-bit integers become.
    F64(Volume<f64>),
}

macro_rules! any_of {
    ($($variant:ident $t:ty),*) => {
        $(impl From<Volume<$t>> for AnyVolume {
            fn from(volume: Volume<$t>) -> Self {
                Self::$variant(volume)
            }
        })*

        impl AnyVolume {
            /// The lattice.
            pub fn grid(&self) -> &Arc<Grid> {
                match self {
                    $(Self::$variant(volume) => volume.grid(),)*
                }
            }

            /// The samples as 64-bit floats.
            pub fn to_f64(&self) -> Volume<f64> {
                match self {
                    $(Self::$variant(volume) => volume.map(|v| f64::from(*v)),)*
                }
            }
        }
    };
}

any_of!(U8 u8, I8 i8, U16 u16, I16 i16, U32 u32, I32 i32, F32 f32, F64 f64);

#[cfg(test)]
mod tests {
    use rt_core::Vec3;

    use super::*;

    #[test]
    fn samples_widen_to_f64() {
        let grid = Grid::axis_aligned([2, 1, 1], Vec3::ZERO, [1.0; 3]).unwrap();
        let any = AnyVolume::from(Volume::filled(grid, -3i16));
        assert!(matches!(any, AnyVolume::I16(_)));
        assert!(any.to_f64().data().iter().all(|v| (*v + 3.0).abs() < 1e-12));
        assert_eq!(any.grid().len(), 2);
    }
}
