//! Objects that make one course, before the course is built.

use crate::value::Date;

/// Indices into the lists of a patient.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Group {
    pub(super) key: String,
    pub(super) plans: Vec<usize>,
    pub(super) doses: Vec<usize>,
    pub(super) structures: Vec<usize>,
}

impl Group {
    pub(super) fn new(key: String) -> Self {
        Self { key, ..Self::default() }
    }
}

/// Groups by key, in order of first appearance.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pub(super) list: Vec<Group>,
}

impl Groups {
    pub(super) fn of(&mut self, key: &str) -> &mut Group {
        let at = self.list.iter().position(|g| g.key == key).unwrap_or_else(|| {
            self.list.push(Group::new(key.to_owned()));
            self.list.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the index was found or made in the line above")]
        &mut self.list[at]
    }
}

/// Plans into windows of at most `max_days` from the first plan of each; plans without date go with the first.
pub(super) fn windows(plans: &[(usize, Option<Date>)], max_days: u32) -> Vec<Vec<usize>> {
    let mut dated: Vec<(usize, Date)> = plans.iter().filter_map(|(p, d)| d.map(|d| (*p, d))).collect();
    dated.sort_by_key(|(p, d)| (*d, *p));
    let mut out: Vec<(Date, Vec<usize>)> = Vec::new();
    for (plan, date) in dated {
        match out.last_mut() {
            Some((first, members)) if date.days_since(*first) <= i64::from(max_days) => members.push(plan),
            _ => out.push((date, vec![plan])),
        }
    }
    let mut out: Vec<Vec<usize>> = out.into_iter().map(|(_, members)| members).collect();
    let undated = plans.iter().filter(|(_, d)| d.is_none()).map(|(p, _)| *p);
    match out.first_mut() {
        Some(first) => first.extend(undated),
        None => out.push(undated.collect()),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_start_anew_after_the_gap() {
        let day = |t: &str| Date::parse(t);
        let plans = [
            (0, day("20240110")),
            (1, day("20240101")),
            (2, None),
            (3, day("20240401")),
            (4, day("20240701")),
        ];
        assert_eq!(windows(&plans, 30), [vec![1, 0, 2], vec![3], vec![4]]);
        assert_eq!(windows(&[(7, None)], 30), [vec![7]]);
    }
}
