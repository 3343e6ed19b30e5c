use std::fs;
use std::time::{Duration, SystemTime};

use crate::bench::{Bench, differences, walk};

fn all(n: usize) -> Vec<(String, usize)> {
    [
        ("organize", 1),
        ("segment", n),
        ("structures", n),
        ("dvh", n),
        ("radiomics", n),
        ("robustness", n),
        ("qc", n),
        ("aggregate", 1),
    ]
    .map(|(name, n)| (name.to_owned(), n))
    .to_vec()
}

fn named(pairs: &[(&str, usize)]) -> Vec<(String, usize)> {
    pairs.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect()
}

#[test]
fn the_second_run_does_nothing_and_changes_nothing() {
    let bench = Bench::new();
    let first = bench.done(&[]);
    assert_eq!(first.ran(), all(2));
    assert!(
        first.out.contains("2 courses: 2 ok") && first.out.contains("_RESULTS/report.html"),
        "{}",
        first.out
    );
    for table in ["dvh_metrics", "radiomics_ct", "case_metadata", "structures", "qc_reports"] {
        for extension in ["parquet", "xlsx", "csv"] {
            let file = bench.output().join("_RESULTS").join(format!("{table}.{extension}"));
            assert!(fs::metadata(&file).is_ok_and(|m| m.len() > 0), "{}", file.display());
        }
    }
    let before = bench.digest();
    let times: Vec<_> = walk(&bench.output())
        .iter()
        .map(|f| (f.clone(), fs::metadata(f).unwrap().modified().unwrap()))
        .collect();
    let second = bench.done(&[]);
    assert_eq!(second.ran(), []);
    assert_eq!(differences(&before, &bench.digest()), [""; 0]);
    let rewritten = times
        .iter()
        .filter(|(f, time)| fs::metadata(f).unwrap().modified().unwrap() != *time)
        .map(|(f, _)| f);
    let rewritten: Vec<_> = rewritten
        .filter(|f| !f.ends_with("config.toml") && f.extension().is_none_or(|e| e != "lock"))
        .collect();
    assert!(rewritten.is_empty(), "{rewritten:?}");
}

#[test]
fn one_key_of_dvh_runs_only_what_depends_on_it() {
    let bench = Bench::new();
    bench.done(&[]);
    let planned = bench.done(&["--set", "dvh.bin_width_gy=0.02", "--dry-run"]);
    assert!(planned.out.contains("config dvh.bin_width_gy: 0.01 -> 0.02"), "{}", planned.out);
    let changed = bench.done(&["--set", "dvh.bin_width_gy=0.02"]);
    assert_eq!(changed.ran(), named(&[("dvh", 2), ("qc", 2), ("aggregate", 1)]));
    // Speed is no part of a result.
    let faster = [
        "--set",
        "dvh.bin_width_gy=0.02",
        "--set",
        "radiomics.thread_limit=1",
        "--set",
        "resources.memory_mb=4000",
        "--jobs",
        "2",
    ];
    assert_eq!(bench.done(&faster).ran(), []);
}

#[test]
fn touched_files_change_nothing() {
    let bench = Bench::new();
    bench.done(&[]);
    let before = bench.digest();
    for file in walk(&bench.input()) {
        fs::File::options()
            .append(true)
            .open(file)
            .unwrap()
            .set_modified(SystemTime::now() + Duration::from_secs(50))
            .unwrap();
    }
    let ran = bench.done(&[]).ran();
    assert!(
        !ran.iter()
            .any(|(stage, _)| ["segment", "structures", "dvh", "radiomics", "qc"].contains(&stage.as_str())),
        "{ran:?}"
    );
    let changed = differences(&before, &bench.digest());
    let tables = changed.iter().filter(|f| f.starts_with("_RESULTS/"));
    assert_eq!(tables.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn one_replaced_slice_runs_only_its_course() {
    let bench = Bench::new();
    bench.done(&[]);
    let before = bench.digest();
    let slices = bench.ct_files("RT0001");
    assert!(slices.len() > 5);
    let mut bytes = fs::read(&slices[3]).unwrap();
    let end = bytes.len();
    bytes[end - 600..end - 400].fill(1);
    fs::write(&slices[3], bytes).unwrap();
    let ran = bench.done(&[]).ran();
    assert!(
        ran.iter().all(|(_, n)| *n == 1) && ran.contains(&("radiomics".to_owned(), 1)),
        "{ran:?}"
    );
    let changed = differences(&before, &bench.digest());
    assert!(
        changed.iter().any(|f| f.starts_with("RT0001/")) && !changed.iter().any(|f| f.starts_with("RT0002/")),
        "{changed:?}"
    );
}

#[test]
fn a_new_patient_runs_alone_and_a_withdrawn_one_leaves_the_tables() {
    let bench = Bench::new();
    let aside = bench.path("aside");
    fs::rename(bench.input().join("RT0002"), &aside).unwrap();
    assert_eq!(bench.done(&[]).ran(), all(1));
    let alone = bench.digest();

    fs::rename(&aside, bench.input().join("RT0002")).unwrap();
    assert_eq!(bench.done(&[]).ran(), all(1));
    let in_tables = || {
        let tables = walk(&bench.output().join("_RESULTS"))
            .into_iter()
            .filter(|f| f.extension().is_some_and(|e| e == "csv"));
        tables.filter(|f| fs::read_to_string(f).unwrap().contains("RT0002")).count()
    };
    assert!(in_tables() > 5);

    fs::rename(bench.input().join("RT0002"), &aside).unwrap();
    let withdrawn = bench.done(&[]);
    assert_eq!(withdrawn.ran(), named(&[("organize", 1), ("aggregate", 1)]));
    assert!(withdrawn.out.contains("1 withdrawn"), "{}", withdrawn.out);
    assert_eq!(in_tables(), 0);
    assert!(bench.course("RT0002").join("dvh/dvh_metrics.parquet").exists() && bench.course("RT0002").join("WITHDRAWN.txt").exists());
    let of_results = |d: &std::collections::BTreeMap<String, String>| {
        d.iter()
            .filter(|(f, _)| f.starts_with("_RESULTS"))
            .map(|(f, h)| (f.clone(), h.clone()))
            .collect()
    };
    assert_eq!(differences(&of_results(&alone), &of_results(&bench.digest())), [""; 0]);

    fs::rename(&aside, bench.input().join("RT0002")).unwrap();
    let back = bench.done(&[]);
    assert!(
        back.ran().iter().all(|(stage, _)| stage == "organize" || stage == "aggregate"),
        "{:?}",
        back.ran()
    );
    assert!(in_tables() > 5);
}

#[test]
fn threads_and_workers_do_not_change_a_byte() {
    let one = Bench::new();
    one.done(&["--threads", "1", "--jobs", "1"]);
    let many = Bench::beside(&one);
    many.done(&["--threads", "8", "--jobs", "3"]);
    assert_eq!(differences(&one.digest(), &many.digest()), [""; 0]);
}

#[test]
fn a_chosen_course_and_stage_is_all_that_runs() {
    let bench = Bench::new();
    bench.done(&["--stage", "organize"]);
    let ended = bench.done(&["--stage", "segment", "--stage", "structures", "--course", "RT0002"]);
    assert_eq!(
        (ended.stage("segment"), ended.stage("structures")),
        ([1, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0])
    );
    assert!(!ended.out.contains("organize") && !ended.out.contains("aggregate"), "{}", ended.out);
    assert!(!bench.course("RT0001").join("seg").exists());
    let wrong = bench.run(&["--course", "RT0003"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("`RT0003`"), "{wrong:?}");
}

#[test]
fn a_stage_that_is_switched_off_takes_its_results_away() {
    let bench = Bench::new();
    bench.done(&[]);
    let off = bench.done(&["--set", "radiomics.enabled=false"]);
    assert_eq!(off.stage("radiomics"), [2, 0, 2, 0, 0, 0]);
    assert!(!bench.course("RT0001").join("radiomics").exists());
    assert_eq!(bench.done(&["--set", "radiomics.enabled=false"]).ran(), []);
    assert_eq!(
        bench.done(&["--set", "radiomics.enabled=true"]).stage("radiomics"),
        [2, 0, 0, 0, 0, 0]
    );
}
