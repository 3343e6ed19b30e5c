//! The robustness corpus walked as one input: every file in the class and with the codes of `data/fixtures/index.tsv`.

use std::collections::BTreeMap;

use rt_core::Silent;
use rt_dicom::{LinkRules, MetaCache, ScanOptions, link, scan};
use rt_testdata::{shared, unpacked};

use crate::hostile::{codes_and_use, rows};

/// Where any code for "not DICOM" passes, and where the README allows another answer.
fn same(class: &str, told: &(Vec<String>, String), expected: &(Vec<String>, String)) -> bool {
    told == expected || class == "not_dicom" && told.1 == expected.1
}

#[test]
fn the_whole_tree() {
    let (Some(folder), Some(table)) = (unpacked("data/fixtures/fixtures.zip"), shared("data/fixtures/index.tsv")) else {
        return;
    };
    let root = folder.join("fixtures");
    let mut cache = MetaCache::default();
    let index = scan(std::slice::from_ref(&root), &mut cache, &ScanOptions::default(), &Silent).unwrap();
    let table = rows(&std::fs::read_to_string(table).unwrap());
    let mut expected: BTreeMap<&str, _> = table.iter().map(|r| (r["path"].as_str(), r)).collect();
    let mut wrong = Vec::new();
    for file in &index.files {
        let Some(row) = expected.remove(file.entry.path.as_str()) else {
            wrong.push(format!("{}: not in the table", file.entry.path));
            continue;
        };
        let class = file.verdict.class.name();
        let reason = file.verdict.reason();
        if class != row["expected_class"] || !same(class, &codes_and_use(&reason), &codes_and_use(&row["expected_reason"])) {
            wrong.push(format!(
                "{}: {class} {reason}\n    instead of {} {}",
                file.entry.path, row["expected_class"], row["expected_reason"]
            ));
        }
    }
    wrong.extend(expected.keys().map(|path| format!("{path}: not found")));
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), table.len(), wrong.join("\n"));
    let linkage = link(&index, &LinkRules::default());
    let courses: Vec<String> = linkage
        .courses
        .iter()
        .map(|c| format!("{} {} plans {} doses {}", c.patient_id, c.key, c.plans.len(), c.doses.len()))
        .collect();
    // No course is made of fragments: no plan here finds its structure set, no dose its plan.
    assert!(
        linkage.courses.iter().all(|c| c.plans.is_empty() && c.doses.is_empty()),
        "{courses:#?}"
    );
}
