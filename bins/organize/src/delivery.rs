//! Treatment records and registrations as `course.json` keeps them.

use indexmap::IndexMap;
use rt_course::manifest::{RegistrationRecord, Warning};
use rt_dicom::fractions::{self, Fraction};
use rt_dicom::reg::Registration;
use rt_dicom::rtrecord::TreatmentRecord;
use serde_json::Value;

use crate::objects::Held;

/// Fractions of a plan that were delivered in full; `None` when no record speaks of it.
pub(crate) fn delivered(records: &[Held<TreatmentRecord>], list: &[Fraction], plan: &str) -> Option<u32> {
    let objects: Vec<TreatmentRecord> = records.iter().map(|r| r.object.clone()).collect();
    fractions::delivered(list, &objects, plan)
}

/// Rows of the `fractions` table, by date and number; missing values are absent.
pub(crate) fn rows(records: &[Held<TreatmentRecord>], list: &[Fraction]) -> Vec<IndexMap<String, Value>> {
    let first_day = list.iter().filter_map(|f| f.date).min();
    let mut sorted: Vec<&Fraction> = list.iter().collect();
    sorted.sort_by_key(|f| (f.date, f.number, f.plan.clone()));
    let row = |f: &&Fraction| {
        let members: Vec<&Held<TreatmentRecord>> = f.records.iter().filter_map(|at| records.get(*at)).collect();
        let joined = |part: fn(&Held<TreatmentRecord>) -> &str| members.iter().map(|m| part(m)).collect::<Vec<_>>().join(";");
        let times: Vec<String> = f.times.iter().map(|t| t.iso()).collect();
        let mut row = IndexMap::new();
        let mut set = |key: &str, value: Value| {
            let empty = value.is_null() || value.as_str().is_some_and(str::is_empty);
            if !empty {
                row.insert(key.to_owned(), value);
            }
        };
        set("treatment_date", f.date.map(rt_dicom::Date::iso).into());
        set("treatment_time", times.first().cloned().into());
        set("treatment_time_end", times.last().cloned().into());
        set("plan_sop", f.plan.clone().into());
        set("fraction_number", f.number.into());
        set("treatment_machine", f.machines.join(";").into());
        set("source_path", members.first().map(|m| m.dicom.clone()).into());
        set("source_paths_all", joined(|m| &m.dicom).trim_matches(';').into());
        set("sop_instance_uid", members.first().map(|m| m.object.sop_uid.clone()).into());
        set("sop_instance_uids_all", joined(|m| &m.object.sop_uid).into());
        set("delivered_dose_gy", f.dose_gy.into());
        set("beam_meterset", f.meterset.into());
        set("records_merged", members.len().into());
        set("component_times", times.join(";").into());
        let day = f.date.zip(first_day).map(|(date, first)| date.days_since(first));
        set("treatment_day", day.into());
        set("termination_status", f.termination.clone().into());
        set("is_partial", f.is_partial.into());
        set("is_number_inferred", f.is_inferred.into());
        row
    };
    sorted.iter().map(row).collect()
}

/// What a person should know about the delivery.
pub(crate) fn warnings(list: &[Fraction]) -> Vec<Warning> {
    let partial: Vec<String> = list.iter().filter(|f| f.is_partial).map(|f| f.number.to_string()).collect();
    let mut out = Vec::new();
    if !partial.is_empty() {
        out.push(Warning {
            code: "record.partial_fraction".to_owned(),
            detail: format!(
                "fractions that were not delivered in full: {}; they do not count",
                partial.join(", ")
            ),
        });
    }
    if list.iter().any(|f| f.is_inferred) {
        out.push(Warning {
            code: "record.number_inferred".to_owned(),
            detail: "records without CurrentFractionNumber were numbered by their sessions".to_owned(),
        });
    }
    out
}

/// The frames of one registration.
pub(crate) fn registration_records(registration: &Registration) -> Vec<RegistrationRecord> {
    let record = |kind: &str, from: &str, matrix: Vec<f64>| RegistrationRecord {
        sop_uid: registration.sop_uid.clone(),
        kind: kind.to_owned(),
        from: from.to_owned(),
        to: registration.frame_uid.clone(),
        matrix,
    };
    if registration.is_deformable {
        return vec![record("DEFORMABLE", "", Vec::new())];
    }
    let frames = registration.frames.iter();
    frames.map(|f| record(f.kind.term(), &f.frame_uid, f.matrix.to_vec())).collect()
}
