//! Who carries out the steps of a plan.

use rt_core::Progress;
use rt_image::{LabelMap, VolumeView};
use serde_json::{Map, Value};

use crate::classical::{self, Anatomy, ClassicalError, Finding, Parameters};
use crate::plan::{SegPlan, Step, Task};
use crate::task::ClassicalTask;

/// What a step gave.
#[derive(Debug, Clone)]
pub struct StepOutcome {
    /// The regions, on the grid of the image.
    pub labels: LabelMap,
    /// Version of the engine.
    pub engine_version: String,
    /// Settings that decide the result.
    pub parameters: Map<String, Value>,
    /// What a person should know.
    pub findings: Vec<Finding>,
}

/// Why a step gave nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The embedded engine refused the image.
    #[error(transparent)]
    Classical(#[from] ClassicalError),
    /// An external engine failed, or gave what cannot be used.
    #[error("{message}")]
    External {
        /// Stable reason code.
        code: &'static str,
        /// What happened, with the place of the log.
        message: String,
    },
    /// Stopped by the user.
    #[error("stopped on request")]
    Cancelled,
}

impl RunError {
    /// Stable reason code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Classical(e) => e.code(),
            Self::External { code, .. } => code,
            Self::Cancelled => "seg.cancelled",
        }
    }

    /// Whether the user stopped it, so that nothing should be recorded.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled | Self::Classical(ClassicalError::Cancelled))
    }
}

/// Carries out steps: the embedded engine here, a real process or a replay in tests for external ones.
pub trait Runner {
    /// Runs one step to its end.
    ///
    /// # Errors
    /// [`RunError`] with the reason.
    fn run(&mut self, step: &Step, progress: &dyn Progress) -> Result<StepOutcome, RunError>;
}

/// Runs all steps in order; each has its own result, so that one failure leaves the others.
///
/// # Errors
/// [`RunError::Cancelled`] when the user stops it.
pub fn execute(plan: &SegPlan, runner: &mut dyn Runner, progress: &dyn Progress) -> Result<Vec<Result<StepOutcome, RunError>>, RunError> {
    let SegPlan::Steps(steps) = plan else {
        return Ok(Vec::new());
    };
    let mut outcomes = Vec::with_capacity(steps.len());
    for step in steps {
        let outcome = if progress.cancelled() {
            Err(RunError::Cancelled)
        } else {
            runner.run(step, progress)
        };
        match outcome {
            Err(e) if e.is_cancelled() => return Err(e),
            other => outcomes.push(other),
        }
    }
    Ok(outcomes)
}

/// The embedded engine on one CT. Finds all regions of its tasks at the first step and answers the others from them.
#[derive(Debug)]
pub struct Embedded<'a> {
    ct: VolumeView<'a, i16>,
    tasks: Vec<ClassicalTask>,
    parameters: Parameters,
    found: Option<Result<Anatomy, ClassicalError>>,
}

impl<'a> Embedded<'a> {
    /// An engine for the steps of a plan; `ct` is in HU.
    pub fn new(ct: VolumeView<'a, i16>, plan: &SegPlan) -> Self {
        let tasks = match plan {
            SegPlan::Nothing(_) => Vec::new(),
            SegPlan::Steps(steps) => steps.iter().filter_map(|s| classical_task(s.task)).collect(),
        };
        Self {
            ct,
            tasks,
            parameters: Parameters::default(),
            found: None,
        }
    }
}

fn classical_task(task: Task) -> Option<ClassicalTask> {
    match task {
        Task::Classical(task) => Some(task),
        Task::Total(_) => None,
    }
}

impl Runner for Embedded<'_> {
    fn run(&mut self, step: &Step, progress: &dyn Progress) -> Result<StepOutcome, RunError> {
        let Some(task) = classical_task(step.task) else {
            return Err(RunError::External {
                code: "seg.wrong_engine",
                message: format!("{} is no task of the embedded engine", step.task.name()),
            });
        };
        let found = self.found.get_or_insert_with(|| {
            progress.begin("segment", self.tasks.len() as u64);
            classical::segment(self.ct, &self.tasks, &self.parameters, progress)
        });
        let anatomy = found.as_ref().map_err(|e| RunError::Classical(e.clone()))?;
        Ok(StepOutcome {
            labels: anatomy.labels(task),
            engine_version: classical::VERSION.into(),
            parameters: self.parameters.of(task),
            findings: anatomy.findings(task).cloned().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Device;
    use crate::task::Engine;
    use rt_core::Silent;

    struct Replay(Vec<Result<(), RunError>>);

    impl Runner for Replay {
        fn run(&mut self, step: &Step, _: &dyn Progress) -> Result<StepOutcome, RunError> {
            let grid = rt_core::Grid::axis_aligned([1, 1, 1], rt_core::Vec3::ZERO, [1.0; 3]).unwrap();
            self.0.remove(0).map(|()| StepOutcome {
                labels: LabelMap {
                    volume: rt_image::Volume::filled(grid, 0),
                    labels: Vec::new(),
                },
                engine_version: step.task.name().into(),
                parameters: Map::new(),
                findings: Vec::new(),
            })
        }
    }

    fn steps() -> SegPlan {
        let step = |task| Step {
            engine: Engine::Classical,
            task: Task::Classical(task),
            image: "images/ct.nii".into(),
            device: Device::Cpu,
            expected: Vec::new(),
        };
        SegPlan::Steps(ClassicalTask::ALL.map(step).to_vec())
    }

    #[test]
    fn one_failure_leaves_the_other_steps() {
        let failure = Err(RunError::Classical(ClassicalError::UnevenSlices));
        let outcomes = execute(&steps(), &mut Replay(vec![Ok(()), failure, Ok(())]), &Silent).unwrap();
        assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(outcomes[1].as_ref().unwrap_err().code(), "seg.uneven_slices");
    }

    #[test]
    fn a_stop_ends_all() {
        let stopped = Err(RunError::Cancelled);
        assert!(
            execute(&steps(), &mut Replay(vec![Ok(()), stopped]), &Silent)
                .unwrap_err()
                .is_cancelled()
        );
    }
}
