//! One row of `case_metadata`: facts of plan, image, structures and dose (`spec/ingest.md` 1.19). Missing facts are absent.

use indexmap::IndexMap;
use rt_course::manifest::{CourseRecord, DoseDecision};
use rt_dicom::image::ImageSeries;
use rt_dicom::rtdose::Dose;
use rt_dicom::rtplan::{Beam, Plan};
use serde_json::{Value, json};

/// Ages above this are given as the next year: old people are few enough to be known by their age.
const OLDEST: f64 = 89.0;

/// What the row is made from.
pub(crate) struct CaseFacts<'a> {
    /// The course so far.
    pub(crate) record: &'a CourseRecord,
    /// The planning CT.
    pub(crate) ct: Option<&'a ImageSeries>,
    /// The first chosen plan.
    pub(crate) plan: Option<&'a Plan>,
    /// The evaluated dose.
    pub(crate) dose: Option<&'a Dose>,
    /// Names of persons may be written.
    pub(crate) identifiers: bool,
}

/// A row in the making; missing and empty values are left out.
#[derive(Default)]
struct Row(IndexMap<String, Value>);

impl Row {
    fn set(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        let empty = value.is_null() || value.as_str().is_some_and(str::is_empty);
        if !empty {
            self.0.insert(key.to_owned(), value);
        }
    }
}

/// The row: column name to value.
pub(crate) fn case_row(facts: &CaseFacts<'_>) -> IndexMap<String, Value> {
    let mut row = Row::default();
    course_facts(&mut row, facts.record);
    if let Some(ct) = facts.ct {
        image_facts(&mut row, ct, facts.identifiers);
    }
    if let Some(plan) = facts.plan {
        plan_facts(&mut row, plan);
        beam_facts(&mut row, plan);
        patient_facts(&mut row, plan);
        if facts.identifiers {
            people(&mut row, plan);
        }
    }
    structure_facts(&mut row, facts.record);
    if let (Some(dose), Some(decision)) = (facts.dose, &facts.record.dose) {
        dose_facts(&mut row, dose, decision);
    }
    row.0
}

fn course_facts(row: &mut Row, record: &CourseRecord) {
    row.set("course_key", record.key.as_str());
    let selected = record.plans.iter().find(|p| p.is_selected);
    row.set("rp_path", selected.map(|p| p.dicom.as_str()));
    row.set("plan_sop_uid", selected.map(|p| p.sop_uid.as_str()));
    let dose = record.doses.iter().find(|d| d.is_selected);
    row.set("rd_path", dose.map(|d| d.dicom.as_str()));
    row.set("rs_path", record.primary_structures().map(|s| s.dicom.as_str()));
    if let Some(decision) = &record.dose {
        row.set("dose_sop_uid", decision.source_doses.first().map(String::as_str));
        row.set("source_plan_uids", decision.source_plans.join(";"));
        row.set("source_dose_uids", decision.source_doses.join(";"));
        row.set("dose_classification", decision.classification.as_str());
    }
    if let Some(ct) = record.planning_ct() {
        row.set("ct_dir", ct.dicom_dir.as_str());
        row.set("primary_nifti", ct.nifti.as_str());
        row.set("ct_study_uid", ct.study_uid.as_str());
    }
    let volumes: Vec<&str> = record.images.iter().map(|i| i.nifti.as_str()).collect();
    row.set("nifti_files", volumes.join(";"));
    let related = record
        .images
        .iter()
        .filter(|i| Some(*i) != record.planning_ct())
        .map(|i| i.n_slices);
    row.set("dicom_related_count", related.sum::<usize>());
    row.set("planned_fractions", record.prescription.fractions_planned);
    row.set("total_prescription_gy", record.prescription.total_gy);
    row.set("rx_source", record.prescription.source.as_str());
    let days = || record.fractions.iter().filter_map(|f| f.get("treatment_date")?.as_str());
    row.set("course_start_date", days().min().or(record.start.as_deref()));
    row.set("course_end_date", days().max());
    if !record.fractions.is_empty() {
        let whole = |f: &&IndexMap<String, Value>| f.get("is_partial") != Some(&Value::Bool(true));
        row.set("fractions_count", record.fractions.iter().filter(whole).count());
    }
    row.set("frame_of_reference_uid", record.frame_of_reference.first().map(String::as_str));
}

fn image_facts(row: &mut Row, ct: &ImageSeries, identifiers: bool) {
    let h = &ct.header;
    row.set("ct_manufacturer", h.manufacturer.as_deref());
    row.set("ct_model", h.model.as_deref());
    if identifiers {
        row.set("ct_institution", h.institution.as_deref());
    }
    row.set("ct_kvp", h.kvp);
    row.set("ct_convolution_kernel", h.kernel.as_deref());
    row.set("ct_slice_thickness", h.thickness_mm);
    let [si, sj, sk] = ct.data.grid().spacing();
    let [ni, nj, _] = ct.data.grid().size();
    row.set("ct_slice_increment", sk);
    row.set("ct_tube_current_mA", h.tube_current_ma);
    row.set("ct_pitch_factor", h.pitch);
    row.set("ct_rotation_time_s", h.revolution_s);
    row.set("ct_matrix_size", format!("{nj}x{ni}"));
    row.set("ct_field_of_view_mm", h.field_of_view_mm.unwrap_or(si * ni as f64).to_string());
    row.set("ct_pixel_spacing", format!("{sj};{si}"));
    row.set("ct_contrast_agent", h.contrast_agent.as_deref());
    row.set("ct_contrast_flow_rate", h.contrast_flow);
    row.set("ct_contrast_total_volume", h.contrast_volume_ml);
}

fn plan_facts(row: &mut Row, plan: &Plan) {
    row.set(
        "plan_name",
        if plan.label.is_empty() {
            plan.name.as_str()
        } else {
            plan.label.as_str()
        },
    );
    row.set("plan_date", plan.date.map(rt_dicom::Date::iso));
    row.set("plan_time", plan.time.map(rt_dicom::Time::iso));
    row.set("plan_intent", plan.intent.as_str());
    row.set("approval", plan.approval.as_str());
    row.set("review_date", plan.review_date.map(rt_dicom::Date::iso));
    row.set("review_time", plan.review_time.map(rt_dicom::Time::iso));
    let levels = plan.rx().levels;
    let list: Vec<String> = levels.iter().map(|l| l.gy.to_string()).collect();
    row.set("prescriptions", list.join(";"));
    let by_roi: Vec<Value> = levels
        .iter()
        .filter(|l| l.roi.is_some())
        .map(|l| json!({ "ROI_Number": l.roi, "TargetPrescriptionDose": l.gy }))
        .collect();
    if !by_roi.is_empty() {
        row.set("prescriptions_by_roi", Value::Array(by_roi).to_string());
    }
}

fn beam_facts(row: &mut Row, plan: &Plan) {
    let beams: Vec<&Beam> = plan.treatment_beams().collect();
    row.set("beams_count", beams.len());
    let mut energies: Vec<f64> = beams.iter().flat_map(|b| b.energies.iter().copied()).collect();
    energies.sort_by(f64::total_cmp);
    energies.dedup_by(|a, b| a.total_cmp(b).is_eq());
    let energies: Vec<String> = energies.iter().map(f64::to_string).collect();
    row.set("beam_energies", energies.join(";"));
    row.set(
        "treatment_machine",
        beams.iter().map(|b| b.machine.as_str()).find(|m| !m.is_empty()),
    );
    let meterset = |beam: &Beam| {
        let shares = plan.fraction_groups.iter().flat_map(|g| &g.beams);
        shares.filter(|s| s.beam == beam.number).find_map(|s| s.meterset)
    };
    let metersets: Vec<(String, f64)> = beams.iter().filter_map(|b| Some((b.number.to_string(), meterset(b)?))).collect();
    if !metersets.is_empty() {
        row.set("total_meterset", metersets.iter().map(|(_, m)| m).sum::<f64>());
        let by_beam: serde_json::Map<String, Value> = metersets.into_iter().map(|(n, m)| (n, m.into())).collect();
        row.set("meterset_by_beam", Value::Object(by_beam).to_string());
    }
    let info: Vec<Value> = beams
        .iter()
        .map(|b| {
            json!({
                "BeamNumber": b.number,
                "BeamName": b.name,
                "BeamType": b.beam_type,
                "RadiationType": b.radiation,
                "NominalBeamEnergy": b.energies,
                "NumberOfControlPoints": b.n_control_points,
                "GantrySpan": b.gantry_span_deg(),
                "IsArc": b.is_arc(),
                "BeamMeterset": meterset(b),
            })
        })
        .collect();
    if !info.is_empty() {
        row.set("beam_info", Value::Array(info).to_string());
        let arc = beams.iter().any(|b| b.is_arc());
        row.set("technique_inferred", if arc { "VMAT/ARC" } else { "STATIC/IMRT" });
    }
}

fn patient_facts(row: &mut Row, plan: &Plan) {
    let p = &plan.patient;
    row.set("patient_sex", p.sex.as_deref());
    row.set("patient_weight_kg", p.weight_kg);
    row.set("patient_height_m", p.height_m);
    if let (Some(kg), Some(m)) = (p.weight_kg, p.height_m.filter(|m| *m > 0.0)) {
        row.set("patient_bmi", kg / (m * m));
    }
    if let (Some(birth), Some(date)) = (p.birth_date, plan.date) {
        let years = (date.days_since(birth) as f64 / 365.25).floor();
        if years >= 0.0 {
            row.set("patient_age_at_plan", if years > OLDEST { OLDEST + 1.0 } else { years });
        }
    }
}

fn people(row: &mut Row, plan: &Plan) {
    let p = &plan.people;
    row.set("patient_name", p.patient.as_deref());
    row.set("patient_birth_date", plan.patient.birth_date.map(rt_dicom::Date::iso));
    row.set("reviewer_name", p.reviewer.as_deref());
    row.set("physicians_of_record", p.physicians_of_record.as_deref());
    row.set("referring_physician", p.referring.as_deref());
    row.set("performing_physician", p.performing.as_deref());
    row.set("operators_name", p.operators.as_deref());
}

fn structure_facts(row: &mut Row, record: &CourseRecord) {
    let Some(set) = record.primary_structures() else { return };
    let names: Vec<&str> = set.rois.iter().map(|r| r.name.as_str()).collect();
    row.set("structures", names.join(", "));
    let count = |word: &str| {
        let holds = |n: &&&str| n.to_ascii_uppercase().contains(word);
        names.iter().filter(holds).count()
    };
    row.set("roi_count", names.len());
    row.set("ptv_count", count("PTV"));
    row.set("ctv_count", count("CTV"));
    let targets = |n: &&str| ["PTV", "CTV", "GTV"].iter().any(|t| n.to_ascii_uppercase().contains(t));
    row.set("oar_count", names.iter().filter(|n| !targets(n)).count());
}

fn dose_facts(row: &mut Row, dose: &Dose, decision: &DoseDecision) {
    row.set("dose_units", decision.units.as_str());
    row.set("dose_type", decision.dose_type.as_str());
    let grid = dose.volume.grid();
    let [ni, nj, nk] = grid.size();
    let facts = json!({
        "DoseSummationType": decision.summation,
        "Rows": nj,
        "Columns": ni,
        "NumberOfFrames": nk,
        "PixelSpacing": [grid.spacing()[1], grid.spacing()[0]],
        "SliceSpacing": grid.spacing()[2],
        "DoseStats": { "minGy": dose.header.min, "maxGy": dose.header.max, "meanGy": dose.header.mean },
    });
    row.set("dose_grid", facts.to_string());
}
