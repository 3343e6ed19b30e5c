//! A value that may be left to the machine: `"auto"` or the value itself.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `"auto"`, or a value given by the user.
///
/// ```
/// use rt_config::AutoOr;
/// assert_eq!(serde_json::from_str::<AutoOr<usize>>("\"auto\"")?, AutoOr::Auto);
/// assert_eq!(serde_json::from_str::<AutoOr<usize>>("4")?, AutoOr::Given(4));
/// assert_eq!(AutoOr::Given(4).unwrap_or_else(|| 1), 4);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AutoOr<T> {
    /// The machine decides.
    #[default]
    Auto,
    /// The user decides.
    Given(T),
}

impl<T> AutoOr<T> {
    /// The given value, or what `auto` computes.
    pub fn unwrap_or_else(self, auto: impl FnOnce() -> T) -> T {
        match self {
            Self::Auto => auto(),
            Self::Given(value) => value,
        }
    }

    /// The given value.
    pub fn given(self) -> Option<T> {
        match self {
            Self::Auto => None,
            Self::Given(value) => Some(value),
        }
    }
}

impl<T: Serialize> Serialize for AutoOr<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Given(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for AutoOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either<T> {
            Given(T),
            Word(Word),
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Word {
            Auto,
        }
        match Either::deserialize(deserializer) {
            Ok(Either::Given(value)) => Ok(Self::Given(value)),
            Ok(Either::Word(Word::Auto)) => Ok(Self::Auto),
            Err(_) => Err(serde::de::Error::custom("expected \"auto\" or a value of the right kind")),
        }
    }
}
