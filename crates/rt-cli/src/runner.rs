//! Runs one stage at one place: lease, key, freshness, run, output check, stamp, provenance.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use rayon::{ThreadPool, ThreadPoolBuilder};
use rt_config::Document;
use rt_course::cost::{self, Meter};
use rt_course::provenance::{FileUse, Host, Program, Provenance, known_digests};
use rt_course::stamp::{Counts, Output, freshness};
use rt_course::{Cost, CourseDir, Freshness, Lease, Memo, StageFiles, Stamp, Status, atomic};

use crate::exit::{Exit, Failure, code_of, describe};
use crate::input::digest_inputs;
use crate::logging::{self, StageLog};
use crate::progress::StageProgress;
use crate::report::StageReport;
use crate::resources::{Machine, Resources};
use crate::signals;
use crate::stage::{Explanation, Place, Stage, StageContext, section_values, stale_reason};

/// Whether to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// When something changed.
    IfStale,
    /// Always.
    Force,
    /// Never: only say what would happen.
    DryRun,
}

/// What to do when another process works on the same stage of the same course.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Wait for it.
    Wait,
    /// Fail.
    Refuse,
}

/// What the cost of a stage counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metering {
    /// The whole process: one stage at a time.
    Process,
    /// The threads of the pool: stages side by side.
    Threads,
}

/// What stages run with.
#[derive(Debug)]
pub struct Environment<'a> {
    /// The configuration.
    pub document: &'a Document,
    /// Whether to run.
    pub mode: Mode,
    /// Whether to wait for others.
    pub waiting: Waiting,
    /// What costs count.
    pub metering: Metering,
    /// Memory for the stage, bytes.
    pub memory_bytes: Option<u64>,
    pool: ThreadPool,
}

impl<'a> Environment<'a> {
    /// An environment with its own pool of `resources.threads` threads, for one stage at a time.
    ///
    /// # Errors
    /// When the system refuses the threads.
    pub fn new(document: &'a Document, resources: Resources) -> Result<Self, anyhow::Error> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(resources.threads)
            .build()
            .context("cannot start the worker threads")?;
        Ok(Self {
            document,
            mode: Mode::IfStale,
            waiting: Waiting::Wait,
            metering: Metering::Process,
            memory_bytes: resources.memory_bytes,
            pool,
        })
    }

    /// Two threads, no waiting: for tests of drivers.
    ///
    /// # Errors
    /// As [`Environment::new`].
    pub fn for_tests(document: &'a Document) -> Result<Self, anyhow::Error> {
        let environment = Self::new(
            document,
            Resources {
                workers: 1,
                threads: 2,
                memory_bytes: None,
            },
        )?;
        Ok(Self {
            waiting: Waiting::Refuse,
            ..environment
        })
    }

    /// Threads of the pool.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// The same with a smaller pool, when a stage wants fewer threads; `None` when the pool will do.
    fn narrowed(&self, threads: usize) -> Result<Option<Environment<'a>>, anyhow::Error> {
        if threads >= self.threads() {
            return Ok(None);
        }
        let resources = Resources {
            workers: 1,
            threads: threads.max(1),
            memory_bytes: self.memory_bytes,
        };
        let narrow = Environment::new(self.document, resources)?;
        Ok(Some(Environment {
            mode: self.mode,
            waiting: self.waiting,
            metering: self.metering,
            ..narrow
        }))
    }

    /// Attaches a log to every thread that works on the stage.
    fn attach(&self, log: Option<&Arc<StageLog>>) {
        logging::attach(log.cloned());
        self.pool.broadcast(|_| logging::attach(log.cloned()));
    }

    fn meter(&self) -> Meter {
        match self.metering {
            Metering::Process => Meter::process(),
            Metering::Threads => {
                let mut ids = self.pool.broadcast(|_| cost::thread_id());
                ids.push(cost::thread_id());
                Meter::threads(ids)
            }
        }
    }
}

/// How a stage ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Nothing changed since the last run.
    Fresh {
        /// What the last run left.
        stamp: Box<Stamp>,
    },
    /// It ran.
    Ran {
        /// What it left.
        stamp: Box<Stamp>,
        /// What it cost.
        cost: Box<Cost>,
        /// Why it had to run.
        why: String,
    },
    /// A dry run: it would run, and why.
    Planned {
        /// The reason.
        why: String,
    },
}

impl Outcome {
    /// Status of the results that are there now; `None` after a dry run of a stale stage.
    pub fn status(&self) -> Option<Status> {
        match self {
            Self::Fresh { stamp } | Self::Ran { stamp, .. } => Some(stamp.status),
            Self::Planned { .. } => None,
        }
    }

    /// Items by how they ended.
    pub fn items(&self) -> Counts {
        match self {
            Self::Fresh { stamp } | Self::Ran { stamp, .. } => stamp.items,
            Self::Planned { .. } => Counts::default(),
        }
    }

    /// Exit code: 3 when items failed.
    pub fn exit(&self) -> Exit {
        if self.status() == Some(Status::Partial) {
            Exit::Partial
        } else {
            Exit::Done
        }
    }
}

/// Everything known before the work begins.
struct Plan<C> {
    config: C,
    enabled: bool,
    parts: BTreeMap<String, String>,
    used: Vec<FileUse>,
    memo: Memo,
}

fn plan<P: Place, S: Stage<P>>(stage: &S, place: &P, files: &StageFiles, document: &Document) -> Result<Plan<S::Config>, anyhow::Error> {
    let config: S::Config = document.sections(S::SECTIONS)?;
    let enabled = S::SECTIONS.first().map_or(Ok(true), |own| document.enabled(own))?;
    let mut parts = BTreeMap::from([
        ("format".to_owned(), S::FORMAT.to_string()),
        ("stage".to_owned(), S::NAME.to_owned()),
    ]);
    if !enabled {
        parts.insert("enabled".to_owned(), "false".to_owned());
        return Ok(Plan {
            config,
            enabled,
            parts,
            used: Vec::new(),
            memo: Memo::default(),
        });
    }
    for (section, value) in section_values::<P, S>(&config) {
        parts.extend(
            rt_config::key_parts(section, &value)
                .into_iter()
                .map(|(name, value)| (format!("config {name}"), value)),
        );
    }
    let mut memo = known_digests(files).with_context(|| format!("cannot list {}", files.provenance_dir()))?;
    let (inputs, used) = digest_inputs(&stage.inputs(place, &config), files, &mut memo)?;
    parts.extend(inputs);
    Ok(Plan {
        config,
        enabled,
        parts,
        used,
        memo,
    })
}

/// Runs a stage if it has to run. Every error has been reported as an event when this returns.
///
/// # Errors
/// Whatever made the stage fail; nothing then stands under a final name that a stamp vouches for.
pub fn execute<P: Place, S: Stage<P>>(stage: &S, place: &P, environment: &Environment<'_>) -> Result<Outcome, anyhow::Error> {
    let files = place.stage_files(S::NAME);
    let early = StageLog::unwritten(&files);
    let before = logging::attach(Some(early));
    let result = guarded(stage, place, &files, environment).map_err(interrupted_or);
    if let Err(error) = &result {
        let event = if signals::received().is_some() {
            "stage.interrupted"
        } else {
            "stage.failed"
        };
        tracing::error!(event, code = code_of(error), "{}", describe(error));
    }
    environment.attach(None);
    logging::attach(before);
    result
}

/// After a signal, the reason for stopping is the signal, whatever the stage says.
fn interrupted_or(error: anyhow::Error) -> anyhow::Error {
    match signals::received() {
        Some(_) => Failure::new("stage.interrupted", "stopped before it finished; nothing was published")
            .hint("run the same command again to do the rest")
            .into(),
        None => error,
    }
}

fn guarded<P: Place, S: Stage<P>>(
    stage: &S,
    place: &P,
    files: &StageFiles,
    environment: &Environment<'_>,
) -> Result<Outcome, anyhow::Error> {
    if let Some(why) = place.refusal() {
        return Err(Failure::new("course.withdrawn", why)
            .hint("put the patient's files back into the input and run rt-organize")
            .into());
    }
    if environment.mode == Mode::DryRun {
        let plan = plan(stage, place, files, environment.document)?;
        return Ok(match freshness(files, &plan.parts) {
            Freshness::Fresh(stamp) => Outcome::Fresh { stamp },
            Freshness::Stale(why) => Outcome::Planned { why },
        });
    }
    let holder = format!("pid {} on {} since {:.0}", std::process::id(), cost_host(), jiff::Timestamp::now());
    let _lease = match environment.waiting {
        Waiting::Refuse => Lease::acquire_now(&files.lease, &holder)?,
        Waiting::Wait => Lease::acquire(
            &files.lease,
            &holder,
            || signals::received().is_some(),
            |other| tracing::info!(event = "stage.waiting", "waiting for another run: {other}"),
        )?,
    };
    let plan = plan(stage, place, files, environment.document)?;
    sweep(files, stage.outputs(place, &plan.config).iter().map(Utf8PathBuf::as_path))?;
    let why = match (environment.mode, freshness(files, &plan.parts)) {
        (Mode::Force, _) => "forced".to_owned(),
        (_, Freshness::Stale(why)) => why,
        (_, Freshness::Fresh(stamp)) => {
            refresh_ok(&stamp, files)?;
            tracing::debug!(event = "stage.fresh", "nothing changed");
            return Ok(Outcome::Fresh { stamp });
        }
    };
    run(stage, place, files, environment, plan, why)
}

fn cost_host() -> String {
    cost::host_name()
}

/// Writes `.ok` again when a workflow engine removed it; an equal file keeps its time.
fn refresh_ok(stamp: &Stamp, files: &StageFiles) -> Result<(), anyhow::Error> {
    let expected = format!("{} {}\n", stamp.status.name(), stamp.key);
    if fs::read_to_string(&files.ok).is_ok_and(|text| text == expected) {
        return Ok(());
    }
    Ok(stamp.publish_ok(files)?)
}

/// Removes temporary files that a killed run of this stage left: in the folders of its outputs, and its own among the shared ones.
fn sweep<'a>(files: &StageFiles, outputs: impl Iterator<Item = &'a Utf8Path>) -> Result<(), anyhow::Error> {
    let own = [&files.stamp, &files.ok, &files.provenance];
    for path in own {
        if let (Some(folder), Some(name)) = (path.parent(), path.file_name()) {
            atomic::sweep(folder, |target| target == name)?;
        }
    }
    let folders: BTreeSet<&Utf8Path> = outputs
        .filter_map(Utf8Path::parent)
        .filter(|folder| *folder != files.root)
        .collect();
    for folder in folders {
        atomic::sweep(folder, |_| true)?;
    }
    Ok(())
}

fn run<P: Place, S: Stage<P>>(
    stage: &S,
    place: &P,
    files: &StageFiles,
    environment: &Environment<'_>,
    mut plan: Plan<S::Config>,
    why: String,
) -> Result<Outcome, anyhow::Error> {
    let narrowed = environment.narrowed(stage.threads(&plan.config, environment.threads()))?;
    let environment = narrowed.as_ref().unwrap_or(environment);
    let log = StageLog::open(files);
    environment.attach(Some(&log));
    let started = jiff::Timestamp::now();
    tracing::debug!(event = "stage.start", threads = environment.threads(), "{why}");
    let meter = environment.meter();
    let owned = Stamp::recorded_outputs(files);
    Stamp::begin(files)?;
    let report = if plan.enabled {
        work(stage, place, files, environment, &plan.config)?
    } else {
        StageReport::skipped("switched off by the configuration")
    };
    if signals::received().is_some() {
        return Err(Failure::new("stage.interrupted", "stopped").into());
    }
    let outputs = if report.skip_reason().is_some() {
        Vec::new()
    } else {
        place.recall(&mut plan.memo);
        made(stage.outputs(place, &plan.config), &report, files, &mut plan.memo)?
    };
    remove_leftovers(&owned, &outputs, files)?;
    let cost = meter.stop();
    let recorded = outputs.iter().filter_map(|o| {
        o.digest.as_ref().map(|d| Output {
            path: o.path.clone(),
            blake3: d.blake3.clone(),
            bytes: d.bytes,
        })
    });
    let stamp = Stamp::new(
        S::NAME,
        plan.parts,
        report.status(),
        report.skip_reason().unwrap_or_default(),
        report.counts(),
        recorded.collect(),
    );
    let provenance = Provenance {
        schema_version: Provenance::SCHEMA_VERSION,
        stage: S::NAME.to_owned(),
        course: files.token.clone(),
        program: program(),
        host: host(),
        started: format!("{started:.3}"),
        threads: environment.threads(),
        status: stamp.status,
        cost: cost.clone(),
        key: stamp.key.clone(),
        key_parts: stamp.key_parts.clone(),
        inputs: plan.used,
        outputs,
        spans: log.spans(),
        items: stamp.items,
        tools: report.tools().clone(),
    };
    provenance.publish(files)?;
    stamp.publish(files)?;
    tell_done(&stamp, &cost);
    Ok(Outcome::Ran {
        stamp: Box::new(stamp),
        cost: Box::new(cost),
        why,
    })
}

/// Runs the stage in the pool; a panic becomes an error.
fn work<P: Place, S: Stage<P>>(
    stage: &S,
    place: &P,
    files: &StageFiles,
    environment: &Environment<'_>,
    config: &S::Config,
) -> Result<StageReport, anyhow::Error> {
    let label = if files.token.is_empty() {
        S::NAME.to_owned()
    } else {
        format!("{} {}", files.token, S::NAME)
    };
    let progress = StageProgress::new(&label);
    let cx = StageContext {
        place,
        progress: &progress,
        threads: environment.threads(),
        memory_bytes: environment.memory_bytes,
    };
    let caught = environment
        .pool
        .install(|| catch_unwind(AssertUnwindSafe(|| stage.run(&cx, config))));
    caught.unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned());
        let message = format!(
            "the {} stage broke off: {}",
            S::NAME,
            text.unwrap_or_else(|| "no message".to_owned())
        );
        Err(Failure::new("internal.panic", message)
            .hint("this is a fault of the program: please report it with the log file")
            .into())
    })
}

/// Digests of what the stage made; everything that it announced must be there.
fn made(announced: Vec<Utf8PathBuf>, report: &StageReport, files: &StageFiles, memo: &mut Memo) -> Result<Vec<FileUse>, anyhow::Error> {
    let all: BTreeSet<Utf8PathBuf> = announced.into_iter().chain(report.written().iter().cloned()).collect();
    let record = |path: Utf8PathBuf| {
        let digest = memo
            .file(&path)
            .map_err(|error| Failure::new("stage.output_missing", format!("the stage did not write {path}")).because(error))?;
        Ok(FileUse {
            path: files.relative(&path),
            digest: Some(digest),
        })
    };
    all.into_iter().map(record).collect()
}

/// Removes files of an earlier run that this run did not make again, and folders that this leaves empty.
fn remove_leftovers(owned: &[String], outputs: &[FileUse], files: &StageFiles) -> Result<(), anyhow::Error> {
    let now: BTreeSet<&str> = outputs.iter().map(|o| o.path.as_str()).collect();
    for path in owned.iter().filter(|path| !now.contains(path.as_str())) {
        let path = files.root.join(path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(anyhow::Error::new(error).context(format!("cannot remove {path}, which an earlier run made")));
            }
            _ => {}
        }
        if let Some(folder) = path.parent().filter(|folder| *folder != files.root) {
            // Fails on folders that still hold something, which is meant.
            let _ = fs::remove_dir(folder);
        }
    }
    Ok(())
}

fn tell_done(stamp: &Stamp, cost: &Cost) {
    const MB: f64 = 1e6;
    let mb = |bytes: Option<u64>| bytes.map(|b| (b as f64 / MB).round());
    let message = match stamp.status {
        Status::Skipped => format!("skipped: {}", stamp.reason),
        Status::Ok | Status::Partial => summary(&stamp.items, cost.wall_s),
    };
    tracing::info!(
        event = "stage.done",
        status = stamp.status.name(),
        wall_s = cost.wall_s,
        cpu_pct = cost.cpu_pct,
        rss_mb = mb(cost.peak_rss_bytes),
        read_mb = mb(cost.read_bytes),
        write_mb = mb(cost.write_bytes),
        "{message}"
    );
}

fn summary(items: &Counts, wall_s: f64) -> String {
    let named = [
        (items.done, "done"),
        (items.partial, "in part"),
        (items.skipped, "skipped"),
        (items.failed, "failed"),
    ];
    let shown: Vec<String> = named
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{n} {what}"))
        .collect();
    if shown.is_empty() {
        format!("done in {wall_s:.1} s")
    } else {
        format!("{} in {wall_s:.1} s", shown.join(", "))
    }
}

/// This program, as provenance names it.
pub fn program() -> Program {
    Program {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: env!("RT_COMMIT").to_owned(),
        rustc: env!("RT_RUSTC").to_owned(),
    }
}

fn host() -> Host {
    let machine = Machine::detect();
    Host {
        cores: machine.cores,
        memory_bytes: machine.memory_bytes,
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
    }
}

/// Says what a stage would do and why, without a lease and without writing.
///
/// # Errors
/// A configuration that is not valid. Missing inputs are part of the answer.
pub fn explain<P: Place, S: Stage<P>>(stage: &S, place: &P, document: &Document) -> Result<Explanation, anyhow::Error> {
    let files = place.stage_files(S::NAME);
    let config: S::Config = document.sections(S::SECTIONS)?;
    let inputs = stage
        .inputs(place, &config)
        .iter()
        .map(|input| (input.name(&files), input.required_from))
        .collect();
    let outputs = stage.outputs(place, &config).iter().map(|path| files.relative(path)).collect();
    let enabled = S::SECTIONS.first().map_or(Ok(true), |own| document.enabled(own))?;
    let mut explanation = Explanation {
        stage: S::NAME,
        enabled,
        inputs,
        outputs,
        key: None,
        key_parts: BTreeMap::new(),
        stale: None,
    };
    match plan(stage, place, &files, document) {
        Ok(plan) => {
            explanation.stale = stale_reason(&freshness(&files, &plan.parts));
            explanation.key = Some(rt_course::stamp::key(&plan.parts));
            explanation.key_parts = plan.parts;
        }
        Err(error) => explanation.stale = Some(format!("{error:#}")),
    }
    Ok(explanation)
}

/// Records that a stage of the cohort (organize) made files of one course: stamp, `.ok` and digests in that course. Nothing is touched
/// when an equal record is there, so that no workflow engine sees a change.
///
/// # Errors
/// A file that cannot be read, or a record that cannot be written.
pub fn record_course(
    course: &CourseDir,
    stage: &'static str,
    parts: BTreeMap<String, String>,
    made_files: &[Utf8PathBuf],
) -> Result<bool, anyhow::Error> {
    let files = course.stage(stage);
    let mut memo = known_digests(&files)?;
    let record = |path: &Utf8PathBuf| {
        Ok(FileUse {
            path: files.relative(path),
            digest: Some(memo.file(path)?),
        })
    };
    let outputs: Vec<FileUse> = made_files.iter().map(record).collect::<Result<_, anyhow::Error>>()?;
    let recorded = outputs.iter().filter_map(|o| {
        o.digest.as_ref().map(|d| Output {
            path: o.path.clone(),
            blake3: d.blake3.clone(),
            bytes: d.bytes,
        })
    });
    let stamp = Stamp::new(stage, parts, Status::Ok, "", Counts::default(), recorded.collect());
    if Stamp::read(&files.stamp).is_ok_and(|old| old.as_ref() == Some(&stamp)) && files.ok.exists() {
        return Ok(false);
    }
    let owned = Stamp::recorded_outputs(&files);
    Stamp::begin(&files)?;
    remove_leftovers(&owned, &outputs, &files)?;
    let meter = Meter::threads(vec![cost::thread_id()]);
    let provenance = Provenance {
        schema_version: Provenance::SCHEMA_VERSION,
        stage: stage.to_owned(),
        course: files.token.clone(),
        program: program(),
        host: host(),
        started: format!("{:.3}", jiff::Timestamp::now()),
        threads: 1,
        status: Status::Ok,
        cost: meter.stop(),
        key: stamp.key.clone(),
        key_parts: stamp.key_parts.clone(),
        inputs: Vec::new(),
        outputs,
        spans: Vec::new(),
        items: Counts::default(),
        tools: indexmap::IndexMap::new(),
    };
    provenance.publish(&files)?;
    stamp.publish(&files)?;
    Ok(true)
}
