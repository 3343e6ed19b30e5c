use std::fs;

use rt_config::PRESETS;

use crate::bench::{Bench, Ended, rtpipeline};

fn run(arguments: &[&str]) -> Ended {
    rtpipeline().args(arguments).output().unwrap().into()
}

#[test]
fn every_preset_and_the_optimisation_briefs_own_are_valid() {
    for preset in PRESETS {
        let ended = run(&["config", "check", "--preset", preset.name]);
        assert_eq!(ended.code, Some(0), "{}: {ended:?}", preset.name);
    }
    let dir = tempfile::tempdir().unwrap();
    let briefs = [
        "workers = 6\n[segmentation]\nworkers = 2\nthreads_per_worker = 4\n[custom_models]\nworkers = 1\n[radiomics]\nthread_limit = 4\n",
        "workers = 24\n[segmentation]\nworkers = 8\nthreads_per_worker = 4\n[custom_models]\nworkers = 2\n[radiomics]\nthread_limit = 8\n[aggregation]\nthreads = 16\n",
        "workers = 64\n[segmentation]\nworkers = 16\nthreads_per_worker = 4\ndevices = [0, 1]\n[custom_models]\nworkers = 8\n[radiomics]\nthread_limit = 8\n[aggregation]\nthreads = 32\n",
    ];
    for (n, text) in briefs.iter().enumerate() {
        let file = dir.path().join(format!("brief{n}.toml"));
        fs::write(&file, text).unwrap();
        let ended = run(&["config", "check", "--config", file.to_str().unwrap()]);
        assert_eq!(ended.code, Some(0), "{text}: {ended:?}");
    }
}

#[test]
fn a_mistyped_name_is_refused_before_any_work_with_the_nearest() {
    let bench = Bench::new();
    for (set, meant) in [
        ("dvh.bin_widht_gy=1", "did you mean `bin_width_gy`?"),
        ("radiomcs.enabled=false", "did you mean `radiomics`?"),
        ("segmentation.engin=none", "did you mean `engine`?"),
        ("organize.place=hardlnk", "did you mean `hardlink`?"),
        ("resources.wokers=2", "did you mean `workers`?"),
        ("qc.enabled=maybe", "true or false"),
        ("dvh.bin_width_gy=-1", "bin_width_gy"),
    ] {
        let ended = bench.run(&["--set", set]);
        assert!(ended.code == Some(2) && ended.err.contains(meant), "{set}: {ended:?}");
        assert!(!bench.output().exists(), "{set}");
    }
}

#[test]
fn show_prints_every_value_with_where_it_was_set_and_is_valid_itself() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("my.toml");
    fs::write(&file, "[dvh]\nbin_width_gy = 0.05\n").unwrap();
    let shown = run(&[
        "config",
        "show",
        "--config",
        file.to_str().unwrap(),
        "--preset",
        "hpc",
        "--set",
        "qc.enabled=false",
    ]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let line = |start: &str| {
        shown
            .out
            .lines()
            .find(|l| l.starts_with(start))
            .unwrap_or_else(|| panic!("no {start} in {}", shown.out))
            .to_owned()
    };
    assert!(line("bin_width_gy = 0.05").ends_with("my.toml:2:1"));
    assert!(line("workers = 64").ends_with("# preset hpc:5:1"));
    assert!(
        shown
            .out
            .lines()
            .any(|l| l.starts_with("enabled = false") && l.ends_with("--set qc.enabled=false"))
    );
    assert!(line("slots_per_device").contains("preset hpc"));
    let copy = dir.path().join("copy.toml");
    fs::write(&copy, &shown.out).unwrap();
    let again = run(&["config", "check", "--config", copy.to_str().unwrap()]);
    assert_eq!(again.code, Some(0), "{again:?}\n{}", shown.out);
}

#[test]
fn check_finds_files_that_are_not_there() {
    let ended = run(&["config", "check", "--set", "structures.recipe=/absent/recipe.toml"]);
    assert!(ended.code == Some(2) && ended.out.contains("/absent/recipe.toml"), "{ended:?}");
}

#[test]
fn explain_tells_the_graph_and_why_a_stage_would_run() {
    let graph = run(&["config", "explain", "--json"]);
    let graph: serde_json::Value = serde_json::from_str(&graph.out).unwrap();
    let stages: Vec<_> = graph["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        stages,
        [
            "organize",
            "segment",
            "structures",
            "dvh",
            "radiomics",
            "robustness",
            "qc",
            "aggregate"
        ]
    );
    assert_eq!(graph["stages"][6]["after"], serde_json::json!(["dvh", "radiomics"]));
    let changed = run(&["config", "explain", "--json", "--set", "dvh.bin_width_gy=0.5"]);
    let changed: serde_json::Value = serde_json::from_str(&changed.out).unwrap();
    let moved: Vec<_> = (0..7)
        .filter(|n| graph["stages"][n]["digest"] != changed["stages"][n]["digest"])
        .map(|n| stages[n])
        .collect();
    assert_eq!(moved, ["dvh"]);

    let bench = Bench::new();
    bench.done(&["--stage", "organize"]);
    let at = bench.course("RT0001");
    let explained = run(&["config", "explain", "--stage", "dvh", "--at", at.to_str().unwrap()]);
    assert_eq!(explained.code, Some(0), "{explained:?}");
    for part in [
        "after: structures",
        "input images/dose.nii  (required, from organize)",
        "would run: never finished before",
        "config dvh.bin_width_gy = 0.01",
    ] {
        assert!(explained.out.contains(part), "{part} in {}", explained.out);
    }
}

#[test]
fn status_lists_courses_and_what_is_missing() {
    let bench = Bench::new();
    bench.done(&["--stage", "organize", "--stage", "segment"]);
    let out = bench.output();
    let status = |more: &[&str]| run(&[&["status", "--output", out.to_str().unwrap()], more].concat());
    let list = status(&["--list"]);
    assert_eq!(list.out.lines().count(), 2);
    assert!(list.out.lines().all(|l| l.starts_with("RT000")));
    let report: serde_json::Value = serde_json::from_str(&status(&["--json", "--course", "RT0002"]).out).unwrap();
    assert_eq!(report["courses"].as_array().unwrap().len(), 1);
    let stages = &report["courses"][0]["stages"];
    assert_eq!(
        (stages["segment"]["state"].as_str(), stages["dvh"]["state"].as_str()),
        (Some("ok"), Some("never"))
    );
    assert_eq!(report["cohort"]["organize"]["state"], "ok");
    assert!(status(&[]).out.contains("2 with something to do"));
    bench.done(&[]);
    assert!(status(&[]).out.contains("0 with something to do"), "{}", status(&[]).out);
    let none = run(&["status", "--output", bench.path("absent").to_str().unwrap()]);
    assert!(
        none.code == Some(1) && none.err.contains("manifest.json") && none.err.contains("hint:"),
        "{none:?}"
    );
}

#[test]
fn events_are_one_json_object_a_line() {
    let bench = Bench::new();
    let ended = bench.done(&["--log-format", "json", "-v"]);
    let events: Vec<serde_json::Value> = ended
        .err
        .lines()
        .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}")))
        .collect();
    let count = |event: &str, stage: &str| events.iter().filter(|e| e["event"] == event && e["stage"] == stage).count();
    assert_eq!(
        (
            count("stage.done", "dvh"),
            count("stage.start", "qc"),
            count("stage.done", "aggregate")
        ),
        (2, 2, 1)
    );
    let done = events.iter().find(|e| e["event"] == "stage.done" && e["stage"] == "dvh").unwrap();
    assert!(done["wall_s"].as_f64().unwrap() > 0.0 && done["course"].as_str().unwrap().starts_with("RT000"));
    let log = fs::read_to_string(bench.course("RT0001").join("logs/dvh.jsonl")).unwrap();
    assert!(log.lines().any(|l| l.contains("\"item.done\"")) && log.lines().all(|l| l.contains("\"stage\":\"dvh\"")));
}

#[test]
fn help_names_the_verbs_the_exit_codes_and_examples() {
    let help = run(&["--help"]);
    for part in ["run", "status", "config", "Exit codes: 0 done", "Examples:", "--dry-run"] {
        assert!(help.out.contains(part), "{part}");
    }
    assert_eq!(run(&["rnu"]).code, Some(2));
    assert_eq!(run(&["run"]).code, Some(2));
}
