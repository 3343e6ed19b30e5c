//! The robustness corpus as one input: the inventory says of every file what `data/fixtures/index.tsv` expects, and the balance adds up.

use std::collections::BTreeMap;

use rt_testdata::{Scratch, shared, unpacked};

use crate::run::{manifest, organize};

/// Rows of a table with a head line, by column name.
fn rows(text: &str, separator: char) -> Vec<BTreeMap<String, String>> {
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap_or_default().split(separator).collect();
    lines
        .map(|line| {
            let cells = fields(line, separator);
            head.iter().map(|h| (*h).to_owned()).zip(cells).collect()
        })
        .collect()
}

/// Fields of one line; quotes as CSV has them.
fn fields(line: &str, separator: char) -> Vec<String> {
    let (mut out, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' if separator == ',' => quoted = !quoted,
            c if c == separator && !quoted => out.push(String::new()),
            c => out.last_mut().unwrap().push(c),
        }
    }
    out
}

/// Codes before the first `;`, sorted, and the use.
fn codes(reason: &str) -> (Vec<&str>, &str) {
    let mut codes: Vec<&str> = reason.split(';').next().unwrap_or_default().split('+').collect();
    codes.sort_unstable();
    (codes, reason.split(';').find_map(|p| p.strip_prefix("use=")).unwrap_or_default())
}

#[test]
fn every_file_of_the_corpus_is_in_the_inventory_as_expected() {
    let (Some(folder), Some(table)) = (unpacked("data/fixtures/fixtures.zip"), shared("data/fixtures/index.tsv")) else {
        return;
    };
    let out = Scratch::new("out");
    let said = organize(&folder.join("fixtures"), out.path(), &[]);
    assert_eq!(said.code, 3, "some files cannot be read: {}", said.text);
    assert!(!said.text.contains("panicked"), "{}", said.text);
    let inventory = rows(&std::fs::read_to_string(out.join("_RESULTS/inventory.csv")).unwrap(), ',');
    let expected = rows(&std::fs::read_to_string(table).unwrap(), '\t');
    let mut found: BTreeMap<&str, &BTreeMap<String, String>> = inventory.iter().map(|r| (r["path"].as_str(), r)).collect();
    assert_eq!((inventory.len(), found.len()), (expected.len(), expected.len()), "every path once");
    let mut wrong = Vec::new();
    for row in &expected {
        let Some(own) = found.remove(row["path"].as_str()) else {
            wrong.push(format!("{}: not in the inventory", row["path"]));
            continue;
        };
        let any_code = own["class"] == "not_dicom";
        let (told, asked) = (codes(&own["reason"]), codes(&row["expected_reason"]));
        let right = own["class"] == row["expected_class"] && own["use"] == asked.1 && told.1 == asked.1 && (any_code || told.0 == asked.0);
        if !right {
            wrong.push(format!("{}: {} {}", row["path"], own["class"], own["reason"]));
        }
        // A usable file has a place in a course, or the reason why it has none.
        let placed = !own["course_id"].is_empty() && !own["role"].is_empty();
        if asked.1 == "used" && !placed && !own["detail"].contains("link.") {
            wrong.push(format!("{}: neither a course nor a reason", row["path"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let balance = manifest(out.path()).balance;
    let sum = |list: &indexmap::IndexMap<String, u64>| list.values().sum::<u64>();
    let counts = (balance.files_found, balance.used, sum(&balance.ignored), sum(&balance.failed));
    // The table of data/fixtures/README.md.
    assert_eq!(counts, (345, 108, 182, 55));
    let in_courses = inventory.iter().filter(|r| !r["course_id"].is_empty()).count() as u64;
    assert_eq!(sum(&balance.unlinked) + in_courses, balance.used);
    let failed_in_course: Vec<&str> = inventory
        .iter()
        .filter(|r| !r["course_id"].is_empty() && r["use"] != "used")
        .map(|r| r["path"].as_str())
        .collect();
    assert!(failed_in_course.is_empty(), "{failed_in_course:?}");
}
