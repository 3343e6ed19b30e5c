//! The dvh stage behind organize: the Alderson phantom against the converged reference, and a sum of two plans against its formula.
#![expect(clippy::unwrap_used, reason = "test helpers stop the test with a message")]

mod alderson;
mod files;
mod goals;
mod reference;
mod stored;
mod sums;

use rt_cli::{Environment, Outcome, execute};
use rt_config::Document;
use rt_course::{Cohort, CourseDir};
use rt_records::{Table, parquet};
use std::path::Path;

/// Organises a folder and evaluates its first course.
pub(crate) fn evaluated(input: &Path, output: &Path) -> (CourseDir, Table) {
    evaluated_with(input, output, "")
}

/// The same with more configuration.
pub(crate) fn evaluated_with(input: &Path, output: &Path, more: &str) -> (CourseDir, Table) {
    let text = format!("[cohort]\ninput = {:?}\n{more}", input.display().to_string());
    let document = Document::from_toml("test", &text).unwrap();
    let environment = Environment::for_tests(&document).unwrap();
    let cohort = Cohort::new(output).unwrap();
    let organised = execute(&rt_organize_cli::Organize, &cohort, &environment).unwrap();
    assert!(matches!(organised, Outcome::Ran { .. } | Outcome::Fresh { .. }));
    let path = cohort.read_manifest().unwrap().courses[0].path.clone();
    let course = cohort.course_at(&path).unwrap();
    execute(&rt_dvh_cli::Dvh, &course, &environment).unwrap();
    let table = parquet::read(course.dvh_metrics().as_std_path()).unwrap();
    (course, table)
}
