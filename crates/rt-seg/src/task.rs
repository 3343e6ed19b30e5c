//! Engines, and what can be asked of them.

use serde::{Deserialize, Serialize};

/// Who segments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// The embedded one: grey values and shape, no weights.
    #[default]
    Classical,
    /// TotalSegmentator, an external program.
    TotalSegmentator,
    /// nnU-Net v2, an external program.
    NnUNetV2,
    /// ONNX models run in this process.
    Onnx,
    /// Nobody.
    None,
}

impl Engine {
    /// All that the configuration may name.
    pub const ALL: [Self; 5] = [Self::Classical, Self::TotalSegmentator, Self::NnUNetV2, Self::Onnx, Self::None];

    /// Name in configuration, folders and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classical => "classical",
            Self::TotalSegmentator => "totalsegmentator",
            Self::NnUNetV2 => "nnunetv2",
            Self::Onnx => "onnx",
            Self::None => "none",
        }
    }

    /// The engine of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| e.name() == name)
    }

    /// Whether this version has it.
    pub fn is_available(self) -> bool {
        matches!(self, Self::Classical | Self::TotalSegmentator | Self::None)
    }
}

/// Groups of regions of the embedded engine; each gives one label map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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

    /// Names of the regions that it may give.
    pub fn regions(self) -> &'static [&'static str] {
        match self {
            Self::Body => &["classical_body", "classical_couch"],
            Self::Lungs => &["classical_lung_left", "classical_lung_right", "classical_airway"],
            Self::Bones => &["classical_bone"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_configuration() {
        for engine in Engine::ALL {
            assert_eq!(serde_json::to_value(engine).unwrap(), engine.name());
            assert_eq!(Engine::from_name(engine.name()), Some(engine));
        }
        for task in ClassicalTask::ALL {
            assert_eq!(serde_json::to_value(task).unwrap(), task.name());
            assert!(task.regions().iter().all(|r| r.starts_with("classical_")));
        }
    }
}
