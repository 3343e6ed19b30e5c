//! A torso whose tissue of every voxel is known: the truth is the solid that covers the voxel's centre.

use std::sync::{Arc, OnceLock};

use ndarray::Array3;
use rt_core::{Grid, Mat3, Silent, Vec3};
use rt_image::Volume;
use rt_seg::ClassicalTask;
use rt_seg::classical::{Anatomy, ClassicalError, Parameters, segment};
use rt_testdata::Phantom;
use rt_testdata::seed::Seed;

const SIZE: [usize; 3] = [144, 144, 56];
const SPACING: [f64; 3] = [3.0, 3.0, 6.0];

struct Torso {
    ct: Volume<i16>,
    /// Name of the covering solid, by voxel `[k, j, i]`.
    tissue: Array3<&'static str>,
}

fn torso() -> &'static Torso {
    static TORSO: OnceLock<Torso> = OnceLock::new();
    TORSO.get_or_init(|| {
        let line = |a: usize| {
            (0..SIZE[a])
                .map(|n| (n as f64 - (SIZE[a] as f64 - 1.0) / 2.0) * SPACING[a])
                .collect::<Vec<_>>()
        };
        let (x, y, z) = (line(0), line(1), line(2));
        let half = Vec3::new(216.0, 216.0, 168.0);
        let seed = Seed::new(7);
        let phantom = Phantom::torso(half, &mut seed.stream());
        let shape = (SIZE[2], SIZE[1], SIZE[0]);
        let mut hu = Array3::zeros(shape);
        for (k, z) in z.iter().enumerate() {
            let slice = phantom.render_ct(&x, &y, *z, seed, k as u64);
            for (n, v) in slice.iter().enumerate() {
                #[expect(clippy::cast_possible_truncation, reason = "HU")]
                let v = v.round() as i16;
                hu[[k, n / SIZE[0], n % SIZE[0]]] = v;
            }
        }
        let tissue = Array3::from_shape_fn(shape, |(k, j, i)| {
            let p = Vec3::new(x[i], y[j], z[k]);
            phantom
                .parts
                .iter()
                .rev()
                .find(|part| part.shape.contains(p))
                .map_or("Air", |part| part.name)
        });
        let grid = Grid::axis_aligned(SIZE, Vec3::new(x[0], y[0], z[0]), SPACING).unwrap();
        Torso {
            ct: Volume::new(grid, hu).unwrap(),
            tissue,
        }
    })
}

fn find(ct: &Volume<i16>) -> Anatomy {
    segment(ct.view(), &ClassicalTask::ALL, &Parameters::default(), &Silent).unwrap()
}

/// Voxels of a region; all false when it was not found.
fn region(found: &Anatomy, task: ClassicalTask, name: &str) -> Array3<bool> {
    let map = found.labels(task);
    let value = map.labels.iter().find(|l| l.name == name).map_or(u16::MAX, |l| l.value);
    map.volume.data().map(|v| *v == value)
}

fn dice(a: &Array3<bool>, b: &Array3<bool>) -> f64 {
    let both = a.iter().zip(b).filter(|(a, b)| **a && **b).count();
    let sum = a.iter().chain(b).filter(|v| **v).count();
    2.0 * both as f64 / sum as f64
}

#[test]
fn every_region_agrees_with_the_solids_that_made_the_image() {
    let (torso, found) = (torso(), find(&torso().ct));
    let solid = |names: &[&str]| torso.tissue.map(|t| names.contains(t));
    let body = torso.tissue.map(|t| *t != "Air" && *t != "Couch");
    // Expected accuracy of spec/segmentation.md section 4: body 0.99, lungs 0.96, bone 0.80 to 0.90.
    for (task, name, truth, least) in [
        (ClassicalTask::Body, "classical_body", body, 0.99),
        (ClassicalTask::Body, "classical_couch", solid(&["Couch"]), 0.80),
        (ClassicalTask::Lungs, "classical_lung_left", solid(&["Lung_L"]), 0.96),
        (ClassicalTask::Lungs, "classical_lung_right", solid(&["Lung_R"]), 0.96),
        (ClassicalTask::Lungs, "classical_airway", solid(&["Trachea"]), 0.85),
        (
            ClassicalTask::Bones,
            "classical_bone",
            solid(&["Ribs", "Spine", "Sternum", "Pelvis"]),
            0.85,
        ),
    ] {
        let d = dice(&region(&found, task, name), &truth);
        assert!(d >= least, "{name}: Dice {d:.4}, expected at least {least}");
    }
    assert_eq!(found.findings(ClassicalTask::Lungs).count(), 0);
}

#[test]
fn regions_do_not_depend_on_how_the_voxels_are_stored() {
    let ct = &torso().ct;
    let expected = find(ct);
    let g = ct.grid();
    // Voxel order of dcm2niix: columns to the right, rows to the front, seen from voxel (n-1, m-1, 0).
    let turned = Grid::new(
        g.size(),
        g.centre(SIZE[0] - 1, SIZE[1] - 1, 0),
        SPACING,
        Mat3::from_cols(Vec3::NEG_X, Vec3::NEG_Y, Vec3::Z),
    )
    .unwrap();
    let mut data = ct.data().clone();
    data.invert_axis(ndarray::Axis(1));
    data.invert_axis(ndarray::Axis(2));
    let turned = Volume::new(turned, data).unwrap();
    // A coronal stack: slices along y, rows to the feet.
    let size = [SIZE[0], SIZE[2], SIZE[1]];
    let coronal = Grid::new(
        size,
        g.centre(0, 0, SIZE[2] - 1),
        [SPACING[0], SPACING[2], SPACING[1]],
        Mat3::from_cols(Vec3::X, Vec3::NEG_Z, Vec3::Y),
    )
    .unwrap();
    let mut data = ct.data().clone().permuted_axes([1, 0, 2]);
    data.invert_axis(ndarray::Axis(1));
    let coronal = Volume::new(coronal, data).unwrap();
    for stored in [turned, coronal] {
        let found = find(&stored);
        for task in ClassicalTask::ALL {
            let (a, b) = (expected.labels(task), found.labels(task));
            assert_eq!(a.labels, b.labels);
            let grid = b.volume.grid();
            for ((k, j, i), v) in a.volume.data().indexed_iter().filter(|(_, v)| **v != 0) {
                let at = grid.world_to_index(g.centre(i, j, k));
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index of the same lattice")]
                let [i, j, k] = at.to_array().map(|x| x.round() as usize);
                assert_eq!(b.volume.data()[[k, j, i]], *v);
            }
        }
    }
}

#[test]
fn a_tilted_stack_gives_the_same_body() {
    // The same anatomy scanned with the gantry leaning by 12 degrees: slices are z planes whose rows begin further back slice by slice.
    let torso = torso();
    let lean = 12f64.to_radians();
    let w = Vec3::new(0.0, lean.sin(), lean.cos());
    let g = torso.ct.grid();
    let step = SPACING[2] / lean.cos();
    let grid = Grid::new(
        SIZE,
        g.origin(),
        [SPACING[0], SPACING[1], step],
        Mat3::from_cols(Vec3::X, Vec3::Y, w),
    )
    .unwrap();
    // Nearest voxel of the straight stack at each position of the leaning one: slices lie at the same heights.
    let data = Array3::from_shape_fn(grid.shape(), |(k, j, i)| {
        let back = (k as f64 * SPACING[2] * lean.tan() / SPACING[1]).round();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a row")]
        let row = j + back as usize;
        torso.ct.data().get([k, row, i]).copied().unwrap_or(-1000)
    });
    let tilted = Volume::new(grid, data).unwrap();
    let found = find(&tilted);
    let cc = |a: &Anatomy| {
        let map = a.labels(ClassicalTask::Body);
        let n = map.volume.data().iter().filter(|v| **v == 1).count();
        n as f64 * map.volume.grid().voxel_volume_mm3() / 1000.0
    };
    let (straight, leaning) = (cc(&find(&torso.ct)), cc(&found));
    assert!((leaning / straight - 1.0).abs() < 0.01, "{leaning} against {straight} cm3");
    assert!(found.findings(ClassicalTask::Body).any(|f| f.code == "seg.tilt_straightened"));
}

#[test]
fn the_result_does_not_depend_on_threads() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| find(&torso().ct))
    };
    let (one, four) = (run(1), run(4));
    for task in ClassicalTask::ALL {
        assert_eq!(one.labels(task), four.labels(task));
    }
}

#[test]
fn an_image_without_a_patient_is_refused() {
    let grid = Arc::new(Grid::axis_aligned([32, 32, 8], Vec3::ZERO, [3.0; 3]).unwrap());
    let air = Volume::filled(Arc::clone(&grid), -1000i16);
    let refused = segment(air.view(), &[ClassicalTask::Body], &Parameters::default(), &Silent).unwrap_err();
    assert_eq!(refused.code(), "seg.no_body");
    let full = Volume::filled(grid, 40i16);
    assert!(matches!(
        segment(full.view(), &ClassicalTask::ALL, &Parameters::default(), &Silent),
        Ok(_) | Err(ClassicalError::NoBody { .. })
    ));
}

#[test]
fn images_of_one_slice_or_one_voxel_do_not_panic() {
    for size in [[1, 1, 1], [40, 40, 1], [1, 40, 40], [3, 2, 2]] {
        let grid = Grid::axis_aligned(size, Vec3::ZERO, [2.0; 3]).unwrap();
        for hu in [-1000i16, 40, i16::MAX, i16::MIN] {
            drop(segment(
                Volume::filled(grid.clone(), hu).view(),
                &ClassicalTask::ALL,
                &Parameters::default(),
                &Silent,
            ));
        }
    }
}
