//! A second run does nothing; a change runs exactly what depends on it; results do not depend on threads.

use rt_testdata::Scratch;

use crate::run::{patient, patients_in, pipeline};

#[test]
fn a_change_runs_what_depends_on_it_and_nothing_else() {
    let (input, output) = (Scratch::new("dicom"), Scratch::new("out"));
    patient(&input, "RT0001", 1);
    patient(&input, "RT0002", 2);
    let first = pipeline(input.path(), output.path(), &[]);
    assert_eq!(first.code, 0, "{}", first.text);
    assert_eq!(first.busy().len(), 8, "{}", first.text);
    assert_eq!(patients_in(output.path(), "dvh_metrics"), ["RT0001", "RT0002"]);

    let second = pipeline(input.path(), output.path(), &[]);
    assert_eq!((second.code, second.busy()), (0, vec![]), "{}", second.text);

    let key = pipeline(input.path(), output.path(), &["--set", "dvh.bin_width_gy=0.02"]);
    assert_eq!(key.busy(), [("aggregate", 1), ("dvh", 2), ("qc", 2)], "{}", key.text);

    patient(&input, "RT0003", 3);
    let more = pipeline(input.path(), output.path(), &["--set", "dvh.bin_width_gy=0.02"]);
    assert_eq!((more.stages["dvh"], more.stages["radiomics"]), ((1, 2), (1, 2)), "{}", more.text);
    assert_eq!(patients_in(output.path(), "dvh_metrics").len(), 3);

    std::fs::remove_dir_all(input.join("RT0002")).unwrap();
    let less = pipeline(input.path(), output.path(), &["--set", "dvh.bin_width_gy=0.02"]);
    assert_eq!(
        (less.code, less.busy()),
        (0, vec![("aggregate", 1), ("organize", 1)]),
        "{}",
        less.text
    );
    for table in ["dvh_metrics", "radiomics_ct", "case_metadata", "structures", "qc_reports"] {
        assert_eq!(patients_in(output.path(), table), ["RT0001", "RT0003"], "{table}");
    }
    assert!(output.join("RT0002").exists(), "the folder is kept");
}

#[test]
fn result_tables_are_the_same_for_one_and_for_four_threads() {
    let input = Scratch::new("dicom");
    patient(&input, "RT0001", 1);
    let tables: Vec<Vec<(String, Vec<u8>)>> = ["1", "4"]
        .into_iter()
        .map(|threads| {
            let output = Scratch::new("out");
            let ran = pipeline(input.path(), output.path(), &["--threads", threads]);
            assert_eq!(ran.code, 0, "{}", ran.text);
            let all = rt_testdata::tree(&output.join("_RESULTS"));
            all.into_iter()
                .filter(|(name, _)| !name.starts_with("provenance") && !name.starts_with("report"))
                .collect()
        })
        .collect();
    let names = |t: &[(String, Vec<u8>)]| t.iter().map(|(n, _)| n.clone()).collect::<Vec<_>>();
    assert_eq!(names(&tables[0]), names(&tables[1]));
    for (one, four) in tables[0].iter().zip(&tables[1]) {
        assert!(one == four, "{} differs", one.0);
    }
}
