//! The course page: one self-contained HTML file without scripts.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, context};

use crate::facts::CourseFacts;
use crate::montage::{LegendEntry, Picture};
use crate::report::QcReport;

const TEMPLATE: &str = include_str!("page.html");

/// Why a page cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the page of the course cannot be rendered: {0}")]
pub struct PageError(#[from] minijinja::Error);

/// A structure as the page lists it.
#[derive(serde::Serialize)]
struct Line<'a> {
    name: &'a str,
    source: &'a str,
    kind: &'a str,
    volume_cc: Option<f64>,
    mean_gy: Option<f64>,
    covered_percent: Option<f64>,
}

/// The HTML page of one course: the report, slices with outlines, its structures, and what organize noted; every value is escaped, nothing
/// is loaded from outside.
///
/// # Errors
/// [`PageError`] when the built-in template does not fit the report (a fault of the program).
pub fn render(report: &QcReport, facts: &CourseFacts, (pictures, legend): (&[Picture], &[LegendEntry])) -> Result<String, PageError> {
    let lines: Vec<Line<'_>> = facts
        .rois
        .iter()
        .map(|r| Line {
            name: &r.name,
            source: &r.source,
            kind: &r.interpreted_type,
            volume_cc: (r.voxels > 0).then_some(r.volume_cc),
            mean_gy: r.mean_gy,
            covered_percent: r.covered_fraction.map(|c| 100.0 * c),
        })
        .collect();
    let mut env = Environment::new();
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.add_template("page", TEMPLATE)?;
    Ok(env.get_template("page")?.render(
        context! { report => Serde(report), structures => Serde(&lines), notes => Serde(&facts.notes),
        pictures => Serde(pictures), legend => Serde(legend) },
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::RoiFact;
    use crate::report::{CheckResult, Finding, QcStatus};

    #[test]
    fn names_are_text_and_never_markup() {
        let mut facts = CourseFacts::default();
        facts.rois.push(RoiFact {
            name: "<b>PTV</b>".into(),
            voxels: 10,
            volume_cc: 15.06,
            covered_fraction: Some(0.5),
            ..RoiFact::default()
        });
        facts.notes.push(("organize.x".into(), "<i>note</i>".into()));
        let finding = Finding {
            status: QcStatus::Warning,
            item: "</script><img src=x onerror=alert(1)>".into(),
            message: "{{7*7}}".into(),
            value: Some(0.5),
            limit: Some(0.95),
        };
        let check = CheckResult {
            id: "dose_coverage".into(),
            code: "qc.dose_coverage".into(),
            status: QcStatus::Warning,
            message: "one".into(),
            remedy: "look".into(),
            findings: vec![finding],
        };
        let page = render(&QcReport::new("P<1>", "C1", vec![check]), &facts, (&[], &[])).unwrap();
        assert!(page.contains("P&lt;1&gt;") && page.contains("&lt;img src=x"));
        assert!(page.contains("&lt;b&gt;PTV") && page.contains("15.06") && page.contains("50.0") && page.contains("&lt;i&gt;note"));
        assert!(page.contains("{{7*7}}") && !page.contains("<img"));
        assert!(page.contains("default-src &#x27;none&#x27;") || page.contains("default-src 'none'"));
    }
}
