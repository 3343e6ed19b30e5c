use rt_image::components::{Connectivity, components};
use serde_json::Value;

use super::*;

fn cuboid(size: [usize; 3], spacing: [f64; 3], lo: [usize; 3], extent: [usize; 3]) -> Mask {
    let grid = Arc::new(Grid::axis_aligned(size, Vec3::ZERO, spacing).unwrap());
    Mask::from_block(&grid, lo, Array3::ones((extent[2], extent[1], extent[0]))).unwrap()
}

fn config(intensity: Intensity, mode: Mode) -> RobustnessConfig {
    RobustnessConfig {
        intensity,
        mode,
        ..RobustnessConfig::default()
    }
}

fn grid(mode: Mode) -> PerturbGrid {
    PerturbGrid::new(&config(Intensity::Standard, mode)).unwrap()
}

fn golden() -> Option<Value> {
    let root = std::env::var("RT_SHARED").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
    let path = std::path::Path::new(&root).join("data/golden/perturbation_reference.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not there", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn there_are_12_81_and_315_perturbations() {
    let count = |intensity| PerturbGrid::new(&config(intensity, Mode::Exact)).unwrap().perturbations().len();
    assert_eq!(
        [Intensity::Mild, Intensity::Standard, Intensity::Aggressive].map(count),
        [12, 81, 315]
    );
    let ids: Vec<String> = grid(Mode::Exact).perturbations().into_iter().map(|p| p.id).collect();
    assert_eq!(ids[0], "ntcv_v-15");
    assert!(ids.contains(&"ntcv_n10_t0_0_4_c1_v-15".to_owned()) && ids.contains(&"ntcv_n20_t0_0_-4_v0".to_owned()));
    let Some(golden) = golden() else { return };
    let theirs: Vec<&str> = golden["standard_ids"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_str().unwrap())
        .collect();
    assert_eq!(ids, theirs);
}

#[test]
fn masks_of_the_reference_mode_are_those_of_the_reference() {
    let Some(golden) = golden() else { return };
    // Volume 19 x 31 x 31, spacing 1 mm, box z 5..13, y 8..22, x 8..22.
    let mask = cuboid([31, 31, 19], [1.0; 3], [8, 8, 5], [15, 15, 9]);
    let states = geometries(&mask, &grid(Mode::Reference)).unwrap();
    let ids = grid(Mode::Reference).perturbations();
    for (id, voxels) in golden["standard_voxel_counts"].as_object().unwrap() {
        let at = ids.iter().find(|p| p.id == *id).unwrap().geometry;
        assert_eq!(states[at].mask.count() as u64, voxels.as_u64().unwrap(), "{id}");
    }
    // The small mask: which voxels go and come.
    let grid_of = Arc::new(Grid::axis_aligned([11, 11, 7], Vec3::ZERO, [1.0, 1.0, 3.0]).unwrap());
    let mut block = Array3::<u8>::zeros((7, 11, 11));
    block.slice_mut(s![2..5, 3..8, 3..8]).fill(1);
    block.slice_mut(s![2..5, 6..8, 6..8]).fill(0);
    block[[3, 8, 4]] = 1;
    let mask = Mask::from_block(&grid_of, [0; 3], block.clone()).unwrap();
    assert_eq!(mask.count() as u64, golden["mask"]["voxels"].as_u64().unwrap());
    for (at, d) in golden["signed_distance"].as_object().unwrap() {
        let p: Vec<usize> = at.split(',').map(|v| v.parse().unwrap()).collect();
        let ours = signed(block.view(), [1.0, 1.0, 3.0], Mode::Reference)[[p[0], p[1], p[2]]];
        assert!((ours - d.as_f64().unwrap()).abs() < 1e-6, "{at}: {ours} {d}");
    }
    for (change, expected) in golden["volume_adapt"].as_object().unwrap() {
        let new = resized(&mask, change.parse().unwrap(), &grid(Mode::Reference), "x").unwrap();
        let flat = |want_new: bool| -> Vec<u64> {
            let at = |n: usize| [n % 11, n / 11 % 11, n / 121];
            let is = |m: &Mask, n: usize| {
                let [i, j, k] = at(n);
                m.contains(i, j, k)
            };
            (0..847)
                .filter(|n| is(&new, *n) != is(&mask, *n) && is(&new, *n) == want_new)
                .map(|n| n as u64)
                .collect()
        };
        let list = |key: &str| -> Vec<u64> { expected[key].as_array().unwrap().iter().map(|v| v.as_u64().unwrap()).collect() };
        assert_eq!(new.count() as u64, expected["voxels"].as_u64().unwrap());
        assert_eq!((flat(false), flat(true)), (list("removed"), list("added")), "{change}");
    }
    for (key, draws) in golden["contour_draws"]["draws"].as_object().unwrap() {
        let (t, c) = key[1..].split_once('c').unwrap();
        let mut ours = Draws::new(&[42, 1, t.parse().unwrap(), c.parse().unwrap()]);
        for draw in draws.as_array().unwrap() {
            let magnitude = 1.0 + ours.uniform();
            let way = if ours.uniform() < 0.5 { "shrink" } else { "grow" };
            assert!((magnitude - draw[0].as_f64().unwrap()).abs() < 1e-15 && draw[1] == way, "{key}");
        }
    }
}

#[test]
fn a_smaller_volume_is_a_shell_less_on_all_sides() {
    let mask = cuboid([31, 31, 19], [1.0; 3], [8, 8, 5], [15, 15, 9]);
    let new = resized(&mask, -0.15, &grid(Mode::Exact), "x").unwrap();
    assert_eq!(new.count(), 1721);
    let centre = |m: &Mask| {
        let mut sum = [0.0; 3];
        for ((k, j, i), _) in m.block().indexed_iter().filter(|(_, v)| **v != 0) {
            for (a, v) in [i, j, k].into_iter().enumerate() {
                sum[a] += (v + m.lo()[a]) as f64 / m.count() as f64;
            }
        }
        sum
    };
    let apart: f64 = centre(&mask).iter().zip(centre(&new)).map(|(a, b)| (a - b).powi(2)).sum();
    assert!(apart.sqrt() < 0.1, "{}", apart.sqrt());
    // Something is gone from each of the six faces.
    let gone = |i: usize, j: usize, k: usize| mask.contains(i, j, k) && !new.contains(i, j, k);
    let face = |axis: usize, at: usize| {
        (0..31).any(|u| {
            (0..31).any(|v| match axis {
                0 => gone(at, u, v.min(18)),
                1 => gone(u, at, v.min(18)),
                _ => gone(u, v, at),
            })
        })
    };
    assert!(
        [(0, 8), (0, 22), (1, 8), (1, 22), (2, 5), (2, 13)]
            .iter()
            .all(|(a, at)| face(*a, *at))
    );
    let larger = resized(&mask, 0.30, &grid(Mode::Exact), "x").unwrap();
    assert_eq!(larger.count(), 2632); // 2632.5, ties to even
}

#[test]
fn a_contour_moves_by_what_was_drawn_in_both_directions() {
    let mask = cuboid([41, 41, 41], [1.0; 3], [12, 12, 12], [17, 17, 17]);
    let mut seen = [false; 2];
    for seed in 0..8 {
        let grid = PerturbGrid { seed, ..grid(Mode::Exact) };
        let original = [Geometry {
            mask: mask.clone(),
            contour_mm: 0.0,
        }];
        let drawn = randomised(&mask, &grid, [0, 1], &original).unwrap();
        seen[usize::from(drawn.contour_mm > 0.0)] = true;
        // Along the middle of each face.
        let width = (0..41).filter(|i| drawn.mask.contains(*i, 20, 20)).count() as f64;
        let change = (width - 17.0) / 2.0;
        assert!((change - drawn.contour_mm).abs() <= 0.5 + 1e-9, "{change} {}", drawn.contour_mm);
    }
    assert_eq!(seen, [true; 2]);
}

#[test]
fn moved_masks_keep_their_voxels_or_are_refused() {
    let mask = cuboid([20, 20, 20], [1.0, 1.0, 3.0], [5, 5, 5], [6, 6, 4]);
    let moved = translated(&mask, [0.0, 0.0, 4.0]).unwrap();
    // 4 mm are 1.33 slices of 3 mm: one slice.
    assert_eq!((moved.lo(), moved.count()), ([5, 5, 6], mask.count()));
    assert_eq!(components(&moved, Connectivity::TwentySix).count(), 1);
    assert!(translated(&mask, [0.0, 0.0, 40.0]).is_none());
    let at_the_end = cuboid([20, 20, 20], [1.0; 3], [5, 5, 15], [6, 6, 5]);
    assert_eq!(
        geometries(&at_the_end, &grid(Mode::Exact)).unwrap_err().code(),
        "robustness.clipped"
    );
}

#[test]
fn noise_depends_on_the_place_alone() {
    let grid = Arc::new(Grid::axis_aligned([31, 20, 10], Vec3::ZERO, [1.0; 3]).unwrap());
    let image = Volume::new(Arc::clone(&grid), Array3::<i16>::from_elem((10, 20, 31), 100)).unwrap();
    let samples = Samples::from(image.view());
    assert!(noisy(&samples, 0.0, 42).data().iter().all(|v| (*v - 100.0).abs() < f32::EPSILON));
    let a = noisy(&samples, 10.0, 42);
    assert_eq!(a.data(), noisy(&samples, 10.0, 42).data());
    assert_ne!(a.data(), noisy(&samples, 10.0, 43).data());
    let n = a.data().len() as f64;
    let mean = a.data().iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let sd = (a.data().iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n).sqrt();
    assert!((mean - 100.0).abs() < 0.5 && (sd - 10.0).abs() < 0.4, "{mean} {sd}");
}
