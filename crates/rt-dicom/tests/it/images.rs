//! Series to volumes: whatever the orientation, order and gaps, every voxel holds the field at its own place.

use rt_core::{Mat3, Vec3};
use rt_dicom::{ImageData, ImageSeries, SeriesError, SeriesOptions, SliceGap, read_series};
use rt_testdata::Scratch;
use rt_testdata::dicom::{DicomFile, tag};

use crate::build::{AXIAL, Axes, Slices, field, series};

fn read(slices: &Slices, gap: SliceGap) -> Result<ImageSeries, SeriesError> {
    let folder = Scratch::new("series");
    let options = SeriesOptions {
        slice_gap: gap,
        ..SeriesOptions::default()
    };
    read_series(&slices.write(&folder), &options)
}

/// Largest difference between a voxel and the field at its centre.
fn error(image: &ImageSeries) -> f64 {
    let grid = image.data.grid();
    let off = |(k, j, i): (usize, usize, usize), v: f64| (v - field(grid.centre(i, j, k))).abs();
    match &image.data {
        ImageData::I16(v) => v.data().indexed_iter().map(|(at, x)| off(at, f64::from(*x))).fold(0.0, f64::max),
        ImageData::F32(v) => v.data().indexed_iter().map(|(at, x)| off(at, f64::from(*x))).fold(0.0, f64::max),
    }
}

fn codes(image: &ImageSeries) -> Vec<&str> {
    image.notices.iter().map(|n| n.code).collect()
}

#[test]
fn every_orientation_is_placed_right() {
    let (s, c) = 0.3_f64.sin_cos();
    let oblique = Mat3::from_rotation_y(0.4) * Mat3::from_rotation_z(0.7);
    let all: [(&str, Axes); 9] = [
        ("head first supine", AXIAL),
        ("head first prone", (Vec3::NEG_X, Vec3::NEG_Y)),
        ("feet first supine", (Vec3::NEG_X, Vec3::Y)),
        ("feet first prone", (Vec3::X, Vec3::NEG_Y)),
        ("decubitus", (Vec3::Y, Vec3::NEG_X)),
        ("sagittal", (Vec3::Y, Vec3::NEG_Z)),
        ("coronal", (Vec3::X, Vec3::NEG_Z)),
        ("tilted about x", (Vec3::X, Vec3::new(0.0, c, s))),
        ("oblique", (oblique.x_axis, oblique.y_axis)),
    ];
    for (name, axes) in all {
        let image = read(&Slices::new(axes, 4), SliceGap::Auto).unwrap();
        let grid = image.data.grid();
        assert!(error(&image) <= 0.5 + 1e-6, "{name}: {}", error(&image));
        assert_eq!(grid.size(), [5, 6, 4], "{name}");
        // dcm2niix order: i along rows, j against columns, k along the normal, so the determinant is negative.
        assert!((grid.direction().x_axis - axes.0).length() < 1e-9, "{name}");
        assert!((grid.direction().y_axis + axes.1).length() < 1e-9, "{name}");
        assert!((grid.direction().z_axis - axes.0.cross(axes.1)).length() < 1e-9, "{name}");
        assert!(grid.direction().determinant() < 0.0, "{name}");
        assert!(codes(&image).is_empty(), "{name}: {:?}", image.notices);
        let uids: Vec<&str> = image.slices.iter().map(|s| s.sop_uid.as_str()).collect();
        assert_eq!(uids, ["1.2.3.0", "1.2.3.1", "1.2.3.2", "1.2.3.3"], "{name}");
    }
}

#[test]
fn the_example_of_the_specification() {
    // ps = [1.5, 2.0], dz 3, 4 x 5, IPP (-30,-20,100): RAS affine rows [-2,0,0,30], [0,1.5,0,15.5], [0,0,3,100].
    let mut slices = Slices::new(AXIAL, 3);
    (slices.spacing, slices.rows, slices.columns) = ([1.5, 2.0], 4, 5);
    slices.positions = (0..3).map(|k| Vec3::new(-30.0, -20.0, 100.0 + 3.0 * f64::from(k))).collect();
    let image = read(&slices, SliceGap::Auto).unwrap();
    let grid = image.data.grid();
    // LPS: x and y of the RAS affine with the other sign.
    assert!((grid.origin() - Vec3::new(-30.0, -15.5, 100.0)).length() < 1e-9);
    assert!((grid.centre(1, 1, 1) - grid.origin() - Vec3::new(2.0, -1.5, 3.0)).length() < 1e-9);
}

#[test]
fn a_gantry_tilt_keeps_its_shear() {
    let mut slices = Slices::new(AXIAL, 5);
    slices.positions.iter_mut().enumerate().for_each(|(k, p)| p.y += 0.8 * k as f64);
    let image = read(&slices, SliceGap::Auto).unwrap();
    // atan(0.8 / 3) = 14.93 degrees.
    assert!((image.gantry_tilt_deg - 14.931).abs() < 1e-3);
    assert_eq!(codes(&image), ["image.gantry_tilt"]);
    assert!(!image.data.grid().is_right_angled(0.1));
    assert!(error(&image) <= 0.5 + 1e-6);
}

#[test]
fn missing_slices_are_resampled_or_refused() {
    let mut slices = Slices::new(AXIAL, 8);
    slices.positions.remove(3);
    let image = read(&slices, SliceGap::Auto).unwrap();
    assert_eq!(image.data.grid().size(), [5, 6, 8]);
    assert!(image.resampled_slices);
    assert_eq!(codes(&image), ["series.uneven_spacing"]);
    assert_eq!(image.slices.len(), 7);
    // Rounding before and after a linear interpolation.
    assert!(error(&image) <= 1.0, "{}", error(&image));
    let refused = read(&slices, SliceGap::Fail).unwrap_err();
    assert_eq!(refused.code(), "series.slice_gap");
    slices.positions.remove(3);
    let refused = read(&slices, SliceGap::Auto).unwrap_err();
    assert!(
        matches!(refused, SeriesError::SliceGap { gap_mm, .. } if (gap_mm - 9.0).abs() < 1e-9),
        "{refused}"
    );
    let forced = read(&slices, SliceGap::Resample).unwrap();
    assert_eq!(forced.data.grid().size(), [5, 6, 8]);
    assert!(error(&forced) <= 1.0);
}

#[test]
fn two_reconstructions_are_told_apart() {
    let mut slices = Slices::new(AXIAL, 8);
    let again = slices.positions[..4].to_vec();
    slices.positions.truncate(4);
    slices.positions.extend(again);
    slices.edit = |k, set| {
        let set = set.integers(tag::ACQUISITION_NUMBER, &[if k < 4 { 2 } else { 1 }]);
        // The second reconstruction holds other values: a mix would show.
        if k < 4 {
            set.decimals(tag::RESCALE_INTERCEPT, &[5000.0])
        } else {
            set
        }
    };
    let image = read(&slices, SliceGap::Auto).unwrap();
    assert_eq!(image.data.grid().size(), [5, 6, 4]);
    assert_eq!(codes(&image), ["series.several_stacks"]);
    assert!(error(&image) <= 0.5 + 1e-6);
    slices.edit = |_, set| set;
    assert_eq!(read(&slices, SliceGap::Auto).unwrap_err().code(), "series.duplicate_position");
}

#[test]
fn acquisition_numbers_of_a_sequential_scan_do_not_split_it() {
    let mut slices = Slices::new(AXIAL, 8);
    slices.edit = |k, set| set.integers(tag::ACQUISITION_NUMBER, &[i64::try_from(k).unwrap()]);
    let image = read(&slices, SliceGap::Auto).unwrap();
    assert_eq!(image.data.grid().size(), [5, 6, 8]);
    assert!(codes(&image).is_empty());
}

#[test]
fn one_doubled_slice_goes_by_its_date() {
    let mut slices = Slices::new(AXIAL, 8);
    slices.positions.push(slices.positions[2]);
    slices.edit = |k, set| match k {
        8 => set.text(tag::INSTANCE_CREATION_DATE, "20240102"),
        2 => set
            .text(tag::INSTANCE_CREATION_DATE, "20240101")
            .decimals(tag::RESCALE_INTERCEPT, &[5000.0]),
        _ => set,
    };
    let image = read(&slices, SliceGap::Auto).unwrap();
    assert_eq!(codes(&image), ["series.duplicate_position"]);
    assert!(error(&image) <= 0.5 + 1e-6, "the later one is used");
}

#[test]
fn other_orientations_and_scouts_are_left_out() {
    let folder = Scratch::new("mixed");
    let axial = Slices::new(AXIAL, 5);
    let mut coronal = Slices::new((Vec3::X, Vec3::NEG_Z), 2);
    coronal.edit = |_, set| set;
    for k in 0..5 {
        folder.write(&format!("a{k}"), DicomFile::new(axial.set(k)).to_bytes());
    }
    for k in 0..2 {
        let mut set = coronal.set(k);
        set = set.text(tag::SOP_INSTANCE_UID, &format!("1.2.4.{k}"));
        if k == 0 {
            set = set.text(tag::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\LOCALIZER");
        }
        folder.write(&format!("c{k}"), DicomFile::new(set.in_order()).to_bytes());
    }
    let image = read_series(&series(&folder), &SeriesOptions::default()).unwrap();
    assert_eq!(image.data.grid().size(), [5, 6, 5]);
    assert_eq!(codes(&image), ["series.mixed_geometry"]);
    assert!(image.notices[0].detail.starts_with("1 of 6"), "{}", image.notices[0].detail);
}

#[test]
fn cells_and_rescale_of_all_kinds() {
    for (cells, rescale) in [
        ((16, 12, false), (1.0, -1024.0)),
        ((16, 16, true), (1.0, 0.0)),
        ((32, 32, true), (1.0, 0.0)),
        ((8, 8, false), (2.0, 100.0)),
        ((16, 16, false), (1.0, -3000.0)),
    ] {
        let mut slices = Slices::new(AXIAL, 3);
        (slices.cells, slices.rescale) = (cells, rescale);
        let image = read(&slices, SliceGap::Auto).unwrap();
        assert!(matches!(image.data, ImageData::I16(_)), "{cells:?}");
        assert!(error(&image) <= 0.5 * rescale.0 + 1e-6, "{cells:?}: {}", error(&image));
    }
    let mut slices = Slices::new(AXIAL, 3);
    slices.rescale = (0.25, -10.0);
    let image = read(&slices, SliceGap::Auto).unwrap();
    assert!(matches!(image.data, ImageData::F32(_)));
    assert!(error(&image) <= 0.125 + 1e-4);
}

#[test]
fn values_beyond_sixteen_bits_are_kept_as_floats() {
    let mut slices = Slices::new(AXIAL, 3);
    slices.edit = |_, set| set.decimals(tag::RESCALE_INTERCEPT, &[40_000.0]);
    let image = read(&slices, SliceGap::Auto).unwrap();
    let ImageData::F32(volume) = &image.data else {
        panic!("floats expected")
    };
    let grid = volume.grid();
    let expected = field(grid.centre(2, 2, 1)) + 1024.0 + 40_000.0;
    assert!((f64::from(volume.data()[[1, 2, 2]]) - expected).abs() <= 0.51);
}

#[test]
fn a_cut_slice_names_the_file_and_both_lengths() {
    let folder = Scratch::new("cut");
    let slices = Slices::new(AXIAL, 3);
    let entry = slices.write(&folder);
    let path = folder.join("998");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 10]).unwrap();
    let error = read_series(&entry, &SeriesOptions::default()).unwrap_err();
    assert_eq!(error.code(), "dicom.truncated");
    let text = error.to_string();
    assert!(text.contains("998") && text.contains("60 bytes declared, 50 there"), "{text}");
}

#[test]
fn a_file_that_changed_since_the_scan_is_told() {
    let folder = Scratch::new("changed");
    let mut slices = Slices::new(AXIAL, 3);
    let entry = slices.write(&folder);
    slices.rows = 7;
    folder.write("998", DicomFile::new(slices.set(1)).to_bytes());
    let error = read_series(&entry, &SeriesOptions::default()).unwrap_err();
    assert!(error.to_string().contains("changed since it was scanned"), "{error}");
}
