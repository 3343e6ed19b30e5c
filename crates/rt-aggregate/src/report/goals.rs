//! The section on clinical goals: how often each was reached, and where not.

use rt_records::tables::goals;
use rt_records::{Row, Table};
use serde::Serialize;

use super::embed::{number, number_or_blank};
use super::sections::name_of;

/// One goal over all courses.
#[derive(Debug, Serialize, PartialEq)]
pub(super) struct GoalRow {
    set: String,
    roi: String,
    goal: String,
    unit: String,
    /// Pass, acceptable, fail, not evaluable.
    counts: [usize; 4],
    endpoint: String,
    source: String,
}

/// One structure that misses its goal, or is only acceptable.
#[derive(Debug, Serialize)]
pub(super) struct MissedGoal {
    result: String,
    course: String,
    structure: String,
    goal: String,
    unit: String,
    value: String,
    margin: String,
    half_range: String,
}

/// Words of the column `result` in the order of [`GoalRow::counts`].
const RESULTS: [&str; 4] = ["pass", "acceptable", "fail", "not_evaluable"];

/// Goals in the order of the tables.
pub(super) fn goal_rows(table: &Table) -> Vec<GoalRow> {
    let mut rows: Vec<GoalRow> = Vec::new();
    for row in table.iter() {
        let text = |column| row.text(column).unwrap_or_default().to_owned();
        let new = GoalRow {
            set: text(&goals::GOALS),
            roi: text(&goals::GOAL_ROI),
            goal: text(&goals::GOAL_TEXT),
            unit: text(&goals::UNIT),
            counts: [0; 4],
            endpoint: text(&goals::ENDPOINT),
            source: text(&goals::SOURCE),
        };
        let same = |r: &GoalRow| r.set == new.set && r.roi == new.roi && r.goal == new.goal;
        let at = rows.iter().position(same).unwrap_or_else(|| {
            rows.push(new);
            rows.len() - 1
        });
        if let Some(result) = RESULTS.iter().position(|r| row.text(&goals::RESULT) == Some(r)) {
            rows[at].counts[result] += 1;
        }
    }
    rows
}

/// Structures that miss a goal, worst result first.
pub(super) fn missed_goals(table: &Table) -> Vec<MissedGoal> {
    let of = |result: &'static str| table.iter().filter(move |r| r.text(&goals::RESULT) == Some(result)).map(missed);
    of("fail").chain(of("acceptable")).collect()
}

fn missed(row: Row<'_>) -> MissedGoal {
    let text = |column| row.text(column).unwrap_or_default().to_owned();
    MissedGoal {
        result: text(&goals::RESULT),
        course: name_of(row),
        structure: format!("{} ({})", text(&goals::ROI_NAME), text(&goals::SEGMENTATION_SOURCE)),
        goal: text(&goals::GOAL_TEXT),
        unit: text(&goals::UNIT),
        value: row.float(&goals::VALUE).map(number).unwrap_or_default(),
        margin: row.float(&goals::MARGIN).map(number).unwrap_or_default(),
        half_range: number_or_blank(row.float(&goals::HALF_RANGE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt_records::TableBuilder;

    #[test]
    fn goals_are_counted_by_result_and_misses_listed() {
        let mut builder = TableBuilder::new(&goals::schema());
        for (course, result, value) in [("C1", "pass", 10.0), ("C2", "fail", 40.0), ("C3", "acceptable", 33.0)] {
            builder
                .row()
                .set(&goals::PATIENT_ID, "P")
                .set(&goals::COURSE_ID, course)
                .set(&goals::GOALS, "quantec")
                .set(&goals::GOAL_ROI, "Lungs")
                .set(&goals::GOAL_TEXT, "V20Gy <= 30")
                .set(&goals::VALUE, value)
                .set(&goals::MARGIN, 30.0 - value)
                .set(&goals::RESULT, result);
        }
        let table = builder.finish().unwrap();
        let rows = goal_rows(&table);
        assert_eq!((rows.len(), rows[0].counts), (1, [1, 1, 1, 0]));
        let missed = missed_goals(&table);
        assert_eq!(missed.iter().map(|m| m.course.as_str()).collect::<Vec<_>>(), ["P / C2", "P / C3"]);
        assert_eq!(missed[0].margin, "-10.00");
    }
}
