//! Progress of one stage: a bar on a terminal, else a line now and then.

use std::borrow::Cow;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use rt_core::Progress;

use crate::{logging, signals};

/// Pause between lines for people where no bar can be drawn.
const HEARTBEAT: Duration = Duration::from_mins(1);
/// Pause between progress events for programs.
const EVENT: Duration = Duration::from_secs(5);

/// Reports one stage; [`Progress::cancelled`] is true once a signal came in.
#[derive(Debug)]
pub struct StageProgress {
    bar: Option<ProgressBar>,
    done: AtomicU64,
    total: AtomicU64,
    told: Mutex<(String, Instant)>,
}

impl StageProgress {
    /// Progress of a stage; `label` stands before its bar, for instance `P01/C1 dvh`.
    pub fn new(label: &str) -> Self {
        let bar = logging::bars().map(|bars| {
            let style = ProgressStyle::with_template("{prefix:24!} {bar:24} {pos}/{len} {msg}");
            let bar = ProgressBar::new(0).with_prefix(label.to_owned());
            bars.add(style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style)))
        });
        Self {
            bar,
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            told: Mutex::new((String::new(), Instant::now())),
        }
    }

    fn tell(&self) {
        if self.bar.is_some() {
            return;
        }
        let pause = if logging::json() { EVENT } else { HEARTBEAT };
        let Ok(mut told) = self.told.try_lock() else { return };
        if told.1.elapsed() >= pause {
            told.1 = Instant::now();
            let (done, total) = (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed));
            tracing::info!(event = "progress", done, total, "{}: {done} of {total}", told.0);
        }
    }
}

impl Progress for StageProgress {
    fn begin(&self, what: &str, total: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        what.clone_into(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner).0);
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(0);
            bar.set_message(Cow::Owned(crate::exit::escape(what)));
        }
    }

    fn inc(&self, steps: u64) {
        self.done.fetch_add(steps, Ordering::Relaxed);
        match &self.bar {
            Some(bar) => bar.inc(steps),
            None => self.tell(),
        }
    }

    fn note(&self, message: &str) {
        tracing::info!(event = "note", "{message}");
    }

    fn cancelled(&self) -> bool {
        signals::received().is_some()
    }
}

impl Drop for StageProgress {
    fn drop(&mut self) {
        if let (Some(bar), Some(bars)) = (&self.bar, logging::bars()) {
            bar.finish_and_clear();
            bars.remove(bar);
        }
    }
}
