//! Defects of the Python reference in reading and linking DICOM: each has a test named after it, and every one must pass.
//!
//! `D#n` is `spec/ingest.md` section 4, `A#n` is `spec/analysis.md` section 6; the list holds those that the first stage decides. The tests lie
//! in rt-dicom (what the readers decide) and bins/organize (what a run decides), in modules called `defects`.

use std::collections::BTreeMap;

use crate::shell;

/// Start of the test's name, and what the reference gets wrong.
const DEFECTS: &[(&str, &str)] = &[
    ("d01", "frame of reference read from the wrong tag"),
    ("d02", "RT objects ignored in a tree two levels deep"),
    ("d03", "deduplication drops files of the second course"),
    ("d06", "one mode for the whole cohort"),
    ("d08", "summed dose mirrored in z"),
    ("d10", "a course that fails is dropped with exit 0"),
    ("d11", "every folder counts as a course"),
    ("d12", "new patients are never seen"),
    ("d13", "resume by presence: corrected files are not read"),
    ("d16", "images that are not square are transposed"),
    ("d31", "registrations without .dcm are ignored"),
    ("d32", "treatment records by file-name prefix"),
    ("d33", "cache without size and time"),
    ("d34", "only the first plan reference of a dose is followed"),
    ("d35", "two time clusters at most"),
    ("d36", "doses of another frame of reference discarded"),
    ("d37", "patient id used as a path"),
    ("d38", "course names shift when an earlier course appears"),
    ("d39", "prescription is the sum over all targets"),
    ("d40", "a replan drops the boost"),
    ("d41", "dose classification is not stored"),
    ("d46", "later stages read the first original"),
    ("d47", "absolute paths everywhere"),
    ("d48", "fractions of several plans merged"),
    ("d49", "fields that are always empty"),
    ("d50", "gantry span of 340 degrees for a 20 degree arc"),
    ("d55", "one odd tag loses the case metadata"),
    ("d62", "contours without image reference lost"),
    ("d63", "unequal slice gaps averaged"),
    ("d68", "an enhanced object counts as one slice"),
    ("d69", "of files with one UID the first one seen is taken"),
    ("d70", "character sets and names that collide"),
    ("d74", "names and birth dates in the tables"),
    ("d76", "the wrong volume for uneven series"),
    ("a01", "sum onto a descending grid is mirrored"),
    ("a10", "CGY and RELATIVE computed as Gy"),
    ("a12", "prescription from the first level, a limit or a maximum"),
    ("a13", "words inside words make replans and boosts"),
    ("a14", "a replan with a level fewer is added"),
    ("a19", "positions assumed head first supine"),
    ("a38", "identifiers become numbers"),
    ("a40", "courses that left the input stay in the tables"),
];

/// Runs the tests and prints one line a defect.
///
/// # Errors
/// When a defect has no passing test, or a test of the modules is not in the list.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut command = shell::cargo();
    command.args(["test", "--workspace", "--test", "it", "--", "defects::"]);
    let (_, text) = shell::run_and_read(&mut command)?;
    let results = results(&text);
    println!("\n{:<5} {:<58} {:<6} test", "", "the reference's defect", "ours");
    let mut right = 0;
    for (id, what) in DEFECTS {
        let own: Vec<(&String, &bool)> = results.iter().filter(|(name, _)| name.starts_with(id)).collect();
        let good = !own.is_empty() && own.iter().all(|(_, ok)| **ok);
        right += usize::from(good);
        let verdict = match (own.is_empty(), good) {
            (true, _) => "none",
            (false, true) => "right",
            (false, false) => "WRONG",
        };
        let names: Vec<&str> = own.iter().map(|(name, _)| name.as_str()).collect();
        println!("{:<5} {what:<58} {verdict:<6} {}", label(id), names.join(", "));
    }
    println!("\n{right} of {} ingest defects of the reference are not ours", DEFECTS.len());
    let unlisted: Vec<&String> = results
        .keys()
        .filter(|name| DEFECTS.iter().all(|(id, _)| !name.starts_with(id)))
        .collect();
    anyhow::ensure!(unlisted.is_empty(), "tests of defects that the list does not name: {unlisted:?}");
    anyhow::ensure!(right == DEFECTS.len(), "{} defects have no passing test", DEFECTS.len() - right);
    Ok(())
}

/// `d08` as the specification writes it: `D#8`.
fn label(id: &str) -> String {
    let (letter, number) = id.split_at(1);
    format!("{}#{}", letter.to_uppercase(), number.trim_start_matches('0'))
}

/// Name and outcome of every test of the modules `defects`.
fn results(text: &str) -> BTreeMap<String, bool> {
    let line = |line: &str| {
        let (name, outcome) = line.trim().strip_prefix("test defects::")?.split_once(" ... ")?;
        Some((name.to_owned(), outcome.starts_with("ok")))
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_read_from_the_lines_of_the_test_runner() {
        let text = "running 2 tests\ntest defects::d08_x ... ok\ntest defects::a01_y ... FAILED\ntest other::z ... ok\n";
        let found = results(text);
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            [("a01_y".to_owned(), false), ("d08_x".to_owned(), true)]
        );
        assert_eq!((label("d08"), label("a40")), ("D#8".to_owned(), "A#40".to_owned()));
    }
}
