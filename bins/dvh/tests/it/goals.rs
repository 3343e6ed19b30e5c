//! What a configuration adds to the rows of a course: goals, prescriptions of single targets, EQD2, complication, half-ranges.

use rt_records::parquet;
use rt_records::tables::{dvh as t, goals as g};
use rt_testdata::{Field, Scratch, Vec3, cohort};

use crate::evaluated_with;

const CONFIG: &str = r#"
[dvh]
biological = ["eqd2"]
goals = "targets,quantec"
models = "published"
metrics = ["D0.5cc", "D2cc/Rx"]
targets = [{ roi = "PTV_boost", rx = 64.0 }]
"#;

/// 60 Gy in 20 fractions everywhere; a PTV, a boost and a rectum with a German name.
fn course(input: &Scratch) {
    let even = Field::Gradient {
        at: Vec3::ZERO,
        gy: 60.0,
        per_mm: Vec3::ZERO,
    };
    cohort()
        .seed(7)
        .course(|c| {
            let c = c.ct([40, 40, 20]).spacing([4.0, 4.0, 4.0]);
            let c = c.sphere("PTV", 24.0).sphere("PTV_boost", 12.0).sphere("Enddarm", 16.0);
            c.treat("PELVIS", 60.0, 20, even)
        })
        .write(input.path())
        .unwrap();
}

#[test]
fn one_dose_everywhere_gives_known_figures_and_verdicts() {
    let (input, out) = (Scratch::new("dicom"), Scratch::new("out"));
    course(&input);
    let (place, table) = evaluated_with(input.path(), out.path(), CONFIG);
    let row = |dose: &str, name: &str| {
        let found = table
            .iter()
            .find(|r| r.text(&t::DOSE) == Some(dose) && r.text(&t::ROI_NAME) == Some(name));
        found.unwrap()
    };
    let near = |a: Option<f64>, b: f64| assert!((a.unwrap() - b).abs() < 1e-3, "{a:?} against {b}");
    // a/b 10: 60 (1 + 3/10) / 1.2 = 65; a/b 3: 60 (1 + 1) / (5/3) = 72.
    near(row("course EQD2", "PTV").float(&t::DMEAN_GY), 65.0);
    near(row("course EQD2", "PTV").float(&t::RX_GY), 65.0);
    near(row("course EQD2", "Enddarm").float(&t::DMEAN_GY), 72.0);
    near(row("course EQD2", "Enddarm").float(&t::ALPHA_BETA_GY), 3.0);
    let rectum = row("course", "Enddarm");
    assert_eq!(rectum.text(&t::STANDARD_NAME), Some("Rectum"));
    // (72 - 76.9) / (0.13 x 76.9) = -0.490147: 31.201 %.
    near(rectum.float(&t::NTCP_PERCENT), 31.2014);
    let boost = row("course", "PTV_boost");
    assert_eq!(
        (boost.text(&t::RX_SOURCE), boost.float(&t::RX_GY)),
        (Some("explicit_roi"), Some(64.0))
    );
    near(boost.float(&t::metric_column("D2cc/Rx").unwrap()), 93.75);
    let half = |metric: &str| row("course", "PTV").float(&t::half_range_column(metric).unwrap()).unwrap();
    assert!(half("D0.5cc") < 1e-3 && half("Volume") > 0.0);

    let goals = parquet::read(place.dvh_goals().as_std_path()).unwrap();
    let verdict = |name: &str, goal: &str| {
        let found = goals
            .iter()
            .find(|r| r.text(&g::ROI_NAME) == Some(name) && r.text(&g::GOAL_TEXT) == Some(goal));
        let found = found.unwrap();
        (found.text(&g::RESULT).unwrap().to_owned(), found.float(&g::MARGIN).unwrap())
    };
    assert_eq!(verdict("PTV", "D98%/Rx >= 95").0, "pass");
    // 60 of 64 Gy: 93.75 %, within the acceptable 90 %.
    let (result, margin) = verdict("PTV_boost", "D98%/Rx >= 95");
    assert!(result == "acceptable" && (margin + 1.25).abs() < 1e-3, "{result} {margin}");
    assert_eq!(verdict("Enddarm", "V50Gy <= 50"), ("fail".to_owned(), -50.0));
    let cord = goals.iter().find(|r| r.text(&g::GOAL_ROI) == Some("SpinalCord")).unwrap();
    assert_eq!(
        (cord.text(&g::RESULT), cord.text(&g::REASON)),
        (Some("not_evaluable"), Some("goal.no_structure"))
    );
}

#[test]
fn without_goals_there_is_no_table_of_them() {
    let (input, out) = (Scratch::new("dicom"), Scratch::new("out"));
    course(&input);
    let (place, _) = evaluated_with(input.path(), out.path(), CONFIG);
    assert!(place.dvh_goals().exists());
    let (place, table) = evaluated_with(input.path(), out.path(), "");
    assert!(!place.dvh_goals().exists());
    assert!(table.iter().all(|r| r.text(&t::DOSE) == Some("course")));
}
