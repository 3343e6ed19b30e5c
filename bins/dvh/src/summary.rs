//! `dvh/dvh_qc.json`: how the figures came about (`spec/analysis.md` 1.12).

use rt_course::manifest::{CourseRecord, DoseDecision};
use rt_course::{CourseDir, write_json};
use rt_dvh::Verdict;
use serde_json::{Value, json};

use crate::evaluation::{Evaluation, Outcome};
use crate::goals::Judged;

/// Raised when the meaning of a metric changes.
const METRIC_VERSION: u32 = 1;

/// Writes the summary.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write(
    place: &CourseDir,
    record: &CourseRecord,
    decision: &DoseDecision,
    rows: &[Evaluation],
    judged: &[Judged<'_>],
) -> Result<(), anyhow::Error> {
    let count = |verdict: Verdict| judged.iter().filter(|j| j.judgement.verdict == verdict).count();
    let unknown = rows.iter().filter(|r| r.dose == "course" && r.region.standard_name.is_none());
    let mut unmapped: Vec<&str> = unknown.map(|r| r.region.original_name.as_str()).collect();
    unmapped.sort_unstable();
    unmapped.dedup();
    let of_custom = |wanted: &dyn Fn(&Evaluation) -> bool| -> Vec<&str> {
        let custom = rows.iter().filter(|r| r.dose == "course" && r.region.source == "Custom");
        let mut names: Vec<&str> = custom.filter(|r| wanted(r)).map(|r| r.region.original_name.as_str()).collect();
        names.sort_unstable();
        names
    };
    let missing = of_custom(&|r| matches!(r.outcome, Outcome::Refused { .. }));
    let rx = record.prescription.total_gy.filter(|g| *g > 0.0);
    let set = record.primary_structures();
    let mut summary = json!({
        "status": if missing.is_empty() { "ok" } else { "degraded" },
        "metric_version": METRIC_VERSION,
        "rx_source": record.prescription.source,
        "rx_relative_metrics_available": rx.is_some(),
        "rx_recovery_attempted": true,
        "custom_structures_expected": of_custom(&|_| true),
        "custom_structures_missing": missing,
        "custom_structures_partial": of_custom(&|r| r.region.name.ends_with("__partial")),
        "row_count": rows.len(),
        "names_without_standard_name": unmapped,
        "goals": {
            "pass": count(Verdict::Pass),
            "acceptable": count(Verdict::Acceptable),
            "fail": count(Verdict::Fail),
            "not_evaluable": count(Verdict::NotEvaluable),
        },
        "dose_resolution": {
            "classification": decision.classification,
            "reason": decision.reason,
            "source_dose_sop_instance_uids": decision.source_doses,
            "source_dose_summation_types": decision.source_summations,
            "output_dose_summation_type": decision.summation,
            "source_plan_sop_instance_uids": decision.source_plans,
        },
        "structure_resolution": {
            "classification": set.map(|s| if s.is_plan_referenced { "plan_referenced_rtstruct" } else { "course_rtstruct" }),
            "reason": set.map(|s| s.link.as_str()),
            "selected_rtstruct_sop_instance_uids": set.map(|s| vec![s.sop_uid.as_str()]).unwrap_or_default(),
        },
    });
    match rx {
        Some(gy) => summary["rx_dose_gy"] = json!(gy),
        None => summary["warning"] = Value::from("no prescription was found: every figure relative to it is empty"),
    }
    write_json(place.dvh_qc(), &summary)?;
    Ok(())
}
