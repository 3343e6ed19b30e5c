//! Objects that are written: read back to the voxel, and checked by dicom3tools where it is installed.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use ndarray::Array3;
use rt_core::{Grid, Mat3, Vec3};
use rt_dicom::{
    Code, Dose, DoseHeader, DoseUnits, NewDose, NewRoi, NewSegment, NewSegmentation, NewStructureSet, Origin, OriginSlice, SegOptions,
    read_dose, read_segmentation, read_structures, write_dose, write_segmentation, write_structures,
};
use rt_image::trace::{HoleStyle, Outline, TraceOptions, trace};
use rt_image::{Mask, RasterOptions, Volume, rasterize};
use rt_testdata::Scratch;

/// Axial and turned grids in the voxel order of dcm2niix, with unlike spacings.
fn grids() -> Vec<Arc<Grid>> {
    let flipped = Mat3::from_cols(Vec3::X, Vec3::NEG_Y, Vec3::Z);
    let (sin, cos) = 0.3_f64.sin_cos();
    let turned = Mat3::from_cols(Vec3::new(cos, sin, 0.0), Vec3::new(sin, -cos, 0.0), Vec3::Z);
    let grid = |axes| Arc::new(Grid::new([60, 52, 30], Vec3::new(-30.3, 41.7, -12.125), [0.976_562_5, 1.25, 2.5], axes).unwrap());
    vec![grid(flipped), grid(turned)]
}

fn mask(grid: &Arc<Grid>, inside: impl Fn(Vec3) -> bool) -> Mask {
    let centre = grid.centre(30, 26, 15);
    let data = Array3::from_shape_fn(grid.shape(), |(k, j, i)| u8::from(inside(grid.centre(i, j, k) - centre)));
    Mask::from_block(grid, [0, 0, 0], data).unwrap()
}

/// A ball, a hollow ball, an island in a hole, a sheet of one voxel, and one voxel.
fn masks(grid: &Arc<Grid>) -> Vec<(&'static str, Mask)> {
    let ball = |r: f64| move |p: Vec3| p.length() <= r;
    vec![
        ("Ball", mask(grid, ball(20.0))),
        ("Hollow \u{c9}\\", mask(grid, |p| p.length() <= 22.0 && p.length() > 12.0)),
        (
            "Island",
            mask(grid, |p| (p.length() <= 22.0 && p.length() > 15.0) || p.length() <= 6.0),
        ),
        ("Sheet", mask(grid, |p| p.x.abs() < 0.6 && p.y.abs() < 15.0 && p.z.abs() < 15.0)),
        ("Tiny", mask(grid, ball(0.1))),
    ]
}

fn origin(grid: &Grid) -> Origin {
    let normal = grid.direction().x_axis.cross(-grid.direction().y_axis);
    Origin {
        patient_name: "Pr\u{fc}fung^Eins".into(),
        patient_id: "T01".into(),
        sex: "O".into(),
        study_uid: "1.2.3".into(),
        study_date: "20240105".into(),
        study_time: "101500".into(),
        study_id: "7".into(),
        frame_uid: "1.2.4".into(),
        series_uid: "1.2.5".into(),
        sop_class: "1.2.840.10008.5.1.4.1.1.2".into(),
        date: "20240105".into(),
        time: "101530".into(),
        normal,
        slices: (0..grid.size()[2])
            .map(|k| OriginSlice {
                sop_uid: format!("1.2.5.{k}"),
                position_mm: normal.dot(grid.centre(0, 0, k)),
            })
            .collect(),
        ..Origin::default()
    }
}

/// Errors that dciodvfy reports; `None` where it is not installed.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn errors_of(path: &Path) -> Option<Vec<String>> {
    let Ok(out) = Command::new("dciodvfy").arg("-new").arg(path).output() else {
        println!("skipped: dciodvfy (Debian package dicom3tools) is not installed");
        return None;
    };
    let text = String::from_utf8_lossy(&out.stderr).into_owned() + &String::from_utf8_lossy(&out.stdout);
    Some(text.lines().filter(|l| l.starts_with("Error")).map(str::to_owned).collect())
}

fn structure_set(masks: &[(&str, Mask)], options: TraceOptions) -> NewStructureSet {
    let roi = |(name, mask): &(&str, Mask)| NewRoi {
        name: (*name).to_owned(),
        made_by: "test 1.0".into(),
        algorithm: "AUTOMATIC".into(),
        interpreted_type: "ORGAN".into(),
        colour: None,
        contours: trace(mask, options),
    };
    NewStructureSet {
        label: "rtpipeline automatic".into(),
        description: "Automatic structures".into(),
        series_number: 9001,
        name_max: 64,
        rois: masks.iter().map(roi).collect(),
    }
}

#[test]
fn masks_come_back_from_a_structure_set_bit_for_bit() {
    let scratch = Scratch::new("written-rs");
    for grid in grids() {
        let masks = masks(&grid);
        for (outline, holes) in [
            (Outline::Midpoints, HoleStyle::Inner),
            (Outline::PixelEdges, HoleStyle::Inner),
            (Outline::Midpoints, HoleStyle::Keyhole),
        ] {
            let set = structure_set(&masks, TraceOptions { outline, holes });
            let mut bytes = Vec::new();
            let uid = write_structures(&mut bytes, &set, &origin(&grid)).unwrap();
            let path = scratch.write("rs.dcm", &bytes);
            let read = read_structures(&path).unwrap();
            assert_eq!((read.sop_uid.as_str(), read.label.as_str()), (uid.as_str(), "rtpipeline autom"));
            assert_eq!(
                (read.frames.as_slice(), read.series.as_slice()),
                (["1.2.4".to_owned()].as_slice(), ["1.2.5".to_owned()].as_slice())
            );
            assert!(read.notices.is_empty(), "{:?}", read.notices);
            assert_eq!(read.rois[1].name, "Hollow \u{c9}", "the value delimiter is no part of a name");
            for ((name, mask), roi) in masks.iter().zip(&read.rois) {
                let raster = rasterize(&roi.contours, &grid, RasterOptions::default()).unwrap();
                assert_eq!(&raster.mask, mask, "{name} {outline:?} {holes:?}");
            }
            if let Some(errors) = errors_of(&path) {
                assert!(errors.is_empty(), "{errors:#?}");
            }
            let mut again = Vec::new();
            write_structures(&mut again, &set, &origin(&grid)).unwrap();
            assert_eq!(bytes, again);
        }
    }
}

fn segments<'a>(masks: &'a [(&str, Mask)]) -> Vec<NewSegment<'a>> {
    let segment = |(n, (name, mask)): (usize, &'a (&str, Mask))| NewSegment {
        name: (*name).to_owned(),
        algorithm: "test 1.0".into(),
        algorithm_type: "AUTOMATIC".into(),
        code: (n == 0).then(|| Code::sct("10200004", "Liver")),
        laterality: (n == 0).then(|| Code::sct("7771000", "Left")),
        mask,
    };
    masks.iter().enumerate().map(segment).collect()
}

#[test]
fn masks_come_back_from_a_segmentation_bit_for_bit() {
    let scratch = Scratch::new("written-seg");
    for grid in grids() {
        let masks = masks(&grid);
        let new = NewSegmentation {
            description: "Automatic structures".into(),
            series_number: 9002,
            segments: segments(&masks),
        };
        let mut bytes = Vec::new();
        let uid = write_segmentation(&mut bytes, &new, &origin(&grid)).unwrap();
        let path = scratch.write("seg.dcm", &bytes);
        let read = read_segmentation(&path, &SegOptions::default()).unwrap();
        assert_eq!(
            (read.sop_uid, read.kind.as_str(), read.series),
            (uid, "BINARY", vec!["1.2.5".to_owned()])
        );
        let (size, from) = (read.grid.size(), grid.world_to_index(read.grid.centre(0, 0, 0)));
        assert_eq!(size[..2], grid.size()[..2], "frames are as large as the image");
        for ((name, mask), got) in masks.iter().zip(&read.segments) {
            assert_eq!(got.mask.count(), mask.count(), "{name}");
            assert_eq!(got.mask.block(), mask.block(), "{name}");
            let lo = [0, 1].map(|a| got.mask.lo()[a]);
            assert_eq!(lo, [0, 1].map(|a| mask.lo()[a]), "{name}");
            assert!((got.mask.lo()[2] as f64 + from.z - mask.lo()[2] as f64).abs() < 1e-6, "{name}");
        }
        if let Some(errors) = errors_of(&path) {
            assert!(errors.is_empty(), "{errors:#?}");
        }
    }
}

#[test]
fn a_dose_comes_back_within_its_step() {
    let scratch = Scratch::new("written-rd");
    for grid in grids() {
        let data = Array3::from_shape_fn(grid.shape(), |(k, j, i)| {
            let p = grid.centre(i, j, k);
            #[expect(clippy::cast_possible_truncation, reason = "a test value")]
            let v = (40.0 + 0.2 * p.x - 0.3 * p.y + 0.1 * p.z) as f32;
            v
        });
        let dose = Dose {
            volume: Volume::new(Arc::clone(&grid), data).unwrap(),
            header: DoseHeader {
                sop_uid: String::new(),
                study_uid: "1.2.3".into(),
                frame_uid: "1.2.4".into(),
                units: DoseUnits::Gy,
                dose_type: "PHYSICAL".into(),
                summation: "PLAN_SUM".into(),
                comment: None,
                scaling: 1.0,
                plans: vec![],
                structures: vec![],
                beams: vec![],
                created: None,
                min: 0.0,
                max: 0.0,
                mean: 0.0,
                stored_dvhs: Vec::new(),
            },
            notices: vec![],
        };
        let new = NewDose {
            description: "Sum".into(),
            comment: "Sum of 2 doses".into(),
            series_number: 9003,
            plans: vec!["1.9.1".into(), "1.9.2".into()],
            sources: vec!["1.8.1".into(), "1.8.2".into()],
        };
        let mut bytes = Vec::new();
        let uid = write_dose(&mut bytes, &dose, &new, &origin(&grid)).unwrap();
        let path = scratch.write("rd.dcm", &bytes);
        let read = read_dose(&path).unwrap();
        assert_eq!(
            (read.header.sop_uid.as_str(), read.header.summation.as_str()),
            (uid.as_str(), "MULTI_PLAN")
        );
        assert_eq!(read.header.plans, ["1.9.1", "1.9.2"]);
        assert!(read.volume.grid().difference(&grid, rt_core::GridTolerance::default()).is_none());
        // Half a step of 1 uGy, and the rounding of single precision at 60 Gy (4e-6).
        for (a, b) in read.volume.data().iter().zip(dose.volume.data()) {
            assert!((a - b).abs() < 5e-6, "{a} {b}");
        }
        if let Some(errors) = errors_of(&path) {
            assert!(errors.is_empty(), "{errors:#?}");
        }
    }
}
