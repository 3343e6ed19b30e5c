//! Clinical goals of a course: each held against every structure that it is for, as the table `dvh_goals`.

use rt_core::Gy;
use rt_course::manifest::CourseRecord;
use rt_dvh::{DvhConfig, Goal, GoalDose, Judgement};
use rt_records::TableError;
use rt_records::table::{Table, TableBuilder};
use rt_records::tables::goals as t;

use crate::evaluation::{Evaluation, Outcome};
use crate::settings::Extras;

/// One goal and one structure that it is for, if any.
pub(crate) struct Judged<'a> {
    pub(crate) set: &'a str,
    pub(crate) goal: &'a Goal,
    pub(crate) row: Option<&'a Evaluation>,
    pub(crate) judgement: Judgement,
}

/// All goals in order, for each its structures in order.
pub(crate) fn judge<'a>(extras: &'a Extras, rows: &'a [Evaluation], config: &DvhConfig) -> Vec<Judged<'a>> {
    let mut all = Vec::new();
    for set in &extras.goals {
        for goal in &set.goals {
            let before = all.len();
            let (wanted, missing) = match goal.dose {
                GoalDose::Physical => ("course", "goal.no_structure"),
                GoalDose::Eqd2 => ("course EQD2", "goal.no_eqd2"),
            };
            let meant = |r: &&Evaluation| r.dose == wanted && goal.is_for(&r.region.names());
            all.extend(rows.iter().filter(meant).map(|row| Judged {
                set: &set.name,
                goal,
                row: Some(row),
                judgement: of_row(goal, row, config),
            }));
            if all.len() == before {
                let drawn = rows.iter().any(|r| goal.is_for(&r.region.names()));
                all.push(Judged {
                    set: &set.name,
                    goal,
                    row: None,
                    judgement: Judgement::not_evaluable(if drawn { missing } else { "goal.no_structure" }),
                });
            }
        }
    }
    all
}

fn of_row(goal: &Goal, row: &Evaluation, config: &DvhConfig) -> Judgement {
    match &row.outcome {
        Outcome::Computed(found) => goal.judge(found, row.rx.gy.map(Gy), config.min_coverage),
        Outcome::Reference(..) => Judgement::not_evaluable("goal.reference_mode"),
        Outcome::Refused { code, .. } => Judgement::not_evaluable(code),
    }
}

/// The table of a course.
///
/// # Errors
/// [`TableError`] never, unless a column is not in the contract.
pub(crate) fn table(record: &CourseRecord, judged: &[Judged<'_>]) -> Result<Table, TableError> {
    let mut builder = TableBuilder::new(&t::schema());
    for one in judged {
        let (goal, j) = (one.goal, &one.judgement);
        let mut out = builder.row();
        out.set(&t::PATIENT_ID, record.patient_id.as_str())
            .set(&t::COURSE_ID, record.course_id.as_str())
            .set(&t::GOALS, one.set)
            .set(&t::GOAL_ROI, goal.roi.as_str())
            .set(&t::GOAL_TEXT, goal.goal.to_string().as_str())
            .set(&t::METRIC, goal.goal.metric.to_string().as_str())
            .set(&t::UNIT, goal.goal.metric.unit())
            .set(&t::LIMIT, goal.goal.limit)
            .set(&t::ACCEPTABLE_LIMIT, goal.acceptable)
            .set(&t::VALUE, j.value)
            .set(&t::RESULT, j.verdict.as_str())
            .set(&t::MARGIN, j.margin)
            .set(&t::HALF_RANGE, j.half_range)
            .set(&t::REASON, j.reason)
            .set(&t::ENDPOINT, goal.endpoint.as_str())
            .set(&t::SOURCE, goal.source.as_str());
        if let Some(priority) = goal.priority.and_then(|p| i32::try_from(p).ok()) {
            out.set(&t::PRIORITY, priority);
        }
        if let Some(row) = one.row {
            out.set(&t::ROI_NUMBER, row.region.number.unwrap_or(-1))
                .set(&t::ROI_NAME, row.region.name.as_str())
                .set(&t::SEGMENTATION_SOURCE, row.region.source.as_str())
                .set(&t::STANDARD_NAME, row.region.standard_name.as_deref())
                .set(&t::DOSE, row.dose.as_str());
        }
    }
    builder.finish()
}
