//! A dose that carries histograms of the planning system, one of them with units that are not what it says.

use rt_records::parquet;
use rt_records::tables::stored as t;
use rt_testdata::dicom::{DataSet, tag};
use rt_testdata::{Field, Kind, Scratch, Vec3, cohort};

use crate::evaluated_with;

/// A cumulative histogram that falls evenly from `lo` to `hi`: pairs of bin width and volume.
fn falling(roi: i64, lo: f64, hi: f64, whole: f64) -> DataSet {
    let mut data = vec![lo, whole];
    for k in 0..100 {
        data.extend([(hi - lo) / 100.0, whole * (1.0 - f64::from(k) / 100.0)]);
    }
    let reference = DataSet::new()
        .text(tag::DVH_ROI_CONTRIBUTION_TYPE, "INCLUDED")
        .integers(tag::REFERENCED_ROI_NUMBER, &[roi]);
    DataSet::new()
        .text(tag::DVH_TYPE, "CUMULATIVE")
        .text(tag::DOSE_UNITS, "GY")
        .text(tag::DOSE_TYPE, "PHYSICAL")
        .decimals(tag::DVH_DOSE_SCALING, &[1.0])
        .text(tag::DVH_VOLUME_UNITS, "CM3")
        .integers(tag::DVH_NUMBER_OF_BINS, &[101])
        .decimals(tag::DVH_DATA, &data)
        .items(tag::DVH_REFERENCED_ROI_SEQUENCE, vec![reference])
}

#[test]
fn stored_histograms_stand_beside_ours() {
    let (input, out) = (Scratch::new("dicom"), Scratch::new("out"));
    let linear = Field::Gradient {
        at: Vec3::ZERO,
        gy: 50.0,
        per_mm: Vec3::new(0.25, 0.0, 0.0),
    };
    // A box of 40 mm along x: evenly from 45 to 55 Gy, 40 x 40 x 40 mm = 64 cm3.
    let half = Vec3::new(20.0, 20.0, 20.0);
    cohort()
        .seed(3)
        .course(|c| {
            let c = c.ct([60, 60, 20]).spacing([2.0, 2.0, 4.0]);
            let c = c.structure("Box", rt_testdata::Shape::cuboid(Vec3::ZERO, half));
            let c = c.structure("Other", rt_testdata::Shape::cuboid(Vec3::ZERO, half));
            c.treat("PLAN", 50.0, 25, linear).edit(|mut object| {
                if object.kind == Kind::Dose {
                    // The second says GY and CM3 and holds percent of 50 Gy and of the volume.
                    let items = vec![
                        falling(1, 45.0, 55.0, 64.0),
                        falling(2, 90.0, 110.0, 100.0),
                        falling(9, 1.0, 2.0, 5.0),
                    ];
                    let set = std::mem::take(object.set_mut()).items(tag::DVH_SEQUENCE, items).in_order();
                    *object.set_mut() = set;
                }
                vec![object]
            })
        })
        .write(input.path())
        .unwrap();
    let (place, _) = evaluated_with(input.path(), out.path(), "");
    let table = parquet::read(place.dvh_compare().as_std_path()).unwrap();
    assert_eq!(table.rows(), 3);
    let rows: Vec<_> = table.iter().collect();
    let near = |a: Option<f64>, b: f64, tolerance: f64| assert!((a.unwrap() - b).abs() < tolerance, "{a:?} against {b}");
    assert_eq!((rows[0].text(&t::STATUS), rows[0].text(&t::DOSE_READING)), (Some("ok"), Some("Gy")));
    near(rows[0].float(&t::STORED_D95_GY), 45.5, 1e-6);
    near(rows[0].float(&t::D95_DIFFERENCE_GY), 0.0, 0.02);
    near(rows[0].float(&t::DMEAN_DIFFERENCE_GY), 0.0, 0.06);
    near(rows[0].float(&t::VOLUME_DIFFERENCE_PERCENT), 0.0, 0.01);
    assert!(rows[0].float(&t::LARGEST_DIFFERENCE_PERCENT).unwrap() < 0.2);
    assert_eq!(rows[1].text(&t::ERROR_CODE), Some("dvh.stored_units"));
    assert_eq!(rows[1].text(&t::DOSE_READING), Some("percent of prescription"));
    near(rows[1].float(&t::D50_DIFFERENCE_GY), 0.0, 0.02);
    assert_eq!(rows[1].float(&t::STORED_VOLUME_CC), None);
    assert_eq!(rows[2].text(&t::ERROR_CODE), Some("dvh.stored_no_structure"));
}
