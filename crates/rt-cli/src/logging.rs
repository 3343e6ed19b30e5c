//! Events to the terminal, as lines for people or as JSON, and to the log file of the stage that they belong to.
//!
//! Standard error gets what the level allows; `logs/<stage>.jsonl` gets everything from debug upwards. Which stage an event belongs to
//! is known per thread: the runner attaches a [`StageLog`] to each thread of the stage's pool.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError};
use std::time::Instant;

use indicatif::MultiProgress;
use rt_course::StageFiles;
use rt_course::provenance::Span;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level as Severity, Metadata, Subscriber, span};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::args::LogFormat;
use crate::exit::escape;
use crate::settings::{Level, LoggingConfig};

/// The log of one run of one stage: its file, and the time spent in named spans.
#[derive(Debug)]
pub struct StageLog {
    stage: String,
    course: String,
    file: Option<Mutex<File>>,
    spans: Mutex<BTreeMap<&'static str, (u64, f64)>>,
}

impl StageLog {
    /// Opens the log file for append; without one (read-only folder) events still reach the terminal.
    pub fn open(files: &StageFiles) -> Arc<Self> {
        let open = || {
            std::fs::create_dir_all(files.log.parent()?).ok()?;
            OpenOptions::new().create(true).append(true).open(&files.log).ok()
        };
        Arc::new(Self {
            stage: files.stage.clone(),
            course: files.token.clone(),
            file: open().map(Mutex::new),
            spans: Mutex::default(),
        })
    }

    /// A log without a file: for errors before a stage may write.
    pub fn unwritten(files: &StageFiles) -> Arc<Self> {
        Arc::new(Self {
            stage: files.stage.clone(),
            course: files.token.clone(),
            file: None,
            spans: Mutex::default(),
        })
    }

    /// Time by span name.
    pub fn spans(&self) -> Vec<Span> {
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans
            .iter()
            .map(|(name, (count, wall_s))| Span {
                name: (*name).to_owned(),
                count: *count,
                wall_s: *wall_s,
            })
            .collect()
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<StageLog>>> = const { RefCell::new(None) };
}

/// Attaches a log to this thread; returns what was attached before.
pub fn attach(log: Option<Arc<StageLog>>) -> Option<Arc<StageLog>> {
    CURRENT.with(|current| std::mem::replace(&mut *current.borrow_mut(), log))
}

static LEVEL: AtomicU8 = AtomicU8::new(Level::Info as u8);
static JSON: AtomicBool = AtomicBool::new(false);
static BARS: OnceLock<MultiProgress> = OnceLock::new();

/// Begins to show events; may be called again to change level and format once the configuration is known.
pub fn init(config: LoggingConfig) {
    static ONCE: Once = Once::new();
    LEVEL.store(config.level as u8, Ordering::Relaxed);
    JSON.store(config.format == LogFormat::Json, Ordering::Relaxed);
    ONCE.call_once(|| {
        // Fails only when the program set a subscriber of its own, which then stays.
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Reporter));
    });
}

/// First line of the message with which a stage failed last, from its log file.
pub fn last_failure(files: &StageFiles) -> Option<String> {
    let text = std::fs::read_to_string(&files.log).ok()?;
    let event = |line: &str| serde_json::from_str::<Value>(line).ok().filter(|v| v["event"] == "stage.failed");
    let message = text.lines().rev().find_map(event)?;
    message["msg"].as_str()?.lines().next().map(str::to_owned)
}

/// Where progress bars are drawn; `None` when standard error is no terminal, shows JSON, or only errors.
pub(crate) fn bars() -> Option<&'static MultiProgress> {
    let wanted = !json() && LEVEL.load(Ordering::Relaxed) >= Level::Info as u8 && io::stderr().is_terminal();
    wanted.then(|| BARS.get_or_init(MultiProgress::new))
}

pub(crate) fn json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// Writes a line to standard error without tearing progress bars. A closed standard error is no reason to stop working.
pub(crate) fn line(text: &str) {
    let write = || drop(writeln!(io::stderr().lock(), "{text}"));
    match BARS.get() {
        Some(bars) => bars.suspend(write),
        None => write(),
    }
}

struct Reporter;

fn rank(severity: Severity) -> u8 {
    let level = match severity {
        Severity::ERROR => Level::Error,
        Severity::WARN => Level::Warn,
        Severity::INFO => Level::Info,
        Severity::DEBUG => Level::Debug,
        _ => Level::Trace,
    };
    level as u8
}

/// Our own crates; others are heard from warnings upwards only.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("rt_") || metadata.target().starts_with("rtpipeline")
}

#[derive(Default)]
struct Fields(Vec<(String, Value)>);

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.push((field.name().to_owned(), value.into()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.push((field.name().to_owned(), value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.push((field.name().to_owned(), value.into()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.push((field.name().to_owned(), value.into()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name().to_owned(), value.into()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push((field.name().to_owned(), format!("{value:?}").into()));
    }
}

/// One event as a line of JSON; the order of the keys is fixed: t, level, stage, course, event, the event's own, msg.
fn json_line(severity: Severity, log: Option<&StageLog>, fields: &[(String, Value)]) -> String {
    let named = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let message = named("message").unwrap_or_else(|| "".into());
    let event = named("event").unwrap_or_else(|| if severity == Severity::WARN { "warn".into() } else { "log".into() });
    let own = fields.iter().filter(|(key, _)| key != "message" && key != "event").cloned();
    let time = format!("{:.3}", jiff::Timestamp::now());
    let (stage, course) = log.map_or(("", ""), |log| (log.stage.as_str(), log.course.as_str()));
    let head = [
        ("t", time.into()),
        ("level", severity.to_string().to_lowercase().into()),
        ("stage", stage.into()),
        ("course", course.into()),
        ("event", event),
    ];
    let head = head.into_iter().map(|(key, value): (&str, Value)| (key.to_owned(), value));
    let pairs = head.chain(own).chain([("msg".to_owned(), message)]);
    let pairs: Vec<String> = pairs.map(|(key, value)| format!("{}:{value}", Value::String(key))).collect();
    format!("{{{}}}", pairs.join(","))
}

fn human_line(severity: Severity, log: Option<&StageLog>, fields: &[(String, Value)]) -> String {
    let message = fields
        .iter()
        .find(|(key, _)| key == "message")
        .and_then(|(_, value)| value.as_str());
    let message = escape(message.unwrap_or_default());
    let place = match log {
        Some(log) if log.course.is_empty() => format!("[{}] ", log.stage),
        Some(log) => format!("[{} {}] ", log.course, log.stage),
        None => String::new(),
    };
    match severity {
        // Described errors begin with `error[code]:` themselves.
        Severity::ERROR if message.starts_with("error[") => format!("{place}{message}"),
        Severity::ERROR => format!("error: {place}{message}"),
        Severity::WARN => format!("warning: {place}{message}"),
        _ => format!("{place}{message}"),
    }
}

struct Entered(Option<Instant>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Reporter {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let limit = if is_ours(metadata) {
            (Level::Debug as u8).max(LEVEL.load(Ordering::Relaxed))
        } else {
            Level::Warn as u8
        };
        rank(*metadata.level()) <= limit
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let severity = *event.metadata().level();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let log = CURRENT.with(|current| current.borrow().clone());
        let log = log.as_deref();
        if rank(severity) <= LEVEL.load(Ordering::Relaxed) {
            line(&if json() {
                json_line(severity, log, &fields.0)
            } else {
                human_line(severity, log, &fields.0)
            });
        }
        if let Some(file) = log.and_then(|log| log.file.as_ref()) {
            let text = json_line(severity, log, &fields.0) + "\n";
            let _ = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(text.as_bytes());
        }
    }

    fn on_enter(&self, id: &span::Id, cx: Context<'_, S>) {
        if let Some(span) = cx.span(id) {
            span.extensions_mut().replace(Entered(Some(Instant::now())));
        }
    }

    fn on_exit(&self, id: &span::Id, cx: Context<'_, S>) {
        let Some(span) = cx.span(id) else { return };
        let elapsed = match span.extensions_mut().get_mut::<Entered>().and_then(|entered| entered.0.take()) {
            Some(start) => start.elapsed().as_secs_f64(),
            None => return,
        };
        let name = span.metadata().name();
        if let Some(log) = CURRENT.with(|current| current.borrow().clone()) {
            let mut spans = log.spans.lock().unwrap_or_else(PoisonError::into_inner);
            let total = spans.entry(name).or_default();
            total.0 += 1;
            total.1 += elapsed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt_course::Cohort;

    fn fields(pairs: &[(&str, Value)]) -> Vec<(String, Value)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect()
    }

    #[test]
    fn a_json_line_has_the_documented_keys_first() {
        let dir = tempfile::tempdir().unwrap();
        let log = StageLog::unwritten(&Cohort::new(dir.path()).unwrap().course("P01", "C1").unwrap().stage("dvh"));
        let given = fields(&[
            ("event", "item.skipped".into()),
            ("item", "rectum".into()),
            ("code", "dvh.no_overlap".into()),
            ("message", "a\u{1b}b".into()),
        ]);
        let text = json_line(Severity::INFO, Some(&log), &given);
        let parsed: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed["msg"], "a\u{1b}b");
        assert!(
            text.starts_with("{\"t\":\"20")
                && text.contains("Z\",\"level\":\"info\",\"stage\":\"dvh\",\"course\":\"P01/C1\",\"event\":\"item.skipped\",")
        );
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn people_see_where_and_no_control_characters() {
        let dir = tempfile::tempdir().unwrap();
        let log = StageLog::unwritten(&Cohort::new(dir.path()).unwrap().course("P01", "C1").unwrap().stage("dvh"));
        let given = fields(&[("message", "odd\u{1b}[31m".into())]);
        assert_eq!(
            human_line(Severity::WARN, Some(&log), &given),
            "warning: [P01/C1 dvh] odd\\u{1b}[31m"
        );
        assert_eq!(human_line(Severity::INFO, None, &given), "odd\\u{1b}[31m");
    }
}
