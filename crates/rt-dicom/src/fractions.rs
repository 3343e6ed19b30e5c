//! From treatment records to fractions: which were delivered, when, and whether in full (`spec/ingest.md` 1.18).
//!
//! Pure. Records of one fraction (one a beam at some vendors, a second one after an interruption) are one fraction; two sessions of one day
//! more than four hours apart are two. A plan's fractions are counted by themselves: fraction 1 of a boost is not fraction 1 of the
//! primary plan.

use std::collections::{BTreeMap, BTreeSet};

use crate::rtrecord::{BeamDelivery, TreatmentRecord};
use crate::value::{Date, Time};

/// Two sessions of one day that lie further apart are two fractions, s.
const SESSION_GAP_S: f64 = 4.0 * 3600.0;
/// Share of the specified meterset from which a beam counts as delivered.
const WHOLE: f64 = 0.98;

/// One delivered fraction of one plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Fraction {
    /// Plan that was delivered, empty when the records name none.
    pub plan: String,
    /// `CurrentFractionNumber`, else the rank of its session among those of the plan.
    pub number: u32,
    /// The number was not stated.
    pub is_inferred: bool,
    /// Something of it is missing: a beam was ended early and not made up for.
    pub is_partial: bool,
    /// `NORMAL`, or how the first beam that did not end so ended; empty when nothing is stated.
    pub termination: String,
    /// Day.
    pub date: Option<Date>,
    /// Times of its records, ascending.
    pub times: Vec<Time>,
    /// Machines, sorted, each once.
    pub machines: Vec<String>,
    /// Dose of its beams, Gy, where the records say.
    pub dose_gy: Option<f64>,
    /// Delivered meterset, all beams.
    pub meterset: Option<f64>,
    /// Indices of its records in the list given, ascending by time.
    pub records: Vec<usize>,
}

/// Fractions of the records, sorted by plan and number. `course_plan` is what a record without a plan reference belongs to.
pub fn fractions(records: &[TreatmentRecord], course_plan: &str) -> Vec<Fraction> {
    let mut by_plan: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, record) in records.iter().enumerate().filter(|(_, r)| !r.beams.is_empty()) {
        let plan = record.plans.first().map_or(course_plan, String::as_str);
        by_plan.entry(plan.to_owned()).or_default().push(at);
    }
    by_plan
        .into_iter()
        .flat_map(|(plan, members)| of_plan(records, &plan, members))
        .collect()
}

/// Fractions of a plan that were delivered in full; `None` when no record speaks of it.
pub fn delivered(fractions: &[Fraction], records: &[TreatmentRecord], plan: &str) -> Option<u32> {
    let own: BTreeSet<u32> = fractions
        .iter()
        .filter(|f| f.plan == plan && !f.is_partial)
        .map(|f| f.number)
        .collect();
    let sessions = fractions.iter().any(|f| f.plan == plan);
    let stated = records
        .iter()
        .filter(|r| r.plans.iter().any(|p| p == plan))
        .filter_map(|r| r.summary_fractions)
        .max();
    if sessions { u32::try_from(own.len()).ok() } else { stated }
}

/// A session: the records of a plan that belong together in time.
struct Session {
    stated: Option<u32>,
    members: Vec<usize>,
}

fn of_plan(records: &[TreatmentRecord], plan: &str, mut members: Vec<usize>) -> Vec<Fraction> {
    let key = |at: usize| records.get(at).map(|r| (r.date, r.time, r.sop_uid.clone()));
    members.sort_by_key(|at| key(*at));
    let sessions = sessions(records, &members);
    // Numbers that are stated stand; a session without one takes its rank among all sessions.
    let mut merged: BTreeMap<u32, (bool, Vec<usize>)> = BTreeMap::new();
    for (rank, session) in (1_u32..).zip(sessions) {
        let entry = merged.entry(session.stated.unwrap_or(rank)).or_default();
        entry.0 |= session.stated.is_none();
        entry.1.extend(session.members);
    }
    merged
        .into_iter()
        .map(|(number, (is_inferred, members))| fraction(records, plan, number, is_inferred, members))
        .collect()
}

/// Records of one day and one stated number belong together; without a number, those less than four hours after the one before.
fn sessions(records: &[TreatmentRecord], members: &[usize]) -> Vec<Session> {
    let mut out: Vec<Session> = Vec::new();
    let mut last: Option<(Option<Date>, Option<Time>)> = None;
    for &at in members {
        let Some(record) = records.get(at) else { continue };
        let stated = record.beams.iter().find_map(|b| b.fraction);
        let near = last.is_some_and(|(date, time)| {
            let apart = time.zip(record.time).map_or(0.0, |(a, b)| b.seconds() - a.seconds());
            date == record.date && apart <= SESSION_GAP_S
        });
        last = Some((record.date, record.time));
        match out.last_mut() {
            // A record without a number fills the session that it lies in, and takes its number.
            Some(session) if near && (stated.is_none() || session.stated.is_none() || stated == session.stated) => {
                session.stated = session.stated.or(stated);
                session.members.push(at);
            }
            _ => out.push(Session { stated, members: vec![at] }),
        }
    }
    out
}

fn fraction(records: &[TreatmentRecord], plan: &str, number: u32, is_inferred: bool, members: Vec<usize>) -> Fraction {
    let own: Vec<&TreatmentRecord> = members.iter().filter_map(|at| records.get(*at)).collect();
    let beams: Vec<&BeamDelivery> = own.iter().flat_map(|r| &r.beams).collect();
    let total = |part: fn(&BeamDelivery) -> Option<f64>| {
        let known: Vec<f64> = beams.iter().filter_map(|b| part(b)).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>())
    };
    let odd = beams.iter().map(|b| b.termination.as_str()).find(|t| !matches!(*t, "" | "NORMAL"));
    let any = beams.iter().map(|b| b.termination.as_str()).find(|t| !t.is_empty());
    let machines: BTreeSet<String> = own.iter().map(|r| r.machine.clone()).filter(|m| !m.is_empty()).collect();
    let mut times: Vec<Time> = own.iter().filter_map(|r| r.time).collect();
    times.sort_unstable();
    Fraction {
        plan: plan.to_owned(),
        number,
        is_inferred,
        is_partial: is_partial(&beams),
        termination: odd.or(any).unwrap_or_default().to_owned(),
        date: own.iter().filter_map(|r| r.date).min(),
        times,
        machines: machines.into_iter().collect(),
        dose_gy: total(|b| b.dose_gy),
        meterset: total(|b| b.delivered),
        records: members,
    }
}

/// Whether a beam ended early and what it delivered in all records of the fraction does not reach what was specified.
fn is_partial(beams: &[&BeamDelivery]) -> bool {
    let numbers: BTreeSet<Option<i64>> = beams.iter().map(|b| b.beam).collect();
    numbers.iter().any(|number| {
        let own: Vec<&&BeamDelivery> = beams.iter().filter(|b| b.beam == *number).collect();
        let delivered: f64 = own.iter().filter_map(|b| b.delivered).sum();
        let specified = own.iter().filter_map(|b| b.specified).fold(0.0, f64::max);
        let ended_early = own.iter().all(|b| !matches!(b.termination.as_str(), "" | "NORMAL"));
        if specified > 0.0 && own.iter().any(|b| b.delivered.is_some()) {
            delivered < WHOLE * specified
        } else {
            ended_early
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beam(number: i64, fraction: Option<u32>, delivered: f64, termination: &str) -> BeamDelivery {
        BeamDelivery {
            beam: Some(number),
            fraction,
            specified: Some(100.0),
            delivered: Some(delivered),
            termination: termination.into(),
            dose_gy: Some(1.0),
        }
    }

    fn record(uid: &str, plan: &str, day: &str, time: &str, beams: Vec<BeamDelivery>) -> TreatmentRecord {
        TreatmentRecord {
            sop_uid: uid.into(),
            plans: vec![plan.into()],
            date: Date::parse(day),
            time: Time::parse(time),
            machine: "LINAC1".into(),
            beams,
            summary_fractions: None,
        }
    }

    fn numbers(list: &[Fraction]) -> Vec<(&str, u32, usize, bool)> {
        list.iter()
            .map(|f| (f.plan.as_str(), f.number, f.records.len(), f.is_partial))
            .collect()
    }

    #[test]
    fn records_of_one_fraction_are_merged_and_plans_are_counted_apart() {
        let records = [
            record("1", "A", "20240102", "1000", vec![beam(1, Some(1), 100.0, "NORMAL")]),
            record("2", "A", "20240102", "1003", vec![beam(2, Some(1), 100.0, "NORMAL")]),
            record(
                "3",
                "A",
                "20240103",
                "1000",
                vec![beam(1, Some(2), 100.0, "NORMAL"), beam(2, Some(2), 100.0, "NORMAL")],
            ),
            record("4", "B", "20240104", "1000", vec![beam(1, Some(1), 100.0, "NORMAL")]),
        ];
        let list = fractions(&records, "");
        assert_eq!(numbers(&list), [("A", 1, 2, false), ("A", 2, 1, false), ("B", 1, 1, false)]);
        assert_eq!((list[0].meterset, list[0].dose_gy), (Some(200.0), Some(2.0)));
        assert_eq!(list[0].times.len(), 2);
        assert_eq!(
            (delivered(&list, &records, "A"), delivered(&list, &records, "B")),
            (Some(2), Some(1))
        );
        assert_eq!(delivered(&list, &records, "C"), None);
    }

    #[test]
    fn two_sessions_of_one_day_are_two_fractions_when_hours_lie_between() {
        let session = |uid: &str, day: &str, time: &str| record(uid, "A", day, time, vec![beam(1, None, 100.0, "NORMAL")]);
        let records = [
            session("1", "20240102", "0800"),
            session("2", "20240102", "0810"),
            session("3", "20240102", "1430"),
            session("4", "20240103", "0800"),
        ];
        let list = fractions(&records, "");
        assert_eq!(numbers(&list), [("A", 1, 2, false), ("A", 2, 1, false), ("A", 3, 1, false)]);
        assert!(list.iter().all(|f| f.is_inferred));
    }

    #[test]
    fn an_interrupted_beam_is_partial_until_the_rest_is_delivered() {
        let begun = record("1", "A", "20240102", "1000", vec![beam(1, Some(1), 40.0, "MACHINE")]);
        let rest = record("2", "A", "20240102", "1100", vec![beam(1, Some(1), 60.0, "NORMAL")]);
        let list = fractions(std::slice::from_ref(&begun), "");
        assert_eq!(numbers(&list), [("A", 1, 1, true)]);
        assert_eq!(list[0].termination, "MACHINE");
        assert_eq!(delivered(&list, std::slice::from_ref(&begun), "A"), Some(0));
        let both = [begun, rest];
        assert_eq!(numbers(&fractions(&both, "")), [("A", 1, 2, false)]);
    }

    #[test]
    fn a_summary_counts_where_no_session_is_there() {
        let summary = TreatmentRecord {
            sop_uid: "9".into(),
            plans: vec!["A".into()],
            summary_fractions: Some(25),
            ..TreatmentRecord::default()
        };
        let list = fractions(std::slice::from_ref(&summary), "");
        assert!(list.is_empty());
        assert_eq!(delivered(&list, std::slice::from_ref(&summary), "A"), Some(25));
    }

    #[test]
    fn a_record_without_a_plan_belongs_to_the_course() {
        let mut one = record("1", "A", "20240102", "1000", vec![beam(1, Some(1), 100.0, "")]);
        one.plans.clear();
        let list = fractions(&[one], "A");
        assert_eq!(numbers(&list), [("A", 1, 1, false)]);
        assert_eq!(list[0].termination, "");
    }
}
