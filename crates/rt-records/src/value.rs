//! One cell of a table, borrowed.

use rt_core::{Cc, CourseId, FrameUid, Gy, Hu, Mm, PatientId, Percent, RoiName, SeriesUid, SopUid};

/// One cell. Missing is [`Value::Missing`], never a number or a text that stands for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// No value.
    Missing,
    /// Text; never empty when it comes out of a table.
    Text(&'a str),
    /// Whole number.
    Int(i64),
    /// Number; never NaN when it comes out of a table.
    Float(f64),
    /// Truth value.
    Bool(bool),
    /// List of numbers in double precision; may hold NaN for missing elements.
    Floats(&'a [f64]),
    /// List of numbers in single precision.
    Singles(&'a [f32]),
}

impl<'a> Value<'a> {
    /// The text, unless the cell is missing or of another kind.
    pub fn as_text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, whole or not, unless the cell is missing or of another kind.
    pub fn as_float(self) -> Option<f64> {
        match self {
            Self::Float(x) => Some(x),
            Self::Int(n) => Some(n as f64),
            _ => None,
        }
    }

    /// The whole number, unless the cell is missing or of another kind.
    pub fn as_int(self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(n),
            _ => None,
        }
    }

    /// The truth value, unless the cell is missing or of another kind.
    pub fn as_bool(self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(b),
            _ => None,
        }
    }

    /// The list in double precision, unless the cell is missing or of another kind.
    pub fn as_floats(self) -> Option<&'a [f64]> {
        match self {
            Self::Floats(list) => Some(list),
            _ => None,
        }
    }

    /// The list in single precision, unless the cell is missing or of another kind.
    pub fn as_singles(self) -> Option<&'a [f32]> {
        match self {
            Self::Singles(list) => Some(list),
            _ => None,
        }
    }

    /// Whether there is no value.
    pub fn is_missing(self) -> bool {
        self == Self::Missing
    }

    /// What a person calls the kind of this value.
    pub(crate) fn kind_name(self) -> &'static str {
        match self {
            Self::Missing => "nothing",
            Self::Text(_) => "text",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Bool(_) => "bool",
            Self::Floats(_) => "floats",
            Self::Singles(_) => "singles",
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [f64]> for Value<'a> {
    fn from(list: &'a [f64]) -> Self {
        Self::Floats(list)
    }
}

impl<'a> From<&'a Vec<f64>> for Value<'a> {
    fn from(list: &'a Vec<f64>) -> Self {
        Self::Floats(list)
    }
}

impl<'a> From<&'a [f32]> for Value<'a> {
    fn from(list: &'a [f32]) -> Self {
        Self::Singles(list)
    }
}

impl<'a> From<&'a Vec<f32>> for Value<'a> {
    fn from(list: &'a Vec<f32>) -> Self {
        Self::Singles(list)
    }
}

impl From<f64> for Value<'_> {
    fn from(x: f64) -> Self {
        Self::Float(x)
    }
}

impl From<bool> for Value<'_> {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<i64> for Value<'_> {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

macro_rules! from_small_int {
    ($($int:ty),*) => {$(
        impl From<$int> for Value<'_> {
            fn from(n: $int) -> Self {
                Self::Int(i64::from(n))
            }
        }
    )*};
}
from_small_int!(u8, u16, u32, i16, i32);

macro_rules! from_large_int {
    ($($int:ty),*) => {$(
        impl From<$int> for Value<'_> {
            /// Counts above `i64::MAX` do not occur; they would be kept at that bound.
            fn from(n: $int) -> Self {
                Self::Int(i64::try_from(n).unwrap_or(i64::MAX))
            }
        }
    )*};
}
from_large_int!(u64, usize);

macro_rules! from_unit {
    ($($unit:ty),*) => {$(
        impl From<$unit> for Value<'_> {
            fn from(x: $unit) -> Self {
                Self::Float(x.value())
            }
        }
    )*};
}
from_unit!(Gy, Cc, Mm, Hu, Percent);

macro_rules! from_id {
    ($($id:ty),*) => {$(
        impl<'a> From<&'a $id> for Value<'a> {
            fn from(id: &'a $id) -> Self {
                Self::Text(id.as_str())
            }
        }
    )*};
}
from_id!(PatientId, CourseId, SeriesUid, SopUid, FrameUid, RoiName);

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}
