//! A grid comes back as it was written; files of other programs are placed by the rules of the definition.

use proptest::prelude::*;
use rt_core::{Grid, Mat3, Vec3};
use rt_nifti::{Encoding, GeometrySource, header, read_from};

use crate::support::{Raw1, bytes_of, ramp, small_grid};

fn orientations() -> Vec<Mat3> {
    let axes = [Vec3::X, Vec3::Y, Vec3::Z];
    let mut all = Vec::new();
    for (a, b, c) in [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)] {
        for signs in 0..8u32 {
            let sign = |bit: u32| if signs >> bit & 1 == 1 { -1.0 } else { 1.0 };
            all.push(Mat3::from_cols(axes[a] * sign(0), axes[b] * sign(1), axes[c] * sign(2)));
        }
    }
    all
}

#[test]
fn every_orthogonal_orientation_comes_back() {
    for direction in orientations() {
        let grid = Grid::new([3, 4, 5], Vec3::new(-101.3, 55.7, 1234.5), [0.976_562_5, 0.7, 2.5], direction).unwrap();
        let bytes = bytes_of(&ramp(grid.clone()), Encoding::Raw);
        let back = read_from::<i16>(&bytes[..], Some(bytes.len() as u64)).unwrap();
        assert_eq!(**back.grid(), grid);
    }
}

#[test]
fn uneven_slices_come_back() {
    let grid = small_grid().with_offsets(vec![0.0, 4.2]).unwrap();
    let grid3 = Grid::axis_aligned([2, 2, 4], Vec3::ZERO, [1.0; 3])
        .unwrap()
        .with_offsets(vec![0.0, 2.5, 3.0, 7.25])
        .unwrap();
    for grid in [grid, grid3] {
        let bytes = bytes_of(&ramp(grid.clone()), Encoding::GZIP);
        assert_eq!(**read_from::<i16>(&bytes[..], None).unwrap().grid(), grid);
    }
}

proptest! {
    #[test]
    fn oblique_left_handed_and_sheared_grids_come_back(
        (a, b, c) in (-3.0f64..3.0, -1.5f64..1.5, -3.0f64..3.0),
        tilt in -0.5f64..0.5, left in any::<bool>(),
        origin in prop::array::uniform3(-2000.0f64..2000.0),
        spacing in prop::array::uniform3(0.1f64..6.0),
        size in prop::array::uniform3(1usize..5),
    ) {
        let m = Mat3::from_rotation_z(a) * Mat3::from_rotation_y(b) * Mat3::from_rotation_x(c);
        let w = (m.z_axis + m.y_axis * tilt.tan()) * if left { -1.0 } else { 1.0 };
        let direction = Mat3::from_cols(m.x_axis, m.y_axis, w.normalize());
        let grid = Grid::new(size, origin.into(), spacing, direction).unwrap();
        let volume = ramp(grid.clone());
        for encoding in [Encoding::Raw, Encoding::GZIP] {
            let mut bytes = bytes_of(&volume, encoding);
            let back = read_from::<i16>(&bytes[..], Some(bytes.len() as u64)).unwrap();
            prop_assert_eq!(back.data(), volume.data());
            let far = Vec3::new(511.0, 511.0, 399.0);
            prop_assert!((back.grid().index_to_world(far) - grid.index_to_world(far)).length() < 1e-6);
            // Without our extension the header alone must do: single precision, 0.1 um at these distances would be too much to ask.
            if encoding == Encoding::Raw {
                for b in &mut bytes[348..352] { *b = 0; }
                let plain = read_from::<i16>(&bytes[..], None).unwrap();
                prop_assert!((plain.grid().index_to_world(far) - grid.index_to_world(far)).length() < 2e-3);
            }
        }
    }
}

#[test]
fn a_moved_image_with_a_copied_extension_is_placed_by_its_header() {
    let volume = ramp(small_grid());
    let mut bytes = bytes_of(&volume, Encoding::Raw);
    // srow_x[3] of the file is -origin.x = -1.5; another program moves it to +8.
    assert_eq!(f32::from_le_bytes(bytes[292..296].try_into().unwrap()), -1.5);
    bytes[292..296].copy_from_slice(&8f32.to_le_bytes());
    let moved = read_from::<i16>(&bytes[..], None).unwrap();
    assert_eq!(moved.grid().origin(), Vec3::new(-8.0, -2.25, 7.0));
}

#[test]
fn the_affine_of_a_foreign_file_is_read_as_ras() {
    // Diagonal 3 mm, RAS+: LPS directions -x, -y, +z, origin with x and y negated.
    let mut raw = Raw1::new([3, 2, 2, 2, 1, 1, 1, 1], 2, 8);
    raw.sform([[3.0, 0.0, 0.0, 10.0], [0.0, 3.0, 0.0, -20.0], [0.0, 0.0, 3.0, 30.0]]);
    let v = read_from::<u8>(&raw.with(&[0; 8])[..], None).unwrap();
    assert_eq!(v.grid().origin(), Vec3::new(-10.0, 20.0, 30.0));
    assert_eq!(v.grid().centre(1, 1, 1), Vec3::new(-13.0, 17.0, 33.0));
}

#[test]
fn the_sform_wins_over_the_qform_and_pixdim_is_the_last_resort() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v.nii");
    let mut raw = Raw1::new([3, 2, 1, 1, 1, 1, 1, 1], 2, 8);
    raw.put(80, &2f32.to_le_bytes()); // pixdim[1]
    std::fs::write(&path, raw.0.iter().chain(&[1, 2]).copied().collect::<Vec<u8>>()).unwrap();
    let h = header(&path).unwrap();
    assert_eq!(
        (h.geometry, h.grid.centre(1, 0, 0)),
        (GeometrySource::PixdimOnly, Vec3::new(-2.0, 0.0, 0.0))
    );
    // qform: half a turn about z (d = 1), offset 5: x runs backwards in RAS, forwards in LPS.
    raw.put(252, &1i16.to_le_bytes());
    raw.put(264, &1f32.to_le_bytes()); // quatern_d
    raw.put(268, &5f32.to_le_bytes()); // qoffset_x
    std::fs::write(&path, raw.0.iter().chain(&[1, 2]).copied().collect::<Vec<u8>>()).unwrap();
    let h = header(&path).unwrap();
    assert_eq!(
        (h.geometry, h.grid.centre(1, 0, 0)),
        (GeometrySource::Qform, Vec3::new(-3.0, 0.0, 0.0))
    );
    raw.sform([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]);
    std::fs::write(&path, raw.0.iter().chain(&[1, 2]).copied().collect::<Vec<u8>>()).unwrap();
    let h = header(&path).unwrap();
    assert_eq!(
        (h.geometry, h.grid.centre(1, 0, 0)),
        (GeometrySource::Sform, Vec3::new(-1.0, 0.0, 0.0))
    );
}

#[test]
fn metres_become_millimetres() {
    let mut raw = Raw1::new([3, 2, 1, 1, 1, 1, 1, 1], 2, 8);
    raw.put(123, &[1]); // xyzt_units: metre
    raw.sform([[0.002, 0.0, 0.0, 0.0], [0.0, 0.002, 0.0, 0.0], [0.0, 0.0, 0.004, 0.0]]);
    let v = read_from::<u8>(&raw.with(&[0; 2])[..], None).unwrap();
    assert!((v.grid().spacing()[2] - 4.0).abs() < 1e-6);
}
