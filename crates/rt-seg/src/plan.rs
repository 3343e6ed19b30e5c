//! From settings and images to steps: what will be run, before anything is.

use crate::config::{SegConfig, unavailable};
use crate::device::{Device, Devices};
use crate::task::{ClassicalTask, Engine};
use crate::totalseg::TotalTask;

/// An image that could be segmented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFact {
    /// Path that results name it by, for instance `images/ct.nii`.
    pub name: String,
    /// Modality (0008,0060).
    pub modality: String,
    /// The CT that the course was planned on.
    pub is_planning_ct: bool,
}

/// A task of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Of the embedded engine.
    Classical(ClassicalTask),
    /// Of TotalSegmentator.
    Total(&'static TotalTask),
}

impl Task {
    /// Name in folders and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classical(task) => task.name(),
            Self::Total(task) => task.name,
        }
    }
}

/// One run of one engine on one image; gives one label map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Who.
    pub engine: Engine,
    /// What.
    pub task: Task,
    /// Of which image.
    pub image: String,
    /// Where.
    pub device: Device,
    /// Names of the regions that it may give; empty when the engine itself names them.
    pub expected: Vec<String>,
}

/// What will be run, in order; or why nothing will.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SegPlan {
    /// The steps, at least one.
    Steps(Vec<Step>),
    /// Nothing to do, in words.
    Nothing(String),
}

/// Why no plan can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// An engine that this version does not have.
    #[error("segmentation.engine {}", unavailable(*.0))]
    NoEngine(Engine),
}

impl PlanError {
    /// Stable reason code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoEngine(_) => "seg.engine_unavailable",
        }
    }
}

/// Decides what to run on which image and device. Both engines take the planning CT; the embedded one runs on the processor. A GPU in a
/// step means any of the machine: which one is decided by the lease when the step begins.
///
/// # Errors
/// [`PlanError::NoEngine`] when the engine is not part of this version.
pub fn plan(config: &SegConfig, images: &[ImageFact], devices: &Devices) -> Result<SegPlan, PlanError> {
    match config.engine {
        Engine::None => Ok(SegPlan::Nothing("segmentation.engine is \"none\"".into())),
        Engine::Classical => {
            let Some(ct) = images.iter().find(|i| i.is_planning_ct) else {
                return Ok(SegPlan::Nothing("the course has no planning CT".into()));
            };
            let step = |task: ClassicalTask| Step {
                engine: Engine::Classical,
                task: Task::Classical(task),
                image: ct.name.clone(),
                device: Device::Cpu,
                expected: task.regions().iter().map(|r| (*r).to_owned()).collect(),
            };
            Ok(SegPlan::Steps(config.classical_tasks().into_iter().map(step).collect()))
        }
        Engine::TotalSegmentator => {
            let Some(ct) = images.iter().find(|i| i.is_planning_ct) else {
                return Ok(SegPlan::Nothing("the course has no planning CT".into()));
            };
            let device = devices.gpus.first().map_or(Device::Cpu, |n| Device::Gpu(*n));
            let step = |task: &'static TotalTask| Step {
                engine: Engine::TotalSegmentator,
                task: Task::Total(task),
                image: ct.name.clone(),
                device,
                expected: Vec::new(),
            };
            Ok(SegPlan::Steps(config.total_tasks().into_iter().map(step).collect()))
        }
        other @ (Engine::NnUNetV2 | Engine::Onnx) => Err(PlanError::NoEngine(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(name: &str, is_planning_ct: bool) -> ImageFact {
        ImageFact {
            name: name.into(),
            modality: "CT".into(),
            is_planning_ct,
        }
    }

    #[test]
    fn the_planning_ct_is_segmented_and_nothing_else() {
        let images = [image("images/ct_01.nii", false), image("images/ct.nii", true)];
        let SegPlan::Steps(steps) = plan(&SegConfig::default(), &images, &Devices::default()).unwrap() else {
            panic!("no steps");
        };
        let names: Vec<_> = steps.iter().map(|s| (s.task.name(), s.image.as_str())).collect();
        assert_eq!(
            names,
            [("body", "images/ct.nii"), ("lungs", "images/ct.nii"), ("bones", "images/ct.nii")]
        );
    }

    #[test]
    fn nothing_to_do_has_a_reason_and_missing_engines_are_errors() {
        let with = |engine| SegConfig {
            engine,
            ..SegConfig::default()
        };
        let images = [image("images/ct.nii", true)];
        assert!(matches!(
            plan(&with(Engine::None), &images, &Devices::default()),
            Ok(SegPlan::Nothing(_))
        ));
        assert!(
            matches!(plan(&SegConfig::default(), &[], &Devices::default()), Ok(SegPlan::Nothing(why)) if why.contains("no planning CT"))
        );
        let error = plan(&with(Engine::Onnx), &images, &Devices::default()).unwrap_err();
        assert_eq!(error.code(), "seg.engine_unavailable");
        assert!(
            error.to_string().contains("\"onnx\"") && error.to_string().contains("\"classical\""),
            "{error}"
        );
    }
}
