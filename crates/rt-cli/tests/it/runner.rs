#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests stop the test")]

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use camino::Utf8PathBuf;
use rt_cli::exit::{code_of, describe};
use rt_cli::runner::{Metering, explain};
use rt_cli::{Environment, Exit, Input, Mode, Outcome, Stage, StageContext, StageReport, execute};
use rt_config::{ConfigIssue, Document, Validate};
use rt_course::provenance::Provenance;
use rt_course::{Cohort, CourseDir, Lease, Status, write_bytes};
use serde::{Deserialize, Serialize};

/// Upper-cases `contours/rs_01.parquet` (text here) into the dvh table, as often as the configuration says.
#[derive(Default)]
struct Upper {
    runs: AtomicUsize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    times: usize,
    extra: bool,
    behave: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            times: 1,
            extra: false,
            behave: "well".into(),
        }
    }
}

impl Validate for Config {
    fn validate(&self) -> Result<(), ConfigIssue> {
        if self.times < 10 {
            Ok(())
        } else {
            Err(ConfigIssue::new("times", "must be below 10"))
        }
    }
}

impl Stage for Upper {
    const NAME: &'static str = "dvh";
    const FORMAT: u32 = 1;
    const SECTIONS: &'static [&'static str] = &["dvh"];
    type Config = Config;

    fn inputs(&self, course: &CourseDir, _: &Config) -> Vec<Input> {
        vec![
            Input::required(course.contours(1), "organize"),
            Input::optional(course.masks_json()),
            Input::json(course.course_json(), "organize", &["/dose"]),
            Input::value("tool", "1.0"),
        ]
    }

    fn outputs(&self, course: &CourseDir, _: &Config) -> Vec<Utf8PathBuf> {
        vec![course.dvh_metrics()]
    }

    fn run(&self, cx: &StageContext<'_>, config: &Config) -> Result<StageReport, anyhow::Error> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        let course = cx.place;
        let text = fs::read_to_string(course.contours(1))?;
        let mut report = StageReport::new();
        match config.behave.as_str() {
            "panic" => panic!("a bad mask"),
            "fail" => anyhow::bail!("cannot do it"),
            "forget" => return Ok(report),
            "skip" => return Ok(StageReport::skipped("no dose")),
            "part" => report.failed("rectum", "dvh.no_overlap", "outside the dose"),
            _ => report.done("rectum"),
        }
        write_bytes(course.dvh_metrics(), text.to_uppercase().repeat(config.times).as_bytes())?;
        if config.extra {
            write_bytes(course.dvh_curves(), b"curves")?;
            report.wrote(course.dvh_curves());
        }
        Ok(report)
    }
}

struct Bench {
    _dir: tempfile::TempDir,
    course: CourseDir,
    stage: Upper,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let course = Cohort::new(dir.path()).unwrap().course("P01", "C1").unwrap();
        write_bytes(course.contours(1), b"abc").unwrap();
        write_bytes(course.course_json(), br#"{"dose": 1, "ct": 1}"#).unwrap();
        Self {
            _dir: dir,
            course,
            stage: Upper::default(),
        }
    }

    fn run(&self, config: &str) -> Result<Outcome, anyhow::Error> {
        self.run_as(config, Mode::IfStale)
    }

    fn run_as(&self, config: &str, mode: Mode) -> Result<Outcome, anyhow::Error> {
        let document = Document::from_toml("c.toml", config).unwrap();
        let mut environment = Environment::for_tests(&document).unwrap();
        environment.mode = mode;
        execute(&self.stage, &self.course, &environment)
    }

    fn why(&self, config: &str) -> String {
        match self.run(config).unwrap() {
            Outcome::Ran { why, .. } => why,
            other => panic!("did not run: {other:?}"),
        }
    }

    fn is_fresh(&self, config: &str) -> bool {
        matches!(self.run(config).unwrap(), Outcome::Fresh { .. })
    }

    fn runs(&self) -> usize {
        self.stage.runs.load(Ordering::Relaxed)
    }

    fn ok(&self) -> Option<String> {
        fs::read_to_string(self.course.stage("dvh").ok).ok()
    }
}

#[test]
fn a_stage_runs_once_until_something_that_counts_changes() {
    let bench = Bench::new();
    assert_eq!(bench.why(""), "never finished before");
    assert_eq!(fs::read_to_string(bench.course.dvh_metrics()).unwrap(), "ABC");
    assert!(bench.is_fresh("") && bench.is_fresh("# a comment\n[dvh]\ntimes = 1\n[resources]\nworkers = 7"));
    assert_eq!(bench.why("[dvh]\ntimes = 2"), "config dvh.times: 1 -> 2");

    // Touching changes nothing, nor does a part of course.json that the stage does not use.
    let later = fs::File::options().append(true).open(bench.course.contours(1)).unwrap();
    later
        .set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(100))
        .unwrap();
    write_bytes(bench.course.course_json(), br#"{"dose": 1, "ct": 2}"#).unwrap();
    assert!(bench.is_fresh("[dvh]\ntimes = 2"));

    write_bytes(bench.course.course_json(), br#"{"dose": 2, "ct": 2}"#).unwrap();
    assert!(bench.why("[dvh]\ntimes = 2").contains("input course.json"));
    write_bytes(bench.course.contours(1), b"xyz").unwrap();
    assert!(bench.why("[dvh]\ntimes = 2").contains("contours/rs_01.parquet"));
    write_bytes(bench.course.masks_json(), b"{}").unwrap();
    assert!(bench.why("[dvh]\ntimes = 2").contains("masks.json"));
    fs::remove_file(bench.course.dvh_metrics()).unwrap();
    assert!(bench.why("[dvh]\ntimes = 2").contains("missing"));
    assert_eq!(bench.runs(), 6);
    assert!(matches!(bench.run_as("[dvh]\ntimes = 2", Mode::Force).unwrap(), Outcome::Ran { why, .. } if why == "forced"));
}

#[test]
fn a_fresh_stage_writes_its_sentinel_again_when_an_engine_removed_it() {
    let bench = Bench::new();
    bench.run("").unwrap();
    let files = bench.course.stage("dvh");
    let before = bench.ok().unwrap();
    assert!(before.starts_with("ok ") && before.len() == 3 + 64 + 1);
    let time = || fs::metadata(&files.ok).unwrap().modified().unwrap();
    let written = time();
    assert!(bench.is_fresh(""));
    assert_eq!(time(), written, "an equal sentinel keeps its time");
    fs::remove_file(&files.ok).unwrap();
    assert!(bench.is_fresh(""));
    assert_eq!(bench.ok().unwrap(), before);
    assert_eq!(bench.runs(), 1);
}

#[test]
fn failures_leave_no_sentinel_and_the_next_run_tries_again() {
    let bench = Bench::new();
    bench.run("").unwrap();
    for (behave, code) in [("fail", "internal.error"), ("panic", "internal.panic")] {
        let error = bench.run(&format!("[dvh]\nbehave = '{behave}'")).unwrap_err();
        assert_eq!((code_of(&error), Exit::of(&error)), (code, Exit::Failed));
        assert_eq!(bench.ok(), None);
        // The old output is untouched, but no stamp vouches for it any more.
        assert_eq!(fs::read_to_string(bench.course.dvh_metrics()).unwrap(), "ABC");
        assert_eq!(bench.why(""), "an earlier run of it did not finish");
    }
    fs::remove_file(bench.course.dvh_metrics()).unwrap();
    let error = bench.run("[dvh]\nbehave = 'forget'").unwrap_err();
    assert_eq!(code_of(&error), "stage.output_missing");
    assert!(describe(&error).contains("dvh_metrics.parquet"));
}

#[test]
fn a_missing_input_names_the_file_and_the_stage_that_makes_it() {
    let bench = Bench::new();
    fs::remove_file(bench.course.contours(1)).unwrap();
    let error = bench.run("").unwrap_err();
    let text = describe(&error);
    assert!(
        text.starts_with("error[stage.input_missing]: ")
            && text.contains("contours/rs_01.parquet")
            && text.contains("hint: run the organize stage"),
        "{text}"
    );
    assert_eq!(bench.runs(), 0);
}

#[test]
fn failed_items_make_the_stage_partial_also_when_it_is_fresh() {
    let bench = Bench::new();
    let first = bench.run("[dvh]\nbehave = 'part'").unwrap();
    assert_eq!((first.exit(), first.items().failed), (Exit::Partial, 1));
    assert!(bench.ok().unwrap().starts_with("partial "));
    let second = bench.run("[dvh]\nbehave = 'part'").unwrap();
    assert!(matches!(second, Outcome::Fresh { .. }) && second.exit() == Exit::Partial);
}

#[test]
fn outputs_that_are_not_made_again_are_removed() {
    let bench = Bench::new();
    bench.run("[dvh]\nextra = true").unwrap();
    assert!(bench.course.dvh_curves().exists());
    bench.run("").unwrap();
    assert!(!bench.course.dvh_curves().exists() && bench.course.dvh_metrics().exists());

    let skipped = bench.run("[dvh]\nbehave = 'skip'").unwrap();
    assert_eq!((skipped.status(), skipped.exit()), (Some(Status::Skipped), Exit::Done));
    assert!(!bench.course.dvh_metrics().exists());
    assert!(bench.ok().unwrap().starts_with("skipped "));

    bench.run("").unwrap();
    let off = bench.run("[dvh]\nenabled = false").unwrap();
    assert_eq!(off.status(), Some(Status::Skipped));
    assert!(!bench.course.dvh_dir().exists(), "a folder left empty goes too");
    assert!(bench.is_fresh("[dvh]\nenabled = false"));
}

#[test]
fn a_dry_run_says_why_and_writes_nothing() {
    let bench = Bench::new();
    let list = || walk(bench.course.root());
    let before = list();
    assert!(matches!(bench.run_as("", Mode::DryRun).unwrap(), Outcome::Planned { why } if why == "never finished before"));
    let document = Document::default();
    let explained = explain(&bench.stage, &bench.course, &document).unwrap();
    assert_eq!(explained.outputs, ["dvh/dvh_metrics.parquet"]);
    assert_eq!(explained.key_parts["config dvh.times"], "1");
    assert_eq!(explained.key_parts["tool"], "\"1.0\"");
    assert_eq!(explained.key_parts["input structures/masks.json"], "absent");
    assert_eq!(list(), before);
    bench.run("").unwrap();
    assert!(matches!(bench.run_as("", Mode::DryRun).unwrap(), Outcome::Fresh { .. }));
    assert_eq!(bench.runs(), 1);
}

#[test]
fn a_second_runner_is_refused_while_the_first_works() {
    let bench = Bench::new();
    let held = Lease::acquire_now(&bench.course.stage("dvh").lease, "pid 7 on elsewhere").unwrap();
    let error = bench.run("").unwrap_err();
    assert_eq!(code_of(&error), "lease.held");
    assert!(describe(&error).contains("pid 7 on elsewhere"));
    drop(held);
    bench.run("").unwrap();
}

#[test]
fn a_withdrawn_course_is_not_worked_on() {
    let bench = Bench::new();
    write_bytes(bench.course.withdrawn(), b"withdrawn\n").unwrap();
    assert_eq!(code_of(&bench.run("").unwrap_err()), "course.withdrawn");
}

#[test]
fn left_over_temporary_files_go_with_the_next_run() {
    let bench = Bench::new();
    bench.run("").unwrap();
    let left = [
        bench.course.dvh_dir().join(".dvh_metrics.parquet.tmp-4194305-0123abcd"),
        bench.course.root().join("state/.dvh.json.tmp-4194305-0123abcd"),
    ];
    let of_another_stage = bench.course.root().join("state/.qc.json.tmp-4194305-0123abcd");
    for path in left.iter().chain([&of_another_stage]) {
        fs::write(path, "half").unwrap();
    }
    assert!(bench.is_fresh(""));
    assert!(left.iter().all(|path| !path.exists()) && of_another_stage.exists());
}

#[test]
fn provenance_names_cost_program_and_files_without_this_machine() {
    let bench = Bench::new();
    let document = Document::default();
    let mut environment = Environment::for_tests(&document).unwrap();
    environment.metering = Metering::Threads;
    execute(&bench.stage, &bench.course, &environment).unwrap();
    let files = bench.course.stage("dvh");
    let record = Provenance::read(&files.provenance).unwrap();
    assert_eq!((record.threads, record.items.done, record.inputs.len()), (2, 1, 2));
    assert_eq!(record.inputs[1].digest, None);
    assert_eq!(record.outputs[0].path, "dvh/dvh_metrics.parquet");
    assert_eq!(record.outputs[0].digest.as_ref().unwrap().blake3, blake3_of(b"ABC"));
    assert!(record.cost.wall_s > 0.0 && record.program.version == env!("CARGO_PKG_VERSION"));
    let stamp = fs::read_to_string(&files.stamp).unwrap();
    assert!(!stamp.contains(bench.course.root().as_str()), "a stamp holds no absolute path");
}

#[test]
fn equal_work_leaves_equal_stamps() {
    let (a, b) = (Bench::new(), Bench::new());
    a.run("").unwrap();
    b.run("").unwrap();
    b.run_as("", Mode::Force).unwrap();
    let stamp = |bench: &Bench| fs::read(bench.course.stage("dvh").stamp).unwrap();
    assert_eq!(stamp(&a), stamp(&b));
}

/// BLAKE3 by way of the digest of a file, as the library computes it.
fn blake3_of(bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(dir.path().join("f")).unwrap();
    fs::write(&path, bytes).unwrap();
    rt_course::digest::digest_file(&path).unwrap().blake3
}

fn walk(folder: &camino::Utf8Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in folder.read_dir_utf8().unwrap() {
        let entry = entry.unwrap();
        found.push(entry.path().to_string());
        if entry.file_type().unwrap().is_dir() {
            found.extend(walk(entry.path()));
        }
    }
    found.sort();
    found
}
