//! `report.html`: gathers what the page shows.

use rt_aggregate::report::CourseLine;
use rt_aggregate::{AggregationConfig, ReportInput, render};
use rt_cli::StageContext;
use rt_course::manifest::Holdings;
use rt_course::{Cohort, write_bytes};
use serde_json::Value as Json;

use crate::courses::{Course, Found, SHOWN};
use crate::tables::Merged;

pub(crate) fn write(
    cx: &StageContext<'_, Cohort>,
    config: &AggregationConfig,
    courses: &[Course],
    merged: &Merged,
) -> Result<(), anyhow::Error> {
    let program = rt_cli::runner::program();
    let facts = [
        ("program", format!("rtpipeline {} ({})", program.version, program.commit)),
        ("compiler", program.rustc),
        (
            "tables",
            "Parquet, XLSX and CSV beside this page; their columns are explained in columns.md".to_owned(),
        ),
    ]
    .map(|(key, value)| (key.to_owned(), value));
    let lines: Vec<CourseLine> = courses.iter().map(line).collect();
    let html = render(&ReportInput {
        facts: &facts,
        courses: &lines,
        dvh: &merged.dvh,
        goals: &merged.goals,
        stored: &merged.stored,
        curves: &merged.curves,
        checks: &merged.checks,
        provenance: &merged.provenance,
        parts: &merged.parts,
        radiomics: &merged.radiomics,
        min_courses: config.min_courses,
    })?;
    write_bytes(cx.place.report(), html.as_bytes())?;
    Ok(())
}

fn line(course: &Course) -> CourseLine {
    let mut line = CourseLine {
        patient_id: course.entry.patient_id.clone(),
        course_id: course.entry.course_id.clone(),
        holdings: holdings(course.entry.has),
        ..CourseLine::default()
    };
    match &course.found {
        Err(reason) => {
            line.stages = SHOWN.map(|stage| (stage.to_owned(), "failed".to_owned())).to_vec();
            line.reason.clone_from(reason);
        }
        Ok(found) => fill(&mut line, course, found),
    }
    line
}

fn fill(line: &mut CourseLine, course: &Course, found: &Found) {
    let record = &found.record;
    line.stages = SHOWN.map(|stage| (stage.to_owned(), found.state(stage).name().to_owned())).to_vec();
    if found.dir.report().exists() {
        line.page = format!("../{}/qc/report.html", course.entry.path);
    }
    line.slices = record.planning_ct().map(|ct| ct.n_slices);
    line.spacing = spacing(found);
    line.rx_gy = record.prescription.total_gy;
    line.fractions = record.prescription.fractions_planned;
    line.warnings = record.warnings.iter().map(|w| w.detail.clone()).collect();
}

fn holdings(has: Holdings) -> String {
    let all = [
        (has.ct, "CT"),
        (has.mr, "MR"),
        (has.pet, "PET"),
        (has.structures, "structures"),
        (has.plan, "plan"),
        (has.dose, "dose"),
    ];
    let words: Vec<&str> = all.into_iter().filter_map(|(there, word)| there.then_some(word)).collect();
    words.join(", ")
}

/// Distance of pixels and slices of the planning CT, mm, from `case_metadata`.
fn spacing(found: &Found) -> String {
    let case = &found.record.case;
    let pixels = case.get("ct_pixel_spacing").and_then(Json::as_str).unwrap_or_default();
    let slices = case.get("ct_slice_increment").and_then(Json::as_f64);
    let numbers = pixels.split(';').filter_map(|t| t.trim().parse::<f64>().ok()).chain(slices);
    let words: Vec<String> = numbers.map(|x| (x * 1000.0).round() / 1000.0).map(|x| x.to_string()).collect();
    words.join(" x ")
}
