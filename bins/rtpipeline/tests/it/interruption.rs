use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::bench::{Bench, differences, walk};

fn start(bench: &Bench) -> Child {
    bench
        .command(&["--jobs", "2"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn temporaries(bench: &Bench) -> Vec<std::path::PathBuf> {
    let files = if bench.output().exists() {
        walk(&bench.output())
    } else {
        Vec::new()
    };
    files
        .into_iter()
        .filter(|f| f.file_name().unwrap().to_str().unwrap().contains(".tmp-"))
        .collect()
}

/// Kills at many moments of a run; every time the next run finishes the rest, and the end is what an undisturbed run makes.
#[test]
fn killed_at_any_moment_a_run_resumes_to_the_same_bytes() {
    let reference = Bench::new();
    let start_time = Instant::now();
    reference.done(&[]);
    let whole = start_time.elapsed();
    let bench = Bench::beside(&reference);
    for n in 1..=12_u32 {
        let mut child = start(&bench);
        sleep(whole * n / 14);
        let _ = child.kill();
        child.wait().unwrap();
    }
    bench.done(&[]);
    assert_eq!(differences(&reference.digest(), &bench.digest()), [""; 0]);
    assert!(temporaries(&bench).is_empty(), "{:?}", temporaries(&bench));
    assert_eq!(bench.done(&[]).ran(), []);
}

#[test]
fn a_signal_stops_the_run_within_seconds_with_its_code_and_leaves_no_half_file() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let bench = Bench::new();
        let mut child = start(&bench);
        sleep(Duration::from_millis(120));
        let sent = Instant::now();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let status = child.wait().unwrap();
        assert!(sent.elapsed() < Duration::from_secs(15), "took {:?}", sent.elapsed());
        // A run that had ended before the signal came ended well.
        assert!([Some(code), Some(0)].contains(&status.code()), "{status:?}");
        assert!(temporaries(&bench).is_empty(), "{:?}", temporaries(&bench));
        bench.done(&[]);
    }
}

#[test]
fn two_runs_at_once_share_the_work_and_agree() {
    let bench = Bench::new();
    let mut both = [start(&bench), start(&bench)];
    for child in &mut both {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    assert_eq!(bench.done(&[]).ran(), []);
    let alone = Bench::beside(&bench);
    alone.done(&[]);
    assert_eq!(differences(&alone.digest(), &bench.digest()), [""; 0]);
}
