//! What is written agrees with what is said to be true.

use rt_testdata::dicom::{DataSet, Value, tag};
use rt_testdata::{Field, Kind, Mat3, Phantom, Shape, Vec3, cohort};

fn items(set: &DataSet, tag: rt_testdata::dicom::Tag) -> &[DataSet] {
    match &set.get(tag).unwrap().value {
        Value::Items(items) => items,
        other => panic!("{other:?} is no sequence"),
    }
}

fn numbers(set: &DataSet, tag: rt_testdata::dicom::Tag) -> Vec<f64> {
    set.text_of(tag).unwrap().split('\\').map(|t| t.trim().parse().unwrap()).collect()
}

#[test]
fn contours_enclose_the_volume_of_the_sphere() {
    let described = cohort().course(|c| c.ct([16, 16, 40]).spacing([2.0, 2.0, 1.0]).contour_decimals(6).sphere("S", 15.0));
    let course = &described.courses()[0];
    let truth = &course.truth().structures[0];
    // Planes 1 mm apart at +-0.5, 1.5, ... 14.5 mm: the sum of pi (225 - z^2) over 30 planes.
    let expected: f64 = (0..15)
        .map(|n| 2.0 * std::f64::consts::PI * (225.0 - (f64::from(n) + 0.5).powi(2)))
        .sum();
    assert!((truth.drawn_cc * 1000.0 - expected).abs() < 1e-6);
    assert_eq!(truth.contours, 30);
    assert!((truth.volume_cc - truth.drawn_cc).abs() / truth.volume_cc < 1e-3);

    let object = course.objects().into_iter().find(|o| o.kind == Kind::Structures).unwrap();
    let roi = &items(&object.file.set, tag::ROI_CONTOUR_SEQUENCE)[0];
    let mut total = 0.0;
    for contour in items(roi, tag::CONTOUR_SEQUENCE) {
        let xyz = numbers(contour, tag::CONTOUR_DATA);
        let points: Vec<Vec3> = xyz.chunks(3).map(Vec3::from_slice).collect();
        assert_eq!(
            numbers(contour, tag::NUMBER_OF_CONTOUR_POINTS)[0].to_bits(),
            (points.len() as f64).to_bits()
        );
        total += rt_testdata::shape::polygon_area(&points);
    }
    assert!((total - expected).abs() < 1e-2, "{total} {expected}");
}

#[test]
fn dose_samples_follow_the_formula_at_their_positions() {
    let turn = Mat3::from_rotation_z(0.3);
    let origin = Vec3::new(10.0, -200.0, 37.5);
    let field = Field::Gradient {
        at: Vec3::ZERO,
        gy: 30.0,
        per_mm: Vec3::new(0.05, -0.02, 0.1),
    };
    let described = cohort().course(|c| c.ct([32, 32, 20]).pose(origin, turn).sphere("S", 20.0).treat("P", 30.0, 15, field));
    let objects = described.courses()[0].objects();
    let set = &objects.iter().find(|o| o.kind == Kind::Dose).unwrap().file.set;
    let at = |t| numbers(set, t);
    let (position, axes, spacing) = (
        at(tag::IMAGE_POSITION_PATIENT),
        at(tag::IMAGE_ORIENTATION_PATIENT),
        at(tag::PIXEL_SPACING),
    );
    let (offsets, scaling) = (at(tag::GRID_FRAME_OFFSET_VECTOR), at(tag::DOSE_GRID_SCALING)[0]);
    let (row, column) = (Vec3::from_slice(&axes[..3]), Vec3::from_slice(&axes[3..]));
    let Value::Longs(samples) = &set.get(tag::PIXEL_DATA).unwrap().value else {
        panic!("32-bit samples")
    };
    let words = |t| match &set.get(t).unwrap().value {
        Value::Words(w) => usize::from(w[0]),
        other => panic!("{other:?}"),
    };
    let (rows, columns) = (words(tag::ROWS), words(tag::COLUMNS));
    assert_eq!(samples.len(), rows * columns * offsets.len());
    for (i, j, k) in [(0, 0, 0), (5, 3, 7), (columns - 1, rows - 1, offsets.len() - 1)] {
        // PS3.3 C.7.6.2.1.1: column index times the second spacing along the row direction, row index times the first.
        let p =
            Vec3::from_slice(&position) + row * (i as f64 * spacing[1]) + column * (j as f64 * spacing[0]) + row.cross(column) * offsets[k];
        let gy = f64::from(samples[(k * rows + j) * columns + i]) * scaling;
        let expected = field.at(turn.transpose() * (p - origin));
        assert!((gy - expected).abs() < 1e-6, "{gy} {expected} at {i} {j} {k}");
    }
}

#[test]
fn a_water_phantom_has_as_many_water_voxels_as_its_volume() {
    let shape = Shape::cuboid(Vec3::ZERO, Vec3::new(20.0, 15.0, 10.0));
    let described = cohort().course(|c| {
        c.ct([64, 64, 40])
            .spacing([1.0, 1.0, 1.0])
            .phantom(Phantom::water(shape))
            .sphere("S", 5.0)
    });
    let objects = described.courses()[0].objects();
    let water = objects
        .iter()
        .filter(|o| o.kind == Kind::Ct)
        .flat_map(|o| match &o.file.set.get(tag::PIXEL_DATA).unwrap().value {
            Value::Words(words) => words.clone(),
            other => panic!("{other:?}"),
        });
    // 40 x 30 x 20 mm3 with voxels of 1 mm3, centres at half millimetres: none on the border.
    assert_eq!(water.filter(|w| *w == 1024).count(), 24_000);
}
