//! What can be asked of an engine.

use serde::{Deserialize, Serialize};

/// Groups of regions of the embedded engine; each gives one label map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassicalTask {
    /// `classical_body`, `classical_couch`.
    Body,
    /// `classical_lung_left`, `classical_lung_right`, `classical_airway`.
    Lungs,
    /// `classical_bone`.
    Bones,
}

impl ClassicalTask {
    /// All of them, in the order of work.
    pub const ALL: [Self; 3] = [Self::Body, Self::Lungs, Self::Bones];

    /// Name in configuration, folder names and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Lungs => "lungs",
            Self::Bones => "bones",
        }
    }

    /// The task of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }
}
