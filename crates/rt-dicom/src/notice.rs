//! Something a person should know about an object that was read all the same.

/// A finding with a stable code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Stable code, `area.reason`.
    pub code: &'static str,
    /// What was seen and what it means; no patient data.
    pub detail: String,
}

impl Notice {
    /// A finding.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }
}
