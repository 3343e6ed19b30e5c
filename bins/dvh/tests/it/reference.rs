//! `dvh.mode = "reference"`: the predecessor's columns, and nothing else. With dicompyler-core beside it, its figures too.

use std::process::Command;

use rt_records::tables::dvh as t;
use rt_testdata::{Field, Scratch, Vec3, cohort};

use crate::evaluated_with;

/// A linear dose whose samples lie on no bin edge, and an ellipsoid.
fn course(input: &Scratch) {
    let linear = Field::Gradient {
        at: Vec3::ZERO,
        gy: 50.0,
        per_mm: Vec3::new(0.253_71, 0.031_13, 0.071_37),
    };
    cohort()
        .seed(11)
        .course(|c| {
            let c = c.ct([60, 60, 20]).spacing([2.0, 2.0, 4.0]);
            let c = c.structure(
                "PTV",
                rt_testdata::Shape::ellipsoid(Vec3::new(3.0, 1.0, 0.0), Vec3::new(31.0, 22.0, 27.0)),
            );
            c.treat("PLAN", 50.0, 25, linear)
        })
        .write(input.path())
        .unwrap();
}

#[test]
fn rows_hold_the_old_columns_and_say_so() {
    let (input, out) = (Scratch::new("dicom"), Scratch::new("out"));
    course(&input);
    let (place, table) = evaluated_with(input.path(), out.path(), "[dvh]\nmode = \"reference\"\n");
    let row = table.iter().find(|r| r.text(&t::ROI_NAME) == Some("PTV")).unwrap();
    assert_eq!(row.text(&t::SAMPLING), Some("reference"));
    let (mean, volume) = (row.float(&t::DMEAN_GY).unwrap(), row.float(&t::VOLUME_CM3).unwrap());
    // The middle of the ellipsoid has 50.79 Gy; voxel counting on 4 mm misses a percent or two of 77.1 cm3.
    assert!((mean - 50.79).abs() < 0.3 && (volume / 77.1 - 1.0).abs() < 0.05, "{mean} {volume}");
    assert_eq!((row.float(&t::GEUD_A8_GY), row.float(&t::COVERED_FRACTION)), (None, None));
    let curves = rt_records::parquet::read(place.dvh_curves().as_std_path()).unwrap();
    assert_eq!(curves.rows(), 1);
}

const SCRIPT: &str = r"
import sys
from dicompylercore import dicomparser, dvhcalc
rs, rd = sys.argv[1:3]
number = [k for k, s in dicomparser.DicomParser(rs).GetStructures().items() if s['name'] == 'PTV'][0]
d = dvhcalc.get_dvh(rs, rd, number)
print(repr(float(d.volume)), repr(float(d.mean)), repr(float(d.max)), repr(float(d.min)))
";

#[test]
fn dicompyler_core_finds_the_same_where_it_is_installed() {
    let python = std::env::var("RT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let (input, out) = (Scratch::new("dicom"), Scratch::new("out"));
    course(&input);
    let file = |start: &str| {
        let mut open = vec![input.path().to_path_buf()];
        while let Some(next) = open.pop() {
            for entry in std::fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if path.file_name().unwrap().to_string_lossy().starts_with(start) {
                    return path;
                }
            }
        }
        panic!("no {start}");
    };
    let run = Command::new(&python).arg("-c").arg(SCRIPT).arg(file("RS")).arg(file("RD")).output();
    let Some(output) = run.ok().filter(|o| o.status.success()) else {
        println!("skipped: {python} with dicompyler-core is not there (RT_PYTHON)");
        return;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let theirs: Vec<f64> = text.split_whitespace().map(|v| v.parse().unwrap()).collect();
    let (_, table) = evaluated_with(input.path(), out.path(), "[dvh]\nmode = \"reference\"\n");
    let row = table.iter().find(|r| r.text(&t::ROI_NAME) == Some("PTV")).unwrap();
    let ours = [&t::VOLUME_CM3, &t::DMEAN_GY, &t::DMAX_GY, &t::DMIN_GY].map(|c| row.float(c).unwrap());
    for (a, b) in ours.into_iter().zip(&theirs) {
        assert!((a - b).abs() <= 1e-9 * b.abs(), "{ours:?} against {theirs:?}");
    }
}
