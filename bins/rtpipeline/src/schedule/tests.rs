use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::*;
use camino::Utf8PathBuf;
use rt_cli::{Input, Stage, StageContext, StageReport, Step};
use rt_config::{ConfigIssue, Validate};
use rt_course::{Cohort, write_bytes};

#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
struct Config {
    workers: usize,
}

impl Validate for Config {
    fn validate(&self) -> Result<(), ConfigIssue> {
        Ok(())
    }
}

/// Counts how many run at once, of this stage and of all, and fails or panics for courses so named.
struct Probe<const N: usize> {
    at_once: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    log: Arc<Mutex<Vec<String>>>,
    /// A run goes on when so many have been at work at once, or after a while.
    company: Arc<AtomicUsize>,
}

const NAMES: [&str; 3] = ["segment", "dvh", "qc"];

impl<const N: usize> Stage for Probe<N> {
    const NAME: &'static str = NAMES[N];
    const FORMAT: u32 = 1;
    const SECTIONS: &'static [&'static str] = &["segmentation"];
    type Config = Config;

    fn inputs(&self, _: &CourseDir, _: &Config) -> Vec<Input> {
        Vec::new()
    }

    fn outputs(&self, _: &CourseDir, _: &Config) -> Vec<Utf8PathBuf> {
        Vec::new()
    }

    fn run(&self, cx: &StageContext<'_>, _: &Config) -> Result<StageReport, anyhow::Error> {
        self.log.lock().unwrap().push(format!("{} {}", cx.place.token(), Self::NAME));
        self.most
            .fetch_max(self.at_once.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let begin = Instant::now();
        while self.most.load(Ordering::SeqCst) < self.company.load(Ordering::SeqCst) && begin.elapsed() < Duration::from_secs(2) {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(20));
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        match (cx.place.token(), N) {
            ("P03/bad", 0) => anyhow::bail!("no image"),
            ("P04/panic", 1) => panic!("a bad mask"),
            _ => Ok(StageReport::new()),
        }
    }
}

struct Bench {
    _dir: tempfile::TempDir,
    nodes: Vec<Node>,
    most: Arc<AtomicUsize>,
    log: Arc<Mutex<Vec<String>>>,
    company: Arc<AtomicUsize>,
    tasks: Vec<Task>,
}

fn bench(courses: &[(&str, u64)]) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let cohort = Cohort::new(dir.path()).unwrap();
    let (at_once, company, most, log) = (
        Arc::<AtomicUsize>::default(),
        Arc::<AtomicUsize>::default(),
        Arc::<AtomicUsize>::default(),
        Arc::<Mutex<Vec<String>>>::default(),
    );
    let tasks = courses.iter().map(|(token, est_bytes)| {
        let course = cohort.course_at(token).unwrap();
        write_bytes(course.course_json(), b"{}").unwrap();
        Task {
            course,
            est_bytes: *est_bytes,
        }
    });
    let step = |step: Box<dyn Step>| -> &'static dyn Step { Box::leak(step) };
    let (a, c, m, l) = (&at_once, &company, &most, &log);
    let nodes = vec![
        Node {
            step: step(Box::new(Probe::<0> {
                at_once: a.clone(),
                most: m.clone(),
                log: l.clone(),
                company: c.clone(),
            })),
            after: &[],
            limit: Some(("segmentation", "workers")),
        },
        Node {
            step: step(Box::new(Probe::<1> {
                at_once: a.clone(),
                most: m.clone(),
                log: l.clone(),
                company: c.clone(),
            })),
            after: &["segment"],
            limit: None,
        },
        Node {
            step: step(Box::new(Probe::<2> {
                at_once: a.clone(),
                most: m.clone(),
                log: l.clone(),
                company: c.clone(),
            })),
            after: &["segment", "dvh", "absent"],
            limit: None,
        },
    ];
    Bench {
        tasks: tasks.collect(),
        nodes,
        most,
        log,
        company,
        _dir: dir,
    }
}

fn run(bench: &Bench, workers: usize, memory: Option<u64>, config: &str) -> Vec<CourseRun> {
    let document = Document::from_toml("c.toml", config).unwrap();
    let resources = Resources {
        workers,
        threads: 1,
        memory_bytes: memory,
    };
    run_courses(
        &bench.nodes,
        &bench.tasks,
        Conditions {
            document: &document,
            resources,
            mode: Mode::IfStale,
            waiting: Waiting::Refuse,
        },
    )
    .unwrap()
}

fn ends(run: &CourseRun) -> Vec<String> {
    let word = |end: &End| match end {
        End::Ended(Outcome::Ran { .. }) => "ran".to_owned(),
        End::Ended(Outcome::Fresh { .. }) => "fresh".to_owned(),
        End::Ended(Outcome::Planned { .. }) => "planned".to_owned(),
        End::Failed { code, .. } => format!("failed {code}"),
        End::Blocked(by) => format!("blocked by {by}"),
        End::NotReached => "not reached".to_owned(),
    };
    run.stages.iter().map(|(_, end)| word(end)).collect()
}

#[test]
fn a_broken_course_blocks_only_itself() {
    let bench = bench(&[("P01/C1", 1), ("P02/C1", 1), ("P03/bad", 1), ("P04/panic", 1)]);
    let runs = run(&bench, 3, None, "");
    assert_eq!(
        runs.iter().map(|r| r.token.as_str()).collect::<Vec<_>>(),
        ["P01/C1", "P02/C1", "P03/bad", "P04/panic"]
    );
    assert_eq!(ends(&runs[0]), ["ran", "ran", "ran"]);
    assert_eq!(
        ends(&runs[2]),
        ["failed internal.error", "blocked by segment", "blocked by segment"]
    );
    assert_eq!(ends(&runs[3]), ["ran", "failed internal.panic", "blocked by dvh"]);
    let again = run(&bench, 2, None, "");
    assert_eq!(ends(&again[1]), ["fresh", "fresh", "fresh"]);
    assert_eq!(
        ends(&again[3]),
        ["fresh", "failed internal.panic", "blocked by dvh"],
        "exactly the failed ones are tried again"
    );
}

#[test]
fn memory_bounds_what_runs_at_once_and_too_large_a_course_runs_alone() {
    let courses = [("P01/C1", 40), ("P02/C1", 40), ("P05/C1", 40), ("P06/C1", 500)];
    let free = bench(&courses);
    free.company.store(3, Ordering::SeqCst);
    run(&free, 4, None, "");
    assert!(free.most.load(Ordering::SeqCst) > 2);
    let tight = bench(&courses);
    let runs = run(&tight, 4, Some(100), "");
    assert!(tight.most.load(Ordering::SeqCst) <= 2);
    assert!(runs.iter().all(|r| ends(r) == ["ran", "ran", "ran"]));
}

#[test]
fn one_worker_takes_the_largest_course_first_and_finishes_what_it_began() {
    let bench = bench(&[("P01/C1", 1), ("P02/C1", 9)]);
    run(&bench, 1, Some(1), "");
    let expected = [
        "P02/C1 segment",
        "P02/C1 dvh",
        "P02/C1 qc",
        "P01/C1 segment",
        "P01/C1 dvh",
        "P01/C1 qc",
    ];
    assert_eq!(*bench.log.lock().unwrap(), expected);
}

#[test]
fn a_stage_may_be_limited_over_all_courses() {
    let only_first = |config: &str, company: usize| {
        let mut bench = bench(&[("P01/C1", 1), ("P02/C1", 1), ("P05/C1", 1), ("P06/C1", 1)]);
        bench.nodes.truncate(1);
        bench.company.store(company, Ordering::SeqCst);
        run(&bench, 4, None, config);
        bench.most.load(Ordering::SeqCst)
    };
    assert_eq!(only_first("[segmentation]\nworkers = 1", 0), 1);
    assert!(only_first("[segmentation]\nworkers = 4", 2) > 1);
}
