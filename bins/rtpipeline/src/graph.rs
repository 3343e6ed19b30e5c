//! The one definition of the graph; `Makefile` and `workflow/Snakefile` repeat it, and `cargo xtask tidy` compares the three.
//!
//! ```text
//! organize -> segment -> structures -> dvh       -> qc -> aggregate
//!                                  \-> radiomics ->/     /
//!                                  \-> robustness ------/
//! ```

use rt_cli::{Failure, Step};
use rt_config::names::nearest;
use rt_course::Cohort;

/// A stage of a course.
#[derive(Clone, Copy)]
pub struct Node {
    /// What runs.
    pub step: &'static dyn Step,
    /// Stages that must have ended without failure before it starts.
    pub after: &'static [&'static str],
    /// `section.key` that limits how many of these run at once, all courses together.
    pub limit: Option<(&'static str, &'static str)>,
}

/// All stages.
pub struct Graph {
    /// The checkpoint: it finds the courses.
    pub organize: &'static dyn Step<Cohort>,
    /// Stages of each course, in an order in which they can run one after the other.
    pub course: Vec<Node>,
    /// The end: tables of the cohort.
    pub aggregate: &'static dyn Step<Cohort>,
}

impl Graph {
    /// The graph of this version.
    pub fn new() -> Self {
        let node = |step, after| Node { step, after, limit: None };
        Self {
            organize: &rt_organize_cli::Organize,
            course: vec![
                Node {
                    limit: Some(("segmentation", "workers")),
                    ..node(&rt_segment_cli::Segment, &[])
                },
                node(&rt_structures_cli::Structures, &["segment"]),
                node(&rt_dvh_cli::Dvh, &["structures"]),
                node(&rt_radiomics_cli::Radiomics, &["structures"]),
                node(&rt_robustness_cli::Robustness, &["structures"]),
                node(&rt_qc_cli::Qc, &["dvh", "radiomics"]),
            ],
            aggregate: &rt_aggregate_cli::Aggregate,
        }
    }
}

impl Default for Graph {
    fn default() -> Self {
        Self::new()
    }
}

impl Graph {
    /// Names of all stages, in order.
    pub fn names(&self) -> Vec<&'static str> {
        let course = self.course.iter().map(|node| node.step.name());
        std::iter::once(self.organize.name())
            .chain(course)
            .chain([self.aggregate.name()])
            .collect()
    }

    /// What a stage waits for, by name: organize for the first ones, every course stage for aggregate.
    pub fn after(&self, stage: &str) -> Vec<&'static str> {
        if stage == self.aggregate.name() {
            return self.course.iter().map(|node| node.step.name()).collect();
        }
        match self.course.iter().find(|node| node.step.name() == stage) {
            Some(node) if node.after.is_empty() => vec![self.organize.name()],
            Some(node) => node.after.to_vec(),
            None => Vec::new(),
        }
    }

    /// Checks names given with `--stage`; none means all.
    ///
    /// # Errors
    /// [`Failure`] `usage.stage` naming the nearest stage.
    pub fn select(&self, wanted: &[String]) -> Result<Vec<&'static str>, Failure> {
        let names = self.names();
        if let Some(unknown) = wanted.iter().find(|w| !names.contains(&w.as_str())) {
            let meant = nearest(unknown, names.iter().copied()).map_or_else(|| names.join(", "), str::to_owned);
            return Err(Failure::usage("usage.stage", format!("there is no stage `{unknown}`")).hint(format!("did you mean: {meant}?")));
        }
        Ok(names
            .into_iter()
            .filter(|name| wanted.is_empty() || wanted.iter().any(|w| w == name))
            .collect())
    }
}
