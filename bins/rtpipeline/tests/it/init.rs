//! `rtpipeline init` and `rtpipeline report`.

use std::fs;

use crate::bench::{Bench, Ended, rtpipeline};

fn run(arguments: &[&str]) -> Ended {
    rtpipeline().args(arguments).output().unwrap().into()
}

#[test]
fn the_configuration_that_init_writes_is_valid_and_runs() {
    let bench = Bench::new();
    let made = run(&["init", bench.input().to_str().unwrap()]);
    assert_eq!(made.code, Some(0), "{made:?}");
    // Two patients with a CT of twelve slices, structures, plan and dose each.
    assert!(
        made.out.contains("2 patients") && made.out.contains("24 CT") && made.out.contains("2 RTSTRUCT"),
        "{}",
        made.out
    );
    assert!(made.out.contains("# \"Heart\" = \"Heart\"  # 2 sets"), "{}", made.out);
    let file = bench.path("rtpipeline.toml");
    fs::write(&file, &made.out).unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(run(&["config", "check", "--config", file]).code, Some(0));
    let ran = run(&["run", "--config", file, "--output", bench.output().to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stage("dvh")[0], 2);
}

#[test]
fn init_of_a_folder_without_dicom_says_so() {
    let bench = Bench::new();
    let empty = bench.path("empty");
    fs::create_dir(&empty).unwrap();
    let ended = run(&["init", empty.to_str().unwrap()]);
    assert!(
        ended.code == Some(1) && ended.err.contains("0 files") && ended.err.contains("hint:"),
        "{ended:?}"
    );
    let ended = run(&["init", bench.path("absent").to_str().unwrap()]);
    assert!(ended.code == Some(2) && ended.err.contains("absent"), "{ended:?}");
}

#[test]
fn report_makes_the_page_again_and_names_it() {
    let bench = Bench::new();
    let output = bench.output();
    let output = output.to_str().unwrap();
    let early = run(&["report", "--output", output]);
    assert!(early.code != Some(0) && early.err.contains("hint:"), "{early:?}");
    bench.done(&[]);
    let page = bench.output().join("_RESULTS/report.html");
    fs::remove_file(&page).unwrap();
    let made = run(&["report", "--output", output]);
    assert_eq!(made.code, Some(0), "{made:?}");
    assert!(page.exists() && made.out.contains("report.html"), "{}", made.out);
    assert_eq!(made.stage("aggregate"), [1, 0, 0, 0, 0, 0]);
}
