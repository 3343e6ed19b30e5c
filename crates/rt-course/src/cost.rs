//! Cost of a stage, read from `/proc` (Linux): CPU time, peak resident memory, bytes read and written. Elsewhere those are `None`.

use std::time::Instant;

use serde::{Deserialize, Serialize};

/// Which part of the process a cost counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostScope {
    /// The whole process and the children it waited for.
    Process,
    /// Only the threads that worked on the stage; peak memory is still that of the process.
    Threads,
}

/// Cost of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Elapsed time, s.
    pub wall_s: f64,
    /// CPU time of threads and waited-for children, s.
    pub cpu_s: Option<f64>,
    /// CPU time over elapsed time, percent: 200 means two cores busy.
    pub cpu_pct: Option<f64>,
    /// CPU time of waited-for child processes alone, s.
    pub children_cpu_s: Option<f64>,
    /// Largest resident memory of the process up to the end of the stage, bytes.
    pub peak_rss_bytes: Option<u64>,
    /// Bytes read by system calls, from disk or from the cache of the system.
    pub read_bytes: Option<u64>,
    /// Bytes written by system calls.
    pub write_bytes: Option<u64>,
    /// Bytes that really came from a storage device.
    pub storage_read_bytes: Option<u64>,
    /// Bytes that really go to a storage device.
    pub storage_write_bytes: Option<u64>,
    /// What the figures count.
    pub scope: CostScope,
}

/// Measures one stage from [`Meter::process`] or [`Meter::threads`] to [`Meter::stop`].
#[derive(Debug)]
pub struct Meter {
    start: Instant,
    threads: Option<Vec<i32>>,
    before: Usage,
}

impl Meter {
    /// Measures the whole process; its peak memory starts afresh where the system allows it.
    pub fn process() -> Self {
        system::reset_peak();
        Self {
            start: Instant::now(),
            threads: None,
            before: system::process(),
        }
    }

    /// Measures the threads with these ids ([`thread_id`]): for stages that run side by side in one process.
    pub fn threads(ids: Vec<i32>) -> Self {
        let before = system::threads(&ids);
        Self {
            start: Instant::now(),
            threads: Some(ids),
            before,
        }
    }

    /// Ends the measurement.
    pub fn stop(&self) -> Cost {
        let wall_s = self.start.elapsed().as_secs_f64();
        let now = self.threads.as_ref().map_or_else(system::process, |ids| system::threads(ids));
        let grown = |after: Option<u64>, before: Option<u64>| Some(after?.saturating_sub(before?));
        let seconds = |ns: Option<u64>| ns.map(|ns| ns as f64 / 1e9);
        let cpu_s = seconds(grown(now.cpu_ns, self.before.cpu_ns));
        Cost {
            wall_s,
            cpu_s,
            cpu_pct: cpu_s.filter(|_| wall_s > 0.0).map(|cpu| 100.0 * cpu / wall_s),
            children_cpu_s: seconds(grown(now.children_ns, self.before.children_ns)),
            peak_rss_bytes: now.peak_rss,
            read_bytes: grown(now.read, self.before.read),
            write_bytes: grown(now.write, self.before.write),
            storage_read_bytes: grown(now.storage_read, self.before.storage_read),
            storage_write_bytes: grown(now.storage_write, self.before.storage_write),
            scope: if self.threads.is_some() {
                CostScope::Threads
            } else {
                CostScope::Process
            },
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Usage {
    cpu_ns: Option<u64>,
    children_ns: Option<u64>,
    peak_rss: Option<u64>,
    read: Option<u64>,
    write: Option<u64>,
    storage_read: Option<u64>,
    storage_write: Option<u64>,
}

/// The system's id of the calling thread, for [`Meter::threads`]; 0 where it has none.
pub fn thread_id() -> i32 {
    #[cfg(target_os = "linux")]
    {
        rustix::thread::gettid().as_raw_nonzero().get()
    }
    #[cfg(not(target_os = "linux"))]
    {
        0
    }
}

/// Name of this machine, for lock files only: it never enters provenance or tables.
pub fn host_name() -> String {
    #[cfg(unix)]
    {
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    }
    #[cfg(not(unix))]
    {
        "this machine".to_owned()
    }
}

/// Memory of the machine in bytes, or the limit of the control group (version 2) when that is smaller; `None` where it cannot be known.
pub fn memory_limit() -> Option<u64> {
    system::memory_limit()
}

#[cfg(target_os = "linux")]
mod system {
    use procfs::process::{ClearRefs, Io, Process};
    use procfs::{Current, Meminfo, ticks_per_second};

    use super::Usage;

    fn ticks_to_ns(ticks: u64) -> u64 {
        ticks.saturating_mul(1_000_000_000 / ticks_per_second().max(1))
    }

    impl Usage {
        fn add(&mut self, cpu_ns: Option<u64>, io: Option<Io>) {
            let add = |sum: &mut Option<u64>, part: Option<u64>| {
                if let Some(part) = part {
                    *sum = Some(sum.unwrap_or(0) + part);
                }
            };
            add(&mut self.cpu_ns, cpu_ns);
            add(&mut self.read, io.map(|io| io.rchar));
            add(&mut self.write, io.map(|io| io.wchar));
            add(&mut self.storage_read, io.map(|io| io.read_bytes));
            add(&mut self.storage_write, io.map(|io| io.write_bytes));
        }
    }

    /// What belongs to the process as a whole: peak memory and children.
    fn common(me: &Process) -> Usage {
        let waited = me.stat().ok().and_then(|stat| u64::try_from(stat.cutime + stat.cstime).ok());
        let peak_rss = me.status().ok().and_then(|status| status.vmhwm).map(|kib| kib * 1024);
        Usage {
            children_ns: waited.map(ticks_to_ns),
            peak_rss,
            ..Usage::default()
        }
    }

    pub(super) fn process() -> Usage {
        let Ok(me) = Process::myself() else { return Usage::default() };
        let mut usage = common(&me);
        usage.add(me.stat().ok().map(|stat| ticks_to_ns(stat.utime + stat.stime)), me.io().ok());
        usage.add(usage.children_ns, None);
        usage
    }

    pub(super) fn threads(ids: &[i32]) -> Usage {
        let Ok(me) = Process::myself() else { return Usage::default() };
        let mut usage = common(&me);
        for task in ids.iter().filter_map(|id| me.task_from_tid(*id).ok()) {
            let exact = task.schedstat().ok().map(|s| s.sum_exec_runtime);
            let coarse = || task.stat().ok().map(|s| ticks_to_ns(s.utime + s.stime));
            usage.add(exact.or_else(coarse), task.io().ok());
        }
        usage
    }

    pub(super) fn reset_peak() {
        // Refused inside some containers: the figure is then the peak since the process began.
        let _ = Process::myself().and_then(|me| me.clear_refs(ClearRefs::PeakRSS));
    }

    pub(super) fn memory_limit() -> Option<u64> {
        let machine = Meminfo::current().ok()?.mem_total;
        let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
        let limit = group.and_then(|text| text.trim().parse::<u64>().ok());
        Some(limit.map_or(machine, |limit| limit.min(machine)))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::Usage;

    pub(super) fn process() -> Usage {
        Usage::default()
    }

    pub(super) fn threads(_ids: &[i32]) -> Usage {
        Usage::default()
    }

    pub(super) fn reset_peak() {}

    pub(super) fn memory_limit() -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;
    use std::io::Write;

    fn burn(seconds: f64) {
        let start = Instant::now();
        let mut x = 1_u64;
        while start.elapsed().as_secs_f64() < seconds {
            x = black_box(x.wrapping_mul(6_364_136_223_846_793_005));
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn work_of_this_thread_is_counted_and_that_of_others_is_not() {
        let mine = Meter::threads(vec![thread_id()]);
        std::thread::scope(|s| {
            s.spawn(|| burn(0.3));
        });
        let idle = mine.stop();
        assert!(idle.wall_s >= 0.3 && idle.cpu_s.unwrap() < 0.2, "{idle:?}");
        let mine = Meter::threads(vec![thread_id()]);
        burn(0.2);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[0; 4096]).unwrap();
        let busy = mine.stop();
        assert!(busy.cpu_s.unwrap() > 0.05, "{busy:?}");
        assert!(busy.write_bytes.unwrap() >= 4096, "{busy:?}");
        assert_eq!(busy.scope, CostScope::Threads);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_meter_sees_peak_memory_of_all_threads() {
        let meter = Meter::process();
        let block = black_box(vec![1_u8; 64 << 20]);
        assert!(meter.stop().peak_rss_bytes.unwrap() >= block.len() as u64);
        assert!(memory_limit().unwrap() > 64 << 20);
    }
}
