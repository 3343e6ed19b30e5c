//! The data for the page's script, as JSON.

use std::collections::HashMap;

use rt_records::Row;
use rt_records::tables::{ERROR_CODE, STATUS, dvh};
use serde_json::{Value as Json, json};

use super::curves::by_structure;
use super::sections::{column_title, course_name, name_of};
use super::{METRICS, ReportInput};

/// What the page's script draws from: courses, structures, curves, rows of metrics.
pub(super) fn data(input: &ReportInput<'_>) -> Json {
    let names: Vec<String> = input.courses.iter().map(|c| course_name(&c.patient_id, &c.course_id)).collect();
    let place: HashMap<&str, usize> = names.iter().enumerate().map(|(i, n)| (n.as_str(), i)).collect();
    let groups = by_structure(input.curves);
    let structures: Vec<Json> = groups
        .iter()
        .map(|((key, source), curves)| json!({"key": key, "name": curves.first().map(|c| c.name.as_str()), "source": source}))
        .collect();
    let mut curves: Vec<Json> = Vec::with_capacity(input.curves.len());
    for (structure, (_, group)) in groups.iter().enumerate() {
        for curve in group {
            let Some(course) = place.get(course_name(&curve.patient_id, &curve.course_id).as_str()) else {
                continue;
            };
            let (x, y) = whole_steps(&curve.points);
            curves.push(json!({"c": course, "s": structure, "v": rounded(curve.volume_cc), "x": x, "y": y}));
        }
    }
    let rows: Vec<Json> = input.dvh.iter().map(|row| metric_row(row, &place)).collect();
    json!({
        "courses": names,
        "rx": input.courses.iter().map(|c| c.rx_gy).collect::<Vec<_>>(),
        "structures": structures,
        "curves": curves,
        "metrics": METRICS.iter().map(|m| column_title(input.dvh, m)).collect::<Vec<_>>(),
        "rows": rows,
    })
}

/// Dose in steps of 0.01 Gy and volume in steps of 0.1 %, as whole numbers: a third of the text.
#[expect(clippy::cast_possible_truncation, reason = "doses and percentages")]
fn whole_steps(points: &[[f32; 2]]) -> (Vec<i64>, Vec<i64>) {
    points
        .iter()
        .map(|[x, y]| ((f64::from(*x) * 100.0).round() as i64, (f64::from(*y) * 10.0).round() as i64))
        .unzip()
}

/// Five significant digits.
fn rounded(x: f64) -> f64 {
    if x.total_cmp(&0.0).is_eq() || !x.is_finite() {
        return x;
    }
    format!("{x:.4e}").parse().unwrap_or(x)
}

fn metric_row(row: Row<'_>, place: &HashMap<&str, usize>) -> Json {
    let mut cells = vec![
        json!(place.get(name_of(row).as_str())),
        json!(row.text(&dvh::ROI_NAME)),
        json!(row.text(&dvh::SEGMENTATION_SOURCE)),
        json!(row.text(&dvh::DOSE)),
        json!(row.text(&STATUS)),
        json!(row.text(&ERROR_CODE)),
    ];
    cells.extend(METRICS.iter().map(|m| json!(row.named(m).as_float().map(rounded))));
    Json::Array(cells)
}
