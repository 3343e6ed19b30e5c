//! Alderson phantom, `RayStation`: a whole clinical chain. Reference: `peers/dvh.md`, converged to 3 or 4 digits.

use rt_records::tables::dvh as t;
use rt_testdata::{Scratch, unpacked};

use crate::evaluated;

/// Name, volume cm3, then Dmean, D98, D95, D2 and D2cc in Gy, and the sampled maximum, which a true one exceeds.
const REFERENCE: [(&str, f64, [f64; 5], f64); 5] = [
    ("PTV", 15.058, [60.065, 58.263, 58.605, 61.219, 60.915], 61.355),
    ("Bladder", 64.965, [6.330, 0.619, 0.700, 30.370, 27.814], 45.44),
    ("Rectum", 25.999, [15.588, 1.044, 1.194, 45.130, 36.067], 53.17),
    ("FemoralHead_L", 19.282, [15.416, 3.815, 6.622, 21.700, 19.556], 24.09),
    ("FemoralHead_R", 19.877, [16.470, 6.571, 8.700, 24.474, 21.719], 27.49),
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
    for (name, volume, doses, sampled_max) in REFERENCE {
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
        let max = row.float(&t::DMAX_GY).unwrap();
        assert!(max > sampled_max - 0.006 && max < sampled_max + 0.5, "{name}: {max}");
        assert_eq!(row.text(&t::STATUS), Some("ok"));
    }
    // The hull of the dose (-158.8 to 177.2, -286.1 to -61.1, -679 to -349 mm by its header) holds the body; where nothing was computed
    // the file stores 0 Gy, and so the figures of its cold side are 0.
    let body = table.iter().find(|r| r.text(&t::ROI_NAME) == Some("Body")).unwrap();
    assert!((body.float(&t::COVERED_FRACTION).unwrap() - 1.0).abs() < 1e-9);
    assert!((body.float(&t::VOLUME_CM3).unwrap() / 16_406.0 - 1.0).abs() < 1e-3);
    assert!(body.float(&t::D98_GY).unwrap().abs() < 0.01 && body.float(&t::DMIN_GY).unwrap().abs() < 1e-9);
}
