//! How much of the machine to use: the only place that counts cores, memory and workers.

use rt_config::{AutoOr, ConfigIssue, Validate};
use serde::{Deserialize, Serialize};

/// Section `[resources]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResourcesConfig {
    /// Courses at once. `auto`: half the usable cores, as many as fit in memory, at least 1.
    pub workers: AutoOr<usize>,
    /// Threads of one course. `auto`: all usable cores for one course, a share of twice the cores for several.
    pub threads: AutoOr<usize>,
    /// Cores left alone. `auto`: 0 up to 2 cores, 1 up to 8, else 2.
    pub reserve_cores: AutoOr<usize>,
    /// Memory that all courses together may take, MiB. `auto`: 80 % of the machine's.
    pub memory_mb: AutoOr<u64>,
}

impl Validate for ResourcesConfig {
    fn validate(&self) -> Result<(), ConfigIssue> {
        let zero = |key: &str| Err(ConfigIssue::new(key, "must be \"auto\" or at least 1"));
        match (self.workers.given(), self.threads.given(), self.memory_mb.given()) {
            (Some(0), _, _) => zero("workers"),
            (_, Some(0), _) => zero("threads"),
            (_, _, Some(0)) => zero("memory_mb"),
            _ => Ok(()),
        }
    }
}

/// What the machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Cores that this process may use (control groups and affinity considered).
    pub cores: usize,
    /// Memory that this process may use, bytes; `None` where it cannot be known.
    pub memory_bytes: Option<u64>,
}

impl Machine {
    /// This machine.
    pub fn detect() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            cores,
            memory_bytes: rt_course::cost::memory_limit(),
        }
    }
}

/// What a run uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Resources {
    /// Courses at once.
    pub workers: usize,
    /// Threads of one course.
    pub threads: usize,
    /// Memory of all courses together, bytes; `None` means no limit is known.
    pub memory_bytes: Option<u64>,
}

impl Resources {
    /// Decides for one course, or for the whole cohort in one step.
    pub fn for_one(config: &ResourcesConfig, machine: Machine) -> Self {
        let threads = config.threads.unwrap_or_else(|| usable(config, machine));
        Self {
            workers: 1,
            threads: threads.max(1),
            memory_bytes: memory(config, machine),
        }
    }

    /// Decides for courses side by side; `estimates` are the bytes that each of them needs at its peak.
    pub fn for_courses(config: &ResourcesConfig, machine: Machine, estimates: &[u64]) -> Self {
        let usable = usable(config, machine);
        let memory_bytes = memory(config, machine);
        let largest = estimates.iter().copied().max().unwrap_or(0).max(1);
        let fitting = memory_bytes.map_or(usize::MAX, |bytes| usize::try_from(bytes / largest).unwrap_or(usize::MAX));
        let workers = config
            .workers
            .unwrap_or_else(|| (usable / 2).min(fitting))
            .min(estimates.len())
            .max(1);
        // Twice the cores in all: a course also reads, writes and compresses, where its threads idle.
        let share = if workers == 1 {
            usable
        } else {
            (2 * usable).div_ceil(workers).clamp(1, usable)
        };
        Self {
            workers,
            threads: config.threads.unwrap_or_else(|| share).max(1),
            memory_bytes,
        }
    }
}

fn usable(config: &ResourcesConfig, machine: Machine) -> usize {
    let automatic = || match machine.cores {
        0..=2 => 0,
        3..=8 => 1,
        _ => 2,
    };
    machine.cores.saturating_sub(config.reserve_cores.unwrap_or_else(automatic)).max(1)
}

fn memory(config: &ResourcesConfig, machine: Machine) -> Option<u64> {
    config
        .memory_mb
        .given()
        .map(|mib| mib << 20)
        .or_else(|| machine.memory_bytes.map(|bytes| bytes / 5 * 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn machine(cores: usize, gib: u64) -> Machine {
        Machine {
            cores,
            memory_bytes: Some(gib * GIB),
        }
    }

    #[test]
    fn small_machines_keep_nothing_back() {
        let auto = ResourcesConfig::default();
        assert_eq!(Resources::for_one(&auto, machine(2, 8)).threads, 2);
        assert_eq!(Resources::for_one(&auto, machine(8, 8)).threads, 7);
        assert_eq!(Resources::for_one(&auto, machine(64, 8)).threads, 62);
        assert_eq!(
            Resources::for_courses(&auto, machine(2, 8), &[GIB; 10]),
            Resources {
                workers: 1,
                threads: 2,
                memory_bytes: Some(8 * GIB / 5 * 4)
            }
        );
    }

    #[test]
    fn workers_are_bounded_by_cores_memory_and_courses() {
        let auto = ResourcesConfig::default();
        // 16 cores, 14 usable: 7 workers, 28 threads in all, 4 each.
        let many = Resources::for_courses(&auto, machine(16, 100), &[GIB; 50]);
        assert_eq!((many.workers, many.threads), (7, 4));
        // 80 % of 10 GiB holds 2 courses of 4 GiB; each may then use all 14.
        assert_eq!(Resources::for_courses(&auto, machine(16, 10), &[GIB, 4 * GIB, GIB]).workers, 2);
        assert_eq!(
            Resources::for_courses(&auto, machine(16, 100), &[GIB]),
            Resources {
                workers: 1,
                threads: 14,
                memory_bytes: Some(100 * GIB / 5 * 4)
            }
        );
        // A course larger than the memory still gets its turn, alone.
        assert_eq!(Resources::for_courses(&auto, machine(16, 2), &[4 * GIB; 3]).workers, 1);
    }

    #[test]
    fn what_the_user_gives_holds() {
        let given = ResourcesConfig {
            workers: AutoOr::Given(6),
            threads: AutoOr::Given(3),
            memory_mb: AutoOr::Given(2048),
            ..Default::default()
        };
        let resources = Resources::for_courses(&given, machine(2, 1), &[GIB; 50]);
        assert_eq!(
            resources,
            Resources {
                workers: 6,
                threads: 3,
                memory_bytes: Some(2 * GIB)
            }
        );
        assert!(given.validate().is_ok());
        assert_eq!(
            ResourcesConfig {
                workers: AutoOr::Given(0),
                ..Default::default()
            }
            .validate()
            .unwrap_err()
            .key,
            "workers"
        );
    }
}
