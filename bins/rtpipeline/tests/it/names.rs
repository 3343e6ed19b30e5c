//! Names are data: hostile identifiers and region names through every stage. Nothing outside the output, nothing executed, all distinct.

use std::collections::BTreeSet;
use std::fs;

use rt_testdata::{Scratch, Vec3, cohort, tree};

use crate::run::pipeline;

/// Names that are paths, formulas, markup, escapes, too long, equal but for case, or reserved.
fn hostile() -> Vec<String> {
    let mut names: Vec<String> = [
        "../../etc/passwd",
        "=cmd|'/c calc'!A0",
        "<script>alert(1)</script>",
        "Bell\u{7} \u{1b}[31mred",
        "Heart",
        "heart",
        "CON",
        "nul.txt",
        "a,b;\"c\"",
        "%s%n${HOME}`id`",
    ]
    .map(str::to_owned)
    .into();
    names.push("x".repeat(300));
    names
}

#[test]
fn hostile_names_stay_names() {
    let scratch = Scratch::new("names");
    scratch.write("outside/marker", "untouched");
    let written = cohort()
        .seed(8)
        .course(|c| {
            let c = c.patient("../../etc").ct([40, 40, 12]).spacing([5.0, 5.0, 6.0]);
            let c = hostile().iter().enumerate().fold(c, |c, (n, name)| c.sphere(name, 12.0 + n as f64));
            c.dose_gradient(50.0, Vec3::new(0.0, 0.1, 0.0))
        })
        .course(|c| {
            let c = c.patient("<b>P</b>").ct([40, 40, 12]).spacing([5.0, 5.0, 6.0]);
            c.sphere("PTV", 20.0).dose_gradient(50.0, Vec3::new(0.0, 0.1, 0.0))
        })
        .write(&scratch.join("work/in"));
    written.unwrap();
    let before: BTreeSet<String> = tree(scratch.path()).into_iter().map(|(path, _)| path).collect();
    let ran = pipeline(&scratch.join("work/in"), &scratch.join("work/out"), &[]);
    assert_eq!(ran.code, 0, "{}", ran.text);
    assert!(
        !ran.text.contains('\u{1b}') && !ran.text.contains('\u{7}'),
        "an escape reached the terminal"
    );

    let new: Vec<String> = tree(scratch.path())
        .into_iter()
        .map(|(p, _)| p)
        .filter(|p| !before.contains(p))
        .collect();
    assert!(new.iter().all(|p| p.starts_with("work/out/")), "{new:?}");
    assert!(
        new.iter()
            .all(|p| p.is_ascii() && !p.contains("..") && p.bytes().all(|b| b.is_ascii_graphic())),
        "{new:?}"
    );

    let table = fs::read_to_string(scratch.join("work/out/_RESULTS/dvh_metrics.csv")).unwrap();
    assert!(!table.contains('\u{1b}') && !table.contains('\u{7}'));
    for page in new
        .iter()
        .filter(|p| std::path::Path::new(p).extension().is_some_and(|e| e == "html"))
    {
        let text = fs::read_to_string(scratch.join(page)).unwrap();
        assert!(!text.contains("<script>alert(1)") && !text.contains("<b>P</b>"), "{page}");
    }
    // Every region has its own row and its own region in the object for other programs.
    let all: Vec<serde_json::Value> = new
        .iter()
        .filter(|p| p.ends_with("structures/masks.json"))
        .flat_map(|p| {
            let index: serde_json::Value = serde_json::from_slice(&fs::read(scratch.join(p)).unwrap()).unwrap();
            index["rois"].as_array().unwrap().clone()
        })
        .filter(|r| r["source"] == "Manual")
        .collect();
    let numbers: BTreeSet<String> = all.iter().map(|r| format!("{} {}", r["number"], r["original_name"])).collect();
    assert_eq!((all.len(), numbers.len()), (12, 12), "{numbers:#?}");
    for object in new.iter().filter(|p| p.contains("structures/RS_")) {
        let set = rt_dicom::read_structures(&scratch.join(object)).unwrap();
        let names: BTreeSet<String> = set.rois.iter().map(|r| r.name.to_lowercase()).collect();
        assert_eq!(names.len(), set.rois.len(), "{object}: {names:?}");
    }
    assert_eq!(fs::read(scratch.join("outside/marker")).unwrap(), b"untouched");
}
