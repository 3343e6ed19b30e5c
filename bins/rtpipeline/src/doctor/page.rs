//! The commissioning page: one HTML file without scripts or links, to be printed and filed.

use std::fmt::Write as _;

use super::Installation;
use super::phantoms::Check;

const STYLE: &str = "body{font:14px/1.4 sans-serif;margin:2em auto;max-width:60em}table{border-collapse:collapse;width:100%}\
th,td{border-bottom:1px solid #ccc;padding:.2em .5em;text-align:left}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\
.fail{color:#a00;font-weight:bold}.sign td{border-bottom:1px solid #000;height:3em}@media print{body{margin:0}}";

/// The page.
pub(crate) fn html(installation: &Installation, checks: &[Check]) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Commissioning of the DVH engine</title><style>{STYLE}</style></head><body>\n\
         <h1>Commissioning of the DVH engine</h1>\n<p>Boxes and a sphere in linear doses, written as DICOM, read and evaluated by the installed \
         <code>rt-dvh files</code> with its shipped settings; every figure beside its closed form. Research use; not a medical device.</p>\n<table>"
    );
    for (name, value) in installation.facts() {
        let _ = writeln!(page, "<tr><th>{}</th><td>{}</td></tr>", escaped(name), escaped(&value));
    }
    let passed = checks.iter().filter(|c| c.passes()).count();
    let _ = write!(
        page,
        "</table>\n<h2>Result: {passed} of {} figures within their tolerance</h2>\n<table><thead><tr><th>Phantom</th><th>Figure</th>\
         <th class=\"n\">Expected</th><th class=\"n\">Computed</th><th class=\"n\">Difference</th><th class=\"n\">Tolerance</th><th>Result</th></tr></thead><tbody>\n",
        checks.len()
    );
    for check in checks {
        let number = |v: Option<f64>| v.map_or_else(|| "none".to_owned(), |v| format!("{v:.4}"));
        let result = if check.passes() {
            "pass"
        } else {
            "<span class=\"fail\">FAIL</span>"
        };
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{:.4}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{:.4}</td><td>{result}</td></tr>",
            escaped(&check.phantom),
            escaped(&check.figure),
            check.expected,
            number(check.computed),
            number(check.computed.map(|v| v - check.expected)),
            check.tolerance
        );
    }
    page.push_str(
        "</tbody></table>\n<table class=\"sign\"><tr><td>Date</td><td>Name</td><td>Signature</td></tr></table>\n</body></html>\n",
    );
    page
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
