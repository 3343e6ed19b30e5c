use rt_aggregate::render;

use crate::sample::Sample;

/// Names of `spec/reliability.md` section 4 that aim at pages.
const HOSTILE: &[&str] = &[
    "</script><img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "{{7*7}}{% raw %}",
    "<!--<script>",
    "' onmouseover='alert(1)",
    "\u{2028}line\u{2029}",
    "=1+1",
    "&lt;b&gt;",
    "smörgås 漢字",
    "\u{202e}gnp",
];

fn script_bodies(html: &str) -> Vec<&str> {
    html.split("<script").skip(1).map(|s| &s[..s.find("</script").unwrap()]).collect()
}

#[test]
fn hostile_names_are_text_everywhere() {
    let sample = Sample::new(3, HOSTILE);
    let html = render(&sample.input()).unwrap();
    // Two scripts: the data and ours; names opened none.
    assert_eq!(html.matches("<script").count(), 2);
    assert_eq!(html.matches("</script").count(), 2);
    let markup = &html[..html.find("<script").unwrap()];
    for attack in ["<img", "<svg onload", "' onmouseover='", "<!--"] {
        assert!(!markup.contains(attack), "{attack}");
    }
    assert!(html.contains("{{7*7}}{% raw %}"), "template text in a name stays as it is");
    assert!(!html.contains("&amp;lt;script"), "escaped once, not twice");
    let data: serde_json::Value = serde_json::from_str(script_bodies(&html)[0].split_once('>').unwrap().1).unwrap();
    let names: Vec<&str> = data["rows"].as_array().unwrap().iter().filter_map(|r| r[1].as_str()).collect();
    assert!(HOSTILE.iter().all(|n| names.contains(n)), "the data hold the true names: {names:?}");
}

#[test]
fn the_page_asks_for_nothing_and_allows_only_its_own_script() {
    let html = render(&Sample::new(2, &[]).input()).unwrap();
    for outside in ["http://", "https://", "src=", "@import", "url(", "style=\"", "onclick"] {
        let left = html.replace("http://www.w3.org/2000/svg", "");
        assert!(!left.contains(outside), "{outside}");
    }
    assert!(
        html.contains("default-src &#x27;none&#x27;; style-src &#x27;sha256-"),
        "{}",
        &html[..600]
    );
}

#[test]
fn curves_checks_and_costs_of_every_course_are_there_without_scripts() {
    let sample = Sample::new(8, &[]);
    let html = render(&sample.input()).unwrap();
    let static_part = &html[..html.find("<script").unwrap()];
    // Nine structures by name and source are drawn; the courses with a dose are 0 to 5 and 7.
    assert_eq!(static_part.matches("<svg class=\"dvh\"").count(), 10);
    assert!(static_part.contains("Dose-volume curves of PTV, 7 courses"));
    assert!(static_part.contains("00103 / 2024-03"));
    assert!(static_part.contains("qc.frame_of_reference"));
    assert!(static_part.contains("<svg class=\"gantt\""));
    assert!(static_part.contains("<svg class=\"strips\""));
}

#[test]
fn the_same_tables_give_the_same_page_and_an_empty_cohort_gives_one_too() {
    let sample = Sample::new(4, &[]);
    assert_eq!(render(&sample.input()).unwrap(), render(&sample.input()).unwrap());
    let empty = Sample::new(0, &[]);
    let html = render(&empty.input()).unwrap();
    assert!(html.contains("No course has dose-volume curves."));
    assert!(html.contains("No checks were run."));
}
