//! Two plans of one course: the row of the course is the sum, and each plan has rows of its own.

use rt_records::tables::dvh as t;
use rt_testdata::{Field, Scratch, Vec3, cohort};

use crate::evaluated;

#[test]
fn primary_and_boost_are_added_and_told_apart() {
    let (input, out) = (Scratch::new("dicom"), Scratch::new("out"));
    let linear = |gy: f64, per_mm: Vec3| Field::Gradient {
        at: Vec3::ZERO,
        gy,
        per_mm,
    };
    cohort()
        .seed(5)
        .course(|c| {
            let c = c.ct([40, 40, 20]).spacing([4.0, 4.0, 4.0]).sphere("PTV", 24.0);
            c.treat("PELVIS", 50.0, 25, linear(50.0, Vec3::new(0.1, 0.0, 0.0))).treat(
                "PELVIS BOOST",
                16.0,
                8,
                linear(16.0, Vec3::new(0.0, 0.2, 0.0)),
            )
        })
        .write(input.path())
        .unwrap();
    let (_, table) = evaluated(input.path(), out.path());
    let of = |dose: &str| {
        let row = table
            .iter()
            .find(|r| r.text(&t::DOSE) == Some(dose) && r.text(&t::ROI_NAME) == Some("PTV"))
            .unwrap();
        (row.float(&t::DMEAN_GY).unwrap(), row.float(&t::RX_GY).unwrap())
    };
    // The mean of a linear dose over a sphere is that of its centre.
    for (dose, mean, rx) in [("course", 66.0, 66.0), ("PELVIS", 50.0, 50.0), ("PELVIS BOOST", 16.0, 16.0)] {
        let (found, found_rx) = of(dose);
        assert!((found - mean).abs() < 0.05, "{dose}: {found}");
        assert!((found_rx - rx).abs() < 1e-9, "{dose}: {found_rx}");
    }
}
