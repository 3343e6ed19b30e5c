//! The anthropomorphic phantom of the shared data: a whole clinical chain (`data/alderson/README.md`).

use rt_core::{Silent, Vec3};
use rt_dicom::{
    ImageData, LinkRules, MetaCache, ScanOptions, SeriesOptions, link, read_dose, read_plan, read_series, read_structures, scan,
};
use rt_testdata::unpacked;

/// Area of a closed polygon in an axial plane, mm2 (shoelace).
fn area(points: &[Vec3]) -> f64 {
    let next = points.iter().cycle().skip(1);
    points.iter().zip(next).map(|(a, b)| a.x * b.y - b.x * a.y).sum::<f64>().abs() / 2.0
}

fn close(a: f64, b: f64, tol: f64) -> bool {
    (a - b).abs() <= tol
}

#[test]
fn the_whole_chain() {
    let Some(folder) = unpacked("data/alderson/alderson.zip") else {
        return;
    };
    let mut cache = MetaCache::default();
    let roots = [folder.path().to_path_buf()];
    let index = scan(&roots, &mut cache, &ScanOptions::default(), &Silent).unwrap();
    assert_eq!((index.files.len(), index.opened), (164, 164));
    let linkage = link(&index, &LinkRules::default());
    assert_eq!((linkage.courses.len(), linkage.rejects.len()), (1, 0));
    let course = &linkage.courses[0];
    assert_eq!(
        (course.plans.len(), course.doses.len(), course.structures.len(), course.images.len()),
        (1, 2, 1, 1)
    );
    assert!(course.structures[0].is_plan_referenced);
    assert_eq!(course.images[0].link, "referenced");
    assert!(course.notices.is_empty(), "{:?}", course.notices);
    image(&course.images[0].series);
    structures(&course.structures[0].object.file.path);
    plan(&course.plans[0].file.path);
    doses(&course.doses.iter().map(|d| d.file.path.clone()).collect::<Vec<_>>());
    let again = scan(&roots, &mut cache, &ScanOptions::default(), &Silent).unwrap();
    assert_eq!(again.opened, 0);
    assert_eq!(link(&again, &LinkRules::default()), linkage);
}

fn image(series: &rt_dicom::SeriesEntry) {
    let image = read_series(series, &SeriesOptions::default()).unwrap();
    let ImageData::I16(volume) = &image.data else {
        panic!("CT in whole numbers expected")
    };
    let grid = volume.grid();
    assert_eq!(grid.size(), [512, 512, 160]);
    // dcm2niix order: j against the rows, so the first voxel is the last row's.
    let origin = Vec3::new(-182.62891, -370.62891 + 511.0 * 0.742_187_5, -674.0);
    assert!((grid.origin() - origin).length() < 1e-6, "{}", grid.origin());
    assert!((grid.centre(0, 511, 159) - Vec3::new(-182.62891, -370.62891, -356.0)).length() < 1e-6);
    assert!(close(grid.spacing()[2], 2.0, 1e-9));
    assert!(
        !image.resampled_slices && !image.lossy && image.notices.is_empty(),
        "{:?}",
        image.notices
    );
    assert_eq!(image.header.unit, "HU");
    // Air in a corner, tissue in the middle of the pelvis.
    assert!(volume.data()[[80, 2, 2]] < -950);
    let middle = volume.data()[[80, 256, 256]];
    assert!((-200..300).contains(&middle), "{middle}");
}

fn structures(path: &std::path::Path) {
    let set = read_structures(path).unwrap();
    assert!(set.notices.is_empty(), "{:?}", set.notices);
    // Number, name, type, slices, volume of polygons times 2 mm in cm3 (README).
    let expected = [
        (2, "Body", "EXTERNAL", 160, 16406.52),
        (3, "PTV", "PTV", 10, 15.058),
        (4, "Bladder", "ORGAN", 23, 64.965),
        (5, "Rectum", "ORGAN", 32, 25.998),
        (6, "FemoralHead_L", "ORGAN", 16, 19.282),
        (7, "FemoralHead_R", "ORGAN", 15, 19.878),
    ];
    assert_eq!(set.rois.len(), expected.len());
    for (roi, (number, name, kind, slices, cc)) in set.rois.iter().zip(expected) {
        assert_eq!((roi.number, roi.name.as_str(), roi.interpreted_type.as_str()), (number, name, kind));
        assert_eq!(roi.contours.contours.len(), slices, "{name}");
        let volume: f64 = roi.contours.contours.iter().map(|c| area(&c.points) * 2.0 / 1000.0).sum();
        assert!(close(volume, cc, 0.006), "{name}: {volume}");
        assert!(roi.colour.is_some());
    }
}

fn plan(path: &std::path::Path) {
    let plan = read_plan(path).unwrap();
    let rx = plan.rx();
    assert_eq!((rx.total_gy, plan.fractions()), (Some(60.0), Some(20)));
    assert_eq!(rx.levels[0].roi, Some(3));
    assert_eq!(plan.beams.len(), 4);
    let treating: Vec<_> = plan.treatment_beams().collect();
    assert_eq!(treating.len(), 1);
    assert_eq!(treating[0].n_control_points, 76);
    assert!(treating[0].is_arc());
    let metersets: Vec<f64> = plan.fraction_groups[0].beams.iter().filter_map(|b| b.meterset).collect();
    assert_eq!(metersets.len(), 1);
    assert!(close(metersets[0], 390.0, 1.0));
    assert_eq!(plan.label, "test_vmat_gerd");
}

fn doses(paths: &[std::path::PathBuf]) {
    let doses: Vec<_> = paths.iter().map(|p| read_dose(p).unwrap()).collect();
    let mut kinds: Vec<&str> = doses.iter().map(|d| d.header.summation.as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["BEAM", "PLAN"]);
    assert_eq!(doses[0].volume, doses[1].volume);
    for dose in &doses {
        let grid = dose.volume.grid();
        // Columns 113, rows 76, frames 111: the README of the data names them in another order.
        assert_eq!(grid.size(), [113, 76, 111]);
        assert!(close(dose.header.max, 61.3592, 1e-4), "{}", dose.header.max);
        // The first stored row is the last of the volume.
        assert!((grid.centre(0, 75, 0) - Vec3::new(-158.8243, -286.1465, -679.0)).length() < 1e-4);
        assert!(close(grid.centre(0, 0, 110).z, -349.0, 1e-9));
        let beam = dose.header.summation == "BEAM";
        assert_eq!(
            dose.header.beams.iter().map(|b| b.beam).collect::<Vec<_>>(),
            if beam { vec![1] } else { vec![] }
        );
    }
}
