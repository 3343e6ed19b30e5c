//! RTSTRUCT: contours as drawn, in all encodings, and the odd ones told.

use rt_core::Vec3;
use rt_dicom::{StructureSet, read_structures};
use rt_image::ContourKind;
use rt_testdata::dicom::{DataSet, DicomFile, Lengths, Syntax, tag};
use rt_testdata::{Scratch, cohort};

fn contour(kind: &str, points: i64, data: &str) -> DataSet {
    let set = DataSet::new()
        .integers(tag::NUMBER_OF_CONTOUR_POINTS, &[points])
        .text(tag::CONTOUR_DATA, data);
    if kind.is_empty() {
        set.in_order()
    } else {
        set.text(tag::CONTOUR_GEOMETRIC_TYPE, kind).in_order()
    }
}

fn set(rois: &[(i64, &str)], contours: Vec<(i64, Vec<DataSet>)>) -> DataSet {
    let roi = |(number, name): &(i64, &str)| DataSet::new().integers(tag::ROI_NUMBER, &[*number]).text(tag::ROI_NAME, name);
    let items = contours.into_iter().map(|(number, list)| {
        DataSet::new()
            .integers(tag::ROI_DISPLAY_COLOR, &[255, 128, 0])
            .items(tag::CONTOUR_SEQUENCE, list)
            .integers(tag::REFERENCED_ROI_NUMBER, &[number])
    });
    let observation = DataSet::new()
        .integers(tag::OBSERVATION_NUMBER, &[1])
        .integers(tag::REFERENCED_ROI_NUMBER, &[1])
        .text(tag::RT_ROI_INTERPRETED_TYPE, "PTV");
    DataSet::new()
        .text(tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.481.3")
        .text(tag::SOP_INSTANCE_UID, "1.3.1")
        .text(tag::MODALITY, "RTSTRUCT")
        .text(tag::STRUCTURE_SET_LABEL, "RS")
        .items(tag::STRUCTURE_SET_ROI_SEQUENCE, rois.iter().map(roi).collect())
        .items(tag::ROI_CONTOUR_SEQUENCE, items.collect())
        .items(tag::RT_ROI_OBSERVATIONS_SEQUENCE, vec![observation])
        .in_order()
}

fn read(set: DataSet) -> StructureSet {
    let folder = Scratch::new("rs");
    read_structures(&folder.write("rs", DicomFile::new(set).to_bytes())).unwrap()
}

#[test]
fn contours_come_as_drawn() {
    let square = "0\\0\\5\\10\\0\\5\\10\\10.5\\5\\0\\10\\5";
    let closed = "0\\0\\8\\1\\0\\8\\1\\1\\8\\0\\0\\8";
    let read = read(set(
        &[(1, "PTV"), (2, "marker"), (3, "empty")],
        vec![
            (1, vec![contour("CLOSED_PLANAR", 4, square), contour("CLOSEDPLANAR_XOR", 4, closed)]),
            (
                2,
                vec![contour("POINT", 1, "1.25\\-2\\3e1"), contour("OPEN_PLANAR", 2, "0\\0\\0\\1\\1\\0")],
            ),
        ],
    ));
    assert!(read.notices.is_empty(), "{:?}", read.notices);
    let names: Vec<&str> = read.rois.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["PTV", "marker", "empty"]);
    assert_eq!(read.rois[0].interpreted_type, "PTV");
    assert_eq!(read.rois[0].colour, Some([255, 128, 0]));
    let first = &read.rois[0].contours.contours;
    assert_eq!(first[0].points[2], Vec3::new(10.0, 10.5, 5.0));
    assert_eq!(
        (first[0].points.len(), first[1].points.len()),
        (4, 3),
        "the repeated last point goes"
    );
    assert_eq!(first[1].kind, ContourKind::ClosedPlanarXor);
    let second = &read.rois[1].contours.contours;
    assert_eq!(
        (second[0].kind, second[0].points[0]),
        (ContourKind::Point, Vec3::new(1.25, -2.0, 30.0))
    );
    assert_eq!(second[1].kind, ContourKind::OpenPlanar);
    assert!(read.rois[2].contours.contours.is_empty());
}

#[test]
fn odd_contours_are_counted_and_the_rest_kept() {
    let good = "0\\0\\5\\10\\0\\5\\10\\10\\5";
    let read = read(set(
        &[(1, "A"), (1, "again"), (2, "")],
        vec![
            (
                1,
                vec![
                    contour("CLOSED_PLANAR", 3, good),
                    contour("CLOSED_PLANAR", 4, good),
                    contour("CLOSED_PLANAR", 2, "0\\0\\5\\10\\0"),
                    contour("CLOSED_PLANAR", 1, "0\\nan\\5"),
                    contour("CLOSED_PLANAR", 0, ""),
                    contour("CIRCLE", 3, good),
                ],
            ),
            (7, vec![contour("CLOSED_PLANAR", 3, good)]),
        ],
    ));
    let codes: Vec<&str> = read.notices.iter().map(|n| n.code).collect();
    assert_eq!(
        codes,
        [
            "struct.roi_repeated",
            "struct.roi_unnamed",
            "struct.roi_dangling",
            "struct.contour_data",
            "struct.contour_empty",
            "struct.contour_points",
            "struct.contour_type"
        ]
    );
    assert!(read.notices[3].detail.starts_with("2 contours"));
    let numbers: Vec<(i32, &str, usize)> = read
        .rois
        .iter()
        .map(|r| (r.number, r.name.as_str(), r.contours.contours.len()))
        .collect();
    assert_eq!(numbers, [(1, "A", 3), (2, "unnamed_2", 0), (7, "unnamed_7", 1)]);
}

#[test]
fn names_are_decoded() {
    let mut object = set(&[(1, "x")], vec![]);
    object = object.text(tag::SPECIFIC_CHARACTER_SET, "ISO_IR 192").in_order();
    object.items_mut(tag::STRUCTURE_SET_ROI_SEQUENCE)[0] = DataSet::new().integers(tag::ROI_NUMBER, &[1]).with(
        tag::ROI_NAME,
        *b"LO",
        rt_testdata::dicom::Value::Bytes("Płuco żółte".as_bytes().to_vec()),
    );
    assert_eq!(read(object).rois[0].name, "Płuco żółte");
}

#[test]
fn all_encodings_give_the_same_set() {
    let mut sets = Vec::new();
    for syntax in [Syntax::ExplicitLittle, Syntax::ImplicitLittle, Syntax::ExplicitBig] {
        for lengths in [Lengths::Defined, Lengths::Undefined] {
            let folder = Scratch::new("encodings");
            let course = |c: rt_testdata::Course| c.ct([32, 32, 12]).sphere("PTV", 30.0).encoding(syntax, lengths);
            cohort().seed(3).course(course).write(folder.path()).unwrap();
            let path = walk(folder.path(), "RTSTRUCT");
            sets.push(read_structures(&path).unwrap());
        }
    }
    assert!(sets[0].rois[0].contours.contours.len() > 2);
    assert!(sets.iter().all(|s| *s == sets[0]));
}

/// The first file whose path holds `part`.
fn walk(root: &std::path::Path, part: &str) -> std::path::PathBuf {
    let (relative, _) = rt_testdata::tree(root)
        .into_iter()
        .find(|(p, _)| p.contains(part) || p.contains("RS"))
        .unwrap();
    root.join(relative)
}
