//! Alderson phantom, `RayStation`: a whole clinical chain. Reference: `peers/dvh.md`, converged to 3 or 4 digits.

use rt_records::tables::dvh as t;
use rt_testdata::{Scratch, unpacked};

use crate::evaluated;

/// Name, volume cm3, then Dmean, D98, D95, D2 and D2cc in Gy.
const REFERENCE: [(&str, f64, [f64; 5]); 3] = [
    ("PTV", 15.058, [60.065, 58.263, 58.605, 61.219, 60.915]),
    ("Bladder", 64.965, [6.330, 0.619, 0.700, 30.370, 27.814]),
    ("Rectum", 25.999, [15.588, 1.044, 1.194, 45.130, 36.067]),
];

#[test]
fn figures_are_those_of_the_converged_reference() {
    let Some(input) = unpacked("data/alderson/alderson.zip") else {
        return;
    };
    let out = Scratch::new("out");
    let (course, table) = evaluated(input.path(), out.path());
    let record = course.read_record().unwrap();
    assert_eq!(record.images[0].n_slices, 160);
    assert_eq!(record.structure_sets[0].rois.len(), 6);
    assert_eq!(
        (record.prescription.total_gy, record.prescription.fractions_planned),
        (Some(60.0), Some(20))
    );
    // PLAN and BEAM hold the same values: one is taken, they are never added.
    assert_eq!(record.dose.as_ref().unwrap().source_doses.len(), 1);
    assert_eq!(table.rows(), 6);
    for (name, volume, doses) in REFERENCE {
        let row = table.iter().find(|r| r.text(&t::ROI_NAME) == Some(name)).unwrap();
        // The reference is given to 5 digits of volume, and to 0.001 Gy.
        assert!((row.float(&t::VOLUME_CM3).unwrap() / volume - 1.0).abs() < 2e-4, "{name}");
        let d2cc = t::metric_column("D2cc").unwrap();
        let columns = [&t::DMEAN_GY, &t::D98_GY, &t::D95_GY, &t::D2_GY, &d2cc];
        for (column, expected) in columns.into_iter().zip(doses) {
            let value = row.float(column).unwrap();
            assert!(
                (value - expected).abs() < 0.01,
                "{name} {}: {value} against {expected}",
                column.name
            );
        }
        assert_eq!(row.text(&t::STATUS), Some("ok"));
    }
}
