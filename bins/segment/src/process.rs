//! An external program: its own process group, its output in a log, an end by time or on request.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rt_core::Progress;
use rustix::process::{Pid, Signal, kill_process_group};

/// How long a program that was asked to stop may take.
const GRACE: Duration = Duration::from_secs(10);

/// Lines of the log that an error repeats.
const TAIL_LINES: usize = 50;

/// What to run.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    pub(crate) program: &'a Path,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(&'static str, String)>,
    /// Standard output and standard error go here.
    pub(crate) log: PathBuf,
    pub(crate) timeout: Duration,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By itself.
    Exit(i32),
    /// By a signal from outside.
    Killed,
    /// Stopped here: it took too long.
    TooLong,
    /// Stopped here: the user asked.
    Cancelled,
}

/// Runs a program to its end. Nothing of its process group is left when this returns.
pub(crate) fn run(job: &Job<'_>, progress: &dyn Progress) -> io::Result<Ended> {
    if let Some(folder) = job.log.parent() {
        fs::create_dir_all(folder)?;
    }
    let log = File::create(&job.log)?;
    let mut child = Command::new(job.program)
        .args(&job.arguments)
        .envs(job.environment.iter().map(|(name, value)| (*name, value)))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()?;
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            // A helper that it left behind would keep the device.
            signal(&child, Signal::KILL);
            return Ok(end_of(status));
        }
        let stop = if progress.cancelled() {
            Some(Ended::Cancelled)
        } else {
            (begin.elapsed() > job.timeout).then_some(Ended::TooLong)
        };
        if let Some(ended) = stop {
            stop_group(&mut child)?;
            return Ok(ended);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn end_of(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Exit(code),
        (None, _) => Ended::Killed,
    }
}

/// Asks the group to end, and ends it when it does not.
fn stop_group(child: &mut Child) -> io::Result<()> {
    signal(child, Signal::TERM);
    let asked = Instant::now();
    while asked.elapsed() < GRACE {
        if child.try_wait()?.is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    signal(child, Signal::KILL);
    child.wait()?;
    Ok(())
}

fn signal(child: &Child, signal: Signal) {
    // A group that is gone needs no signal.
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, signal);
    }
}

/// The last lines of a log; nothing when it cannot be read.
pub(crate) fn tail(log: &Path) -> String {
    let text = fs::read(log)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
