//! Runs the stages of many courses side by side: a fixed number of workers, a memory budget, limits per stage.
//!
//! A course's stage starts when the stages before it have ended without failure. A stage that fails blocks what comes after it in its
//! own course and nothing else. Large courses start first; a course that has begun is finished before another begins, so that little
//! is left half done when a run is stopped.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rt_cli::exit::code_of;
use rt_cli::runner::Metering;
use rt_cli::{Environment, Failure, Mode, Outcome, Resources, Waiting, signals};
use rt_config::Document;
use rt_course::CourseDir;

use crate::graph::Node;

/// A course to run.
#[derive(Debug, Clone)]
pub struct Task {
    /// Its folder.
    pub course: CourseDir,
    /// Memory that one of its stages takes, bytes.
    pub est_bytes: u64,
}

/// How one stage of one course ended.
#[derive(Debug)]
pub enum End {
    /// It ran or was fresh.
    Ended(Outcome),
    /// It failed; the error has been told.
    Failed {
        /// Stable code.
        code: &'static str,
        /// The outermost message.
        message: String,
    },
    /// This stage before it failed.
    Blocked(&'static str),
    /// The run was stopped before its turn.
    NotReached,
}

/// All stages of one course.
#[derive(Debug)]
pub struct CourseRun {
    /// `<patient>/<course>`.
    pub token: String,
    /// Stages in the order of the graph.
    pub stages: Vec<(&'static str, End)>,
}

/// With what to run.
#[derive(Debug, Clone, Copy)]
pub struct Conditions<'a> {
    /// The configuration.
    pub document: &'a Document,
    /// Workers, threads of each, memory of all.
    pub resources: Resources,
    /// Whether to run what is fresh.
    pub mode: Mode,
    /// Whether to wait for other processes.
    pub waiting: Waiting,
}

struct State {
    /// `[task][node]`: `None` until it ended.
    ends: Vec<Vec<Option<End>>>,
    running: Vec<(usize, usize)>,
    stopped: bool,
}

struct Board<'a> {
    nodes: &'a [Node],
    tasks: &'a [Task],
    /// Task numbers, largest course first.
    order: Vec<usize>,
    memory: u64,
    limits: Vec<usize>,
    state: Mutex<State>,
    changed: Condvar,
}

enum Next {
    Job(usize, usize),
    Wait,
    Nothing,
}

/// Runs `nodes` for every task and returns the ends in the order of the tasks. Errors of courses are among them.
///
/// # Errors
/// Only when worker threads cannot be started.
pub fn run_courses(nodes: &[Node], tasks: &[Task], conditions: Conditions<'_>) -> Result<Vec<CourseRun>, anyhow::Error> {
    let Conditions {
        document,
        resources,
        mode,
        waiting,
    } = conditions;
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    order.sort_by_key(|t| std::cmp::Reverse(tasks[*t].est_bytes));
    let state = State {
        ends: tasks.iter().map(|_| nodes.iter().map(|_| None).collect()).collect(),
        running: Vec::new(),
        stopped: false,
    };
    let board = Board {
        nodes,
        tasks,
        order,
        memory: resources.memory_bytes.unwrap_or(u64::MAX),
        limits: nodes.iter().map(|node| limit(node, document)).collect(),
        state: Mutex::new(state),
        changed: Condvar::new(),
    };
    let workers = resources.workers.max(1);
    let share = Resources {
        memory_bytes: resources.memory_bytes.map(|bytes| bytes / workers as u64),
        ..resources
    };
    let environments: Vec<Environment<'_>> = (0..workers)
        .map(|_| {
            let mut environment = Environment::new(document, share)?;
            environment.mode = mode;
            environment.waiting = waiting;
            environment.metering = if workers == 1 { Metering::Process } else { Metering::Threads };
            Ok(environment)
        })
        .collect::<Result<_, anyhow::Error>>()?;
    std::thread::scope(|scope| {
        for environment in &environments {
            scope.spawn(|| board.work(environment));
        }
    });
    let state = board.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    let stages = |ends: Vec<Option<End>>| {
        nodes
            .iter()
            .zip(ends)
            .map(|(node, end)| (node.step.name(), end.unwrap_or(End::NotReached)))
            .collect()
    };
    Ok(tasks
        .iter()
        .zip(state.ends)
        .map(|(task, ends)| CourseRun {
            token: task.course.token().to_owned(),
            stages: stages(ends),
        })
        .collect())
}

/// How many of a stage may run at once; a value that is no number (`auto`) does not limit.
fn limit(node: &Node, document: &Document) -> usize {
    let value = node.limit.and_then(|(section, key)| {
        let sections: BTreeMap<_, _> = node.step.values(document).ok()?;
        usize::try_from(sections.get(section)?.get(key)?.as_u64()?).ok()
    });
    value.unwrap_or(usize::MAX).max(1)
}

impl Board<'_> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, environment: &Environment<'_>) {
        let mut state = self.lock();
        loop {
            match self.next(&mut state) {
                Next::Nothing => break,
                // Woken now and then to see a signal.
                Next::Wait => {
                    let waited = self.changed.wait_timeout(state, Duration::from_millis(200));
                    state = waited.map_or_else(|e| e.into_inner().0, |(guard, _)| guard);
                }
                Next::Job(task, node) => {
                    state.running.push((task, node));
                    drop(state);
                    let end = self.run(task, node, environment);
                    state = self.lock();
                    state.running.retain(|job| *job != (task, node));
                    state.ends[task][node] = Some(end);
                    self.changed.notify_all();
                }
            }
        }
        self.changed.notify_all();
    }

    fn run(&self, task: usize, node: usize, environment: &Environment<'_>) -> End {
        let (step, course) = (self.nodes[node].step, &self.tasks[task].course);
        let caught = catch_unwind(AssertUnwindSafe(|| step.execute(course, environment)));
        let result = caught.unwrap_or_else(|_| Err(Failure::new("internal.panic", format!("the {} stage broke off", step.name())).into()));
        match result {
            Ok(outcome) => End::Ended(outcome),
            Err(_) if signals::received().is_some() => End::NotReached,
            Err(error) => End::Failed {
                code: code_of(&error),
                message: error.to_string(),
            },
        }
    }

    fn next(&self, state: &mut State) -> Next {
        state.stopped |= signals::received().is_some();
        if state.stopped {
            return Next::Nothing;
        }
        self.block(state);
        let used: u64 = state.running.iter().map(|(task, _)| self.tasks[*task].est_bytes).sum();
        let begun = |t: &usize| state.ends[*t].iter().any(Option::is_some) || state.running.iter().any(|(task, _)| task == t);
        let mut waiting = false;
        // Courses that have begun come first, each group with the largest first.
        let candidates = self
            .order
            .iter()
            .filter(|t| begun(t))
            .chain(self.order.iter().filter(|t| !begun(t)));
        for task in candidates {
            for node in 0..self.nodes.len() {
                if state.ends[*task][node].is_some() || state.running.contains(&(*task, node)) {
                    continue;
                }
                waiting = true;
                let fits = state.running.is_empty() || used.saturating_add(self.tasks[*task].est_bytes) <= self.memory;
                let at_once = state.running.iter().filter(|(_, n)| *n == node).count();
                if fits && at_once < self.limits[node] && self.is_ready(state, *task, node) {
                    return Next::Job(*task, node);
                }
            }
        }
        if waiting || !state.running.is_empty() {
            Next::Wait
        } else {
            Next::Nothing
        }
    }

    /// Numbers of the nodes before a node that are part of this run.
    fn before(&self, node: usize) -> impl Iterator<Item = usize> {
        let after = self.nodes[node].after;
        self.nodes
            .iter()
            .enumerate()
            .filter(|(_, n)| after.contains(&n.step.name()))
            .map(|(number, _)| number)
    }

    fn is_ready(&self, state: &State, task: usize, node: usize) -> bool {
        self.before(node).all(|b| matches!(state.ends[task][b], Some(End::Ended(_))))
    }

    /// Gives up the stages whose predecessors failed.
    fn block(&self, state: &mut State) {
        for ends in &mut state.ends {
            for node in 0..self.nodes.len() {
                let culprit = self
                    .before(node)
                    .find(|b| matches!(ends[*b], Some(End::Failed { .. } | End::Blocked(_))));
                if let (None, Some(culprit)) = (&ends[node], culprit) {
                    let by = match ends[culprit] {
                        Some(End::Blocked(first)) => first,
                        _ => self.nodes[culprit].step.name(),
                    };
                    ends[node] = Some(End::Blocked(by));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
