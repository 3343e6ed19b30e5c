//! Identifiers as types: checked when made, cheap to clone, compared as text.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a text is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// Nothing but blanks.
    #[error("{kind} is empty")]
    Empty {
        /// Which kind of identifier.
        kind: &'static str,
    },
    /// Longer than allowed.
    #[error("{kind} has {length} characters, at most {limit} are allowed")]
    TooLong {
        /// Which kind of identifier.
        kind: &'static str,
        /// Length found.
        length: usize,
        /// Length allowed.
        limit: usize,
    },
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $limit:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and wraps a text; padding blanks and NULs at both ends are removed.
            ///
            /// # Errors
            /// [`IdError`] when nothing is left or it is too long.
            pub fn new(text: &str) -> Result<Self, IdError> {
                let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
                let length = text.chars().count();
                if length == 0 {
                    Err(IdError::Empty { kind: $kind })
                } else if length > $limit {
                    Err(IdError::TooLong { kind: $kind, length, limit: $limit })
                } else {
                    Ok(Self(text.into()))
                }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.to_string()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

id!(
    /// Patient identifier (0010,0020) as it stands in the data, or its pseudonym.
    PatientId,
    "patient id",
    256
);
id!(
    /// Course identifier, unique within a patient.
    CourseId,
    "course id",
    256
);
id!(
    /// `SeriesInstanceUID` (0020,000E).
    SeriesUid,
    "series UID",
    128
);
id!(
    /// `SOPInstanceUID` (0008,0018).
    SopUid,
    "SOP instance UID",
    128
);
id!(
    /// `FrameOfReferenceUID` (0020,0052).
    FrameUid,
    "frame of reference UID",
    128
);
id!(
    /// Name of a region of interest (3006,0026). Names repeat: a region is identified by its number.
    RoiName,
    "ROI name",
    8192
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_goes_and_blank_ids_are_refused() {
        assert_eq!(SopUid::new("1.2.3\0").unwrap().as_str(), "1.2.3");
        assert_eq!(PatientId::new(" 00123 ").unwrap().to_string(), "00123");
        assert_eq!(RoiName::new(" \0 "), Err(IdError::Empty { kind: "ROI name" }));
        assert!(matches!(
            SeriesUid::new(&"1".repeat(129)),
            Err(IdError::TooLong { length: 129, .. })
        ));
    }
}
