//! `--course P01/C1`: which courses a command means.

use std::fs;

use rt_cli::Failure;
use rt_config::names::nearest;

/// Picks from `courses` (`<patient>/<course>`) those that any pattern matches, in their order; no pattern means all. A pattern is
/// `PATIENT/COURSE` or `PATIENT` with `*` and `?` within a name, or `@FILE` with one pattern a line (`#` begins a comment).
///
/// # Errors
/// [`Failure`] `usage.course` for a pattern that matches nothing and for a file that cannot be read.
pub fn select<'a>(courses: &[&'a str], patterns: &[String]) -> Result<Vec<&'a str>, Failure> {
    if patterns.is_empty() {
        return Ok(courses.to_vec());
    }
    let mut wanted = Vec::new();
    for pattern in patterns {
        match pattern.strip_prefix('@') {
            Some(file) => wanted.extend(from_file(file)?),
            None => wanted.push(pattern.trim_end_matches('/').to_owned()),
        }
    }
    if let Some(nothing) = wanted.iter().find(|w| !courses.iter().any(|course| matches(w, course))) {
        let meant = nearest(nothing, courses.iter().copied()).map_or_else(
            || "`rtpipeline status --output OUT` lists the courses".to_owned(),
            |near| format!("did you mean {near}? `rtpipeline status --output OUT` lists the courses"),
        );
        return Err(Failure::usage("usage.course", format!("no course is called `{nothing}`")).hint(meant));
    }
    Ok(courses
        .iter()
        .copied()
        .filter(|course| wanted.iter().any(|w| matches(w, course)))
        .collect())
}

fn from_file(file: &str) -> Result<Vec<String>, Failure> {
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::usage("usage.course", format!("cannot read the course list {file}")).because(error))?;
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim().trim_end_matches('/'));
    Ok(lines.filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

fn matches(pattern: &str, course: &str) -> bool {
    match (pattern.split_once('/'), course.split_once('/')) {
        (Some((p, c)), Some((patient, name))) => fits(p.as_bytes(), patient.as_bytes()) && fits(c.as_bytes(), name.as_bytes()),
        (None, Some((patient, _))) => fits(pattern.as_bytes(), patient.as_bytes()),
        (_, None) => fits(pattern.as_bytes(), course.as_bytes()),
    }
}

/// `*` stands for any text, `?` for one character (course folders are ASCII).
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    // The last `*` seen and how much of the text it has taken: on a mismatch it takes one more.
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b) if *b == text[t] || *b == b'?' => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt_cli::exit::describe;

    const COURSES: [&str; 4] = ["P01/2019-03", "P01/2020-01", "P02/2019-03", "HN_10/C1"];

    fn pick(patterns: &[&str]) -> Vec<&'static str> {
        select(&COURSES, &patterns.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn patterns_pick_courses_in_their_order() {
        assert_eq!(pick(&[]), COURSES);
        assert_eq!(pick(&["P02/2019-03", "P01/2020-01"]), ["P01/2020-01", "P02/2019-03"]);
        assert_eq!(pick(&["P01"]), ["P01/2019-03", "P01/2020-01"]);
        assert_eq!(pick(&["P0?/2019*"]), ["P01/2019-03", "P02/2019-03"]);
        assert_eq!(pick(&["*/C1"]), ["HN_10/C1"]);
        assert_eq!(pick(&["*"]), COURSES);
        assert_eq!(pick(&["*0*/*-*3"]), ["P01/2019-03", "P02/2019-03"]);
    }

    #[test]
    fn a_list_may_stand_in_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "# first\nP02/2019-03\n\nHN*  # all\n").unwrap();
        let at = format!("@{}", file.path().display());
        assert_eq!(pick(&[&at]), ["P02/2019-03", "HN_10/C1"]);
    }

    #[test]
    fn what_matches_nothing_is_an_error_with_the_nearest_name() {
        let error = anyhow::Error::new(select(&COURSES, &["P02/2019-30".into()]).unwrap_err());
        let text = describe(&error);
        assert!(
            text.contains("`P02/2019-30`") && text.contains("did you mean P02/2019-03?"),
            "{text}"
        );
        assert!(select(&COURSES, &["@/absent/list".into()]).is_err());
    }
}
