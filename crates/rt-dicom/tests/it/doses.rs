//! RTDOSE: every frame at its place, whichever way the offsets are written.

use rt_core::Vec3;
use rt_dicom::{Dose, DoseError, DoseUnits, read_dose};
use rt_testdata::Scratch;
use rt_testdata::dicom::{DataSet, Syntax, tag};

use crate::build::{AXIAL, Dosed, SCALING, gray};

fn read(dose: &Dosed) -> Result<Dose, DoseError> {
    let folder = Scratch::new("dose");
    read_dose(&folder.write("rd", dose.bytes()))
}

fn error(dose: &Dose) -> f64 {
    let grid = dose.volume.grid();
    let off = |((k, j, i), v): ((usize, usize, usize), &f32)| (f64::from(*v) - gray(grid.centre(i, j, k))).abs();
    dose.volume.data().indexed_iter().map(off).fold(0.0, f64::max)
}

fn codes(dose: &Dose) -> Vec<&str> {
    dose.notices.iter().map(|n| n.code).collect()
}

#[test]
fn frames_stand_where_their_offsets_say() {
    let z = 12.0;
    let absolute = |along: &[f64]| Some(along.iter().map(|a| z + a).collect::<Vec<f64>>());
    let rising = [0.0, 3.0, 6.0, 9.0];
    let falling = [0.0, -3.0, -6.0, -9.0];
    let uneven = [0.0, 2.0, 3.0, 7.5];
    let prone = (Vec3::NEG_X, Vec3::NEG_Y);
    let feet = (Vec3::NEG_X, Vec3::Y);
    for (name, axes, along, vector) in [
        ("relative", AXIAL, rising, Some(rising.to_vec())),
        ("falling", AXIAL, falling, Some(falling.to_vec())),
        ("uneven", AXIAL, uneven, Some(uneven.to_vec())),
        ("absolute", AXIAL, rising, absolute(&rising)),
        ("absolute falling", AXIAL, falling, absolute(&falling)),
        ("prone", prone, rising, Some(rising.to_vec())),
        ("prone absolute", prone, rising, absolute(&rising)),
        // Feet first: the normal points to the feet, so growing offsets run towards -z.
        ("feet first", feet, rising, Some(rising.to_vec())),
        ("sagittal", (Vec3::Y, Vec3::NEG_Z), rising, Some(rising.to_vec())),
    ] {
        for bits in [16, 32] {
            let mut dose = Dosed::new(axes, &along);
            (dose.vector, dose.bits) = (vector.clone(), bits);
            let read = read(&dose).unwrap();
            assert!(error(&read) <= SCALING / 2.0 + 1e-5, "{name}: {}", error(&read));
            assert!(codes(&read).is_empty(), "{name}: {:?}", read.notices);
            assert_eq!(read.volume.grid().size(), [3, 4, 4]);
            assert_eq!(read.volume.grid().is_uniform(), name != "uneven", "{name}");
            assert!(read.volume.grid().direction().determinant() < 0.0);
            assert_eq!(read.header.units, DoseUnits::Gy);
            assert_eq!(read.header.plans, ["1.5.1"]);
        }
    }
}

#[test]
fn encodings_agree() {
    let mut dose = Dosed::new(AXIAL, &[0.0, 3.0, 6.0]);
    let first = read(&dose).unwrap();
    for syntax in [Syntax::ImplicitLittle, Syntax::ExplicitBig] {
        dose.syntax = syntax;
        assert_eq!(read(&dose).unwrap(), first, "{syntax:?}");
    }
}

#[test]
fn units_are_told_and_relative_stays_relative() {
    let mut dose = Dosed::new(AXIAL, &[0.0, 3.0]);
    dose.units = "CGY";
    let centi = read(&dose).unwrap();
    assert_eq!(codes(&centi), ["dose.cgy"]);
    let p = centi.volume.grid().centre(1, 1, 1);
    assert!((f64::from(centi.volume.data()[[1, 1, 1]]) - gray(p) / 100.0).abs() < SCALING / 100.0);
    dose.units = "RELATIVE";
    let relative = read(&dose).unwrap();
    assert_eq!(
        (relative.header.units, codes(&relative)),
        (DoseUnits::Relative, vec!["dose.relative"])
    );
    dose.units = "MGY";
    assert_eq!(read(&dose).unwrap_err().code(), "dose.units");
}

#[test]
fn the_largest_stored_value_is_no_negative_one() {
    let mut dose = Dosed::new(AXIAL, &[0.0, 3.0]);
    // Values above 2^31 occur in 32-bit doses.
    dose.edit = |set| {
        let n = 24;
        set.with(tag::PIXEL_DATA, *b"OW", rt_testdata::dicom::Value::Longs(vec![u32::MAX; n]))
            .text(tag::DOSE_GRID_SCALING, "1E-8")
    };
    let read = read(&dose).unwrap();
    assert!((read.header.max - 42.949_672_95).abs() < 1e-5);
}

#[test]
fn frames_that_cannot_be_placed_are_refused() {
    let good = Dosed::new(AXIAL, &[0.0, 3.0, 6.0]);
    for (vector, reason) in [
        (Some(vec![0.0, 3.0]), "2 values for 3 frames"),
        (Some(vec![0.0, 3.0, 3.0]), "neither rises nor falls"),
        (Some(vec![0.0, 3.0, 1.0]), "neither rises nor falls"),
        (None, "missing for 3 frames"),
    ] {
        let mut dose = good.clone();
        dose.vector = vector;
        let error = read(&dose).unwrap_err();
        assert_eq!(error.code(), "dose.frame_offsets");
        assert!(error.to_string().contains(reason), "{error}");
    }
    let mut dose = good.clone();
    dose.vector = None;
    dose.edit = |set| set.decimals(tag::SLICE_THICKNESS, &[3.0]);
    let by_thickness = read(&dose).unwrap();
    assert_eq!(codes(&by_thickness), ["dose.no_frame_offsets"]);
    assert!(error(&by_thickness) <= SCALING / 2.0 + 1e-5);
    let mut shifted = good;
    shifted.vector = Some(vec![13.0, 16.0, 19.0]);
    let shifted = read(&shifted).unwrap();
    assert_eq!(codes(&shifted), ["dose.gfov_inconsistent"]);
    assert!(error(&shifted) <= SCALING / 2.0 + 1e-5, "the position is trusted");
}

#[test]
fn stored_histograms_are_read_as_written() {
    let mut dose = Dosed::new(AXIAL, &[0.0, 3.0]);
    dose.edit = |set| {
        let roi = |number: i64, kind: &str| {
            DataSet::new()
                .text(tag::DVH_ROI_CONTRIBUTION_TYPE, kind)
                .integers(tag::REFERENCED_ROI_NUMBER, &[number])
        };
        let item = DataSet::new()
            .text(tag::DVH_TYPE, "CUMULATIVE")
            .text(tag::DOSE_UNITS, "GY")
            .text(tag::DOSE_TYPE, "PHYSICAL")
            .decimals(tag::DVH_DOSE_SCALING, &[2.0])
            .text(tag::DVH_VOLUME_UNITS, "CM3")
            .integers(tag::DVH_NUMBER_OF_BINS, &[2])
            .decimals(tag::DVH_DATA, &[1.0, 8.0, 0.5, 4.0])
            .items(tag::DVH_REFERENCED_ROI_SEQUENCE, vec![roi(7, "INCLUDED"), roi(8, "EXCLUDED")])
            .decimals(tag::DVH_MEAN_DOSE, &[1.5]);
        let empty = DataSet::new().text(tag::DVH_TYPE, "CUMULATIVE");
        set.items(tag::DVH_SEQUENCE, vec![item, empty])
    };
    let read = read(&dose).unwrap();
    let [one] = read.header.stored_dvhs.as_slice() else {
        panic!("{:?}", read.header.stored_dvhs);
    };
    assert_eq!((one.rois.as_slice(), one.excludes), ([7].as_slice(), true));
    assert_eq!(
        (one.dose.as_slice(), one.volume.as_slice()),
        ([0.0, 2.0, 3.0].as_slice(), [8.0, 4.0, 0.0].as_slice())
    );
    assert_eq!(
        (one.dose_units.as_str(), one.volume_units.as_str(), one.mean),
        ("GY", "CM3", Some(1.5))
    );
    assert_eq!(codes(&read), ["dose.stored_dvh"]);
}

#[test]
fn what_is_no_dose_is_refused_with_its_reason() {
    let dose = |edit: fn(DataSet) -> DataSet| {
        let mut dose = Dosed::new(AXIAL, &[0.0, 3.0]);
        dose.edit = edit;
        read(&dose).unwrap_err().code()
    };
    assert_eq!(dose(|s| s.text(tag::DOSE_GRID_SCALING, "0")), "dose.scaling");
    assert_eq!(dose(|s| s.text(tag::DOSE_GRID_SCALING, "-1")), "dose.scaling");
    assert_eq!(dose(|s| s.empty(tag::DOSE_GRID_SCALING)), "dose.missing_attribute");
    assert_eq!(dose(|s| s.text(tag::DOSE_TYPE, "ERROR")), "dose.error_type");
    assert_eq!(
        dose(|s| s.text(tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.2")),
        "dicom.wrong_kind"
    );
    assert_eq!(
        dose(|s| s.text(tag::IMAGE_ORIENTATION_PATIENT, "1\\0\\0\\0\\0\\0")),
        "dose.missing_attribute"
    );
    assert_eq!(dose(|s| s.integers(tag::NUMBER_OF_FRAMES, &[1_000_000_000])), "dose.frame_offsets");
    assert_eq!(dose(|s| s.word(tag::ROWS, 400)), "image.pixel_length");
    let mut cut = Dosed::new(AXIAL, &[0.0, 3.0]).bytes();
    cut.truncate(cut.len() - 4);
    let folder = Scratch::new("cut");
    let error = read_dose(&folder.write("rd", cut)).unwrap_err();
    assert_eq!(error.code(), "dicom.truncated");
}

#[test]
fn one_plane_is_told() {
    let dose = read(&Dosed::new(AXIAL, &[0.0])).unwrap();
    assert_eq!(codes(&dose), ["dose.single_plane"]);
}
