//! The course page: one self-contained HTML file without scripts.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, context};

use crate::report::QcReport;

const TEMPLATE: &str = include_str!("page.html");

/// Why a page cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the page of the course cannot be rendered: {0}")]
pub struct PageError(#[from] minijinja::Error);

/// The HTML page of one report; every value is escaped, nothing is loaded from outside.
///
/// # Errors
/// [`PageError`] when the built-in template does not fit the report (a fault of the program).
pub fn render(report: &QcReport) -> Result<String, PageError> {
    let mut env = Environment::new();
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.add_template("page", TEMPLATE)?;
    Ok(env.get_template("page")?.render(context! { report => Serde(report) })?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{CheckResult, Finding, QcStatus};

    #[test]
    fn names_are_text_and_never_markup() {
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
        let page = render(&QcReport::new("P<1>", "C1", vec![check])).unwrap();
        assert!(page.contains("P&lt;1&gt;") && page.contains("&lt;img src=x"));
        assert!(page.contains("{{7*7}}") && !page.contains("<img"));
        assert!(page.contains("default-src &#x27;none&#x27;") || page.contains("default-src 'none'"));
    }
}
